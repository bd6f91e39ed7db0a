//! Networks that need no file: small known shapes, wider or deeper as a recipe says.

use std::collections::BTreeMap;

use ocelli_compiler::graph::{Activation, Data, Element, Graph, Node, Op, Tensor, TensorId, Window};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::network::{Network, Norm};
use crate::random::Random;

/// Which shape, as recipes name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Dense layers of 300 and 100 (LeCun and others, 1998): 266,610 numbers on 28x28 gray and ten classes.
    #[serde(rename = "lenet-300-100")]
    Lenet300100,
    /// Caffe's LeNet-5: convolutions of 20 and 50, dense layers of 500 and ten: 431,080 numbers.
    #[serde(rename = "lenet-5")]
    Lenet5,
    /// Residual blocks of 16, 32 and 64 channels, one a stage (MLPerf Tiny's shape).
    #[serde(rename = "resnet-8")]
    Resnet8,
    /// Depthwise and pointwise layers from 16 to 128 channels (after MobileNet v1).
    Mobilenet,
}

/// A family with everything that it leaves open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Which.
    pub family: Family,
    /// Height, width and channels of the picture.
    pub picture: [usize; 3],
    /// How many classes.
    pub classes: usize,
    /// Factor of all channels.
    pub width: f32,
    /// Blocks in each stage, or dense layers of each size.
    pub depth: usize,
}

impl Shape {
    /// The network with weights drawn as He and others (2015) say.
    ///
    /// # Errors
    /// [`TrainError::Model`] for a picture that is too small for it.
    pub fn build(&self, name: &str, seed: u64) -> Result<Network, TrainError> {
        let mut builder = Builder::new(name, self.picture, seed);
        let wide = |channels: usize| ((channels as f32 * self.width).round() as usize).max(1);
        let input = 0;
        let last = match self.family {
            Family::Lenet300100 => {
                let mut last = builder.flatten(input);
                for (size, label) in [(300, "dense_1"), (100, "dense_2")] {
                    for block in 0..self.depth {
                        last = builder.dense(&format!("{label}_{block}"), last, wide(size), Activation::Relu);
                    }
                }
                last
            }
            Family::Lenet5 => {
                let first = builder.conv("conv_1", input, Layer::plain(5, wide(20)))?;
                let first = builder.halve("pool_1", first)?;
                let second = builder.conv("conv_2", first, Layer::plain(5, wide(50)))?;
                let second = builder.halve("pool_2", second)?;
                let flat = builder.flatten(second);
                builder.dense("dense_1", flat, wide(500), Activation::Relu)
            }
            Family::Resnet8 => {
                let mut last = builder.conv("stem", input, Layer::normal(3, 1, wide(16)))?;
                for (stage, channels) in [16, 32, 64].into_iter().enumerate() {
                    for block in 0..self.depth {
                        let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                        last = builder.residual(
                            &format!("stage_{stage}/block_{block}"),
                            last,
                            stride,
                            wide(channels),
                        )?;
                    }
                }
                builder.mean(last)
            }
            Family::Mobilenet => {
                let mut last = builder.conv("stem", input, Layer::normal(3, 2, wide(16)))?;
                for (stage, channels) in [32, 64, 128].into_iter().enumerate() {
                    for block in 0..self.depth {
                        let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                        let name = format!("stage_{stage}/block_{block}");
                        last = builder.depthwise(&format!("{name}/depthwise"), last, stride)?;
                        last = builder.conv(
                            &format!("{name}/pointwise"),
                            last,
                            Layer::normal(1, 1, wide(channels)),
                        )?;
                    }
                }
                builder.mean(last)
            }
        };
        let logits = builder.dense("logits", last, self.classes, Activation::Linear);
        let scores = builder.node("scores", Op::Softmax { beta: 1.0 }, vec![logits], vec![1, self.classes]);
        builder.finish(scores)
    }
}

/// A convolution to be added.
struct Layer {
    filter: usize,
    stride: usize,
    channels: usize,
    is_same: bool,
    has_norm: bool,
    activation: Activation,
}

impl Layer {
    /// Without padding, normalization and activation.
    fn plain(filter: usize, channels: usize) -> Layer {
        Layer { filter, stride: 1, channels, is_same: false, has_norm: false, activation: Activation::Linear }
    }

    /// Padded, normalized, rectified.
    fn normal(filter: usize, stride: usize, channels: usize) -> Layer {
        Layer { filter, stride, channels, is_same: true, has_norm: true, activation: Activation::Relu }
    }
}

/// A network under construction.
struct Builder {
    graph: Graph,
    norms: BTreeMap<usize, Norm>,
    random: Random,
}

impl Builder {
    fn new(name: &str, [height, width, channels]: [usize; 3], seed: u64) -> Builder {
        let mut builder = Builder {
            graph: Graph { name: name.into(), inputs: vec![0], ..Graph::default() },
            norms: BTreeMap::new(),
            random: Random::of(seed, &[WEIGHTS]),
        };
        builder.tensor("picture".into(), vec![1, height, width, channels], None);
        builder.graph.input_orders = vec![Vec::new()];
        builder
    }

    fn tensor(&mut self, name: String, shape: Vec<usize>, data: Option<Vec<f32>>) -> TensorId {
        let data = data.map(Data::F32);
        self.graph.tensors.push(Tensor { name, shape, quantization: None, element: Element::F32, data });
        self.graph.tensors.len() - 1
    }

    fn node(&mut self, name: &str, op: Op, inputs: Vec<TensorId>, shape: Vec<usize>) -> TensorId {
        let output = self.tensor(name.into(), shape, None);
        self.graph.nodes.push(Node { name: name.into(), op, inputs, outputs: vec![output] });
        output
    }

    fn shape(&self, id: TensorId) -> Vec<usize> {
        self.graph.tensors[id].shape.clone()
    }

    /// Weights of a normal distribution whose deviation keeps the size of numbers behind a rectifier.
    fn weights(&mut self, name: String, shape: Vec<usize>, fan_in: usize) -> TensorId {
        let deviation = (2.0 / fan_in as f32).sqrt();
        let count = shape.iter().product();
        let values = (0..count).map(|_| deviation * self.random.normal()).collect();
        self.tensor(name, shape, Some(values))
    }

    fn zeros(&mut self, name: String, count: usize) -> TensorId {
        self.tensor(name, vec![count], Some(vec![0.0; count]))
    }

    fn conv(&mut self, name: &str, input: TensorId, layer: Layer) -> Result<TensorId, TrainError> {
        let shape = self.shape(input);
        let (window, [height, width]) =
            self.window(name, &shape, layer.filter, layer.stride, layer.is_same)?;
        let fan_in = layer.filter * layer.filter * shape[3];
        let weights = self.weights(
            format!("{name}/weights"),
            vec![layer.channels, layer.filter, layer.filter, shape[3]],
            fan_in,
        );
        let bias = self.zeros(format!("{name}/bias"), layer.channels);
        if layer.has_norm {
            self.norms.insert(self.graph.nodes.len(), Norm::identity(layer.channels));
        }
        let op = Op::Conv2d { window, groups: 1, activation: layer.activation };
        Ok(self.node(name, op, vec![input, weights, bias], vec![1, height, width, layer.channels]))
    }

    fn depthwise(&mut self, name: &str, input: TensorId, stride: usize) -> Result<TensorId, TrainError> {
        let shape = self.shape(input);
        let (window, [height, width]) = self.window(name, &shape, 3, stride, true)?;
        let weights = self.weights(format!("{name}/weights"), vec![1, 3, 3, shape[3]], 9);
        let bias = self.zeros(format!("{name}/bias"), shape[3]);
        self.norms.insert(self.graph.nodes.len(), Norm::identity(shape[3]));
        let op = Op::DepthwiseConv2d { window, depth_multiplier: 1, activation: Activation::Relu };
        Ok(self.node(name, op, vec![input, weights, bias], vec![1, height, width, shape[3]]))
    }

    /// Two convolutions beside a shortcut, which is a convolution of its own where sizes differ.
    fn residual(
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

    /// A maximum over 2x2.
    fn halve(&mut self, name: &str, input: TensorId) -> Result<TensorId, TrainError> {
        let shape = self.shape(input);
        let (window, [height, width]) = self.window(name, &shape, 2, 2, false)?;
        let op = Op::MaxPool2d { window, activation: Activation::Linear };
        Ok(self.node(name, op, vec![input], vec![1, height, width, shape[3]]))
    }

    fn mean(&mut self, input: TensorId) -> TensorId {
        let channels = self.shape(input)[3];
        self.node("mean", Op::Mean, vec![input], vec![1, channels])
    }

    fn flatten(&mut self, input: TensorId) -> TensorId {
        let features = self.graph.tensors[input].elements();
        self.node("flat", Op::Reshape, vec![input], vec![1, features])
    }

    fn dense(&mut self, name: &str, input: TensorId, outputs: usize, activation: Activation) -> TensorId {
        let features = self.graph.tensors[input].elements();
        let weights = self.weights(format!("{name}/weights"), vec![outputs, features], features);
        let bias = self.zeros(format!("{name}/bias"), outputs);
        self.node(name, Op::FullyConnected { activation }, vec![input, weights, bias], vec![1, outputs])
    }

    /// A window over rows and columns, and the extents of what it gives.
    fn window(
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

    fn finish(mut self, output: TensorId) -> Result<Network, TrainError> {
        self.graph.outputs = vec![output];
        self.graph.output_orders = vec![Vec::new()];
        let mut network = Network::new(self.graph)?;
        network.norms = self.norms;
        Ok(network)
    }
}

/// What weights are drawn for.
const WEIGHTS: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_compiler::check::check;

    fn shape(family: Family) -> Shape {
        Shape { family, picture: [28, 28, 1], classes: 10, width: 1.0, depth: 1 }
    }

    #[test]
    fn families_have_the_sizes_that_their_papers_say() {
        let count = |family| shape(family).build("net", 1).unwrap().count();
        assert_eq!(count(Family::Lenet300100), 266_610);
        assert_eq!(count(Family::Lenet5), 431_080);
    }

    #[test]
    fn every_family_is_a_graph_that_keeps_the_rules_and_widens() {
        for family in [Family::Lenet300100, Family::Lenet5, Family::Resnet8, Family::Mobilenet] {
            let one = shape(family).build("net", 1).unwrap();
            check(&one.folded()).unwrap();
            let wide = Shape { width: 2.0, ..shape(family) }.build("net", 1).unwrap();
            assert!(wide.count() > one.count(), "{family:?}");
            assert_eq!(one.graph.tensors[one.graph.outputs[0]].shape, [1, 10]);
            assert_eq!(one.norms.is_empty(), matches!(family, Family::Lenet300100 | Family::Lenet5));
        }
        let deep = Shape { depth: 2, ..shape(Family::Resnet8) }.build("net", 1).unwrap();
        check(&deep.folded()).unwrap();
    }

    #[test]
    fn a_picture_that_is_too_small_is_refused() {
        let error = Shape { picture: [6, 6, 1], ..shape(Family::Lenet5) }.build("net", 1).unwrap_err();
        assert!(error.to_string().contains("larger pictures"), "{error}");
    }
}
