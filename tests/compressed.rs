//! The nets of Deep Compression through the compiler: bytes of the whole artefact, arena, and that no form changes
//! an answer. Weights are pseudo-random, as few and of as few values as the paper leaves; and the nets that were trained.

use ocelli_compiler::compress::{Goal, Stored, compress};
use ocelli_compiler::plan;
use ocelli_engine::{Plan, operators};
use ocelli_format::model::Model;
use ocelli_format::{AlignedBytes, Artefact, Storage, strip, write};
use ocelli_samples::{LENET_5_PARAMETERS, LENET_300_100_PARAMETERS, lenet_5, lenet_300_100};

/// The model compressed, planned and stripped for a device; what was chosen, and the file.
fn compiled(mut model: Model, goal: Goal) -> (Vec<Stored>, Vec<u8>) {
    let stored = compress(&mut model, goal);
    model.schedules = vec![plan::plan(&model).unwrap()];
    (stored, write(&strip(&model, "portable").unwrap()).unwrap())
}

/// The answer id, the checksum of the outputs on a seeded input, and bytes of arena.
fn answer(bytes: &[u8]) -> ([u8; 32], u32, u32) {
    let bytes = AlignedBytes::copy_of(bytes);
    let artefact = Artefact::parse(&bytes).unwrap();
    let arena_bytes = artefact.schedules().next().unwrap().arena_bytes;
    let mut arena = AlignedBytes::zeros(arena_bytes as usize);
    let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    (artefact.answer_id(), plan.output_crc32(5, 0), arena_bytes)
}

/// Compresses a net for size, and gives how many times smaller than float weights its file is, and its arena.
fn ratio(model: Model, parameters: usize) -> (f64, u32) {
    let name = model.name.clone();
    let (_, dense) = compiled(model.clone(), Goal::Off);
    let (stored, small) = compiled(model, Goal::Size);
    let ((id, crc, _), (small_id, small_crc, arena)) = (answer(&dense), answer(&small));
    assert_eq!((small_id, small_crc), (id, crc), "{name}: forms change no answer");
    let ratio = (4 * parameters) as f64 / small.len() as f64;
    println!("{name}: {} bytes, {ratio:.1} times under float weights, {arena} bytes of arena", small.len());
    for layer in stored {
        println!("  {}: {} of {} bytes as {}", layer.layer, layer.bytes, layer.dense_bytes, layer.form);
    }
    (ratio, arena)
}

#[test]
fn lenet_300_100_is_forty_times_smaller_than_its_float_weights() {
    let (ratio, arena) = ratio(lenet_300_100(), LENET_300_100_PARAMETERS);
    assert!(ratio >= 40.0, "{ratio}");
    assert!(arena <= 8 * 1024, "{arena}");
}

#[test]
fn lenet_5_is_thirty_nine_times_smaller_than_its_float_weights() {
    let (ratio, _) = ratio(lenet_5(), LENET_5_PARAMETERS);
    assert!(ratio >= 39.0, "{ratio}");
}

#[test]
fn the_nets_that_were_trained_are_as_small_and_pass_their_own_tests() {
    for (name, parameters, least) in
        [("lenet-300-100", LENET_300_100_PARAMETERS, 40.0), ("lenet-5", LENET_5_PARAMETERS, 39.0)]
    {
        let path = format!("{}/../models/{name}/{name}.ocelli", env!("CARGO_MANIFEST_DIR"));
        let bytes = AlignedBytes::copy_of(&std::fs::read(path).unwrap());
        let artefact = Artefact::parse(&bytes).unwrap();
        let ratio = (4 * parameters) as f64 / artefact.bytes().len() as f64;
        assert!(ratio >= least, "{name}: {ratio}");
        let arena_bytes = artefact.schedule_for("portable").unwrap().arena_bytes;
        let mut arena = AlignedBytes::zeros(arena_bytes as usize);
        Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap().self_test().unwrap();
        // Preprocessing sums the columns of a row.
        let width: usize = artefact
            .input_contracts()
            .map(|input| 4 * artefact.tensor(input.tensor).shape().nhwc().unwrap()[2])
            .sum();
        if name == "lenet-300-100" {
            assert!(arena_bytes as usize + width < 8 * 1024, "{arena_bytes} and {width}");
        }
    }
}

#[test]
fn for_speed_few_weights_are_sparse() {
    let (stored, bytes) = compiled(lenet_300_100(), Goal::Speed);
    let forms: Vec<&str> = stored.iter().map(|layer| layer.form.as_str()).collect();
    assert_eq!(forms[..2], ["Sparse", "Sparse"]);
    assert!(stored.iter().all(|layer| layer.instructions < layer.dense_instructions));
    assert_eq!(answer(&bytes).1, answer(&compiled(lenet_300_100(), Goal::Off).1).1);
}

/// A form that cannot hold the weights is told by name.
#[test]
fn a_form_that_does_not_fit_is_an_error() {
    let mut model = lenet_300_100();
    let weights = model.operators[0].inputs[1];
    model.tensors[usize::from(weights)].name = "fc1/weights".into();
    model.storage.insert(weights, Storage::Fours);
    let error = write(&model).unwrap_err().to_string();
    assert_eq!(error, "the values of `fc1/weights` cannot be stored as Fours: store it dense");
}
