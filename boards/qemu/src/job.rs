//! The job: an artefact and its input, as the host lays them into the machine's memory.
//!
//! A header of sixteen little-endian words, the artefact, the input; both start on a multiple of 16 bytes.
//!
//! | word | meaning |
//! |---|---|
//! | 0 | `OJOB` |
//! | 1 | bytes of the whole job |
//! | 2, 3 | offset and bytes of the artefact |
//! | 4 | kind of input: 0 none, 1 seed, 2 tensors, 3 frame |
//! | 5, 6 | offset and bytes of the input (tensors, frame) |
//! | 7, 8 | seed and right shift of the pseudo-random stream (seed) |
//! | 9, 10, 11 | width, height, pixel format (frame) |
//! | 12 | 1 to tell every step of the schedule (seed, tensors), otherwise 0 |
//! | 13 to 15 | 0 |

use ocelli_core::{Frame, FrameError, PixelFormat};

/// Bytes of the header, and where the artefact starts.
pub const HEADER_BYTES: usize = 64;

/// Alignment of artefact and input.
pub const ALIGNMENT: usize = 16;

/// One run of one model.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The compiled model.
    pub artefact: &'a [u8],
    /// What it gets to see.
    pub input: Input<'a>,
    /// Whether every step of the schedule is told: a hash of what it computed, and its instructions. For
    /// inputs of tensors and seeds.
    pub steps: bool,
}

/// Where the input tensors come from.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Only the artefact's own self-test is run.
    None,
    /// The pseudo-random stream [`ocelli_format::SeedStream`], through all input tensors in order.
    Seed {
        /// Start of the stream; 0 would stay 0.
        seed: u32,
        /// Arithmetic right shift of every byte, 0 to 7.
        shift: u8,
    },
    /// The bytes of all input tensors in order.
    Tensors(&'a [u8]),
    /// A camera frame, for all five stages.
    Frame(Frame<'a>),
}

/// Why bytes are no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobError {
    /// The bytes do not open with `OJOB`: nothing was loaded.
    Missing,
    /// A part lies outside the job, or the job outside the memory that it is read from.
    OutOfBounds {
        /// First byte of the part.
        offset: usize,
        /// Its length.
        length: usize,
    },
    /// An input kind or pixel format that this firmware does not know.
    Unknown {
        /// Which word of the header.
        word: usize,
        /// What stands there.
        value: u32,
    },
    /// The frame has an impossible size, or too few bytes.
    Frame(FrameError),
}

impl core::fmt::Display for JobError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            JobError::Missing => write!(f, "no job was loaded"),
            JobError::OutOfBounds { offset, length } => {
                write!(f, "{length} bytes at offset {offset} lie outside the job")
            }
            JobError::Unknown { word, value } => {
                write!(f, "word {word} of the job holds an unknown value, {value}")
            }
            JobError::Frame(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for JobError {}

impl<'a> Job<'a> {
    /// Finds the parts of a job at the start of `memory`.
    ///
    /// # Errors
    /// Every [`JobError`].
    pub fn read(memory: &'a [u8]) -> Result<Job<'a>, JobError> {
        let word = |index: usize| match memory.get(4 * index..4 * index + 4) {
            Some(bytes) => u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            None => 0,
        };
        if memory.len() < HEADER_BYTES || word(0) != MAGIC {
            return Err(JobError::Missing);
        }
        let job = part(memory, 0, word(1) as usize)?;
        let artefact = part(job, word(2) as usize, word(3) as usize)?;
        let data = part(job, word(5) as usize, word(6) as usize)?;
        let input = match word(4) {
            0 => Input::None,
            1 => Input::Seed { seed: word(7), shift: (word(8) & 7) as u8 },
            2 => Input::Tensors(data),
            3 => {
                let (width, height, code) = (word(9) as usize, word(10) as usize, word(11));
                let format =
                    FORMATS.get(code as usize).copied().ok_or(JobError::Unknown { word: 11, value: code })?;
                Input::Frame(Frame::new(data, width, height, format).map_err(JobError::Frame)?)
            }
            value => return Err(JobError::Unknown { word: 4, value }),
        };
        Ok(Job { artefact, input, steps: word(12) == 1 })
    }

    /// The header that goes before the artefact.
    pub fn header(&self) -> [u8; HEADER_BYTES] {
        let data = self.input_bytes();
        let mut words = [0; HEADER_BYTES / 4];
        words[0] = MAGIC;
        words[1] = (self.input_offset() + data.len()) as u32;
        words[2] = HEADER_BYTES as u32;
        words[3] = self.artefact.len() as u32;
        words[5] = self.input_offset() as u32;
        words[12] = u32::from(self.steps);
        words[6] = data.len() as u32;
        match self.input {
            Input::None => {}
            Input::Seed { seed, shift } => {
                words[4] = 1;
                words[7] = seed;
                words[8] = u32::from(shift);
            }
            Input::Tensors(_) => words[4] = 2,
            Input::Frame(frame) => {
                words[4] = 3;
                words[9] = frame.width() as u32;
                words[10] = frame.height() as u32;
                words[11] =
                    FORMATS.iter().position(|&format| format == frame.format()).unwrap_or(FORMATS.len())
                        as u32;
            }
        }
        let mut header = [0; HEADER_BYTES];
        for (bytes, word) in header.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        header
    }

    /// Where the input starts: the artefact is followed by zeros up to there.
    pub fn input_offset(&self) -> usize {
        (HEADER_BYTES + self.artefact.len()).next_multiple_of(ALIGNMENT)
    }

    /// The input's bytes, empty for kinds that have none.
    pub fn input_bytes(&self) -> &'a [u8] {
        match self.input {
            Input::None | Input::Seed { .. } => &[],
            Input::Tensors(bytes) => bytes,
            Input::Frame(frame) => frame.bytes(),
        }
    }
}

const MAGIC: u32 = u32::from_le_bytes(*b"OJOB");

/// A pixel format's code in the header is its position here.
const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Gray8,
    PixelFormat::Rgb888,
    PixelFormat::Rgb565,
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::I420,
];

fn part(bytes: &[u8], offset: usize, length: usize) -> Result<&[u8], JobError> {
    offset
        .checked_add(length)
        .and_then(|end| bytes.get(offset..end))
        .ok_or(JobError::OutOfBounds { offset, length })
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    fn written(job: &Job) -> Vec<u8> {
        let mut bytes = job.header().to_vec();
        bytes.extend_from_slice(job.artefact);
        bytes.resize(job.input_offset(), 0);
        bytes.extend_from_slice(job.input_bytes());
        bytes
    }

    #[test]
    fn a_frame_comes_back_as_it_was_written() {
        let pixels: Vec<u8> = (0..5 * 3 * 2).collect();
        let frame = Frame::new(&pixels, 5, 3, PixelFormat::Rgb565).unwrap();
        let mut bytes =
            written(&Job { artefact: b"artefact of 23 bytes...", input: Input::Frame(frame), steps: false });
        bytes.resize(4096, 0xFF);
        let job = Job::read(&bytes).unwrap();
        assert_eq!(job.artefact, b"artefact of 23 bytes...");
        let Input::Frame(read) = job.input else { panic!("{:?}", job.input) };
        assert_eq!((read.width(), read.height(), read.format()), (5, 3, PixelFormat::Rgb565));
        assert_eq!(read.bytes(), pixels);
    }

    #[test]
    fn seed_shift_and_steps_come_back() {
        for steps in [false, true] {
            let bytes = written(&Job { artefact: &[1; 16], input: Input::Seed { seed: 5, shift: 2 }, steps });
            let job = Job::read(&bytes).unwrap();
            assert!(matches!(job.input, Input::Seed { seed: 5, shift: 2 }));
            assert_eq!(job.steps, steps);
        }
    }

    #[test]
    fn memory_without_a_job_is_told_apart() {
        assert_eq!(Job::read(&[0; 256]).unwrap_err(), JobError::Missing);
        assert_eq!(Job::read(&[]).unwrap_err(), JobError::Missing);
    }

    #[test]
    fn a_job_cut_anywhere_is_refused() {
        let bytes = written(&Job { artefact: &[7; 33], input: Input::Tensors(&[1, 2, 3]), steps: false });
        for length in 0..bytes.len() {
            assert!(Job::read(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(Job::read(&bytes).is_ok());
    }

    #[test]
    fn every_flipped_header_byte_is_harmless() {
        let bytes = written(&Job { artefact: &[7; 33], input: Input::Tensors(&[1, 2, 3]), steps: false });
        for index in 0..HEADER_BYTES {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[index] ^= 1 << bit;
                let _ = Job::read(&flipped);
            }
        }
    }
}
