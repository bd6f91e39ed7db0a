//! `ocelli train`: recipes become artefacts with their cards, resumed where they were left, compared where they are many.
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
    /// Recipes, TOML files, run in this order; each is then compared with the first
    #[arg(required = true, value_name = "RECIPE")]
    recipes: Vec<PathBuf>,
    /// The folder for artefact, float model, card, log and checkpoint, of several recipes one in it for each;
    /// out/train/NAME otherwise
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Other seeds than the recipe's, such as 7 or 1-5: a run with each
    #[arg(long, value_name = "NUMBERS", value_parser = parse_seeds)]
    seeds: Option<Seeds>,
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

/// Seeds, in order.
#[derive(Clone, Debug, PartialEq)]
struct Seeds(Vec<u64>);

/// `7`, `1-5`, or several of these with commas.
fn parse_seeds(text: &str) -> Result<Seeds, String> {
    const MOST: u64 = 100;
    let mut seeds = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number =
            |digits: &str| digits.trim().parse::<u64>().map_err(|error| format!("{part:?}: {error}"));
        let (first, last) = (number(first)?, number(last)?);
        if last < first || last - first >= MOST {
            return Err(format!("{part:?} is no range of up to {MOST} seeds, such as 1-5"));
        }
        seeds.extend((first..=last).filter(|seed| !seeds.contains(seed)).collect::<Vec<_>>());
    }
    Ok(Seeds(seeds))
}

/// Says how to get the program that trains.
#[cfg(not(feature = "train"))]
pub fn run(_: Arguments) -> Result<Verdict, Failure> {
    Err(Failure::from("this program was built without training".to_owned())
        .advise("in a clone: `cargo run --release --features train -- train RECIPE`; it builds burn once, which takes minutes"))
}

#[cfg(feature = "train")]
mod runs;

#[cfg(feature = "train")]
mod tables;

#[cfg(feature = "train")]
pub use runs::run;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers_and_ranges() {
        assert_eq!(parse_seeds("7"), Ok(Seeds(vec![7])));
        assert_eq!(parse_seeds("1-3,2,9"), Ok(Seeds(vec![1, 2, 3, 9])));
        for wrong in ["", "3-1", "1-2000", "x", "-1"] {
            assert!(parse_seeds(wrong).is_err(), "{wrong:?}");
        }
    }
}
