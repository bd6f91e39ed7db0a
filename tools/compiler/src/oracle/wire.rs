//! Each operator in tract's own terms.

use tract_core::internal::{
    AxisOp, IntoArcTensor, ShapeFact, SpecialOps, TDim, TVec, Tensor as TractTensor, ToDim, TractError,
    TractResult, tvec,
};
use tract_core::model::{OutletId, TypedModel};
use tract_core::ops::array::{Gather, MultiBroadcastTo, Pad, PadMode, TypedConcat};
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::cast::cast;
use tract_core::ops::change_axes::perm_to_ops;
use tract_core::ops::cnn::{Conv, Deconv, KernelFormat, MaxPool, PaddingSpec, PoolSpec, SumPool};
use tract_core::ops::einsum::EinSum;
use tract_core::ops::logic::{Iff, comp_eq, comp_gt, comp_gte, comp_ne};
use tract_core::ops::nn::{
    DataFormat, Reduce, Reducer, Softmax, SoftmaxKind, hard_swish, leaky_relu, sigmoid,
};
use tract_core::ops::{konst::Const, math};
use tract_core::prelude::{Datum, TypedFact, TypedOp};

use super::{OracleError, constant, evaluate, ones};
use crate::fold::dequantized;
use crate::graph::{Activation, Binary, Element, Function, Graph, Node, Op, Tensor, TensorId, Unary, Window};
use crate::resample::resize_matrix;

mod axes;

/// The model and the place of each tensor in it; constants have one once a node reads them.
pub(super) fn build(graph: &Graph) -> Result<(TypedModel, Vec<Option<OutletId>>), OracleError> {
    let mut wiring = Wiring {
        graph,
        model: TypedModel::default(),
        outlets: vec![None; graph.tensors.len()],
        place: String::new(),
    };
    for (position, &id) in graph.inputs.iter().enumerate() {
        let fact = TypedFact::dt_shape(f32::datum_type(), &*graph.tensors[id].shape);
        let source = wiring.model.add_source(format!("input.{position}"), fact);
        wiring.outlets[id] = Some(source.map_err(|error| OracleError::Build {
            place: format!("input {position}"),
            problem: format!("{error:#}"),
        })?);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        wiring.place = format!("{index}");
        let outlet = wiring.node(node).map_err(|error| OracleError::Build {
            place: format!("node {index} `{}` ({})", node.name, node.op.name()),
            problem: format!("{error:#}"),
        })?;
        wiring.outlets[node.outputs[0]] = Some(outlet);
    }
    Ok((wiring.model, wiring.outlets))
}

struct Wiring<'a> {
    graph: &'a Graph,
    model: TypedModel,
    outlets: Vec<Option<OutletId>>,
    /// Prefix of the names of tract's nodes, which have to be unique.
    place: String,
}

impl Wiring<'_> {
    fn node(&mut self, node: &Node) -> TractResult<OutletId> {
        let output = &self.graph.tensors[node.outputs[0]];
        let outlet = match &node.op {
            Op::Conv2d { window, groups, activation } => {
                let outlet = self.conv(node, window, *groups)?;
                self.activate(outlet, *activation, 4)?
            }
            Op::DepthwiseConv2d { window, activation, .. } => {
                let channels = self.graph.tensors[node.inputs[0]].shape[3];
                let outlet = self.conv(node, window, channels)?;
                self.activate(outlet, *activation, 4)?
            }
            Op::TransposeConv2d { window, activation } => {
                let outlet = self.transpose_conv(node, window)?;
                self.activate(outlet, *activation, 4)?
            }
            Op::FullyConnected { activation } => self.fully_connected(node, *activation)?,
            Op::AveragePool2d { window, activation } => {
                let input = self.operand(node.inputs[0])?;
                let pool_spec = pool_spec(window, output.shape[3], output.shape[3]);
                let pool = SumPool { pool_spec, count_include_pad: false, normalize: true };
                let outlet = self.wire("pool", pool, &[input])?;
                self.activate(outlet, *activation, 4)?
            }
            Op::MaxPool2d { window, activation } => {
                let input = self.operand(node.inputs[0])?;
                let pool_spec = pool_spec(window, output.shape[3], output.shape[3]);
                let outlet = self.wire("pool", MaxPool { pool_spec, with_index_outputs: None }, &[input])?;
                self.activate(outlet, *activation, 4)?
            }
            Op::Mean => self.mean(node)?,
            Op::Add { activation } => {
                let operands = self.broadcast(node)?;
                let outlet = self.wire("add", math::add(), &operands)?;
                self.activate(outlet, *activation, output.shape.len())?
            }
            Op::Mul { activation } => {
                let operands = self.broadcast(node)?;
                let outlet = self.wire("mul", math::mul(), &operands)?;
                self.activate(outlet, *activation, output.shape.len())?
            }
            Op::Binary { binary, activation } => {
                let operands = self.broadcast(node)?;
                let outlet = self.binary(*binary, &operands)?;
                self.activate(outlet, *activation, output.shape.len())?
            }
            Op::Select => {
                let operands = self.broadcast(node)?;
                let zero = self.number("zero", 0.0, output.shape.len())?;
                let condition = self.wire("holds", TypedBinOp(comp_ne(), None), &[operands[0], zero])?;
                self.wire("select", Iff, &[condition, operands[1], operands[2]])?
            }
            Op::Prelu => {
                let (operands, rank) = (self.broadcast(node)?, output.shape.len());
                let above = self.clamp("above", operands[0], 0.0, f32::INFINITY, rank)?;
                let below = self.wire("below", math::sub(), &[operands[0], above])?;
                let below = self.wire("bent", math::mul(), &[below, operands[1]])?;
                self.wire("prelu", math::add(), &[above, below])?
            }
            Op::Reduce { reduction, axes } => self.reduce(node, *reduction, axes)?,
            Op::BatchMatmul { right_transposed } => self.batch_matmul(node, *right_transposed)?,
            Op::LocalResponseNormalization { .. } => self.local_response(node)?,
            Op::Normalize { .. } => self.normalize(node)?,
            Op::Concatenate { axis } => {
                let operands: Vec<OutletId> =
                    node.inputs.iter().map(|&id| self.operand(id)).collect::<TractResult<_>>()?;
                self.wire("concat", TypedConcat { axis: *axis }, &operands)?
            }
            Op::Pad { before, after, value } => {
                let input = self.operand(node.inputs[0])?;
                let pads = before.iter().copied().zip(after.iter().copied()).collect();
                let mode = PadMode::Constant(constant(&[], &[*value])?);
                self.wire("pad", Pad { pads, mode }, &[input])?
            }
            Op::Reshape => {
                let input = self.operand(node.inputs[0])?;
                self.reshape("reshape", input, &self.graph.tensors[node.inputs[0]].shape, &output.shape)?
            }
            Op::Transpose { order } => {
                let mut outlet = self.operand(node.inputs[0])?;
                for (index, op) in perm_to_ops(order).into_iter().enumerate() {
                    outlet = self.wire(&format!("move{index}"), op, &[outlet])?;
                }
                outlet
            }
            Op::Slice { begin, steps } => {
                let mut outlet = self.operand(node.inputs[0])?;
                for axis in 0..begin.len() {
                    let places: Vec<i64> = (0..output.shape[axis] as i64)
                        .map(|place| begin[axis] as i64 + place * steps[axis] as i64)
                        .collect();
                    outlet = self.gather(outlet, axis, &places)?;
                }
                outlet
            }
            Op::Expand => {
                let input = self.operand(node.inputs[0])?;
                let shape = ShapeFact::from_dims(output.shape.iter().map(|extent| extent.to_dim()));
                self.wire("expand", MultiBroadcastTo::new(shape), &[input])?
            }
            Op::Gather { axis, indices } => {
                let input = self.operand(node.inputs[0])?;
                let places: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
                self.gather(input, *axis, &places)?
            }
            Op::Interpolate { .. } | Op::ResizeNearest { .. } | Op::ResizeBilinear { .. } => {
                self.resize(node)?
            }
            Op::Softmax { beta } => {
                let mut input = self.operand(node.inputs[0])?;
                if *beta != 1.0 {
                    let factor = self.number("beta", *beta, output.shape.len())?;
                    input = self.wire("logits", math::mul(), &[input, factor])?;
                }
                let axes = tvec![output.shape.len() - 1];
                let softmax = Softmax { axes, quant_output_dt: None, kind: SoftmaxKind::Softmax };
                self.wire("softmax", softmax, &[input])?
            }
            Op::Unary(unary) => self.unary(node, *unary)?,
            Op::Function(function) => {
                let input = self.operand(node.inputs[0])?;
                self.wire("function", evaluate::operator(function.clone()), &[input])?
            }
        };
        self.clamp_to_type(outlet, output)
    }

    fn conv(&mut self, node: &Node, window: &Window, group: usize) -> TractResult<OutletId> {
        let input = self.operand(node.inputs[0])?;
        let weights = &self.graph.tensors[node.inputs[1]];
        let depthwise = matches!(node.op, Op::DepthwiseConv2d { .. });
        let channels = self.graph.tensors[node.inputs[0]].shape[3];
        let out_channels = weights.shape[if depthwise { 3 } else { 0 }];
        let kernel = self.operand(node.inputs[1])?;
        // tract groups kernels of the form [O, I, H, W]: [1, H, W, O] and [O, H, W, I] become that.
        let kernel = self.wire("kernel", AxisOp::Move(3, if depthwise { 0 } else { 1 }), &[kernel])?;
        let bias = self.bias(node, out_channels)?;
        let conv = Conv {
            pool_spec: pool_spec(window, channels, out_channels),
            kernel_fmt: KernelFormat::OIHW,
            group,
            q_params: None,
        };
        self.wire("conv", conv, &[input, kernel, bias])
    }

    fn transpose_conv(&mut self, node: &Node, window: &Window) -> TractResult<OutletId> {
        let (source, output) =
            (&self.graph.tensors[node.inputs[0]].shape, &self.graph.tensors[node.outputs[0]].shape);
        let input = self.operand(node.inputs[0])?;
        let kernel = self.operand(node.inputs[1])?;
        let kernel = self.wire("kernel", AxisOp::Move(3, 1), &[kernel])?;
        let bias = self.bias(node, output[3])?;
        // The whole result, of which the output is a part; what it has beyond is filled up.
        let ends = |axis: usize| {
            let reach = (window.filter[axis] - 1) * window.dilation[axis] + 1;
            let whole = (source[axis + 1] - 1) * window.stride[axis] + reach;
            let wanted = window.before[axis] + output[axis + 1];
            (whole.saturating_sub(wanted), wanted.saturating_sub(whole))
        };
        let ((below, under), (right, beside)) = (ends(0), ends(1));
        let pool_spec = PoolSpec {
            padding: PaddingSpec::Explicit(TVec::from_slice(&window.before), tvec![below, right]),
            ..pool_spec(window, source[3], output[3])
        };
        let deconv = Deconv {
            pool_spec,
            kernel_format: KernelFormat::OIHW,
            adjustments: tvec![under, beside],
            group: 1,
        };
        self.wire("deconv", deconv, &[input, kernel, bias])
    }

    /// The bias of a convolution, or zeros.
    fn bias(&mut self, node: &Node, channels: usize) -> TractResult<OutletId> {
        match node.inputs.get(2) {
            Some(&bias) => self.operand(bias),
            None => {
                let zeros = constant(&[channels], &vec![0.0; channels])?;
                self.wire("bias", Const::new(zeros)?, &[])
            }
        }
    }

    fn fully_connected(&mut self, node: &Node, activation: Activation) -> TractResult<OutletId> {
        let (source, output) = (&self.graph.tensors[node.inputs[0]], &self.graph.tensors[node.outputs[0]]);
        let weights = self.operand(node.inputs[1])?;
        let &[out_channels, depth] = &self.graph.tensors[node.inputs[1]].shape[..] else {
            unreachable!("the graph is checked before it is wired")
        };
        let rows = source.elements() / depth;
        let input = self.operand(node.inputs[0])?;
        let input = self.reshape("rows", input, &source.shape, &[rows, depth])?;
        let product = EinSum::new("ri,oi->ro".parse()?, f32::datum_type());
        let mut outlet = self.wire("product", product, &[input, weights])?;
        if let Some(&bias) = node.inputs.get(2) {
            let bias = self.operand(bias)?;
            let bias = self.wire("bias", AxisOp::Add(0), &[bias])?;
            outlet = self.wire("sum", math::add(), &[outlet, bias])?;
        }
        let outlet = self.activate(outlet, activation, 2)?;
        self.reshape("result", outlet, &[rows, out_channels], &output.shape)
    }

    fn mean(&mut self, node: &Node) -> TractResult<OutletId> {
        let (source, output) = (&self.graph.tensors[node.inputs[0]], &self.graph.tensors[node.outputs[0]]);
        let input = self.operand(node.inputs[0])?;
        let sum = self.wire("sum", Reduce { axes: tvec![1, 2], reducer: Reducer::Sum }, &[input])?;
        let share = self.number("share", 1.0 / (source.shape[1] * source.shape[2]) as f32, 4)?;
        let mean = self.wire("mean", math::mul(), &[sum, share])?;
        self.reshape("result", mean, &[source.shape[0], 1, 1, source.shape[3]], &output.shape)
    }

    /// The listed places along an axis.
    fn gather(&mut self, outlet: OutletId, axis: usize, places: &[i64]) -> TractResult<OutletId> {
        let indices = TractTensor::from_shape(&[places.len()], places)?;
        let indices = self.wire(&format!("places{axis}"), Const::new(indices.into_arc_tensor())?, &[])?;
        self.wire(&format!("gather{axis}"), Gather::new(axis), &[outlet, indices])
    }

    fn resize(&mut self, node: &Node) -> TractResult<OutletId> {
        let (from, to) =
            (&self.graph.tensors[node.inputs[0]].shape, &self.graph.tensors[node.outputs[0]].shape);
        let input = self.operand(node.inputs[0])?;
        let rows = constant(&[to[1], from[1]], &resize_matrix(&node.op, 0, from[1], to[1]))?;
        let rows = self.wire("rows", Const::new(rows)?, &[])?;
        let tall = EinSum::new("nhwc,ph->npwc".parse()?, f32::datum_type());
        let tall = self.wire("tall", tall, &[input, rows])?;
        let columns = constant(&[to[2], from[2]], &resize_matrix(&node.op, 1, from[2], to[2]))?;
        let columns = self.wire("columns", Const::new(columns)?, &[])?;
        let wide = EinSum::new("nhwc,qw->nhqc".parse()?, f32::datum_type());
        self.wire("wide", wide, &[tall, columns])
    }

    fn unary(&mut self, node: &Node, unary: Unary) -> TractResult<OutletId> {
        let input = self.operand(node.inputs[0])?;
        let rank = self.graph.tensors[node.inputs[0]].shape.len();
        match unary {
            Unary::Relu => self.activate(input, Activation::Relu, rank),
            Unary::Relu6 => self.activate(input, Activation::Relu6, rank),
            Unary::ReluN1To1 => self.activate(input, Activation::ReluN1To1, rank),
            Unary::LeakyRelu { alpha } => self.wire("unary", leaky_relu(alpha), &[input]),
            Unary::Logistic => self.wire("unary", sigmoid(), &[input]),
            Unary::Tanh => self.wire("unary", math::tanh(), &[input]),
            Unary::HardSwish => self.wire("unary", hard_swish(), &[input]),
            Unary::Requantize => Ok(input),
            _ => {
                let function = Function::Unary(unary, Box::new(Function::Argument));
                self.wire("unary", evaluate::operator(function), &[input])
            }
        }
    }

    fn binary(&mut self, binary: Binary, operands: &[OutletId]) -> TractResult<OutletId> {
        let compare = match binary {
            Binary::Add => return self.wire("add", math::add(), operands),
            Binary::Sub => return self.wire("sub", math::sub(), operands),
            Binary::Mul => return self.wire("mul", math::mul(), operands),
            Binary::Div => return self.wire("div", math::div(), operands),
            Binary::Minimum => return self.wire("min", math::min(), operands),
            Binary::Maximum => return self.wire("max", math::max(), operands),
            Binary::Power => return self.wire("pow", math::pow(), operands),
            Binary::SquaredDifference => {
                let difference = self.wire("difference", math::sub(), operands)?;
                return self.wire("square", math::square(), &[difference]);
            }
            Binary::Greater => comp_gt(),
            Binary::GreaterOrEqual => comp_gte(),
            Binary::Equal => comp_eq(),
        };
        let truth = self.wire("compare", TypedBinOp(compare, None), operands)?;
        self.wire("number", cast(f32::datum_type()), &[truth])
    }

    fn activate(&mut self, outlet: OutletId, activation: Activation, rank: usize) -> TractResult<OutletId> {
        match activation {
            Activation::Linear => Ok(outlet),
            Activation::Relu => self.clamp("relu", outlet, 0.0, f32::INFINITY, rank),
            Activation::Relu6 => self.clamp("relu6", outlet, 0.0, 6.0, rank),
            Activation::ReluN1To1 => self.clamp("relu_n1_to_1", outlet, -1.0, 1.0, rank),
        }
    }

    /// A quantized tensor cannot hold more than its type's range.
    fn clamp_to_type(&mut self, outlet: OutletId, tensor: &Tensor) -> TractResult<OutletId> {
        let Some(quantization) = &tensor.quantization else { return Ok(outlet) };
        let (lowest, highest) = match tensor.element {
            Element::I8 => (-128, 127),
            Element::I16 => (i16::MIN.into(), i16::MAX.into()),
            Element::U8 => (0, 255),
            _ => return Ok(outlet),
        };
        let real = |value: i32| (value - quantization.zero_points[0]) as f32 * quantization.scales[0];
        self.clamp("range", outlet, real(lowest), real(highest), tensor.shape.len())
    }

    fn clamp(
        &mut self,
        name: &str,
        outlet: OutletId,
        low: f32,
        high: f32,
        rank: usize,
    ) -> TractResult<OutletId> {
        let floor = self.number(&format!("{name}.low"), low, rank)?;
        let outlet = self.wire(&format!("{name}.max"), math::max(), &[outlet, floor])?;
        if high == f32::INFINITY {
            return Ok(outlet);
        }
        let ceiling = self.number(&format!("{name}.high"), high, rank)?;
        self.wire(&format!("{name}.min"), math::min(), &[outlet, ceiling])
    }

    /// Both operands with the same number of axes.
    fn broadcast(&mut self, node: &Node) -> TractResult<TVec<OutletId>> {
        let rank = self.graph.tensors[node.outputs[0]].shape.len();
        let mut operands = tvec![];
        for (position, &id) in node.inputs.iter().enumerate() {
            let mut outlet = self.operand(id)?;
            for axis in self.graph.tensors[id].shape.len()..rank {
                outlet = self.wire(&format!("operand{position}.{axis}"), AxisOp::Add(0), &[outlet])?;
            }
            operands.push(outlet);
        }
        Ok(operands)
    }

    /// Where tract finds a tensor; constants are wired when they are first read.
    fn operand(&mut self, id: TensorId) -> TractResult<OutletId> {
        if let Some(outlet) = self.outlets[id] {
            return Ok(outlet);
        }
        let tensor = &self.graph.tensors[id];
        let values = match tensor.floats() {
            Some(values) => constant(&tensor.shape, values)?,
            None => match dequantized(tensor) {
                Some(real) => constant(&tensor.shape, real.floats().unwrap_or_default())?,
                None => return Err(TractError::msg(format!("`{}` holds no real numbers", tensor.name))),
            },
        };
        let outlet = self.model.add_const(format!("constant.{id}"), values)?;
        self.outlets[id] = Some(outlet);
        Ok(outlet)
    }

    fn number(&mut self, name: &str, value: f32, rank: usize) -> TractResult<OutletId> {
        let value = constant(&ones(rank), &[value])?;
        self.wire(name, Const::new(value)?, &[])
    }

    fn reshape(
        &mut self,
        name: &str,
        outlet: OutletId,
        from: &[usize],
        to: &[usize],
    ) -> TractResult<OutletId> {
        if from == to {
            return Ok(outlet);
        }
        let dims = |shape: &[usize]| shape.iter().map(|extent| extent.to_dim()).collect::<TVec<TDim>>();
        self.wire(name, AxisOp::Reshape(0, dims(from), dims(to)), &[outlet])
    }

    fn wire(
        &mut self,
        name: &str,
        op: impl Into<Box<dyn TypedOp>>,
        inputs: &[OutletId],
    ) -> TractResult<OutletId> {
        Ok(self.model.wire_node(format!("{}.{name}", self.place), op, inputs)?[0])
    }
}

fn pool_spec(window: &Window, input_channels: usize, output_channels: usize) -> PoolSpec {
    PoolSpec {
        data_format: DataFormat::NHWC,
        kernel_shape: TVec::from_slice(&window.filter),
        padding: PaddingSpec::Explicit(TVec::from_slice(&window.before), TVec::from_slice(&window.after)),
        dilations: Some(TVec::from_slice(&window.dilation)),
        strides: Some(TVec::from_slice(&window.stride)),
        input_channels,
        output_channels,
    }
}
