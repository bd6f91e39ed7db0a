//! The kernels on int16 activations against TFLite Micro's answers in `tests/golden/wide.tsv`.

use std::collections::HashMap;

use crate::support::quantize_multiplier;
use ocelli_kernels::*;

/// One line of the table.
struct Case<'a>(HashMap<&'a str, &'a str>);

impl Case<'_> {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).unwrap_or_else(|| panic!("no {key}"))
    }

    fn list<T: std::str::FromStr>(&self, key: &str) -> Vec<T> {
        self.text(key).split(',').map(|n| n.parse().ok().unwrap()).collect()
    }

    fn nhwc(&self, key: &str) -> [usize; 4] {
        let list = self.list(key);
        std::array::from_fn(|i| if i + list.len() < 4 { 1 } else { list[i + list.len() - 4] })
    }

    fn scale(&self, key: &str) -> f64 {
        f64::from(self.text(key).parse::<f32>().unwrap())
    }

    fn bytes(&self, key: &str) -> Vec<u8> {
        let hex = self.text(key);
        (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    fn int8(&self, key: &str) -> Vec<i8> {
        self.bytes(key).into_iter().map(|byte| byte as i8).collect()
    }

    fn int16(&self, key: &str) -> Vec<i16> {
        self.bytes(key).chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
    }

    fn axes(&self) -> [Axis; 2] {
        let [filter, stride, dilation, padding] =
            ["filter", "stride", "dilation", "padding"].map(|key| self.list(key));
        std::array::from_fn(|i| Axis {
            filter: filter[i],
            stride: stride[i],
            dilation: dilation[i],
            padding: padding[i],
        })
    }

    /// Weights, biases, multipliers, shifts.
    fn constants(&self) -> (Vec<i8>, Vec<i64>, Vec<i32>, Vec<i8>) {
        let (input, output) = (self.scale("scale_0"), self.scale("scale"));
        let is_single = self.text("operator") == "FULLY_CONNECTED";
        let factor = |scale: f32| {
            let product = if is_single { f64::from(input as f32 * scale) } else { input * f64::from(scale) };
            quantize_multiplier(product / output)
        };
        let factors: Vec<Requantize> = self.list("weight_scales").into_iter().map(factor).collect();
        let bias = self.bytes("bias");
        let bias = bias.chunks(8).map(|word| i64::from_le_bytes(word.try_into().unwrap()));
        let multipliers = factors.iter().map(|factor| factor.multiplier).collect();
        (
            self.int8("weights"),
            bias.collect(),
            multipliers,
            factors.iter().map(|factor| factor.shift).collect(),
        )
    }

    /// The answer of the layer that it describes.
    fn layer(&self) -> Vec<i16> {
        let (weights, bias, multipliers, shifts) = self.constants();
        let (bias, multipliers) = (&bias[..], &multipliers[..]);
        let filter =
            &Filter { weights: &weights, layout: Layout::Canonical, bias, multipliers, shifts: &shifts };
        let input = self.int16("values_0");
        let (input_shape, output_shape) = (self.nhwc("input_0"), self.nhwc("output"));
        let clamp: Vec<i16> = self.list("activation");
        let (activation_min, activation_max) = (clamp[0], clamp[1]);
        let (input_zero_point, output_zero_point) = (0, 0);
        let mut output = vec![0; output_shape.iter().product()];
        match self.text("operator") {
            "CONV_2D" => {
                let [vertical, horizontal] = self.axes();
                let parameters = Conv2dParameters {
                    input_shape,
                    output_shape,
                    groups: self.text("groups").parse().unwrap(),
                    vertical,
                    horizontal,
                    input_zero_point,
                    output_zero_point,
                    activation_min,
                    activation_max,
                };
                parameters.check(filter, input.len(), output.len()).unwrap();
                conv_2d_s16(&parameters, filter, &input, &mut output);
            }
            "DEPTHWISE_CONV_2D" => {
                let [vertical, horizontal] = self.axes();
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
                parameters.check(filter, input.len(), output.len()).unwrap();
                depthwise_conv_2d_s16(&parameters, filter, &input, &mut output);
            }
            _ => {
                let parameters = FullyConnectedParameters {
                    batches: output_shape[2],
                    input_depth: input_shape[3],
                    output_depth: output_shape[3],
                    input_zero_point,
                    output_zero_point,
                    activation_min,
                    activation_max,
                };
                parameters.check(filter, input.len(), output.len()).unwrap();
                fully_connected_s16(&parameters, filter, &input, &mut output);
            }
        }
        output
    }

    fn pool(&self) -> Vec<i16> {
        let [vertical, horizontal] = self.axes();
        let clamp: Vec<i16> = self.list("activation");
        let parameters = Pool2dParameters {
            input_shape: self.nhwc("input_0"),
            output_shape: self.nhwc("output"),
            vertical,
            horizontal,
            activation_min: clamp[0],
            activation_max: clamp[1],
        };
        let (input, mut output) = (self.int16("values_0"), vec![0; self.nhwc("output").iter().product()]);
        parameters.check(input.len(), output.len()).unwrap();
        let is_average = self.text("operator") == "AVERAGE_POOL_2D";
        let pool = if is_average { average_pool_2d_s16 } else { max_pool_2d_s16 };
        pool(&parameters, &input, &mut output);
        output
    }

    /// The sum, once with neither operand in place and once with each.
    fn sum(&self) -> Vec<i16> {
        let [left, right, output] = ["scale_0", "scale_1", "scale"].map(|key| self.scale(key));
        let twice_max = 2.0 * left.max(right);
        let clamp: Vec<i16> = self.list("activation");
        let parameters = AddParameters {
            left_zero_point: 0,
            right_zero_point: 0,
            output_zero_point: 0,
            left_requantize: quantize_multiplier(left / twice_max),
            right_requantize: quantize_multiplier(right / twice_max),
            output_requantize: quantize_multiplier(twice_max / (f64::from(1 << 15) * output)),
            activation_min: clamp[0],
            activation_max: clamp[1],
        };
        let [left, right] = ["values_0", "values_1"].map(|key| self.int16(key));
        parameters.check(left.len(), right.len(), left.len()).unwrap();
        let mut output = vec![0; left.len()];
        add_s16(&parameters, Source::Apart(&left), Source::Apart(&right), &mut output);
        for (mut place, sources) in [
            (left.clone(), [Source::InPlace, Source::Apart(&right)]),
            (right.clone(), [Source::Apart(&left), Source::InPlace]),
        ] {
            add_s16(&parameters, sources[0], sources[1], &mut place);
            assert_eq!(place, output, "in place");
        }
        output
    }

    /// Either type to either type.
    fn rescaled(&self) -> Vec<i16> {
        let parameters = RescaleParameters {
            input_zero_point: self.text("zero_point_0").parse().unwrap(),
            output_zero_point: self.text("zero_point").parse().unwrap(),
            requantize: quantize_multiplier(self.scale("scale_0") / self.scale("scale")),
        };
        let count: usize = self.nhwc("output").iter().product();
        parameters.check(count, count).unwrap();
        let (mut narrow, mut wide) = (vec![0i8; count], vec![0i16; count]);
        let from_int8 = self.text("values_0").len() == 2 * count;
        match (from_int8, self.text("type")) {
            (true, _) => rescale(&parameters, &self.int8("values_0"), &mut wide),
            (false, "int8") => {
                rescale(&parameters, &self.int16("values_0"), &mut narrow);
                return narrow.into_iter().map(i16::from).collect();
            }
            _ => rescale(&parameters, &self.int16("values_0"), &mut wide),
        }
        wide
    }
}

#[test]
fn int16_operators_give_tflite_micro_s_numbers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/wide.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut cases = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let (operator, rest) = line.split_once('\t').unwrap();
        let pairs = rest.split('\t').map(|pair| pair.split_once('=').unwrap());
        let case = Case(pairs.chain([("operator", operator)]).collect());
        let answer = match operator {
            "CONV_2D" | "DEPTHWISE_CONV_2D" | "FULLY_CONNECTED" => case.layer(),
            "AVERAGE_POOL_2D" | "MAX_POOL_2D" => case.pool(),
            "ADD" => case.sum(),
            "QUANTIZE" => case.rescaled(),
            _ => panic!("{operator}"),
        };
        let expected = match case.text("type") {
            "int8" => case.int8("answer").into_iter().map(i16::from).collect(),
            _ => case.int16("answer"),
        };
        assert_eq!(answer, expected, "case {cases}, {operator}");
        cases += 1;
    }
    assert!(cases >= 20, "{cases}");
}

/// What a hostile artefact may say ends in an error, not in a kernel.
#[test]
fn shifts_that_48_bits_do_not_allow_are_refused() {
    let parameters = FullyConnectedParameters {
        batches: 1,
        input_depth: 1,
        output_depth: 1,
        input_zero_point: 0i16,
        output_zero_point: 0,
        activation_min: -5,
        activation_max: 5,
    };
    let with = |shift: i8| {
        let (weights, bias, multipliers, shifts) = (&[1][..], &[i64::MAX][..], &[1 << 30][..], &[shift][..]);
        let filter = Filter { weights, layout: Layout::Canonical, bias, multipliers, shifts };
        let checked = parameters.check(&filter, 1, 1);
        let mut output = [0];
        fully_connected_s16(&parameters, &filter, &[i16::MIN], &mut output);
        assert!((-5..=5).contains(&output[0]), "in bounds, checked or not");
        checked
    };
    assert_eq!(with(MAX_WIDE_SHIFT), Ok(()));
    assert_eq!(with(MAX_WIDE_SHIFT + 1), Err(KernelError::Range));
    assert_eq!(with(MIN_SHIFT), Ok(()));
}
