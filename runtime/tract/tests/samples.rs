//! Models with every operator: through tract they give the engine's bytes, run after run.

use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact, SeedStream};
use ocelli_tract::{Executor, Layers, TractError, typed_model};

/// The outputs for a stream of inputs.
fn run(model: &mut impl Infer, inputs: usize, seed: u32) -> Vec<Vec<i8>> {
    let mut stream = SeedStream::new(seed, 1);
    (0..inputs).for_each(|index| model.fill_input(index, || stream.next().unwrap_or_default()));
    model.infer();
    (0..).map_while(|index| model.output(index)).map(<[i8]>::to_vec).collect()
}

#[test]
fn samples_give_the_engine_s_bytes() {
    for (name, bytes) in ocelli_samples::artefacts() {
        let artefact = Artefact::parse(&bytes).unwrap();
        let arena_bytes = artefact.schedule_for("portable").unwrap().arena_bytes;
        let mut arena = AlignedBytes::zeros(arena_bytes as usize);
        let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
        let mut executor = Executor::new(&bytes).unwrap();
        let inputs = artefact.inputs().len();
        for seed in 1..20 {
            let expected = run(&mut plan, inputs, seed);
            assert!(!expected.is_empty());
            assert_eq!(run(&mut executor, inputs, seed), expected, "{name}, seed {seed}");
        }
        // One operator between sources and outputs, with the artefact's names and shapes.
        let model = typed_model(&bytes).unwrap();
        assert_eq!(model.nodes.len(), inputs + 1);
        assert_eq!(model.nodes[0].name, artefact.tensor_name(artefact.inputs()[0]));
    }
}

#[test]
fn every_layer_gives_the_engine_s_bytes() {
    for (name, bytes) in ocelli_samples::artefacts() {
        let artefact = Artefact::parse(&bytes).unwrap();
        let arena_bytes = artefact.schedule_for("portable").unwrap().arena_bytes;
        let mut arena = AlignedBytes::zeros(arena_bytes as usize);
        let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
        let mut stream = SeedStream::new(11, 1);
        let elements = |index: usize| artefact.tensor(artefact.inputs()[index]).bytes();
        let inputs: Vec<Vec<i8>> = (0..artefact.inputs().len())
            .map(|index| stream.by_ref().take(elements(index)).collect())
            .collect();
        let layers = match Layers::new(&bytes) {
            // Of which something between layers is wider than int8.
            Err(TractError::Element { .. }) if name == "wide" => continue,
            layers => layers.unwrap(),
        };
        let computed = layers.run(&inputs).unwrap();
        assert_eq!(
            computed.len(),
            artefact.operators().map(|operator| operator.outputs.len()).sum::<usize>()
        );
        for (index, values) in inputs.iter().enumerate() {
            let mut values = values.iter();
            plan.fill_input(index, || *values.next().unwrap());
        }
        let mut compared = 0;
        for step in 0..plan.step_count() {
            plan.run_step(step);
            // Rows that roll are never there as a whole.
            let Some(operator) = plan.step_operator(step) else { continue };
            for id in artefact.operator(operator).outputs {
                assert_eq!(plan.tensor(*id), Some(&computed[id][..]), "{name}, tensor {id}");
                compared += 1;
            }
        }
        assert!(compared > 3, "{name}: {compared}");
    }
}

#[test]
fn bytes_that_are_no_artefact_are_refused() {
    let [(_, bytes), ..] = ocelli_samples::artefacts();
    assert!(matches!(Executor::new(&bytes[..100]).err(), Some(TractError::Parse(_))));
    assert!(matches!(typed_model(&[]).err(), Some(TractError::Parse(_))));
    assert!(matches!(Layers::new(&bytes[..100]).err(), Some(TractError::Parse(_))));
}
