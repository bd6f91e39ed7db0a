//! Operators with their operands, inputs, outputs and states.

use crate::Storage;
use crate::artefact::Artefact;
use crate::attributes::{self, Attributes};
use crate::bytes::Cursor;
use crate::error::Section;
use crate::fault::{Fault, Report, ensure};
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

    /// Reads operator `id`, and gives the start and the end of its body.
    #[inline(never)]
    pub(crate) fn read(
        operators: Cursor<'a>,
        id: OperatorId,
        report: &mut Report,
    ) -> Result<(OperatorView<'a>, [usize; 2]), Fault> {
        let mut cursor = operators.at(COUNT_BYTES + usize::from(id) * ENTRY_BYTES);
        let entry = cursor.table();
        let &[head, start]: &[u32; 2] = report.see(entry, &cursor)?;
        report.index = id;
        report.numbers = [head & 0xFFFF, 0];
        let kind = attributes::kind_of_code(head as u16).ok_or(Fault::UnknownOperator)?;
        let mut cursor = operators.at(start as usize);
        let view = OperatorView::read_body(&mut cursor, kind, head);
        Ok((report.see(view, &cursor)?, [start as usize, cursor.offset()]))
    }

    fn read_body(cursor: &mut Cursor<'a>, kind: OperatorKind, head: u32) -> Result<OperatorView<'a>, Fault> {
        let [_, _, inputs, outputs] = head.to_le_bytes();
        let inputs = cursor.slice(usize::from(inputs))?;
        let outputs = cursor.slice(usize::from(outputs))?;
        let attributes = Attributes::new(cursor.take(attributes::length(kind))?);
        cursor.align(2)?;
        Ok(OperatorView { kind, inputs, outputs, attributes })
    }
}

/// Checks all operators: that bodies stand one behind the other, and that operands exist and are of
/// the right type.
pub(crate) fn check_operators(artefact: &Artefact<'_>, report: &mut Report) -> Result<(), Fault> {
    let mut cursor = artefact.cursor(Section::Operators);
    let count = report.see(cursor.u32(), &cursor)?;
    report.check(count <= u32::from(u16::MAX), &cursor)?;
    let mut end = COUNT_BYTES + count as usize * ENTRY_BYTES;
    for id in 0..count as u16 {
        let (view, [start, body_end]) = OperatorView::read(cursor, id, report)?;
        report.see(ensure(start == end, Fault::Position), &cursor.at(start))?;
        end = body_end;
        check_operands(artefact, id, &view, report)?;
    }
    report.finish(&cursor.at(end))
}

/// Checks number and types of operands.
fn check_operands(
    artefact: &Artefact<'_>,
    id: OperatorId,
    view: &OperatorView<'_>,
    report: &mut Report,
) -> Result<(), Fault> {
    let roles: &[Role] = match view.kind {
        OperatorKind::Conv2d
        | OperatorKind::DepthwiseConv2d
        | OperatorKind::FullyConnected
        | OperatorKind::TransposeConv2d => {
            &[Role::Values, Role::Constant, Role::Constant32, Role::Constant32, Role::Constant]
        }
        OperatorKind::WideConv2d | OperatorKind::WideDepthwiseConv2d | OperatorKind::WideFullyConnected => {
            &[Role::Values, Role::Constant, Role::Constant64, Role::Constant32, Role::Constant]
        }
        kind if kind.has_two_inputs() => &[Role::Values; 2],
        OperatorKind::BatchMatmul => &[Role::Values; 2],
        OperatorKind::LocalResponseNormalization => &[Role::Values, Role::Constant32],
        OperatorKind::Normalize => &[Role::Values, Role::Constant32, Role::Constant32, Role::Constant32],
        OperatorKind::Lookup | OperatorKind::Prelu => &[Role::Values, Role::Constant],
        OperatorKind::Gather => &[Role::Values, Role::Constant32],
        OperatorKind::Interpolate => &[Role::Values, Role::Constant32, Role::Constant32],
        _ => &[Role::Values],
    };
    let counted =
        view.inputs.len() == roles.len() || view.kind == OperatorKind::Concatenate && !view.inputs.is_empty();
    ensure(counted && view.outputs.len() == 1, Fault::OperandCount)?;
    let result = artefact.tensor(view.output()).element();
    for (operand, &tensor) in view.inputs.iter().chain(view.outputs).enumerate() {
        artefact.check_tensor(Section::Operators, tensor, report)?;
        let tensor = artefact.tensor(tensor);
        let is_output = operand == view.inputs.len();
        let role = if is_output { Role::Result } else { roles.get(operand).copied().unwrap_or(Role::Values) };
        let is_wide = match view.kind {
            kind if kind.moves_any() => result == Element::I16,
            OperatorKind::Requantize => tensor.element() == Element::I16,
            kind => kind.is_wide(),
        };
        let (element, placed) = match role {
            Role::Values if is_wide => (Element::I16, tensor.zero_point() == 0),
            Role::Values => (Element::I8, true),
            Role::Constant => (Element::I8, tensor.is_constant()),
            Role::Constant32 => (Element::I32, tensor.is_constant()),
            Role::Constant64 => (Element::I64, tensor.is_constant()),
            Role::Result if is_wide => (Element::I16, !tensor.is_constant() && tensor.zero_point() == 0),
            Role::Result => (Element::I8, !tensor.is_constant()),
        };
        (report.index, report.part) = (id, operand as u8);
        ensure(
            tensor.element() == element && placed && may_be_stored(view.kind, operand, tensor.storage()),
            Fault::Operand,
        )?;
    }
    Ok(())
}

/// Whether the kernels of an operator may find input `operand` in a form: weights, and the factors of layers.
fn may_be_stored(kind: OperatorKind, operand: usize, storage: Storage) -> bool {
    let has_rows = matches!(kind, OperatorKind::Conv2d | OperatorKind::FullyConnected);
    match storage {
        Storage::Dense => true,
        Storage::Uniform => (has_rows || kind == OperatorKind::DepthwiseConv2d) && operand >= 3,
        _ => has_rows && operand == 1,
    }
}

/// What an operand has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// An activation's type, computed or constant.
    Values,
    /// int8, constant.
    Constant,
    /// i32, constant.
    Constant32,
    /// i64, constant.
    Constant64,
    /// An activation's type, computed.
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
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Ports<'a>, Fault> {
        let [inputs, outputs, states, zero]: [u16; 4] = *cursor.table()?;
        ensure(zero == 0, Fault::Value)?;
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
pub(crate) fn check_ports(artefact: &Artefact<'_>, report: &mut Report) -> Result<(), Fault> {
    for tensor in artefact.ports().tensors() {
        artefact.check_tensor(Section::Ports, tensor, report)?;
        ensure(!artefact.tensor(tensor).is_constant(), Fault::Port)?;
    }
    for State { tensor, next } in artefact.states() {
        report.index = tensor;
        let (left, right) = (artefact.tensor(tensor), artefact.tensor(next));
        ensure(left.element() == right.element() && left.axes() == right.axes(), Fault::Port)?;
    }
    Ok(())
}

/// Bytes of the number of operators.
pub(crate) const COUNT_BYTES: usize = 4;

/// Bytes of one entry of the operators' table.
pub(crate) const ENTRY_BYTES: usize = 8;
