//! Rearranging: transposes, slices with any step, flips and repetitions are all one walk over the input.

use crate::KernelError;
use crate::error::{Operand, elements, ensure, expect};
use crate::runs::runs_mut;
use crate::source::copy;

/// Axes of a rearrangement.
const AXES: usize = 6;

/// Which element of the input becomes which of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RearrangeParameters {
    /// Axes of the output, outermost first; ones where there are fewer.
    pub output_shape: [usize; AXES],
    /// Index of the input element that becomes the first of the output.
    pub start: usize,
    /// How far apart in the input, in elements, neighbours along each axis of the output are: negative to
    /// walk back, 0 to repeat.
    pub strides: [isize; AXES],
}

impl RearrangeParameters {
    /// Whether [`rearrange_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        expect(Operand::Output, elements(&self.output_shape)?, output_elements)?;
        ensure(self.start < input_elements, KernelError::Geometry)?;
        let (mut lowest, mut highest) = (self.start as i64, self.start as i64);
        for (&extent, &stride) in self.output_shape.iter().zip(&self.strides) {
            // Both below 2^32, so that a product fits; what leaves the input is refused at once.
            let reach = (extent.saturating_sub(1) as i64).saturating_mul(stride as i64);
            lowest = lowest.saturating_add(reach.min(0));
            highest = highest.saturating_add(reach.max(0));
            ensure(lowest >= 0 && highest < input_elements as i64, KernelError::Geometry)?;
        }
        Ok(())
    }

    /// The same walk over as few axes as possible, the last ones: axes that follow on each other are one.
    fn joined(&self) -> ([usize; AXES], [isize; AXES]) {
        let (mut shape, mut strides) = ([1; AXES], [0; AXES]);
        let mut at = AXES - 1;
        for (&extent, &stride) in self.output_shape.iter().zip(&self.strides).rev() {
            if extent == 1 {
                continue;
            }
            if shape[at] == 1 {
                (shape[at], strides[at]) = (extent, stride);
            } else if stride == strides[at].wrapping_mul(shape[at] as isize) {
                shape[at] *= extent;
            } else {
                at = at.saturating_sub(1);
                (shape[at], strides[at]) = (extent, stride);
            }
        }
        (shape, strides)
    }
}

/// Copies elements of the input in another order, some of them or some of them often.
///
/// # Shapes
/// Any input; an output of up to six axes whose elements all lie in the input.
///
/// # Types and ranges
/// Bytes; input and output share their quantization.
///
/// # Rounding
/// None.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`RearrangeParameters::check`].
///
/// # Source
/// TFLite reference kernels `Transpose`, `Slice`, `StridedSlice`, `Split`, `BroadcastTo`, `DepthToSpace`,
/// `SpaceToDepth`, `ReverseV2`: each is this walk with its own strides.
pub fn rearrange_s8(parameters: &RearrangeParameters, input: &[i8], output: &mut [i8]) {
    let (shape, strides) = parameters.joined();
    let [.., run] = shape;
    let [.., step] = strides;
    let mut index = [0; AXES];
    let mut from = parameters.start as isize;
    for output in runs_mut(output, run) {
        if step == 1 {
            copy(input.get(from as usize..).unwrap_or(&[]), output);
        } else {
            let mut at = from;
            for value in output {
                *value = input.get(at as usize).copied().unwrap_or(0);
                at = at.wrapping_add(step);
            }
        }
        for axis in (0..AXES - 1).rev() {
            index[axis] += 1;
            from = from.wrapping_add(strides[axis]);
            if index[axis] < shape[axis] {
                break;
            }
            from = from.wrapping_sub(strides[axis].wrapping_mul(shape[axis] as isize));
            index[axis] = 0;
        }
    }
}
