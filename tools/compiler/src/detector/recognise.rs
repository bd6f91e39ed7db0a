//! Recognises what the end of a graph makes of a detector's heads, by asking it.
//!
//! Exporters spell the decoding of boxes in a hundred ways: slices or splits, priors as constants or as
//! ranges, powers or products. So operators are not looked at. The end of the graph is run on zeros, on
//! ones and on random numbers; a spelling is fitted to what it answers for zeros and ones, and counts only
//! if [`place`] then gives every box of every answer.

mod boxes;
mod reading;
mod scores;

use boxes::decode;
use reading::{Reading, Rows, levels};
use scores::scoring;

use super::{DecodedHead, DecodedHeads, Part};

/// Runs the end of a graph on numbers for every source.
pub(crate) type Ask<'a> = dyn Fn(&[Vec<f32>]) -> Result<Vec<Answer>, String> + 'a;

/// The end of a graph as a function: numbers for every source, `[rows, columns, channels]`, in; outputs out.
pub(crate) struct Tail<'a> {
    /// The outputs of heads that it reads: rows, columns, channels.
    pub(crate) sources: Vec<[usize; 3]>,
    /// Width and height of the model's input, for boxes in pixels.
    pub(crate) input: [usize; 2],
    /// Runs it.
    pub(crate) ask: &'a Ask<'a>,
}

/// An output: its shape and its numbers.
pub(crate) struct Answer {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Relative error up to which two floats are the same number computed in two ways.
const SAME: f64 = 2e-5;

/// What a tail computes, or why it is not known.
pub(crate) fn recognise(tail: &Tail<'_>) -> Result<DecodedHeads, String> {
    let elements = |source: &[usize; 3]| source.iter().product::<usize>();
    let constant = |value: f32| -> Vec<Vec<f32>> {
        tail.sources.iter().map(|source| vec![value; elements(source)]).collect()
    };
    let mut random = Random(0x02F6_E2B1);
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
                    return Ok(DecodedHeads { spelling, scoring, heads: heads.collect() });
                }
                None => why = "its scores follow no rule that is known".into(),
            },
            Err(problem) => why = problem,
        }
    }
    Err(why)
}

/// What was asked and what the answer was.
type Seen<'a> = (&'a Vec<Vec<f32>>, &'a Rows);

/// The numbers of an anchor in what was asked.
fn numbers(asked: &[Vec<f32>], part: Part, anchors: usize, cell: usize, anchor: usize) -> &[f32] {
    &asked[part.output][(cell * anchors + anchor) * part.row + part.first..][..part.columns]
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
