//! The attributes of operators as bytes, in the order in which [`Operator`] declares them.

use crate::operator::{Clamp, Factor, Operator, OperatorKind, WideClamp, Window};

/// The attributes of one operator, read from front to back in the order of [`Operator`]'s fields.
///
/// For the engine: so a firmware carries the reading of those operators alone that it links. What
/// is beyond the last attribute reads as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Attributes<'a> {
        Attributes(bytes)
    }

    /// A sliding window.
    pub fn window(&mut self) -> Window {
        Window {
            filter: [self.u16(), self.u16()],
            stride: [self.u16(), self.u16()],
            dilation: [self.u16(), self.u16()],
            padding: [self.u16(), self.u16()],
        }
    }

    /// Bounds of the output.
    pub fn clamp(&mut self) -> Clamp {
        Clamp { min: self.u8() as i8, max: self.u8() as i8 }
    }

    /// Bounds of an int16 output.
    pub fn wide_clamp(&mut self) -> WideClamp {
        WideClamp { min: self.u16() as i16, max: self.u16() as i16 }
    }

    /// A fixed-point factor.
    pub fn factor(&mut self) -> Factor {
        Factor { multiplier: self.i32(), shift: self.u8() as i8 }
    }

    /// A flag, or any byte.
    pub fn flag(&mut self) -> bool {
        self.u8() != 0
    }

    /// Elements before or after each of four axes.
    pub fn margins(&mut self) -> [u16; 4] {
        [self.u16(), self.u16(), self.u16(), self.u16()]
    }

    /// A byte.
    pub fn u8(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    /// Two bytes.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    /// Four bytes.
    pub fn i32(&mut self) -> i32 {
        i32::from_le_bytes(self.take())
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> u64 {
        u64::from(self.i32() as u32) | u64::from(self.i32() as u32) << 32
    }

    // Once for each width in a firmware, and without a loop: attributes are read at every step of a run.
    #[inline(never)]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((&bytes, rest)) = self.0.split_first_chunk() else {
            self.0 = &[];
            return [0; N];
        };
        self.0 = rest;
        bytes
    }
}

/// Bytes of the attributes of a kind.
pub(crate) fn length(kind: OperatorKind) -> usize {
    match kind {
        OperatorKind::Conv2d
        | OperatorKind::AveragePool2d
        | OperatorKind::MaxPool2d
        | OperatorKind::TransposeConv2d => 18,
        OperatorKind::DepthwiseConv2d => 20,
        OperatorKind::FullyConnected | OperatorKind::ResizeNearest | OperatorKind::ResizeBilinear => 2,
        OperatorKind::Mean | OperatorKind::Sum => 5,
        OperatorKind::Add | OperatorKind::Sub => 18,
        OperatorKind::Mul | OperatorKind::Div => 7,
        OperatorKind::Concatenate | OperatorKind::Gather => 1,
        OperatorKind::Pad => 17,
        OperatorKind::Reshape
        | OperatorKind::Lookup
        | OperatorKind::Minimum
        | OperatorKind::Maximum
        | OperatorKind::Interpolate => 0,
        OperatorKind::Rearrange => 28,
        OperatorKind::Softmax => 9,
        OperatorKind::Prelu => 10,
        OperatorKind::SquaredDifference => 16,
        OperatorKind::ArgMax => 1,
        OperatorKind::BatchMatmul => 6,
        OperatorKind::LocalResponseNormalization => 13,
        OperatorKind::Normalize => 11,
        OperatorKind::WideConv2d | OperatorKind::WideAveragePool2d | OperatorKind::WideMaxPool2d => 20,
        OperatorKind::WideDepthwiseConv2d => 22,
        OperatorKind::WideFullyConnected => 4,
        OperatorKind::WideAdd => 20,
        OperatorKind::Requantize => 5,
    }
}

/// The operator of this kind with these attributes.
pub(crate) fn read(kind: OperatorKind, mut from: Attributes<'_>) -> Operator {
    match kind {
        OperatorKind::Conv2d => Operator::Conv2d { window: from.window(), clamp: from.clamp() },
        OperatorKind::DepthwiseConv2d => Operator::DepthwiseConv2d {
            window: from.window(),
            depth_multiplier: from.u16(),
            clamp: from.clamp(),
        },
        OperatorKind::FullyConnected => Operator::FullyConnected { clamp: from.clamp() },
        OperatorKind::AveragePool2d => Operator::AveragePool2d { window: from.window(), clamp: from.clamp() },
        OperatorKind::MaxPool2d => Operator::MaxPool2d { window: from.window(), clamp: from.clamp() },
        OperatorKind::Mean => Operator::Mean { factor: from.factor() },
        OperatorKind::Add => Operator::Add {
            left_shift: from.u8(),
            inputs: [from.factor(), from.factor()],
            output: from.factor(),
            clamp: from.clamp(),
        },
        OperatorKind::Mul => Operator::Mul { factor: from.factor(), clamp: from.clamp() },
        OperatorKind::Concatenate => Operator::Concatenate { axis: from.u8() },
        OperatorKind::Pad => {
            Operator::Pad { before: from.margins(), after: from.margins(), value: from.u8() as i8 }
        }
        OperatorKind::Reshape => Operator::Reshape,
        OperatorKind::ResizeNearest => {
            Operator::ResizeNearest { align_corners: from.flag(), half_pixel_centers: from.flag() }
        }
        OperatorKind::ResizeBilinear => {
            Operator::ResizeBilinear { align_corners: from.flag(), half_pixel_centers: from.flag() }
        }
        OperatorKind::Softmax => Operator::Softmax { factor: from.factor(), difference_min: from.i32() },
        OperatorKind::Lookup => Operator::Lookup,
        OperatorKind::Prelu => Operator::Prelu { positive: from.factor(), negative: from.factor() },
        OperatorKind::Sub => Operator::Sub {
            left_shift: from.u8(),
            inputs: [from.factor(), from.factor()],
            output: from.factor(),
            clamp: from.clamp(),
        },
        OperatorKind::Div => Operator::Div { factor: from.factor(), clamp: from.clamp() },
        OperatorKind::Minimum => Operator::Minimum,
        OperatorKind::Maximum => Operator::Maximum,
        OperatorKind::SquaredDifference => Operator::SquaredDifference {
            left_shift: from.u8(),
            inputs: [from.factor(), from.factor()],
            output: from.factor(),
        },
        OperatorKind::TransposeConv2d => {
            Operator::TransposeConv2d { window: from.window(), clamp: from.clamp() }
        }
        OperatorKind::Rearrange => {
            Operator::Rearrange { start: from.i32() as u32, strides: core::array::from_fn(|_| from.i32()) }
        }
        OperatorKind::Gather => Operator::Gather { axis: from.u8() },
        OperatorKind::Interpolate => Operator::Interpolate,
        OperatorKind::Sum => Operator::Sum { factor: from.factor() },
        OperatorKind::ArgMax => Operator::ArgMax { last: from.flag() },
        OperatorKind::BatchMatmul => {
            Operator::BatchMatmul { right_transposed: from.flag(), factor: from.factor() }
        }
        OperatorKind::LocalResponseNormalization => Operator::LocalResponseNormalization {
            before: from.u16(),
            after: from.u16(),
            shift: from.u8(),
            offset: from.u64(),
        },
        OperatorKind::Normalize => Operator::Normalize {
            centered: from.flag(),
            shift: from.u8(),
            offset: from.u64(),
            gain_bits: from.u8(),
        },
        OperatorKind::WideConv2d => Operator::WideConv2d { window: from.window(), clamp: from.wide_clamp() },
        OperatorKind::WideDepthwiseConv2d => Operator::WideDepthwiseConv2d {
            window: from.window(),
            depth_multiplier: from.u16(),
            clamp: from.wide_clamp(),
        },
        OperatorKind::WideFullyConnected => Operator::WideFullyConnected { clamp: from.wide_clamp() },
        OperatorKind::WideAveragePool2d => {
            Operator::WideAveragePool2d { window: from.window(), clamp: from.wide_clamp() }
        }
        OperatorKind::WideMaxPool2d => {
            Operator::WideMaxPool2d { window: from.window(), clamp: from.wide_clamp() }
        }
        OperatorKind::WideAdd => Operator::WideAdd {
            left_shift: from.u8(),
            inputs: [from.factor(), from.factor()],
            output: from.factor(),
            clamp: from.wide_clamp(),
        },
        OperatorKind::Requantize => Operator::Requantize { factor: from.factor() },
    }
}

/// Appends the attributes of an operator.
#[cfg(feature = "alloc")]
pub(crate) fn write(operator: &Operator, bytes: &mut alloc::vec::Vec<u8>) {
    let start = bytes.len();
    let mut to = Writer(bytes);
    match operator {
        Operator::Conv2d { window, clamp }
        | Operator::TransposeConv2d { window, clamp }
        | Operator::AveragePool2d { window, clamp }
        | Operator::MaxPool2d { window, clamp } => to.window(window).clamp(clamp),
        Operator::DepthwiseConv2d { window, depth_multiplier, clamp } => {
            to.window(window).number(&depth_multiplier.to_le_bytes()).clamp(clamp)
        }
        Operator::FullyConnected { clamp } => to.clamp(clamp),
        Operator::Mean { factor } | Operator::Sum { factor } | Operator::Requantize { factor } => {
            to.factor(factor)
        }
        Operator::WideConv2d { window, clamp }
        | Operator::WideAveragePool2d { window, clamp }
        | Operator::WideMaxPool2d { window, clamp } => to.window(window).wide_clamp(clamp),
        Operator::WideDepthwiseConv2d { window, depth_multiplier, clamp } => {
            to.window(window).number(&depth_multiplier.to_le_bytes()).wide_clamp(clamp)
        }
        Operator::WideFullyConnected { clamp } => to.wide_clamp(clamp),
        Operator::WideAdd { left_shift, inputs: [left, right], output, clamp } => {
            to.number(&[*left_shift]).factor(left).factor(right).factor(output).wide_clamp(clamp)
        }
        Operator::ArgMax { last } => to.number(&[u8::from(*last)]),
        Operator::BatchMatmul { right_transposed, factor } => {
            to.number(&[u8::from(*right_transposed)]).factor(factor)
        }
        Operator::LocalResponseNormalization { before, after, shift, offset } => {
            let to = to.number(&before.to_le_bytes()).number(&after.to_le_bytes());
            to.number(&[*shift]).number(&offset.to_le_bytes())
        }
        Operator::Normalize { centered, shift, offset, gain_bits } => {
            to.number(&[u8::from(*centered), *shift]).number(&offset.to_le_bytes()).number(&[*gain_bits])
        }
        Operator::Add { left_shift, inputs: [left, right], output, clamp }
        | Operator::Sub { left_shift, inputs: [left, right], output, clamp } => {
            to.number(&[*left_shift]).factor(left).factor(right).factor(output).clamp(clamp)
        }
        Operator::Mul { factor, clamp } | Operator::Div { factor, clamp } => to.factor(factor).clamp(clamp),
        Operator::SquaredDifference { left_shift, inputs: [left, right], output } => {
            to.number(&[*left_shift]).factor(left).factor(right).factor(output)
        }
        Operator::Concatenate { axis } | Operator::Gather { axis } => to.number(&[*axis]),
        Operator::Pad { before, after, value } => before
            .iter()
            .chain(after)
            .fold(&mut to, |to, count| to.number(&count.to_le_bytes()))
            .number(&[*value as u8]),
        Operator::ResizeNearest { align_corners, half_pixel_centers }
        | Operator::ResizeBilinear { align_corners, half_pixel_centers } => {
            to.number(&[u8::from(*align_corners), u8::from(*half_pixel_centers)])
        }
        Operator::Softmax { factor, difference_min } => {
            to.factor(factor).number(&difference_min.to_le_bytes())
        }
        Operator::Prelu { positive, negative } => to.factor(positive).factor(negative),
        Operator::Rearrange { start, strides } => strides
            .iter()
            .fold(to.number(&start.to_le_bytes()), |to, stride| to.number(&stride.to_le_bytes())),
        Operator::Reshape
        | Operator::Lookup
        | Operator::Minimum
        | Operator::Maximum
        | Operator::Interpolate => &mut to,
    };
    debug_assert_eq!(bytes.len() - start, length(operator.kind()));
}

/// The counterpart of [`Attributes`].
#[cfg(feature = "alloc")]
struct Writer<'a>(&'a mut alloc::vec::Vec<u8>);

#[cfg(feature = "alloc")]
impl Writer<'_> {
    fn window(&mut self, window: &Window) -> &mut Self {
        let pairs = [window.filter, window.stride, window.dilation, window.padding];
        pairs.as_flattened().iter().fold(self, |to, number| to.number(&number.to_le_bytes()))
    }

    fn clamp(&mut self, clamp: &Clamp) -> &mut Self {
        self.number(&[clamp.min as u8, clamp.max as u8])
    }

    fn wide_clamp(&mut self, clamp: &WideClamp) -> &mut Self {
        self.number(&clamp.min.to_le_bytes()).number(&clamp.max.to_le_bytes())
    }

    fn factor(&mut self, factor: &Factor) -> &mut Self {
        self.number(&factor.multiplier.to_le_bytes()).number(&[factor.shift as u8])
    }

    fn number(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }
}

/// The kind that a code stands for.
pub(crate) fn kind_of_code(code: u16) -> Option<OperatorKind> {
    ALL.get(usize::from(code).wrapping_sub(1)).copied()
}

const ALL: [OperatorKind; 37] = [
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
    OperatorKind::Sub,
    OperatorKind::Div,
    OperatorKind::Minimum,
    OperatorKind::Maximum,
    OperatorKind::SquaredDifference,
    OperatorKind::TransposeConv2d,
    OperatorKind::Rearrange,
    OperatorKind::Gather,
    OperatorKind::Interpolate,
    OperatorKind::Sum,
    OperatorKind::ArgMax,
    OperatorKind::BatchMatmul,
    OperatorKind::LocalResponseNormalization,
    OperatorKind::Normalize,
    OperatorKind::WideConv2d,
    OperatorKind::WideDepthwiseConv2d,
    OperatorKind::WideFullyConnected,
    OperatorKind::WideAveragePool2d,
    OperatorKind::WideMaxPool2d,
    OperatorKind::WideAdd,
    OperatorKind::Requantize,
];
