//! Links layers whose weights a schedule lays out anew, one for each operator that has layouts.
//!
//! The loops over such weights are others than those over canonical ones, and they cannot do without their scratch. A
//! firmware whose schedule lays out all weights of an operator links nothing else for it.

use ocelli_format::{OperatorKind, Storage};
use ocelli_kernels::{KernelError, Layout, Operand, conv_2d_relaid_s8, fully_connected_relaid_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::rows::RowKernel;
use crate::operators::{conv_2d, fully_connected};

/// 2-d convolution with weights in a layout of the schedule.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dRelaid;

impl Conv2dRelaid {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static RowKernel =
        &relaid(Kernel { kind: OperatorKind::Conv2d, check: check_conv_2d, run: run_conv_2d });
}

/// Fully connected with weights in a layout of the schedule.
#[derive(Clone, Copy, Debug)]
pub struct FullyConnectedRelaid;

impl FullyConnectedRelaid {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static RowKernel = &relaid(Kernel {
        kind: OperatorKind::FullyConnected,
        check: check_fully_connected,
        run: run_fully_connected,
    });
}

const fn relaid(kernel: Kernel) -> RowKernel {
    RowKernel { storage: Storage::Relaid, kernel }
}

fn check_conv_2d(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (parameters, filter) = (conv_2d::parameters::<i8>(layer)?, layer.filter());
    check(layer, filter.layout, parameters.scratch_bytes(filter.layout))?;
    parameters.check(&filter, layer.input_elements(0), layer.output_elements())
}

fn run_conv_2d(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &conv_2d::parameters(layer) {
        let input = operands.input(0);
        conv_2d_relaid_s8(parameters, &layer.filter(), input, operands.output, operands.scratch);
    }
}

fn check_fully_connected(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (parameters, filter) = (fully_connected::parameters::<i8>(layer)?, layer.filter());
    check(layer, filter.layout, parameters.scratch_bytes())?;
    parameters.check(&filter, layer.input_elements(0), layer.output_elements())
}

fn run_fully_connected(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &fully_connected::parameters(layer) {
        let input = operands.input(0);
        fully_connected_relaid_s8(parameters, &layer.filter(), input, operands.output, operands.scratch);
    }
}

/// Whether there is a layout, and as much scratch as it needs to be read.
fn check(layer: &Layer<'_>, layout: Layout, needed_elements: usize) -> Result<(), KernelError> {
    let available_elements = layer.step.scratch[1] as usize;
    if layout == Layout::Canonical {
        return Err(KernelError::Layout);
    }
    if available_elements < needed_elements {
        return Err(KernelError::Length { operand: Operand::Scratch, needed_elements, available_elements });
    }
    Ok(())
}
