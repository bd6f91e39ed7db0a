//! STM32H743: Cortex-M7F at 400 MHz, 1 MB of RAM, 2 MB of flash. **Built, not run on hardware.**
//!
//! Boards: Nucleo-H743ZI (the default), WeAct (feature `weact`), OpenMV H7 (feature `openmv`); OV7670, OV2640 or OV5640,
//! whichever answers on the bus:
//!
//! | camera | Nucleo | WeAct | OpenMV | |
//! |---|---|---|---|---|
//! | SCL, SDA | PB8, PB9 | PB8, PB9 | PB8, PB9 | I2C1 at 100 kHz, pull-ups |
//! | D0 ... D4 | PC6 PC7 PE0 PE1 PE4 | the same | the same | |
//! | D5 | PB6 | PD3 | PB6 | |
//! | D6, D7 | PE5, PE6 | the same | the same | |
//! | PIXCLK, HSYNC, VSYNC | PA6, PA4, PB7 | the same | the same | |
//! | XCLK | PA8 | PA8 | PA8 | 16 MHz |
//! | serial output, input | PD8, PD9 | PB10, PB11 | PB10, PB11 | USART3, 115,200 baud |
//! | light | PB0 | PE3 | PC1 | OpenMV: on when low |
//!
//! Clocks: the internal 64 MHz oscillator, so that every board's crystal will do; PLL to 400 MHz, buses 200 and 100 MHz;
//! watchdog of 8 seconds. How pixels come: [`grabber`].
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod board;

#[cfg(target_os = "none")]
pub mod grabber;

#[cfg(target_os = "none")]
mod flash;

#[cfg(target_os = "none")]
pub use board::start;
