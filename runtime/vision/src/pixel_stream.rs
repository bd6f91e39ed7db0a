//! The pixels of a source row, one after the other, in the channels of a model's input.
//!
//! Pixels are converted a block at a time in a loop of their format, so that resizing is compiled
//! once for all formats.

use ocelli_format::PixelLayout;

use crate::{
    SourceRow,
    source_row::{Gray8, I420, Nv12, Pixels, Rgb565, Rgb888, Yuyv},
};

/// Pixels in a block.
const BLOCK: usize = 16;

/// Pixels from a column on; black beyond the row.
pub(crate) struct PixelStream<'a, const CHANNELS: usize> {
    row: SourceRow<'a>,
    fill: fn(&SourceRow<'a>, usize, &mut [[u8; CHANNELS]]),
    is_reversed: bool,
    /// Where the next block begins in the row.
    next_block: usize,
    /// Where the next pixel stands in the block.
    next: usize,
    block: [[u8; CHANNELS]; BLOCK],
}

impl<'a> PixelStream<'a, 1> {
    pub(crate) fn gray(row: &SourceRow<'a>, left: usize) -> Self {
        PixelStream::new(row, left, false, fill_gray)
    }
}

impl<'a> PixelStream<'a, 3> {
    pub(crate) fn colour(row: &SourceRow<'a>, left: usize, layout: PixelLayout) -> Self {
        PixelStream::new(row, left, layout == PixelLayout::Bgr, fill_colour)
    }
}

impl<'a, const CHANNELS: usize> PixelStream<'a, CHANNELS> {
    fn new(
        row: &SourceRow<'a>,
        left: usize,
        is_reversed: bool,
        fill: fn(&SourceRow<'a>, usize, &mut [[u8; CHANNELS]]),
    ) -> Self {
        let block = [[0; CHANNELS]; BLOCK];
        PixelStream { row: *row, fill, is_reversed, next_block: left, next: BLOCK, block }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> [u8; CHANNELS] {
        if self.next >= BLOCK {
            self.refill();
        }
        let pixel = self.block.get(self.next).copied().unwrap_or([0; CHANNELS]);
        self.next += 1;
        pixel
    }

    #[inline(never)]
    fn refill(&mut self) {
        (self.fill)(&self.row, self.next_block, &mut self.block);
        if self.is_reversed {
            self.block.iter_mut().for_each(|pixel| pixel.reverse());
        }
        self.next_block += BLOCK;
        self.next = 0;
    }
}

fn fill_gray(row: &SourceRow<'_>, left: usize, block: &mut [[u8; 1]]) {
    match *row {
        SourceRow::Gray8(bytes) => each(block, |x| [Gray8(bytes).gray(left + x)]),
        SourceRow::Rgb888(bytes) => {
            let pixels = Rgb888(bytes.as_chunks().0);
            each(block, |x| [pixels.gray(left + x)]);
        }
        SourceRow::Rgb565(bytes) => {
            let pixels = Rgb565(bytes.as_chunks().0);
            each(block, |x| [pixels.gray(left + x)]);
        }
        SourceRow::Yuyv(bytes) => {
            let pixels = Yuyv(bytes.as_chunks().0);
            each(block, |x| [pixels.gray(left + x)]);
        }
        SourceRow::Nv12 { luma, .. } | SourceRow::I420 { luma, .. } => {
            each(block, |x| [I420(luma, &[], &[]).gray(left + x)]);
        }
    }
}

fn fill_colour(row: &SourceRow<'_>, left: usize, block: &mut [[u8; 3]]) {
    match *row {
        SourceRow::Gray8(bytes) => each(block, |x| Gray8(bytes).rgb(left + x)),
        SourceRow::Rgb888(bytes) => {
            let pixels = Rgb888(bytes.as_chunks().0);
            each(block, |x| pixels.rgb(left + x));
        }
        SourceRow::Rgb565(bytes) => {
            let pixels = Rgb565(bytes.as_chunks().0);
            each(block, |x| pixels.rgb(left + x));
        }
        SourceRow::Yuyv(bytes) => {
            let pixels = Yuyv(bytes.as_chunks().0);
            each(block, |x| pixels.rgb(left + x));
        }
        SourceRow::Nv12 { luma, chroma } => {
            let pixels = Nv12(luma, chroma.as_chunks().0);
            each(block, |x| pixels.rgb(left + x));
        }
        SourceRow::I420 { luma, blue, red } => {
            let pixels = I420(luma, blue, red);
            each(block, |x| pixels.rgb(left + x));
        }
    }
}

#[inline]
fn each<const CHANNELS: usize>(block: &mut [[u8; CHANNELS]], pixel: impl Fn(usize) -> [u8; CHANNELS]) {
    for (x, to) in block.iter_mut().enumerate() {
        *to = pixel(x);
    }
}
