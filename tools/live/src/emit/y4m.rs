//! y4m, as `ffmpeg` and most players read it: a line that tells the size, then planes of 4:2:0 without compression.
//!
//! Colours are those of ITU-R BT.601 in limited range, as the y4m camera reads them.

/// The first line of a video.
pub(crate) fn header([width, height]: [usize; 2], frames_per_second: f64) -> Vec<u8> {
    let per_thousand = (frames_per_second * 1000.0).round().max(1.0) as u64;
    format!("YUV4MPEG2 W{width} H{height} F{per_thousand}:1000 Ip A1:1 C420jpeg\n").into_bytes()
}

/// One frame of three bytes for each pixel, with the line before it.
pub(crate) fn frame(rgb: &[u8], [width, height]: [usize; 2]) -> Vec<u8> {
    let mut bytes = b"FRAME\n".to_vec();
    let at = |x: usize, y: usize| {
        let pixel = &rgb[(y * width + x) * 3..][..3];
        [i32::from(pixel[0]), i32::from(pixel[1]), i32::from(pixel[2])]
    };
    for y in 0..height {
        bytes.extend((0..width).map(|x| weighed(at(x, y), [66, 129, 25], 16)));
    }
    for weights in [[-38, -74, 112], [112, -94, -18]] {
        for y in (0..height).step_by(2) {
            bytes.extend((0..width).step_by(2).map(|x| {
                // At an odd edge the last pixel stands for the one that is missing.
                let (right, below) = ((x + 1).min(width - 1), (y + 1).min(height - 1));
                let four = [at(x, y), at(right, y), at(x, below), at(right, below)];
                let mean =
                    [0, 1, 2].map(|channel| (four.iter().map(|pixel| pixel[channel]).sum::<i32>() + 2) / 4);
                weighed(mean, weights, 128)
            }));
        }
    }
    bytes
}

/// A sum of channels in units of 1/256, and what stands for zero.
fn weighed([red, green, blue]: [i32; 3], weights: [i32; 3], zero: i32) -> u8 {
    let sum = red * weights[0] + green * weights[1] + blue * weights[2];
    (zero + ((sum + 128) >> 8)).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_white_and_red_are_those_of_the_recommendation() {
        for (rgb, yuv) in
            [([0, 0, 0], [16, 128, 128]), ([255; 3], [235, 128, 128]), ([255, 0, 0], [82, 90, 240])]
        {
            assert_eq!(frame(&rgb, [1, 1]), [b"FRAME\n".as_slice(), &yuv].concat(), "{rgb:?}");
        }
    }

    #[test]
    fn odd_sides_have_chroma_for_their_last_pixels() {
        assert_eq!(frame(&[128; 3 * 5 * 3], [3, 5]).len(), 6 + 15 + 2 * (2 * 3));
        assert_eq!(header([3, 5], 12.5), b"YUV4MPEG2 W3 H5 F12500:1000 Ip A1:1 C420jpeg\n");
    }
}
