//! CSV: a line for each picture, with its class and either its gray pixels, row by row of a square, or its file.
//!
//! A heading tells the column of the class, `label` or `class`; without one it is the last. Compressed or not.

use std::collections::BTreeSet;
use std::path::Path;

use super::{DataError, DataSet, PictureSource, Sample, Truth, inflated, only_file};

/// Names that a heading gives to the column of the class.
const LABELS: [&str; 2] = ["label", "class"];

/// Whether a file's name is that of a CSV file.
pub(super) fn is_named(name: &str) -> bool {
    name.ends_with(".csv") || name.ends_with(".csv.gz")
}

pub(super) fn read(path: &Path, split: Option<&str>) -> Result<DataSet, DataError> {
    let file = if path.is_dir() { only_file(path, is_named, split)? } else { path.to_owned() };
    let text = String::from_utf8(inflated(&file)?).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        DataError::in_file(&file, format!("no text at byte {byte}; write it in UTF-8"))
    })?;
    let mut rows = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).peekable();
    let first = rows.peek().map_or_else(Vec::new, |(_, line)| fields(line).collect());
    let named = first.iter().position(|field| LABELS.contains(&field.to_lowercase().as_str()));
    if named.is_some() {
        rows.next();
    }
    let table = Table { file: &file, columns: first.len(), label: named.unwrap_or(first.len().max(1) - 1) };
    let rows = rows.map(|(line, text)| table.row(line, text)).collect::<Result<Vec<Row>, _>>()?;
    let labels = in_order(rows.iter().map(|row| row.label.as_str()));
    let class = |label: &str| labels.iter().position(|each| each == label).unwrap_or_default();
    let samples = rows.into_iter().map(|row| Sample {
        truth: Truth::Class(class(&row.label)),
        name: row.name,
        source: row.source,
    });
    Ok(DataSet { samples: samples.collect(), labels: labels.clone() })
}

/// What every line has.
struct Table<'a> {
    file: &'a Path,
    columns: usize,
    /// Which column is the class.
    label: usize,
}

/// What a line says.
struct Row {
    name: String,
    label: String,
    source: PictureSource,
}

impl Table<'_> {
    fn row(&self, line: usize, text: &str) -> Result<Row, DataError> {
        let place = format!("{}:{line}", self.file.display());
        let mut fields: Vec<&str> = fields(text).collect();
        if fields.len() != self.columns || fields.len() < 2 {
            let problem = match fields.len() {
                0 | 1 => "one column; a line has a class, and the picture's file or its pixels".into(),
                found => format!("{found} columns, where the first line has {}", self.columns),
            };
            return Err(DataError::at(place, problem));
        }
        let label = fields.remove(self.label).to_owned();
        if let [file] = fields[..] {
            let path = self.file.with_file_name(file);
            return Ok(Row { name: path.display().to_string(), label, source: PictureSource::File(path) });
        }
        let side = fields.len().isqrt();
        if side * side != fields.len() {
            let problem = format!(
                "{} pixels, which are no square; a heading tells the class's column (`label` or `class`)",
                fields.len()
            );
            return Err(DataError::at(place, problem));
        }
        let mut pgm = format!("P5 {side} {side} 255\n").into_bytes();
        for (index, field) in fields.iter().enumerate() {
            let column = index + 1 + usize::from(index >= self.label);
            pgm.push(field.parse().map_err(|_| {
                let problem = format!("{field:?} is no pixel; pixels are whole numbers from 0 to 255");
                DataError::at(format!("{place}:{column}"), problem)
            })?);
        }
        Ok(Row { name: place, label, source: PictureSource::Pgm(pgm) })
    }
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|field| field.trim().trim_matches('"'))
}

/// Each label once: by number where all are numbers, otherwise by name.
fn in_order<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: BTreeSet<&str> = labels.collect();
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let number = |name: &String| name.parse::<usize>().ok();
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by_key(number);
    }
    names
}
