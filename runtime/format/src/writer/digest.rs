//! The answer id: what of an artefact decides its outputs, as one hash.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::model::Model;
use crate::tensor::{RECORD_BYTES, TensorId};
use crate::{Artefact, Section};

/// The answer id of a checked artefact, computed anew from its bytes.
pub fn answer_id(artefact: &Artefact<'_>) -> [u8; 32] {
    let constants = (0..artefact.tensor_count() as TensorId).filter_map(|id| artefact.values(id));
    hash(|kind| artefact.section(kind), constants)
}

/// The answer id of sections that are about to be laid out.
pub(super) fn of_sections(model: &Model, sections: &[(Section, Vec<u8>)]) -> [u8; 32] {
    let bytes = |kind: Section| {
        let section = sections.iter().find(|(section, _)| *section == kind);
        section.map_or(&[][..], |(_, bytes)| bytes)
    };
    hash(bytes, model.tensors.iter().filter_map(|tensor| tensor.data.as_deref().map(Cow::Borrowed)))
}

/// Each part goes in behind its length as a 64-bit number.
fn hash<'a>(
    section: impl Fn(Section) -> &'a [u8],
    constants: impl Iterator<Item = Cow<'a, [u8]>>,
) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut part = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    // Where constants are stored, and how, does not count: the last 8 bytes of a record, and byte 3
    // but for whether the tensor is a constant.
    let mut tensors = section(Section::Tensors).to_vec();
    for record in tensors.chunks_exact_mut(RECORD_BYTES) {
        record[3] = record[3].min(1);
        record[RECORD_BYTES - 8..].fill(0);
    }
    part(&tensors);
    let hashed = [Section::Operators, Section::Ports, Section::InputContracts, Section::OutputContracts];
    hashed.into_iter().for_each(|kind| part(section(kind)));
    constants.for_each(|constant| part(&constant));
    digest.finalize().into()
}
