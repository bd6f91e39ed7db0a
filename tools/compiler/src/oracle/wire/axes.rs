//! Operators over axes: reductions, products of computed matrices, normalizations.

use tract_core::internal::{TVec, TractResult, tvec};
use tract_core::model::OutletId;
use tract_core::ops::cast::cast;
use tract_core::ops::einsum::EinSum;
use tract_core::ops::konst::Const;
use tract_core::ops::math;
use tract_core::ops::nn::{Reduce, Reducer};
use tract_core::prelude::Datum;

use super::Wiring;
use crate::graph::{Binary, Function, Node, Op, Reduction, Unary};
use crate::oracle::{constant, evaluate};

impl Wiring<'_> {
    pub(super) fn reduce(
        &mut self,
        node: &Node,
        reduction: Reduction,
        axes: &[usize],
    ) -> TractResult<OutletId> {
        let (from, to) =
            (&self.graph.tensors[node.inputs[0]].shape, &self.graph.tensors[node.outputs[0]].shape);
        let input = self.operand(node.inputs[0])?;
        let axes = TVec::from_slice(axes);
        let kept: Vec<usize> = from
            .iter()
            .enumerate()
            .map(|(axis, &extent)| if axes.contains(&axis) { 1 } else { extent })
            .collect();
        let count: usize = axes.iter().map(|&axis| from[axis]).product();
        let reducer = match reduction {
            Reduction::Mean | Reduction::Sum => Reducer::Sum,
            Reduction::Maximum => Reducer::Max,
            Reduction::Minimum => Reducer::Min,
            Reduction::ArgMax { last } => Reducer::ArgMax(last),
            Reduction::ArgMin { last } => Reducer::ArgMin(last),
        };
        let mut outlet = self.wire("reduce", Reduce { axes, reducer }, &[input])?;
        match reduction {
            Reduction::Mean => {
                let share = self.number("share", 1.0 / count as f32, from.len())?;
                outlet = self.wire("mean", math::mul(), &[outlet, share])?;
            }
            Reduction::ArgMax { .. } | Reduction::ArgMin { .. } => {
                outlet = self.wire("place", cast(f32::datum_type()), &[outlet])?;
            }
            _ => {}
        }
        self.reshape("result", outlet, &kept, to)
    }

    pub(super) fn batch_matmul(&mut self, node: &Node, right_transposed: bool) -> TractResult<OutletId> {
        let shape = |id: usize| {
            let shape = &self.graph.tensors[id].shape;
            let missing = 4 - shape.len();
            (shape.clone(), [&vec![1; missing][..], shape].concat())
        };
        let ((left, left_wide), (right, right_wide)) = (shape(node.inputs[0]), shape(node.inputs[1]));
        let (to, to_wide) = shape(node.outputs[0]);
        let first = self.operand(node.inputs[0])?;
        let first = self.reshape("left", first, &left, &left_wide)?;
        let second = self.operand(node.inputs[1])?;
        let second = self.reshape("right", second, &right, &right_wide)?;
        let batch = if right_wide[..2] == left_wide[..2] { "ab" } else { "cd" };
        let matrix = if right_transposed { "nk" } else { "kn" };
        let product = EinSum::new(format!("abmk,{batch}{matrix}->abmn").parse()?, f32::datum_type());
        let product = self.wire("product", product, &[first, second])?;
        self.reshape("result", product, &to_wide, &to)
    }

    pub(super) fn local_response(&mut self, node: &Node) -> TractResult<OutletId> {
        let Op::LocalResponseNormalization { before, after, alpha, beta, bias } = node.op else {
            unreachable!("chosen by the operator")
        };
        let shape = self.graph.tensors[node.inputs[0]].shape.clone();
        let channels = shape.last().copied().unwrap_or(1);
        let rows = [shape.iter().product::<usize>() / channels, channels];
        let input = self.operand(node.inputs[0])?;
        let input = self.reshape("rows", input, &shape, &rows)?;
        let squares = self.wire("squares", math::square(), &[input])?;
        // Which channels count for which.
        let counts = |channel: usize, other: usize| other + before >= channel && other <= channel + after;
        let band: Vec<f32> = (0..channels * channels)
            .map(|place| f32::from(u8::from(counts(place % channels, place / channels))))
            .collect();
        let band = self.wire("band", Const::new(constant(&[channels, channels], &band)?)?, &[])?;
        let sum = EinSum::new("rd,dc->rc".parse()?, f32::datum_type());
        let sum = self.wire("sum", sum, &[squares, band])?;
        let constant = |number: f32| Function::Constant(number);
        let pair = |binary: Binary, left: Function, right: Function| {
            Function::Binary(binary, Box::new([left, right]))
        };
        let scaled = pair(Binary::Mul, constant(alpha), Function::Argument);
        let power = pair(Binary::Power, pair(Binary::Add, constant(bias), scaled), constant(-beta));
        let factor = self.wire("power", evaluate::operator(power), &[sum])?;
        let result = self.wire("normalized", math::mul(), &[input, factor])?;
        self.reshape("result", result, &rows, &shape)
    }

    pub(super) fn normalize(&mut self, node: &Node) -> TractResult<OutletId> {
        let Op::Normalize { view, centered, mean, epsilon } = node.op else {
            unreachable!("chosen by the operator")
        };
        let (from, to) =
            (&self.graph.tensors[node.inputs[0]].shape, &self.graph.tensors[node.outputs[0]].shape);
        let share = 1.0 / (view[1] * view[3]) as f32;
        let input = self.operand(node.inputs[0])?;
        let mut numbers = self.reshape("view", input, from, &view)?;
        let sum = || Reduce { axes: tvec![1, 3], reducer: Reducer::Sum };
        if centered {
            let total = self.wire("total", sum(), &[numbers])?;
            let share = self.number("share", share, 4)?;
            let mean = self.wire("mean", math::mul(), &[total, share])?;
            numbers = self.wire("centered", math::sub(), &[numbers, mean])?;
        }
        let squares = self.wire("squares", math::square(), &[numbers])?;
        let squares = self.wire("sum", sum(), &[squares])?;
        let share = Function::Constant(if mean { share } else { 1.0 });
        let pair = |binary: Binary, left: Function, right: Function| {
            Function::Binary(binary, Box::new([left, right]))
        };
        let statistic = pair(Binary::Mul, Function::Argument, share);
        let added = pair(Binary::Add, statistic, Function::Constant(epsilon));
        let root = Function::Unary(Unary::Rsqrt, Box::new(added));
        let root = self.wire("root", evaluate::operator(root), &[squares])?;
        let normalized = self.wire("normalized", math::mul(), &[numbers, root])?;
        let length = self.graph.tensors[node.inputs[1]].elements();
        let rows = [view.iter().product::<usize>() / length, length];
        let normalized = self.reshape("rows", normalized, &view, &rows)?;
        let mut parts = Vec::with_capacity(2);
        for (name, id) in [("gains", node.inputs[1]), ("offsets", node.inputs[2])] {
            let values = self.operand(id)?;
            parts.push(self.reshape(name, values, &self.graph.tensors[id].shape, &[1, length])?);
        }
        let scaled = self.wire("scaled", math::mul(), &[normalized, parts[0]])?;
        let result = self.wire("shifted", math::add(), &[scaled, parts[1]])?;
        self.reshape("result", result, &rows, to)
    }
}
