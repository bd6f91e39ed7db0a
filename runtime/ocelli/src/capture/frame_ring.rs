//! Frame buffers with their state machine, shared between an interrupt and a reader.

use core::cell::RefCell;

use critical_section::Mutex;
use ocelli_core::{CaptureCounts, CaptureError, FrameFormat, FrameStamp, Grabbing, Ring};

/// Memory for one frame, where caches and every DMA like it: on a multiple of 32 bytes, a line of Cortex-M7's cache.
///
/// `BYTES` are a multiple of 32 as well, so that no other variable shares a line with the frame.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub struct FrameBuffer<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> FrameBuffer<BYTES> {
    /// All zero.
    pub const fn new() -> Self {
        const { assert!(BYTES.is_multiple_of(32), "a frame ends where a cache line ends") };
        FrameBuffer([0; BYTES])
    }

    /// The bytes.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl<const BYTES: usize> Default for FrameBuffer<BYTES> {
    fn default() -> Self {
        FrameBuffer::new()
    }
}

/// Two or more buffers that an interrupt fills and a reader reads.
#[derive(Debug)]
pub struct FrameRing<const SLOTS: usize> {
    format: FrameFormat,
    shared: Mutex<RefCell<Shared<SLOTS>>>,
}

#[derive(Debug)]
struct Shared<const SLOTS: usize> {
    ring: Ring<SLOTS>,
    /// Those that neither grabber nor reader has.
    buffers: [Option<&'static mut [u8]>; SLOTS],
}

impl<const SLOTS: usize> FrameRing<SLOTS> {
    /// A ring of these buffers for frames of `format`; bytes beyond a frame stay as they are.
    ///
    /// # Errors
    /// [`CaptureError::UnsupportedFormat`] when a frame does not fit into a buffer, or has no pixels.
    pub fn new(
        format: FrameFormat,
        grabbing: Grabbing,
        buffers: [&'static mut [u8]; SLOTS],
    ) -> Result<Self, CaptureError> {
        let fits = |buffer: &&'static mut [u8]| format.frame(buffer).is_ok();
        if !buffers.iter().all(fits) {
            return Err(CaptureError::UnsupportedFormat);
        }
        let buffers = buffers.map(|buffer| buffer.get_mut(..format.bytes()));
        let shared = Shared { ring: Ring::new(grabbing), buffers };
        Ok(FrameRing { format, shared: Mutex::new(RefCell::new(shared)) })
    }

    /// The two ends: one for the interrupt, one for the main loop or another core.
    pub fn split(&mut self) -> (RingWriter<'_, SLOTS>, RingReader<'_, SLOTS>) {
        (RingWriter { ring: self }, RingReader { ring: self })
    }

    fn with<T>(&self, transition: impl FnOnce(&mut Shared<SLOTS>) -> T) -> T {
        critical_section::with(|token| transition(&mut self.shared.borrow_ref_mut(token)))
    }
}

/// The end that fills.
#[derive(Debug)]
pub struct RingWriter<'r, const SLOTS: usize> {
    ring: &'r FrameRing<SLOTS>,
}

impl<const SLOTS: usize> RingWriter<'_, SLOTS> {
    /// A frame begins: a slot and the buffer to fill, or `None` when it is dropped. The buffer goes back by
    /// [`RingWriter::complete`] or [`RingWriter::fail`].
    pub fn begin(&mut self, time_us: u64) -> Option<(usize, &'static mut [u8])> {
        self.ring.with(|shared| {
            let slot = shared.ring.begin(time_us)?;
            let buffer = shared.buffers[slot].take()?;
            Some((slot, buffer))
        })
    }

    /// The frame in `slot` is in memory.
    pub fn complete(&mut self, slot: usize, buffer: &'static mut [u8]) {
        self.ring.with(|shared| {
            shared.buffers[slot] = Some(buffer);
            shared.ring.complete(slot);
        });
    }

    /// The frame in `slot` is lost.
    pub fn fail(&mut self, slot: usize, buffer: &'static mut [u8], cause: CaptureError) {
        self.ring.with(|shared| {
            shared.buffers[slot] = Some(buffer);
            shared.ring.fail(slot, cause);
        });
    }

    /// Something went wrong outside any frame.
    pub fn report(&mut self, cause: CaptureError) {
        self.ring.with(|shared| shared.ring.report(cause));
    }
}

/// The end that reads.
#[derive(Debug)]
pub struct RingReader<'r, const SLOTS: usize> {
    ring: &'r FrameRing<SLOTS>,
}

impl<const SLOTS: usize> RingReader<'_, SLOTS> {
    /// Size and spelling of the frames.
    pub fn format(&self) -> FrameFormat {
        self.ring.format
    }

    /// The next frame's slot, stamp and pixels. They go back by [`RingReader::give_back`].
    ///
    /// # Errors
    /// What went wrong since the last call, of several the last; [`nb::Error::WouldBlock`] while there is no frame.
    pub fn take(&mut self) -> nb::Result<(usize, FrameStamp, &'static mut [u8]), CaptureError> {
        self.ring.with(|shared| {
            let (slot, stamp) = shared.ring.take()?.ok_or(nb::Error::WouldBlock)?;
            let buffer = shared.buffers[slot].take().ok_or(nb::Error::WouldBlock)?;
            Ok((slot, stamp, buffer))
        })
    }

    /// Done with the frame in `slot`.
    pub fn give_back(&mut self, slot: usize, buffer: &'static mut [u8]) {
        self.ring.with(|shared| {
            shared.buffers[slot] = Some(buffer);
            shared.ring.give_back(slot);
        });
    }

    /// What became of the frames so far.
    pub fn counts(&self) -> CaptureCounts {
        self.ring.with(|shared| shared.ring.counts())
    }
}
