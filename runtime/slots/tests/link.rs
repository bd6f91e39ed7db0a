//! An artefact over a byte stream that loses, damages and repeats what it carries.

mod bench;

use bench::flash::{Flash, Nrf, layout};
use bench::models::{self, BOARD};
use ocelli_format::{AlignedBytes, Artefact, SeedStream};
use ocelli_slots::link::{Deframer, FRAME_BYTES, Receiver, Reply, Request, Sender, Verdict, encode};
use ocelli_slots::{NorStorage, Outcome, PublicKey, Refusal, Slots, State};
use proptest::prelude::*;

type Bench<'a> = Slots<'a, NorStorage<Flash<Nrf>>>;

fn slots(keys: &[PublicKey]) -> Bench<'_> {
    let storage = NorStorage::new(Flash::new(Nrf), layout::<Nrf>()).unwrap();
    Slots::open(storage, models::device(keys)).unwrap()
}

/// What happens to the bytes of frame number `n`, both ways.
type Wire = dyn FnMut(usize, &[u8]) -> Vec<u8>;

/// Pushes until there is a verdict; returns it with the number of frames that were sent.
fn push(artefact: &AlignedBytes, slots: &mut Bench<'_>, wire: &mut Wire) -> (Verdict, usize) {
    let artefact = Artefact::parse(artefact).unwrap();
    let mut sender = Sender::new(&artefact).unwrap();
    let (mut receiver, mut answers, mut arena) = (Receiver::new(), Deframer::new(), models::arena());
    let mut buffer = [0; FRAME_BYTES];
    for sent in 0..2000 {
        let arrived = wire(2 * sent, sender.frame(&mut buffer));
        let mut back = Vec::new();
        for byte in arrived {
            back.extend_from_slice(receiver.feed(byte, slots, &mut arena));
        }
        for byte in wire(2 * sent + 1, &back) {
            let Some(reply) = answers.feed(byte).and_then(Reply::read) else { continue };
            match sender.answer(&reply) {
                Verdict::GoOn => {}
                Verdict::Met(device) => assert_eq!(device.board(), BOARD),
                verdict => {
                    assert_eq!(receiver.is_staged(), verdict == Verdict::Staged);
                    return (verdict, sent + 1);
                }
            }
        }
    }
    panic!("no verdict after 2000 frames, {} bytes sent", sender.sent_bytes());
}

fn clean(_: usize, frame: &[u8]) -> Vec<u8> {
    frame.to_vec()
}

#[test]
fn over_a_clean_stream() {
    let (keys, artefact) = (models::keys(), models::release(2));
    let mut slots = slots(&keys);
    let (verdict, frames) = push(&artefact, &mut slots, &mut clean);
    assert_eq!((verdict, frames), (Verdict::Staged, 3 + artefact.len().div_ceil(256)));
    let mut arena = models::arena();
    let booted = slots.boot(&mut arena).unwrap();
    assert_eq!(slots.artefact(&booted).unwrap().bytes(), &artefact[..]);
    // The next device asks what became of it.
    slots.confirm().unwrap();
    assert_eq!(
        push(&artefact, &mut slots, &mut clean).0,
        refused(Refusal::NotNewer { release: 2, floor: 2 })
    );
}

fn refused(refusal: Refusal) -> Verdict {
    Verdict::Refused(Some(refusal))
}

#[test]
fn refusals_come_before_the_bytes_where_they_can() {
    let (keys, maker) = (models::keys(), models::maker());
    let mut slots = slots(&keys);
    let elsewhere = models::signed(&models::model(1), 1, "elsewhere", &maker);
    assert_eq!(push(&elsewhere, &mut slots, &mut clean), (refused(Refusal::OtherBoard), 2));
    let strange = models::signed(&models::model(1), 1, BOARD, &models::stranger());
    let frames = 3 + strange.len().div_ceil(256);
    assert_eq!(push(&strange, &mut slots, &mut clean), (refused(Refusal::UnknownKey), frames));
    assert!(slots.boot(&mut models::arena()).is_err());
}

#[test]
fn a_device_that_starts_anew_in_the_middle_says_so() {
    let (keys, artefact) = (models::keys(), models::release(1));
    let (mut slots, mut receiver, mut arena) = (slots(&keys), Receiver::new(), models::arena());
    let parsed = Artefact::parse(&artefact).unwrap();
    let (mut sender, mut buffer) = (Sender::new(&parsed).unwrap(), [0; FRAME_BYTES]);
    let mut verdict = Verdict::GoOn;
    for frame in 0..6 {
        if frame == 5 {
            slots = Slots::open(slots.release(), models::device(&keys)).unwrap();
        }
        let mut answers = Deframer::new();
        for &byte in sender.frame(&mut buffer) {
            for &byte in receiver.feed(byte, &mut slots, &mut arena) {
                if let Some(reply) = answers.feed(byte).and_then(Reply::read) {
                    verdict = sender.answer(&reply);
                }
            }
        }
    }
    assert_eq!(verdict, refused(Refusal::NotReceiving));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// One frame in two does not arrive as it was sent.
    #[test]
    fn over_a_stream_that_loses_damages_and_repeats(seed in 1..u32::MAX) {
        let keys = models::keys();
        let mut slots = slots(&keys);
        let mut random = SeedStream::new(seed, 0);
        let mut wire = move |_: usize, frame: &[u8]| {
            let mut frame = frame.to_vec();
            let mut next = || usize::from(random.next().unwrap() as u8);
            let (trouble, place) = (next() % 10, next() % frame.len().max(1));
            match trouble {
                0 => frame.clear(),
                1 => frame.truncate(place),
                2 if !frame.is_empty() => frame[place] ^= 0x10,
                3 => frame.insert(0, 0x55),
                4 => frame = [frame.clone(), frame].concat(),
                _ => {}
            }
            frame
        };
        let (verdict, _) = push(&models::release(1), &mut slots, &mut wire);
        prop_assert_eq!(verdict, Verdict::Staged);
        prop_assert_eq!(slots.boot(&mut models::arena()).unwrap().release, 1);
    }

    #[test]
    fn noise_changes_nothing(noise in prop::collection::vec(any::<u8>(), 0..2000)) {
        let keys = models::keys();
        let (mut slots, mut receiver, mut arena) = (slots(&keys), Receiver::new(), models::arena());
        for byte in noise {
            prop_assert_eq!(receiver.feed(byte, &mut slots, &mut arena), &[]);
        }
        prop_assert_eq!(slots.state(), State::default());
    }

    #[test]
    fn frames_come_back(message in prop::collection::vec(any::<u8>(), 0..=261)) {
        let mut buffer = [0; FRAME_BYTES];
        let (mut deframer, frame) = (Deframer::new(), encode(&message, &mut buffer));
        let (last, first) = frame.split_last().unwrap();
        prop_assert!(first.iter().all(|&byte| byte != 0 && deframer.feed(byte).is_none()));
        prop_assert_eq!(deframer.feed(*last), Some(&message[..]));
    }

    #[test]
    fn messages_are_read_or_refused(message in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut buffer = [0; 261];
        if let Some(request) = Request::read(&message) {
            let length = request.write(&mut buffer);
            prop_assert_eq!(Request::read(&buffer[..length]), Some(request));
        }
        if let Some(reply) = Reply::read(&message) {
            let length = reply.write(&mut buffer);
            prop_assert_eq!(Reply::read(&buffer[..length]), Some(reply));
        }
    }
}

#[test]
fn a_frame_too_long_is_empty() {
    assert_eq!(encode(&[1; 262], &mut [0; FRAME_BYTES]), &[]);
}

#[test]
fn refusals_and_states_come_back() {
    for code in 0..=255 {
        if let Some(refusal) = Refusal::from_bytes([code, 1, 2, 0, 0, 5, 6, 7, 8]) {
            assert_eq!(Refusal::from_bytes(refusal.to_bytes()), Some(refusal));
            assert_eq!(refusal.to_bytes()[0], code);
            assert!(!refusal.to_string().is_empty());
        }
    }
    let state = State { floor: 7, outcome: Outcome::Reverted, ..State::default() };
    let mut bytes = state.to_bytes();
    assert_eq!(State::from_bytes(&bytes), Some(state));
    bytes[4] = 2;
    assert_eq!(State::from_bytes(&bytes), None);
}
