//! The whole verb: a model file becomes an artefact and a report.
//!
//! import -> fold -> contract -> (calibrate, quantize) -> lower -> eliminate -> compress -> plan -> self-test -> write.
//! Models that come quantized skip the step in brackets. The last four are repeated, with smaller forms of weights, as long
//! as the file is over its budget.

use std::path::{Path, PathBuf};

use ocelli_format::model::Model;
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_vision::ImageInput;

use crate::compress::Goal;
use crate::contract::{self, Contract, ContractError, attach, lift_heads};
use crate::eliminate::{Eliminated, eliminate};
use crate::execute::ExecuteError;
use crate::fold::fold;
use crate::graph::{Element, Graph};
use crate::import::{self, ImportError};
use crate::inspect::inspect;
use crate::plan::{Budget, Profile};
use crate::quantize::{
    self, Calibration, CalibrationError, CalibrationImage, Method, QuantizeError, Quantized, QuantizedHead,
};
use crate::report::{OutputQuality, Report, sha256_hex};
use crate::{lower, provenance};

mod pack;

use pack::Packed;

/// What to convert for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Folders and files of calibration pictures and patches.
    pub calibration: Vec<PathBuf>,
    /// A contract file; found by the model's name otherwise.
    pub contract: Option<PathBuf>,
    /// How ranges of activations are chosen.
    pub method: Method,
    /// Extents of inputs whose size the file leaves open.
    pub input_shapes: Vec<import::InputShape>,
    /// Version of the model; 1 otherwise.
    pub version: Option<String>,
    /// Key and value pairs for the provenance, for example a licence.
    pub provenance: Vec<(String, String)>,
    /// How much RAM the memory plan may need, and how the input comes.
    pub budget: Budget,
    /// Bytes that the artefact may have; no limit otherwise.
    pub flash_bytes: Option<u64>,
    /// The most noise of an output in percent of its signal, for which activations may become int16.
    pub drop_percent: Option<f64>,
    /// Profiles that get a schedule of their own, besides the portable one.
    pub profiles: Vec<Profile>,
    /// Leave out what a device has no use for, and every schedule but the one of this profile.
    pub strip: Option<Profile>,
    /// Leave channels in that no output depends on.
    pub keep_dead_channels: bool,
    /// What weights are stored for.
    pub compress: Goal,
}

/// A converted model.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The quantized graph that was lowered.
    pub graph: Graph,
    /// The artefact as owned values, before anything is stripped.
    pub model: Model,
    /// The artefact's bytes, stripped if that was asked for.
    pub bytes: Vec<u8>,
    /// What there is to tell.
    pub report: Report,
}

/// Why a model was not converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The model file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The model file cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The contract does not serve.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The model is float and there is nothing to say how pictures become its input.
    #[error(
        "model {model:?} is float, and nothing says which pixels it wants; give a contract with an [input] (`--contract`) and pictures (`--calibration`)"
    )]
    NoInput {
        /// Name of the model.
        model: String,
    },
    /// The input is no picture.
    #[error(
        "input {tensor:?} of shape {shape:?} is no picture [1, H, W, 1 or 3] of the contract's layout; correct `layout` in the contract, or quantize a model that sees no pictures where it was trained and convert its int8 TFLite"
    )]
    InputShape {
        /// Name of the tensor.
        tensor: String,
        /// Its axes.
        shape: Vec<usize>,
    },
    /// A budget of what may be lost, for a model that has lost it.
    #[error(
        "model {model:?} came quantized, so nothing says what it lost; leave drop= out, or convert its float form"
    )]
    NoFloat {
        /// Name of the model.
        model: String,
    },
    /// The calibration data cannot be used.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// The model cannot be quantized.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// The quantized model does not run.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// More bytes than the budget allows, with all weights in their smallest forms.
    #[error(
        "model {model:?} takes {needed_bytes} bytes of flash, {} more than the budget of {budget_bytes}, with all weights in their smallest forms; {advice}", needed_bytes - budget_bytes
    )]
    Flash {
        /// Name of the model.
        model: String,
        /// The smallest file that was found.
        needed_bytes: u64,
        /// What was asked for.
        budget_bytes: u64,
        /// What to do next.
        advice: &'static str,
    },
}

/// Converts the model file at `path`.
///
/// # Errors
/// [`ConvertError`].
pub fn convert(path: &Path, options: &Options) -> Result<Conversion, ConvertError> {
    let (mut graph, source_sha256) = read_graph_as(path, &options.input_shapes)?;
    let contract = Contract::find(path, options.contract.as_deref())?.unwrap_or_default();
    let source = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());

    let mut origin = Origin { source, source_sha256, ..Origin::default() };
    let mut heads = Vec::new();
    if is_float(&graph) {
        if contract.input.is_none() {
            return Err(ConvertError::NoInput { model: graph.name });
        }
        let calibration = Calibration::open(&options.calibration)?;
        let quantized;
        (quantized, origin) = calibrate(graph, &contract, calibration, origin, options)?;
        graph = quantized.graph;
        heads = quantized.heads;
    } else if options.drop_percent.is_some() {
        return Err(ConvertError::NoFloat { model: graph.name });
    } else if let Some(boxes) = &contract.boxes {
        heads = lift_heads(&mut graph, boxes)?
            .into_iter()
            .map(|head| QuantizedHead::of_quantized(&graph, head))
            .collect();
    }
    assemble(graph, &contract, &heads, origin, options)
}

/// Where a quantized graph comes from: what the report and the artefact's provenance tell of it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The source file, without folders.
    pub source: String,
    /// SHA-256 of the source file, in hexadecimal.
    pub source_sha256: String,
    /// What activations were calibrated on; nothing for models that came quantized.
    pub calibration: Vec<CalibrationImage>,
    /// How many samples were made of it.
    pub samples: usize,
    /// How it was quantized, where it came in float.
    pub quantization: Option<String>,
    /// How near every output comes to float.
    pub outputs: Vec<OutputQuality>,
}

impl Origin {
    /// With what quantization tells.
    pub fn of(self, quantized: &Quantized) -> Origin {
        let graph = &quantized.graph;
        let names = graph.outputs.iter().map(|&id| graph.tensors[id].name.clone());
        let quality = |(name, &sqnr_db)| OutputQuality { name, sqnr_db };
        let outputs = names.zip(&quantized.output_sqnr_db).map(quality).collect();
        Origin { quantization: Some(quantized.way.to_string()), outputs, ..self }
    }
}

/// The second half of [`convert`]: a quantized graph becomes an artefact.
///
/// # Errors
/// [`ConvertError`].
pub fn assemble(
    graph: Graph,
    contract: &Contract,
    heads: &[QuantizedHead],
    origin: Origin,
    options: &Options,
) -> Result<Conversion, ConvertError> {
    let mut lowered = lower::lower(&graph).map_err(ExecuteError::from)?;
    let eliminated = if options.keep_dead_channels { Eliminated::default() } else { eliminate(&mut lowered) };
    attach(&mut lowered, contract, heads)?;
    let mut model = lowered.model;
    model.version = options.version.clone().unwrap_or_else(|| "1".into());
    model.provenance =
        provenance::pairs(&origin.source, &origin.source_sha256, &origin.calibration, origin.samples);
    if let Some(way) = &origin.quantization {
        model.provenance.push(("quantization".to_string(), way.clone()));
        model.provenance.extend(provenance::kept_channels(&lowered.kept_channels));
    }
    if eliminated.is_something() {
        model.provenance.push(("eliminated".to_string(), eliminated.to_string()));
    }
    model.provenance.extend(options.provenance.iter().cloned());
    let Packed { stored, whole, bytes } = pack::pack(&mut model, options)?;
    let aligned = AlignedBytes::copy_of(&whole);
    let artefact = Artefact::parse(&aligned)
        .map_err(|error| ExecuteError::Engine { model: model.name.clone(), problem: error.to_string() })?;
    let report = Report {
        model: model.name.clone(),
        source: origin.source,
        source_sha256: origin.source_sha256,
        warnings: graph.warnings.clone(),
        calibration: origin.calibration,
        calibration_samples: origin.samples,
        quantization: origin.quantization,
        outputs: origin.outputs,
        eliminated,
        stored,
        artefact: inspect(&artefact, whole.len()),
    };
    Ok(Conversion { graph, model, bytes, report })
}

/// The folded graph of a model file, and the file's SHA-256 in hexadecimal.
pub(crate) fn read_graph(path: &Path) -> Result<(Graph, String), ConvertError> {
    read_graph_as(path, &[])
}

/// As [`read_graph`], with extents for inputs whose size the file leaves open.
fn read_graph_as(path: &Path, shapes: &[import::InputShape]) -> Result<(Graph, String), ConvertError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| ConvertError::Read { path: file.clone(), source })?;
    let mut graph = import::import_bytes_as(&file, &bytes, shapes)?;
    import::requantize_u8(&mut graph);
    fold(&mut graph);
    Ok((graph, sha256_hex(&bytes)))
}

/// Whether a graph still has to be quantized.
pub(crate) fn is_float(graph: &Graph) -> bool {
    graph.inputs.iter().any(|&id| graph.tensors[id].element == Element::F32)
}

/// Quantizes a float graph, and adds to its origin what it was calibrated on.
fn calibrate(
    mut graph: Graph,
    contract: &Contract,
    calibration: Calibration,
    origin: Origin,
    options: &Options,
) -> Result<(Quantized, Origin), ConvertError> {
    let input = contract.input.as_ref().ok_or_else(|| ConvertError::NoInput { model: graph.name.clone() })?;
    let heads = match &contract.boxes {
        Some(boxes) => lift_heads(&mut graph, boxes)?,
        None => Vec::new(),
    };
    let scaling = input.scaling();
    let samples = calibration.samples(&image_input(&graph, input)?, &scaling)?;
    let images = calibration.into_images();
    let quantize_options = quantize::Options {
        method: options.method,
        input: Some(scaling.clone()),
        heads,
        score_threshold: contract.boxes.as_ref().map_or(0.5, |boxes| boxes.score_threshold),
        keep_weights: false,
        drop_percent: options.drop_percent,
    };
    let quantized = quantize::quantize(graph, &samples, &quantize_options)?;
    let origin = Origin { calibration: images, samples: samples.len(), ..origin }.of(&quantized);
    Ok((quantized, origin))
}

/// The model's input as preprocessing wants it described.
///
/// # Errors
/// [`ConvertError::InputShape`] when it is no picture of the contract's layout.
pub fn image_input(graph: &Graph, input: &contract::Input) -> Result<ImageInput, ConvertError> {
    let (layout, resize) = contract::layout(input);
    let channels = ocelli_vision::channels(layout);
    let tensor = graph.inputs.first().map(|&id| &graph.tensors[id]);
    let shape = tensor.map_or(&[][..], |tensor| &tensor.shape);
    match (shape, graph.inputs.len()) {
        (&[1, height, width, found], 1) if found == channels => {
            Ok(ImageInput { width, height, layout, resize, border: input.border })
        }
        _ => Err(ConvertError::InputShape {
            tensor: tensor.map_or_else(String::new, |tensor| tensor.name.clone()),
            shape: shape.to_vec(),
        }),
    }
}
