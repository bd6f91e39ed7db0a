//! The board's memory map, whose models the device takes, and the model that it begins with, as modules.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    ocelli_board_build::Board::from_path({board_table})?{key}.generate()?;
    Ok(ocelli_build::Artefact::from_path({model}).module("model").generate()?)
}
