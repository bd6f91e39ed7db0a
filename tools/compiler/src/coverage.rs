//! Which operators of ONNX and TFLite are accepted, what they become, and how the device computes that.
//!
//! Import decides with the same lists, so the table says what it does: [`crate::import::onnx_operators`]
//! and [`crate::import::tflite_operators`].

use ocelli_format::OperatorKind;
use serde::{Serialize, Serializer};

use crate::import::{onnx_operators, tflite_operators};

/// An operator of the compiler's graph.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name in messages; empty for operators that hand on what they get.
    pub operator: &'static str,
    /// How the device computes it.
    pub device: Device,
    /// ONNX operators that become it, alone or with others.
    pub onnx: Vec<&'static str>,
    /// TFLite operators that become it, alone or with others.
    pub tflite: Vec<&'static str>,
}

/// How the device computes an operator. Operands of another scale than it wants pass a table first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// By a kernel of its own.
    Kernel(#[serde(serialize_with = "name")] OperatorKind),
    /// By a table of 256 entries that the compiler fills: the kernel `Lookup`.
    Table,
    /// By the kernels of others.
    Lowered(#[serde(serialize_with = "names")] &'static [OperatorKind]),
    /// After inference, as the output contract says.
    Contract,
    /// Not at all.
    Nothing,
}

impl Device {
    /// The artefact's operators that may stand for it.
    pub fn kinds(&self) -> &[OperatorKind] {
        match self {
            Self::Kernel(kind) => std::slice::from_ref(kind),
            Self::Table => &[OperatorKind::Lookup],
            Self::Lowered(kinds) => kinds,
            Self::Contract | Self::Nothing => &[],
        }
    }
}

/// Every operator of the graph, as [`crate::graph::Op::name`] calls it, and what leaves it for a contract.
static DEVICE: &[(&str, Device)] = &[
    ("Conv2d", Device::Kernel(OperatorKind::Conv2d)),
    ("DepthwiseConv2d", Device::Kernel(OperatorKind::DepthwiseConv2d)),
    ("TransposeConv2d", Device::Kernel(OperatorKind::TransposeConv2d)),
    ("FullyConnected", Device::Kernel(OperatorKind::FullyConnected)),
    ("AveragePool2d", Device::Kernel(OperatorKind::AveragePool2d)),
    ("MaxPool2d", Device::Kernel(OperatorKind::MaxPool2d)),
    ("Mean", Device::Kernel(OperatorKind::Mean)),
    ("Add", Device::Kernel(OperatorKind::Add)),
    ("Mul", Device::Kernel(OperatorKind::Mul)),
    ("Sub", Device::Kernel(OperatorKind::Sub)),
    ("Div", Device::Kernel(OperatorKind::Div)),
    ("Minimum", Device::Kernel(OperatorKind::Minimum)),
    ("Maximum", Device::Kernel(OperatorKind::Maximum)),
    ("SquaredDifference", Device::Kernel(OperatorKind::SquaredDifference)),
    ("ReduceMean", Device::Kernel(OperatorKind::Mean)),
    ("ReduceSum", Device::Kernel(OperatorKind::Sum)),
    ("ReduceMax", Device::Lowered(&[OperatorKind::MaxPool2d])),
    ("ReduceMin", Device::Lowered(&[OperatorKind::Lookup, OperatorKind::MaxPool2d])),
    ("ArgMax", Device::Kernel(OperatorKind::ArgMax)),
    ("ArgMin", Device::Lowered(&[OperatorKind::Lookup, OperatorKind::ArgMax])),
    ("BatchMatmul", Device::Kernel(OperatorKind::BatchMatmul)),
    ("LocalResponseNormalization", Device::Kernel(OperatorKind::LocalResponseNormalization)),
    ("Normalize", Device::Kernel(OperatorKind::Normalize)),
    ("Prelu", Device::Kernel(OperatorKind::Prelu)),
    ("Softmax", Device::Kernel(OperatorKind::Softmax)),
    ("Concatenate", Device::Kernel(OperatorKind::Concatenate)),
    ("Pad", Device::Kernel(OperatorKind::Pad)),
    ("Reshape", Device::Kernel(OperatorKind::Reshape)),
    ("Transpose", Device::Lowered(&[OperatorKind::Rearrange])),
    ("Slice", Device::Lowered(&[OperatorKind::Rearrange])),
    ("Expand", Device::Lowered(&[OperatorKind::Rearrange])),
    ("Gather", Device::Kernel(OperatorKind::Gather)),
    ("ResizeNearest", Device::Kernel(OperatorKind::ResizeNearest)),
    ("ResizeBilinear", Device::Kernel(OperatorKind::ResizeBilinear)),
    ("Interpolate", Device::Kernel(OperatorKind::Interpolate)),
    ("Relu", Device::Table),
    ("Relu6", Device::Table),
    ("ReluN1To1", Device::Table),
    ("LeakyRelu", Device::Table),
    ("Logistic", Device::Table),
    ("Tanh", Device::Table),
    ("HardSwish", Device::Table),
    ("Requantize", Device::Table),
    ("Abs", Device::Table),
    ("Acos", Device::Table),
    ("Acosh", Device::Table),
    ("Asin", Device::Table),
    ("Asinh", Device::Table),
    ("Atan", Device::Table),
    ("Atanh", Device::Table),
    ("Ceil", Device::Table),
    ("Clip", Device::Table),
    ("Cos", Device::Table),
    ("Cosh", Device::Table),
    ("Elu", Device::Table),
    ("Erf", Device::Table),
    ("Exp", Device::Table),
    ("Floor", Device::Table),
    ("Function", Device::Table),
    ("Gelu", Device::Table),
    ("Log", Device::Table),
    ("Neg", Device::Table),
    ("Power", Device::Table),
    ("Reciprocal", Device::Table),
    ("Round", Device::Table),
    ("Rsqrt", Device::Table),
    ("Sign", Device::Table),
    ("Silu", Device::Table),
    ("Sin", Device::Table),
    ("Sinh", Device::Table),
    ("Sqrt", Device::Table),
    ("Square", Device::Table),
    ("Tan", Device::Table),
    ("Boxes", Device::Contract),
];

/// The whole table.
pub fn rows() -> Vec<Row> {
    let becoming = |operator: &str, sources: Vec<Source>| -> Vec<&'static str> {
        let into = |becomes: &[&str]| match operator {
            "" => becomes.is_empty(),
            _ => becomes.contains(&operator),
        };
        sources.into_iter().filter(|(_, becomes)| into(becomes)).map(|(name, _)| name).collect()
    };
    let vanishing = [("", Device::Nothing)];
    DEVICE
        .iter()
        .chain(&vanishing)
        .map(|&(operator, device)| Row {
            operator,
            device,
            onnx: becoming(operator, onnx_operators().collect()),
            tflite: becoming(operator, tflite_operators().collect()),
        })
        .collect()
}

type Source = (&'static str, &'static [&'static str]);

fn name<S: Serializer>(kind: &OperatorKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kind)
}

fn names<S: Serializer>(kinds: &&[OperatorKind], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(kinds.iter().map(ToString::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_row_and_every_row_a_source() {
        let known: Vec<&str> = DEVICE.iter().map(|&(operator, _)| operator).collect();
        for (source, becomes) in onnx_operators().chain(tflite_operators()) {
            for operator in becomes {
                assert!(known.contains(operator), "{source} becomes {operator}, which has no row");
            }
        }
        for row in rows() {
            assert!(row.onnx.len() + row.tflite.len() > 0, "nothing becomes {}", row.operator);
        }
    }
}
