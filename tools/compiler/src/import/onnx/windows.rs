//! Convolution and pooling.

use tract_core::model::{OutletId, TypedNode};
use tract_core::ops::cnn::{Conv, KernelFormat, MaxPool, PoolSpec, SumPool};

use super::layout::{Layout, Pending, Value, numbers, transpose};
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
        let &[out_channels, depth, rows, columns] = kernel.shape() else {
            return Err(Problem::Form(format!(
                "weights of shape {:?}; images are supported",
                kernel.shape()
            )));
        };
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
        if let Some(&bias) = node.inputs.get(2) {
            let bias = self.constant(bias).ok_or_else(|| Problem::Form("a bias that is computed".into()))?;
            let mut values = numbers(&bias)?;
            if values.len() == 1 {
                values = vec![values[0]; out_channels];
            }
            if values.iter().any(|&value| value != 0.0) {
                inputs.push(self.float(format!("{}.bias", node.name), vec![values.len()], values));
            }
        }
        self.image_result(node, op, inputs, order)
    }

    pub(super) fn max_pool(&mut self, node: &TypedNode, pool: &MaxPool) -> Result<Value, Problem> {
        if pool.with_index_outputs.is_some()
            && node.outputs.get(1).is_some_and(|output| !output.successors.is_empty())
        {
            return Err(Problem::Form("the indices of the maxima as a result".into()));
        }
        let (input, order, window) = self.image(node, &pool.pool_spec)?;
        plain(&window)?;
        self.image_result(node, Op::MaxPool2d { window, activation: Activation::Linear }, vec![input], order)
    }

    pub(super) fn average_pool(&mut self, node: &TypedNode, pool: &SumPool) -> Result<Value, Problem> {
        if !pool.normalize {
            return Err(Problem::Form("a sum over a window".into()));
        }
        let (mut input, order, mut window) = self.image(node, &pool.pool_spec)?;
        plain(&window)?;
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

    /// The operand as `[N, H, W, C]`, the order that this is for ONNX, and the window.
    fn image(
        &mut self,
        node: &TypedNode,
        spec: &PoolSpec,
    ) -> Result<(TensorId, Vec<usize>, Window), Problem> {
        let shape = self.shape(node.inputs[0])?;
        if shape.len() != 4 || spec.rank() != 2 || !spec.data_format.has_n() {
            return Err(Problem::Form(format!(
                "an operand of shape {shape:?}; images [N, C, H, W] are supported"
            )));
        }
        let order = match spec.data_format.c_is_last() {
            true => vec![0, 1, 2, 3],
            false => vec![0, 2, 3, 1],
        };
        let value = self.settled(node.inputs[0])?;
        let input = self.arrange(&value, &shape, &order)?;
        let extents = [shape[order[1]], shape[order[2]]];
        let padding = spec.computed_padding(&extents);
        let pair = |values: &[usize]| [values[0], values[1]];
        let (dilations, strides) = (spec.dilations(), spec.strides());
        let window = Window {
            filter: pair(&spec.kernel_shape),
            stride: pair(&strides),
            dilation: pair(&dilations),
            before: [padding[0].pad_before, padding[1].pad_before],
            after: [padding[0].pad_after, padding[1].pad_after],
        };
        Ok((input, order, window))
    }

    fn image_result(
        &mut self,
        node: &TypedNode,
        op: Op,
        inputs: Vec<TensorId>,
        order: Vec<usize>,
    ) -> Result<Value, Problem> {
        let shape = self.shape(OutletId::new(node.id, 0))?;
        let stored = order.iter().map(|&axis| shape[axis]).collect();
        let tensor = self.emit(&node.name, op, inputs, stored)?;
        Ok(Value { tensor, layout: Layout::Axes(order), pending: Pending::None })
    }
}

fn plain(window: &Window) -> Result<(), Problem> {
    if window.dilation == [1, 1] {
        Ok(())
    } else {
        Err(Problem::Form(format!("pooling with dilation {:?}", window.dilation)))
    }
}
