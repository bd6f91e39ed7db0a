//! Artefacts that the reader accepts, into the planner and the engine: whatever is planned must run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact, SeedStream};
use ocelli_fuzz::with_valid_header;

/// Larger arenas are refused by the planner, as on a device.
const ARENA_BYTES: usize = 1 << 20;

/// Longer runs are left out: they are bounded, but the fuzzer has better things to do.
const MAX_WORK: u64 = 1 << 22;

fuzz_target!(|bytes: &[u8]| {
    let bytes = with_valid_header(bytes);
    let Ok(artefact) = Artefact::parse(&bytes) else { return };
    let mut arena = AlignedBytes::zeros(ARENA_BYTES);
    for profile in ["portable", "cortex-m4", "cortex-m55"] {
        let Ok(mut plan) = Plan::new(&artefact, profile, operators::ALL, &mut arena) else { continue };
        let work = (0..artefact.operator_count() as u16).map(|operator| artefact.work(operator));
        if work.sum::<u64>() > MAX_WORK {
            continue;
        }
        for index in 0..artefact.inputs().len() {
            let mut stream = SeedStream::new(1, 0);
            plan.fill_input(index, || stream.next().unwrap_or_default());
        }
        plan.infer();
        for index in 0..artefact.outputs().len() {
            plan.output(index).expect("a planned model has its outputs");
        }
        let _ = plan.self_test();
    }
});
