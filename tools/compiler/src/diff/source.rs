//! The source model as the comparison needs it: its graph, and the model that it becomes where that is
//! certain.

use std::path::Path;

use ocelli_format::model::Model;

use crate::convert::{Conversion, ConvertError, Options, convert, is_float, read_graph};
use crate::graph::Graph;

/// A source model.
pub struct Source {
    pub(super) file: String,
    pub(super) graph: Graph,
    /// What it converts to, when it came quantized.
    pub(super) expected: Option<Model>,
}

impl Source {
    /// Imports the model file at `path`; one that came quantized is converted as well.
    ///
    /// # Errors
    /// [`ConvertError`].
    pub fn open(path: &Path, contract: Option<&Path>) -> Result<Source, ConvertError> {
        let file = path.display().to_string();
        let (graph, _) = read_graph(path)?;
        if is_float(&graph) {
            return Ok(Source { file, graph, expected: None });
        }
        let options = Options { contract: contract.map(Path::to_owned), ..Options::default() };
        let Conversion { model, graph, .. } = convert(path, &options)?;
        Ok(Source { file, graph, expected: Some(model) })
    }

    /// Whether the source came quantized, so that every number of an artefact must be equal.
    pub fn is_exact(&self) -> bool {
        self.expected.is_some()
    }
}
