//! Plans an artefact into an arena and runs it, without heap and without failure.
//!
//! The infer stage. The compiler has decided order, places and kernels; [`Plan::new`] checks that
//! this firmware can follow (arena, operators, sizes), after which
//! [`Infer::infer`](ocelli_core::Infer::infer) walks the steps and has nothing left to refuse.
//!
//! ```
//! use ocelli_core::Infer;
//! use ocelli_engine::{Plan, PlanError, ops};
//! use ocelli_format::Artefact;
//!
//! fn classify<'a>(artefact: &Artefact<'a>, arena: &'a mut [u8]) -> Result<Plan<'a>, PlanError> {
//!     let mut plan = Plan::new(artefact, "portable", ops![Conv2d, FullyConnected, Softmax], arena)?;
//!     plan.input(0).unwrap_or_default().fill(0);
//!     plan.infer();
//!     Ok(plan)
//! }
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod plan;
mod self_test;

mod error;
mod layer;
mod memory;

mod rolling;

pub mod operators;

pub use error::{PlanError, SelfTestError};
pub use layer::Kernel;
pub use operators::Operators;
pub use plan::Plan;
pub use rolling::RowGroups;
