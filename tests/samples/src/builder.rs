//! Adds tensors and operators to a model, and lays its arena out, one tensor behind the other.

use ocelli_format::model::{Model, Node, OperatorStep, Schedule, Step, Tensor};
use ocelli_format::{Clamp, Element, Factor, Operator, ScheduleView, SeedStream, TensorId, Window};

/// The zero point of all activations but a softmax's.
pub const ZERO_POINT: i8 = -3;

/// No fused activation.
pub const WHOLE: Clamp = Clamp { min: -128, max: 127 };

/// A model under construction.
pub struct Builder {
    model: Model,
    weights: SeedStream,
}

impl Builder {
    /// An empty model whose weights come from `seed`.
    pub fn new(name: &str, seed: u32) -> Builder {
        let model = Model { name: name.to_owned(), version: "1".to_owned(), ..Model::default() };
        Builder { model, weights: SeedStream::new(seed, 0) }
    }

    /// An input tensor.
    pub fn input(&mut self, shape: &[u32]) -> TensorId {
        let id = self.activation("input", shape, ZERO_POINT);
        self.model.inputs.push(id);
        id
    }

    /// A convolution with a square filter; `channels` outputs. Returns its output.
    pub fn conv_2d(&mut self, input: TensorId, channels: u32, filter: u16, stride: u16) -> TensorId {
        let [_, height, width, depth] = self.nhwc(input);
        let (window, rows, columns) = same_window(height, width, filter, stride);
        let operands = self.weights(&[channels, u32::from(filter), u32::from(filter), depth], channels);
        let operator = Operator::Conv2d { window, clamp: Clamp { min: ZERO_POINT, max: 127 } };
        self.operator(operator, input, &operands, &[1, rows, columns, channels], ZERO_POINT)
    }

    /// A transposed convolution with a square filter, whose output is `stride` times as large. Returns it.
    pub fn transpose_conv_2d(
        &mut self,
        input: TensorId,
        channels: u32,
        filter: u16,
        stride: u16,
    ) -> TensorId {
        let [_, height, width, depth] = self.nhwc(input);
        let window = Window { stride: [stride; 2], ..same_window(height, width, filter, 1).0 };
        let operands = self.weights(&[channels, u32::from(filter), u32::from(filter), depth], channels);
        let operator = Operator::TransposeConv2d { window, clamp: WHOLE };
        let shape = [1, height * u32::from(stride), width * u32::from(stride), channels];
        self.operator(operator, input, &operands, &shape, ZERO_POINT)
    }

    /// A 3x3 depthwise convolution. Returns its output.
    pub fn depthwise_conv_2d(&mut self, input: TensorId, depth_multiplier: u16) -> TensorId {
        let [_, height, width, depth] = self.nhwc(input);
        let (window, rows, columns) = same_window(height, width, 3, 1);
        let channels = depth * u32::from(depth_multiplier);
        let operands = self.weights(&[1, 3, 3, channels], channels);
        let operator = Operator::DepthwiseConv2d { window, depth_multiplier, clamp: WHOLE };
        self.operator(operator, input, &operands, &[1, rows, columns, channels], ZERO_POINT)
    }

    /// A fully connected layer. Returns its output.
    pub fn fully_connected(&mut self, input: TensorId, outputs: u32) -> TensorId {
        let depth = self.shape(input).iter().product();
        let operands = self.weights(&[outputs, depth], outputs);
        self.operator(Operator::FullyConnected { clamp: WHOLE }, input, &operands, &[1, outputs], ZERO_POINT)
    }

    /// An operator whose other operands are given. Returns its output.
    pub fn operator(
        &mut self,
        operator: Operator,
        input: TensorId,
        others: &[TensorId],
        shape: &[u32],
        zero_point: i8,
    ) -> TensorId {
        let name = format!("{:?}_{}", operator.kind(), self.model.operators.len());
        let output = self.activation(&name, shape, zero_point);
        let inputs = [&[input], others].concat();
        self.model.operators.push(Node { name, operator, inputs, outputs: vec![output] });
        output
    }

    /// The same on int16.
    pub fn wide_operator(
        &mut self,
        operator: Operator,
        input: TensorId,
        others: &[TensorId],
        shape: &[u32],
    ) -> TensorId {
        let output = self.operator(operator, input, others, shape, 0);
        self.model.tensors[usize::from(output)].element = Element::I16;
        output
    }

    /// A constant of pseudo-random int8 values.
    pub fn constant_i8(&mut self, name: &str, shape: &[u32]) -> TensorId {
        let elements = shape.iter().product::<u32>() as usize;
        let values: Vec<u8> = self.weights.by_ref().take(elements).map(|value| value as u8).collect();
        self.constant(name, Element::I8, shape, values)
    }

    /// A constant of the given i32 values.
    pub fn constant_i32(&mut self, name: &str, values: &[i32]) -> TensorId {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, Element::I32, &[values.len() as u32], data)
    }

    /// A constant with the given little-endian bytes.
    pub fn constant(&mut self, name: &str, element: Element, shape: &[u32], data: Vec<u8>) -> TensorId {
        let shape = shape.to_vec();
        let tensor =
            Tensor { name: name.to_owned(), element, shape, scale_bits: 0, zero_point: 0, data: Some(data) };
        self.push(tensor)
    }

    /// The axes of a tensor.
    pub fn shape(&self, id: TensorId) -> &[u32] {
        &self.model.tensors[usize::from(id)].shape
    }

    /// The axes of an image.
    pub fn nhwc(&self, id: TensorId) -> [u32; 4] {
        self.shape(id).try_into().expect("an image has four axes")
    }

    /// Lays the arena out and gives the model, for its contracts.
    pub fn finish(mut self, outputs: &[TensorId]) -> Model {
        self.model.outputs = outputs.to_vec();
        let mut arena_bytes = 0;
        let mut place = |tensor: &Tensor| {
            let offset = arena_bytes;
            let elements: u32 = tensor.shape.iter().product();
            arena_bytes += (elements * tensor.element.bytes() as u32).next_multiple_of(16);
            offset
        };
        let placements =
            self.model.tensors.iter().map(|tensor| tensor.data.is_none().then(|| place(tensor))).collect();
        let steps = (0..self.model.operators.len() as u16)
            .map(|operator| Step::Operator(OperatorStep { operator, scratch: [0, 0], layouts: vec![] }))
            .collect();
        let profile = ScheduleView::PORTABLE.to_owned();
        self.model.schedules.push(Schedule { profile, arena_bytes, scratch_bytes: 0, placements, steps });
        self.model
    }

    fn activation(&mut self, name: &str, shape: &[u32], zero_point: i8) -> TensorId {
        let (name, shape) = (name.to_owned(), shape.to_vec());
        let scale_bits = 0.0625f32.to_bits();
        self.push(Tensor { name, element: Element::I8, shape, scale_bits, zero_point, data: None })
    }

    fn push(&mut self, tensor: Tensor) -> TensorId {
        self.model.tensors.push(tensor);
        (self.model.tensors.len() - 1) as TensorId
    }

    /// As weights of int8, with biases of 64 bits.
    pub fn wide_weights(&mut self, shape: &[u32], channels: u32) -> [TensorId; 4] {
        let [weights, _, multipliers, shifts] = self.weights(shape, channels);
        let bias = (0..i64::from(channels)).flat_map(|c| ((c * 7919 % 4001 - 2000) << 9).to_le_bytes());
        let bias = self.constant("wide bias", Element::I64, &[channels], bias.collect());
        [weights, bias, multipliers, shifts]
    }

    /// Weights, bias, multipliers and shifts of `channels` outputs, scaled so that few outputs saturate.
    fn weights(&mut self, shape: &[u32], channels: u32) -> [TensorId; 4] {
        let elements = shape.iter().product::<u32>() as usize;
        let weights: Vec<i8> = self.weights.by_ref().take(elements).collect();
        self.weights_of(shape, channels, &weights)
    }

    /// The same with given weights.
    pub fn weights_of(&mut self, shape: &[u32], channels: u32, weights: &[i8]) -> [TensorId; 4] {
        let terms = (shape.iter().product::<u32>() / channels).max(1);
        // Values and weights each spread about 2^6 around 0, and their sum over `terms` by its square root more.
        let shift = 6 - 12 - terms.ilog2().div_ceil(2) as i8;
        let weights = weights.iter().map(|&weight| weight as u8).collect();
        let weights = self.constant("weights", Element::I8, shape, weights);
        let words =
            |word: &dyn Fn(i32) -> i32| (0..channels as i32).flat_map(|c| word(c).to_le_bytes()).collect();
        let bias = words(&|channel| (channel * 7919 % 4001) - 2000);
        let multipliers = words(&|channel| (1 << 30) + channel * 104_729 % (1 << 29));
        let shifts = (0..channels).map(|channel| (shift + (channel % 2) as i8) as u8).collect();
        [
            weights,
            self.constant("bias", Element::I32, &[channels], bias),
            self.constant("multipliers", Element::I32, &[channels], multipliers),
            self.constant("shifts", Element::I8, &[channels], shifts),
        ]
    }
}

/// A factor of `numerator / 2^exponent`, for numerators below `2^30`.
pub fn factor(numerator: u32, exponent: i8) -> Factor {
    let zeros = numerator.leading_zeros() - 1;
    Factor { multiplier: (numerator << zeros) as i32, shift: 31 - zeros as i8 - exponent }
}

/// A square window that gives `input / stride` outputs, rounded up, with the output's rows and columns.
pub fn same_window(height: u32, width: u32, filter: u16, stride: u16) -> (Window, u32, u32) {
    let outputs = |side: u32| side.div_ceil(u32::from(stride));
    let padding = |side: u32| {
        let covered = (outputs(side) - 1) * u32::from(stride) + u32::from(filter);
        (covered.saturating_sub(side) / 2) as u16
    };
    let window = Window {
        filter: [filter; 2],
        stride: [stride; 2],
        dilation: [1, 1],
        padding: [padding(height), padding(width)],
    };
    (window, outputs(height), outputs(width))
}
