//! The signature section: put on, taken for what it is, and taken off again.

mod sample;

use ocelli_format::*;

const KEY: [u8; 32] = [9; 32];

fn unsigned() -> AlignedBytes {
    AlignedBytes::copy_of(&write(&sample::whole()).unwrap())
}

fn signed(bytes: &AlignedBytes, release: u32, board: &str) -> AlignedBytes {
    let section = Signature::new(release, board, KEY).unwrap();
    let artefact = Artefact::parse(bytes).unwrap();
    AlignedBytes::copy_of(&attach_signature(&artefact, section, |message| [message.len() as u8; 64]))
}

/// The artefact after a change, with its checksum set right.
fn changed(bytes: &AlignedBytes, change: impl FnOnce(&mut Vec<u8>)) -> AlignedBytes {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    let checksum = crc32(&bytes[16..]).to_le_bytes();
    bytes[12..16].copy_from_slice(&checksum);
    AlignedBytes::copy_of(&bytes)
}

#[test]
fn a_signed_artefact_is_the_same_model() {
    let plain = unsigned();
    let bytes = signed(&plain, 3, "pico");
    let (before, after) = (Artefact::parse(&plain).unwrap(), Artefact::parse(&bytes).unwrap());
    after.check_layers().unwrap();
    assert_eq!(model::Model::from_artefact(&after), model::Model::from_artefact(&before));
    assert_eq!(after.answer_id(), before.answer_id());
    assert_eq!(before.signature(), None);
    let section = after.signature().unwrap();
    assert_eq!((section.release, section.board(), section.key), (3, "pico", KEY));
    assert_eq!(section.signature, [(bytes.len() - 64) as u8; 64]);
}

#[test]
fn signing_again_replaces_the_signature() {
    let plain = unsigned();
    let again = signed(&signed(&plain, 3, "a-board-with-a-long-name"), 4, "");
    assert_eq!(again[..], signed(&plain, 4, "")[..]);
}

#[test]
fn what_is_signed_is_everything_but_checksum_and_signature() {
    let plain = unsigned();
    let artefact = Artefact::parse(&plain).unwrap();
    let mut message = Vec::new();
    let bytes = attach_signature(&artefact, Signature::new(1, "pico", KEY).unwrap(), |signed| {
        message = signed.to_vec();
        [1; 64]
    });
    let differ: Vec<usize> = (0..message.len()).filter(|&at| message[at] != bytes[at]).collect();
    assert!(differ.iter().all(|at| Signature::ZEROED.contains(at)), "{differ:?}");
    assert_eq!(message.len(), bytes.len() - 64);
}

#[test]
fn a_name_or_release_that_cannot_be_written_is_refused() {
    assert_eq!(Signature::new(0, "pico", KEY), None);
    assert_eq!(Signature::new(1, "a-board-with-a-name-too-long", KEY), None);
    assert_eq!(Signature::new(1, "pi\0co", KEY), None);
    assert!(Signature::new(1, "a-board-with-a-long-name", KEY).is_some());
}

#[test]
fn a_section_that_breaks_the_table_counts_as_none() {
    let bytes = signed(&unsigned(), 3, "pico");
    let start = bytes.len() - Signature::BYTES;
    let section = |at: usize, value: u8| {
        let bytes = changed(&bytes, |bytes| bytes[start + at] = value);
        Artefact::parse(&bytes).unwrap().signature()
    };
    assert!(section(4, 5).is_some_and(|section| section.release == 5));
    assert_eq!(section(0, 2), None, "another algorithm");
    assert_eq!(section(1, 1), None, "a byte that must be zero");
    assert_eq!(section(4, 0), None, "release 0");
    assert_eq!(section(8, 0xFF), None, "a name that is not UTF-8");
    assert_eq!(section(8 + 20, b'x'), None, "text behind the name's end");
    let longer = changed(&bytes, |bytes| {
        bytes.extend([0; 16]);
        let total = bytes.len() as u32;
        bytes[16..20].copy_from_slice(&total.to_le_bytes());
    });
    assert_eq!(Artefact::parse(&longer).unwrap().signature(), None, "not at the end");
}
