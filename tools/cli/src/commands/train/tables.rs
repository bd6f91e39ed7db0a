//! What came out, as tables: of one run, of all runs of a recipe, and of each recipe beside the first.

use ocelli_eval::Interval;
use ocelli_train::repeat::{Comparison, Repeated, compare};
use ocelli_train::run::Outcome;
use ocelli_train::score::Score;
use serde_json::json;

use crate::failure::Failure;
use crate::terminal::{self, FAINT, STRONG, say, thousands};

/// Prints everything.
pub(super) fn print(all: &[Repeated], is_json: bool) -> Result<(), Failure> {
    let comparisons: Vec<Comparison> = match all {
        [baseline, others @ ..] => others.iter().filter_map(|other| compare(baseline, other)).collect(),
        [] => Vec::new(),
    };
    if is_json {
        return match all {
            [one] if one.runs.len() == 1 => terminal::print_json(&one.runs[0].1),
            _ => terminal::print_json(&json!({ "recipes": all, "comparisons": comparisons })),
        };
    }
    for recipe in all {
        match &recipe.runs[..] {
            [(_, outcome)] => print_one(outcome)?,
            _ => print_runs(recipe)?,
        }
    }
    comparisons.iter().try_for_each(print_comparison)
}

fn print_one(outcome: &Outcome) -> Result<(), Failure> {
    say!("{STRONG}{}{STRONG:#}: {} numbers trained", outcome.name, thousands(outcome.parameters as u64))?;
    let mut table = terminal::table(&["", "float", "artefact"], &[1, 2]);
    let mut row = |what: &str, float: Option<&Score>, int8: Option<&Score>| {
        if let (Some(float), Some(int8)) = (float, int8) {
            table.add_row([what.to_owned(), float.to_string(), int8.to_string()]);
        }
    };
    row("validation", Some(&outcome.float_validation), Some(&outcome.int8_validation));
    row("test", outcome.float_test.as_ref(), outcome.int8_test.as_ref());
    table.add_row([
        "bytes".to_owned(),
        thousands(outcome.float_bytes as u64),
        thousands(outcome.artefact_bytes as u64),
    ]);
    say!("{table}")?;
    say!(
        "{FAINT}Float bytes: weights as float32; artefact bytes: the whole file, {:.1} times under that. {}{FAINT:#}",
        outcome.float_bytes as f64 / outcome.artefact_bytes.max(1) as f64,
        outcome.int8_validation.method()
    )?;
    say!(
        "Artefact: {STRONG}{}{STRONG:#}   arena: {} bytes   float model: {}",
        outcome.artefact.display(),
        thousands(outcome.arena_bytes),
        outcome.model.display()
    )
}

fn print_runs(recipe: &Repeated) -> Result<(), Failure> {
    say!("{STRONG}{}{STRONG:#}: {} runs", recipe.name, recipe.runs.len())?;
    let headings = ["run", "validation, artefact", "test, float", "test, artefact", "bytes", "times smaller"];
    let mut table = terminal::table(&headings, &[1, 2, 3, 4, 5]);
    let short = |score: Option<&Score>| score.map_or("-".into(), Score::short);
    for (name, outcome) in &recipe.runs {
        table.add_row([
            name.clone(),
            short(Some(&outcome.int8_validation)),
            short(outcome.float_test.as_ref()),
            short(outcome.int8_test.as_ref()),
            thousands(outcome.artefact_bytes as u64),
            format!("{:.1}", outcome.float_bytes as f64 / outcome.artefact_bytes.max(1) as f64),
        ]);
    }
    let together = |score: fn(&Outcome) -> Option<Score>| {
        recipe.together(score).map_or("-".to_owned(), |all| {
            format!("{}{}", percent(all.part), all.interval.map_or_else(String::new, between))
        })
    };
    table.add_row([
        "together".to_owned(),
        together(|outcome| Some(outcome.int8_validation.clone())),
        together(|outcome| outcome.float_test.clone()),
        together(|outcome| outcome.int8_test.clone()),
        String::new(),
        String::new(),
    ]);
    say!("{table}")?;
    say!(
        "{FAINT}Intervals, 95 %: Wilson's over the pictures of all folds, Student's over seeds. Bytes: the whole file, beside weights as float32.{FAINT:#}"
    )
}

/// An interval of parts, in percent.
fn between(interval: Interval) -> String {
    format!(" ({} to {})", percent(interval.low), percent(interval.high))
}

fn print_comparison(comparison: &Comparison) -> Result<(), Failure> {
    let gains: Vec<String> = comparison.gains.iter().map(|gain| format!("{gain:+.2}")).collect();
    let interval = comparison.interval.map_or_else(String::new, |interval| {
        format!(
            " ({:+.2} to {:+.2}, Student's 95 % over {} pairs: {})",
            interval.low,
            interval.high,
            gains.len(),
            gains.join(", ")
        )
    });
    say!(
        "{STRONG}{}{STRONG:#} against {}, artefacts on {}: {:+.2} points{interval}",
        comparison.name,
        comparison.baseline,
        if comparison.is_test { "the test split" } else { "the validation part" },
        comparison.gain
    )
}

fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}
