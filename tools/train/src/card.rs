//! A model's card: where it comes from, how good it is, what it costs, and where it should not be used.

use std::fmt::Write;

use crate::recipe::Recipe;
use crate::run::Outcome;
use crate::score::Score;

/// The card as Markdown.
pub fn text(recipe: &Recipe, outcome: &Outcome) -> String {
    let mut card = format!("# {}\n\n{}\n\n", outcome.name, recipe.about);
    let _ = writeln!(card, "| | float | artefact |\n|---|---|---|");
    let mut row = |what: &str, float: Option<&Score>, int8: Option<&Score>| {
        if let (Some(float), Some(int8)) = (float, int8) {
            let _ = writeln!(card, "| {} {what} | {float} | {int8} |", float.measure());
        }
    };
    row("on the validation part", Some(&outcome.float_validation), Some(&outcome.int8_validation));
    row("on the test split, read once", outcome.float_test.as_ref(), outcome.int8_test.as_ref());
    let _ = writeln!(
        card,
        "| bytes | {} (weights) | {} (whole file) |",
        outcome.float_bytes, outcome.artefact_bytes
    );
    let _ = writeln!(
        card,
        "\n{} numbers, {} weights of them not 0; {} multiply-accumulates; {} bytes of arena. {}",
        outcome.parameters,
        outcome.weights,
        outcome.macs,
        outcome.arena_bytes,
        outcome.int8_validation.method()
    );
    let _ = writeln!(
        card,
        "\n- Data: {}, seed {}, {} of it kept out of training for validation.",
        recipe.data.name(),
        recipe.seed,
        percent(recipe.data.validation)
    );
    if let (Some(fold), Some(folds)) = (recipe.data.fold, recipe.data.folds) {
        let _ = writeln!(card, "- Test: fold {fold} of {folds}, drawn by the seed.");
    }
    for stage in &recipe.stages {
        let last = outcome.log.iter().rfind(|entry| entry.stage == stage.name);
        let reached = last.map_or_else(String::new, |entry| format!(", at its end {}", entry.score.short()));
        let _ = writeln!(card, "- Stage {:?}: {} epochs{reached}.", stage.name, stage.epochs);
    }
    card
}

fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}
