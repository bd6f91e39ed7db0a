//! The page of a run: its epochs, and its place among the runs in the folders beside it.

use std::path::Path;

use ocelli_report::training::{Candidate, Epoch, Training, render};

use crate::recipe::Recipe;
use crate::run::Outcome;

/// What each run leaves of its figures, so that others can stand beside them.
pub(crate) const OUTCOME: &str = "outcome.json";

/// The page as one HTML file.
pub(crate) fn html(recipe: &Recipe, outcome: &Outcome, folder: &Path) -> String {
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut facts = vec![
        fact("validation, float", outcome.float_validation.to_string()),
        fact("validation, artefact", outcome.int8_validation.to_string()),
        fact("bytes of weights in float", outcome.float_bytes.to_string()),
        fact("bytes of the artefact", outcome.artefact_bytes.to_string()),
        fact("bytes of arena", outcome.arena_bytes.to_string()),
        fact("seed", recipe.seed.to_string()),
    ];
    if let Some(test) = &outcome.int8_test {
        facts.insert(2, fact("test, artefact", test.to_string()));
    }
    let epoch = |entry: &crate::state::Entry| Epoch {
        stage: entry.stage.clone(),
        loss: f64::from(entry.loss),
        wrong_percent: 100.0 * (1.0 - entry.score.part()),
        weights: entry.weights as u64,
    };
    let measure = outcome.int8_validation.measure();
    let others = beside(folder)
        .into_iter()
        .filter(|other| other.name != outcome.name && other.int8_validation.measure() == measure);
    render(&Training {
        title: outcome.name.clone(),
        subtitle: recipe.about.clone(),
        facts,
        measure: measure.to_owned(),
        epochs: outcome.log.iter().map(epoch).collect(),
        candidates: std::iter::once(outcome.clone()).chain(others).map(|each| candidate(&each)).collect(),
    })
}

fn candidate(outcome: &Outcome) -> Candidate {
    Candidate {
        name: outcome.name.clone(),
        bytes: outcome.artefact_bytes as f64,
        macs: outcome.macs as f64,
        right_percent: 100.0 * outcome.int8_validation.part(),
    }
}

/// Outcomes in the folders beside this one; what is none is left out.
fn beside(folder: &Path) -> Vec<Outcome> {
    let entries = folder.parent().and_then(|parent| std::fs::read_dir(parent).ok());
    let mut folders: Vec<_> =
        entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    let read =
        |path: &std::path::PathBuf| serde_json::from_slice(&std::fs::read(path.join(OUTCOME)).ok()?).ok();
    folders.iter().filter_map(read).collect()
}
