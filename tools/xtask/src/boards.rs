//! `cargo xtask boards`: every program of every board links within its budget, and so does a project that `ocelli new` makes;
//! and what person detection takes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_core::FrameFormat;
use ocelli_deploy::Project;
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_simulator::elf::{Footprint, footprint};
use ocelli_simulator::{Board, Program, Toolchain, boards, target_directory};

use crate::command;

/// What to build.
#[derive(Args, Default)]
pub struct Options {
    /// The artefact that `detect` carries; without it person detection, from the zoo
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// Builds everything and prints the size table; fails when anything is larger than it may be.
pub fn run(options: &Options) -> Result<()> {
    let artefact = options.model.clone().map_or_else(person_detection, Ok)?;
    let mut too_large = Vec::new();
    println!("{:<30} {:>9} {:>9} {:>9} {:>9}", "firmware", "flash", "budget", "RAM", "budget");
    for board in boards() {
        let name = &board.name;
        for program in [Program::CameraCheck, Program::Detect { artefact: &artefact }] {
            check(board, &format!("{name} {}", program.name()), &board.build(program)?, &mut too_large)?;
        }
        // Other pins take as much: one program of each shows that it builds.
        for variant in &board.variants {
            let program = Program::CameraCheck;
            let elf = board.build_variant(program, Some(variant))?;
            check(board, &format!("{name} {variant} {}", program.name()), &elf, &mut too_large)?;
        }
        check(board, &format!("{name} new project"), &project(board, &artefact)?, &mut too_large)?;
    }
    println!("Built, not run on hardware. RAM is variables, arena, frames and stack; flash holds the model.");
    if !too_large.is_empty() {
        bail!("{}", too_large.join("\n"));
    }
    parts(&artefact)
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
fn project(board: &Board, artefact: &Path) -> Result<PathBuf> {
    let name = format!("{}-cam", board.name);
    let folder = target_directory()?.join("boards/projects").join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(folder.parent().context("a project's folder lies in another")?)?;
    let model = fs::read(artefact).with_context(|| format!("reading {}", artefact.display()))?;
    Project { folder: &folder, board, model: &model, model_name: "model.ocelli" }.create()?;
    let mut cargo = Toolchain::find(&board.target)?.cargo("build", &board.target, &board.rustflags);
    cargo.current_dir(&folder).env("CARGO_TARGET_DIR", target_directory()?);
    command::run(cargo.args(["--quiet", "--profile", &board.profile]))?;
    Ok(target_directory()?.join(&board.target).join(&board.profile).join(name))
}

/// What of it the model and the frames are: the same on every board.
fn parts(artefact: &Path) -> Result<()> {
    let bytes = fs::read(artefact).with_context(|| format!("reading {}", artefact.display()))?;
    let aligned = AlignedBytes::copy_of(&bytes);
    let parsed = Artefact::parse(&aligned).with_context(|| artefact.display().to_string())?;
    let arena_bytes = parsed.schedules().map(|schedule| schedule.arena_bytes).max().unwrap_or(0);
    println!(
        "Of these, model {} bytes of flash; arena {arena_bytes}, two frames of 320x240 in gray {} bytes of RAM.",
        bytes.len(),
        2 * FrameFormat::QVGA_GRAY.bytes()
    );
    Ok(())
}

/// The person detector of the zoo as an artefact.
fn person_detection() -> Result<PathBuf> {
    command::run(&mut command::cargo(["build", "--quiet", "--release", "--package", "ocelli-cli"])?)?;
    let ocelli = target_directory()?.join("release/ocelli");
    let output = Command::new(&ocelli).args(["zoo", "fetch", "person"]).output()?;
    if !output.status.success() {
        bail!("`ocelli zoo fetch person` failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let folder = target_directory()?.join("boards");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let artefact = folder.join("person.ocelli");
    let model = String::from_utf8(output.stdout).context("reading where the model is")?;
    let mut convert = Command::new(&ocelli);
    convert.arg("convert").arg(model.trim()).arg("--output").arg(&artefact);
    command::run_quietly(&mut convert)?;
    Ok(artefact)
}
