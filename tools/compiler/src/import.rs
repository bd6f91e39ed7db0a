//! Import: a model file becomes a [`Graph`], the first step on the host's way.
//!
//! Files are input from outside. Whatever the bytes, the answer is a graph that keeps every rule of
//! [`crate::check`], or an [`ImportError`] that says where the trouble stands and what would help.

use std::path::Path;

use crate::graph::Graph;

mod error;
mod onnx;
mod settle;
mod tflite;
mod uint8;

pub use error::{ImportError, NodeProblem, Problem};
pub use uint8::{WeightsMoved, requantize_u8};

/// Name of each ONNX operator that import accepts, and of the [`crate::graph::Op`]s that it may become.
pub fn onnx_operators() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    onnx::accepted::accepted()
}

/// As [`onnx_operators`], for TFLite.
pub fn tflite_operators() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    tflite::accepted::accepted()
}

/// An ONNX file is a protobuf message whose first field is its version, field 1 as a varint.
const ONNX_VERSION_FIELD: u8 = 0x08;

/// Reads a model file; its first bytes say which format it has.
pub fn import(path: &Path) -> Result<Graph, ImportError> {
    let bytes = std::fs::read(path)
        .map_err(|source| ImportError::Read { file: path.display().to_string(), source })?;
    import_bytes(&path.display().to_string(), &bytes)
}

/// As [`import`], from bytes in memory; `file` appears in messages and, without folders and
/// extension, becomes the graph's name.
pub fn import_bytes(file: &str, bytes: &[u8]) -> Result<Graph, ImportError> {
    import_bytes_as(file, bytes, &[])
}

/// Name and extents of an input whose size the file leaves open; an empty name stands for the first input.
pub type InputShape = (String, Vec<usize>);

/// As [`import_bytes`], with extents for inputs of ONNX models whose size the file leaves open.
pub fn import_bytes_as(file: &str, bytes: &[u8], shapes: &[InputShape]) -> Result<Graph, ImportError> {
    let mut graph = if bytes.get(4..8) == Some(b"TFL3") {
        tflite::import(file, bytes)?
    } else if bytes.first() == Some(&ONNX_VERSION_FIELD) {
        onnx::import(file, bytes, shapes)?
    } else {
        return Err(ImportError::UnknownFormat { file: file.into() });
    };
    graph.name = Path::new(file).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
    Ok(graph)
}
