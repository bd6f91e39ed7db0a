//! Every kernel against TFLite Micro's answers in `tests/golden`, without a compiler in between.

use std::collections::HashMap;

use crate::suite::random::Random;
use crate::support::quantize_multiplier;
use ocelli_kernels::table::*;
use ocelli_kernels::*;

fn read(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/");
    std::fs::read_to_string(format!("{path}{name}")).expect("golden file")
}

/// The rows of a table, split at tabs.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.split('\t').collect())
}

fn bytes_of(hex: &str) -> Vec<i8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap() as i8).collect()
}

/// One line of `layers.tsv`.
struct Layer<'a>(HashMap<&'a str, &'a str>);

impl Layer<'_> {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).unwrap_or_else(|| panic!("no {key}"))
    }

    fn list(&self, key: &str) -> Vec<usize> {
        self.text(key).split(',').map(|n| n.parse().unwrap()).collect()
    }

    fn nhwc(&self, key: &str) -> [usize; 4] {
        let list = self.list(key);
        std::array::from_fn(|i| if i + list.len() < 4 { 1 } else { list[i + list.len() - 4] })
    }

    fn quantization(&self, key: &str) -> (f64, i8) {
        let (scale, zero_point) = self.text(key).split_once(',').unwrap();
        (f64::from(scale.parse::<f32>().unwrap()), zero_point.parse().unwrap())
    }

    fn activation(&self) -> (i8, i8) {
        let (min, max) = self.text("activation").split_once(',').unwrap();
        (min.parse().unwrap(), max.parse().unwrap())
    }

    fn axes(&self) -> [Axis; 2] {
        let [filter, stride, dilation, padding] = ["filter", "stride", "dilation", "padding"].map(|key| {
            self.0.get(key).map_or([1, 1], |_| {
                let list = self.list(key);
                [list[0], list[1]]
            })
        });
        std::array::from_fn(|i| Axis {
            filter: filter[i],
            stride: stride[i],
            dilation: dilation[i],
            padding: padding[i],
        })
    }

    fn weights(&self) -> Constants {
        let bias = bytes_of(self.text("bias"));
        let word = |b: &[i8]| i32::from_le_bytes([b[0] as u8, b[1] as u8, b[2] as u8, b[3] as u8]);
        let scales = self.text("weight_scales").split(',').map(|s| s.parse::<f32>().unwrap());
        let (input, output) = (self.quantization("input_q").0, self.quantization("output_q").0);
        let factors: Vec<_> =
            scales.map(|scale| quantize_multiplier(input * f64::from(scale) / output)).collect();
        Constants {
            weights: bytes_of(self.text("weights")),
            bias: bias.chunks(4).map(word).collect(),
            multipliers: factors.iter().map(|factor| factor.multiplier).collect(),
            shifts: factors.iter().map(|factor| factor.shift).collect(),
        }
    }
}

struct Constants {
    weights: Vec<i8>,
    bias: Vec<i32>,
    multipliers: Vec<i32>,
    shifts: Vec<i8>,
}

impl Constants {
    fn filter(&self) -> Filter<'_> {
        let Constants { weights, bias, multipliers, shifts } = self;
        Filter { weights, layout: Layout::Canonical, bias, multipliers, shifts }
    }
}

/// Parameters of a logistic function or a tanh.
fn sigmoid(input_scale: f64, input_zero_point: i8) -> SigmoidParameters {
    let requantize = quantize_multiplier(input_scale * f64::from(1 << 27));
    let radius = 15.0 * f64::from(1 << 27) / 2f64.powi(requantize.shift.into());
    SigmoidParameters { input_zero_point, input_range_radius: radius as i32, requantize }
}

/// The table of a unary operator.
fn unary(operator: &str, input: (f64, i8), output: (f64, i8), slope: f64) -> [i8; LOOKUP_ENTRIES] {
    let requantize = RequantizeParameters {
        input_zero_point: input.1,
        output_zero_point: output.1,
        requantize: quantize_multiplier(input.0 / output.0),
    };
    let sigmoid = sigmoid(input.0, input.1);
    match operator {
        "LOGISTIC" => fill_lookup(|x| logistic_s8(&sigmoid, x)),
        "TANH" => fill_lookup(|x| tanh_s8(&sigmoid, x)),
        "RELU" => fill_lookup(|x| relu_s8(&requantize, x)),
        "RELU6" => {
            let six = (i32::from(input.1) + (6f32 / input.0 as f32).round() as i32).min(127) as i8;
            fill_lookup(|x| relu6_s8(input.1, six, x))
        }
        "QUANTIZE" => fill_lookup(|x| requantize_s8(&requantize, x)),
        "LEAKY_RELU" => {
            let negative = quantize_multiplier(input.0 * slope / output.0);
            let positive = requantize.requantize;
            let (input_zero_point, output_zero_point) = (input.1, output.1);
            let parameters = LeakyReluParameters { input_zero_point, output_zero_point, positive, negative };
            fill_lookup(|x| leaky_relu_s8(&parameters, x))
        }
        "HARD_SWISH" => {
            let fine = input.0 as f32 / 128.0;
            let narrow = |factor: f32| {
                let Requantize { multiplier, shift } = quantize_multiplier(f64::from(factor));
                (((i64::from(multiplier) + (1 << 15)) >> 16).min(i64::from(i16::MAX)) as i16, shift)
            };
            let (output_multiplier, output_exponent) = narrow(fine / output.0 as f32);
            let (gate_multiplier, gate_exponent) = narrow(fine / (3.0 / 32768.0));
            let parameters = HardSwishParameters {
                input_zero_point: input.1,
                output_zero_point: output.1,
                output_multiplier,
                output_exponent,
                gate_multiplier,
                gate_exponent,
            };
            fill_lookup(|x| hard_swish_s8(&parameters, x))
        }
        _ => panic!("unknown operator {operator}"),
    }
}

/// Parameters of the operators of two inputs.
struct Pair {
    add: AddParameters,
    mul: MulParameters,
    div: DivParameters,
    squared_difference: SquaredDifferenceParameters,
}

impl Pair {
    fn new(layer: &Layer, elements: usize) -> Pair {
        let (activation_min, activation_max) = layer.activation();
        let (left_q, right_q) = (layer.quantization("input_q"), layer.quantization("right_q"));
        let (output_scale, output_zero_point) = layer.quantization("output_q");
        let (left_zero_point, right_zero_point) = (left_q.1, right_q.1);
        let twice_max = 2.0 * left_q.0.max(right_q.0);
        let (left_requantize, right_requantize) =
            (quantize_multiplier(left_q.0 / twice_max), quantize_multiplier(right_q.0 / twice_max));
        let add = AddParameters {
            left_zero_point,
            right_zero_point,
            output_zero_point,
            left_requantize,
            right_requantize,
            output_requantize: quantize_multiplier(twice_max / (f64::from(1 << 20) * output_scale)),
            activation_min,
            activation_max,
        };
        let mul = MulParameters {
            left_zero_point,
            right_zero_point,
            output_zero_point,
            requantize: quantize_multiplier(left_q.0 * right_q.0 / output_scale),
            activation_min,
            activation_max,
        };
        let div = DivParameters {
            left_zero_point,
            right_zero_point,
            output_zero_point,
            requantize: quantize_multiplier(left_q.0 / (right_q.0 * output_scale)),
            activation_min,
            activation_max,
        };
        let squared_difference = SquaredDifferenceParameters {
            left_zero_point,
            right_zero_point,
            output_zero_point,
            left_requantize,
            right_requantize,
            output_requantize: quantize_multiplier(
                twice_max * twice_max / (f64::from(1 << 14) * output_scale),
            ),
        };
        add.check(elements, elements, elements).unwrap();
        mul.check(elements, elements, elements).unwrap();
        div.check(elements, elements, elements).unwrap();
        squared_difference.check(elements, elements, elements).unwrap();
        Pair { add, mul, div, squared_difference }
    }

    fn run(&self, operator: &str, left: Source, right: Source, output: &mut [i8]) {
        match operator {
            "ADD" => add_s8(&self.add, left, right, output),
            "SUB" => sub_s8(&self.add, left, right, output),
            "MUL" => mul_s8(&self.mul, left, right, output),
            "DIV" => div_s8(&self.div, left, right, output),
            "MINIMUM" => minimum_s8(left, right, output),
            "MAXIMUM" => maximum_s8(left, right, output),
            _ => squared_difference_s8(&self.squared_difference, left, right, output),
        }
    }
}

/// Operators that the compiler makes of others, or whose tables it fills without a kernel's help.
const COMPILED: [&str; 5] = ["ABS", "ELU", "RSQRT", "REDUCE_MAX", "REDUCE_MIN"];

fn compute(operator: &str, layer: &Layer, input: &[i8], output: &mut [i8]) {
    let (input_shape, output_shape) = (layer.nhwc("input"), layer.nhwc("output"));
    let (input_q, output_q) = (layer.quantization("input_q"), layer.quantization("output_q"));
    let [vertical, horizontal] = layer.axes();
    let (input_zero_point, output_zero_point) = (input_q.1, output_q.1);
    match operator {
        "CONV_2D" => {
            let (activation_min, activation_max) = layer.activation();
            let constants = layer.weights();
            let depth = constants.weights.len() / (output_shape[3] * vertical.filter * horizontal.filter);
            let parameters = Conv2dParameters {
                input_shape,
                output_shape,
                groups: input_shape[3] / depth,
                vertical,
                horizontal,
                input_zero_point,
                output_zero_point,
                activation_min,
                activation_max,
            };
            parameters.check(&constants.filter(), input.len(), output.len()).unwrap();
            conv_2d_s8(&parameters, &constants.filter(), input, output, &mut []);
        }
        "TRANSPOSE_CONV" => {
            let (activation_min, activation_max) = layer.activation();
            let mut constants = layer.weights();
            // Ours are turned by half a circle, with the padding that belongs to that.
            let channels = constants.weights.len() / output_shape[3];
            for filter in constants.weights.chunks_mut(channels) {
                let taps: Vec<Vec<i8>> = filter.chunks(input_shape[3]).map(<[i8]>::to_vec).collect();
                filter.copy_from_slice(&taps.into_iter().rev().flatten().collect::<Vec<i8>>());
            }
            let turned = |axis: Axis| Axis { padding: axis.filter - 1 - axis.padding, ..axis };
            let parameters = Conv2dParameters {
                input_shape,
                output_shape,
                groups: 1,
                vertical: turned(vertical),
                horizontal: turned(horizontal),
                input_zero_point,
                output_zero_point,
                activation_min,
                activation_max,
            };
            check_transpose_conv_2d(&parameters, &constants.filter(), input.len(), output.len()).unwrap();
            transpose_conv_2d_s8(&parameters, &constants.filter(), input, output);
        }
        "DEPTHWISE_CONV_2D" => {
            let (activation_min, activation_max) = layer.activation();
            let constants = layer.weights();
            let parameters = DepthwiseConv2dParameters {
                input_shape,
                output_shape,
                vertical,
                horizontal,
                input_zero_point,
                output_zero_point,
                activation_min,
                activation_max,
            };
            parameters.check(&constants.filter(), input.len(), output.len()).unwrap();
            depthwise_conv_2d_s8(&parameters, &constants.filter(), input, output, &mut []);
        }
        "FULLY_CONNECTED" => {
            let (activation_min, activation_max) = layer.activation();
            let mut constants = layer.weights();
            // The product of the scales is taken in single precision for this operator.
            let weight_scale: f32 = layer.text("weight_scales").parse().unwrap();
            let factor = quantize_multiplier(f64::from(input_q.0 as f32 * weight_scale) / output_q.0);
            (constants.multipliers, constants.shifts) = (vec![factor.multiplier], vec![factor.shift]);
            let parameters = FullyConnectedParameters {
                batches: input_shape[2],
                input_depth: input_shape[3],
                output_depth: output_shape[3],
                input_zero_point,
                output_zero_point,
                activation_min,
                activation_max,
            };
            parameters.check(&constants.filter(), input.len(), output.len()).unwrap();
            fully_connected_s8(&parameters, &constants.filter(), input, output, &mut []);
        }
        "AVERAGE_POOL_2D" | "MAX_POOL_2D" => {
            let (activation_min, activation_max) = layer.activation();
            let parameters = Pool2dParameters {
                input_shape,
                output_shape,
                vertical,
                horizontal,
                activation_min,
                activation_max,
            };
            parameters.check(input.len(), output.len()).unwrap();
            if operator == "MAX_POOL_2D" {
                max_pool_2d_s8(&parameters, input, output);
            } else {
                average_pool_2d_s8(&parameters, input, output);
            }
        }
        "MEAN" | "SUM" => {
            let (axes, shape) = (layer.list("axes"), layer.list("input"));
            let product = |range: &[usize]| range.iter().product();
            let parameters = MeanParameters {
                outer: product(&shape[..axes[0]]),
                count: axes.iter().map(|&axis| shape[axis]).product(),
                inner: product(&shape[axes[axes.len() - 1] + 1..]),
                input_zero_point,
                output_zero_point,
                requantize: quantize_multiplier(input_q.0 / output_q.0),
            };
            parameters.check(input.len(), output.len()).unwrap();
            if operator == "SUM" {
                sum_s8(&parameters, input, output);
            } else {
                mean_s8(&parameters, input, output);
            }
        }
        "ARG_MAX" | "ARG_MIN" => {
            let (axis, shape) = (layer.list("axes")[0], layer.list("input"));
            let (outer, inner) = (shape[..axis].iter().product(), shape[axis + 1..].iter().product());
            let parameters = ArgMaxParameters { outer, count: shape[axis], inner, last: false };
            parameters.check(input.len(), output.len()).unwrap();
            let turn = |value: &i8| if operator == "ARG_MIN" { !*value } else { *value };
            arg_max_s8(&parameters, &input.iter().map(turn).collect::<Vec<i8>>(), output);
        }
        "BATCH_MATMUL" => {
            let (left_shape, right_shape) = (layer.nhwc("input"), layer.nhwc("right"));
            let right_q = layer.quantization("right_q");
            let right_transposed = layer.text("transposed") == "1";
            let parameters = BatchMatmulParameters {
                batches: left_shape[0] * left_shape[1],
                right_batches: right_shape[0] * right_shape[1],
                rows: left_shape[2],
                depth: left_shape[3],
                columns: right_shape[if right_transposed { 2 } else { 3 }],
                right_transposed,
                left_zero_point: input_zero_point,
                right_zero_point: right_q.1,
                output_zero_point,
                requantize: quantize_multiplier(input_q.0 * right_q.0 / output_q.0),
            };
            let (left, right) = input.split_at(left_shape.iter().product());
            parameters.check(left.len(), right.len(), output.len()).unwrap();
            batch_matmul_s8(&parameters, left, right, output);
        }
        "ADD" | "MUL" | "SUB" | "DIV" | "MINIMUM" | "MAXIMUM" | "SQUARED_DIFFERENCE" => {
            let (left_shape, right_shape) = (layer.list("input"), layer.list("right"));
            let (left, right) = input.split_at(left_shape.iter().product());
            let axes = |shape: &[usize]| shape.iter().map(|&axis| axis as u32).collect::<Vec<u32>>();
            let shapes = [axes(&left_shape), axes(&right_shape), axes(&layer.list("output"))];
            let broadcast = Broadcast::new(&shapes[0], &shapes[1], &shapes[2]).unwrap();
            let pair = Pair::new(layer, output.len());
            let run = |left: Source, right: Source, output: &mut [i8]| {
                broadcast.apply(left, right, output, |left, right, output| {
                    pair.run(operator, left, right, output);
                });
            };
            run(Source::Apart(left), Source::Apart(right), output);
            if left.len() == output.len() {
                let mut in_place = left.to_vec();
                run(Source::InPlace, Source::Apart(right), &mut in_place);
                assert_eq!(in_place, output);
            }
            if right.len() == output.len() {
                let mut in_place = right.to_vec();
                run(Source::Apart(left), Source::InPlace, &mut in_place);
                assert_eq!(in_place, output);
            }
        }
        "CONCATENATION" => {
            let (axis, shape, parts) = (layer.list("axis")[0], layer.list("output"), layer.list("parts"));
            let outer: usize = shape[..axis].iter().product();
            let inner: usize = shape[axis + 1..].iter().product();
            let (mut offset, mut rest) = (0, input);
            for part in parts {
                let (input, others) = rest.split_at(outer * part * inner);
                let output_run = shape[axis] * inner;
                let parameters = ConcatenateParameters { outer, input_run: part * inner, output_run, offset };
                parameters.check(input.len(), output.len()).unwrap();
                concatenate_s8(&parameters, input, output);
                (offset, rest) = (offset + part * inner, others);
            }
        }
        "PAD" | "PADV2" => {
            let before = layer.nhwc("before");
            let value = layer.0.get("value").map_or(output_zero_point, |value| value.parse().unwrap());
            let parameters = PadParameters { input_shape, output_shape, before, value };
            parameters.check(input.len(), output.len()).unwrap();
            pad_s8(&parameters, input, output);
        }
        _ if layer.0.contains_key("strides") => {
            let mut output_shape = [1; 6];
            layer.list("output").into_iter().zip(&mut output_shape).for_each(|(axis, to)| *to = axis);
            let mut strides = [0; 6];
            let stated = layer.text("strides").split(',').map(|stride| stride.parse().unwrap());
            stated.zip(&mut strides).for_each(|(stride, to)| *to = stride);
            let parameters = RearrangeParameters { output_shape, start: layer.list("start")[0], strides };
            parameters.check(input.len(), output.len()).unwrap();
            rearrange_s8(&parameters, input, output);
        }
        "GATHER" | "MIRROR_PAD" => {
            let shape = match operator {
                "GATHER" => layer.list("input"),
                // Its places count through the whole input.
                _ => vec![input.len()],
            };
            let (axis, places) = (layer.list("axis")[0], layer.list("places"));
            let indices: Vec<i32> = places.into_iter().map(|place| place as i32).collect();
            let (outer, inner) = (shape[..axis].iter().product(), shape[axis + 1..].iter().product());
            let parameters = GatherParameters { outer, extent: shape[axis], inner };
            parameters.check(&indices, input.len(), output.len()).unwrap();
            gather_s8(&parameters, &indices, input, output);
        }
        "RESHAPE" => reshape_s8(Source::Apart(input), output),
        "RESIZE_BILINEAR" | "RESIZE_NEAREST_NEIGHBOR" => {
            let sampling = match layer.text("sampling") {
                "align_corners" => Sampling::AlignCorners,
                "half_pixel_centers" => Sampling::HalfPixelCenters,
                _ => Sampling::Asymmetric,
            };
            let parameters = ResizeParameters { input_shape, output_shape, sampling };
            parameters.check(input.len(), output.len()).unwrap();
            if operator == "RESIZE_BILINEAR" {
                resize_bilinear_s8(&parameters, input, output);
            } else {
                resize_nearest_s8(&parameters, input, output);
            }
        }
        "SOFTMAX" => {
            let depth = input_shape[3];
            let beta: f64 = layer.text("beta").parse().unwrap();
            let factor = (beta * input_q.0 * f64::from(1 << 26)).min(2f64.powi(31) - 1.0);
            let requantize = quantize_multiplier(factor);
            let diff_min = -(31.0 * f64::from(1 << 26) / 2f64.powi(requantize.shift.into())).floor() as i32;
            let parameters = SoftmaxParameters { rows: input.len() / depth, depth, requantize, diff_min };
            parameters.check(input.len(), output.len()).unwrap();
            softmax_s8(&parameters, input, output);
        }
        "PRELU" => {
            let slopes = bytes_of(layer.text("slopes"));
            let slopes_q = layer.quantization("slopes_q");
            let parameters = PreluParameters {
                input_zero_point,
                slope_zero_point: slopes_q.1,
                output_zero_point,
                positive: quantize_multiplier(input_q.0 / output_q.0),
                negative: quantize_multiplier(input_q.0 * slopes_q.0 / output_q.0),
            };
            parameters.check(input.len(), slopes.len(), output.len()).unwrap();
            prelu_s8(&parameters, &slopes, Source::Apart(input), output);
        }
        _ => {
            let slope = layer.text("parameter").parse::<f32>().unwrap();
            lookup_s8(&unary(operator, input_q, output_q, slope.into()), Source::Apart(input), output);
        }
    }
}

/// Operators that the compiler makes of several kernels; `tests/golden.rs` runs them.
const MADE_OF_SEVERAL: [&str; 6] = ["SPLIT", "SPLIT_V", "PACK", "UNPACK", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"];

#[test]
fn layers() {
    let (layers, vectors) = (read("layers.tsv"), read("vectors.tsv"));
    let mut by_model = HashMap::new();
    for row in rows(&layers) {
        let keys = row[2..].iter().map(|pair| pair.split_once('=').unwrap()).collect();
        by_model.insert(row[0], (row[1], Layer(keys)));
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows(&vectors) {
        let (operator, layer) = &by_model[row[0]];
        if MADE_OF_SEVERAL.contains(operator) {
            continue;
        }
        let expected = bytes_of(row[3]);
        let mut elements: usize = layer.list("input").iter().product();
        if layer.0.contains_key("right") {
            elements += layer.list("right").iter().product::<usize>();
        }
        match *operator {
            "CONCATENATION" => elements = expected.len(),
            operator if COMPILED.contains(&operator) => continue,
            _ => {}
        }
        let input = Random(row[1].parse().unwrap()).bytes(elements, row[2].parse().unwrap());
        let mut output = vec![0x55; expected.len()];
        compute(operator, layer, &input, &mut output);
        count += 1;
        if output != expected {
            let first = output.iter().zip(&expected).position(|(a, b)| a != b).unwrap();
            let differing = output.iter().zip(&expected).filter(|(a, b)| a != b).count();
            wrong.push(format!(
                "{} seed {} shift {}: {differing} of {} differ, first [{first}] {} instead of {}",
                row[0],
                row[1],
                row[2],
                expected.len(),
                output[first],
                expected[first]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 320, "only {count} vectors");
}

#[test]
fn unary_operators_over_every_value() {
    let text = read("unary.tsv");
    let mut count = 0;
    for row in rows(&text) {
        if COMPILED.contains(&row[0]) {
            continue;
        }
        let scale = |column: usize| f64::from(row[column].parse::<f32>().unwrap());
        let zero_point = |column: usize| row[column].parse::<i8>().unwrap();
        let table = unary(row[0], (scale(1), zero_point(2)), (scale(3), zero_point(4)), scale(5));
        let all: Vec<i8> = (i8::MIN..=i8::MAX).collect();
        let mut output = all.clone();
        lookup_s8(&table, Source::InPlace, &mut output);
        assert_eq!(output, bytes_of(row[6]), "{row:?}");
        count += 1;
    }
    assert!(count >= 17, "only {count} tables");
}
