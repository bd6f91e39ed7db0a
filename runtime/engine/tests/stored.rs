//! Weights in every form give the answers of dense ones, and what is broken is refused when planning.

#[path = "../../format/tests/sample/mod.rs"]
mod sample;

use ocelli_engine::{Plan, PlanError, operators, ops};
use ocelli_format::model::{Model, Step};
use ocelli_format::{AlignedBytes, Artefact, OperatorKind, ScheduleView, Storage, crc32, write};
use ocelli_kernels::KernelError;

fn artefact(model: &Model) -> AlignedBytes {
    AlignedBytes::copy_of(&write(model).unwrap())
}

/// The checksum of all outputs; the last operator's are those that all others lead to.
fn answer(bytes: &[u8], operators: operators::Operators) -> Result<u32, PlanError> {
    let artefact = Artefact::parse(bytes).unwrap();
    let mut arena = AlignedBytes::zeros(artefact.schedules().next().unwrap().arena_bytes as usize);
    Plan::new(&artefact, ScheduleView::PORTABLE, operators, &mut arena)
        .map(|mut plan| plan.output_crc32(9, 0))
}

#[test]
fn forms_change_no_answer() {
    let mut model = sample::stored();
    let outputs = model.operators.iter().map(|node| node.outputs[0]);
    model.outputs = outputs.collect();
    let dense = Model { storage: Default::default(), ..model.clone() };
    let expected = answer(&artefact(&dense), operators::ALL).unwrap();
    assert_eq!(answer(&artefact(&model), operators::ALL), Ok(expected));
    // With scratch for tiles of a few rows, and for no whole row.
    for scratch_bytes in [3000, 5200, 6800, 10_000] {
        let mut with_scratch = model.clone();
        let schedule = &mut with_scratch.schedules[0];
        let start = schedule.arena_bytes;
        schedule.arena_bytes += scratch_bytes;
        schedule.scratch_bytes = scratch_bytes;
        for step in &mut schedule.steps {
            if let Step::Operator(step) = step {
                step.scratch = [start, scratch_bytes];
            }
        }
        assert_eq!(answer(&artefact(&with_scratch), operators::ALL), Ok(expected), "{scratch_bytes} bytes");
    }
}

#[test]
fn a_firmware_links_the_forms_that_it_names() {
    let bytes = artefact(&sample::stored());
    let dense_only = answer(&bytes, ops![Conv2d, FullyConnected]).unwrap_err();
    let (kind, storage) = (OperatorKind::Conv2d, Storage::Packed);
    assert_eq!(dense_only, PlanError::MissingStorage { operator: 0, kind, storage });
    assert!(dense_only.to_string().contains("name Conv2dPacked in ops!"), "{dense_only}");
    let all = ops![; Conv2dPacked, Conv2dFours, Conv2dBlocks, Conv2dSparse, Conv2dCoded, FullyConnectedPacked,
        FullyConnectedFours, FullyConnectedBlocks, FullyConnectedSparse, FullyConnectedCoded];
    assert!(answer(&bytes, all).is_ok());
    let without_one = ops![; Conv2dPacked, Conv2dFours, Conv2dBlocks, Conv2dSparse, Conv2dCoded, FullyConnectedPacked,
        FullyConnectedFours, FullyConnectedBlocks, FullyConnectedSparse];
    let (kind, storage) = (OperatorKind::FullyConnected, Storage::Coded);
    assert_eq!(answer(&bytes, without_one), Err(PlanError::MissingStorage { operator: 9, kind, storage }));
}

#[test]
fn broken_codes_are_refused_when_planning() {
    let model = sample::stored();
    let whole = artefact(&model);
    for (operator, node) in (0..).zip(&model.operators) {
        let mut bytes = whole.clone();
        let data = Artefact::parse(&bytes).unwrap().tensor(node.inputs[1]).data().unwrap();
        let at = data.as_ptr().addr() - bytes.as_ptr().addr();
        // Rows of another length, which is in every form's header.
        bytes[at] ^= 1;
        let checksum = crc32(&bytes[16..]).to_le_bytes();
        bytes[12..16].copy_from_slice(&checksum);
        let parsed = Artefact::parse(&bytes).unwrap();
        assert!(parsed.check_layers().is_err());
        assert_eq!(
            answer(&bytes, operators::ALL),
            Err(PlanError::Kernel { operator, error: KernelError::Codes })
        );
    }
}
