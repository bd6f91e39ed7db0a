//! Normalization as exporters spell it: the difference from a mean, over the root of the mean of its squares,
//! times gains, plus offsets. The device has one operator for it that rounds once, in wide numbers.

use super::{Uses, function, remove_nodes};
use crate::graph::{Activation, Binary, Data, Element, Graph, Op, Reduction, Tensor, TensorId, Unary};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let mut removed = vec![false; graph.nodes.len()];
    let mut found_any = false;
    for index in 0..graph.nodes.len() {
        let uses = Uses::of(graph);
        let Some(Found { input, view, centered, mean, epsilon }) = find(graph, &uses, index) else {
            continue;
        };
        let (gains, mut last) = affine(graph, &uses, index, index, Binary::Mul);
        let (offsets, after) = affine(graph, &uses, last, index, Binary::Add);
        (index + 1..=after)
            .filter(|&node| is_between(graph, index, after, node))
            .for_each(|node| removed[node] = true);
        last = after;
        let output = graph.nodes[last].outputs[0];
        let name = graph.nodes[index].name.clone();
        let gains = gains.unwrap_or_else(|| vec![1.0]);
        let length = gains.len().max(offsets.as_ref().map_or(1, Vec::len));
        let offsets = offsets.unwrap_or_else(|| vec![0.0]);
        let mut inputs = vec![input];
        for (part, values) in [("gains", gains), ("offsets", offsets)] {
            let values: Vec<f32> = values.iter().copied().cycle().take(length).collect();
            let shape = vec![length];
            let name = format!("{name}/{part}");
            let data = Some(Data::F32(values));
            graph.tensors.push(Tensor { name, shape, quantization: None, element: Element::F32, data });
            inputs.push(graph.tensors.len() - 1);
        }
        found_any = true;
        let node = &mut graph.nodes[index];
        node.op = Op::Normalize { view, centered, mean, epsilon };
        node.inputs = inputs;
        node.outputs = vec![output];
    }
    remove_nodes(graph, &removed);
    found_any
}

/// What a node normalizes.
struct Found {
    input: TensorId,
    view: [usize; 4],
    centered: bool,
    mean: bool,
    epsilon: f32,
}

/// Whether a node is `d * f(v)` or `d / f(v)` with `v` the mean or the sum of the squares of `d`, and `f` a root.
fn find(graph: &Graph, uses: &Uses, index: usize) -> Option<Found> {
    let (binary, activation) = graph.nodes[index].op.as_binary()?;
    let &[left, right] = &graph.nodes[index].inputs[..] else { return None };
    let divides = binary == Binary::Div;
    if activation != Activation::Linear || !(divides || binary == Binary::Mul) {
        return None;
    }
    let candidates = if divides { vec![(left, right)] } else { vec![(left, right), (right, left)] };
    candidates.into_iter().find_map(|(numbers, root)| {
        let (statistic, root) = function::back(graph, uses, root);
        let root = |x: f64| if divides { 1.0 / root.real(x) } else { root.real(x) };
        // 1 / sqrt(x + epsilon), tried at some places.
        let epsilon = root(1.0).powi(-2) - 1.0;
        let holds = |x: f64| (root(x) * libm::sqrt(x + epsilon) - 1.0).abs() < 1e-4;
        if !(epsilon > -1e-6 && [0.03, 1.0, 7.0, 2000.0].into_iter().all(holds)) {
            return None;
        }
        // The mean of squares less the square of the mean is a variance too.
        let less = difference(graph, uses, statistic);
        let (squares, reduction, axes) =
            reduced(graph, uses, less.map_or(statistic, |(squares, _)| squares))?;
        let mean = match reduction {
            Reduction::Mean => true,
            Reduction::Sum => false,
            _ => return None,
        };
        let (base, center) = squared(graph, uses, squares)?;
        let difference = || difference(graph, uses, numbers);
        if let Some((_, less)) = less {
            let (center, _) = squared(graph, uses, less)?;
            let variance = mean && difference() == Some((base, center));
            let is_mean = variance && is_mean(graph, uses, center, base, &axes);
            let view = is_mean.then(|| view(&graph.tensors[base].shape, &axes))??;
            let epsilon = epsilon.max(0.0) as f32;
            return Some(Found { input: base, view, centered: true, mean, epsilon });
        }
        let (input, centered) = match center {
            _ if base == numbers => match difference() {
                Some((input, center)) if is_mean(graph, uses, center, input, &axes) => (input, true),
                _ => (numbers, false),
            },
            Some(center) if difference() == Some((base, center)) => {
                is_mean(graph, uses, center, base, &axes).then_some((base, true))?
            }
            _ => return None,
        };
        let view = view(&graph.tensors[input].shape, &axes)?;
        Some(Found { input, view, centered, mean, epsilon: epsilon.max(0.0) as f32 })
    })
}

fn producer<'g>(graph: &'g Graph, uses: &Uses, id: TensorId) -> Option<&'g crate::graph::Node> {
    uses.producer[id].map(|node| &graph.nodes[node])
}

/// The operand of a reduction, through reshapes that keep its axes in place, with the axes.
fn reduced(graph: &Graph, uses: &Uses, id: TensorId) -> Option<(TensorId, Reduction, Vec<usize>)> {
    let node = producer(graph, uses, id)?;
    match &node.op {
        Op::Mean => Some((node.inputs[0], Reduction::Mean, vec![1, 2])),
        Op::Reduce { reduction, axes } => Some((node.inputs[0], *reduction, axes.clone())),
        _ => None,
    }
}

/// The base of a square, and what is taken from it first where the square is one of a difference.
fn squared(graph: &Graph, uses: &Uses, id: TensorId) -> Option<(TensorId, Option<TensorId>)> {
    let node = producer(graph, uses, id)?;
    match (&node.op, &node.inputs[..]) {
        (Op::Unary(Unary::Square), &[base]) => Some((base, None)),
        (Op::Unary(Unary::Power { exponent: 2.0 }), &[base]) => Some((base, None)),
        (Op::Mul { activation: Activation::Linear }, &[left, right]) if left == right => Some((left, None)),
        (Op::Binary { binary: Binary::SquaredDifference, .. }, &[left, right]) => Some((left, Some(right))),
        (Op::Binary { binary: Binary::Power, .. }, &[base, exponent])
            if graph.tensors[exponent].floats() == Some(&[2.0]) =>
        {
            Some((base, None))
        }
        _ => None,
    }
}

/// Both operands of a difference.
fn difference(graph: &Graph, uses: &Uses, id: TensorId) -> Option<(TensorId, TensorId)> {
    let node = producer(graph, uses, id)?;
    let sub = Op::Binary { binary: Binary::Sub, activation: Activation::Linear };
    (node.op == sub).then(|| (node.inputs[0], node.inputs[1]))
}

fn is_mean(graph: &Graph, uses: &Uses, id: TensorId, of: TensorId, over: &[usize]) -> bool {
    matches!(reduced(graph, uses, id), Some((input, Reduction::Mean, axes)) if input == of && axes == over)
}

/// A shape as `[outer, count, groups, inner]` with the axes that are reduced in the second and the last.
fn view(shape: &[usize], axes: &[usize]) -> Option<[usize; 4]> {
    let mut view = [1; 4];
    let mut place = 0;
    for (axis, &extent) in shape.iter().enumerate().filter(|&(_, &extent)| extent != 1) {
        let reduced = axes.contains(&axis);
        if reduced != (place % 2 == 1) {
            place += 1;
        }
        *view.get_mut(place)? *= extent;
    }
    // What is reduced at the very end alone lies side by side.
    Some(if view[2] == 1 && view[3] == 1 { [view[0], 1, 1, view[1]] } else { view })
}

/// The numbers of a constant that the only reader of a node's result combines with it, as they repeat along
/// the innermost axes, and that reader; reshapes on the way are passed.
fn affine(graph: &Graph, uses: &Uses, from: usize, root: usize, wanted: Binary) -> (Option<Vec<f32>>, usize) {
    let mut last = from;
    loop {
        let output = graph.nodes[last].outputs[0];
        let reader = (last + 1..graph.nodes.len()).find(|&node| graph.nodes[node].inputs.contains(&output));
        let Some(reader) = reader.filter(|_| uses.readers[output] == 1) else { return (None, from) };
        if graph.nodes[reader].op == Op::Reshape {
            last = reader;
            continue;
        }
        let node = &graph.nodes[reader];
        if node.op.as_binary() != Some((wanted, Activation::Linear)) || reader <= root {
            return (None, from);
        }
        let constant = if node.inputs[0] == output { node.inputs[1] } else { node.inputs[0] };
        let shape = &graph.tensors[node.outputs[0]].shape;
        let same = graph.tensors[output].shape == *shape;
        return match repeating(&graph.tensors[constant], shape).filter(|_| same) {
            Some(values) => (Some(values), reader),
            None => (None, from),
        };
    }
}

/// Whether a node lies on the way from the root to the last node that is taken in.
fn is_between(graph: &Graph, root: usize, last: usize, node: usize) -> bool {
    let mut tensor = graph.nodes[root].outputs[0];
    for at in root + 1..=last {
        if graph.nodes[at].inputs.contains(&tensor) {
            if at == node {
                return true;
            }
            tensor = graph.nodes[at].outputs[0];
        }
    }
    false
}

/// A float constant repeated to the innermost axes of a shape, from the first along which it varies.
fn repeating(constant: &Tensor, shape: &[usize]) -> Option<Vec<f32>> {
    let values = constant.floats()?;
    let missing = shape.len().checked_sub(constant.shape.len())?;
    let own: Vec<usize> = std::iter::repeat_n(1, missing).chain(constant.shape.iter().copied()).collect();
    let first = own.iter().position(|&extent| extent != 1).unwrap_or(shape.len());
    let (own, shape) = (&own[first..], &shape[first..]);
    let count: usize = shape.iter().product();
    let at = |place: usize| {
        let (mut rest, mut index, mut step) = (place, 0, 1);
        for (&extent, &own) in shape.iter().zip(own).rev() {
            index += rest % extent % own * step;
            (rest, step) = (rest / extent, step * own);
        }
        values[index]
    };
    Some((0..count).map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::view;

    #[test]
    fn shapes_are_seen_with_what_is_reduced_in_two_places() {
        assert_eq!(view(&[2, 4, 5, 3], &[1, 2]), Some([2, 20, 3, 1]));
        assert_eq!(view(&[2, 4, 5, 3], &[3]), Some([40, 1, 1, 3]));
        assert_eq!(view(&[1, 4, 5, 3], &[1, 2, 3]), Some([1, 1, 1, 60]));
        assert_eq!(view(&[2, 4, 5, 3, 6], &[1, 2, 4]), Some([2, 20, 3, 6]));
        assert_eq!(view(&[2, 4, 5, 3], &[1, 3]), Some([2, 4, 5, 3]));
        assert_eq!(view(&[2, 4, 5, 3], &[0, 2]), None);
    }
}
