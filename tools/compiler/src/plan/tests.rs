//! Plans of small models whose best arena is known by hand.

use ocelli_format::model::{Element, Model, Node, Step, Tensor};
use ocelli_format::{Clamp, Factor, Operator, Window};

use super::*;

const WHOLE: Clamp = Clamp { min: -128, max: 127 };
const ONE: Factor = Factor { multiplier: 1 << 30, shift: 1 };

fn add() -> Operator {
    Operator::Add { left_shift: 20, inputs: [ONE; 2], output: ONE, clamp: WHOLE }
}

fn tensor(bytes: u32) -> Tensor {
    let name = format!("{bytes} bytes");
    Tensor { name, element: Element::I8, shape: vec![bytes], scale_bits: 0, zero_point: 0, data: None }
}

fn model(sizes: &[u32], nodes: &[(Operator, &[u16], u16)], outputs: &[u16]) -> Model {
    Model {
        name: "test".into(),
        tensors: sizes.iter().map(|&bytes| tensor(bytes)).collect(),
        operators: nodes
            .iter()
            .map(|(operator, inputs, output)| Node {
                name: format!("makes {output}"),
                operator: *operator,
                inputs: inputs.to_vec(),
                outputs: vec![*output],
            })
            .collect(),
        inputs: vec![0],
        outputs: outputs.to_vec(),
        ..Model::default()
    }
}

#[test]
fn a_dying_operand_is_overwritten() {
    let model =
        model(&[64, 64, 64], &[(Operator::Concatenate { axis: 0 }, &[0], 1), (add(), &[0, 1], 2)], &[2]);
    let plan = plan(&model).unwrap();
    assert_eq!(plan.arena_bytes, 128);
    assert!(plan.placements[2] == plan.placements[0] || plan.placements[2] == plan.placements[1]);
}

#[test]
fn an_operand_that_is_read_later_is_kept() {
    let nodes: &[(Operator, &[u16], u16)] = &[(Operator::Lookup, &[0], 1), (add(), &[0, 1], 2)];
    let model = model(&[64, 64, 64], nodes, &[1, 2]);
    let plan = plan(&model).unwrap();
    // 1 is an output, so the sum may only take the place of 0.
    assert_ne!(plan.placements[0], plan.placements[1]);
    assert_eq!(plan.placements[2], plan.placements[0]);
    assert_eq!(plan.arena_bytes, 128);
}

#[test]
fn the_last_operator_overwrites_no_output() {
    let mut model =
        model(&[64, 64, 64, 256], &[(Operator::Lookup, &[0, 3], 1), (Operator::Lookup, &[1, 3], 2)], &[1, 2]);
    model.tensors[3].data = Some((0..=255).collect());
    let plan = plan(&model).unwrap();
    assert_ne!(plan.placements[1], plan.placements[2]);
    model.schedules.push(plan);
    assert_eq!(ocelli_format::write(&model).err(), None);
}

#[test]
fn a_reshape_may_be_read_under_both_shapes() {
    let both = Operator::Concatenate { axis: 0 };
    let nodes: &[(Operator, &[u16], u16)] =
        &[(Operator::Lookup, &[0, 4], 1), (Operator::Reshape, &[1], 2), (both, &[1, 2], 3)];
    let mut model = model(&[64, 64, 64, 128, 256], nodes, &[3]);
    model.tensors[4].data = Some((0..=255).collect());
    let plan = plan(&model).unwrap();
    assert_eq!(plan.placements[1], plan.placements[2]);
    model.schedules.push(plan);
    assert_eq!(ocelli_format::write(&model).err(), None);
}

#[test]
fn a_tensor_added_to_itself_is_not_overwritten() {
    let model = model(&[32, 32], &[(add(), &[0, 0], 1)], &[1]);
    let plan = plan(&model).unwrap();
    assert_ne!(plan.placements[0], plan.placements[1]);
}

#[test]
fn a_reshape_shares_bytes_even_while_its_operand_lives() {
    let nodes: &[(Operator, &[u16], u16)] =
        &[(Operator::Reshape, &[0], 1), (Operator::Concatenate { axis: 0 }, &[0, 1], 2)];
    let model = model(&[64, 64, 128], nodes, &[2]);
    let plan = plan(&model).unwrap();
    assert_eq!(plan.placements[0], plan.placements[1]);
    assert_eq!(plan.arena_bytes, 192);
}

#[test]
fn what_a_reshape_shares_is_not_overwritten_while_the_other_is_read() {
    let nodes: &[(Operator, &[u16], u16)] = &[
        (Operator::Reshape, &[0], 1),
        (Operator::Lookup, &[1], 2),
        (Operator::Concatenate { axis: 0 }, &[0, 2], 3),
    ];
    let model = model(&[64, 64, 64, 128], nodes, &[3]);
    let plan = plan(&model).unwrap();
    assert_ne!(plan.placements[2], plan.placements[0]);
}

#[test]
fn a_small_last_buffer_needs_no_padding() {
    let model = model(&[640, 10], &[(Operator::Concatenate { axis: 0 }, &[0], 1)], &[1]);
    assert_eq!(plan(&model).unwrap().arena_bytes, 650);
    assert_eq!(floor(&model).unwrap(), Floor { bytes: 650, is_least: true });
}

#[test]
fn steps_follow_the_order_of_the_model() {
    let nodes: &[(Operator, &[u16], u16)] = &[(Operator::Lookup, &[0], 1), (Operator::Lookup, &[1], 2)];
    let plan = plan(&model(&[16, 16, 16], nodes, &[2])).unwrap();
    let order: Vec<u16> = plan
        .steps
        .iter()
        .map(|step| match step {
            Step::Operator(step) => step.operator,
            _ => panic!("no row groups are planned"),
        })
        .collect();
    assert_eq!(order, [0, 1]);
    assert_eq!((plan.arena_bytes, plan.scratch_bytes), (16, 0));
}

#[test]
fn branches_run_one_after_the_other() {
    // Two branches widen and narrow again; the model's own order widens both first.
    let concatenate = Operator::Concatenate { axis: 0 };
    let nodes: &[(Operator, &[u16], u16)] = &[
        (concatenate, &[0], 1),
        (concatenate, &[0], 2),
        (concatenate, &[1], 3),
        (concatenate, &[2], 4),
        (concatenate, &[3, 4], 5),
    ];
    let model = model(&[16, 1024, 1024, 16, 16, 32], nodes, &[5]);
    assert_eq!(floor(&model).unwrap(), Floor { bytes: 16 + 1024 + 16, is_least: true });
    let plan = plan(&model).unwrap();
    assert_eq!((plan.arena_bytes, plan.scratch_bytes), (1056, 0));
}

/// The least peak over all orders, by trying them all.
fn least_peak_of_all(model: &Model, values: &values::Values, order: &mut Vec<usize>, best: &mut u64) {
    let count = model.operators.len();
    if order.len() == count {
        *best = (*best).min(values.peak_bytes(order));
        return;
    }
    let mut set = vec![0];
    order.iter().for_each(|&operator| set[0] |= 1 << operator);
    for operator in values.ready(&set).collect::<Vec<_>>() {
        order.push(operator);
        least_peak_of_all(model, values, order, best);
        order.pop();
    }
}

#[test]
fn no_order_of_a_random_graph_has_a_lower_peak_and_buffers_agree() {
    let mut random = ocelli_format::SeedStream::new(11, 0).map(|byte| usize::from(byte as u8));
    let mut below = |bound: usize| random.next().unwrap() % bound;
    let mut improved = 0;
    for _ in 0..300 {
        let count = 3 + below(5);
        let sizes: Vec<u32> = (0..=count).map(|_| 16 * [1, 4, 4, 9, 30][below(5)]).collect();
        let operands: Vec<Vec<u16>> =
            (0..count).map(|index| (0..1 + below(2)).map(|_| below(index + 1) as u16).collect()).collect();
        let nodes: Vec<(Operator, &[u16], u16)> = operands
            .iter()
            .enumerate()
            .map(|(index, operands)| {
                let operator = match (below(4), operands.len()) {
                    (0, 2) => add(),
                    (1, 1) => Operator::Lookup,
                    (2, 1) => Operator::Reshape,
                    _ => Operator::Concatenate { axis: 0 },
                };
                (operator, &operands[..], index as u16 + 1)
            })
            .collect();
        let model = model(&sizes, &nodes, &[count as u16]);
        let values = values::Values::of(&model).unwrap();
        let own: Vec<usize> = (0..count).collect();
        let mut best = values.peak_bytes(&own);
        improved += u32::from(floor(&model).unwrap().bytes < best);
        least_peak_of_all(&model, &values, &mut vec![], &mut best);
        assert_eq!(floor(&model).unwrap(), Floor { bytes: best, is_least: true }, "{nodes:?}");
        // The buffers of that order are as large.
        let order = order::least_peak(&model).unwrap().operators;
        let buffers = lifetimes(&model, &order, &[]).unwrap();
        let live =
            |step| buffers.iter().filter(|buffer| buffer.is_live(step)).map(|buffer| buffer.bytes).sum();
        assert_eq!((0..count).map(live).max(), Some(best), "{nodes:?} {order:?}");
    }
    assert!(improved > 20, "{improved}");
}

/// A convolution of three rows, SAME.
fn three_rows(stride: u16) -> Operator {
    let padding = [u16::from(stride == 1), 0];
    let window = Window { filter: [3, 1], stride: [stride, 1], dilation: [1, 1], padding };
    Operator::Conv2d { window, clamp: WHOLE }
}

/// A model of images `[1, height, 16, 1]`.
fn images(heights: &[u32], nodes: &[(Operator, &[u16], u16)], outputs: &[u16]) -> Model {
    let mut model = model(heights, nodes, outputs);
    for (tensor, &height) in model.tensors.iter_mut().zip(heights) {
        tensor.shape = vec![1, height, 16, 1];
    }
    model
}

#[test]
fn rings_hold_what_is_still_wanted() {
    // Two convolutions beside a residual connection: the sum of row y waits for two more rows of 1.
    let nodes: &[(Operator, &[u16], u16)] = &[
        (Operator::Lookup, &[0], 1),
        (three_rows(1), &[1], 2),
        (three_rows(1), &[2], 3),
        (add(), &[1, 3], 4),
    ];
    let model = images(&[8; 5], nodes, &[4]);
    let order = [0, 1, 2, 3];
    let group = Group::new(&model, &order, 0..4, 1, false).unwrap();
    let first_trips: Vec<u16> = group.paces.iter().map(|pace| pace.first_trip).collect();
    assert_eq!((first_trips, group.trips), (vec![0, 1, 2, 2], 10));
    let rings: Vec<_> = group.rings.iter().map(|(&id, ring)| (id, ring.rows, ring.is_fleeting)).collect();
    assert_eq!(rings, [(1, 3, false), (2, 3, false), (3, 1, true)]);
    // The sum grows over the input, which is read two rows ahead.
    assert_eq!(group.overlay, Some([0, 4]));
    // Two rows a turn: half of the turns, longer rings.
    let group = Group::new(&model, &order, 0..4, 2, false).unwrap();
    let rings: Vec<_> = group.rings.values().map(|ring| ring.rows).collect();
    assert_eq!((rings, group.turns(&model, &order)), (vec![6, 5, 2], 16));
}

#[test]
fn strides_slow_what_follows_and_a_streamed_input_sets_the_pace() {
    let nodes: &[(Operator, &[u16], u16)] = &[(three_rows(2), &[0], 1), (three_rows(2), &[1], 2)];
    let model = images(&[12, 5, 2], nodes, &[2]);
    let group = Group::new(&model, &[0, 1], 0..2, 1, true).unwrap();
    let paces: Vec<_> = group.paces.iter().map(|pace| (pace.first_trip, pace.period)).collect();
    assert_eq!(paces, [(2, 2), (6, 4)]);
    let rings: Vec<_> = group.rings.iter().map(|(&id, ring)| (id, ring.rows)).collect();
    assert_eq!(rings, [(0, 3), (1, 3)]);
    // The twelfth row is read by nobody and comes all the same.
    assert_eq!((group.trips, group.streamed), (12, Some(0)));
    let whole = Group::new(&model, &[0, 1], 0..2, 1, false).unwrap();
    let paces: Vec<_> = whole.paces.iter().map(|pace| (pace.first_trip, pace.period)).collect();
    assert_eq!(paces, [(0, 1), (2, 2)]);
    // What cannot compute rows, or is wanted elsewhere, is in no group or no ring.
    let nodes: &[(Operator, &[u16], u16)] = &[(Operator::Reshape, &[0], 1), (three_rows(1), &[1], 2)];
    assert_eq!(Group::new(&images(&[8; 3], nodes, &[2]), &[0, 1], 0..2, 1, false), None);
    let nodes: &[(Operator, &[u16], u16)] = &[(Operator::Lookup, &[0], 1), (three_rows(1), &[1], 2)];
    assert_eq!(Group::new(&images(&[8; 3], nodes, &[1, 2]), &[0, 1], 0..2, 1, false), None);
}

#[test]
fn a_budget_is_kept_or_said_to_be_too_small() {
    let nodes: &[(Operator, &[u16], u16)] =
        &[(three_rows(1), &[0], 1), (three_rows(1), &[1], 2), (three_rows(2), &[2], 3)];
    let mut model = images(&[16, 16, 16, 7], nodes, &[3]);
    // Weights, bias, multipliers and shifts, which only their number matters of.
    model.tensors.push(Tensor { data: Some(vec![0; 3]), shape: vec![1, 3, 1, 1], ..tensor(3) });
    let constants = [4; 4];
    model.operators.iter_mut().for_each(|node| node.inputs.extend(constants));
    let whole = plan(&model).unwrap();
    assert!(whole.steps.iter().all(|step| matches!(step, Step::Operator(_))));
    let budget = |ram_bytes| Budget { ram_bytes: Some(ram_bytes), streams_input: false };
    let striped = plan_within(&model, &budget(420), Profile::Portable).unwrap();
    assert!(
        striped.arena_bytes <= 420 && 420 < whole.arena_bytes,
        "{} {}",
        striped.arena_bytes,
        whole.arena_bytes
    );
    assert!(striped.steps.iter().any(|step| matches!(step, Step::RowGroup { .. })));
    let Err(PlanError::Budget { budget_bytes: 64, needed_bytes, .. }) =
        plan_within(&model, &budget(64), Profile::Portable)
    else {
        panic!("64 bytes do not hold the input")
    };
    assert!((256..=420).contains(&needed_bytes), "{needed_bytes}");
    let streamed = Budget { ram_bytes: Some(280), streams_input: true };
    assert!(plan_within(&model, &streamed, Profile::Portable).unwrap().arena_bytes <= 280);
    model.outputs.push(0);
    assert!(matches!(plan_within(&model, &streamed, Profile::Portable), Err(PlanError::Stream { .. })));
}

#[test]
fn nothing_and_disorder_are_errors() {
    assert!(matches!(plan(&model(&[16], &[], &[0])), Err(PlanError::Empty { .. })));
    let nodes: &[(Operator, &[u16], u16)] = &[(Operator::Lookup, &[2], 1), (Operator::Lookup, &[0], 2)];
    assert!(matches!(plan(&model(&[16, 16, 16], nodes, &[1])), Err(PlanError::Order { .. })));
}

#[test]
fn more_than_an_arena_can_hold_is_an_error() {
    let huge = u32::MAX;
    let nodes: &[(Operator, &[u16], u16)] = &[(Operator::Concatenate { axis: 0 }, &[0], 1)];
    assert!(matches!(plan(&model(&[huge, huge], nodes, &[1])), Err(PlanError::TooLarge { .. })));
}
