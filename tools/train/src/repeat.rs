//! Recipes run more than once: with other seeds, or with each fold the test in its turn. What the runs say together, and
//! how two recipes compare, pair by pair.
//!
//! Runs of one seed or fold share splits, and so most of what makes one run luckier than another; the difference between
//! two recipes is told from pairs of them.

use std::path::{Path, PathBuf};

use ocelli_eval::Interval;
use serde::Serialize;

use crate::recipe::Recipe;
use crate::run::Outcome;
use crate::score::Score;

/// One run of a recipe.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its seed and its fold; nothing where a recipe is run once.
    pub name: String,
    /// Where everything goes.
    pub folder: PathBuf,
    /// With its own seed and fold.
    pub recipe: Recipe,
}

/// The runs of a recipe: with each seed, or with its own where none is given, and of those each fold.
pub fn runs(recipe: &Recipe, seeds: &[u64], folder: &Path) -> Vec<Run> {
    let own = [recipe.seed];
    let seeds = if seeds.is_empty() { &own[..] } else { seeds };
    let folds: Vec<Option<usize>> = match (recipe.data.folds, recipe.data.fold) {
        (Some(folds), None) => (1..=folds).map(Some).collect(),
        (_, fold) => vec![fold],
    };
    let mut runs = Vec::new();
    for &seed in seeds {
        for &fold in &folds {
            let mut recipe = recipe.clone();
            (recipe.seed, recipe.data.fold) = (seed, fold);
            let of_seed = (seeds.len() > 1).then(|| format!("seed-{seed}"));
            let of_fold = fold.filter(|_| folds.len() > 1).map(|fold| format!("fold-{fold}"));
            let parts: Vec<String> = of_seed.into_iter().chain(of_fold).collect();
            let folder = if parts.is_empty() { folder.to_owned() } else { folder.join(parts.join("-")) };
            runs.push(Run { name: parts.join(", ").replace('-', " "), folder, recipe });
        }
    }
    runs
}

/// A recipe whose runs are done.
#[derive(Clone, Debug, Serialize)]
pub struct Repeated {
    /// Name of the recipe.
    pub name: String,
    /// Every run's name and what came out.
    pub runs: Vec<(String, Outcome)>,
}

/// A part of right answers that several runs have together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Together {
    /// The mean over runs.
    pub part: f64,
    /// Wilson's over the pictures of all folds; Student's over runs that looked at the same pictures.
    pub interval: Option<Interval>,
}

impl Repeated {
    /// What the runs have together, by one of their scores.
    pub fn together(&self, score: impl Fn(&Outcome) -> Option<Score>) -> Option<Together> {
        let scores: Vec<Score> =
            self.runs.iter().map(|(_, outcome)| score(outcome)).collect::<Option<_>>()?;
        let parts: Vec<f64> = scores.iter().map(Score::part).collect();
        // Each picture is tested once where there is one seed of all folds.
        let is_pooled = self.runs.iter().all(|(name, _)| name.starts_with("fold"));
        if let Some(all) = Score::pooled(&scores).filter(|_| is_pooled) {
            return Some(Together { part: all.part(), interval: all.interval() });
        }
        let part = parts.iter().sum::<f64>() / parts.len().max(1) as f64;
        Some(Together { part, interval: Interval::student(&parts) })
    }
}

/// What a recipe's artefacts gain over those of another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The other recipe.
    pub baseline: String,
    /// The recipe.
    pub name: String,
    /// Whether the test split is compared, or the validation part where a run did not look at it.
    pub is_test: bool,
    /// Points of accuracy (hundredths) that each run gains over its partner.
    pub gains: Vec<f64>,
    /// Their mean.
    pub gain: f64,
    /// Student's over the pairs; nothing of a single pair.
    pub interval: Option<Interval>,
}

/// Compares two recipes, pair by pair; `None` where the runs are no pairs.
pub fn compare(baseline: &Repeated, other: &Repeated) -> Option<Comparison> {
    let pairs: Vec<(&Outcome, &Outcome)> = baseline
        .runs
        .iter()
        .zip(&other.runs)
        .map(|(theirs, own)| (theirs.0 == own.0).then_some((&theirs.1, &own.1)))
        .collect::<Option<_>>()?;
    if baseline.runs.len() != other.runs.len() || pairs.is_empty() {
        return None;
    }
    let is_test = pairs.iter().all(|(theirs, own)| theirs.int8_test.is_some() && own.int8_test.is_some());
    let part = |outcome: &Outcome| match &outcome.int8_test {
        Some(score) if is_test => score.part(),
        _ => outcome.int8_validation.part(),
    };
    let gain = |(theirs, own): &(&Outcome, &Outcome)| 100.0 * (part(own) - part(theirs));
    let gains: Vec<f64> = pairs.iter().map(gain).collect();
    Some(Comparison {
        baseline: baseline.name.clone(),
        name: other.name.clone(),
        is_test,
        gain: gains.iter().sum::<f64>() / gains.len() as f64,
        interval: Interval::student(&gains),
        gains,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(folds: &str) -> Recipe {
        toml::from_str(&format!(
            "name = \"net\"\nseed = 9\ncontract = \"c.toml\"\n[data]\npath = \"d\"\n{folds}\n[model]\nfamily = \"lenet-5\"\n\
             [[stages]]\nname = \"train\"\nepochs = 1\n"
        ))
        .unwrap()
    }

    fn outcome(right: usize, is_tested: bool) -> Outcome {
        let score = Score::Right { right, pictures: 200 };
        Outcome {
            name: "net".into(),
            parameters: 0,
            weights: 0,
            float_validation: score.clone(),
            int8_validation: score.clone(),
            float_test: None,
            int8_test: is_tested.then_some(score),
            float_bytes: 0,
            artefact_bytes: 0,
            arena_bytes: 0,
            macs: 0,
            log: vec![],
            artefact: PathBuf::new(),
            model: PathBuf::new(),
        }
    }

    fn repeated(name: &str, kind: &str, rights: &[usize]) -> Repeated {
        let run = |(index, &right): (usize, &usize)| (format!("{kind} {}", index + 1), outcome(right, true));
        Repeated { name: name.into(), runs: rights.iter().enumerate().map(run).collect() }
    }

    #[test]
    fn every_seed_and_every_fold_has_a_run_of_its_own() {
        let names = |folds: &str, seeds: &[u64]| -> Vec<(String, u64, Option<usize>, String)> {
            runs(&recipe(folds), seeds, Path::new("out"))
                .into_iter()
                .map(|run| {
                    (run.name, run.recipe.seed, run.recipe.data.fold, run.folder.display().to_string())
                })
                .collect()
        };
        assert_eq!(names("", &[]), [(String::new(), 9, None, "out".into())]);
        assert_eq!(names("", &[3]), [(String::new(), 3, None, "out".into())]);
        assert_eq!(names("", &[1, 2])[1], ("seed 2".into(), 2, None, "out/seed-2".into()));
        assert_eq!(names("folds = 3", &[])[2], ("fold 3".into(), 9, Some(3), "out/fold-3".into()));
        let both = names("folds = 2", &[1, 2]);
        assert_eq!((both.len(), both[3].0.as_str()), (4, "seed 2, fold 2"));
        assert_eq!(names("folds = 3\nfold = 2", &[])[0], (String::new(), 9, Some(2), "out".into()));
    }

    #[test]
    fn folds_pool_their_pictures_and_seeds_their_runs() {
        let score = |outcome: &Outcome| outcome.int8_test.clone();
        let folds = repeated("net", "fold", &[180, 190]).together(score).unwrap();
        assert_eq!(folds.interval, Some(Interval::wilson(370, 400)));
        let seeds = repeated("net", "seed", &[180, 190]).together(score).unwrap();
        assert!((folds.part - 0.925).abs() < 1e-12 && (seeds.part - 0.925).abs() < 1e-12);
        assert_eq!(seeds.interval.map(|interval| interval.method), Some("student"));
        assert_eq!(repeated("net", "seed", &[1]).together(|outcome| outcome.float_test.clone()), None);
    }

    #[test]
    fn pairs_are_compared_and_nothing_else() {
        let (hard, soft) =
            (repeated("hard", "seed", &[180, 190, 170]), repeated("soft", "seed", &[182, 191, 173]));
        let comparison = compare(&hard, &soft).unwrap();
        assert!((comparison.gain - 1.0).abs() < 1e-9 && comparison.is_test, "{comparison:?}");
        let interval = comparison.interval.unwrap();
        // Gains of 1, 0.5 and 1.5 points: 1 with an error of 0.5 / sqrt(3), times 4.3027.
        assert!(
            (interval.low + 0.2421).abs() < 1e-3 && (interval.high - 2.2421).abs() < 1e-3,
            "{interval:?}"
        );
        assert_eq!(compare(&hard, &repeated("soft", "fold", &[1, 2, 3])), None);
        assert_eq!(compare(&hard, &repeated("soft", "seed", &[1, 2])), None);
        let mut unread = soft.clone();
        unread.runs[0].1.int8_test = None;
        assert!(!compare(&hard, &unread).unwrap().is_test);
    }
}
