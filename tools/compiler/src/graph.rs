//! The compiler's own graph: what importers produce and every later verb rewrites.
//!
//! One form serves float models and quantized ones; a quantized tensor carries its [`Quantization`].
//! Images are `[N, H, W, C]`, conv weights `[O, H, W, I]`, depthwise weights `[1, H, W, O]`, fully
//! connected weights `[O, I]`, whatever the source said.

mod function;

pub use function::{Binary, Function, Unary};

use serde::{Deserialize, Serialize};

use crate::detector::Decoded;

/// Index into [`Graph::tensors`].
pub type TensorId = usize;

/// A model between import and write.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Graph {
    /// Name of the source file, without its extension.
    pub name: String,
    /// Every tensor.
    pub tensors: Vec<Tensor>,
    /// Operators in an order in which every operand is computed before it is read.
    pub nodes: Vec<Node>,
    /// Graph inputs.
    pub inputs: Vec<TensorId>,
    /// Graph outputs.
    pub outputs: Vec<TensorId>,
    /// How the axes of each input stood in the source, as import left them: stored axis `i` is the
    /// source's axis `order[i]`. Nothing where the source's order is kept.
    pub input_orders: Vec<Vec<usize>>,
    /// As `input_orders`, for the outputs.
    pub output_orders: Vec<Vec<usize>>,
    /// What the source did with the outputs, where its end decoded boxes and was cut off.
    #[serde(skip)]
    pub decoded: Option<Decoded>,
    /// What the importer or a pass has to tell the user.
    pub warnings: Vec<String>,
}

/// A tensor with its place in the source model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tensor {
    /// Name in the source model.
    pub name: String,
    /// Axes, outermost first; all known.
    pub shape: Vec<usize>,
    /// How its numbers stand for real ones; `None` for float tensors.
    pub quantization: Option<Quantization>,
    /// Element type of activations; constants have that of their data.
    pub element: Element,
    /// The values of a constant.
    pub data: Option<Data>,
}

/// Element types that a source model may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Element {
    /// IEEE 754 single; halves are widened on import.
    F32,
    /// Signed 8-bit.
    I8,
    /// Signed 16-bit, of activations that quantization has widened.
    I16,
    /// Unsigned 8-bit, only between import and re-quantization.
    U8,
    /// Signed 32-bit.
    I32,
    /// Signed 64-bit, for shapes, and for biases beside 16-bit activations.
    I64,
}

/// Values of a constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Data {
    /// Floats.
    F32(Vec<f32>),
    /// Signed bytes.
    I8(Vec<i8>),
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// 64-bit integers.
    I64(Vec<i64>),
}

/// `real = scale * (quantized - zero_point)`, per tensor or along one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantization {
    /// One, or one for each index along `axis`.
    pub scales: Vec<f32>,
    /// As many as scales.
    pub zero_points: Vec<i32>,
    /// Axis that the scales run along when there is more than one.
    pub axis: usize,
}

/// An operator and its operands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Name in the source model, for messages.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Operands in the order that [`Op`] states.
    pub inputs: Vec<TensorId>,
    /// Results.
    pub outputs: Vec<TensorId>,
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// Operands: input, weights, and a bias unless it is absent.
    Conv2d {
        /// The sliding window.
        window: Window,
        /// Groups of channels that do not mix; 1 for an ordinary convolution.
        groups: usize,
        /// Fused activation.
        activation: Activation,
    },
    /// Operands as [`Op::Conv2d`].
    DepthwiseConv2d {
        /// The sliding window.
        window: Window,
        /// Output channels for each input channel.
        depth_multiplier: usize,
        /// Fused activation.
        activation: Activation,
    },
    /// Operands as [`Op::Conv2d`], without groups: every input pixel adds its product with the filter to the output,
    /// `stride` apart, less `before` rows and columns. The output's shape says where it ends.
    TransposeConv2d {
        /// The filter's size, stride and dilation, and what is cut off above and left.
        window: Window,
        /// Fused activation.
        activation: Activation,
    },
    /// Operands: input (read as `[rows, I]`), weights, and a bias unless it is absent.
    FullyConnected {
        /// Fused activation.
        activation: Activation,
    },
    /// Padding does not count.
    AveragePool2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        activation: Activation,
    },
    /// Padding never wins.
    MaxPool2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        activation: Activation,
    },
    /// Over H and W.
    Mean,
    /// Two operands that broadcast.
    Add {
        /// Fused activation.
        activation: Activation,
    },
    /// Two operands that broadcast.
    Mul {
        /// Fused activation.
        activation: Activation,
    },
    /// Two operands that broadcast; [`Op::Add`] and [`Op::Mul`] have forms of their own.
    Binary {
        /// Which operator.
        binary: Binary,
        /// Fused activation.
        activation: Activation,
    },
    /// Three operands that broadcast: the second where the first is not 0, the third where it is.
    Select,
    /// Operands: input, and slopes below 0: a constant of the input's innermost axes, `[C]` as a rule.
    Prelu,
    /// Over neighbouring axes, which stay with extent 1 or go; [`Op::Mean`] has a form of its own.
    Reduce {
        /// What is made of the numbers.
        reduction: Reduction,
        /// Axes of the operand, rising.
        axes: Vec<usize>,
    },
    /// Operands: `[..., M, K]` and `[..., K, N]`, both computed; the second may be one matrix for all.
    BatchMatmul {
        /// Whether the second one is `[..., N, K]`.
        right_transposed: bool,
    },
    /// `x / (bias + alpha * sum)^beta`, with the sum of squares of neighbours along the innermost axis.
    LocalResponseNormalization {
        /// Neighbours that count before.
        before: usize,
        /// Neighbours that count behind.
        after: usize,
        /// Factor of the sum.
        alpha: f32,
        /// Exponent.
        beta: f32,
        /// What is added to the sum.
        bias: f32,
    },
    /// Operands: input, and float constants that repeat along its innermost axes: gains and offsets.
    /// `(x - m) / sqrt(s + epsilon) * gain + offset`.
    Normalize {
        /// The operand's elements as `[outer, count, groups, inner]`; what is alike in `outer` and `groups` is
        /// normalized together.
        view: [usize; 4],
        /// Whether `m` is the mean, otherwise 0.
        centered: bool,
        /// Whether `s` is the mean of squares, otherwise their sum.
        mean: bool,
        /// What keeps the root from 0.
        epsilon: f32,
    },
    /// Two or more operands.
    Concatenate {
        /// Axis of the output.
        axis: usize,
    },
    /// Constant padding with the real value `value`, for every axis.
    Pad {
        /// Elements before each axis.
        before: Vec<usize>,
        /// Elements after each axis.
        after: Vec<usize>,
        /// What the border holds; 0 in most models.
        value: f32,
    },
    /// The output's shape says which.
    Reshape,
    /// Axes in another order.
    Transpose {
        /// Output axis `i` is the input's axis `order[i]`.
        order: Vec<usize>,
    },
    /// Some places along every axis, in steps; the output's shape says how many.
    Slice {
        /// The first place along each axis.
        begin: Vec<usize>,
        /// From place to place along each axis; negative to walk back.
        steps: Vec<isize>,
    },
    /// Repeats along axes of extent 1; the output's shape says how often.
    Expand,
    /// The listed places along one axis.
    Gather {
        /// Which axis.
        axis: usize,
        /// Places of the input, one for each of the output.
        indices: Vec<usize>,
    },
    /// Bilinear over H and W at listed positions.
    Interpolate {
        /// Where in the input each row and each column of the output lies, in pixels.
        positions: [Vec<f32>; 2],
    },
    /// Nearest neighbour over H and W.
    ResizeNearest {
        /// Corner pixels coincide.
        align_corners: bool,
        /// Pixel centres at a half.
        half_pixel_centers: bool,
    },
    /// Bilinear over H and W.
    ResizeBilinear {
        /// Corner pixels coincide.
        align_corners: bool,
        /// Pixel centres at a half.
        half_pixel_centers: bool,
    },
    /// Over the innermost axis.
    Softmax {
        /// Factor on the logits.
        beta: f32,
    },
    /// One number in, one number out.
    Unary(Unary),
    /// As [`Op::Unary`], composed of several operators.
    Function(Function),
}

/// What [`Op::Reduce`] makes of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reduction {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// The largest.
    Maximum,
    /// The smallest.
    Minimum,
    /// Where the largest one stands.
    ArgMax {
        /// Whether the last one of equals counts, not the first.
        last: bool,
    },
    /// Where the smallest one stands.
    ArgMin {
        /// Whether the last one of equals counts, not the first.
        last: bool,
    },
}

impl Reduction {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "ReduceMean",
            Self::Sum => "ReduceSum",
            Self::Maximum => "ReduceMax",
            Self::Minimum => "ReduceMin",
            Self::ArgMax { .. } => "ArgMax",
            Self::ArgMin { .. } => "ArgMin",
        }
    }
}

/// Activation fused into an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// None.
    #[default]
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `min(max(x, -1), 1)`.
    ReluN1To1,
}

/// Stride, dilation and explicit padding; the filter's size stands with the weights or here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Rows and columns of the filter.
    pub filter: [usize; 2],
    /// Step in rows and columns.
    pub stride: [usize; 2],
    /// Distance of taps in rows and columns.
    pub dilation: [usize; 2],
    /// Rows above and columns left.
    pub before: [usize; 2],
    /// Rows below and columns right.
    pub after: [usize; 2],
}

impl Tensor {
    /// How many numbers it holds.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The values of a float constant.
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.data {
            Some(Data::F32(values)) => Some(values),
            _ => None,
        }
    }
}

impl Data {
    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Type of each number.
    pub fn element(&self) -> Element {
        match self {
            Self::F32(_) => Element::F32,
            Self::I8(_) => Element::I8,
            Self::U8(_) => Element::U8,
            Self::I32(_) => Element::I32,
            Self::I64(_) => Element::I64,
        }
    }
}

impl Op {
    /// The operator's name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv2d { .. } => "Conv2d",
            Self::DepthwiseConv2d { .. } => "DepthwiseConv2d",
            Self::TransposeConv2d { .. } => "TransposeConv2d",
            Self::FullyConnected { .. } => "FullyConnected",
            Self::AveragePool2d { .. } => "AveragePool2d",
            Self::MaxPool2d { .. } => "MaxPool2d",
            Self::Mean => "Mean",
            Self::Add { .. } => "Add",
            Self::Mul { .. } => "Mul",
            Self::Binary { binary, .. } => binary.name(),
            Self::Select => "Select",
            Self::Prelu => "Prelu",
            Self::Reduce { reduction, .. } => reduction.name(),
            Self::BatchMatmul { .. } => "BatchMatmul",
            Self::LocalResponseNormalization { .. } => "LocalResponseNormalization",
            Self::Normalize { .. } => "Normalize",
            Self::Concatenate { .. } => "Concatenate",
            Self::Pad { .. } => "Pad",
            Self::Reshape => "Reshape",
            Self::Transpose { .. } => "Transpose",
            Self::Slice { .. } => "Slice",
            Self::Expand => "Expand",
            Self::Gather { .. } => "Gather",
            Self::Interpolate { .. } => "Interpolate",
            Self::ResizeNearest { .. } => "ResizeNearest",
            Self::ResizeBilinear { .. } => "ResizeBilinear",
            Self::Softmax { .. } => "Softmax",
            Self::Unary(unary) => unary.name(),
            Self::Function(_) => "Function",
        }
    }

    /// Whether its second operand is weights and its third, if there, a bias.
    pub fn is_weighted(&self) -> bool {
        matches!(
            self,
            Self::Conv2d { .. }
                | Self::DepthwiseConv2d { .. }
                | Self::TransposeConv2d { .. }
                | Self::FullyConnected { .. }
        )
    }

    /// Which operator of two numbers it is, if it is one, and its fused activation.
    pub fn as_binary(&self) -> Option<(Binary, Activation)> {
        match *self {
            Self::Add { activation } => Some((Binary::Add, activation)),
            Self::Mul { activation } => Some((Binary::Mul, activation)),
            Self::Binary { binary, activation } => Some((binary, activation)),
            _ => None,
        }
    }

    /// An operator of two numbers in the form that it has in a graph.
    pub fn of_binary(binary: Binary, activation: Activation) -> Self {
        match binary {
            Binary::Add => Self::Add { activation },
            Binary::Mul => Self::Mul { activation },
            _ => Self::Binary { binary, activation },
        }
    }
}

impl Activation {
    /// The same as an operator of its own.
    pub fn as_unary(self) -> Option<Unary> {
        match self {
            Self::Linear => None,
            Self::Relu => Some(Unary::Relu),
            Self::Relu6 => Some(Unary::Relu6),
            Self::ReluN1To1 => Some(Unary::ReluN1To1),
        }
    }
}
