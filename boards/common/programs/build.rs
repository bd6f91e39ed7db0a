//! The build script of every board: memory map, and the model of `detect` as a module.

use std::path::Path;
use std::{env, fs};

use ocelli_build::{Artefact, Board, Error};

/// Names the artefact that `detect` carries.
const MODEL: &str = "OCELLI_MODEL";

fn main() -> Result<(), Error> {
    println!("cargo:rerun-if-env-changed={MODEL}");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return Ok(());
    }
    Board::from_path("board.toml")?.generate()?;
    match env::var_os(MODEL) {
        Some(path) => Artefact::from_path(path).module("model").generate(),
        None => without_model(),
    }
}

/// `camera-check` needs no model; `detect` says what it lacks.
fn without_model() -> Result<(), Error> {
    let directory = env::var_os("OUT_DIR").ok_or(Error::NoOutDirectory)?;
    let path = Path::new(&directory).join("model.rs");
    let text = "compile_error!(\"OCELLI_MODEL names no artefact: `cargo xtask boards` sets it\");\n";
    fs::write(&path, text).map_err(|source| Error::File { path, source })
}
