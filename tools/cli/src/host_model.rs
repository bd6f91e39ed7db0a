//! The infer stage on this computer: the engine called directly, or through tract. Both give the same bytes.

use ocelli::{Infer, Plan};
use ocelli_tract::Executor;

/// What runs the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Through {
    /// The engine, as on a microcontroller
    #[default]
    Engine,
    /// tract, which runs the engine as one of its operators
    Tract,
}

/// A model that is ready to run.
pub enum HostModel<'a> {
    /// In the engine.
    Engine(Box<Plan<'a>>),
    /// In tract.
    Tract(Box<Executor>),
}

impl Infer for HostModel<'_> {
    fn infer(&mut self) {
        match self {
            HostModel::Engine(plan) => plan.infer(),
            HostModel::Tract(executor) => executor.infer(),
        }
    }

    fn input(&mut self, index: usize) -> Option<&mut [i8]> {
        match self {
            HostModel::Engine(plan) => plan.input(index),
            HostModel::Tract(executor) => executor.input(index),
        }
    }

    fn input_row(&mut self, index: usize, row: usize, elements: usize) -> Option<&mut [i8]> {
        match self {
            HostModel::Engine(plan) => plan.input_row(index, row, elements),
            HostModel::Tract(executor) => executor.input_row(index, row, elements),
        }
    }

    fn input_row_filled(&mut self, index: usize) {
        match self {
            HostModel::Engine(plan) => plan.input_row_filled(index),
            HostModel::Tract(executor) => executor.input_row_filled(index),
        }
    }

    fn fill_input(&mut self, index: usize, next: impl FnMut() -> i8) {
        match self {
            HostModel::Engine(plan) => plan.fill_input(index, next),
            HostModel::Tract(executor) => executor.fill_input(index, next),
        }
    }

    fn output(&self, index: usize) -> Option<&[i8]> {
        match self {
            HostModel::Engine(plan) => plan.output(index),
            HostModel::Tract(executor) => executor.output(index),
        }
    }
}
