//! The power goes at every single write and erasure of an update, and once more in what follows: the next start runs
//! a whole, signed model, and never an older one than was confirmed.

mod bench;

use bench::flash::{Flash, Kind, Nrf, Qspi, Stm32, layout};
use bench::models;
use ocelli_format::AlignedBytes;
use ocelli_slots::{Failure, NorStorage, Outcome, PublicKey, Slots};

/// What one life of a device is made of: everything until the power goes.
struct Bench {
    keys: [PublicKey; 1],
    releases: [AlignedBytes; 4],
    arena: AlignedBytes,
}

/// What was seen from outside.
#[derive(Clone, Copy, Debug, Default)]
struct Witness {
    /// The highest release that was seen confirmed.
    confirmed: u32,
}

impl Bench {
    fn new() -> Bench {
        let releases = [0, 1, 2, 3].map(|release| models::release(release.max(1)));
        Bench { keys: models::keys(), releases, arena: models::arena() }
    }

    /// A device whose release 1 is confirmed.
    fn fresh<K: Kind>(&self, kind: K) -> Flash<K> {
        let flash = Flash::new(kind);
        flash.power_on(None, 0);
        let (mut slots, mut arena) = (self.slots(&flash), models::arena());
        models::push(&mut slots, &self.releases[1], &mut arena).unwrap();
        slots.boot(&mut arena).unwrap();
        slots.confirm().unwrap();
        flash
    }

    fn slots<K: Kind>(&self, flash: &Flash<K>) -> Slots<'_, NorStorage<Flash<K>>> {
        let storage = NorStorage::new(flash.clone(), layout::<K>()).unwrap();
        Slots::open(storage, models::device(&self.keys)).unwrap()
    }

    /// One start: boots, confirms what is on trial, and pushes the next release, until the power goes or release
    /// `goal` is confirmed. Returns the release that it booted, or `None` where the power went before.
    fn start<K: Kind>(&mut self, flash: &Flash<K>, goal: u32, witness: &mut Witness) -> Option<u32> {
        let storage = NorStorage::new(flash.clone(), layout::<K>()).unwrap();
        let mut slots = Slots::open(storage, models::device(&self.keys)).unwrap();
        let booted = match slots.boot(&mut self.arena) {
            Ok(booted) => booted,
            Err(_) if flash.is_dead() => return None,
            Err(error) => panic!("nothing to boot: {error:?}, {:?}", slots.state()),
        };
        // The whole artefact, byte by byte, of a release that was given out.
        let artefact = slots.artefact(&booted).unwrap();
        assert_eq!(artefact.bytes(), &self.releases[booted.release as usize][..]);
        assert!(booted.release >= witness.confirmed, "{booted:?} after {witness:?}");
        if booted.on_trial {
            if slots.confirm().is_ok() {
                witness.confirmed = booted.release;
            }
            return Some(booted.release);
        }
        // Also where the power went while it was confirmed.
        witness.confirmed = booted.release;
        if booted.release < goal {
            let next = &self.releases[booted.release as usize + 1];
            match models::push(&mut slots, next, &mut self.arena) {
                Ok(()) => {}
                Err(Failure::Storage(_)) if flash.is_dead() => {}
                Err(_) if flash.is_dead() => {}
                Err(error) => panic!("a good update is refused: {error:?}"),
            }
        }
        Some(booted.release)
    }

    /// Starts again and again until the update is through.
    fn until_confirmed<K: Kind>(&mut self, flash: &Flash<K>, goal: u32, witness: &mut Witness) {
        for _ in 0..8 {
            flash.power_on(None, 0);
            self.start(flash, goal, witness).unwrap();
            if witness.confirmed == goal {
                // Once more: the confirmed model stays.
                assert_eq!(self.start(flash, goal, witness), Some(goal));
                return;
            }
        }
        panic!("the update does not come through");
    }
}

/// The power goes at operation `cut` of an update that takes several starts; operations count through.
fn cut_at<K: Kind>(
    bench: &mut Bench,
    flash: &Flash<K>,
    goal: u32,
    cut: usize,
    witness: &mut Witness,
) -> Option<()> {
    let mut left = cut;
    for _ in 0..8 {
        flash.power_on(Some(left), cut as u32);
        bench.start(flash, goal, witness);
        if flash.is_dead() {
            return Some(());
        }
        if witness.confirmed == goal {
            return None;
        }
        left -= flash.operations();
    }
    panic!("the update neither ends nor is cut")
}

/// Every cut of the update to `goal`, and behind each the cuts of the starts that follow, at most `second_cuts` of them.
fn every_cut<K: Kind>(kind: K, goal: u32, second_cuts: usize) -> (usize, usize) {
    let mut bench = Bench::new();
    let mut fresh = bench.fresh(kind);
    let mut witness = Witness { confirmed: 1 };
    if goal == 3 {
        bench.until_confirmed(&fresh, 2, &mut witness);
    }
    let (mut first, mut second) = (0, 0);
    loop {
        let (flash, mut seen) = (fresh.copy(), witness);
        if cut_at(&mut bench, &flash, goal, first + 1, &mut seen).is_none() {
            break;
        }
        first += 1;
        for cut in 1..=second_cuts {
            let (flash, mut seen) = (flash.copy(), seen);
            if cut_at(&mut bench, &flash, goal, cut, &mut seen).is_none() {
                break;
            }
            second += 1;
            bench.until_confirmed(&flash, goal, &mut seen);
        }
        bench.until_confirmed(&flash, goal, &mut seen);
    }
    fresh = fresh.copy();
    bench.until_confirmed(&fresh, goal, &mut witness);
    println!(
        "{}: update to release {goal} cut at {first} writes and erasures, and again at {second} behind them: \
         {} of {} runs booted a whole, signed model, none an older one",
        K::NAME,
        first + second,
        first + second
    );
    (first, second)
}

#[test]
fn nrf52840_survives_every_cut() {
    let (first, second) = every_cut(Nrf, 2, 4);
    assert!(first > 1000 && second > 4000, "{first} {second}");
}

#[test]
fn stm32h743_survives_every_cut() {
    let (first, second) = every_cut(Stm32, 2, 12);
    assert!(first > 100 && second > 1500, "{first} {second}");
}

#[test]
fn rp2040_survives_every_cut() {
    let (first, second) = every_cut(Qspi, 2, usize::MAX);
    assert!(first > 20 && second > 400, "{first} {second}");
    every_cut(Qspi, 3, usize::MAX);
}

#[test]
fn a_watchdog_brings_the_old_model_back() {
    let bench = Bench::new();
    let flash = bench.fresh(Qspi);
    let mut arena = models::arena();
    let mut slots = bench.slots(&flash);
    models::push(&mut slots, &bench.releases[2], &mut arena).unwrap();
    let booted = slots.boot(&mut arena).unwrap();
    assert!(booted.on_trial && booted.release == 2);
    // No confirmation: the watchdog resets the device.
    let mut slots = bench.slots(&flash);
    let booted = slots.boot(&mut arena).unwrap();
    assert_eq!((booted.release, booted.on_trial, slots.state().outcome), (1, false, Outcome::Reverted));
    // The same release may come again.
    models::push(&mut slots, &bench.releases[2], &mut arena).unwrap();
    let mut slots = bench.slots(&flash);
    assert!(slots.boot(&mut arena).unwrap().on_trial);
    slots.confirm().unwrap();
    let state = slots.state();
    assert_eq!((state.floor, state.trial, state.outcome), (2, None, Outcome::Confirmed));
}
