//! Contracts about one output, as the postprocess stage reads them: points, masks, embeddings, spots on a
//! heat map, and plain numbers.

use super::check_rows;
use crate::artefact::Artefact;
use crate::bytes::{Cursor, Texts};
use crate::contract::Field;
use crate::fault::{Fault, Report, ensure};
use crate::tensor::{TensorId, TensorView};

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

    /// `head` holds the first four bytes of a contract, here and below.
    pub(super) fn read(head: u32, cursor: &mut Cursor<'a>) -> Result<NumbersView<'a>, Fault> {
        ensure(head >> 8 & 0xFF == 0, Fault::Value)?;
        let count = cursor.u32()?;
        let fields = cursor.slice(count as usize)?;
        Ok(NumbersView { tensor: (head >> 16) as TensorId, names: cursor.texts()?, fields })
    }

    pub(super) fn check(
        &self,
        artefact: &Artefact<'_>,
        contract: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        check_rows(artefact, contract, self.tensor, [0, 1], self.fields.len(), report)?;
        let named = self.names.is_empty() || self.names.len() == self.fields.len();
        ensure(named && !self.fields.is_empty() && self.fields.iter().all(in_range), Fault::Contract)
    }
}

impl<'a> PointsView<'a> {
    pub(super) fn read(head: u32, cursor: &mut Cursor<'a>) -> Result<PointsView<'a>, Fault> {
        let [presence, threshold]: [u16; 2] = *cursor.table()?;
        let fields: [[i32; 2]; 2] = *cursor.table()?;
        Ok(PointsView {
            tensor: (head >> 16) as TensorId,
            stride: (head >> 8) as u8,
            fields: fields.map(|[multiplier, offset]| Field { multiplier, offset }),
            presence: if presence == TensorId::MAX { None } else { Some(presence) },
            threshold,
            scores: cursor.table()?,
            names: cursor.texts()?,
        })
    }

    pub(super) fn check(
        &self,
        artefact: &Artefact<'_>,
        contract: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let stride = usize::from(self.stride);
        if let Some(presence) = self.presence {
            check_rows(artefact, contract, presence, [0, 1], 1, report)?;
        }
        check_rows(artefact, contract, self.tensor, [0, 1], stride, report)?;
        let points = artefact.tensor(self.tensor).shape.elements().checked_div(stride).unwrap_or(0);
        let named = self.names.is_empty() || self.names.len() == points;
        let fields = self.fields.map(|Field { multiplier, offset }| [multiplier, offset]);
        ensure(stride >= 2 && named && fields.iter().all(in_range), Fault::Contract)
    }
}

impl<'a> CellsView<'a> {
    pub(super) fn read(head: u32, cursor: &mut Cursor<'a>) -> Result<CellsView<'a>, Fault> {
        let background = head >> 8 & 0xFF;
        ensure(background <= 1, Fault::Value)?;
        let [threshold, zero]: [u16; 2] = *cursor.table()?;
        ensure(zero == 0, Fault::Value)?;
        Ok(CellsView {
            tensor: (head >> 16) as TensorId,
            has_background: background == 1,
            threshold,
            scores: cursor.table()?,
            labels: cursor.texts()?,
        })
    }

    /// Rows, columns and channels of the grid.
    pub fn grid(&self, tensor: &TensorView<'_>) -> [usize; 3] {
        let [_, rows, columns, channels] = tensor.shape.nhwc().unwrap_or([1; 4]);
        [rows, columns, channels]
    }

    pub(super) fn check(
        &self,
        artefact: &Artefact<'_>,
        contract: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let channels = self.labels.len() + usize::from(self.has_background);
        check_rows(artefact, contract, self.tensor, [0, 1], channels, report)?;
        let shape = artefact.tensor(self.tensor).shape;
        let fits = shape.rank() == 4 && shape.axes().first() == Some(&1);
        let fits = fits && shape.axes().last() == Some(&(channels as u32)) && !self.labels.is_empty();
        ensure(fits && channels <= usize::from(u8::MAX), Fault::Contract)
    }
}

fn in_range(&[multiplier, offset]: &[i32; 2]) -> bool {
    multiplier.unsigned_abs() < 1 << 23 && offset.unsigned_abs() < 1 << 30
}
