//! Frames as a float model sees them: the device's own preprocessing up to pixels, then the contract's mean and
//! deviation.

use ocelli_core::Frame;
use ocelli_vision::{ImageInput, PreprocessError, Preprocessor, Transform, scratch_words};

use crate::quantize::InputScaling;

/// How frames become real numbers.
pub(crate) struct FloatInput {
    pub(crate) image: ImageInput,
    pub(crate) scaling: InputScaling,
}

impl FloatInput {
    /// The real numbers of the input for a frame, and the way back.
    pub(crate) fn real(&self, frame: &Frame<'_>) -> Result<(Vec<f32>, Transform), PreprocessError> {
        let mut scratch = vec![0; scratch_words(self.image.width, self.image.layout)];
        let mut pixels = vec![0; self.image.elements()];
        let mut preprocessor =
            Preprocessor::new(self.image, frame.width(), frame.height(), None, &mut scratch)?;
        preprocessor.frame_to_pixels(frame, &mut pixels)?;
        let channels = self.image.channels();
        let real = |(index, &pixel): (usize, &u8)| self.scaling.real(pixel, index % channels);
        Ok((pixels.iter().enumerate().map(real).collect(), preprocessor.transform()))
    }
}
