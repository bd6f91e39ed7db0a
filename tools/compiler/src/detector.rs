//! How a detector spells boxes: grids of anchors, and rows of numbers relative to them.
//!
//! A source model decodes its boxes itself, or a contract says how. Either way the same description goes
//! through quantization into the artefact; [`place`] is its meaning in real numbers, in plain loops, which
//! the float detector uses and which a decoding part of a graph is compared with before it is cut off.

mod grids;
mod recognise;

use serde::Deserialize;

pub(crate) use grids::grids_of;
pub(crate) use recognise::{Answer, Tail, recognise};

use crate::contract::BoxLayout;

/// How boxes are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decoder {
    /// Widths and heights as multiples of the anchor's (BlazeFace).
    Linear,
    /// Widths and heights as exponents (SSD, YOLOX).
    Exponential,
    /// Centres as a sigmoid inside their cell, widths and heights as exponents (YOLO v2 to v4).
    SigmoidExponential,
    /// Centres as a sigmoid around their cell, widths and heights as the square of twice a sigmoid (YOLO v5, v7).
    SigmoidSquare,
    /// Distances of the edges as the mean of bins, weighted by a softmax (YOLO v8 and after).
    Distribution,
}

/// What the numbers of an anchor's row mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Spelling {
    /// How boxes are spelled.
    pub decoder: Decoder,
    /// Index in an anchor's row of x centre, y centre, width, height; of a distribution the group of bins
    /// of the left, top, right and bottom edge.
    pub field_order: [u8; 4],
    /// What centres and keypoints are divided by; for sigmoids, what their distance from the middle is.
    pub centre_scale: f32,
    /// What widths and heights are divided by.
    pub size_scale: f32,
    /// Bins of each edge of a distribution; 0 otherwise.
    pub bins: usize,
    /// Points in a row, behind the first four numbers.
    pub keypoints: usize,
}

/// The anchors of a feature map.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Rows of cells.
    pub rows: usize,
    /// Columns of cells.
    pub columns: usize,
    /// Width and height of each anchor of a cell, relative to the input; one as large as the cell otherwise.
    #[serde(default)]
    pub anchors: Vec<[f32; 2]>,
    /// x and y of the first cell's centre, relative to the input; half a step otherwise.
    #[serde(default)]
    pub first: [f32; 2],
    /// From one cell to the next; an even grid over the whole input otherwise.
    #[serde(default)]
    pub step: [f32; 2],
}

/// What a graph computed of its outputs, before that was cut off.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// The outputs are those of the heads' layers.
    Heads(DecodedHeads),
    /// The outputs hold the rows of all heads, as a contract may describe them.
    Rows(BoxLayout),
}

/// What a graph computed of the outputs of its heads.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedHeads {
    /// What rows mean.
    pub spelling: Spelling,
    /// What scores are.
    pub scoring: Scoring,
    /// One a feature map.
    pub heads: Vec<DecodedHead>,
}

/// What a graph made of its scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// Nothing: they are logits.
    Logits,
    /// A logistic function of each.
    Logistic,
    /// A softmax over the classes of an anchor.
    Softmax,
    /// A logistic function of each class times that of objectness.
    Product,
}

/// A feature map, its parts among the outputs of the cut graph.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedHead {
    /// Where its anchors stand.
    pub grid: Grid,
    /// Boxes.
    pub boxes: Part,
    /// Classes.
    pub scores: Part,
    /// Whether there is an object at all, where that is not one of the classes.
    pub objectness: Option<Part>,
}

/// Channels of an output that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which output of the graph, `[1, rows, columns, anchors * row]`.
    pub output: usize,
    /// Channels of an anchor.
    pub row: usize,
    /// First channel of the part among them.
    pub first: usize,
    /// How many belong to it.
    pub columns: usize,
}

impl Spelling {
    /// Numbers in an anchor's row.
    pub fn columns(&self) -> usize {
        match self.decoder {
            Decoder::Distribution => 4 * self.bins,
            _ => 4 + 2 * self.keypoints,
        }
    }

    /// What a number of a row is divided by.
    pub fn scale_of(&self, column: usize) -> f32 {
        match self.name_of(column) {
            Some(2 | 3) => self.size_scale,
            _ => self.centre_scale,
        }
    }

    /// 0 to 3 for x, y, width and height (or the edges of a distribution), `None` for keypoints.
    pub fn name_of(&self, column: usize) -> Option<usize> {
        let column = column.checked_div(self.bins).unwrap_or(column);
        self.field_order.iter().position(|&field| usize::from(field) == column)
    }
}

impl Grid {
    /// Fills in what was left out.
    pub(crate) fn complete(&mut self) {
        if self.step == [0.0; 2] {
            self.step = [1.0 / self.columns as f32, 1.0 / self.rows as f32];
        }
        if self.first == [0.0; 2] {
            self.first = self.step.map(|step| step / 2.0);
        }
        if self.anchors.is_empty() {
            self.anchors = vec![self.step];
        }
    }

    /// Anchors of all cells.
    pub fn anchor_count(&self) -> usize {
        self.rows * self.columns * self.anchors.len()
    }
}

/// Bounds (left, top, right, bottom) and keypoints of an anchor of a grid from its row, where 1 is the
/// input's width and height.
pub fn place(spelling: &Spelling, grid: &Grid, anchor: usize, row: &[f32]) -> ([f64; 4], Vec<[f64; 2]>) {
    let cell = anchor / grid.anchors.len();
    let cell = [cell % grid.columns, cell / grid.columns];
    let size = grid.anchors[anchor % grid.anchors.len()].map(f64::from);
    let step = grid.step.map(f64::from);
    let centre: [f64; 2] =
        std::array::from_fn(|axis| f64::from(grid.first[axis]) + step[axis] * cell[axis] as f64);
    let (centre_scale, size_scale) = (f64::from(spelling.centre_scale), f64::from(spelling.size_scale));
    let number = |name: usize| f64::from(row[usize::from(spelling.field_order[name])]);
    let bounds = if spelling.decoder == Decoder::Distribution {
        let distance = |edge: usize, axis: usize| {
            let first = usize::from(spelling.field_order[edge]) * spelling.bins;
            mean_bin(&row[first..first + spelling.bins]) * size[axis]
        };
        [
            centre[0] - distance(0, 0),
            centre[1] - distance(1, 1),
            centre[0] + distance(2, 0),
            centre[1] + distance(3, 1),
        ]
    } else {
        let along = |axis: usize| {
            let (position, extent) = (number(axis), number(2 + axis));
            let middle = match spelling.decoder {
                Decoder::SigmoidExponential | Decoder::SigmoidSquare => {
                    centre[axis] + (logistic(position) - 0.5) / centre_scale * step[axis]
                }
                _ => centre[axis] + position / centre_scale * size[axis],
            };
            let extent = match spelling.decoder {
                Decoder::Linear => extent / size_scale,
                Decoder::SigmoidSquare => (2.0 * logistic(extent)).powi(2),
                _ => (extent / size_scale).exp(),
            };
            [middle - extent * size[axis] / 2.0, middle + extent * size[axis] / 2.0]
        };
        let ([left, right], [top, bottom]) = (along(0), along(1));
        [left, top, right, bottom]
    };
    let keypoint = |index: usize| {
        std::array::from_fn(|axis| {
            centre[axis] + f64::from(row[4 + 2 * index + axis]) / centre_scale * size[axis]
        })
    };
    (bounds, (0..spelling.keypoints).map(keypoint).collect())
}

/// `1 / (1 + exp(-x))`.
pub(crate) fn logistic(value: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-value))
}

/// The mean of 0, 1, 2 ..., weighted by a softmax.
pub(crate) fn mean_bin(values: &[f32]) -> f64 {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |value: f32| f64::from(value - largest).exp();
    let total: f64 = values.iter().map(|&value| weight(value)).sum();
    values.iter().enumerate().map(|(bin, &value)| bin as f64 * weight(value)).sum::<f64>() / total
}
