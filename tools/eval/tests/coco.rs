//! Mean average precision against pycocotools on boxes with crowds, duplicates, ties and wrong classes.
//! `golden/generate.py` made them.

use std::path::Path;

use ocelli_eval::{DataSet, FoundBox, LabelMap, Model, Options, Prediction, Selection, evaluate};
use serde_json::Value;

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn average_precision_equals_that_of_pycocotools() {
    let found: Vec<Value> = golden("found.json").as_array().unwrap().clone();
    let of_picture = |picture: u64| -> Vec<FoundBox> {
        let number = |value: &Value| value.as_f64().unwrap() as f32;
        let box_of = |found: &Value| {
            let [left, top, width, height] = [0, 1, 2, 3].map(|side| number(&found["bbox"][side]));
            let class = found["category_id"].as_u64().unwrap() as usize - 1;
            let bounds = [left, top, left + width, top + height];
            FoundBox { class, score: number(&found["score"]), bounds }
        };
        found.iter().filter(|found| found["image_id"] == picture).map(box_of).collect()
    };
    // The pictures are one pixel each: its value tells which.
    let folder = std::env::temp_dir().join(format!("ocelli-eval-coco-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for picture in 1..=14u8 {
        let bytes = [&b"P5 1 1 255\n"[..], &[picture]].concat();
        std::fs::write(folder.join(format!("{picture}.png")), bytes).unwrap();
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/truths.json");
    let selection = Selection { images: Some(folder.clone()), ..Selection::default() };
    let set = DataSet::open(&file, &selection).unwrap();
    let labels = LabelMap::new(&set, &set.labels, 3, &[]).unwrap();
    let mut models = [Model {
        name: "golden".into(),
        predict: Box::new(|frame| Ok(Prediction::Boxes(of_picture(frame.bytes()[0].into())))),
    }];
    let options = Options { labels, resamples: 200, seed: 1 };
    let evaluation = evaluate(&set, &mut models, &options, || ()).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    assert_eq!(evaluation.pictures, 14);
    let expected = golden("expected.json");
    for (metric, expected) in evaluation.models[0].metrics.iter().zip(["map_50", "map_50_95"]) {
        let expected = golden("expected.json")[expected].as_f64().unwrap();
        assert!((metric.value - expected).abs() < 1e-6, "{metric:?} where pycocotools says {expected}");
        assert!(metric.interval.low < metric.value && metric.value < metric.interval.high, "{metric:?}");
    }
    let means = evaluation.models[0].metrics.iter().filter(|metric| metric.name.starts_with("mAP@"));
    assert_eq!(expected.as_object().unwrap().len(), means.count());
}
