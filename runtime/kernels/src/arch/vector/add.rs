//! Element-wise addition, a vector at a time.

use super::detect;
use super::finish::{Factors, Range};
use super::level::{Level, Work};
use crate::finish::Finish;
use crate::{AddParameters, Requantize, Source, reference};

/// See [`add_s8`](crate::add_s8).
pub(crate) fn add_s8(parameters: &AddParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    let count = [left, right].iter().fold(output.len(), |count, source| match source {
        Source::Apart(values) => count.min(values.len()),
        Source::InPlace => count,
    });
    // The loop relies on equal lengths, the factors on shifts to the right.
    let checked = parameters.check(count, count, output.len()).is_ok();
    if !(checked && detect::run(Add { parameters, left, right, output: &mut *output })) {
        reference::add_s8(parameters, left, right, output);
    }
}

/// A checked addition.
struct Add<'a> {
    parameters: &'a AddParameters,
    left: Source<'a>,
    right: Source<'a>,
    output: &'a mut [i8],
}

impl Work for Add<'_> {
    #[inline(always)]
    fn run<L: Level>(self, level: L) -> bool {
        let Add { parameters, left, right, output } = self;
        let count = output.len();
        let to = output.as_mut_ptr();
        let address = |source| match source {
            Source::Apart(values) => values.as_ptr(),
            Source::InPlace => to.cast_const(),
        };
        let (left, right) = (address(left), address(right));
        let range = Range::new(
            level,
            Finish {
                zero_point: parameters.output_zero_point,
                min: parameters.activation_min,
                max: parameters.activation_max,
            },
        );
        let operands = [
            Operand::new(level, left, parameters.left_zero_point, parameters.left_requantize),
            Operand::new(level, right, parameters.right_zero_point, parameters.right_requantize),
        ];
        let sum = Factors::same(level, parameters.output_requantize);
        let whole = count / L::LANES * L::LANES;
        // SAFETY: `add_s8` has checked that all three are `count` long; an operand that is in place is read before its
        // elements are written.
        unsafe {
            for start in (0..whole).step_by(L::LANES) {
                add_lanes(level, &operands, &sum, &range, start, L::LANES, to);
            }
            if whole < count {
                add_lanes(level, &operands, &sum, &range, whole, count - whole, to);
            }
        }
        true
    }
}

/// One side of the sum.
#[derive(Clone, Copy)]
struct Operand<L: Level> {
    values: *const i8,
    minus_zero_point: L::Vector,
    twenty: L::Vector,
    factor: Factors<L>,
}

impl<L: Level> Operand<L> {
    #[inline(always)]
    fn new(level: L, values: *const i8, zero_point: i8, requantize: Requantize) -> Operand<L> {
        let minus_zero_point = level.splat(-i32::from(zero_point));
        Operand {
            values,
            minus_zero_point,
            twenty: level.splat(20),
            factor: Factors::same(level, requantize),
        }
    }

    /// `lanes` values from `start` on, on the common scale. They are the caller's to read.
    #[inline(always)]
    unsafe fn read(&self, level: L, start: usize, lanes: usize) -> L::Vector {
        // SAFETY: The caller's.
        let values = unsafe { level.load_bytes(self.values.add(start), lanes) };
        let values = level.add(values, self.minus_zero_point);
        self.factor.apply(level, level.shift_left(values, self.twenty))
    }
}

/// Adds `lanes` elements from `start` on; they are the caller's to read and to write.
#[inline(always)]
unsafe fn add_lanes<L: Level>(
    level: L,
    operands: &[Operand<L>; 2],
    sum: &Factors<L>,
    range: &Range<L>,
    start: usize,
    lanes: usize,
    to: *mut i8,
) {
    // SAFETY: The caller's.
    unsafe {
        let [left, right] = [operands[0].read(level, start, lanes), operands[1].read(level, start, lanes)];
        let total = sum.apply(level, level.add(left, right));
        level.store_bytes(range.apply(level, total), to.add(start), lanes);
    }
}
