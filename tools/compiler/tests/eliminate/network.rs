//! Quantized networks with channels that are known to be dead, and the same with them removed.

use ocelli_compiler::eliminate::{Eliminated, eliminate};
use ocelli_compiler::execute::Executor;
use ocelli_compiler::graph::{
    Activation, Data, Element, Graph, Node, Op, Quantization, Tensor, TensorId, Window,
};
use ocelli_compiler::lower::{self, Lowered};
use ocelli_compiler::plan;
use ocelli_format::SeedStream;
use ocelli_format::model::Model;

/// Step of every activation.
const SCALE: f32 = 0.05;

/// What an output channel of a layer does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Channel {
    /// Adds up all of its inputs.
    Alive,
    /// Has weights of zero, and a bias that makes this many steps above the zero point.
    Constant(i8),
    /// Has weights, and a bias far below its clamp.
    Clamped,
}

pub use Channel::{Alive, Clamped, Constant};

/// A network under construction.
pub struct Network {
    pub graph: Graph,
    random: SeedStream,
}

impl Network {
    /// One input of this shape.
    pub fn new(seed: u32, shape: &[usize]) -> Network {
        let mut network = Network { graph: Graph::default(), random: SeedStream::new(seed, 0) };
        network.graph.name = format!("network {seed}");
        let input = network.activation(shape, -3);
        network.graph.inputs.push(input);
        network
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        let [low, high] = [(); 2].map(|()| self.random.next().map_or(0, |value| value as u8 as usize));
        (low | high << 8) % limit
    }

    pub fn shape(&self, id: TensorId) -> &[usize] {
        &self.graph.tensors[id].shape
    }

    pub fn channels(&self, id: TensorId) -> usize {
        self.shape(id).last().copied().unwrap_or(1)
    }

    pub fn zero_point(&self, id: TensorId) -> i32 {
        self.graph.tensors[id].quantization.as_ref().unwrap().zero_points[0]
    }

    /// A convolution; with `same`, its output has the input's size over the stride.
    pub fn conv(&mut self, input: TensorId, filter: usize, same: bool, channels: &[Channel]) -> TensorId {
        let op = Op::Conv2d { window: window(filter, 1, 1, same), groups: 1, activation: Activation::Relu };
        let inputs = self.channels(input);
        self.weighted(op, input, &[channels.len(), filter, filter, inputs], channels)
    }

    /// A 3x3 depthwise convolution; one [`Channel`] an output.
    pub fn depthwise(&mut self, input: TensorId, same: bool, channels: &[Channel]) -> TensorId {
        let op = Op::DepthwiseConv2d {
            window: window(3, 1, 1, same),
            depth_multiplier: channels.len() / self.channels(input),
            activation: Activation::Linear,
        };
        self.weighted(op, input, &[1, 3, 3, channels.len()], channels)
    }

    pub fn fully_connected(&mut self, input: TensorId, channels: &[Channel]) -> TensorId {
        let inputs = self.channels(input);
        let op = Op::FullyConnected { activation: Activation::Linear };
        self.weighted(op, input, &[channels.len(), inputs], channels)
    }

    /// An operator with weights of this shape.
    pub fn weighted(&mut self, op: Op, input: TensorId, weights: &[usize], channels: &[Channel]) -> TensorId {
        let count = channels.len();
        let depthwise = matches!(op, Op::DepthwiseConv2d { .. });
        let elements: usize = weights.iter().product();
        let fan_in = elements / count;
        // A power of two, so that a bias of whole steps gives whole steps.
        let exponent = 6 + fan_in.ilog2().div_ceil(2);
        let channel_of = |index: usize| channels[if depthwise { index % count } else { index / fan_in }];
        let values = (0..elements)
            .map(|index| match channel_of(index) {
                Alive | Clamped => self.random.next().unwrap() / 2,
                Constant(_) => 0,
            })
            .collect();
        let biases = channels
            .iter()
            .map(|channel| match channel {
                Alive => (i32::from(self.random.next().unwrap().unsigned_abs()) / 4) << exponent,
                Constant(steps) => i32::from(*steps) << exponent,
                Clamped => -1_000_000,
            })
            .collect();
        let weights = self.constant(weights, 1.0 / f32::powi(2.0, exponent as i32), Data::I8(values));
        let bias = self.constant(&[count], 1.0, Data::I32(biases));
        let input_shape = self.shape(input).to_vec();
        let shape = match &op {
            Op::Conv2d { window, .. } | Op::DepthwiseConv2d { window, .. } => {
                slid(&input_shape, window, count)
            }
            _ => vec![input_shape[..input_shape.len() - 1].iter().product(), count],
        };
        let zero_point = self.below(41) as i32 - 60;
        let output = self.activation(&shape, zero_point);
        self.node(op, &[input, weights, bias], output)
    }

    /// Zeroes what the layer that computes `output` reads of some input channels.
    pub fn ignore(&mut self, output: TensorId, inputs: &[usize]) {
        let node = self.graph.nodes.iter().find(|node| node.outputs == [output]).unwrap();
        let weights = &mut self.graph.tensors[node.inputs[1]];
        let depth = *weights.shape.last().unwrap();
        let Some(Data::I8(values)) = &mut weights.data else { panic!("no int8 weights") };
        for (index, value) in values.iter_mut().enumerate() {
            if inputs.contains(&(index % depth)) {
                *value = 0;
            }
        }
    }

    /// An operator that keeps scale and zero point.
    pub fn moving(&mut self, op: Op, inputs: &[TensorId], shape: &[usize]) -> TensorId {
        let output = self.activation(shape, self.zero_point(inputs[0]));
        self.node(op, inputs, output)
    }

    /// An operator whose result has the shape of its first operand, and a zero point of its own.
    pub fn same_shape(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        let (shape, zero_point) = (self.shape(inputs[0]).to_vec(), self.below(41) as i32 - 20);
        let output = self.activation(&shape, zero_point);
        self.node(op, inputs, output)
    }

    /// The operands' channels behind one another; the last axis.
    pub fn join(&mut self, inputs: &[TensorId]) -> TensorId {
        let mut shape = self.shape(inputs[0]).to_vec();
        *shape.last_mut().unwrap() = inputs.iter().map(|&id| self.channels(id)).sum();
        self.moving(Op::Concatenate { axis: shape.len() - 1 }, inputs, &shape)
    }

    pub fn add(&mut self, left: TensorId, right: TensorId) -> TensorId {
        self.same_shape(Op::Add { activation: Activation::Linear }, &[left, right])
    }

    /// A pool with a window of 2x2 and a stride of 2, or padded 3x3 with a stride of 1.
    pub fn pool(&mut self, max: bool, padded: bool, input: TensorId) -> TensorId {
        let window = if padded { window(3, 1, 1, true) } else { window(2, 2, 1, false) };
        let shape = slid(self.shape(input), &window, self.channels(input));
        let activation = Activation::Linear;
        let op =
            if max { Op::MaxPool2d { window, activation } } else { Op::AveragePool2d { window, activation } };
        self.moving(op, &[input], &shape)
    }

    pub fn mean(&mut self, input: TensorId) -> TensorId {
        let channels = self.channels(input);
        let output = self.activation(&[1, channels], 5);
        self.node(Op::Mean, &[input], output)
    }

    /// An int8 constant of random values.
    pub fn random_constant(&mut self, shape: &[usize]) -> TensorId {
        let values = self.random.by_ref().take(shape.iter().product()).collect();
        self.constant(shape, SCALE, Data::I8(values))
    }

    pub fn activation(&mut self, shape: &[usize], zero_point: i32) -> TensorId {
        self.graph.tensors.push(Tensor {
            name: format!("tensor {}", self.graph.tensors.len()),
            shape: shape.to_vec(),
            quantization: Some(Quantization { scales: vec![SCALE], zero_points: vec![zero_point], axis: 0 }),
            element: Element::I8,
            data: None,
        });
        self.graph.tensors.len() - 1
    }

    pub fn node(&mut self, op: Op, inputs: &[TensorId], output: TensorId) -> TensorId {
        // Numbered, so that a test finds the layer that computes a tensor.
        let name = format!("{output}");
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: vec![output] });
        output
    }

    fn constant(&mut self, shape: &[usize], scale: f32, data: Data) -> TensorId {
        self.graph.tensors.push(Tensor {
            name: format!("constant {}", self.graph.tensors.len()),
            shape: shape.to_vec(),
            quantization: Some(Quantization { scales: vec![scale], zero_points: vec![0], axis: 0 }),
            element: data.element(),
            data: Some(data),
        });
        self.graph.tensors.len() - 1
    }

    /// The finished network with dead channels and without, both with these outputs.
    pub fn finish(mut self, outputs: &[TensorId]) -> Pair {
        self.graph.outputs = outputs.to_vec();
        let whole = lower::lower(&self.graph).unwrap_or_else(|error| panic!("{}: {error}", self.graph.name));
        let mut small = whole.clone();
        let eliminated = eliminate(&mut small);
        let mut again = small.clone();
        assert_eq!(eliminate(&mut again), Eliminated::default(), "{}: not all at once", self.graph.name);
        assert_eq!(again.model, small.model);
        Pair { graph: self.graph, whole, small, eliminated }
    }
}

/// A network with dead channels and without.
pub struct Pair {
    pub graph: Graph,
    pub whole: Lowered,
    pub small: Lowered,
    pub eliminated: Eliminated,
}

impl Pair {
    /// Runs both on random inputs and on the ends of int8, and wants equal bytes that depend on the input.
    pub fn agree(&self, inputs: u32) -> &Pair {
        let mut seen = self.same_bytes(inputs);
        seen.dedup();
        assert!(seen.len() > 1, "{}: outputs do not depend on inputs", self.graph.name);
        self
    }

    /// Runs both on random inputs and on the ends of int8, and wants equal bytes.
    pub fn same_bytes(&self, inputs: u32) -> Vec<Vec<Vec<i8>>> {
        let mut whole = executor(self.whole.model.clone());
        let mut small = executor(self.small.model.clone());
        let elements: usize = self.graph.tensors[self.graph.inputs[0]].shape.iter().product();
        let random = |seed| SeedStream::new(seed, (seed % 3) as u8).take(elements).collect();
        let mut streams: Vec<Vec<i8>> = (0..inputs).map(random).collect();
        streams.extend([vec![i8::MIN; elements], vec![i8::MAX; elements]]);
        let compared = streams.into_iter().map(|input| {
            let expected = whole.run(std::slice::from_ref(&input)).unwrap();
            assert_eq!(small.run(&[input]).unwrap(), expected, "{}", self.graph.name);
            expected
        });
        compared.collect()
    }

    /// How many channels the tensor has now; 0 when it is gone.
    pub fn left(&self, tensor: TensorId) -> usize {
        let place = self.small.tensors[tensor];
        place.map_or(0, |id| *self.small.model.tensors[usize::from(id)].shape.last().unwrap() as usize)
    }
}

fn executor(mut model: Model) -> Executor {
    let schedule = plan::plan(&model).unwrap();
    model.schedules.push(schedule);
    Executor::new(&model).unwrap()
}

/// A square window.
pub fn window(filter: usize, stride: usize, dilation: usize, same: bool) -> Window {
    let reach = (filter - 1) * dilation;
    let (before, after) = if same { (reach / 2, reach - reach / 2) } else { (0, 0) };
    Window {
        filter: [filter; 2],
        stride: [stride; 2],
        dilation: [dilation; 2],
        before: [before; 2],
        after: [after; 2],
    }
}

/// The shape that a window leaves of an image.
pub fn slid(input: &[usize], window: &Window, channels: usize) -> Vec<usize> {
    let side = |axis: usize| {
        let padded = input[axis + 1] + window.before[axis] + window.after[axis];
        (padded - (window.filter[axis] - 1) * window.dilation[axis] - 1) / window.stride[axis] + 1
    };
    vec![input[0], side(0), side(1), channels]
}
