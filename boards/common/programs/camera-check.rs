//! `camera-check` on a device: tells every few seconds what the camera delivers. The library `board` is this board's.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "the entry attribute names the symbol that the vectors lead to")]

use ocelli_boards::{camera_check, device};

/// Two seconds at 30 frames a second.
const FRAMES: u32 = 60;

#[cortex_m_rt::entry]
fn main() -> ! {
    let (mut board, _) = board::start();
    loop {
        if let Err(error) = camera_check::run(&mut board, FRAMES) {
            device::fail(&mut board, format_args!("{error}"));
        }
    }
}
