//! `cargo xtask fuzz`: mutated bytes against what reads artefacts and plans them.
//!
//! The targets are the files of `tests/fuzz/fuzz_targets`, the seeds those of `tests/fuzz/corpus`. What the fuzzer
//! learns goes to the target directory; a crash stays under `tests/fuzz/artifacts` for the fix and its test.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_simulator::{repository, target_directory};

use crate::command;

/// How long, and at what.
#[derive(Args)]
pub struct Options {
    /// Seconds for each target
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// Write the seeds anew, after a change of the format, instead of fuzzing
    #[arg(long)]
    seeds: bool,
    /// Only this target
    target: Option<String>,
}

/// Fuzzes every target, or the one asked for.
pub fn run(options: &Options) -> Result<()> {
    if options.seeds {
        return write_seeds();
    }
    if !command::exists("cargo-fuzz") {
        command::run(&mut command::cargo(["install", "cargo-fuzz", "--locked"])?)?;
    }
    let folder = repository()?.join("tests/fuzz");
    let targets = targets()?;
    let chosen: Vec<&String> =
        targets.iter().filter(|target| options.target.as_ref().is_none_or(|name| name == *target)).collect();
    if chosen.is_empty() {
        bail!("there is no such target; there are {}", targets.join(", "));
    }
    for target in chosen {
        let learned = target_directory()?.join("fuzz-corpus").join(target);
        fs::create_dir_all(&learned).with_context(|| format!("making {}", learned.display()))?;
        // The crates under test hold no unsafe code, so the address sanitizer would only cost time; without it any
        // stable compiler will do. Overflow checks and debug assertions are on.
        let mut fuzz = command::cargo(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])?;
        fuzz.env("RUSTC_BOOTSTRAP", "1").arg(&folder).args(["--target-dir"]);
        fuzz.arg(target_directory()?.join("fuzz")).arg(target);
        fuzz.arg(&learned).arg(folder.join("corpus").join(target));
        fuzz.args([
            "--",
            &format!("-max_total_time={}", options.seconds),
            "-timeout=10",
            "-print_final_stats=1",
        ]);
        command::run(&mut fuzz)?;
    }
    Ok(())
}

/// The sample models as the seeds of every target.
fn write_seeds() -> Result<()> {
    for target in targets()? {
        let corpus = repository()?.join("tests/fuzz/corpus").join(target);
        fs::create_dir_all(&corpus).with_context(|| format!("making {}", corpus.display()))?;
        for (name, artefact) in ocelli_samples::artefacts() {
            fs::write(corpus.join(name), &*artefact)?;
        }
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let folder = repository()?.join("tests/fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use ocelli_format::{AlignedBytes, Artefact};

    use super::*;

    /// Seeds of another version of the format would be refused at the door, and the fuzzer learn nothing.
    #[test]
    fn every_seed_is_a_valid_artefact() {
        for target in targets().unwrap() {
            for (name, _) in ocelli_samples::artefacts() {
                let path = repository().unwrap().join("tests/fuzz/corpus").join(&target).join(name);
                let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let parsed =
                    Artefact::parse(&AlignedBytes::copy_of(&bytes)).map(|artefact| artefact.operator_count());
                assert!(parsed.is_ok(), "{}: {parsed:?}; run `cargo xtask fuzz --seeds`", path.display());
            }
        }
    }
}
