//! What an application has to know about a model, out of its artefact.

use std::collections::BTreeSet;
use std::path::Path;

use ocelli_engine::Kernel;
use ocelli_engine::operators::{DepthwiseConv2dInLines, DepthwiseConv2dInScratch};
use ocelli_format::{
    AlignedBytes, Artefact, OperatorKind, OperatorStepView, OutputContractView, StepView, Storage, TensorId,
    Texts,
};
use ocelli_vision::{ImageInput, scratch_words};

use crate::Error;

/// What a module says.
#[derive(Clone, Debug)]
pub struct Facts {
    pub name: String,
    pub version: String,
    pub answer_id: [u8; 32],
    /// Of the bytes, which have been parsed.
    pub checksum: u32,
    /// Of the schedule, which may be another than was asked for.
    pub profile: String,
    pub arena_bytes: u32,
    /// Words that the preprocess stage borrows; 0 where no input is an image.
    pub preprocess_words: usize,
    /// Operators by their name in `ops!`.
    pub operators: BTreeSet<String>,
    /// Operators for weights that are not stored dense or are laid out anew, by their name in `ops!`.
    pub row_operators: BTreeSet<String>,
    /// Whether the schedule rolls rows through several operators.
    pub has_row_groups: bool,
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    pub outcome: Outcome,
}

/// An input or output.
#[derive(Clone, Debug)]
pub struct Port {
    pub name: String,
    pub shape: Vec<u32>,
    pub bytes: usize,
}

/// What the outputs mean.
#[derive(Clone, Debug)]
pub enum Outcome {
    Boxes {
        labels: Vec<String>,
        keypoints: Vec<String>,
    },
    Classes {
        labels: Vec<String>,
    },
    /// Points, by name where they have names.
    Points {
        names: Vec<String>,
    },
    Mask {
        labels: Vec<String>,
    },
    Spots {
        labels: Vec<String>,
    },
    Embedding,
    Numbers {
        names: Vec<String>,
    },
    Tensors,
}

impl Facts {
    /// Reads the artefact in `bytes`, which came from `path`.
    pub fn read(bytes: &[u8], path: &Path, profile: &str) -> Result<Facts, Error> {
        let aligned = AlignedBytes::copy_of(bytes);
        let artefact =
            Artefact::parse(&aligned).map_err(|source| Error::Parse { path: path.to_owned(), source })?;
        let schedule = artefact.schedule_for(profile).ok_or_else(|| Error::NoSchedule {
            path: path.to_owned(),
            profile: profile.to_owned(),
            available: artefact.schedules().map(|schedule| schedule.profile().to_owned()).collect(),
        })?;
        let mut contracts = artefact.output_contracts();
        let owned = |texts: Texts<'_>| texts.iter().map(str::to_owned).collect();
        // A pipeline has one outcome; with several contracts an application reads the tensors.
        let outcome = match (contracts.next(), contracts.next()) {
            (Some(OutputContractView::Boxes(boxes)), None) => {
                Outcome::Boxes { labels: owned(boxes.labels), keypoints: owned(boxes.keypoints) }
            }
            (Some(OutputContractView::Classes(classes)), None) => {
                Outcome::Classes { labels: owned(classes.labels) }
            }
            (Some(OutputContractView::Points(points)), None) => {
                Outcome::Points { names: owned(points.names) }
            }
            (Some(OutputContractView::Mask(cells)), None) => Outcome::Mask { labels: owned(cells.labels) },
            (Some(OutputContractView::Spots(cells)), None) => Outcome::Spots { labels: owned(cells.labels) },
            (Some(OutputContractView::Embedding(_)), None) => Outcome::Embedding,
            (Some(OutputContractView::Numbers(numbers)), None) => {
                Outcome::Numbers { names: owned(numbers.names) }
            }
            _ => Outcome::Tensors,
        };
        let steps: Vec<OperatorStepView<'_>> = schedule.steps().flat_map(operator_steps).collect();
        // The form of weights that have kernels of their own: as they are stored, or as the schedule lays them out.
        let form = |step: &OperatorStepView<'_>| {
            let operator = artefact.operator(step.operator);
            let stored = operator.inputs.get(WEIGHTS).map(|&weights| artefact.tensor(weights).storage());
            let relaid = step.layout_of(WEIGHTS).map(|_| Storage::Relaid);
            (operator.kind, relaid.or(stored.filter(|storage| storage.is_of_weights())))
        };
        // The smallest kernel that serves every step, where there are several.
        let name = |kind: OperatorKind| {
            let serves = |kernel: &Kernel| {
                let mut steps = steps.iter().filter(|step| artefact.operator(step.operator).kind == kind);
                steps.all(|step| kernel.serves(&artefact, &schedule, step))
            };
            let part = PARTS.iter().find(|(_, part)| part.kind() == kind && serves(part));
            part.map_or_else(|| kind.to_string(), |(name, _)| (*name).to_owned())
        };
        let port = |&tensor: &TensorId| Port {
            name: artefact.tensor_name(tensor).to_owned(),
            shape: artefact.tensor(tensor).axes().to_vec(),
            bytes: artefact.tensor(tensor).bytes(),
        };
        let words = artefact.input_contracts().filter_map(|contract| {
            let image =
                ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape()).ok()?;
            Some(scratch_words(image.width, image.layout))
        });
        Ok(Facts {
            name: artefact.name().to_owned(),
            version: artefact.version().to_owned(),
            answer_id: artefact.answer_id(),
            checksum: artefact.checksum(),
            profile: schedule.profile().to_owned(),
            arena_bytes: schedule.arena_bytes,
            preprocess_words: words.max().unwrap_or(0),
            operators: steps
                .iter()
                .map(form)
                .filter(|(_, form)| form.is_none())
                .map(|(kind, _)| name(kind))
                .collect(),
            row_operators: steps
                .iter()
                .map(form)
                .filter_map(|(kind, form)| Some(format!("{kind}{}", form?)))
                .collect(),
            has_row_groups: schedule.steps().any(|step| matches!(step, StepView::RowGroup(_))),
            inputs: artefact.inputs().iter().map(port).collect(),
            outputs: artefact.outputs().iter().map(port).collect(),
            outcome,
        })
    }
}

/// Kernels that are parts of another one, by their name in `ops!`, the smallest first.
const PARTS: [(&str, &Kernel); 2] = [
    ("DepthwiseConv2dInLines", DepthwiseConv2dInLines::KERNEL),
    ("DepthwiseConv2dInScratch", DepthwiseConv2dInScratch::KERNEL),
];

/// The operand that has forms.
const WEIGHTS: usize = 1;

/// The operator of a step, or those of a row group.
fn operator_steps(step: StepView<'_>) -> Vec<OperatorStepView<'_>> {
    match step {
        StepView::Operator(step) => vec![step],
        StepView::RowGroup(group) => group.inner().map(|row| row.step).collect(),
        _ => Vec::new(),
    }
}
