//! `camera-check` and `detect` on a board that the test plays: what they tell, when they give up.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use ocelli::{
    Camera, CaptureError, Exposure, Frame, FrameFormat, Gain, Mirror, PixelFormat, Sensor, Window, operators,
};
use ocelli_boards::detect::{self, DetectError, Model};
use ocelli_boards::{Board, TestPattern, camera_check};

const WIDTH: usize = 64;
const HEIGHT: usize = 48;

/// A camera that sees one brightness, bars when the sensor says so, and fails as often as it is told.
struct PlayedCamera {
    bytes: Vec<u8>,
    sends_bars: Rc<Cell<bool>>,
    /// Calls without a frame between two frames.
    waits: u32,
    waited: u32,
    failures: u32,
}

impl Camera for PlayedCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        self.waited += 1;
        if self.waited <= self.waits {
            return Err(nb::Error::WouldBlock);
        }
        self.waited = 0;
        if self.failures > 0 {
            self.failures -= 1;
            return Err(nb::Error::Other(CaptureError::Bus));
        }
        for (index, byte) in self.bytes.iter_mut().enumerate() {
            *byte = if self.sends_bars.get() { 240 - (index % WIDTH / 8 * 30) as u8 } else { 77 };
        }
        Ok(Frame::new(&self.bytes, WIDTH, HEIGHT, PixelFormat::Gray8).unwrap())
    }
}

struct PlayedSensor {
    is_there: bool,
    sends_bars: Rc<Cell<bool>>,
}

impl Sensor for PlayedSensor {
    type Error = CaptureError;

    fn probe(&mut self) -> Result<u16, CaptureError> {
        let absent = CaptureError::NotDetected { expected_id: 0x7673, found_id: 0 };
        if self.is_there { Ok(0x7673) } else { Err(absent) }
    }

    fn configure(&mut self, _: FrameFormat) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_window(&mut self, _: Window) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_exposure(&mut self, _: Exposure) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_gain(&mut self, _: Gain) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_mirror(&mut self, _: Mirror) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_test_pattern(&mut self, on: bool) -> Result<(), CaptureError> {
        self.sends_bars.set(on);
        Ok(())
    }

    fn set_standby(&mut self, _: bool) -> Result<(), CaptureError> {
        Ok(())
    }
}

struct PlayedBoard {
    camera: PlayedCamera,
    sensor: PlayedSensor,
    /// Goes on by a millisecond with every look.
    clock_us: Cell<u64>,
    lines: Vec<String>,
    fed: u32,
    lit: u32,
}

impl PlayedBoard {
    fn new(waits: u32, failures: u32) -> PlayedBoard {
        let sends_bars = Rc::new(Cell::new(false));
        let bytes = vec![0; WIDTH * HEIGHT];
        let camera = PlayedCamera { bytes, sends_bars: sends_bars.clone(), waits, waited: 0, failures };
        let sensor = PlayedSensor { is_there: true, sends_bars };
        PlayedBoard { camera, sensor, clock_us: Cell::new(0), lines: Vec::new(), fed: 0, lit: 0 }
    }

    fn tells(&self, line: &str) -> bool {
        self.lines.iter().any(|told| told == line)
    }
}

impl Board for PlayedBoard {
    type Camera = PlayedCamera;
    type Sensor = PlayedSensor;

    fn camera(&mut self) -> &mut PlayedCamera {
        &mut self.camera
    }

    fn sensor(&mut self) -> &mut PlayedSensor {
        &mut self.sensor
    }

    fn now_us(&self) -> u64 {
        self.clock_us.set(self.clock_us.get() + 500_000);
        self.clock_us.get()
    }

    fn set_led(&mut self, is_on: bool) {
        self.lit += u32::from(is_on);
    }

    fn feed_watchdog(&mut self) {
        self.fed += 1;
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        self.lines.push(text.to_string());
    }
}

#[test]
fn a_camera_that_works_is_told_with_rate_brightness_and_pattern() {
    let mut board = PlayedBoard::new(3, 2);
    let findings = camera_check::run(&mut board, 20).unwrap();
    // 20 frames between two looks at the clock, which are half a second apart.
    assert_eq!((findings.frames, findings.rate_millihertz, findings.brightness), (20, 40_000, 77));
    assert_eq!(findings.test_pattern, TestPattern::Bars);
    for line in ["sensor 0x7673", "frames 20", "rate 40.000", "brightness 77", "test_pattern ok"] {
        assert!(board.tells(line), "{line}: {:?}", board.lines);
    }
    assert!(!board.sensor.sends_bars.get(), "the pattern is off again");
    assert_eq!(board.fed, 20 + 5 + 2, "for every frame, and for every error");
}

#[test]
fn a_camera_that_only_fails_is_given_up() {
    let mut board = PlayedBoard::new(0, 16);
    assert_eq!(camera_check::run(&mut board, 1), Err(CaptureError::Bus));
    assert_eq!(board.lines.iter().filter(|line| line.starts_with("error")).count(), 16);
    let mut board = PlayedBoard::new(0, 15);
    assert!(camera_check::run(&mut board, 1).is_ok(), "one error less, and a frame comes");
    let mut board = PlayedBoard::new(0, 0);
    board.sensor.is_there = false;
    assert!(matches!(camera_check::run(&mut board, 1), Err(CaptureError::NotDetected { .. })));
}

fn detect(board: &mut PlayedBoard, artefact: &[u8], frames: u32) -> Result<(), DetectError> {
    let model = Model { artefact, profile: "portable", operators: operators::ALL };
    let mut arena = vec![0u8; 1 << 20];
    let start = arena.as_ptr().align_offset(16);
    detect::run(board, &model, &mut arena[start..], &mut vec![0; 3 * 1024], Some(frames))
}

#[test]
fn detect_answers_every_frame_with_the_labels_of_the_artefact() {
    // The sample of all forms of weights has no contracts: see below.
    for (name, artefact) in ocelli_samples::artefacts().into_iter().filter(|(name, _)| *name != "forms") {
        let mut board = PlayedBoard::new(1, 3);
        detect(&mut board, &artefact, 4).unwrap();
        let told = |start: &str| board.lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!((told("model"), told("error")), (1, 3), "{name}: {:?}", board.lines);
        assert_eq!(board.fed, 4 + 3, "{name}");
        let answers = told("class ") + told("object ");
        assert!(answers >= 4 || board.lit == 0, "{name}: {:?}", board.lines);
        assert!(board.lit == 0 || answers > 0, "a light without an answer");
    }
}

#[test]
fn detect_says_what_does_not_fit() {
    let [(_, artefact), ..] = ocelli_samples::artefacts();
    let mut board = PlayedBoard::new(0, 0);
    let cut = detect(&mut board, &artefact[..artefact.len() - 1], 1);
    assert!(matches!(cut, Err(DetectError::Parse(_))), "{cut:?}");
    let model = Model { artefact: &artefact, profile: "portable", operators: operators::ALL };
    let small = detect::run(&mut board, &model, &mut [], &mut [0; 3 * 1024], Some(1));
    assert!(matches!(small, Err(DetectError::Plan(_))), "{small:?}");
    let [.., (_, without_contracts)] = ocelli_samples::artefacts();
    let refused = detect(&mut board, &without_contracts, 1);
    assert!(matches!(refused, Err(DetectError::Pipeline(_))), "{refused:?}");
    let mut board = PlayedBoard::new(0, 99);
    assert_eq!(detect(&mut board, &artefact, 1), Err(DetectError::Camera(CaptureError::Bus)));
}
