//! One finished row of a model's input, on its way from the resize into a tensor.
//!
//! The vertical half of the resize happens while the row is written, so that its pixels never
//! stand in a buffer of their own.

use crate::axis::Divider;

/// A row of the model's input, ready to be written as pixels or as quantized values.
#[derive(Debug)]
pub struct OutputRow<'p> {
    pub(crate) index: usize,
    pub(crate) channels: usize,
    pub(crate) left: usize,
    pub(crate) border: u8,
    pub(crate) columns: &'p [u32],
    pub(crate) content: Content,
}

/// How a pixel comes out of its column's word.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    /// It does not: the row is border.
    Border,
    /// The row before in the lower half, the newest with `weight / 256` in the upper half.
    Interpolated { weight: u32 },
    /// A sum, to be divided.
    Averaged { divider: Divider },
}

impl OutputRow<'_> {
    /// Which row of the input it is, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The pixels, channels in the input's order. Elements beyond the buffer are left out.
    pub fn write_pixels(&self, pixels: &mut [u8]) {
        self.write(pixels, |_, pixel| pixel);
    }

    /// The pixels through `tables`: one for all channels, or one a channel. Elements beyond the
    /// buffer are left out; a channel without a table becomes 0.
    pub fn write_quantized(&self, tables: &[[i8; 256]], values: &mut [i8]) {
        let table = |channel: usize| tables.get(if tables.len() == 1 { 0 } else { channel });
        let tables = [table(0), table(1), table(2)].map(|table| table.unwrap_or(&[0; 256]));
        self.write(values, |channel, pixel| {
            let table = tables.get(channel).copied().unwrap_or(&[0; 256]);
            // A table has an entry for every byte.
            table.get(usize::from(pixel)).copied().unwrap_or(0)
        });
    }

    fn write<T>(&self, elements: &mut [T], value: impl Fn(usize, u8) -> T) {
        if self.channels == 1 {
            self.write_channels::<T, 1>(elements, value);
        } else {
            self.write_channels::<T, 3>(elements, value);
        }
    }

    #[inline]
    fn write_channels<T, const CHANNELS: usize>(&self, elements: &mut [T], value: impl Fn(usize, u8) -> T) {
        let border = |pixels: &mut [[T; CHANNELS]]| {
            for pixel in pixels {
                *pixel = core::array::from_fn(|channel| value(channel, self.border));
            }
        };
        let columns = self.columns.as_chunks::<CHANNELS>().0;
        let pixels = elements.as_chunks_mut::<CHANNELS>().0;
        let (before, rest) = pixels.split_at_mut(self.left.min(pixels.len()));
        let (middle, after) = rest.split_at_mut(columns.len().min(rest.len()));
        border(before);
        match self.content {
            Content::Border => border(middle),
            Content::Interpolated { weight } => finish(middle, columns, &value, |column| {
                let (before, newest) = (column & 0xffff, column >> 16);
                (before * (256 - weight) + newest * weight + (1 << 15)) >> 16
            }),
            Content::Averaged { divider } => {
                finish(middle, columns, &value, |column| divider.divide(column));
            }
        }
        border(after);
    }
}

#[inline]
fn finish<T, const CHANNELS: usize>(
    pixels: &mut [[T; CHANNELS]],
    columns: &[[u32; CHANNELS]],
    value: impl Fn(usize, u8) -> T,
    brightness: impl Fn(u32) -> u32,
) {
    for (pixel, column) in pixels.iter_mut().zip(columns) {
        for (channel, (element, &word)) in pixel.iter_mut().zip(column).enumerate() {
            *element = value(channel, brightness(word) as u8);
        }
    }
}
