//! Duties of anchors, and what the loss pulls at.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_compiler::detector::place;
use ocelli_compiler::float_detector::overlap;

use super::assign::Duty;
use super::*;
use crate::learn::numbers;

const CONTRACT: &str = r#"
[boxes]
labels = ["small", "large"]
score_threshold = 0.3
iou_threshold = 0.5
suppression = "hard"

[boxes.layout]
scores = "scores"
boxes = "boxes"
logits = true
decoder = "exponential"
field_order = [1, 0, 3, 2]
centre_scale = 2.0
heads = [
    { rows = 8, columns = 8, anchors = [[0.2, 0.2]] },
    { rows = 4, columns = 4, anchors = [[0.5, 0.5]] },
]
"#;

fn contract(text: &str) -> Boxes {
    ocelli_compiler::contract::Contract::parse("test", text).unwrap().boxes.unwrap()
}

fn detector() -> Detector {
    Detector::new("test", &contract(CONTRACT)).unwrap()
}

fn object(class: usize, bounds: [f32; 4]) -> Object {
    Object { class, bounds, is_ignored: false }
}

/// The anchors that answer for an object, as head, row and column.
fn of(duties: &[Duty], wanted: usize) -> Vec<[usize; 3]> {
    let place = |at: usize| if at < 64 { [0, at / 8, at % 8] } else { [1, (at - 64) / 4, (at - 64) % 4] };
    (0..duties.len()).filter(|&at| duties[at] == Duty::Object(wanted)).map(place).collect()
}

#[test]
fn an_object_gets_the_anchors_around_its_middle_on_the_grid_of_its_size() {
    let large = object(1, [0.21, 0.21, 0.81, 0.81]);
    let small = object(0, [0.05, 0.05, 0.19, 0.19]);
    let duties = detector().assign(&[large, small]);
    // All cells of the coarse grid but its corners.
    let is_corner = |place: &[usize; 3]| [0, 3].contains(&place[1]) && [0, 3].contains(&place[2]);
    let of_large = of(&duties, 0);
    assert!(of_large.len() == 12 && of_large.iter().all(|place| place[0] == 1 && !is_corner(place)));
    // Three by three cells but the one that is farthest.
    let of_small = of(&duties, 1);
    assert!(of_small.len() == 8 && of_small.iter().all(|place| place[0] == 0 && place[1] + place[2] < 4));
}

#[test]
fn objects_that_touch_share_no_anchor_and_tiny_ones_get_as_many() {
    let row = [object(0, [0.1, 0.41, 0.3, 0.61]), object(0, [0.3, 0.41, 0.5, 0.61])];
    let duties = detector().assign(&row);
    let columns = |index| of(&duties, index).iter().map(|place| place[2]).collect::<Vec<_>>();
    assert!(columns(0).len() >= 6 && columns(0).iter().all(|&column| column < 2), "{:?}", columns(0));
    assert!(columns(1).len() >= 6 && columns(1).iter().all(|&column| column > 1), "{:?}", columns(1));
    let tiny = object(0, [0.49, 0.49, 0.495, 0.495]);
    assert!(of(&detector().assign(&[tiny]), 0).len() >= 6);
}

#[test]
fn what_is_ignored_asks_nothing() {
    let ignored = Object { is_ignored: true, ..object(0, [0.0, 0.0, 0.5, 1.0]) };
    let inside = object(0, [0.2, 0.2, 0.4, 0.4]);
    for objects in [[ignored, inside], [inside, ignored]] {
        let duties = detector().assign(&objects);
        let free = duties.iter().filter(|duty| **duty == Duty::Free).count();
        assert_eq!(free + of(&duties, 0).len() + of(&duties, 1).len(), 32 + 8);
        assert!(duties.contains(&Duty::Background));
    }
}

fn loss(scores: &[f32], boxes: &[f32], objects: &[Object]) -> (f32, Vec<f32>, Vec<f32>) {
    let device = Device::default().autodiff();
    let leaf = |values: &[f32], columns: usize| {
        let data = TensorData::new(values.to_vec(), [values.len() / columns, columns]);
        Tensor::<2>::from_data(data, &device).require_grad()
    };
    let (scores, boxes) = (leaf(scores, 2), leaf(boxes, 4));
    let outputs = Outputs { scores: scores.clone(), boxes: boxes.clone() };
    let loss = detector().loss(&outputs, &[objects], &device);
    let value = loss.clone().into_scalar::<f32>();
    let gradients = loss.backward();
    let of = |leaf: Tensor<2>| leaf.grad(&gradients).map_or_else(Vec::new, numbers);
    (value, of(scores), of(boxes))
}

fn start() -> (Vec<f32>, Vec<f32>) {
    let wave = |count: usize| (0..count).map(|at| (at as f32 * 0.7 + 0.35).sin() * 0.3).collect();
    (wave(80 * 2), wave(80 * 4))
}

#[test]
fn gradients_of_scores_are_slopes() {
    let objects = [object(1, [0.2, 0.25, 0.8, 0.7]), object(0, [0.03, 0.07, 0.22, 0.2])];
    let (scores, boxes) = start();
    let (_, of_scores, _) = loss(&scores, &boxes, &objects);
    for place in 0..scores.len() {
        let moved = |by: f32| {
            let mut scores = scores.clone();
            scores[place] += by;
            loss(&scores, &boxes, &objects).0
        };
        let slope = (moved(0.05) - moved(-0.05)) / 0.1;
        assert!((slope - of_scores[place]).abs() < 2e-3, "{place}: {slope} and {}", of_scores[place]);
    }
}

#[test]
fn going_down_the_loss_ends_with_boxes_on_objects_and_scores_that_say_how_well() {
    let detector = detector();
    let objects = [object(1, [0.2, 0.25, 0.8, 0.7]), object(0, [0.03, 0.07, 0.22, 0.2])];
    let (mut scores, mut boxes) = start();
    let first = loss(&scores, &boxes, &objects).0;
    for step in 0..1000 {
        let (_, of_scores, of_boxes) = loss(&scores, &boxes, &objects);
        // The overlap has an edge where a box is right, so that long steps go to and fro.
        let rate = 1.0 - step as f32 / 1000.0;
        scores.iter_mut().zip(of_scores).for_each(|(value, slope)| *value -= 4.0 * slope);
        boxes.iter_mut().zip(of_boxes).for_each(|(value, slope)| *value -= rate * slope);
    }
    assert!(loss(&scores, &boxes, &objects).0 < 0.1 * first);
    let heads = detector.heads();
    for (row, duty) in detector.assign(&objects).into_iter().enumerate() {
        let probability = |class: usize| 1.0 / (1.0 + (-scores[2 * row + class]).exp());
        let Duty::Object(index) = duty else {
            assert!(probability(0).max(probability(1)) < 0.2, "{row}: {scores:?}");
            continue;
        };
        let object = &objects[index];
        let (head, anchor) = if row < 64 { (&heads[0], row) } else { (&heads[1], row - 64) };
        let (bounds, _) = place(&head.spelling, &head.grid, anchor, &boxes[4 * row..4 * row + 4]);
        let overlap = overlap(&bounds.map(|end| end as f32), &object.bounds);
        assert!(overlap > 0.9, "{row}: {bounds:?} for {object:?}");
        assert!((probability(object.class) - overlap).abs() < 0.2, "{row}: {}", probability(object.class));
        assert!(probability(1 - object.class) < 0.2);
    }
}

#[test]
fn pictures_without_objects_push_all_scores_down() {
    let (scores, boxes) = start();
    let (value, of_scores, of_boxes) = loss(&scores, &boxes, &[]);
    assert!(value > 0.0 && of_scores.iter().all(|slope| *slope > 0.0));
    assert!(of_boxes.iter().all(|slope| *slope == 0.0));
}

#[test]
fn contracts_that_are_not_trained_say_why() {
    let problem = |from: &str, to: &str| {
        Detector::new("net", &contract(&CONTRACT.replace(from, to))).unwrap_err().to_string()
    };
    assert!(problem("\"exponential\"", "\"linear\"").contains("exponential"));
    assert!(problem("logits = true", "logits = false").contains("logits = true"));
    assert!(problem("logits = true", "logits = true\nhas_background = true").contains("has_background"));
    let without = &CONTRACT[..CONTRACT.find("[boxes.layout]").unwrap()];
    assert!(Detector::new("net", &contract(without)).unwrap_err().to_string().contains("[boxes.layout]"));
}

#[test]
fn objects_are_where_the_input_shows_them() {
    use ocelli_format::ResizeMode;
    use ocelli_vision::Region;
    // A frame of 80 x 40 in the middle of an input of 40 x 40: half the size, 10 rows of border above and below.
    let whole = Region::whole(80, 40);
    let transform = Transform::new((80, 40), whole, (40, 40), ResizeMode::Letterbox).unwrap();
    let truth = |bounds| TrueBox { class: 1, bounds, is_ignored: false, is_crowd: false };
    let found = objects(&[truth([8.0, 0.0, 40.0, 20.0]), truth([80.0, 0.0, 80.0, 9.0])], &transform);
    assert_eq!(found, [object(1, [0.1, 0.25, 0.5, 0.5])]);
}
