//! Runs a job on this computer, through the same session code as the firmware.

use std::fmt::{Arguments, Write};

use ocelli_format::{AlignedBytes, Artefact, ScheduleView};
use ocelli_qemu::job::Job;
use ocelli_qemu::session::{self, Bench, SCRATCH_WORDS, Stage};

use crate::{Facts, Run, SimulateError};

/// The run of a job on this computer. Instructions and stack are not measured: 0.
///
/// # Errors
/// [`SimulateError::Firmware`] with what a firmware would say.
pub fn run_on_host(job: &Job<'_>) -> Result<Run, SimulateError> {
    let refused = |message: String| SimulateError::Firmware { machine: HOST.to_owned(), message };
    let aligned = AlignedBytes::copy_of(job.artefact);
    let artefact = Artefact::parse(&aligned).map_err(|error| refused(format!("artefact: {error}")))?;
    let arena_bytes = artefact.schedules().map(|schedule| schedule.arena_bytes).max().unwrap_or(0);
    let mut arena = AlignedBytes::zeros(arena_bytes as usize);
    let mut scratch = vec![0; SCRATCH_WORDS];
    let mut bench = HostBench::default();
    let job = Job { artefact: &aligned, ..*job };
    let run = session::run(&job, ScheduleView::PORTABLE, &mut arena, &mut scratch, &mut bench);
    run.map_err(|error| refused(error.to_string()))?;
    Run::read(HOST, &Facts::read(&bench.lines))
}

const HOST: &str = "host";

#[derive(Default)]
struct HostBench {
    lines: String,
}

impl Bench for HostBench {
    fn measure<T>(&mut self, _stage: Stage, run: impl FnOnce() -> T) -> T {
        run()
    }

    fn count(&mut self, run: impl FnOnce()) -> u64 {
        run();
        0
    }

    fn stack_bytes(&mut self) -> usize {
        0
    }

    fn line(&mut self, text: Arguments<'_>) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.lines, "{text}");
    }
}
