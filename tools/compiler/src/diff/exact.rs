//! A source that came quantized leaves nothing open: constants and numbers must be equal.

use ocelli_format::model::{Element, Model, Node, Tensor, TensorId};

use super::values::Values;
use super::{ConstantFault, Fault, NumberFault};
use crate::execute::ExecuteError;

/// What the source converts to, and its numbers on the input.
pub(super) struct Exact<'a> {
    model: &'a Model,
    values: Values,
}

impl<'a> Exact<'a> {
    pub(super) fn of(model: &'a Model, inputs: &[Vec<i8>]) -> Result<Exact<'a>, ExecuteError> {
        Ok(Exact { model, values: Values::of(model, inputs)? })
    }

    /// What is wrong with an operator of `model`; `None` when nothing is, or when the source has no
    /// tensor of that name and size.
    pub(super) fn fault(&self, model: &Model, operator: &Node, values: &Values) -> Option<Fault> {
        let &output = operator.outputs.first()?;
        let name = &model.tensors[usize::from(output)].name;
        let expected = self.model.operators.iter().find(|expected| {
            expected.outputs.first().is_some_and(|&id| self.model.tensors[usize::from(id)].name == *name)
        })?;
        let tensors = |model: &'_ Model, ids: &[TensorId]| -> Vec<Tensor> {
            ids.iter().map(|&id| model.tensors[usize::from(id)].clone()).collect()
        };
        let constant = tensors(model, &operator.inputs)
            .iter()
            .zip(&tensors(self.model, &expected.inputs))
            .find_map(|(found, expected)| constant_fault(found, expected));
        let channels = model.tensors[usize::from(output)].shape.last().copied().unwrap_or(1).max(1) as usize;
        let numbers = number_fault(values.stored(output), self.values.stored(expected.outputs[0]), channels);
        (constant.is_some() || numbers.is_some()).then_some(Fault { constant, numbers })
    }
}

fn constant_fault(found: &Tensor, expected: &Tensor) -> Option<ConstantFault> {
    let (Some(found_data), Some(expected_data)) = (&found.data, &expected.data) else { return None };
    let numbers = |data: &[u8]| -> Vec<f64> {
        match found.element {
            Element::I32 => data
                .chunks_exact(4)
                .map(|bytes| f64::from(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
                .collect(),
            Element::I16 => data
                .chunks_exact(2)
                .map(|bytes| f64::from(i16::from_le_bytes([bytes[0], bytes[1]])))
                .collect(),
            _ => data.iter().map(|&byte| f64::from(byte as i8)).collect(),
        }
    };
    let (found_numbers, expected_numbers) = (numbers(found_data), numbers(expected_data));
    if found_numbers.len() != expected_numbers.len() {
        return None;
    }
    let wrong = || {
        let pairs = found_numbers.iter().zip(&expected_numbers).enumerate();
        pairs.filter(|(_, (found, expected))| found != expected)
    };
    let distance = |(_, (found, expected)): &(usize, (&f64, &f64))| (**found - **expected).abs();
    let (position, (&found_number, &expected_number)) =
        wrong().max_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    Some(ConstantFault {
        tensor: found.name.clone(),
        position,
        found: found_number,
        expected: expected_number,
        count: wrong().count(),
    })
}

fn number_fault(found: &[i8], expected: &[i8], channels: usize) -> Option<NumberFault> {
    if found.len() != expected.len() {
        return None;
    }
    let errors = || {
        let pairs = found.iter().zip(expected).enumerate();
        let errors = pairs.map(|(index, (&found, &expected))| (index, found.abs_diff(expected)));
        errors.filter(|&(_, error)| error > 0)
    };
    let (index, steps) = errors().max_by_key(|&(_, error)| error)?;
    let (count, of, channel) = (errors().count(), found.len(), index % channels);
    Some(NumberFault { count, of, steps: steps.into(), channel })
}
