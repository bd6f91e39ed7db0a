//! Each operator as TFLite spells it. Padding that is neither SAME nor VALID becomes an operator of its own, which
//! import folds back.

use flatbuffers::{UnionWIPOffset, WIPOffset};
use tract_tflite::tflite::{self, ActivationFunctionType, BuiltinOperator, BuiltinOptions, Padding};

use super::{ExportError, Options, Writer};
use crate::graph::{Activation, Binary, Data, Node, Op, TensorId, Unary, Window};

const NO_OPTIONS: Options = Options { kind: BuiltinOptions::NONE, value: None };

fn options(kind: BuiltinOptions, value: WIPOffset<UnionWIPOffset>) -> Options {
    Options { kind, value: Some(value) }
}

impl Writer<'_> {
    pub(super) fn node(&mut self, node: &Node) -> Result<(), ExportError> {
        match &node.op {
            Op::Conv2d { window, activation, .. } => {
                let (input, padding) = self.padded(node, window)?;
                let args = tflite::Conv2DOptionsArgs {
                    padding,
                    stride_h: window.stride[0] as i32,
                    stride_w: window.stride[1] as i32,
                    dilation_h_factor: window.dilation[0] as i32,
                    dilation_w_factor: window.dilation[1] as i32,
                    fused_activation_function: fused(*activation),
                };
                let value = tflite::Conv2DOptions::create(&mut self.builder, &args).as_union_value();
                self.with_input(
                    node,
                    input,
                    BuiltinOperator::CONV_2D,
                    options(BuiltinOptions::Conv2DOptions, value),
                )
            }
            Op::DepthwiseConv2d { window, depth_multiplier, activation } => {
                let (input, padding) = self.padded(node, window)?;
                let args = tflite::DepthwiseConv2DOptionsArgs {
                    padding,
                    stride_h: window.stride[0] as i32,
                    stride_w: window.stride[1] as i32,
                    dilation_h_factor: window.dilation[0] as i32,
                    dilation_w_factor: window.dilation[1] as i32,
                    depth_multiplier: *depth_multiplier as i32,
                    fused_activation_function: fused(*activation),
                };
                let value = tflite::DepthwiseConv2DOptions::create(&mut self.builder, &args).as_union_value();
                let options = options(BuiltinOptions::DepthwiseConv2DOptions, value);
                self.with_input(node, input, BuiltinOperator::DEPTHWISE_CONV_2D, options)
            }
            Op::FullyConnected { activation } => {
                let keep_num_dims = self.rank(node.outputs[0]) > 2;
                let args = tflite::FullyConnectedOptionsArgs {
                    fused_activation_function: fused(*activation),
                    keep_num_dims,
                    ..Default::default()
                };
                let value = tflite::FullyConnectedOptions::create(&mut self.builder, &args).as_union_value();
                self.plain(
                    node,
                    BuiltinOperator::FULLY_CONNECTED,
                    options(BuiltinOptions::FullyConnectedOptions, value),
                )
            }
            Op::AveragePool2d { window, activation } => {
                self.pool(node, window, *activation, BuiltinOperator::AVERAGE_POOL_2D)
            }
            Op::MaxPool2d { window, activation } => {
                self.pool(node, window, *activation, BuiltinOperator::MAX_POOL_2D)
            }
            Op::Mean => {
                let axes = self.numbers(node, "axes", vec![1, 2], vec![2]);
                let keep_dims = self.rank(node.outputs[0]) == 4;
                let value = tflite::ReducerOptions::create(
                    &mut self.builder,
                    &tflite::ReducerOptionsArgs { keep_dims },
                );
                let options = options(BuiltinOptions::ReducerOptions, value.as_union_value());
                self.operator(BuiltinOperator::MEAN, &[node.inputs[0], axes], &node.outputs, options);
                Ok(())
            }
            Op::Concatenate { axis } => {
                let args = tflite::ConcatenationOptionsArgs { axis: *axis as i32, ..Default::default() };
                let value = tflite::ConcatenationOptions::create(&mut self.builder, &args).as_union_value();
                self.plain(
                    node,
                    BuiltinOperator::CONCATENATION,
                    options(BuiltinOptions::ConcatenationOptions, value),
                )
            }
            Op::Pad { before, after, value } => {
                let pairs =
                    before.iter().zip(after).flat_map(|(&before, &after)| [before as i32, after as i32]);
                let pairs = self.numbers(node, "paddings", pairs.collect(), vec![before.len(), 2]);
                let border =
                    self.add(format!("{}/border", node.name), vec![1], Some(Data::F32(vec![*value])));
                let (code, inputs) = match *value == 0.0 {
                    true => (BuiltinOperator::PAD, vec![node.inputs[0], pairs]),
                    false => (BuiltinOperator::PADV2, vec![node.inputs[0], pairs, border]),
                };
                self.operator(code, &inputs, &node.outputs, NO_OPTIONS);
                Ok(())
            }
            Op::Reshape => {
                let shape: Vec<i32> =
                    self.shape(node.outputs[0]).iter().map(|&extent| extent as i32).collect();
                let rank = shape.len();
                let shape = self.numbers(node, "shape", shape, vec![rank]);
                self.operator(BuiltinOperator::RESHAPE, &[node.inputs[0], shape], &node.outputs, NO_OPTIONS);
                Ok(())
            }
            Op::Transpose { order } => {
                let axes: Vec<i32> = order.iter().map(|&axis| axis as i32).collect();
                let axes = self.numbers(node, "order", axes, vec![order.len()]);
                self.operator(BuiltinOperator::TRANSPOSE, &[node.inputs[0], axes], &node.outputs, NO_OPTIONS);
                Ok(())
            }
            Op::Softmax { beta } => {
                let args = tflite::SoftmaxOptionsArgs { beta: *beta };
                let value = tflite::SoftmaxOptions::create(&mut self.builder, &args).as_union_value();
                self.plain(node, BuiltinOperator::SOFTMAX, options(BuiltinOptions::SoftmaxOptions, value))
            }
            &Op::ResizeNearest { align_corners, half_pixel_centers } => {
                let args = tflite::ResizeNearestNeighborOptionsArgs { align_corners, half_pixel_centers };
                let value = tflite::ResizeNearestNeighborOptions::create(&mut self.builder, &args);
                let options = options(BuiltinOptions::ResizeNearestNeighborOptions, value.as_union_value());
                self.resize(node, BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, options)
            }
            &Op::ResizeBilinear { align_corners, half_pixel_centers } => {
                let args = tflite::ResizeBilinearOptionsArgs { align_corners, half_pixel_centers };
                let value = tflite::ResizeBilinearOptions::create(&mut self.builder, &args).as_union_value();
                self.resize(
                    node,
                    BuiltinOperator::RESIZE_BILINEAR,
                    options(BuiltinOptions::ResizeBilinearOptions, value),
                )
            }
            Op::Prelu => self.plain(node, BuiltinOperator::PRELU, NO_OPTIONS),
            Op::Unary(unary) => self.unary(node, *unary),
            op => match op.as_binary() {
                Some((binary, activation)) => self.binary(node, binary, activation),
                None => Err(Writer::refused(
                    node,
                    "TFLite has no such operator, or its spelling is not known here",
                )),
            },
        }
    }

    fn shape(&self, id: TensorId) -> &[usize] {
        &self.graph.tensors[id].shape
    }

    fn rank(&self, id: TensorId) -> usize {
        self.shape(id).len()
    }

    fn plain(&mut self, node: &Node, code: BuiltinOperator, options: Options) -> Result<(), ExportError> {
        self.operator(code, &node.inputs, &node.outputs, options);
        Ok(())
    }

    fn with_input(
        &mut self,
        node: &Node,
        input: TensorId,
        code: BuiltinOperator,
        options: Options,
    ) -> Result<(), ExportError> {
        let inputs: Vec<TensorId> = std::iter::once(input).chain(node.inputs[1..].iter().copied()).collect();
        self.operator(code, &inputs, &node.outputs, options);
        Ok(())
    }

    fn pool(
        &mut self,
        node: &Node,
        window: &Window,
        activation: Activation,
        code: BuiltinOperator,
    ) -> Result<(), ExportError> {
        // A border of zeros would count in a mean and win over negative numbers.
        let padding = self.padding(node, window).ok_or_else(|| {
            Writer::refused(
                node,
                format!("its padding {:?} and {:?} is neither SAME nor VALID", window.before, window.after),
            )
        })?;
        let args = tflite::Pool2DOptionsArgs {
            padding,
            stride_h: window.stride[0] as i32,
            stride_w: window.stride[1] as i32,
            filter_height: window.filter[0] as i32,
            filter_width: window.filter[1] as i32,
            fused_activation_function: fused(activation),
        };
        let value = tflite::Pool2DOptions::create(&mut self.builder, &args).as_union_value();
        self.plain(node, code, options(BuiltinOptions::Pool2DOptions, value))
    }

    fn resize(&mut self, node: &Node, code: BuiltinOperator, options: Options) -> Result<(), ExportError> {
        let size: Vec<i32> = self.shape(node.outputs[0])[1..3].iter().map(|&extent| extent as i32).collect();
        let size = self.numbers(node, "size", size, vec![2]);
        self.operator(code, &[node.inputs[0], size], &node.outputs, options);
        Ok(())
    }

    fn unary(&mut self, node: &Node, unary: Unary) -> Result<(), ExportError> {
        let code = match unary {
            Unary::Relu => BuiltinOperator::RELU,
            Unary::Relu6 => BuiltinOperator::RELU6,
            Unary::ReluN1To1 => BuiltinOperator::RELU_N1_TO_1,
            Unary::Logistic => BuiltinOperator::LOGISTIC,
            Unary::Tanh => BuiltinOperator::TANH,
            Unary::HardSwish => BuiltinOperator::HARD_SWISH,
            Unary::Exp => BuiltinOperator::EXP,
            Unary::Sqrt => BuiltinOperator::SQRT,
            Unary::Rsqrt => BuiltinOperator::RSQRT,
            Unary::Square => BuiltinOperator::SQUARE,
            Unary::Abs => BuiltinOperator::ABS,
            Unary::Neg => BuiltinOperator::NEG,
            Unary::Elu { alpha: 1.0 } => BuiltinOperator::ELU,
            Unary::LeakyRelu { alpha } => {
                let args = tflite::LeakyReluOptionsArgs { alpha };
                let value = tflite::LeakyReluOptions::create(&mut self.builder, &args).as_union_value();
                return self.plain(
                    node,
                    BuiltinOperator::LEAKY_RELU,
                    options(BuiltinOptions::LeakyReluOptions, value),
                );
            }
            _ => {
                return Err(Writer::refused(
                    node,
                    "TFLite has no such operator, or its spelling is not known here",
                ));
            }
        };
        self.plain(node, code, NO_OPTIONS)
    }

    fn binary(&mut self, node: &Node, binary: Binary, activation: Activation) -> Result<(), ExportError> {
        let fused_activation_function = fused(activation);
        let builder = &mut self.builder;
        let (code, options) = match binary {
            Binary::Add => {
                let args = tflite::AddOptionsArgs { fused_activation_function, ..Default::default() };
                let value = tflite::AddOptions::create(builder, &args).as_union_value();
                (BuiltinOperator::ADD, options(BuiltinOptions::AddOptions, value))
            }
            Binary::Mul => {
                let args = tflite::MulOptionsArgs { fused_activation_function };
                let value = tflite::MulOptions::create(builder, &args).as_union_value();
                (BuiltinOperator::MUL, options(BuiltinOptions::MulOptions, value))
            }
            Binary::Sub => {
                let args = tflite::SubOptionsArgs { fused_activation_function, ..Default::default() };
                let value = tflite::SubOptions::create(builder, &args).as_union_value();
                (BuiltinOperator::SUB, options(BuiltinOptions::SubOptions, value))
            }
            Binary::Div => {
                let args = tflite::DivOptionsArgs { fused_activation_function };
                let value = tflite::DivOptions::create(builder, &args).as_union_value();
                (BuiltinOperator::DIV, options(BuiltinOptions::DivOptions, value))
            }
            Binary::Minimum if activation == Activation::Linear => (BuiltinOperator::MINIMUM, NO_OPTIONS),
            Binary::Maximum if activation == Activation::Linear => (BuiltinOperator::MAXIMUM, NO_OPTIONS),
            _ => {
                return Err(Writer::refused(
                    node,
                    "TFLite has no such operator, or its spelling is not known here",
                ));
            }
        };
        self.plain(node, code, options)
    }

    /// SAME or VALID, where the window's padding is one of them.
    fn padding(&self, node: &Node, window: &Window) -> Option<Padding> {
        let (extents, results) = (self.shape(node.inputs[0]), self.shape(node.outputs[0]));
        if window.before == [0, 0] && window.after == [0, 0] {
            return Some(Padding::VALID);
        }
        let is_same = (0..2).all(|axis| {
            let reach = (window.filter[axis] - 1) * window.dilation[axis] + 1;
            let (extent, result) = (extents[axis + 1], results[axis + 1]);
            let total = ((result - 1) * window.stride[axis] + reach).saturating_sub(extent);
            result == extent.div_ceil(window.stride[axis])
                && (window.before[axis], window.after[axis]) == (total / 2, total - total / 2)
        });
        is_same.then_some(Padding::SAME)
    }

    /// The operand and the padding of a window with weights; other padding than TFLite's is done before it.
    fn padded(&mut self, node: &Node, window: &Window) -> Result<(TensorId, Padding), ExportError> {
        if let Some(padding) = self.padding(node, window) {
            return Ok((node.inputs[0], padding));
        }
        let pairs = [0, 0, window.before[0], window.after[0], window.before[1], window.after[1], 0, 0];
        let mut shape = self.shape(node.inputs[0]).to_vec();
        for axis in 0..2 {
            shape[axis + 1] += window.before[axis] + window.after[axis];
        }
        let pairs =
            self.numbers(node, "paddings", pairs.iter().map(|&count| count as i32).collect(), vec![4, 2]);
        let padded = self.add(format!("{}/padded", node.name), shape, None);
        self.operator(BuiltinOperator::PAD, &[node.inputs[0], pairs], &[padded], NO_OPTIONS);
        Ok((padded, Padding::VALID))
    }
}

fn fused(activation: Activation) -> ActivationFunctionType {
    match activation {
        Activation::Linear => ActivationFunctionType::NONE,
        Activation::Relu => ActivationFunctionType::RELU,
        Activation::Relu6 => ActivationFunctionType::RELU6,
        Activation::ReluN1To1 => ActivationFunctionType::RELU_N1_TO_1,
    }
}
