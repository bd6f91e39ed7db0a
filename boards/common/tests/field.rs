//! Models in the field, from the serial port of a board that the test plays to its flash: pushed, tried, confirmed, given up.

#[path = "../../../runtime/slots/tests/bench/mod.rs"]
mod bench;
mod played;
mod table;

use bench::flash::{Flash, Qspi};
use bench::models;
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use ocelli::{CaptureError, operators};
use ocelli_boards::detect::{DetectError, Model};
use ocelli_boards::field::{self, Addressed, Field, FieldError};
use ocelli_boards::slots::link::{FRAME_BYTES, Request, Verdict};
use ocelli_boards::slots::{Layout, LayoutError, MappedFlash, Refusal, Region};
use ocelli_format::AlignedBytes;
use played::{PlayedBoard, Pusher};
use table::Table;

/// Where the Pico's flash begins.
const ADDRESS: u32 = 0x1000_0000;

/// The HAL's driver as embassy-rp has it: offsets from the chip's first byte, and any length, which it would fill up to pages.
/// The chip behind it takes whole pages only.
struct Hal(Flash<Qspi>);

impl ErrorType for Hal {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Hal {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Hal {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.0.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.0.write(offset, bytes)
    }
}

/// The driver as the board makes it; a device maps it with a pointer, a test with what the chip shows.
struct PicoFlash(Addressed<Hal, ADDRESS, 256>);

impl ErrorType for PicoFlash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for PicoFlash {
    const READ_SIZE: usize = Addressed::<Hal, ADDRESS, 256>::READ_SIZE;

    fn read(&mut self, address: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.0.read(address, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for PicoFlash {
    const WRITE_SIZE: usize = Addressed::<Hal, ADDRESS, 256>::WRITE_SIZE;
    const ERASE_SIZE: usize = Addressed::<Hal, ADDRESS, 256>::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.0.erase(from, to)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.0.write(address, bytes)
    }
}

impl MappedFlash for PicoFlash {
    fn mapped(&self, address: u32, length: u32) -> &[u8] {
        self.0.0.0.mapped(address - ADDRESS, length)
    }
}

/// A Pico's chip with its slots, and handles on it for one start after the other.
struct Chip(Flash<Qspi>);

impl Chip {
    fn new() -> Chip {
        let from_start = |region: Region| Region { offset: region.offset - ADDRESS, ..region };
        let Layout { slots, state } = Table::read("pico").layout;
        let layout = Layout { slots: slots.map(from_start), state: from_start(state) };
        Chip(Flash::with_layout(Qspi, layout))
    }

    fn driver(&self) -> PicoFlash {
        PicoFlash(Addressed(Hal(self.0.clone())))
    }
}

/// A start of the program, which ends when the camera is unplugged after `frames` frames.
fn start(chip: &Chip, frames: u32, board: &mut PlayedBoard) {
    let keys = models::keys();
    let built_in = models::model(3);
    let model = Model { artefact: &built_in, profile: "portable", operators: operators::ALL };
    let field = Field { board: models::BOARD, keys: &keys, layout: Table::read("pico").layout };
    let (mut arena, mut scratch) = (AlignedBytes::zeros(1 << 16), [0; 3 * 1024]);
    board.camera.frames_left = frames;
    let error = field::run(board, chip.driver(), &field, &model, &mut arena, &mut scratch);
    assert_eq!(error, FieldError::Detect(DetectError::Camera(CaptureError::Bus)));
}

/// What one start tells of its models.
fn told(chip: &Chip, frames: u32, artefacts: &[AlignedBytes]) -> (Vec<String>, Pusher) {
    let mut board = PlayedBoard::new(0, 0);
    board.pusher = Some(Pusher::new(artefacts, 40));
    start(chip, frames, &mut board);
    let is_of_models =
        |line: &String| ["slots", "release", "model"].iter().any(|word| line.starts_with(word));
    (board.lines.into_iter().filter(is_of_models).collect(), board.pusher.unwrap())
}

const EMPTY: &str = "slots these are not the bytes of an artefact";

#[test]
fn pushed_models_are_tried_confirmed_and_kept() {
    let chip = Chip::new();
    let (lines, pusher) = told(&chip, 400, &[models::release(1), models::release(2)]);
    let kinds: Vec<&str> =
        lines.iter().filter(|line| !line.starts_with("model")).map(String::as_str).collect();
    let confirmed = ["release 1 trial", "release 1 confirmed", "release 2 trial", "release 2 confirmed"];
    assert_eq!(kinds, [&[EMPTY], &confirmed[..]].concat());
    assert_eq!(pusher.verdicts, [Verdict::Staged; 2]);
    assert_eq!(pusher.repeats, 0, "every question was answered, though lines of text went out before");
    // The power goes and comes back.
    let (lines, _) = told(&chip, 3, &[]);
    assert_eq!(lines[0], "release 2 confirmed", "{lines:?}");
}

#[test]
fn what_is_refused_changes_nothing() {
    let chip = Chip::new();
    told(&chip, 200, &[models::release(2)]);
    let strange = models::signed(&models::model(1), 3, models::BOARD, &models::stranger());
    let (lines, pusher) = told(&chip, 200, &[models::release(1), strange]);
    let older = Refusal::NotNewer { release: 1, floor: 2 };
    let refused = [older, Refusal::UnknownKey].map(|refusal| Verdict::Refused(Some(refusal)));
    assert_eq!(pusher.verdicts, refused);
    assert!(lines.iter().all(|line| line == "release 2 confirmed" || line.starts_with("model")), "{lines:?}");
}

/// It is signed and right in its self-test, but has no contract for a camera.
#[test]
fn a_model_that_does_not_go_with_the_camera_is_given_up() {
    let chip = Chip::new();
    let [.., (_, without_contracts)] = ocelli_samples::artefacts();
    let odd = models::signed(&without_contracts, 2, models::BOARD, &models::maker());
    let (lines, pusher) = told(&chip, 400, &[models::release(1), odd]);
    assert_eq!(pusher.verdicts, [Verdict::Staged; 2]);
    let tried = lines.iter().position(|line| line == "release 2 trial").unwrap();
    assert!(lines[tried + 1].starts_with("release 2 pipeline"), "{lines:?}");
    assert_eq!(lines[tried + 2], "release 1 confirmed");
}

#[test]
fn a_model_that_sees_no_frames_is_given_up_after_two_starts() {
    let chip = Chip::new();
    told(&chip, 200, &[models::release(1)]);
    // The camera is unplugged in the middle of the trial, and stays so for one more start.
    let (lines, _) = told(&chip, 40 + 20, &[models::release(2)]);
    assert_eq!(lines.iter().rfind(|line| line.starts_with("release")).unwrap(), "release 2 trial");
    assert_eq!(told(&chip, 0, &[]).0[0], "release 2 trial");
    assert_eq!(told(&chip, 3, &[]).0[0], "release 1 confirmed");
}

#[test]
fn noise_does_not_stop_the_model_and_a_question_only_for_a_while() {
    let chip = Chip::new();
    let mut board = PlayedBoard::new(0, 0);
    board.incoming = (0..2000_u32).map(|index| (index * 37 % 251) as u8).collect();
    start(&chip, 100, &mut board);
    let answers = |board: &PlayedBoard| board.lines.iter().filter(|line| line.starts_with("object")).count();
    let models = |board: &PlayedBoard| board.lines.iter().filter(|line| line.starts_with("model")).count();
    let undisturbed = answers(&board);
    assert_eq!((models(&board), board.incoming.len()), (1, 0));
    // Somebody asks who is there, and no more.
    let mut board = PlayedBoard::new(0, 0);
    let mut buffer = [0; FRAME_BYTES];
    board.incoming = Request::Hello.frame(&mut buffer).iter().rev().copied().collect();
    start(&chip, 100, &mut board);
    assert_eq!((models(&board), answers(&board)), (2, undisturbed), "the model runs on");
    assert!(board.fed > 100 + 10, "the watchdog is fed while nobody asks any more");
}

#[test]
fn a_table_for_another_flash_is_told() {
    let chip = Chip::new();
    let mut layout = Table::read("pico").layout;
    layout.state.offset += 256;
    let field = Field { board: models::BOARD, keys: &[], layout };
    let model = Model { artefact: &[], profile: "portable", operators: operators::ALL };
    let error = field::run(&mut PlayedBoard::new(0, 0), chip.driver(), &field, &model, &mut [], &mut []);
    let expected = LayoutError::NotWholeBlocks { offset: layout.state.offset, erase_bytes: 4096 };
    assert_eq!(error, FieldError::Layout(expected));
    assert!(error.to_string().starts_with("slots: the region at 0x101fe100"), "{error}");
}

#[test]
fn addresses_below_and_behind_the_flash_are_refused_and_so_are_parts_of_pages() {
    let chip = Chip::new();
    let mut flash = chip.driver();
    let Layout { state, .. } = Table::read("pico").layout;
    assert_eq!((PicoFlash::WRITE_SIZE, PicoFlash::ERASE_SIZE), (256, 4096));
    assert_eq!(flash.capacity(), 0x1020_0000, "the address behind the last byte");
    assert_eq!(flash.read(ADDRESS - 1, &mut [0]), Err(NorFlashErrorKind::OutOfBounds));
    assert_eq!(flash.erase(0, 4096), Err(NorFlashErrorKind::OutOfBounds));
    for (address, length) in [(state.offset, 32), (state.offset + 32, 256)] {
        assert_eq!(flash.write(address, &vec![0; length]), Err(NorFlashErrorKind::NotAligned));
    }
    flash.erase(state.offset, state.offset + 4096).unwrap();
    flash.write(state.offset + 256, &[7; 256]).unwrap();
    let mut bytes = [0; 2];
    flash.read(state.offset + 255, &mut bytes).unwrap();
    assert_eq!(bytes, [0xFF, 7]);
}
