//! Schedules for single cores: one answer id, a device file no larger than it has to be, and nothing lost.

use std::path::{Path, PathBuf};

use ocelli_compiler::plan::{Budget, Profile, plan, plan_within};
use ocelli_compiler::{eliminate, import, lower};
use ocelli_engine::{Plan, PlanError, operators};
use ocelli_format::model::{Model, Step};
use ocelli_format::{AlignedBytes, Artefact, answer_id, strip, write};
use ocelli_kernels::KernelError;

/// TFLite Micro's cases, small ones of every operator, and the real models where they are.
fn models() -> Vec<(PathBuf, Model)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = tests.join("../../shared/models");
    if !shared.exists() {
        println!("skipped: the real models ({} is not there)", shared.display());
    }
    let folders = [tests.join("golden/models"), shared.join("mlperf_tiny"), shared.join("tflm")];
    let files = folders.iter().flat_map(std::fs::read_dir).flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "tflite")).collect();
    files.sort();
    let read = |path: PathBuf| {
        let mut lowered = lower::lower(&import::import(&path).ok()?).ok()?;
        eliminate::eliminate(&mut lowered);
        Some((path, lowered.model))
    };
    files.into_iter().filter_map(read).collect()
}

fn layouts(model: &Model) -> usize {
    let steps = model.schedules.iter().flat_map(|schedule| &schedule.steps);
    steps.map(|step| if let Step::Operator(step) = step { step.layouts.len() } else { 0 }).sum()
}

#[test]
fn a_device_file_holds_its_weights_once() {
    let mut relaid = 0;
    for (path, mut model) in models() {
        let name = path.display();
        model.schedules.push(plan(&model).unwrap());
        let portable = write(&strip(&model, "portable").unwrap()).unwrap();
        model.schedules.push(plan_within(&model, &Budget::default(), Profile::CortexM4).unwrap());
        let whole = AlignedBytes::copy_of(&write(&model).unwrap());
        let stripped = strip(&model, "cortex-m4").unwrap();
        let device = AlignedBytes::copy_of(&write(&stripped).unwrap());
        let (whole, device) = (Artefact::parse(&whole).unwrap(), Artefact::parse(&device).unwrap());
        assert_eq!(device.answer_id(), whole.answer_id(), "{name}");
        assert_eq!(answer_id(&device), device.answer_id(), "{name}: every weight is there");
        assert_eq!(Model::from_artefact(&device), stripped, "{name}");

        let count = layouts(&stripped);
        relaid += count;
        let bytes = device.bytes().len();
        // A layout has 12 bytes of its own, and starts on a multiple of 16.
        let allowed = portable.len() * 105 / 100 + 32 * count;
        assert!(bytes <= allowed, "{name}: {bytes} bytes, {} with the portable schedule", portable.len());
        if portable.len() > 20_000 {
            println!("{name}: {count} layouts, {bytes} bytes, {} with the portable schedule", portable.len());
            assert!(bytes * 100 <= portable.len() * 105, "{name}");
        }
    }
    println!("{relaid} layouts");
    assert!(relaid >= 10, "as many as the small models have");
}

/// A host has no kernels for a core's layouts: it runs the portable schedule, and refuses another by name.
#[test]
fn a_core_that_does_not_read_a_layout_refuses_it() {
    let planned = |mut model: Model| {
        model.schedules.push(plan(&model).unwrap());
        model.schedules.push(plan_within(&model, &Budget::default(), Profile::CortexM4).unwrap());
        model
    };
    let mut models = models().into_iter().map(|(_, model)| planned(model));
    let model = models.find(|model| layouts(model) > 0).unwrap();
    let bytes = AlignedBytes::copy_of(&write(&model).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let arena_bytes = artefact.schedules().map(|schedule| schedule.arena_bytes).max().unwrap();
    let mut arena = AlignedBytes::zeros(arena_bytes as usize);
    assert!(Plan::new(&artefact, "portable", operators::ALL, &mut arena).is_ok());
    let error = Plan::new(&artefact, "cortex-m4", operators::ALL, &mut arena).unwrap_err();
    assert!(matches!(error, PlanError::Kernel { error: KernelError::Layout, .. }), "{error}");
}

/// Without room for scratch there is no layout that needs it.
#[test]
fn a_budget_leaves_layouts_out_with_their_scratch() {
    for (path, model) in models() {
        let least = plan(&model).unwrap();
        let ram_bytes = Some(u64::from(least.arena_bytes - least.scratch_bytes));
        let budget = Budget { ram_bytes, streams_input: false };
        let Ok(schedule) = plan_within(&model, &budget, Profile::CortexM4) else { continue };
        for step in &schedule.steps {
            if let Step::Operator(step) = step {
                assert!(step.layouts.is_empty() || step.scratch[1] > 0, "{}", path.display());
            }
        }
    }
}
