//! Which rows of its inputs an operator needs for some rows of its output: what row groups are built on.
//!
//! The compiler asks when it lays out a group, the reader when it checks one, and the engine when it
//! runs one, so all three agree.

use core::ops::Range;

use ocelli_core::nhwc;

use crate::operator::{Operator, Window};

/// Rows of an input that some rows of an output are computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRows {
    /// Those that are inside the image.
    pub rows: Range<usize>,
    /// Rows above them that the operator imagines: its padding for this part of the image.
    pub padding: usize,
}

impl Operator {
    /// The rows of each activation, all of them with the axes of `input`, that the given rows of the output need;
    /// `None` for an operator that cannot compute single rows, which is any that mixes rows by other means
    /// than a window. Of two inputs that broadcast, each is asked about.
    ///
    /// Computed alone, from an image of just these rows with just this padding, the output rows
    /// have the same bits as in the whole.
    pub fn input_rows(&self, input: &[u32], output: &[u32], rows: Range<usize>) -> Option<InputRows> {
        let ([1, height, width, channels], [1, output_height, output_width, output_channels]) =
            (nhwc(input)?, nhwc(output)?)
        else {
            return None;
        };
        if rows.start >= rows.end || rows.end > output_height {
            return None;
        }
        match *self {
            Operator::Conv2d { window, .. }
            | Operator::DepthwiseConv2d { window, .. }
            | Operator::AveragePool2d { window, .. }
            | Operator::MaxPool2d { window, .. }
            | Operator::WideConv2d { window, .. }
            | Operator::WideDepthwiseConv2d { window, .. }
            | Operator::WideAveragePool2d { window, .. }
            | Operator::WideMaxPool2d { window, .. } => under_window(&window, height, rows),
            Operator::Lookup | Operator::Requantize { .. } => {
                let same = [height, width, channels] == [output_height, output_width, output_channels];
                same.then_some(InputRows { rows, padding: 0 })
            }
            Operator::Concatenate { axis } => {
                let inside_rows = output.len() == 4 && axis >= 2 && height == output_height;
                inside_rows.then_some(InputRows { rows, padding: 0 })
            }
            Operator::Pad { before, .. } => {
                let above = usize::from(before[1]);
                let inside = |row: usize| row.saturating_sub(above).min(height);
                let padding = above.saturating_sub(rows.start).min(rows.len());
                Some(InputRows { rows: inside(rows.start)..inside(rows.end), padding })
            }
            _ if self.kind().has_two_inputs() => (input == output).then_some(InputRows { rows, padding: 0 }),
            _ => None,
        }
    }
}

/// The rows under windows, from the first that is inside the image to the last.
fn under_window(window: &Window, height: usize, rows: Range<usize>) -> Option<InputRows> {
    let of = |pair: [u16; 2]| usize::from(pair[0]);
    let (stride, padding) = (of(window.stride), of(window.padding));
    let reach = of(window.filter).checked_sub(1)?.checked_mul(of(window.dilation))?;
    let start = rows.start.checked_mul(stride)?;
    let end = (rows.end - 1).checked_mul(stride)?.checked_add(reach + 1)?.saturating_sub(padding).min(height);
    let first = start.saturating_sub(padding);
    (first < end).then_some(InputRows { rows: first..end, padding: padding.saturating_sub(start) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::Clamp;

    const CLAMP: Clamp = Clamp { min: -128, max: 127 };

    fn rows_of(
        operator: Operator,
        input: [u32; 4],
        output: [u32; 4],
        rows: Range<usize>,
    ) -> Option<InputRows> {
        operator.input_rows(&input, &output, rows)
    }

    #[test]
    fn windows_reach_up_and_down_as_far_as_the_image() {
        let window = Window { filter: [3, 1], stride: [2, 1], dilation: [2, 1], padding: [2, 0] };
        let conv = Operator::Conv2d { window, clamp: CLAMP };
        let of = |rows| rows_of(conv, [1, 9, 4, 1], [1, 5, 4, 2], rows);
        assert_eq!(of(0..1), Some(InputRows { rows: 0..3, padding: 2 }));
        assert_eq!(of(1..2), Some(InputRows { rows: 0..5, padding: 0 }));
        assert_eq!(of(2..4), Some(InputRows { rows: 2..9, padding: 0 }));
        assert_eq!(of(4..5), Some(InputRows { rows: 6..9, padding: 0 }));
        assert_eq!((of(4..6), of(2..2)), (None, None));
        assert_eq!(rows_of(conv, [2, 9, 4, 1], [2, 5, 4, 2], 0..1), None, "batches");
    }

    #[test]
    fn padding_has_rows_that_need_nothing() {
        let pad = Operator::Pad { before: [0, 2, 0, 0], after: [0, 1, 0, 0], value: 0 };
        let of = |rows| rows_of(pad, [1, 3, 1, 1], [1, 6, 1, 1], rows);
        assert_eq!(of(0..1), Some(InputRows { rows: 0..0, padding: 1 }));
        assert_eq!(of(1..4), Some(InputRows { rows: 0..2, padding: 1 }));
        assert_eq!(of(4..6), Some(InputRows { rows: 2..3, padding: 0 }));
        assert_eq!(of(5..6), Some(InputRows { rows: 3..3, padding: 0 }));
    }

    #[test]
    fn rows_are_joined_across_but_not_from_above() {
        let shape = [1, 4, 2, 2];
        let join = |axis| rows_of(Operator::Concatenate { axis }, shape, [1, 4, 2, 6], 1..3);
        assert_eq!(join(3), Some(InputRows { rows: 1..3, padding: 0 }));
        assert_eq!(join(1), None);
        assert_eq!(rows_of(Operator::Lookup, shape, shape, 3..4), Some(InputRows { rows: 3..4, padding: 0 }));
        assert_eq!(rows_of(Operator::Lookup, shape, [1, 2, 4, 2], 0..1), None);
        assert_eq!(rows_of(Operator::Reshape, shape, shape, 0..1), None);
    }
}
