//! The spelling of boxes that a tail decodes: fitted to its answers for zeros and ones, and checked on all.

use super::reading::{Level, Rows};
use super::{SAME, Seen, Tail, numbers};
use crate::detector::{Decoder, Grid, Spelling, logistic, place};

/// How four numbers of an answer state a box.
#[derive(Clone, Copy)]
enum Corners {
    /// Left, top, right, bottom, at these columns.
    Edges([usize; 4]),
    /// Centre, width, height.
    Centre,
    /// Left, top, width, height.
    Corner,
}

impl Corners {
    const ALL: [Corners; 4] =
        [Corners::Edges([0, 1, 2, 3]), Corners::Edges([1, 0, 3, 2]), Corners::Centre, Corners::Corner];

    /// Left, top, right, bottom, where 1 is the input's width and height.
    fn bounds(self, row: &[f64; 4], unit: [f64; 2]) -> [f64; 4] {
        let bounds = match self {
            Corners::Edges(columns) => columns.map(|column| row[column]),
            Corners::Centre => {
                let [x, y, width, height] = *row;
                [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
            }
            Corners::Corner => [row[0], row[1], row[0] + row[2], row[1] + row[3]],
        };
        std::array::from_fn(|edge| bounds[edge] / unit[edge % 2])
    }
}

/// How the answer is arranged.
#[derive(Clone, Copy)]
pub(super) struct Arrangement {
    corners: Corners,
    unit: [f64; 2],
    /// Whether all cells of an anchor come one after the other.
    anchor_first: bool,
}

impl Arrangement {
    /// Of rows of scores, whose boxes do not matter.
    pub(super) fn of_scores(anchor_first: bool) -> Arrangement {
        Arrangement { corners: Corners::Centre, unit: [1.0; 2], anchor_first }
    }

    /// Where an anchor of a level stands in the answer.
    pub(super) fn row(self, level: &Level, cell: usize, anchor: usize) -> usize {
        let within = if self.anchor_first {
            anchor * level.rows * level.columns + cell
        } else {
            cell * level.anchors + anchor
        };
        level.first_row + within
    }

    fn bounds(self, level: &Level, rows: &Rows, cell: usize, anchor: usize) -> [f64; 4] {
        self.corners.bounds(&rows.boxes[self.row(level, cell, anchor)], self.unit)
    }
}

/// The spelling and the grids that give every box.
pub(super) fn decode(
    tail: &Tail<'_>,
    levels: &[Level],
    seen: &[Seen<'_>; 3],
) -> Result<(Spelling, Vec<Grid>), String> {
    let in_pixels = seen[0].1.boxes.iter().flatten().any(|value| value.abs() > 4.0);
    let unit = if in_pixels { tail.input.map(|side| side as f64) } else { [1.0; 2] };
    let decoders = [
        Decoder::Exponential,
        Decoder::SigmoidSquare,
        Decoder::SigmoidExponential,
        Decoder::Linear,
        Decoder::Distribution,
    ];
    for corners in Corners::ALL {
        for anchor_first in [false, true] {
            let arrangement = Arrangement { corners, unit, anchor_first };
            for decoder in decoders {
                for field_order in [[0, 1, 2, 3], [1, 0, 3, 2]] {
                    let found = fit_all(levels, seen, arrangement, decoder, field_order);
                    if let Some(found) = found {
                        return Ok(found);
                    }
                }
            }
        }
    }
    Err("its boxes follow no rule that is known (anchors on even grids, in one of the ways of SSD and YOLO)"
        .into())
}

fn fit_all(
    levels: &[Level],
    seen: &[Seen<'_>; 3],
    arrangement: Arrangement,
    decoder: Decoder,
    field_order: [u8; 4],
) -> Option<(Spelling, Vec<Grid>)> {
    let mut common: Option<Spelling> = None;
    let mut grids = Vec::new();
    for level in levels {
        let (spelling, grid) = fit(level, [seen[0].1, seen[1].1], arrangement, decoder, field_order)?;
        let spelling = &*common.get_or_insert(spelling);
        let agrees =
            seen.iter().all(|(asked, rows)| agrees(level, asked, rows, arrangement, spelling, &grid));
        if !agrees {
            return None;
        }
        grids.push(grid);
    }
    Some((common?, grids))
}

/// A spelling and a grid from what zeros and ones gave.
fn fit(
    level: &Level,
    [zero, one]: [&Rows; 2],
    arrangement: Arrangement,
    decoder: Decoder,
    field_order: [u8; 4],
) -> Option<(Spelling, Grid)> {
    let bins = if decoder == Decoder::Distribution { level.boxes.columns / 4 } else { 0 };
    if level.boxes.columns != 4 * bins.max(1) || bins == 1 || bins > 32 {
        return None;
    }
    let centre = |rows: &Rows, cell: usize, anchor: usize, axis: usize| {
        let bounds = arrangement.bounds(level, rows, cell, anchor);
        (bounds[axis] + bounds[2 + axis]) / 2.0
    };
    let size = |rows: &Rows, anchor: usize, axis: usize| {
        let bounds = arrangement.bounds(level, rows, 0, anchor);
        bounds[2 + axis] - bounds[axis]
    };
    let first = [0, 1].map(|axis| centre(zero, 0, 0, axis));
    let last = [level.columns - 1, (level.rows - 1) * level.columns];
    let cells = [level.columns, level.rows];
    let step: [f64; 2] = std::array::from_fn(|axis| {
        if cells[axis] == 1 {
            return 1.0;
        }
        (centre(zero, last[axis], 0, axis) - first[axis]) / (cells[axis] - 1) as f64
    });
    let moved = centre(one, 0, 0, 0) - first[0];
    let is_linear = decoder == Decoder::Linear;
    let anchors: Vec<[f64; 2]> = (0..level.anchors)
        .map(|anchor| {
            std::array::from_fn(|axis| match decoder {
                Decoder::Linear => size(one, anchor, axis),
                Decoder::Distribution => size(zero, anchor, axis) / (bins - 1) as f64,
                _ => size(zero, anchor, axis),
            })
        })
        .collect();
    let centre_scale = match decoder {
        Decoder::Distribution => 1.0,
        Decoder::SigmoidExponential | Decoder::SigmoidSquare => (logistic(1.0) - 0.5) * step[0] / moved,
        _ => anchors[0][0] / moved,
    };
    let size_scale = match decoder {
        Decoder::Exponential | Decoder::SigmoidExponential => 1.0 / (size(one, 0, 0) / size(zero, 0, 0)).ln(),
        _ => 1.0,
    };
    let numbers = step.iter().chain(anchors.as_flattened()).chain([&centre_scale, &size_scale]);
    let sensible = numbers.into_iter().all(|number| number.is_finite() && (1e-6..1e4).contains(number));
    if !sensible || (is_linear && size(zero, 0, 0).abs() > SAME) {
        return None;
    }
    let spelling = Spelling {
        decoder,
        field_order,
        centre_scale: rounded(centre_scale),
        size_scale: rounded(size_scale),
        bins,
        keypoints: 0,
    };
    let single = |pair: [f64; 2]| pair.map(|value| value as f32);
    let anchors = anchors.into_iter().map(single).collect();
    Some((
        spelling,
        Grid { rows: level.rows, columns: level.columns, anchors, first: single(first), step: single(step) },
    ))
}

/// Without the last digits, which hang on the host's floats.
fn rounded(value: f64) -> f32 {
    ((value * 1e4).round() / 1e4) as f32
}

/// Whether every box of an answer is where a spelling places it.
fn agrees(
    level: &Level,
    asked: &[Vec<f32>],
    rows: &Rows,
    arrangement: Arrangement,
    spelling: &Spelling,
    grid: &Grid,
) -> bool {
    (0..grid.anchor_count()).all(|index| {
        let (cell, anchor) = (index / level.anchors, index % level.anchors);
        let found = arrangement.bounds(level, rows, cell, anchor);
        let (placed, _) =
            place(spelling, grid, index, numbers(asked, level.boxes, level.anchors, cell, anchor));
        let reach = placed.iter().fold(1.0, |reach: f64, edge| reach.max(edge.abs()));
        found.iter().zip(placed).all(|(found, placed)| (found - placed).abs() <= SAME * reach)
    })
}
