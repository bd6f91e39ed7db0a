//! The TFLite operators that are accepted: import translates what stands here and refuses the rest,
//! and `ocelli ops` prints it.

use tract_tflite::tflite::BuiltinOperator;

use super::detection;
use super::operators::{Translated, Translation};
use crate::graph::{Binary, Reduction, Unary};

/// An operator of TFLite that has a translation.
pub(super) struct Accepted {
    code: BuiltinOperator,
    /// The name of a custom operator, otherwise empty.
    custom: &'static str,
    /// Names of the graph's operators that it may become.
    becomes: &'static [&'static str],
    pub(super) meaning: Meaning,
}

/// What import makes of an operator.
pub(super) enum Meaning {
    /// Nodes.
    Nodes(fn(&mut Translation<'_>) -> Translated),
    /// The end of a detector: an output contract.
    Boxes,
}

const fn builtin(
    code: BuiltinOperator,
    becomes: &'static [&'static str],
    translate: fn(&mut Translation<'_>) -> Translated,
) -> Accepted {
    Accepted { code, custom: "", becomes, meaning: Meaning::Nodes(translate) }
}

/// All of them, by name.
static ACCEPTED: &[Accepted] = &[
    builtin(BuiltinOperator::ABS, &["Abs"], |node| node.unary(Unary::Abs)),
    builtin(BuiltinOperator::ADD, &["Add"], |node| node.add()),
    builtin(BuiltinOperator::AVERAGE_POOL_2D, &["AveragePool2d"], |node| node.pool()),
    builtin(BuiltinOperator::BROADCAST_TO, &["Expand", "Reshape"], |node| node.broadcast_to()),
    builtin(BuiltinOperator::CEIL, &["Ceil"], |node| node.unary(Unary::Ceil)),
    builtin(BuiltinOperator::CONCATENATION, &["Concatenate"], |node| node.concatenate()),
    builtin(BuiltinOperator::CONV_2D, &["Conv2d"], |node| node.conv_2d()),
    builtin(BuiltinOperator::COS, &["Cos"], |node| node.unary(Unary::Cos)),
    // Sparse constants are written out as they are read.
    builtin(BuiltinOperator::DENSIFY, &["Requantize"], |node| node.unary(Unary::Requantize)),
    builtin(BuiltinOperator::DEPTHWISE_CONV_2D, &["DepthwiseConv2d"], |node| node.depthwise_conv_2d()),
    builtin(BuiltinOperator::DEPTH_TO_SPACE, &["Reshape", "Transpose"], |node| node.depth_to_space()),
    builtin(BuiltinOperator::DEQUANTIZE, &["Requantize"], |node| node.unary(Unary::Requantize)),
    builtin(BuiltinOperator::DIV, &["Div"], |node| node.div()),
    builtin(BuiltinOperator::ELU, &["Elu"], |node| node.unary(Unary::Elu { alpha: 1.0 })),
    builtin(BuiltinOperator::EXP, &["Exp"], |node| node.unary(Unary::Exp)),
    builtin(BuiltinOperator::EXPAND_DIMS, &["Reshape"], |node| node.reshape()),
    builtin(BuiltinOperator::FLOOR, &["Floor"], |node| node.unary(Unary::Floor)),
    builtin(BuiltinOperator::FULLY_CONNECTED, &["FullyConnected"], |node| node.fully_connected()),
    builtin(BuiltinOperator::GATHER, &["Gather", "Slice", "Reshape"], |node| node.gather()),
    builtin(BuiltinOperator::GELU, &["Gelu"], |node| node.gelu()),
    builtin(BuiltinOperator::HARD_SWISH, &["HardSwish"], |node| node.unary(Unary::HardSwish)),
    builtin(BuiltinOperator::LEAKY_RELU, &["LeakyRelu"], |node| node.leaky_relu()),
    builtin(BuiltinOperator::LOG, &["Log"], |node| node.unary(Unary::Log)),
    builtin(BuiltinOperator::LOGISTIC, &["Logistic"], |node| node.unary(Unary::Logistic)),
    builtin(BuiltinOperator::MAXIMUM, &["Maximum"], |node| node.binary(Binary::Maximum)),
    builtin(BuiltinOperator::MAX_POOL_2D, &["MaxPool2d"], |node| node.pool()),
    builtin(BuiltinOperator::MINIMUM, &["Minimum"], |node| node.binary(Binary::Minimum)),
    builtin(BuiltinOperator::MIRROR_PAD, &["Gather"], |node| node.mirror_pad()),
    builtin(BuiltinOperator::MUL, &["Mul"], |node| node.mul()),
    builtin(BuiltinOperator::NEG, &["Neg"], |node| node.unary(Unary::Neg)),
    builtin(BuiltinOperator::PACK, &["Reshape", "Concatenate"], |node| node.pack()),
    builtin(BuiltinOperator::PAD, &["Pad"], |node| node.pad()),
    builtin(BuiltinOperator::PADV2, &["Pad"], |node| node.pad()),
    builtin(BuiltinOperator::PRELU, &["Prelu"], |node| node.prelu()),
    builtin(BuiltinOperator::QUANTIZE, &["Requantize"], |node| node.unary(Unary::Requantize)),
    builtin(BuiltinOperator::RELU, &["Relu"], |node| node.unary(Unary::Relu)),
    builtin(BuiltinOperator::RELU6, &["Relu6"], |node| node.unary(Unary::Relu6)),
    builtin(BuiltinOperator::RELU_0_TO_1, &["Clip"], |node| node.unary(Unary::Clip { low: 0.0, high: 1.0 })),
    builtin(BuiltinOperator::RELU_N1_TO_1, &["ReluN1To1"], |node| node.unary(Unary::ReluN1To1)),
    builtin(BuiltinOperator::RESHAPE, &["Reshape"], |node| node.reshape()),
    builtin(BuiltinOperator::RESIZE_BILINEAR, &["ResizeBilinear"], |node| node.resize_bilinear()),
    builtin(BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, &["ResizeNearest"], |node| node.resize_nearest()),
    builtin(BuiltinOperator::REVERSE_V2, &["Slice"], |node| node.reverse()),
    builtin(BuiltinOperator::ROUND, &["Round"], |node| node.unary(Unary::Round)),
    builtin(BuiltinOperator::RSQRT, &["Rsqrt"], |node| node.unary(Unary::Rsqrt)),
    builtin(BuiltinOperator::SIGN, &["Sign"], |node| node.unary(Unary::Sign)),
    builtin(BuiltinOperator::SIN, &["Sin"], |node| node.unary(Unary::Sin)),
    builtin(BuiltinOperator::SLICE, &["Slice"], |node| node.slice()),
    builtin(BuiltinOperator::SOFTMAX, &["Softmax"], |node| node.softmax()),
    builtin(BuiltinOperator::SPACE_TO_DEPTH, &["Reshape", "Transpose"], |node| node.space_to_depth()),
    builtin(BuiltinOperator::SPLIT, &["Slice"], |node| node.split()),
    builtin(BuiltinOperator::SPLIT_V, &["Slice"], |node| node.split_v()),
    builtin(BuiltinOperator::SQRT, &["Sqrt"], |node| node.unary(Unary::Sqrt)),
    builtin(BuiltinOperator::SQUARE, &["Square"], |node| node.unary(Unary::Square)),
    builtin(BuiltinOperator::SQUARED_DIFFERENCE, &["SquaredDifference"], |node| {
        node.binary(Binary::SquaredDifference)
    }),
    builtin(BuiltinOperator::SQUEEZE, &["Reshape"], |node| node.reshape()),
    builtin(BuiltinOperator::STRIDED_SLICE, &["Slice", "Reshape"], |node| node.strided_slice()),
    builtin(BuiltinOperator::SUB, &["Add", "Sub"], |node| node.sub()),
    builtin(BuiltinOperator::TRANSPOSE_CONV, &["TransposeConv2d"], |node| node.transpose_conv()),
    Accepted {
        code: BuiltinOperator::CUSTOM,
        custom: "Convolution2DTransposeBias",
        becomes: &["TransposeConv2d"],
        meaning: Meaning::Nodes(|node| node.transpose_conv_bias()),
    },
    Accepted {
        code: BuiltinOperator::CUSTOM,
        custom: detection::OPERATOR,
        becomes: &["Boxes"],
        meaning: Meaning::Boxes,
    },
    builtin(BuiltinOperator::TANH, &["Tanh"], |node| node.unary(Unary::Tanh)),
    builtin(BuiltinOperator::TILE, &["Expand", "Reshape"], |node| node.tile()),
    builtin(BuiltinOperator::TRANSPOSE, &["Transpose", "Reshape"], |node| node.transpose()),
    builtin(BuiltinOperator::UNPACK, &["Slice", "Reshape"], |node| node.unpack()),
    builtin(BuiltinOperator::MEAN, &["Mean", "ReduceMean"], |node| node.reduce(Reduction::Mean)),
    builtin(BuiltinOperator::SUM, &["ReduceSum"], |node| node.reduce(Reduction::Sum)),
    builtin(BuiltinOperator::REDUCE_MAX, &["ReduceMax"], |node| node.reduce(Reduction::Maximum)),
    builtin(BuiltinOperator::REDUCE_MIN, &["ReduceMin"], |node| node.reduce(Reduction::Minimum)),
    builtin(BuiltinOperator::ARG_MAX, &["ArgMax"], |node| node.places(Reduction::ArgMax { last: false })),
    builtin(BuiltinOperator::ARG_MIN, &["ArgMin"], |node| node.places(Reduction::ArgMin { last: false })),
    builtin(BuiltinOperator::BATCH_MATMUL, &["BatchMatmul"], |node| node.batch_matmul()),
    builtin(BuiltinOperator::LOCAL_RESPONSE_NORMALIZATION, &["LocalResponseNormalization"], |node| {
        node.local_response()
    }),
];

/// The translation of an operator.
pub(super) fn find(code: BuiltinOperator, custom: &str) -> Option<&'static Accepted> {
    ACCEPTED.iter().find(|accepted| accepted.code == code && accepted.custom == custom)
}

/// Names of the accepted operators, and of the graph's operators that each may become.
pub(in crate::import) fn accepted() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    ACCEPTED.iter().map(|accepted| match accepted.custom {
        "" => (accepted.code.variant_name().unwrap_or_default(), accepted.becomes),
        custom => (custom, accepted.becomes),
    })
}
