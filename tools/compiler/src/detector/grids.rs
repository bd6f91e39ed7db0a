//! Grids out of a list of anchors: what files hold that have no word for feature maps.
//!
//! Anchors stand in the order of the rows that they belong to: feature map by feature map, row by row, cell by cell,
//! those of a cell together. A grid ends where sizes or places go on otherwise.

use super::Grid;

/// Up to so much of the input's side, two numbers are one that was computed in two ways.
const SAME: f32 = 1e-5;

/// The grids of anchors that state y and x of their middle, height and width; places may be off by `rounding`.
///
/// # Errors
/// Which anchor stands on no grid.
pub(crate) fn grids_of(anchors: &[[f32; 4]], rounding: f32) -> Result<Vec<Grid>, String> {
    let (mut grids, mut first) = (Vec::new(), 0);
    while first < anchors.len() {
        let grid = leading(&anchors[first..]);
        if let Some(off) = off_grid(&grid, &anchors[first..], SAME + rounding) {
            return Err(format!(
                "anchor {} at {:?} (y, x, height, width) is not where a grid of {} rows and {} columns from anchor {first} on has it; anchors on even grids, row by row, are supported",
                first + off,
                anchors[first + off],
                grid.rows,
                grid.columns
            ));
        }
        first += grid.anchor_count();
        grids.push(grid);
    }
    Ok(grids)
}

/// The largest grid that the list may begin with.
fn leading(anchors: &[[f32; 4]]) -> Grid {
    let first = anchors[0];
    let same =
        |one: &[f32], other: &[f32]| one.iter().zip(other).all(|(one, other)| (one - other).abs() <= SAME);
    let per_cell = anchors.iter().take_while(|anchor| same(&anchor[..2], &first[..2])).count();
    let cells: Vec<&[[f32; 4]]> = anchors.chunks_exact(per_cell).collect();
    let alike =
        |cell: &[[f32; 4]]| cell.iter().zip(cells[0]).all(|(cell, first)| same(&cell[2..], &first[2..]));
    let beside = |before: &[[f32; 4]], cell: &[[f32; 4]]| {
        alike(cell) && same(&cell[0][..1], &before[0][..1]) && cell[0][1] > before[0][1] + SAME
    };
    let columns = 1 + cells.windows(2).take_while(|pair| beside(pair[0], pair[1])).count();
    let lines: Vec<&[&[[f32; 4]]]> = cells.chunks_exact(columns).collect();
    let below = |before: &[&[[f32; 4]]], line: &[&[[f32; 4]]]| {
        let [start, above] = [line[0][0], before[0][0]];
        let whole = line.windows(2).all(|pair| beside(pair[0], pair[1]));
        whole && alike(line[0]) && start[0] > above[0] + SAME && same(&start[1..2], &first[1..2])
    };
    let rows = 1 + lines.windows(2).take_while(|pair| below(pair[0], pair[1])).count();
    let last = lines[rows - 1][columns - 1][0];
    let step = |axis: usize, cells: usize| match cells {
        1 => 1.0,
        _ => (last[axis] - first[axis]) / (cells - 1) as f32,
    };
    Grid {
        rows,
        columns,
        anchors: cells[0].iter().map(|&[_, _, height, width]| [width, height]).collect(),
        first: [first[1], first[0]],
        step: [step(1, columns), step(0, rows)],
    }
}

/// The first anchor that stands elsewhere than its grid has it.
fn off_grid(grid: &Grid, anchors: &[[f32; 4]], tolerance: f32) -> Option<usize> {
    let place = |axis: usize, cell: usize| grid.first[axis] + grid.step[axis] * cell as f32;
    (0..grid.anchor_count()).find(|&index| {
        let cell = index / grid.anchors.len();
        let [y, x, _, _] = anchors[index];
        let off = [x - place(0, cell % grid.columns), y - place(1, cell / grid.columns)];
        !off.iter().all(|off| off.abs() <= tolerance)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Anchors of `rows` by `columns` even cells, one of each size in each.
    fn even(rows: usize, columns: usize, sizes: &[[f32; 2]]) -> Vec<[f32; 4]> {
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let middle = |cell: usize, cells: usize| (cell as f32 + 0.5) / cells as f32;
        let anchors = cells.flat_map(|(row, column)| {
            sizes
                .iter()
                .map(move |&[height, width]| [middle(row, rows), middle(column, columns), height, width])
        });
        anchors.collect()
    }

    #[test]
    fn feature_maps_are_told_apart() {
        let sizes = [[0.1, 0.2], [0.2, 0.1], [0.2, 0.2]];
        let parts = [(4, 6, 2), (2, 3, 3), (1, 2, 3), (1, 1, 3), (3, 1, 1)];
        let anchors: Vec<[f32; 4]> =
            parts.iter().flat_map(|&(rows, columns, count)| even(rows, columns, &sizes[..count])).collect();
        let grids = grids_of(&anchors, 0.0).unwrap();
        let found: Vec<_> = grids.iter().map(|grid| (grid.rows, grid.columns, grid.anchors.len())).collect();
        assert_eq!(found, parts);
        let mut whole = Grid {
            first: [0.0; 2],
            step: [0.0; 2],
            anchors: vec![[0.2, 0.1], [0.1, 0.2]],
            ..grids[0].clone()
        };
        whole.complete();
        assert_eq!(grids[0].anchors, whole.anchors);
        let near = |one: [f32; 2], other: [f32; 2]| one.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(grids[0].first, whole.first) && near(grids[0].step, whole.step), "{:?}", grids[0]);
    }

    #[test]
    fn an_anchor_beside_its_cell_is_named() {
        let mut anchors = even(3, 3, &[[0.2, 0.2]]);
        anchors[4][1] += 0.01;
        let problem = grids_of(&anchors, 0.0).unwrap_err();
        assert!(problem.contains("anchor 4 at [0.5, 0.51"), "{problem}");
        // Rounded to hundredths they are as near as rounding leaves them.
        anchors.iter_mut().flatten().for_each(|value| *value = (*value * 100.0).round() / 100.0);
        assert_eq!(grids_of(&anchors, 0.02).unwrap().len(), 1);
    }
}
