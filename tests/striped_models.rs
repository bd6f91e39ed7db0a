//! Row groups on generated networks: odd sizes, strides, dilation, borders, residual connections and joins give
//! the bits of whole tensors, under every budget that a plan can keep.

use ocelli_compiler::plan::{self, Budget, PlanError};
use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::model::{Model, Node, Step, Tensor};
use ocelli_format::{
    AlignedBytes, Artefact, Clamp, Element, Factor, Operator, SeedStream, TensorId, Window, write,
};

const HALF: Factor = Factor { multiplier: 1 << 30, shift: 0 };

/// A network of random operators, its choices drawn from one stream.
struct Network {
    model: Model,
    stream: SeedStream,
}

impl Network {
    /// `count` operators that compute rows, then one that does not.
    fn model(seed: u32, count: usize) -> Model {
        let mut network = Network { model: Model::default(), stream: SeedStream::new(seed, 0) };
        let shape = [1, 7 + network.below(24), 5 + network.below(9), 1 + network.below(5)];
        let input = network.activation(&shape);
        network.model.inputs = vec![input];
        let mut last = input;
        let mut seen = vec![input];
        for _ in 0..count {
            last = network.operator(last, &seen);
            seen.push(last);
        }
        let [_, _, _, channels] = network.shape(last);
        let output = network.activation(&[1, 1, 1, channels]);
        network.node(Operator::Mean { factor: HALF }, &[last], output);
        network.model.outputs = vec![output];
        // Now and then a tensor of the middle is wanted, too.
        if network.below(3) == 0 {
            let index = network.below(seen.len() as u32) as usize;
            let middle = seen[index];
            if !network.model.outputs.contains(&middle) && middle != input {
                network.model.outputs.push(middle);
            }
        }
        network.model
    }

    /// A random operator on `last`, and perhaps on one before it.
    fn operator(&mut self, last: TensorId, seen: &[TensorId]) -> TensorId {
        let [_, height, width, channels] = self.shape(last);
        let fellow = (0..4).find_map(|_| {
            let other = seen[self.below(seen.len() as u32) as usize];
            let [_, other_height, other_width, _] = self.shape(other);
            (other != last && [other_height, other_width] == [height, width]).then_some(other)
        });
        match (self.below(9), fellow) {
            (0, _) => {
                let table: Vec<i8> = (0..256).map(|_| self.value()).collect();
                let table = self.constant(&[256], &table);
                let output = self.activation(&[1, height, width, channels]);
                self.node(Operator::Lookup, &[last, table], output)
            }
            (1, _) => {
                let [above, below, left] = [self.below(3), self.below(3), self.below(2)];
                let output = self.activation(&[1, height + above + below, width + left, channels]);
                let (before, after) = ([0, above as u16, left as u16, 0], [0, below as u16, 0, 0]);
                let value = self.value();
                self.node(Operator::Pad { before, after, value }, &[last], output)
            }
            (2 | 3, Some(other)) if self.shape(other)[3] == channels => {
                let output = self.activation(&[1, height, width, channels]);
                let scale = Factor { multiplier: 1 << 30, shift: -18 };
                let clamp = self.clamp();
                let add = Operator::Add { left_shift: 20, inputs: [HALF; 2], output: scale, clamp };
                self.node(add, &[last, other], output)
            }
            (2..=4, Some(other)) if self.shape(other)[3] + channels <= 12 => {
                let channels = channels + self.shape(other)[3];
                let output = self.activation(&[1, height, width, channels]);
                self.node(Operator::Concatenate { axis: 3 }, &[other, last], output)
            }
            (5, _) => self.pool(last),
            (6 | 7, _) => self.weighted(last, true),
            _ => self.weighted(last, false),
        }
    }

    fn pool(&mut self, input: TensorId) -> TensorId {
        let [_, height, width, channels] = self.shape(input);
        let (window, rows, columns) = self.window(height, width, 1);
        let output = self.activation(&[1, rows, columns, channels]);
        let clamp = self.clamp();
        let pools = [Operator::AveragePool2d { window, clamp }, Operator::MaxPool2d { window, clamp }];
        let index = self.below(2) as usize;
        self.node(pools[index], &[input], output)
    }

    fn weighted(&mut self, input: TensorId, depthwise: bool) -> TensorId {
        let [_, height, width, channels] = self.shape(input);
        let dilation = 1 + self.below(2);
        let (window, rows, columns) = self.window(height, width, dilation);
        let multiplier = 1 + self.below(2) * u32::from(channels < 6);
        let outputs = if depthwise { channels * multiplier } else { 1 + self.below(8) };
        let clamp = self.clamp();
        let [filter_rows, filter_columns] = window.filter.map(u32::from);
        let (operator, shape) = if depthwise {
            let depth_multiplier = multiplier as u16;
            let operator = Operator::DepthwiseConv2d { window, depth_multiplier, clamp };
            (operator, [1, filter_rows, filter_columns, outputs])
        } else {
            (Operator::Conv2d { window, clamp }, [outputs, filter_rows, filter_columns, channels])
        };
        let weights: Vec<i8> = (0..shape.iter().product::<u32>()).map(|_| self.value()).collect();
        let terms = weights.len() as u32 / outputs;
        let shift = -6 - (terms.ilog2() / 2) as i8;
        let words = |model: &mut Network, value: &mut dyn FnMut(&mut Network) -> i32| {
            let values: Vec<i32> = (0..outputs).map(|_| value(model)).collect();
            let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            model.push(Element::I32, &[outputs], Some(data))
        };
        let weights = self.constant(&shape, &weights);
        let bias = words(self, &mut |network| i32::from(network.value()) * 16);
        let multipliers = words(self, &mut |network| (1 << 30) + (network.below(1 << 15) << 14) as i32);
        let shifts = self.constant(&[outputs], &vec![shift; outputs as usize]);
        let output = self.activation(&[1, rows, columns, outputs]);
        self.node(operator, &[input, weights, bias, multipliers, shifts], output)
    }

    /// A window with SAME borders, or none, or odd ones, and the rows and columns that it gives.
    fn window(&mut self, height: u32, width: u32, dilation: u32) -> (Window, u32, u32) {
        let mut along = |size: u32| {
            let filter = 1 + self.below(3.min(size));
            let dilation = if (filter - 1) * dilation < size { dilation } else { 1 };
            let (stride, reach) = ([1, 1, 2, 3][self.below(4) as usize], (filter - 1) * dilation + 1);
            let (padding, count) = match self.below(3) {
                0 => (0, (size - reach) / stride + 1),
                1 => (self.below(filter), (size - reach) / stride + 1),
                _ => {
                    let count = size.div_ceil(stride);
                    (((count - 1) * stride + reach).saturating_sub(size) / 2, count)
                }
            };
            ([filter, stride, dilation, padding.min(filter - 1)].map(|number| number as u16), count)
        };
        let ((vertical, rows), (horizontal, columns)) = (along(height), along(width));
        let pair = |index: usize| [vertical[index], horizontal[index]];
        (Window { filter: pair(0), stride: pair(1), dilation: pair(2), padding: pair(3) }, rows, columns)
    }

    fn clamp(&mut self) -> Clamp {
        Clamp { min: -128 + self.below(60) as i8, max: 127 - self.below(60) as i8 }
    }

    fn node(&mut self, operator: Operator, inputs: &[TensorId], output: TensorId) -> TensorId {
        let name = format!("{:?} {}", operator.kind(), self.model.operators.len());
        self.model.operators.push(Node { name, operator, inputs: inputs.to_vec(), outputs: vec![output] });
        output
    }

    fn activation(&mut self, shape: &[u32]) -> TensorId {
        let id = self.push(Element::I8, shape, None);
        self.model.tensors[usize::from(id)].zero_point = self.below(40) as i8 - 20;
        id
    }

    fn constant(&mut self, shape: &[u32], values: &[i8]) -> TensorId {
        self.push(Element::I8, shape, Some(values.iter().map(|&value| value as u8).collect()))
    }

    fn push(&mut self, element: Element, shape: &[u32], data: Option<Vec<u8>>) -> TensorId {
        let name = format!("tensor {}", self.model.tensors.len());
        let shape = shape.to_vec();
        self.model.tensors.push(Tensor { name, element, shape, scale_bits: 0, zero_point: 0, data });
        (self.model.tensors.len() - 1) as TensorId
    }

    fn shape(&self, tensor: TensorId) -> [u32; 4] {
        self.model.tensors[usize::from(tensor)].shape[..].try_into().unwrap()
    }

    fn value(&mut self) -> i8 {
        self.stream.next().unwrap()
    }

    fn below(&mut self, bound: u32) -> u32 {
        let [high, low] = [self.value(), self.value()].map(|value| u32::from(value as u8));
        (high << 8 | low) % bound
    }
}

/// Operators and steps, to find a fault with.
fn summary(model: &Model) -> String {
    let mut text = String::new();
    for node in &model.operators {
        let shape = |&tensor: &TensorId| (tensor, model.tensors[usize::from(tensor)].shape.clone());
        let (input, output) = (shape(&node.inputs[0]), shape(&node.outputs[0]));
        text += &format!("{:?} of {input:?} to {output:?}\n", node.operator);
    }
    for step in &model.schedules[0].steps {
        text += &format!("{step:?}\n");
    }
    text
}

/// What a model answers to three inputs under a budget, and the arena and row groups that its plan takes.
fn run(model: &Model, budget: &Budget) -> Result<(Vec<Vec<i8>>, u32, usize), PlanError> {
    let schedule = plan::plan_within(model, budget, plan::Profile::Portable)?;
    let groups = schedule.steps.iter().filter(|step| matches!(step, Step::RowGroup { .. })).count();
    let arena_bytes = schedule.arena_bytes;
    let model = Model { schedules: vec![schedule], ..model.clone() };
    let bytes =
        AlignedBytes::copy_of(&write(&model).unwrap_or_else(|error| panic!("{error}\n{}", summary(&model))));
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut arena = AlignedBytes::zeros(arena_bytes as usize);
    arena.fill(0x5A);
    let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    let mut answers = Vec::new();
    for seed in 1..4 {
        let mut stream = SeedStream::new(seed, 0);
        plan.fill_input(0, || stream.next().unwrap());
        plan.infer();
        answers.extend((0..artefact.outputs().len()).map(|index| plan.output(index).unwrap().to_vec()));
    }
    Ok((answers, arena_bytes, groups))
}

#[test]
fn striped_networks_have_the_bits_of_whole_ones() {
    let (mut striped, mut streamed, mut groups_seen, mut refused) = (0, 0, 0, 0);
    for seed in 1..=150 {
        let model = Network::model(seed, 3 + seed as usize % 9);
        let (expected, whole_bytes, _) = run(&model, &Budget::default()).unwrap();
        for streams_input in [false, true] {
            for percent in [100, 85, 70, 55, 40, 25] {
                let most_bytes = u64::from(whole_bytes) * percent / 100;
                let ram_bytes = Some(most_bytes);
                match run(&model, &Budget { ram_bytes, streams_input }) {
                    Ok((answers, arena_bytes, groups)) => {
                        assert_eq!(answers, expected, "seed {seed}, {percent} %, streamed {streams_input}");
                        assert!(u64::from(arena_bytes) <= most_bytes);
                        // What fits as it is stays as it is; a streamed input needs a group to stream into.
                        assert!(percent < 100 || streams_input == (groups > 0), "seed {seed}");
                        striped += usize::from(groups > 0);
                        streamed += usize::from(streams_input);
                        groups_seen = groups.max(groups_seen);
                    }
                    Err(PlanError::Budget { needed_bytes, budget_bytes, .. }) => {
                        assert!(needed_bytes > budget_bytes && budget_bytes == most_bytes);
                        refused += 1;
                        break;
                    }
                    Err(PlanError::Stream { .. }) if streams_input => break,
                    Err(error) => panic!("seed {seed}: {error}"),
                }
            }
        }
    }
    println!(
        "{striped} striped plans, {streamed} streamed, up to {groups_seen} groups; {refused} budgets refused"
    );
    assert!(striped > 200 && streamed > 60 && groups_seen > 1, "{striped}, {streamed}, {groups_seen}");
}
