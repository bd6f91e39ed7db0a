//! Convolution and pooling.

use tract_core::model::{OutletId, TypedNode};
use tract_core::ops::cnn::{Conv, Deconv, KernelFormat, MaxPool, PaddingSpec, PoolSpec, SumPool};

use super::layout::{Layout, Pending, Value, numbers, permuted, transpose};
use super::lower::Lowering;
use crate::graph::{Activation, Op, TensorId, Window};
use crate::import::Problem;

impl Lowering<'_> {
    pub(super) fn conv(&mut self, node: &TypedNode, conv: &Conv) -> Result<Value, Problem> {
        if conv.q_params.is_some() {
            return Err(Problem::Form("sums of integers that nothing scales".into()));
        }
        let (input, order, window) = self.image(node, &conv.pool_spec)?;
        let kernel =
            self.constant(node.inputs[1]).ok_or_else(|| Problem::Form("weights that are computed".into()))?;
        let KernelFormat::OIHW = conv.kernel_fmt else {
            return Err(Problem::Form(format!("kernel format {:?}", conv.kernel_fmt)));
        };
        let [out_channels, depth, rows, columns] = kernel_extents(kernel.shape())?;
        let channels = self.graph.tensors[input].shape[3];
        let depthwise = conv.group > 1 && conv.group == channels && depth == 1;
        let values = numbers(&kernel)?;
        let name = format!("{}.weights", node.name);
        let (op, weights) = if depthwise {
            let values = transpose(&values, &[out_channels, 1, rows, columns], &[1, 2, 3, 0]);
            let depth_multiplier = out_channels / channels;
            let op = Op::DepthwiseConv2d { window, depth_multiplier, activation: Activation::Linear };
            (op, self.float(name, vec![1, rows, columns, out_channels], values))
        } else {
            let values = transpose(&values, &[out_channels, depth, rows, columns], &[0, 2, 3, 1]);
            let op = Op::Conv2d { window, groups: conv.group, activation: Activation::Linear };
            (op, self.float(name, vec![out_channels, rows, columns, depth], values))
        };
        self.note_weights(weights, node.inputs[1], 0, if depthwise { 3 } else { 0 });
        let mut inputs = vec![input, weights];
        inputs.extend(self.bias(node, out_channels)?);
        self.image_result(node, op, inputs, order)
    }

    /// A bias that is not all zeros.
    fn bias(&mut self, node: &TypedNode, out_channels: usize) -> Result<Option<TensorId>, Problem> {
        let Some(&bias) = node.inputs.get(2) else { return Ok(None) };
        let bias = self.constant(bias).ok_or_else(|| Problem::Form("a bias that is computed".into()))?;
        let mut values = numbers(&bias)?;
        if values.len() == 1 {
            values = vec![values[0]; out_channels];
        }
        let any = values.iter().any(|&value| value != 0.0);
        Ok(any.then(|| self.float(format!("{}.bias", node.name), vec![values.len()], values)))
    }

    /// Groups become weights of 0 between channels that do not mix.
    pub(super) fn transpose_conv(&mut self, node: &TypedNode, conv: &Deconv) -> Result<Value, Problem> {
        let (input, order, mut window) = self.image(node, &conv.pool_spec)?;
        let kernel =
            self.constant(node.inputs[1]).ok_or_else(|| Problem::Form("weights that are computed".into()))?;
        let KernelFormat::OIHW = conv.kernel_format else {
            return Err(Problem::Form(format!("kernel format {:?}", conv.kernel_format)));
        };
        let [out_channels, depth, rows, columns] = kernel_extents(kernel.shape())?;
        let &[_, height, width, channels] = &self.graph.tensors[input].shape[..] else {
            return Err(Problem::Invalid("not an image".into()));
        };
        let shape = self.image_shape(OutletId::new(node.id, 0), &order)?;
        for (axis, (from, to)) in [(height, shape[1]), (width, shape[2])].into_iter().enumerate() {
            let reach = (window.filter[axis] - 1) * window.dilation[axis] + 1;
            let whole = (from - 1) * window.stride[axis] + reach;
            // The one axis of a signal is the width.
            let place = (axis + conv.pool_spec.rank()).checked_sub(2);
            window.before[axis] = match &conv.pool_spec.padding {
                PaddingSpec::Explicit(before, _) | PaddingSpec::ExplicitOnnxPool(before, ..) => {
                    place.and_then(|place| before.get(place)).copied().unwrap_or(0)
                }
                PaddingSpec::Valid => 0,
                PaddingSpec::SameUpper => whole.saturating_sub(to) / 2,
                PaddingSpec::SameLower => whole.saturating_sub(to).div_ceil(2),
            };
        }
        window.after = [0, 0];
        let values = transpose(&numbers(&kernel)?, &[out_channels, depth, rows, columns], &[0, 2, 3, 1]);
        let mut dense = vec![0.0; out_channels * rows * columns * channels];
        let of_group = (out_channels / conv.group.max(1)).max(1);
        for (tap, from) in values.chunks_exact(depth.max(1)).enumerate() {
            let start = tap * channels + tap / (rows * columns) / of_group * depth;
            let Some(to) = dense.get_mut(start..start + depth) else {
                return Err(Problem::Invalid(format!("weights of shape {:?}", kernel.shape())));
            };
            to.copy_from_slice(from);
        }
        let weights =
            self.float(format!("{}.weights", node.name), vec![out_channels, rows, columns, channels], dense);
        self.note_weights(weights, node.inputs[1], 0, 0);
        let mut inputs = vec![input, weights];
        inputs.extend(self.bias(node, out_channels)?);
        let op = Op::TransposeConv2d { window, activation: Activation::Linear };
        self.image_result(node, op, inputs, order)
    }

    pub(super) fn max_pool(&mut self, node: &TypedNode, pool: &MaxPool) -> Result<Value, Problem> {
        if pool.with_index_outputs.is_some()
            && node.outputs.get(1).is_some_and(|output| !output.successors.is_empty())
        {
            return Err(Problem::Form("the indices of the maxima as a result".into()));
        }
        let (input, order, window) = self.image(node, &pool.pool_spec)?;
        self.image_result(node, Op::MaxPool2d { window, activation: Activation::Linear }, vec![input], order)
    }

    pub(super) fn average_pool(&mut self, node: &TypedNode, pool: &SumPool) -> Result<Value, Problem> {
        if !pool.normalize {
            return Err(Problem::Form("a sum over a window".into()));
        }
        let (mut input, order, mut window) = self.image(node, &pool.pool_spec)?;
        if pool.count_include_pad && (window.before, window.after) != ([0; 2], [0; 2]) {
            // Here padding never counts, so padding that counts is stored.
            let before = vec![0, window.before[0], window.before[1], 0];
            let after = vec![0, window.after[0], window.after[1], 0];
            let mut shape = self.graph.tensors[input].shape.clone();
            for axis in 1..3 {
                shape[axis] += before[axis] + after[axis];
            }
            let op = Op::Pad { before, after, value: 0.0 };
            input = self.emit(&format!("{}.pad", node.name), op, vec![input], shape)?;
            (window.before, window.after) = ([0, 0], [0, 0]);
        }
        self.image_result(
            node,
            Op::AveragePool2d { window, activation: Activation::Linear },
            vec![input],
            order,
        )
    }

    /// The operand as `[N, H, W, C]`, the order that this is for ONNX, and the window. A signal `[N, C, W]` is an
    /// image of one row.
    fn image(
        &mut self,
        node: &TypedNode,
        spec: &PoolSpec,
    ) -> Result<(TensorId, Vec<usize>, Window), Problem> {
        let shape = self.shape(node.inputs[0])?;
        let rank = spec.rank();
        if !matches!(rank, 1 | 2) || shape.len() != rank + 2 || !spec.data_format.has_n() {
            return Err(Problem::Form(format!(
                "an operand of shape {shape:?}; images [N, C, H, W] and signals [N, C, W] are supported"
            )));
        }
        let order = match (spec.data_format.c_is_last(), rank) {
            (true, _) => (0..rank + 2).collect(),
            (false, 1) => vec![0, 2, 1],
            (false, _) => vec![0, 2, 3, 1],
        };
        let value = self.settled(node.inputs[0])?;
        let mut input = self.arrange(&value, &shape, &order)?;
        if rank == 1 {
            let stored = self.image_shape(node.inputs[0], &order)?;
            input = self.emit(&format!("{}.row", node.name), Op::Reshape, vec![input], stored)?;
        }
        let extents: Vec<usize> = (1..=rank).map(|axis| shape[order[axis]]).collect();
        let padding = spec.computed_padding(&extents);
        let pair = |of: &dyn Fn(usize) -> usize, other: usize| match rank {
            1 => [other, of(0)],
            _ => [of(0), of(1)],
        };
        let (dilations, strides) = (spec.dilations(), spec.strides());
        let mut window = Window {
            filter: pair(&|axis| spec.kernel_shape[axis], 1),
            stride: pair(&|axis| strides[axis], 1),
            dilation: pair(&|axis| dilations[axis], 1),
            before: pair(&|axis| padding[axis].pad_before, 0),
            after: pair(&|axis| padding[axis].pad_after, 0),
        };
        // Where extents are rounded up, the last window reaches beyond the stated padding.
        let result = self.image_shape(OutletId::new(node.id, 0), &order)?;
        let image = self.graph.tensors[input].shape.clone();
        for axis in 0..2 {
            let reach = (window.filter[axis] - 1) * window.dilation[axis] + 1;
            let needed = (result[axis + 1] - 1) * window.stride[axis] + reach;
            let has = image[axis + 1] + window.before[axis];
            window.after[axis] = window.after[axis].max(needed.saturating_sub(has));
        }
        Ok((input, order, window))
    }

    /// The extents of an image, or of a signal as an image of one row.
    fn image_shape(&self, outlet: OutletId, order: &[usize]) -> Result<Vec<usize>, Problem> {
        let mut stored = permuted(&self.shape(outlet)?, order);
        if stored.len() == 3 {
            stored.insert(1, 1);
        }
        Ok(stored)
    }

    fn image_result(
        &mut self,
        node: &TypedNode,
        op: Op,
        inputs: Vec<TensorId>,
        order: Vec<usize>,
    ) -> Result<Value, Problem> {
        let outlet = OutletId::new(node.id, 0);
        let stored = self.image_shape(outlet, &order)?;
        let mut tensor = self.emit(&node.name, op, inputs, stored)?;
        if order.len() == 3 {
            let signal = permuted(&self.shape(outlet)?, &order);
            tensor = self.emit(&format!("{}.signal", node.name), Op::Reshape, vec![tensor], signal)?;
        }
        Ok(Value { tensor, layout: Layout::Axes(order), pending: Pending::None })
    }
}

/// Output channels, input channels, rows and columns of weights; those of a signal have one row.
fn kernel_extents(shape: &[usize]) -> Result<[usize; 4], Problem> {
    match *shape {
        [outputs, depth, rows, columns] => Ok([outputs, depth, rows, columns]),
        [outputs, depth, columns] => Ok([outputs, depth, 1, columns]),
        _ => Err(Problem::Form(format!("weights of shape {shape:?}; images and signals are supported"))),
    }
}
