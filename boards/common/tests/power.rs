//! The power goes at every single write and erasure of an update, where the slots of each real board lie.

#[path = "../../../runtime/slots/tests/bench/mod.rs"]
mod bench;
mod table;

use bench::flash::{Flash, Kind, Nrf, Qspi, Stm32};
use bench::update::every_cut;
use table::Table;

/// On a chip of that kind, which the board's table has to describe.
fn survives<K: Kind>(board: &str, kind: K, second_cuts: usize) {
    let Table { layout, erase_bytes, write_bytes } = Table::read(board);
    assert_eq!((erase_bytes, write_bytes), (K::ERASE_BYTES, K::WRITE_BYTES), "{board}: not a {}", K::NAME);
    let (first, second) = every_cut(board, Flash::with_layout(kind, layout), 2, second_cuts);
    assert!(first > 20 && second > first, "{board}: {first} {second}");
}

#[test]
fn the_pico() {
    survives("pico", Qspi, 16);
}

#[test]
fn the_pico_2() {
    survives("pico2", Qspi, 16);
}

#[test]
fn the_stm32h743() {
    survives("stm32h743", Stm32, 4);
}

#[test]
fn the_nano_33_ble() {
    survives("nano33ble", Nrf, 2);
}
