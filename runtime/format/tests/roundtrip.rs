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
