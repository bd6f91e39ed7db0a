//! Bytes into the artefact reader: it may refuse them, and whatever it accepts must be readable to the end.
#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use ocelli_format::{AlignedBytes, Artefact, OutputContractView};
use ocelli_fuzz::with_valid_header;

fuzz_target!(|bytes: &[u8]| {
    // As they come: header and checksum. Then past the checksum.
    if let Ok(artefact) = Artefact::parse(&AlignedBytes::copy_of(bytes)) {
        read_everything(&artefact);
    }
    if let Ok(artefact) = Artefact::parse(&with_valid_header(bytes)) {
        read_everything(&artefact);
    }
});

fn read_everything(artefact: &Artefact<'_>) {
    black_box((artefact.name(), artefact.version(), artefact.answer_id(), artefact.self_test()));
    black_box(artefact.signature());
    artefact.provenance().for_each(|pair| drop(black_box(pair)));
    for (id, tensor) in artefact.tensors().enumerate() {
        black_box((artefact.tensor_name(id as u16), tensor.bytes(), tensor.values(), tensor.values_i32()));
    }
    for (id, operator) in artefact.operators().enumerate() {
        let id = id as u16;
        black_box((
            artefact.operator_name(id),
            operator,
            artefact.multiply_accumulates(id),
            artefact.work(id),
        ));
    }
    artefact.states().for_each(|state| drop(black_box(state)));
    for contract in artefact.input_contracts() {
        black_box((artefact.tensor(contract.tensor), contract.table(0), contract.table(2)));
    }
    for contract in artefact.output_contracts() {
        match contract {
            OutputContractView::Classes(classes) => {
                drop(black_box((artefact.tensor(classes.tensor), classes.labels.len())))
            }
            OutputContractView::Boxes(boxes) => {
                for head in boxes.heads() {
                    black_box((head.anchor_count(), head.field_count(), head.field(head.field_count())));
                }
            }
            other => drop(black_box(other)),
        }
    }
    for schedule in artefact.schedules() {
        black_box(schedule.profile());
        for id in 0..artefact.tensor_count() as u16 {
            black_box(schedule.placement(id));
        }
        schedule.steps().for_each(|step| drop(black_box(step)));
    }
}
