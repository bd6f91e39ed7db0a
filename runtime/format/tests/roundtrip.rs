//! What the writer wrote, the reader reads, and the other way round.

mod sample;

use ocelli_format::model::Model;
use ocelli_format::*;

fn parsed<T>(model: &Model, look: impl FnOnce(&Artefact<'_>) -> T) -> T {
    let bytes = AlignedBytes::copy_of(&write(model).unwrap());
    look(&Artefact::parse(&bytes).unwrap())
}

#[test]
fn a_model_comes_back_whole() {
    let model = sample::whole();
    parsed(&model, |artefact| {
        assert_eq!(Model::from_artefact(artefact), model);
        assert_eq!(write(&Model::from_artefact(artefact)).unwrap(), artefact.bytes());
        assert_eq!(artefact.answer_id(), answer_id(artefact));
    });
}

#[test]
fn random_models_come_back_whole() {
    for seed in 1..200 {
        let model = sample::random(seed);
        parsed(&model, |artefact| {
            assert_eq!(Model::from_artefact(artefact), model, "seed {seed}");
            assert_eq!(write(&Model::from_artefact(artefact)).unwrap(), artefact.bytes());
            assert_eq!(artefact.answer_id(), answer_id(artefact));
        });
    }
}

#[test]
fn stripping_keeps_the_answer() {
    let model = sample::whole();
    let whole = write(&model).unwrap();
    let stripped = write(&strip(&model, "cortex-m55").unwrap()).unwrap();
    assert!(stripped.len() < whole.len());
    assert_eq!(stripped[32..64], whole[32..64], "the answer id");
    parsed(&strip(&model, "cortex-m4").unwrap(), |artefact| {
        assert_eq!(artefact.schedules().map(|schedule| schedule.profile()).collect::<Vec<_>>(), ["portable"]);
        assert_eq!((artefact.name(), artefact.tensor_name(0), artefact.operator_name(0)), ("whole", "", ""));
        assert_eq!(artefact.provenance().count(), 0);
        assert_eq!(artefact.output_contracts().count(), 7);
    });
    let mut elsewhere = model;
    elsewhere.schedules.remove(0);
    assert_eq!(strip(&elsewhere, "cortex-m4"), None);
}

#[test]
fn constants_that_stand_only_in_layouts_come_back() {
    let model = sample::relaid();
    let id = parsed(&sample::whole(), |artefact| artefact.answer_id());
    parsed(&model, |artefact| {
        assert_eq!(Model::from_artefact(artefact), model);
        assert_eq!((artefact.answer_id(), answer_id(artefact)), (id, id));
        for operator in [0, 4] {
            let weights = artefact.operator(operator).input(1);
            assert_eq!(artefact.tensor(weights).data(), Some(&[][..]), "stored once");
            assert_eq!(
                artefact.values(weights).as_deref(),
                model.tensors[usize::from(weights)].data.as_deref()
            );
        }
    });
    // With a schedule that reads them as they are, they are there.
    let mut both = sample::whole();
    both.schedules.extend(model.schedules);
    parsed(&both, |artefact| {
        let weights = artefact.tensor(artefact.operator(0).input(1));
        assert_eq!((weights.data().map(<[u8]>::len), artefact.answer_id()), (Some(18), id));
    });
}

#[test]
fn the_answer_id_knows_what_counts() {
    let id = |change: &dyn Fn(&mut Model)| {
        let mut model = sample::whole();
        change(&mut model);
        parsed(&model, |artefact| artefact.answer_id())
    };
    let same = id(&|_| {});
    assert_eq!(id(&|model| model.name = "other".into()), same);
    assert_eq!(id(&|model| model.self_test = None), same);
    assert_eq!(id(&|model| model.schedules[0].arena_bytes += 64), same);
    assert_ne!(id(&|model| model.tensors[12].data.as_mut().unwrap()[0] += 1), same);
    assert_ne!(id(&|model| model.tensors[2].zero_point = 1), same);
    assert_ne!(id(&|model| model.input_contracts.clear()), same);
}

#[test]
fn equal_constants_are_stored_once_and_aligned() {
    let model = sample::whole();
    parsed(&model, |artefact| {
        let starts = artefact.tensors().filter_map(|tensor| tensor.data()).map(|data| data.as_ptr().addr());
        let starts: Vec<usize> = starts.collect();
        assert!(starts.iter().all(|start| start % ALIGNMENT == 0));
        let mut distinct = starts.clone();
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() < starts.len(), "both first layers have the same multipliers");
    });
}

#[test]
fn views_say_what_the_model_says() {
    parsed(&sample::whole(), |artefact| {
        assert_eq!((artefact.name(), artefact.version()), ("whole", "1.2.3"));
        assert_eq!(
            (artefact.input_index(0), artefact.output_index(10), artefact.output_index(0)),
            (Some(0), Some(1), None)
        );
        let contract = artefact.input_contracts().next().unwrap();
        assert_eq!((contract.table(2)[0], contract.table(0)[255]), (-128, 127));
        let OutputContractView::Boxes(boxes) = artefact.output_contracts().nth(1).unwrap() else { panic!() };
        assert_eq!((boxes.score_columns(), boxes.box_columns(), boxes.heads().len()), (1, 6, 1));
        let head = boxes.heads().next().unwrap();
        assert_eq!((head.anchor_count(), head.field_count()), (4, 6));
        assert_eq!(head.field(3), Field { multiplier: 1003, offset: -3 });
        assert_eq!(head.field(6), Field::default());
        let group = artefact.schedule_for("cortex-m55").unwrap().step(0).unwrap();
        let StepView::RowGroup(group) = group else { panic!() };
        let first = group.inner().next().unwrap();
        assert_eq!(first.step.layout_of(1).unwrap().data, (0..21).collect::<Vec<u8>>());
        assert_eq!(first.step.layout_of(0), None);
        // Ids that the artefact did not give out.
        assert_eq!((artefact.tensor(9999).bytes(), artefact.operator(9999).inputs.len()), (1, 0));
        assert_eq!(
            (artefact.tensor_name(9999), artefact.schedule_for("portable").unwrap().placement(9999)),
            ("", None)
        );
    });
}

#[test]
fn a_parsed_artefact_is_small() {
    // On a 32-bit device every pointer and length is half as large.
    assert!(size_of::<Artefact<'_>>() < 300, "{}", size_of::<Artefact<'_>>());
    assert!(size_of::<ParseError>() <= 16, "{}", size_of::<ParseError>());
}

#[test]
fn what_a_build_script_has_parsed_is_known_by_its_checksum() {
    let bytes = AlignedBytes::copy_of(&write(&sample::whole()).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let checksum = artefact.checksum();
    let built = Artefact::parse_built(&bytes, checksum).unwrap();
    assert_eq!(Model::from_artefact(&built), Model::from_artefact(&artefact));
    assert_eq!(built.output_contracts().count(), artefact.output_contracts().count());
    // Sound bytes of another model, and bytes that changed in flash.
    let other = AlignedBytes::copy_of(&write(&sample::stored()).unwrap());
    let computed = Artefact::parse(&other).unwrap().checksum();
    let refused = Artefact::parse_built(&other, checksum).unwrap_err();
    assert_eq!(refused, ParseError::Checksum { stored: checksum, computed });
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    let refused = Artefact::parse_built(&changed, checksum).unwrap_err();
    assert!(
        matches!(refused, ParseError::Checksum { stored, computed } if stored == checksum && computed != checksum)
    );
}

/// Bytes that were never parsed stay harmless, even where their checksum is given: everything reads as something.
#[test]
fn bytes_that_nobody_has_checked_are_harmless() {
    let whole = AlignedBytes::copy_of(&write(&sample::whole()).unwrap());
    for at in 16..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let checksum = crc32(&bytes[16..]);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        if let Ok(artefact) = Artefact::parse_built(&bytes, checksum) {
            let tensors =
                artefact.tensors().map(|tensor| tensor.data().map_or(0, <[u8]>::len) + tensor.bytes());
            let _ = tensors.fold(0, usize::wrapping_add);
            artefact.operators().for_each(|operator| _ = operator.operator());
            let steps = artefact.schedules().map(|schedule| schedule.steps().count());
            assert!(steps.sum::<usize>() <= bytes.len());
            let _ = (artefact.states().count(), artefact.self_test(), artefact.name());
            let _ = (artefact.input_contracts().count(), artefact.output_contracts().count());
        }
    }
}
