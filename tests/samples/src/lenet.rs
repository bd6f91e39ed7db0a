//! The nets of Deep Compression (Han, Mao, Dally, 2016), LeNet-300-100 and Caffe's LeNet-5, with pseudo-random
//! weights as pruning and clustering leave them: as few as in the paper's tables 2 and 3, of sixteen values at most.
//!
//! What is large in magnitude stays, so kept weights follow the tail of a normal distribution. These nets
//! recognise nothing; they show bytes, memory and instructions of nets that do.

use ocelli_format::model::{InputContract, Model, OutputContract};
use ocelli_format::{
    Clamp, Element, Operator, PixelLayout, ResizeMode, SeedStream, Storage, TensorId, Window,
};

use crate::builder::{Builder, WHOLE, ZERO_POINT, factor};
use crate::classifier::pixel_table;

/// Weights and biases of LeNet-300-100.
pub const LENET_300_100_PARAMETERS: usize = 266_610;

/// Weights and biases of Caffe's LeNet-5.
pub const LENET_5_PARAMETERS: usize = 431_080;

/// Three fully connected layers, with 8, 9 and 26 % of their weights.
pub fn lenet_300_100() -> Model {
    let mut net = Net::new("lenet-300-100");
    let hidden = net.connected(net.input, 784, 300, 8, RELU);
    let hidden = net.connected(hidden, 300, 100, 9, RELU);
    let scores = net.connected(hidden, 100, 10, 26, WHOLE);
    net.finish(scores)
}

/// Two convolutions with pools and two fully connected layers, with 66, 12, 8 and 19 % of their weights.
pub fn lenet_5() -> Model {
    let mut net = Net::new("lenet-5");
    let first = net.convolution(net.input, [28, 1], 20, 66);
    let first = net.pool(first, [24, 20]);
    let second = net.convolution(first, [12, 20], 50, 12);
    let second = net.pool(second, [8, 50]);
    let hidden = net.connected(second, 800, 500, 8, RELU);
    let scores = net.connected(hidden, 500, 10, 19, WHOLE);
    net.finish(scores)
}

/// The same net with all weights in Huffman codes and factors stored once: what the compiler chooses for size.
pub fn coded(mut model: Model) -> Model {
    for node in &model.operators {
        if let &[_, weights, _, multipliers, shifts] = &node.inputs[..] {
            model.storage.insert(weights, Storage::Coded);
            model.storage.extend([(multipliers, Storage::Uniform), (shifts, Storage::Uniform)]);
        }
    }
    model
}

/// A fused ReLU.
const RELU: Clamp = Clamp { min: ZERO_POINT, max: 127 };

struct Net {
    build: Builder,
    input: TensorId,
    random: SeedStream,
}

impl Net {
    fn new(name: &str) -> Net {
        let mut build = Builder::new(name, 1);
        let input = build.input(&[1, 28, 28, 1]);
        Net { build, input, random: SeedStream::new(2, 0) }
    }

    fn connected(
        &mut self,
        input: TensorId,
        depth: u32,
        channels: u32,
        percent: u32,
        clamp: Clamp,
    ) -> TensorId {
        let constants = self.constants(&[channels, depth], depth, percent);
        let operator = Operator::FullyConnected { clamp };
        self.build.operator(operator, input, &constants, &[1, channels], ZERO_POINT)
    }

    /// 5x5, without padding, over `[side, depth]`.
    fn convolution(
        &mut self,
        input: TensorId,
        [side, depth]: [u32; 2],
        channels: u32,
        percent: u32,
    ) -> TensorId {
        let constants = self.constants(&[channels, 5, 5, depth], 25 * depth, percent);
        let window = Window { filter: [5; 2], stride: [1; 2], dilation: [1; 2], padding: [0; 2] };
        let shape = [1, side - 4, side - 4, channels];
        self.build.operator(Operator::Conv2d { window, clamp: WHOLE }, input, &constants, &shape, ZERO_POINT)
    }

    /// 2x2 over `[side, depth]`.
    fn pool(&mut self, input: TensorId, [side, depth]: [u32; 2]) -> TensorId {
        let window = Window { filter: [2; 2], stride: [2; 2], dilation: [1; 2], padding: [0; 2] };
        let operator = Operator::MaxPool2d { window, clamp: WHOLE };
        self.build.operator(operator, input, &[], &[1, side / 2, side / 2, depth], ZERO_POINT)
    }

    /// Weights, bias, multipliers and shifts; the layer is quantized as a whole.
    fn constants(&mut self, shape: &[u32], row: u32, percent: u32) -> [TensorId; 4] {
        let (elements, channels) = (shape.iter().product::<u32>(), shape[0]);
        let weights: Vec<u8> = (0..elements).map(|_| self.weight(percent) as u8).collect();
        let bias: Vec<i32> = (0..channels).map(|_| self.normal() * 8).collect();
        // Sums of so many products, back to the size of activations.
        let told = (row * percent / 100).max(4);
        let factor = factor(1, 5 + told.ilog2() as i8 / 2);
        let build = &mut self.build;
        [
            build.constant("weights", Element::I8, shape, weights),
            build.constant_i32("bias", &bias),
            build.constant_i32("multipliers", &vec![factor.multiplier; channels as usize]),
            build.constant("shifts", Element::I8, &[channels], vec![factor.shift as u8; channels as usize]),
        ]
    }

    /// 0, or one of eight values on each side, for so many weights of a hundred.
    fn weight(&mut self, percent: u32) -> i8 {
        // Where the tails of a normal distribution hold so much, in 256ths of its deviation.
        let threshold = match percent {
            8 => 448,
            9 => 434,
            12 => 398,
            19 => 336,
            26 => 288,
            _ => 113,
        };
        let normal = self.normal();
        let beyond = normal.abs() - threshold;
        if beyond < 0 {
            return 0;
        }
        let value = (threshold / 16 + 5 * (beyond / 80).min(7)).min(127) as i8;
        if normal < 0 { -value } else { value }
    }

    /// Normal, near enough: a deviation of 256.
    fn normal(&mut self) -> i32 {
        self.random.by_ref().take(12).map(i32::from).sum()
    }

    fn finish(self, scores: TensorId) -> Model {
        let mut model = self.build.finish(&[scores]);
        model.input_contracts.push(InputContract {
            tensor: self.input,
            layout: PixelLayout::Gray,
            resize: ResizeMode::Stretch,
            border: 0,
            mean_bits: [0; 3],
            deviation_bits: [255f32.to_bits(); 3],
            tables: vec![pixel_table()],
        });
        model.output_contracts.push(OutputContract::Classes {
            tensor: scores,
            labels: (0..10).map(|digit: u32| digit.to_string()).collect(),
            scores: Box::new(std::array::from_fn(|index| (index as u16) << 8)),
        });
        model
    }
}
