//! Links depthwise 2-d convolution.

use ocelli_format::OperatorKind;
use ocelli_kernels::{
    DepthwiseConv2dParameters, KernelError, depthwise_conv_2d_in_lines_s8, depthwise_conv_2d_in_scratch_s8,
    depthwise_conv_2d_s8,
};

use crate::layer::{Kernel, Layer, Sliding, Told};
use crate::memory::Operands;

/// [`Operator::DepthwiseConv2d`](ocelli_format::Operator::DepthwiseConv2d).
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseConv2d;

impl DepthwiseConv2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::DepthwiseConv2d, check, run };
}

/// The same without what kernels fall back on: for layers that all have the channels and the scratch that fast loops need.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseConv2dInScratch;

impl DepthwiseConv2dInScratch {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel =
        &Kernel { kind: OperatorKind::DepthwiseConv2d, check: check_scratch, run: run_in_scratch };
}

/// The same with the loops for windows of three by three alone: for layers that all have the scratch in which rows are kept as lines.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseConv2dInLines;

impl DepthwiseConv2dInLines {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel =
        &Kernel { kind: OperatorKind::DepthwiseConv2d, check: check_lines, run: run_in_lines };
}

/// The parameters of a convolution on activations of either type.
pub(super) fn parameters<T: Told>(layer: &Layer<'_>) -> Result<DepthwiseConv2dParameters<T>, KernelError> {
    let mut attributes = layer.view.attributes;
    let Sliding { input_shape, output_shape, vertical, horizontal } = layer.sliding(&mut attributes)?;
    let _depth_multiplier = attributes.u16();
    let [activation_min, activation_max] = T::bounds(&mut attributes);
    Ok(DepthwiseConv2dParameters {
        input_shape,
        output_shape,
        vertical,
        horizontal,
        input_zero_point: T::zero_point(&layer.input(0)),
        output_zero_point: T::zero_point(&layer.output()),
        activation_min,
        activation_max,
    })
}

// Once in a firmware that links a part of the operator.
#[inline(never)]
fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let parameters = parameters::<i8>(layer)?;
    parameters.check(&layer.filter(), layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        depthwise_conv_2d_s8(parameters, &layer.filter(), input, operands.output, operands.scratch);
    }
}

fn check_scratch(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check_scratch(layer.step.scratch[1] as usize)?;
    check(layer)
}

fn run_in_scratch(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        depthwise_conv_2d_in_scratch_s8(
            parameters,
            &layer.filter(),
            input,
            operands.output,
            operands.scratch,
        );
    }
}

fn check_lines(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check_lines(&layer.filter(), layer.step.scratch[1] as usize)?;
    check(layer)
}

fn run_in_lines(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        depthwise_conv_2d_in_lines_s8(parameters, &layer.filter(), input, operands.output, operands.scratch);
    }
}
