//! Training on burn: a recipe of stages turns pictures into an artefact.
//!
//! A network in training is the compiler's own float graph ([`network`]); burn computes it and its gradients
//! ([`pass`]), everything else is plain numbers. What comes out goes through the compiler as any other model.
//!
//! Training needs no more than this crate and stays out of what other commands build: `ocelli train` exists when
//! the program is built with the feature `train`.
#![forbid(unsafe_code)]

pub mod recipe;

pub mod data;

pub mod detect;

mod augment;

pub mod families;

pub mod network;

pub mod pass;

mod batch;

mod random;

pub mod optimiser;

mod schedule;

mod tie;

pub mod prune;

pub mod cluster;

pub mod filters;

pub mod tune;

pub mod distil;

pub mod trainer;

mod learn;

pub mod score;

pub mod measure;

pub mod integers;

mod state;

mod card;

mod page;

mod checkpoint;

pub mod run;

pub mod repeat;

mod error;

pub use augment::Augment;
pub use error::TrainError;
pub use schedule::Schedule;
