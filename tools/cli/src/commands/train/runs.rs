//! The runs of all recipes, one after the other, and what is told while they go on.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ocelli_train::TrainError;
use ocelli_train::recipe::Recipe;
use ocelli_train::repeat::{self, Repeated, Run};
use ocelli_train::run::{self as training, Event, Options, Outcome};

use super::{Arguments, tables};
use crate::failure::{Failure, Verdict};
use crate::terminal::thousands;

/// Runs recipes, or goes on with them.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let recipes: Vec<Recipe> =
        arguments.recipes.iter().map(|path| Recipe::open(path).map_err(failed)).collect::<Result<_, _>>()?;
    let seeds = arguments.seeds.as_ref().map_or(&[][..], |seeds| &seeds.0);
    let mut all = Vec::new();
    for recipe in &recipes {
        let folder = match &arguments.output {
            None => Path::new("out/train").join(&recipe.name),
            Some(folder) if recipes.len() == 1 => folder.clone(),
            Some(folder) => folder.join(&recipe.name),
        };
        let mut ended = Vec::new();
        for run in repeat::runs(recipe, seeds, &folder) {
            let options = Options {
                output: run.folder.clone(),
                interval: Duration::from_secs(arguments.checkpoint_every),
                reads_test: !arguments.no_test,
            };
            let outcome = one(&run, &options)?;
            ended.push((run.name, outcome));
        }
        all.push(Repeated { name: recipe.name.clone(), runs: ended });
    }
    tables::print(&all, arguments.json)?;
    Ok(Verdict::Done)
}

fn failed(error: TrainError) -> Failure {
    Failure::from(error.to_string())
}

/// A run with its progress.
fn one(run: &Run, options: &Options) -> Result<Outcome, Failure> {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {pos}") {
        bar.set_style(style);
    }
    bar.set_message("Reading pictures");
    let name = [run.recipe.name.as_str(), &run.name].join(" ").trim_end().to_owned();
    let outcome = training::run(&run.recipe, options, |event| show(&bar, &name, &event)).map_err(failed)?;
    bar.finish_and_clear();
    Ok(outcome)
}

/// What goes on, on standard error; epochs stay as lines.
fn show(bar: &ProgressBar, name: &str, event: &Event<'_>) {
    match event {
        Event::Known => {
            eprintln!(
                "{name} is done, and this is what came out; without outcome.json its artefact is made anew"
            );
        }
        Event::Read => bar.inc(1),
        Event::Resumed { stage: Some(stage), epochs } => {
            eprintln!("going on with stage {stage:?} after {epochs} epochs");
        }
        Event::Resumed { stage: None, .. } => eprintln!("all stages are done; making the artefact anew"),
        Event::Step(progress) => {
            if bar.length() != Some(progress.steps) {
                bar.set_length(progress.steps);
                if let Ok(style) =
                    ProgressStyle::with_template("{msg} {wide_bar:.cyan} {pos}/{len} {eta:.dim}")
                {
                    bar.set_style(style);
                }
                bar.reset_eta();
            }
            bar.set_position(progress.done);
            bar.set_message(format!("{name}, {}: loss {:.4}", progress.stage, progress.loss));
            if let Some(entry) = progress.entry {
                let train = entry
                    .train
                    .map_or_else(String::new, |part| format!("{:.2} % right in training, ", 100.0 * part));
                let line = format!(
                    "{} epoch {}: loss {:.4}, {train}{} on validation, {} weights",
                    entry.stage,
                    entry.epoch,
                    entry.loss,
                    entry.score.short(),
                    thousands(entry.weights as u64)
                );
                match bar.is_hidden() {
                    true => eprintln!("{line}"),
                    false => bar.println(line),
                }
            }
        }
        Event::Finishing => bar.set_message("Making the artefact"),
    }
}
