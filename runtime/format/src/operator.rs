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
    /// Operands: input, weights `[O, H, W, I]`, bias `[O]` i32, multipliers `[O]` i32, shifts `[O]` i8.
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
        /// The sliding window; dilation is 1.
        window: Window,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operand: input. Padding never wins.
    MaxPool2d {
        /// The sliding window; dilation is 1.
        window: Window,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operand: input `[N, H, W, C]`; the mean over H and W, requantized.
    Mean {
        /// Input scale over output scale.
        factor: Factor,
    },
    /// Operands: two inputs of the output's shape. Each is shifted left by `left_shift`, scaled by
    /// its factor, added, and scaled by the output factor.
    Add {
        /// Extra fraction bits, 20 for int8.
        left_shift: u8,
        /// Of the two inputs.
        inputs: [Factor; 2],
        /// Of the sum.
        output: Factor,
        /// Fused activation.
        clamp: Clamp,
    },
    /// Operands: two inputs of the output's shape.
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
    /// Operand: input `[N, H, W, C]`. Fills with the output's zero point.
    Pad {
        /// Elements before, for each of the four axes.
        before: [u16; 4],
        /// Elements after, for each of the four axes.
        after: [u16; 4],
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
    /// Operand: input `[N, H, W, C]`.
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
    /// Operands: input, table `[256]` i8, indexed by the input plus 128. Any unary operator.
    Lookup,
}
