//! The board's memory map, and the model as a module.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    ocelli_board_build::Board::from_path({board_table})?.generate()?;
    Ok(ocelli_build::Artefact::from_path({model}).module("model").generate()?)
}
