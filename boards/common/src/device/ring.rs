//! The frame buffers of a device, which live for ever.

/// A ring of [`SLOTS`](crate::SLOTS) buffers in static memory for frames of a constant format, the newest first served. For one place in a
/// program that runs once.
#[macro_export]
macro_rules! frame_ring {
    ($format:expr) => {{
        use ::ocelli::{FrameBuffer, FrameRing, Grabbing};
        use $crate::SLOTS;

        static mut BUFFERS: [FrameBuffer<{ $format.bytes() }>; SLOTS] = [FrameBuffer::new(); SLOTS];
        static mut RING: Option<FrameRing<SLOTS>> = None;
        // SAFETY: nothing else has these names, and a board starts once.
        let (buffers, place) = unsafe { (&mut *(&raw mut BUFFERS), &mut *(&raw mut RING)) };
        let buffers = buffers.each_mut().map(FrameBuffer::as_mut_slice);
        let ring = FrameRing::new($format, Grabbing::Latest, buffers).expect("a buffer holds a frame");
        place.insert(ring)
    }};
}
