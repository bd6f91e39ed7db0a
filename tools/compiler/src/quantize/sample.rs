//! Calibration samples, and which of them ranges are chosen from.

use std::borrow::Cow;

use super::InputScaling;

/// A calibration sample.
pub trait Sample: Sync {
    /// The real values of every graph input.
    fn inputs(&self) -> Cow<'_, [Vec<f32>]>;
}

impl Sample for Vec<Vec<f32>> {
    fn inputs(&self) -> Cow<'_, [Vec<f32>]> {
        Cow::Borrowed(self)
    }
}

/// A picture as a model's only input sees it. The real values are made where they are looked at: as floats, hundreds of
/// pictures would be most of what the compiler holds.
pub struct Pixels<'a> {
    /// Rows of pixels, channels innermost.
    pub pixels: Cow<'a, [u8]>,
    /// Channels of a pixel.
    pub channels: usize,
    /// What they stand for.
    pub scaling: &'a InputScaling,
}

impl Sample for Pixels<'_> {
    fn inputs(&self) -> Cow<'_, [Vec<f32>]> {
        let pixels = self.pixels.iter().enumerate();
        let real = |(index, &pixel)| self.scaling.real(pixel, index % self.channels);
        Cow::Owned(vec![pixels.map(real).collect()])
    }
}

/// Fewer samples are used twice, for ranges and for errors.
pub(super) const ENOUGH: usize = 32;

/// Samples that ranges are chosen from, and samples that errors are measured on. Ranges cut off what they
/// have not seen, so errors show on other samples than theirs; with few samples there is no choice.
pub(super) fn split<S: Sample>(samples: &[S]) -> (Vec<&dyn Sample>, Vec<&dyn Sample>) {
    /// One sample in so many is for measuring.
    const SHARE: usize = 4;
    let all = || samples.iter().map(|sample| sample as &dyn Sample);
    if samples.len() < ENOUGH {
        return (all().collect(), all().collect());
    }
    let is_measured = |index: &usize| index % SHARE == SHARE - 1;
    let part = |measured: bool| {
        all()
            .enumerate()
            .filter(|(index, _)| is_measured(index) == measured)
            .map(|(_, sample)| sample)
            .collect()
    };
    (part(false), part(true))
}
