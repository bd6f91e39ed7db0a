//! A planned model together with the memory that it borrows: the artefact's bytes and its arena.

use std::sync::Arc;

use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact};
use self_cell::{MutBorrow, self_cell};

use crate::TractError;

/// The profile that a computer runs.
const PROFILE: &str = "portable";

/// The artefact is shared by all models that run it, an arena is each one's own.
struct Memory {
    file: Arc<AlignedBytes>,
    arena: MutBorrow<AlignedBytes>,
}

self_cell!(
    struct Cell {
        owner: Memory,
        #[covariant]
        dependent: Plan,
    }
);

/// A model that is ready to run, and owns what it needs for that.
pub(crate) struct Planned(Cell);

impl Planned {
    /// Parses and plans an artefact.
    pub(crate) fn new(file: Arc<AlignedBytes>) -> Result<Planned, TractError> {
        let arena_bytes =
            Artefact::parse(&file)?.schedule_for(PROFILE).map_or(0, |schedule| schedule.arena_bytes);
        let arena = MutBorrow::new(AlignedBytes::zeros(arena_bytes as usize));
        let cell = Cell::try_new(Memory { file, arena }, |memory| -> Result<Plan<'_>, TractError> {
            let artefact = Artefact::parse(&memory.file)?;
            Ok(Plan::new(&artefact, PROFILE, operators::ALL, memory.arena.borrow_mut())?)
        })?;
        Ok(Planned(cell))
    }

    /// Fills the inputs, runs the model, and gives its outputs to `take`, in order.
    pub(crate) fn run<'t>(&mut self, inputs: impl Iterator<Item = &'t [i8]>, mut take: impl FnMut(&[i8])) {
        self.0.with_dependent_mut(|_, plan| {
            for (index, values) in inputs.enumerate() {
                match plan.input(index) {
                    Some(input) if input.len() == values.len() => input.copy_from_slice(values),
                    // Streamed: row by row.
                    _ => {
                        let mut values = values.iter();
                        plan.fill_input(index, || values.next().copied().unwrap_or_default());
                    }
                }
            }
            plan.infer();
            (0..).map_while(|index| plan.output(index)).for_each(&mut take);
        });
    }

    /// Sets all states to zero, as before the first run.
    pub(crate) fn reset(&mut self) {
        self.0.with_dependent_mut(|_, plan| plan.reset());
    }
}
