//! The real models against TFLite Micro's outputs, and a table of what they cost.

use anyhow::{Result, bail};
use ocelli_simulator::{Input, Job, Run, run_on_host};

use super::{Target, in_parallel};
use crate::golden::{Case, Model, Striped};
use crate::sizes::budget_title;

/// Converts every golden model, runs each of its inputs on the host and on every machine, and prints a table.
pub fn run(targets: &[Target]) -> Result<()> {
    let models = crate::golden::models()?;
    if models.is_empty() {
        return Ok(());
    }
    println!(
        "{:<30} {:<11} {:>6} {:>13} {:>8} {:>13} {:>8} {:>7}",
        "model", "machine", "equal", "instructions", "per MAC", "TFLM", "arena", "stack"
    );
    let mut wrong = Vec::new();
    for model in &models {
        for case in &model.cases {
            check("host", model, case, &run_on_host(&job(&model.artefact, case))?, &mut wrong);
        }
        let runs = in_parallel(targets, |target| {
            model
                .cases
                .iter()
                .map(|case| target.run(&job(&model.artefact, case)))
                .collect::<Result<Vec<Run>>>()
        })?;
        for (target, runs) in targets.iter().zip(runs) {
            let machine = &target.machine.name;
            let mut equal = 0;
            for (case, run) in model.cases.iter().zip(&runs) {
                equal += usize::from(check(machine, model, case, run, &mut wrong));
            }
            print_row(model, &model.peer.title, machine, equal, &runs[0]);
        }
        for striped in &model.striped {
            self::striped(targets, model, striped, &mut wrong)?;
        }
    }
    if !wrong.is_empty() {
        bail!("outputs differ from TFLite Micro's:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// The same of a model under a budget of RAM.
fn striped(targets: &[Target], model: &Model, striped: &Striped, wrong: &mut Vec<String>) -> Result<()> {
    let jobs: Vec<Job<'_>> = model.cases.iter().map(|case| job(&striped.artefact, case)).collect();
    for (job, case) in jobs.iter().zip(&model.cases) {
        check("host, striped", model, case, &run_on_host(job)?, wrong);
    }
    let runs =
        in_parallel(targets, |target| jobs.iter().map(|job| target.run(job)).collect::<Result<Vec<Run>>>())?;
    for (target, runs) in targets.iter().zip(runs) {
        let machine = &target.machine.name;
        let mut equal = 0;
        for (case, run) in model.cases.iter().zip(&runs) {
            equal += usize::from(check(machine, model, case, run, wrong));
        }
        print_row(model, budget_title(&striped.budget), machine, equal, &runs[0]);
    }
    Ok(())
}

fn job<'a>(artefact: &'a [u8], case: &Case) -> Job<'a> {
    Job { artefact, input: Input::Seed { seed: case.seed, shift: case.shift }, steps: false }
}

/// Whether a run gave TFLite Micro's bytes; where not, says so in `wrong`.
fn check(machine: &str, model: &Model, case: &Case, run: &Run, wrong: &mut Vec<String>) -> bool {
    let computed = run.output_hex.concat();
    let equal = computed == case.output_hex;
    if !equal {
        let Case { seed, shift, output_hex } = case;
        wrong.push(format!(
            "{} on {machine}, seed {seed} shift {shift}: {computed}, not {output_hex}",
            model.file
        ));
    }
    equal
}

fn print_row(model: &Model, title: &str, machine: &str, equal: usize, run: &Run) {
    // What runs while rows of a streamed input come in counts as preprocess; so does making the rows up.
    let infer = run.instructions.preprocess + run.instructions.infer;
    let peer = model.peer.on(machine).map_or_else(|| "-".to_owned(), |peer| peer.instructions.to_string());
    println!(
        "{:<30} {:<11} {:>6} {:>13} {:>8.2} {:>13} {:>8} {:>7}",
        title,
        machine,
        format!("{equal}/{}", model.cases.len()),
        infer,
        infer as f64 / model.macs as f64,
        peer,
        run.arena_bytes,
        run.infer_stack_bytes
    );
}
