//! Masks and spots of small grids, written as letters, over contracts read from artefacts.

use ocelli_core::{Point, SUBPIXELS, Score};
use ocelli_format::{
    AlignedBytes, Artefact, CellsView, OutputContractView, ResizeMode,
    model::{Cells, Element, Model, OutputContract, Schedule, Tensor},
    write,
};
use ocelli_vision::{Detections, Mask, Region, Transform, spots};

/// An artefact that is nothing but an output of cells, with background and the labels a and b.
fn artefact(rows: u32, columns: u32) -> AlignedBytes {
    let tensor = Tensor {
        name: "cells".to_owned(),
        element: Element::I8,
        shape: vec![1, rows, columns, 3],
        scale_bits: 0,
        zero_point: 0,
        data: None,
    };
    let cells = Cells {
        tensor: 0,
        has_background: true,
        threshold: 32_768,
        scores: Box::new(core::array::from_fn(|index| index as u16 * 256)),
        labels: vec!["a".to_owned(), "b".to_owned()],
    };
    let schedule = Schedule {
        profile: "portable".to_owned(),
        arena_bytes: rows * columns * 3,
        scratch_bytes: 0,
        placements: vec![Some(0)],
        steps: vec![],
    };
    let model = Model {
        tensors: vec![tensor],
        inputs: vec![0],
        outputs: vec![0],
        output_contracts: vec![OutputContract::Spots(cells)],
        schedules: vec![schedule],
        ..Model::default()
    };
    AlignedBytes::copy_of(&write(&model).unwrap())
}

fn contract(bytes: &[u8]) -> (CellsView<'_>, [usize; 3]) {
    let artefact = Artefact::parse(bytes).unwrap();
    match artefact.output_contracts().next() {
        Some(OutputContractView::Spots(cells)) => (cells, cells.grid(&artefact.tensor(cells.tensor))),
        other => panic!("{other:?}"),
    }
}

/// Rows of letters: `.` is background, capitals are less likely than small letters, `?` is not likely enough.
fn values(picture: &[&str]) -> Vec<i8> {
    let letters = picture.iter().flat_map(|row| row.bytes());
    let channels = letters.flat_map(|letter| match letter {
        b'a' => [-100, 100, 0],
        b'A' => [-100, 50, 0],
        b'b' => [-100, 0, 100],
        b'?' => [-100, -1, -2],
        _ => [100, 0, 0],
    });
    channels.collect()
}

/// A frame of 10 pixels for each of 4 x 2 cells, seen whole.
fn ten_pixels_a_cell() -> Transform {
    Transform::new((40, 20), Region::whole(40, 20), (8, 4), ResizeMode::Stretch).unwrap()
}

fn pixel(x: i32, y: i32) -> Point {
    Point { x: x * SUBPIXELS, y: y * SUBPIXELS }
}

#[test]
fn cells_show_their_largest_channel() {
    let bytes = artefact(2, 4);
    let (contract, grid) = contract(&bytes);
    let values = values(&[".aAb", "?..b"]);
    let mask = Mask::new(&contract, grid, &values, &ten_pixels_a_cell());
    let (a, b) = (Some((0, Score(228 * 256))), Some((1, Score(228 * 256))));
    let row: Vec<_> = (0..5).map(|column| mask.cell(0, column)).collect();
    assert_eq!(row, [None, a, Some((0, Score(178 * 256))), b, None]);
    assert_eq!((mask.cell(1, 0), mask.cell(1, 3), mask.cell(2, 0)), (None, b, None));
    let bounds = mask.bounds(1, 2);
    assert_eq!(
        [bounds.left, bounds.top, bounds.right, bounds.bottom].map(|edge| edge / SUBPIXELS),
        [20, 10, 30, 20]
    );
    assert_eq!((mask.cell_at(pixel(0, 0)), mask.cell_at(pixel(29, 10))), (Some((0, 0)), Some((1, 2))));
    assert_eq!((mask.cell_at(pixel(40, 0)), mask.cell_at(pixel(-1, 0))), (None, None));
    // An output that is too short shows nothing.
    assert_eq!(Mask::new(&contract, grid, &values[1..], &ten_pixels_a_cell()).cell(0, 1), None);
}

#[test]
fn frames_with_a_border_find_their_cells() {
    let bytes = artefact(4, 4);
    let (contract, grid) = contract(&bytes);
    let values = values(&["....", "aabb", "aabb", "...."]);
    // A frame twice as wide as high fills the two rows in the middle.
    let transform = Transform::new((80, 40), Region::whole(80, 40), (16, 16), ResizeMode::Letterbox).unwrap();
    let mask = Mask::new(&contract, grid, &values, &transform);
    for (x, y, cell) in [(0, 0, (1, 0)), (79, 39, (2, 3)), (40, 19, (1, 2)), (39, 20, (2, 1))] {
        assert_eq!(mask.cell_at(pixel(x, y)), Some(cell));
    }
}

fn found(picture: &[&str]) -> (Vec<(u16, u16, [i32; 4])>, u32) {
    let bytes = artefact(picture.len() as u32, picture[0].len() as u32);
    let (contract, grid) = contract(&bytes);
    let values = values(picture);
    let size = (picture[0].len(), picture.len());
    let transform = Transform::new(size, Region::whole(size.0, size.1), size, ResizeMode::Stretch).unwrap();
    let mut detections = Detections::<3, 0>::new();
    spots(&Mask::new(&contract, grid, &values, &transform), &mut detections);
    let spot = |found: &ocelli_core::Detection<0>| {
        let bounds = found.bounds;
        let edges = [bounds.left, bounds.top, bounds.right, bounds.bottom].map(|edge| edge / SUBPIXELS);
        (found.class_index, found.score.0 / 256, edges)
    };
    (detections.found.iter().map(spot).collect(), detections.overflowed_candidates)
}

#[test]
fn cells_that_touch_are_one_spot() {
    assert_eq!(found(&["....", "...."]).0, []);
    // By a corner, and with the best score of its cells.
    assert_eq!(found(&["A...", ".a.."]).0, [(0, 228, [0, 0, 2, 2])]);
    // Of another label, or a cell away.
    assert_eq!(
        found(&["ab..", "....", "A..."]).0,
        [(0, 228, [0, 0, 1, 1]), (1, 228, [1, 0, 2, 1]), (0, 178, [0, 2, 1, 3])]
    );
    // Two that only the last row joins.
    assert_eq!(found(&["a..a", "a..a", ".aa."]).0, [(0, 228, [0, 0, 4, 3])]);
    let (spots, overflowed) = found(&["a.b.a.b"]);
    assert_eq!((spots.len(), overflowed), (3, 1));
}
