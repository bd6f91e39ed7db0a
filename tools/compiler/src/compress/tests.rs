//! Forms of weights whose best is known.

use ocelli_format::model::{Element, Tensor};
use ocelli_format::{Clamp, Window};

use super::*;

/// A model of one layer with these weights, rows of `row`; a convolution of a 3x3 filter over 16x16 pixels, or fully
/// connected.
fn layer(values: &[i8], row: usize, slides: bool) -> Model {
    let channels = (values.len() / row) as u32;
    let depth = row as u32 / 9;
    let mut model = Model::default();
    let mut push = |shape: &[u32], element, data: Option<Vec<u8>>| {
        let shape = shape.to_vec();
        model.tensors.push(Tensor {
            name: String::new(),
            element,
            shape,
            scale_bits: 0,
            zero_point: 0,
            data,
        });
    };
    let words = |value: i32| Some(value.to_le_bytes().repeat(channels as usize));
    let weights = Some(values.iter().map(|&value| value as u8).collect());
    let image: &[u32] = if slides { &[1, 16, 16, depth] } else { &[1, row as u32] };
    let filter: &[u32] = if slides { &[channels, 3, 3, depth] } else { &[channels, row as u32] };
    let result: &[u32] = if slides { &[1, 16, 16, channels] } else { &[1, channels] };
    push(image, Element::I8, None);
    push(filter, Element::I8, weights);
    push(&[channels], Element::I32, words(0));
    push(&[channels], Element::I32, words(1 << 30));
    push(&[channels], Element::I8, Some(vec![0xF9; channels as usize]));
    push(result, Element::I8, None);
    let clamp = Clamp { min: -128, max: 127 };
    let window = Window { filter: [3; 2], stride: [1; 2], dilation: [1; 2], padding: [1; 2] };
    let operator =
        if slides { Operator::Conv2d { window, clamp } } else { Operator::FullyConnected { clamp } };
    let (name, inputs, outputs) = ("only".to_owned(), vec![0, 1, 2, 3, 4], vec![5]);
    model.operators.push(Node { name, operator, inputs, outputs });
    (model.inputs, model.outputs) = (vec![0], vec![5]);
    model
}

/// Pseudo-random weights, 0 in all runs of `run` but one of `of`.
fn weights(count: usize, run: usize, of: usize) -> Vec<i8> {
    let random = |at: usize| {
        let mixed = (at as u32 + 1).wrapping_mul(0x9E37_79B9);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85EB_CA6B);
        mixed ^ (mixed >> 13)
    };
    let told = |at: usize| (random(at / run) as usize).is_multiple_of(of);
    let value = |at: usize| match random(at + count) % 254 {
        low @ 0..127 => low as i8 - 127,
        high => (high - 126) as i8,
    };
    (0..count).map(|at| if told(at) { value(at) } else { 0 }).collect()
}

fn chosen(values: &[i8], row: usize, slides: bool, goal: Goal) -> Storage {
    let mut model = layer(values, row, slides);
    compress(&mut model, goal);
    model.storage.get(&1).copied().unwrap_or_default()
}

#[test]
fn weights_that_are_all_different_stay_dense() {
    let values = weights(64 * 144, 1, 1);
    for goal in [Goal::Off, Goal::Speed, Goal::Size] {
        assert_eq!(chosen(&values, 144, true, goal), Storage::Dense, "{goal:?}");
    }
    assert_eq!(chosen(&values, 576, false, Goal::Speed), Storage::Dense);
}

#[test]
fn runs_of_zeros_are_left_out_for_speed() {
    let values = weights(64 * 144, 4, 4);
    assert_eq!(chosen(&values, 144, true, Goal::Speed), Storage::Blocks);
    assert_eq!(chosen(&values, 576, false, Goal::Speed), Storage::Blocks);
    assert_eq!(chosen(&values, 144, true, Goal::Off), Storage::Dense);
}

#[test]
fn few_weights_are_sparse_for_speed_and_coded_for_size() {
    let values = weights(300 * 784, 1, 12);
    assert_eq!(chosen(&values, 784, false, Goal::Speed), Storage::Sparse);
    assert_eq!(chosen(&values, 784, false, Goal::Size), Storage::Coded);
}

#[test]
fn small_numbers_are_packed_for_size() {
    // All sixteen as often: no code is shorter than four bits.
    let values: Vec<i8> = (0..64 * 144).map(|at| ((at * 7 + at / 16) % 16) as i8 - 8).collect();
    assert_eq!(chosen(&values, 144, true, Goal::Size), Storage::Packed);
    assert_eq!(chosen(&values, 144, true, Goal::Speed), Storage::Dense);
}

#[test]
fn nothing_is_chosen_that_is_larger_and_slower_than_another() {
    for (run, of, row, slides) in [1, 4].into_iter().flat_map(|run| {
        (1..20).flat_map(move |of| {
            [(run, of, 144, true), (run, of, 27, true), (run, of, 64, false), (run, of, 800, false)]
        })
    }) {
        let values = weights(32 * row, run, of);
        let model = layer(&values, row, slides);
        let (id, layer) = layer_of(&model, &model.operators[0]).unwrap();
        let candidates = candidates(&model, id, &layer);
        for goal in [Goal::Speed, Goal::Size] {
            let chosen = choose(&candidates, goal);
            let better = |other: &&Candidate| {
                other.bytes <= chosen.bytes
                    && other.instructions <= chosen.instructions
                    && **other != chosen
                    && (other.bytes, other.instructions) != (chosen.bytes, chosen.instructions)
            };
            assert_eq!(candidates.iter().find(better), None, "{chosen:?}");
        }
    }
}

/// Weights of which one in twelve is not 0: dense, sparse and coded get smaller and smaller.
#[test]
fn a_layer_shrinks_by_the_form_that_costs_least_until_nothing_is_left() {
    let mut model = layer(&weights(300 * 784, 1, 12), 784, false);
    let told = shrink(&mut model, 1).unwrap();
    assert_eq!((told[0].form.as_str(), model.storage[&1]), ("Sparse", Storage::Sparse), "faster too");
    assert_eq!(model.storage[&3], Storage::Uniform, "factors cost nothing");
    let smaller = shrink(&mut model, 1).unwrap();
    assert_eq!(smaller[0].form, "Coded");
    assert!(smaller[0].bytes < told[0].bytes && smaller[0].instructions > told[0].instructions);
    assert_eq!(shrink(&mut model, 1), None);
}

#[test]
fn weights_that_another_operator_reads_stay_dense() {
    let mut model = layer(&weights(300 * 784, 1, 12), 784, false);
    model.operators.push(Node { operator: Operator::Reshape, inputs: vec![1], ..model.operators[0].clone() });
    assert_eq!(compress(&mut model, Goal::Size), []);
    assert_eq!(model.storage.get(&1), None);
}

#[test]
fn factors_that_all_channels_share_are_stored_once_for_size() {
    let mut model = layer(&weights(64 * 144, 1, 1), 144, true);
    compress(&mut model, Goal::Size);
    assert_eq!(model.storage, [(3, Storage::Uniform), (4, Storage::Uniform)].into());
    let mut apart = layer(&weights(64 * 144, 1, 1), 144, true);
    apart.tensors[4].data.as_mut().unwrap()[5] ^= 1;
    compress(&mut apart, Goal::Size);
    assert!(apart.storage.is_empty(), "both or none");
}
