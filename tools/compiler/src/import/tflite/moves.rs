//! TFLite's operators that move values: each becomes the graph's few ones.

use super::operators::{Translated, Translation, missing};
use crate::graph::{Op, TensorId};
use crate::import::Problem;
use crate::moves::{Edge, continued};

impl Translation<'_> {
    pub(super) fn transpose(&mut self) -> Translated {
        let order = self.integers(1)?;
        let order = order.into_iter().map(|axis| self.axis(axis)).collect::<Result<_, _>>()?;
        Ok((Op::Transpose { order }, vec![self.operand(0)?]))
    }

    pub(super) fn slice(&mut self) -> Translated {
        let begin = self.integers(1)?;
        let begin: Vec<usize> = begin
            .iter()
            .map(|&begin| usize::try_from(begin))
            .collect::<Result<_, _>>()
            .map_err(|_| Problem::Invalid(format!("begin {begin:?}")))?;
        let steps = vec![1; begin.len()];
        Ok((Op::Slice { begin, steps }, vec![self.operand(0)?]))
    }

    /// Masks say which bounds do not count and which axes vanish; the result's shape says how many places stay.
    pub(super) fn strided_slice(&mut self) -> Translated {
        let options = self.operator().builtin_options_as_strided_slice_options();
        let options = options.ok_or_else(|| missing("StridedSliceOptions"))?;
        if options.ellipsis_mask() != 0 || options.new_axis_mask() != 0 {
            return Err(Problem::Form("a strided slice with an ellipsis or a new axis".into()));
        }
        let input = self.operand(0)?;
        let shape = self.shape(input).to_vec();
        let (starts, ends, strides) = (self.integers(1)?, self.integers(2)?, self.integers(3)?);
        if [starts.len(), ends.len(), strides.len()] != [shape.len(); 3] || strides.contains(&0) {
            return Err(Problem::Form(format!("a strided slice of {} axes of {shape:?}", starts.len())));
        }
        let bit = |mask: i32, axis: usize| mask >> axis & 1 == 1;
        let (mut begin, mut steps, mut cut) = (Vec::new(), Vec::new(), Vec::new());
        for axis in 0..shape.len() {
            let (extent, step) = (shape[axis] as i64, strides[axis]);
            // Where a walk forwards and a walk back may start and end.
            let (first, last) = if step > 0 { (0, extent) } else { (extent - 1, -1) };
            let bound = |value: i64| {
                let value = if value < 0 { value + extent } else { value };
                value.clamp(first.min(last), first.max(last))
            };
            let shrinks = bit(options.shrink_axis_mask(), axis);
            let start = if bit(options.begin_mask(), axis) && !shrinks { first } else { bound(starts[axis]) };
            let end = if bit(options.end_mask(), axis) { last } else { bound(ends[axis]) };
            let count = if shrinks { 1 } else { (end - start + step - step.signum()) / step };
            if !(0..extent).contains(&start) || count < 1 {
                return Err(Problem::Form(format!("an empty slice of axis {axis} of {shape:?}")));
            }
            begin.push(start as usize);
            steps.push(if shrinks { 1 } else { step as isize });
            cut.push(count as usize);
        }
        let op = Op::Slice { begin, steps };
        match cut == self.shape(self.outputs()[0]) {
            true => Ok((op, vec![input])),
            false => Ok((Op::Reshape, vec![self.emit("slice", op, vec![input], cut)])),
        }
    }

    /// Equal parts, or listed ones, along an axis.
    pub(super) fn split(&mut self) -> Translated {
        let axis = self.integers(0)?;
        self.parts(1, &axis)
    }

    pub(super) fn split_v(&mut self) -> Translated {
        let axis = self.integers(2)?;
        self.parts(0, &axis)
    }

    fn parts(&mut self, operand: usize, axis: &[i64]) -> Translated {
        let input = self.operand(operand)?;
        let rank = self.shape(input).len();
        let &[axis] = axis else { return Err(Problem::Invalid(format!("axes {axis:?}"))) };
        let axis = axis_of(axis, rank)?;
        let mut part = Op::Slice { begin: vec![0; rank], steps: vec![1; rank] };
        let first = part.clone();
        for pair in self.outputs().to_vec().windows(2) {
            let extent = self.shape(pair[0]).get(axis).copied();
            let extent = extent.ok_or_else(|| Problem::Invalid("parts of another rank".into()))?;
            if let Op::Slice { begin, .. } = &mut part {
                begin[axis] += extent;
            }
            self.compute(part.clone(), vec![input], pair[1]);
        }
        Ok((first, vec![input]))
    }

    /// Slices along an axis that then vanishes.
    pub(super) fn unpack(&mut self) -> Translated {
        let options = self.operator().builtin_options_as_unpack_options();
        let axis = options.ok_or_else(|| missing("UnpackOptions"))?.axis();
        let input = self.operand(0)?;
        let axis = self.axis(axis.into())?;
        let mut shape = self.shape(input).to_vec();
        shape[axis] = 1;
        let steps = vec![1; shape.len()];
        let mut slices = Vec::new();
        for place in 0..self.outputs().len() {
            let mut begin = vec![0; shape.len()];
            begin[axis] = place;
            let op = Op::Slice { begin, steps: steps.clone() };
            slices.push(self.emit("place", op, vec![input], shape.clone()));
        }
        for (place, &slice) in slices.iter().enumerate().skip(1) {
            let output = self.outputs()[place];
            self.compute(Op::Reshape, vec![slice], output);
        }
        Ok((Op::Reshape, vec![slices[0]]))
    }

    /// Operands joined along a new axis.
    pub(super) fn pack(&mut self) -> Translated {
        let options = self.operator().builtin_options_as_pack_options();
        let axis = options.ok_or_else(|| missing("PackOptions"))?.axis();
        let output = self.outputs()[0];
        let axis = axis_of(axis.into(), self.shape(output).len())?;
        let mut shape = self.shape(output).to_vec();
        shape[axis] = 1;
        let operands = self.all(self.operands())?;
        let parts = operands
            .into_iter()
            .map(|operand| self.emit("part", Op::Reshape, vec![operand], shape.clone()))
            .collect();
        Ok((Op::Concatenate { axis }, parts))
    }

    pub(super) fn gather(&mut self) -> Translated {
        let options = self.operator().builtin_options_as_gather_options();
        let options = options.ok_or_else(|| missing("GatherOptions"))?;
        if options.batch_dims() != 0 {
            return Err(Problem::Form("a gather with batch axes".into()));
        }
        let (input, axis) = (self.operand(0)?, self.axis(options.axis().into())?);
        let indices = self.integers(1)?;
        let indices: Vec<usize> = indices
            .iter()
            .map(|&index| usize::try_from(index))
            .collect::<Result<_, _>>()
            .map_err(|_| Problem::Invalid(format!("places {indices:?}")))?;
        let mut shape = self.shape(input).to_vec();
        shape[axis] = indices.len();
        let op = Op::Gather { axis, indices };
        match shape == self.shape(self.outputs()[0]) {
            true => Ok((op, vec![input])),
            false => Ok((Op::Reshape, vec![self.emit("gather", op, vec![input], shape)])),
        }
    }

    pub(super) fn reverse(&mut self) -> Translated {
        let input = self.operand(0)?;
        let shape = self.shape(input).to_vec();
        let (mut begin, mut steps) = (vec![0; shape.len()], vec![1; shape.len()]);
        for axis in self.integers(1)? {
            let axis = self.axis(axis)?;
            (begin[axis], steps[axis]) = (shape[axis] - 1, -1);
        }
        Ok((Op::Slice { begin, steps }, vec![input]))
    }

    /// Missing axes in front count as 1.
    pub(super) fn broadcast_to(&mut self) -> Translated {
        let input = self.operand(0)?;
        let (from, to) = (self.shape(input).to_vec(), self.shape(self.outputs()[0]).len());
        let Some(missing) = to.checked_sub(from.len()) else {
            return Err(Problem::Invalid(format!("{from:?} repeated to {to} axes")));
        };
        let full = [vec![1; missing], from].concat();
        let full = if missing > 0 { self.emit("axes", Op::Reshape, vec![input], full) } else { input };
        Ok((Op::Expand, vec![full]))
    }

    /// An axis of repetitions before each axis that repeats, joined with it.
    pub(super) fn tile(&mut self) -> Translated {
        let mut tensor = self.operand(0)?;
        let times = self.integers(1)?;
        let mut shape = self.shape(tensor).to_vec();
        if times.len() != shape.len() {
            return Err(Problem::Invalid(format!("{} multiples of {shape:?}", times.len())));
        }
        for (axis, times) in times.into_iter().enumerate() {
            let times = usize::try_from(times).map_err(|_| Problem::Invalid(format!("{times} times")))?;
            if times != 1 {
                shape.insert(axis, 1);
                tensor = self.emit("apart", Op::Reshape, vec![tensor], shape.clone());
                shape[axis] = times;
                tensor = self.emit("repeated", Op::Expand, vec![tensor], shape.clone());
                shape.remove(axis);
                shape[axis] = shape[axis].saturating_mul(times);
                tensor = self.emit("joined", Op::Reshape, vec![tensor], shape.clone());
            }
        }
        Ok((Op::Reshape, vec![tensor]))
    }

    pub(super) fn mirror_pad(&mut self) -> Translated {
        let options = self.operator().builtin_options_as_mirror_pad_options();
        let mode = options.ok_or_else(|| missing("MirrorPadOptions"))?.mode();
        let edge = match mode.variant_name() {
            Some("REFLECT") => Edge::Reflect,
            Some("SYMMETRIC") => Edge::Symmetric,
            _ => return Err(Problem::Invalid(format!("padding mode {mode:?}"))),
        };
        let mut tensor = self.operand(0)?;
        let (before, after) = self.paddings(self.shape(tensor).len())?;
        let mut shape = self.shape(tensor).to_vec();
        for axis in 0..shape.len() {
            if before[axis] + after[axis] > 0 {
                let indices = continued(shape[axis], before[axis], after[axis], edge)
                    .ok_or_else(|| Problem::Form(format!("paddings {before:?} and {after:?}")))?;
                shape[axis] = indices.len();
                tensor = self.emit("mirror", Op::Gather { axis, indices }, vec![tensor], shape.clone());
            }
        }
        Ok((Op::Reshape, vec![tensor]))
    }

    /// Blocks of channels become pixels: `[N, H, W, B, B, C]`, its rows and columns brought together.
    pub(super) fn depth_to_space(&mut self) -> Translated {
        let options = self.operator().builtin_options_as_depth_to_space_options();
        let block = options.ok_or_else(|| missing("DepthToSpaceOptions"))?.block_size();
        let (input, [batch, height, width, channels], block) = self.blocks(block)?;
        if channels % (block * block) != 0 {
            return Err(Problem::Invalid(format!("blocks of {block} x {block} of {channels} channels")));
        }
        let depth = channels / (block * block);
        let apart =
            self.emit("blocks", Op::Reshape, vec![input], vec![batch, height, width, block, block, depth]);
        let op = Op::Transpose { order: vec![0, 1, 3, 2, 4, 5] };
        let moved = self.emit("pixels", op, vec![apart], vec![batch, height, block, width, block, depth]);
        Ok((Op::Reshape, vec![moved]))
    }

    /// Blocks of pixels become channels.
    pub(super) fn space_to_depth(&mut self) -> Translated {
        let options = self.operator().builtin_options_as_space_to_depth_options();
        let block = options.ok_or_else(|| missing("SpaceToDepthOptions"))?.block_size();
        let (input, [batch, height, width, channels], block) = self.blocks(block)?;
        if height % block != 0 || width % block != 0 {
            return Err(Problem::Invalid(format!("blocks of {block} x {block} of {height} x {width}")));
        }
        let (rows, columns) = (height / block, width / block);
        let apart =
            self.emit("blocks", Op::Reshape, vec![input], vec![batch, rows, block, columns, block, channels]);
        let op = Op::Transpose { order: vec![0, 1, 3, 2, 4, 5] };
        let moved =
            self.emit("channels", op, vec![apart], vec![batch, rows, columns, block, block, channels]);
        Ok((Op::Reshape, vec![moved]))
    }

    fn blocks(&self, block: i32) -> Result<(TensorId, [usize; 4], usize), Problem> {
        let input = self.operand(0)?;
        let block = usize::try_from(block).ok().filter(|&block| block > 0 && block < 1 << 12);
        let block = block.ok_or_else(|| Problem::Invalid("a block without pixels".into()))?;
        Ok((input, self.axes(input)?, block))
    }

    /// An axis of the first operand; negative ones count from its end.
    fn axis(&self, axis: i64) -> Result<usize, Problem> {
        axis_of(axis, self.shape(self.operand(0)?).len())
    }
}

fn axis_of(axis: i64, rank: usize) -> Result<usize, Problem> {
    let place = if axis < 0 { axis + rank as i64 } else { axis };
    let place = usize::try_from(place).ok().filter(|&place| place < rank);
    place.ok_or_else(|| Problem::Invalid(format!("axis {axis} of {rank}")))
}
