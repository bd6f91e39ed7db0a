//! The sections of input and output contracts.

use alloc::vec::Vec;

use super::WriteError;
use super::output::{Output, short};
use crate::model::{BoxDecoder, BoxHead, Boxes, Model, OutputContract, Suppression};
use crate::{PixelLayout, ResizeMode};

/// Input contracts, in the order of the inputs.
pub(super) fn inputs(model: &Model) -> Result<Vec<u8>, WriteError> {
    let mut contracts: Vec<_> = model.input_contracts.iter().collect();
    contracts.sort_by_key(|contract| model.inputs.iter().position(|&input| input == contract.tensor));
    let mut output = Output::default();
    output.u32(short("input contracts", contracts.len(), usize::from(u16::MAX))? as u32);
    for contract in contracts {
        output.u16(contract.tensor);
        let layout = match contract.layout {
            PixelLayout::Gray => 0,
            PixelLayout::Rgb => 1,
            PixelLayout::Bgr => 2,
        };
        let resize = match contract.resize {
            ResizeMode::Stretch => 0,
            ResizeMode::Letterbox => 1,
            ResizeMode::CenterCrop => 2,
        };
        let tables = short("tables of an input contract", contract.tables.len(), 3)? as u8;
        output.bytes.extend([layout, resize, contract.border, tables, 0, 0]);
        contract.mean_bits.iter().chain(&contract.deviation_bits).for_each(|&bits| output.u32(bits));
        contract.tables.iter().flatten().for_each(|&value| output.bytes.push(value as u8));
    }
    Ok(output.bytes)
}

/// Output contracts, as given.
pub(super) fn outputs(model: &Model) -> Result<Vec<u8>, WriteError> {
    let mut output = Output::default();
    output.u32(short("output contracts", model.output_contracts.len(), usize::from(u16::MAX))? as u32);
    for contract in &model.output_contracts {
        match contract {
            OutputContract::Classes { tensor, labels, scores } => {
                output.bytes.extend([0, 0]);
                output.u16(*tensor);
                scores.iter().for_each(|&score| output.u16(score));
                output.texts(labels)?;
            }
            OutputContract::Boxes(boxes) => write_boxes(boxes, &mut output)?,
        }
    }
    Ok(output.bytes)
}

fn write_boxes(boxes: &Boxes, output: &mut Output) -> Result<(), WriteError> {
    let decoder = match boxes.decoder {
        BoxDecoder::Linear => 0,
        BoxDecoder::Exponential => 1,
    };
    let suppression = match boxes.suppression {
        Suppression::Hard => 0,
        Suppression::Weighted => 1,
    };
    output.bytes.extend([1, decoder, suppression, u8::from(boxes.has_background)]);
    output.u16(boxes.score_threshold);
    output.u16(boxes.iou_threshold);
    output.bytes.extend(boxes.field_order);
    let heads = short("heads of a detector", boxes.heads.len(), usize::from(u8::MAX))? as u8;
    output.bytes.extend([heads, 0, 0, 0]);
    output.texts(&boxes.labels)?;
    output.texts(&boxes.keypoints)?;
    boxes.heads.iter().try_for_each(|head| write_head(head, output))
}

fn write_head(head: &BoxHead, output: &mut Output) -> Result<(), WriteError> {
    [head.scores, head.boxes, head.rows, head.columns].into_iter().for_each(|number| output.u16(number));
    output.u32(head.first_score);
    output.u32(head.first_box);
    output.u16(short("anchors of a cell", head.anchors.len(), usize::from(u16::MAX))? as u16);
    output.bytes.extend([u8::from(head.size_table.is_some()), 0]);
    output.u32(short("fields of a cell", head.fields.len(), 1 << 24)? as u32);
    head.anchors.iter().flatten().for_each(|&side| output.u32(side));
    for field in &head.fields {
        output.u32(field.multiplier as u32);
        output.u32(field.offset as u32);
    }
    head.score_table.iter().for_each(|&score| output.u16(score));
    head.size_table.iter().flat_map(|tables| tables.iter().flatten()).for_each(|&size| output.u32(size));
    Ok(())
}
