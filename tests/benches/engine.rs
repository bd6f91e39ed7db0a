//! Time of one inference on this machine: the engine called directly, on one thread, on each backend, and on the best
//! one through tract.
//!
//! `cargo xtask bench-host` converts the models, runs this, and sets it beside other engines. The environment
//! variable `OCELLI_BENCH_MODELS` names a folder of artefacts.

use std::hint::black_box;
use std::path::PathBuf;
use std::{env, fs};

use criterion::Criterion;
use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_tract::Executor;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let Some(folder) = env::var_os("OCELLI_BENCH_MODELS") else {
        println!("skipped: OCELLI_BENCH_MODELS names no folder of artefacts; run `cargo xtask bench-host`");
        return;
    };
    let entries = fs::read_dir(&folder).expect("OCELLI_BENCH_MODELS names a folder");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ocelli"));
    paths.sort();
    for path in paths {
        let bytes = AlignedBytes::copy_of(&fs::read(&path).expect("the artefact can be read"));
        let artefact = Artefact::parse(&bytes).expect("the artefact is sound");
        let schedule = artefact.schedule_for("portable").expect("the artefact runs anywhere");
        let mut arena = AlignedBytes::zeros(schedule.arena_bytes as usize);
        let plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena);
        let mut plan = plan.expect("the artefact can be planned");
        let mut group = criterion.benchmark_group(path.file_stem().unwrap_or_default().to_string_lossy());
        for backend in ocelli_kernels::available_backends() {
            ocelli_kernels::use_backend(backend);
            group.bench_function(*backend, |bencher| bencher.iter(|| black_box(&mut plan).infer()));
        }
        ocelli_kernels::use_backend(ocelli_kernels::available_backends()[0]);
        let mut executor = Executor::new(&bytes).expect("the artefact runs in tract");
        group.bench_function("through tract", |bencher| bencher.iter(|| black_box(&mut executor).infer()));
        group.finish();
    }
    criterion.final_summary();
}
