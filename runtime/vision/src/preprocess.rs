//! The preprocess stage: camera rows in, rows of the model's input out, in one pass.
//!
//! Colour conversion, crop, resize and border happen row by row, so a camera that delivers lines
//! needs no frame buffer, and the rows that come out may feed striped execution. A frame in memory
//! is its rows, one after the other. Between rows the preprocessor keeps one word a column and
//! channel of the input, in scratch that the caller lends.

use ocelli_core::{Frame, Shape};
use ocelli_format::{InputContractView, PixelLayout, ResizeMode};

use crate::{
    OutputRow, PreprocessError, Region, SourceRow, Transform,
    axis::{Axis, Divider, Linear},
    output_row::Content,
    row_pass::{Entry, enter_row},
};

/// What a model wants to see, from its input tensor and its input contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageInput {
    /// Columns of the input.
    pub width: usize,
    /// Rows of the input.
    pub height: usize,
    /// Channels and their order.
    pub layout: PixelLayout,
    /// How the frame is fitted.
    pub resize: ResizeMode,
    /// Brightness of the border that letterboxing adds.
    pub border: u8,
}

impl ImageInput {
    /// From a contract and the shape of the tensor that it fills.
    ///
    /// # Errors
    /// [`PreprocessError::Channels`] where the tensor is not `[1, H, W, channels of the layout]`.
    pub fn from_contract(
        contract: &InputContractView<'_>,
        shape: &Shape,
    ) -> Result<ImageInput, PreprocessError> {
        let needed_channels = channels(contract.layout);
        match shape.nhwc() {
            Some([1, height, width, available]) if available == needed_channels => Ok(ImageInput {
                width,
                height,
                layout: contract.layout,
                resize: contract.resize,
                border: contract.border,
            }),
            other => {
                let available_channels = other.map_or(0, |[_, _, _, channels]| channels);
                Err(PreprocessError::Channels { needed_channels, available_channels })
            }
        }
    }

    /// Channels of a pixel.
    pub const fn channels(&self) -> usize {
        channels(self.layout)
    }

    /// Elements of the input tensor.
    pub const fn elements(&self) -> usize {
        self.width * self.height * self.channels()
    }
}

/// Channels of a pixel layout.
pub const fn channels(layout: PixelLayout) -> usize {
    match layout {
        PixelLayout::Gray => 1,
        _ => 3,
    }
}

/// Words of scratch that a [`Preprocessor`] for an input of `width` columns borrows.
pub const fn scratch_words(width: usize, layout: PixelLayout) -> usize {
    width * channels(layout)
}

/// Turns the frames of one camera into the input of one model.
///
/// # Rounding
/// Horizontally a row is resized to 1/256 of a brightness step: exactly where two pixels are
/// interpolated, rounded to nearest where more than two are averaged. Vertically these are
/// interpolated or averaged likewise and rounded to nearest once, halves up. Weights of an
/// interpolation are rounded to 1/256, those of an average are exact.
///
/// An axis is averaged when it shrinks to less than half, otherwise it is interpolated.
///
/// # Example
/// ```
/// use ocelli_core::{Frame, PixelFormat};
/// use ocelli_format::{PixelLayout, ResizeMode};
/// use ocelli_vision::{ImageInput, Preprocessor, scratch_words};
///
/// let (layout, resize) = (PixelLayout::Gray, ResizeMode::Letterbox);
/// let input = ImageInput { width: 2, height: 2, layout, resize, border: 9 };
/// let frame = Frame::new(&[0, 40, 80, 120], 4, 1, PixelFormat::Gray8)?;
///
/// let mut scratch = [0; scratch_words(2, PixelLayout::Gray)];
/// let mut preprocessor = Preprocessor::new(input, 4, 1, None, &mut scratch)?;
/// let mut pixels = [0; 4];
/// preprocessor.frame_to_pixels(&frame, &mut pixels)?;
/// assert_eq!(pixels, [20, 100, 9, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Preprocessor<'s> {
    input: ImageInput,
    frame_width: usize,
    frame_height: usize,
    transform: Transform,
    columns: &'s mut [u32],
    vertical: Vertical,
    next_source_row: usize,
    next_output_row: usize,
}

/// The vertical half of the resize, between two rows.
#[derive(Clone, Copy, Debug)]
enum Vertical {
    Interpolate(Linear),
    Average {
        /// In units of `1 / target` source row: what the open output row still lacks.
        missing: u32,
        divider: Divider,
    },
}

impl<'s> Preprocessor<'s> {
    /// For frames of `frame_width` x `frame_height` pixels, of which the model sees `region`, or all.
    ///
    /// # Errors
    /// Every error that does not depend on the pixels: sizes, region, scratch.
    pub fn new(
        input: ImageInput,
        frame_width: usize,
        frame_height: usize,
        region: Option<Region>,
        scratch: &'s mut [u32],
    ) -> Result<Preprocessor<'s>, PreprocessError> {
        let region = region.unwrap_or(Region::whole(frame_width, frame_height));
        let transform =
            Transform::new((frame_width, frame_height), region, (input.width, input.height), input.resize)?;
        let needed_words = scratch_words(input.width, input.layout);
        let available_words = scratch.len();
        let columns = scratch
            .get_mut(..needed_words)
            .and_then(|words| words.get_mut(..transform.target().width * input.channels()))
            .ok_or(PreprocessError::Scratch { needed_words, available_words })?;
        columns.fill(0);
        let vertical = Vertical::new(&transform);
        Ok(Preprocessor {
            input,
            frame_width,
            frame_height,
            transform,
            columns,
            vertical,
            next_source_row: 0,
            next_output_row: 0,
        })
    }

    /// Where frame and input lie on each other: maps boxes back.
    pub fn transform(&self) -> Transform {
        self.transform
    }

    /// What it was made for.
    pub fn input(&self) -> &ImageInput {
        &self.input
    }

    /// Takes the next row of the frame and calls `emit` with each row of the input that it
    /// completes: none, one or many, in order. After the last row of a frame the first of the next
    /// is expected.
    ///
    /// # Errors
    /// [`PreprocessError::Row`]; the same row may then be pushed again.
    pub fn push_row(
        &mut self,
        row: SourceRow<'_>,
        mut emit: impl FnMut(OutputRow<'_>),
    ) -> Result<(), PreprocessError> {
        row.check(self.next_source_row, self.frame_width)?;
        let (source, target) = (self.transform.source(), self.transform.target());
        if self.next_source_row == 0 {
            self.emit_border(target.y, &mut emit);
        }
        // Rows above the region wrap to a large number and rows below it are beyond its height.
        let index = self.next_source_row.wrapping_sub(source.y);
        if index < source.height {
            self.resize_row(&row, index as u32, &mut emit);
        }
        self.next_source_row += 1;
        if self.next_source_row == self.frame_height {
            self.emit_border(self.input.height, &mut emit);
            self.restart();
        }
        Ok(())
    }

    /// Forgets the rows of an unfinished frame.
    pub fn restart(&mut self) {
        self.next_source_row = 0;
        self.next_output_row = 0;
        self.vertical = Vertical::new(&self.transform);
    }

    /// A whole frame to the model's input: pixels through the contract's `tables` (one, or one a
    /// channel in the input's order), each 256 values for the pixel values 0 to 255.
    ///
    /// # Errors
    /// [`PreprocessError::FrameChanged`], [`PreprocessError::Tables`], [`PreprocessError::Output`].
    pub fn frame_to_input(
        &mut self,
        frame: &Frame<'_>,
        tables: &[[i8; 256]],
        input: &mut [i8],
    ) -> Result<(), PreprocessError> {
        check_tables(tables.len(), self.input.channels())?;
        self.whole_frame(frame, input, |row, elements| row.write_quantized(tables, elements))
    }

    /// A whole frame to the pixels of the model's input, before the contract's tables: what a float
    /// model and a calibration see.
    ///
    /// # Errors
    /// [`PreprocessError::FrameChanged`], [`PreprocessError::Output`].
    pub fn frame_to_pixels(&mut self, frame: &Frame<'_>, pixels: &mut [u8]) -> Result<(), PreprocessError> {
        self.whole_frame(frame, pixels, |row, elements| row.write_pixels(elements))
    }

    fn whole_frame<T>(
        &mut self,
        frame: &Frame<'_>,
        elements: &mut [T],
        write: impl Fn(OutputRow<'_>, &mut [T]),
    ) -> Result<(), PreprocessError> {
        let (width, height) = (frame.width(), frame.height());
        let (needed_width, needed_height) = (self.frame_width, self.frame_height);
        if (width, height) != (needed_width, needed_height) {
            return Err(PreprocessError::FrameChanged { width, height, needed_width, needed_height });
        }
        let needed_elements = self.input.elements();
        let available_elements = elements.len();
        let elements = elements
            .get_mut(..needed_elements)
            .ok_or(PreprocessError::Output { needed_elements, available_elements })?;
        let row_elements = self.input.width * self.input.channels();
        let mut rows = elements.chunks_exact_mut(row_elements.max(1));
        self.restart();
        for y in 0..height {
            let Some(row) = SourceRow::of(frame, y) else { break };
            self.push_row(row, |row| {
                if let Some(elements) = rows.next() {
                    write(row, elements);
                }
            })?;
        }
        Ok(())
    }

    fn resize_row(&mut self, row: &SourceRow<'_>, index: u32, emit: &mut impl FnMut(OutputRow<'_>)) {
        let (source, target) = (self.transform.source(), self.transform.target());
        let target_bottom = target.y + target.height;
        let horizontal = Axis { source: source.width as u32, target: target.width as u32 };
        let layout = self.input.layout;
        match self.vertical {
            Vertical::Interpolate(mut linear) => {
                enter_row(row, source.x, horizontal, layout, Entry::NEWEST, self.columns);
                while self.next_output_row < target_bottom {
                    let taps = linear.taps();
                    if taps.second > index {
                        break;
                    }
                    self.emit_row(Content::Interpolated { weight: taps.weight }, emit);
                    linear.advance();
                }
                self.vertical = Vertical::Interpolate(linear);
            }
            Vertical::Average { mut missing, divider } => {
                // A source row is `target` units high, an output row `source`.
                let (row_units, output_units) = (target.height as u32, source.height as u32);
                let weight = row_units.min(missing);
                let entry = if missing == output_units { Entry::first(weight) } else { Entry::more(weight) };
                enter_row(row, source.x, horizontal, layout, entry, self.columns);
                missing -= weight;
                if missing == 0 {
                    self.emit_row(Content::Averaged { divider }, emit);
                    let rest = row_units - weight;
                    if rest > 0 {
                        enter_row(row, source.x, horizontal, layout, Entry::first(rest), self.columns);
                    }
                    missing = output_units - rest;
                }
                self.vertical = Vertical::Average { missing, divider };
            }
        }
    }

    fn emit_border(&mut self, until: usize, emit: &mut impl FnMut(OutputRow<'_>)) {
        while self.next_output_row < until {
            self.emit_row(Content::Border, emit);
        }
    }

    fn emit_row(&mut self, content: Content, emit: &mut impl FnMut(OutputRow<'_>)) {
        emit(OutputRow {
            index: self.next_output_row,
            channels: self.input.channels(),
            left: self.transform.target().x,
            border: self.input.border,
            columns: self.columns,
            content,
        });
        self.next_output_row += 1;
    }
}

impl Vertical {
    fn new(transform: &Transform) -> Vertical {
        let source = transform.source().height as u32;
        let axis = Axis { source, target: transform.target().height as u32 };
        if axis.averages() {
            Vertical::Average { missing: source, divider: Divider::new(256 * source) }
        } else {
            Vertical::Interpolate(Linear::new(axis))
        }
    }
}

fn check_tables(tables: usize, channels: usize) -> Result<(), PreprocessError> {
    if tables == 1 || tables == channels { Ok(()) } else { Err(PreprocessError::Tables { channels, tables }) }
}
