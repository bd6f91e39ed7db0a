//! Small detectors whose graphs decode their own boxes, one of each kind: the compiler recognises what they
//! do and lifts it into the output contract. Float boxes equal those of ONNX's reference evaluator, which ran
//! the graphs whole; int8 boxes, decoded in fixed point, lie near them.
//!
//! Models and boxes are made by `tools/compiler/tests/golden/generate_detectors.py` and
//! `generate_detection_postprocess.py`, where LiteRT ran them whole.

use std::path::{Path, PathBuf};

use ocelli::{Artefact, Detector, Frame, PixelFormat, Plan, SUBPIXELS, operators};
use ocelli_compiler::contract::Contract;
use ocelli_compiler::convert::{Options, convert};
use ocelli_compiler::detector::{Decoded, Decoder, Grid, Scoring};
use ocelli_compiler::float_detector::{FloatDetector, overlap};
use ocelli_compiler::import::import;
use ocelli_format::AlignedBytes;

const WIDTH: usize = 48;
const HEIGHT: usize = 32;
const SIDES: [f32; 4] = [WIDTH as f32, HEIGHT as f32, WIDTH as f32, HEIGHT as f32];

/// A box that is expected, its edges in pixels.
#[derive(Debug)]
struct Found {
    class_index: usize,
    score: f32,
    bounds: [f32; 4],
}

/// A model with a contract for it.
struct Case {
    name: String,
    model: PathBuf,
    contract: PathBuf,
    expected: Vec<Found>,
}

/// All float ones, and one that is int8 already.
fn cases(folder: &Path) -> (Vec<Case>, Case) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/compiler/tests/golden");
    let lines = ["expected_detectors.tsv", "expected_detection_postprocess.tsv"]
        .map(|file| std::fs::read_to_string(golden.join(file)).unwrap())
        .concat();
    let case = |line: &str| {
        let [file, threshold, boxes] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let numbers: Vec<f32> = boxes.split(' ').map(|word| word.parse().unwrap()).collect();
        let found = |row: &[f32]| Found {
            class_index: row[0] as usize,
            score: row[1],
            bounds: std::array::from_fn(|edge| row[2 + edge] * SIDES[edge]),
        };
        let text = format!(
            "[input]\nlayout = \"rgb\"\nresize = \"stretch\"\nmean = [127.5]\ndeviation = [127.5]\n[boxes]\n\
             labels = [\"a\", \"b\", \"c\"]\nscore_threshold = {threshold}\niou_threshold = 0.99\nsuppression = \"hard\"\n"
        );
        Contract::parse(file, &text).unwrap();
        let contract = folder.join(file).with_extension("toml");
        std::fs::write(&contract, text).unwrap();
        Case {
            name: Path::new(file).file_stem().unwrap().to_string_lossy().into(),
            model: golden.join("models/detectors").join(file),
            contract,
            expected: numbers.chunks_exact(6).map(found).collect(),
        }
    };
    let mut cases: Vec<Case> = lines.lines().map(case).collect();
    let quantized = cases.pop().unwrap();
    (cases, quantized)
}

/// The picture that the expected boxes were found in, and with another seed some like it.
fn picture(seed: usize) -> Vec<u8> {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    let channels = places.flat_map(|(x, y)| (0..3).map(move |channel| (x, y, channel)));
    let pixel = |(x, y, channel): (usize, usize, usize)| {
        x * (37 + 5 * seed) + y * (91 + seed) + channel * 53 + x * y * (7 + seed) + x * x * 3
    };
    channels.map(|place| pixel(place) as u8).collect()
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ocelli-detectors-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn frame(pixels: &[u8]) -> Frame<'_> {
    Frame::new(pixels, WIDTH, HEIGHT, PixelFormat::Rgb888).unwrap()
}

#[test]
fn what_graphs_decode_is_recognised() {
    let folder = folder("recognised");
    let known = |name: &str| match name {
        "ssd" => (Decoder::Exponential, Scoring::Softmax, [10.0, 5.0]),
        "yolo_exponential" => (Decoder::SigmoidExponential, Scoring::Logistic, [1.0, 1.0]),
        "yolo_square" => (Decoder::SigmoidSquare, Scoring::Logistic, [0.5, 1.0]),
        "yolox" => (Decoder::Exponential, Scoring::Logistic, [1.0, 1.0]),
        _ => (Decoder::Distribution, Scoring::Logistic, [1.0, 1.0]),
    };
    let (mut cases, quantized) = cases(&folder);
    cases.push(quantized);
    for Case { name, model, .. } in cases {
        let graph = import(&model).unwrap();
        let decoded = graph.decoded.unwrap_or_else(|| panic!("{name}: {:?}", graph.warnings));
        let cells = |grids: &mut dyn Iterator<Item = &Grid>| {
            grids.map(|grid| [grid.rows, grid.columns]).collect::<Vec<_>>()
        };
        let cells = match decoded {
            Decoded::Heads(decoded) => {
                let spelling = &decoded.spelling;
                let scales = [spelling.centre_scale, spelling.size_scale];
                assert_eq!((spelling.decoder, decoded.scoring, scales), known(&name), "{name}");
                cells(&mut decoded.heads.iter().map(|head| &head.grid))
            }
            Decoded::Rows(layout) => {
                let scales = [layout.centre_scale, layout.size_scale];
                let (background, wanted) =
                    if name == "ssd_like" { (true, [10.0, 5.0]) } else { (false, [1.0, 1.0]) };
                assert_eq!((layout.has_background, scales), (background, wanted), "{name}");
                cells(&mut layout.heads.iter())
            }
        };
        assert_eq!(cells, [[8, 12], [4, 6]], "{name}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn float_boxes_equal_those_of_the_whole_graph() {
    let folder = folder("float");
    let (cases, _) = cases(&folder);
    assert_eq!(cases.len(), 6);
    for case in cases {
        let detector = FloatDetector::open(&case.model, Some(&case.contract)).unwrap();
        let found = detector.detect(&frame(&picture(0))).unwrap();
        assert_eq!(found.len(), case.expected.len(), "{}", case.name);
        for (found, expected) in found.iter().zip(&case.expected) {
            assert_eq!(found.class_index, expected.class_index, "{}", case.name);
            assert!((found.score - expected.score).abs() < 1e-4, "{}: {found:?} {expected:?}", case.name);
            for (edge, wanted) in found.bounds.iter().zip(expected.bounds) {
                assert!((edge - wanted).abs() < 1e-2, "{}: {found:?} {expected:?}", case.name);
            }
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn int8_boxes_lie_near_float() {
    let folder = folder("int8");
    for seed in 1..40 {
        let header = format!("P6 {WIDTH} {HEIGHT} 255\n").into_bytes();
        std::fs::write(folder.join(format!("{seed:02}.ppm")), [header, picture(seed)].concat()).unwrap();
    }
    for case in cases(&folder).0 {
        let options = Options { calibration: vec![folder.clone()], ..Options::default() };
        let detections = detect(&case, options);
        let ious = case.expected.iter().map(|expected| {
            let same = detections.iter().filter(|found| found.class_index == expected.class_index);
            same.map(|found| overlap(&found.bounds, &expected.bounds)).fold(0.0, f32::max)
        });
        let ious: Vec<f32> = ious.collect();
        let (wanted, found) = (case.expected.len(), detections.len());
        let near = ious.iter().filter(|iou| **iou > 0.8).count();
        println!("{:<18} {wanted} boxes in float, {found} in int8, {near} at IoU 0.80 or more", case.name);
        assert!(near * 10 >= wanted * 8 && found <= wanted * 13 / 10, "{}: {ious:.2?}", case.name);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// What the operator makes of the same integers in float, the contract makes of them in fixed point: scores come from
/// logits in place of probabilities that were rounded to one 256th.
#[test]
fn boxes_of_an_int8_model_equal_those_of_its_own_operator() {
    let folder = folder("quantized");
    let (_, case) = cases(&folder);
    let detections = detect(&case, Options::default());
    assert_eq!(detections.len(), case.expected.len(), "{detections:?}");
    for expected in &case.expected {
        let near = |found: &&Found| {
            let edges = found.bounds.iter().zip(expected.bounds);
            found.class_index == expected.class_index
                && (found.score - expected.score).abs() <= 1.0 / 256.0
                && edges.into_iter().all(|(edge, wanted)| (edge - wanted).abs() <= 2.0 / SUBPIXELS as f32)
        };
        assert!(detections.iter().find(near).is_some(), "{expected:?} is not among {detections:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// What the artefact of a model finds in the picture.
fn detect(case: &Case, options: Options) -> Vec<Found> {
    let options = Options { contract: Some(case.contract.clone()), ..options };
    let bytes = AlignedBytes::copy_of(&convert(&case.model, &options).unwrap().bytes);
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut arena = AlignedBytes::zeros(artefact.schedule_for("portable").unwrap().arena_bytes as usize);
    let plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    let mut scratch = [0; WIDTH * 3];
    let mut detector = Detector::<_, 64, 0, 256>::new(artefact, plan, &mut scratch).unwrap();
    let pixels = picture(0);
    let found = &detector.run(&frame(&pixels)).found;
    let found = found.iter().map(|found| Found {
        class_index: usize::from(found.class_index),
        score: f32::from(found.score.0) / 65536.0,
        bounds: {
            let bounds = found.bounds;
            let edges = [bounds.left, bounds.top, bounds.right, bounds.bottom];
            edges.map(|edge| edge as f32 / SUBPIXELS as f32)
        },
    });
    found.collect()
}
