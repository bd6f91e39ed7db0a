//! Output contracts as the postprocess stage reads them.

mod boxes;
mod plain;

pub use boxes::{BoxHeadView, BoxesView, Heads, ObjectnessView};
use plain::Plain;
pub use plain::{CellsView, EmbeddingView, NumbersView, PointsView};

use crate::artefact::Artefact;
use crate::bytes::{Cursor, Texts};
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
    /// Points of something that fills the model's input.
    Points(PointsView<'a>),
    /// What every cell of a grid shows.
    Mask(CellsView<'a>),
    /// A vector that is near those of the same thing.
    Embedding(EmbeddingView),
    /// Middles of things on a grid.
    Spots(CellsView<'a>),
    /// Numbers that stand for themselves.
    Numbers(NumbersView<'a>),
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

/// A contract as it is checked: those about one output are one record.
enum Record<'a> {
    Plain(Plain<'a>),
    Boxes(BoxesView<'a>),
}

impl<'a> Record<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Record<'a>, Fault> {
        let head: u32 = cursor.u32()?;
        match head as u8 {
            1 => BoxesView::read(head, cursor).map(Record::Boxes),
            0..=6 => Plain::read(head, cursor).map(Record::Plain),
            code => cursor.unknown(code),
        }
    }
}

impl<'a> OutputContractView<'a> {
    /// Reads the contract at `cursor` and moves behind it.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<OutputContractView<'a>, Fault> {
        Ok(match Record::read(cursor)? {
            Record::Plain(plain) => plain.view(),
            Record::Boxes(boxes) => OutputContractView::Boxes(boxes),
        })
    }
}

/// Checks all output contracts against the tensors that they speak of.
pub(crate) fn check(artefact: &Artefact<'_>, report: &mut Report) -> Result<(), Fault> {
    let mut cursor = artefact.cursor(Section::OutputContracts);
    let count = report.see(cursor.u32(), &cursor)?;
    for contract in 0..count {
        match report.see(Record::read(&mut cursor), &cursor)? {
            Record::Plain(plain) => plain.check(artefact, contract, report)?,
            Record::Boxes(boxes) => {
                report.check(boxes.in_range(), &cursor)?;
                for head in boxes.heads() {
                    let anchors = u32::try_from(head.count_anchors()).unwrap_or(u32::MAX);
                    let rows = [head.first_score, anchors];
                    check_rows(artefact, contract, head.scores, rows, boxes.score_columns(), report)?;
                    let rows = [head.first_box, anchors];
                    check_rows(artefact, contract, head.boxes, rows, boxes.box_columns(), report)?;
                    if let Some(objectness) = head.objectness {
                        let rows = [objectness.first, anchors];
                        check_rows(artefact, contract, objectness.tensor, rows, 1, report)?;
                    }
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
    let fits = needed.is_some_and(|needed| needed as usize <= view.elements());
    let is_output = artefact.output_index(tensor).is_some();
    ensure(fits && is_output && view.element() == Element::I8, Fault::Contract)
}
