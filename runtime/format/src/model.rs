//! An artefact as owned values: what the compiler builds and the writer turns into bytes.
//!
//! Names and meanings are those of `SPEC.md`; the reader's views mirror them without a heap.

mod from_artefact;

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};

use crate::{Operator, PixelLayout, ResizeMode, Storage};

pub use crate::contract::{BoxDecoder, Field, SelfTest, Suppression};
pub use crate::tensor::{Element, OperatorId, State, TensorId};

/// One artefact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Name, for example `face_detection_short_range`.
    pub name: String,
    /// Version of the model, chosen by its maker.
    pub version: String,
    /// Key and value pairs: source file and its hash, tool version, calibration images, licence.
    pub provenance: Vec<(String, String)>,
    /// Every tensor of the graph.
    pub tensors: Vec<Tensor>,
    /// Constants that are to be stored in another form than dense.
    pub storage: BTreeMap<TensorId, Storage>,
    /// Operators in one valid order of execution.
    pub operators: Vec<Node>,
    /// Graph inputs.
    pub inputs: Vec<TensorId>,
    /// Graph outputs.
    pub outputs: Vec<TensorId>,
    /// Tensors that keep their value from run to run.
    pub states: Vec<State>,
    /// How frames become inputs, at most one for each input.
    pub input_contracts: Vec<InputContract>,
    /// What the outputs mean.
    pub output_contracts: Vec<OutputContract>,
    /// At least one, each with a profile of its own.
    pub schedules: Vec<Schedule>,
    /// Proof that a device computes what the host computed.
    pub self_test: Option<SelfTest>,
}

/// A tensor of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name in the source model, for messages.
    pub name: String,
    /// Element type.
    pub element: Element,
    /// Axes, outermost first, at most `Shape::MAX_RANK`.
    pub shape: Vec<u32>,
    /// Scale of an int8 activation or of per-tensor weights, as the bits of an IEEE 754 single;
    /// for display only, 0 where there is none.
    pub scale_bits: u32,
    /// The int8 value that stands for 0.
    pub zero_point: i8,
    /// Little-endian bytes of a constant, dense and in canonical layout; `None` for activations.
    pub data: Option<Vec<u8>>,
}

/// An operator and its operands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name in the source model, for messages.
    pub name: String,
    /// What it computes.
    pub operator: Operator,
    /// Operands in the order that [`Operator`] states.
    pub inputs: Vec<TensorId>,
    /// Results.
    pub outputs: Vec<TensorId>,
}

/// How a camera frame becomes an input tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct InputContract {
    /// The input it fills, `[1, H, W, 1 or 3]` int8.
    pub tensor: TensorId,
    /// Gray, red first or blue first.
    pub layout: PixelLayout,
    /// How the frame is fitted.
    pub resize: ResizeMode,
    /// Brightness of the border that letterboxing adds, 0 to 255.
    pub border: u8,
    /// Subtracted from a pixel of 0 to 255, per channel, as bits of IEEE 754 singles; for display only.
    pub mean_bits: [u32; 3],
    /// Divides what is left, per channel, as bits of IEEE 754 singles; for display only.
    pub deviation_bits: [u32; 3],
    /// Quantized value of each pixel value 0 to 255: one table for all channels, or one a channel.
    pub tables: Vec<[i8; 256]>,
}

/// What outputs mean.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OutputContract {
    /// Scores of classes, the highest wins.
    Classes {
        /// The output, its innermost axis the classes.
        tensor: TensorId,
        /// One a class, or none.
        labels: Vec<String>,
        /// Probability, in `1 / 65536`, of each int8 value -128 to 127.
        scores: Box<[u16; 256]>,
    },
    /// Boxes relative to anchors, with keypoints.
    Boxes(Boxes),
    /// Points of something that fills the model's input.
    Points(Points),
    /// What every cell of a grid shows.
    Mask(Cells),
    /// A vector that is near those of the same thing.
    Embedding {
        /// The output.
        tensor: TensorId,
    },
    /// Middles of things on a grid.
    Spots(Cells),
    /// Numbers that stand for themselves.
    Numbers {
        /// The output.
        tensor: TensorId,
        /// How each stored value becomes its number, in `1 / 65536`.
        fields: Vec<Field>,
        /// One a number, or none.
        names: Vec<String>,
    },
}

/// Points of something that fills the model's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// The output: for each point `stride` values, of which the first two are x and y.
    pub tensor: TensorId,
    /// Values of a point.
    pub stride: u8,
    /// How x and y become `1 / 65536` of the input's width and height.
    pub fields: [Field; 2],
    /// The output whose first value says whether the thing is there at all, if there is one.
    pub presence: Option<TensorId>,
    /// Least probability of presence that counts, in `1 / 65536`.
    pub threshold: u16,
    /// Probability, in `1 / 65536`, of each int8 value -128 to 127 of presence.
    pub scores: Box<[u16; 256]>,
    /// One a point, or none.
    pub names: Vec<String>,
}

/// What every cell of a grid over the model's input shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    /// The output, `[1, H, W, C]`.
    pub tensor: TensorId,
    /// Whether channel 0 is background.
    pub has_background: bool,
    /// Least probability that counts, in `1 / 65536`.
    pub threshold: u16,
    /// Probability, in `1 / 65536`, of each int8 value -128 to 127.
    pub scores: Box<[u16; 256]>,
    /// One a channel, background excluded.
    pub labels: Vec<String>,
}

/// Boxes relative to anchors on grids over the model's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Boxes {
    /// How widths and heights are spelled.
    pub decoder: BoxDecoder,
    /// One a class, background excluded.
    pub labels: Vec<String>,
    /// Whether column 0 of the scores is background, to be skipped.
    pub has_background: bool,
    /// One a keypoint.
    pub keypoints: Vec<String>,
    /// Least score that counts, in `1 / 65536`.
    pub score_threshold: u16,
    /// Overlap above which two boxes are one object, in `1 / 65536`.
    pub iou_threshold: u16,
    /// What becomes of overlapping boxes.
    pub suppression: Suppression,
    /// Index in an anchor's row of x centre, y centre, width, height.
    pub field_order: [u8; 4],
    /// One a feature map, in the order of the source model's anchors.
    pub heads: Vec<BoxHead>,
}

/// One feature map of a detector.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxHead {
    /// Scores, `rows * columns * anchors.len()` rows of classes (with background if there is one).
    pub scores: TensorId,
    /// Index of this head's first anchor in `scores`, in anchors.
    pub first_score: u32,
    /// Fields, as many rows of `4 + 2 * keypoints` values, or of `4 * bins`.
    pub boxes: TensorId,
    /// Index of this head's first anchor in `boxes`, in anchors.
    pub first_box: u32,
    /// What scores are multiplied with, if anything.
    pub objectness: Option<Objectness>,
    /// Rows of the grid.
    pub rows: u16,
    /// Columns of the grid.
    pub columns: u16,
    /// x and y of the first cell's centre, in `2^-24` of the input's width and height.
    pub first_centre: [i32; 2],
    /// From one cell to the next, in the same unit.
    pub step: [i32; 2],
    /// Width and height of each anchor of a cell, in `1 / 65536` of the input's width and height.
    pub anchors: Vec<[u32; 2]>,
    /// Probability, in `1 / 65536`, of each int8 score -128 to 127.
    pub score_table: Box<[u16; 256]>,
    /// How each box value becomes `t`: for every value of a cell (`anchors * (4 + 2 * keypoints)`),
    /// so that channels may have scales of their own; none for [`BoxDecoder::Distribution`].
    pub fields: Vec<Field>,
    /// In place of fields, what each int8 value of x, y, width and height becomes, in `1 / 65536`; see
    /// [`BoxDecoder`] for which of them there are. Written once, however many heads share one.
    pub value_tables: [Option<Box<[i32; 256]>>; 4],
}

/// Whether there is an object at all, in an output of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Objectness {
    /// One value an anchor.
    pub tensor: TensorId,
    /// Index of the head's first anchor in it.
    pub first: u32,
    /// Probability, in `1 / 65536`, of each int8 value -128 to 127.
    pub table: Box<[u16; 256]>,
}

impl BoxHead {
    /// Centre of the first cell and distance of cells of an even grid over the whole input.
    pub fn even_grid(rows: u16, columns: u16) -> [[i32; 2]; 2] {
        let step = [columns, rows].map(|count| ((1 << 24) + i32::from(count) / 2) / i32::from(count.max(1)));
        [step.map(|step| step / 2), step]
    }
}

/// An order of steps and a place for every tensor, for one target profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// `portable`, `cortex-m4`, `cortex-m55`, ...
    pub profile: String,
    /// Bytes of arena for tensors, states and scratch together.
    pub arena_bytes: u32,
    /// Of these, bytes that only scratch needs.
    pub scratch_bytes: u32,
    /// Offset in the arena of every tensor, a multiple of 16; `None` for constants.
    pub placements: Vec<Option<u32>>,
    /// In order of execution.
    pub steps: Vec<Step>,
}

/// One step of a schedule.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// One operator over whole tensors.
    Operator(OperatorStep),
    /// Several operators over rolling rows.
    RowGroup {
        /// How often the inner steps are walked.
        trips: u16,
        /// Walked in order on every trip.
        inner: Vec<RowStep>,
        /// Tensors inside the group that exist only as a ring of rows.
        rings: Vec<Ring>,
    },
}

/// An operator with what its kernel needs on this target.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorStep {
    /// Which.
    pub operator: OperatorId,
    /// Offset and length of scratch in the arena; length 0 for none.
    pub scratch: [u32; 2],
    /// Constants laid out anew for this target's kernel.
    pub layouts: Vec<Relaid>,
}

/// A constant operand in a layout of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Relaid {
    /// Index among the operator's inputs.
    pub operand: u8,
    /// Kernel-defined layout, never 0.
    pub layout: u8,
    /// Bytes in that layout.
    pub data: Vec<u8>,
}

/// An operator of a row group.
#[derive(Clone, Debug, PartialEq)]
pub struct RowStep {
    /// Which, and its scratch.
    pub step: OperatorStep,
    /// Trip on which it starts.
    pub first_trip: u16,
    /// From then on it has a turn on every so manieth trip.
    pub period: u8,
    /// Output rows that it adds on a turn, as far as rows are left.
    pub rows: u8,
}

/// A tensor of which only the newest rows exist.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    /// Which; its rows stand one behind the other, the oldest at its placement.
    pub tensor: TensorId,
    /// Rows kept.
    pub rows: u16,
}
