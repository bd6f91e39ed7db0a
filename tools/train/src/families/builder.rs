//! Graphs under construction: layers with weights drawn as He and others (2015) say, one after the other.

use std::collections::BTreeMap;

use ocelli_compiler::graph::{Activation, Data, Element, Graph, Node, Op, Tensor, TensorId, Window};

use crate::error::TrainError;
use crate::network::{Network, Norm};
use crate::random::Random;

/// A convolution to be added.
pub(super) struct Layer {
    pub(super) filter: usize,
    pub(super) stride: usize,
    pub(super) channels: usize,
    pub(super) is_same: bool,
    pub(super) has_norm: bool,
    pub(super) activation: Activation,
    /// What its biases begin as.
    pub(super) bias: f32,
}

impl Layer {
    /// Without padding, normalization and activation.
    pub(super) fn plain(filter: usize, channels: usize) -> Layer {
        Layer {
            filter,
            stride: 1,
            channels,
            is_same: false,
            has_norm: false,
            activation: Activation::Linear,
            bias: 0.0,
        }
    }

    /// Padded, normalized, rectified.
    pub(super) fn normal(filter: usize, stride: usize, channels: usize) -> Layer {
        Layer {
            filter,
            stride,
            channels,
            is_same: true,
            has_norm: true,
            activation: Activation::Relu,
            bias: 0.0,
        }
    }
}

/// A network under construction.
pub(super) struct Builder {
    graph: Graph,
    norms: BTreeMap<usize, Norm>,
    random: Random,
}

impl Builder {
    pub(super) fn new(name: &str, [height, width, channels]: [usize; 3], seed: u64) -> Builder {
        let mut builder = Builder {
            graph: Graph { name: name.into(), inputs: vec![0], ..Graph::default() },
            norms: BTreeMap::new(),
            random: Random::of(seed, &[WEIGHTS]),
        };
        builder.tensor("picture".into(), vec![1, height, width, channels], None);
        builder.graph.input_orders = vec![Vec::new()];
        builder
    }

    pub(super) fn name(&self) -> &str {
        &self.graph.name
    }

    pub(super) fn tensor(&mut self, name: String, shape: Vec<usize>, data: Option<Vec<f32>>) -> TensorId {
        let data = data.map(Data::F32);
        self.graph.tensors.push(Tensor { name, shape, quantization: None, element: Element::F32, data });
        self.graph.tensors.len() - 1
    }

    pub(super) fn node(&mut self, name: &str, op: Op, inputs: Vec<TensorId>, shape: Vec<usize>) -> TensorId {
        let output = self.tensor(name.into(), shape, None);
        self.graph.nodes.push(Node { name: name.into(), op, inputs, outputs: vec![output] });
        output
    }

    pub(super) fn shape(&self, id: TensorId) -> Vec<usize> {
        self.graph.tensors[id].shape.clone()
    }

    /// Weights of a normal distribution whose deviation keeps the size of numbers behind a rectifier.
    pub(super) fn weights(&mut self, name: String, shape: Vec<usize>, fan_in: usize) -> TensorId {
        let deviation = (2.0 / fan_in as f32).sqrt();
        let count = shape.iter().product();
        let values = (0..count).map(|_| deviation * self.random.normal()).collect();
        self.tensor(name, shape, Some(values))
    }

    pub(super) fn zeros(&mut self, name: String, count: usize) -> TensorId {
        self.tensor(name, vec![count], Some(vec![0.0; count]))
    }

    pub(super) fn conv(&mut self, name: &str, input: TensorId, layer: Layer) -> Result<TensorId, TrainError> {
        let shape = self.shape(input);
        let (window, [height, width]) =
            self.window(name, &shape, layer.filter, layer.stride, layer.is_same)?;
        let fan_in = layer.filter * layer.filter * shape[3];
        let weights = self.weights(
            format!("{name}/weights"),
            vec![layer.channels, layer.filter, layer.filter, shape[3]],
            fan_in,
        );
        let bias =
            self.tensor(format!("{name}/bias"), vec![layer.channels], Some(vec![layer.bias; layer.channels]));
        if layer.has_norm {
            self.norms.insert(self.graph.nodes.len(), Norm::identity(layer.channels));
        }
        let op = Op::Conv2d { window, groups: 1, activation: layer.activation };
        Ok(self.node(name, op, vec![input, weights, bias], vec![1, height, width, layer.channels]))
    }

    pub(super) fn depthwise(
        &mut self,
        name: &str,
        input: TensorId,
        stride: usize,
    ) -> Result<TensorId, TrainError> {
        let shape = self.shape(input);
        let (window, [height, width]) = self.window(name, &shape, 3, stride, true)?;
        let weights = self.weights(format!("{name}/weights"), vec![1, 3, 3, shape[3]], 9);
        let bias = self.zeros(format!("{name}/bias"), shape[3]);
        self.norms.insert(self.graph.nodes.len(), Norm::identity(shape[3]));
        let op = Op::DepthwiseConv2d { window, depth_multiplier: 1, activation: Activation::Relu };
        Ok(self.node(name, op, vec![input, weights, bias], vec![1, height, width, shape[3]]))
    }

    /// Two convolutions beside a shortcut, which is a convolution of its own where sizes differ.
    pub(super) fn residual(
        &mut self,
        name: &str,
        input: TensorId,
        stride: usize,
        channels: usize,
    ) -> Result<TensorId, TrainError> {
        let first = self.conv(&format!("{name}/conv_1"), input, Layer::normal(3, stride, channels))?;
        let linear = |filter, stride| Layer {
            activation: Activation::Linear,
            ..Layer::normal(filter, stride, channels)
        };
        let second = self.conv(&format!("{name}/conv_2"), first, linear(3, 1))?;
        let is_plain = stride == 1 && self.shape(input)[3] == channels;
        let shortcut = match is_plain {
            true => input,
            false => self.conv(&format!("{name}/shortcut"), input, linear(1, stride))?,
        };
        let shape = self.shape(second);
        Ok(self.node(
            &format!("{name}/add"),
            Op::Add { activation: Activation::Relu },
            vec![shortcut, second],
            shape,
        ))
    }

    /// A depthwise and a pointwise layer.
    pub(super) fn separable(
        &mut self,
        name: &str,
        input: TensorId,
        stride: usize,
        channels: usize,
    ) -> Result<TensorId, TrainError> {
        let depthwise = self.depthwise(&format!("{name}/depthwise"), input, stride)?;
        self.conv(&format!("{name}/pointwise"), depthwise, Layer::normal(1, 1, channels))
    }

    /// A maximum over 2x2.
    pub(super) fn halve(&mut self, name: &str, input: TensorId) -> Result<TensorId, TrainError> {
        let shape = self.shape(input);
        let (window, [height, width]) = self.window(name, &shape, 2, 2, false)?;
        let op = Op::MaxPool2d { window, activation: Activation::Linear };
        Ok(self.node(name, op, vec![input], vec![1, height, width, shape[3]]))
    }

    pub(super) fn mean(&mut self, input: TensorId) -> TensorId {
        let channels = self.shape(input)[3];
        self.node("mean", Op::Mean, vec![input], vec![1, channels])
    }

    pub(super) fn flatten(&mut self, input: TensorId) -> TensorId {
        let features = self.graph.tensors[input].elements();
        self.node("flat", Op::Reshape, vec![input], vec![1, features])
    }

    pub(super) fn dense(
        &mut self,
        name: &str,
        input: TensorId,
        outputs: usize,
        activation: Activation,
    ) -> TensorId {
        let features = self.graph.tensors[input].elements();
        let weights = self.weights(format!("{name}/weights"), vec![outputs, features], features);
        let bias = self.zeros(format!("{name}/bias"), outputs);
        self.node(name, Op::FullyConnected { activation }, vec![input, weights, bias], vec![1, outputs])
    }

    /// A window over rows and columns, and the extents of what it gives.
    pub(super) fn window(
        &self,
        name: &str,
        shape: &[usize],
        filter: usize,
        stride: usize,
        is_same: bool,
    ) -> Result<(Window, [usize; 2]), TrainError> {
        let mut window = Window {
            filter: [filter; 2],
            stride: [stride; 2],
            dilation: [1; 2],
            before: [0; 2],
            after: [0; 2],
        };
        let mut extents = [0; 2];
        for axis in 0..2 {
            let extent = shape[axis + 1];
            if is_same {
                extents[axis] = extent.div_ceil(stride);
                let total = ((extents[axis] - 1) * stride + filter).saturating_sub(extent);
                (window.before[axis], window.after[axis]) = (total / 2, total - total / 2);
            } else if extent < filter {
                return Err(TrainError::Model {
                    model: self.graph.name.clone(),
                    problem: format!(
                        "{name:?} reads {filter} x {filter} of a map of {} x {}; give larger pictures",
                        shape[1], shape[2]
                    ),
                });
            } else {
                extents[axis] = (extent - filter) / stride + 1;
            }
        }
        Ok((window, extents))
    }

    pub(super) fn finish(mut self, outputs: Vec<TensorId>) -> Result<Network, TrainError> {
        self.graph.output_orders = vec![Vec::new(); outputs.len()];
        self.graph.outputs = outputs;
        let mut network = Network::new(self.graph)?;
        network.norms = self.norms;
        Ok(network)
    }
}

/// What weights are drawn for.
const WEIGHTS: u64 = 1;
