//! Contracts about one output, as the postprocess stage reads them: classes, points, masks, embeddings,
//! spots on a heat map, and plain numbers.
//!
//! All are one record in the file, so that a device checks them with one piece of code.

use super::{ClassesView, OutputContractView, check_rows};
use crate::artefact::Artefact;
use crate::bytes::{Cursor, Texts};
use crate::contract::Field;
use crate::fault::{Fault, Report, ensure};
use crate::tensor::{TensorId, TensorView};

/// The record of a contract about one output; what its parts are for depends on the kind.
#[derive(Clone, Copy)]
pub(super) struct Plain<'a> {
    kind: u8,
    detail: u8,
    tensor: TensorId,
    second: TensorId,
    threshold: u16,
    fields: &'a [[i32; 2]],
    scores: &'a [[u16; 256]],
    texts: Texts<'a>,
}

/// Scores where a record has none, which none that is read for its scores is.
const NO_SCORES: &[u16; 256] = &[0; 256];

impl<'a> Plain<'a> {
    /// Reads what follows the first four bytes, `head`.
    pub(super) fn read(head: u32, cursor: &mut Cursor<'a>) -> Result<Plain<'a>, Fault> {
        let [second, threshold, fields, scores]: [u16; 4] = *cursor.table()?;
        Ok(Plain {
            kind: head as u8,
            detail: (head >> 8) as u8,
            tensor: (head >> 16) as TensorId,
            second,
            threshold,
            fields: cursor.slice(usize::from(fields))?,
            scores: cursor.slice(usize::from(scores))?,
            texts: cursor.texts()?,
        })
    }

    #[inline(never)]
    pub(super) fn check(
        &self,
        artefact: &Artefact<'_>,
        contract: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let (detail, texts, fields) = (usize::from(self.detail), self.texts.len(), self.fields.len());
        let tensor = artefact.tensor(self.tensor);
        let innermost = tensor.axes().last().map_or(1, |&axis| axis as usize);
        // Values that the tensor must have, texts if there are any, and whether the counts fit the kind.
        let (columns, named, fits) = match self.kind {
            0 => (innermost, innermost, detail == 0 && fields == 0),
            2 => {
                let points = tensor.elements().checked_div(detail).unwrap_or(0);
                (detail, points, detail >= 2 && fields == 2)
            }
            3 | 5 => {
                let channels = texts + detail;
                let image = tensor.axes().len() == 4 && tensor.axes().first() == Some(&1) && innermost <= 255;
                (channels, texts, image && detail <= 1 && innermost == channels && texts > 0 && fields == 0)
            }
            4 => (1, 0, detail == 0 && fields == 0),
            _ => (fields, fields, detail == 0 && fields >= 1),
        };
        if self.second != TensorId::MAX {
            check_rows(artefact, contract, self.second, [0, 1], 1, report)?;
        }
        check_rows(artefact, contract, self.tensor, [0, 1], columns, report)?;
        let has_scores = !matches!(self.kind, 4 | 6);
        let holds = fits
            && (texts == 0 || texts == named)
            && (self.second == TensorId::MAX || self.kind == 2)
            && self.scores.len() == usize::from(has_scores)
            && self.fields.iter().all(|&[multiplier, offset]| {
                multiplier.unsigned_abs() < 1 << 23 && offset.unsigned_abs() < 1 << 30
            });
        ensure(holds, Fault::Contract)
    }

    /// The contract by its kind.
    pub(super) fn view(&self) -> OutputContractView<'a> {
        let Plain { tensor, threshold, texts, .. } = *self;
        let scores = self.scores.first().unwrap_or(NO_SCORES);
        let field = |index: usize| {
            let [multiplier, offset] = self.fields.get(index).copied().unwrap_or_default();
            Field { multiplier, offset }
        };
        let cells =
            || CellsView { tensor, has_background: self.detail == 1, threshold, scores, labels: texts };
        match self.kind {
            0 => OutputContractView::Classes(ClassesView { tensor, labels: texts, scores }),
            2 => OutputContractView::Points(PointsView {
                tensor,
                stride: self.detail,
                fields: [field(0), field(1)],
                presence: if self.second == TensorId::MAX { None } else { Some(self.second) },
                threshold,
                scores,
                names: texts,
            }),
            3 => OutputContractView::Mask(cells()),
            4 => OutputContractView::Embedding(EmbeddingView { tensor }),
            5 => OutputContractView::Spots(cells()),
            _ => OutputContractView::Numbers(NumbersView { tensor, names: texts, fields: self.fields }),
        }
    }
}

/// Points of something that fills the model's input: a face, a hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointsView<'a> {
    /// An output int8: for each point `stride` values, of which the first two are x and y.
    pub tensor: TensorId,
    /// Values of a point, at least 2.
    pub stride: u8,
    /// How x and y become `1 / 65536` of the input's width and height.
    pub fields: [Field; 2],
    /// An output int8 whose first value says whether the thing is there at all, if there is one.
    pub presence: Option<TensorId>,
    /// Least probability of presence that counts, in `1 / 65536`.
    pub threshold: u16,
    /// Probability, in `1 / 65536`, of each int8 value -128 to 127 of presence.
    pub scores: &'a [u16; 256],
    /// One a point, or none.
    pub names: Texts<'a>,
}

/// What every cell of a grid over the model's input shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellsView<'a> {
    /// An output int8 `[1, H, W, C]`.
    pub tensor: TensorId,
    /// Whether channel 0 is background.
    pub has_background: bool,
    /// Least probability that counts, in `1 / 65536`.
    pub threshold: u16,
    /// Probability, in `1 / 65536`, of each int8 value -128 to 127.
    pub scores: &'a [u16; 256],
    /// One a channel, background excluded.
    pub labels: Texts<'a>,
}

/// A vector that is near those of the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddingView {
    /// An output int8.
    pub tensor: TensorId,
}

/// Numbers that stand for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumbersView<'a> {
    /// An output int8, at least as long as there are fields.
    pub tensor: TensorId,
    /// One a number, or none.
    pub names: Texts<'a>,
    fields: &'a [[i32; 2]],
}

impl<'a> NumbersView<'a> {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none; never so in an artefact.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// How a stored value becomes its number, in `1 / 65536`; all zeros beyond the last.
    pub fn field(&self, index: usize) -> Field {
        let [multiplier, offset] = self.fields.get(index).copied().unwrap_or_default();
        Field { multiplier, offset }
    }
}

impl CellsView<'_> {
    /// Rows, columns and channels of the grid.
    pub fn grid(&self, tensor: &TensorView<'_>) -> [usize; 3] {
        let [_, rows, columns, channels] = tensor.nhwc().unwrap_or([1; 4]);
        [rows, columns, channels]
    }
}
