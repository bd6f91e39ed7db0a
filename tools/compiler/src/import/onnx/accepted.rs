//! The ONNX operators that are accepted: import translates what stands here and refuses the rest, and
//! `ocelli ops` prints it. Operators on constants alone vanish before they are looked at.

use super::quantized::accepted as quantized;

/// Name of each accepted operator, and of the graph's operators that it may become; none for those that
/// hand on what they get.
static ACCEPTED: &[(&str, &[&str])] = &[
    ("Add", &["Add"]),
    ("AveragePool", &["AveragePool2d", "Pad"]),
    ("BatchNormalization", &["Mul", "Add"]),
    ("Cast", &[]),
    ("Clip", &["Relu", "Relu6", "ReluN1To1"]),
    ("Concat", &["Concatenate"]),
    ("Conv", &["Conv2d", "DepthwiseConv2d"]),
    ("Div", &["Mul"]),
    ("Dropout", &[]),
    ("Flatten", &["Reshape"]),
    ("Gemm", &["FullyConnected", "Add", "Mul"]),
    ("GlobalAveragePool", &["Mean"]),
    ("HardSwish", &["HardSwish"]),
    ("Identity", &[]),
    ("LeakyRelu", &["LeakyRelu"]),
    ("MatMul", &["FullyConnected"]),
    ("Max", &["Relu", "Relu6", "ReluN1To1"]),
    ("MaxPool", &["MaxPool2d"]),
    ("Min", &["Relu", "Relu6", "ReluN1To1"]),
    ("Mul", &["Mul"]),
    ("Pad", &["Pad"]),
    ("ReduceMean", &["Mean"]),
    ("ReduceSum", &["Mean", "Mul"]),
    ("Relu", &["Relu"]),
    ("Reshape", &["Reshape"]),
    ("Resize", &["ResizeNearest", "ResizeBilinear"]),
    ("Sigmoid", &["Logistic"]),
    ("Softmax", &["Softmax"]),
    ("Squeeze", &["Reshape"]),
    ("Sub", &["Add", "Mul"]),
    ("Sum", &["Add"]),
    ("Tanh", &["Tanh"]),
    ("Transpose", &["Reshape"]),
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
