//! The preprocess stage against plain loops, and as pictures.

use ocelli_core::{Frame, PixelFormat};
use ocelli_format::{PixelLayout, ResizeMode};
use ocelli_vision::{ImageInput, PreprocessError, Preprocessor, Region, SourceRow, colour, scratch_words};

#[path = "../src/random.rs"]
mod random;

use random::Random;

const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Gray8,
    PixelFormat::Rgb888,
    PixelFormat::Rgb565,
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::I420,
];
const LAYOUTS: [PixelLayout; 3] = [PixelLayout::Gray, PixelLayout::Rgb, PixelLayout::Bgr];
const MODES: [ResizeMode; 3] = [ResizeMode::Stretch, ResizeMode::Letterbox, ResizeMode::CenterCrop];

fn noise(random: &mut Random, length: usize) -> Vec<u8> {
    (0..length).map(|_| random.next() as u8).collect()
}

fn gray(width: usize, height: usize, resize: ResizeMode) -> ImageInput {
    ImageInput { width, height, layout: PixelLayout::Gray, resize, border: 0 }
}

fn pixels(frame: &Frame<'_>, input: ImageInput, region: Option<Region>) -> Vec<u8> {
    let mut scratch = vec![0xdead_beef; scratch_words(input.width, input.layout)];
    let mut preprocessor =
        Preprocessor::new(input, frame.width(), frame.height(), region, &mut scratch).unwrap();
    let mut pixels = vec![0x5a; input.elements()];
    preprocessor.frame_to_pixels(frame, &mut pixels).unwrap();
    pixels
}

/// One pixel of a frame in the channels of a layout, found the long way round.
fn oracle_pixel(frame: &Frame<'_>, layout: PixelLayout, x: usize, y: usize) -> Vec<u8> {
    let (width, height, bytes) = (frame.width(), frame.height(), frame.bytes());
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let at = y * width + x;
    let half_at = y / 2 * half_width + x / 2;
    let yuv = |yuv: [u8; 3]| (colour::rgb_of_yuv(yuv), colour::gray_of_luma(yuv[0]));
    let ([red, green, blue], brightness) = match frame.format() {
        PixelFormat::Gray8 => ([bytes[at]; 3], bytes[at]),
        PixelFormat::Rgb888 => {
            let rgb = [bytes[3 * at], bytes[3 * at + 1], bytes[3 * at + 2]];
            (rgb, colour::gray_of_rgb(rgb))
        }
        PixelFormat::Rgb565 => {
            let rgb = colour::rgb_of_rgb565([bytes[2 * at], bytes[2 * at + 1]]);
            (rgb, colour::gray_of_rgb(rgb))
        }
        PixelFormat::Yuyv => {
            let pair = y * half_width * 4 + x / 2 * 4;
            yuv([bytes[pair + x % 2 * 2], bytes[pair + 1], bytes[pair + 3]])
        }
        PixelFormat::Nv12 => {
            let chroma = width * height + 2 * half_at;
            yuv([bytes[at], bytes[chroma], bytes[chroma + 1]])
        }
        PixelFormat::I420 => {
            let chroma = width * height + half_at;
            yuv([bytes[at], bytes[chroma], bytes[chroma + half_width * half_height]])
        }
        format => panic!("a format without an oracle: {format:?}"),
    };
    match layout {
        PixelLayout::Gray => vec![brightness],
        PixelLayout::Bgr => vec![blue, green, red],
        _ => vec![red, green, blue],
    }
}

/// The source pixels of a target pixel with their weights, out of the sum of all weights.
fn oracle_weights(source: usize, target: usize, at: usize) -> (Vec<(usize, u64)>, u64) {
    let (source, target, at) = (source as i64, target as i64, at as i64);
    if source > 2 * target {
        let (start, end) = (at * source, (at + 1) * source);
        let covered = |pixel: i64| (end.min((pixel + 1) * target) - start.max(pixel * target)).max(0);
        let weights = (0..source).map(|pixel| (pixel as usize, covered(pixel) as u64));
        return (weights.filter(|&(_, weight)| weight > 0).collect(), source as u64);
    }
    let centre = (2 * at + 1) * source - target;
    let first = centre.div_euclid(2 * target);
    let reciprocal = (1i64 << 31) / (2 * target);
    let weight = (centre.rem_euclid(2 * target) * reciprocal + (1 << 22)) >> 23;
    let inside = |pixel: i64| pixel.clamp(0, source - 1) as usize;
    (vec![(inside(first), 256 - weight as u64), (inside(first + 1), weight as u64)], 256)
}

/// What the documentation of `Preprocessor` says, pixel by pixel, in integers and in real numbers.
fn oracle(frame: &Frame<'_>, input: ImageInput, region: Option<Region>) -> (Vec<u8>, Vec<f64>) {
    let mut scratch = vec![0; scratch_words(input.width, input.layout)];
    let transform =
        Preprocessor::new(input, frame.width(), frame.height(), region, &mut scratch).unwrap().transform();
    let (source, target) = (transform.source(), transform.target());
    let (mut exact, mut real) = (Vec::new(), Vec::new());
    for y in 0..input.height {
        for x in 0..input.width {
            let (x, y) = (x.wrapping_sub(target.x), y.wrapping_sub(target.y));
            if x >= target.width || y >= target.height {
                exact.extend(vec![input.border; input.channels()]);
                real.extend(vec![f64::from(input.border); input.channels()]);
                continue;
            }
            let (columns, column_total) = oracle_weights(source.width, target.width, x);
            let (rows, row_total) = oracle_weights(source.height, target.height, y);
            for channel in 0..input.channels() {
                let (mut sum, mut real_sum) = (0, 0.0);
                for &(row, row_weight) in &rows {
                    let mut row_sum = 0;
                    for &(column, column_weight) in &columns {
                        let (x, y) = (source.x + column, source.y + row);
                        row_sum +=
                            u64::from(oracle_pixel(frame, input.layout, x, y)[channel]) * column_weight;
                    }
                    sum += (row_sum * 256 + column_total / 2) / column_total * row_weight;
                    real_sum += row_sum as f64 * row_weight as f64;
                }
                exact.push(((sum + 128 * row_total) / (256 * row_total)) as u8);
                real.push(real_sum / (column_total * row_total) as f64);
            }
        }
    }
    (exact, real)
}

#[test]
fn every_format_layout_and_mode_equals_the_plain_loops() {
    let mut random = Random::new(2026);
    for round in 0..600 {
        let format = FORMATS[round % 6];
        let (width, height) = (random.side(90), random.side(60));
        let bytes = noise(&mut random, format.frame_bytes(width, height));
        let frame = Frame::new(&bytes, width, height, format).unwrap();
        let input = ImageInput {
            width: random.side(24),
            height: random.side(24),
            layout: LAYOUTS[round / 6 % 3],
            resize: MODES[round / 18 % 3],
            border: random.next() as u8,
        };
        let (x, y) = (random.below(width as u32) as usize, random.below(height as u32) as usize);
        let region = Region { x, y, width: width - x, height: height - y };
        let region = if random.below(2) == 0 { Some(region) } else { None };
        let (exact, real) = oracle(&frame, input, region);
        let found = pixels(&frame, input, region);
        assert_eq!(found, exact, "{width}x{height} {format:?} {input:?} {region:?}");
        for (&pixel, real) in found.iter().zip(real) {
            assert!((f64::from(pixel) - real).abs() <= 0.5 + 1.0 / 512.0 + 1e-9, "{pixel} {real}");
        }
    }
}

#[test]
fn interpolation_stays_close_to_real_numbers() {
    let mut random = Random::new(5);
    for _ in 0..200 {
        let (source, target) = (random.side(300), random.side(300));
        if source > 2 * target {
            continue;
        }
        let bytes = noise(&mut random, source);
        let frame = Frame::new(&bytes, source, 1, PixelFormat::Gray8).unwrap();
        let row = pixels(&frame, gray(target, 1, ResizeMode::Stretch), None);
        for (at, &pixel) in row.iter().enumerate() {
            let centre = (at as f64 + 0.5) * source as f64 / target as f64 - 0.5;
            let centre = centre.clamp(0.0, source as f64 - 1.0);
            let (first, share) = (centre.floor() as usize, centre.fract());
            let second = (first + 1).min(source - 1);
            let real = f64::from(bytes[first]) * (1.0 - share) + f64::from(bytes[second]) * share;
            // Half a step of rounding, and half a weight of 1/256 on a difference of at most 255.
            assert!((f64::from(pixel) - real).abs() <= 1.01, "{source} to {target} at {at}");
        }
    }
}

#[test]
fn the_largest_frame_does_not_overflow() {
    for (width, height) in [(8192, 3), (3, 8192), (8192, 700)] {
        let bytes = vec![255; width * height];
        let frame = Frame::new(&bytes, width, height, PixelFormat::Gray8).unwrap();
        for (input_width, input_height) in [(1, 1), (3, 5), (96, 1), (1, 96)] {
            let input = gray(input_width, input_height, ResizeMode::Stretch);
            assert!(pixels(&frame, input, None).iter().all(|&pixel| pixel == 255));
        }
    }
    let bytes = [255];
    let frame = Frame::new(&bytes, 1, 1, PixelFormat::Gray8).unwrap();
    assert!(pixels(&frame, gray(8192, 2, ResizeMode::Stretch), None).iter().all(|&pixel| pixel == 255));
}

/// Draws brightness as ` .:-=+*#%@`, dark to bright.
fn picture(pixels: &[u8], width: usize) -> String {
    let shades = b" .:-=+*#%@";
    let rows = pixels.chunks(width).map(|row| {
        let row: String = row.iter().map(|&p| shades[usize::from(p) * 10 / 256] as char).collect();
        format!("|{row}|\n")
    });
    rows.collect()
}

fn drawing(rows: &[&str]) -> Vec<u8> {
    rows.iter().flat_map(|row| row.bytes().map(|byte| if byte == b'@' { 255 } else { 0 })).collect()
}

#[test]
fn a_letterboxed_ring() {
    let bytes = drawing(&[
        "                ",
        "     @@@@@@     ",
        "   @@@    @@@   ",
        "  @@        @@  ",
        "  @@        @@  ",
        "   @@@    @@@   ",
        "     @@@@@@     ",
        "                ",
    ]);
    let frame = Frame::new(&bytes, 16, 8, PixelFormat::Gray8).unwrap();
    let input = ImageInput { border: 128, ..gray(8, 8, ResizeMode::Letterbox) };
    let expected = "\
|++++++++|
|++++++++|
|  :++:  |
| #+  +# |
| #+  +# |
|  :++:  |
|++++++++|
|++++++++|
";
    assert_eq!(picture(&pixels(&frame, input, None), 8), expected);
}

#[test]
fn a_center_crop_sees_the_middle() {
    let bytes = drawing(&["@   @@   @", "@  @  @  @", "@  @  @  @", "@   @@   @"]);
    let frame = Frame::new(&bytes, 10, 4, PixelFormat::Gray8).unwrap();
    let expected = "\
| @@ |
|@  @|
|@  @|
| @@ |
";
    assert_eq!(picture(&pixels(&frame, gray(4, 4, ResizeMode::CenterCrop), None), 4), expected);
}

#[test]
fn thin_lines_survive_a_strong_reduction() {
    // One bright column in eight: interpolation would lose or double it, the average keeps it.
    let bytes: Vec<u8> = (0..64 * 4).map(|at| if at % 8 == 3 { 255 } else { 0 }).collect();
    let frame = Frame::new(&bytes, 64, 4, PixelFormat::Gray8).unwrap();
    assert_eq!(pixels(&frame, gray(8, 1, ResizeMode::Stretch), None), [32; 8]);
}

#[test]
fn an_edge_is_smooth_when_enlarged() {
    let bytes = [0, 255];
    let frame = Frame::new(&bytes, 2, 1, PixelFormat::Gray8).unwrap();
    assert_eq!(
        pixels(&frame, gray(8, 1, ResizeMode::Stretch), None),
        [0, 0, 32, 96, 159, 223, 255, 255],
        "weights 1/8, 3/8, 5/8, 7/8"
    );
}

#[test]
fn rows_pushed_one_by_one_are_the_whole_frame() {
    let mut random = Random::new(99);
    for round in 0..60 {
        let format = FORMATS[round % 6];
        let (width, height) = (random.side(80), random.side(80));
        let input = ImageInput {
            width: random.side(30),
            height: random.side(30),
            layout: LAYOUTS[round % 3],
            resize: MODES[round / 3 % 3],
            border: 7,
        };
        let mut scratch = vec![0; scratch_words(input.width, input.layout)];
        let mut preprocessor = Preprocessor::new(input, width, height, None, &mut scratch).unwrap();
        // Two frames after another, the first begun in vain: nothing of it may stay behind.
        let bytes = noise(&mut random, format.frame_bytes(width, height));
        let frame = Frame::new(&bytes, width, height, format).unwrap();
        preprocessor.push_row(SourceRow::of(&frame, 0).unwrap(), |_| ()).unwrap();
        preprocessor.restart();
        for _ in 0..2 {
            let bytes = noise(&mut random, format.frame_bytes(width, height));
            let frame = Frame::new(&bytes, width, height, format).unwrap();
            let mut rows = Vec::new();
            for y in 0..height {
                let emit = |row: ocelli_vision::OutputRow<'_>| {
                    assert_eq!(row.index() * input.width * input.channels(), rows.len());
                    let mut pixels = vec![0; input.width * input.channels()];
                    row.write_pixels(&mut pixels);
                    rows.extend(pixels);
                };
                preprocessor.push_row(SourceRow::of(&frame, y).unwrap(), emit).unwrap();
            }
            assert_eq!(rows, pixels(&frame, input, None), "{width}x{height} {input:?}");
        }
    }
}

#[test]
fn tables_apply_to_their_channel_and_to_the_border() {
    let table = |offset: i16| core::array::from_fn(|pixel| (pixel as i16 - 128 + offset) as i8);
    let bytes = [10, 20, 30];
    let frame = Frame::new(&bytes, 1, 1, PixelFormat::Rgb888).unwrap();
    let input = ImageInput {
        width: 3,
        height: 1,
        layout: PixelLayout::Bgr,
        resize: ResizeMode::Letterbox,
        border: 100,
    };
    let mut scratch = [0; scratch_words(3, PixelLayout::Bgr)];
    let mut preprocessor = Preprocessor::new(input, 1, 1, None, &mut scratch).unwrap();
    let mut values = [0; 9];
    preprocessor.frame_to_input(&frame, &[table(0)], &mut values).unwrap();
    assert_eq!(values, [-28, -28, -28, -98, -108, -118, -28, -28, -28]);
    preprocessor.frame_to_input(&frame, &[table(0), table(1), table(2)], &mut values).unwrap();
    assert_eq!(values, [-28, -27, -26, -98, -107, -116, -28, -27, -26]);
    let error = preprocessor.frame_to_input(&frame, &[table(0); 2], &mut values).unwrap_err();
    assert_eq!(error, PreprocessError::Tables { channels: 3, tables: 2 });
}

#[test]
fn what_does_not_fit_says_by_how_much() {
    let input = gray(4, 4, ResizeMode::Stretch);
    let mut scratch = [0; 4];
    let error = Preprocessor::new(input, 9, 9, None, &mut scratch[..3]).unwrap_err();
    assert_eq!(error, PreprocessError::Scratch { needed_words: 4, available_words: 3 });
    let mut preprocessor = Preprocessor::new(input, 9, 9, None, &mut scratch).unwrap();
    let bytes = [0; 99];
    let frame = Frame::new(&bytes, 9, 9, PixelFormat::Gray8).unwrap();
    let error = preprocessor.frame_to_pixels(&frame, &mut [0; 15]).unwrap_err();
    assert_eq!(error, PreprocessError::Output { needed_elements: 16, available_elements: 15 });
    let other = Frame::new(&bytes, 9, 11, PixelFormat::Gray8).unwrap();
    let error = preprocessor.frame_to_pixels(&other, &mut [0; 16]).unwrap_err();
    let expected = PreprocessError::FrameChanged { width: 9, height: 11, needed_width: 9, needed_height: 9 };
    assert_eq!(error, expected);
    assert_eq!(error.to_string(), "a frame of 9x11 pixels, agreed were 9x9");
    let row = SourceRow::Rgb888(&bytes[..26]);
    let error = preprocessor.push_row(row, |_| ()).unwrap_err();
    assert_eq!(error, PreprocessError::Row { row: 0, needed_bytes: 27, available_bytes: 26 });
}
