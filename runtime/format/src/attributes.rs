//! The attributes of operators as bytes, in the order in which [`Operator`] declares them.

use crate::bytes::Cursor;
use crate::error::ParseError;
use crate::operator::{Clamp, Factor, Operator, OperatorKind, Pair, Window};

/// The kind that a code stands for.
pub(crate) fn kind_of_code(code: u16) -> Option<OperatorKind> {
    ALL.get(usize::from(code).wrapping_sub(1)).copied()
}

/// Reads the attributes of an operator of this kind.
pub(crate) fn read(kind: OperatorKind, cursor: &mut Cursor<'_>) -> Result<Operator, ParseError> {
    Ok(match kind {
        OperatorKind::Conv2d => Operator::Conv2d { window: window(cursor)?, clamp: clamp(cursor)? },
        OperatorKind::DepthwiseConv2d => Operator::DepthwiseConv2d {
            window: window(cursor)?,
            depth_multiplier: cursor.u16()?,
            clamp: clamp(cursor)?,
        },
        OperatorKind::FullyConnected => Operator::FullyConnected { clamp: clamp(cursor)? },
        OperatorKind::AveragePool2d => {
            Operator::AveragePool2d { window: window(cursor)?, clamp: clamp(cursor)? }
        }
        OperatorKind::MaxPool2d => Operator::MaxPool2d { window: window(cursor)?, clamp: clamp(cursor)? },
        OperatorKind::Mean => Operator::Mean { factor: factor(cursor)? },
        OperatorKind::Add => Operator::Add {
            left_shift: cursor.u8()?,
            inputs: [factor(cursor)?, factor(cursor)?],
            output: factor(cursor)?,
            clamp: clamp(cursor)?,
        },
        OperatorKind::Mul => Operator::Mul { factor: factor(cursor)?, clamp: clamp(cursor)? },
        OperatorKind::Concatenate => Operator::Concatenate { axis: cursor.u8()? },
        OperatorKind::Pad => Operator::Pad { before: *cursor.table()?, after: *cursor.table()? },
        OperatorKind::Reshape => Operator::Reshape,
        OperatorKind::ResizeNearest => {
            Operator::ResizeNearest { align_corners: cursor.flag()?, half_pixel_centers: cursor.flag()? }
        }
        OperatorKind::ResizeBilinear => {
            Operator::ResizeBilinear { align_corners: cursor.flag()?, half_pixel_centers: cursor.flag()? }
        }
        OperatorKind::Softmax => {
            Operator::Softmax { factor: factor(cursor)?, difference_min: cursor.u32()? as i32 }
        }
        OperatorKind::Lookup => Operator::Lookup,
        OperatorKind::Prelu => Operator::Prelu { positive: factor(cursor)?, negative: factor(cursor)? },
    })
}

/// Appends the attributes of an operator.
#[cfg(feature = "alloc")]
pub(crate) fn write(operator: &Operator, bytes: &mut alloc::vec::Vec<u8>) {
    let mut pairs = |pairs: &[u16]| pairs.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    match operator {
        Operator::Conv2d { window, .. }
        | Operator::DepthwiseConv2d { window, .. }
        | Operator::AveragePool2d { window, .. }
        | Operator::MaxPool2d { window, .. } => {
            pairs([window.filter, window.stride, window.dilation, window.padding].as_flattened());
        }
        Operator::Pad { before, after } => pairs([*before, *after].as_flattened()),
        _ => {}
    }
    let mut factor = |factor: &Factor| {
        bytes.extend(factor.multiplier.to_le_bytes());
        bytes.push(factor.shift as u8);
    };
    match operator {
        Operator::Mean { factor: only } | Operator::Mul { factor: only, .. } => factor(only),
        Operator::Prelu { positive, negative } => [positive, negative].into_iter().for_each(factor),
        Operator::Add { left_shift, inputs, output, .. } => {
            bytes.push(*left_shift);
            for factor in inputs.iter().chain([output]) {
                bytes.extend(factor.multiplier.to_le_bytes());
                bytes.push(factor.shift as u8);
            }
        }
        Operator::Softmax { factor: only, difference_min } => {
            factor(only);
            bytes.extend(difference_min.to_le_bytes());
        }
        Operator::DepthwiseConv2d { depth_multiplier, .. } => bytes.extend(depth_multiplier.to_le_bytes()),
        Operator::Concatenate { axis } => bytes.push(*axis),
        Operator::ResizeNearest { align_corners, half_pixel_centers }
        | Operator::ResizeBilinear { align_corners, half_pixel_centers } => {
            bytes.extend([u8::from(*align_corners), u8::from(*half_pixel_centers)]);
        }
        _ => {}
    }
    if let Operator::Conv2d { clamp, .. }
    | Operator::DepthwiseConv2d { clamp, .. }
    | Operator::FullyConnected { clamp }
    | Operator::AveragePool2d { clamp, .. }
    | Operator::MaxPool2d { clamp, .. }
    | Operator::Add { clamp, .. }
    | Operator::Mul { clamp, .. } = operator
    {
        bytes.extend([clamp.min as u8, clamp.max as u8]);
    }
}

const ALL: [OperatorKind; 16] = [
    OperatorKind::Conv2d,
    OperatorKind::DepthwiseConv2d,
    OperatorKind::FullyConnected,
    OperatorKind::AveragePool2d,
    OperatorKind::MaxPool2d,
    OperatorKind::Mean,
    OperatorKind::Add,
    OperatorKind::Mul,
    OperatorKind::Concatenate,
    OperatorKind::Pad,
    OperatorKind::Reshape,
    OperatorKind::ResizeNearest,
    OperatorKind::ResizeBilinear,
    OperatorKind::Softmax,
    OperatorKind::Lookup,
    OperatorKind::Prelu,
];

#[inline(never)]
fn window(cursor: &mut Cursor<'_>) -> Result<Window, ParseError> {
    let [filter, stride, dilation, padding]: [Pair; 4] = *cursor.table()?;
    Ok(Window { filter, stride, dilation, padding })
}

fn clamp(cursor: &mut Cursor<'_>) -> Result<Clamp, ParseError> {
    Ok(Clamp { min: cursor.u8()? as i8, max: cursor.u8()? as i8 })
}

#[inline(never)]
fn factor(cursor: &mut Cursor<'_>) -> Result<Factor, ParseError> {
    Ok(Factor { multiplier: cursor.u32()? as i32, shift: cursor.u8()? as i8 })
}
