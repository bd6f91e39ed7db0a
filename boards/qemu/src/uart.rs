//! The serial port of QEMU's Arm machines: Arm's CMSDK APB UART.
#![allow(unsafe_code)]

use core::ptr;

use crate::machine::UART_ADDRESS;

const DATA: usize = 0x0;
const STATE: usize = 0x4;
const CONTROL: usize = 0x8;
const DIVISOR: usize = 0x10;

const SENDING: u32 = 1;
const RECEIVED: u32 = 2;
const ENABLE_BOTH: u32 = 3;

/// The port, which only this program uses.
pub struct Uart(());

impl Uart {
    /// Switches it on. QEMU wants a divisor, and cares for no rate.
    pub fn start() -> Uart {
        write(DIVISOR, 16);
        write(CONTROL, ENABLE_BOTH);
        Uart(())
    }

    /// A byte, if one has come.
    pub fn receive(&mut self) -> Option<u8> {
        (read(STATE) & RECEIVED != 0).then(|| read(DATA) as u8)
    }

    /// Sends bytes, waiting for each to go.
    pub fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            while read(STATE) & SENDING != 0 {}
            write(DATA, u32::from(byte));
        }
    }
}

fn read(register: usize) -> u32 {
    // SAFETY: a register of the machine's UART, per board.toml, that may be read at any time.
    unsafe { ptr::read_volatile((UART_ADDRESS + register) as *const u32) }
}

fn write(register: usize, value: u32) {
    // SAFETY: a register of the machine's UART, per board.toml, which nobody else uses.
    unsafe { ptr::write_volatile((UART_ADDRESS + register) as *mut u32, value) }
}
