//! How a program ends that cannot go on: it says why and waits for the watchdog, which starts it anew.

use core::fmt;
use core::panic::PanicInfo;

use crate::Board;

/// Tells the error and lets the watchdog run out.
pub fn fail(board: &mut impl Board, text: fmt::Arguments<'_>) -> ! {
    board.line(format_args!("failed {text}"));
    wait()
}

/// The same where there is no board yet, only its serial port.
pub fn give_up(text: fmt::Arguments<'_>, serial: impl FnMut(&[u8])) -> ! {
    super::line(format_args!("failed {text}"), serial);
    wait()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex_m::interrupt::disable();
    defmt::error!("{}", defmt::Display2Format(info));
    wait()
}

fn wait() -> ! {
    loop {
        cortex_m::asm::nop();
    }
}
