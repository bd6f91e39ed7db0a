//! The infer stage: a planned model that turns input tensors into output tensors.

/// A model that has been planned, so that running it cannot fail.
///
/// Tensors are raw bytes in the type and shape that the artefact states; int8 values are two's
/// complement.
pub trait Infer {
    /// Runs the model once, from its input tensors to its output tensors.
    fn infer(&mut self);

    /// The bytes of input tensor `index`, or `None` beyond the last and for one that is streamed, which
    /// takes rows only. Valid to fill until [`Infer::infer`] is called, which may overwrite them.
    fn input(&mut self, index: usize) -> Option<&mut [i8]>;

    /// Room for row `row`, of so many elements, of input tensor `index`. Rows are filled from the first to
    /// the last, each followed by [`Infer::input_row_filled`]; the first starts a new image. A model whose
    /// input is streamed gives room for the next row only.
    fn input_row(&mut self, index: usize, row: usize, elements: usize) -> Option<&mut [i8]> {
        let start = row.checked_mul(elements)?;
        self.input(index)?.get_mut(start..)?.get_mut(..elements)
    }

    /// Says that the last row of which [`Infer::input_row`] gave the place is in. A model whose input is
    /// streamed computes all that this row allows.
    fn input_row_filled(&mut self, index: usize) {
        let _ = index;
    }

    /// Fills input tensor `index` with what `next` gives, in order. Where it is streamed, most of the model
    /// has run when the last value is in.
    fn fill_input(&mut self, index: usize, mut next: impl FnMut() -> i8)
    where
        Self: Sized,
    {
        if let Some(input) = self.input(index) {
            input.iter_mut().for_each(|value| *value = next());
        }
    }

    /// The bytes of output tensor `index` after [`Infer::infer`], or `None` beyond the last.
    fn output(&self, index: usize) -> Option<&[i8]>;
}
