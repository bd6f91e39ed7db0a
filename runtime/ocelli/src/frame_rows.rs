//! The preprocess stage for cameras that deliver lines: a frame that is never in memory as a whole.

use core::slice::ChunksExactMut;

use ocelli_vision::{PreprocessError, Preprocessor, SourceRow};

/// A frame that is coming in, made by [`Pipeline::start_frame`](crate::Pipeline::start_frame).
///
/// When all rows have been pushed the model's input is full, and infer may follow. A frame that is
/// given up on leaves what it has filled.
#[derive(Debug)]
pub struct FrameRows<'p> {
    pub(crate) preprocessor: Preprocessor<'p>,
    pub(crate) tables: &'p [[i8; 256]],
    /// The rows of the model's input that are still to be filled.
    pub(crate) rows: ChunksExactMut<'p, i8>,
}

impl FrameRows<'_> {
    /// Takes the next row, from the top. Rows after the last are ignored.
    ///
    /// # Errors
    /// [`PreprocessError::Row`] for a row that is too short; it may be pushed again.
    pub fn push(&mut self, row: SourceRow<'_>) -> Result<(), PreprocessError> {
        self.preprocessor.push_row(row, |output| {
            if let Some(elements) = self.rows.next() {
                output.write_quantized(self.tables, elements);
            }
        })
    }

    /// Whether the model's input is full.
    pub fn is_complete(&self) -> bool {
        self.rows.len() == 0
    }
}
