//! The ONNX operators that are accepted: import translates what stands here and refuses the rest, and
//! `ocelli ops` prints it. Operators on constants alone vanish before they are looked at.

use super::quantized::accepted as quantized;

/// Name of each accepted operator, and of the graph's operators that it may become; none for those that
/// hand on what they get.
static ACCEPTED: &[(&str, &[&str])] = &[
    ("Abs", &["Abs"]),
    ("Acos", &["Acos"]),
    ("Acosh", &["Acosh"]),
    ("Add", &["Add"]),
    ("ArgMax", &["ArgMax"]),
    ("ArgMin", &["ArgMin"]),
    ("Asin", &["Asin"]),
    ("Asinh", &["Asinh"]),
    ("Atan", &["Atan"]),
    ("Atanh", &["Atanh"]),
    ("AveragePool", &["AveragePool2d", "Pad"]),
    ("BatchNormalization", &["Mul", "Add", "DepthwiseConv2d"]),
    ("Cast", &[]),
    ("Ceil", &["Ceil"]),
    ("Celu", &["Function"]),
    ("Clip", &["Relu", "Relu6", "ReluN1To1", "Clip"]),
    ("Concat", &["Concatenate"]),
    ("Conv", &["Conv2d", "DepthwiseConv2d", "Reshape"]),
    ("ConvTranspose", &["TransposeConv2d"]),
    ("Cos", &["Cos"]),
    ("Cosh", &["Cosh"]),
    ("DepthToSpace", &["Reshape", "Transpose"]),
    ("Div", &["Mul", "Div"]),
    ("Dropout", &[]),
    ("Elu", &["Function"]),
    ("Erf", &["Erf"]),
    ("Exp", &["Exp"]),
    ("Expand", &["Expand", "Reshape"]),
    ("Flatten", &["Reshape", "Transpose"]),
    ("Floor", &["Floor"]),
    ("Gather", &["Gather", "Slice", "Reshape"]),
    ("Gelu", &["Gelu", "Function"]),
    ("Gemm", &["FullyConnected", "Add", "Mul", "Transpose", "BatchMatmul"]),
    ("GlobalAveragePool", &["Mean"]),
    ("GlobalMaxPool", &["ReduceMax"]),
    ("HardSigmoid", &["Function"]),
    ("HardSwish", &["HardSwish"]),
    ("Identity", &[]),
    ("InstanceNormalization", &["Normalize", "Mul", "Add"]),
    ("LRN", &["LocalResponseNormalization"]),
    ("LayerNormalization", &["Normalize", "Mean", "ReduceMean", "Sub", "Mul", "Add"]),
    ("LeakyRelu", &["LeakyRelu"]),
    ("Log", &["Log"]),
    ("LpNormalization", &["Normalize"]),
    ("MatMul", &["FullyConnected", "Transpose", "BatchMatmul"]),
    ("Max", &["Relu", "Relu6", "ReluN1To1", "Clip", "Maximum"]),
    ("MaxPool", &["MaxPool2d"]),
    ("MeanVarianceNormalization", &["Normalize"]),
    ("Min", &["Relu", "Relu6", "ReluN1To1", "Clip", "Minimum"]),
    ("Mish", &["Function"]),
    ("Mul", &["Mul"]),
    ("Neg", &["Neg"]),
    ("PRelu", &["Prelu", "Function", "Mul", "Add"]),
    ("Pad", &["Pad", "Gather", "Slice"]),
    ("Pow", &["Power", "Square", "Sqrt"]),
    ("Reciprocal", &["Reciprocal"]),
    ("ReduceL1", &["Abs", "Mean", "Mul", "ReduceSum"]),
    ("ReduceMax", &["ReduceMax"]),
    ("ReduceMean", &["Mean", "ReduceMean"]),
    ("ReduceMin", &["ReduceMin"]),
    ("ReduceSum", &["Mean", "Mul", "ReduceSum"]),
    ("ReduceSumSquare", &["Square", "Mean", "Mul", "ReduceSum", "BatchMatmul", "Transpose"]),
    ("Relu", &["Relu"]),
    ("Reshape", &["Reshape", "Transpose"]),
    ("Resize", &["Pad", "ResizeNearest", "ResizeBilinear", "Interpolate", "Gather", "Slice"]),
    ("Round", &["Round"]),
    ("Selu", &["Function"]),
    ("Shrink", &["Function"]),
    ("Sigmoid", &["Logistic"]),
    ("Sign", &["Sign"]),
    ("Sin", &["Sin"]),
    ("Sinh", &["Sinh"]),
    ("Slice", &["Slice"]),
    ("Softmax", &["Softmax", "Transpose"]),
    ("Softplus", &["Function"]),
    ("Softsign", &["Function"]),
    ("SpaceToDepth", &["Reshape", "Transpose"]),
    ("Split", &["Slice"]),
    ("Sqrt", &["Sqrt"]),
    ("Squeeze", &["Reshape"]),
    ("Sub", &["Add", "Sub"]),
    ("Sum", &["Add"]),
    ("Swish", &["Silu"]),
    ("Tan", &["Tan"]),
    ("Tanh", &["Tanh"]),
    ("ThresholdedRelu", &["Function"]),
    ("Tile", &["Expand", "Reshape"]),
    ("Transpose", &["Reshape", "Transpose"]),
    ("Unsqueeze", &["Reshape"]),
];

/// Whether an operator is accepted.
pub(super) fn contains(operator: &str) -> bool {
    ACCEPTED.iter().any(|&(name, _)| name == operator)
}

/// Names of the accepted operators, and of the graph's operators that each may become.
pub(in crate::import) fn accepted() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let of = |float: &str| {
        ACCEPTED.iter().find(|&&(name, _)| name == float).map_or(&[][..], |&(_, becomes)| becomes)
    };
    ACCEPTED.iter().copied().chain(quantized().map(move |(name, float)| (name, of(float))))
}
