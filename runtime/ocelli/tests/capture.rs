//! Capture by interrupts and by polling, over a grabber that is played by the test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ocelli::{
    Camera, Capture, CaptureError, FrameBuffer, FrameFormat, FrameGrabber, FrameRing, Grabbing, Loan,
    PixelFormat, PolledCamera, RingCamera,
};

const FORMAT: FrameFormat = FrameFormat { width: 8, height: 4, pixels: PixelFormat::Gray8 };

const TIMEOUT_US: u32 = 1000;

/// Hardware whose pixels the test sends.
#[derive(Default)]
struct FakeGrabber {
    buffer: Option<&'static mut [u8]>,
    received: usize,
    /// Sent by itself whenever somebody looks, for polling.
    per_look: usize,
    fault: Option<CaptureError>,
}

impl FakeGrabber {
    fn send(&mut self, bytes: usize, value: u8) {
        let Some(buffer) = &mut self.buffer else { return };
        for _ in 0..bytes {
            match buffer.get_mut(self.received) {
                Some(byte) => *byte = value,
                None => self.fault = Some(CaptureError::Overrun { needed_bytes: buffer.len() as u32 }),
            }
            self.received += 1;
        }
    }
}

impl FrameGrabber for FakeGrabber {
    fn begin(&mut self, buffer: &'static mut [u8]) {
        self.buffer = Some(buffer);
        self.received = 0;
        self.fault = None;
    }

    fn received_bytes(&mut self) -> Result<usize, CaptureError> {
        self.send(self.per_look, 7);
        self.fault.map_or(Ok(self.received), Err)
    }

    fn end(&mut self) -> Option<&'static mut [u8]> {
        self.buffer.take()
    }
}

fn ring<const SLOTS: usize>(grabbing: Grabbing) -> &'static mut FrameRing<SLOTS> {
    let buffers = [(); SLOTS].map(|()| Box::leak(Box::new(FrameBuffer::<64>::new())).as_mut_slice());
    Box::leak(Box::new(FrameRing::new(FORMAT, grabbing, buffers).unwrap()))
}

#[test]
fn a_whole_frame_arrives_with_its_stamp_and_goes_back() {
    let (writer, reader) = ring::<2>(Grabbing::Latest).split();
    let mut capture = Capture::new(FakeGrabber::default(), writer, TIMEOUT_US, 0);
    let mut camera = RingCamera::new(reader);
    capture.frame_boundary(0);
    for turn in 0..5u8 {
        capture.grabber().send(FORMAT.bytes(), turn);
        assert!(matches!(camera.read_frame(), Err(nb::Error::WouldBlock)));
        capture.frame_boundary(u64::from(turn) * 100 + 100);
        let loan = camera.read_frame().unwrap();
        assert_eq!((loan.frame().bytes(), loan.frame().width()), ([turn; 32].as_slice(), 8));
        let stamp = loan.stamp().unwrap();
        assert_eq!((stamp.number, stamp.time_us), (turn.into(), u64::from(turn) * 100));
    }
    assert_eq!((camera.counts().delivered, camera.counts().dropped), (5, 0));
}

#[test]
fn short_long_and_endless_frames_are_lost_under_their_cause() {
    let (writer, reader) = ring::<2>(Grabbing::Latest).split();
    let mut capture = Capture::new(FakeGrabber::default(), writer, TIMEOUT_US, 0);
    let mut camera = RingCamera::new(reader);
    capture.frame_boundary(0);
    capture.grabber().send(31, 1);
    capture.frame_boundary(10);
    capture.grabber().send(33, 2);
    capture.frame_boundary(20);
    capture.check_timeout(20 + u64::from(TIMEOUT_US));
    assert_eq!(camera.counts().timeout, 0, "not before its time");
    capture.check_timeout(21 + u64::from(TIMEOUT_US));
    // With the last frame given up, a sync that stays away is told again and again.
    capture.check_timeout(3 * u64::from(TIMEOUT_US));
    let counts = camera.counts();
    assert_eq!((counts.truncated, counts.overrun, counts.timeout, counts.failed()), (1, 1, 2, 4));
    let waited_us = 2 * TIMEOUT_US - 21;
    assert_eq!(camera.read_frame().err(), Some(nb::Error::Other(CaptureError::Timeout { waited_us })));
    assert!(matches!(camera.read_frame(), Err(nb::Error::WouldBlock)), "told once");
    capture.frame_boundary(5000);
    capture.grabber().send(32, 3);
    capture.frame_boundary(5010);
    assert_eq!(camera.read_frame().unwrap().frame().bytes(), [3; 32], "and it recovers");
}

#[test]
fn a_polled_camera_moves_pixels_while_it_is_asked() {
    let (writer, reader) = ring::<2>(Grabbing::Latest).split();
    let grabber = FakeGrabber { per_look: 8, ..FakeGrabber::default() };
    let mut clock = 0;
    let capture = Capture::new(grabber, writer, TIMEOUT_US, 0);
    let mut camera = PolledCamera::new(capture, RingCamera::new(reader), || {
        clock += 100;
        clock
    });
    for _ in 0..3 {
        let mut looks = 0;
        while matches!(camera.read_frame(), Err(nb::Error::WouldBlock)) {
            looks += 1;
        }
        assert_eq!(looks, 4, "one begins the frame, three move most of it");
    }
    assert_eq!((camera.counts().delivered, camera.counts().dropped), (3, 0));
    camera.grabber().per_look = 0;
    let stuck =
        (0..20).find_map(|_| camera.read_frame().err().filter(|error| *error != nb::Error::WouldBlock));
    assert!(matches!(stuck, Some(nb::Error::Other(CaptureError::Timeout { .. }))));
}

#[test]
fn buffers_too_small_for_the_format_are_refused() {
    let buffers = [(); 2].map(|()| Box::leak(Box::new([0u8; 31])).as_mut_slice());
    let refused = FrameRing::new(FORMAT, Grabbing::Latest, buffers).err();
    assert_eq!(refused, Some(CaptureError::UnsupportedFormat));
}

/// Two threads stand for two cores: neither waits for the other, and every frame that is seen is whole.
#[test]
fn no_frame_is_torn_between_two_threads() {
    const FRAMES: u32 = 20_000;
    for grabbing in [Grabbing::Latest, Grabbing::Oldest] {
        let (writer, reader) = ring::<3>(grabbing).split();
        let mut capture = Capture::new(FakeGrabber::default(), writer, TIMEOUT_US, 0);
        let mut camera = RingCamera::new(reader);
        let is_done = AtomicBool::new(false);
        let delivered = thread::scope(|scope| {
            scope.spawn(|| {
                capture.frame_boundary(0);
                for number in 0..FRAMES {
                    for _ in 0..4 {
                        capture.grabber().send(8, number as u8);
                    }
                    capture.frame_boundary(u64::from(number) + 1);
                    thread::yield_now();
                }
                is_done.store(true, Ordering::Release);
            });
            let mut delivered = 0;
            loop {
                let was_done = is_done.load(Ordering::Acquire);
                match camera.read_frame() {
                    Ok(loan) => {
                        let number = loan.stamp().unwrap().number as u8;
                        assert!(loan.frame().bytes().iter().all(|&byte| byte == number), "torn");
                        delivered += 1;
                    }
                    Err(nb::Error::WouldBlock) if was_done => break delivered,
                    Err(nb::Error::WouldBlock) => thread::yield_now(),
                    Err(nb::Error::Other(cause)) => panic!("{cause}"),
                }
            }
        });
        let counts = camera.counts();
        // The frame that the last boundary began is still being filled, or was dropped.
        assert_eq!(counts.delivered, delivered);
        let known = counts.delivered + counts.dropped;
        assert!(known == FRAMES || known == FRAMES + 1, "{counts:?}");
        println!(
            "{grabbing:?}: {delivered} of {FRAMES} frames delivered whole, the others counted as dropped"
        );
    }
}
