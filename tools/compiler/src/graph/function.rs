//! Functions of one number: what an int8 table can hold, on their own and composed of each other.
//!
//! Everything here is real-valued and evaluated in double precision with `libm`, so that every host fills
//! the same tables. The float oracle evaluates the same functions and rounds them to singles.

use serde::{Deserialize, Serialize};

/// Operators of one number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unary {
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `min(max(x, -1), 1)`.
    ReluN1To1,
    /// `min(max(x, low), high)`; either limit may be infinite.
    Clip {
        /// The smallest value.
        low: f32,
        /// The largest value.
        high: f32,
    },
    /// `x` or `alpha * x` below 0.
    LeakyRelu {
        /// Slope below 0.
        alpha: f32,
    },
    /// `x` or `alpha * (exp(x) - 1)` below 0.
    Elu {
        /// What it falls towards is `-alpha`.
        alpha: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// Hyperbolic tangent.
    Tanh,
    /// `x * relu6(x + 3) / 6`.
    HardSwish,
    /// `x / (1 + exp(-x))`.
    Silu,
    /// `x * (1 + erf(x / sqrt(2))) / 2`.
    Gelu,
    /// `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2`.
    GeluTanh,
    /// `e^x`.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// One over the square root.
    Rsqrt,
    /// `x * x`.
    Square,
    /// `x^exponent`.
    Power {
        /// The exponent.
        exponent: f32,
    },
    /// `1 / x`.
    Reciprocal,
    /// Magnitude.
    Abs,
    /// `-x`.
    Neg,
    /// -1, 0 or 1.
    Sign,
    /// The next whole number below.
    Floor,
    /// The next whole number above.
    Ceil,
    /// The nearest whole number, ties to the even one.
    Round,
    /// Error function.
    Erf,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
    /// The same real value under another scale and zero point.
    Requantize,
}

/// Operators of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binary {
    /// `left + right`.
    Add,
    /// `left - right`.
    Sub,
    /// `left * right`.
    Mul,
    /// `left / right`.
    Div,
    /// The smaller one.
    Minimum,
    /// The larger one.
    Maximum,
    /// `(left - right)^2`.
    SquaredDifference,
    /// `left^right`.
    Power,
    /// 1 where left is larger, 0 elsewhere.
    Greater,
    /// 1 where left is not smaller, 0 elsewhere.
    GreaterOrEqual,
    /// 1 where both are equal, 0 elsewhere.
    Equal,
}

/// A function of one number, composed of operators and constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Function {
    /// The number.
    Argument,
    /// Another number.
    Constant(f32),
    /// An operator of one number.
    Unary(Unary, Box<Function>),
    /// An operator of two numbers.
    Binary(Binary, Box<[Function; 2]>),
    /// The second one where the first is not 0, the third one where it is.
    Select(Box<[Function; 3]>),
}

impl Unary {
    /// The operator's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::Relu6 => "Relu6",
            Self::ReluN1To1 => "ReluN1To1",
            Self::Clip { .. } => "Clip",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Elu { .. } => "Elu",
            Self::Logistic => "Logistic",
            Self::Tanh => "Tanh",
            Self::HardSwish => "HardSwish",
            Self::Silu => "Silu",
            Self::Gelu | Self::GeluTanh => "Gelu",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Sqrt => "Sqrt",
            Self::Rsqrt => "Rsqrt",
            Self::Square => "Square",
            Self::Power { .. } => "Power",
            Self::Reciprocal => "Reciprocal",
            Self::Abs => "Abs",
            Self::Neg => "Neg",
            Self::Sign => "Sign",
            Self::Floor => "Floor",
            Self::Ceil => "Ceil",
            Self::Round => "Round",
            Self::Erf => "Erf",
            Self::Sin => "Sin",
            Self::Cos => "Cos",
            Self::Tan => "Tan",
            Self::Asin => "Asin",
            Self::Acos => "Acos",
            Self::Atan => "Atan",
            Self::Sinh => "Sinh",
            Self::Cosh => "Cosh",
            Self::Asinh => "Asinh",
            Self::Acosh => "Acosh",
            Self::Atanh => "Atanh",
            Self::Requantize => "Requantize",
        }
    }

    /// Its value; infinite or no number where the function has none.
    pub fn real(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Relu6 => x.clamp(0.0, 6.0),
            Self::ReluN1To1 => x.clamp(-1.0, 1.0),
            Self::Clip { low, high } => x.max(f64::from(low)).min(f64::from(high)),
            Self::LeakyRelu { alpha } => {
                if x < 0.0 {
                    f64::from(alpha) * x
                } else {
                    x
                }
            }
            Self::Elu { alpha } => {
                if x < 0.0 {
                    f64::from(alpha) * libm::expm1(x)
                } else {
                    x
                }
            }
            Self::Logistic => 1.0 / (1.0 + libm::exp(-x)),
            Self::Tanh => libm::tanh(x),
            Self::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Self::Silu => x / (1.0 + libm::exp(-x)),
            Self::Gelu => 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                let inner = libm::sqrt(2.0 / std::f64::consts::PI) * (x + 0.044715 * x * x * x);
                0.5 * x * (1.0 + libm::tanh(inner))
            }
            Self::Exp => libm::exp(x),
            Self::Log => libm::log(x),
            Self::Sqrt => libm::sqrt(x),
            Self::Rsqrt => 1.0 / libm::sqrt(x),
            Self::Square => x * x,
            Self::Power { exponent } => libm::pow(x, f64::from(exponent)),
            Self::Reciprocal => 1.0 / x,
            Self::Abs => x.abs(),
            Self::Neg => -x,
            Self::Sign => {
                if x == 0.0 {
                    0.0
                } else {
                    x.signum()
                }
            }
            Self::Floor => libm::floor(x),
            Self::Ceil => libm::ceil(x),
            Self::Round => libm::rint(x),
            Self::Erf => libm::erf(x),
            Self::Sin => libm::sin(x),
            Self::Cos => libm::cos(x),
            Self::Tan => libm::tan(x),
            Self::Asin => libm::asin(x),
            Self::Acos => libm::acos(x),
            Self::Atan => libm::atan(x),
            Self::Sinh => libm::sinh(x),
            Self::Cosh => libm::cosh(x),
            Self::Asinh => libm::asinh(x),
            Self::Acosh => libm::acosh(x),
            Self::Atanh => libm::atanh(x),
            Self::Requantize => x,
        }
    }
}

impl Binary {
    /// The operator's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
            Self::SquaredDifference => "SquaredDifference",
            Self::Power => "Power",
            Self::Greater => "Greater",
            Self::GreaterOrEqual => "GreaterOrEqual",
            Self::Equal => "Equal",
        }
    }

    /// Its value; infinite or no number where the function has none.
    pub fn real(self, left: f64, right: f64) -> f64 {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Add => left + right,
            Self::Sub => left - right,
            Self::Mul => left * right,
            Self::Div => left / right,
            Self::Minimum => left.min(right),
            Self::Maximum => left.max(right),
            Self::SquaredDifference => (left - right) * (left - right),
            Self::Power => libm::pow(left, right),
            Self::Greater => truth(left > right),
            Self::GreaterOrEqual => truth(left >= right),
            Self::Equal => truth(left == right),
        }
    }
}

impl Function {
    /// Its value; infinite or no number where the function has none.
    pub fn real(&self, x: f64) -> f64 {
        match self {
            Self::Argument => x,
            Self::Constant(number) => f64::from(*number),
            Self::Unary(unary, inner) => unary.real(inner.real(x)),
            Self::Binary(binary, inner) => binary.real(inner[0].real(x), inner[1].real(x)),
            Self::Select(inner) => {
                let [condition, yes, no] = &**inner;
                if condition.real(x) != 0.0 { yes.real(x) } else { no.real(x) }
            }
        }
    }

    /// How many functions it is composed of.
    pub(crate) fn parts(&self) -> usize {
        let inner: &[Self] = match self {
            Self::Argument | Self::Constant(_) => &[],
            Self::Unary(_, inner) => std::slice::from_ref(inner),
            Self::Binary(_, inner) => &**inner,
            Self::Select(inner) => &**inner,
        };
        1 + inner.iter().map(Self::parts).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compositions_follow_their_parts() {
        let x = || Box::new(Function::Argument);
        let gate = Function::Unary(Unary::Logistic, x());
        let silu = Function::Binary(Binary::Mul, Box::new([Function::Argument, gate]));
        let below =
            Function::Binary(Binary::Greater, Box::new([Function::Constant(0.0), Function::Argument]));
        let bent = Function::Select(Box::new([below, Function::Unary(Unary::Neg, x()), Function::Argument]));
        for x in [-3.5, -1.0, 0.0, 0.25, 7.0] {
            assert!((silu.real(x) - Unary::Silu.real(x)).abs() < 1e-15);
            assert_eq!(bent.real(x), Unary::Abs.real(x));
        }
    }

    /// Values from a table of functions.
    #[test]
    fn functions_have_their_textbook_values() {
        let near = |unary: Unary, x: f64, wanted: f64| {
            assert!((unary.real(x) - wanted).abs() < 1e-6, "{unary:?} of {x}: {}", unary.real(x));
        };
        near(Unary::Erf, 0.5, 0.5204999);
        near(Unary::Gelu, 1.0, 0.8413447);
        near(Unary::GeluTanh, 1.0, 0.8411920);
        near(Unary::Silu, 1.0, 0.7310586);
        near(Unary::Elu { alpha: 2.0 }, -1.0, -1.2642411);
        near(Unary::Round, 2.5, 2.0);
        near(Unary::Round, -1.5, -2.0);
        near(Unary::Sign, -0.1, -1.0);
        near(Unary::HardSwish, 1.0, 4.0 / 6.0);
        near(Unary::Power { exponent: 1.5 }, 4.0, 8.0);
        near(Unary::Clip { low: f32::NEG_INFINITY, high: 0.5 }, 0.75, 0.5);
    }
}
