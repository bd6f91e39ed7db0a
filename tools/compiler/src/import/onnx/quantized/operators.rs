//! Operators on integers, taken apart into what they mean: `DequantizeLinear`, the float operator,
//! `QuantizeLinear`.
//!
//! Scales that a file computes at run time (`DynamicQuantizeLinear`) mean a float model with small weights: its
//! activations stay real, and calibration finds their scales.

use tract_onnx::pb::{AttributeProto, NodeProto};

use super::constants::Constants;

/// One value with its scale and zero point, by position among the operands.
type Triple = [usize; 3];

/// How an operator on integers reads.
struct Form {
    /// Its name.
    quantized: &'static str,
    /// The float operator.
    float: &'static str,
    /// Operands with their scales and zero points.
    operands: &'static [Triple],
    /// Position of the bias, int32 in the scale of the sums.
    bias: Option<usize>,
    /// Scale and zero point of the result.
    result: [usize; 2],
    /// Axis of scales by channel of the second operand.
    channel_axis: i64,
}

const fn unary(quantized: &'static str, float: &'static str) -> Form {
    Form { quantized, float, operands: &[[0, 1, 2]], bias: None, result: [3, 4], channel_axis: 0 }
}

const fn binary(quantized: &'static str, float: &'static str) -> Form {
    let operands = &[[0, 1, 2], [3, 4, 5]];
    Form { quantized, float, operands, bias: None, result: [6, 7], channel_axis: -1 }
}

/// The operators of ONNX and those that onnxruntime's quantizer writes.
const FORMS: &[Form] = &[
    Form { bias: Some(8), channel_axis: 0, ..binary("QLinearConv", "Conv") },
    binary("QLinearMatMul", "MatMul"),
    Form { bias: Some(6), result: [7, 8], channel_axis: 0, ..binary("QGemm", "Gemm") },
    binary("QLinearAdd", "Add"),
    binary("QLinearMul", "Mul"),
    unary("QLinearAveragePool", "AveragePool"),
    unary("QLinearGlobalAveragePool", "GlobalAveragePool"),
    unary("QLinearLeakyRelu", "LeakyRelu"),
    unary("QLinearSigmoid", "Sigmoid"),
    unary("QLinearSoftmax", "Softmax"),
];

/// Whether an operator has to do with integers that stand for real numbers.
pub(super) fn is_quantized(node: &NodeProto) -> bool {
    accepted().any(|(name, _)| name == node.op_type)
}

/// Every such operator, and the float operator that it stands for.
pub(in super::super) fn accepted() -> impl Iterator<Item = (&'static str, &'static str)> {
    let others = [
        ("QuantizeLinear", "Identity"),
        ("DequantizeLinear", "Identity"),
        ("DynamicQuantizeLinear", "Identity"),
        ("ConvInteger", "Conv"),
        ("MatMulInteger", "MatMul"),
        ("QLinearConcat", "Concat"),
    ];
    others.into_iter().chain(FORMS.iter().map(|form| (form.quantized, form.float)))
}

/// The parts of an operator on integers; `None` for every other operator.
pub(super) fn take_apart(
    node: &NodeProto,
    index: usize,
    constants: &mut Constants,
) -> Result<Option<Vec<NodeProto>>, String> {
    let mut parts = Parts { prefix: format!("{}:{index}", node.op_type), nodes: Vec::new() };
    let result = node.output.first().ok_or("no result")?.clone();
    match &*node.op_type {
        "DynamicQuantizeLinear" => parts.dynamic(node, constants)?,
        "ConvInteger" => parts.integer(node, "Conv", result, constants)?,
        "MatMulInteger" => parts.integer(node, "MatMul", result, constants)?,
        "QLinearConcat" => {
            let mut operands = Vec::new();
            for first in (2..node.input.len()).step_by(3) {
                operands.push(parts.real(node, [first, first + 1, first + 2], 0)?);
            }
            parts.finish(node, "Concat", operands, [0, 1], result)?;
        }
        name => {
            let Some(form) = FORMS.iter().find(|form| form.quantized == name) else { return Ok(None) };
            if attribute(node, "channels_last") == Some(1) {
                return Err("channels_last; export the model with [N, C, H, W] images".into());
            }
            let mut operands = Vec::new();
            for &triple in form.operands {
                operands.push(parts.real(node, triple, form.channel_axis)?);
            }
            if let Some(bias) =
                form.bias.and_then(|bias| node.input.get(bias)).filter(|bias| !bias.is_empty())
            {
                operands.push(parts.bias(node, bias, constants)?);
            }
            parts.finish(node, form.float, operands, form.result, result)?;
        }
    }
    Ok(Some(parts.nodes))
}

struct Parts {
    prefix: String,
    nodes: Vec<NodeProto>,
}

impl Parts {
    fn push(&mut self, op_type: &str, input: Vec<String>, output: Vec<String>, axis: Option<i64>) {
        let axis =
            axis.map(|i| AttributeProto { name: "axis".into(), i, r#type: 2, ..AttributeProto::default() });
        let name = format!("{}.{}", self.prefix, self.nodes.len());
        self.nodes.push(NodeProto {
            input,
            output,
            op_type: op_type.into(),
            name,
            attribute: axis.into_iter().collect(),
            ..NodeProto::default()
        });
    }

    /// The real value of an operand; its name.
    fn real(&mut self, node: &NodeProto, triple: Triple, axis: i64) -> Result<String, String> {
        let mut input = Vec::new();
        for position in triple {
            let operand = node.input.get(position).ok_or_else(|| format!("operand {position} is missing"))?;
            input.push(operand.clone());
        }
        let output = format!("{}.operand{}", self.prefix, triple[0]);
        self.push("DequantizeLinear", input, vec![output.clone()], Some(axis));
        Ok(output)
    }

    /// A bias in the scale of the sums, which is the product of both operands' scales.
    fn bias(&mut self, node: &NodeProto, bias: &str, constants: &mut Constants) -> Result<String, String> {
        let scales = |position: usize| {
            let name = node.input.get(position).ok_or_else(|| format!("operand {position} is missing"))?;
            let (values, _) =
                constants.floats(name).ok_or_else(|| format!("the scale `{name}` is computed"))?;
            Ok::<_, String>(values)
        };
        let (of_input, of_weights) = (scales(1)?, scales(4)?);
        let &[of_input] = &of_input[..] else { return Err("an activation with one scale a channel".into()) };
        let name = format!("{}.bias_scale", self.prefix);
        constants.add_floats(&name, of_weights.iter().map(|scale| of_input * scale).collect());
        let output = format!("{}.bias", self.prefix);
        self.push("DequantizeLinear", vec![bias.into(), name], vec![output.clone()], Some(0));
        Ok(output)
    }

    /// The float operator and the quantization of its result.
    fn finish(
        &mut self,
        node: &NodeProto,
        float: &str,
        operands: Vec<String>,
        result: [usize; 2],
        output: String,
    ) -> Result<(), String> {
        let real = format!("{}.result", self.prefix);
        self.push(float, operands, vec![real.clone()], None);
        self.nodes.last_mut().expect("pushed above").attribute = node.attribute.clone();
        let mut input = vec![real];
        input.extend(result.iter().filter_map(|&position| node.input.get(position)).cloned());
        if input.len() < 2 {
            return Err("the scale of the result is missing".into());
        }
        self.push("QuantizeLinear", input, vec![output], None);
        Ok(())
    }

    /// The value stays real under scale 1 and zero point 0.
    fn dynamic(&mut self, node: &NodeProto, constants: &mut Constants) -> Result<(), String> {
        let [source, real, scale, zero] =
            [node.input.first(), node.output.first(), node.output.get(1), node.output.get(2)]
                .map(|name| name.cloned().unwrap_or_default());
        if source.is_empty() || real.is_empty() {
            return Err("an operand or a result is missing".into());
        }
        constants.add_dynamic(&real);
        self.push("Identity", vec![source], vec![real], None);
        for (name, value) in [(scale, 1.0), (zero, 0.0)] {
            if !name.is_empty() {
                self.push("Constant", vec![], vec![name], None);
                let value = Constants::scalar(value);
                let attribute = AttributeProto {
                    name: "value".into(),
                    t: Some(value),
                    r#type: 4,
                    ..AttributeProto::default()
                };
                self.nodes.last_mut().expect("pushed above").attribute = vec![attribute];
            }
        }
        Ok(())
    }

    /// A product of integers: of real numbers, each an integer less its zero point.
    fn integer(
        &mut self,
        node: &NodeProto,
        float: &str,
        output: String,
        constants: &mut Constants,
    ) -> Result<(), String> {
        let one = format!("{}.one", self.prefix);
        constants.add_floats(&one, vec![1.0]);
        let mut operands = Vec::new();
        for position in 0..2 {
            let name = node.input.get(position).ok_or_else(|| format!("operand {position} is missing"))?;
            if constants.is_dynamic(name) {
                operands.push(name.clone());
                continue;
            }
            let mut input = vec![name.clone(), one.clone()];
            input.extend(node.input.get(position + 2).filter(|zero| !zero.is_empty()).cloned());
            let real = format!("{}.operand{position}", self.prefix);
            self.push("DequantizeLinear", input, vec![real.clone()], Some(0));
            operands.push(real);
        }
        self.push(float, operands, vec![output], None);
        self.nodes.last_mut().expect("pushed above").attribute = node.attribute.clone();
        Ok(())
    }
}

fn attribute(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.i)
}
