//! Links layers whose weights are stored in a form that is not dense, one for each operator and form.
//!
//! The form's reader, out of `ocelli-format`, tells a kernel the weights row by row; only forms that a firmware
//! names bring their reader with them.

use ocelli_format::weights::{BlockRows, CodedRows, FourRows, PackedRows, SparseRows, StoredRows, is_sound};
use ocelli_format::{OperatorKind, Storage};
use ocelli_kernels::{Blocks, KernelError, Sparse, WeightRows, conv_2d_rows_s8, fully_connected_rows_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::{conv_2d, fully_connected};

/// An operator for weights in one form, made by [`ops!`](crate::ops).
#[derive(Debug)]
pub struct RowKernel {
    pub(crate) storage: Storage,
    pub(crate) kernel: Kernel,
}

impl RowKernel {
    /// The form of the weights.
    pub const fn storage(&self) -> Storage {
        self.storage
    }

    const fn conv_2d<R: StoredRows<'static>>() -> RowKernel {
        let kernel = Kernel { kind: OperatorKind::Conv2d, check: check_conv_2d::<R>, run: run_conv_2d::<R> };
        RowKernel { storage: R::STORAGE, kernel }
    }

    const fn fully_connected<R: StoredRows<'static>>() -> RowKernel {
        let (check, run) = (check_fully_connected::<R>, run_fully_connected::<R>);
        RowKernel { storage: R::STORAGE, kernel: Kernel { kind: OperatorKind::FullyConnected, check, run } }
    }
}

/// A name for [`ops!`](crate::ops), of an operator and a form.
macro_rules! name {
    ($name:ident, $constructor:ident, $rows:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl $name {
            /// For [`ops!`](crate::ops).
            pub const KERNEL: &'static RowKernel = &RowKernel::$constructor::<$rows<'static>>();
        }
    };
}

name!(Conv2dPacked, conv_2d, PackedRows, "2-d convolution with weights of a few bits.");
name!(Conv2dFours, conv_2d, FourRows, "2-d convolution with one or two weights of every four.");
name!(Conv2dBlocks, conv_2d, BlockRows, "2-d convolution with runs of four weights.");
name!(Conv2dSparse, conv_2d, SparseRows, "2-d convolution with the weights that are not 0.");
name!(Conv2dCoded, conv_2d, CodedRows, "2-d convolution with weights in Huffman codes.");
name!(FullyConnectedPacked, fully_connected, PackedRows, "Fully connected with weights of a few bits.");
name!(
    FullyConnectedFours,
    fully_connected,
    FourRows,
    "Fully connected with one or two weights of every four."
);
name!(FullyConnectedBlocks, fully_connected, BlockRows, "Fully connected with runs of four weights.");
name!(FullyConnectedSparse, fully_connected, SparseRows, "Fully connected with the weights that are not 0.");
name!(FullyConnectedCoded, fully_connected, CodedRows, "Fully connected with weights in Huffman codes.");

/// A reader of stored rows as kernels know it.
#[derive(Clone)]
struct Told<R>(R);

impl<'a, R: StoredRows<'a>> WeightRows for Told<R> {
    fn row_length(&self) -> usize {
        self.0.row_length()
    }

    #[inline(always)]
    fn next_row(&mut self, each: impl FnMut(usize, i8)) {
        // Walked to the end when it was planned.
        let _ = self.0.next_row(each);
    }

    fn blocks(&self) -> Option<Blocks<'_>> {
        self.0.blocks().map(|(counts, words)| Blocks { counts, words })
    }

    fn sparse(&self) -> Option<Sparse<'_>> {
        self.0.sparse().map(|(counts, words)| Sparse { counts, words })
    }
}

/// The weights of a layer.
fn rows<'l, R: StoredRows<'static>>(layer: &Layer<'l>) -> Result<Told<R::Of<'l>>, KernelError> {
    let weights = layer.input(1);
    let rows = R::Of::read(weights.data().unwrap_or(&[]), weights.elements());
    rows.map(Told).ok_or(KernelError::Codes)
}

/// The same, walked to their end.
fn checked_rows<'l, R: StoredRows<'static>>(layer: &Layer<'l>) -> Result<Told<R::Of<'l>>, KernelError> {
    let weights = layer.input(1);
    if !is_sound::<R::Of<'l>>(weights.data().unwrap_or(&[]), weights.elements()) {
        return Err(KernelError::Codes);
    }
    rows::<R>(layer)
}

fn check_conv_2d<R: StoredRows<'static>>(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (input, output) = (layer.input_elements(0), layer.output_elements());
    conv_2d::parameters::<i8>(layer)?.check_rows(&layer.filter(), &checked_rows::<R>(layer)?, input, output)
}

fn run_conv_2d<R: StoredRows<'static>>(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let (Ok(parameters), Ok(rows)) = (conv_2d::parameters(layer), rows::<R>(layer)) {
        let input = operands.input(0);
        conv_2d_rows_s8(&parameters, &layer.filter(), rows, input, operands.output, operands.scratch);
    }
}

fn check_fully_connected<R: StoredRows<'static>>(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (input, output) = (layer.input_elements(0), layer.output_elements());
    fully_connected::parameters::<i8>(layer)?.check_rows(
        &layer.filter(),
        &checked_rows::<R>(layer)?,
        input,
        output,
    )
}

fn run_fully_connected<R: StoredRows<'static>>(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let (Ok(parameters), Ok(rows)) = (fully_connected::parameters(layer), rows::<R>(layer)) {
        let input = operands.input(0);
        fully_connected_rows_s8(&parameters, &layer.filter(), rows, input, operands.output, operands.scratch);
    }
}
