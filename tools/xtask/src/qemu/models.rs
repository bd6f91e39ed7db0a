//! The repository's own models, `models/*/*.ocelli`, with a frame of noise: every machine says what the host says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ocelli_core::{Frame, PixelFormat};
use ocelli_format::SeedStream;
use ocelli_simulator::{Input, Job, repository, run_on_host};

use super::{Target, in_parallel};

/// Rows and columns of the frame; contracts make of it what their models see.
const SIDE: usize = 32;

/// Runs every model on the host and on every machine, and prints a table.
pub fn run(targets: &[Target]) -> Result<()> {
    let pixels: Vec<u8> = SeedStream::new(11, 0).take(SIDE * SIDE).map(|byte| byte as u8).collect();
    let frame = Frame::new(&pixels, SIDE, SIDE, PixelFormat::Gray8)?;
    println!("{:<20} {:<11} {:>13} {:>8} {:>7}", "model", "machine", "instructions", "arena", "stack");
    for path in paths(&repository()?.join("models"))? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let artefact = fs::read(&path).with_context(|| path.display().to_string())?;
        let job = Job { artefact: &artefact, input: Input::Frame(frame), steps: false };
        let expected = run_on_host(&job).with_context(|| path.display().to_string())?;
        let runs = in_parallel(targets, |target| target.run(&job))?;
        for (target, run) in targets.iter().zip(runs) {
            let machine = &target.machine.name;
            if !run.same_answer(&expected) {
                bail!("{name}: {machine} says {run:?}, the host {expected:?}");
            }
            let instructions = run.instructions.preprocess + run.instructions.infer;
            println!(
                "{name:<20} {machine:<11} {instructions:>13} {:>8} {:>7}",
                run.arena_bytes, run.infer_stack_bytes
            );
        }
    }
    Ok(())
}

/// The artefacts in the folders of `models`, by name.
fn paths(models: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in fs::read_dir(models)? {
        let folder = folder?.path();
        if folder.is_dir() {
            let files = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
            found.extend(files.into_iter().map(|file| file.path()));
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "ocelli"));
    found.sort();
    Ok(found)
}
