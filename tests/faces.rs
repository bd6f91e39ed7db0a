//! Int8 against float on photographs that were not used for calibration: every face that the float
//! BlazeFace finds is found, nine in ten at an IoU of 0.90 or more.
//!
//! Model and photographs come from the zoo's cache (`ocelli zoo fetch`); without them the test is
//! skipped, with a word. Calibration pictures and test photographs are different entries of the zoo.

use std::path::PathBuf;

use ocelli_compiler::convert::{Options, convert};
use ocelli_compiler::float_detector::{FloatDetector, overlap};
use ocelli_core::{BoundingBox, Infer};
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact, OutputContractView};
use ocelli_host::Picture;
use ocelli_vision::{BoxPostprocessor, Detections, ImageInput, Preprocessor, scratch_words};
use ocelli_zoo::{Cache, Catalogue};

/// The files of an entry, or `None` when it is not in the cache.
fn files(entry: &str) -> Option<Vec<PathBuf>> {
    let (catalogue, cache) = (Catalogue::built_in().unwrap(), Cache::of_user().ok()?);
    let entry = catalogue.entry(entry).unwrap();
    cache.holds(entry).then(|| entry.files.iter().map(|file| cache.path(entry, file)).collect())
}

/// Boxes and scores that the artefact finds in a picture.
fn detect(bytes: &[u8], picture: &Picture) -> Vec<([f32; 4], f32)> {
    let aligned = AlignedBytes::copy_of(bytes);
    let artefact = Artefact::parse(&aligned).unwrap();
    let mut arena = AlignedBytes::zeros(artefact.schedule_for("").unwrap().arena_bytes as usize);
    let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    plan.self_test().unwrap();
    let contract = artefact.input_contracts().next().unwrap();
    let input = ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape).unwrap();
    let frame = picture.frame();
    let mut scratch = vec![0; scratch_words(input.width, input.layout)];
    let mut preprocessor =
        Preprocessor::new(input, frame.width(), frame.height(), None, &mut scratch).unwrap();
    preprocessor.frame_to_input(&frame, contract.tables, plan.input(0).unwrap()).unwrap();
    plan.infer();
    let Some(OutputContractView::Boxes(boxes)) = artefact.output_contracts().next() else {
        panic!("the artefact says nothing about boxes")
    };
    let mut detections = Detections::<32, 6>::new();
    let mut postprocessor = BoxPostprocessor::<256, 6>::new(boxes).unwrap();
    postprocessor.run(|tensor| plan.tensor(tensor), &preprocessor.transform(), &mut detections).unwrap();
    let pixels = |bounds: &BoundingBox| {
        [bounds.left, bounds.top, bounds.right, bounds.bottom].map(|side| side as f32 / 256.0)
    };
    detections.found.iter().map(|found| (pixels(&found.bounds), f32::from(found.score.0) / 65536.0)).collect()
}

#[test]
fn int8_finds_every_face_that_float_finds() {
    let wanted = ["blazeface", "astronaut", "group-photographs", "photographs", "lfw-subset"].map(files);
    let [Some(model), Some(astronaut), Some(group), Some(mut calibration), Some(patches)] = wanted else {
        println!("skipped: fetch blazeface, astronaut, group-photographs, photographs and lfw-subset first");
        return;
    };
    calibration.extend(patches);
    let tested: Vec<PathBuf> = group.into_iter().chain(astronaut).collect();
    assert!(tested.iter().all(|path| !calibration.contains(path)));
    let conversion = convert(&model[0], &Options { calibration, ..Options::default() }).unwrap();
    for output in &conversion.report.outputs {
        println!("{}: {:.1} dB", output.name, output.sqnr_db);
    }
    println!(
        "arena {} bytes, artefact {} bytes",
        conversion.report.artefact.arena_bytes,
        conversion.bytes.len()
    );
    let float = FloatDetector::open(&model[0], None).unwrap();
    let (mut faces, mut close, mut extra) = (0, 0, 0);
    for path in &tested {
        let picture = Picture::open(path).unwrap();
        let found = detect(&conversion.bytes, &picture);
        let wanted = float.detect(&picture.frame()).unwrap();
        extra += found.len().saturating_sub(wanted.len());
        for face in &wanted {
            let overlaps =
                found.iter().map(|(bounds, score)| (overlap(&face.bounds, bounds), *score));
            let (best, score) =
                overlaps.max_by(|left, right| left.0.total_cmp(&right.0)).unwrap_or((0.0, 0.0));
            let name = path.file_name().unwrap().to_string_lossy();
            println!("{name}: float {:.3} {:.0?}, int8 {score:.3}, IoU {best:.3}", face.score, face.bounds);
            assert!(best > 0.5, "{name}: the face at {:?} is not found", face.bounds);
            faces += 1;
            close += usize::from(best >= 0.9);
        }
    }
    println!("{faces} faces, {close} at IoU 0.90 or more, {extra} found by int8 alone");
    assert!(faces >= 16);
    assert!(close * 10 >= faces * 9, "{close} of {faces} faces at IoU 0.90 or more");
}
