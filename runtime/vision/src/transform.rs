//! Which part of a frame fills which part of a model's input, and the way back: the preprocess
//! stage samples along it, the postprocess stage maps boxes against it.
//!
//! Both rectangles have whole pixels, so the scale of an axis is a ratio of two integers and the
//! way back is exact up to one rounding.

use ocelli_core::{BoundingBox, Frame, Point, SUBPIXELS};
use ocelli_format::ResizeMode;

use crate::PreprocessError;

/// One, in the coordinates of a model's input: its width, or its height.
pub const INPUT_ONE: i32 = 1 << 16;

/// A rectangle of whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Region {
    /// Leftmost column.
    pub x: usize,
    /// Topmost row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Region {
    /// All of an image.
    pub const fn whole(width: usize, height: usize) -> Region {
        Region { x: 0, y: 0, width, height }
    }
}

/// The part [`source`](Transform::source) of a frame, scaled to the part
/// [`target`](Transform::target) of a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transform {
    source: Region,
    target: Region,
    input_width: usize,
    input_height: usize,
}

impl Transform {
    /// Fits `region` of a frame into a model's input. Where both axes have one scale, the side that
    /// does not come out whole is rounded to the nearest pixel, and is at least one pixel.
    ///
    /// # Errors
    /// [`PreprocessError::FrameSize`], [`PreprocessError::InputSize`], [`PreprocessError::Region`].
    pub fn new(
        frame: (usize, usize),
        region: Region,
        input: (usize, usize),
        resize: ResizeMode,
    ) -> Result<Transform, PreprocessError> {
        let sides = 1..=Frame::MAX_SIDE;
        let (frame_width, frame_height) = frame;
        if !sides.contains(&frame_width) || !sides.contains(&frame_height) {
            return Err(PreprocessError::FrameSize { width: frame_width, height: frame_height });
        }
        let (width, height) = input;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(PreprocessError::InputSize { width, height });
        }
        let right = region.x.saturating_add(region.width);
        let bottom = region.y.saturating_add(region.height);
        if region.width == 0 || region.height == 0 || right > frame_width || bottom > frame_height {
            return Err(PreprocessError::Region { right, bottom, frame_width, frame_height });
        }
        let whole = Region::whole(width, height);
        let (source, target) = match resize {
            ResizeMode::Letterbox => (region, largest_inside(whole, region)),
            ResizeMode::CenterCrop => (largest_inside(region, whole), whole),
            _ => (region, whole),
        };
        Ok(Transform { source, target, input_width: width, input_height: height })
    }

    /// The pixels of the frame that the model sees.
    pub fn source(&self) -> Region {
        self.source
    }

    /// The pixels of the input that they fill; the rest is border.
    pub fn target(&self) -> Region {
        self.target
    }

    /// Width of the model's input, in pixels.
    pub fn input_width(&self) -> usize {
        self.input_width
    }

    /// Height of the model's input, in pixels.
    pub fn input_height(&self) -> usize {
        self.input_height
    }

    /// Where a point of the input, in steps of `1 / 65536` of its width and height, lies in the
    /// frame: the exact inverse of the resize, rounded to the nearest sub-pixel.
    pub fn to_frame(&self, point: Point) -> Point {
        let (source, target) = (self.source, self.target);
        Point {
            x: axis_to_frame(point.x, self.input_width, target.x, target.width, source.x, source.width),
            y: axis_to_frame(point.y, self.input_height, target.y, target.height, source.y, source.height),
        }
    }

    /// Where a box of the input lies in the frame. It may reach beyond the frame: an object that is
    /// cut off keeps its size.
    pub fn box_to_frame(&self, bounds: BoundingBox) -> BoundingBox {
        let least = self.to_frame(Point { x: bounds.left, y: bounds.top });
        let most = self.to_frame(Point { x: bounds.right, y: bounds.bottom });
        BoundingBox { left: least.x, top: least.y, right: most.x, bottom: most.y }
    }
}

/// The largest rectangle of `shape`'s proportions inside `space`, centred.
fn largest_inside(space: Region, shape: Region) -> Region {
    let rounded = |numerator: usize, denominator: usize| ((numerator + denominator / 2) / denominator).max(1);
    // Sides are at most 8192: products fit 32 bits, and neither side comes out above its space.
    let (width, height) = if shape.width * space.height >= space.width * shape.height {
        (space.width, rounded(space.width * shape.height, shape.width))
    } else {
        (rounded(space.height * shape.width, shape.height), space.height)
    };
    Region { x: space.x + (space.width - width) / 2, y: space.y + (space.height - height) / 2, width, height }
}

/// `source + (at * input / 65536 - target) * source_size / target_size`, in sub-pixels.
#[inline(never)]
fn axis_to_frame(
    at: i32,
    input: usize,
    target: usize,
    target_size: usize,
    source: usize,
    source_size: usize,
) -> i32 {
    // Sizes are at most 2^13: the numerator stays below 2^59.
    let offset = i64::from(at) * input as i64 - target as i64 * i64::from(INPUT_ONE);
    let numerator = offset * source_size as i64;
    let denominator = target_size as i64 * i64::from(INPUT_ONE / SUBPIXELS);
    // A target has at least one pixel.
    let scaled = (numerator + denominator / 2).checked_div_euclid(denominator).unwrap_or_default();
    let result = scaled + source as i64 * i64::from(SUBPIXELS);
    result.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn fit(frame: (usize, usize), input: (usize, usize), resize: ResizeMode) -> Transform {
        Transform::new(frame, Region::whole(frame.0, frame.1), input, resize).unwrap()
    }

    #[test]
    fn letterbox_centres_the_frame() {
        let wide = fit((640, 480), (128, 128), ResizeMode::Letterbox);
        assert_eq!(wide.target(), Region { x: 0, y: 16, width: 128, height: 96 });
        let tall = fit((30, 60), (10, 10), ResizeMode::Letterbox);
        assert_eq!(tall.target(), Region { x: 2, y: 0, width: 5, height: 10 });
        assert_eq!(tall.source(), Region::whole(30, 60));
        // 7.5 rows are eight, and the odd row of border is below.
        let half = fit((6, 5), (9, 9), ResizeMode::Letterbox);
        assert_eq!(half.target(), Region { x: 0, y: 0, width: 9, height: 8 });
    }

    #[test]
    fn center_crop_cuts_the_longer_side() {
        let wide = fit((640, 480), (96, 96), ResizeMode::CenterCrop);
        assert_eq!(wide.source(), Region { x: 80, y: 0, width: 480, height: 480 });
        assert_eq!(wide.target(), Region::whole(96, 96));
    }

    #[test]
    fn needles_keep_one_pixel() {
        let needle = fit((8192, 1), (96, 96), ResizeMode::Letterbox);
        assert_eq!(needle.target(), Region { x: 0, y: 47, width: 96, height: 1 });
        let needle = fit((1, 8192), (96, 1), ResizeMode::CenterCrop);
        assert_eq!(needle.source(), Region { x: 0, y: 4095, width: 1, height: 1 });
    }

    #[test]
    fn corners_of_the_input_are_corners_of_the_frame() {
        let stretch = fit((640, 480), (96, 64), ResizeMode::Stretch);
        let whole = BoundingBox { left: 0, top: 0, right: INPUT_ONE, bottom: INPUT_ONE };
        let frame = BoundingBox { left: 0, top: 0, right: 640 * SUBPIXELS, bottom: 480 * SUBPIXELS };
        assert_eq!(stretch.box_to_frame(whole), frame);
        // The border of a letterbox lies outside the frame: 16 rows of 5 pixels each.
        let letterbox = fit((640, 480), (128, 128), ResizeMode::Letterbox);
        let frame =
            BoundingBox { left: 0, top: -80 * SUBPIXELS, right: 640 * SUBPIXELS, bottom: 560 * SUBPIXELS };
        assert_eq!(letterbox.box_to_frame(whole), frame);
    }

    #[test]
    fn a_region_shifts_the_result() {
        let region = Region { x: 100, y: 50, width: 20, height: 10 };
        let transform = Transform::new((640, 480), region, (10, 10), ResizeMode::Stretch).unwrap();
        let middle = transform.to_frame(Point { x: INPUT_ONE / 2, y: INPUT_ONE / 2 });
        assert_eq!(middle, Point { x: 110 * SUBPIXELS, y: 55 * SUBPIXELS });
    }

    #[test]
    fn extreme_points_saturate() {
        let transform = fit((8192, 8192), (8192, 1), ResizeMode::CenterCrop);
        let far = transform.to_frame(Point { x: i32::MAX, y: i32::MIN });
        assert!(far.x > 0 && far.y < 0);
        let needle = fit((8192, 8192), (8192, 1), ResizeMode::Letterbox);
        assert_eq!(needle.to_frame(Point { x: i32::MAX, y: 0 }).x, i32::MAX);
        assert_eq!(needle.to_frame(Point { x: i32::MIN, y: 0 }).x, i32::MIN);
    }

    #[test]
    fn wrong_sizes_say_which() {
        let whole = Region::whole(4, 4);
        let stretch = ResizeMode::Stretch;
        let error = Transform::new((0, 4), whole, (4, 4), stretch).unwrap_err();
        assert_eq!(error, PreprocessError::FrameSize { width: 0, height: 4 });
        let error = Transform::new((4, 4), whole, (4, 8193), stretch).unwrap_err();
        assert_eq!(error, PreprocessError::InputSize { width: 4, height: 8193 });
        let beyond = Region { x: 2, y: 0, width: 3, height: 4 };
        let error = Transform::new((4, 4), beyond, (4, 4), stretch).unwrap_err();
        assert_eq!(error, PreprocessError::Region { right: 5, bottom: 4, frame_width: 4, frame_height: 4 });
        let hostile = Region { x: usize::MAX, y: 0, width: 2, height: 4 };
        assert!(Transform::new((4, 4), hostile, (4, 4), stretch).is_err());
        assert!(Transform::new((4, 4), Region { width: 0, ..whole }, (4, 4), stretch).is_err());
    }

    #[test]
    fn there_and_back_is_the_same_place_within_one_sub_pixel() {
        let mut random = Random::new(7);
        for _ in 0..3000 {
            let frame = (random.side(1000), random.side(1000));
            let input = (random.side(320), random.side(320));
            let x = random.below(frame.0 as u32) as usize;
            let y = random.below(frame.1 as u32) as usize;
            let region = Region { x, y, width: frame.0 - x, height: frame.1 - y };
            let modes = [ResizeMode::Stretch, ResizeMode::Letterbox, ResizeMode::CenterCrop];
            let resize = modes[random.below(3) as usize];
            let transform = Transform::new(frame, region, input, resize).unwrap();
            let (source, target) = (transform.source(), transform.target());
            assert!(source.x >= region.x && source.x + source.width <= region.x + region.width);
            assert!(source.y >= region.y && source.y + source.height <= region.y + region.height);
            assert!(target.x + target.width <= input.0 && target.y + target.height <= input.1);

            let back =
                transform.to_frame(Point { x: random.below(65_537) as i32, y: random.below(65_537) as i32 });
            let point = Point { x: random.below(1 << 17) as i32 - 30_000, y: random.below(1 << 17) as i32 };
            let there = transform.to_frame(point);
            let real = |at: i32, input: usize, target: usize, size: usize, source: usize, source_size| {
                let pixel = f64::from(at) / 65_536.0 * input as f64;
                (source as f64 + (pixel - target as f64) * source_size as f64 / size as f64) * 256.0
            };
            let x = real(point.x, input.0, target.x, target.width, source.x, source.width);
            let y = real(point.y, input.1, target.y, target.height, source.y, source.height);
            assert!((f64::from(there.x) - x).abs() <= 0.5 + 1e-6, "{transform:?} {point:?}");
            assert!((f64::from(there.y) - y).abs() <= 0.5 + 1e-6, "{transform:?} {point:?}");
            // From the frame to the input in real numbers, and back in integers.
            let forward = |at: i32, source: usize, source_size: usize, target: usize, size: usize, input| {
                let pixel = (f64::from(at) / 256.0 - source as f64) * size as f64 / source_size as f64;
                (pixel + target as f64) / input * 65_536.0
            };
            let x = forward(back.x, source.x, source.width, target.x, target.width, input.0 as f64);
            // One sub-pixel is what the input's own step of 1/65536 leaves of it.
            let step = 65_536.0 * target.width as f64 / source.width as f64 / input.0 as f64 / 256.0;
            if step >= 1.0 {
                let again = transform.to_frame(Point { x: x.round() as i32, y: 0 });
                assert!((again.x - back.x).abs() <= 1, "{transform:?} {back:?} {again:?}");
            }
        }
    }
}
