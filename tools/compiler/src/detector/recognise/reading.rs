//! Which numbers of an answer are boxes and which are scores, and which rows come from which sources.

use super::{Answer, Part, Tail};

/// Boxes and scores of all anchors.
pub(super) struct Rows {
    pub(super) boxes: Vec<[f64; 4]>,
    pub(super) scores: Vec<f64>,
    pub(super) classes: usize,
}

/// Where boxes and scores stand among the outputs.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// Two outputs, and which is which.
    Apart { boxes: usize, scores: usize },
    /// One output, whose rows begin with the box; or whose columns do.
    Joint { is_transposed: bool },
}

impl Reading {
    pub(super) fn possible(answers: &[Answer]) -> Vec<Reading> {
        match answers.len() {
            1 => vec![Reading::Joint { is_transposed: false }, Reading::Joint { is_transposed: true }],
            2 => vec![Reading::Apart { boxes: 1, scores: 0 }, Reading::Apart { boxes: 0, scores: 1 }],
            _ => Vec::new(),
        }
    }

    pub(super) fn read(self, answers: &[Answer]) -> Option<Rows> {
        match self {
            Reading::Apart { boxes, scores } => {
                let (boxes, scores) = (&answers[boxes], &answers[scores]);
                if boxes.shape.last() != Some(&4) || boxes.values.is_empty() {
                    return None;
                }
                let rows = boxes.values.len() / 4;
                let boxes = boxes.values.chunks_exact(4);
                let boxes = boxes.map(|row| std::array::from_fn(|column| f64::from(row[column])));
                let fits = scores.values.len() % rows == 0 && !scores.values.is_empty();
                fits.then(|| Rows {
                    boxes: boxes.collect(),
                    scores: scores.values.iter().copied().map(f64::from).collect(),
                    classes: scores.values.len() / rows,
                })
            }
            Reading::Joint { is_transposed } => {
                let &[.., height, width] = &answers[0].shape[..] else { return None };
                let (rows, columns) = if is_transposed { (width, height) } else { (height, width) };
                if columns < 5 || rows * columns != answers[0].values.len() {
                    return None;
                }
                let at = |row: usize, column: usize| {
                    f64::from(
                        answers[0].values
                            [if is_transposed { column * rows + row } else { row * columns + column }],
                    )
                };
                Some(Rows {
                    boxes: (0..rows).map(|row| std::array::from_fn(|column| at(row, column))).collect(),
                    scores: (0..rows)
                        .flat_map(|row| (4..columns).map(move |column| (row, column)))
                        .map(|(row, column)| at(row, column))
                        .collect(),
                    classes: columns - 4,
                })
            }
        }
    }
}

/// A feature map: which rows of the answer are its anchors', and which sources they come from.
pub(super) struct Level {
    pub(super) first_row: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) anchors: usize,
    pub(super) boxes: Part,
    pub(super) scores: Vec<Part>,
}

/// What changes when one source does.
struct Influence {
    rows: Option<(usize, usize)>,
    boxes: bool,
    scores: bool,
    first_class: usize,
}

fn influence(zero: &Rows, other: &Rows) -> Influence {
    let mut found = Influence { rows: None, boxes: false, scores: false, first_class: usize::MAX };
    for row in 0..zero.boxes.len() {
        let boxes = zero.boxes[row] != other.boxes[row];
        let classes = row * zero.classes..(row + 1) * zero.classes;
        let pairs = zero.scores[classes.clone()].iter().zip(&other.scores[classes]);
        let class = pairs.into_iter().position(|(zero, other)| zero != other);
        if boxes || class.is_some() {
            found.rows = Some((found.rows.map_or(row, |(first, _)| first), row + 1));
        }
        found.boxes |= boxes;
        found.scores |= class.is_some();
        found.first_class = found.first_class.min(class.unwrap_or(usize::MAX));
    }
    found
}

/// The feature maps in the order of their rows.
pub(super) fn levels(tail: &Tail<'_>, zero: &Rows, alone: &[Rows]) -> Result<Vec<Level>, String> {
    let influences: Vec<Influence> = alone.iter().map(|other| influence(zero, other)).collect();
    let mut levels = Vec::new();
    for (source, found) in influences.iter().enumerate().filter(|(_, found)| found.boxes) {
        let (first_row, end) = found.rows.unwrap_or_default();
        let [rows, columns, channels] = tail.sources[source];
        let anchors = (end - first_row) / (rows * columns);
        if anchors == 0 || anchors * rows * columns != end - first_row || channels % anchors != 0 {
            return Err(format!(
                "{} boxes come from {rows} x {columns} cells of {channels} channels",
                end - first_row
            ));
        }
        let part = |source: usize, first: usize| {
            let row = tail.sources[source][2] / anchors;
            Part { output: source, row, first, columns: row - first }
        };
        let mut scores: Vec<(usize, Part)> = influences
            .iter()
            .enumerate()
            .filter(|(other, found)| *other != source && found.scores && found.rows == Some((first_row, end)))
            .filter(|(other, _)| {
                tail.sources[*other][..2] == [rows, columns]
                    && tail.sources[*other][2].is_multiple_of(anchors)
            })
            .map(|(other, found)| (found.first_class, part(other, 0)))
            .collect();
        scores.sort_by_key(|(first_class, part)| (*first_class, part.columns));
        let mut scores: Vec<Part> = scores.into_iter().map(|(_, part)| part).collect();
        let mut boxes = part(source, 0);
        if found.scores {
            if boxes.row < 5 {
                return Err("scores hang on the numbers of boxes".into());
            }
            scores.insert(0, part(source, 4));
            boxes.columns = 4;
        }
        levels.push(Level { first_row, rows, columns, anchors, boxes, scores });
    }
    levels.sort_by_key(|level| level.first_row);
    let mut next = 0;
    for level in &levels {
        let fits = level.first_row == next && (1..=2).contains(&level.scores.len());
        if !fits || level.scores.len() != levels[0].scores.len() {
            return Err("rows of boxes and of scores are not in the same order".into());
        }
        next += level.anchors * level.rows * level.columns;
    }
    if next == zero.boxes.len() && next > 0 {
        Ok(levels)
    } else {
        Err("no head computes some of the boxes".into())
    }
}
