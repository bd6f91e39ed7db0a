//! The range of every activation, and from it scale and zero point.
//!
//! Operators that only move values hand their operand's range on. In a guided calibration a range is cut
//! where the finer step gains more than the cut values lose. A cut pulls all of them the same way while
//! roundings cancel out, so it counts [`CUT`] times.

use super::observe::{Number, Observed, Seen, hinge};
use super::{Affine, Method, Options, entropy};
use crate::graph::{Data, Graph, Node, Op, Reduction, TensorId, Unary};

/// Weight of an error by cutting against one by rounding.
const CUT: f64 = 50.0;

/// Ranges tried on each side, evenly from nothing to everything.
const STEPS: usize = 20;

/// Scale and zero point of every activation and of every constant that is an operand like one.
pub(super) fn choose(
    graph: &Graph,
    observed: &Observed,
    options: &Options,
    guided: bool,
) -> Vec<Option<Affine>> {
    let mut affines: Vec<Option<Affine>> = (0..graph.tensors.len())
        .map(|id| {
            let seen = observed.tensors.get(id)?.as_ref()?;
            if seen.min > seen.max {
                return None;
            }
            let (low, high) = if guided {
                let hinged = hinge(graph, id).is_some();
                cut(seen, hinged, CUT)
            } else {
                match options.method {
                    Method::Percentile(percent) => percentile(seen, percent),
                    Method::MeanSquare => cut(seen, false, 1.0),
                    Method::Entropy => entropy::range(seen),
                    _ => (seen.min, seen.max),
                }
            };
            Some(Affine::covering(low, high))
        })
        .collect();
    for node in &graph.nodes {
        let output = node.outputs[0];
        match &node.op {
            Op::Softmax { .. } => affines[output] = Some(Affine { scale: 1.0 / 256.0, zero_point: -128 }),
            Op::Unary(Unary::Logistic) => {
                affines[output] = Some(Affine { scale: 1.0 / 256.0, zero_point: -128 });
            }
            Op::Reduce { reduction: Reduction::ArgMax { .. } | Reduction::ArgMin { .. }, .. } => {
                affines[output] = Some(Affine { scale: 1.0, zero_point: -128 });
            }
            Op::Unary(Unary::Tanh) => affines[output] = Some(Affine { scale: 1.0 / 128.0, zero_point: 0 }),
            Op::Add { .. } | Op::Mul { .. } | Op::Binary { .. } | Op::Prelu => {
                for &id in &node.inputs {
                    if let Some(Data::F32(values)) = &graph.tensors[id].data {
                        let low = values.iter().copied().fold(0.0, f32::min);
                        let high = values.iter().copied().fold(0.0, f32::max);
                        affines[id] = Some(Affine::covering(low, high));
                    }
                }
            }
            Op::Unary(_) | Op::Function(_)
                if !guided && matches!(options.method, Method::Automatic | Method::MinMax) =>
            {
                affines[output] = reaching(node, observed, &affines).or(affines[output]);
            }
            _ => {}
        }
    }
    share(graph, &mut affines);
    // What never counted still needs a scale.
    for (affine, tensor) in affines.iter_mut().zip(&graph.tensors) {
        if tensor.data.is_none() {
            affine.get_or_insert(Affine { scale: 1.0 / 255.0, zero_point: 0 });
        }
    }
    affines
}

/// The scale of a function's results, for its operand's numbers as they are stored too: where it is steep, half
/// a step of the operand is many of the result.
fn reaching(node: &Node, observed: &Observed, affines: &[Option<Affine>]) -> Option<Affine> {
    let input = node.inputs[0];
    let (of_input, seen) = (affines[input]?, observed.tensors.get(input)?.as_ref()?);
    let results = observed.tensors.get(node.outputs[0])?.as_ref()?;
    let (mut low, mut high) = (results.min, results.max);
    for number in &seen.numbers {
        let stored = f64::from(of_input.real(of_input.store(number.value)));
        let result = match &node.op {
            Op::Unary(unary) => unary.real(stored),
            Op::Function(function) => function.real(stored),
            _ => return None,
        };
        if result.is_finite() {
            (low, high) = (low.min(result as f32), high.max(result as f32));
        }
    }
    Some(Affine::covering(low, high))
}

/// Hands ranges on through operators that move values, and joins those of concatenated tensors.
fn share(graph: &Graph, affines: &mut [Option<Affine>]) {
    for node in &graph.nodes {
        if let Op::Concatenate { .. } = node.op {
            let bounds = node.inputs.iter().filter_map(|&id| affines[id]).map(bounds);
            let joined =
                bounds.fold((0f32, 0f32), |(low, high), other| (low.min(other.0), high.max(other.1)));
            affines[node.outputs[0]] = Some(Affine::covering(joined.0, joined.1));
        } else if moves_values(&node.op) {
            affines[node.outputs[0]] = affines[node.inputs[0]];
        } else if node.op == Op::Unary(Unary::Abs) {
            // In its operand's steps every magnitude is exact, and a sum of them rounds once.
            let exact = |affine: Affine| Affine { zero_point: -128, ..affine };
            affines[node.outputs[0]] = affines[node.inputs[0]].map(exact);
        }
    }
    // Operands of a concatenation take its scale at once where nothing else needs theirs.
    for node in graph.nodes.iter().rev() {
        if let Op::Concatenate { .. } = node.op {
            for &id in &node.inputs {
                if free(graph, id) {
                    affines[id] = affines[node.outputs[0]];
                }
            }
        }
    }
}

/// Whether an operator yields nothing but values of its operand, and zeros.
pub(crate) fn moves_values(op: &Op) -> bool {
    matches!(
        op,
        Op::Pad { value: 0.0, .. }
            | Op::Reshape
            | Op::Transpose { .. }
            | Op::Slice { .. }
            | Op::Expand
            | Op::Gather { .. }
            | Op::Interpolate { .. }
            | Op::Reduce { reduction: Reduction::Maximum | Reduction::Minimum, .. }
            | Op::MaxPool2d { .. }
            | Op::AveragePool2d { .. }
            | Op::ResizeNearest { .. }
            | Op::ResizeBilinear { .. }
    )
}

/// Whether a tensor's scale may still be chosen: computed from another scale, and read once.
fn free(graph: &Graph, id: TensorId) -> bool {
    let read_once = super::consumers(graph, id).len() == 1 && !graph.outputs.contains(&id);
    read_once
        && super::producer(graph, id).is_some_and(|node| {
            let op = &graph.nodes[node].op;
            let fixed = matches!(
                op,
                Op::Softmax { .. } | Op::Reduce { .. } | Op::Unary(Unary::Logistic | Unary::Tanh)
            );
            !moves_values(op) && !fixed && !matches!(op, Op::Concatenate { .. })
        })
}

fn bounds(affine: Affine) -> (f32, f32) {
    (affine.real(-128), affine.real(127))
}

/// The range that leaves out so much of the numbers on each side; a number counts as many as it stands for.
fn percentile(seen: &Seen, percent: f64) -> (f32, f32) {
    let mut numbers: Vec<(f32, f64)> =
        seen.numbers.iter().map(|number| (number.value, f64::from(number.weight))).collect();
    numbers.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let left_out =
        (1.0 - percent / 100.0).clamp(0.0, 0.5) * numbers.iter().map(|(_, weight)| weight).sum::<f64>();
    let low = beyond(numbers.iter(), left_out);
    let high = beyond(numbers.iter().rev(), left_out);
    (low, high)
}

/// The first number after so much weight; 0 where there are none.
fn beyond<'a>(mut numbers: impl Iterator<Item = &'a (f32, f64)>, weight: f64) -> f32 {
    let mut passed = 0.0;
    let found = numbers.find(|(_, of_number)| {
        passed += of_number;
        passed > weight
    });
    found.map_or(0.0, |number| number.0)
}

/// The range with the least square error, one side after the other; what is cut off counts `of_cut` times.
fn cut(seen: &Seen, hinged: bool, of_cut: f64) -> (f32, f32) {
    let (lowest, highest) = (seen.min.min(0.0), seen.max.max(0.0));
    let numbers = &seen.numbers;
    // A number that a rectifier sets to 0 does not mind rounding.
    let rounded: f64 = numbers
        .iter()
        .filter(|number| !hinged || number.value + number.partner > 0.0)
        .map(|number| f64::from(number.weight))
        .sum();
    let cost = |low: f32, high: f32| {
        let step = f64::from((high - low) / 255.0);
        let lost: f64 = numbers.iter().map(|number| loss(number, low, high, hinged)).sum();
        of_cut * lost + rounded * step * step / 12.0
    };
    least(lowest, highest, cost)
}

/// The range of least cost between these ends, one side after the other and twice.
pub(super) fn least(lowest: f32, highest: f32, cost: impl Fn(f32, f32) -> f64) -> (f32, f32) {
    let (mut low, mut high) = (lowest, highest);
    let parts = || (1..=STEPS).map(|part| part as f32 / STEPS as f32);
    for _ in 0..2 {
        let best = |candidates: Vec<(f32, f32)>| {
            candidates
                .into_iter()
                .map(|(low, high)| (cost(low, high), low, high))
                .min_by(|left, right| left.0.total_cmp(&right.0))
                .map_or((lowest, highest), |(_, low, high)| (low, high))
        };
        if lowest < 0.0 {
            low = best(parts().map(|part| (lowest * part, high)).collect()).0;
        }
        if highest > 0.0 {
            high = best(parts().map(|part| (low, highest * part)).collect()).1;
        }
    }
    (low, high)
}

/// Weighted square of what cutting takes from a number, behind its rectifier if it has one.
fn loss(number: &Number, low: f32, high: f32, hinged: bool) -> f64 {
    let cut = number.value.clamp(low, high);
    let lost = if hinged {
        (cut + number.partner).max(0.0) - (number.value + number.partner).max(0.0)
    } else {
        cut - number.value
    };
    f64::from(number.weight) * f64::from(lost) * f64::from(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(values: &[(f32, f32)]) -> Seen {
        let numbers = values
            .iter()
            .map(|&(value, weight)| Number { value, partner: 0.0, weight, channel: 0 })
            .collect::<Vec<_>>();
        let min = values.iter().map(|pair| pair.0).fold(f32::INFINITY, f32::min);
        let max = values.iter().map(|pair| pair.0).fold(f32::NEG_INFINITY, f32::max);
        Seen { min, max, channel_peaks: vec![], numbers }
    }

    #[test]
    fn a_number_that_does_not_count_is_cut_off() {
        let mut values: Vec<(f32, f32)> = (0..1000).map(|index| (index as f32 / 1000.0, 1.0)).collect();
        values.push((20.0, 1e-6));
        let (low, high) = cut(&seen(&values), false, CUT);
        assert_eq!(low, 0.0);
        assert!((1.0..=2.0).contains(&high), "{high}");
    }

    /// A bell of numbers, and one far outside.
    fn with_an_outlier() -> Seen {
        let mut values: Vec<(f32, f32)> = (0..4000)
            .map(|index| {
                let sum: u32 = (0..6u32).map(|digit| (index * 7919 + 13) / 5u32.pow(digit) % 5).sum();
                (sum as f32 / 12.0 - 1.0, 1.0)
            })
            .collect();
        values.push((100.0, 1.0));
        seen(&values)
    }

    #[test]
    fn the_least_square_keeps_what_the_least_divergence_cuts() {
        let seen = with_an_outlier();
        let (low, high) = cut(&seen, false, 1.0);
        // Cutting the outlier in half would cost 2,500; all roundings together less than 50.
        assert!(low <= -0.5 && high > 90.0, "{low} to {high}");
        let (low, high) = entropy::range(&seen);
        assert!(low <= -0.8 && high < 10.0, "{low} to {high}");
    }

    #[test]
    fn a_number_that_counts_is_kept() {
        let values: Vec<(f32, f32)> = (0..=1000).map(|index| (index as f32 / 100.0, 1.0)).collect();
        assert_eq!(cut(&seen(&values), false, CUT), (0.0, 10.0));
    }

    #[test]
    fn before_a_rectifier_large_negatives_are_cut_at_the_partner() {
        let mut seen = seen(&[(-40.0, 1.0), (-1.0, 1.0), (0.5, 1.0), (1.0, 1.0)]);
        seen.numbers.iter_mut().for_each(|number| number.partner = 2.0);
        let (low, high) = cut(&seen, true, CUT);
        assert!((-4.0..=-2.0).contains(&low), "{low}");
        assert_eq!(high, 1.0);
    }

    #[test]
    fn percentiles_leave_outliers_out() {
        let mut values: Vec<(f32, f32)> = (0..1000).map(|index| (index as f32, 1.0)).collect();
        values.push((1e6, 1.0));
        assert_eq!(percentile(&seen(&values), 99.9), (1.0, 999.0));
        assert_eq!(percentile(&seen(&values), 100.0), (0.0, 1e6));
        // Extremes are kept besides a draw and stand for themselves alone.
        values.iter_mut().for_each(|(value, weight)| *weight = if *value < 1e6 { 10.0 } else { 1.0 });
        assert_eq!(percentile(&seen(&values), 99.99).1, 999.0);
    }
}
