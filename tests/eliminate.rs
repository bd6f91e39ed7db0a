//! Dead channels of a real model: 82.8 % of the person model's weights are zero. Skipped, with a word,
//! where the models beside the repository are not.

use std::path::{Path, PathBuf};

use ocelli_compiler::convert::{Conversion, Options, convert};
use ocelli_compiler::execute::Executor;
use ocelli_format::model::Model;
use ocelli_format::{OperatorKind, SeedStream};

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn converted(path: &Path, keep_dead_channels: bool) -> Conversion {
    let options = Options { keep_dead_channels, ..Options::default() };
    convert(path, &options).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Bytes of weights, without biases and factors.
fn weight_bytes(model: &Model) -> usize {
    let weighted = [OperatorKind::Conv2d, OperatorKind::DepthwiseConv2d, OperatorKind::FullyConnected];
    let layers = model.operators.iter().filter(|node| weighted.contains(&node.operator.kind()));
    layers.map(|node| model.tensors[usize::from(node.inputs[1])].data.as_ref().unwrap().len()).sum()
}

/// The pixels of a gray 96x96 picture whose bytes are int8 bit patterns, top row first.
fn gray(path: &Path) -> Vec<i8> {
    let bytes = std::fs::read(path).unwrap();
    let start = u32::from_le_bytes([bytes[10], bytes[11], bytes[12], bytes[13]]) as usize;
    let rows: Vec<&[u8]> = bytes[start..start + 96 * 96].chunks(96).collect();
    rows.iter().rev().flat_map(|row| row.iter().map(|&pixel| pixel as i8)).collect()
}

/// Rectangles in plain colours, one over the other.
fn patches(seed: u32) -> Vec<i8> {
    let mut random = SeedStream::new(seed, 0);
    let mut next = || random.next().map_or(0, |value| value as u8);
    let mut image = vec![0; 96 * 96 * 3];
    for _ in 0..12 {
        let [top, left, height, width] = [(); 4].map(|()| usize::from(next()) * 96 / 256);
        let colour = [(); 3].map(|()| next() as i8);
        for y in top..(top + height).min(96) {
            let row = &mut image[y * 96 * 3..][..96 * 3];
            row[left * 3..(left + width).min(96) * 3].as_chunks_mut().0.fill(colour);
        }
    }
    image
}

#[test]
fn half_the_work_of_the_person_model_goes_and_no_byte_of_its_answers() {
    let Some(path) = shared("models/mlperf_tiny/vww_96_int8.tflite") else { return };
    let (whole, small) = (converted(&path, true), converted(&path, false));
    let sizes = |conversion: &Conversion| {
        let artefact = &conversion.report.artefact;
        (artefact.macs, weight_bytes(&conversion.model), artefact.artefact_bytes, artefact.arena_bytes)
    };
    println!("multiply-accumulates, weights, artefact, arena: {:?}, then {:?}", sizes(&whole), sizes(&small));
    assert_eq!((sizes(&whole).0, sizes(&whole).1), (7_489_664, 208_112));
    assert_eq!((sizes(&small).0, sizes(&small).1), (3_727_313, 29_066));
    let eliminated = small.report.eliminated;
    assert_eq!(eliminated.macs, 7_489_664 - 3_727_313);
    assert_eq!(
        eliminated.constant_bytes,
        whole.report.artefact.weight_bytes - small.report.artefact.weight_bytes
    );
    let note = small.model.provenance.iter().find(|(key, _)| key == "eliminated");
    assert_eq!(note.map(|(_, value)| value.clone()), Some(eliminated.to_string()));
    assert!(whole.model.provenance.iter().all(|(key, _)| key != "eliminated"));

    let mut whole = Executor::new(&whole.model).unwrap();
    let mut small = Executor::new(&small.model).unwrap();
    let mut agree = |input: Vec<i8>| {
        let expected = whole.run(std::slice::from_ref(&input)).unwrap();
        assert_eq!(small.run(&[input]).unwrap(), expected);
        expected
    };
    // Noise looks all alike to the model, so half of the inputs are made of patches.
    let noise = |seed| SeedStream::new(seed, (seed % 4) as u8).take(96 * 96 * 3).collect();
    let random = |seed| if seed % 2 == 0 { noise(seed) } else { patches(seed) };
    let mut answers: Vec<_> = (0..1000).map(|seed| agree(random(seed))).collect();
    answers.sort();
    answers.dedup();
    assert!(answers.len() >= 30, "{} answers to 1,000 inputs tell nothing", answers.len());
    for picture in ["person.bmp", "no_person.bmp"] {
        let Some(picture) = shared(&format!("models/tflm/{picture}")) else { return };
        let replicated = gray(&picture).into_iter().flat_map(|pixel| [pixel; 3]).collect();
        println!("{}: {:?}", picture.display(), agree(replicated));
    }
}
