//! The demo's table: time, RAM and flash by stage.

use std::time::Duration;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::session::StageTimes;
use crate::terminal::{self, FAINT, say, thousands};

/// Runs of which the median time is told.
pub(super) const RUNS: usize = 15;

/// A line of the table; what does not apply is `None`.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) time: Duration,
    pub(super) ram_bytes: Option<u64>,
    pub(super) flash_bytes: Option<u64>,
}

/// Prints the table and what it counts.
pub(super) fn print(lines: &[Line]) -> Result<(), Failure> {
    let mut table = terminal::table(&["", "time", "RAM bytes", "flash bytes"], &[1, 2, 3]);
    for line in lines {
        let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), thousands);
        let time = format!("{:.2} ms", line.time.as_secs_f64() * 1000.0);
        table.add_row([line.name.to_owned(), time, bytes(line.ram_bytes), bytes(line.flash_bytes)]);
    }
    say!("{table}")?;
    say!(
        "{FAINT}Times: this computer, median of {RUNS}. Flash: the model; `cargo xtask sizes` has the code.{FAINT:#}"
    )
}

/// The table for machines.
pub(super) fn as_json(lines: &[Line]) -> Vec<Value> {
    let line = |line: &Line| {
        json!({
            "name": line.name,
            "microseconds": line.time.as_micros() as u64,
            "ram_bytes": line.ram_bytes,
            "flash_bytes": line.flash_bytes,
        })
    };
    lines.iter().map(line).collect()
}

/// The median of each stage.
pub(super) fn median(times: &[StageTimes]) -> StageTimes {
    let of = |stage: fn(&StageTimes) -> Duration| {
        let mut sorted: Vec<Duration> = times.iter().map(stage).collect();
        sorted.sort();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    };
    StageTimes {
        preprocess: of(|times| times.preprocess),
        infer: of(|times| times.infer),
        postprocess: of(|times| times.postprocess),
    }
}
