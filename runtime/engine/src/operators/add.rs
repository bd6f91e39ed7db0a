//! Links addition.

use ocelli_format::OperatorKind;
use ocelli_kernels::{AddParameters, KernelError, add_s8};

use crate::layer::{Kernel, Layer, Told, requantize};
use crate::memory::Operands;
use crate::operators::pair::{apply, broadcast};

/// [`Operator::Add`](ocelli_format::Operator::Add).
#[derive(Clone, Copy, Debug)]
pub struct Add;

impl Add {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Add, check, run };
}

/// The parameters of an addition or a subtraction.
pub(super) fn parameters<T: Told>(layer: &Layer<'_>) -> Result<AddParameters<T>, KernelError> {
    let mut attributes = layer.view.attributes;
    if u32::from(attributes.u8()) != T::ADD_LEFT_SHIFT {
        return Err(KernelError::Range);
    }
    let (left, right, output) = (attributes.factor(), attributes.factor(), attributes.factor());
    let [activation_min, activation_max] = T::bounds(&mut attributes);
    Ok(AddParameters {
        left_zero_point: T::zero_point(&layer.input(0)),
        right_zero_point: T::zero_point(&layer.input(1)),
        output_zero_point: T::zero_point(&layer.output()),
        left_requantize: requantize(&left),
        right_requantize: requantize(&right),
        output_requantize: requantize(&output),
        activation_min,
        activation_max,
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let elements = layer.output_elements();
    broadcast(layer)?;
    parameters::<i8>(layer)?.check(elements, elements, elements)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        apply(layer, operands, |left, right, output| add_s8(parameters, left, right, output));
    }
}
