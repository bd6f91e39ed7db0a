//! Instructions of single layers on an emulated machine, for `inspect` and `report`.

use std::time::Duration;

use ocelli::Artefact;
use ocelli_compiler::inspect::Layer;
use ocelli_simulator::{Machine, StepRun, run_steps};

use crate::artefact_file::ArtefactFile;
use crate::failure::Failure;
use crate::input::{self, Input};
use crate::terminal;

/// What every step takes on a machine. Integer kernels take the same instructions on any input, but for
/// branches on values.
pub struct Instructions {
    /// Where.
    pub machine: &'static Machine,
    steps: Vec<StepRun>,
}

impl Instructions {
    /// Runs an artefact on the machine of that name, on pseudo-random input.
    pub fn count(
        file: &ArtefactFile,
        artefact: &Artefact<'_>,
        machine: &str,
        limit_seconds: u64,
    ) -> Result<Instructions, Failure> {
        let failed = |error: ocelli_simulator::SimulateError| Failure::at(file.path().display(), error);
        let machine = Machine::named(machine).map_err(failed)?;
        let inputs = input::tensors(artefact, &Input::Seed { seed: 5, shift: 2 })?;
        let spinner = terminal::spinner(format!("Running on {}", machine.name));
        let steps =
            run_steps(machine, artefact, &inputs, Duration::from_secs(limit_seconds)).map_err(failed)?;
        drop(spinner);
        Ok(Instructions { machine, steps })
    }

    /// The instructions of a layer, or of its whole row group for the last one of it; `None` for the others.
    pub fn of(&self, layer: usize) -> Option<u64> {
        let is_last = |step: &&StepRun| step.operators.last().is_some_and(|&last| usize::from(last) == layer);
        self.steps.iter().find(is_last).map(|step| step.instructions)
    }

    /// Instructions for a multiply-accumulate, where there are any.
    pub fn per_mac(&self, layer: usize, layers: &[Layer]) -> Option<f64> {
        let macs: u64 = self.group(layer)?.map(|layer| layers[layer].macs).sum();
        (macs > 0).then(|| self.of(layer).map(|count| count as f64 / macs as f64)).flatten()
    }

    /// The layers that [`Instructions::of`] counts together with this one.
    pub fn counted_with<'l>(&self, layer: usize, layers: &'l [Layer]) -> Vec<&'l str> {
        let others = self.group(layer).into_iter().flatten().filter(|&other| other != layer);
        others.map(|other| layers[other].name.as_str()).collect()
    }

    /// Of all steps.
    pub fn total(&self) -> u64 {
        self.steps.iter().map(|step| step.instructions).sum()
    }

    fn group(&self, layer: usize) -> Option<impl Iterator<Item = usize>> {
        let step =
            self.steps.iter().find(|step| step.operators.iter().any(|&at| usize::from(at) == layer))?;
        Some(step.operators.iter().map(|&operator| usize::from(operator)))
    }
}
