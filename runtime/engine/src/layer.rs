//! One step as a kernel sees it, and how kernels are linked.

use ocelli_format::{
    Artefact, Clamp, Factor, OperatorKind, OperatorStepView, OperatorView, TensorView, Window,
};
use ocelli_kernels::{Axis, Filter, KernelError, Operand, Requantize};

use crate::memory::Operands;

/// An operator that a firmware links, made by [`ops!`](crate::ops).
///
/// A table of function pointers: what no table names, the linker leaves out.
#[derive(Debug)]
pub struct Kernel {
    /// What it computes.
    pub(crate) kind: OperatorKind,
    /// Whether it can run this layer. Scratch is no condition: it makes a kernel fast, and without it the
    /// answer is the same.
    pub(crate) check: fn(&Layer<'_>) -> Result<(), KernelError>,
    /// Runs a layer that passed the check.
    pub(crate) run: fn(&Layer<'_>, Operands<'_>),
}

impl Kernel {
    /// The operator that it computes.
    pub const fn kind(&self) -> OperatorKind {
        self.kind
    }
}

/// An operator, its tensors, and what the schedule says about it.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    pub(crate) artefact: &'a Artefact<'a>,
    pub(crate) view: OperatorView<'a>,
    pub(crate) step: OperatorStepView<'a>,
}

impl<'a> Layer<'a> {
    pub(crate) fn input(&self, index: usize) -> TensorView<'a> {
        self.artefact.tensor(self.view.input(index))
    }

    pub(crate) fn output(&self) -> TensorView<'a> {
        self.artefact.tensor(self.view.output())
    }

    /// Elements of input `index`.
    pub(crate) fn input_elements(&self, index: usize) -> usize {
        self.input(index).shape.elements()
    }

    /// Elements of the output.
    pub(crate) fn output_elements(&self) -> usize {
        self.output().shape.elements()
    }

    /// Whether the first input and the output have as many elements.
    pub(crate) fn same_elements(&self) -> Result<(), KernelError> {
        let (needed_elements, available_elements) = (self.output_elements(), self.input_elements(0));
        if needed_elements == available_elements {
            return Ok(());
        }
        Err(KernelError::Length { operand: Operand::Input, needed_elements, available_elements })
    }

    /// Weights, bias and factors of a layer with weights, in place.
    pub(crate) fn filter(&self) -> Filter<'a> {
        Filter {
            weights: self.input(1).values_i8(),
            bias: self.input(2).values_i32(),
            multipliers: self.input(3).values_i32(),
            shifts: self.input(4).values_i8(),
        }
    }
}

/// `[N, H, W, C]` of a tensor.
pub(crate) fn image(tensor: &TensorView<'_>) -> Result<[usize; 4], KernelError> {
    tensor.shape.nhwc().ok_or(KernelError::Geometry)
}

/// A window along the height and along the width.
pub(crate) fn axes(window: &Window) -> [Axis; 2] {
    let axis = |index: usize| Axis {
        filter: usize::from(window.filter[index]),
        stride: usize::from(window.stride[index]),
        dilation: usize::from(window.dilation[index]),
        padding: usize::from(window.padding[index]),
    };
    [axis(0), axis(1)]
}

/// A factor as the kernels take it.
pub(crate) fn requantize(factor: &Factor) -> Requantize {
    Requantize { multiplier: factor.multiplier, shift: factor.shift }
}

/// Bounds as the kernels take them.
pub(crate) fn bounds(clamp: &Clamp) -> [i8; 2] {
    [clamp.min, clamp.max]
}
