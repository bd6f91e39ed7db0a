//! The executor on tract beside the engine: equal bytes for every model beside the repository that quantizes, on
//! several inputs. Skipped, with a word, where the models are not.

use std::path::{Path, PathBuf};

use ocelli_compiler::convert::{Options, convert};
use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact, SeedStream};
use ocelli_tract::Executor;

/// Every model file in a folder and below.
fn models(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let extension = path.extension().unwrap_or_default();
        if path.is_dir() {
            models(&path, found);
        } else if extension == "tflite" || extension == "onnx" {
            found.push(path);
        }
    }
}

fn outputs(model: &mut impl Infer, inputs: usize, seed: u32) -> Vec<Vec<i8>> {
    let mut stream = SeedStream::new(seed, 1);
    (0..inputs).for_each(|index| model.fill_input(index, || stream.next().unwrap_or_default()));
    model.infer();
    (0..).map_while(|index| model.output(index)).map(<[i8]>::to_vec).collect()
}

#[test]
fn every_model_gives_the_engine_s_bytes_through_tract() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/models");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let (mut paths, mut equal, mut float) = (Vec::new(), 0, 0);
    models(&folder, &mut paths);
    paths.sort();
    for path in &paths {
        // Float models want calibration pictures: they run in float, and are no artefacts here.
        let Ok(conversion) = convert(path, &Options::default()) else {
            float += 1;
            continue;
        };
        let bytes = AlignedBytes::copy_of(&conversion.bytes);
        let artefact = Artefact::parse(&bytes).unwrap();
        let arena_bytes = artefact.schedule_for("portable").unwrap().arena_bytes;
        let mut arena = AlignedBytes::zeros(arena_bytes as usize);
        let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
        let mut executor = Executor::new(&bytes).unwrap();
        let inputs = artefact.inputs().len();
        for seed in [5, 77, 901] {
            let expected = outputs(&mut plan, inputs, seed);
            assert_eq!(outputs(&mut executor, inputs, seed), expected, "{}, seed {seed}", path.display());
        }
        equal += 1;
        println!("{}: equal", path.strip_prefix(&folder).unwrap_or(path).display());
    }
    println!("{equal} models equal through tract and in the engine, {float} need calibration");
    assert!(equal >= 5, "{equal} of {}", paths.len());
}
