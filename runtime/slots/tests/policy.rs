//! Starts, updates, confirmations, losses of power and hostile artefacts in any order, against what may be seen from
//! outside.

mod bench;

use bench::flash::{Flash, Kind, Nrf, Qspi, Stm32, layout};
use bench::models::{self, BOARD};
use ocelli_format::AlignedBytes;
use ocelli_slots::{NorStorage, Slots};
use proptest::prelude::*;

/// What happens to a device between two losses of power.
#[derive(Clone, Debug)]
struct Life {
    /// The operation at which the power goes.
    cut: Option<usize>,
    events: Vec<Event>,
}

#[derive(Clone, Debug)]
enum Event {
    Boot,
    Confirm,
    Reject,
    /// An artefact of a release, whole or cut short.
    Push(u32, bool),
    /// A newer one that is a stranger's, another board's, unsigned, or damaged.
    Hostile(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Boot),
        2 => Just(Event::Confirm),
        1 => Just(Event::Reject),
        4 => (1..=3_u32, any::<bool>()).prop_map(|(release, is_whole)| Event::Push(release, is_whole)),
        1 => (0..4_u8).prop_map(Event::Hostile),
    ]
}

fn life() -> impl Strategy<Value = Life> {
    let cut =
        prop_oneof![2 => Just(None), 1 => (1..12_usize).prop_map(Some), 1 => (1..300_usize).prop_map(Some)];
    (cut, prop::collection::vec(event(), 1..6)).prop_map(|(cut, events)| Life { cut, events })
}

fn hostile(which: u8) -> AlignedBytes {
    match which {
        0 => models::signed(&models::model(3), 9, BOARD, &models::stranger()),
        1 => models::signed(&models::model(3), 9, "elsewhere", &models::maker()),
        2 => models::model(3),
        _ => {
            let mut bytes = models::signed(&models::model(3), 9, BOARD, &models::maker());
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        }
    }
}

/// Runs the lives of one device; returns how often it booted.
fn live<K: Kind>(kind: K, lives: &[Life]) -> usize {
    let (flash, keys, mut arena) = (Flash::new(kind), models::keys(), models::arena());
    let releases = [1, 1, 2, 3].map(models::release);
    let (mut confirmed, mut boots) = (0, 0);
    for (number, life) in lives.iter().chain([&Life { cut: None, events: vec![Event::Boot] }]).enumerate() {
        flash.power_on(life.cut, number as u32);
        let storage = NorStorage::new(flash.clone(), layout::<K>()).unwrap();
        let mut slots = Slots::open(storage, models::device(&keys)).unwrap();
        let mut on_trial = None;
        for event in &life.events {
            match event {
                Event::Boot => {
                    let Ok(booted) = slots.boot(&mut arena) else {
                        assert!(flash.is_dead() || confirmed == 0, "nothing to boot after {confirmed}");
                        continue;
                    };
                    assert!(booted.release >= confirmed, "{booted:?} after {confirmed}");
                    let artefact = slots.artefact(&booted).unwrap();
                    assert_eq!(artefact.bytes(), &releases[booted.release as usize][..]);
                    on_trial = booted.on_trial.then_some(booted.release);
                    confirmed = if booted.on_trial { confirmed } else { booted.release };
                    boots += 1;
                }
                Event::Confirm => {
                    if slots.confirm().is_ok() {
                        confirmed = on_trial.take().unwrap_or(confirmed);
                    }
                }
                Event::Reject => {
                    let _ = slots.reject();
                    on_trial = None;
                }
                Event::Push(release, is_whole) => {
                    let bytes = &releases[*release as usize];
                    let length = if *is_whole { bytes.len() } else { bytes.len() * 2 / 3 };
                    let pushed = models::push(&mut slots, &bytes[..length], &mut arena);
                    on_trial = None;
                    if !flash.is_dead() {
                        assert_eq!(pushed.is_ok(), *is_whole && *release > confirmed, "{pushed:?} {event:?}");
                    }
                }
                Event::Hostile(which) => {
                    let pushed = models::push(&mut slots, &hostile(*which), &mut arena);
                    on_trial = None;
                    assert!(pushed.is_err(), "{event:?} was taken");
                }
            }
        }
    }
    boots
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_256_bytes(lives in prop::collection::vec(life(), 1..8)) {
        live(Qspi, &lives);
    }

    #[test]
    fn words_of_4_bytes(lives in prop::collection::vec(life(), 1..8)) {
        live(Nrf, &lives);
    }

    #[test]
    fn words_with_an_error_correcting_code(lives in prop::collection::vec(life(), 1..5)) {
        live(Stm32, &lives);
    }
}
