//! The emit stage under QEMU: facts as lines `key value` through semihosting, and the exit code.

use core::fmt::{self, Write};

use cortex_m_semihosting::{debug, hio};

/// Prints one line. A line goes out in few semihosting calls, because each one stops the machine.
pub fn line(text: fmt::Arguments<'_>) {
    let Ok(stream) = hio::hstdout() else { return };
    let mut buffered = Buffered { stream, bytes: [0; 256], used: 0 };
    // A console that is gone leaves nobody to tell.
    let _ = buffered.write_fmt(text).and_then(|()| buffered.write_str("\n"));
    buffered.flush();
}

/// Prints `error ...` and ends QEMU with exit code 1.
pub fn fail(text: fmt::Arguments<'_>) -> ! {
    line(format_args!("error {text}"));
    exit(false)
}

/// Ends QEMU: exit code 0 for success, 1 otherwise.
pub fn exit(success: bool) -> ! {
    loop {
        debug::exit(if success { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

/// Prints one line `key value` in the manner of `println!`.
#[macro_export]
macro_rules! fact {
    ($($text:tt)*) => { $crate::console::line(format_args!($($text)*)) };
}

struct Buffered {
    stream: hio::HostStream,
    bytes: [u8; 256],
    used: usize,
}

impl Buffered {
    fn flush(&mut self) {
        let _ = self.stream.write_all(&self.bytes[..self.used]);
        self.used = 0;
    }
}

impl Write for Buffered {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.used == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.used] = byte;
            self.used += 1;
        }
        Ok(())
    }
}
