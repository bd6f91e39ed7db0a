//! The integers of a network in training: its weights rounded as the artefact will hold them, run by the device's own
//! engine. What training counts as right is therefore what `eval` counts.

use ocelli_compiler::execute::{ExecuteError, Executor};
use ocelli_compiler::fold::dequantized;
use ocelli_compiler::graph::{Element, Graph, TensorId};
use ocelli_compiler::lower::lower;
use ocelli_compiler::plan::plan;
use ocelli_compiler::quantize::{InputScaling, WeightForm, round};

use crate::data::{Examples, Seen};
use crate::error::TrainError;
use crate::pass::Exact;
use crate::score::Score;

/// A rounded network, ready to run.
pub struct Integers {
    /// The graph in int8.
    pub quantized: Graph,
    executor: Executor,
    /// The graph's tensor for each of the model's.
    tensors: Vec<Option<TensorId>>,
    /// What a pixel becomes, a table for each channel or one for all.
    tables: Vec<[i8; 256]>,
}

impl Integers {
    /// Rounds the weights of `float` under the scales of `scaled`.
    ///
    /// # Errors
    /// [`TrainError`] when the network has no form on the device.
    pub fn new(
        float: &Graph,
        scaled: &Graph,
        form: impl Fn(usize) -> WeightForm,
        scaling: &InputScaling,
    ) -> Result<Integers, TrainError> {
        Integers::of(round(float, scaled, form)?, scaling)
    }

    /// A graph that is rounded already.
    ///
    /// # Errors
    /// As [`Integers::new`].
    pub fn of(quantized: Graph, scaling: &InputScaling) -> Result<Integers, TrainError> {
        let lowered = lower(&quantized).map_err(ExecuteError::from)?;
        let mut model = lowered.model;
        let schedule = plan(&model).map_err(ExecuteError::from)?;
        model.schedules.push(schedule);
        let executor = Executor::new(&model)?;
        let mut tensors = vec![None; model.tensors.len()];
        for (id, place) in lowered.tensors.iter().enumerate() {
            if let Some(place) = place {
                tensors[usize::from(*place)] = Some(id);
            }
        }
        let (scale, zero_point) = affine(&quantized, quantized.inputs[0]);
        let tables = scaling.tables(scale, zero_point);
        Ok(Integers { quantized, executor, tensors, tables })
    }

    /// The stored input of a picture.
    pub fn input(&self, pixels: &[u8]) -> Vec<i8> {
        let table = |index: usize| &self.tables[index % self.tables.len()];
        pixels.iter().enumerate().map(|(index, &pixel)| table(index)[usize::from(pixel)]).collect()
    }

    /// Every activation of these pictures, by tensor of the graph.
    ///
    /// # Errors
    /// [`TrainError::Execute`].
    pub fn activations<'p>(
        &mut self,
        pictures: impl Iterator<Item = &'p [u8]>,
    ) -> Result<Activations, TrainError> {
        let inputs: Vec<[Vec<i8>; 1]> = pictures.map(|pixels| [self.input(pixels)]).collect();
        let mut stored: Vec<Vec<i8>> = vec![Vec::new(); self.quantized.tensors.len()];
        let tensors = &self.tensors;
        self.executor.watch(inputs.iter().map(|input| &input[..]), |_, id, values| {
            if let Some(id) = tensors.get(id).copied().flatten() {
                stored[id].extend_from_slice(values);
            }
        })?;
        let affines = (0..stored.len()).map(|id| affine(&self.quantized, id)).collect();
        Ok(Activations { stored, affines })
    }

    /// The scores of every picture, as stored.
    ///
    /// # Errors
    /// [`TrainError::Execute`].
    pub fn scores(&mut self, examples: &Examples) -> Result<Vec<Vec<i8>>, TrainError> {
        (0..examples.len())
            .map(|index| {
                let input = self.input(examples.picture(index));
                Ok(self.executor.run(&[input])?.swap_remove(0))
            })
            .collect()
    }

    /// The score of a classifier.
    ///
    /// # Errors
    /// [`TrainError::Execute`].
    pub fn score(&mut self, examples: &Examples) -> Result<Score, TrainError> {
        Ok(Score::Right { right: self.right(examples)?, pictures: examples.len() })
    }

    /// How many pictures have their class's score first: of equal scores the first class counts, as on the device.
    ///
    /// # Errors
    /// [`TrainError::Execute`].
    fn right(&mut self, examples: &Examples) -> Result<usize, TrainError> {
        let scores = self.scores(examples)?;
        let is_right = |(scores, truth): (&Vec<i8>, &Seen)| *truth == Seen::Class(first_of_largest(scores));
        Ok(scores.iter().zip(&examples.truths).filter(|&pair| is_right(pair)).count())
    }

    /// The float graph whose constants are what the stored ones stand for.
    pub fn as_float(&self) -> Graph {
        let mut graph = self.quantized.clone();
        for tensor in &mut graph.tensors {
            match dequantized(tensor) {
                Some(real) => *tensor = real,
                None => (tensor.quantization, tensor.element) = (None, Element::F32),
            }
        }
        graph
    }
}

/// Integers of a batch.
pub struct Activations {
    stored: Vec<Vec<i8>>,
    affines: Vec<(f32, i32)>,
}

impl Activations {
    /// What a tensor's integers stand for; `None` for those that the engine does not keep.
    pub fn exact(&self, id: TensorId) -> Option<Exact> {
        let stored = self.stored.get(id).filter(|stored| !stored.is_empty())?;
        let (scale, zero_point) = self.affines[id];
        let real = |stored: i32| scale * (stored - zero_point) as f32;
        Some(Exact {
            values: stored.iter().map(|&stored| real(i32::from(stored))).collect(),
            range: [real(-128), real(127)],
        })
    }
}

fn affine(graph: &Graph, id: TensorId) -> (f32, i32) {
    match &graph.tensors[id].quantization {
        Some(quantization) => (quantization.scales[0], quantization.zero_points[0]),
        None => (1.0, 0),
    }
}

/// The class with the largest score; of equal ones the first.
pub fn first_of_largest<T: PartialOrd + Copy>(scores: &[T]) -> usize {
    let mut best = 0;
    for (class, &score) in scores.iter().enumerate() {
        if score > scores[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::first_of_largest;

    #[test]
    fn of_equal_scores_the_first_class_counts() {
        assert_eq!(first_of_largest(&[1, 3, 3]), 1);
        assert_eq!(first_of_largest(&[-2.0, -3.0]), 0);
    }
}
