//! Annotated pictures: the emit stage for people. Boxes, points, masks and labels over a frame.
//!
//! What is drawn is told in [`Mark`]s, which outlive the answer that they were made of, so that a thread of its own
//! can draw them. Shapes are drawn by their distance functions, so edges are smooth at any size; line widths follow
//! the picture, so a thumbnail and a poster look alike.

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point as Pixel, Size};
use embedded_graphics::mono_font::{MonoTextStyle, ascii};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::text::{Baseline, Text};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};
use ocelli_core::{BoundingBox, Frame, Point, SUBPIXELS};
use ocelli_vision::PreprocessError;

use crate::encode::rgb_of;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Distinct on photographs; classes take them in turn.
const COLOURS: [Colour; 6] =
    [[0, 224, 150], [255, 176, 0], [64, 160, 255], [255, 88, 120], [190, 120, 255], [140, 220, 60]];

const INK: Colour = [12, 20, 24];
const PAPER: Colour = [255, 255, 255];

/// The colour of a class.
pub fn colour_of_class(class_index: u16) -> Colour {
    COLOURS[usize::from(class_index) % COLOURS.len()]
}

/// Something to draw over a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A box with rounded corners.
    Outline(BoundingBox, Colour),
    /// A keypoint.
    Dot(Point, Colour),
    /// One of many points.
    Speck(Point, Colour),
    /// Text on a tab that stands on the top left corner of a box, or hangs inside where there is no room.
    Label(BoundingBox, String, Colour),
    /// A tint over every pixel that has one, row by row.
    Tint(Vec<Option<Colour>>),
}

/// A frame in colour, to draw on.
#[derive(Debug)]
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    /// Half the width of a box's line, in pixels.
    stroke: f32,
}

impl Picture {
    /// A copy of a frame of any format.
    ///
    /// # Errors
    /// Those of [`rgb_of`].
    pub fn of(frame: &Frame<'_>) -> Result<Picture, PreprocessError> {
        let (width, height) = (frame.width(), frame.height());
        let rgb = rgb_of(frame)?;
        let stroke = (width.min(height) as f32 / 300.0).clamp(1.0, 6.0);
        Ok(Picture { width, height, rgb, stroke })
    }

    /// Draws one after the other, the last on top.
    pub fn draw(&mut self, marks: &[Mark]) {
        for mark in marks {
            match mark {
                Mark::Outline(bounds, colour) => self.outline(bounds, *colour),
                Mark::Dot(point, colour) => self.dot(point, *colour),
                Mark::Speck(point, colour) => self.speck(point, *colour),
                Mark::Label(bounds, text, colour) => self.label(bounds, text, *colour),
                Mark::Tint(colours) => self.tint(colours),
            }
        }
    }

    /// Three bytes for each pixel.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    fn outline(&mut self, bounds: &BoundingBox, colour: Colour) {
        let [left, top, right, bottom] =
            [bounds.left, bounds.top, bounds.right, bounds.bottom].map(|edge| edge as f32 / SUBPIXELS as f32);
        let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
        let half = [(right - left) / 2.0, (bottom - top) / 2.0];
        let radius = (3.0 * self.stroke).min(half[0]).min(half[1]).max(0.0);
        let stroke = self.stroke;
        let reach = [half[0] + 3.0 * stroke, half[1] + 3.0 * stroke];
        let distance = move |x, y| (rounded_rectangle([x - centre[0], y - centre[1]], half, radius)).abs();
        self.fill(centre, reach, INK, 0.45, move |x, y| distance(x, y) - 1.8 * stroke);
        self.fill(centre, reach, colour, 1.0, move |x, y| distance(x, y) - stroke);
    }

    fn dot(&mut self, point: &Point, colour: Colour) {
        let centre = [point.x as f32 / SUBPIXELS as f32, point.y as f32 / SUBPIXELS as f32];
        let stroke = self.stroke;
        let distance = move |x: f32, y: f32| (x - centre[0]).hypot(y - centre[1]);
        for (radius, colour, opacity) in [(3.4, INK, 0.45), (2.8, PAPER, 1.0), (1.8, colour, 1.0)] {
            let radius = radius * stroke;
            self.fill(centre, [radius + 1.0; 2], colour, opacity, move |x, y| distance(x, y) - radius);
        }
    }

    fn speck(&mut self, point: &Point, colour: Colour) {
        let centre = [point.x as f32 / SUBPIXELS as f32, point.y as f32 / SUBPIXELS as f32];
        let distance = move |x: f32, y: f32| (x - centre[0]).hypot(y - centre[1]);
        let radius = 0.8 * self.stroke;
        self.fill(centre, [radius + 1.0; 2], colour, 0.9, move |x, y| distance(x, y) - radius);
    }

    fn tint(&mut self, colours: &[Option<Colour>]) {
        for (place, colour) in colours.iter().enumerate().take(self.width * self.height) {
            if let Some(colour) = colour {
                self.blend(place % self.width, place / self.width, *colour, 0.45);
            }
        }
    }

    fn label(&mut self, bounds: &BoundingBox, text: &str, colour: Colour) {
        let font = if self.stroke < 1.5 { &ascii::FONT_7X13_BOLD } else { &ascii::FONT_9X18_BOLD };
        let scale = (self.stroke / 2.0).round().max(1.0) as usize;
        let glyph = font.character_size;
        let text_width = text.chars().count() * glyph.width as usize;
        let mut mask = Mask { width: text_width, height: glyph.height as usize, bits: vec![] };
        mask.bits = vec![false; mask.width * mask.height];
        // A mask takes every pixel: drawing on it cannot fail.
        let _ = Text::with_baseline(
            text,
            Pixel::zero(),
            MonoTextStyle::new(font, BinaryColor::On),
            Baseline::Top,
        )
        .draw(&mut mask);

        let padding = (3.0 * scale as f32).round();
        let width = (text_width * scale) as f32 + 2.0 * padding;
        let height = (mask.height * scale) as f32 + padding;
        let mut left = (bounds.left as f32 / SUBPIXELS as f32 - self.stroke).round();
        let mut top = (bounds.top as f32 / SUBPIXELS as f32 - self.stroke - height).round();
        if top < 0.0 {
            top += height + 2.0 * self.stroke;
        }
        left = left.clamp(0.0, (self.width as f32 - width).max(0.0));
        top = top.clamp(0.0, (self.height as f32 - height).max(0.0));
        let centre = [left + width / 2.0, top + height / 2.0];
        let half = [width / 2.0, height / 2.0];
        self.fill(centre, half.map(|side| side + 1.0), colour, 1.0, move |x, y| {
            rounded_rectangle([x - centre[0], y - centre[1]], half, 2.0 * scale as f32)
        });
        let (text_left, text_top) = ((left + padding) as usize, (top + padding / 2.0) as usize);
        for y in 0..mask.height * scale {
            for x in 0..mask.width * scale {
                if mask.bits[y / scale * mask.width + x / scale] {
                    self.blend(text_left + x, text_top + y, INK, 1.0);
                }
            }
        }
    }

    /// The picture as a PNG file's bytes.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let mut png = Vec::new();
        PngEncoder::new(&mut png).write_image(
            &self.rgb,
            self.width as u32,
            self.height as u32,
            ExtendedColorType::Rgb8,
        )?;
        Ok(png)
    }

    /// Colours the pixels around `centre` where `distance` to a shape's edge is negative, and as much of
    /// those on the edge as lies inside.
    fn fill(
        &mut self,
        centre: [f32; 2],
        reach: [f32; 2],
        colour: Colour,
        opacity: f32,
        distance: impl Fn(f32, f32) -> f32,
    ) {
        let range = |axis: usize, size: usize| {
            let from = (centre[axis] - reach[axis]).floor().clamp(0.0, size as f32);
            let to = (centre[axis] + reach[axis]).ceil().clamp(0.0, size as f32);
            from as usize..to as usize
        };
        for y in range(1, self.height) {
            for x in range(0, self.width) {
                let inside = 0.5 - distance(x as f32 + 0.5, y as f32 + 0.5);
                self.blend(x, y, colour, opacity * inside.clamp(0.0, 1.0));
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, colour: Colour, opacity: f32) {
        if x < self.width
            && let Some(pixel) =
                self.rgb.get_mut((y * self.width + x) * 3..).and_then(|rest| rest.first_chunk_mut::<3>())
        {
            for (value, new) in pixel.iter_mut().zip(colour) {
                *value = (f32::from(*value) * (1.0 - opacity) + f32::from(new) * opacity).round() as u8;
            }
        }
    }
}

/// Signed distance of a point to the edge of a rectangle around the origin with rounded corners.
fn rounded_rectangle(point: [f32; 2], half: [f32; 2], radius: f32) -> f32 {
    let x = point[0].abs() - half[0] + radius;
    let y = point[1].abs() - half[1] + radius;
    x.max(0.0).hypot(y.max(0.0)) + x.max(y).min(0.0) - radius
}

/// Where a text has ink.
struct Mask {
    width: usize,
    height: usize,
    bits: Vec<bool>,
}

impl OriginDimensions for Mask {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Mask {
    type Color = BinaryColor;
    type Error = core::convert::Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = embedded_graphics::Pixel<BinaryColor>>,
    {
        for embedded_graphics::Pixel(at, colour) in pixels {
            let (x, y) = (at.x as usize, at.y as usize);
            if colour.is_on() && x < self.width && y < self.height {
                self.bits[y * self.width + x] = true;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_core::PixelFormat;

    fn bounds(edges: [i32; 4]) -> BoundingBox {
        let [left, top, right, bottom] = edges.map(|edge| edge * SUBPIXELS);
        BoundingBox { left, top, right, bottom }
    }

    fn gray(width: usize, height: usize) -> Picture {
        let bytes = vec![128; width * height];
        Picture::of(&Frame::new(&bytes, width, height, PixelFormat::Gray8).unwrap()).unwrap()
    }

    #[test]
    fn a_box_is_drawn_on_its_edges_and_nowhere_else() {
        let mut picture = gray(60, 50);
        let before = picture.rgb.clone();
        picture.draw(&[Mark::Outline(bounds([10, 10, 50, 40]), [255, 0, 0])]);
        let at = |x: usize, y: usize| &picture.rgb[(y * 60 + x) * 3..][..3];
        assert_eq!(at(30, 10), [255, 0, 0], "top");
        assert_eq!(at(10, 25), [255, 0, 0], "left");
        assert_eq!(at(49, 25), [255, 0, 0], "right, last pixel inside");
        for (x, y) in [(30, 25), (0, 0), (59, 49), (5, 25)] {
            assert_eq!(at(x, y), &before[(y * 60 + x) * 3..][..3], "{x} {y}");
        }
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        let mut picture = gray(20, 20);
        let empty = BoundingBox { left: i32::MAX, top: i32::MAX, right: i32::MIN, bottom: i32::MIN };
        picture.draw(&[
            Mark::Outline(bounds([-30, -30, 100, 100]), PAPER),
            Mark::Dot(Point { x: -5000, y: 1 << 30 }, PAPER),
            Mark::Label(bounds([-30, -30, 1, 1]), "a label much wider than the picture".into(), PAPER),
            Mark::Outline(empty, PAPER),
            Mark::Tint(vec![Some(INK); 1000]),
        ]);
        assert_eq!(picture.rgb.len(), 20 * 20 * 3);
    }

    #[test]
    fn a_tint_colours_its_own_pixels() {
        let mut picture = gray(2, 2);
        picture.draw(&[Mark::Tint(vec![None, Some([0; 3]), None, None])]);
        assert_eq!(picture.rgb.iter().map(|&value| value < 100).collect::<Vec<_>>()[3..6], [true; 3]);
        assert_eq!(picture.rgb[..3], picture.rgb[9..]);
    }

    #[test]
    fn a_png_comes_back_as_it_was() {
        let mut picture = gray(31, 17);
        picture.draw(&[Mark::Dot(Point { x: 9 * SUBPIXELS, y: 9 * SUBPIXELS }, [1, 2, 3])]);
        let decoded = image::load_from_memory(&picture.to_png().unwrap()).unwrap().into_rgb8();
        assert_eq!(decoded.dimensions(), (31, 17));
        assert_eq!(decoded.into_raw(), picture.rgb);
    }
}
