//! Resize by bilinear interpolation at listed positions.

use crate::KernelError;
use crate::error::{Operand, ensure, expect};
use crate::resize_bilinear::{Between, interpolate};
use crate::resize_nearest::check_shapes;

/// Shapes of an interpolation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterpolateParameters {
    /// `[N, H, W, C]` of the input.
    pub input_shape: [usize; 4],
    /// `[N, H, W, C]` of the output.
    pub output_shape: [usize; 4],
}

impl InterpolateParameters {
    /// Units of a position from one pixel to the next.
    pub const PIXEL: i32 = 1 << 10;

    /// Whether [`interpolate_s8`] may run with these positions and slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        [rows, columns]: [&[i32]; 2],
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        check_shapes([self.input_shape, self.output_shape], [input_elements, output_elements])?;
        let ([_, height, width, _], [_, output_height, output_width, _]) =
            (self.input_shape, self.output_shape);
        expect(Operand::SecondInput, output_height, rows.len())?;
        expect(Operand::SecondInput, output_width, columns.len())?;
        for (positions, extent) in [(rows, height), (columns, width)] {
            let inside = |&position: &i32| {
                position >= 0 && (position as usize).div_ceil(Self::PIXEL as usize) < extent
            };
            ensure(positions.iter().all(inside), KernelError::Range)?;
        }
        Ok(())
    }
}

/// Resizes an image; every output pixel mixes the four input pixels around its listed position.
///
/// # Shapes
/// Input `[N, H, W, C]`, output `[N, OH, OW, C]`; `OH` positions of rows, `OW` of columns.
///
/// # Types and ranges
/// int8; input and output share their quantization. Positions in 1/1024 of a pixel, from 0 to the last pixel.
///
/// # Rounding
/// The weighted sum of the four pixels has 20 fraction bits and is rounded to nearest, halves away from
/// zero, as [`resize_bilinear_s8`](crate::resize_bilinear_s8) does.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`InterpolateParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::ResizeBilinearInteger`, with positions from a list.
pub fn interpolate_s8(
    parameters: &InterpolateParameters,
    [rows, columns]: [&[i32]; 2],
    input: &[i8],
    output: &mut [i8],
) {
    let [_, height, width, _] = parameters.input_shape;
    let at = |positions: &[i32], index: usize, extent: usize| {
        Between::at(positions.get(index).copied().unwrap_or(0), extent)
    };
    let (row, column) = (|y| at(rows, y, height), |x| at(columns, x, width));
    interpolate([parameters.input_shape, parameters.output_shape], input, output, row, column);
}
