//! Small models whose answers can be worked out by hand.

#[path = "../../format/tests/sample/mod.rs"]
mod sample;

use ocelli_core::Infer;
use ocelli_engine::{Plan, PlanError, SelfTestError, operators, ops};
use ocelli_format::model::{Model, OperatorStep, Step};
use ocelli_format::{AlignedBytes, Artefact, Clamp, Factor, Operator, OperatorKind, write};
use sample::{Builder, HALF, LINEAR, ONE, add, softmax, window};

/// Plans a model with all operators, and hands plan and artefact on.
fn planned<T>(model: &Model, look: impl FnOnce(&mut Plan<'_>) -> T) -> T {
    let bytes = AlignedBytes::copy_of(&write(model).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut arena = AlignedBytes::zeros(artefact.schedule_for("portable").unwrap().arena_bytes as usize);
    let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    look(&mut plan)
}

/// The outputs of a model of one input.
fn outputs(model: &Model, input: &[i8]) -> Vec<Vec<i8>> {
    planned(model, |plan| {
        plan.input(0).unwrap().copy_from_slice(input);
        plan.infer();
        (0..).map_while(|index| plan.output(index).map(<[i8]>::to_vec)).collect()
    })
}

/// A model of one operator, its operands built by `operands`.
fn single(
    operator: Operator,
    input: &[u32],
    output: &[u32],
    operands: impl FnOnce(&mut Builder) -> Vec<u16>,
) -> Model {
    let mut build = Builder::default();
    let input = build.activation("input", input);
    let constants = operands(&mut build);
    let output = build.activation("output", output);
    build.operator("only", operator, &[&[input], &constants[..]].concat(), output);
    build.model.inputs = vec![input];
    build.model.outputs = vec![output];
    build.finish()
}

#[test]
fn a_convolution_sums_its_neighbourhood() {
    let operator = Operator::Conv2d { window: window([3, 3], [1, 1], [1, 1]), clamp: LINEAR };
    let model = single(operator, &[1, 3, 3, 1], &[1, 3, 3, 1], |build| {
        build.layer("sum", &[1, 3, 3, 1], &[1; 9], &[10], ONE).to_vec()
    });
    let expected = [12, 21, 16, 27, 45, 33, 24, 39, 28].map(|sum| sum + 10);
    assert_eq!(outputs(&model, &[1, 2, 3, 4, 5, 6, 7, 8, 9]), [expected]);
}

#[test]
fn zero_points_count() {
    let operator = Operator::Conv2d { window: window([1, 1], [1, 1], [0, 0]), clamp: LINEAR };
    let mut model = single(operator, &[1, 1, 2, 1], &[1, 1, 2, 1], |build| {
        build.layer("twice", &[1, 1, 1, 1], &[2], &[0], ONE).to_vec()
    });
    model.tensors[0].zero_point = 3;
    model.tensors.last_mut().unwrap().zero_point = -5;
    // 2 * (x - 3) - 5.
    assert_eq!(outputs(&model, &[3, 10]), [[-5, 9]]);
}

#[test]
fn a_depthwise_convolution_keeps_channels_apart() {
    let window = window([1, 2], [1, 1], [0, 0]);
    let operator =
        Operator::DepthwiseConv2d { window, depth_multiplier: 2, clamp: Clamp { min: -10, max: 100 } };
    let model = single(operator, &[1, 1, 3, 1], &[1, 1, 2, 2], |build| {
        build.layer("pairs", &[1, 1, 2, 2], &[1, 1, 1, -1], &[0, 1], ONE).to_vec()
    });
    // Channel 0 adds neighbours, channel 1 subtracts them and adds 1; then the clamp.
    assert_eq!(outputs(&model, &[60, 70, 5]), [[100, -9, 75, 66]]);
}

#[test]
fn pools_ignore_what_lies_outside() {
    let window = window([2, 2], [2, 2], [1, 1]);
    let image = [1, 2, 3, 4, 5, 6, 7, 8, 10];
    let most =
        single(Operator::MaxPool2d { window, clamp: LINEAR }, &[1, 3, 3, 1], &[1, 2, 2, 1], |_| vec![]);
    assert_eq!(outputs(&most, &image), [[1, 3, 7, 10]]);
    let mean =
        single(Operator::AveragePool2d { window, clamp: LINEAR }, &[1, 3, 3, 1], &[1, 2, 2, 1], |_| vec![]);
    // Means of 1; of 2, 3; of 4, 7; of 5, 6, 8, 10: 2.5, 5.5 and 7.25 to the nearest, halves away from zero.
    assert_eq!(outputs(&mean, &image), [[1, 3, 6, 7]]);
}

#[test]
fn a_mean_takes_height_and_width_together() {
    let model = single(Operator::Mean { factor: ONE }, &[1, 2, 2, 2], &[1, 2], |_| vec![]);
    assert_eq!(outputs(&model, &[1, 10, 2, 20, 3, 30, 6, 40]), [[3, 25]]);
}

#[test]
fn a_fully_connected_layer_multiplies_rows() {
    let model = single(Operator::FullyConnected { clamp: LINEAR }, &[2, 3], &[2, 2], |build| {
        build.layer("dense", &[2, 3], &[1, 0, -1, 2, 2, 2], &[0, 4], HALF).to_vec()
    });
    // (1 - 3) / 2, (12 + 4) / 2; (6 - 0) / 2, (10 + 4) / 2.
    assert_eq!(outputs(&model, &[1, 2, 3, 6, -1, 0]), [[-1, 8, 3, 7]]);
}

#[test]
fn shapes_are_moved_about() {
    let pad = Operator::Pad { before: [0, 1, 0, 0], after: [0, 0, 2, 0], value: 9 };
    let model = single(pad, &[1, 1, 2, 1], &[1, 2, 4, 1], |_| vec![]);
    assert_eq!(outputs(&model, &[1, 2]), [[9, 9, 9, 9, 1, 2, 9, 9]]);

    let nearest = Operator::ResizeNearest { align_corners: false, half_pixel_centers: false };
    let model = single(nearest, &[1, 1, 2, 1], &[1, 2, 4, 1], |_| vec![]);
    assert_eq!(outputs(&model, &[1, 2]), [[1, 1, 2, 2, 1, 1, 2, 2]]);

    let bilinear = Operator::ResizeBilinear { align_corners: true, half_pixel_centers: false };
    let model = single(bilinear, &[1, 1, 2, 1], &[1, 1, 3, 1], |_| vec![]);
    assert_eq!(outputs(&model, &[10, 20]), [[10, 15, 20]]);

    // The second column of both rows, back to front, twice.
    let rearrange = Operator::Rearrange { start: 3, strides: [0, -2, 0, 0, 0, 0] };
    let model = single(rearrange, &[1, 2, 2], &[2, 2], |_| vec![]);
    assert_eq!(outputs(&model, &[1, 2, 3, 4]), [[4, 2, 4, 2]]);

    let gather = Operator::Gather { axis: 1 };
    let model = single(gather, &[1, 2, 2], &[1, 3, 2], |build| vec![build.constant_32("order", &[1, 0, 1])]);
    assert_eq!(outputs(&model, &[1, 2, 3, 4]), [[3, 4, 1, 2, 3, 4]]);

    let model = single(Operator::Interpolate, &[1, 1, 2, 1], &[1, 1, 3, 1], |build| {
        vec![build.constant_32("rows", &[0]), build.constant_32("columns", &[256, 512, 1024])]
    });
    // A quarter of 10 and three of 0: 2.5, away from zero.
    assert_eq!(outputs(&model, &[0, 10]), [[3, 5, 10]]);

    let prelu = Operator::Prelu { positive: ONE, negative: HALF };
    let model = single(prelu, &[1, 2, 2], &[1, 2, 2], |build| vec![build.constant("slopes", &[2], &[1, -2])]);
    assert_eq!(outputs(&model, &[7, 8, -10, -20]), [[7, 8, -5, 20]]);
}

#[test]
fn tensors_are_joined_along_any_axis() {
    let mut build = Builder::default();
    let image = build.activation("image", &[1, 2, 2, 1]);
    let fixed = build.constant("fixed", &[1, 2, 2, 2], &[10, 11, 12, 13, 14, 15, 16, 17]);
    let deep = build.activation("deep", &[1, 2, 2, 4]);
    build.operator("deepen", Operator::Concatenate { axis: 3 }, &[image, fixed, image], deep);
    let tall = build.activation("tall", &[1, 4, 2, 1]);
    build.operator("stack", Operator::Concatenate { axis: 1 }, &[image, image], tall);
    build.model.inputs = vec![image];
    build.model.outputs = vec![deep, tall];
    let outputs = outputs(&build.finish(), &[1, 2, 3, 4]);
    assert_eq!(outputs[0], [1, 10, 11, 1, 2, 12, 13, 2, 3, 14, 15, 3, 4, 16, 17, 4]);
    assert_eq!(outputs[1], [1, 2, 3, 4, 1, 2, 3, 4]);
}

#[test]
fn sums_and_products_work_in_place_and_on_one_operand_twice() {
    let mut build = Builder::default();
    let input = build.activation("input", &[1, 4]);
    let ones = build.constant("ones", &[1, 4], &[1, 1, 1, -3]);
    let sum = build.activation("sum", &[1, 4]);
    build.operator("add", add(), &[input, ones], sum);
    let twice = build.in_place("twice", &[1, 4], sum);
    build.operator("double", add(), &[sum, sum], twice);
    let product = build.in_place("product", &[1, 4], twice);
    build.operator("multiply", Operator::Mul { factor: HALF, clamp: LINEAR }, &[input, twice], product);
    build.model.inputs = vec![input];
    build.model.outputs = vec![product];
    // x * 2 (x + 1) / 2; the last x * 2 (x - 3) / 2.
    assert_eq!(outputs(&build.finish(), &[1, 2, -3, 4]), [[2, 6, 6, 4]]);
}

#[test]
fn softmax_of_equal_logits_shares_alike() {
    let model = single(softmax(), &[2, 4], &[2, 4], |_| vec![]);
    let outputs = outputs(&model, &[5, 5, 5, 5, 127, -128, -128, -128]);
    assert_eq!(outputs, [[-64, -64, -64, -64, 127, -128, -128, -128]]);
}

#[test]
fn a_lookup_is_indexed_by_the_bits() {
    let table: Vec<i8> = (0..=255u8).map(|bits| (bits as i8).wrapping_neg()).collect();
    let model = single(Operator::Lookup, &[3], &[3], |build| vec![build.constant("negate", &[256], &table)]);
    assert_eq!(outputs(&model, &[-1, 0, 100]), [[1, 0, -100]]);
}

#[test]
fn reshapes_copy_or_stay() {
    let mut build = Builder::default();
    let input = build.activation("input", &[2, 3]);
    let copied = build.activation("copied", &[6]);
    build.operator("copy", Operator::Reshape, &[input], copied);
    let stayed = build.in_place("stayed", &[3, 2], copied);
    build.operator("stay", Operator::Reshape, &[copied], stayed);
    build.model.inputs = vec![input];
    build.model.outputs = vec![stayed];
    assert_eq!(outputs(&build.finish(), &[1, 2, 3, 4, 5, 6]), [[1, 2, 3, 4, 5, 6]]);
}

#[test]
fn states_carry_over_and_reset() {
    let mut build = Builder::default();
    let input = build.activation("input", &[2]);
    let state = build.activation("total", &[2]);
    let next = build.activation("next total", &[2]);
    build.operator("accumulate", add(), &[state, input], next);
    build.model.inputs = vec![input];
    build.model.outputs = vec![next];
    build.model.states = vec![ocelli_format::State { tensor: state, next }];
    planned(&build.finish(), |plan| {
        let mut run = || {
            plan.input(0).unwrap().copy_from_slice(&[3, -2]);
            plan.infer();
            plan.output(0).unwrap().to_vec()
        };
        assert_eq!([run(), run(), run()], [[3, -2], [6, -4], [9, -6]]);
        plan.reset();
        plan.input(0).unwrap().copy_from_slice(&[1, 1]);
        plan.infer();
        assert_eq!(plan.output(0).unwrap(), [1, 1]);
    });
}

#[test]
fn steps_one_by_one_are_a_run() {
    let model = sample::whole();
    planned(&model, |plan| {
        plan.input(0).unwrap().copy_from_slice(&[9, -9, 50, 3, 2, 1, 0, 7, 7, 7, -30, 99, 4, 4, 4, 4]);
        let input = plan.input(0).unwrap().to_vec();
        for step in 0..plan.step_count() {
            assert_eq!(plan.step_operator(step), Some(step as u16));
            plan.run_step(step);
        }
        plan.carry_states();
        let stepped: Vec<_> = (0..3).map(|index| plan.output(index).unwrap().to_vec()).collect();
        let logits = plan.tensor(7).unwrap().to_vec();
        plan.reset();
        plan.input(0).unwrap().copy_from_slice(&input);
        plan.infer();
        let whole: Vec<_> = (0..3).map(|index| plan.output(index).unwrap().to_vec()).collect();
        assert_eq!(whole, stepped);
        assert_eq!(plan.tensor(7).unwrap(), logits);
        assert_eq!(plan.input(1), None);
        assert_eq!((plan.output(3), plan.step_operator(99)), (None, None));
    });
}

#[test]
fn an_arena_one_byte_too_small_is_refused() {
    let bytes = AlignedBytes::copy_of(&write(&sample::whole()).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let needed_bytes = artefact.schedule_for("portable").unwrap().arena_bytes;
    let mut arena = AlignedBytes::zeros(needed_bytes as usize + 16);
    let short = &mut arena[..needed_bytes as usize - 1];
    let error = Plan::new(&artefact, "portable", operators::ALL, short).unwrap_err();
    assert_eq!(error, PlanError::ArenaTooSmall { needed_bytes, available_bytes: needed_bytes - 1 });
    let shifted = &mut arena[4..];
    let error = Plan::new(&artefact, "portable", operators::ALL, shifted).unwrap_err();
    assert_eq!(error, PlanError::ArenaMisaligned { remainder_bytes: 4 });
    let plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    assert_eq!(plan.release().len(), needed_bytes as usize + 16);
}

#[test]
fn a_missing_operator_is_named() {
    let bytes = AlignedBytes::copy_of(&write(&sample::whole()).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut arena = AlignedBytes::zeros(4096);
    let some = ops![Conv2d, DepthwiseConv2d, Add, FullyConnected, Lookup, Softmax];
    let error = Plan::new(&artefact, "portable", some, &mut arena).unwrap_err();
    assert_eq!(error, PlanError::MissingOperator { operator: 3, kind: OperatorKind::MaxPool2d });
    let with_pool = ops![Conv2d, DepthwiseConv2d, Add, FullyConnected, Lookup, Softmax, MaxPool2d];
    assert!(Plan::new(&artefact, "portable", with_pool, &mut arena).is_ok());
}

#[test]
fn what_this_engine_cannot_follow_is_refused() {
    let model = sample::whole();
    let bytes = AlignedBytes::copy_of(&write(&model).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut arena = AlignedBytes::zeros(4096);
    let error = Plan::new(&artefact, "cortex-m55", operators::ALL, &mut arena).unwrap_err();
    assert_eq!(error, PlanError::LayoutUnsupported { step: 0, operand: 1, layout: 3 });
    let without = ops![Conv2d, DepthwiseConv2d, Add, FullyConnected, Lookup, Softmax, MaxPool2d];
    let error = Plan::new(&artefact, "cortex-m55", without, &mut arena).unwrap_err();
    assert_eq!(error, PlanError::MissingRowGroups { step: 0 });
    assert!(Plan::new(&artefact, "cortex-m4", operators::ALL, &mut arena).is_ok(), "falls back to portable");

    let mut relaid = model.clone();
    let layouts = vec![ocelli_format::model::Relaid { operand: 1, layout: 7, data: vec![1, 2, 3] }];
    relaid.schedules[0].steps[1] = Step::Operator(OperatorStep { operator: 1, scratch: [0, 0], layouts });
    let bytes = AlignedBytes::copy_of(&write(&relaid).unwrap());
    let error =
        Plan::new(&Artefact::parse(&bytes).unwrap(), "portable", operators::ALL, &mut arena).unwrap_err();
    assert_eq!(error, PlanError::LayoutUnsupported { step: 1, operand: 1, layout: 7 });

    let only = ocelli_format::strip(&model, "cortex-m55").unwrap();
    let bytes = AlignedBytes::copy_of(&write(&only).unwrap());
    let error =
        Plan::new(&Artefact::parse(&bytes).unwrap(), "cortex-m4", operators::ALL, &mut arena).unwrap_err();
    assert_eq!(error, PlanError::MissingSchedule);
}

#[test]
fn the_kernel_has_the_last_word() {
    // The reader has no opinion on rows of a softmax; the kernel sums at most 4,095 exponentials.
    let model = single(softmax(), &[1, 4096], &[1, 4096], |_| vec![]);
    let bytes = AlignedBytes::copy_of(&write(&model).unwrap());
    let mut arena = AlignedBytes::zeros(8192);
    let error =
        Plan::new(&Artefact::parse(&bytes).unwrap(), "portable", operators::ALL, &mut arena).unwrap_err();
    assert_eq!(error, PlanError::Kernel { operator: 0, error: ocelli_kernels::KernelError::TooLarge });
}

#[test]
fn the_self_test_tells_right_from_wrong() {
    let mut model = sample::whole();
    let test = model.self_test.as_mut().unwrap();
    let computed = planned(&sample::whole(), |plan| plan.output_crc32(7, 1));
    test.output_crc32 = computed;
    planned(&model, |plan| {
        assert_eq!(plan.self_test(), Ok(()));
        plan.infer();
        assert_eq!(plan.self_test(), Ok(()), "states do not spoil it");
    });
    model.self_test.as_mut().unwrap().output_crc32 ^= 1;
    let expected = computed ^ 1;
    planned(&model, |plan| assert_eq!(plan.self_test(), Err(SelfTestError::Outputs { expected, computed })));
    model.self_test = None;
    planned(&model, |plan| assert_eq!(plan.self_test(), Err(SelfTestError::Missing)));
}

#[test]
fn factors_of_layers_are_read_per_channel() {
    let operator = Operator::FullyConnected { clamp: LINEAR };
    let mut model = single(operator, &[1], &[1, 3], |build| {
        build.layer("dense", &[3, 1], &[1, 1, 1], &[0; 3], ONE).to_vec()
    });
    let of = |factors: [Factor; 3]| {
        let multipliers = factors.iter().flat_map(|factor| factor.multiplier.to_le_bytes()).collect();
        (multipliers, factors.iter().map(|factor| factor.shift as u8).collect())
    };
    let (multipliers, shifts): (Vec<u8>, Vec<u8>) = of([ONE, HALF, Factor { multiplier: 3 << 29, shift: 1 }]);
    model.tensors[3].data = Some(multipliers);
    model.tensors[4].data = Some(shifts);
    assert_eq!(outputs(&model, &[40]), [[40, 20, 60]]);
}
