//! What every device needs and no emulator: a clock, a way to say something, an end.

mod board;

pub mod clock;

mod halt;

mod mapped;

mod log;

mod ring;

pub use board::{Device, gray_sensor};
pub use halt::{fail, give_up};
pub use log::line;

/// How long a program may be without a frame or an error to tell before the watchdog starts it anew: longer than
/// any inference.
pub const WATCHDOG_US: u32 = 8_000_000;

/// How long a frame may take.
pub const FRAME_TIMEOUT_US: u32 = 500_000;
