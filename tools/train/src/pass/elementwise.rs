//! Operators of one and of two numbers, as far as they have gradients.

use burn::tensor::{Tensor, activation};
use ocelli_compiler::graph::{Binary, Function, Unary};

/// `None` where burn has no gradient that would teach anything.
pub(super) fn unary(unary: Unary, x: Tensor<4>) -> Option<Tensor<4>> {
    Some(match unary {
        Unary::Relu => activation::relu(x),
        Unary::Relu6 => x.clamp(0.0, 6.0),
        Unary::ReluN1To1 => x.clamp(-1.0, 1.0),
        Unary::Clip { low, high } => x.clamp(low.max(f32::MIN), high.min(f32::MAX)),
        Unary::LeakyRelu { alpha } => activation::leaky_relu(x, f64::from(alpha)),
        Unary::Elu { alpha } => activation::elu(x, f64::from(alpha)),
        Unary::Logistic => activation::sigmoid(x),
        Unary::Tanh => x.tanh(),
        Unary::HardSwish => x.clone() * x.add_scalar(3.0).clamp(0.0, 6.0).div_scalar(6.0),
        Unary::Silu => x.clone() * activation::sigmoid(x),
        Unary::Gelu => activation::gelu(x),
        Unary::GeluTanh => activation::gelu_approximate(x),
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => x.sqrt().recip(),
        Unary::Square => x.clone() * x,
        Unary::Power { exponent } => x.powf_scalar(exponent),
        Unary::Reciprocal => x.recip(),
        Unary::Abs => x.abs(),
        Unary::Neg => x.neg(),
        Unary::Erf => x.erf(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Asinh => x.asinh(),
        Unary::Acosh => x.acosh(),
        Unary::Atanh => x.atanh(),
        Unary::Requantize => x,
        Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round => return None,
    })
}

pub(super) fn binary(binary: Binary, left: Tensor<4>, right: Tensor<4>) -> Option<Tensor<4>> {
    Some(match binary {
        Binary::Add => left + right,
        Binary::Sub => left - right,
        Binary::Mul => left * right,
        Binary::Div => left / right,
        Binary::Minimum => left.clone() - activation::relu(left - right),
        Binary::Maximum => right.clone() + activation::relu(left - right),
        Binary::SquaredDifference => {
            let difference = left - right;
            difference.clone() * difference
        }
        Binary::Power => left.powf(right),
        Binary::Greater | Binary::GreaterOrEqual | Binary::Equal => return None,
    })
}

pub(super) fn function(function: &Function, x: &Tensor<4>) -> Option<Tensor<4>> {
    Some(match function {
        Function::Argument => x.clone(),
        Function::Constant(number) => x.zeros_like().add_scalar(*number),
        Function::Unary(inner_unary, inner) => unary(*inner_unary, self::function(inner, x)?)?,
        Function::Binary(inner_binary, inner) => {
            binary(*inner_binary, self::function(&inner[0], x)?, self::function(&inner[1], x)?)?
        }
        Function::Select(_) => return None,
    })
}
