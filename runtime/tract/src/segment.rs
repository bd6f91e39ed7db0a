//! The one operator that tract sees of an artefact: all of its integer arithmetic, in the engine.

use std::fmt;
use std::sync::Arc;

use ocelli_format::AlignedBytes;
use tract_core::internal::*;

use crate::planned::Planned;

/// An artefact as an operator.
#[derive(Clone)]
pub(crate) struct Segment {
    file: Arc<AlignedBytes>,
    /// Shapes of the outputs, in order.
    outputs: TVec<TVec<usize>>,
}

/// A planned segment, with what the artefact carries from one run to the next.
struct SegmentState {
    file: Arc<AlignedBytes>,
    planned: Planned,
    outputs: TVec<TVec<usize>>,
}

impl Segment {
    /// The artefact in `file`, whose outputs have these shapes.
    pub(crate) fn new(file: Arc<AlignedBytes>, outputs: TVec<TVec<usize>>) -> Segment {
        Segment { file, outputs }
    }
}

impl Op for Segment {
    fn name(&self) -> StaticName {
        "OcelliSegment".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Segment {
    not_out_of_plan!();

    fn state(&self, _: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
        let planned = Planned::new(self.file.clone())?;
        Ok(Some(Box::new(SegmentState { file: self.file.clone(), planned, outputs: self.outputs.clone() })))
    }
}

impl TypedOp for Segment {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.outputs.iter().map(i8::fact).collect())
    }

    as_op!();
}

impl OpState for SegmentState {
    fn eval(&mut self, _: &EvalContext, _: &dyn Op, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let views: TVec<_> =
            inputs.iter().map(|input| input.try_as_plain_ram()).collect::<TractResult<_>>()?;
        let slices: TVec<&[i8]> = views.iter().map(|view| view.as_slice()).collect::<TractResult<_>>()?;
        let (mut outputs, mut shapes) = (tvec![], self.outputs.iter());
        let mut failed = None;
        self.planned.run(slices.into_iter(), |values| {
            let shape = shapes.next().map_or(&[] as &[usize], |shape| shape);
            match Tensor::from_shape(shape, values) {
                Ok(tensor) => outputs.push(tensor.into_tvalue()),
                Err(error) => failed = Some(error),
            }
        });
        failed.map_or(Ok(outputs), Err)
    }

    fn reset_lanes(&mut self, _: &[LaneId]) -> TractResult<()> {
        self.planned.reset();
        Ok(())
    }
}

/// A copy begins anew: another stream has other states.
impl Clone for SegmentState {
    fn clone(&self) -> SegmentState {
        let planned = Planned::new(self.file.clone()).expect("what was planned once can be planned again");
        SegmentState { file: self.file.clone(), planned, outputs: self.outputs.clone() }
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("outputs", &self.outputs).finish_non_exhaustive()
    }
}

impl fmt::Debug for SegmentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentState")
    }
}

/// Two segments are one operator when they run the same bytes.
impl PartialEq for Segment {
    fn eq(&self, other: &Segment) -> bool {
        self.file[..] == other.file[..]
    }
}

impl Eq for Segment {}
