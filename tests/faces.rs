//! Int8 against float on photographs that were not used for calibration: every face that the float
//! BlazeFace finds is found, nine in ten at an IoU of 0.90 or more.
//!
//! Model and photographs come through the zoo. Without a network the test is skipped, with a word; in
//! continuous integration (`CI` is set) it fails. Calibration pictures and test photographs are different
//! entries of the zoo, and their files have different hashes.

use std::path::PathBuf;

use ocelli::{Artefact, Detector, Plan, SUBPIXELS, operators};
use ocelli_compiler::convert::{Options, convert};
use ocelli_compiler::float_detector::{FloatDetector, overlap};
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
    let mut scratch = [0; 128 * 3];
    let mut detector = Detector::<_, 32, 6, 256>::new(artefact, plan, &mut scratch).unwrap();
    let detections = detector.run(&picture.frame());
    assert_eq!((detections.overflowed_candidates, detections.overflowed_detections), (0, 0));
    let pixels = |sub_pixels: i32| sub_pixels as f32 / SUBPIXELS as f32;
    let face = |found: &ocelli::Detection<6>| Face {
        score: f32::from(found.score.0) / 65536.0,
        bounds: [found.bounds.left, found.bounds.top, found.bounds.right, found.bounds.bottom].map(pixels),
    };
    detections.found.iter().map(face).collect()
}

#[test]
fn int8_finds_every_face_that_float_finds() {
    let wanted = ["blazeface", "astronaut", "group-photographs", "photographs", "lfw-subset"].map(files);
    let [Some(model), Some(astronaut), Some(group), Some(mut calibration), Some(patches)] = wanted else {
        return;
    };
    calibration.extend(patches);
    let tested: Vec<PathBuf> = group.into_iter().chain(astronaut).collect();
    assert!(tested.iter().all(|path| !calibration.contains(path)));
    let conversion = convert(&model[0], &Options { calibration, ..Options::default() }).unwrap();
    for output in &conversion.report.outputs {
        println!("{}: {:.1} dB", output.name, output.sqnr_db);
    }
    let (arena_bytes, artefact_bytes) = (conversion.report.artefact.arena_bytes, conversion.bytes.len());
    println!("arena {arena_bytes} bytes, artefact {artefact_bytes} bytes");

    let float = FloatDetector::open(&model[0], None).unwrap();
    let (mut faces, mut close, mut extra) = (0, 0, 0);
    println!("{:<14} {:>7} {:>7} {:>6}   float box", "photograph", "float", "int8", "IoU");
    for path in &tested {
        let name = path.file_name().unwrap().to_string_lossy();
        let picture = Picture::open(path).unwrap();
        let mut found = detect(&conversion.bytes, &picture);
        for wanted in float.detect(&picture.frame()).unwrap() {
            // Each box stands for one face only.
            let overlaps = found.iter().map(|face| overlap(&wanted.bounds, &face.bounds)).enumerate();
            let best = overlaps.max_by(|left, right| left.1.total_cmp(&right.1));
            let (index, iou) = best
                .filter(|&(_, iou)| iou > SAME_FACE)
                .unwrap_or_else(|| panic!("{name}: the face at {:.0?} is not found", wanted.bounds));
            let face = found.swap_remove(index);
            println!(
                "{name:<14} {:>7.3} {:>7.3} {iou:>6.3}   {:.0?}",
                wanted.score, face.score, wanted.bounds
            );
            faces += 1;
            close += usize::from(iou >= 0.9);
        }
        extra += found.len();
    }
    println!("{faces} faces, {close} at IoU 0.90 or more, {extra} found by int8 alone");
    assert!(faces >= 16, "float finds only {faces} faces");
    assert!(close * 10 >= faces * 9, "{close} of {faces} faces at IoU 0.90 or more");
}
