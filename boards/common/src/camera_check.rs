//! The program `camera-check`: whether the camera delivers, how fast, how bright, and whether its wires are right.

use ocelli::{Camera, CaptureError, Loan, Sensor};

use crate::brightness::mean_brightness;
use crate::patience::Patience;
use crate::{Board, TestPattern, judge};

/// What one check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Frames that arrived whole.
    pub frames: u32,
    /// In thousandths of a frame per second.
    pub rate_millihertz: u32,
    /// Of the last frame, 0 to 255.
    pub brightness: u8,
    /// What the sensor's bars looked like.
    pub test_pattern: TestPattern,
}

/// Watches `frames` frames and one of the test pattern; tells and returns what it found.
///
/// # Errors
/// The last error of a camera that brought nothing but errors, and a sensor's that takes no setting.
pub fn run<B: Board>(board: &mut B, frames: u32) -> Result<Findings, CaptureError> {
    let id = board.sensor().probe().map_err(Into::into)?;
    board.line(format_args!("sensor {id:#06x}"));
    let mut brightness = 0;
    let start_us = board.now_us();
    for _ in 0..frames {
        brightness = next(board, |loan| {
            let frame = loan.frame();
            mean_brightness(&frame, [0, 0], [frame.width(), frame.height()])
        })?;
    }
    let elapsed_us = board.now_us().saturating_sub(start_us).max(1);
    let rate_millihertz = u64::from(frames) * 1_000_000_000 / elapsed_us;
    board.sensor().set_test_pattern(true).map_err(Into::into)?;
    let mut test_pattern = TestPattern::Flat;
    for _ in 0..SETTLING_FRAMES {
        test_pattern = next(board, |loan| judge(&loan.frame()))?;
    }
    board.sensor().set_test_pattern(false).map_err(Into::into)?;
    let rate_millihertz = u32::try_from(rate_millihertz).unwrap_or(u32::MAX);
    let findings = Findings { frames, rate_millihertz, brightness, test_pattern };
    tell(board, &findings);
    Ok(findings)
}

/// Frames until a setting shows: what is in the ring and in the sensor's pipeline is older.
const SETTLING_FRAMES: u32 = 5;

/// Waits for a frame and looks at it.
fn next<B: Board, T>(
    board: &mut B,
    look: impl Fn(<B::Camera as Camera>::Loan<'_>) -> T,
) -> Result<T, CaptureError> {
    let mut patience = Patience::new();
    loop {
        match board.camera().read_frame().map(&look) {
            Ok(seen) => {
                board.feed_watchdog();
                return Ok(seen);
            }
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(cause)) => patience.endure(board, cause)?,
        }
    }
}

fn tell(board: &mut impl Board, findings: &Findings) {
    let counts = board.camera().counts();
    let Findings { frames, rate_millihertz, brightness, test_pattern } = *findings;
    let (whole, thousandths) = (rate_millihertz / 1000, rate_millihertz % 1000);
    board.line(format_args!("frames {frames}"));
    board.line(format_args!("rate {whole}.{thousandths:03}"));
    board.line(format_args!("brightness {brightness}"));
    board.line(format_args!("test_pattern {test_pattern}"));
    board.line(format_args!("dropped {}", counts.dropped));
    board.line(format_args!("failed {}", counts.failed()));
}
