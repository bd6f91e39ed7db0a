//! Output contracts as the postprocess stage reads them.

use crate::artefact::Artefact;
use crate::bytes::{Cursor, Texts};
use crate::contract::{BoxDecoder, Field, Suppression};
use crate::error::Section;
use crate::fault::{Fault, Report, ensure};
use crate::tensor::{Element, TensorId};

/// What outputs mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputContractView<'a> {
    /// Scores of classes, the highest wins.
    Classes(ClassesView<'a>),
    /// Boxes relative to anchors, with keypoints.
    Boxes(BoxesView<'a>),
}

/// Scores of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassesView<'a> {
    /// The output, its innermost axis the classes.
    pub tensor: TensorId,
    /// One a class, or none.
    pub labels: Texts<'a>,
    /// Probability, in `1 / 65536`, of each int8 value -128 to 127.
    pub scores: &'a [u16; 256],
}

/// Boxes relative to anchors on grids over the model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxesView<'a> {
    /// How widths and heights are spelled.
    pub decoder: BoxDecoder,
    /// One a class, background excluded; at least one.
    pub labels: Texts<'a>,
    /// Whether column 0 of the scores is background, to be skipped.
    pub has_background: bool,
    /// One a keypoint.
    pub keypoints: Texts<'a>,
    /// Least score that counts, in `1 / 65536`.
    pub score_threshold: u16,
    /// Overlap above which two boxes are one object, in `1 / 65536`.
    pub iou_threshold: u16,
    /// What becomes of overlapping boxes.
    pub suppression: Suppression,
    /// Index in an anchor's row of x centre, y centre, width, height: each of 0 to 3 once.
    pub field_order: [u8; 4],
    heads: Heads<'a>,
}

impl<'a> BoxesView<'a> {
    /// One head a feature map, in the order of the source model's anchors.
    pub fn heads(&self) -> Heads<'a> {
        self.heads
    }

    /// Columns of a row of scores: the labels, and background if there is one.
    pub fn score_columns(&self) -> usize {
        self.labels.len() + usize::from(self.has_background)
    }

    /// Values of a row of boxes: four, and two a keypoint.
    pub fn box_columns(&self) -> usize {
        4 + 2 * self.keypoints.len()
    }
}

/// One feature map of a detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxHeadView<'a> {
    /// An output int8: scores, in rows of [`BoxesView::score_columns`].
    pub scores: TensorId,
    /// Index of this head's first anchor in `scores`, in anchors.
    pub first_score: u32,
    /// An output int8: fields, in rows of [`BoxesView::box_columns`].
    pub boxes: TensorId,
    /// Index of this head's first anchor in `boxes`, in anchors.
    pub first_box: u32,
    /// Rows of the grid, at least 1; anchor centres stand at `(row + 1/2) / rows` of the input's height.
    pub rows: u16,
    /// Columns of the grid, at least 1.
    pub columns: u16,
    /// Width and height of each anchor of a cell, in `1 / 65536` of the input's width and height: at
    /// least one anchor, each side from 1 to `2^20`.
    pub anchors: &'a [[u32; 2]],
    /// Probability, in `1 / 65536`, of each int8 score -128 to 127.
    pub score_table: &'a [u16; 256],
    /// For [`BoxDecoder::Exponential`]: `exp(t)` in `1 / 65536` of each int8 value -128 to 127, for
    /// widths and for heights; `None` otherwise.
    pub size_table: Option<&'a [[u32; 256]; 2]>,
    fields: &'a [[i32; 2]],
}

impl<'a> BoxHeadView<'a> {
    /// Anchors of all cells.
    pub fn anchor_count(&self) -> usize {
        self.count_anchors() as usize
    }

    /// How value `index` of a cell (`anchor * box_columns + column`) becomes `t`; all zeros beyond the last.
    pub fn field(&self, index: usize) -> Field {
        let [multiplier, offset] = self.fields.get(index).copied().unwrap_or_default();
        Field { multiplier, offset }
    }

    /// Values of a cell.
    pub fn field_count(&self) -> usize {
        self.fields.len()
    }

    fn count_anchors(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns) * self.anchors.len() as u64
    }

    #[inline(never)]
    fn read(cursor: &mut Cursor<'a>) -> Result<BoxHeadView<'a>, Fault> {
        let [scores, boxes, rows, columns]: [u16; 4] = *cursor.table()?;
        let [first_score, first_box, shape, fields]: [u32; 4] = *cursor.table()?;
        ensure(shape >> 16 <= 1, Fault::Value)?;
        let anchors = cursor.slice((shape & 0xFFFF) as usize)?;
        let fields = cursor.slice(fields as usize)?;
        let score_table = cursor.table()?;
        let size_table = if shape >> 16 == 1 { Some(cursor.table()?) } else { None };
        Ok(BoxHeadView {
            scores,
            first_score,
            boxes,
            first_box,
            rows,
            columns,
            anchors,
            score_table,
            size_table,
            fields,
        })
    }
}

/// The heads of a detector, in order.
#[derive(Clone, Copy)]
pub struct Heads<'a> {
    cursor: Cursor<'a>,
    left: u8,
}

impl<'a> Iterator for Heads<'a> {
    type Item = BoxHeadView<'a>;

    fn next(&mut self) -> Option<BoxHeadView<'a>> {
        self.left = self.left.checked_sub(1)?;
        BoxHeadView::read(&mut self.cursor).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl ExactSizeIterator for Heads<'_> {}

impl core::fmt::Debug for Heads<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

impl PartialEq for Heads<'_> {
    fn eq(&self, other: &Self) -> bool {
        Iterator::eq(*self, *other)
    }
}

impl Eq for Heads<'_> {}

impl<'a> OutputContractView<'a> {
    /// Reads the contract at `cursor` and moves behind it.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<OutputContractView<'a>, Fault> {
        let head: u32 = cursor.u32()?;
        match head as u8 {
            0 => {
                ensure(head >> 8 & 0xFF == 0, Fault::Value)?;
                let scores = cursor.table()?;
                let labels = cursor.texts()?;
                let tensor = (head >> 16) as TensorId;
                Ok(OutputContractView::Classes(ClassesView { tensor, labels, scores }))
            }
            1 => read_boxes(head, cursor).map(OutputContractView::Boxes),
            code => cursor.unknown(code),
        }
    }
}

/// Checks all output contracts against the tensors that they speak of.
pub(crate) fn check(artefact: &Artefact<'_>, report: &mut Report) -> Result<(), Fault> {
    let mut cursor = artefact.cursor(Section::OutputContracts);
    let count = report.see(cursor.u32(), &cursor)?;
    for contract in 0..count {
        let view = report.see(OutputContractView::read(&mut cursor), &cursor)?;
        match view {
            OutputContractView::Classes(ClassesView { tensor, labels, .. }) => {
                let classes = artefact.tensor(tensor).shape.axes().last().map_or(1, |&axis| axis as usize);
                check_rows(artefact, contract, tensor, [0, 1], classes, report)?;
                ensure(labels.is_empty() || labels.len() == classes, Fault::Contract)?;
            }
            OutputContractView::Boxes(boxes) => {
                let every_field = (0..4).all(|field| boxes.field_order.contains(&field));
                report.check(every_field && !boxes.labels.is_empty(), &cursor)?;
                for head in boxes.heads() {
                    report.check(head_in_range(&boxes, &head), &cursor)?;
                    let anchors = u32::try_from(head.count_anchors()).unwrap_or(u32::MAX);
                    let rows = [head.first_score, anchors];
                    check_rows(artefact, contract, head.scores, rows, boxes.score_columns(), report)?;
                    let rows = [head.first_box, anchors];
                    check_rows(artefact, contract, head.boxes, rows, boxes.box_columns(), report)?;
                }
            }
        }
    }
    report.finish(&cursor)
}

/// Checks that a tensor is an int8 output with so many rows, the sum of two numbers, of so many columns.
#[inline(never)]
fn check_rows(
    artefact: &Artefact<'_>,
    contract: u32,
    tensor: TensorId,
    rows: [u32; 2],
    columns: usize,
    report: &mut Report,
) -> Result<(), Fault> {
    (report.section, report.index, report.numbers) = (Section::OutputContracts, tensor, [contract, 0]);
    let view = artefact.tensor(tensor);
    let needed = rows[0].checked_add(rows[1]).and_then(|rows| rows.checked_mul(columns as u32));
    let fits = needed.is_some_and(|needed| needed as usize <= view.shape.elements());
    let is_output = artefact.output_index(tensor).is_some();
    ensure(fits && is_output && view.element == Element::I8, Fault::Contract)
}

/// Whether the numbers of a head that concern no tensor are in range.
fn head_in_range(boxes: &BoxesView<'_>, head: &BoxHeadView<'_>) -> bool {
    head.rows >= 1
        && head.columns >= 1
        && !head.anchors.is_empty()
        && head.anchors.as_flattened().iter().all(|side| (1..=1 << 20).contains(side))
        && head.fields.len() == head.anchors.len() * boxes.box_columns()
        && head.size_table.is_some() == (boxes.decoder == BoxDecoder::Exponential)
        && head.fields.iter().all(|&[multiplier, offset]| {
            multiplier.unsigned_abs() < 1 << 23 && offset.unsigned_abs() < 1 << 30
        })
}

fn read_boxes<'a>(head: u32, cursor: &mut Cursor<'a>) -> Result<BoxesView<'a>, Fault> {
    let [_, decoder, suppression, background] = head.to_le_bytes();
    let decoder = match decoder {
        0 => BoxDecoder::Linear,
        1 => BoxDecoder::Exponential,
        code => return cursor.unknown(code),
    };
    let suppression = match suppression {
        0 => Suppression::Hard,
        1 => Suppression::Weighted,
        code => return cursor.unknown(code),
    };
    ensure(background <= 1, Fault::Value)?;
    let has_background = background == 1;
    let [score_threshold, iou_threshold]: [u16; 2] = *cursor.table()?;
    let field_order = *cursor.table()?;
    let heads = cursor.u32()?;
    ensure(heads <= u32::from(u8::MAX), Fault::Value)?;
    let heads = heads as u8;
    let labels = cursor.texts()?;
    let keypoints = cursor.texts()?;
    let first = *cursor;
    for _ in 0..heads {
        BoxHeadView::read(cursor)?;
    }
    let heads = Heads { cursor: first, left: heads };
    Ok(BoxesView {
        decoder,
        labels,
        has_background,
        keypoints,
        score_threshold,
        iou_threshold,
        suppression,
        field_order,
        heads,
    })
}
