//! TFLite operators to the graph's: options, constant operands and axes of quantization.

use tract_tflite::tflite::{
    ActivationFunctionType, BuiltinOperator, FullyConnectedOptionsWeightsFormat, Model, Operator,
};

use super::accepted::{self, Meaning};
use super::windows::{RawWindow, explicit, positive};
use crate::fold::dequantized;
use crate::graph::{
    Activation, Binary, Data, Element, Graph, Node, Op, Quantization, Reduction, Tensor, TensorId, Unary,
};
use crate::import::Problem;

/// One operator of the file with its operands found.
pub(super) struct NodeSource<'a> {
    pub(super) operator: Operator<'a>,
    pub(super) code: BuiltinOperator,
    /// The name of a custom operator, otherwise empty.
    pub(super) custom: &'a str,
    pub(super) name: &'a str,
    /// `None` where an optional operand is absent.
    pub(super) inputs: &'a [Option<TensorId>],
    pub(super) outputs: &'a [TensorId],
}

/// Name, code and custom name of an operator by its index in the file's table.
pub(super) fn operator_name(model: Model<'_>, index: u32) -> Result<(String, BuiltinOperator, &str), String> {
    let codes = model.operator_codes();
    let count = codes.map_or(0, |codes| codes.len());
    let Some(codes) = codes.filter(|_| (index as usize) < count) else {
        return Err(format!("operator code {index} of {count} does not exist"));
    };
    let entry = codes.get(index as usize);
    // Codes above 127 do not fit the first field, which old files alone fill.
    let code = BuiltinOperator(entry.builtin_code().0.max(i32::from(entry.deprecated_builtin_code())));
    let custom = entry.custom_code().filter(|_| code == BuiltinOperator::CUSTOM).unwrap_or_default();
    let name = match (code, code.variant_name()) {
        (BuiltinOperator::CUSTOM, _) => format!("CUSTOM {custom:?}"),
        (_, Some(name)) => name.to_string(),
        (_, None) => format!("operator {}", code.0),
    };
    Ok((name, code, custom))
}

/// Translates one operator into nodes, the last of which computes its first result; constants and
/// intermediate tensors that they need besides join the graph.
pub(super) fn translate(
    graph: &mut Graph,
    source: NodeSource<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Node>, Problem> {
    let accepted = accepted::find(source.code, source.custom);
    let Some(Meaning::Nodes(translate)) = accepted.map(|accepted| &accepted.meaning) else {
        return Err(Problem::Operator);
    };
    if source.outputs.is_empty() {
        return Err(Problem::Invalid("no result".into()));
    }
    let mut translation = Translation { graph, source, warnings, nodes: Vec::new() };
    let (op, inputs) = translate(&mut translation)?;
    let mut nodes = translation.nodes;
    let computed: Vec<TensorId> = nodes.iter().flat_map(|node| &node.outputs).copied().collect();
    let outputs = translation.source.outputs.iter().copied().filter(|id| !computed.contains(id)).collect();
    nodes.push(Node { name: translation.source.name.to_string(), op, inputs, outputs });
    Ok(nodes)
}

/// What computes the first result, and from which operands.
pub(super) type Translated = Result<(Op, Vec<TensorId>), Problem>;

/// An operator of the file on its way into the graph.
pub(super) struct Translation<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) source: NodeSource<'a>,
    warnings: &'a mut Vec<String>,
    /// Nodes before the last.
    nodes: Vec<Node>,
}

impl Translation<'_> {
    pub(super) fn conv_2d(&mut self) -> Translated {
        let options = self
            .source
            .operator
            .builtin_options_as_conv_2_doptions()
            .ok_or_else(|| missing("Conv2DOptions"))?;
        let inputs = self.weighted(0)?;
        let [_, height, width, channels] = self.axes(inputs[0])?;
        let [_, rows, columns, depth] = self.axes(inputs[1])?;
        let raw = RawWindow {
            filter: [rows, columns],
            stride: [options.stride_h(), options.stride_w()],
            dilation: [options.dilation_h_factor(), options.dilation_w_factor()],
            padding: options.padding(),
        };
        let op = Op::Conv2d {
            window: explicit(&raw, [height, width])?,
            // The file states groups only through the depth of the filters.
            groups: if depth > 0 && channels % depth == 0 { channels / depth } else { 1 },
            activation: activation(options.fused_activation_function())?,
        };
        Ok((op, inputs))
    }

    pub(super) fn depthwise_conv_2d(&mut self) -> Translated {
        let options = self
            .source
            .operator
            .builtin_options_as_depthwise_conv_2_doptions()
            .ok_or_else(|| missing("DepthwiseConv2DOptions"))?;
        let inputs = self.weighted(3)?;
        let [_, height, width, channels] = self.axes(inputs[0])?;
        let [_, rows, columns, out_channels] = self.axes(inputs[1])?;
        if channels == 0 || out_channels % channels != 0 {
            return Err(Problem::Invalid(format!("{out_channels} filters over {channels} channels")));
        }
        let raw = RawWindow {
            filter: [rows, columns],
            stride: [options.stride_h(), options.stride_w()],
            dilation: [options.dilation_h_factor(), options.dilation_w_factor()],
            padding: options.padding(),
        };
        let op = Op::DepthwiseConv2d {
            window: explicit(&raw, [height, width])?,
            // As the reference does, from the shapes; the option of that name may be stale.
            depth_multiplier: out_channels / channels,
            activation: activation(options.fused_activation_function())?,
        };
        Ok((op, inputs))
    }

    pub(super) fn fully_connected(&mut self) -> Translated {
        let options = self
            .source
            .operator
            .builtin_options_as_fully_connected_options()
            .ok_or_else(|| missing("FullyConnectedOptions"))?;
        if options.weights_format() != FullyConnectedOptionsWeightsFormat::DEFAULT {
            return Err(Problem::Form(format!("weights format {:?}", options.weights_format())));
        }
        let op = Op::FullyConnected { activation: activation(options.fused_activation_function())? };
        Ok((op, self.weighted(0)?))
    }

    pub(super) fn pool(&mut self) -> Translated {
        let options = self
            .source
            .operator
            .builtin_options_as_pool_2_doptions()
            .ok_or_else(|| missing("Pool2DOptions"))?;
        let inputs = self.all(1)?;
        let [_, height, width, _] = self.axes(inputs[0])?;
        let raw = RawWindow {
            filter: [
                positive(options.filter_height(), "filter height")?,
                positive(options.filter_width(), "filter width")?,
            ],
            stride: [options.stride_h(), options.stride_w()],
            dilation: [1, 1],
            padding: options.padding(),
        };
        let window = explicit(&raw, [height, width])?;
        let activation = activation(options.fused_activation_function())?;
        let op = match self.source.code {
            BuiltinOperator::MAX_POOL_2D => Op::MaxPool2d { window, activation },
            _ => Op::AveragePool2d { window, activation },
        };
        Ok((op, inputs))
    }

    /// A reduction over the axes that the second operand states.
    pub(super) fn reduce(&mut self, reduction: Reduction) -> Translated {
        let input = self.operand(0)?;
        let axes = self.positive_axes(input, self.integers(1)?)?;
        let rank = self.graph.tensors[input].shape.len();
        let op = if reduction == Reduction::Mean && rank == 4 && axes == [1, 2] {
            Op::Mean
        } else {
            Op::Reduce { reduction, axes }
        };
        Ok((op, vec![input]))
    }

    /// Places, which the file has as integers of 32 or 64 bits.
    pub(super) fn places(&mut self, reduction: Reduction) -> Translated {
        let input = self.operand(0)?;
        let axes = self.positive_axes(input, self.integers(1)?)?;
        let element = self.graph.tensors[input].element;
        let result = &mut self.graph.tensors[self.source.outputs[0]];
        if !matches!(result.element, Element::I32 | Element::I64) {
            return Err(Problem::Invalid(format!("places of {:?}", result.element)));
        }
        let (scales, zero_points) = (vec![1.0], vec![-128]);
        result.element = element;
        result.quantization =
            (element == Element::I8).then_some(Quantization { scales, zero_points, axis: 0 });
        Ok((Op::Reduce { reduction, axes }, vec![input]))
    }

    fn positive_axes(&self, input: TensorId, axes: Vec<i64>) -> Result<Vec<usize>, Problem> {
        let rank = self.graph.tensors[input].shape.len() as i64;
        let mut positive = Vec::with_capacity(axes.len());
        for axis in axes {
            let from_front = if axis < 0 { axis.saturating_add(rank) } else { axis };
            let axis = usize::try_from(from_front)
                .map_err(|_| Problem::Invalid(format!("axis {axis} of {rank}")))?;
            positive.push(axis);
        }
        positive.sort_unstable();
        positive.dedup();
        Ok(positive)
    }

    pub(super) fn batch_matmul(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_batch_mat_mul_options();
        let (adj_x, adj_y) = options.map_or((false, false), |options| (options.adj_x(), options.adj_y()));
        if adj_x {
            return Err(Problem::Form("a transposed first matrix".into()));
        }
        Ok((Op::BatchMatmul { right_transposed: adj_y }, self.all(2)?))
    }

    pub(super) fn local_response(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_local_response_normalization_options();
        let options = options.ok_or_else(|| missing("LocalResponseNormalizationOptions"))?;
        let radius = usize::try_from(options.radius())
            .map_err(|_| Problem::Invalid(format!("radius {}", options.radius())))?;
        let op = Op::LocalResponseNormalization {
            before: radius,
            after: radius,
            alpha: options.alpha(),
            beta: options.beta(),
            bias: options.bias(),
        };
        Ok((op, self.all(1)?))
    }

    /// The target shape stands in the result; what an operand says besides is for dynamic shapes.
    pub(super) fn reshape(&mut self) -> Translated {
        Ok((Op::Reshape, vec![self.operand(0)?]))
    }

    pub(super) fn add(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_add_options();
        let fused =
            options.map_or(ActivationFunctionType::NONE, |options| options.fused_activation_function());
        Ok((Op::Add { activation: activation(fused)? }, self.all(2)?))
    }

    pub(super) fn mul(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_mul_options();
        let fused =
            options.map_or(ActivationFunctionType::NONE, |options| options.fused_activation_function());
        Ok((Op::Mul { activation: activation(fused)? }, self.all(2)?))
    }

    /// A difference; a float constant is negated here and added, as layers take it in so.
    pub(super) fn sub(&mut self) -> Translated {
        let inputs = self.all(2)?;
        let options = self.source.operator.builtin_options_as_sub_options();
        let fused =
            options.map_or(ActivationFunctionType::NONE, |options| options.fused_activation_function());
        let activation = activation(fused)?;
        let subtrahend = &self.graph.tensors[inputs[1]];
        let Some(values) = subtrahend.floats() else {
            return Ok((Op::Binary { binary: Binary::Sub, activation }, inputs));
        };
        let negated = Tensor {
            name: format!("-{}", subtrahend.name),
            data: Some(Data::F32(values.iter().map(|value| -value).collect())),
            ..subtrahend.clone()
        };
        self.graph.tensors.push(negated);
        Ok((Op::Add { activation }, vec![inputs[0], self.graph.tensors.len() - 1]))
    }

    pub(super) fn div(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_div_options();
        let fused =
            options.map_or(ActivationFunctionType::NONE, |options| options.fused_activation_function());
        Ok((Op::Binary { binary: Binary::Div, activation: activation(fused)? }, self.all(2)?))
    }

    pub(super) fn binary(&mut self, binary: Binary) -> Translated {
        Ok((Op::Binary { binary, activation: Activation::Linear }, self.all(2)?))
    }

    pub(super) fn prelu(&mut self) -> Translated {
        Ok((Op::Prelu, self.all(2)?))
    }

    pub(super) fn gelu(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_gelu_options();
        let approximate = options.ok_or_else(|| missing("GeluOptions"))?.approximate();
        self.unary(if approximate { Unary::GeluTanh } else { Unary::Gelu })
    }

    pub(super) fn concatenate(&mut self) -> Translated {
        let options = self
            .source
            .operator
            .builtin_options_as_concatenation_options()
            .ok_or_else(|| missing("ConcatenationOptions"))?;
        if options.fused_activation_function() != ActivationFunctionType::NONE {
            // The reference refuses it too.
            return Err(Problem::Form(format!("fused activation {:?}", options.fused_activation_function())));
        }
        let inputs = self.all(self.source.inputs.len())?;
        let first = *inputs.first().ok_or_else(|| Problem::Invalid("no operands".into()))?;
        let rank = self.graph.tensors[first].shape.len() as i64;
        let axis = i64::from(options.axis());
        let axis = if axis < 0 { axis + rank } else { axis };
        let axis = usize::try_from(axis).map_err(|_| Problem::Invalid(format!("axis {axis} of {rank}")))?;
        Ok((Op::Concatenate { axis }, inputs))
    }

    pub(super) fn pad(&mut self) -> Translated {
        let input = self.operand(0)?;
        let (before, after) = self.paddings(self.graph.tensors[input].shape.len())?;
        let value = match self.source.inputs.get(2) {
            Some(&Some(id)) => self.real_scalar(id)?,
            _ => 0.0,
        };
        Ok((Op::Pad { before, after, value }, vec![input]))
    }

    /// Elements before and after each axis.
    pub(super) fn paddings(&self, rank: usize) -> Result<(Vec<usize>, Vec<usize>), Problem> {
        let paddings = self.integers(1)?;
        if paddings.len() != 2 * rank {
            return Err(Problem::Invalid(format!("{} paddings for {rank} axes", paddings.len())));
        }
        let paddings: Vec<usize> = paddings
            .iter()
            .map(|&padding| usize::try_from(padding))
            .collect::<Result<_, _>>()
            .map_err(|_| Problem::Form(format!("negative paddings {paddings:?}")))?;
        let side = |first: usize| paddings.iter().skip(first).step_by(2).copied().collect();
        Ok((side(0), side(1)))
    }

    pub(super) fn resize_nearest(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_resize_nearest_neighbor_options();
        let (align_corners, half_pixel_centers) =
            options.map_or((false, false), |options| (options.align_corners(), options.half_pixel_centers()));
        Ok((Op::ResizeNearest { align_corners, half_pixel_centers }, self.resize_operand()?))
    }

    pub(super) fn resize_bilinear(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_resize_bilinear_options();
        let (align_corners, half_pixel_centers) =
            options.map_or((false, false), |options| (options.align_corners(), options.half_pixel_centers()));
        Ok((Op::ResizeBilinear { align_corners, half_pixel_centers }, self.resize_operand()?))
    }

    pub(super) fn softmax(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_softmax_options();
        let beta = options.ok_or_else(|| missing("SoftmaxOptions"))?.beta();
        Ok((Op::Softmax { beta }, self.all(1)?))
    }

    pub(super) fn leaky_relu(&mut self) -> Translated {
        let options = self.source.operator.builtin_options_as_leaky_relu_options();
        let alpha = options.ok_or_else(|| missing("LeakyReluOptions"))?.alpha();
        self.unary(Unary::LeakyRelu { alpha })
    }

    pub(super) fn unary(&mut self, unary: Unary) -> Translated {
        Ok((Op::Unary(unary), self.all(1)?))
    }

    /// The size that the second operand states is the result's.
    fn resize_operand(&self) -> Result<Vec<TensorId>, Problem> {
        let size = self.integers(1)?;
        let [_, height, width, _] = self.axes(self.source.outputs[0])?;
        if size != [height as i64, width as i64] {
            return Err(Problem::Invalid(format!("size {size:?} with a result of {height} x {width}")));
        }
        Ok(vec![self.operand(0)?])
    }

    /// Input, weights and an optional bias, with scales of weights and bias along the channels.
    fn weighted(&mut self, channel_axis: usize) -> Result<Vec<TensorId>, Problem> {
        let operands: Vec<usize> = (0..self.source.inputs.len()).collect();
        self.weighted_operands(&operands, channel_axis)
    }

    /// As [`Translation::weighted`], the operands by their places in the file.
    pub(super) fn weighted_operands(
        &mut self,
        operands: &[usize],
        channel_axis: usize,
    ) -> Result<Vec<TensorId>, Problem> {
        let &[input, weights, ref bias @ ..] = operands else {
            return Err(Problem::Invalid(format!("{} operands", operands.len())));
        };
        if bias.len() > 1 {
            return Err(Problem::Invalid(format!("{} operands", operands.len())));
        }
        let mut inputs = vec![self.operand(input)?, self.operand(weights)?];
        inputs.extend(bias.iter().filter_map(|&bias| self.source.inputs.get(bias).copied().flatten()));
        self.settle_axis(inputs[1], channel_axis)?;
        if let Some(&bias) = inputs.get(2) {
            self.settle_axis(bias, 0)?;
        }
        if self.graph.tensors[inputs[0]].element == Element::F32 {
            inputs[1] = self.real_weights(inputs[1]);
        }
        if let Some(&constant) = inputs[1..].iter().find(|&&id| {
            let tensor = &self.graph.tensors[id];
            // Halves reach their operator through DEQUANTIZE, which folding removes.
            tensor.data.is_none() && tensor.element != Element::F32
        }) {
            return Err(Problem::Form(format!("`{}` is not a constant", self.graph.tensors[constant].name)));
        }
        Ok(inputs)
    }

    /// Weights quantized for storage alone, in a float operator, count with the real values they stand for.
    fn real_weights(&mut self, id: TensorId) -> TensorId {
        let Some(real) = dequantized(&self.graph.tensors[id]) else { return id };
        self.warnings.push(format!(
            "tensor `{}`: {:?} weights in a float operator, read as the real values they stand for",
            real.name, self.graph.tensors[id].element
        ));
        self.graph.tensors.push(real);
        self.graph.tensors.len() - 1
    }

    /// The operator knows which axis its scales run along; some files say another, and TFLite Micro,
    /// whose outputs are the measure, does not look.
    fn settle_axis(&mut self, id: TensorId, axis: usize) -> Result<(), Problem> {
        let tensor = &mut self.graph.tensors[id];
        let Some(quantization) = &mut tensor.quantization else { return Ok(()) };
        let channels = quantization.scales.len();
        if channels > 1 {
            if tensor.shape.get(axis) != Some(&channels) {
                return Err(Problem::Invalid(format!(
                    "`{}` has {channels} scales, but shape {:?} has another extent along its channel axis {axis}",
                    tensor.name, tensor.shape
                )));
            }
            if quantization.axis != axis {
                self.warnings.push(format!(
                    "tensor `{}`: wrong quantized_dimension {}, read as {axis}, as TFLite Micro does",
                    tensor.name, quantization.axis
                ));
            }
        }
        quantization.axis = axis;
        Ok(())
    }

    /// The operator as the file has it.
    pub(super) fn operator(&self) -> Operator<'_> {
        self.source.operator
    }

    /// How many operands it has.
    pub(super) fn operands(&self) -> usize {
        self.source.inputs.len()
    }

    /// Its results.
    pub(super) fn outputs(&self) -> &[TensorId] {
        self.source.outputs
    }

    pub(super) fn shape(&self, id: TensorId) -> &[usize] {
        &self.graph.tensors[id].shape
    }

    /// A node before the last, with a result of its own that is quantized as its operand is.
    pub(super) fn emit(&mut self, what: &str, op: Op, inputs: Vec<TensorId>, shape: Vec<usize>) -> TensorId {
        let like = &self.graph.tensors[inputs[0]];
        let name = format!("{}/{what}", self.source.name);
        let result = Tensor { name, shape, data: None, ..like.clone() };
        self.graph.tensors.push(result);
        let output = self.graph.tensors.len() - 1;
        self.compute(op, inputs, output);
        output
    }

    /// A node before the last that computes a result.
    pub(super) fn compute(&mut self, op: Op, inputs: Vec<TensorId>, output: TensorId) {
        let name = self.source.name.to_string();
        self.nodes.push(Node { name, op, inputs, outputs: vec![output] });
    }

    pub(super) fn operand(&self, index: usize) -> Result<TensorId, Problem> {
        match self.source.inputs.get(index) {
            Some(&Some(id)) => Ok(id),
            _ => Err(Problem::Invalid(format!("operand {index} is missing"))),
        }
    }

    /// Exactly `count` operands, none absent.
    pub(super) fn all(&self, count: usize) -> Result<Vec<TensorId>, Problem> {
        if self.source.inputs.len() != count {
            return Err(Problem::Invalid(format!(
                "{count} operand(s) expected, {} found",
                self.source.inputs.len()
            )));
        }
        (0..count).map(|index| self.operand(index)).collect()
    }

    pub(super) fn axes(&self, id: TensorId) -> Result<[usize; 4], Problem> {
        let tensor = &self.graph.tensors[id];
        tensor.shape[..].try_into().map_err(|_| {
            Problem::Form(format!("`{}` has shape {:?}; four axes are supported", tensor.name, tensor.shape))
        })
    }

    pub(super) fn integers(&self, index: usize) -> Result<Vec<i64>, Problem> {
        let tensor = &self.graph.tensors[self.operand(index)?];
        match &tensor.data {
            Some(Data::I32(values)) => Ok(values.iter().map(|&value| i64::from(value)).collect()),
            Some(Data::I64(values)) => Ok(values.clone()),
            _ => Err(Problem::Form(format!("`{}` is not a constant of integers", tensor.name))),
        }
    }

    fn real_scalar(&self, id: TensorId) -> Result<f32, Problem> {
        let tensor = &self.graph.tensors[id];
        let real = |value: i32| match &tensor.quantization {
            Some(quantization) if quantization.scales.len() == 1 => {
                Some((value - quantization.zero_points[0]) as f32 * quantization.scales[0])
            }
            _ => None,
        };
        let value = match &tensor.data {
            Some(Data::F32(values)) if values.len() == 1 => Some(values[0]),
            Some(Data::I8(values)) if values.len() == 1 => real(i32::from(values[0])),
            Some(Data::U8(values)) if values.len() == 1 => real(i32::from(values[0])),
            _ => None,
        };
        value.ok_or_else(|| Problem::Form(format!("`{}` is not a constant number", tensor.name)))
    }
}

pub(super) fn activation(fused: ActivationFunctionType) -> Result<Activation, Problem> {
    match fused {
        ActivationFunctionType::NONE => Ok(Activation::Linear),
        ActivationFunctionType::RELU => Ok(Activation::Relu),
        ActivationFunctionType::RELU6 => Ok(Activation::Relu6),
        ActivationFunctionType::RELU_N1_TO_1 => Ok(Activation::ReluN1To1),
        other => Err(Problem::Form(format!("fused activation {other:?}"))),
    }
}

pub(super) fn missing(options: &str) -> Problem {
    Problem::Invalid(format!("the file gives no {options}"))
}
