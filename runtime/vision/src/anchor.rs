//! From the int8 values of an anchor's row to a box and keypoints in the model's input: the decoder
//! of the output contract, in integers.

use ocelli_core::{BoundingBox, Point};
use ocelli_format::{BoxDecoder, BoxHeadView, BoxesView, Field};

use crate::{INPUT_ONE, candidates::entry};

/// Edges and points stay inside this magnitude, so that sums over candidates fit 64 bits.
const FARTHEST: i64 = 1 << 29;

/// The row of values of one anchor, with what is needed to decode it.
///
/// # Rounding
/// Everything is in `1 / 65536`; the anchor's centre, `t`, every product and half a size are each
/// rounded to nearest, halves towards positive infinity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnchorRow<'a> {
    head: BoxHeadView<'a>,
    values: &'a [i8],
    first_field: usize,
    field_order: [u8; 4],
    decoder: BoxDecoder,
    centre: [i64; 2],
    size: [i64; 2],
    /// What positions are counted in.
    unit: [i64; 2],
}

impl<'a> AnchorRow<'a> {
    /// Row `anchor` of a head, whose boxes tensor is `output`; `None` when there is no such anchor.
    #[inline(never)]
    pub(crate) fn new(
        contract: &BoxesView<'a>,
        head: BoxHeadView<'a>,
        output: &'a [i8],
        anchor: u32,
    ) -> Option<AnchorRow<'a>> {
        let anchors = head.anchors.len() as u32;
        let cell = anchor.checked_div(anchors)?;
        let anchor_of_cell = (anchor % anchors) as usize;
        let grid_columns = u32::from(head.columns);
        let (row, column) = (cell.checked_div(grid_columns)?, cell % grid_columns);
        let columns = contract.box_columns();
        let start = (head.first_box as usize).checked_add(anchor as usize)?.checked_mul(columns)?;
        let values = output.get(start..)?.get(..columns)?;
        let size = head.anchors.get(anchor_of_cell)?.map(i64::from);
        Some(AnchorRow {
            head,
            values,
            first_field: anchor_of_cell * columns,
            field_order: contract.field_order,
            decoder: contract.decoder,
            centre: [cell_centre(&head, 0, column), cell_centre(&head, 1, row)],
            size,
            unit: if contract.decoder == BoxDecoder::Cells { head.step.map(narrowed) } else { size },
        })
    }

    /// The box; it may be empty or inside out.
    pub(crate) fn bounds(&self) -> BoundingBox {
        let [[left, right], [top, bottom]] = match self.decoder {
            BoxDecoder::Distribution { bins } => [0, 1].map(|axis| self.edges(axis, usize::from(bins))),
            _ => [0, 1].map(|axis| self.extent(axis)),
        };
        BoundingBox { left: clamped(left), top: clamped(top), right: clamped(right), bottom: clamped(bottom) }
    }

    /// Keypoint `index`.
    pub(crate) fn keypoint(&self, index: usize) -> Point {
        Point { x: clamped(self.position(0, 4 + 2 * index)), y: clamped(self.position(1, 5 + 2 * index)) }
    }

    /// Both edges along an axis, from centre and size.
    fn extent(&self, axis: usize) -> [i64; 2] {
        let size = product(self.named(2 + axis), along(self.size, axis));
        let least =
            along(self.centre, axis) + product(self.named(axis), along(self.unit, axis)) - ((size + 1) >> 1);
        [least, least + size]
    }

    /// Both edges along an axis, from their distances to the centre.
    fn edges(&self, axis: usize, bins: usize) -> [i64; 2] {
        let distance = |edge: usize| {
            let first = usize::from(self.field_order.get(edge).copied().unwrap_or_default()) * bins;
            let values = self.values.get(first..).and_then(|values| values.get(..bins)).unwrap_or(&[]);
            let mean = self.head.value_tables[0].map_or(0, |table| mean_bin(values, table));
            product(mean, along(self.size, axis))
        };
        let centre = along(self.centre, axis);
        [centre - distance(axis), centre + distance(2 + axis)]
    }

    #[inline(never)]
    fn position(&self, axis: usize, column: usize) -> i64 {
        along(self.centre, axis) + product(self.field(column), along(self.unit, axis))
    }

    /// `t` of x, y, width or height.
    fn named(&self, name: usize) -> i64 {
        let column = usize::from(self.field_order.get(name).copied().unwrap_or_default());
        match self.head.value_tables.get(name) {
            Some(Some(table)) => i64::from(entry(table, self.value(column))),
            _ => self.field(column),
        }
    }

    fn value(&self, column: usize) -> i8 {
        self.values.get(column).copied().unwrap_or_default()
    }

    /// `t` of a column.
    fn field(&self, column: usize) -> i64 {
        let Field { multiplier, offset } = self.head.field(self.first_field + column);
        let scaled = i64::from(self.value(column)) * i64::from(multiplier) + i64::from(offset);
        (scaled + 128) >> 8
    }
}

/// The mean of the bins, in `1 / 65536`: each counts with the exponential of its value.
fn mean_bin(values: &[i8], exponentials: &[i32; 256]) -> i64 {
    let largest = values.iter().copied().max().unwrap_or_default();
    let (mut total, mut moment) = (0i64, 0i64);
    for (bin, &value) in values.iter().enumerate() {
        let below = usize::from(largest.abs_diff(value));
        let weight = i64::from(exponentials.get(below).copied().unwrap_or_default().max(0));
        total += weight;
        moment += bin as i64 * weight;
    }
    // Below 2^31 * 2^10, so the shift fits.
    let total = total.max(1);
    ((moment << 16) + total / 2) / total
}

fn along(values: [i64; 2], axis: usize) -> i64 {
    values.get(axis).copied().unwrap_or_default()
}

/// Where the centre of a cell stands along an axis.
fn cell_centre(head: &BoxHeadView<'_>, axis: usize, index: u32) -> i64 {
    let (first, step) =
        (along(head.first_centre.map(i64::from), axis), along(head.step.map(i64::from), axis));
    (first + step * i64::from(index) + 128) >> 8
}

/// From `2^-24` to `2^-16`.
fn narrowed(step: i32) -> i64 {
    (i64::from(step) + 128) >> 8
}

/// Of two numbers in `1 / 65536`, below `2^32` and `2^20` in magnitude.
fn product(left: i64, right: i64) -> i64 {
    (left * right + i64::from(INPUT_ONE / 2)) >> 16
}

fn clamped(value: i64) -> i32 {
    value.clamp(-FARTHEST, FARTHEST) as i32
}
