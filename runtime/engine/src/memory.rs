//! The operands of one step as slices: the output and the scratch to write, everything else to read.
//!
//! Output and scratch cut the arena into three parts that can be shared, so any number of inputs,
//! equal ones included, borrows in safe Rust. An input that lies in none of them is in place.

use core::ops::Range;

use ocelli_kernels::Source;

use crate::layer::{Layer, Told};

/// The memory that a kernel works in.
pub(crate) struct Operands<'m> {
    /// The result.
    pub(crate) output: &'m mut [i8],
    /// What the kernel may use as it likes.
    pub(crate) scratch: &'m mut [u8],
    /// What is left of the arena, each part behind its offset.
    shared: [(usize, &'m [u8]); 3],
    output_range: Range<usize>,
    layer: &'m Layer<'m>,
}

impl<'m> Operands<'m> {
    /// Borrows a layer's memory; `None` where ranges overlap or leave the arena, which a checked
    /// artefact excludes.
    // Apart from its caller, whose stack it does not need while the kernel runs.
    #[inline(never)]
    pub(crate) fn borrow(layer: &'m Layer<'m>, arena: &'m mut [u8]) -> Option<Operands<'m>> {
        let output_range = layer.output_place()?;
        let [start, length] = layer.step.scratch.map(|number| number as usize);
        let scratch_range = if length == 0 {
            output_range.end..output_range.end
        } else {
            start..start.checked_add(length)?
        };
        let scratch_first = scratch_range.start < output_range.start;
        let (first, second) =
            if scratch_first { (&scratch_range, &output_range) } else { (&output_range, &scratch_range) };
        let (below, rest) = arena.split_at_mut_checked(first.start)?;
        let (lower, rest) = rest.split_at_mut_checked(first.len())?;
        let (between, rest) = rest.split_at_mut_checked(second.start.checked_sub(first.end)?)?;
        let (upper, above) = rest.split_at_mut_checked(second.len())?;
        let shared: [(usize, &[u8]); 3] = [(0, below), (first.end, between), (second.end, above)];
        let (scratch, output) = if scratch_first { (lower, upper) } else { (upper, lower) };
        let output = bytemuck::cast_slice_mut(output);
        Some(Operands { output, scratch, shared, output_range, layer })
    }

    /// Input `index` for kernels that do not work in place; nothing where it is in place.
    pub(crate) fn input(&self, index: usize) -> &'m [i8] {
        match self.source(index) {
            Source::Apart(values) => values,
            Source::InPlace => &[],
        }
    }

    /// As [`Operands::input`], of activations of either type; nothing where they are not placed for it.
    pub(crate) fn input_as<T: Told>(&self, index: usize) -> &'m [T] {
        bytemuck::try_cast_slice(self.input(index)).unwrap_or(&[])
    }

    /// As [`Operands::source`], of activations of either type.
    pub(crate) fn source_as<T: Told>(&self, index: usize) -> Source<'m, T> {
        match self.source(index) {
            Source::Apart(values) => Source::Apart(bytemuck::try_cast_slice(values).unwrap_or(&[])),
            Source::InPlace => Source::InPlace,
        }
    }

    /// The result as activations of either type.
    pub(crate) fn output_as<T: Told>(&mut self) -> &mut [T] {
        bytemuck::try_cast_slice_mut(self.output).unwrap_or_default()
    }

    /// Input `index`, a constant or computed.
    pub(crate) fn source(&self, index: usize) -> Source<'m> {
        let tensor = self.layer.input(index);
        if tensor.is_constant() {
            return Source::Apart(self.layer.constant_rows(tensor.values_i8(), &tensor));
        }
        let place = self.layer.input_place(index).unwrap_or(0..0);
        if place == self.output_range {
            return Source::InPlace;
        }
        let found = self
            .shared
            .iter()
            .find_map(|&(offset, bytes)| bytes.get(place.start.checked_sub(offset)?..)?.get(..place.len()));
        Source::Apart(bytemuck::cast_slice(found.unwrap_or(&[])))
    }
}
