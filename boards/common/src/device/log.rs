//! The emit stage of a device: a line goes out of the serial port and over RTT.

use core::fmt::{self, Write};

use defmt_rtt as _;

defmt::timestamp!("{=u64:us}", super::clock::now_us());

/// Sends `text` and an end of line to `serial`, piece by piece, and to the probe as one line.
pub fn line(text: fmt::Arguments<'_>, serial: impl FnMut(&[u8])) {
    defmt::println!("{}", defmt::Display2Format(&text));
    // Nothing there fails.
    let _ = Serial(serial).write_fmt(format_args!("{text}\r\n"));
}

struct Serial<S>(S);

impl<S: FnMut(&[u8])> Write for Serial<S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}
