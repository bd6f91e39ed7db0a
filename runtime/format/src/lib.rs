//! The artefact's bytes: a borrowing reader, and a writer for the compiler.
//!
//! One `.ocelli` file is a whole job: graph, constants, memory plan, input and output contracts,
//! self-test. `SPEC.md` beside this crate lays the bytes out. [`Artefact::parse`] checks all of them
//! once, without a heap; what an [`Artefact`] then says can be relied on without asking again.
//!
//! With the feature `alloc`, [`model::Model`] is the same content as owned values, [`write()`] turns it
//! into bytes, [`strip()`] leaves out what a device does not need, and [`attach_signature()`] says who vouches for it.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod bytes;
mod error;
mod fault;

mod operator;
mod storage;
mod tensor;
pub mod weights;

mod contract;
mod input_contract;
mod output_contract;

mod attributes;
mod geometry;
mod graph;
mod placement;
mod schedule;

mod rolling;
mod rows;

mod artefact;
mod sections;
mod signature;

mod checksum;
mod stream;

#[cfg(feature = "alloc")]
mod aligned;
#[cfg(feature = "alloc")]
pub mod layout;
#[cfg(feature = "alloc")]
pub mod model;
#[cfg(feature = "alloc")]
mod writer;

#[cfg(feature = "alloc")]
pub use aligned::AlignedBytes;
#[cfg(feature = "alloc")]
pub use writer::{WriteError, answer_id, attach_signature, encode_weights, strip, write};

pub use artefact::Artefact;
pub use attributes::Attributes;
pub use bytes::Texts;
pub use checksum::{Crc32, crc32};
pub use contract::{BoxDecoder, Field, PixelLayout, ResizeMode, SelfTest, Suppression};
pub use error::{ParseError, Section};
pub use graph::OperatorView;
pub use input_contract::InputContractView;
pub use operator::{Clamp, Factor, Operator, OperatorKind, Pair, WideClamp, Window};
pub use output_contract::{
    BoxHeadView, BoxesView, CellsView, ClassesView, EmbeddingView, Heads, NumbersView, ObjectnessView,
    OutputContractView, PointsView,
};
pub use rolling::{Rolling, Slide, Turn};
pub use rows::InputRows;
pub use schedule::{OperatorStepView, RelaidView, RowGroupView, RowStepView, ScheduleView, StepView};
pub use sections::{ALIGNMENT, MAGIC, MAJOR_VERSION, MINOR_VERSION};
pub use signature::Signature;
pub use storage::Storage;
pub use stream::SeedStream;
pub use tensor::{Element, OperatorId, State, TensorId, TensorView};
