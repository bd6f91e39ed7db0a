//! RP2040 and RP2350: a parallel camera on PIO and DMA, and the rest of a Pico-shaped board.
//!
//! Pico and Pico 2 have the same pins, so one function starts both; the board's crate chooses the chip.
#![allow(unsafe_code)]

mod board;

mod grabber;

mod time;

pub use board::start;
