//! SAME and VALID become explicit padding.

use tract_tflite::tflite::Padding;

use crate::graph::Window;
use crate::import::Problem;

/// Numbers of a sliding window as the file states them, rows before columns.
pub(super) struct RawWindow {
    pub(super) filter: [usize; 2],
    pub(super) stride: [i32; 2],
    pub(super) dilation: [i32; 2],
    pub(super) padding: Padding,
}

/// SAME centres the window over `ceil(extent / stride)` outputs, the odd element below and right.
pub(super) fn explicit(raw: &RawWindow, extents: [usize; 2]) -> Result<Window, Problem> {
    let mut window = Window {
        filter: raw.filter,
        stride: [positive(raw.stride[0], "stride")?, positive(raw.stride[1], "stride")?],
        dilation: [positive(raw.dilation[0], "dilation")?, positive(raw.dilation[1], "dilation")?],
        before: [0; 2],
        after: [0; 2],
    };
    match raw.padding {
        Padding::VALID => {}
        Padding::SAME => {
            for (axis, extent) in extents.into_iter().enumerate() {
                let stride = window.stride[axis];
                if extent == 0 || window.filter[axis] == 0 {
                    return Err(Problem::Invalid("an empty axis".into()));
                }
                // At most 2^31 each, so the products stay inside 64 bits.
                let reach = (window.filter[axis] - 1) * window.dilation[axis] + 1;
                let total = ((extent.div_ceil(stride) - 1) * stride + reach).saturating_sub(extent);
                window.before[axis] = total / 2;
                window.after[axis] = total - total / 2;
            }
        }
        other => return Err(Problem::Invalid(format!("padding mode {other:?}"))),
    }
    Ok(window)
}

/// A number that has to be at least 1.
pub(super) fn positive(value: i32, what: &str) -> Result<usize, Problem> {
    usize::try_from(value)
        .ok()
        .filter(|&value| value > 0)
        .ok_or_else(|| Problem::Invalid(format!("{what} {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(filter: usize, stride: i32, dilation: i32, extent: usize) -> (usize, usize) {
        let raw = RawWindow {
            filter: [filter; 2],
            stride: [stride; 2],
            dilation: [dilation; 2],
            padding: Padding::SAME,
        };
        let window = explicit(&raw, [extent; 2]).unwrap();
        assert_eq!((window.before[0], window.after[0]), (window.before[1], window.after[1]));
        (window.before[0], window.after[0])
    }

    #[test]
    fn same_puts_the_odd_element_after() {
        assert_eq!(same(3, 1, 1, 8), (1, 1));
        assert_eq!(same(3, 2, 1, 96), (0, 1));
        assert_eq!(same(3, 2, 1, 97), (1, 1));
        assert_eq!(same(5, 2, 1, 128), (1, 2));
        assert_eq!(same(3, 1, 2, 8), (2, 2));
        assert_eq!(same(1, 2, 1, 9), (0, 0));
    }

    #[test]
    fn zero_and_negative_numbers_are_refused() {
        let raw = |stride| RawWindow {
            filter: [1; 2],
            stride: [stride; 2],
            dilation: [1; 2],
            padding: Padding::SAME,
        };
        assert!(explicit(&raw(0), [4; 2]).is_err());
        assert!(explicit(&raw(-2), [4; 2]).is_err());
        assert!(explicit(&raw(1), [0, 4]).is_err());
    }
}
