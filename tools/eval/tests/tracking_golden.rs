//! MOTA, IDF1 and the counts behind them against motmetrics, on tracks that break off, change hands and are
//! imagined. `golden_tracking/generate.py` made them.

use ocelli_eval::{TrackedBox, TrackingEvaluation};
use serde_json::Value;

#[test]
fn tracking_scores_equal_those_of_motmetrics() {
    let sequences: Value = serde_json::from_str(include_str!("golden_tracking/tracks.json")).unwrap();
    let boxes = |value: &Value| -> Vec<TrackedBox> {
        let each = value.as_array().unwrap().iter().map(|pair| TrackedBox {
            identity: pair[0].as_u64().unwrap() as u32,
            bounds: [0, 1, 2, 3].map(|edge| pair[1][edge].as_f64().unwrap() as f32),
        });
        each.collect()
    };
    for (index, sequence) in sequences.as_array().unwrap().iter().enumerate() {
        let mut evaluation = TrackingEvaluation::default();
        for frame in sequence["frames"].as_array().unwrap() {
            evaluation.add_frame(&boxes(&frame["truths"]), &boxes(&frame["found"]));
        }
        let score = evaluation.score().unwrap();
        let expected = |key: &str| sequence["expected"][key].as_f64().unwrap();
        let counts = [score.identity_switches, score.misses, score.false_positives];
        let expected_counts = ["num_switches", "num_misses", "num_false_positives"].map(expected);
        assert_eq!(counts.map(|count| count as f64), expected_counts, "sequence {index}");
        assert!((score.mota - expected("mota")).abs() < 1e-9, "sequence {index}: {score:?}");
        assert!((score.idf1 - expected("idf1")).abs() < 1e-9, "sequence {index}: {score:?}");
    }
}
