//! No bytes make the reader panic, and what is damaged is told.

mod sample;

use ocelli_format::model::Model;
use ocelli_format::*;

fn whole() -> AlignedBytes {
    AlignedBytes::copy_of(&write(&sample::whole()).unwrap())
}

/// An artefact whose weights stand only in layouts.
fn relaid() -> AlignedBytes {
    AlignedBytes::copy_of(&write(&sample::relaid()).unwrap())
}

/// Makes the checksum fit again, so that the checks behind it are reached.
fn repair(bytes: &mut [u8]) {
    let total = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
    if let Some(checked) = bytes.get(16..total) {
        let checksum = crc32(checked).to_le_bytes();
        bytes[12..16].copy_from_slice(&checksum);
    }
}

/// Reads everything that an artefact has, if it is one.
fn read_everything(bytes: &[u8]) -> bool {
    match Artefact::parse(bytes) {
        Ok(artefact) => {
            let model = Model::from_artefact(&artefact);
            let work: u64 = (0..artefact.operator_count() as u16).map(|id| artefact.work(id)).sum();
            let _ = (write(&model), work, answer_id(&artefact), format!("{artefact:?}"));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = whole();
    for length in 0..bytes.len() {
        let error = Artefact::parse(&bytes[..length]).unwrap_err();
        assert!(matches!(error, ParseError::Truncated { .. }), "{length}: {error}");
    }
    let mut slot = AlignedBytes::zeros(bytes.len() + 100);
    slot[..bytes.len()].copy_from_slice(&bytes);
    assert_eq!(Artefact::parse(&slot).unwrap().bytes(), &bytes[..], "what follows is ignored");
}

#[test]
fn every_flipped_bit_is_told() {
    let mut bytes = whole();
    for index in 0..bytes.len() {
        for bit in (0..8).filter(|bit| index < 400 || *bit == index % 8) {
            bytes[index] ^= 1 << bit;
            // The minor version is not an error and not a reason for other outputs.
            assert_eq!(
                Artefact::parse(&bytes).is_ok(),
                index == 10 || index == 11,
                "byte {index}, bit {bit}"
            );
            bytes[index] ^= 1 << bit;
        }
    }
}

#[test]
fn flipped_bytes_with_the_checksum_repaired_are_harmless() {
    let mut survivors = 0;
    for mut bytes in [whole(), relaid()] {
        for index in 16..bytes.len() {
            for mask in [0x01, 0x80, 0xFF].into_iter().chain((index < 700).then_some(0x10)) {
                bytes[index] ^= mask;
                repair(&mut bytes);
                survivors += usize::from(read_everything(&bytes));
                bytes[index] ^= mask;
            }
        }
    }
    assert!(survivors > 100, "weights and tables may hold anything: {survivors}");
}

#[test]
fn wild_numbers_anywhere_are_harmless() {
    let originals = [whole(), relaid()];
    let mut stream = SeedStream::new(1, 0).map(|byte| byte as u8 as usize);
    let mut next = || stream.next().unwrap() << 16 | stream.next().unwrap() << 8 | stream.next().unwrap();
    for case in 0..8000 {
        let mut bytes = originals[case % 2].clone();
        for _ in 0..1 + next() % 3 {
            let wild =
                [0, 1, 2, 0xFF, 0x7FFF, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, u32::MAX][next() % 10];
            let at = 16 + next() % (bytes.len() - 20);
            let width = [1, 2, 4][next() % 3];
            bytes[at / width * width..][..width].copy_from_slice(&wild.to_le_bytes()[..width]);
        }
        repair(&mut bytes);
        read_everything(&bytes);
    }
}

#[test]
fn bytes_that_do_not_start_on_a_multiple_of_16_are_refused() {
    let mut shifted = AlignedBytes::zeros(whole().len() + 16);
    shifted[4..][..whole().len()].copy_from_slice(&whole());
    assert_eq!(Artefact::parse(&shifted[4..]).unwrap_err(), ParseError::Misaligned { remainder_bytes: 4 });
}

#[test]
fn the_header_is_checked_from_the_outside_in() {
    let error = |change: &dyn Fn(&mut [u8])| {
        let mut bytes = whole();
        change(&mut bytes);
        Artefact::parse(&bytes).unwrap_err()
    };
    assert_eq!(error(&|bytes| bytes[3] = 0), ParseError::Magic);
    assert_eq!(error(&|bytes| bytes[8] = 2), ParseError::Version { major: 2, minor: 0 });
    let stored = u32::from_le_bytes(whole()[12..16].try_into().unwrap());
    let computed = error(&|bytes| bytes[100] ^= 4);
    assert!(matches!(computed, ParseError::Checksum { stored: told, .. } if told == stored), "{computed}");
    let (needed_bytes, available_bytes) = (whole().len() as u32 + 1, whole().len() as u32);
    let longer = error(&|bytes| bytes[16..20].copy_from_slice(&needed_bytes.to_le_bytes()));
    assert_eq!(longer, ParseError::Truncated { needed_bytes, available_bytes });
    // Entry 0 is the identity, code 1; at 64 is its code, at 66 its flags.
    let unknown = error(&|bytes| {
        bytes[64..68].copy_from_slice(&[99, 0, 1, 0]);
        repair(bytes);
    });
    assert_eq!(unknown, ParseError::UnknownSection { entry: 0, code: 99 });
    let repeated = error(&|bytes| {
        bytes[80] = 1;
        bytes[82] = 0;
        repair(bytes);
    });
    assert_eq!(repeated, ParseError::RepeatedSection { section: Section::Identity });
    let missing = error(&|bytes| {
        bytes[80] = 77;
        bytes[82] = 0;
        repair(bytes);
    });
    assert_eq!(missing, ParseError::MissingSection { section: Section::Tensors });
}

#[test]
fn an_unknown_section_that_may_be_skipped_is_skipped() {
    let mut bytes = whole();
    bytes[64] = 99;
    repair(&mut bytes);
    let artefact = Artefact::parse(&bytes).unwrap();
    assert_eq!((artefact.name(), artefact.tensor_count()), ("", sample::whole().tensors.len()));
}

#[test]
fn a_model_of_2000_operators_is_nothing_special() {
    let mut build = sample::Builder::default();
    let input = build.activation("input", &[1]);
    for index in 0..2000 {
        build.operator(&format!("reshape {index}"), Operator::Reshape, &[input], input);
    }
    build.model.inputs = vec![input];
    build.model.outputs = vec![input];
    let bytes = AlignedBytes::copy_of(&write(&build.finish()).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    assert_eq!(artefact.operators().len(), 2000);
    assert_eq!(artefact.operator_name(1999), "reshape 1999");
}

#[test]
fn a_model_of_no_operators_passes_its_input_on() {
    let mut build = sample::Builder::default();
    let input = build.activation("input", &[1]);
    build.model.inputs = vec![input];
    build.model.outputs = vec![input];
    let bytes = AlignedBytes::copy_of(&write(&build.finish()).unwrap());
    assert_eq!(Artefact::parse(&bytes).unwrap().operator_count(), 0);
    let empty = write(&Model::default()).unwrap_err().to_string();
    assert_eq!(empty, "the artefact has no section Schedule");
}
