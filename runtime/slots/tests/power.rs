//! The power goes at every single write and erasure of an update, on each kind of flash.

mod bench;

use bench::flash::{Flash, Kind, Nrf, Qspi, Stm32};
use bench::models;
use bench::update::{self, Bench};
use ocelli_slots::Outcome;

fn every_cut<K: Kind>(kind: K, goal: u32, second_cuts: usize) -> (usize, usize) {
    update::every_cut(K::NAME, Flash::new(kind), goal, second_cuts)
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
    let flash = bench.fresh(Flash::new(Qspi));
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
