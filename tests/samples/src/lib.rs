//! Two small models that use every operator and every kind of contract between them.
//!
//! They need no training framework, no compiler and no file: weights come from the same pseudo-random
//! stream as test inputs. `cargo xtask qemu` runs them on every machine, and the fuzzer starts from them.
#![forbid(unsafe_code)]

mod builder;

mod classifier;

mod detector;

pub use classifier::classifier;
pub use detector::detector;

#[cfg(test)]
mod tests {
    use ocelli_format::{Artefact, OperatorKind, write};

    #[test]
    fn both_models_are_artefacts_and_use_every_operator() {
        let mut kinds = Vec::new();
        for model in [super::classifier(), super::detector()] {
            let bytes = write(&model).unwrap_or_else(|error| panic!("{}: {error}", model.name));
            let artefact = Artefact::parse(&bytes).unwrap();
            kinds.extend(artefact.operators().map(|operator| operator.operator.kind()));
        }
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), OperatorKind::Prelu as usize, "{kinds:?}");
    }
}
