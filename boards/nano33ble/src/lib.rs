//! Arduino Nano 33 BLE Sense: nRF52840, Cortex-M4F at 64 MHz, 256 KB of RAM, 1 MB of flash. **Built, not run on hardware.**
//!
//! Arducam Mini 2MP (OV2640 with a FIFO):
//!
//! | pin | camera | |
//! |---|---|---|
//! | D13 (P0.13) | SCK | SPIM3 at 8 MHz, mode 0 |
//! | D12 (P1.08) | MISO | |
//! | D11 (P1.01) | MOSI | |
//! | D7 (P0.23) | CS | |
//! | A4 (P0.31), A5 (P0.02) | SDA, SCL | TWIM0 at 100 kHz, pull-ups on the camera |
//! | 3V3, GND | power | |
//! | D1 (P1.03), D0 (P1.10) | | serial output and input, 115,200 baud |
//! | P0.16 | | the green light on the board, on when low: something was seen |
//!
//! Clocks: core 64 MHz from the internal oscillator, watchdog of 8 seconds on the 32 kHz clock. The camera fills its FIFO by
//! itself and `read_frame` empties it row by row: EasyDMA reaches all of RAM and moves up to 65,535 bytes, a row are 640.
//! RAM is not cached. Arduino's bootloader stays in the first 64 KB of flash.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod board;

#[cfg(target_os = "none")]
pub use board::start;
