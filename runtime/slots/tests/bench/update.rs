//! An update that loses power at every single write and erasure, and once more in what follows: the next start runs a
//! whole, signed model, and never an older one than was confirmed.

use ocelli_format::AlignedBytes;
use ocelli_slots::{Failure, NorStorage, PublicKey, Slots};

use super::flash::{Flash, Kind};
use super::models;

/// What one life of a device is made of: everything until the power goes.
pub struct Bench {
    keys: [PublicKey; 1],
    pub releases: [AlignedBytes; 4],
    arena: AlignedBytes,
}

/// What was seen from outside.
#[derive(Clone, Copy, Debug, Default)]
struct Witness {
    /// The highest release that was seen confirmed.
    confirmed: u32,
}

impl Bench {
    pub fn new() -> Bench {
        let releases = [0, 1, 2, 3].map(|release| models::release(release.max(1)));
        Bench { keys: models::keys(), releases, arena: models::arena() }
    }

    /// A device whose release 1 is confirmed, on an erased chip.
    pub fn fresh<K: Kind>(&self, flash: Flash<K>) -> Flash<K> {
        flash.power_on(None, 0);
        let (mut slots, mut arena) = (self.slots(&flash), models::arena());
        models::push(&mut slots, &self.releases[1], &mut arena).unwrap();
        slots.boot(&mut arena).unwrap();
        slots.confirm().unwrap();
        flash
    }

    pub fn slots<K: Kind>(&self, flash: &Flash<K>) -> Slots<'_, NorStorage<Flash<K>>> {
        let storage = NorStorage::new(flash.clone(), flash.layout()).unwrap();
        Slots::open(storage, models::device(&self.keys)).unwrap()
    }

    /// One start: boots, confirms what is on trial, and pushes the next release, until the power goes or release
    /// `goal` is confirmed. Returns the release that it booted, or `None` where the power went before.
    fn start<K: Kind>(&mut self, flash: &Flash<K>, goal: u32, witness: &mut Witness) -> Option<u32> {
        let storage = NorStorage::new(flash.clone(), flash.layout()).unwrap();
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

/// Every cut of the update to `goal` on an erased chip, and behind each the cuts of the starts that follow, at most
/// `second_cuts` of them; how many there were of both.
pub fn every_cut<K: Kind>(name: &str, chip: Flash<K>, goal: u32, second_cuts: usize) -> (usize, usize) {
    let mut bench = Bench::new();
    let mut fresh = bench.fresh(chip);
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
        "{name}: update to release {goal} cut at {first} writes and erasures, and again at {second} behind them: \
         {} of {} runs booted a whole, signed model, none an older one",
        first + second,
        first + second
    );
    (first, second)
}
