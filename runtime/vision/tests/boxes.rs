//! The postprocess stage of detectors against real arithmetic, over contracts read from artefacts.

use ocelli_core::{BoundingBox, Detection, Point, SUBPIXELS, Score};
use ocelli_format::{
    AlignedBytes, Artefact, BoxDecoder, BoxesView, Field, OutputContractView, ResizeMode, Suppression,
    model::{BoxHead, Boxes, Element, Model, Objectness, OutputContract, Schedule, Tensor},
    write,
};
use ocelli_vision::{BoxPostprocessor, Detections, PostprocessError, Region, Transform};

#[path = "../src/random.rs"]
mod random;

use random::Random;

/// An artefact whose inputs are its outputs, so that a test may say what the model answered.
fn artefact(boxes: Boxes, sizes: &[[u32; 3]]) -> Vec<u8> {
    let tensors = sizes.iter().enumerate().map(|(index, shape)| Tensor {
        name: format!("output {index}"),
        element: Element::I8,
        shape: shape.to_vec(),
        scale_bits: 0,
        zero_point: 0,
        data: None,
    });
    let mut offset = 0;
    let placements = sizes.iter().map(|shape| {
        let placement = offset;
        offset += shape.iter().product::<u32>().next_multiple_of(16);
        Some(placement)
    });
    let placements = placements.collect();
    let ids: Vec<u16> = (0..sizes.len() as u16).collect();
    let model = Model {
        name: "boxes".to_owned(),
        version: "1".to_owned(),
        tensors: tensors.collect(),
        inputs: ids.clone(),
        outputs: ids,
        output_contracts: vec![OutputContract::Boxes(boxes)],
        schedules: vec![Schedule {
            profile: "portable".to_owned(),
            arena_bytes: offset,
            scratch_bytes: 0,
            placements,
            steps: Vec::new(),
        }],
        ..Model::default()
    };
    write(&model).expect("a valid model")
}

/// The contract of an artefact.
fn contract(artefact: &[u8]) -> BoxesView<'_> {
    match Artefact::parse(artefact).expect("a valid artefact").output_contracts().next() {
        Some(OutputContractView::Boxes(boxes)) => boxes,
        other => panic!("{other:?}"),
    }
}

fn logistic_table(scale: f64) -> Box<[u16; 256]> {
    let probability = |index: usize| 1.0 / (1.0 + (-(index as f64 - 128.0) * scale).exp());
    Box::new(core::array::from_fn(|index| (probability(index) * 65_536.0).min(65_535.0) as u16))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// BlazeFace's shape: 16x16 cells of two anchors and 8x8 cells of six, all as large as the input;
/// six keypoints, one scale of 1/128 input a value's unit of `scale`.
fn blaze_face(suppression: Suppression) -> Boxes {
    let scale = 0.75;
    let multiplier = (scale / 128.0 * 65_536.0 * 256.0) as i32;
    let head = |scores: u16, rows: u16, anchors: usize| BoxHead {
        scores,
        first_score: 0,
        boxes: scores + 1,
        first_box: 0,
        objectness: None,
        rows,
        columns: rows,
        first_centre: BoxHead::even_grid(rows, rows)[0],
        step: BoxHead::even_grid(rows, rows)[1],
        anchors: vec![[65_536; 2]; anchors],
        score_table: logistic_table(0.05),
        fields: vec![Field { multiplier, offset: 0 }; anchors * 16],
        value_tables: [None, None, None, None],
    };
    Boxes {
        decoder: BoxDecoder::Linear,
        labels: names(&["face"]),
        has_background: false,
        keypoints: names(&["right eye", "left eye", "nose", "mouth", "right ear", "left ear"]),
        score_threshold: 32_768,
        iou_threshold: 19_661,
        suppression,
        field_order: [0, 1, 2, 3],
        heads: vec![head(0, 16, 2), head(2, 8, 6)],
    }
}

const BLAZE_FACE_SIZES: [[u32; 3]; 4] = [[1, 512, 1], [1, 512, 16], [1, 384, 1], [1, 384, 16]];

/// A frame twice the width of a 128x128 input, seen whole: x in frame pixels is 2 x, y is y.
fn twice_as_wide() -> Transform {
    Transform::new((256, 128), Region::whole(256, 128), (128, 128), ResizeMode::Stretch).unwrap()
}

#[test]
fn one_anchor_becomes_one_face() {
    let bytes = AlignedBytes::copy_of(&artefact(blaze_face(Suppression::Weighted), &BLAZE_FACE_SIZES));
    let mut outputs = BLAZE_FACE_SIZES.map(|shape| vec![-100i8; shape.iter().product::<u32>() as usize]);
    // Row 3, column 5 of the coarse grid, fourth anchor: centre at 5.5/8 and 3.5/8 of the input.
    let anchor = (3 * 8 + 5) * 6 + 3;
    outputs[2][anchor] = 60;
    let row: [i8; 16] = [4, -8, 32, 40, 0, 0, 4, 4, -4, -4, 8, 8, 16, -16, 127, -128];
    outputs[3][anchor * 16..][..16].copy_from_slice(&row);

    let mut postprocessor = BoxPostprocessor::<8, 6>::new(contract(&bytes)).unwrap();
    let mut detections = Detections::<4, 6>::new();
    let output = |tensor: u16| outputs.get(usize::from(tensor)).map(Vec::as_slice);
    postprocessor.run(output, &twice_as_wide(), &mut detections).unwrap();

    assert_eq!((detections.overflowed_candidates, detections.overflowed_detections), (0, 0));
    let [face] = detections.found.as_slice() else { panic!("{detections:?}") };
    assert_eq!(face.score, Score(logistic_table(0.05)[188]));
    // 0.75 pixel a step: centre 88 + 3, 56 - 6; size 24 x 30.
    let pixels = |edges: [i32; 4]| {
        let [left, top, right, bottom] = edges.map(|edge| edge * SUBPIXELS);
        BoundingBox { left: 2 * left, top, right: 2 * right, bottom }
    };
    assert_eq!(face.bounds, pixels([79, 35, 103, 65]));
    let expected = [[88.0, 56.0], [91.0, 59.0], [85.0, 53.0], [94.0, 62.0], [100.0, 44.0], [183.25, -40.0]];
    for (point, [x, y]) in face.keypoints.iter().zip(expected) {
        assert_eq!(*point, Point { x: (x * 512.0) as i32, y: (y * 256.0) as i32 });
    }
    assert_eq!(face.keypoints.len(), 6);
}

#[test]
fn every_step_rounds_to_nearest() {
    let mut boxes = blaze_face(Suppression::Hard);
    boxes.keypoints.clear();
    // t is 2.5, 1.5, 11 and 5; the first cell of three has its centre at 10922.67.
    let fields = [640, 384, 11 << 8, 5 << 8].map(|offset| Field { multiplier: 0, offset });
    boxes.heads.truncate(1);
    let head = &mut boxes.heads[0];
    (head.rows, head.columns) = (1, 3);
    [head.first_centre, head.step] = BoxHead::even_grid(1, 3);
    (head.anchors, head.fields) = (vec![[32_768, 65_536]], fields.to_vec());
    let bytes = AlignedBytes::copy_of(&artefact(boxes, &[[1, 3, 1], [1, 3, 4]]));
    let outputs = [vec![9i8, -9, -9], vec![0i8; 12]];
    let output = |tensor: u16| outputs.get(usize::from(tensor)).map(Vec::as_slice);
    let mut detections = Detections::<1, 0>::new();
    let mut postprocessor = BoxPostprocessor::<1, 0>::new(contract(&bytes)).unwrap();
    let transform =
        Transform::new((256, 256), Region::whole(256, 256), (64, 64), ResizeMode::Stretch).unwrap();
    postprocessor.run(output, &transform, &mut detections).unwrap();
    // Centre 10923 + 2, 32768 + 2; width 6, height 5, of which 3 are above the centre.
    let expected = BoundingBox { left: 10_922, top: 32_767, right: 10_928, bottom: 32_772 };
    assert_eq!(detections.found.first().map(|found| found.bounds), Some(expected));
}

#[test]
fn nothing_above_the_threshold_is_nothing() {
    let bytes = AlignedBytes::copy_of(&artefact(blaze_face(Suppression::Weighted), &BLAZE_FACE_SIZES));
    // The probability of -1 is just below a half.
    let outputs = BLAZE_FACE_SIZES.map(|shape| vec![-1i8; shape.iter().product::<u32>() as usize]);
    let mut postprocessor = BoxPostprocessor::<8, 6>::new(contract(&bytes)).unwrap();
    let mut detections = Detections::<4, 6>::new();
    detections.found.push(Detection::default()).unwrap();
    let output = |tensor: u16| outputs.get(usize::from(tensor)).map(Vec::as_slice);
    postprocessor.run(output, &twice_as_wide(), &mut detections).unwrap();
    assert_eq!(detections, Detections::default(), "and what was there before is gone");
}

/// A detection in real numbers: class, score, left, top, right, bottom, keypoints in input units.
#[derive(Clone, Debug)]
struct Real {
    class: usize,
    score: f64,
    edges: [f64; 4],
    keypoints: Vec<[f64; 2]>,
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let area = |e: &[f64; 4]| (e[2] - e[0]).max(0.0) * (e[3] - e[1]).max(0.0);
    let common = area(&[a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    common / (area(a) + area(b) - common)
}

/// Every anchor decoded in real numbers and suppressed as MediaPipe and TFLite describe it. `None`
/// when an overlap is too close to the threshold to tell.
fn oracle(boxes: &Boxes, outputs: &[Vec<i8>]) -> Option<Vec<Real>> {
    let bins = if let BoxDecoder::Distribution { bins } = boxes.decoder { usize::from(bins) } else { 0 };
    let columns = if bins > 0 { 4 * bins } else { 4 + 2 * boxes.keypoints.len() };
    let classes = boxes.labels.len() + usize::from(boxes.has_background);
    let mut candidates: Vec<Real> = Vec::new();
    for head in &boxes.heads {
        let anchors = head.anchors.len();
        for index in 0..usize::from(head.rows) * usize::from(head.columns) * anchors {
            let (cell, anchor) = (index / anchors, index % anchors);
            let cell = [cell % usize::from(head.columns), cell / usize::from(head.columns)];
            let in_inputs = |number: i32| f64::from(number) / f64::from(1 << 24);
            let centre = [0, 1].map(|axis| {
                in_inputs(head.first_centre[axis]) + in_inputs(head.step[axis]) * cell[axis] as f64
            });
            let size = head.anchors[anchor].map(|side| f64::from(side) / 65_536.0);
            let unit = if boxes.decoder == BoxDecoder::Cells { head.step.map(in_inputs) } else { size };
            let values = &outputs[usize::from(head.boxes)][(head.first_box as usize + index) * columns..];
            let t = |at: usize| {
                let field = head.fields[anchor * columns + at];
                let scaled = f64::from(values[at]) * f64::from(field.multiplier) + f64::from(field.offset);
                scaled / 256.0 / 65_536.0
            };
            let order = boxes.field_order.map(usize::from);
            let named = |name: usize| match &head.value_tables[name] {
                Some(table) => f64::from(table[(i32::from(values[order[name]]) + 128) as usize]) / 65_536.0,
                None => t(order[name]),
            };
            let distance = |edge: usize| {
                let values = &values[order[edge] * bins..][..bins];
                let largest = *values.iter().max().unwrap();
                let table = head.value_tables[0].as_ref().unwrap();
                let weight = |value: i8| f64::from(table[usize::from(largest.abs_diff(value))]);
                let total: f64 = values.iter().map(|&value| weight(value)).sum();
                values.iter().enumerate().map(|(bin, &value)| bin as f64 * weight(value)).sum::<f64>() / total
            };
            let (middle, extent) = if bins > 0 {
                let edges = [0, 1].map(|axis| [-distance(axis), distance(2 + axis)].map(|d| d * size[axis]));
                (
                    [0, 1].map(|axis| centre[axis] + (edges[axis][0] + edges[axis][1]) / 2.0),
                    edges.map(|[least, most]| most - least),
                )
            } else {
                (
                    [0, 1].map(|axis| centre[axis] + named(axis) * unit[axis]),
                    [0, 1].map(|axis| named(2 + axis) * size[axis]),
                )
            };
            if extent[0] <= 0.0 || extent[1] <= 0.0 {
                continue;
            }
            let keypoint = |at: usize| [0, 1].map(|axis| centre[axis] + t(4 + 2 * at + axis) * unit[axis]);
            let scores = &outputs[usize::from(head.scores)][(head.first_score as usize + index) * classes..];
            for (class, &value) in scores[..classes].iter().enumerate().skip(boxes.has_background.into()) {
                let mut score = f64::from(head.score_table[(i32::from(value) + 128) as usize]);
                if let Some(objectness) = &head.objectness {
                    let value = outputs[usize::from(objectness.tensor)][objectness.first as usize + index];
                    let object = f64::from(objectness.table[(i32::from(value) + 128) as usize]);
                    score = (score * object / 65_536.0 + 0.5).floor();
                }
                if score >= f64::from(boxes.score_threshold) {
                    candidates.push(Real {
                        class: class - usize::from(boxes.has_background),
                        score,
                        edges: [
                            middle[0] - extent[0] / 2.0,
                            middle[1] - extent[1] / 2.0,
                            middle[0] + extent[0] / 2.0,
                            middle[1] + extent[1] / 2.0,
                        ],
                        keypoints: (0..boxes.keypoints.len()).map(keypoint).collect(),
                    });
                }
            }
        }
    }
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let threshold = f64::from(boxes.iou_threshold) / 65_536.0;
    let mut found = Vec::new();
    while !candidates.is_empty() {
        let best = candidates[0].clone();
        let overlaps: Vec<f64> = candidates.iter().map(|c| overlap(&best.edges, &c.edges)).collect();
        if overlaps.iter().any(|overlap| (overlap - threshold).abs() < 1e-3) {
            return None;
        }
        let mut index = 0;
        let (same, rest): (Vec<Real>, Vec<Real>) = candidates.into_iter().partition(|candidate| {
            index += 1;
            index == 1 || candidate.class == best.class && overlaps[index - 1] > threshold
        });
        candidates = rest;
        let mut result = best.clone();
        if boxes.suppression == Suppression::Weighted {
            let total: f64 = same.iter().map(|c| c.score).sum();
            let mean = |of: &dyn Fn(&Real) -> f64| same.iter().map(|c| of(c) * c.score).sum::<f64>() / total;
            result.edges = [0, 1, 2, 3].map(|edge| mean(&|c: &Real| c.edges[edge]));
            for (at, point) in result.keypoints.iter_mut().enumerate() {
                *point = [0, 1].map(|axis| mean(&|c: &Real| c.keypoints[at][axis]));
            }
        }
        found.push(result);
    }
    Some(found)
}

/// A detector with everything that may vary, at random.
fn any_boxes(random: &mut Random) -> (Boxes, Vec<[u32; 3]>) {
    let decoder = match random.below(4) {
        0 => BoxDecoder::Linear,
        1 => BoxDecoder::Exponential,
        2 => BoxDecoder::Cells,
        _ => BoxDecoder::Distribution { bins: 2 + random.below(31) as u8 },
    };
    let is_distribution = matches!(decoder, BoxDecoder::Distribution { .. });
    let keypoints = if is_distribution { 0 } else { random.below(3) as usize };
    let labels = 1 + random.below(3) as usize;
    let has_background = random.below(2) == 0;
    let has_objectness = random.below(2) == 0;
    let columns = match decoder {
        BoxDecoder::Distribution { bins } => 4 * usize::from(bins),
        _ => 4 + 2 * keypoints,
    };
    let classes = (labels + usize::from(has_background)) as u32;
    let heads = 1 + random.below(3);
    let exponential = |scale: f64| -> Option<Box<[i32; 256]>> {
        let entry = |at: usize| (((at as f64 - 128.0) * scale).exp() * 65_536.0).round() as i32;
        Some(Box::new(core::array::from_fn(entry)))
    };
    let sigmoid = |scale: f64| -> Option<Box<[i32; 256]>> {
        let entry = |at: usize| (131_072.0 / (1.0 + ((128.0 - at as f64) * scale).exp()) - 65_536.0) as i32;
        Some(Box::new(core::array::from_fn(entry)))
    };
    let falling = Box::new(core::array::from_fn(|below| ((below as f64 * -0.05).exp() * 65_536.0) as i32));
    let value_tables = match decoder {
        BoxDecoder::Exponential => [None, None, exponential(0.011), exponential(0.009)],
        BoxDecoder::Cells => [sigmoid(0.03), sigmoid(0.02), exponential(0.011), exponential(0.009)],
        BoxDecoder::Distribution { .. } => [Some(falling), None, None, None],
        _ => [None, None, None, None],
    };
    // The heads share their outputs, as a model that concatenates them does.
    let mut first = 0;
    let heads = (0..heads).map(|_| {
        let (rows, grid_columns) = (1 + random.below(5) as u16, 1 + random.below(5) as u16);
        let anchors = 1 + random.below(3) as usize;
        let fields = if is_distribution { 0 } else { anchors * columns };
        let largest = if is_distribution { 4_000 } else { 40_000 };
        let head = BoxHead {
            scores: 0,
            first_score: first,
            boxes: 1,
            first_box: first,
            objectness: has_objectness.then(|| Objectness { tensor: 2, first, table: logistic_table(0.2) }),
            rows,
            columns: grid_columns,
            first_centre: [0, 1].map(|_| random.below(1 << 22) as i32 - (1 << 19)),
            step: [0, 1].map(|_| 1 + random.below(1 << 22) as i32),
            anchors: (0..anchors)
                .map(|_| [2_000 + random.below(largest), 2_000 + random.below(largest)])
                .collect(),
            score_table: logistic_table(0.03),
            fields: (0..fields)
                .map(|_| Field {
                    multiplier: 50_000 + random.below(100_000) as i32,
                    offset: random.below(1 << 22) as i32 - (1 << 21),
                })
                .collect(),
            value_tables: value_tables.clone(),
        };
        first += u32::from(rows) * u32::from(grid_columns) * anchors as u32;
        head
    });
    let heads: Vec<BoxHead> = heads.collect();
    let mut field_order = [0, 1, 2, 3];
    for at in 0..3 {
        field_order.swap(at, at + random.below(4 - at as u32) as usize);
    }
    let boxes = Boxes {
        decoder,
        labels: vec!["thing".to_owned(); labels],
        has_background,
        keypoints: vec!["point".to_owned(); keypoints],
        score_threshold: 40_000 + random.below(10_000) as u16,
        iou_threshold: random.below(50_000) as u16,
        suppression: if random.below(2) == 0 { Suppression::Hard } else { Suppression::Weighted },
        field_order,
        heads,
    };
    let sizes = vec![[1, first, classes], [1, first, columns as u32], [1, first, 1]];
    (boxes, sizes)
}

#[test]
fn detectors_of_every_kind_agree_with_real_arithmetic() {
    let mut random = Random::new(77);
    let (mut compared, mut found) = (0, 0);
    for _ in 0..400 {
        let (boxes, sizes) = any_boxes(&mut random);
        let outputs: Vec<Vec<i8>> = sizes
            .iter()
            .map(|shape| (0..shape.iter().product()).map(|_| random.next() as i8).collect())
            .collect();
        let mut outputs = outputs;
        // Scores all different, so that the order does not hang on ties.
        for (index, score) in outputs[0].iter_mut().enumerate() {
            *score = if index % 3 == 0 { (127 - index as i32 / 3 % 256) as i8 } else { -128 };
        }
        let Some(expected) = oracle(&boxes, &outputs) else { continue };
        let bytes = AlignedBytes::copy_of(&artefact(boxes, &sizes));
        let mut postprocessor = BoxPostprocessor::<256, 2>::new(contract(&bytes)).unwrap();
        let mut detections = Detections::<256, 2>::new();
        // A frame of 256 pixels: a sub-pixel is one step of the input's coordinates.
        let transform =
            Transform::new((256, 256), Region::whole(256, 256), (64, 64), ResizeMode::Stretch).unwrap();
        let output = |tensor: u16| outputs.get(usize::from(tensor)).map(Vec::as_slice);
        postprocessor.run(output, &transform, &mut detections).unwrap();
        assert_eq!(detections.found.len(), expected.len());
        for (detection, real) in detections.found.iter().zip(&expected) {
            assert_eq!(usize::from(detection.class_index), real.class);
            assert_eq!(f64::from(detection.score.0), real.score);
            let BoundingBox { left, top, right, bottom } = detection.bounds;
            for (edge, real) in [left, top, right, bottom].into_iter().zip(real.edges) {
                assert!((f64::from(edge) - real * 65_536.0).abs() < 4.0, "{detection:?} {real:?}");
            }
            assert_eq!(detection.keypoints.len(), real.keypoints.len());
            for (point, real) in detection.keypoints.iter().zip(&real.keypoints) {
                assert!((f64::from(point.x) - real[0] * 65_536.0).abs() < 4.0);
                assert!((f64::from(point.y) - real[1] * 65_536.0).abs() < 4.0);
            }
        }
        compared += 1;
        found += expected.len();
    }
    assert!(compared > 250 && found > 1000, "{compared} detectors, {found} objects");
}

#[test]
fn what_finds_no_room_is_counted() {
    let mut boxes = blaze_face(Suppression::Hard);
    boxes.iou_threshold = 65_535;
    let bytes = AlignedBytes::copy_of(&artefact(boxes, &BLAZE_FACE_SIZES));
    let mut outputs = BLAZE_FACE_SIZES.map(|shape| vec![8i8; shape.iter().product::<u32>() as usize]);
    outputs[0].fill(-100);
    outputs[2].fill(-100);
    for (score, anchor) in [(10, 3), (50, 40), (20, 41), (30, 300), (40, 11)] {
        outputs[0][anchor] = score;
    }
    let output = |tensor: u16| outputs.get(usize::from(tensor)).map(Vec::as_slice);
    let mut detections = Detections::<2, 6>::new();
    let mut postprocessor = BoxPostprocessor::<3, 6>::new(contract(&bytes)).unwrap();
    postprocessor.run(output, &twice_as_wide(), &mut detections).unwrap();
    assert_eq!((detections.overflowed_candidates, detections.overflowed_detections), (2, 1));
    // The next frame counts for itself.
    postprocessor.run(output, &twice_as_wide(), &mut detections).unwrap();
    assert_eq!((detections.overflowed_candidates, detections.overflowed_detections), (2, 1));
    let scores: Vec<u16> = detections.found.iter().map(|detection| detection.score.0).collect();
    let table = logistic_table(0.05);
    assert_eq!(scores, [table[178], table[168]]);
}

#[test]
fn equal_scores_come_in_the_order_of_their_anchors() {
    let mut boxes = blaze_face(Suppression::Hard);
    boxes.iou_threshold = 65_535;
    let bytes = AlignedBytes::copy_of(&artefact(boxes, &BLAZE_FACE_SIZES));
    let mut outputs = BLAZE_FACE_SIZES.map(|shape| vec![8i8; shape.iter().product::<u32>() as usize]);
    outputs[0].fill(-100);
    outputs[2].fill(-100);
    // Cells (0, 1), (0, 9) and, in the coarse grid, (0, 0).
    (outputs[0][18], outputs[0][2], outputs[2][0]) = (50, 50, 50);
    let output = |tensor: u16| outputs.get(usize::from(tensor)).map(Vec::as_slice);
    let mut detections = Detections::<3, 6>::new();
    let mut postprocessor = BoxPostprocessor::<8, 6>::new(contract(&bytes)).unwrap();
    postprocessor.run(output, &twice_as_wide(), &mut detections).unwrap();
    let centres: Vec<i32> =
        detections.found.iter().map(|found| (found.bounds.left + found.bounds.right) / 1024).collect();
    // Six pixels beyond the centres of the cells: 12, 76 and 8 pixels.
    assert_eq!(centres, [18, 82, 14]);
}

#[test]
fn outputs_that_do_not_belong_are_refused() {
    let bytes = AlignedBytes::copy_of(&artefact(blaze_face(Suppression::Hard), &BLAZE_FACE_SIZES));
    let error = BoxPostprocessor::<8, 5>::new(contract(&bytes)).unwrap_err();
    assert_eq!(error, PostprocessError::Keypoints { needed: 6, available: 5 });
    let mut postprocessor = BoxPostprocessor::<8, 6>::new(contract(&bytes)).unwrap();
    let mut detections = Detections::<3, 6>::new();
    let transform = twice_as_wide();
    let short = [0i8; 511];
    let error = postprocessor.run(|_| Some(&short[..]), &transform, &mut detections).unwrap_err();
    assert_eq!(error, PostprocessError::Output { tensor: 0, needed_elements: 512, available_elements: 511 });
    let whole = [0i8; 512];
    let missing = |tensor| if tensor == 0 { Some(&whole[..]) } else { None };
    let error = postprocessor.run(missing, &transform, &mut detections).unwrap_err();
    assert_eq!(error, PostprocessError::Output { tensor: 1, needed_elements: 8192, available_elements: 0 });
    assert_eq!(error.to_string(), "output tensor 1 needs 8192 elements and has 0");
}

#[test]
fn the_wildest_numbers_of_a_contract_do_not_overflow() {
    let mut boxes = blaze_face(Suppression::Weighted);
    boxes.score_threshold = 0;
    for head in &mut boxes.heads {
        head.anchors.fill([1 << 20; 2]);
        for (index, field) in head.fields.iter_mut().enumerate() {
            let sign = if index % 2 == 0 { 1 } else { -1 };
            *field = Field { multiplier: sign * ((1 << 23) - 1), offset: sign * ((1 << 30) - 1) };
        }
    }
    let bytes = AlignedBytes::copy_of(&artefact(boxes, &BLAZE_FACE_SIZES));
    let mut postprocessor = BoxPostprocessor::<896, 6>::new(contract(&bytes)).unwrap();
    let transform =
        Transform::new((8192, 1), Region::whole(8192, 1), (1, 8192), ResizeMode::Letterbox).unwrap();
    for value in [-128i8, 127] {
        let outputs = BLAZE_FACE_SIZES.map(|shape| vec![value; shape.iter().product::<u32>() as usize]);
        let output = |tensor: u16| outputs.get(usize::from(tensor)).map(Vec::as_slice);
        let mut detections = Detections::<896, 6>::new();
        postprocessor.run(output, &transform, &mut detections).unwrap();
        assert_eq!(detections.overflowed_candidates, 0);
    }
}
