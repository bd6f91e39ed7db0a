//! How frames become inputs and outputs become answers, as the artefact states it.

/// Channels of an image input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PixelLayout {
    /// One channel of brightness.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a frame of one shape fills an input of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResizeMode {
    /// Both axes scaled on their own.
    Stretch,
    /// Scaled alike until all of the frame is inside, centred, with a border.
    Letterbox,
    /// Scaled alike until the input is full, centred, the rest cut off.
    CenterCrop,
}

/// How a box is spelled relative to its anchor. `t` are the fields after [`Field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoxDecoder {
    /// Centre = anchor centre + t * anchor size; size = t * anchor size (BlazeFace).
    Linear,
    /// Centre likewise; size = exp(t) * anchor size, by table (SSD).
    Exponential,
}

/// What becomes of boxes that overlap a better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suppression {
    /// They are dropped, class by class.
    Hard,
    /// They are averaged into it, weighted by score (BlazeFace's blending).
    Weighted,
}

/// `t = (value * multiplier + offset) / 2^8`, rounded to nearest, in `1 / 65536`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Below `2^23` in magnitude.
    pub multiplier: i32,
    /// Below `2^30` in magnitude.
    pub offset: i32,
}

/// Input stream and output hash of a known run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTest {
    /// First state of the xorshift32 stream, not 0. Inputs are filled in order from one stream.
    pub seed: u32,
    /// Arithmetic shift to the right of every stream byte, 0 to 7.
    pub shift: u8,
    /// CRC-32 of all output tensors, concatenated in order.
    pub output_crc32: u32,
}
