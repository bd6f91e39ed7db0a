//! Striped plans of the golden models: what they need, and that their bytes are TFLite Micro's.

use std::path::{Path, PathBuf};

use ocelli_compiler::{import, lower, plan};
use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::model::{Model, Step};
use ocelli_format::{AlignedBytes, Artefact, SeedStream, write};

fn shared() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    if shared.join("peers/golden.tsv").exists() {
        return Some(shared);
    }
    println!("skipped: {} is not there", shared.display());
    None
}

/// The model with a plan within a budget as its only schedule.
fn compile(path: &Path, ram_bytes: Option<u64>, streams_input: bool) -> Model {
    let mut model = lower::lower(&import::import(path).unwrap()).unwrap().model;
    let budget = plan::Budget { ram_bytes, streams_input };
    model.schedules.push(plan::plan_within(&model, &budget, plan::Profile::Portable).unwrap());
    model
}

fn run(model: &Model, seed: u32, shift: u8) -> String {
    let bytes = AlignedBytes::copy_of(&write(model).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    // What is left in the arena from before must not matter.
    let mut arena = AlignedBytes::zeros(model.schedules[0].arena_bytes as usize);
    arena.fill(0xA5);
    let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    let mut stream = SeedStream::new(seed, shift);
    for index in 0..artefact.inputs().len() {
        plan.fill_input(index, || stream.next().unwrap());
    }
    plan.infer();
    let outputs = (0..artefact.outputs().len()).flat_map(|index| plan.output(index).unwrap());
    outputs.map(|byte| format!("{byte:02x}")).collect()
}

fn answer_id(model: &Model) -> [u8; 32] {
    let bytes = AlignedBytes::copy_of(&write(model).unwrap());
    Artefact::parse(&bytes).unwrap().answer_id()
}

fn tell(title: &str, model: &Model) {
    let schedule = &model.schedules[0];
    let tensors = schedule.arena_bytes - schedule.scratch_bytes;
    println!(
        "{title}: {} bytes, {tensors} of tensors, {} of scratch",
        schedule.arena_bytes, schedule.scratch_bytes
    );
    for step in &schedule.steps {
        if let Step::RowGroup { trips, inner, rings } = step {
            let (operators, rows) = (inner.len(), inner[0].rows);
            println!("  {operators} operators in {trips} trips, {rows} rows a turn, {} rings", rings.len());
            let without = inner.iter().filter(|row| row.step.scratch[1] == 0).count();
            println!("  {without} without scratch");
        }
    }
}

#[test]
fn the_golden_models_fit_into_less_than_their_tensors_and_keep_their_bytes() {
    let Some(shared) = shared() else { return };
    let table = std::fs::read_to_string(shared.join("peers/golden.tsv")).unwrap();
    for (file, ram_bytes, streams) in [
        ("mlperf_tiny/pretrainedResnet_quant.tflite", 25_600, false),
        ("mlperf_tiny/vww_96_int8.tflite", 32_768, false),
        ("mlperf_tiny/vww_96_int8.tflite", 19_328, true),
        ("tflm/person_detect.tflite", 32_768, false),
        ("mlperf_tiny/pretrainedResnet_quant.tflite", 16_896, true),
    ] {
        let model = compile(&shared.join("models").join(file), Some(ram_bytes), streams);
        tell(file, &model);
        assert!(u64::from(model.schedules[0].arena_bytes) <= ram_bytes, "{file}");
        let whole = compile(&shared.join("models").join(file), None, false);
        assert_eq!(answer_id(&model), answer_id(&whole), "{file}");
        let name = Path::new(file).file_name().unwrap().to_str().unwrap();
        let mut cases = 0;
        for line in table.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            if fields[0] == name {
                let [seed, shift] = [fields[1], fields[2]].map(|number| number.parse::<u32>().unwrap());
                assert_eq!(run(&model, seed, shift as u8), fields[3], "{file} seed {seed}");
                cases += 1;
            }
        }
        assert_eq!(cases, 3, "{file}");
    }
}
