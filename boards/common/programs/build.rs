//! The build script of every board: memory map, and the model of `detect` as a module.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use ocelli_board_build::Board;
use ocelli_build::Artefact;

/// Names the artefact that `detect` carries.
const MODEL: &str = "OCELLI_MODEL";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed={MODEL}");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return Ok(());
    }
    Board::from_path("board.toml")?.generate()?;
    match env::var_os(MODEL) {
        Some(path) => Ok(Artefact::from_path(path).module("model").generate()?),
        None => without_model(),
    }
}

/// `camera-check` needs no model; `detect` says what it lacks.
fn without_model() -> Result<(), Box<dyn Error>> {
    let path = Path::new(&env::var("OUT_DIR")?).join("model.rs");
    let text = "compile_error!(\"OCELLI_MODEL names no artefact: `cargo xtask boards` sets it\");\n";
    Ok(fs::write(path, text)?)
}
