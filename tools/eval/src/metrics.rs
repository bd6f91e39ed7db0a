//! Metrics, each from the records that one kind of truth leaves.

pub(crate) mod boxes;
pub(crate) mod classes;
pub(crate) mod masks;

use serde::Serialize;

use crate::Interval;

/// A measured value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// For example `top-1`.
    pub name: String,
    /// From 0 to 1.
    pub value: f64,
    /// Where it lies with 95 % confidence.
    pub interval: Interval,
    /// Pictures that it was measured on.
    pub pictures: usize,
}

/// How often and from which seed the bootstrap draws.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// Draws.
    pub resamples: usize,
    /// What they start from.
    pub seed: u64,
}

impl Bootstrap {
    /// A metric of records of pictures: its value on all of them, and its interval.
    fn metric(self, name: &str, pictures: usize, of: impl Fn(&[u32]) -> Option<f64>) -> Option<Metric> {
        let value = of(&vec![1; pictures])?;
        let interval = Interval::bootstrap(pictures, self.resamples, self.seed, of);
        Some(Metric { name: name.to_owned(), value, interval, pictures })
    }
}
