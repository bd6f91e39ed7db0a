//! Two small models that use every int8 operator and every kind of contract between them, one of them
//! once more with a schedule that rolls rows, one of all that is done on int16, and one of layers whose weights are stored
//! in every form.
//!
//! They need no training framework, no compiler and no file: weights come from the same pseudo-random
//! stream as test inputs. `cargo xtask qemu` runs them on every machine, and the fuzzer starts from them.
#![forbid(unsafe_code)]

mod builder;

mod classifier;

mod detector;

mod forms;

mod lenet;

mod picture;

mod striped;

mod wide;

pub use classifier::classifier;
pub use detector::detector;
pub use forms::{FORMS, Layer, Pattern, forms, forms_of};
pub use lenet::{LENET_5_PARAMETERS, LENET_300_100_PARAMETERS, coded, lenet_5, lenet_300_100};
pub use picture::picture;
pub use striped::striped_classifier;
pub use wide::wide;

use ocelli_engine::{Plan, operators};
use ocelli_format::model::{Model, SelfTest};
use ocelli_format::{AlignedBytes, Artefact, write};

/// All models as artefacts, with self-tests, behind their names.
pub fn artefacts() -> [(&'static str, AlignedBytes); 5] {
    [
        ("classifier", with_self_test(classifier())),
        ("detector", with_self_test(detector())),
        ("striped", with_self_test(striped_classifier())),
        ("wide", with_self_test(wide())),
        ("forms", with_self_test(forms())),
    ]
}

/// Writes a model, runs it, and writes it again with what came out as its self-test.
pub fn with_self_test(mut model: Model) -> AlignedBytes {
    let (seed, shift) = (1, 1);
    let bytes = AlignedBytes::copy_of(&write(&model).expect("a sample is well formed"));
    let artefact = Artefact::parse(&bytes).expect("the writer has parsed it");
    let mut arena = AlignedBytes::zeros(model.schedules[0].arena_bytes as usize);
    let mut plan =
        Plan::new(&artefact, "portable", operators::ALL, &mut arena).expect("the engine has all operators");
    model.self_test = Some(SelfTest { seed, shift, output_crc32: plan.output_crc32(seed, shift) });
    AlignedBytes::copy_of(&write(&model).expect("a self-test changes nothing else"))
}

#[cfg(test)]
mod tests {
    use ocelli_core::Infer;
    use ocelli_engine::{Plan, operators};
    use ocelli_format::{AlignedBytes, Artefact, OperatorKind, SeedStream};

    #[test]
    fn all_models_use_every_operator() {
        let mut kinds = Vec::new();
        for (_, bytes) in super::artefacts() {
            let artefact = Artefact::parse(&bytes).unwrap();
            kinds.extend(artefact.operators().map(|operator| operator.kind));
        }
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), OperatorKind::Requantize as usize, "{kinds:?}");
    }

    /// Saturated outputs would hide differences between machines.
    #[test]
    fn outputs_depend_on_inputs_and_rarely_saturate() {
        for (name, bytes) in super::artefacts() {
            let artefact = Artefact::parse(&bytes).unwrap();
            let mut arena = AlignedBytes::zeros(1 << 16);
            let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
            let mut run = |seed| {
                let mut stream = SeedStream::new(seed, 0);
                plan.fill_input(0, || stream.next().unwrap());
                plan.infer();
                let outputs = (0..artefact.outputs().len()).flat_map(|index| plan.output(index).unwrap());
                outputs.copied().collect::<Vec<i8>>()
            };
            let (first, second) = (run(1), run(2));
            assert_ne!(first, second, "{name}");
            let saturated = first.iter().filter(|value| [-128, 127].contains(*value)).count();
            assert!(saturated * 4 < first.len(), "{name}: {first:?}");
        }
    }

    /// Whatever form the weights of a pattern have, the layer computes the same.
    #[test]
    fn forms_change_no_answer() {
        let [.., (_, bytes)] = super::artefacts();
        let artefact = Artefact::parse(&bytes).unwrap();
        let mut arena = AlignedBytes::zeros(1 << 16);
        let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
        let mut stream = SeedStream::new(3, 0);
        plan.fill_input(0, || stream.next().unwrap());
        plan.infer();
        let outputs: Vec<&[i8]> =
            (0..artefact.outputs().len()).map(|index| plan.output(index).unwrap()).collect();
        for layer in outputs.chunks(super::FORMS.len()) {
            for (output, (pattern, storage)) in layer.iter().zip(super::FORMS) {
                let dense = super::FORMS.iter().position(|form| form.0 == pattern).unwrap();
                assert_eq!(output, &layer[dense], "{pattern:?} as {storage}");
            }
        }
    }

    #[test]
    fn rolling_rows_changes_no_answer() {
        let [(_, whole), _, (_, striped), ..] = super::artefacts();
        let [whole, striped] = [&whole, &striped].map(|bytes| Artefact::parse(bytes).unwrap());
        assert_eq!(striped.answer_id(), whole.answer_id());
        assert_eq!(striped.self_test(), whole.self_test());
        let arena_bytes = |artefact: &Artefact<'_>| artefact.schedules().next().unwrap().arena_bytes;
        assert!(2 * arena_bytes(&striped) < arena_bytes(&whole));
    }
}
