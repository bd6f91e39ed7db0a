//! `camera-check` and `detect` on a board that the test plays: what they tell, when they give up.

mod played;

use ocelli::{CaptureError, operators};
use ocelli_boards::detect::{self, DetectError, Model};
use ocelli_boards::{TestPattern, camera_check};
use played::PlayedBoard;

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
    detect::run(board, &model, &mut arena[start..], &mut vec![0; 3 * 1024], |_, seen| seen < frames)
}

#[test]
fn detect_answers_every_frame_with_the_labels_of_the_artefact() {
    // The samples of all forms of weights and of int16 have no contracts: see below.
    let without = ["forms", "wide"];
    for (name, artefact) in
        ocelli_samples::artefacts().into_iter().filter(|(name, _)| !without.contains(name))
    {
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
    let small = detect::run(&mut board, &model, &mut [], &mut [0; 3 * 1024], |_, seen| seen < 1);
    assert!(matches!(small, Err(DetectError::Plan(_))), "{small:?}");
    let [.., (_, without_contracts)] = ocelli_samples::artefacts();
    let refused = detect(&mut board, &without_contracts, 1);
    assert!(matches!(refused, Err(DetectError::Pipeline(_))), "{refused:?}");
    let mut board = PlayedBoard::new(0, 99);
    assert_eq!(detect(&mut board, &artefact, 1), Err(DetectError::Camera(CaptureError::Bus)));
}
