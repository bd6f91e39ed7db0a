//! The sections of input and output contracts.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::WriteError;
use super::output::{Output, short};
use crate::model::{BoxDecoder, BoxHead, Boxes, Cells, Model, OutputContract, Suppression};
use crate::{Field, PixelLayout, ResizeMode, TensorId};

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
        let mut plain =
            |kind, detail, tensor, rest: Rest<'_>| write_plain([kind, detail], tensor, &rest, &mut output);
        match contract {
            OutputContract::Classes { tensor, labels, scores } => {
                plain(0, 0, *tensor, Rest { scores: Some(scores), texts: labels, ..Rest::default() })?;
            }
            OutputContract::Boxes(boxes) => write_boxes(boxes, &mut output)?,
            OutputContract::Points(points) => {
                let rest = Rest {
                    second: points.presence,
                    threshold: points.threshold,
                    fields: &points.fields,
                    scores: Some(&points.scores),
                    texts: &points.names,
                };
                plain(2, points.stride, points.tensor, rest)?;
            }
            OutputContract::Mask(cells) => {
                plain(3, u8::from(cells.has_background), cells.tensor, Rest::of_cells(cells))?;
            }
            OutputContract::Embedding { tensor } => plain(4, 0, *tensor, Rest::default())?,
            OutputContract::Spots(cells) => {
                plain(5, u8::from(cells.has_background), cells.tensor, Rest::of_cells(cells))?;
            }
            OutputContract::Numbers { tensor, fields, names } => {
                plain(6, 0, *tensor, Rest { fields, texts: names, ..Rest::default() })?;
            }
        }
    }
    Ok(output.bytes)
}

/// What not every contract about one output has.
#[derive(Default)]
struct Rest<'a> {
    second: Option<TensorId>,
    threshold: u16,
    fields: &'a [Field],
    scores: Option<&'a [u16; 256]>,
    texts: &'a [String],
}

impl<'a> Rest<'a> {
    fn of_cells(cells: &'a Cells) -> Rest<'a> {
        Rest {
            threshold: cells.threshold,
            scores: Some(&cells.scores),
            texts: &cells.labels,
            ..Rest::default()
        }
    }
}

fn write_plain(
    kind_and_detail: [u8; 2],
    tensor: TensorId,
    rest: &Rest<'_>,
    output: &mut Output,
) -> Result<(), WriteError> {
    output.bytes.extend(kind_and_detail);
    output.u16(tensor);
    output.u16(rest.second.unwrap_or(TensorId::MAX));
    output.u16(rest.threshold);
    output.u16(short("fields of an output", rest.fields.len(), usize::from(u16::MAX))? as u16);
    output.u16(u16::from(rest.scores.is_some()));
    write_fields(rest.fields, output);
    rest.scores.into_iter().flatten().for_each(|&score| output.u16(score));
    output.texts(rest.texts)
}

fn write_fields(fields: &[Field], output: &mut Output) {
    for field in fields {
        output.u32(field.multiplier as u32);
        output.u32(field.offset as u32);
    }
}

fn write_boxes(boxes: &Boxes, output: &mut Output) -> Result<(), WriteError> {
    let (decoder, bins) = match boxes.decoder {
        BoxDecoder::Linear => (0, 0),
        BoxDecoder::Exponential => (1, 0),
        BoxDecoder::Cells => (2, 0),
        BoxDecoder::Distribution { bins } => (3, bins),
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
    let score_tables = distinct(boxes.heads.iter().flat_map(|head| {
        [Some(&head.score_table), head.objectness.as_ref().map(|objectness| &objectness.table)]
    }));
    let value_tables =
        distinct(boxes.heads.iter().flat_map(|head| head.value_tables.each_ref().map(Option::as_ref)));
    let most = usize::from(u8::MAX - 1);
    let scores = short("score tables of a detector", score_tables.len(), most)? as u8;
    let values = short("value tables of a detector", value_tables.len(), most)? as u8;
    output.bytes.extend([heads, scores, values, bins]);
    output.texts(&boxes.labels)?;
    output.texts(&boxes.keypoints)?;
    score_tables.iter().flat_map(|table| table.iter()).for_each(|&score| output.u16(score));
    value_tables.iter().flat_map(|table| table.iter()).for_each(|&value| output.u32(value as u32));
    boxes.heads.iter().try_for_each(|head| write_head(head, &score_tables, &value_tables, output))
}

/// Tables without repetition, in the order of their first use.
fn distinct<'a, T: PartialEq>(tables: impl Iterator<Item = Option<&'a Box<[T; 256]>>>) -> Vec<&'a [T; 256]> {
    let mut found: Vec<&[T; 256]> = Vec::new();
    for table in tables.flatten() {
        if !found.contains(&&**table) {
            found.push(table);
        }
    }
    found
}

fn write_head(
    head: &BoxHead,
    score_tables: &[&[u16; 256]],
    value_tables: &[&[i32; 256]],
    output: &mut Output,
) -> Result<(), WriteError> {
    let objectness = head.objectness.as_ref();
    let anchors = short("anchors of a cell", head.anchors.len(), usize::from(u16::MAX))? as u16;
    let object_tensor = objectness.map_or(u16::MAX, |objectness| objectness.tensor);
    [head.scores, head.boxes, object_tensor, anchors, head.rows, head.columns]
        .into_iter()
        .for_each(|number| output.u16(number));
    let first_object = objectness.map_or(0, |objectness| objectness.first);
    [head.first_score, head.first_box, first_object].into_iter().for_each(|number| output.u32(number));
    let score = |table: Option<&[u16; 256]>| place(score_tables, table);
    output.bytes.extend([
        score(Some(&head.score_table)),
        score(objectness.map(|objectness| &*objectness.table)),
        0,
        0,
    ]);
    output.bytes.extend(head.value_tables.each_ref().map(|table| place(value_tables, table.as_deref())));
    output.u32(short("fields of a cell", head.fields.len(), 1 << 24)? as u32);
    head.first_centre.iter().chain(&head.step).for_each(|&number| output.u32(number as u32));
    head.anchors.iter().flatten().for_each(|&side| output.u32(side));
    write_fields(&head.fields, output);
    Ok(())
}

/// Where a table stands among the written ones; `FF` for none.
fn place<T: PartialEq>(tables: &[&[T; 256]], table: Option<&[T; 256]>) -> u8 {
    let index = table.and_then(|table| tables.iter().position(|other| *other == table));
    index.map_or(u8::MAX, |index| index as u8)
}
