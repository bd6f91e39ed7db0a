//! The build script of every board: memory map, and the model of `detect` and whose models it takes as modules.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use ocelli_board_build::Board;
use ocelli_build::Artefact;

/// Names the artefact that `detect` carries.
const MODEL: &str = "OCELLI_MODEL";

/// Names the public key of whoever may push models to the device.
const KEY: &str = "OCELLI_KEY";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed={MODEL}");
    println!("cargo:rerun-if-env-changed={KEY}");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return Ok(());
    }
    let board = Board::from_path("board.toml")?;
    match env::var_os(KEY) {
        Some(path) => board.key(path)?.generate()?,
        None => board.generate()?,
    }
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
