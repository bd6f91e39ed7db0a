//! Recognises what the end of a graph makes of a detector's heads, by asking it.
//!
//! Exporters spell the decoding of boxes in a hundred ways: slices or splits, priors as constants or as
//! ranges, powers or products. So operators are not looked at. The end of the graph is run on zeros, on
//! ones and on random numbers; a spelling is fitted to what it answers for zeros and ones, and counts only
//! if [`place`] then gives every box of every answer.

use super::{Decoded, DecodedHead, Decoder, Grid, Part, Scoring, Spelling, logistic, place};

/// The end of a graph as a function: numbers for every source, `[rows, columns, channels]`, in; outputs out.
pub(crate) struct Tail<'a> {
    /// The outputs of heads that it reads: rows, columns, channels.
    pub(crate) sources: Vec<[usize; 3]>,
    /// Width and height of the model's input, for boxes in pixels.
    pub(crate) input: [usize; 2],
    /// Runs it.
    pub(crate) ask: &'a dyn Fn(&[Vec<f32>]) -> Result<Vec<Answer>, String>,
}

/// An output: its shape and its numbers.
pub(crate) struct Answer {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Relative error up to which two floats are the same number computed in two ways.
const SAME: f64 = 2e-5;

/// What a tail computes, or why it is not known.
pub(crate) fn recognise(tail: &Tail<'_>) -> Result<Decoded, String> {
    let elements = |source: &[usize; 3]| source.iter().product::<usize>();
    let constant = |value: f32| -> Vec<Vec<f32>> {
        tail.sources.iter().map(|source| vec![value; elements(source)]).collect()
    };
    let mut random = Random(0x2F6E_2B1);
    let mut noise = |source: &[usize; 3]| (0..elements(source)).map(|_| random.next()).collect::<Vec<f32>>();
    let noises = tail.sources.iter().map(&mut noise).collect::<Vec<_>>();
    let asked = [constant(0.0), constant(1.0), noises.clone()];
    let answers = [(tail.ask)(&asked[0])?, (tail.ask)(&asked[1])?, (tail.ask)(&asked[2])?];
    let mut alone = Vec::new();
    for (index, noise) in noises.iter().enumerate() {
        let mut inputs = constant(0.0);
        inputs[index] = noise.clone();
        alone.push((tail.ask)(&inputs)?);
    }
    let mut why = "its outputs are not one box and the scores of one anchor a row".to_string();
    for reading in Reading::possible(&answers[0]) {
        let read = |answer: &[Answer]| reading.read(answer);
        let [Some(zero), Some(one), Some(any)] = [0, 1, 2].map(|index| read(&answers[index])) else {
            continue;
        };
        let Some(alone) = alone.iter().map(|answer| read(answer)).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let seen = [(&asked[0], &zero), (&asked[1], &one), (&asked[2], &any)];
        match levels(tail, &zero, &alone).and_then(|levels| Ok((decode(tail, &levels, &seen)?, levels))) {
            Ok(((spelling, grids), levels)) => match scoring(&levels, &seen) {
                Some((scoring, parts)) => {
                    let heads = levels.iter().zip(grids).zip(parts);
                    let heads = heads.map(|((level, grid), (scores, objectness))| DecodedHead {
                        grid,
                        boxes: level.boxes,
                        scores,
                        objectness,
                    });
                    return Ok(Decoded { spelling, scoring, heads: heads.collect() });
                }
                None => why = "its scores follow no rule that is known".into(),
            },
            Err(problem) => why = problem,
        }
    }
    Err(why)
}

/// Boxes and scores of all anchors.
struct Rows {
    boxes: Vec<[f64; 4]>,
    scores: Vec<f64>,
    classes: usize,
}

/// Where boxes and scores stand among the outputs.
#[derive(Clone, Copy)]
enum Reading {
    /// Two outputs, and which is which.
    Apart { boxes: usize, scores: usize },
    /// One output, whose rows begin with the box; or whose columns do.
    Joint { is_transposed: bool },
}

impl Reading {
    fn possible(answers: &[Answer]) -> Vec<Reading> {
        match answers.len() {
            1 => vec![Reading::Joint { is_transposed: false }, Reading::Joint { is_transposed: true }],
            2 => vec![Reading::Apart { boxes: 1, scores: 0 }, Reading::Apart { boxes: 0, scores: 1 }],
            _ => Vec::new(),
        }
    }

    fn read(self, answers: &[Answer]) -> Option<Rows> {
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
struct Level {
    first_row: usize,
    rows: usize,
    columns: usize,
    anchors: usize,
    boxes: Part,
    scores: Vec<Part>,
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
fn levels(tail: &Tail<'_>, zero: &Rows, alone: &[Rows]) -> Result<Vec<Level>, String> {
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
                tail.sources[*other][..2] == [rows, columns] && tail.sources[*other][2] % anchors == 0
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

/// How four numbers of an answer state a box.
#[derive(Clone, Copy)]
enum Corners {
    /// Left, top, right, bottom, at these columns.
    Edges([usize; 4]),
    /// Centre, width, height.
    Centre,
    /// Left, top, width, height.
    Corner,
}

impl Corners {
    const ALL: [Corners; 4] =
        [Corners::Edges([0, 1, 2, 3]), Corners::Edges([1, 0, 3, 2]), Corners::Centre, Corners::Corner];

    /// Left, top, right, bottom, where 1 is the input's width and height.
    fn bounds(self, row: &[f64; 4], unit: [f64; 2]) -> [f64; 4] {
        let bounds = match self {
            Corners::Edges(columns) => columns.map(|column| row[column]),
            Corners::Centre => {
                let [x, y, width, height] = *row;
                [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
            }
            Corners::Corner => [row[0], row[1], row[0] + row[2], row[1] + row[3]],
        };
        std::array::from_fn(|edge| bounds[edge] / unit[edge % 2])
    }
}

/// What was asked and what the answer was.
type Seen<'a> = (&'a Vec<Vec<f32>>, &'a Rows);

/// How the answer is arranged.
#[derive(Clone, Copy)]
struct Arrangement {
    corners: Corners,
    unit: [f64; 2],
    /// Whether all cells of an anchor come one after the other.
    anchor_first: bool,
}

impl Arrangement {
    /// Where an anchor of a level stands in the answer.
    fn row(self, level: &Level, cell: usize, anchor: usize) -> usize {
        let within = if self.anchor_first {
            anchor * level.rows * level.columns + cell
        } else {
            cell * level.anchors + anchor
        };
        level.first_row + within
    }

    fn bounds(self, level: &Level, rows: &Rows, cell: usize, anchor: usize) -> [f64; 4] {
        self.corners.bounds(&rows.boxes[self.row(level, cell, anchor)], self.unit)
    }
}

/// The numbers of an anchor in what was asked.
fn numbers<'a>(asked: &'a [Vec<f32>], part: Part, anchors: usize, cell: usize, anchor: usize) -> &'a [f32] {
    &asked[part.output][(cell * anchors + anchor) * part.row + part.first..][..part.columns]
}

/// The spelling and the grids that give every box.
fn decode(tail: &Tail<'_>, levels: &[Level], seen: &[Seen<'_>; 3]) -> Result<(Spelling, Vec<Grid>), String> {
    let in_pixels = seen[0].1.boxes.iter().flatten().any(|value| value.abs() > 4.0);
    let unit = if in_pixels { tail.input.map(|side| side as f64) } else { [1.0; 2] };
    let decoders = [
        Decoder::Exponential,
        Decoder::SigmoidSquare,
        Decoder::SigmoidExponential,
        Decoder::Linear,
        Decoder::Distribution,
    ];
    for corners in Corners::ALL {
        for anchor_first in [false, true] {
            let arrangement = Arrangement { corners, unit, anchor_first };
            for decoder in decoders {
                for field_order in [[0, 1, 2, 3], [1, 0, 3, 2]] {
                    let found = fit_all(levels, seen, arrangement, decoder, field_order);
                    if let Some(found) = found {
                        return Ok(found);
                    }
                }
            }
        }
    }
    Err("its boxes follow no rule that is known (anchors on even grids, in one of the ways of SSD and YOLO)"
        .into())
}

fn fit_all(
    levels: &[Level],
    seen: &[Seen<'_>; 3],
    arrangement: Arrangement,
    decoder: Decoder,
    field_order: [u8; 4],
) -> Option<(Spelling, Vec<Grid>)> {
    let mut common: Option<Spelling> = None;
    let mut grids = Vec::new();
    for level in levels {
        let (spelling, grid) = fit(level, [seen[0].1, seen[1].1], arrangement, decoder, field_order)?;
        let spelling = &*common.get_or_insert(spelling);
        let agrees =
            seen.iter().all(|(asked, rows)| agrees(level, asked, rows, arrangement, spelling, &grid));
        if !agrees {
            return None;
        }
        grids.push(grid);
    }
    Some((common?, grids))
}

/// A spelling and a grid from what zeros and ones gave.
fn fit(
    level: &Level,
    [zero, one]: [&Rows; 2],
    arrangement: Arrangement,
    decoder: Decoder,
    field_order: [u8; 4],
) -> Option<(Spelling, Grid)> {
    let bins = if decoder == Decoder::Distribution { level.boxes.columns / 4 } else { 0 };
    if level.boxes.columns != 4 * bins.max(1) || bins == 1 || bins > 32 {
        return None;
    }
    let centre = |rows: &Rows, cell: usize, anchor: usize, axis: usize| {
        let bounds = arrangement.bounds(level, rows, cell, anchor);
        (bounds[axis] + bounds[2 + axis]) / 2.0
    };
    let size = |rows: &Rows, anchor: usize, axis: usize| {
        let bounds = arrangement.bounds(level, rows, 0, anchor);
        bounds[2 + axis] - bounds[axis]
    };
    let first = [0, 1].map(|axis| centre(zero, 0, 0, axis));
    let last = [level.columns - 1, (level.rows - 1) * level.columns];
    let cells = [level.columns, level.rows];
    let step: [f64; 2] = std::array::from_fn(|axis| {
        if cells[axis] == 1 {
            return 1.0;
        }
        (centre(zero, last[axis], 0, axis) - first[axis]) / (cells[axis] - 1) as f64
    });
    let moved = centre(one, 0, 0, 0) - first[0];
    let is_linear = decoder == Decoder::Linear;
    let anchors: Vec<[f64; 2]> = (0..level.anchors)
        .map(|anchor| {
            std::array::from_fn(|axis| match decoder {
                Decoder::Linear => size(one, anchor, axis),
                Decoder::Distribution => size(zero, anchor, axis) / (bins - 1) as f64,
                _ => size(zero, anchor, axis),
            })
        })
        .collect();
    let centre_scale = match decoder {
        Decoder::Distribution => 1.0,
        Decoder::SigmoidExponential | Decoder::SigmoidSquare => (logistic(1.0) - 0.5) * step[0] / moved,
        _ => anchors[0][0] / moved,
    };
    let size_scale = match decoder {
        Decoder::Exponential | Decoder::SigmoidExponential => 1.0 / (size(one, 0, 0) / size(zero, 0, 0)).ln(),
        _ => 1.0,
    };
    let numbers = step.iter().chain(anchors.as_flattened()).chain([&centre_scale, &size_scale]);
    let sensible = numbers.into_iter().all(|number| number.is_finite() && (1e-6..1e4).contains(number));
    if !sensible || (is_linear && size(zero, 0, 0).abs() > SAME) {
        return None;
    }
    let spelling = Spelling {
        decoder,
        field_order,
        centre_scale: rounded(centre_scale),
        size_scale: rounded(size_scale),
        bins,
        keypoints: 0,
    };
    let single = |pair: [f64; 2]| pair.map(|value| value as f32);
    let anchors = anchors.into_iter().map(single).collect();
    Some((
        spelling,
        Grid { rows: level.rows, columns: level.columns, anchors, first: single(first), step: single(step) },
    ))
}

/// Without the last digits, which hang on the host's floats.
fn rounded(value: f64) -> f32 {
    ((value * 1e4).round() / 1e4) as f32
}

/// Whether every box of an answer is where a spelling places it.
fn agrees(
    level: &Level,
    asked: &[Vec<f32>],
    rows: &Rows,
    arrangement: Arrangement,
    spelling: &Spelling,
    grid: &Grid,
) -> bool {
    (0..grid.anchor_count()).all(|index| {
        let (cell, anchor) = (index / level.anchors, index % level.anchors);
        let found = arrangement.bounds(level, rows, cell, anchor);
        let (placed, _) =
            place(spelling, grid, index, numbers(asked, level.boxes, level.anchors, cell, anchor));
        let reach = placed.iter().fold(1.0, |reach: f64, edge| reach.max(edge.abs()));
        found.iter().zip(placed).all(|(found, placed)| (found - placed).abs() <= SAME * reach)
    })
}

/// What scores are, and the parts of every level that are classes and objectness.
fn scoring(levels: &[Level], seen: &[Seen<'_>; 3]) -> Option<(Scoring, Vec<(Part, Option<Part>)>)> {
    let classes = seen[0].1.classes;
    let mut candidates = Vec::new();
    for level in levels {
        let first = level.scores[0];
        let behind = |part: Part| Part { first: part.first + 1, columns: part.columns - 1, ..part };
        let alone = |part: Part| Part { columns: 1, ..part };
        candidates.push(match level.scores[..] {
            // Which of them are classes shows where they are read.
            [whole] if whole.columns == classes => vec![(whole, None, false)],
            [whole] if whole.columns == classes + 1 => vec![(behind(whole), Some(alone(whole)), true)],
            [object, of_class] if object.columns + of_class.columns == classes => {
                vec![(of_class, Some(object), false)]
            }
            [one, other] if one.columns == 1 && other.columns == classes => vec![(other, Some(first), true)],
            [one, other] if other.columns == 1 && one.columns == classes => vec![(one, Some(other), true)],
            _ => return None,
        });
    }
    let is_product = candidates.iter().flatten().any(|(_, _, product)| *product);
    let rules: &[Scoring] = if is_product {
        &[Scoring::Product]
    } else {
        &[Scoring::Logistic, Scoring::Softmax, Scoring::Logits]
    };
    let parts: Vec<(Part, Option<Part>)> =
        candidates.iter().flatten().map(|&(scores, objectness, _)| (scores, objectness)).collect();
    let &rule = rules.iter().find(|&&rule| {
        [false, true].iter().any(|&anchor_first| {
            let arrangement = Arrangement { corners: Corners::Centre, unit: [1.0; 2], anchor_first };
            seen.iter().all(|(asked, rows)| {
                levels
                    .iter()
                    .zip(&parts)
                    .all(|(level, parts)| scores_agree(level, parts, asked, rows, arrangement, rule))
            })
        })
    })?;
    Some((rule, parts))
}

fn scores_agree(
    level: &Level,
    &(scores, objectness): &(Part, Option<Part>),
    asked: &[Vec<f32>],
    rows: &Rows,
    arrangement: Arrangement,
    rule: Scoring,
) -> bool {
    (0..level.rows * level.columns * level.anchors).all(|index| {
        let (cell, anchor) = (index / level.anchors, index % level.anchors);
        let of = |part: Part| {
            numbers(asked, part, level.anchors, cell, anchor).iter().map(|&number| f64::from(number))
        };
        let object: Vec<f64> = objectness.map_or(Vec::new(), |part| of(part).collect());
        let raw: Vec<f64> = match rule {
            Scoring::Product => of(scores).collect(),
            _ => object.iter().copied().chain(of(scores)).collect(),
        };
        let total: f64 = raw.iter().map(|number| number.exp()).sum();
        let row = arrangement.row(level, cell, anchor);
        let found = &rows.scores[row * rows.classes..][..rows.classes];
        found.len() == raw.len()
            && found.iter().zip(raw).all(|(found, raw)| {
                let wanted = match rule {
                    Scoring::Logits => raw,
                    Scoring::Logistic => logistic(raw),
                    Scoring::Softmax => raw.exp() / total,
                    Scoring::Product => logistic(raw) * logistic(object[0]),
                };
                (found - wanted).abs() <= SAME * wanted.abs().max(1.0)
            })
    })
}

/// xorshift32, from -2 to 2.
struct Random(u32);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as f32 / u32::MAX as f32 * 4.0 - 2.0
    }
}
