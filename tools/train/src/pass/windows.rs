//! Layers with weights and sliding windows.

use burn::tensor::Tensor;
use burn::tensor::module::{avg_pool2d, batch_norm_train, conv_transpose2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use ocelli_compiler::graph::{Node, Window};

use super::{Pass, from_rows, to_rows};
use crate::error::TrainError;
use crate::network::{EPSILON, Place};

impl Pass<'_> {
    pub(super) fn conv_2d(
        &mut self,
        index: usize,
        node: &Node,
        window: &Window,
        groups: usize,
        is_depthwise: bool,
    ) -> Result<Tensor<4>, TrainError> {
        let input = self.first(node)?;
        let shape = self.four_axes(node)?;
        let weights =
            self.constant(node.inputs[1]).ok_or_else(|| Pass::refused(node, "its weights are computed"))?;
        // [O, H, W, I] and [1, H, W, O] become [O, I, H, W].
        let order = if is_depthwise { [3, 0, 1, 2] } else { [0, 3, 1, 2] };
        let weights = weights.reshape(shape).permute(order);
        let norm = self.network.norms.get(&index);
        let bias = match norm {
            None => self.bias(node)?,
            Some(_) => None,
        };
        let pairs = [0, 1].map(|axis| (window.before[axis], window.after[axis]));
        let options = ConvOptions::new_with_padding(window.stride, pairs, window.dilation, groups);
        let result = conv2d(input, weights, bias, options);
        let Some(norm) = norm else { return Ok(result) };
        let leaf =
            |place| self.leaves.find(place).ok_or_else(|| Pass::refused(node, "its normalization is lost"));
        let (gain, offset) = (leaf(Place::Gain(index))?, leaf(Place::Offset(index))?);
        if self.options.batch_statistics {
            let normalized = batch_norm_train(result, gain, offset, f64::from(EPSILON));
            self.statistics.push((index, normalized.mean, normalized.variance));
            return Ok(normalized.output);
        }
        let channels = norm.gain.len();
        let row = |values: Tensor<1>| values.reshape([1, channels, 1, 1]);
        let fixed = |values: &[f32]| Tensor::<1>::from_floats(values, &self.device);
        let factors: Vec<f32> =
            norm.variance.iter().map(|variance| 1.0 / (variance + EPSILON).sqrt()).collect();
        let centred = result - row(fixed(&norm.mean));
        Ok(centred * row(gain * fixed(&factors)) + row(offset))
    }

    fn four_axes(&self, node: &Node) -> Result<[usize; 4], TrainError> {
        let shape = &self.graph().tensors[node.inputs[1]].shape;
        shape[..].try_into().map_err(|_| Pass::refused(node, format!("its weights have shape {shape:?}")))
    }

    fn bias(&self, node: &Node) -> Result<Option<Tensor<1>>, TrainError> {
        match node.inputs.get(2) {
            None => Ok(None),
            Some(&id) => {
                self.constant(id).map(Some).ok_or_else(|| Pass::refused(node, "its bias is computed"))
            }
        }
    }

    pub(super) fn transpose_conv_2d(&self, node: &Node, window: &Window) -> Result<Tensor<4>, TrainError> {
        let input = self.first(node)?;
        let weights =
            self.constant(node.inputs[1]).ok_or_else(|| Pass::refused(node, "its weights are computed"))?;
        // [O, H, W, I] becomes [I, O, H, W].
        let weights = weights.reshape(self.four_axes(node)?).permute([3, 0, 1, 2]);
        let options = ConvTransposeOptions::new(window.stride, [0, 0], [0, 0], window.dilation, 1);
        let whole = conv_transpose2d(input, weights, self.bias(node)?, options);
        let [_, _, full_height, full_width] = whole.dims();
        let [height, width] = self.rows_and_columns(node)?;
        let [top, left] = window.before;
        if top + height > full_height || left + width > full_width {
            return Err(Pass::refused(node, "its output reaches beyond what its input covers"));
        }
        Ok(whole.narrow(2, top, height).narrow(3, left, width))
    }

    fn rows_and_columns(&self, node: &Node) -> Result<[usize; 2], TrainError> {
        match self.graph().tensors[node.outputs[0]].shape[..] {
            [_, height, width, _] => Ok([height, width]),
            ref shape => Err(Pass::refused(node, format!("its output has shape {shape:?}"))),
        }
    }

    pub(super) fn fully_connected(&mut self, node: &Node) -> Result<Tensor<4>, TrainError> {
        let shape = &self.graph().tensors[node.inputs[1]].shape;
        let &[outputs, features] = &shape[..] else {
            return Err(Pass::refused(node, format!("its weights have shape {shape:?}")));
        };
        let is_first = node.inputs[0] == self.graph().inputs[0];
        let mut rows = to_rows(self.first(node)?, features);
        if let Some((part, random)) = self.options.dropout.as_mut().filter(|_| !is_first) {
            let keep = 1.0 - *part;
            let mask: Vec<f32> = (0..rows.dims().iter().product::<usize>())
                .map(|_| if random.unit() < keep { 1.0 / keep } else { 0.0 })
                .collect();
            let mask = burn::tensor::TensorData::new(mask, rows.dims());
            rows = rows * Tensor::from_data(mask, &self.device);
        }
        let weights =
            self.constant(node.inputs[1]).ok_or_else(|| Pass::refused(node, "its weights are computed"))?;
        let mut result = rows.matmul(weights.reshape([outputs, features]).transpose());
        if let Some(bias) = self.bias(node)? {
            result = result + bias.reshape([1, outputs]);
        }
        Ok(from_rows(result, &self.graph().tensors[node.outputs[0]].shape, self.batch))
    }

    pub(super) fn pool(&self, node: &Node, window: &Window, is_max: bool) -> Result<Tensor<4>, TrainError> {
        let input = self.first(node)?;
        let pairs = [0, 1].map(|axis| (window.before[axis], window.after[axis]));
        if is_max {
            let mut options =
                MaxPoolOptions::new(window.filter).with_stride(window.stride).with_padding_pairs(pairs);
            options.dilation = window.dilation;
            return Ok(max_pool2d(input, options));
        }
        if window.dilation != [1, 1] {
            return Err(Pass::refused(node, "its window is dilated"));
        }
        let mut options =
            AvgPoolOptions::new(window.filter).with_stride(window.stride).with_padding_pairs(pairs);
        options.count_include_pad = false;
        Ok(avg_pool2d(input, options))
    }
}
