//! Transposed convolutions: TFLite's, and the one that MediaPipe added.

use tract_tflite::tflite::Padding;

use super::operators::{Translated, Translation, activation, missing};
use super::windows::{RawWindow, explicit};
use crate::graph::{Activation, Op, Window};
use crate::import::Problem;

impl Translation<'_> {
    /// Operands in the file: size of the result, weights, input, bias.
    pub(super) fn transpose_conv(&mut self) -> Translated {
        let options = self
            .source
            .operator
            .builtin_options_as_transpose_conv_options()
            .ok_or_else(|| missing("TransposeConvOptions"))?;
        let operands = match self.source.inputs.len() {
            3 => vec![2, 1],
            4 => vec![2, 1, 3],
            count => return Err(Problem::Invalid(format!("{count} operands"))),
        };
        let stride = [options.stride_h(), options.stride_w()];
        let activation = activation(options.fused_activation_function())?;
        self.transposed(&operands, stride, options.padding(), activation)
    }

    /// MediaPipe's own operator: a transposed convolution with a bias and without a stated size. Its options are
    /// the words of a C structure: padding (1 for SAME, 2 for VALID), stride along the width, along the height.
    pub(super) fn transpose_conv_bias(&mut self) -> Translated {
        let bytes = self.source.operator.custom_options().map(|options| options.bytes()).unwrap_or_default();
        let words: Vec<i32> = bytes.as_chunks().0.iter().map(|word| i32::from_le_bytes(*word)).collect();
        let &[padding, wide, tall, ..] = &words[..] else {
            return Err(Problem::Invalid(format!("{} bytes of options, 12 expected", bytes.len())));
        };
        let padding = match padding {
            1 => Padding::SAME,
            2 => Padding::VALID,
            other => return Err(Problem::Invalid(format!("padding mode {other}"))),
        };
        let operands: Vec<usize> = (0..self.source.inputs.len()).collect();
        if !matches!(operands.len(), 2 | 3) {
            return Err(Problem::Invalid(format!("{} operands", operands.len())));
        }
        self.transposed(&operands, [tall, wide], padding, Activation::Linear)
    }

    fn transposed(
        &mut self,
        operands: &[usize],
        stride: [i32; 2],
        padding: Padding,
        activation: Activation,
    ) -> Translated {
        let inputs = self.weighted_operands(operands, 0)?;
        let [_, rows, columns, _] = self.axes(inputs[1])?;
        let output = *self.source.outputs.first().ok_or_else(|| Problem::Invalid("no result".into()))?;
        let [_, height, width, _] = self.axes(output)?;
        // The padding is that of the convolution that leads from the result back to the input.
        let raw = RawWindow { filter: [rows, columns], stride, dilation: [1, 1], padding };
        let window = Window { after: [0, 0], ..explicit(&raw, [height, width])? };
        Ok((Op::TransposeConv2d { window, activation }, inputs))
    }
}
