//! Firmware for QEMU's Arm machines.
fn main() {}
