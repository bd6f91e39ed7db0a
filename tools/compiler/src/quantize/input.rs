//! The image input: pixel values are stored as they are, so that preprocessing loses nothing.
//!
//! With one mean and one deviation for all channels the stored value is the pixel less 128. The real
//! zero then falls between two stored values as a rule (at 127.5 for most models); the half step goes
//! into the bias of the layers that read the input.

use super::heads::bias_of;
use super::{Affine, consumers};
use crate::graph::{Data, Graph, Op};

/// How pixels of 0 to 255 become real values: `(pixel - mean) / deviation`, a channel each.
#[derive(Clone, Debug, PartialEq)]
pub struct InputScaling {
    /// Subtracted.
    pub mean: Vec<f32>,
    /// Divides what is left.
    pub deviation: Vec<f32>,
}

impl InputScaling {
    /// The real value of a pixel value.
    pub fn real(&self, pixel: u8, channel: usize) -> f32 {
        (f32::from(pixel) - self.mean[channel % self.mean.len()])
            / self.deviation[channel % self.deviation.len()]
    }

    /// The stored value of every pixel value, one table or one a channel, for an input of this scale and
    /// zero point.
    pub fn tables(&self, scale: f32, zero_point: i32) -> Vec<[i8; 256]> {
        if self.is_exact() && self.exact().0.scale == scale {
            return vec![std::array::from_fn(|pixel| (pixel as i32 - 128) as i8)];
        }
        let affine = Affine { scale, zero_point };
        let channels = if self.is_uniform() { 1 } else { self.mean.len().max(self.deviation.len()) };
        (0..channels)
            .map(|channel| std::array::from_fn(|pixel| affine.store(self.real(pixel as u8, channel))))
            .collect()
    }

    /// Real values as they are stored under the input's scale.
    pub(super) fn store(&self, values: &[f32], affine: Affine) -> Vec<i8> {
        if self.is_exact() && self.exact().0 == affine {
            let pixel = |value: f32| (value * self.deviation[0] + self.mean[0]).round().clamp(0.0, 255.0);
            return values.iter().map(|&value| (pixel(value) as i32 - 128) as i8).collect();
        }
        values.iter().map(|&value| affine.store(value)).collect()
    }

    fn is_uniform(&self) -> bool {
        let same = |values: &[f32]| values.windows(2).all(|pair| pair[0] == pair[1]);
        same(&self.mean) && same(&self.deviation)
    }

    /// Whether stored values can be pixels less 128.
    fn is_exact(&self) -> bool {
        self.is_uniform() && (0.0..=255.0).contains(&self.mean[0]) && self.deviation[0] > 0.0
    }

    /// Scale and zero point of pixels less 128, and what the real value is above theirs.
    fn exact(&self) -> (Affine, f32) {
        let scale = 1.0 / self.deviation[0];
        let zero = self.mean[0] - 128.0;
        let zero_point = (zero.round() as i32).clamp(-128, 127);
        (Affine { scale, zero_point }, (zero_point as f32 - zero) * scale)
    }

    /// The range of real values of any pixel.
    fn covering(&self) -> Affine {
        let channels = self.mean.len().max(self.deviation.len());
        let ends = (0..channels).flat_map(|channel| [self.real(0, channel), self.real(255, channel)]);
        let (low, high) = ends.fold((0f32, 0f32), |(low, high), end| (low.min(end), high.max(end)));
        Affine::covering(low, high)
    }
}

/// Sets the scale of the first input and moves what it leaves over into biases. A note when that is
/// not possible.
pub(super) fn fix(
    graph: &mut Graph,
    affines: &mut [Option<Affine>],
    scaling: Option<&InputScaling>,
) -> Option<String> {
    let (scaling, &input) = (scaling?, graph.inputs.first()?);
    let readers = consumers(graph, input);
    let weighted = |node: &usize| {
        matches!(
            graph.nodes[*node].op,
            Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. }
        )
    };
    if !scaling.is_exact() {
        affines[input] = Some(scaling.covering());
        return None;
    }
    let (affine, shift) = scaling.exact();
    affines[input] = Some(affine);
    if shift == 0.0 {
        return None;
    }
    if !readers.iter().all(weighted) {
        return Some(format!(
            "the input's zero is {shift} off a stored value, and not every operator that reads it has a bias to take that up"
        ));
    }
    for node in readers {
        let weights = graph.nodes[node].inputs[1];
        let innermost = matches!(graph.nodes[node].op, Op::DepthwiseConv2d { .. });
        let shape = &graph.tensors[weights].shape;
        let channels = if innermost { shape.last() } else { shape.first() }.copied().unwrap_or(1).max(1);
        let mut sums = vec![0.0; channels];
        if let Some(Data::F32(values)) = &graph.tensors[weights].data {
            let taps = (values.len() / channels).max(1);
            for (index, value) in values.iter().enumerate() {
                sums[if innermost { index % channels } else { index / taps }] += value;
            }
        }
        let bias = bias_of(graph, node, channels);
        if let Some(Data::F32(bias)) = &mut graph.tensors[bias].data {
            bias.iter_mut().zip(sums).for_each(|(bias, sum)| *bias += shift * sum);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_stored_as_they_are_when_channels_are_alike() {
        let scaling = InputScaling { mean: vec![127.5], deviation: vec![127.5] };
        let (affine, shift) = scaling.exact();
        let tables = scaling.tables(affine.scale, affine.zero_point);
        assert_eq!((tables.len(), tables[0][0], tables[0][255]), (1, -128, 127));
        for pixel in 0..=255u8 {
            let stored = affine.real(tables[0][usize::from(pixel)]) + shift;
            assert!((stored - scaling.real(pixel, 0)).abs() < 1e-6);
        }
    }

    #[test]
    fn channels_of_their_own_share_one_range() {
        let scaling = InputScaling { mean: vec![124.0, 116.0, 104.0], deviation: vec![58.0, 57.0, 57.5] };
        let affine = scaling.covering();
        let tables = scaling.tables(affine.scale, affine.zero_point);
        assert_eq!(tables.len(), 3);
        for (channel, table) in tables.iter().enumerate() {
            for pixel in 0..=255u8 {
                let off = affine.real(table[usize::from(pixel)]) - scaling.real(pixel, channel);
                assert!(off.abs() <= affine.scale * 0.501, "{pixel} of channel {channel}");
            }
        }
    }
}
