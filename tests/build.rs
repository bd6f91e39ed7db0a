//! Writes artefacts and lets `ocelli-build` make modules of them, as an application's build script
//! would; `generated.rs` uses the modules.
//!
//! Beside the sample models there is one that tells which quadrant of a frame is the brightest: a reshape, so
//! its answer needs no golden.

use std::path::PathBuf;

use ocelli_format::model::*;
use ocelli_format::{Field, Operator, PixelLayout, ResizeMode, crc32};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let directory = PathBuf::from(std::env::var("OUT_DIR")?);
    let path = directory.join("brightest-quadrant.ocelli");
    std::fs::write(&path, ocelli_format::write(&brightest_quadrant()).map_err(|error| error.to_string())?)?;
    ocelli_build::Artefact::from_path(path).module("quadrant").generate()?;
    for (name, contract) in other_contracts() {
        let path = directory.join(format!("quadrant-{name}.ocelli"));
        let mut model = brightest_quadrant();
        model.tensors[1].shape = vec![1, 2, 2, 1];
        model.output_contracts = vec![contract];
        std::fs::write(&path, ocelli_format::write(&model).map_err(|error| error.to_string())?)?;
        ocelli_build::Artefact::from_path(path).module(name).generate()?;
    }
    for (name, bytes) in ocelli_samples::artefacts() {
        let path = directory.join(format!("sample-{name}.ocelli"));
        std::fs::write(&path, &*bytes)?;
        ocelli_build::Artefact::from_path(path).detections(4).candidates(32).generate()?;
    }
    Ok(())
}

/// What else the four quadrants may mean, by name of the module.
fn other_contracts() -> [(&'static str, OutputContract); 5] {
    // Values are -128 to 127: from 0 to 255/256 of the input, of a number from 0 to 255.
    let of_input = Field { multiplier: 256 << 8, offset: 128 * (256 << 8) };
    let in_full = Field { multiplier: 1 << 22, offset: 1 << 29 };
    let cells = || Cells {
        tensor: 1,
        has_background: false,
        threshold: 32_768,
        scores: Box::new(std::array::from_fn(|level| (level * 257) as u16)),
        labels: vec!["bright".into()],
    };
    let points = Points {
        tensor: 1,
        stride: 2,
        fields: [of_input; 2],
        presence: None,
        threshold: 0,
        scores: Box::new([0; 256]),
        names: vec!["first".into(), "second".into()],
    };
    let names = vec!["one".into(), "two".into()];
    [
        ("landmarks", OutputContract::Points(points)),
        ("mask", OutputContract::Mask(cells())),
        ("spots", OutputContract::Spots(cells())),
        ("embedding", OutputContract::Embedding { tensor: 1 }),
        ("numbers", OutputContract::Numbers { tensor: 1, fields: vec![in_full; 2], names }),
    ]
}

fn brightest_quadrant() -> Model {
    let activation = |name: &str, shape: &[u32]| Tensor {
        name: name.into(),
        element: Element::I8,
        shape: shape.into(),
        scale_bits: (1.0f32 / 255.0).to_bits(),
        zero_point: -128,
        data: None,
    };
    let labels = ["top left", "top right", "bottom left", "bottom right"];
    Model {
        name: "brightest quadrant".into(),
        version: "1".into(),
        tensors: vec![activation("image:0", &[1, 2, 2, 1]), activation("score", &[1, 4])],
        operators: vec![Node {
            name: "flatten".into(),
            operator: Operator::Reshape,
            inputs: vec![0],
            outputs: vec![1],
        }],
        inputs: vec![0],
        outputs: vec![1],
        input_contracts: vec![InputContract {
            tensor: 0,
            layout: PixelLayout::Gray,
            resize: ResizeMode::Stretch,
            border: 0,
            mean_bits: [0; 3],
            deviation_bits: [255f32.to_bits(); 3],
            tables: vec![std::array::from_fn(|pixel| (pixel as i32 - 128) as i8)],
        }],
        output_contracts: vec![OutputContract::Classes {
            tensor: 1,
            labels: labels.map(String::from).into(),
            scores: Box::new(std::array::from_fn(|level| (level * 257) as u16)),
        }],
        schedules: vec![Schedule {
            profile: "portable".into(),
            arena_bytes: 32,
            scratch_bytes: 0,
            placements: vec![Some(0), Some(16)],
            steps: vec![Step::Operator(OperatorStep { operator: 0, scratch: [0, 0], layouts: vec![] })],
        }],
        // The stream of seed 1 opens with these bytes: see `SeedStream`.
        self_test: Some(SelfTest { seed: 1, shift: 0, output_crc32: self_test_crc32() }),
        ..Model::default()
    }
}

/// The model copies its input, so the checksum is that of the stream itself.
fn self_test_crc32() -> u32 {
    let bytes: Vec<u8> = ocelli_format::SeedStream::new(1, 0).take(4).map(|value| value as u8).collect();
    crc32(&bytes)
}
