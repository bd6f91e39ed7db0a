//! The infer stage: a planned model that turns input tensors into output tensors.

/// A model that has been planned, so that running it cannot fail.
///
/// Tensors are raw bytes in the type and shape that the artefact states; int8 values are two's
/// complement.
pub trait Infer {
    /// Runs the model once, from its input tensors to its output tensors.
    fn infer(&mut self);

    /// The bytes of input tensor `index`, or `None` beyond the last. Valid to fill until [`Infer::infer`]
    /// is called, which may overwrite them.
    fn input(&mut self, index: usize) -> Option<&mut [i8]>;

    /// The bytes of output tensor `index` after [`Infer::infer`], or `None` beyond the last.
    fn output(&self, index: usize) -> Option<&[i8]>;
}
