//! Artefacts that nobody should take: each has its refusal, and the device keeps what it had.

mod bench;

use bench::flash::{Flash, Qspi, layout};
use bench::models::{self, BOARD};
use ocelli_engine::ops;
use ocelli_format::{AlignedBytes, Artefact, Signature, crc32};
use ocelli_slots::{Failure, NorStorage, Offer, PublicKey, Refusal, Slots};

type Bench<'a> = Slots<'a, NorStorage<Flash<Qspi>>>;

/// A device whose release 2 is confirmed.
fn with_device(test: impl FnOnce(&mut Bench<'_>, &mut [u8])) {
    let (flash, keys, mut arena) = (Flash::new(Qspi), models::keys(), models::arena());
    let open = || {
        let storage = NorStorage::new(flash.clone(), layout::<Qspi>()).unwrap();
        Slots::open(storage, models::device(&keys)).unwrap()
    };
    let mut slots = open();
    models::push(&mut slots, &models::release(2), &mut arena).unwrap();
    slots.boot(&mut arena).unwrap();
    slots.confirm().unwrap();
    test(&mut slots, &mut arena);
    let booted = open().boot(&mut arena).unwrap();
    assert_eq!((booted.release, booted.on_trial), (2, false));
}

fn refused(bytes: &[u8]) -> Refusal {
    let mut refusal = None;
    with_device(|slots, arena| match models::push(slots, bytes, arena) {
        Err(Failure::Refused(error)) => refusal = Some(error),
        other => panic!("{other:?}"),
    });
    refusal.unwrap()
}

/// Release 3 after a change, with its checksum set right.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = models::release(3).to_vec();
    change(&mut bytes);
    let checksum = crc32(&bytes[16..]).to_le_bytes();
    bytes[12..16].copy_from_slice(&checksum);
    bytes
}

#[test]
fn every_changed_byte_breaks_the_signature() {
    let length = models::release(3).len();
    with_device(|slots, arena| {
        for at in (0..length - 64).filter(|at| !Signature::ZEROED.contains(at)).step_by(97) {
            let bytes = changed(|bytes| bytes[at] ^= 4);
            let error = models::push(slots, &bytes, arena).unwrap_err();
            assert!(matches!(error, Failure::Refused(_)), "byte {at}: {error}");
        }
        for at in length - 64..length {
            let bytes = changed(|bytes| bytes[at] ^= 4);
            assert_eq!(models::push(slots, &bytes, arena), Err(Refusal::BadSignature.into()), "byte {at}");
        }
    });
}

#[test]
fn bytes_that_are_no_artefact() {
    assert_eq!(refused(b""), Refusal::NotAnArtefact);
    assert_eq!(refused(&[0x55; 2000]), Refusal::NotAnArtefact);
    assert_eq!(refused(&models::release(3)[..32]), Refusal::Unsigned);
}

#[test]
fn without_signature() {
    assert_eq!(refused(&models::model(3)), Refusal::Unsigned);
}

#[test]
fn signed_by_a_stranger() {
    let bytes = models::signed(&models::model(3), 3, BOARD, &models::stranger());
    assert_eq!(refused(&bytes), Refusal::UnknownKey);
    // With the maker's name under a stranger's signature.
    let forged = changed(|artefact| {
        let signature = artefact.len() - 64;
        artefact[signature..].copy_from_slice(&bytes[bytes.len() - 64..]);
    });
    assert_eq!(refused(&forged), Refusal::BadSignature);
}

#[test]
fn replayed_or_of_the_same_release() {
    assert_eq!(refused(&models::release(1)), Refusal::NotNewer { release: 1, floor: 2 });
    assert_eq!(refused(&models::release(2)), Refusal::NotNewer { release: 2, floor: 2 });
    // The release is signed too.
    let lifted = changed(|bytes| {
        let release = bytes.len() - 128 + 4;
        bytes[release] = 9;
    });
    assert_eq!(refused(&lifted), Refusal::BadSignature);
}

#[test]
fn for_another_board() {
    let bytes = models::signed(&models::model(3), 3, "elsewhere", &models::maker());
    assert_eq!(refused(&bytes), Refusal::OtherBoard);
    let any = models::signed(&models::model(3), 3, "", &models::maker());
    let mut staged = false;
    let keys = models::keys();
    let storage = NorStorage::new(Flash::new(Qspi), layout::<Qspi>()).unwrap();
    let mut slots = Slots::open(storage, models::device(&keys)).unwrap();
    staged |= models::push(&mut slots, &any, &mut models::arena()).is_ok();
    assert!(staged);
}

#[test]
fn announced_wrongly() {
    let bytes = models::release(3);
    with_device(|slots, arena| {
        let mut offer = Offer { length: u32::MAX, release: 3, board: BOARD };
        let available_bytes = slots.slot_bytes();
        let too_large = Refusal::TooLarge { needed_bytes: u32::MAX, available_bytes };
        assert_eq!(slots.begin(&offer), Err(too_large.into()));
        offer.length = bytes.len() as u32;
        let elsewhere = Offer { board: "elsewhere", ..offer };
        assert_eq!(slots.begin(&elsewhere), Err(Refusal::OtherBoard.into()));
        let older = Offer { release: 2, ..offer };
        assert_eq!(slots.begin(&older), Err(Refusal::NotNewer { release: 2, floor: 2 }.into()));
        assert_eq!(slots.write(&bytes), Err(Refusal::NotReceiving.into()));
        // Less than was announced.
        slots.begin(&offer).unwrap();
        slots.write(&bytes[..100]).unwrap();
        let announced_bytes = bytes.len() as u32;
        let incomplete = Refusal::Incomplete { received_bytes: 100, announced_bytes };
        assert_eq!(slots.finish(arena), Err(incomplete.into()));
        // More than was announced.
        slots.begin(&Offer { length: 100, ..offer }).unwrap();
        slots.write(&bytes[..90]).unwrap();
        let incomplete = Refusal::Incomplete { received_bytes: 101, announced_bytes: 100 };
        assert_eq!(slots.write(&bytes[90..101]), Err(incomplete.into()));
        assert_eq!(slots.finish(arena), Err(Refusal::NotReceiving.into()));
        // An artefact with something behind it.
        let mut longer = bytes.to_vec();
        longer.extend([0; 32]);
        let incomplete = Refusal::Incomplete { received_bytes: announced_bytes + 32, announced_bytes };
        assert_eq!(models::push(slots, &longer, arena), Err(incomplete.into()));
    });
}

/// The signature is right, but this firmware cannot run the model.
#[test]
fn that_the_firmware_cannot_run() {
    let (keys, bytes) = (models::keys(), models::release(3));
    let device = models::device(&keys);
    let refused = |device, bytes: &[u8], arena: &mut [u8]| {
        let storage = NorStorage::new(Flash::new(Qspi), layout::<Qspi>()).unwrap();
        models::push(&mut Slots::open(storage, device).unwrap(), bytes, arena).unwrap_err().refusal()
    };
    let mut arena = models::arena();
    let artefact = Artefact::parse(&bytes).unwrap();
    let needed_bytes = artefact.schedule_for("portable").unwrap().arena_bytes;
    let too_small = Refusal::ArenaTooSmall { needed_bytes, available_bytes: 16 };
    assert_eq!(refused(device, &bytes, &mut arena[..16]), too_small);
    let few = ocelli_slots::Device { operators: ops![Softmax], ..device };
    assert!(matches!(refused(few, &bytes, &mut arena), Refusal::MissingOperator { .. }));
    let mut wrong = models::model(3).to_vec();
    let test = Artefact::parse(&AlignedBytes::copy_of(&wrong)).unwrap().self_test().unwrap();
    let place = wrong.windows(4).position(|word| word == test.output_crc32.to_le_bytes()).unwrap();
    wrong[place] ^= 1;
    let checksum = crc32(&wrong[16..]).to_le_bytes();
    wrong[12..16].copy_from_slice(&checksum);
    let wrong = models::signed(&wrong, 3, BOARD, &models::maker());
    let failed = Refusal::SelfTestFailed { expected: test.output_crc32 ^ 1, computed: test.output_crc32 };
    assert_eq!(refused(device, &wrong, &mut arena), failed);
}

#[test]
fn a_device_without_keys_takes_nothing() {
    let storage = NorStorage::new(Flash::new(Qspi), layout::<Qspi>()).unwrap();
    let mut slots = Slots::open(storage, models::device(&[])).unwrap();
    let result = models::push(&mut slots, &models::release(1), &mut models::arena());
    assert_eq!(result, Err(Refusal::UnknownKey.into()));
    // Nor does it run what was flashed with it, but for the maker's.
    let keys = [PublicKey([0; 32])];
    let mut slots = Slots::open(slots.release(), models::device(&keys)).unwrap();
    assert_eq!(slots.boot(&mut models::arena()), Err(Refusal::NotAnArtefact.into()));
}
