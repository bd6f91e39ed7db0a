//! The horizontal half of a resize: one source row into the columns of the accumulator.
//!
//! A column's accumulator is one word. While rows are interpolated it holds the newest row in its
//! upper half and the row before in its lower half; while rows are averaged it holds their sum.

use ocelli_format::PixelLayout;

use crate::{
    SourceRow,
    axis::{Axis, Divider, Linear},
    source_row::{Gray8, I420, Nv12, Pixels, Rgb565, Rgb888, Yuyv},
};

/// How a new value, 0 to `255 * 256`, enters a column: `column = (column >> shift) + value * factor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    shift: u32,
    factor: u32,
}

impl Entry {
    /// The newest row moves down, the new one takes its place.
    pub(crate) const NEWEST: Entry = Entry { shift: 16, factor: 1 << 16 };

    /// A new sum. Columns begin with 0 and sums are below `2^30`, so the old one is shifted out.
    pub(crate) fn first(weight: u32) -> Entry {
        Entry { shift: 31, factor: weight }
    }

    /// One more row of a sum.
    pub(crate) fn more(weight: u32) -> Entry {
        Entry { shift: 0, factor: weight }
    }

    #[inline]
    fn enter(self, column: &mut u32, value: u32) {
        *column = (*column >> self.shift) + value * self.factor;
    }
}

/// Resizes the columns from `left` on of `row` into `columns`, channels in the order of `layout`.
pub(crate) fn enter_row(
    row: &SourceRow<'_>,
    left: usize,
    axis: Axis,
    layout: PixelLayout,
    entry: Entry,
    columns: &mut [u32],
) {
    let pass = Pass { left, axis, layout, entry };
    match *row {
        SourceRow::Gray8(bytes) => pass.run(Gray8(bytes), columns),
        SourceRow::Rgb888(bytes) => pass.run(Rgb888(bytes.as_chunks().0), columns),
        SourceRow::Rgb565(bytes) => pass.run(Rgb565(bytes.as_chunks().0), columns),
        SourceRow::Yuyv(bytes) => pass.run(Yuyv(bytes.as_chunks().0), columns),
        SourceRow::Nv12 { luma, chroma } => pass.run(Nv12(luma, chroma.as_chunks().0), columns),
        SourceRow::I420 { luma, blue, red } => pass.run(I420(luma, blue, red), columns),
    }
}

#[derive(Clone, Copy)]
struct Pass {
    left: usize,
    axis: Axis,
    layout: PixelLayout,
    entry: Entry,
}

impl Pass {
    fn run(self, pixels: impl Pixels, columns: &mut [u32]) {
        let left = self.left;
        match self.layout {
            PixelLayout::Rgb => self.resize(|x| pixels.rgb(left + x as usize), columns),
            PixelLayout::Bgr => self.resize(
                |x| {
                    let [red, green, blue] = pixels.rgb(left + x as usize);
                    [blue, green, red]
                },
                columns,
            ),
            _ => self.resize(|x| [pixels.gray(left + x as usize)], columns),
        }
    }

    #[inline(always)]
    fn resize<const CHANNELS: usize>(self, pixel: impl Fn(u32) -> [u8; CHANNELS], columns: &mut [u32]) {
        let columns = columns.as_chunks_mut::<CHANNELS>().0;
        if self.axis.averages() {
            self.average(pixel, columns);
        } else {
            self.interpolate(pixel, columns);
        }
    }

    #[inline(always)]
    fn interpolate<const CHANNELS: usize>(
        self,
        pixel: impl Fn(u32) -> [u8; CHANNELS],
        columns: &mut [[u32; CHANNELS]],
    ) {
        let mut linear = Linear::new(self.axis);
        for column in columns {
            let taps = linear.taps();
            let (first, second) = (pixel(taps.first), pixel(taps.second));
            for (channel, (first, second)) in column.iter_mut().zip(first.into_iter().zip(second)) {
                let value = u32::from(first) * (256 - taps.weight) + u32::from(second) * taps.weight;
                self.entry.enter(channel, value);
            }
            linear.advance();
        }
    }

    /// In units of `1 / target` source pixel, a source pixel is `target` wide and a column `source`.
    #[inline(always)]
    fn average<const CHANNELS: usize>(
        self,
        pixel: impl Fn(u32) -> [u8; CHANNELS],
        columns: &mut [[u32; CHANNELS]],
    ) {
        let Axis { source, target } = self.axis;
        let divider = Divider::new(source);
        let mut index = 0;
        let mut current = pixel(0).map(u32::from);
        let mut left_of_current = target;
        for column in columns {
            let mut sum = current.map(|value| value * left_of_current);
            let mut missing = source - left_of_current;
            let mut covered = [0; CHANNELS];
            while missing >= target {
                index += 1;
                for (total, value) in covered.iter_mut().zip(pixel(index)) {
                    *total += u32::from(value);
                }
                missing -= target;
            }
            left_of_current = target - missing;
            index += 1;
            current = if index < source { pixel(index).map(u32::from) } else { current };
            for ((sum, covered), value) in sum.iter_mut().zip(covered).zip(current) {
                *sum += covered * target + value * missing;
            }
            for (channel, sum) in column.iter_mut().zip(sum) {
                self.entry.enter(channel, divider.divide(sum * 256));
            }
        }
    }
}
