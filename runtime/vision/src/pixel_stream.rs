//! The pixels of a source row, one after the other, in the channels of a model's input.
//!
//! Pixels are converted a block at a time in a loop of their format, so that resizing is compiled
//! once for all formats.

use ocelli_format::PixelLayout;

use crate::{
    SourceRow,
    source_row::{Gray8, I420, Nv12, Pixels, Rgb565, Rgb888, Yuyv},
};

/// Pairs of pixels in a block.
const BLOCK_PAIRS: usize = 8;

/// Converts the pairs of pixels from one on.
type Fill<'a, const CHANNELS: usize> = fn(&SourceRow<'a>, usize, &mut [[[u8; CHANNELS]; 2]]);

/// Pixels from a column on; black beyond the row.
pub(crate) struct PixelStream<'a, const CHANNELS: usize> {
    row: SourceRow<'a>,
    fill: Fill<'a, CHANNELS>,
    is_reversed: bool,
    /// The first pair of the next block.
    next_pair: usize,
    /// Where the next pixel stands in the block.
    next: usize,
    block: [[[u8; CHANNELS]; 2]; BLOCK_PAIRS],
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
    fn new(row: &SourceRow<'a>, left: usize, is_reversed: bool, fill: Fill<'a, CHANNELS>) -> Self {
        let block = [[[0; CHANNELS]; 2]; BLOCK_PAIRS];
        let mut stream = PixelStream { row: *row, fill, is_reversed, next_pair: left / 2, next: 0, block };
        stream.refill();
        stream.next = left % 2;
        stream
    }

    #[inline]
    pub(crate) fn next(&mut self) -> [u8; CHANNELS] {
        if self.next >= 2 * BLOCK_PAIRS {
            self.refill();
        }
        let pixel = self.block.as_flattened().get(self.next).copied().unwrap_or([0; CHANNELS]);
        self.next += 1;
        pixel
    }

    #[inline(never)]
    fn refill(&mut self) {
        (self.fill)(&self.row, self.next_pair, &mut self.block);
        if self.is_reversed {
            self.block.as_flattened_mut().iter_mut().for_each(|pixel| pixel.reverse());
        }
        self.next_pair += BLOCK_PAIRS;
        self.next = 0;
    }
}

fn fill_gray(row: &SourceRow<'_>, first: usize, block: &mut [[[u8; 1]; 2]]) {
    fn each(pixels: impl Pixels, first: usize, block: &mut [[[u8; 1]; 2]]) {
        for (pair, to) in block.iter_mut().enumerate() {
            *to = pixels.gray(first + pair).map(|gray| [gray]);
        }
    }
    match *row {
        SourceRow::Gray8(bytes) => each(Gray8(bytes), first, block),
        SourceRow::Rgb888(bytes) => each(Rgb888(bytes.as_chunks().0), first, block),
        SourceRow::Rgb565(bytes) => each(Rgb565(bytes.as_chunks().0), first, block),
        SourceRow::Yuyv(bytes) => each(Yuyv(bytes.as_chunks().0), first, block),
        SourceRow::Nv12 { luma, chroma } => each(Nv12(luma, chroma.as_chunks().0), first, block),
        SourceRow::I420 { luma, blue, red } => each(I420(luma, blue, red), first, block),
    }
}

fn fill_colour(row: &SourceRow<'_>, first: usize, block: &mut [[[u8; 3]; 2]]) {
    fn each(pixels: impl Pixels, first: usize, block: &mut [[[u8; 3]; 2]]) {
        for (pair, to) in block.iter_mut().enumerate() {
            *to = pixels.rgb(first + pair);
        }
    }
    match *row {
        SourceRow::Gray8(bytes) => each(Gray8(bytes), first, block),
        SourceRow::Rgb888(bytes) => each(Rgb888(bytes.as_chunks().0), first, block),
        SourceRow::Rgb565(bytes) => each(Rgb565(bytes.as_chunks().0), first, block),
        SourceRow::Yuyv(bytes) => each(Yuyv(bytes.as_chunks().0), first, block),
        SourceRow::Nv12 { luma, chroma } => each(Nv12(luma, chroma.as_chunks().0), first, block),
        SourceRow::I420 { luma, blue, red } => each(I420(luma, blue, red), first, block),
    }
}
