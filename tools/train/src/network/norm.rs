//! Batch normalization behind a convolution: statistics of the batch while it trains, running ones when they are
//! frozen, nothing once it is folded.

use ocelli_compiler::graph::{Data, Element, Graph, Op, Tensor};

/// Gains, offsets and running statistics, one each for an output channel.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Norm {
    /// Factor.
    pub gain: Vec<f32>,
    /// Addend.
    pub offset: Vec<f32>,
    /// Running mean.
    pub mean: Vec<f32>,
    /// Running variance.
    pub variance: Vec<f32>,
}

/// What keeps the root from 0.
pub(crate) const EPSILON: f32 = 1e-5;

/// How much of the running statistics a batch replaces.
const MOMENTUM: f32 = 0.1;

impl Norm {
    /// The one that changes nothing.
    pub fn identity(channels: usize) -> Norm {
        Norm {
            gain: vec![1.0; channels],
            offset: vec![0.0; channels],
            mean: vec![0.0; channels],
            variance: vec![1.0; channels],
        }
    }

    /// Takes in what a batch says of mean and variance.
    pub(crate) fn observe(&mut self, mean: &[f32], variance: &[f32]) {
        let blend = |running: &mut [f32], seen: &[f32]| {
            running.iter_mut().zip(seen).for_each(|(running, seen)| *running += MOMENTUM * (seen - *running));
        };
        blend(&mut self.mean, mean);
        blend(&mut self.variance, variance);
    }

    /// Factor and addend of each channel, with frozen statistics.
    pub(crate) fn affine(&self) -> (Vec<f32>, Vec<f32>) {
        let factor = |(gain, variance): (&f32, &f32)| gain / (variance + EPSILON).sqrt();
        let factors: Vec<f32> = self.gain.iter().zip(&self.variance).map(factor).collect();
        let addend = |((offset, mean), factor): ((&f32, &f32), &f32)| offset - mean * factor;
        let addends = self.offset.iter().zip(&self.mean).zip(&factors).map(addend).collect();
        (factors, addends)
    }

    /// Multiplies the weights before it and replaces their bias.
    pub(super) fn fold_into(&self, graph: &mut Graph, node: usize) {
        let (factors, addends) = self.affine();
        let channels = factors.len();
        let weights = graph.nodes[node].inputs[1];
        let innermost = matches!(graph.nodes[node].op, Op::DepthwiseConv2d { .. });
        if let Some(Data::F32(values)) = &mut graph.tensors[weights].data {
            let taps = (values.len() / channels).max(1);
            for (index, value) in values.iter_mut().enumerate() {
                *value *= factors[if innermost { index % channels } else { index / taps }];
            }
        }
        let bias = Tensor {
            name: format!("{}/bias", graph.nodes[node].name),
            shape: vec![channels],
            quantization: None,
            element: Element::F32,
            data: Some(Data::F32(addends)),
        };
        graph.tensors.push(bias);
        let id = graph.tensors.len() - 1;
        graph.nodes[node].inputs.truncate(2);
        graph.nodes[node].inputs.push(id);
    }
}
