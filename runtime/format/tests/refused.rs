//! Each way in which a model can be wrong has its own error, with the place.

mod sample;

use ocelli_format::model::*;
use ocelli_format::*;
use sample::{Builder, LINEAR, ONE, relaid, whole, window};

/// What the reader says about the sample after a change.
fn refused(change: impl FnOnce(&mut Model)) -> ParseError {
    let mut model = whole();
    change(&mut model);
    match write(&model) {
        Err(WriteError::Invalid { error, .. }) => error,
        other => panic!("{:?}", other.map(|bytes| bytes.len())),
    }
}

/// What the writer says about the sample after a change.
fn unwritable(change: impl FnOnce(&mut Model)) -> WriteError {
    let mut model = whole();
    change(&mut model);
    write(&model).unwrap_err()
}

/// The window of the first convolution, for changes.
fn first_window(model: &mut Model) -> &mut Window {
    match &mut model.operators[0].operator {
        Operator::Conv2d { window, .. } => window,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tensors() {
    assert_eq!(refused(|model| model.tensors[3].shape[1] = 0), ParseError::Shape { tensor: 3 });
    assert_eq!(
        refused(|model| model.tensors[2].shape = vec![1 << 15, 1 << 14]),
        ParseError::Shape { tensor: 2 }
    );
    let short = refused(|model| model.tensors[12].data.as_mut().unwrap().truncate(5));
    assert_eq!(short, ParseError::Constant { tensor: 12, needed_bytes: 18, available_bytes: 5 });
    let ranks = unwritable(|model| model.tensors[0].shape = vec![1; 7]);
    assert_eq!(ranks, WriteError::TooMany { what: "axes", count: 7, limit: 6 });
}

#[test]
fn an_unknown_encoding_names_its_tensor() {
    let mut bytes = AlignedBytes::copy_of(&write(&whole()).unwrap());
    // Section table entry 1 is the tensors; byte 3 of a record is its storage.
    let tensors = u32::from_le_bytes(bytes[64 + 16 + 4..][..4].try_into().unwrap()) as usize;
    bytes[tensors + 12 * 40 + 3] = 9;
    let checksum = crc32(&bytes[16..]).to_le_bytes();
    bytes[12..16].copy_from_slice(&checksum);
    let error = Artefact::parse(&bytes).unwrap_err();
    assert_eq!(error, ParseError::Encoding { tensor: 12, code: 9 });
    assert_eq!(error.to_string(), "tensor 12 is stored in encoding 9, which this reader cannot decode");
}

#[test]
fn ports() {
    let unknown = ParseError::UnknownTensor { section: Section::Ports, tensor: 999 };
    assert_eq!(refused(|model| model.inputs.push(999)), unknown);
    assert_eq!(refused(|model| model.outputs[0] = 12), ParseError::Port { tensor: 12 });
    assert_eq!(refused(|model| model.states[0].next = 0), ParseError::Port { tensor: 1 });
}

#[test]
fn operands() {
    let unknown = ParseError::UnknownTensor { section: Section::Operators, tensor: 500 };
    assert_eq!(refused(|model| model.operators[3].inputs[0] = 500), unknown);
    let missing = refused(|model| model.operators[0].inputs.truncate(4));
    assert_eq!(missing, ParseError::OperandCount { operator: 0 });
    let two_results = refused(|model| model.operators[2].outputs.push(0));
    assert_eq!(two_results, ParseError::OperandCount { operator: 2 });
    let bias_of_bytes = refused(|model| model.operators[0].inputs[2] = 12);
    assert_eq!(bias_of_bytes, ParseError::Operand { operator: 0, operand: 2 });
    let computed_weights = refused(|model| model.operators[4].inputs[1] = 2);
    assert_eq!(computed_weights, ParseError::Operand { operator: 4, operand: 1 });
    let result_is_constant = refused(|model| model.operators[0].outputs[0] = 12);
    assert_eq!(result_is_constant, ParseError::Operand { operator: 0, operand: 5 });
}

#[test]
fn shapes_that_do_not_fit_together() {
    let geometry = |operator| ParseError::Geometry { operator };
    assert_eq!(refused(|model| first_window(model).filter = [3, 2]), geometry(0));
    assert_eq!(refused(|model| first_window(model).padding = [3, 1]), geometry(0));
    assert_eq!(refused(|model| first_window(model).stride = [2, 1]), geometry(0));
    let channels = |model: &mut Model| {
        if let Operator::DepthwiseConv2d { depth_multiplier, .. } = &mut model.operators[1].operator {
            *depth_multiplier = 2;
        }
    };
    assert_eq!(refused(channels), geometry(1));
    let filters = |model: &mut Model| model.operators[2].inputs[1] = model.operators[0].inputs[1];
    assert_eq!(refused(filters), geometry(2));
    assert_eq!(refused(|model| model.operators[4].inputs[0] = 0), geometry(4));
    assert_eq!(refused(|model| model.operators[6].outputs[0] = 0), geometry(6));
    assert_eq!(refused(|model| model.operators[3].operator = Operator::Reshape), geometry(3));
    let pad = Operator::Pad { before: [0, 1, 0, 0], after: [0, 1, 1, 0], value: 0 };
    assert_eq!(refused(|model| model.operators[3].operator = pad), geometry(3));
    assert_eq!(refused(|model| model.operators[3].operator = Operator::Concatenate { axis: 3 }), geometry(3));
    assert_eq!(refused(|model| model.operators[3].operator = Operator::Concatenate { axis: 9 }), geometry(3));
}

#[test]
fn attributes_out_of_range() {
    let attribute = |operator| ParseError::Attribute { operator };
    assert_eq!(refused(|model| first_window(model).dilation = [0, 1]), attribute(0));
    assert_eq!(refused(|model| first_window(model).stride = [1, 0]), attribute(0));
    let factor = |multiplier, shift| {
        move |model: &mut Model| {
            let factor = Factor { multiplier, shift };
            model.operators[3].operator = Operator::Mean { factor };
        }
    };
    assert_eq!(refused(factor(1, 0)), attribute(3));
    assert_eq!(refused(factor(-1, 0)), attribute(3));
    assert_eq!(refused(factor(1 << 30, 31)), attribute(3));
    assert_eq!(refused(factor(1 << 30, -32)), attribute(3));
    let clamp = Clamp { min: 1, max: 0 };
    let dense = Operator::FullyConnected { clamp };
    assert_eq!(refused(|model| model.operators[4].operator = dense), attribute(4));
    let both = Operator::ResizeNearest { align_corners: true, half_pixel_centers: true };
    assert_eq!(refused(|model| model.operators[3].operator = both), attribute(3));
    let multiplier = |model: &mut Model| model.tensors[14].data.as_mut().unwrap()[3] = 1;
    assert_eq!(refused(multiplier), attribute(0));
    assert_eq!(refused(|model| model.tensors[15].data.as_mut().unwrap()[1] = 31), attribute(0));
}

#[test]
fn places() {
    let placement = |tensor| ParseError::Placement { schedule: 0, tensor };
    let place = |tensor: usize, place: Option<u32>| {
        move |model: &mut Model| model.schedules[0].placements[tensor] = place
    };
    assert_eq!(refused(place(2, None)), placement(2));
    assert_eq!(refused(place(2, Some(8))), placement(2));
    assert_eq!(refused(place(12, Some(0))), placement(12));
    let last = whole().schedules[0].arena_bytes - 16;
    assert_eq!(refused(place(11, Some(last))), placement(11));
    assert_eq!(refused(|model| model.schedules[0].arena_bytes -= 16), placement(11));
    let over_input = refused(|model| model.schedules[0].placements[2] = Some(0));
    assert_eq!(over_input, ParseError::Overlap { schedule: 0, step: 0 });
    // The pool may not work in place, and the addition only wholly.
    let half = |model: &mut Model| {
        model.schedules[0].placements[4] = Some(model.schedules[0].placements[3].unwrap() + 16)
    };
    assert_eq!(refused(half), ParseError::Overlap { schedule: 0, step: 2 });
    let scratch = |scratch| {
        move |model: &mut Model| {
            model.schedules[0].steps[3] =
                Step::Operator(OperatorStep { operator: 3, scratch, layouts: vec![] });
        }
    };
    let overlap = ParseError::Overlap { schedule: 0, step: 3 };
    let joined = whole().schedules[0].placements[4].unwrap();
    assert_eq!(refused(scratch([joined, 1])), overlap);
    assert_eq!(refused(scratch([u32::MAX - 15, 16])), overlap);
    assert_eq!(refused(scratch([8, 8])), overlap);
}

#[test]
fn steps() {
    let step = ParseError::Step { schedule: 0, step: 1 };
    let with = |operator, layouts| {
        move |model: &mut Model| {
            model.schedules[0].steps[1] = Step::Operator(OperatorStep { operator, scratch: [0, 0], layouts });
        }
    };
    assert_eq!(refused(with(77, vec![])), step);
    let relaid = |operand, layout| Relaid { operand, layout, data: vec![0; 4] };
    assert_eq!(refused(with(1, vec![relaid(0, 1)])), step, "an activation");
    assert_eq!(refused(with(1, vec![relaid(9, 1)])), step);
    assert_eq!(refused(with(1, vec![relaid(1, 0)])), step);
    assert_eq!(refused(with(1, vec![relaid(1, 7), relaid(1, 8)])), step);
    let trips = |model: &mut Model| match &mut model.schedules[1].steps[0] {
        Step::RowGroup { trips, .. } => *trips = 0,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(trips), ParseError::Value { section: Section::Schedule, .. }));
    let ring = |ring| {
        |model: &mut Model| match &mut model.schedules[1].steps[0] {
            Step::RowGroup { rings, .. } => rings.insert(0, ring),
            other => panic!("{other:?}"),
        }
    };
    let too_high = Ring { tensor: 2, rows: 5 };
    assert_eq!(refused(ring(too_high)), ParseError::Placement { schedule: 1, tensor: 2 });
}

#[test]
fn contracts() {
    let input = |tensor| ParseError::Contract { section: Section::InputContracts, contract: 0, tensor };
    assert_eq!(refused(|model| model.input_contracts[0].tensor = 2), input(2));
    assert_eq!(refused(|model| model.input_contracts[0].layout = PixelLayout::Rgb), input(0));
    assert_eq!(refused(|model| model.input_contracts[0].tables.clear()), input(0));
    let twice = |model: &mut Model| model.input_contracts.push(model.input_contracts[0].clone());
    let second = ParseError::Contract { section: Section::InputContracts, contract: 1, tensor: 0 };
    assert_eq!(refused(twice), second);

    let output =
        |contract, tensor| ParseError::Contract { section: Section::OutputContracts, contract, tensor };
    let labels = |model: &mut Model| match &mut model.output_contracts[0] {
        OutputContract::Classes { labels, .. } => labels.truncate(2),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(labels), output(0, 8));
    let boxes = |change: fn(&mut Boxes)| {
        refused(|model| match &mut model.output_contracts[1] {
            OutputContract::Boxes(boxes) => change(boxes),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(boxes(|boxes| boxes.heads[0].first_score = 1), output(1, 10));
    assert_eq!(boxes(|boxes| boxes.heads[0].first_box = u32::MAX), output(1, 11));
    assert_eq!(boxes(|boxes| boxes.heads[0].scores = 7), output(1, 7));
    assert_eq!(boxes(|boxes| boxes.has_background = true), output(1, 10));
    let value = |error| matches!(error, ParseError::Value { section: Section::OutputContracts, .. });
    let plain = |contract: usize, change: fn(&mut OutputContract)| {
        refused(|model| change(&mut model.output_contracts[contract]))
    };
    let points = |change: fn(&mut Points)| {
        refused(|model| match &mut model.output_contracts[2] {
            OutputContract::Points(points) => change(points),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(points(|points| points.stride = 1), output(2, 11));
    assert_eq!(points(|points| points.presence = Some(3)), output(2, 3));
    assert_eq!(points(|points| points.fields[1].multiplier = 1 << 23), output(2, 11));
    assert!(matches!(points(|points| drop(points.names.pop())), ParseError::Contract { contract: 2, .. }));
    for contract in [3, 5] {
        let cells = |change: fn(&mut Cells)| {
            refused(|model| match &mut model.output_contracts[contract] {
                OutputContract::Mask(cells) | OutputContract::Spots(cells) => change(cells),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(cells(|cells| drop(cells.labels.pop())), output(contract as u16, 11));
        assert_eq!(cells(|cells| cells.tensor = 8), output(contract as u16, 8));
    }
    assert_eq!(plain(4, |contract| *contract = OutputContract::Embedding { tensor: 2 }), output(4, 2));
    let numbers = |fields| OutputContract::Numbers { tensor: 8, fields, names: vec![] };
    assert_eq!(refused(|model| model.output_contracts[6] = numbers(vec![])), output(6, 8));
    assert_eq!(refused(|model| model.output_contracts[6] = numbers(vec![Field::default(); 4])), output(6, 8));
    assert!(value(boxes(|boxes| boxes.field_order = [0, 1, 2, 2])));
    assert!(value(boxes(|boxes| boxes.field_order = [8, 1, 2, 3])));
    assert!(value(boxes(|boxes| boxes.labels.clear())));
    assert!(value(boxes(|boxes| boxes.keypoints.clear())));
    assert!(value(boxes(|boxes| boxes.decoder = BoxDecoder::Linear)));
    assert!(value(boxes(|boxes| boxes.decoder = BoxDecoder::Cells)));
    assert!(value(boxes(|boxes| boxes.decoder = BoxDecoder::Distribution { bins: 4 })));
    assert!(value(boxes(|boxes| boxes.heads[0].value_tables[3] = None)));
    assert!(value(boxes(|boxes| boxes.heads[0].first_centre[1] = 1 << 26)));
    assert!(value(boxes(|boxes| boxes.heads[0].step[0] = 0)));
    assert_eq!(boxes(|boxes| boxes.heads[0].objectness.as_mut().unwrap().first = 1), output(1, 10));
    assert!(value(boxes(|boxes| boxes.heads[0].rows = 0)));
    assert!(value(boxes(|boxes| boxes.heads[0].anchors[0][0] = 0)));
    assert!(value(boxes(|boxes| boxes.heads[0].fields[5].multiplier = 1 << 23)));
    assert!(value(boxes(|boxes| boxes.heads[0].fields[0].offset = -(1 << 30))));
}

#[test]
fn the_self_test_needs_a_seed() {
    let seed = |seed, shift| {
        move |model: &mut Model| {
            model.self_test = Some(SelfTest { seed, shift, output_crc32: 1 });
        }
    };
    let value = |error| matches!(error, ParseError::Value { section: Section::SelfTest, .. });
    assert!(value(refused(seed(0, 0))));
    assert!(value(refused(seed(1, 8))));
}

#[test]
fn the_writer_walks_every_schedule() {
    let lost = |profile: &str, step, tensor: &str| WriteError::Clobbered {
        profile: profile.into(),
        step,
        tensor: tensor.into(),
    };
    // `edges` is read by steps 1 and 2; the pool's result in its place is too late to harm.
    let mut fine = whole();
    fine.schedules[0].placements[5] = fine.schedules[0].placements[2];
    assert!(write(&fine).is_ok());
    // The state is only read at step 5.
    let early = unwritable(|model| model.schedules[0].placements[5] = model.schedules[0].placements[1]);
    assert_eq!(early, lost("portable", 5, "memory"));
    let shared = unwritable(|model| model.schedules[0].placements[1] = Some(0));
    assert_eq!(shared, lost("portable", 0, "memory"));
    let swapped = unwritable(|model| model.schedules[0].steps.swap(0, 1));
    assert_eq!(swapped, lost("portable", 0, "edges"));
    let output = unwritable(|model| model.schedules[0].placements[11] = model.schedules[0].placements[8]);
    assert_eq!(output, lost("portable", 10, "classes"));
    let dropped = unwritable(|model| model.schedules[0].steps.truncate(9));
    assert_eq!(dropped, WriteError::NotOnce { profile: "portable".into(), operator: "box head".into() });
}

#[test]
fn layouts_hold_the_constants_and_are_not_missing() {
    let changed = |change: &dyn Fn(&mut Vec<Relaid>)| {
        let mut model = relaid();
        let Step::Operator(step) = &mut model.schedules[0].steps[4] else { panic!("a group") };
        change(&mut step.layouts);
        write(&model)
    };
    let other = WriteError::Layout { profile: "cortex-m4".into(), operator: "dense".into() };
    assert_eq!(changed(&|layouts| layouts[0].data[5] ^= 1), Err(other.clone()));
    assert_eq!(changed(&|layouts| layouts[0].data.truncate(7)), Err(other));
    assert_eq!(changed(&|layouts| layouts.clear()).map(|_| ()), Ok(()), "then they are stored");

    // A step that has lost its layout, in a file that has the weights nowhere else.
    let mut bytes = AlignedBytes::copy_of(&changed(&|_| {}).unwrap());
    // Section table entry 7 is the schedule: 16 bytes, the places, then steps of 16 bytes, whose second counts layouts.
    let schedule = u32::from_le_bytes(bytes[64 + 7 * 16 + 4..][..4].try_into().unwrap()) as usize;
    bytes[schedule + 16 + 4 * whole().tensors.len() + 4 * 16 + 1] = 0;
    let checksum = crc32(&bytes[16..]).to_le_bytes();
    bytes[12..16].copy_from_slice(&checksum);
    assert_eq!(Artefact::parse(&bytes).unwrap_err(), ParseError::Step { schedule: 0, step: 4 });
}

#[test]
fn messages_name_the_layer() {
    let error = unwritable(|model| first_window(model).filter = [3, 2]);
    assert_eq!(error.to_string(), "the shapes of operator 0 do not fit together (`conv`)");
    let error = unwritable(|model| model.schedules[0].placements[2] = None);
    assert_eq!(error.to_string(), "schedule 0 has no valid place in its arena for tensor 2 (`edges`)");
}

#[test]
fn work_is_counted() {
    let bytes = AlignedBytes::copy_of(&write(&whole()).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let macs: Vec<u64> = (0..10).map(|id| artefact.multiply_accumulates(id)).collect();
    assert_eq!(macs, [16 * 2 * 9, 16 * 2 * 9, 0, 0, 24, 0, 0, 8, 0, 48]);
    assert_eq!(artefact.work(3), 8 * 4);

    let mut build = Builder::default();
    let image = build.activation("image", &[1, 1, 1, 1]);
    let layer = build.layer("wide", &[1, 1, 1, 1], &[1], &[0], ONE);
    let clamp = LINEAR;
    let operator = Operator::Conv2d { window: window([65_535; 2], [1, 1], [65_534; 2]), clamp };
    let output = build.activation("output", &[1, 1, 1, 1]);
    build.operator("vast", operator, &[&[image], &layer[..]].concat(), output);
    let error = write(&build.finish()).unwrap_err();
    assert!(
        matches!(error, WriteError::Invalid { error: ParseError::Geometry { operator: 0 }, .. }),
        "{error}"
    );
}
