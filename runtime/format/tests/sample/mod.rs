//! Small models built by hand, shared by the tests of the format and of the engine.
#![allow(dead_code, reason = "each test file uses a part")]

use ocelli_format::layout::{PAIRED, relay};
use ocelli_format::model::*;
use ocelli_format::{Clamp, Factor, Operator, PixelLayout, ResizeMode, Storage, WideClamp, Window};

/// A factor of 1.
pub const ONE: Factor = Factor { multiplier: 1 << 30, shift: 1 };

/// A factor of 1/2.
pub const HALF: Factor = Factor { multiplier: 1 << 30, shift: 0 };

/// No fused activation.
pub const LINEAR: Clamp = Clamp { min: -128, max: 127 };

/// A model under construction.
#[derive(Default)]
pub struct Builder {
    /// What is there so far.
    pub model: Model,
    places: Vec<Option<u32>>,
    arena_bytes: u32,
}

impl Builder {
    /// An int8 tensor with a place of its own.
    pub fn activation(&mut self, name: &str, shape: &[u32]) -> TensorId {
        let id = self.activation_at(name, shape, self.arena_bytes);
        let bytes: u32 = shape.iter().product();
        self.arena_bytes += bytes.next_multiple_of(16);
        id
    }

    /// An int8 tensor in the place of another.
    pub fn in_place(&mut self, name: &str, shape: &[u32], other: TensorId) -> TensorId {
        self.activation_at(name, shape, self.places[usize::from(other)].unwrap())
    }

    /// An int16 tensor with a place of its own.
    pub fn wide_activation(&mut self, name: &str, shape: &[u32]) -> TensorId {
        let id = self.activation_at(name, shape, self.arena_bytes);
        self.model.tensors.last_mut().unwrap().element = Element::I16;
        let bytes: u32 = shape.iter().product::<u32>() * 2;
        self.arena_bytes += bytes.next_multiple_of(16);
        id
    }

    fn activation_at(&mut self, name: &str, shape: &[u32], place: u32) -> TensorId {
        self.places.push(Some(place));
        self.tensor(name, Element::I8, shape, None)
    }

    /// An int8 constant.
    pub fn constant(&mut self, name: &str, shape: &[u32], values: &[i8]) -> TensorId {
        self.places.push(None);
        let data = values.iter().map(|&value| value as u8).collect();
        self.tensor(name, Element::I8, shape, Some(data))
    }

    /// An i32 constant of one axis.
    pub fn constant_32(&mut self, name: &str, values: &[i32]) -> TensorId {
        self.places.push(None);
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, Element::I32, &[values.len() as u32], Some(data))
    }

    /// An i64 constant of one axis.
    pub fn constant_64(&mut self, name: &str, values: &[i64]) -> TensorId {
        self.places.push(None);
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, Element::I64, &[values.len() as u32], Some(data))
    }

    fn tensor(&mut self, name: &str, element: Element, shape: &[u32], data: Option<Vec<u8>>) -> TensorId {
        self.model.tensors.push(Tensor {
            name: name.into(),
            element,
            shape: shape.to_vec(),
            scale_bits: 0x3F80_0000,
            zero_point: 0,
            data,
        });
        self.model.tensors.len() as TensorId - 1
    }

    /// Weights, bias 0 and a factor for every channel.
    pub fn layer(
        &mut self,
        name: &str,
        shape: &[u32],
        weights: &[i8],
        bias: &[i32],
        factor: Factor,
    ) -> [TensorId; 4] {
        [
            self.constant(&format!("{name}/weights"), shape, weights),
            self.constant_32(&format!("{name}/bias"), bias),
            self.constant_32(&format!("{name}/multipliers"), &vec![factor.multiplier; bias.len()]),
            self.constant(&format!("{name}/shifts"), &[bias.len() as u32], &vec![factor.shift; bias.len()]),
        ]
    }

    /// As [`Builder::layer`], for int16.
    pub fn wide_layer(
        &mut self,
        name: &str,
        shape: &[u32],
        weights: &[i8],
        bias: &[i64],
        factor: Factor,
    ) -> [TensorId; 4] {
        let [weights, _, multipliers, shifts] =
            self.layer(name, shape, weights, &vec![0; bias.len()], factor);
        [weights, self.constant_64(&format!("{name}/wide bias"), bias), multipliers, shifts]
    }

    /// The next operator.
    pub fn operator(&mut self, name: &str, operator: Operator, inputs: &[TensorId], output: TensorId) {
        self.model.operators.push(Node {
            name: name.into(),
            operator,
            inputs: inputs.to_vec(),
            outputs: vec![output],
        });
    }

    /// The model with a portable schedule in the order of its operators.
    pub fn finish(mut self) -> Model {
        let step = |operator| Step::Operator(OperatorStep { operator, scratch: [0, 0], layouts: vec![] });
        self.model.schedules.insert(
            0,
            Schedule {
                profile: "portable".into(),
                arena_bytes: self.arena_bytes,
                scratch_bytes: 0,
                placements: self.places,
                steps: (0..self.model.operators.len() as OperatorId).map(step).collect(),
            },
        );
        self.model
    }
}

/// [`whole`] for one target, with the weights of two layers laid out for it, and stored nowhere else.
pub fn relaid() -> Model {
    let mut model = whole();
    model.schedules.truncate(1);
    model.schedules[0].profile = "cortex-m4".into();
    for operator in [0, 4] {
        let weights = &model.tensors[usize::from(model.operators[operator].inputs[1])];
        let data = relay(PAIRED, &weights.shape, weights.data.as_ref().unwrap()).unwrap();
        let Step::Operator(step) = &mut model.schedules[0].steps[operator] else { panic!("a group") };
        step.layouts.push(Relaid { operand: 1, layout: PAIRED, data });
    }
    model
}

/// A window without dilation.
pub fn window(filter: [u16; 2], stride: [u16; 2], padding: [u16; 2]) -> Window {
    Window { filter, stride, dilation: [1, 1], padding }
}

/// An addition of tensors of one scale.
pub fn add() -> Operator {
    let output = Factor { multiplier: 1 << 30, shift: -18 };
    Operator::Add { left_shift: 20, inputs: [HALF; 2], output, clamp: LINEAR }
}

/// A softmax of logits whose step is 1/8.
pub fn softmax() -> Operator {
    Operator::Softmax { factor: Factor { multiplier: 1 << 30, shift: 24 }, difference_min: -124 }
}

/// A model with every section, every kind of contract, a state, and a second schedule with a row
/// group, a layout of its own and scratch.
pub fn whole() -> Model {
    let mut build = Builder::default();
    let image = build.activation("image", &[1, 4, 4, 1]);
    let state = build.activation("memory", &[1, 3]);
    let edges = build.activation("edges", &[1, 4, 4, 2]);
    let smooth = build.activation("smooth", &[1, 4, 4, 2]);
    let joined = build.in_place("joined", &[1, 4, 4, 2], smooth);
    let pooled = build.activation("pooled", &[1, 2, 2, 2]);
    let logits = build.activation("logits", &[1, 3]);
    let remembered = build.in_place("remembered", &[1, 3], logits);
    let classes = build.activation("classes", &[1, 3]);
    let scores = build.activation("scores", &[1, 2, 2, 1]);
    let bent = build.in_place("bent scores", &[1, 2, 2, 1], scores);
    let boxes = build.activation("boxes", &[1, 2, 2, 6]);

    let same = window([3, 3], [1, 1], [1, 1]);
    let values = |count: usize| (0..count).map(|index| (index * 37 % 15) as i8 - 7).collect::<Vec<i8>>();
    let layer = build.layer("conv", &[2, 3, 3, 1], &values(18), &[1, -2], HALF);
    let operator = Operator::Conv2d { window: same, clamp: Clamp { min: 0, max: 127 } };
    build.operator("conv", operator, &[&[image], &layer[..]].concat(), edges);
    let layer = build.layer("depthwise", &[1, 3, 3, 2], &values(18), &[3, 4], HALF);
    let operator = Operator::DepthwiseConv2d { window: same, depth_multiplier: 1, clamp: LINEAR };
    build.operator("depthwise", operator, &[&[edges], &layer[..]].concat(), smooth);
    build.operator("residual", add(), &[edges, smooth], joined);
    let operator = Operator::MaxPool2d { window: window([2, 2], [2, 2], [0, 0]), clamp: LINEAR };
    build.operator("pool", operator, &[joined], pooled);
    let layer = build.layer("dense", &[3, 8], &values(24), &[0, 5, -5], HALF);
    build.operator(
        "dense",
        Operator::FullyConnected { clamp: LINEAR },
        &[&[pooled], &layer[..]].concat(),
        logits,
    );
    build.operator("remember", add(), &[logits, state], remembered);
    build.operator("softmax", softmax(), &[remembered], classes);
    let point = window([1, 1], [1, 1], [0, 0]);
    let layer = build.layer("score head", &[1, 1, 1, 2], &[3, -2], &[0], HALF);
    let operator = Operator::Conv2d { window: point, clamp: LINEAR };
    build.operator("score head", operator, &[&[pooled], &layer[..]].concat(), scores);
    let table: Vec<i8> = (0..=255u8).map(|index| (index as i8).saturating_mul(2)).collect();
    let table = build.constant("bend", &[256], &table);
    build.operator("bend", Operator::Lookup, &[scores, table], bent);
    let layer = build.layer("box head", &[6, 1, 1, 2], &values(12), &[0; 6], HALF);
    build.operator("box head", operator, &[&[pooled], &layer[..]].concat(), boxes);

    build.model.name = "whole".into();
    build.model.version = "1.2.3".into();
    build.model.provenance = vec![("source".into(), "by hand, ü".into()), ("licence".into(), "MIT".into())];
    build.model.inputs = vec![image];
    build.model.outputs = vec![classes, bent, boxes];
    build.model.states = vec![State { tensor: state, next: remembered }];
    build.model.input_contracts = vec![InputContract {
        tensor: image,
        layout: PixelLayout::Gray,
        resize: ResizeMode::Letterbox,
        border: 114,
        mean_bits: [0x42FF_0000; 3],
        deviation_bits: [0x42FE_0000; 3],
        tables: vec![core::array::from_fn(|pixel| (pixel as i32 - 128) as i8)],
    }];
    build.model.output_contracts = vec![
        OutputContract::Classes {
            tensor: classes,
            labels: vec!["cat".into(), "dog".into(), "".into()],
            scores: Box::new(core::array::from_fn(|index| index as u16 * 256)),
        },
        OutputContract::Boxes(detector(bent, boxes)),
        OutputContract::Points(Points {
            tensor: boxes,
            stride: 3,
            fields: [Field { multiplier: 77, offset: -5 }, Field { multiplier: -78, offset: 6 }],
            presence: Some(bent),
            threshold: 30_000,
            scores: Box::new(core::array::from_fn(|index| index as u16 * 3)),
            names: (0..8).map(|index| format!("point {index}")).collect(),
        }),
        OutputContract::Mask(cells(boxes, false, &["1", "2", "3", "4", "5", "6"])),
        OutputContract::Embedding { tensor: classes },
        OutputContract::Spots(cells(boxes, true, &["a", "b", "c", "d", "e"])),
        OutputContract::Numbers {
            tensor: classes,
            fields: vec![Field { multiplier: 9, offset: 8 }, Field { multiplier: -7, offset: 6 }],
            names: vec!["age".into(), "height".into()],
        },
    ];
    build.model.self_test = Some(SelfTest { seed: 7, shift: 1, output_crc32: 0 });
    let mut model = build.finish();
    model.schedules.push(rolling(&model));
    model
}

fn cells(tensor: TensorId, has_background: bool, labels: &[&str]) -> Cells {
    Cells {
        tensor,
        has_background,
        threshold: 12_345,
        scores: Box::new(core::array::from_fn(|index| index as u16 * 7)),
        labels: labels.iter().map(|&label| label.into()).collect(),
    }
}

fn detector(scores: TensorId, boxes: TensorId) -> Boxes {
    Boxes {
        decoder: BoxDecoder::Exponential,
        labels: vec!["face".into()],
        has_background: false,
        keypoints: vec!["nose".into()],
        score_threshold: 32_768,
        iou_threshold: 19_660,
        suppression: Suppression::Weighted,
        field_order: [0, 1, 2, 3],
        heads: vec![BoxHead {
            scores,
            first_score: 0,
            boxes,
            first_box: 0,
            objectness: Some(Objectness {
                tensor: scores,
                first: 0,
                table: Box::new(core::array::from_fn(|index| index as u16 * 200)),
            }),
            rows: 2,
            columns: 2,
            first_centre: [1 << 22, -5],
            step: [1 << 23, 9_000_000],
            anchors: vec![[32_768, 40_000]],
            score_table: Box::new(core::array::from_fn(|index| index as u16 * 250)),
            fields: (0..6).map(|index| Field { multiplier: 1000 + index, offset: -index }).collect(),
            value_tables: [
                None,
                None,
                Some(Box::new([65_536; 256])),
                Some(Box::new(core::array::from_fn(|index| index as i32 * 512 - 9))),
            ],
        }],
    }
}

/// The portable schedule with its first three operators as a row group, into which the image is streamed,
/// and scratch behind everything.
fn rolling(model: &Model) -> Schedule {
    let mut schedule = model.schedules[0].clone();
    schedule.profile = "cortex-m55".into();
    let scratch = [schedule.arena_bytes, 32];
    schedule.arena_bytes += 32;
    schedule.scratch_bytes = 32;
    let relaid = Relaid { operand: 1, layout: 3, data: (0..21).collect() };
    let inner = |operator, first_trip, layouts| RowStep {
        step: OperatorStep { operator, scratch, layouts },
        first_trip,
        period: 1,
        rows: 1,
    };
    let [image, edges] = [0, 2].map(|tensor| Ring { tensor, rows: 3 });
    let group = Step::RowGroup {
        trips: 6,
        inner: vec![inner(0, 1, vec![relaid]), inner(1, 2, vec![]), inner(2, 2, vec![])],
        rings: vec![image, edges],
    };
    schedule.steps.splice(0..3, [group]);
    schedule
}

/// A convolution and fully connected layers, with weights in every form and factors that all channels share.
pub fn stored() -> Model {
    let mut build = Builder::default();
    let image = build.activation("image", &[1, 3, 4, 5]);
    build.model.inputs = vec![image];
    let (mut last, mut depth) = (image, 60);
    for (index, storage) in (0..).zip(Storage::OF_WEIGHTS.into_iter().cycle().take(10)) {
        let name = format!("{storage} {index}");
        let conv = index < 5;
        let (channels, row) =
            if conv { (5 + index % 2, 3 * 3 * [5, 5, 6, 5, 6][index]) } else { (37, depth) };
        let weights: Vec<i8> = (0..channels * row).map(|at| weight(storage, at % row, at / row)).collect();
        let bias: Vec<i32> = (0..channels as i32).map(|channel| 9 * channel - 40).collect();
        let shape: &[u32] =
            if conv { &[channels as u32, 3, 3, row as u32 / 9] } else { &[channels as u32, row as u32] };
        let factor = Factor { multiplier: 1 << 30, shift: -5 };
        let layer = build.layer(&name, shape, &weights, &bias, factor);
        build.model.storage.insert(layer[0], storage);
        if index % 2 == 0 {
            build.model.storage.extend([(layer[2], Storage::Uniform), (layer[3], Storage::Uniform)]);
        }
        let (operator, output) = if conv {
            let window = window([3, 3], [1, 1], [1, 1]);
            (Operator::Conv2d { window, clamp: LINEAR }, vec![1, 3, 4, channels as u32])
        } else {
            (Operator::FullyConnected { clamp: LINEAR }, vec![1, channels as u32])
        };
        let output = build.activation(&name, &output);
        build.operator(&name, operator, &[&[last], &layer[..]].concat(), output);
        (last, depth) = (output, if conv { 12 * channels } else { channels });
    }
    build.model.outputs = vec![last];
    build.finish()
}

/// The weight of a row that its form can hold: few values, few of four, few runs of four, or few at all.
fn weight(storage: Storage, place: usize, row: usize) -> i8 {
    let wild = (((place * 31 + row * 17) * 40_503) >> 7) as u8;
    let value = [-90, -31, -7, 5, 12, 33, 64, 127][usize::from(wild % 8)];
    let told = match storage {
        Storage::Packed => true,
        Storage::Fours => (place + row + place / 4) % 4 == 1,
        Storage::Blocks => (place / 4 * 7 + row).is_multiple_of(3),
        _ => wild.is_multiple_of(5),
    };
    if told { value } else { 0 }
}

/// A chain of random operators in which every kind occurs, with random attributes.
pub fn random(seed: u32) -> Model {
    let mut stream = ocelli_format::SeedStream::new(seed, 0).map(|byte| u32::from(byte as u8));
    let mut random = |below: u32| (stream.next().unwrap() << 8 | stream.next().unwrap()) % below;
    let mut build = Builder::default();
    let mut shape = [1, 4 + random(5), 4 + random(5), 1 + random(3)];
    let mut last = build.activation("image", &shape);
    build.model.inputs = vec![last];
    for index in 0..36 {
        let name = format!("operator {index}");
        let factor =
            Factor { multiplier: (1 << 30) + random(1 << 16) as i32 * 999, shift: random(20) as i8 - 12 };
        let below_one = Factor { shift: -(random(9) as i8), ..factor };
        let clamp = Clamp { min: -(random(100) as i8) - 28, max: random(100) as i8 };
        let [_, height, width, channels] = shape;
        let filter = [1 + random(height.min(3)) as u16, 1 + random(width.min(3)) as u16];
        let stride = [1 + random(2) as u16, 1 + random(2) as u16];
        let padding = filter.map(|size| random(u32::from(size)) as u16);
        let slide = |size: u32, axis: usize| {
            let reach = size + 2 * u32::from(padding[axis]) - u32::from(filter[axis]);
            reach / u32::from(stride[axis]) + 1
        };
        let small = [1, slide(height, 0), slide(width, 1), channels];
        let window = window(filter, stride, padding);
        let mut values = |count: u32| (0..count).map(|_| random(256) as u8 as i8).collect::<Vec<i8>>();
        let (operator, inputs, output): (Operator, Vec<TensorId>, [u32; 4]) = match index % 30 {
            0 => {
                let (outputs, [rows, columns]) = (1 + index % 5, filter.map(u32::from));
                let weights = values(outputs * rows * columns * channels);
                let shape = [outputs, rows, columns, channels];
                let layer = build.layer(&name, &shape, &weights, &vec![-40; outputs as usize], factor);
                let output = [1, small[1], small[2], outputs];
                (Operator::Conv2d { window, clamp }, [&[last], &layer[..]].concat(), output)
            }
            1 => {
                let (outputs, [rows, columns]) = (2 * channels, filter.map(u32::from));
                let weights = values(outputs * rows * columns);
                let shape = [1, rows, columns, outputs];
                let layer = build.layer(&name, &shape, &weights, &vec![7; outputs as usize], factor);
                let output = [1, small[1], small[2], outputs];
                let operator = Operator::DepthwiseConv2d { window, depth_multiplier: 2, clamp };
                (operator, [&[last], &layer[..]].concat(), output)
            }
            2 => (Operator::MaxPool2d { window, clamp }, vec![last], small),
            3 => (Operator::Lookup, vec![last, build.constant(&name, &[256], &values(256))], shape),
            4 => {
                let inputs = [below_one, Factor { shift: -1, ..factor }];
                let other = build.constant(&name, &shape, &values(height * width * channels));
                let output = Factor { shift: -17, ..factor };
                (Operator::Add { left_shift: 20, inputs, output, clamp }, vec![last, other], shape)
            }
            5 => (Operator::Mul { factor, clamp }, vec![last, last], shape),
            6 => {
                let other = build.constant(&name, &[1, height, width, 1], &values(height * width));
                let axis = 3;
                (
                    Operator::Concatenate { axis },
                    vec![last, other, last],
                    [1, height, width, 2 * channels + 1],
                )
            }
            7 => {
                let (before, after, value) = ([0, 1, 0, 2], [0, 0, 3, 1], -7);
                (Operator::Pad { before, after, value }, vec![last], [1, height + 1, width + 3, channels + 3])
            }
            8 => (Operator::Reshape, vec![last], [1, width, height, channels]),
            9 => {
                let (align_corners, half_pixel_centers) = (index > 16, index < 16);
                let operator = Operator::ResizeNearest { align_corners, half_pixel_centers };
                (operator, vec![last], [1, height + 1, width + 2, channels])
            }
            10 => {
                let operator =
                    Operator::ResizeBilinear { align_corners: false, half_pixel_centers: index < 16 };
                (operator, vec![last], [1, height.div_ceil(2), width * 2, channels])
            }
            11 => {
                let slopes = build.constant(&name, &[channels], &values(channels));
                (Operator::Prelu { positive: below_one, negative: factor }, vec![last, slopes], shape)
            }
            20 => {
                // Groups, then pixels two apart and a padding row.
                let weights = values(2 * channels * 4);
                let shape = [2 * channels, 2, 2, 1];
                let grouped = build.layer(&name, &shape, &weights, &vec![9; 2 * channels as usize], factor);
                let middle = build.activation(&format!("grouped {index}"), &[1, height, width, 2 * channels]);
                let same = Window { filter: [2, 2], stride: [1, 1], dilation: [1, 1], padding: [0, 0] };
                let operands = [&[last], &grouped[..]].concat();
                build.operator(
                    &format!("grouped {index}"),
                    Operator::Conv2d { window: same, clamp },
                    &operands,
                    middle,
                );
                let shape = [3, 2, 1, 2 * channels];
                let layer = build.layer(
                    &format!("apart {index}"),
                    &shape,
                    &values(12 * channels),
                    &[3, 2, 1],
                    below_one,
                );
                let window = Window { filter: [2, 1], stride: [2, 1], dilation: [1, 1], padding: [1, 0] };
                let output = [1, 2 * height, width, 3];
                (Operator::TransposeConv2d { window, clamp }, [&[middle], &layer[..]].concat(), output)
            }
            12 => (Operator::AveragePool2d { window, clamp }, vec![last], small),
            13 => (Operator::Mean { factor: below_one }, vec![last], [1, 1, 1, channels]),
            14 => {
                let layer =
                    build.layer(&name, &[5, channels], &values(5 * channels), &[1, 2, 3, 4, 5], factor);
                let output = [1, height, width, 5];
                (Operator::FullyConnected { clamp }, [&[last], &layer[..]].concat(), output)
            }
            15 => {
                let inputs = [below_one, Factor { shift: -2, ..factor }];
                let row = build.constant(&name, &[1, 1, width, 1], &values(width));
                let output = Factor { shift: -16, ..factor };
                (Operator::Sub { left_shift: 20, inputs, output, clamp }, vec![row, last], shape)
            }
            16 => {
                let each = build.constant(&name, &[channels], &values(channels));
                (Operator::Div { factor, clamp }, vec![last, each], shape)
            }
            17 => (Operator::Minimum, vec![last, build.constant(&name, &[1], &values(1))], shape),
            18 => (Operator::Maximum, vec![last, last], shape),
            19 => {
                let inputs = [below_one, Factor { shift: 0, ..factor }];
                let column = build.constant(&name, &[height, 1, 1], &values(height));
                (
                    Operator::SquaredDifference { left_shift: 7, inputs, output: factor },
                    vec![last, column],
                    shape,
                )
            }
            21 => (softmax(), vec![last], shape),
            22 => {
                // Columns back to front, and channels before them.
                let [down, along] = [width * channels, channels].map(|stride| stride as i32);
                let strides = [0, down, 1, -along, 0, 0];
                let start = (width - 1) * channels;
                (Operator::Rearrange { start, strides }, vec![last], [1, height, channels, width])
            }
            23 => {
                let indices: Vec<i32> = (0..width as i32 + 2).map(|place| place % width as i32).collect();
                let indices = build.constant_32(&name, &indices);
                (Operator::Gather { axis: 2 }, vec![last, indices], [1, height, width + 2, channels])
            }
            24 => {
                let positions =
                    |extent: u32| (0..5).map(|place| (extent as i32 - 1) * 256 * place).collect::<Vec<i32>>();
                let rows = build.constant_32(&name, &positions(height));
                let columns = build.constant_32(&name, &positions(width));
                (Operator::Interpolate, vec![last, rows, columns], [1, 5, 5, channels])
            }
            25 => (Operator::Sum { factor: below_one }, vec![last], [1, 1, 1, channels]),
            26 => (Operator::ArgMax { last: index > 30 }, vec![last], [1, 1, 1, channels]),
            27 => {
                let matrix = build.constant(&name, &[4, channels], &values(4 * channels));
                let operator = Operator::BatchMatmul { right_transposed: true, factor: below_one };
                (operator, vec![last, matrix], [1, height, width, 4])
            }
            28 => {
                let table = build.constant_32(&name, &vec![1 << 20; 257]);
                let (before, after, shift, offset) = (1, 2, 3, 1 << 40);
                let operator = Operator::LocalResponseNormalization { before, after, shift, offset };
                (operator, vec![last, table], shape)
            }
            _ => {
                let table = build.constant_32(&name, &vec![1 << 20; 257]);
                let gains = build.constant_32(&name, &vec![1 << 16; channels as usize]);
                let (centered, shift, offset, gain_bits) = (true, 2, 77, 12);
                let operator = Operator::Normalize { centered, shift, offset, gain_bits };
                (operator, vec![last, table, gains, gains], shape)
            }
        };
        shape = output;
        let result = build.activation(&format!("result {index}"), &shape);
        build.model.tensors.last_mut().unwrap().zero_point = (index * 31 % 256) as u8 as i8;
        build.operator(&name, operator, &inputs, result);
        last = result;
    }
    last = on_int16(&mut build, last, shape, &mut random);
    build.model.name = format!("random {seed}");
    build.model.outputs = vec![last];
    build.finish()
}

/// Everything that is done on int16, there and back.
fn on_int16(
    build: &mut Builder,
    input: TensorId,
    [_, height, width, channels]: [u32; 4],
    random: &mut impl FnMut(u32) -> u32,
) -> TensorId {
    let clamp = WideClamp { min: -(random(30_000) as i16) - 1, max: random(30_000) as i16 };
    let wider = Factor { multiplier: (1 << 30) + random(1 << 16) as i32, shift: 5 };
    let factor = Factor { shift: -(random(9) as i8), ..wider };
    let mut weights = |count: u32| (0..count).map(|_| random(256) as u8 as i8).collect::<Vec<i8>>();
    let (height, width, channels) = (height + 1, width + 1, channels + 1);
    let one = window([1, 1], [1, 1], [0, 0]);
    let mut last = build.wide_activation("wide", &[1, height - 1, width - 1, channels - 1]);
    build.operator("widen", Operator::Requantize { factor: wider }, &[input], last);
    let mut next = |build: &mut Builder, operator, others: &[TensorId], shape: &[u32]| {
        let output = build.wide_activation(&format!("wide {operator:?}"), shape);
        build.operator("wide", operator, &[&[last], others].concat(), output);
        last = output;
        output
    };
    let pad = Operator::Pad { before: [0, 1, 0, 1], after: [0, 0, 1, 0], value: 0 };
    next(build, pad, &[], &[1, height, width, channels]);
    let layer = build.wide_layer(
        "wide conv",
        &[2, 1, 1, channels],
        &weights(2 * channels),
        &[-(1 << 40), 77],
        factor,
    );
    next(build, Operator::WideConv2d { window: one, clamp }, &layer, &[1, height, width, 2]);
    let layer = build.wide_layer("wide depthwise", &[1, 1, 1, 4], &weights(4), &[1, -2, 3, -4], factor);
    let depthwise = Operator::WideDepthwiseConv2d { window: one, depth_multiplier: 2, clamp };
    next(build, depthwise, &layer, &[1, height, width, 4]);
    next(build, Operator::WideMaxPool2d { window: one, clamp }, &[], &[1, height, width, 4]);
    let pooled = next(build, Operator::WideAveragePool2d { window: one, clamp }, &[], &[1, height, width, 4]);
    let inputs = [HALF, Factor { shift: -3, ..HALF }];
    let add = Operator::WideAdd { left_shift: 15, inputs, output: Factor { shift: -14, ..HALF }, clamp };
    next(build, add, &[pooled], &[1, height, width, 4]);
    next(build, Operator::Concatenate { axis: 3 }, &[pooled], &[1, height, width, 8]);
    next(build, Operator::Reshape, &[], &[height * width, 8]);
    let layer = build.wide_layer("wide connected", &[3, 8], &weights(24), &[1 << 41, 0, -5], factor);
    let flat = next(build, Operator::WideFullyConnected { clamp }, &layer, &[height * width, 3]);
    let output = build.activation("narrow", &[1, height, width, 3]);
    let narrower = Factor { shift: -(wider.shift + 2), ..wider };
    build.operator("narrow", Operator::Requantize { factor: narrower }, &[flat], output);
    output
}
