//! Raspberry Pi Pico: RP2040, two Cortex-M0+ at 125 MHz, 264 KB of RAM, 2 MB of flash. **Built, not run on hardware.**
//!
//! HM01B0 or OV7670 with eight data lines, whichever answers on the bus:
//!
//! | pin | camera | |
//! |---|---|---|
//! | GP4, GP5 | SDA, SCL | I2C0 at 100 kHz, pull-ups of 4.7 kOhm to 3.3 V |
//! | GP6 ... GP13 | D0 ... D7 | |
//! | GP14 | PCLK | at most a sixth of the system clock |
//! | GP15 | HREF, LVLD | |
//! | GP16 | VSYNC, FVLD | |
//! | GP21 | XCLK, MCLK | 12 MHz, from the crystal |
//! | 3V3, GND | power | OV7670: RESET to 3.3 V, PWDN to ground |
//! | GP0, GP1 | | serial output and input, 115,200 baud |
//! | GP25 | | the light on the board: something was seen |
//!
//! Clocks: crystal 12 MHz, system 125 MHz, watchdog of 8 seconds. A PIO program takes the pixels and a DMA
//! channel writes them (`ocelli_boards::rp`); SRAM is not cached. Logs go to RTT as well. `memory.x` comes from `board.toml`.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

#[cfg(target_os = "none")]
pub use ocelli_boards::rp::start;
