//! Tensors: what the graph computes with, and where its constants are read in place.

use ocelli_core::{Shape, nhwc};

use crate::bytes::Cursor;
use crate::fault::{Fault, Report, ensure};
use crate::{ALIGNMENT, Storage};

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
    /// All, by their code.
    const ALL: [Element; 4] = [Element::I8, Element::I16, Element::I32, Element::I64];

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

/// A tensor of a checked artefact: its record, in place. Whatever it is asked is a few loads away, so that
/// an engine may ask at every step of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TensorView<'a> {
    record: &'a Record,
    constants: &'a [u8],
}

impl<'a> TensorView<'a> {
    /// The largest tensor, in elements: every index and byte offset fits 31 bits.
    pub const MAX_ELEMENTS: usize = 1 << 28;

    /// Tensor `id` of the records; one int8 beyond the last.
    pub(crate) fn new(records: &'a [Record], constants: &'a [u8], id: TensorId) -> TensorView<'a> {
        TensorView { record: records.get(usize::from(id)).unwrap_or(&ONE_INT8), constants }
    }

    /// Element type.
    pub fn element(&self) -> Element {
        let [code, ..] = self.head();
        Element::ALL.get(usize::from(code)).copied().unwrap_or(Element::I8)
    }

    /// Axes, outermost first, each at least 1.
    pub fn axes(&self) -> &'a [u32] {
        let [_, _, axes @ .., _, _] = self.record;
        let [_, rank, ..] = self.head();
        axes.get(..usize::from(rank)).unwrap_or(&[])
    }

    /// The axes with all that can be asked of them.
    pub fn shape(&self) -> Shape {
        Shape::new(self.axes()).unwrap_or(Shape::SCALAR)
    }

    /// The axes as `[N, H, W, C]`, as [`Shape::nhwc`] gives them.
    pub fn nhwc(&self) -> Option<[usize; 4]> {
        nhwc(self.axes())
    }

    /// The product of all axes; 1 for a scalar.
    pub fn elements(&self) -> usize {
        self.axes().iter().fold(1, |product: u32, &axis| product.wrapping_mul(axis)) as usize
    }

    /// Scale of an int8 activation or of per-tensor weights, as the bits of an IEEE 754 single; for
    /// display only, 0 where there is none.
    pub fn scale_bits(&self) -> u32 {
        self.record[1]
    }

    /// The value that stands for 0; 0 for int16.
    pub fn zero_point(&self) -> i8 {
        let [_, _, zero_point, _] = self.head();
        zero_point as i8
    }

    /// Whether the artefact holds its values.
    pub fn is_constant(&self) -> bool {
        let [.., storage] = self.head();
        storage != ACTIVATION
    }

    /// The form of a constant; dense for activations.
    pub fn storage(&self) -> Storage {
        let [.., storage] = self.head();
        Storage::of_code(storage).unwrap_or_default()
    }

    /// What is stored of a constant, in place, on a multiple of 16 bytes of the artefact: nothing where it stands only in
    /// layouts. `None` for activations.
    pub fn data(&self) -> Option<&'a [u8]> {
        self.is_constant().then(|| self.stored())
    }

    /// Bytes of all elements.
    pub fn bytes(&self) -> usize {
        self.elements().wrapping_mul(self.element().bytes())
    }

    /// The values of an int8 constant, in place: all, or the one that all are; nothing for others.
    pub fn values_i8(&self) -> &'a [i8] {
        bytemuck::cast_slice(self.constant(Element::I8))
    }

    /// The values of an i32 constant, in place: all, or the one that all are; nothing for others.
    pub fn values_i32(&self) -> &'a [i32] {
        bytemuck::try_cast_slice(self.constant(Element::I32)).unwrap_or(&[])
    }

    /// The values of an i64 constant, in place; nothing for others.
    pub fn values_i64(&self) -> &'a [i64] {
        bytemuck::try_cast_slice(self.constant(Element::I64)).unwrap_or(&[])
    }

    /// Refuses a record that breaks a rule, once and for all.
    pub(crate) fn check(&self, cursor: &Cursor<'_>, report: &mut Report) -> Result<(), Fault> {
        let &[_, _, ref axes @ .., offset, length] = self.record;
        let [element, rank, _, storage] = self.head();
        if usize::from(element) >= Element::ALL.len() {
            let mut cursor = *cursor;
            let unknown = cursor.unknown(element);
            return report.see(unknown, &cursor);
        }
        let (used, unused) = axes.split_at_checked(usize::from(rank)).ok_or(Fault::Shape)?;
        let elements = Shape::new(used).map_or(0, |shape| shape.elements());
        let possible = elements.wrapping_sub(1) < TensorView::MAX_ELEMENTS;
        ensure(possible && unused.iter().all(|&axis| axis == 0), Fault::Shape)?;
        if storage == ACTIVATION {
            return report.check(offset | length == 0, cursor);
        }
        let Some(form) = Storage::of_code(storage) else {
            report.numbers = [u32::from(storage), 0];
            return Err(Fault::Encoding);
        };
        let needed = match form {
            Storage::Dense => self.bytes(),
            Storage::Uniform => self.element().bytes(),
            Storage::Relaid => 0,
            // What is in there is for the one to check who reads it.
            _ => length as usize,
        };
        let stored = self.stored().len();
        report.numbers = [needed as u32, stored as u32];
        let is_int8 = !form.is_of_weights() || self.element() == Element::I8;
        // A few bytes do not make a host allocate gigabytes.
        let fits =
            is_int8 && (matches!(form, Storage::Dense | Storage::Relaid) || self.bytes() >> 16 < stored);
        ensure(fits && stored == needed && (offset as usize).is_multiple_of(ALIGNMENT), Fault::Constant)
    }

    /// The values of a constant one after another, whatever its form; zeros where weights are stored in codes that
    /// [`Artefact::check_layers`](crate::Artefact::check_layers) refuses, nothing where they stand only in layouts.
    #[cfg(feature = "alloc")]
    pub fn values(&self) -> Option<alloc::borrow::Cow<'a, [u8]>> {
        use alloc::borrow::Cow;
        let (stored, elements) = (self.data()?, self.elements());
        Some(match self.storage() {
            Storage::Dense | Storage::Relaid => Cow::Borrowed(stored),
            Storage::Uniform => Cow::Owned(stored.repeat(elements)),
            form => Cow::Owned(crate::weights::decode(form, stored, elements)),
        })
    }

    fn constant(&self, element: Element) -> &'a [u8] {
        let [.., storage] = self.head();
        let is_told = storage == Storage::Dense as u8 || storage == Storage::Uniform as u8;
        if is_told && self.element() == element { self.stored() } else { &[] }
    }

    /// The bytes that the record names of the constants.
    fn stored(&self) -> &'a [u8] {
        let &[.., offset, length] = self.record;
        let rest = self.constants.get(offset as usize..);
        rest.and_then(|rest| rest.get(..length as usize)).unwrap_or(&[])
    }

    /// Element, rank, zero point, storage.
    fn head(&self) -> [u8; 4] {
        self.record[0].to_le_bytes()
    }
}

impl core::fmt::Debug for TensorView<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TensorView")
            .field("element", &self.element())
            .field("axes", &self.axes())
            .field("zero_point", &self.zero_point())
            .field("is_constant", &self.is_constant())
            .finish_non_exhaustive()
    }
}

/// A tensor in its section: [head](TensorView::head), scale, six axes, offset and length of a constant.
pub(crate) type Record = [u32; RECORD_BYTES / 4];

/// What accessors answer for an id beyond the last.
const ONE_INT8: Record = [0; RECORD_BYTES / 4];

/// Bytes of one tensor in its section.
pub(crate) const RECORD_BYTES: usize = 40;

/// Storage code of a tensor that lives in the arena.
pub(crate) const ACTIVATION: u8 = 0;
