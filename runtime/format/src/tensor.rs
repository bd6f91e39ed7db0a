//! Tensors: what the graph computes with, and where its constants are read in place.

use ocelli_core::Shape;

use crate::ALIGNMENT;
use crate::bytes::Cursor;
use crate::error::Section;
use crate::fault::{Fault, Report, ensure};

/// Index of a tensor in its artefact.
pub type TensorId = u16;

/// Index of an operator in its artefact.
pub type OperatorId = u16;

/// Element types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// Signed 8-bit.
    I8,
    /// Signed 16-bit.
    I16,
    /// Signed 32-bit.
    I32,
    /// Signed 64-bit.
    I64,
}

impl Element {
    /// Bytes of one element.
    pub const fn bytes(self) -> usize {
        match self {
            Element::I8 => 1,
            Element::I16 => 2,
            Element::I32 => 4,
            Element::I64 => 8,
        }
    }
}

/// A tensor that survives from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Read at the start of a run.
    pub tensor: TensorId,
    /// Written by the graph; becomes the next run's value.
    pub next: TensorId,
}

/// A tensor as the engine reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorView<'a> {
    /// Element type.
    pub element: Element,
    /// Axes, outermost first, each at least 1.
    pub shape: Shape,
    /// Scale of an int8 activation or of per-tensor weights, as the bits of an IEEE 754 single; for
    /// display only, 0 where there is none.
    pub scale_bits: u32,
    /// The int8 value that stands for 0.
    pub zero_point: i8,
    /// The values of a constant, in place, on a multiple of 16 bytes of the artefact; `None` for activations.
    pub data: Option<&'a [u8]>,
}

impl<'a> TensorView<'a> {
    /// The largest tensor, in elements: every index and byte offset fits 31 bits.
    pub const MAX_ELEMENTS: usize = 1 << 28;

    /// What accessors answer for an id beyond the last: one int8.
    pub(crate) const NONE: TensorView<'static> =
        TensorView { element: Element::I8, shape: Shape::SCALAR, scale_bits: 0, zero_point: 0, data: None };

    /// Bytes of all elements.
    pub fn bytes(&self) -> usize {
        self.shape.elements() * self.element.bytes()
    }

    /// The values of an int8 constant, in place; nothing for others.
    pub fn values_i8(&self) -> &'a [i8] {
        bytemuck::cast_slice(self.constant(Element::I8))
    }

    /// The values of an i32 constant, in place; nothing for others.
    pub fn values_i32(&self) -> &'a [i32] {
        bytemuck::try_cast_slice(self.constant(Element::I32)).unwrap_or(&[])
    }

    /// Reads tensor `id` of the section, of which `constants` holds the values.
    #[inline(never)]
    pub(crate) fn read(
        tensors: &'a [u8],
        constants: &'a [u8],
        id: TensorId,
        report: &mut Report,
    ) -> Result<TensorView<'a>, Fault> {
        let mut cursor = Cursor::new(Section::Tensors, tensors).at(usize::from(id) * RECORD_BYTES);
        let record: Result<&[u32; RECORD_BYTES / 4], Fault> = cursor.table();
        let &[head, scale_bits, ref axes @ .., offset, length] = report.see(record, &cursor)?;
        report.index = id;
        let [element, rank, zero_point, storage] = head.to_le_bytes();
        let element = match element {
            0 => Element::I8,
            1 => Element::I16,
            2 => Element::I32,
            3 => Element::I64,
            code => return report.see(cursor.unknown(code), &cursor),
        };
        let (used, unused) = axes.split_at_checked(usize::from(rank)).ok_or(Fault::Shape)?;
        // Not by way of a `Result`, which takes two more copies of the shape.
        let Some(shape) = Shape::new(used) else { return Err(Fault::Shape) };
        let elements = shape.elements();
        let possible = elements.wrapping_sub(1) < TensorView::MAX_ELEMENTS;
        ensure(possible && unused.iter().all(|&axis| axis == 0), Fault::Shape)?;
        let zero_point = zero_point as i8;
        let mut tensor = TensorView { element, shape, scale_bits, zero_point, data: None };
        match storage {
            ACTIVATION => report.check(offset | length == 0, &cursor)?,
            DENSE => {
                let (start, needed) = (offset as usize, elements * element.bytes());
                let stored = constants.get(start..start.saturating_add(length as usize)).unwrap_or(&[]);
                report.numbers = [needed as u32, stored.len() as u32];
                ensure(stored.len() == needed && start.is_multiple_of(ALIGNMENT), Fault::Constant)?;
                tensor.data = Some(stored);
            }
            code => {
                report.numbers = [u32::from(code), 0];
                return Err(Fault::Encoding);
            }
        }
        Ok(tensor)
    }

    fn constant(&self, element: Element) -> &'a [u8] {
        self.data.filter(|_| self.element == element).unwrap_or(&[])
    }
}

/// Bytes of one tensor in its section.
pub(crate) const RECORD_BYTES: usize = 40;

/// Storage code of a tensor that lives in the arena.
pub(crate) const ACTIVATION: u8 = 0;

/// Storage code of a constant whose elements stand one after another.
pub(crate) const DENSE: u8 = 1;
