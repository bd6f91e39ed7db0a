//! Why the preprocess or the postprocess stage refuses: known before the first frame, but for
//! frames and rows that are not what was agreed.

use ocelli_core::Frame;
use ocelli_format::TensorId;

/// Why a frame does not become a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PreprocessError {
    /// The model's input has a side of 0 or above [`Frame::MAX_SIDE`].
    InputSize {
        /// Width of the input, in pixels.
        width: usize,
        /// Height of the input, in pixels.
        height: usize,
    },
    /// The frame has a side of 0 or above [`Frame::MAX_SIDE`].
    FrameSize {
        /// Width of the frame, in pixels.
        width: usize,
        /// Height of the frame, in pixels.
        height: usize,
    },
    /// The input tensor is not one image with the channels of its pixel layout.
    Channels {
        /// What the layout has.
        needed_channels: usize,
        /// What the tensor has as its innermost axis; 0 when it has more than four axes.
        available_channels: usize,
    },
    /// The region to look at is empty or leaves the frame.
    Region {
        /// One past the rightmost column that the region needs.
        right: usize,
        /// One past the lowest row that the region needs.
        bottom: usize,
        /// Width of the frame.
        frame_width: usize,
        /// Height of the frame.
        frame_height: usize,
    },
    /// The scratch is shorter than [`scratch_words`](crate::scratch_words) says.
    Scratch {
        /// Words that are needed.
        needed_words: usize,
        /// Words that were given.
        available_words: usize,
    },
    /// The number of normalization tables is neither one nor one a channel.
    Tables {
        /// Channels of the input.
        channels: usize,
        /// Tables of the contract.
        tables: usize,
    },
    /// A frame has another size than the preprocessor was made for.
    FrameChanged {
        /// Width of the frame.
        width: usize,
        /// Height of the frame.
        height: usize,
        /// Width agreed upon.
        needed_width: usize,
        /// Height agreed upon.
        needed_height: usize,
    },
    /// A row is shorter than the frame is wide.
    Row {
        /// Which, from 0.
        row: usize,
        /// What the format needs, in the part that is short.
        needed_bytes: usize,
        /// What was given.
        available_bytes: usize,
    },
    /// The buffer for the model's input is too short.
    Output {
        /// Elements of the input.
        needed_elements: usize,
        /// Elements that were given.
        available_elements: usize,
    },
}

impl core::fmt::Display for PreprocessError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            PreprocessError::InputSize { width, height } => {
                write!(
                    f,
                    "a model input of {width}x{height} pixels: each side must be 1 to {}",
                    Frame::MAX_SIDE
                )
            }
            PreprocessError::FrameSize { width, height } => {
                write!(f, "a frame of {width}x{height} pixels: each side must be 1 to {}", Frame::MAX_SIDE)
            }
            PreprocessError::Channels { needed_channels, available_channels } => {
                write!(
                    f,
                    "the pixel layout has {needed_channels} channels, the input tensor {available_channels}"
                )
            }
            PreprocessError::Region { right, bottom, frame_width, frame_height } => write!(
                f,
                "the region is empty or reaches to {right}x{bottom} in a frame of {frame_width}x{frame_height}"
            ),
            PreprocessError::Scratch { needed_words, available_words } => {
                write!(f, "preprocessing needs {needed_words} words of scratch and has {available_words}")
            }
            PreprocessError::Tables { channels, tables } => {
                write!(f, "{tables} normalization tables for {channels} channels: 1 or {channels} are needed")
            }
            PreprocessError::FrameChanged { width, height, needed_width, needed_height } => {
                write!(f, "a frame of {width}x{height} pixels, agreed were {needed_width}x{needed_height}")
            }
            PreprocessError::Row { row, needed_bytes, available_bytes } => {
                write!(f, "row {row} needs {needed_bytes} bytes and has {available_bytes}")
            }
            PreprocessError::Output { needed_elements, available_elements } => {
                write!(f, "the input needs {needed_elements} elements, the buffer has {available_elements}")
            }
        }
    }
}

impl core::error::Error for PreprocessError {}

/// Why a model's outputs do not become detections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PostprocessError {
    /// The model has more keypoints than a detection was given room for.
    Keypoints {
        /// Keypoints of the contract.
        needed: usize,
        /// The capacity.
        available: usize,
    },
    /// An output is missing or shorter than the contract says.
    Output {
        /// Which tensor.
        tensor: TensorId,
        /// What the contract reads.
        needed_elements: usize,
        /// What was given.
        available_elements: usize,
    },
}

impl core::fmt::Display for PostprocessError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            PostprocessError::Keypoints { needed, available } => {
                write!(f, "the model has {needed} keypoints, a detection has room for {available}")
            }
            PostprocessError::Output { tensor, needed_elements, available_elements } => {
                write!(
                    f,
                    "output tensor {tensor} needs {needed_elements} elements and has {available_elements}"
                )
            }
        }
    }
}

impl core::error::Error for PostprocessError {}
