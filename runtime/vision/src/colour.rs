//! Colour conversion of single pixels, in the preprocess stage.
//!
//! Each formula is one line of integers, so that every machine and every format gives a model the
//! same pixels.

/// Red, green and blue of a YUV pixel: ITU-R BT.601, limited range (Y 16 to 235, U and V 16 to 240).
///
/// With `c = y - 16`, `d = u - 128`, `e = v - 128`, each rounded to nearest and clamped to 0..=255:
///
/// ```text
/// red   = (298 c         + 409 e + 128) >> 8
/// green = (298 c - 100 d - 208 e + 128) >> 8
/// blue  = (298 c + 516 d         + 128) >> 8
/// ```
#[inline]
pub const fn rgb_of_yuv([y, u, v]: [u8; 3]) -> [u8; 3] {
    Chroma::new(u, v).rgb(y)
}

/// The share of U and V in red, green and blue, for the two or four pixels that have them in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chroma {
    red: i32,
    green: i32,
    blue: i32,
}

impl Chroma {
    #[inline]
    pub(crate) const fn new(u: u8, v: u8) -> Chroma {
        let (d, e) = (u as i32 - 128, v as i32 - 128);
        Chroma { red: 409 * e, green: -100 * d - 208 * e, blue: 516 * d }
    }

    #[inline]
    pub(crate) const fn rgb(self, y: u8) -> [u8; 3] {
        let luma = 298 * (y as i32 - 16) + 128;
        [
            clamp_to_byte((luma + self.red) >> 8),
            clamp_to_byte((luma + self.green) >> 8),
            clamp_to_byte((luma + self.blue) >> 8),
        ]
    }
}

/// Brightness of a limited-range Y: `(298 (y - 16) + 128) >> 8`, clamped to 0..=255.
#[inline]
pub const fn gray_of_luma(y: u8) -> u8 {
    clamp_to_byte((298 * (y as i32 - 16) + 128) >> 8)
}

/// Brightness of a colour: `(77 red + 150 green + 29 blue + 128) >> 8`, the weights of BT.601.
#[inline]
pub const fn gray_of_rgb([red, green, blue]: [u8; 3]) -> u8 {
    ((77 * red as u32 + 150 * green as u32 + 29 * blue as u32 + 128) >> 8) as u8
}

/// Red, green and blue of a little-endian RGB565 pixel; the top bits fill the missing low ones, so
/// that full stays full.
#[inline]
pub const fn rgb_of_rgb565(bytes: [u8; 2]) -> [u8; 3] {
    let word = u16::from_le_bytes(bytes);
    let (red, green, blue) = ((word >> 11) as u8, ((word >> 5) & 63) as u8, (word & 31) as u8);
    [red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2]
}

const fn clamp_to_byte(value: i32) -> u8 {
    if value < 0 {
        0
    } else if value > 255 {
        255
    } else {
        value as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuv_follows_the_real_matrix_within_one_step() {
        for y in 0..=255u8 {
            for u in (0..=255u8).step_by(5) {
                for v in (0..=255u8).step_by(5) {
                    let luma = (f64::from(y) - 16.0) * 255.0 / 219.0;
                    let (blue, red) = (f64::from(u) - 128.0, f64::from(v) - 128.0);
                    let (kr, kb) = (0.299, 0.114);
                    let kg = 1.0 - kr - kb;
                    let chroma = 255.0 / 112.0;
                    let oracle = [
                        luma + red * chroma * (1.0 - kr),
                        luma - (blue * kb * (1.0 - kb) + red * kr * (1.0 - kr)) / kg * chroma,
                        luma + blue * chroma * (1.0 - kb),
                    ];
                    for (byte, real) in rgb_of_yuv([y, u, v]).into_iter().zip(oracle) {
                        assert!((f64::from(byte) - real.clamp(0.0, 255.0)).abs() <= 1.0, "{y} {u} {v}");
                    }
                }
            }
        }
    }

    #[test]
    fn reference_colours_come_out() {
        assert_eq!(rgb_of_yuv([16, 128, 128]), [0, 0, 0]);
        assert_eq!(rgb_of_yuv([235, 128, 128]), [255, 255, 255]);
        // Pure red, green and blue in BT.601, and what eight bits leave of them.
        assert_eq!(rgb_of_yuv([81, 90, 240]), [255, 0, 0]);
        assert_eq!(rgb_of_yuv([145, 54, 34]), [0, 255, 1]);
        assert_eq!(rgb_of_yuv([41, 240, 110]), [0, 0, 255]);
    }

    #[test]
    fn gray_has_one_meaning() {
        for y in 0..=255 {
            assert_eq!([gray_of_luma(y); 3], rgb_of_yuv([y, 128, 128]));
            assert_eq!(gray_of_rgb([y; 3]), y);
        }
        assert_eq!(gray_of_rgb([255, 0, 0]), 77);
        assert_eq!(gray_of_rgb([0, 255, 0]), 149);
        assert_eq!(gray_of_rgb([0, 0, 255]), 29);
    }

    #[test]
    fn rgb565_reaches_both_ends() {
        assert_eq!(rgb_of_rgb565([0xff, 0xff]), [255, 255, 255]);
        assert_eq!(rgb_of_rgb565([0, 0]), [0, 0, 0]);
        // The low byte comes first: 0x00f8 would be green and blue.
        assert_eq!(rgb_of_rgb565([0x00, 0xf8]), [255, 0, 0]);
        assert_eq!(rgb_of_rgb565([0xe0, 0x07]), [0, 255, 0]);
        assert_eq!(rgb_of_rgb565([0x1f, 0x00]), [0, 0, 255]);
        assert_eq!(rgb_of_rgb565([0x00, 0x80]), [132, 0, 0]);
        // 8 of 63 and 20 of 31.
        assert_eq!(rgb_of_rgb565([0x14, 0x01]), [0, 32, 165]);
    }
}
