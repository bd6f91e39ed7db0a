//! The horizontal half of a resize: one source row into the columns of the accumulator.
//!
//! A column's accumulator is one word a channel. While rows are interpolated it holds the newest row
//! in its upper half and the row before in its lower half; while rows are averaged it holds their
//! sum.

use ocelli_format::PixelLayout;

use crate::{
    SourceRow,
    axis::{Axis, Divider, Linear},
    pixel_stream::PixelStream,
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
#[inline(never)]
pub(crate) fn enter_row(
    row: &SourceRow<'_>,
    left: usize,
    axis: Axis,
    layout: PixelLayout,
    entry: Entry,
    columns: &mut [u32],
) {
    match layout {
        PixelLayout::Gray => resize(PixelStream::gray(row, left), axis, entry, columns),
        _ => resize(PixelStream::colour(row, left, layout), axis, entry, columns),
    }
}

fn resize<const CHANNELS: usize>(
    stream: PixelStream<'_, CHANNELS>,
    axis: Axis,
    entry: Entry,
    columns: &mut [u32],
) {
    let columns = columns.as_chunks_mut::<CHANNELS>().0;
    if axis.averages() {
        average(stream, axis, entry, columns);
    } else {
        interpolate(stream, axis, entry, columns);
    }
}

fn interpolate<const CHANNELS: usize>(
    mut stream: PixelStream<'_, CHANNELS>,
    axis: Axis,
    entry: Entry,
    columns: &mut [[u32; CHANNELS]],
) {
    let mut linear = Linear::new(axis);
    // The pixels at `index - 1` and `index`.
    let (mut index, mut before, mut newest) = (0, [0; CHANNELS], stream.next());
    for column in columns {
        let taps = linear.taps();
        while index < taps.second {
            before = newest;
            newest = stream.next();
            index += 1;
        }
        // Where both taps are one pixel, `weight` is 256 and `before` has no share.
        for (channel, (first, second)) in column.iter_mut().zip(before.into_iter().zip(newest)) {
            let value = u32::from(first) * (256 - taps.weight) + u32::from(second) * taps.weight;
            entry.enter(channel, value);
        }
        linear.advance();
    }
}

/// In units of `1 / target` source pixel, a source pixel is `target` wide and a column `source`.
fn average<const CHANNELS: usize>(
    mut stream: PixelStream<'_, CHANNELS>,
    axis: Axis,
    entry: Entry,
    columns: &mut [[u32; CHANNELS]],
) {
    let Axis { source, target } = axis;
    let divider = Divider::new(source);
    let mut current = stream.next();
    let mut left_of_current = target;
    for column in columns {
        let mut sum = current.map(|value| u32::from(value) * left_of_current);
        let mut missing = source - left_of_current;
        let mut covered = [0; CHANNELS];
        while missing >= target {
            for (total, value) in covered.iter_mut().zip(stream.next()) {
                *total += u32::from(value);
            }
            missing -= target;
        }
        left_of_current = target - missing;
        // Behind the last column this pixel is beyond the region, and of no use.
        current = stream.next();
        for ((sum, covered), value) in sum.iter_mut().zip(covered).zip(current) {
            *sum += covered * target + u32::from(value) * missing;
        }
        for (channel, sum) in column.iter_mut().zip(sum) {
            entry.enter(channel, divider.divide(sum * 256));
        }
    }
}
