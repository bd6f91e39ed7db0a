//! Gradients through products, joins, moves, resizing and softmax.

use crate::graph::{Graph, Node, Op, TensorId};
use crate::moves::Walk;
use crate::resample::resize_matrix;

/// Of both factors; a constant one has none.
pub(super) fn product(
    graph: &Graph,
    node: &Node,
    values: &[Option<Vec<f32>>],
    gradient: &[f32],
) -> Option<Vec<(TensorId, Vec<f32>)>> {
    let [left, right] = node.inputs[..] else { return None };
    let mut found = Vec::new();
    for (of, by) in [(left, right), (right, left)] {
        if graph.tensors[of].data.is_some() {
            continue;
        }
        let (of_shape, by_shape) = (&graph.tensors[of].shape, &graph.tensors[by].shape);
        if of_shape != &graph.tensors[node.outputs[0]].shape {
            return None;
        }
        let factors = graph.tensors[by].floats().or(values[by].as_deref())?;
        let mut result = Vec::with_capacity(gradient.len());
        for (index, gradient) in gradient.iter().enumerate() {
            result.push(gradient * factors.get(broadcast(index, of_shape, by_shape))?);
        }
        found.push((of, result));
    }
    Some(found)
}

/// Where the operand of a smaller shape has the number for place `index` of the larger.
fn broadcast(index: usize, shape: &[usize], small: &[usize]) -> usize {
    let (mut rest, mut place, mut step) = (index, 0, 1);
    for axis in (0..shape.len()).rev() {
        let extent = (small.len() + axis).checked_sub(shape.len()).map_or(1, |axis| small[axis]);
        if extent > 1 {
            place += rest % shape[axis] * step;
        }
        rest /= shape[axis];
        step *= extent;
    }
    place
}

/// What of a join came from each operand.
pub(super) fn parts(graph: &Graph, node: &Node, axis: usize, gradient: &[f32]) -> Vec<(TensorId, Vec<f32>)> {
    let lengths = node.inputs.iter().map(|&id| graph.tensors[id].shape[axis..].iter().product::<usize>());
    let lengths: Vec<usize> = lengths.collect();
    let mut found: Vec<(TensorId, Vec<f32>)> = node.inputs.iter().map(|&id| (id, Vec::new())).collect();
    for mut outer in gradient.chunks(lengths.iter().sum::<usize>().max(1)) {
        for ((_, part), &length) in found.iter_mut().zip(&lengths) {
            let (own, rest) = outer.split_at(length.min(outer.len()));
            part.extend(own);
            outer = rest;
        }
    }
    found.retain(|(id, _)| graph.tensors[*id].data.is_none());
    found
}

/// Of values that only moved: each place has what became of it, once or more often.
pub(super) fn moved(op: &Op, from: &[usize], to: &[usize], gradient: &[f32]) -> Option<Vec<f32>> {
    let places: Vec<usize> = (0..from.iter().product()).collect();
    let mut result = vec![0.0; places.len()];
    for (place, gradient) in Walk::of(op, from, to)?.take(&places).into_iter().zip(gradient) {
        result[place] += gradient;
    }
    Some(result)
}

/// Of an image of another size: what each pixel gave to those that look at it.
pub(super) fn resized(op: &Op, from: &[usize], to: &[usize], gradient: &[f32]) -> Option<Vec<f32>> {
    let (&[1, height, width, channels], &[1, rows, columns, _]) = (from, to) else { return None };
    let (down, across) = (resize_matrix(op, 0, height, rows), resize_matrix(op, 1, width, columns));
    let mut result = vec![0.0; height * width * channels];
    for (pixel, outer) in gradient.chunks_exact(channels).enumerate() {
        let (row, column) = (pixel / columns, pixel % columns);
        for (y, by_row) in
            down[row * height..][..height].iter().enumerate().filter(|(_, share)| **share != 0.0)
        {
            for (x, by_column) in across[column * width..][..width].iter().enumerate() {
                let share = by_row * by_column;
                if share != 0.0 {
                    let inner = &mut result[(y * width + x) * channels..][..channels];
                    inner.iter_mut().zip(outer).for_each(|(sum, outer)| *sum += share * outer);
                }
            }
        }
    }
    Some(result)
}

/// Of the logits, row by row.
pub(super) fn softmax(beta: f32, length: usize, output: &[f32], gradient: &[f32]) -> Vec<f32> {
    let rows = output.chunks(length.max(1)).zip(gradient.chunks(length.max(1)));
    rows.flat_map(|(output, gradient)| {
        let mean: f32 = output.iter().zip(gradient).map(|(output, gradient)| output * gradient).sum();
        output.iter().zip(gradient).map(move |(output, gradient)| beta * output * (gradient - mean))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::backward;
    use super::moved;
    use crate::graph::{Activation, Data, Element, Graph, Node, Op, Tensor, Unary};
    use crate::oracle::Observer;

    fn push(graph: &mut Graph, shape: &[usize], data: Option<Data>) -> usize {
        let name = format!("tensor {}", graph.tensors.len());
        let tensor = Tensor { name, shape: shape.into(), quantization: None, element: Element::F32, data };
        graph.tensors.push(tensor);
        graph.tensors.len() - 1
    }

    /// Gradients equal differences of the float oracle, for a chain of every operator of this file.
    #[test]
    fn gradients_are_slopes() {
        let mut graph = Graph { name: "chain".into(), ..Graph::default() };
        let mut last = push(&mut graph, &[1, 2, 3, 2], None);
        graph.inputs = vec![last];
        let mut add = |op: Op, other: Option<usize>, graph: &mut Graph, shape: &[usize]| {
            let output = push(graph, shape, None);
            let inputs = [Some(last), other].into_iter().flatten().collect();
            graph.nodes.push(Node { name: format!("node {output}"), op, inputs, outputs: vec![output] });
            last = output;
            output
        };
        let linear = Activation::Linear;
        let (small, large) = ([1, 2, 3, 2], [1, 4, 6, 2]);
        let factors = push(&mut graph, &[2], Some(Data::F32(vec![0.7, -1.3])));
        let first = add(Op::Mul { activation: linear }, Some(factors), &mut graph, &small);
        add(Op::Unary(Unary::LeakyRelu { alpha: 0.2 }), None, &mut graph, &small);
        add(Op::Unary(Unary::HardSwish), None, &mut graph, &small);
        add(Op::Unary(Unary::Tanh), None, &mut graph, &small);
        add(Op::Unary(Unary::Logistic), None, &mut graph, &small);
        add(Op::Mul { activation: linear }, Some(first), &mut graph, &small);
        let resize = Op::ResizeNearest { align_corners: false, half_pixel_centers: false };
        let wide = add(resize, None, &mut graph, &large);
        let smooth = Op::ResizeBilinear { align_corners: false, half_pixel_centers: true };
        add(smooth, None, &mut graph, &[1, 5, 4, 2]);
        let smooth = Op::ResizeBilinear { align_corners: true, half_pixel_centers: false };
        add(smooth, None, &mut graph, &large);
        add(Op::Unary(Unary::Tanh), None, &mut graph, &large);
        add(Op::Concatenate { axis: 3 }, Some(wide), &mut graph, &[1, 4, 6, 4]);
        let output = add(Op::Softmax { beta: 1.0 }, None, &mut graph, &[1, 4, 6, 4]);
        graph.outputs = vec![output];

        let observer = Observer::new(&graph).unwrap();
        let input: Vec<f32> = (0..12).map(|index| (index * 7 % 12) as f32 / 4.0 - 1.4).collect();
        let seed: Vec<f32> = (0..96).map(|index| ((index * 5 % 13) as f32 - 6.0) / 6.0).collect();
        let values = observer.run_all(std::slice::from_ref(&input)).unwrap();
        let mut found = Vec::new();
        let take = |id, gradient: &[f32]| {
            if id == graph.inputs[0] {
                found = gradient.to_vec();
            }
        };
        backward(&graph, &values, &[(output, seed.clone())], take).unwrap();
        let weighed = |input: Vec<f32>| -> f64 {
            let outputs = observer.run(&[input]).unwrap();
            outputs[0].iter().zip(&seed).map(|(value, seed)| f64::from(value * seed)).sum()
        };
        for index in 0..input.len() {
            let mut moved = [input.clone(), input.clone()];
            moved[0][index] -= 1e-2;
            moved[1][index] += 1e-2;
            let [below, above] = moved.map(weighed);
            let slope = (above - below) / 2e-2;
            assert!((slope - f64::from(found[index])).abs() < 2e-3, "{index}: {slope} {}", found[index]);
        }
    }

    #[test]
    fn moved_values_take_their_gradients_back() {
        let gradient = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        let back = |op: Op, from: &[usize], to: &[usize]| moved(&op, from, to, &gradient).unwrap();
        let transpose = Op::Transpose { order: vec![1, 0] };
        assert_eq!(back(transpose, &[2, 3], &[3, 2]), [1.0, 4.0, 16.0, 2.0, 8.0, 32.0]);
        let reverse = Op::Slice { begin: vec![0, 3], steps: vec![1, -1] };
        assert_eq!(back(reverse, &[2, 4], &[2, 3]), [0.0, 4.0, 2.0, 1.0, 0.0, 32.0, 16.0, 8.0]);
        assert_eq!(back(Op::Expand, &[2, 1], &[2, 3]), [7.0, 56.0]);
    }
}
