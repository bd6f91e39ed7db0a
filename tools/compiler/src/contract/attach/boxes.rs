//! The contract of a detector in the artefact's terms: fields in fixed point, and tables of everything that
//! is no straight line.

use ocelli_format::model::{self, BoxHead, Objectness};
use ocelli_format::{BoxDecoder, Field};

use super::super::{Boxes, ContractError, Suppression};
use super::{in_65536ths, mismatch, probabilities};
use crate::detector::{Decoder, logistic};
use crate::lower::Lowered;
use crate::quantize::QuantizedHead;

pub(super) fn box_contract(
    lowered: &Lowered,
    boxes: &Boxes,
    heads: &[QuantizedHead],
) -> Result<model::Boxes, ContractError> {
    let spelling = heads.first().map(|head| &head.head.spelling);
    let spelling = spelling.ok_or_else(|| mismatch(&lowered.model, "it has no heads".into()))?;
    Ok(model::Boxes {
        decoder: match spelling.decoder {
            Decoder::Linear => BoxDecoder::Linear,
            Decoder::Exponential => BoxDecoder::Exponential,
            Decoder::SigmoidExponential | Decoder::SigmoidSquare => BoxDecoder::Cells,
            Decoder::Distribution => BoxDecoder::Distribution { bins: spelling.bins as u8 },
        },
        labels: boxes.labels.clone(),
        has_background: heads.iter().any(|head| head.head.has_background),
        keypoints: boxes.keypoints.clone(),
        score_threshold: in_65536ths(f64::from(boxes.score_threshold)),
        iou_threshold: in_65536ths(f64::from(boxes.iou_threshold)),
        suppression: match boxes.suppression {
            Suppression::Hard => ocelli_format::Suppression::Hard,
            Suppression::Weighted => ocelli_format::Suppression::Weighted,
        },
        field_order: spelling.field_order,
        heads: heads.iter().map(|head| box_head(lowered, head)).collect::<Result<_, _>>()?,
    })
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
    let is_distribution = head.spelling.decoder == Decoder::Distribution;
    let mut fields = Vec::with_capacity(quantized.fields.len());
    for (value, &(scale, offset)) in quantized.fields.iter().enumerate().filter(|_| !is_distribution) {
        let unit = f64::from(head.spelling.scale_of(value % head.spelling.columns()));
        fields.push(field(f64::from(scale) / unit, f64::from(offset) / unit)?);
    }
    let table = || Box::new(probabilities(f64::from(scale), zero_point, head.logits));
    let in_2_24ths = |value: f32| (f64::from(value) * f64::from(1 << 24)).round() as i32;
    Ok(BoxHead {
        scores: place(head.scores)?,
        first_score: head.first_score as u32,
        boxes: place(head.boxes)?,
        first_box: head.first_box as u32,
        objectness: match head.objectness {
            Some((id, first)) => Some(Objectness { tensor: place(id)?, first: first as u32, table: table() }),
            None => None,
        },
        rows: narrow(head.grid.rows)?,
        columns: narrow(head.grid.columns)?,
        first_centre: head.grid.first.map(in_2_24ths),
        step: head.grid.step.map(in_2_24ths),
        anchors: head
            .grid
            .anchors
            .iter()
            .map(|side| side.map(|side| (f64::from(side) * 65536.0).round().max(1.0) as u32))
            .collect(),
        score_table: table(),
        fields,
        value_tables: value_tables(quantized),
    })
}

/// A field's scale and offset: `t = (value * multiplier + offset) / 2^8` in `1 / 65536`.
pub(super) fn field(scale: f64, offset: f64) -> Result<Field, ContractError> {
    let unit = f64::from(1 << 24);
    let (multiplier, shifted) = ((scale * unit).round(), (offset * unit).round());
    if multiplier.abs() >= f64::from(1 << 23) || shifted.abs() >= f64::from(1 << 30) {
        return Err(ContractError::Value(format!(
            "a field of scale {scale} and offset {offset} is beyond what the format holds; check the scales in the contract"
        )));
    }
    Ok(Field { multiplier: multiplier as i32, offset: shifted as i32 })
}

/// What stored values of x, y, width and height become, in `1 / 65536`, where that is no straight line.
fn value_tables(quantized: &QuantizedHead) -> [Option<Box<[i32; 256]>>; 4] {
    let spelling = &quantized.head.spelling;
    let of_name = |name: usize, function: &dyn Fn(f64) -> f64| {
        let (scale, offset) = quantized.fields[usize::from(spelling.field_order[name])];
        table(|index| function(f64::from(scale) * (index as f64 - 128.0) + f64::from(offset)))
    };
    let centre_scale = f64::from(spelling.centre_scale);
    let exponential = |value: f64| libm::exp(value / f64::from(spelling.size_scale));
    let square = |value: f64| 4.0 * logistic(value) * logistic(value);
    let inside = |value: f64| (logistic(value) - 0.5) / centre_scale;
    match spelling.decoder {
        Decoder::Linear => [None, None, None, None],
        Decoder::Exponential => [None, None, of_name(2, &exponential), of_name(3, &exponential)],
        Decoder::SigmoidExponential => {
            [of_name(0, &inside), of_name(1, &inside), of_name(2, &exponential), of_name(3, &exponential)]
        }
        Decoder::SigmoidSquare => {
            [of_name(0, &inside), of_name(1, &inside), of_name(2, &square), of_name(3, &square)]
        }
        Decoder::Distribution => {
            let scale = f64::from(quantized.fields[0].0);
            [table(|below| libm::exp(-scale * below as f64)), None, None, None]
        }
    }
}

fn table(entry: impl Fn(usize) -> f64) -> Option<Box<[i32; 256]>> {
    let most = f64::from(1 << 24);
    Some(Box::new(std::array::from_fn(|index| (entry(index) * 65536.0).round().clamp(-most, most) as i32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_in_fixed_point() {
        assert_eq!(field(1.0 / 128.0, 0.5).unwrap(), Field { multiplier: 1 << 17, offset: 1 << 23 });
        assert!(field(1.0, 0.0).is_err());
    }
}
