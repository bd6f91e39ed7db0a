//! The operators that have backends, and those that compilers make vectors of, against the oracle, on random shapes and
//! parameters: ones, odd and prime sizes, strides over the edge, padding, dilation, zero points and saturation at both ends,
//! every alignment, and guard zones around what a kernel may write.
//!
//! Without `std`, so that the same cases run on the host and in firmware.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Debug;

use crate::oracle;
use crate::random::Random;
use crate::rows;
use ocelli_kernels::*;

/// An operator's name and its property, which compares as many cases as it is told and returns their number.
pub type Property = (&'static str, fn(usize) -> usize);

/// Every property here.
pub const PROPERTIES: [Property; 12] = [
    ("conv_2d", |cases| conv_2d(Layout::Canonical, cases)),
    ("conv_2d_paired", |cases| conv_2d(Layout::Paired, cases)),
    ("depthwise_conv_2d", |cases| depthwise_conv_2d(false, cases)),
    ("depthwise_conv_2d_lines", |cases| depthwise_conv_2d(true, cases)),
    ("transpose_conv_2d", transpose_conv_2d),
    ("fully_connected", |cases| fully_connected(Layout::Canonical, cases)),
    ("fully_connected_paired", |cases| fully_connected(Layout::Paired, cases)),
    ("conv_2d_rows", rows::conv_2d),
    ("fully_connected_rows", rows::fully_connected),
    ("add", add),
    ("pools", pools),
    ("mean", mean),
];

/// 2-d convolution. Gives how many cases have weights in the layout, if the backend reads it.
pub fn conv_2d(layout: Layout, cases: usize) -> usize {
    let mut random = Random(1);
    let mut compared = 0;
    for case in 0..cases {
        let groups = random.one_of(&[1, 1, 1, 2, 3, 5]);
        let channels = groups * random.one_of(&[1, 2, 3, 4, 4, 5, 7, 8, 12, 16, 17, 33]);
        let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
        let (mut vertical, mut height) = random.axis(input_shape[1], true);
        let (mut horizontal, mut width) = random.axis(input_shape[2], true);
        if random.below(4) == 0 {
            (vertical, horizontal) = (Axis::ONE, Axis::ONE);
            (height, width) = (input_shape[1], input_shape[2]);
        }
        let output_channels = groups * random.one_of(&[1, 2, 3, 4, 5, 8, 13, 31, 40]);
        let (activation_min, activation_max) = random.activation();
        let p = Conv2dParameters {
            input_shape,
            output_shape: [input_shape[0], height, width, output_channels],
            groups,
            vertical,
            horizontal,
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        let products = vertical.filter * horizontal.filter * channels / groups;
        let mut constants =
            Constants::random(&mut random, products * output_channels, products, output_channels);
        let mut relaid = constants.paired(&mut random, [output_channels, products], p.input_zero_point);
        let filter = constants.filter();
        let mut operands = Operands::random(
            &mut random,
            elements(input_shape),
            elements(p.output_shape),
            p.scratch_bytes(layout),
        );
        let Operands { input, output, scratch } = &mut operands;
        let Some(in_layout) = in_layout(&filter, layout, relaid.as_mut()) else { continue };
        match p.check(&in_layout, input.all().len(), output.all().len()) {
            Err(KernelError::Layout) => continue,
            checked => checked.unwrap(),
        }
        match layout {
            Layout::Canonical => conv_2d_s8(&p, &in_layout, input.all(), output.all(), scratch.all()),
            _ => {
                scratch.align();
                conv_2d_relaid_s8(&p, &in_layout, input.all(), output.all(), scratch.all());
            }
        }
        let expected = oracle::conv_2d(&p, &filter, input.all());
        operands.compare(&expected, case, &p);
        compared += 1;
    }
    compared
}

/// Depthwise 2-d convolution; or only windows and channels of which rows can be kept as lines, with scratch for that.
pub fn depthwise_conv_2d(lines: bool, cases: usize) -> usize {
    let mut random = Random(2);
    for case in 0..cases {
        let channels = random.one_of(&[1, 1, 2, 3, 4, 5, 7, 8, 16, 16, 31, 32, 48, 70]);
        let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
        let (mut vertical, mut height) = random.axis(input_shape[1], true);
        let (mut horizontal, mut width) = random.axis(input_shape[2], true);
        let mut output_channels = channels * random.one_of(&[1, 1, 1, 2, 3, 4, 8, 40]);
        if lines {
            // Windows anywhere, also outside of the image, whose rows and columns are any number.
            let mut axis =
                || Axis { filter: 3, stride: 1 + random.below(2), dilation: 1, padding: random.below(4) };
            (vertical, horizontal, output_channels) = (axis(), axis(), channels);
            (height, width) = (random.one_of(&[1, 2, 3, 4, 7, 8]), random.one_of(&[1, 2, 3, 4, 5, 7, 8, 9]));
        }
        let (activation_min, activation_max) = random.activation();
        let p = DepthwiseConv2dParameters {
            input_shape,
            output_shape: [input_shape[0], height, width, output_channels],
            vertical,
            horizontal,
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        let products = vertical.filter * horizontal.filter;
        let mut constants =
            Constants::random(&mut random, products * output_channels, products, output_channels);
        let filter = constants.filter();
        let scratch_bytes = if lines { p.lines_scratch_bytes() } else { p.scratch_bytes() };
        let mut operands =
            Operands::random(&mut random, elements(input_shape), elements(p.output_shape), scratch_bytes);
        let Operands { input, output, scratch } = &mut operands;
        p.check(&filter, input.all().len(), output.all().len()).unwrap();
        depthwise_conv_2d_s8(&p, &filter, input.all(), output.all(), scratch.all());
        let expected = oracle::depthwise_conv_2d(&p, &filter, input.all());
        operands.compare(&expected, case, &p);
    }
    cases
}

/// Transposed 2-d convolution.
pub fn transpose_conv_2d(cases: usize) -> usize {
    let mut random = Random(7);
    for case in 0..cases {
        let channels = random.one_of(&[1, 2, 3, 4, 5, 8, 12]);
        let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
        let mut axis = |input: usize| {
            let (axis, _) = random.axis(input, true);
            let padding = random.below((axis.filter - 1) * axis.dilation + 1);
            let output = 1 + random.below(input * axis.stride + padding);
            (Axis { padding, ..axis }, output)
        };
        let ((vertical, height), (horizontal, width)) = (axis(input_shape[1]), axis(input_shape[2]));
        let output_channels = random.one_of(&[1, 2, 3, 4, 5, 8, 33]);
        let (activation_min, activation_max) = random.activation();
        let p = Conv2dParameters {
            input_shape,
            output_shape: [input_shape[0], height, width, output_channels],
            groups: 1,
            vertical,
            horizontal,
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        let products = vertical.filter * horizontal.filter * channels;
        let mut constants =
            Constants::random(&mut random, products * output_channels, products, output_channels);
        let filter = constants.filter();
        let mut operands = Operands::random(&mut random, elements(input_shape), elements(p.output_shape), 0);
        let Operands { input, output, .. } = &mut operands;
        check_transpose_conv_2d(&p, &filter, input.all().len(), output.all().len()).unwrap();
        transpose_conv_2d_s8(&p, &filter, input.all(), output.all());
        let expected = oracle::transpose_conv_2d(&p, &filter, input.all());
        operands.compare(&expected, case, &p);
    }
    cases
}

/// Fully connected layer. Gives how many cases have weights in the layout, if the backend reads it.
pub fn fully_connected(layout: Layout, cases: usize) -> usize {
    let mut random = Random(3);
    let mut compared = 0;
    for case in 0..cases {
        let (activation_min, activation_max) = random.activation();
        let p = FullyConnectedParameters {
            batches: 1 + random.below(3),
            input_depth: 1 + random.below(140),
            output_depth: 1 + random.below(70),
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        let weights = p.input_depth * p.output_depth;
        let mut constants = Constants::random(&mut random, weights, p.input_depth, p.output_depth);
        let mut relaid = constants.paired(&mut random, [p.output_depth, p.input_depth], p.input_zero_point);
        let filter = constants.filter();
        let mut operands = Operands::random(
            &mut random,
            p.batches * p.input_depth,
            p.batches * p.output_depth,
            p.scratch_bytes(),
        );
        let Operands { input, output, scratch } = &mut operands;
        let Some(in_layout) = in_layout(&filter, layout, relaid.as_mut()) else { continue };
        match p.check(&in_layout, input.all().len(), output.all().len()) {
            Err(KernelError::Layout) => continue,
            checked => checked.unwrap(),
        }
        match layout {
            Layout::Canonical => {
                fully_connected_s8(&p, &in_layout, input.all(), output.all(), scratch.all());
            }
            _ => {
                scratch.align();
                fully_connected_relaid_s8(&p, &in_layout, input.all(), output.all(), scratch.all());
            }
        }
        let expected = oracle::fully_connected(&p, &filter, input.all());
        operands.compare(&expected, case, &p);
        compared += 1;
    }
    compared
}

/// The filter with its weights in a layout, if they can stand in it.
fn in_layout<'f>(
    filter: &Filter<'f>,
    layout: Layout,
    paired: Option<&'f mut Guarded<i8>>,
) -> Option<Filter<'f>> {
    match layout {
        Layout::Canonical => Some(*filter),
        _ => Some(Filter { weights: paired?.all(), layout, ..*filter }),
    }
}

/// Addition.
pub fn add(cases: usize) -> usize {
    let mut random = Random(6);
    for _ in 0..cases {
        let (activation_min, activation_max) = random.activation();
        let exponents = random.one_of(&[[0, 0], [0, -6], [-3, 0], [0, -20], [-6, -6]]);
        let output_exponent = random.one_of(&[-19, -19, -19, -19, -10, -28]);
        let mut at_most_half = |exponent: i32| {
            let factor = random.factor(exponent);
            Requantize { shift: factor.shift.min(0), ..factor }
        };
        let mut factors = exponents.map(&mut at_most_half);
        let mut output_requantize = at_most_half(output_exponent);
        // As the compiler derives them: the operand with the larger scale has a factor of 1/2.
        let larger = random.below(3);
        if let Some(factor) = factors.get_mut(larger) {
            *factor = Requantize { multiplier: 1 << 30, shift: 0 };
        }
        let zero_points = [random.zero_point(), random.zero_point()];
        let mut same = [None; 2];
        if larger < 2 && random.below(4) == 0 {
            // Small sums at the output's scale show every rounding of the other operand.
            same[larger] = Some(zero_points[larger]);
            let multiplier = random.below(1024) as i32 - 512;
            factors[1 - larger] = Requantize { multiplier, shift: -(random.below(4) as i8) };
            output_requantize = Requantize { multiplier: i32::MAX, shift: -1 };
        }
        let p = AddParameters {
            left_requantize: factors[0],
            right_requantize: factors[1],
            output_requantize,
            left_zero_point: zero_points[0],
            right_zero_point: zero_points[1],
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        p.check(5, 5, 5).unwrap();
        binary(&mut random, same, |l, r, o| add_s8(&p, l, r, o), |l, r| oracle::add(&p, l, r), &p);
    }
    cases
}

/// Maximum and average pools.
pub fn pools(cases: usize) -> usize {
    let mut random = Random(4);
    for case in 0..cases {
        let channels = random.one_of(&[1, 2, 3, 15, 16, 17, 40]);
        let input_shape = [1 + random.below(2), random.size(), random.size(), channels];
        let (vertical, height) = random.axis(input_shape[1], case % 3 == 0);
        let (horizontal, width) = random.axis(input_shape[2], case % 3 == 0);
        let (activation_min, activation_max) = random.activation();
        let output_shape = [input_shape[0], height, width, channels];
        let p = Pool2dParameters {
            input_shape,
            output_shape,
            vertical,
            horizontal,
            activation_min,
            activation_max,
        };
        let input = random.bytes(elements(input_shape), 0);
        let mut output = vec![0x55; elements(output_shape)];
        p.check(input.len(), output.len()).unwrap();
        max_pool_2d_s8(&p, &input, &mut output);
        assert_eq!(output, oracle::max_pool_2d(&p, &input), "maximum, case {case}: {p:?}");
        average_pool_2d_s8(&p, &input, &mut output);
        assert_eq!(output, oracle::average_pool_2d(&p, &input), "average, case {case}: {p:?}");
    }
    cases
}

/// Mean over an axis.
pub fn mean(cases: usize) -> usize {
    let mut random = Random(5);
    for case in 0..cases {
        let p = MeanParameters {
            outer: random.size(),
            count: random.one_of(&[1, 2, 3, 7, 9, 16, 49, 64, 100]),
            inner: random.one_of(&[1, 3, 16, 17, 40]),
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            requantize: {
                let exponent = random.one_of(&[0, 0, 0, -26]);
                random.factor(exponent)
            },
        };
        let input = random.bytes(p.outer * p.count * p.inner, 0);
        let mut output = vec![0x55; p.outer * p.inner];
        p.check(input.len(), output.len()).unwrap();
        mean_s8(&p, &input, &mut output);
        assert_eq!(output, oracle::mean(&p, &input), "case {case}: {p:?}");
    }
    cases
}

/// Runs a binary kernel with its operands apart and in place, and compares with one element at a time. The
/// elements of an operand are random or all the same.
pub fn binary(
    random: &mut Random,
    same: [Option<i8>; 2],
    kernel: impl Fn(Source<'_>, Source<'_>, &mut [i8]),
    element: impl Fn(i8, i8) -> i8,
    what: &dyn Debug,
) {
    let count = 1 + random.below(40);
    let mut buffers: [Guarded<i8>; 3] =
        [Guarded::read_only, Guarded::read_only, Guarded::new].map(|of| of(count, random.below(ZONE), 0x55));
    let [left, right, output] = &mut buffers;
    random.fill(left.all());
    random.fill(right.all());
    let (left, right) = (left.all(), right.all());
    for (operand, same) in [&mut *left, &mut *right].into_iter().zip(same) {
        if let Some(same) = same {
            operand.fill(same);
        }
    }
    let expected: Vec<i8> = left.iter().zip(&*right).map(|(&left, &right)| element(left, right)).collect();
    kernel(Source::Apart(left), Source::Apart(right), output.all());
    assert_eq!(output.all(), expected, "apart: {what:?}");
    output.all().copy_from_slice(left);
    kernel(Source::InPlace, Source::Apart(right), output.all());
    assert_eq!(output.all(), expected, "first in place: {what:?}");
    output.all().copy_from_slice(right);
    kernel(Source::Apart(left), Source::InPlace, output.all());
    assert_eq!(output.all(), expected, "second in place: {what:?}");
    output.all().copy_from_slice(left);
    kernel(Source::InPlace, Source::InPlace, output.all());
    let expected: Vec<i8> = left.iter().map(|&left| element(left, left)).collect();
    assert_eq!(output.all(), expected, "both in place: {what:?}");
    output.check(what);
}

/// Elements at an address with a chosen remainder by 16, and zones around them that must stay as they are.
pub struct Guarded<T> {
    bytes: Vec<T>,
    guard: T,
    start: usize,
    length: usize,
}

impl<T: Copy + PartialEq> Guarded<T> {
    /// So many elements.
    pub fn new(length: usize, remainder: usize, guard: T) -> Guarded<T> {
        let bytes = vec![guard; length + 4 * ZONE];
        let start = ZONE + bytes.as_ptr().align_offset(ZONE) + remainder;
        Guarded { bytes, guard, start, length }
    }

    /// So many elements that are only read. Where blocks of memory start on multiples of 16, the last element is the
    /// last of its block, so that a sanitizer sees what is read behind it.
    pub fn read_only(length: usize, remainder: usize, guard: T) -> Guarded<T> {
        let bytes = vec![guard; remainder + length];
        if bytes.as_ptr().align_offset(ZONE) != 0 {
            return Guarded::new(length, remainder, guard);
        }
        Guarded { bytes, guard, start: remainder, length }
    }

    /// What may be written.
    pub fn all(&mut self) -> &mut [T] {
        &mut self.bytes[self.start..self.start + self.length]
    }

    /// Starts at a word from now on, with the same length.
    fn align(&mut self) {
        self.start -= self.bytes[self.start..].as_ptr().addr() % 4;
    }

    fn check(&self, what: &dyn Debug) {
        let (before, after) = (&self.bytes[..self.start], &self.bytes[self.start + self.length..]);
        assert!(before.iter().chain(after).all(|&byte| byte == self.guard), "wrote outside: {what:?}");
    }
}

const ZONE: usize = 16;

/// Operands of one layer: input, output and scratch, at any alignment.
pub struct Operands {
    /// What is read.
    pub input: Guarded<i8>,
    /// What is written.
    pub output: Guarded<i8>,
    /// What may be used.
    pub scratch: Guarded<u8>,
}

impl Operands {
    /// A random input. Scratch mostly starts at a word, as every arena's does.
    pub fn random(random: &mut Random, input: usize, output: usize, scratch_bytes: usize) -> Operands {
        let mut operands = Operands {
            input: Guarded::read_only(input, random.below(ZONE), 0x55),
            output: Guarded::new(output, random.below(ZONE), 0x55),
            scratch: Guarded::new(scratch_bytes, random.one_of(&[0, 0, 0, 4, 8, 12, 1, 2, 3]), 0x55),
        };
        random.fill(operands.input.all());
        random.fill(operands.output.all());
        operands
    }

    /// Panics unless the output is as expected and nothing else was written.
    pub fn compare(&mut self, expected: &[i8], case: usize, what: &dyn Debug) {
        assert_eq!(self.output.all(), expected, "case {case}: {what:?}");
        self.output.check(what);
        self.scratch.check(what);
    }
}

/// Weights, bias and factors of a filter.
pub struct Constants {
    /// In the canonical order.
    pub weights: Guarded<i8>,
    bias: Vec<i32>,
    multipliers: Vec<i32>,
    shifts: Vec<i8>,
}

impl Constants {
    /// Of `weights` in all, `products` for each output.
    pub fn random(random: &mut Random, weights: usize, products: usize, channels: usize) -> Constants {
        let exponent = -7 - (products.ilog2() as i32) / 2 + random.one_of(&[0, 0, 0, 4, -6, 9, -16]);
        let factors = if random.below(4) == 0 { 1 } else { channels };
        let factors: Vec<_> = (0..factors).map(|_| random.factor(exponent)).collect();
        let biases = if random.below(4) == 0 { 0 } else { channels };
        // Sums about 2^30 and beyond, where no factor shifts them further to the left.
        let large = factors.iter().all(|factor| factor.shift <= 0) && random.below(8) == 0;
        let small = 1 << 13;
        let bound = if large { random.one_of(&[1 << 30, 9 << 27, 15 << 27]) } else { small };
        let mut constants = Constants {
            weights: Guarded::read_only(weights, random.below(ZONE), 0x55),
            bias: (0..biases)
                .map(|_| ((i64::from(random.next() as i32) * random.one_of(&[small, bound])) >> 31) as i32)
                .collect(),
            multipliers: factors.iter().map(|factor| factor.multiplier).collect(),
            shifts: factors.iter().map(|factor| factor.shift).collect(),
        };
        random.fill(constants.weights.all());
        constants
    }

    /// The weights of `channels` times `products` in [`Layout::Paired`], if they and the biases can stand in it.
    fn paired(
        &mut self,
        random: &mut Random,
        [channels, products]: [usize; 2],
        input_zero_point: i8,
    ) -> Option<Guarded<i8>> {
        let zero_point = i32::from(input_zero_point);
        let largest = (127 - zero_point).max(128 + zero_point);
        let weights = self.weights.all();
        let weight = |channel: usize, product: usize| {
            let exists = channel < channels && product < products;
            if exists { i32::from(weights[channel * products + product]) } else { 0 }
        };
        let mut halfwords = Vec::new();
        for channel in (0..channels).step_by(2) {
            let sum: i64 = (0..products).map(|k| i64::from(weight(channel + 1, k).abs() * largest)).sum();
            let bias = self.bias.get(channel + 1).copied().unwrap_or(0);
            if sum + i64::from(bias.unsigned_abs()) >= 1 << 23 {
                return None;
            }
            for first in (0..products).step_by(4) {
                for product in [first, first + 2, first + 1, first + 3] {
                    halfwords.push(weight(channel + 1, product) * 256 + weight(channel, product));
                }
            }
        }
        let mut relaid = Guarded::new(2 * halfwords.len(), random.one_of(&[0, 4, 8, 12]), 0x55);
        for (bytes, halfword) in relaid.all().chunks_exact_mut(2).zip(halfwords) {
            let halfword = i16::try_from(halfword).ok()?;
            bytes.copy_from_slice(&halfword.to_le_bytes().map(|byte| byte as i8));
        }
        Some(relaid)
    }

    /// As a kernel takes them.
    pub fn filter(&mut self) -> Filter<'_> {
        Filter {
            weights: self.weights.all(),
            layout: Layout::Canonical,
            bias: &self.bias,
            multipliers: &self.multipliers,
            shifts: &self.shifts,
        }
    }
}

/// Elements of a tensor.
pub fn elements(shape: [usize; 4]) -> usize {
    shape.iter().product()
}
