//! Int8 against float on photographs that were not used for calibration: every face that a float detector
//! finds is found, most at an IoU of 0.90 or more. BlazeFace's boxes are described by its contract;
//! UltraFace decodes boxes in its graph, which the compiler lifts into the contract.
//!
//! BlazeFace and photographs come through the zoo. Without a network a test is skipped, with a word; in
//! continuous integration (`CI` is set) it fails. UltraFace and some photographs are in the shared folder
//! beside the repository; where that is not, its test is skipped, with a word. Calibration pictures and
//! test photographs are different entries of the zoo, and their files have different hashes.

use std::path::{Path, PathBuf};

use ocelli::{Artefact, Detector, Plan, SUBPIXELS, operators};
use ocelli_compiler::convert::{Options, convert};
use ocelli_compiler::float_detector::{FloatDetector, overlap};
use ocelli_compiler::report::sha256_hex;
use ocelli_format::AlignedBytes;
use ocelli_host::Picture;
use ocelli_zoo::{Cache, Catalogue, Source, fetch};

/// Overlap from which a box shows the same face.
const SAME_FACE: f32 = 0.5;

/// The files of an entry, or `None` when they cannot be had here.
fn files(name: &str) -> Option<Vec<PathBuf>> {
    let (catalogue, cache) = (Catalogue::built_in().unwrap(), Cache::of_user().unwrap());
    match fetch(&catalogue, &cache, name, Source::PackageManager, |_| {}) {
        Ok(paths) => Some(paths),
        Err(error) if error.is_unavailable() && std::env::var_os("CI").is_none() => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}; {}", error.advice().unwrap_or_default()),
    }
}

/// A face of one side, in pixels.
struct Face {
    score: f32,
    bounds: [f32; 4],
}

/// The faces that an artefact finds in a picture.
fn detect(bytes: &[u8], picture: &Picture) -> Vec<Face> {
    let aligned = AlignedBytes::copy_of(bytes);
    let artefact = Artefact::parse(&aligned).unwrap();
    let mut arena = AlignedBytes::zeros(artefact.schedule_for("portable").unwrap().arena_bytes as usize);
    let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    plan.self_test().unwrap();
    let mut scratch = [0; 320 * 3];
    let mut detector = Detector::<_, 32, 6, 512>::new(artefact, plan, &mut scratch).unwrap();
    let detections = detector.run(&picture.frame());
    assert_eq!((detections.overflowed_candidates, detections.overflowed_detections), (0, 0));
    let pixels = |sub_pixels: i32| sub_pixels as f32 / SUBPIXELS as f32;
    let face = |found: &ocelli::Detection<6>| Face {
        score: f32::from(found.score.0) / 65536.0,
        bounds: [found.bounds.left, found.bounds.top, found.bounds.right, found.bounds.bottom].map(pixels),
    };
    detections.found.iter().map(face).collect()
}

/// Converts a float model and prints, photograph by photograph, what int8 makes of the faces that float finds;
/// of photographs of animals, which of them takes one for a person.
fn compare(
    model: &Path,
    calibration: Vec<PathBuf>,
    tested: &[PathBuf],
    animals: &[PathBuf],
    least_faces: usize,
    least_close: f64,
) {
    let conversion = convert(model, &Options { calibration, ..Options::default() }).unwrap();
    let seen = &conversion.report.calibration;
    for path in tested.iter().chain(animals) {
        let hash = sha256_hex(&std::fs::read(path).unwrap());
        assert!(seen.iter().all(|image| image.sha256 != hash), "{} was calibrated on", path.display());
    }
    for output in &conversion.report.outputs {
        println!("{}: {:.1} dB", output.name, output.sqnr_db);
    }
    let (arena_bytes, artefact_bytes) = (conversion.report.artefact.arena_bytes, conversion.bytes.len());
    println!("arena {arena_bytes} bytes, artefact {artefact_bytes} bytes");

    let float = FloatDetector::open(model, None).unwrap();
    let (mut faces, mut missed, mut close, mut extra) = (0, 0, 0, 0);
    println!("{:<22} {:>7} {:>7} {:>6}   float box", "photograph", "float", "int8", "IoU");
    for path in tested {
        let name = path.file_name().unwrap().to_string_lossy();
        let picture = Picture::open(path).unwrap();
        let mut found = detect(&conversion.bytes, &picture);
        for wanted in float.detect(&picture.frame()).unwrap() {
            faces += 1;
            // Each box stands for one face only.
            let overlaps = found.iter().map(|face| overlap(&wanted.bounds, &face.bounds)).enumerate();
            let best = overlaps.max_by(|left, right| left.1.total_cmp(&right.1));
            let Some((index, iou)) = best.filter(|&(_, iou)| iou > SAME_FACE) else {
                println!("{name:<22} {:>7.3}  missed          {:.0?}", wanted.score, wanted.bounds);
                missed += 1;
                continue;
            };
            let face = found.swap_remove(index);
            println!(
                "{name:<22} {:>7.3} {:>7.3} {iou:>6.3}   {:.0?}",
                wanted.score, face.score, wanted.bounds
            );
            close += usize::from(iou >= 0.9);
        }
        for face in &found {
            println!("{name:<22}         {:>7.3}          {:.0?} by int8 alone", face.score, face.bounds);
        }
        extra += found.len();
    }
    let (mut float_mistakes, mut mistakes) = (0, 0);
    for path in animals {
        let picture = Picture::open(path).unwrap();
        float_mistakes += float.detect(&picture.frame()).unwrap().len();
        mistakes += detect(&conversion.bytes, &picture).len();
    }
    let recall = 100.0 * (faces - missed) as f64 / faces.max(1) as f64;
    println!(
        "{faces} faces, recall {recall:.1} %, {close} at IoU 0.90 or more, {extra} found by int8 alone, in {} photographs",
        tested.len()
    );
    println!(
        "in {} photographs of animals float takes {float_mistakes} places for a face, int8 {mistakes}",
        animals.len()
    );
    assert!(faces >= least_faces, "float finds only {faces} faces");
    assert_eq!(missed, 0, "faces that float finds are missed");
    assert!(extra == 0 && mistakes <= float_mistakes, "int8 sees faces that float does not");
    assert!(close as f64 >= least_close * faces as f64, "{close} of {faces} faces at IoU 0.90 or more");
}

/// Calibration pictures, and test photographs of faces.
fn pictures() -> Option<(Vec<PathBuf>, Vec<PathBuf>)> {
    let wanted = ["astronaut", "group-photographs", "photographs", "lfw-subset"].map(files);
    let [Some(astronaut), Some(group), Some(photographs), Some(patches)] = wanted else { return None };
    Some(([photographs, patches].concat(), [group, astronaut].concat()))
}

#[test]
fn int8_finds_every_face_that_float_finds() {
    let (Some(model), Some((calibration, tested))) = (files("blazeface"), pictures()) else { return };
    compare(&model[0], calibration, &tested, &[], 16, 0.9);
}

/// Weights are stored without their zeros. A grid of 48 cells leaves boxes further from float's: 18 of 21 are at 0.90.
#[test]
fn full_range_finds_every_face_that_float_finds() {
    let (Some(model), Some((calibration, tested))) = (files("blazeface-full-range"), pictures()) else {
        return;
    };
    compare(&model[0], calibration, &tested, &[], 20, 0.8);
}

#[test]
fn ultraface_finds_every_face_that_float_finds() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let model = shared.join("models/face/ultraface_version-RFB-320.onnx");
    if !model.is_file() {
        println!("skipped: no {}", model.display());
        return;
    }
    let Some((calibration, mut tested)) = pictures() else { return };
    let photographs = |names: [&str; 2]| names.map(|name| shared.join("data/photos").join(name));
    tested.extend(photographs(["face.jpg", "grace_hopper.bmp"]));
    compare(&model, calibration, &tested, &photographs(["bird_segmentation.bmp", "cat_720p.jpg"]), 24, 0.9);
}
