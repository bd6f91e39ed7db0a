//! An operator with weights, its numbers at hand: what its sums can be, and what becomes of them.

use ocelli_format::model::{Model, Node, Tensor};
use ocelli_format::{Clamp, Operator, Window};
use ocelli_kernels::Requantize;

use super::range::{self, Range};
use super::{channels, tensor};

/// A convolution, a depthwise convolution or a fully connected layer.
pub(super) struct Layer<'m> {
    /// How many channels it computes.
    pub outputs: usize,
    /// How many inputs its weights tell apart: channels, or elements of a row.
    pub inputs: usize,
    /// Groups of inputs and outputs that do not mix; 1 for all but some convolutions.
    pub groups: usize,
    /// Input `i` is channel `i % period`. Smaller than the number of channels only where a fully
    /// connected layer reads rows that end within them.
    pub period: usize,
    form: Form,
    weights: &'m [u8],
    bias: Vec<i32>,
    factors: Vec<Requantize>,
    /// For each tap of the window: whether it lies outside of the image at some position.
    outside: Vec<bool>,
    zero_points: [i32; 2],
    clamp: Clamp,
    positions: u64,
}

/// Which inputs an output adds up.
#[derive(Clone, Copy)]
enum Form {
    /// All of its group; weights `[O, taps, I / groups]`.
    Mixing,
    /// One, which it shares with `multiplier - 1` others; weights `[taps, O]`.
    Apart { multiplier: usize },
}

/// A weight and what it is multiplied with.
#[derive(Clone, Copy)]
pub(super) struct Term {
    /// Index among the inputs.
    pub input: usize,
    /// Its factor.
    pub weight: i8,
    /// Whether the input lies outside of the image at some position, and counts as zero there.
    pub outside: bool,
}

impl<'m> Layer<'m> {
    /// `None` where shapes or constants are not what the operator says.
    pub(super) fn of(model: &'m Model, node: &Node) -> Option<Layer<'m>> {
        let (&[input, weights, bias, multipliers, shifts], &[output]) = (&node.inputs[..], &node.outputs[..])
        else {
            return None;
        };
        let [input, weights, output] = [input, weights, output].map(|id| tensor(model, id));
        let words = |id| Some(words(tensor(model, id).data.as_ref()?));
        let (bias, multipliers) = (words(bias)?, words(multipliers)?);
        let shifts = tensor(model, shifts).data.as_ref()?;
        let image = |tensor: &Tensor| <[usize; 2]>::try_from(axes(tensor).get(1..3)?).ok();
        let sliding = |window: &Window| Some(outside(window, image(input)?, image(output)?));
        let (form, inputs, outside, clamp) = match node.operator {
            Operator::Conv2d { window, clamp } => (Form::Mixing, channels(input), sliding(&window)?, clamp),
            Operator::DepthwiseConv2d { window, depth_multiplier, clamp } => {
                let multiplier = usize::from(depth_multiplier);
                (Form::Apart { multiplier }, channels(input), sliding(&window)?, clamp)
            }
            Operator::FullyConnected { clamp } => (Form::Mixing, channels(weights), vec![false], clamp),
            _ => return None,
        };
        let outputs = channels(output);
        let groups = match form {
            Form::Mixing => inputs / channels(weights).max(1),
            Form::Apart { .. } => 1,
        };
        let elements: usize = axes(output).iter().product();
        let layer = Layer {
            outputs,
            inputs,
            groups,
            period: range::period(channels(input), inputs),
            form,
            weights: weights.data.as_deref()?,
            bias,
            factors: multipliers
                .into_iter()
                .zip(shifts)
                .map(|(multiplier, &shift)| Requantize { multiplier, shift: shift as i8 })
                .collect(),
            outside,
            zero_points: [i32::from(input.zero_point), i32::from(output.zero_point)],
            clamp,
            positions: (elements / outputs.max(1)) as u64,
        };
        let whole = layer.weights.len() == outputs * layer.row()
            && layer.bias.len() == outputs
            && layer.factors.len() == outputs
            && layer.factors.iter().all(|factor| factor.is_valid() && factor.multiplier >= 0);
        let fits = match form {
            Form::Mixing => {
                groups > 0 && inputs == groups * channels(weights) && outputs.is_multiple_of(groups)
            }
            Form::Apart { multiplier } => inputs * multiplier == outputs,
        };
        (whole && fits).then_some(layer)
    }

    /// Multiply-accumulates of one run.
    pub(super) fn multiply_accumulates(&self) -> u64 {
        self.positions * (self.outputs * self.row()) as u64
    }

    /// For depthwise convolutions, how many outputs an input has.
    pub(super) fn multiplier(&self) -> Option<usize> {
        match self.form {
            Form::Mixing => None,
            Form::Apart { multiplier } => Some(multiplier),
        }
    }

    /// What output `output` adds up, beside its bias.
    pub(super) fn terms(&self, output: usize) -> impl Iterator<Item = Term> + '_ {
        let inputs = self.inputs_of(output);
        self.outside.iter().enumerate().flat_map(move |(tap, &outside)| {
            let term = move |input| Term { input, weight: self.weight(output, tap, input), outside };
            inputs.clone().map(term)
        })
    }

    /// Whether a term is the same number at every position, given the range of its input.
    pub(super) fn is_fixed(&self, term: Term, range: Range) -> bool {
        let at_zero = |value: i8| i32::from(value) == self.zero_points[0];
        term.weight == 0 || range.constant().is_some_and(|value| !term.outside || at_zero(value))
    }

    /// The least and greatest sum of an output, bias included; `ranges` holds [`Layer::period`] ranges.
    pub(super) fn sums(&self, output: usize, ranges: &[Range]) -> [i64; 2] {
        let bias = i64::from(self.bias[output]);
        self.terms(output).fold([bias; 2], |[low, high], term| {
            let range = ranges[term.input % self.period];
            let [first, second] = [range.low, range.high].map(|value| i64::from(self.product(term, value)));
            let nothing = if term.outside { 0 } else { first };
            [low + first.min(second).min(nothing), high + first.max(second).max(nothing)]
        })
    }

    /// The range of an output whose sums lie between these two.
    pub(super) fn range(&self, output: usize, [low, high]: [i64; 2]) -> Range {
        match (self.result(output, low), self.result(output, high)) {
            (Some(low), Some(high)) => Range { low, high },
            _ => Range { low: self.clamp.min, high: self.clamp.max },
        }
    }

    /// The bias of an output that no longer adds up the inputs for which `constant` has a value.
    ///
    /// Sums wrap in 32 bits, here as in the kernels, so that their order makes no difference.
    pub(super) fn bias_with(&self, output: usize, constant: impl Fn(usize) -> Option<i8>) -> i32 {
        self.terms(output).fold(self.bias[output], |bias, term| {
            constant(term.input).map_or(bias, |value| bias.wrapping_add(self.product(term, value)))
        })
    }

    /// The weights of some outputs on some inputs, in the operator's layout; those of an output that `keep`
    /// does not name become 0.
    pub(super) fn weights_of(
        &self,
        outputs: &[usize],
        inputs: &[usize],
        keep: impl Fn(usize) -> bool,
    ) -> Vec<u8> {
        let weight = |output, tap, input| {
            if keep(output) { self.weight(output, tap, input) as u8 } else { 0 }
        };
        let taps = 0..self.outside.len();
        let mut weights = Vec::new();
        match self.form {
            Form::Mixing => {
                for &output in outputs {
                    for tap in taps.clone() {
                        let mine = inputs.iter().filter(|input| self.inputs_of(output).contains(input));
                        weights.extend(mine.map(|&input| weight(output, tap, input)));
                    }
                }
            }
            Form::Apart { multiplier } => {
                for tap in taps {
                    weights.extend(outputs.iter().map(|&output| weight(output, tap, output / multiplier)));
                }
            }
        }
        weights
    }

    /// The inputs that an output adds up.
    fn inputs_of(&self, output: usize) -> std::ops::Range<usize> {
        let (first, count) = match self.form {
            Form::Mixing => {
                let depth = self.inputs / self.groups;
                (output / (self.outputs / self.groups) * depth, depth)
            }
            Form::Apart { multiplier } => (output / multiplier, 1),
        };
        first..first + count
    }

    fn weight(&self, output: usize, tap: usize, input: usize) -> i8 {
        let index = match self.form {
            Form::Mixing => {
                let depth = self.inputs / self.groups;
                output * self.row() + tap * depth + input % depth
            }
            Form::Apart { .. } => tap * self.outputs + output,
        };
        self.weights[index] as i8
    }

    /// How many weights an output has.
    fn row(&self) -> usize {
        match self.form {
            Form::Mixing => self.outside.len() * self.inputs / self.groups,
            Form::Apart { .. } => self.outside.len(),
        }
    }

    fn product(&self, term: Term, value: i8) -> i32 {
        i32::from(term.weight) * (i32::from(value) - self.zero_points[0])
    }

    /// What the kernel makes of a sum, unless the sum or its shift leaves 32 bits.
    fn result(&self, output: usize, sum: i64) -> Option<i8> {
        let factor = self.factors[output];
        if sum.abs() > i64::from(i32::MAX) >> factor.shift.max(0) {
            return None;
        }
        let scaled = i64::from(factor.apply(sum as i32)) + i64::from(self.zero_points[1]);
        Some(scaled.clamp(i64::from(self.clamp.min), i64::from(self.clamp.max)) as i8)
    }
}

/// For each tap of a window, row by row: whether it lies outside of the image at some position.
fn outside(window: &Window, input: [usize; 2], output: [usize; 2]) -> Vec<bool> {
    let along = |axis: usize| {
        let of = move |pair: [u16; 2]| i64::from(pair[axis]);
        let last = (output[axis] as i64 - 1) * of(window.stride);
        (0..of(window.filter)).map(move |tap| {
            let first = tap * of(window.dilation) - of(window.padding);
            first < 0 || first + last >= input[axis] as i64
        })
    };
    let columns: Vec<bool> = along(1).collect();
    along(0).flat_map(|row| columns.iter().map(move |&column| row || column)).collect()
}

fn axes(tensor: &Tensor) -> Vec<usize> {
    tensor.shape.iter().map(|&axis| axis as usize).collect()
}

fn words(bytes: &[u8]) -> Vec<i32> {
    bytes.chunks_exact(4).map(|word| i32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
}
