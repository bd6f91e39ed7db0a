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
        self.write(pixels, |pixel| pixel);
    }

    /// The pixels through `tables`: one for all channels, or one a channel. Elements beyond the
    /// buffer are left out; a channel without a table becomes 0.
    pub fn write_quantized(&self, tables: &[[i8; 256]], values: &mut [i8]) {
        self.write(values, |pixel| pixel as i8);
        match tables {
            [table] => values.iter_mut().for_each(|value| *value = quantized(table, *value)),
            _ => {
                let table = |channel: usize| tables.get(channel).unwrap_or(&[0; 256]);
                for pixel in values.chunks_mut(self.channels.max(1)) {
                    for (channel, value) in pixel.iter_mut().enumerate() {
                        *value = quantized(table(channel), *value);
                    }
                }
            }
        }
    }

    #[inline(never)]
    fn write<T: Copy>(&self, elements: &mut [T], of_pixel: impl Fn(u8) -> T) {
        let border = of_pixel(self.border);
        let left = (self.left * self.channels).min(elements.len());
        let (before, rest) = elements.split_at_mut(left);
        let (middle, after) = rest.split_at_mut(self.columns.len().min(rest.len()));
        before.fill(border);
        after.fill(border);
        match self.content {
            Content::Border => middle.fill(border),
            Content::Interpolated { weight } => {
                for (element, &column) in middle.iter_mut().zip(self.columns) {
                    let (before, newest) = (column & 0xffff, column >> 16);
                    let brightness = before * (256 - weight) + newest * weight;
                    *element = of_pixel(((brightness + (1 << 15)) >> 16) as u8);
                }
            }
            Content::Averaged { divider } => {
                for (element, &column) in middle.iter_mut().zip(self.columns) {
                    *element = of_pixel(divider.divide(column) as u8);
                }
            }
        }
    }
}

/// The entry of a pixel whose bits stand in `pixel`.
#[inline]
fn quantized(table: &[i8; 256], pixel: i8) -> i8 {
    table.get(usize::from(pixel as u8)).copied().unwrap_or(0)
}
