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
    pub(super) converted: Option<Converted>,
}

/// What a quantized model becomes.
pub(super) struct Converted {
    /// Without dead channels.
    pub(super) lean: Model,
    /// With all channels of the source.
    pub(super) whole: Model,
}

impl Converted {
    /// The one that an artefact was made like: the whole one where all its tensors are whole.
    pub(super) fn like(&self, artefact: &Model) -> &Model {
        let is_whole = artefact.tensors.len() == self.whole.tensors.len()
            && artefact.tensors.iter().zip(&self.whole.tensors).all(|(one, other)| one.shape == other.shape);
        if is_whole { &self.whole } else { &self.lean }
    }
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
            return Ok(Source { file, graph, converted: None });
        }
        let options = Options { contract: contract.map(Path::to_owned), ..Options::default() };
        let Conversion { model: lean, graph, .. } = convert(path, &options)?;
        let whole = convert(path, &Options { keep_dead_channels: true, ..options })?.model;
        Ok(Source { file, graph, converted: Some(Converted { lean, whole }) })
    }

    /// Whether the source came quantized, so that every number of an artefact must be equal.
    pub fn is_exact(&self) -> bool {
        self.converted.is_some()
    }
}
