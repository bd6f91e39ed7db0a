//! Operands that repeat along axes: cut into runs on which both are as long as the output.
//!
//! Element-wise kernels know equal lengths alone, so each of them, on every backend, serves all shapes.

use crate::Source;
use crate::runs::runs_mut;

/// How two operands repeat to fill an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// Innermost first; neighbours along which the operands repeat alike are one axis.
    axes: [Repeated; MAX_AXES],
    count: usize,
}

/// An axis of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Repeated {
    extent: usize,
    /// By how much the place in each operand moves; 0 where it repeats.
    strides: [usize; 2],
}

/// The most axes of a tensor.
const MAX_AXES: usize = 6;

/// The longest run of an operand that repeats along the innermost axis.
const REPEATED: usize = 64;

impl Broadcast {
    /// From the axes of both operands and of the output, outermost first; shorter ones are filled up with
    /// ones. `None` where they do not fit together.
    pub fn new(left: &[u32], right: &[u32], output: &[u32]) -> Option<Broadcast> {
        let mut broadcast = Broadcast { axes: [Repeated::default(); MAX_AXES], count: 0 };
        let mut elements = [1usize; 2];
        if output.len() > MAX_AXES || left.len().max(right.len()) > output.len() {
            return None;
        }
        for (index, &extent) in output.iter().rev().enumerate() {
            let of = |axes: &[u32]| axes.iter().rev().nth(index).copied().unwrap_or(1);
            let extents = [of(left), of(right)];
            if extents.iter().any(|&other| other != extent && other != 1) || !extents.contains(&extent) {
                return None;
            }
            if extent == 1 {
                continue;
            }
            let extent = extent as usize;
            let mut strides = [0; 2];
            for ((stride, elements), other) in strides.iter_mut().zip(&mut elements).zip(extents) {
                if other != 1 {
                    *stride = *elements;
                    *elements = elements.checked_mul(extent)?;
                }
            }
            let repeats = strides.map(|stride| stride == 0);
            let inner = broadcast.count.checked_sub(1).and_then(|inner| broadcast.axes.get_mut(inner));
            match inner.filter(|inner| inner.strides.map(|stride| stride == 0) == repeats) {
                Some(inner) => inner.extent = inner.extent.checked_mul(extent)?,
                None => {
                    *broadcast.axes.get_mut(broadcast.count)? = Repeated { extent, strides };
                    broadcast.count += 1;
                }
            }
        }
        Some(broadcast)
    }

    /// Calls a kernel for equal lengths on every run of the output. An operand in place is as long as the
    /// output.
    // Apart from its caller, for the same reason as the kernels that it serves.
    #[inline(never)]
    pub fn apply(
        &self,
        left: Source<'_>,
        right: Source<'_>,
        output: &mut [i8],
        mut kernel: impl FnMut(Source<'_>, Source<'_>, &mut [i8]),
    ) {
        let [inner, outer @ ..] = &self.axes;
        let repeats = inner.strides.map(|stride| stride == 0 && inner.extent > 1);
        let mut index = [0usize; MAX_AXES];
        let mut places = [0usize; 2];
        for output in runs_mut(output, inner.extent.max(1)) {
            let length = if repeats == [false; 2] { output.len() } else { REPEATED };
            let mut buffers = [[0i8; REPEATED]; 2];
            for (part, output) in output.chunks_mut(length.max(1)).enumerate() {
                let [left_buffer, right_buffer] = &mut buffers;
                let place = |operand: usize| {
                    let within = if repeats[operand] { 0 } else { part * length };
                    places[operand] + within
                };
                let left = run(left, place(0), repeats[0], left_buffer, output.len());
                let right = run(right, place(1), repeats[1], right_buffer, output.len());
                kernel(left, right, output);
            }
            for (index, axis) in index.iter_mut().zip(outer).take(self.count.saturating_sub(1)) {
                *index += 1;
                let back = if *index < axis.extent { 0 } else { axis.extent };
                for (place, stride) in places.iter_mut().zip(axis.strides) {
                    *place = (*place + stride).wrapping_sub(back * stride);
                }
                if back == 0 {
                    break;
                }
                *index = 0;
            }
        }
    }
}

/// The elements of an operand for one run of the output.
fn run<'s>(
    source: Source<'s>,
    place: usize,
    repeats: bool,
    buffer: &'s mut [i8; REPEATED],
    length: usize,
) -> Source<'s> {
    match source {
        Source::InPlace => Source::InPlace,
        Source::Apart(values) if repeats => {
            buffer.fill(values.get(place).copied().unwrap_or(0));
            Source::Apart(buffer.get(..length).unwrap_or(&[]))
        }
        Source::Apart(values) => {
            Source::Apart(values.get(place..).and_then(|rest| rest.get(..length)).unwrap_or(&[]))
        }
    }
}
