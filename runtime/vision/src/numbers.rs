//! The postprocess stage of regressions: an output's values as numbers in fixed point.

use ocelli_format::NumbersView;

use crate::points::of_field;

/// Numbers of one frame, decoded as they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a, 'o> {
    contract: NumbersView<'a>,
    values: &'o [i8],
}

impl<'a, 'o> Numbers<'a, 'o> {
    /// The numbers in `values`, the output that `contract` names.
    pub fn new(contract: &NumbersView<'a>, values: &'o [i8]) -> Numbers<'a, 'o> {
        Numbers { contract: *contract, values }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.contract.len().min(self.values.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number `index`, in `1 / 65536`.
    pub fn get(&self, index: usize) -> Option<i32> {
        let value = self.values.get(..self.len())?.get(index)?;
        Some(of_field(self.contract.field(index), *value))
    }
}
