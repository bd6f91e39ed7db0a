//! Detectors in training: where the anchors of a contract stand, which of them answers for which object, and what
//! their numbers cost.
//!
//! The contract says how boxes are spelled, and training, the float detector and the device all follow it, so what
//! is trained here needs no decoder of its own.

use ocelli_compiler::contract::{BoxLayout, Boxes};
use ocelli_compiler::detector::Decoder;
use ocelli_compiler::graph::TensorId;
use ocelli_compiler::quantize::Head;
use ocelli_eval::TrueBox;
use ocelli_vision::Transform;

use crate::error::TrainError;
use crate::network::Network;

mod assign;
mod loss;

pub(crate) use loss::Outputs;

/// An object in a picture that a network sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Object {
    /// The model's class.
    pub class: usize,
    /// Left, top, right, bottom, where 1 is the input's width and height.
    pub bounds: [f32; 4],
    /// Neither finding nor missing it counts.
    pub is_ignored: bool,
}

/// The anchors of a contract's heads, in the order of the outputs' rows.
#[derive(Clone, Debug)]
pub struct Detector {
    contract: Boxes,
    layout: BoxLayout,
    anchors: Vec<Anchor>,
}

/// Where an anchor stands; 1 is the input's width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Anchor {
    centre: [f32; 2],
    size: [f32; 2],
    /// From its cell to the next.
    step: [f32; 2],
    /// Anchors of one size on one grid are a group.
    group: usize,
}

impl Detector {
    /// The one of a contract.
    ///
    /// # Errors
    /// [`TrainError::Model`] for boxes that are spelled in a way that is not trained.
    pub fn new(model: &str, contract: &Boxes) -> Result<Detector, TrainError> {
        let wrong = |problem: &str| TrainError::Model { model: model.into(), problem: problem.into() };
        let Some(layout) = contract.layout.clone() else {
            return Err(wrong(
                "its contract has no [boxes.layout]; training has to know how boxes are spelled",
            ));
        };
        if layout.decoder != Decoder::Exponential || !layout.logits {
            return Err(wrong("boxes are trained with `decoder = \"exponential\"` and `logits = true`"));
        }
        if layout.objectness.is_some() || layout.has_background || !contract.keypoints.is_empty() {
            return Err(wrong(
                "boxes are trained without `objectness`, `has_background` and `keypoints`; take them out of the contract",
            ));
        }
        let mut anchors = Vec::new();
        let mut groups = 0;
        for grid in &layout.heads {
            for cell in 0..grid.rows * grid.columns {
                let place = [(cell % grid.columns) as f32, (cell / grid.columns) as f32];
                let centre = [0, 1].map(|axis| grid.first[axis] + grid.step[axis] * place[axis]);
                for (index, &size) in grid.anchors.iter().enumerate() {
                    anchors.push(Anchor { centre, size, step: grid.step, group: groups + index });
                }
            }
            groups += grid.anchors.len();
        }
        Ok(Detector { contract: contract.clone(), layout, anchors })
    }

    /// What the contract says of boxes.
    pub fn contract(&self) -> &Boxes {
        &self.contract
    }

    /// The layout of the outputs.
    pub fn layout(&self) -> &BoxLayout {
        &self.layout
    }

    fn classes(&self) -> usize {
        self.contract.labels.len()
    }

    /// The tensors of scores and of boxes.
    ///
    /// # Errors
    /// [`TrainError::Model`] for a network that has none of that size.
    pub(crate) fn outputs(&self, network: &Network) -> Result<[TensorId; 2], TrainError> {
        let graph = &network.graph;
        let find = |name: &str, columns: usize| {
            let wanted = self.anchors.len() * columns;
            let found = graph.outputs.iter().copied().find(|&id| graph.tensors[id].name == name);
            let elements = found.map_or(0, |id| graph.tensors[id].elements());
            found.filter(|_| elements == wanted).ok_or_else(|| TrainError::Model {
                model: graph.name.clone(),
                problem: format!(
                    "the contract wants an output {name:?} of {wanted} numbers, {columns} for each anchor, and the model has {}",
                    if elements == 0 { "none of that name".to_owned() } else { format!("{elements}") }
                ),
            })
        };
        Ok([find(&self.layout.scores, self.classes())?, find(&self.layout.boxes, 4)?])
    }

    /// The heads as the float detector knows them: tensor 0 holds all scores, tensor 1 all boxes.
    pub(crate) fn heads(&self) -> Vec<Head> {
        let mut first = 0;
        let head = |grid: &ocelli_compiler::detector::Grid| {
            let head = Head {
                scores: 0,
                first_score: first,
                boxes: 1,
                first_box: first,
                objectness: None,
                grid: grid.clone(),
                classes: self.classes(),
                has_background: false,
                logits: true,
                spelling: self.layout.spelling(0),
            };
            first += grid.anchor_count();
            head
        };
        self.layout.heads.iter().map(head).collect()
    }
}

/// Boxes of a frame as objects of the input; what the input does not show is left out.
pub fn objects(boxes: &[TrueBox], transform: &Transform) -> Vec<Object> {
    let (source, target) = (transform.source(), transform.target());
    let place = |at: f32, from: [usize; 2], to: [usize; 2], side: usize| {
        let inside = (at - from[0] as f32) * to[1] as f32 / from[1] as f32;
        (to[0] as f32 + inside.clamp(0.0, to[1] as f32)) / side as f32
    };
    let x = |at| place(at, [source.x, source.width], [target.x, target.width], transform.input_width());
    let y = |at| place(at, [source.y, source.height], [target.y, target.height], transform.input_height());
    let object = |truth: &TrueBox| {
        let [left, top, right, bottom] = truth.bounds;
        let bounds = [x(left), y(top), x(right), y(bottom)];
        Object { class: truth.class, bounds, is_ignored: truth.is_ignored }
    };
    boxes.iter().map(object).filter(Object::has_area).collect()
}

impl Object {
    /// Whether anything of it is there.
    pub(crate) fn has_area(&self) -> bool {
        let [left, top, right, bottom] = self.bounds;
        right > left && bottom > top
    }
}

#[cfg(test)]
mod tests;
