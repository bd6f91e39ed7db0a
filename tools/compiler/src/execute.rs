//! Runs a compiled model on the host: the same engine and kernels as on the device.
//!
//! Used where the compiler has to know what the integers will be: bias correction, self-test, reports.

use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::model::Model;
use ocelli_format::{AlignedBytes, Artefact, ScheduleView, write};

/// Why a compiled model does not run on the host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The graph has no form on the device.
    #[error(transparent)]
    Lower(#[from] crate::lower::LowerError),
    /// There is no memory plan.
    #[error(transparent)]
    Plan(#[from] crate::plan::PlanError),
    /// The artefact cannot be written.
    #[error("model {model:?} cannot be written: {problem}")]
    Write {
        /// Name of the model.
        model: String,
        /// What the writer says.
        problem: String,
    },
    /// The engine refuses it.
    #[error("the engine refuses model {model:?}: {problem}; please report this")]
    Engine {
        /// Name of the model.
        model: String,
        /// What the engine says.
        problem: String,
    },
}

/// An artefact with an arena.
#[derive(Debug)]
pub struct Executor {
    name: String,
    artefact: AlignedBytes,
    arena: AlignedBytes,
}

impl Executor {
    /// Writes a model that has a portable schedule and makes room for it.
    ///
    /// # Errors
    /// [`ExecuteError::Write`].
    pub fn new(model: &Model) -> Result<Executor, ExecuteError> {
        let bytes = write(model).map_err(|problem| ExecuteError::Write {
            model: model.name.clone(),
            problem: problem.to_string(),
        })?;
        Executor::from_bytes(&model.name, &bytes)
    }

    /// Makes room for an artefact.
    ///
    /// # Errors
    /// [`ExecuteError::Engine`] when the bytes are no artefact or have no portable schedule.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Executor, ExecuteError> {
        let artefact = AlignedBytes::copy_of(bytes);
        let parsed = Artefact::parse(&artefact).map_err(|error| refused(name, error))?;
        let schedule = parsed
            .schedule_for(ScheduleView::PORTABLE)
            .ok_or_else(|| refused(name, "it has no portable schedule"))?;
        let arena = AlignedBytes::zeros(schedule.arena_bytes as usize);
        Ok(Executor { name: name.into(), artefact, arena })
    }

    /// The outputs for these inputs, both in the artefact's order. Zeros follow inputs that are too short.
    ///
    /// # Errors
    /// [`ExecuteError::Engine`].
    pub fn run(&mut self, inputs: &[Vec<i8>]) -> Result<Vec<Vec<i8>>, ExecuteError> {
        self.with_plan(|plan| {
            for (index, values) in inputs.iter().enumerate() {
                let mut values = values.iter();
                plan.fill_input(index, || values.next().copied().unwrap_or_default());
            }
            plan.infer();
            let outputs = plan.artefact().outputs().len();
            (0..outputs).map(|index| plan.output(index).unwrap_or_default().to_vec()).collect()
        })
    }

    /// Every tensor by id, each as it was when its step was done; `None` for constants and for tensors that
    /// no step leaves whole.
    ///
    /// # Errors
    /// [`ExecuteError::Engine`].
    pub fn run_all(&mut self, inputs: &[Vec<i8>]) -> Result<Vec<Option<Vec<i8>>>, ExecuteError> {
        let mut tensors = Vec::new();
        self.watch(std::iter::once(inputs), |_, id, values| {
            tensors.resize(tensors.len().max(id + 1), None);
            tensors[id] = Some(values.to_vec());
        })?;
        let count = Artefact::parse(&self.artefact).map_or(0, |artefact| artefact.tensor_count());
        tensors.resize(count, None);
        Ok(tensors)
    }

    /// Runs samples one after the other and shows every tensor as it was when its step was done: the sample's
    /// number, the tensor's id, its values.
    ///
    /// # Errors
    /// [`ExecuteError::Engine`].
    pub fn watch<'s>(
        &mut self,
        samples: impl Iterator<Item = &'s [Vec<i8>]>,
        mut see: impl FnMut(usize, usize, &[i8]),
    ) -> Result<(), ExecuteError> {
        self.with_plan(|plan| {
            let artefact = *plan.artefact();
            for (number, inputs) in samples.enumerate() {
                for (index, values) in inputs.iter().enumerate() {
                    let input = plan.input(index).unwrap_or_default();
                    input.iter_mut().zip(values).for_each(|(to, &value)| *to = value);
                }
                for &id in artefact.inputs() {
                    plan.tensor(id).into_iter().for_each(|values| see(number, usize::from(id), values));
                }
                for step in 0..plan.step_count() {
                    plan.run_step(step);
                    let Some(operator) = plan.step_operator(step) else { continue };
                    for &id in artefact.operator(operator).outputs {
                        plan.tensor(id).into_iter().for_each(|values| see(number, usize::from(id), values));
                    }
                }
            }
        })
    }

    /// CRC-32 of the outputs on a seeded stream, as the self-test computes it.
    ///
    /// # Errors
    /// [`ExecuteError::Engine`].
    pub fn output_crc32(&mut self, seed: u32, shift: u8) -> Result<u32, ExecuteError> {
        self.with_plan(|plan| plan.output_crc32(seed, shift))
    }

    fn with_plan<T>(&mut self, work: impl FnOnce(&mut Plan<'_>) -> T) -> Result<T, ExecuteError> {
        let artefact = Artefact::parse(&self.artefact).map_err(|error| refused(&self.name, error))?;
        let mut plan = Plan::new(&artefact, ScheduleView::PORTABLE, operators::ALL, &mut self.arena)
            .map_err(|error| refused(&self.name, error))?;
        Ok(work(&mut plan))
    }
}

fn refused(name: &str, problem: impl ToString) -> ExecuteError {
    ExecuteError::Engine { model: name.into(), problem: problem.to_string() }
}
