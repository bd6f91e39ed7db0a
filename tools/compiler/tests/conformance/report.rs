//! What is printed: counts, reasons, failures.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Outcome;

/// Outcomes so far.
#[derive(Default)]
pub struct Report {
    /// Cases that hold in float and in int8.
    pub passed: usize,
    with_constants: usize,
    skipped: BTreeMap<String, usize>,
    /// Names and what is wrong.
    pub failures: Vec<(String, String)>,
}

impl Report {
    /// Counts a case.
    pub fn add(&mut self, name: String, outcome: Outcome) {
        match outcome {
            Outcome::Passed { constants } => {
                self.passed += 1;
                self.with_constants += usize::from(constants > 0);
            }
            Outcome::Skipped(reason) => *self.skipped.entry(reason).or_default() += 1,
            Outcome::Failed(why) => self.failures.push((name, why)),
        }
    }

    /// Prints everything, the largest group of skipped cases first.
    pub fn print(&self, folder: &Path) {
        let skipped: usize = self.skipped.values().sum();
        let failed = self.failures.len();
        let mut reasons: Vec<(&String, &usize)> = self.skipped.iter().collect();
        reasons
            .sort_by_key(|&(reason, &count)| (reason.starts_with("operator "), usize::MAX - count, reason));
        println!("skipped  reason");
        for (reason, count) in reasons {
            println!("{count:7}  {reason}");
        }
        for (name, why) in &self.failures {
            println!("FAILED   {name}: {why}");
        }
        println!(
            "node cases in {}: passed {}, failed {failed}, skipped {skipped}",
            folder.display(),
            self.passed
        );
        println!(
            "passed: float within 1e-4, int8 within one step; in {} all inputs but the first are constants",
            self.with_constants
        );
    }
}
