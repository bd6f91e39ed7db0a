//! Operators with their operands, and whether they fit their tensors.

use crate::artefact::Artefact;
use crate::attributes;
use crate::bytes::Cursor;
use crate::error::{ParseError, Section};
use crate::geometry;
use crate::operator::Operator;
use crate::tensor::{OperatorId, State, TensorId};

/// An operator and its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorView<'a> {
    /// What it computes.
    pub operator: Operator,
    /// Operands in the order that [`Operator`] states.
    pub inputs: &'a [TensorId],
    /// Results.
    pub outputs: &'a [TensorId],
}

impl<'a> OperatorView<'a> {
    /// An operator without operands: what accessors answer for an index beyond the last.
    pub(crate) const NONE: OperatorView<'static> =
        OperatorView { operator: Operator::Reshape, inputs: &[], outputs: &[] };

    /// Input `index`; the first tensor of the artefact beyond the last.
    pub fn input(&self, index: usize) -> TensorId {
        self.inputs.get(index).copied().unwrap_or(0)
    }

    /// The only result of the operators of this version.
    pub fn output(&self) -> TensorId {
        self.outputs.first().copied().unwrap_or(0)
    }

    /// Reads operator `id` and gives the cursor behind it.
    pub(crate) fn read(
        operators: Cursor<'a>,
        id: OperatorId,
    ) -> Result<(OperatorView<'a>, Cursor<'a>), ParseError> {
        let mut entry = operators.at(COUNT_BYTES + usize::from(id) * ENTRY_BYTES);
        let code = entry.u16()?;
        let (inputs, outputs) = (usize::from(entry.u8()?), usize::from(entry.u8()?));
        let mut body = operators.at(entry.u32()? as usize);
        let inputs = body.slice(inputs)?;
        let outputs = body.slice(outputs)?;
        let kind =
            attributes::kind_of_code(code).ok_or(ParseError::UnknownOperator { operator: id, code })?;
        let operator = attributes::read(kind, &mut body)?;
        body.align(2)?;
        Ok((OperatorView { operator, inputs, outputs }, body))
    }
}

/// Checks all operators: that bodies stand one behind the other, and that operands exist and fit.
pub(crate) fn check_operators(artefact: &Artefact<'_>, cursor: Cursor<'_>) -> Result<(), ParseError> {
    let count = cursor.at(0).u32()?;
    cursor.ensure(count <= u32::from(u16::MAX))?;
    let mut end = COUNT_BYTES + count as usize * ENTRY_BYTES;
    let mut work = 0u64;
    for id in 0..count as u16 {
        let offset = cursor.at(COUNT_BYTES + usize::from(id) * ENTRY_BYTES + 4).u32()?;
        if offset as usize != end {
            return Err(ParseError::Position { section: Section::Operators, offset });
        }
        let (view, body) = OperatorView::read(cursor, id)?;
        end = body.offset();
        for &tensor in view.inputs.iter().chain(view.outputs) {
            artefact.check_tensor(Section::Operators, tensor)?;
        }
        let more = geometry::check(artefact, id, &view)?;
        work = work.checked_add(more).ok_or(ParseError::Work { operator: id })?;
    }
    finish(cursor.at(end))
}

/// Inputs, outputs and states.
#[derive(Clone, Copy)]
pub(crate) struct Ports<'a> {
    pub(crate) inputs: &'a [TensorId],
    pub(crate) outputs: &'a [TensorId],
    pub(crate) states: &'a [[TensorId; 2]],
}

impl<'a> Ports<'a> {
    pub(crate) const NONE: Ports<'static> = Ports { inputs: &[], outputs: &[], states: &[] };

    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Ports<'a>, ParseError> {
        let [inputs, outputs, states, zero]: [u16; 4] = *cursor.table()?;
        cursor.ensure(zero == 0)?;
        let inputs = cursor.slice(usize::from(inputs))?;
        let outputs = cursor.slice(usize::from(outputs))?;
        let states = cursor.slice(usize::from(states))?;
        finish(cursor)?;
        Ok(Ports { inputs, outputs, states })
    }

    pub(crate) fn states(&self) -> impl ExactSizeIterator<Item = State> + use<'a> {
        self.states.iter().map(|&[tensor, next]| State { tensor, next })
    }
}

/// Checks that inputs, outputs and states exist, are no constants, and that states match.
pub(crate) fn check_ports(artefact: &Artefact<'_>, ports: Ports<'_>) -> Result<(), ParseError> {
    let states = ports.states.as_flattened();
    for &tensor in ports.inputs.iter().chain(ports.outputs).chain(states) {
        artefact.check_tensor(Section::Ports, tensor)?;
        if artefact.tensor(tensor).data.is_some() {
            return Err(ParseError::Port { tensor });
        }
    }
    for State { tensor, next } in ports.states() {
        let (left, right) = (artefact.tensor(tensor), artefact.tensor(next));
        if left.element != right.element || left.shape != right.shape {
            return Err(ParseError::Port { tensor });
        }
    }
    Ok(())
}

/// Refuses bytes behind the last that has a meaning.
pub(crate) fn finish(cursor: Cursor<'_>) -> Result<(), ParseError> {
    if cursor.is_at_end() {
        return Ok(());
    }
    Err(ParseError::Position { section: cursor.section(), offset: cursor.offset() as u32 })
}

/// Bytes of the number of operators.
pub(crate) const COUNT_BYTES: usize = 4;

/// Bytes of one entry of the operators' table.
pub(crate) const ENTRY_BYTES: usize = 8;
