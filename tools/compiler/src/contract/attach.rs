//! Contracts in the artefact's terms: tables and fixed-point fields in place of real numbers.

mod boxes;
mod plain;

use boxes::box_contract;
use ocelli_format::model::{self, InputContract, OutputContract};
use ocelli_format::{PixelLayout, ResizeMode};

use super::{Contract, ContractError, Input, Layout, Resize};
use crate::lower::Lowered;
use crate::quantize::QuantizedHead;

/// Adds input and output contracts to a model. `heads` are those of the contract's boxes.
///
/// # Errors
/// [`ContractError::Mismatch`] and [`ContractError::Value`].
pub fn attach(
    lowered: &mut Lowered,
    contract: &Contract,
    heads: &[QuantizedHead],
) -> Result<(), ContractError> {
    if let Some(input) = &contract.input {
        let made = input_contract(&lowered.model, input)?;
        lowered.model.input_contracts.push(made);
    }
    if let Some(classes) = &contract.classes {
        let (tensor, described) = output(&lowered.model)?;
        let count = described.shape.last().copied().unwrap_or(1) as usize;
        if !classes.labels.is_empty() && classes.labels.len() != count {
            return Err(mismatch(
                &lowered.model,
                format!("{} labels for {count} classes", classes.labels.len()),
            ));
        }
        let scale = f64::from(f32::from_bits(described.scale_bits));
        let zero_point = i32::from(described.zero_point);
        let scores = Box::new(probabilities(scale, zero_point, classes.logits));
        let labels = classes.labels.clone();
        lowered.model.output_contracts.push(OutputContract::Classes { tensor, labels, scores });
    }
    if let Some(boxes) = &contract.boxes {
        let made = box_contract(lowered, boxes, heads)?;
        lowered.model.output_contracts.push(OutputContract::Boxes(made));
    }
    let made = plain::contract(&lowered.model, contract)?;
    lowered.model.output_contracts.extend(made);
    Ok(())
}

/// How frames are fitted, in the artefact's terms.
pub fn layout(input: &Input) -> (PixelLayout, ResizeMode) {
    let layout = match input.layout {
        Layout::Gray => PixelLayout::Gray,
        Layout::Rgb => PixelLayout::Rgb,
        Layout::Bgr => PixelLayout::Bgr,
    };
    let resize = match input.resize {
        Resize::Stretch => ResizeMode::Stretch,
        Resize::Letterbox => ResizeMode::Letterbox,
        Resize::CenterCrop => ResizeMode::CenterCrop,
    };
    (layout, resize)
}

pub(super) fn mismatch(model: &model::Model, problem: String) -> ContractError {
    ContractError::Mismatch { model: model.name.clone(), problem }
}

fn input_contract(model: &model::Model, input: &Input) -> Result<InputContract, ContractError> {
    let &tensor = model.inputs.first().ok_or_else(|| mismatch(model, "it has no inputs".into()))?;
    let described = &model.tensors[usize::from(tensor)];
    let (layout, resize) = layout(input);
    let channels = if layout == PixelLayout::Gray { 1 } else { 3 };
    if described.shape.len() != 4 || described.shape[0] != 1 || described.shape[3] != channels {
        let (name, shape) = (&described.name, &described.shape);
        return Err(mismatch(
            model,
            format!("input {name:?} of shape {shape:?} is not [1, H, W, {channels}]"),
        ));
    }
    let scaling = input.scaling();
    let three = |values: &[f32]| std::array::from_fn(|channel| values[channel % values.len()].to_bits());
    let tables = scaling.tables(f32::from_bits(described.scale_bits), i32::from(described.zero_point));
    Ok(InputContract {
        tensor,
        layout,
        resize,
        border: input.border,
        mean_bits: three(&input.mean),
        deviation_bits: three(&input.deviation),
        tables,
    })
}

fn output(model: &model::Model) -> Result<(u16, &model::Tensor), ContractError> {
    let &tensor = model.outputs.first().ok_or_else(|| mismatch(model, "it has no outputs".into()))?;
    Ok((tensor, &model.tensors[usize::from(tensor)]))
}

/// The probability of every stored score from -128 to 127, in `1 / 65536`.
pub(super) fn probabilities(scale: f64, zero_point: i32, logits: bool) -> [u16; 256] {
    std::array::from_fn(|index| {
        let real = scale * f64::from(index as i32 - 128 - zero_point);
        in_65536ths(if logits { 1.0 / (1.0 + libm::exp(-real)) } else { real })
    })
}

pub(super) fn in_65536ths(value: f64) -> u16 {
    (value * 65536.0).round().clamp(0.0, 65535.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_cross_a_half_at_logit_zero() {
        let table = probabilities(0.0625, 0, true);
        assert_eq!((table[128], table[0], table[255]), (32768, 22, 65513));
        assert!(table.windows(2).all(|pair| pair[0] <= pair[1]));
        let linear = probabilities(1.0 / 256.0, -128, false);
        assert_eq!((linear[0], linear[128], linear[255]), (0, 32768, 65280));
    }
}
