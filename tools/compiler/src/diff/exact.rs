//! A source that came quantized leaves nothing open: constants and numbers must be equal.

use ocelli_format::model::{Element, Model, Node, Tensor, TensorId};

use super::source::Converted;
use super::values::Values;
use super::{ConstantFault, Fault, NumberFault};
use crate::execute::ExecuteError;

/// What the source converts to, and its numbers on the input.
pub(super) struct Exact<'a> {
    /// As the artefact was made.
    model: &'a Model,
    values: Values,
    /// With all channels.
    whole: &'a Model,
    whole_values: Values,
}

impl<'a> Exact<'a> {
    pub(super) fn of(
        converted: &'a Converted,
        artefact: &Model,
        inputs: &[Vec<i8>],
    ) -> Result<Exact<'a>, ExecuteError> {
        let (model, whole) = (converted.like(artefact), &converted.whole);
        let (values, whole_values) = (Values::of(model, inputs)?, Values::of(whole, inputs)?);
        Ok(Exact { model, values, whole, whole_values })
    }

    /// The real numbers of a tensor with all the source's channels: those of the artefact's tensor of this
    /// name, and between them those of the channels that it does without. `None` when it cannot be
    /// told which these are.
    pub(super) fn with_all_channels(&self, name: &str, real: &[f32]) -> Option<Vec<f32>> {
        let (lean, whole) = (tensor_named(self.model, name)?, tensor_named(self.whole, name)?);
        let channels = |model: &Model, id: TensorId| {
            model.tensors[usize::from(id)].shape.last().map(|&channels| channels as usize)
        };
        let (kept, all) = (channels(self.model, lean)?.max(1), channels(self.whole, whole)?.max(1));
        let (lean, stored) = (self.values.stored(lean), self.whole_values.stored(whole));
        if lean.len() != real.len() || lean.len() / kept != stored.len() / all {
            return None;
        }
        let mut filled = self.whole_values.real(self.whole, whole);
        // What stays keeps its order and every number.
        let mut next = 0;
        for channel in 0..kept {
            let column = || lean.iter().skip(channel).step_by(kept);
            let place = (next..all).find(|&place| column().eq(stored.iter().skip(place).step_by(all)))?;
            let values = real.iter().skip(channel).step_by(kept);
            filled.iter_mut().skip(place).step_by(all).zip(values).for_each(|(to, &value)| *to = value);
            next = place + 1;
        }
        Some(filled)
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

fn tensor_named(model: &Model, name: &str) -> Option<TensorId> {
    let outputs = model.operators.iter().flat_map(|operator| &operator.outputs);
    outputs.copied().find(|&id| model.tensors[usize::from(id)].name == name)
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
