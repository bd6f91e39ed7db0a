//! The preprocess stage for cameras that deliver lines: a frame that is never in memory as a whole.

use core::ops::Range;

use ocelli_core::Infer;
use ocelli_vision::{PreprocessError, Preprocessor, SourceRow};

/// A frame that is coming in, made by [`Pipeline::start_frame`](crate::Pipeline::start_frame).
///
/// When all rows have been pushed the model's input is full, and infer may follow. Where the input is
/// streamed, every push runs the model as far as its rows allow, and infer only the rest. A frame that is
/// given up on leaves what it has filled.
#[derive(Debug)]
pub struct FrameRows<'p, I> {
    pub(crate) preprocessor: Preprocessor<'p>,
    pub(crate) tables: &'p [[i8; 256]],
    pub(crate) model: &'p mut I,
    pub(crate) input_index: usize,
    pub(crate) row_elements: usize,
    /// The rows of the model's input that are still to be filled.
    pub(crate) rows: Range<usize>,
}

impl<I: Infer> FrameRows<'_, I> {
    /// Takes the next row, from the top. Rows after the last are ignored.
    ///
    /// # Errors
    /// [`PreprocessError::Row`] for a row that is too short; it may be pushed again.
    pub fn push(&mut self, row: SourceRow<'_>) -> Result<(), PreprocessError> {
        self.preprocessor.push_row(row, |output| {
            if let Some(row) = self.rows.next()
                && let Some(elements) = self.model.input_row(self.input_index, row, self.row_elements)
            {
                output.write_quantized(self.tables, elements);
                self.model.input_row_filled(self.input_index);
            }
        })
    }

    /// Whether the model's input is full.
    pub fn is_complete(&self) -> bool {
        self.rows.is_empty()
    }
}
