//! `ocelli train`: a recipe becomes an artefact with its card, resumed where it was left.
//!
//! Training is built on demand: burn would make every other command wait for it.

use std::path::PathBuf;

#[cfg(not(feature = "train"))]
use crate::failure::{Failure, Verdict};

/// Arguments of `ocelli train`.
#[derive(clap::Args)]
#[cfg_attr(
    not(feature = "train"),
    allow(dead_code, reason = "this program only says how to build the other")
)]
pub struct Arguments {
    /// The recipe, a TOML file
    recipe: PathBuf,
    /// The folder for artefact, float model, card, log and checkpoint; out/train/NAME otherwise
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Another seed than the recipe's
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Do not look at the test split in the end
    #[arg(long)]
    no_test: bool,
    /// Seconds between two checkpoints
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    checkpoint_every: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Says how to get the program that trains.
#[cfg(not(feature = "train"))]
pub fn run(_: Arguments) -> Result<Verdict, Failure> {
    Err(Failure::from("this program was built without training".to_owned())
        .advise("in a clone: `cargo run --release --features train -- train RECIPE`; it builds burn once, which takes minutes"))
}

#[cfg(feature = "train")]
pub use with_burn::run;

#[cfg(feature = "train")]
mod with_burn {
    use std::path::PathBuf;
    use std::time::Duration;

    use indicatif::{ProgressBar, ProgressStyle};
    use ocelli_train::recipe::Recipe;
    use ocelli_train::run::{self as training, Event, Options, Outcome, Score};

    use super::Arguments;
    use crate::failure::{Failure, Verdict};
    use crate::terminal::{self, FAINT, STRONG, say, thousands};

    /// Runs a recipe, or goes on with it.
    pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
        let failed = |error: ocelli_train::TrainError| Failure::from(error.to_string());
        let mut recipe = Recipe::open(&arguments.recipe).map_err(failed)?;
        recipe.seed = arguments.seed.unwrap_or(recipe.seed);
        let output = arguments.output.unwrap_or_else(|| PathBuf::from("out/train").join(&recipe.name));
        let options = Options {
            output,
            interval: Duration::from_secs(arguments.checkpoint_every),
            reads_test: !arguments.no_test,
        };
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {pos}") {
            bar.set_style(style);
        }
        bar.set_message("Reading pictures");
        let outcome = training::run(&recipe, &options, |event| show(&bar, &event)).map_err(failed)?;
        bar.finish_and_clear();
        if arguments.json {
            terminal::print_json(&outcome)?;
        } else {
            print(&outcome)?;
        }
        Ok(Verdict::Done)
    }

    /// What goes on, on standard error; epochs stay as lines.
    fn show(bar: &ProgressBar, event: &Event<'_>) {
        match event {
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
                bar.set_message(format!("{} loss {:.4}", progress.stage, progress.loss));
                if let Some(entry) = progress.entry {
                    let line = format!(
                        "{} epoch {}: loss {:.4}, {:.2} % right in training, {} of {} ({:.2} %) on validation, {} weights",
                        entry.stage,
                        entry.epoch,
                        entry.loss,
                        100.0 * entry.train,
                        entry.right,
                        entry.pictures,
                        100.0 * entry.right as f64 / entry.pictures.max(1) as f64,
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

    fn print(outcome: &Outcome) -> Result<(), Failure> {
        say!("{STRONG}{}{STRONG:#}: {} numbers trained", outcome.name, thousands(outcome.parameters as u64))?;
        let mut table = terminal::table(&["", "float", "artefact"], &[1, 2]);
        let mut row = |what: &str, float: Option<Score>, int8: Option<Score>| {
            if let (Some(float), Some(int8)) = (float, int8) {
                table.add_row([what.to_owned(), training::shown(float), training::shown(int8)]);
            }
        };
        row("validation", Some(outcome.float_validation), Some(outcome.int8_validation));
        row("test, read once", outcome.float_test, outcome.int8_test);
        table.add_row([
            "bytes".to_owned(),
            thousands(outcome.float_bytes as u64),
            thousands(outcome.artefact_bytes as u64),
        ]);
        say!("{table}")?;
        say!(
            "{FAINT}Float bytes: weights as float32; artefact bytes: the whole file, {:.1} times under that. Intervals: Wilson's, 95 %.{FAINT:#}",
            outcome.float_bytes as f64 / outcome.artefact_bytes.max(1) as f64
        )?;
        say!(
            "Artefact: {STRONG}{}{STRONG:#}   arena: {} bytes   float model: {}",
            outcome.artefact.display(),
            thousands(outcome.arena_bytes),
            outcome.model.display()
        )
    }
}
