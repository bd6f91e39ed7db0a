//! The postprocess stage of grids: what each cell of a mask shows, and spots, rectangles around cells that
//! show the same and touch.

use ocelli_core::{BoundingBox, Detection, Point, Score};
use ocelli_format::CellsView;

use crate::{Detections, INPUT_ONE, Transform, candidates::entry, ranking};

/// What the cells of a grid show in one frame, read as it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a, 'o> {
    contract: CellsView<'a>,
    values: &'o [i8],
    rows: usize,
    columns: usize,
    channels: usize,
    transform: Transform,
}

impl<'a, 'o> Mask<'a, 'o> {
    /// The mask in `values`, an output of `rows` x `columns` cells; empty where they are too few.
    pub fn new(
        contract: &CellsView<'a>,
        [rows, columns, channels]: [usize; 3],
        values: &'o [i8],
        transform: &Transform,
    ) -> Mask<'a, 'o> {
        let needed = rows.saturating_mul(columns).saturating_mul(channels);
        let rows = if values.len() < needed { 0 } else { rows };
        Mask { contract: *contract, values, rows, columns, channels, transform: *transform }
    }

    /// Rows of cells.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Cells in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The label that a cell shows, and its probability; `None` for background and beyond the grid.
    pub fn cell(&self, row: usize, column: usize) -> Option<(u16, Score)> {
        if row >= self.rows || column >= self.columns {
            return None;
        }
        let start = (row * self.columns + column).checked_mul(self.channels)?;
        let values = self.values.get(start..)?.get(..self.channels)?;
        let (mut channel, mut largest) = (0, *values.first()?);
        for (index, &value) in values.iter().enumerate() {
            if value > largest {
                (channel, largest) = (index, value);
            }
        }
        let score = entry(self.contract.scores, largest);
        let label = channel.checked_sub(usize::from(self.contract.has_background))?;
        (score >= self.contract.threshold).then_some((label as u16, Score(score)))
    }

    /// The cell that a point of the frame, in sub-pixels, falls into: row and column; `None` for what the
    /// model did not see.
    pub fn cell_at(&self, point: Point) -> Option<(usize, usize)> {
        let (source, target) = (self.transform.source(), self.transform.target());
        let (width, height) = (self.transform.input_width(), self.transform.input_height());
        let row = along(point.y, [source.y, source.height], [target.y, target.height, height], self.rows)?;
        let column = along(point.x, [source.x, source.width], [target.x, target.width, width], self.columns)?;
        Some((row, column))
    }

    /// Where a cell lies in the frame.
    pub fn bounds(&self, row: usize, column: usize) -> BoundingBox {
        self.transform.box_to_frame(self.in_input([row, column], [row, column]))
    }

    /// From the first cell to the last, in `1 / 65536` of the input.
    fn in_input(&self, first: [usize; 2], last: [usize; 2]) -> BoundingBox {
        let edge = |index: usize, count: usize| {
            let count = count.max(1) as u64;
            ((index as u64 * INPUT_ONE as u64 + count / 2) / count) as i32
        };
        BoundingBox {
            left: edge(first[1], self.columns),
            top: edge(first[0], self.rows),
            right: edge(last[1] + 1, self.columns),
            bottom: edge(last[0] + 1, self.rows),
        }
    }
}

/// The cell along an axis: from sub-pixels of the frame's part to pixels of the input's, to cells.
fn along(
    place: i32,
    [source, source_length]: [usize; 2],
    [target, target_length, input]: [usize; 3],
    cells: usize,
) -> Option<usize> {
    let sub_pixels = i64::from(place) - ((source as i64) << ocelli_core::SUBPIXEL_BITS);
    let length = (source_length as i64) << ocelli_core::SUBPIXEL_BITS;
    if sub_pixels < 0 || sub_pixels >= length || input == 0 {
        return None;
    }
    // In parts of `length` of an input pixel; all factors are below 2^22.
    let in_input = sub_pixels * target_length as i64 + target as i64 * length;
    let cell = (in_input * cells as i64).checked_div(length * input as i64)?;
    usize::try_from(cell).ok().filter(|&cell| cell < cells)
}

/// The spots of a mask, best first; of equal scores the uppermost, then the leftmost. Coordinates are those
/// of the frame. Cells and rectangles that show the same label and touch, also by corners, are one spot.
///
/// # Time
/// Every cell that shows something is compared with every spot that is already known, and again after each
/// that it joins: no more than cells times the square of `DETECTIONS`.
pub fn spots<const DETECTIONS: usize, const KEYPOINTS: usize>(
    mask: &Mask<'_, '_>,
    detections: &mut Detections<DETECTIONS, KEYPOINTS>,
) {
    detections.found.clear();
    (detections.overflowed_candidates, detections.overflowed_detections) = (0, 0);
    let mut growing: heapless::Vec<Spot, DETECTIONS> = heapless::Vec::new();
    for row in 0..mask.rows {
        for column in 0..mask.columns {
            let Some((label, score)) = mask.cell(row, column) else { continue };
            let cell = Spot { label, score, first: [row, column], last: [row, column] };
            join(&mut growing, cell, &mut detections.overflowed_candidates);
        }
    }
    for spot in &growing {
        let detection = Detection {
            class_index: spot.label,
            score: spot.score,
            bounds: mask.transform.box_to_frame(mask.in_input(spot.first, spot.last)),
            keypoints: heapless::Vec::new(),
        };
        // As many as there is room for.
        ranking::insert(&mut detections.found, detection, |left, right| {
            (right.score.0, left.bounds.top, left.bounds.left)
                < (left.score.0, right.bounds.top, right.bounds.left)
        });
    }
}

/// A set of cells: its label, best score, and the least rectangle around it.
#[derive(Clone, Copy, Debug)]
struct Spot {
    label: u16,
    score: Score,
    first: [usize; 2],
    last: [usize; 2],
}

impl Spot {
    fn touches(&self, other: &Spot) -> bool {
        let near = |axis: usize| {
            let of = |corner: &[usize; 2]| corner.get(axis).copied().unwrap_or_default();
            of(&self.first) <= of(&other.last) + 1 && of(&other.first) <= of(&self.last) + 1
        };
        self.label == other.label && near(0) && near(1)
    }

    fn take_in(&mut self, other: &Spot) {
        self.score.0 = self.score.0.max(other.score.0);
        self.first.iter_mut().zip(other.first).for_each(|(first, of_other)| *first = (*first).min(of_other));
        self.last.iter_mut().zip(other.last).for_each(|(last, of_other)| *last = (*last).max(of_other));
    }
}

/// Adds a cell to the spot that it touches, and joins spots that touch since then.
fn join<const DETECTIONS: usize>(
    spots: &mut heapless::Vec<Spot, DETECTIONS>,
    cell: Spot,
    overflowed: &mut u32,
) {
    let mut whole = cell;
    // A spot that grew may touch one that was looked at before; there are at most as many as there were.
    while let Some(index) = spots.iter().position(|spot| spot.touches(&whole)) {
        let other = spots.swap_remove(index);
        whole.take_in(&other);
    }
    if spots.push(whole).is_err() {
        *overflowed = overflowed.saturating_add(1);
    }
}
