//! Contracts in the artefact's terms: tables and fixed-point fields in place of real numbers.

use ocelli_format::model::{self, BoxHead, InputContract, OutputContract};
use ocelli_format::{BoxDecoder, Field, PixelLayout, ResizeMode};

use super::{Contract, ContractError, Decoder, Input, Layout, Resize, Suppression};
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
        let mut made = Vec::new();
        for head in heads {
            made.push(box_head(lowered, head)?);
        }
        lowered.model.output_contracts.push(OutputContract::Boxes(model::Boxes {
            decoder: match boxes.decoder {
                Decoder::Linear => BoxDecoder::Linear,
                Decoder::Exponential => BoxDecoder::Exponential,
            },
            labels: boxes.labels.clone(),
            has_background: boxes.has_background,
            keypoints: boxes.keypoints.clone(),
            score_threshold: in_65536ths(f64::from(boxes.score_threshold)),
            iou_threshold: in_65536ths(f64::from(boxes.iou_threshold)),
            suppression: match boxes.suppression {
                Suppression::Hard => ocelli_format::Suppression::Hard,
                Suppression::Weighted => ocelli_format::Suppression::Weighted,
            },
            field_order: boxes.field_order,
            heads: made,
        }));
    }
    Ok(())
}

/// How frames are fitted, in the artefact's terms.
pub(crate) fn layout(input: &Input) -> (PixelLayout, ResizeMode) {
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

fn mismatch(model: &model::Model, problem: String) -> ContractError {
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

fn box_head(lowered: &Lowered, quantized: &QuantizedHead) -> Result<BoxHead, ContractError> {
    let head = &quantized.head;
    let place = |id: usize| {
        lowered.tensors[id]
            .ok_or_else(|| mismatch(&lowered.model, format!("tensor {id} is not in the model")))
    };
    let narrow =
        |value: usize| u16::try_from(value).map_err(|_| ContractError::Value(format!("a grid of {value}")));
    let (scale, zero_point) = quantized.score;
    let mut fields = Vec::with_capacity(quantized.fields.len());
    for (value, &(scale, offset)) in quantized.fields.iter().enumerate() {
        let unit = f64::from(head.scale_of_field(value % head.fields));
        fields.push(field(f64::from(scale) / unit, f64::from(offset) / unit)?);
    }
    Ok(BoxHead {
        scores: place(head.scores)?,
        first_score: head.first_score as u32,
        boxes: place(head.boxes)?,
        first_box: head.first_box as u32,
        rows: narrow(head.rows)?,
        columns: narrow(head.columns)?,
        anchors: head
            .anchors
            .iter()
            .map(|side| side.map(|side| (f64::from(side) * 65536.0).round() as u32))
            .collect(),
        score_table: Box::new(probabilities(f64::from(scale), zero_point, head.logits)),
        fields,
        size_table: head.exponential.then(|| Box::new(size_tables(quantized))),
    })
}

/// A field's scale and offset: `t = (value * multiplier + offset) / 2^8` in `1 / 65536`.
fn field(scale: f64, offset: f64) -> Result<Field, ContractError> {
    let unit = f64::from(1 << 24);
    let (multiplier, shifted) = ((scale * unit).round(), (offset * unit).round());
    if multiplier.abs() >= f64::from(1 << 23) || shifted.abs() >= f64::from(1 << 30) {
        return Err(ContractError::Value(format!(
            "a box field of scale {scale} and offset {offset} is beyond what the format holds; check centre_scale and size_scale"
        )));
    }
    Ok(Field { multiplier: multiplier as i32, offset: shifted as i32 })
}

/// `exp(t)` of every stored width and height, in `1 / 65536`.
fn size_tables(quantized: &QuantizedHead) -> [[u32; 256]; 2] {
    std::array::from_fn(|side| {
        let field = usize::from(quantized.head.field_order[2 + side]);
        let (scale, offset) = quantized.fields[field];
        let unit = f64::from(quantized.head.scale_of_field(field));
        std::array::from_fn(|index| {
            let real = (f64::from(scale) * (index as f64 - 128.0) + f64::from(offset)) / unit;
            (libm::exp(real) * 65536.0).round().min(f64::from(1u32 << 24)) as u32
        })
    })
}

/// The probability of every stored score from -128 to 127, in `1 / 65536`.
fn probabilities(scale: f64, zero_point: i32, logits: bool) -> [u16; 256] {
    std::array::from_fn(|index| {
        let real = scale * f64::from(index as i32 - 128 - zero_point);
        in_65536ths(if logits { 1.0 / (1.0 + libm::exp(-real)) } else { real })
    })
}

fn in_65536ths(value: f64) -> u16 {
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

    #[test]
    fn fields_are_in_fixed_point() {
        assert_eq!(field(1.0 / 128.0, 0.5).unwrap(), Field { multiplier: 1 << 17, offset: 1 << 23 });
        assert!(field(1.0, 0.0).is_err());
    }
}
