//! Golden outputs, end to end: import, lower, plan, write, parse, infer give TFLite Micro's bytes.
//!
//! One file a kernel case stands in `golden/`, made by `golden/generate.py`; the real models lie beside
//! the repository, in `../shared`, and are skipped, with a word, when they do not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ocelli_compiler::{eliminate, import, lower, plan};
use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact, SeedStream, write};

/// A line of a table: which model, which input stream, what comes out.
struct Case {
    model: String,
    seed: u32,
    shift: u8,
    output_hex: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cases(table: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(table).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[model, seed, shift, output_hex] = &fields[..] else { panic!("{line:?} has no four fields") };
        Case {
            model: model.into(),
            seed: seed.parse().unwrap(),
            shift: shift.parse().unwrap(),
            output_hex: output_hex.into(),
        }
    })
    .collect()
}

/// The artefact's bytes and the arena that its plan needs, or `None` when the importer refuses the model;
/// with all its channels, or without the dead ones.
fn compile(path: &Path, whole: bool) -> Option<(Vec<u8>, u32)> {
    let graph = import::import(path).ok()?;
    let mut lowered = lower::lower(&graph).unwrap();
    if !whole {
        eliminate::eliminate(&mut lowered);
    }
    let mut model = lowered.model;
    let schedule = plan::plan(&model).unwrap();
    let arena_bytes = schedule.arena_bytes;
    model.schedules.push(schedule);
    Some((write(&model).unwrap(), arena_bytes))
}

fn run(artefact: &[u8], arena_bytes: u32, seed: u32, shift: u8) -> String {
    let artefact = AlignedBytes::copy_of(artefact);
    let artefact = Artefact::parse(&artefact).unwrap();
    let mut arena = AlignedBytes::zeros(arena_bytes as usize);
    let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    let mut stream = SeedStream::new(seed, shift);
    for index in 0..artefact.inputs().len() {
        for (value, byte) in plan.input(index).unwrap().iter_mut().zip(&mut stream) {
            *value = byte;
        }
    }
    plan.infer();
    (0..artefact.outputs().len())
        .flat_map(|index| plan.output(index).unwrap().iter().map(|byte| format!("{byte:02x}")))
        .collect()
}

/// Runs every case of a table; `find` says where its models lie. The number of runs, and models that
/// the importer refuses.
fn run_table(table: &Path, find: impl Fn(&str) -> PathBuf) -> (usize, BTreeSet<String>) {
    let (mut runs, mut refused) = (0, BTreeSet::new());
    let mut wrong = Vec::new();
    for case in cases(table) {
        for whole in [true, false] {
            let Some((artefact, arena_bytes)) = compile(&find(&case.model), whole) else {
                refused.insert(case.model.clone());
                continue;
            };
            if run(&artefact, arena_bytes, case.seed, case.shift) != case.output_hex {
                let channels = if whole { "all channels" } else { "no dead channels" };
                wrong.push(format!("{} seed {} shift {}, {channels}", case.model, case.seed, case.shift));
            }
            runs += usize::from(whole);
        }
    }
    assert!(wrong.is_empty(), "not TFLite Micro's bytes: {wrong:#?}");
    (runs, refused)
}

#[test]
fn every_kernel_case_gives_the_bytes_of_tflite_micro() {
    let golden = repository().join("tests/golden");
    let (runs, refused) = run_table(&golden.join("vectors.tsv"), |model| golden.join("models").join(model));
    assert_eq!(refused, BTreeSet::new());
    assert!(runs >= 450);
}

#[test]
fn the_real_models_give_the_bytes_of_tflite_micro() {
    let shared = repository().join("../shared");
    let table = shared.join("peers/golden.tsv");
    if !table.exists() {
        println!("skipped: {} is not there", table.display());
        return;
    }
    let find = |model: &str| {
        let folder = if model == "person_detect.tflite" { "tflm" } else { "mlperf_tiny" };
        shared.join("models").join(folder).join(model)
    };
    assert_eq!(run_table(&table, find), (15, BTreeSet::new()));
}

/// The same network as QuantizeLinear and DequantizeLinear in ONNX has the same integers.
#[test]
fn quantized_onnx_gives_the_bytes_of_its_tflite_twin() {
    let shared = repository().join("../shared");
    let (table, onnx) =
        (shared.join("peers/golden.tsv"), shared.join("models/mlperf_tiny/pretrainedResnet_quant_qdq.onnx"));
    if !table.exists() || !onnx.exists() {
        println!("skipped: {} or {} is not there", table.display(), onnx.display());
        return;
    }
    let (artefact, arena_bytes) = compile(&onnx, false).unwrap();
    let twins: Vec<Case> =
        cases(&table).into_iter().filter(|case| case.model == "pretrainedResnet_quant.tflite").collect();
    assert!(twins.len() >= 3, "{} cases", twins.len());
    for case in twins {
        assert_eq!(run(&artefact, arena_bytes, case.seed, case.shift), case.output_hex, "seed {}", case.seed);
    }
}

/// The arena of TFLite Micro, which no plan may exceed; the floor of tensors, which no plan without row groups
/// can beat and from which none is further than 2 %; and the scratch of the layer at hand.
#[test]
fn arenas_are_at_the_floor() {
    let models = repository().join("../shared/models");
    if !models.exists() {
        println!("skipped: {} is not there", models.display());
        return;
    }
    for (file, peer_bytes, floor_bytes, scratch_bytes) in [
        ("mlperf_tiny/pretrainedResnet_quant.tflite", 54_996, 49_152, 1_152),
        ("mlperf_tiny/vww_96_int8.tflite", 100_708, 55_296, 64),
        ("mlperf_tiny/kws_ref_model.tflite", 22_820, 16_000, 2_176),
        ("mlperf_tiny/ad01_int8.tflite", 2_580, 768, 1_280),
        ("tflm/person_detect.tflite", 82_308, 55_296, 64),
    ] {
        let model = lower::lower(&import::import(&models.join(file)).unwrap()).unwrap().model;
        let (floor, schedule) = (plan::floor(&model).unwrap(), plan::plan(&model).unwrap());
        assert_eq!(floor, plan::Floor { bytes: floor_bytes, is_least: true }, "{file}");
        let tensor_bytes = schedule.arena_bytes - schedule.scratch_bytes;
        assert!(u64::from(tensor_bytes) <= floor_bytes + floor_bytes / 50, "{file}: {tensor_bytes}");
        assert_eq!(schedule.scratch_bytes, scratch_bytes, "{file}");
        assert!(schedule.arena_bytes <= peer_bytes, "{file}: {}", schedule.arena_bytes);
    }
}
