//! A worked example by hand; `tests/coco.rs` compares with pycocotools.

use super::*;

fn truth(bounds: [f32; 4]) -> TrueBox {
    TrueBox { class: 0, bounds, is_ignored: false, is_crowd: false }
}

fn found(score: f32, bounds: [f32; 4]) -> FoundBox {
    FoundBox { class: 0, score, bounds }
}

fn measure(pictures: &[(Vec<TrueBox>, Vec<FoundBox>)]) -> Vec<f64> {
    let mut boxes = Boxes::default();
    pictures.iter().for_each(|(truths, found)| boxes.add(truths, found));
    let metrics = boxes.metrics(&[], Bootstrap { resamples: 100, seed: 1 });
    for metric in &metrics {
        assert!(metric.interval.low <= metric.value && metric.value <= metric.interval.high, "{metric:?}");
    }
    metrics.iter().map(|metric| metric.value).collect()
}

/// Three objects; found are one exactly, one at an IoU of one half, nothing, and one exactly.
fn example() -> Vec<(Vec<TrueBox>, Vec<FoundBox>)> {
    let square = [0.0, 0.0, 10.0, 10.0];
    vec![
        (
            vec![truth(square), truth([20.0, 0.0, 30.0, 10.0])],
            vec![found(0.9, square), found(0.8, [20.0, 0.0, 30.0, 20.0])],
        ),
        (vec![truth(square)], vec![found(0.6, square), found(0.7, [50.0, 50.0, 60.0, 60.0])]),
    ]
}

#[test]
fn average_precision_is_what_the_hand_counts() {
    // At 0.50 recall goes 1/3, 2/3, 2/3, 1 and precision 1, 1, 2/3, 3/4: 67 points of 1, 34 of 3/4.
    // Above, recall goes 1/3, 1/3, 1/3, 2/3 and precision 1, 1/2, 1/3, 1/2: 34 points of 1, 33 of 1/2.
    let (at_50, above) = ((67.0 + 34.0 * 0.75) / 101.0, (34.0 + 33.0 * 0.5) / 101.0);
    let values = measure(&example());
    assert!((values[0] - at_50).abs() < 1e-12, "{values:?}");
    assert!((values[1] - (at_50 + 9.0 * above) / 10.0).abs() < 1e-12, "{values:?}");
}

#[test]
fn an_object_found_twice_is_found_once() {
    let square = [0.0, 0.0, 10.0, 10.0];
    let values = measure(&[(vec![truth(square)], vec![found(0.9, square), found(0.8, square)])]);
    assert_eq!(values, [1.0, 1.0], "the second one comes after full recall");
    let values = measure(&[
        (vec![truth(square)], vec![found(0.9, square), found(0.8, square)]),
        (vec![truth(square)], vec![found(0.7, square)]),
    ]);
    assert!((values[0] - (51.0 + 50.0 * 2.0 / 3.0) / 101.0).abs() < 1e-12, "{values:?}");
}

#[test]
fn classes_are_told_one_by_one_where_there_are_several() {
    let square = [0.0, 0.0, 10.0, 10.0];
    let of = |class: usize, truth: TrueBox| TrueBox { class, ..truth };
    let mut boxes = Boxes::default();
    boxes.add(&[of(0, truth(square)), of(2, truth(square))], &[found(0.9, square)]);
    let labels = ["cat".to_owned(), "dog".to_owned()];
    let metrics = boxes.metrics(&labels, Bootstrap { resamples: 10, seed: 1 });
    let told: Vec<(&str, f64)> = metrics.iter().map(|metric| (&*metric.name, metric.value)).collect();
    // Of class 1 there is nothing to find, and class 2 has no name.
    assert_eq!(told, [("mAP@50", 0.5), ("mAP@50:95", 0.5), ("AP@50 cat", 1.0), ("AP@50 2", 0.0)]);
    assert_eq!(boxes.mean_precision(), 0.5);
}

#[test]
fn difficult_objects_count_for_nothing() {
    let mut pictures = example();
    let far = [100.0, 100.0, 120.0, 120.0];
    pictures[0].0.push(TrueBox { is_ignored: true, ..truth(far) });
    assert_eq!(measure(&pictures), measure(&example()), "missing one costs nothing");
    pictures[0].1.push(found(0.95, far));
    assert_eq!(measure(&pictures), measure(&example()), "finding one brings nothing");
}

#[test]
fn a_class_with_nothing_to_find_is_no_part_of_the_mean() {
    let mut pictures = example();
    let before = measure(&pictures);
    pictures[0].1.push(FoundBox { class: 3, ..found(0.99, [0.0, 0.0, 5.0, 5.0]) });
    // The means are the first two; what follows is told class by class where more than one was looked for or found.
    assert_eq!(measure(&pictures)[..2], before[..2]);
}
