//! The committed baseline: what every figure was when it was last blessed.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use ocelli_simulator::repository;

use super::Row;

/// How much a figure may grow.
const ALLOWED_PERCENT: u64 = 2;

/// Makes these rows the baseline, of which those of other models and cores stay.
pub fn write(rows: &[Row]) -> Result<()> {
    let path = path()?;
    let before = fs::read_to_string(&path).unwrap_or_default();
    let before: Vec<Row> = before.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut lines = String::new();
    for row in &renewed(before, rows) {
        lines += &serde_json::to_string(row)?;
        lines.push('\n');
    }
    let new = path.with_extension("tmp");
    fs::write(&new, lines)
        .and_then(|()| fs::rename(&new, &path))
        .with_context(|| path.display().to_string())?;
    eprintln!("{} is the new baseline", path.display());
    Ok(())
}

/// Fails where a figure has grown by more than [`ALLOWED_PERCENT`].
pub fn compare(rows: &[Row]) -> Result<()> {
    let path = path()?;
    let text = fs::read_to_string(&path)
        .with_context(|| format!("reading {}; `cargo xtask bench-qemu --bless` makes it", path.display()))?;
    let baseline: Vec<Row> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let grown = grown(&baseline, rows);
    if !grown.is_empty() {
        bail!("{}\n`cargo xtask bench-qemu --bless` accepts this", grown.join("\n"));
    }
    eprintln!("no figure grew by more than {ALLOWED_PERCENT} % against {}", path.display());
    Ok(())
}

fn path() -> Result<PathBuf> {
    Ok(repository()?.join("tests/bench_qemu.jsonl"))
}

/// The rows before, with those that were measured in their place, and new ones behind.
fn renewed(before: Vec<Row>, rows: &[Row]) -> Vec<Row> {
    let is_same = |one: &Row, other: &Row| one.model == other.model && one.core == other.core;
    let mut renewed: Vec<Row> = before
        .into_iter()
        .map(|old| rows.iter().find(|row| is_same(row, &old)).cloned().unwrap_or(old))
        .collect();
    for row in rows {
        if !renewed.iter().any(|other| is_same(row, other)) {
            renewed.push(row.clone());
        }
    }
    renewed
}

/// A line for every figure that has grown too much, or has no baseline.
fn grown(baseline: &[Row], rows: &[Row]) -> Vec<String> {
    let mut grown = Vec::new();
    for row in rows {
        let name = format!("{} on {}", row.model, row.core);
        let Some(before) = baseline.iter().find(|old| old.model == row.model && old.core == row.core) else {
            grown.push(format!("{name} has no baseline"));
            continue;
        };
        for (what, before, now) in [
            ("instructions", before.instructions, row.instructions),
            ("arena bytes", before.arena_bytes, row.arena_bytes),
            ("stack bytes", before.stack_bytes, row.stack_bytes),
            ("code bytes", before.code_bytes, row.code_bytes),
        ] {
            if now * 100 > before * (100 + ALLOWED_PERCENT) {
                grown.push(format!("{name}: {what} grew from {before} to {now}"));
            }
        }
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            model: "a.tflite".to_owned(),
            core: "Cortex-M4F".to_owned(),
            instructions: 1000,
            per_mac: 2.0,
            arena_bytes: 500,
            stack_bytes: 400,
            code_bytes: 300,
            ratio: None,
            loads: Some(10),
            stores: None,
        }
    }

    #[test]
    fn two_percent_are_allowed_and_more_is_named() {
        assert_eq!(grown(&[row()], &[Row { instructions: 1020, ..row() }]), [""; 0]);
        let worse = Row { instructions: 1021, code_bytes: 307, arena_bytes: 1, ..row() };
        let expected = [
            "a.tflite on Cortex-M4F: instructions grew from 1000 to 1021",
            "a.tflite on Cortex-M4F: code bytes grew from 300 to 307",
        ];
        assert_eq!(grown(&[row()], &[worse]), expected);
    }

    #[test]
    fn a_model_or_core_without_a_baseline_is_named() {
        let other = Row { core: "Cortex-M7F".to_owned(), ..row() };
        assert_eq!(grown(&[row()], &[other]), ["a.tflite on Cortex-M7F has no baseline"]);
    }

    #[test]
    fn what_was_measured_takes_its_own_place_alone() {
        let other = Row { core: "Cortex-M7F".to_owned(), ..row() };
        let (better, new) =
            (Row { instructions: 900, ..row() }, Row { core: "Cortex-M33".to_owned(), ..row() });
        let expected = [other.clone(), better.clone(), new.clone()];
        assert_eq!(renewed(vec![other, row()], &[better, new]), expected);
    }

    #[test]
    fn a_row_is_one_line_with_every_key_and_comes_back() {
        let line = serde_json::to_string(&row()).unwrap();
        assert!(!line.contains('\n'));
        for key in
            ["model", "core", "instructions", "per_mac", "arena_bytes", "stack_bytes", "code_bytes", "ratio"]
        {
            assert!(line.contains(&format!("\"{key}\":")), "{line}");
        }
        assert_eq!(serde_json::from_str::<Row>(&line).unwrap(), row());
    }
}
