//! `cargo xtask boards`: every program of every board links within its budget, and so does a project that `ocelli new` makes;
//! and what detectors of people and of faces take of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_core::FrameFormat;
use ocelli_deploy::{Project, read_public_key};
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_simulator::elf::{Footprint, footprint};
use ocelli_simulator::{Board, Program, Toolchain, boards, target_directory};

use crate::{command, keys};

/// What to build.
#[derive(Args, Default)]
pub struct Options {
    /// The artefact that `detect` carries; without it detectors of people and of faces, from the zoo
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// Builds everything and prints the size table; fails when anything is larger than it may be.
pub fn run(options: &Options) -> Result<()> {
    let artefacts = match &options.model {
        Some(path) => vec![("model", path.clone())],
        None => detectors()?,
    };
    // Without a key nothing would be verified, and nothing that verifies be linked.
    let [_, key] = keys::maker()?;
    let mut too_large = Vec::new();
    println!("{:<30} {:>9} {:>9} {:>9} {:>9}", "firmware", "flash", "budget", "RAM", "budget");
    for board in boards() {
        let name = &board.name;
        let elf = board.build(Program::CameraCheck)?;
        check(board, &format!("{name} camera-check"), &elf, &mut too_large)?;
        for (sees, artefact) in &artefacts {
            let elf = board.build(Program::Detect { artefact, key: Some(&key) })?;
            check(board, &format!("{name} detect {sees}"), &elf, &mut too_large)?;
        }
        // Other pins take as much: one program of each shows that it builds.
        for variant in &board.variants {
            let elf = board.build_variant(Program::CameraCheck, Some(variant))?;
            check(board, &format!("{name} {variant} camera-check"), &elf, &mut too_large)?;
        }
        let (_, artefact) = artefacts.first().context("there is a model")?;
        check(board, &format!("{name} new project"), &project(board, artefact, &key)?, &mut too_large)?;
    }
    println!("Built, not run on hardware. RAM is variables, arena, frames and stack; flash holds the model.");
    if !too_large.is_empty() {
        bail!("{}", too_large.join("\n"));
    }
    println!(
        "Of these, two frames of 320x240 in gray take {} bytes of RAM.",
        2 * FrameFormat::QVGA_GRAY.bytes()
    );
    artefacts.iter().try_for_each(|(sees, artefact)| parts(sees, artefact))
}

/// One row of the table.
fn check(board: &Board, title: &str, elf: &Path, too_large: &mut Vec<String>) -> Result<()> {
    let Footprint { flash_bytes, ram_bytes, .. } = footprint(elf)?;
    let (ram_bytes, budget) = (ram_bytes + board.budget.stack_bytes, &board.budget);
    println!("{title:<30} {flash_bytes:>9} {:>9} {ram_bytes:>9} {:>9}", budget.flash_bytes, budget.ram_bytes);
    for (what, bytes, limit) in
        [("flash", flash_bytes, budget.flash_bytes), ("RAM", ram_bytes, budget.ram_bytes)]
    {
        if bytes > limit {
            too_large.push(format!("{title}: {what} takes {bytes} bytes, {limit} are allowed"));
        }
    }
    Ok(())
}

/// Makes a project as `ocelli new` does, outside the workspace, and builds it; returns the ELF file.
fn project(board: &Board, artefact: &Path, key: &Path) -> Result<PathBuf> {
    let name = format!("{}-cam", board.name);
    let folder = target_directory()?.join("boards/projects").join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(folder.parent().context("a project's folder lies in another")?)?;
    let model = fs::read(artefact).with_context(|| format!("reading {}", artefact.display()))?;
    let key = read_public_key(key)?.to_string();
    let (model, model_name) = (&model, "model.ocelli");
    Project { folder: &folder, board, model, model_name, key: Some(&key) }.create()?;
    let mut cargo = Toolchain::find(&board.target)?.cargo("build", &board.target, &board.rustflags);
    cargo.current_dir(&folder).env("CARGO_TARGET_DIR", target_directory()?);
    command::run(cargo.args(["--quiet", "--profile", &board.profile]))?;
    Ok(target_directory()?.join(&board.target).join(&board.profile).join(name))
}

/// What of it the model takes: the same on every board.
fn parts(sees: &str, artefact: &Path) -> Result<()> {
    let bytes = fs::read(artefact).with_context(|| format!("reading {}", artefact.display()))?;
    let aligned = AlignedBytes::copy_of(&bytes);
    let parsed = Artefact::parse(&aligned).with_context(|| artefact.display().to_string())?;
    let arena_bytes = parsed.schedules().map(|schedule| schedule.arena_bytes).max().unwrap_or(0);
    println!(
        "Of these, {sees}: {} bytes of flash are the model, {arena_bytes} of RAM its arena.",
        bytes.len()
    );
    Ok(())
}

/// Most arena for the detector of faces, whose early layers roll over single rows then: the smallest board has room for it.
const FACES_BUDGET: &str = "ram=80k";

/// The detectors of the zoo as artefacts.
fn detectors() -> Result<Vec<(&'static str, PathBuf)>> {
    command::run(&mut command::cargo(["build", "--quiet", "--release", "--package", "ocelli-cli"])?)?;
    let ocelli = target_directory()?.join("release/ocelli");
    let fetch = |name: &str| -> Result<Vec<String>> {
        let output = Command::new(&ocelli).args(["zoo", "fetch", name]).output()?;
        if !output.status.success() {
            bail!("`ocelli zoo fetch {name}` failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let paths = String::from_utf8(output.stdout).with_context(|| format!("reading where {name} is"))?;
        Ok(paths.lines().map(str::to_owned).collect())
    };
    let folder = target_directory()?.join("boards");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let convert = |name: &'static str, model: &str, options: &[String]| -> Result<_> {
        let artefact = folder.join(name).with_extension("ocelli");
        let mut convert = Command::new(&ocelli);
        convert.arg("convert").args(fetch(model)?).args(options).arg("--output").arg(&artefact);
        command::run_quietly(&mut convert)?;
        Ok((name, artefact))
    };
    let mut rolling = vec!["--budget".to_owned(), FACES_BUDGET.to_owned(), "--calibration".to_owned()];
    for name in ["photographs", "lfw-subset"] {
        rolling.extend(fetch(name)?);
    }
    Ok(vec![convert("people", "person", &[])?, convert("faces", "blazeface", &rolling)?])
}
