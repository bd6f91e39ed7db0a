//! Everything that a person or continuous integration runs on the repository: `cargo xtask <job>`.
#![forbid(unsafe_code)]

mod command;

mod packages;

mod python;

mod golden;

mod executors;

mod setup;

mod test;

mod lint;

mod conformance;

mod models;
mod mutants;

mod qemu;

mod sizes;

mod keys;

mod boards;

mod aarch64;

mod bench_host;

mod page;

mod street;

mod package;

mod soak;

mod bench_qemu;

mod bench_forms;

mod fuzz;

mod sanitize;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

/// The repository's jobs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", subcommand_required = false)]
struct Arguments {
    #[command(subcommand)]
    job: Option<Job>,
}

#[derive(Subcommand)]
enum Job {
    /// Get what the other jobs need: cross toolchain, QEMU, a broker
    Setup,
    /// Test everything: host, microcontroller build, QEMU, budgets
    Test(test::Options),
    /// Check formatting, warnings, licences and the ban on unsafe code
    Lint,
    /// Run ONNX's node cases through import, float oracle and int8 engine
    Conformance(conformance::Options),
    /// Convert every known vision model and hold its outputs against float
    Models(models::Options),
    /// Run the golden models on the host and on five emulated Cortex-M
    Qemu(qemu::Options),
    /// Print RAM and flash by model, and check them against peers and budgets
    Sizes,
    /// Build every program of every board, and check them against its budgets
    Boards(boards::Options),
    /// Run the NEON backends under QEMU: kernels, golden models, instructions; then every model in every executor
    Aarch64(aarch64::Options),
    /// Look at the live page in Chromium: boxes, sliders, readers that stall, screenshots
    Page,
    /// Draw the tracker's tracks on a real street video, to look at
    Street,
    /// Make Debian packages with a systemd unit, install and start each
    Package(package::Options),
    /// Run the program live while cameras, brokers and readers fail, and count everything
    Soak(soak::Options),
    /// Time inference on this machine, beside LiteRT and onnxruntime
    BenchHost(bench_host::Options),
    /// Print what an inference takes by model and core, and check it against the committed baseline
    BenchQemu(bench_qemu::Options),
    /// Print what weights cost in each form, layer by layer, on Cortex-M4F
    BenchForms(bench_forms::Options),
    /// Run the kernels' properties under AddressSanitizer, valgrind and Miri
    Sanitize,
    /// Change the reference kernels bit by bit, and see a test fail each time
    Mutants(mutants::Options),
    /// Feed mutated bytes to the artefact reader and the planner
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().job {
        None => list(),
        Some(Job::Setup) => setup::run(),
        Some(Job::Test(options)) => test::run(&options),
        Some(Job::Lint) => lint::run(),
        Some(Job::Conformance(options)) => conformance::run(&options),
        Some(Job::Models(options)) => models::run(&options),
        Some(Job::Qemu(options)) => qemu::run(&options),
        Some(Job::Sizes) => sizes::run(),
        Some(Job::Boards(options)) => boards::run(&options),
        Some(Job::Aarch64(options)) => aarch64::run(&options),
        Some(Job::Page) => page::run(),
        Some(Job::Street) => street::run(),
        Some(Job::Package(options)) => package::run(&options),
        Some(Job::Soak(options)) => soak::run(&options),
        Some(Job::BenchHost(options)) => bench_host::run(&options),
        Some(Job::BenchQemu(options)) => bench_qemu::run(&options),
        Some(Job::BenchForms(options)) => bench_forms::run(&options),
        Some(Job::Sanitize) => sanitize::run(),
        Some(Job::Mutants(options)) => mutants::run(&options),
        Some(Job::Fuzz(options)) => fuzz::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Without a job: which there are.
fn list() -> Result<()> {
    Arguments::command().print_help()?;
    Ok(())
}
