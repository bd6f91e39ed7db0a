//! Operators with their operands, inputs, outputs and states.

use crate::artefact::Artefact;
use crate::attributes::{self, Attributes};
use crate::bytes::{Cursor, Fault, ensure};
use crate::error::{ParseError, Section};
use crate::operator::{Operator, OperatorKind};
use crate::tensor::{Element, OperatorId, State, TensorId};

/// An operator and its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorView<'a> {
    /// Which operator this is, without its attributes.
    pub kind: OperatorKind,
    /// Operands in the order that [`Operator`] states.
    pub inputs: &'a [TensorId],
    /// Results.
    pub outputs: &'a [TensorId],
    /// What it needs beside operands.
    pub attributes: Attributes<'a>,
}

impl<'a> OperatorView<'a> {
    /// The operator with its attributes.
    pub fn operator(&self) -> Operator {
        attributes::read(self.kind, self.attributes)
    }

    /// Input `index`; the first tensor of the artefact beyond the last.
    pub fn input(&self, index: usize) -> TensorId {
        self.inputs.get(index).copied().unwrap_or(0)
    }

    /// The only result of the operators of this version.
    pub fn output(&self) -> TensorId {
        self.outputs.first().copied().unwrap_or(0)
    }

    /// What accessors answer for an index beyond the last.
    pub(crate) const NONE: OperatorView<'static> = OperatorView {
        kind: OperatorKind::Reshape,
        inputs: &[],
        outputs: &[],
        attributes: Attributes::new(&[]),
    };

    /// Reads operator `id`, and gives the cursor at the start and behind the end of its body.
    #[inline(never)]
    pub(crate) fn read(
        operators: Cursor<'a>,
        id: OperatorId,
    ) -> Result<(OperatorView<'a>, [usize; 2]), ParseError> {
        let mut cursor = operators.at(COUNT_BYTES + usize::from(id) * ENTRY_BYTES);
        let [head, start] = *cursor.table().map_err(|fault| cursor.error(fault))?;
        let (code, [_, _, inputs, outputs]) = (head as u16, u32::to_le_bytes(head));
        let kind =
            attributes::kind_of_code(code).ok_or(ParseError::UnknownOperator { operator: id, code })?;
        let start = start as usize;
        cursor = operators.at(start);
        let mut body = || -> Result<_, Fault> {
            let inputs = cursor.slice(usize::from(inputs))?;
            let outputs = cursor.slice(usize::from(outputs))?;
            let attributes = Attributes::new(cursor.take(attributes::length(kind))?);
            cursor.align(2)?;
            Ok(OperatorView { kind, inputs, outputs, attributes })
        };
        let view = body();
        Ok((view.map_err(|fault| cursor.error(fault))?, [start, cursor.offset()]))
    }
}

/// Checks all operators: that bodies stand one behind the other, and that operands exist and are of
/// the right type.
pub(crate) fn check_operators(artefact: &Artefact<'_>, mut cursor: Cursor<'_>) -> Result<(), ParseError> {
    let count = cursor.u32().map_err(|fault| cursor.error(fault))?;
    cursor.check(count <= u32::from(u16::MAX))?;
    let mut end = COUNT_BYTES + count as usize * ENTRY_BYTES;
    for id in 0..count as u16 {
        let (view, [start, body_end]) = OperatorView::read(cursor, id)?;
        if start != end {
            return Err(cursor.at(start).error(Fault::Position));
        }
        end = body_end;
        check_operands(artefact, id, &view)?;
    }
    cursor.at(end).finish()
}

/// Checks number and types of operands.
fn check_operands(
    artefact: &Artefact<'_>,
    id: OperatorId,
    view: &OperatorView<'_>,
) -> Result<(), ParseError> {
    let roles: &[Role] = match view.kind {
        OperatorKind::Conv2d | OperatorKind::DepthwiseConv2d | OperatorKind::FullyConnected => {
            &[Role::Values, Role::Constant, Role::Constant32, Role::Constant32, Role::Constant]
        }
        OperatorKind::Add | OperatorKind::Mul => &[Role::Values; 2],
        OperatorKind::Lookup | OperatorKind::Prelu => &[Role::Values, Role::Constant],
        _ => &[Role::Values],
    };
    let counted =
        view.inputs.len() == roles.len() || view.kind == OperatorKind::Concatenate && !view.inputs.is_empty();
    if view.outputs.len() != 1 || !counted {
        return Err(ParseError::OperandCount { operator: id });
    }
    for (operand, &tensor) in view.inputs.iter().chain(view.outputs).enumerate() {
        artefact.check_tensor(Section::Operators, tensor)?;
        let tensor = artefact.tensor(tensor);
        let is_output = operand == view.inputs.len();
        let role = if is_output { Role::Result } else { roles.get(operand).copied().unwrap_or(Role::Values) };
        let element = if role == Role::Constant32 { Element::I32 } else { Element::I8 };
        let placed = match role {
            Role::Values => true,
            Role::Constant | Role::Constant32 => tensor.data.is_some(),
            Role::Result => tensor.data.is_none(),
        };
        if tensor.element != element || !placed {
            return Err(ParseError::Operand { operator: id, operand: operand as u8 });
        }
    }
    Ok(())
}

/// What an operand has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// int8, computed or constant.
    Values,
    /// int8, constant.
    Constant,
    /// i32, constant.
    Constant32,
    /// int8, computed.
    Result,
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

    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Ports<'a>, Fault> {
        let [inputs, outputs, states, zero]: [u16; 4] = *cursor.table()?;
        ensure(zero == 0)?;
        let inputs = cursor.slice(usize::from(inputs))?;
        let outputs = cursor.slice(usize::from(outputs))?;
        let states = cursor.slice(usize::from(states))?;
        Ok(Ports { inputs, outputs, states })
    }

    pub(crate) fn states(&self) -> impl ExactSizeIterator<Item = State> + use<'a> {
        self.states.iter().map(|&[tensor, next]| State { tensor, next })
    }

    /// All tensors that are inputs, outputs or belong to states.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = TensorId> + use<'a> {
        let ids = [self.inputs, self.outputs, self.states.as_flattened()];
        ids.into_iter().flatten().copied()
    }
}

/// Checks that inputs, outputs and states exist, are no constants, and that states match.
pub(crate) fn check_ports(artefact: &Artefact<'_>, ports: Ports<'_>) -> Result<(), ParseError> {
    for tensor in ports.tensors() {
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

/// Bytes of the number of operators.
pub(crate) const COUNT_BYTES: usize = 4;

/// Bytes of one entry of the operators' table.
pub(crate) const ENTRY_BYTES: usize = 8;
