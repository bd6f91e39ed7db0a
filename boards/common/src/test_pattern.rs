//! Judges a frame of a sensor's test pattern: whether every data line, the byte order and the row length are right.
//!
//! All sensors here can send eight upright bars that get darker from left to right (white, yellow, cyan, green,
//! magenta, red, blue, black). A wrong wire or byte order cannot keep that order.

use core::fmt;

use ocelli::Frame;

use crate::brightness::mean_brightness;

/// What a frame that should show bars shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestPattern {
    /// Eight bars, each darker than the one before.
    Bars,
    /// The same from right to left: mirrored.
    Mirrored,
    /// One brightness everywhere: no pixels arrive, or the pattern is off in the dark.
    Flat,
    /// The bars change from the upper to the lower half: rows are longer or shorter than thought.
    Slanted,
    /// Something else: data lines changed places, are loose, or bytes come in another order.
    Disturbed,
}

impl fmt::Display for TestPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TestPattern::Bars => "ok",
            TestPattern::Mirrored => "mirrored",
            TestPattern::Flat => "flat: no pixels arrive, check data lines and pixel clock",
            TestPattern::Slanted => "slanted: rows have another length than the format says",
            TestPattern::Disturbed => "disturbed: check the order of data lines and the byte order",
        })
    }
}

const BARS: usize = 8;

/// Looks at a frame.
pub fn judge(frame: &Frame<'_>) -> TestPattern {
    let (width, height) = (frame.width(), frame.height());
    let bars = |top: usize| {
        core::array::from_fn::<u8, BARS, _>(|bar| {
            // The middle half of a bar, so that soft edges do not count.
            let bar_width = width / BARS;
            let (x, inner) = (bar * bar_width + bar_width / 4, (bar_width / 2).max(1));
            mean_brightness(frame, [x, top], [inner, (height / 8).max(1)])
        })
    };
    let (upper, lower) = (bars(height / 8), bars(height * 3 / 4));
    let spread =
        |bars: &[u8; BARS]| bars.iter().max().zip(bars.iter().min()).map_or(0, |(max, min)| max - min);
    if spread(&upper).max(spread(&lower)) < SMALLEST_SPREAD {
        return TestPattern::Flat;
    }
    if upper.iter().zip(&lower).any(|(upper, lower)| upper.abs_diff(*lower) > NOISE) {
        return TestPattern::Slanted;
    }
    let is_ordered = |in_order: fn(u8, u8) -> bool| upper.windows(2).all(|pair| in_order(pair[0], pair[1]));
    if is_ordered(|left, right| left > right) {
        TestPattern::Bars
    } else if is_ordered(|left, right| left < right) {
        TestPattern::Mirrored
    } else {
        TestPattern::Disturbed
    }
}

/// White and black are much further apart.
const SMALLEST_SPREAD: u8 = 32;

/// What two halves of the same bar may differ by.
const NOISE: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli::PixelFormat;

    const WIDTH: usize = 64;
    const HEIGHT: usize = 32;

    /// Brightness of the eight bars of a YUV sensor.
    const LEVELS: [u8; BARS] = [235, 210, 169, 144, 106, 81, 40, 16];

    fn gray(pixel: impl Fn(usize, usize) -> u8) -> TestPattern {
        let mut bytes = [0; WIDTH * HEIGHT];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = pixel(index % WIDTH, index / WIDTH);
        }
        judge(&Frame::new(&bytes, WIDTH, HEIGHT, PixelFormat::Gray8).unwrap())
    }

    fn bar(x: usize) -> u8 {
        LEVELS[x % WIDTH * BARS / WIDTH]
    }

    #[test]
    fn bars_are_known_in_both_directions() {
        assert_eq!(gray(|x, _| bar(x)), TestPattern::Bars);
        assert_eq!(gray(|x, _| bar(WIDTH - 1 - x)), TestPattern::Mirrored);
    }

    #[test]
    fn faults_of_the_wires_are_told_apart() {
        assert_eq!(gray(|_, _| 3), TestPattern::Flat);
        assert_eq!(gray(|x, y| bar(x + y)), TestPattern::Slanted);
        assert_eq!(gray(|x, _| bar(x).reverse_bits()), TestPattern::Disturbed, "data lines upside down");
        assert_eq!(gray(|x, _| bar(x) & !0x40), TestPattern::Disturbed, "one data line loose");
        assert_eq!(gray(|x, _| bar(x).rotate_left(1)), TestPattern::Disturbed, "shifted by one line");
    }

    #[test]
    fn the_wrong_byte_order_is_disturbed() {
        // Blue-difference of the same bars, which is what stands where brightness should.
        const CHROMA: [u8; BARS] = [128, 16, 166, 54, 202, 90, 240, 128];
        let mut bytes = [0; WIDTH * HEIGHT * 2];
        for (index, pair) in bytes.chunks_mut(2).enumerate() {
            let bar = index % WIDTH * BARS / WIDTH;
            pair.copy_from_slice(&[CHROMA[bar], LEVELS[bar]]);
        }
        let frame = Frame::new(&bytes, WIDTH, HEIGHT, PixelFormat::Yuyv).unwrap();
        assert_eq!(judge(&frame), TestPattern::Disturbed);
    }
}
