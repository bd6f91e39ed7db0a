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
