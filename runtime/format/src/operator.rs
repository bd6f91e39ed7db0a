//! The operators of an artefact and their attributes: the infer stage's vocabulary.
//!
//! Attributes hold what the host has already worked out (padding, multipliers, clamp bounds), so
//! that a device never derives a number from a scale. The order of operands is part of the format;
//! zero points stand with the tensors.

/// Rows, then columns.
pub type Pair = [u16; 2];

/// Size, stride, dilation and padding of a window that slides over `[N, H, W, C]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the filter, before dilation.
    pub filter: Pair,
    /// Step in rows and columns.
    pub stride: Pair,
    /// Distance between filter taps in rows and columns; 1 is dense.
    pub dilation: Pair,
    /// Rows above and columns left of the input that read as the input's zero point. What lies
    /// below and to the right follows from the shapes.
    pub padding: Pair,
}

/// Bounds that outputs are clamped to; a fused relu or relu6 narrows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clamp {
    /// Smallest output value.
    pub min: i8,
    /// Largest output value.
    pub max: i8,
}

/// Bounds that int16 outputs are clamped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideClamp {
    /// Smallest output value.
    pub min: i16,
    /// Largest output value.
    pub max: i16,
}

/// A fixed-point factor `multiplier * 2^(shift - 31)`; see `ocelli-kernels` for its rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// 0, or from `2^30` to `2^31 - 1`.
    pub multiplier: i32,
    /// From -31 to 30; positive shifts to the left.
    pub shift: i8,
}

/// What a step computes, with everything it needs beside its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operator {
    /// Operands: input, weights `[O, H, W, I]`, bias `[O]` i32, multipliers `[O]` i32, shifts `[O]` i8. Where
    /// `I` is a part of the input's channels there are groups, which do not mix.
    Conv2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operands as [`Operator::Conv2d`], weights `[1, H, W, C * depth_multiplier]`.
    DepthwiseConv2d {
        /// The sliding window.
        window: Window,
        /// Output channels for each input channel.
        depth_multiplier: u16,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operands: input, weights `[O, I]`, bias `[O]` i32, multipliers `[O]` i32, shifts `[O]` i8.
    FullyConnected {
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operand: input. Padding does not count into the average.
    AveragePool2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operand: input. Padding never wins.
    MaxPool2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operand: input `[N, H, W, C]`; the mean over H and W, requantized.
    Mean {
        /// Input scale over output scale.
        factor: Factor,
    },
    /// Operands: two inputs that broadcast to the output's shape. Each is shifted left by `left_shift`,
    /// scaled by its factor, added, and scaled by the output factor. No factor has a shift above 0.
    Add {
        /// Extra fraction bits: 20.
        left_shift: u8,
        /// Of the two inputs.
        inputs: [Factor; 2],
        /// Of the sum.
        output: Factor,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operands: two inputs that broadcast to the output's shape.
    Mul {
        /// Product of the input scales over the output scale.
        factor: Factor,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operands: two or more inputs that share the output's quantization.
    Concatenate {
        /// Axis of the output, counted from the outermost.
        axis: u8,
    },
    /// Operand: input `[N, H, W, C]`.
    Pad {
        /// Elements before, for each of the four axes.
        before: [u16; 4],
        /// Elements after, for each of the four axes.
        after: [u16; 4],
        /// What they hold: the output's zero point, as a rule.
        value: i8,
    },
    /// Operand: input. The same bytes under another shape.
    Reshape,
    /// Operand: input `[N, H, W, C]`.
    ResizeNearest {
        /// Corner pixels of input and output coincide.
        align_corners: bool,
        /// Pixel centres, not corners, are at whole coordinates plus a half.
        half_pixel_centers: bool,
    },
    /// Operand: input `[N, H, W, C]`. At most one of the two flags is set.
    ResizeBilinear {
        /// Corner pixels of input and output coincide.
        align_corners: bool,
        /// Pixel centres, not corners, are at whole coordinates plus a half.
        half_pixel_centers: bool,
    },
    /// Operand: input; over its innermost axis. Output scale 1/256, zero point -128.
    Softmax {
        /// Beta times the input scale, in the fixed point of the reference.
        factor: Factor,
        /// Differences to the maximum below this contribute nothing.
        difference_min: i32,
    },
    /// Operands: input, table `[256]` i8. Any unary operator. A value's entry is at the index that
    /// its bits spell as `u8`: first 0 to 127, then -128 to -1.
    Lookup,
    /// Operands: input, slopes i8 that repeat along the input, `[C]` as a rule.
    Prelu {
        /// Input scale over output scale, for values from zero up.
        positive: Factor,
        /// Input scale times slope scale over output scale, for values below zero.
        negative: Factor,
    },
    /// As [`Operator::Add`], the second input subtracted.
    Sub {
        /// Extra fraction bits: 20.
        left_shift: u8,
        /// Of the two inputs.
        inputs: [Factor; 2],
        /// Of the difference.
        output: Factor,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operands: two inputs that broadcast to the output's shape. The factor's shift is at most 22.
    Div {
        /// Scale of the first input over those of the second and of the output.
        factor: Factor,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operands: two inputs that broadcast to the output's shape and share its quantization.
    Minimum,
    /// As [`Operator::Minimum`].
    Maximum,
    /// As [`Operator::Sub`], the difference squared before it is scaled. The inputs' factors have no
    /// shift above 0.
    SquaredDifference {
        /// Extra fraction bits: 7.
        left_shift: u8,
        /// Of the two inputs.
        inputs: [Factor; 2],
        /// Of the square.
        output: Factor,
    },
    /// Operands as [`Operator::Conv2d`], without groups. The input's pixels stand `stride` apart with nothing
    /// between, the window moves by one, and padding counts places before the first pixel.
    TransposeConv2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operand: input. Its elements in another order, some of them or some of them often: transposes,
    /// slices, flips, repetitions.
    Rearrange {
        /// Index of the input element that becomes the first of the output.
        start: u32,
        /// How far apart in the input neighbours along each axis of the output are, in elements; 0 for
        /// axes that the output does not have.
        strides: [i32; 6],
    },
    /// Operands: input, indices i32: the input's places along an axis that become those of the output.
    Gather {
        /// Axis of input and output, counted from the outermost.
        axis: u8,
    },
    /// Operands: input `[N, H, W, C]`, rows `[H]` i32, columns `[W]` i32 of the output: bilinear at these
    /// positions, in 1/1024 of a pixel.
    Interpolate,
    /// Operand: input `[N, H, W, C]`; the sum over H and W, requantized.
    Sum {
        /// Input scale over output scale.
        factor: Factor,
    },
    /// Operand: input `[N, H, W, C]`; the place of the largest value over H and W, at most 256 of them.
    /// Output scale 1, zero point -128.
    ArgMax {
        /// Whether the last one of equal values counts, not the first.
        last: bool,
    },
    /// Operands: `[.., .., M, K]` and `[.., .., K, N]`, the outer axes of the second equal or all 1.
    BatchMatmul {
        /// Whether the second one is `[.., .., N, K]`.
        right_transposed: bool,
        /// Product of the input scales over the output scale.
        factor: Factor,
    },
    /// Operands: input, table of a power `[257]` i32. Each number times the power of `shift` and `offset`
    /// applied to the sum of squares of its neighbours along the innermost axis.
    LocalResponseNormalization {
        /// Neighbours that count before.
        before: u16,
        /// Neighbours that count behind.
        after: u16,
        /// By how much sums are shifted left.
        shift: u8,
        /// What is added to the shifted sums.
        offset: u64,
    },
    /// Operands: input `[N, H, G, I]`, table of a power `[257]` i32, gains i32, offsets i32 that repeat along
    /// each of the N blocks. What has the same N and G is normalized together.
    Normalize {
        /// Whether the mean is taken out.
        centered: bool,
        /// By how much sums are shifted left.
        shift: u8,
        /// What is added to the shifted sums.
        offset: u64,
        /// Fraction bits of the gains.
        gain_bits: u8,
    },
    /// As [`Operator::Conv2d`] on int16 activations; the bias is i64.
    WideConv2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        clamp: WideClamp,
    },
    /// As [`Operator::DepthwiseConv2d`] on int16 activations; the bias is i64.
    WideDepthwiseConv2d {
        /// The sliding window.
        window: Window,
        /// Output channels for each input channel.
        depth_multiplier: u16,
        /// Fused activation.
        clamp: WideClamp,
    },
    /// As [`Operator::FullyConnected`] on int16 activations; the bias is i64.
    WideFullyConnected {
        /// Fused activation.
        clamp: WideClamp,
    },
    /// As [`Operator::AveragePool2d`] on int16 activations.
    WideAveragePool2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        clamp: WideClamp,
    },
    /// As [`Operator::MaxPool2d`] on int16 activations.
    WideMaxPool2d {
        /// The sliding window.
        window: Window,
        /// Fused activation.
        clamp: WideClamp,
    },
    /// As [`Operator::Add`] on int16 activations of one shape.
    WideAdd {
        /// Extra fraction bits: 15.
        left_shift: u8,
        /// Of the two inputs.
        inputs: [Factor; 2],
        /// Of the sum.
        output: Factor,
        /// Fused activation.
        clamp: WideClamp,
    },
    /// Operand: input, int8 or int16; the output may be either.
    Requantize {
        /// Input scale over output scale.
        factor: Factor,
    },
}

/// The operators by name, as an application links them, with their codes in the artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs, reason = "documented at Operator")]
#[non_exhaustive]
pub enum OperatorKind {
    Conv2d = 1,
    DepthwiseConv2d = 2,
    FullyConnected = 3,
    AveragePool2d = 4,
    MaxPool2d = 5,
    Mean = 6,
    Add = 7,
    Mul = 8,
    Concatenate = 9,
    Pad = 10,
    Reshape = 11,
    ResizeNearest = 12,
    ResizeBilinear = 13,
    Softmax = 14,
    Lookup = 15,
    Prelu = 16,
    Sub = 17,
    Div = 18,
    Minimum = 19,
    Maximum = 20,
    SquaredDifference = 21,
    TransposeConv2d = 22,
    Rearrange = 23,
    Gather = 24,
    Interpolate = 25,
    Sum = 26,
    ArgMax = 27,
    BatchMatmul = 28,
    LocalResponseNormalization = 29,
    Normalize = 30,
    WideConv2d = 31,
    WideDepthwiseConv2d = 32,
    WideFullyConnected = 33,
    WideAveragePool2d = 34,
    WideMaxPool2d = 35,
    WideAdd = 36,
    Requantize = 37,
}

impl Operator {
    /// Which operator this is, without its attributes.
    pub const fn kind(&self) -> OperatorKind {
        match self {
            Operator::Conv2d { .. } => OperatorKind::Conv2d,
            Operator::DepthwiseConv2d { .. } => OperatorKind::DepthwiseConv2d,
            Operator::FullyConnected { .. } => OperatorKind::FullyConnected,
            Operator::AveragePool2d { .. } => OperatorKind::AveragePool2d,
            Operator::MaxPool2d { .. } => OperatorKind::MaxPool2d,
            Operator::Mean { .. } => OperatorKind::Mean,
            Operator::Add { .. } => OperatorKind::Add,
            Operator::Mul { .. } => OperatorKind::Mul,
            Operator::Concatenate { .. } => OperatorKind::Concatenate,
            Operator::Pad { .. } => OperatorKind::Pad,
            Operator::Reshape => OperatorKind::Reshape,
            Operator::ResizeNearest { .. } => OperatorKind::ResizeNearest,
            Operator::ResizeBilinear { .. } => OperatorKind::ResizeBilinear,
            Operator::Softmax { .. } => OperatorKind::Softmax,
            Operator::Lookup => OperatorKind::Lookup,
            Operator::Prelu { .. } => OperatorKind::Prelu,
            Operator::Sub { .. } => OperatorKind::Sub,
            Operator::Div { .. } => OperatorKind::Div,
            Operator::Minimum => OperatorKind::Minimum,
            Operator::Maximum => OperatorKind::Maximum,
            Operator::SquaredDifference { .. } => OperatorKind::SquaredDifference,
            Operator::TransposeConv2d { .. } => OperatorKind::TransposeConv2d,
            Operator::Rearrange { .. } => OperatorKind::Rearrange,
            Operator::Gather { .. } => OperatorKind::Gather,
            Operator::Interpolate => OperatorKind::Interpolate,
            Operator::Sum { .. } => OperatorKind::Sum,
            Operator::ArgMax { .. } => OperatorKind::ArgMax,
            Operator::BatchMatmul { .. } => OperatorKind::BatchMatmul,
            Operator::LocalResponseNormalization { .. } => OperatorKind::LocalResponseNormalization,
            Operator::Normalize { .. } => OperatorKind::Normalize,
            Operator::WideConv2d { .. } => OperatorKind::WideConv2d,
            Operator::WideDepthwiseConv2d { .. } => OperatorKind::WideDepthwiseConv2d,
            Operator::WideFullyConnected { .. } => OperatorKind::WideFullyConnected,
            Operator::WideAveragePool2d { .. } => OperatorKind::WideAveragePool2d,
            Operator::WideMaxPool2d { .. } => OperatorKind::WideMaxPool2d,
            Operator::WideAdd { .. } => OperatorKind::WideAdd,
            Operator::Requantize { .. } => OperatorKind::Requantize,
        }
    }

    /// Whether input `operand` may have the place of the output, wholly.
    pub const fn works_in_place(&self, operand: usize) -> bool {
        self.kind().works_in_place(operand)
    }
}

impl OperatorKind {
    /// Whether it combines two inputs that broadcast, element by element.
    pub const fn has_two_inputs(self) -> bool {
        matches!(
            self,
            OperatorKind::Add
                | OperatorKind::Mul
                | OperatorKind::Sub
                | OperatorKind::Div
                | OperatorKind::Minimum
                | OperatorKind::Maximum
                | OperatorKind::SquaredDifference
                | OperatorKind::WideAdd
        )
    }

    /// Whether its activations are int16.
    pub const fn is_wide(self) -> bool {
        matches!(
            self,
            OperatorKind::WideConv2d
                | OperatorKind::WideDepthwiseConv2d
                | OperatorKind::WideFullyConnected
                | OperatorKind::WideAveragePool2d
                | OperatorKind::WideMaxPool2d
                | OperatorKind::WideAdd
        )
    }

    /// Whether it only moves values, whichever activations these are.
    pub const fn moves_any(self) -> bool {
        matches!(self, OperatorKind::Concatenate | OperatorKind::Pad | OperatorKind::Reshape)
    }

    /// Whether input `operand` may have the place of the output, wholly.
    pub const fn works_in_place(self, operand: usize) -> bool {
        match self {
            _ if self.has_two_inputs() => operand <= 1,
            OperatorKind::Reshape | OperatorKind::Lookup | OperatorKind::Prelu => operand == 0,
            _ => false,
        }
    }
}

impl core::fmt::Display for OperatorKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self, f)
    }
}
