//! The serial port of a device, over which models are pushed, with the clock and the watchdog that waiting takes.

/// What a push needs of a device.
pub trait Port {
    /// Microseconds since the start.
    fn now_us(&self) -> u64;

    /// Says that the program still gets on.
    fn feed_watchdog(&mut self);

    /// The next byte, if one has come. What was lost or damaged on the way is no byte.
    fn receive(&mut self) -> Option<u8>;

    /// Sends bytes as they are.
    fn send(&mut self, bytes: &[u8]);
}
