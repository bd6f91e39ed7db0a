//! The contract of a detector, as the postprocess stage reads it: anchors on grids, and how their rows of
//! values become scores and boxes.
//!
//! Tables of 256 entries stand in the contract once, whatever number of heads shares them.

use crate::bytes::{Cursor, Texts};
use crate::contract::{BoxDecoder, Field, Suppression};
use crate::fault::{Fault, ensure};
use crate::tensor::TensorId;

/// No table, no tensor.
const NONE: u8 = 0xFF;

/// Boxes relative to anchors on grids over the model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxesView<'a> {
    /// How boxes are spelled.
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
    /// Index in an anchor's row of x centre, y centre, width, height (or of the distances to the left, top,
    /// right and bottom edges): each of 0 to 3 once.
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

    /// Values of a row of boxes: four (or four times the bins of a distribution), and two a keypoint.
    pub fn box_columns(&self) -> usize {
        match self.decoder {
            BoxDecoder::Distribution { bins } => 4 * usize::from(bins),
            _ => 4 + 2 * self.keypoints.len(),
        }
    }

    /// Reads what follows the first four bytes, `head`, of the contract.
    pub(super) fn read(head: u32, cursor: &mut Cursor<'a>) -> Result<BoxesView<'a>, Fault> {
        let [_, decoder, suppression, background] = head.to_le_bytes();
        let suppression = match suppression {
            0 => Suppression::Hard,
            1 => Suppression::Weighted,
            code => return cursor.unknown(code),
        };
        ensure(background <= 1, Fault::Value)?;
        let [score_threshold, iou_threshold]: [u16; 2] = *cursor.table()?;
        let field_order = *cursor.table()?;
        let [heads, score_tables, value_tables, bins]: [u8; 4] = *cursor.table()?;
        let decoder = match decoder {
            0 => BoxDecoder::Linear,
            1 => BoxDecoder::Exponential,
            2 => BoxDecoder::Cells,
            3 => BoxDecoder::Distribution { bins },
            code => return cursor.unknown(code),
        };
        let labels = cursor.texts()?;
        let keypoints = cursor.texts()?;
        let tables = Tables {
            scores: cursor.slice(usize::from(score_tables))?,
            values: cursor.slice(usize::from(value_tables))?,
        };
        let first = *cursor;
        for _ in 0..heads {
            BoxHeadView::read(cursor, tables)?;
        }
        Ok(BoxesView {
            decoder,
            labels,
            has_background: background == 1,
            keypoints,
            score_threshold,
            iou_threshold,
            suppression,
            field_order,
            heads: Heads { cursor: first, left: heads, tables },
        })
    }

    /// Whether the numbers that concern no tensor are in range.
    pub(super) fn in_range(&self) -> bool {
        let bins_fit = match self.decoder {
            BoxDecoder::Distribution { bins } => (2..=32).contains(&bins) && self.keypoints.is_empty(),
            _ => true,
        };
        (0..4).all(|field| self.field_order.contains(&field))
            && !self.labels.is_empty()
            && bins_fit
            && self.heads().all(|head| head.in_range(self))
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
    /// What scores are multiplied with, if anything.
    pub objectness: Option<ObjectnessView<'a>>,
    /// Rows of the grid, at least 1.
    pub rows: u16,
    /// Columns of the grid, at least 1.
    pub columns: u16,
    /// x and y of the first cell's centre, in `2^-24` of the input's width and height; below `2^26` in
    /// magnitude.
    pub first_centre: [i32; 2],
    /// From one cell to the next, in the same unit; 1 to `2^26`.
    pub step: [i32; 2],
    /// Width and height of each anchor of a cell, in `1 / 65536` of the input's width and height: at
    /// least one anchor, each side from 1 to `2^20`.
    pub anchors: &'a [[u32; 2]],
    /// Probability, in `1 / 65536`, of each int8 score -128 to 127.
    pub score_table: &'a [u16; 256],
    /// In place of [`BoxHeadView::field`], what each int8 value -128 to 127 of x, y, width and height
    /// becomes, in `1 / 65536`: see [`BoxDecoder`] for which of them there are.
    pub value_tables: [Option<&'a [i32; 256]>; 4],
    fields: &'a [[i32; 2]],
}

/// Whether there is an object at all, in an output of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectnessView<'a> {
    /// An output int8, one value an anchor.
    pub tensor: TensorId,
    /// Index of the head's first anchor in it.
    pub first: u32,
    /// Probability, in `1 / 65536`, of each int8 value -128 to 127.
    pub table: &'a [u16; 256],
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

    /// Values of a cell that have a field; none of a distribution's have.
    pub fn field_count(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn count_anchors(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns) * self.anchors.len() as u64
    }

    #[inline(never)]
    fn read(cursor: &mut Cursor<'a>, tables: Tables<'a>) -> Result<BoxHeadView<'a>, Fault> {
        let [scores, boxes, objectness, anchors, rows, columns]: [u16; 6] = *cursor.table()?;
        let [first_score, first_box, first_object]: [u32; 3] = *cursor.table()?;
        let [score_table, object_table, zeros @ ..]: [u8; 4] = *cursor.table()?;
        ensure(zeros == [0; 2], Fault::Value)?;
        let used: [u8; 4] = *cursor.table()?;
        let fields: u32 = cursor.u32()?;
        let [first_centre, step]: [[i32; 2]; 2] = *cursor.table()?;
        let score = |index: u8| tables.scores.get(usize::from(index));
        let objectness = match (objectness, object_table) {
            (TensorId::MAX, NONE) => None,
            (tensor, index) => {
                let table = score(index).ok_or(Fault::Value)?;
                Some(ObjectnessView { tensor, first: first_object, table })
            }
        };
        let value_tables = used.map(|index| tables.values.get(usize::from(index)));
        ensure(
            used.iter().zip(&value_tables).all(|(&index, table)| index == NONE || table.is_some()),
            Fault::Value,
        )?;
        Ok(BoxHeadView {
            scores,
            first_score,
            boxes,
            first_box,
            objectness,
            rows,
            columns,
            first_centre,
            step,
            anchors: cursor.slice(usize::from(anchors))?,
            score_table: score(score_table).ok_or(Fault::Value)?,
            value_tables,
            fields: cursor.slice(fields as usize)?,
        })
    }

    fn in_range(&self, boxes: &BoxesView<'_>) -> bool {
        let (tables, fields) = match boxes.decoder {
            BoxDecoder::Linear => ([false; 4], boxes.box_columns()),
            BoxDecoder::Exponential => ([false, false, true, true], boxes.box_columns()),
            BoxDecoder::Cells => ([true; 4], boxes.box_columns()),
            BoxDecoder::Distribution { .. } => ([true, false, false, false], 0),
        };
        self.rows >= 1
            && self.columns >= 1
            && self.first_centre.iter().all(|centre| centre.unsigned_abs() < 1 << 26)
            && self.step.iter().all(|step| (1..=1 << 26).contains(step))
            && !self.anchors.is_empty()
            && self.anchors.as_flattened().iter().all(|side| (1..=1 << 20).contains(side))
            && self.fields.len() == self.anchors.len() * fields
            && self.value_tables.map(|table| table.is_some()) == tables
            && self.fields.iter().all(|&[multiplier, offset]| {
                multiplier.unsigned_abs() < 1 << 23 && offset.unsigned_abs() < 1 << 30
            })
    }
}

/// What heads may share.
#[derive(Clone, Copy)]
struct Tables<'a> {
    scores: &'a [[u16; 256]],
    values: &'a [[i32; 256]],
}

/// The heads of a detector, in order.
#[derive(Clone, Copy)]
pub struct Heads<'a> {
    cursor: Cursor<'a>,
    left: u8,
    tables: Tables<'a>,
}

impl<'a> Iterator for Heads<'a> {
    type Item = BoxHeadView<'a>;

    fn next(&mut self) -> Option<BoxHeadView<'a>> {
        self.left = self.left.checked_sub(1)?;
        BoxHeadView::read(&mut self.cursor, self.tables).ok()
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
