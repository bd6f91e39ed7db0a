//! Functions of one number that tract has no operator for, as one of its element-wise operators.

use tract_core::internal::{DatumType, Tensor, TractResult};
use tract_core::ops::element_wise::{ElementWiseMiniOp, ElementWiseOp};

use crate::graph::Function;

/// The operator that evaluates a function in double precision and rounds to singles.
pub(super) fn operator(function: Function) -> ElementWiseOp {
    ElementWiseOp(Box::new(Evaluate(function)), None)
}

#[derive(Clone, Debug, PartialEq)]
struct Evaluate(Function);

// Constants in functions are numbers, which the graph's rules see to.
impl Eq for Evaluate {}

impl ElementWiseMiniOp for Evaluate {
    fn name(&self) -> String {
        "Function".into()
    }

    fn eval_in_place(&self, tensor: &mut Tensor, _: Option<DatumType>) -> TractResult<()> {
        let mut plain = tensor.try_as_plain_ram_mut()?;
        for value in plain.as_slice_mut::<f32>()? {
            *value = self.0.real(f64::from(*value)) as f32;
        }
        Ok(())
    }
}
