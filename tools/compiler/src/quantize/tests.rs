//! Small float models through the whole of quantization, and data that must be refused.

use super::observe::Random;
use super::*;
use crate::detector::{Decoder, Grid, Spelling};
use crate::graph::{Activation, Element, Node, Op, Tensor, Window};

fn tensor(name: &str, shape: &[usize], data: Option<Vec<f32>>) -> Tensor {
    let data = data.map(Data::F32);
    Tensor { name: name.into(), shape: shape.into(), quantization: None, element: Element::F32, data }
}

fn random_values(random: &mut Random, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.unit() * 2.0 - 1.0).collect()
}

fn window(side: usize, stride: usize, padding: usize) -> Window {
    Window {
        filter: [side; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        before: [padding; 2],
        after: [padding; 2],
    }
}

/// A picture of 8 x 8 through a convolution, a depthwise and a pointwise layer round a residual, with
/// channels of very different size.
fn residual_graph() -> Graph {
    let mut random = Random(77);
    let mut uneven = random_values(&mut random, 9 * 4);
    uneven.iter_mut().enumerate().for_each(|(index, weight)| *weight *= [8.0, 1.0, 0.2, 0.02][index % 4]);
    let tensors = vec![
        tensor("picture", &[1, 8, 8, 3], None),
        tensor("stem weights", &[4, 3, 3, 3], Some(random_values(&mut random, 108))),
        tensor("stem bias", &[4], Some(random_values(&mut random, 4))),
        tensor("stem", &[1, 8, 8, 4], None),
        tensor("depthwise weights", &[1, 3, 3, 4], Some(uneven)),
        tensor("depthwise", &[1, 8, 8, 4], None),
        tensor("pointwise weights", &[4, 1, 1, 4], Some(random_values(&mut random, 16))),
        tensor("pointwise bias", &[4], Some(random_values(&mut random, 4))),
        tensor("pointwise", &[1, 8, 8, 4], None),
        tensor("sum", &[1, 8, 8, 4], None),
        tensor("scores weights", &[1, 1, 1, 4], Some(random_values(&mut random, 4))),
        tensor("scores", &[1, 8, 8, 1], None),
        tensor("boxes weights", &[4, 1, 1, 4], Some(random_values(&mut random, 16))),
        tensor("boxes bias", &[4], Some(vec![0.0, 0.0, 30.0, 30.0])),
        tensor("boxes", &[1, 8, 8, 4], None),
    ];
    let conv = |window, activation| Op::Conv2d { window, groups: 1, activation };
    let linear = Activation::Linear;
    let node = |name: &str, op, inputs: &[usize], output| Node {
        name: name.into(),
        op,
        inputs: inputs.into(),
        outputs: vec![output],
    };
    let depthwise = Op::DepthwiseConv2d { window: window(3, 1, 1), depth_multiplier: 1, activation: linear };
    Graph {
        name: "residual".into(),
        tensors,
        nodes: vec![
            node("stem", conv(window(3, 1, 1), Activation::Relu), &[0, 1, 2], 3),
            node("depthwise", depthwise, &[3, 4], 5),
            node("pointwise", conv(window(1, 1, 0), linear), &[5, 6, 7], 8),
            node("sum", Op::Add { activation: Activation::Relu }, &[3, 8], 9),
            node("scores", conv(window(1, 1, 0), linear), &[9, 10], 11),
            node("boxes", conv(window(1, 1, 0), linear), &[9, 12, 13], 14),
        ],
        inputs: vec![0],
        outputs: vec![11, 14],
        ..Graph::default()
    }
}

fn scaling() -> InputScaling {
    InputScaling { mean: vec![127.5], deviation: vec![127.5] }
}

fn samples(count: usize) -> Vec<Vec<Vec<f32>>> {
    let (mut random, scaling) = (Random(5), scaling());
    let picture = |_| vec![(0..8 * 8 * 3).map(|_| scaling.real(random.next() as u8, 0)).collect()];
    (0..count).map(picture).collect()
}

fn head() -> Head {
    let mut grid = Grid { rows: 8, columns: 8, anchors: vec![[1.0, 1.0]], first: [0.0; 2], step: [0.0; 2] };
    grid.complete();
    Head {
        scores: 11,
        first_score: 0,
        boxes: 14,
        first_box: 0,
        objectness: None,
        grid,
        classes: 1,
        has_background: false,
        logits: true,
        spelling: Spelling {
            decoder: Decoder::Linear,
            field_order: [0, 1, 2, 3],
            centre_scale: 128.0,
            size_scale: 128.0,
            bins: 0,
            keypoints: 0,
        },
    }
}

/// Noise of the worst output in percent of its signal.
fn lost_percent(quantized: &Quantized) -> f64 {
    quantized.output_sqnr_db.iter().map(|db| 100.0 * 10f64.powf(-db / 10.0)).fold(0.0, f64::max)
}

#[test]
fn a_budget_widens_as_little_as_it_needs() {
    let with = |drop_percent| {
        let options = Options { input: Some(scaling()), drop_percent, ..Options::default() };
        quantize(residual_graph(), &samples(12), &options)
    };
    let narrow = with(None).unwrap();
    let lost = lost_percent(&narrow);
    let kept = with(Some(2.0 * lost)).unwrap();
    assert_eq!((kept.way.wide_tensors, kept.output_sqnr_db), (0, narrow.output_sqnr_db));

    let wide = with(Some(0.6 * lost)).unwrap();
    assert!(lost_percent(&wide) <= 0.6 * lost, "{} of {lost}", lost_percent(&wide));
    let widened = wide.graph.tensors.iter().filter(|tensor| tensor.element == Element::I16).count();
    assert!(widened >= wide.way.wide_tensors && wide.way.wide_tensors > 0, "{}", wide.way);
    let ports = wide.graph.inputs.iter().chain(&wide.graph.outputs);
    assert!(ports.into_iter().all(|&id| wide.graph.tensors[id].element == Element::I8));

    let Err(QuantizeError::Drop { percent, .. }) = with(Some(1e-9)) else { panic!("not enough bits") };
    assert!(percent < 0.6 * lost, "{percent}");
}

#[test]
fn every_method_stays_near_float() {
    // Entropy does not: it cuts off the one large channel of the depthwise layer.
    for method in [Method::Automatic, Method::MinMax, Method::Percentile(99.99), Method::MeanSquare] {
        let options = Options { method, input: Some(scaling()), ..Options::default() };
        let quantized = quantize(residual_graph(), &samples(12), &options).unwrap();
        assert_eq!(quantized.output_sqnr_db.len(), 2);
        for sqnr_db in quantized.output_sqnr_db {
            assert!(sqnr_db > 20.0, "{method:?}: {sqnr_db} dB");
        }
    }
}

#[test]
fn the_way_that_gains_on_held_out_samples_is_taken() {
    let quantized = |method, count| {
        let options = Options { method, input: Some(scaling()), ..Options::default() };
        quantize(residual_graph(), &samples(count), &options).unwrap()
    };
    let least =
        |quantized: &Quantized| quantized.output_sqnr_db.iter().copied().fold(f64::INFINITY, f64::min);
    // With few samples nothing is held out, and no range is tried that cuts off.
    let plain = quantized(Method::Automatic, 31);
    assert_eq!(plain.way, Way { method: Method::MinMax, evens_channels: true, wide_tensors: 0 });
    let best = quantized(Method::Automatic, 40);
    for method in [Method::MinMax, Method::Percentile(99.99), Method::MeanSquare, Method::Entropy] {
        let other = quantized(method, 40);
        assert_eq!(other.way.method, method);
        assert!(least(&best) > least(&other) - 1.0, "{} at {}, {}", best.way, least(&best), least(&other));
    }
    // The channels of the depthwise layer differ 400 times in size.
    assert!(best.way.evens_channels, "{}", best.way);
}

#[test]
fn an_output_far_from_float_is_warned_of_with_the_layer_that_loses_most() {
    let mut graph = residual_graph();
    let good = quantize(graph.clone(), &samples(12), &Options::default()).unwrap();
    assert!(good.graph.warnings.iter().all(|warning| !warning.contains("dB")), "{:?}", good.graph.warnings);
    // An offset that leaves no step for the numbers on top of it, and that the scores take back.
    let Some(Data::F32(bias)) = &mut graph.tensors[7].data else { panic!("no bias") };
    bias.iter_mut().for_each(|bias| *bias += 1e4);
    let options = Options { input: Some(scaling()), ..Options::default() };
    let bad = quantize(graph.clone(), &samples(12), &options).unwrap();
    let warning = bad.graph.warnings.iter().find(|warning| warning.contains("dB")).expect("a warning");
    assert!(warning.contains("\"scores\"") && warning.contains("most is lost in \"pointwise\""), "{warning}");
}

#[test]
fn a_guided_detector_has_fields_with_scales_of_their_own() {
    let options =
        Options { input: Some(scaling()), heads: vec![head()], score_threshold: 0.5, ..Options::default() };
    let quantized = quantize(residual_graph(), &samples(12), &options).unwrap();
    let head = &quantized.heads[0];
    assert_eq!(head.fields.len(), 4);
    assert!(head.fields.windows(2).any(|pair| pair[0].0 != pair[1].0));
    // Sizes have an offset near their bias of 30, centres one near 0.
    assert!(head.fields[2].1 > 20.0 && head.fields[0].1.abs() < 20.0, "{:?}", head.fields);
    let (scale, zero_point) = head.score;
    assert!((scale - 16.0 / 255.0).abs() < 1e-6 && zero_point.abs() <= 1);
    for sqnr_db in quantized.output_sqnr_db {
        assert!(sqnr_db > 20.0, "{sqnr_db} dB");
    }
}

#[test]
fn equalization_keeps_the_float_function() {
    let (mut graph, samples) = (residual_graph(), samples(3));
    let observer = Observer::new(&graph).unwrap();
    let before: Vec<_> = samples.iter().map(|sample| observer.run(sample).unwrap()).collect();
    let options = Options { heads: vec![head()], score_threshold: 0.5, ..Options::default() };
    let mut observed = observe::observe(&graph, &observer, &split(&samples).0, &options, true).unwrap();
    let weights = graph.tensors[4].data.clone();
    equalize::equalize(&mut graph, &mut observed);
    assert_ne!(graph.tensors[4].data, weights, "the depthwise layer is evened out");
    let observer = Observer::new(&graph).unwrap();
    for (sample, before) in samples.iter().zip(before) {
        for (after, before) in observer.run(sample).unwrap().iter().flatten().zip(before.iter().flatten()) {
            assert!((after - before).abs() < 1e-3 * before.abs().max(1.0), "{after} for {before}");
        }
    }
}

#[test]
fn equalization_stays_below_a_ceiling() {
    let (mut graph, samples) = (residual_graph(), samples(3));
    for node in &mut graph.nodes {
        if let Op::DepthwiseConv2d { activation, .. } = &mut node.op {
            *activation = Activation::Relu6;
        }
    }
    let observer = Observer::new(&graph).unwrap();
    let before: Vec<_> = samples.iter().map(|sample| observer.run(sample).unwrap()).collect();
    let mut observed =
        observe::observe(&graph, &observer, &split(&samples).0, &Options::default(), false).unwrap();
    let peaks = observed.tensors[5].as_ref().unwrap().channel_peaks.clone();
    assert!(peaks[0] == 6.0 && peaks[3] < 0.5, "{peaks:?}");
    equalize::equalize(&mut graph, &mut observed);
    let evened = &observed.tensors[5].as_ref().unwrap().channel_peaks;
    assert!(evened[3] > 4.0 * peaks[3] && evened.iter().all(|&peak| peak <= 6.0), "{evened:?}");
    let observer = Observer::new(&graph).unwrap();
    for (sample, before) in samples.iter().zip(before) {
        for (after, before) in observer.run(sample).unwrap().iter().flatten().zip(before.iter().flatten()) {
            assert!((after - before).abs() < 1e-3 * before.abs().max(1.0), "{after} for {before}");
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    let graph = residual_graph();
    let observer = Observer::new(&graph).unwrap();
    let sample = &samples(1)[0];
    let values = observer.run_all(sample).unwrap();
    let seeds = [(14, values[14].clone().unwrap())];
    let mut gradient = Vec::new();
    let take = |id, found: &[f32]| {
        if id == graph.inputs[0] {
            gradient = found.to_vec();
        }
    };
    sensitivity::backward(&graph, &values, &seeds, take).unwrap();
    // The gradient of half the sum of squares, along the gradient itself.
    let loss = |sample: &[Vec<f32>]| -> f64 {
        observer.run(sample).unwrap()[1].iter().map(|&value| f64::from(value) * f64::from(value) / 2.0).sum()
    };
    let norm = gradient.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    let step = 1e-2;
    let moved = |sign: f64| {
        let along =
            |(value, gradient): (&f32, &f32)| value + (sign * step * f64::from(*gradient) / norm) as f32;
        vec![sample[0].iter().zip(&gradient).map(along).collect()]
    };
    let slope = (loss(&moved(1.0)) - loss(&moved(-1.0))) / (2.0 * step);
    assert!((slope - norm).abs() < 0.02 * norm, "{slope} for {norm}");
}

#[test]
fn quantization_is_repeatable() {
    let options =
        Options { input: Some(scaling()), heads: vec![head()], score_threshold: 0.5, ..Options::default() };
    let run = || quantize(residual_graph(), &samples(4), &options).unwrap().graph.tensors;
    let data = |tensors: Vec<Tensor>| tensors.into_iter().map(|tensor| tensor.data).collect::<Vec<_>>();
    assert_eq!(data(run()), data(run()));
}

#[test]
fn data_that_says_nothing_is_refused() {
    let graph = residual_graph();
    let options = Options { input: Some(scaling()), ..Options::default() };
    assert!(matches!(quantize(graph.clone(), &samples(0), &options), Err(QuantizeError::NoSamples { .. })));
    let flat = vec![vec![vec![0.25; 8 * 8 * 3]]; 3];
    assert!(matches!(quantize(graph.clone(), &flat, &options), Err(QuantizeError::Flat { samples: 3, .. })));
    let guided = Options { method: Method::Guided, ..options.clone() };
    assert!(matches!(quantize(graph.clone(), &samples(1), &guided), Err(QuantizeError::NoBoxes { .. })));
    let nothing = Graph { name: "nothing".into(), ..Graph::default() };
    assert!(matches!(quantize(nothing, &samples(1), &options), Err(QuantizeError::Empty { .. })));

    let mut spoiled = graph.clone();
    let Some(Data::F32(values)) = &mut spoiled.tensors[6].data else { panic!("no weights") };
    values[5] = f32::NAN;
    let error = quantize(spoiled, &samples(1), &options).unwrap_err().to_string();
    assert!(error.contains("pointwise weights") && error.contains("position 5"), "{error}");

    let mut blind = graph;
    let Some(Data::F32(values)) = &mut blind.tensors[10].data else { panic!("no weights") };
    values.fill(0.0);
    let bias = tensor("scores bias", &[1], Some(vec![-50.0]));
    blind.tensors.push(bias);
    blind.nodes[4].inputs.push(blind.tensors.len() - 1);
    let options = Options { heads: vec![head()], score_threshold: 0.5, ..options };
    let error = quantize(blind, &samples(2), &options).unwrap_err();
    assert!(matches!(error, QuantizeError::NothingDetected { samples: 2, .. }), "{error}");
}
