//! From the int8 values of an anchor's row to a box and keypoints in the model's input: the decoder
//! of the output contract, in integers.

use ocelli_core::{BoundingBox, Point};
use ocelli_format::{BoxHeadView, BoxesView, Field};

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
    centre: [i64; 2],
    size: [i64; 2],
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
        let [width, height] = *head.anchors.get(anchor_of_cell)?;
        Some(AnchorRow {
            head,
            values,
            first_field: anchor_of_cell * columns,
            field_order: contract.field_order,
            centre: [cell_centre(column, head.columns), cell_centre(row, head.rows)],
            size: [i64::from(width), i64::from(height)],
        })
    }

    /// The box; it may be empty or inside out.
    pub(crate) fn bounds(&self) -> BoundingBox {
        let [x, y, width, height] = self.field_order.map(usize::from);
        let (left, right) = self.extent(0, x, width);
        let (top, bottom) = self.extent(1, y, height);
        BoundingBox { left, top, right, bottom }
    }

    /// Keypoint `index`.
    pub(crate) fn keypoint(&self, index: usize) -> Point {
        Point { x: clamped(self.position(0, 4 + 2 * index)), y: clamped(self.position(1, 5 + 2 * index)) }
    }

    fn extent(&self, axis: usize, centre_column: usize, size_column: usize) -> (i32, i32) {
        let anchor = self.size.get(axis).copied().unwrap_or_default();
        let size = match self.head.size_table {
            None => product(self.field(size_column), anchor),
            Some(tables) => {
                let exponential = tables.get(axis).map_or(0, |table| entry(table, self.value(size_column)));
                product(i64::from(exponential), anchor)
            }
        };
        let least = self.position(axis, centre_column) - ((size + 1) >> 1);
        (clamped(least), clamped(least + size))
    }

    #[inline(never)]
    fn position(&self, axis: usize, column: usize) -> i64 {
        let centre = self.centre.get(axis).copied().unwrap_or_default();
        let anchor = self.size.get(axis).copied().unwrap_or_default();
        centre + product(self.field(column), anchor)
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

/// `(index + 1/2) / count`.
fn cell_centre(index: u32, count: u16) -> i64 {
    let count = i64::from(count.max(1));
    ((2 * i64::from(index) + 1) * i64::from(INPUT_ONE / 2) + count / 2) / count
}

/// Of two numbers in `1 / 65536`, below `2^32` and `2^20` in magnitude.
fn product(left: i64, right: i64) -> i64 {
    (left * right + i64::from(INPUT_ONE / 2)) >> 16
}

fn clamped(value: i64) -> i32 {
    value.clamp(-FARTHEST, FARTHEST) as i32
}
