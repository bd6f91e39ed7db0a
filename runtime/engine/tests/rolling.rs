//! Row groups give the bits of whole tensors, and groups that cannot are refused.

#[path = "../../format/tests/sample/mod.rs"]
mod sample;

use ocelli_core::Infer;
use ocelli_engine::{Plan, PlanError, operators};
use ocelli_format::model::{Model, Ring, RowStep, Step};
use ocelli_format::{AlignedBytes, Artefact, SeedStream, write};

/// The sample with a row group whose layers stand in canonical layouts.
fn rolling() -> Model {
    let mut model = sample::whole();
    let (_, inner, _) = group(&mut model);
    inner.iter_mut().for_each(|row| row.step.layouts.clear());
    model
}

/// Trips, inner steps and rings of the sample's row group.
fn group(model: &mut Model) -> (&mut u16, &mut Vec<RowStep>, &mut Vec<Ring>) {
    match &mut model.schedules[1].steps[0] {
        Step::RowGroup { trips, inner, rings } => (trips, inner, rings),
        other => panic!("{other:?}"),
    }
}

fn planned<T>(model: &Model, look: impl FnOnce(Result<Plan<'_>, PlanError>) -> T) -> T {
    let bytes = AlignedBytes::copy_of(&write(model).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut arena = AlignedBytes::zeros(4096);
    arena.fill(0xA5);
    look(Plan::new(&artefact, "cortex-m55", operators::ALL, &mut arena))
}

fn outputs(plan: &Plan<'_>) -> Vec<Vec<i8>> {
    (0..3).map(|index| plan.output(index).unwrap().to_vec()).collect()
}

#[test]
fn rolled_rows_have_the_bits_of_whole_tensors() {
    let bytes = AlignedBytes::copy_of(&write(&rolling()).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut arenas = [AlignedBytes::zeros(4096), AlignedBytes::zeros(4096)];
    let [whole, rolled] = &mut arenas;
    let mut whole = Plan::new(&artefact, "portable", operators::ALL, whole).unwrap();
    let mut rolled = Plan::new(&artefact, "cortex-m55", operators::ALL, rolled).unwrap();
    for seed in 1..50 {
        let mut stream = SeedStream::new(seed, 0);
        whole.fill_input(0, || stream.next().unwrap());
        whole.infer();
        let mut stream = SeedStream::new(seed, 0);
        rolled.fill_input(0, || stream.next().unwrap());
        rolled.infer();
        assert_eq!(outputs(&rolled), outputs(&whole), "seed {seed}");
    }
    assert_eq!(rolled.output_crc32(3, 1), whole.output_crc32(3, 1));
}

#[test]
fn a_streamed_input_takes_its_rows_in_order() {
    planned(&rolling(), |plan| {
        let mut plan = plan.unwrap();
        assert_eq!(plan.input(0), None, "it never exists as a whole");
        assert_eq!(plan.input_row(0, 1, 4), None, "the second row first");
        assert_eq!(plan.input_row(0, 0, 5), None, "a row too long");
        let rows = [[1, 2, 3, 4], [50, -6, 7, 8], [9, 10, -11, 12], [13, 14, 15, -16]];
        let mut run = |given_up: usize| {
            for (row, values) in rows.iter().enumerate().take(given_up).chain(rows.iter().enumerate()) {
                plan.input_row(0, row, 4).unwrap().copy_from_slice(values);
                plan.input_row_filled(0);
            }
            assert_eq!(plan.input_row(0, 4, 4), None, "there are four");
            plan.infer();
            let outputs = outputs(&plan);
            plan.reset();
            outputs
        };
        let whole = run(0);
        // Images that are given up on leave nothing behind.
        assert_eq!([run(1), run(2), run(3), run(4)], [(); 4].map(|()| whole.clone()));
        plan.infer();
    });
}

#[test]
fn an_image_too_short_is_run_all_the_same() {
    planned(&rolling(), |plan| {
        let mut plan = plan.unwrap();
        plan.infer();
        plan.input_row(0, 0, 4).unwrap().fill(3);
        plan.input_row_filled(0);
        plan.infer();
    });
}

#[test]
fn groups_that_do_not_roll_are_refused_by_the_writer() {
    type Change = fn(&mut Model);
    let changes: [(&str, Change); 9] = [
        ("a row too early", |model| group(model).1[1].first_trip = 1),
        ("rows that the last trip does not reach", |model| *group(model).0 = 5),
        ("idle trips", |model| *group(model).0 = 300),
        ("a ring too short for the window", |model| group(model).2[1].rows = 2),
        ("a ring too short for the streamed rows", |model| group(model).2[0].rows = 2),
        ("two rows a turn out of a ring of three", |model| group(model).1[1].rows = 2),
        ("too slow for the next", |model| group(model).1[0].period = 2),
        ("a ring of what is read later", |model| group(model).2.push(Ring { tensor: 4, rows: 1 })),
        ("a pool without its rows", |model| {
            let pool = Step::Operator(group(model).1[2].step.clone());
            model.schedules[1].steps.insert(1, pool);
            group(model).1[2].step.operator = 3;
        }),
    ];
    for (what, change) in changes {
        let mut model = rolling();
        change(&mut model);
        assert!(write(&model).is_err(), "{what}");
    }
}
