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

/// How a box is spelled relative to its anchor. `t` are an anchor's values after their [`Field`], or after
/// their table where they have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoxDecoder {
    /// Centre = anchor centre + t * anchor size; size = t * anchor size (BlazeFace).
    Linear,
    /// Centre likewise; size = t * anchor size, t from tables, that is `exp` (SSD, YOLOX).
    Exponential,
    /// Centre = anchor centre + t * step between cells; size = t * anchor size; every t from a table
    /// (YOLO with anchors).
    Cells,
    /// Edges = anchor centre -+ t * anchor size, where t is the mean of the bins 0, 1, 2 ..., each weighted
    /// by the exponential of its value (YOLO without anchors). The table holds `exp(-k * scale)` for the
    /// values *k* below the largest, from 0 at its first entry.
    Distribution {
        /// How many there are for each edge, 2 to 32.
        bins: u8,
    },
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
