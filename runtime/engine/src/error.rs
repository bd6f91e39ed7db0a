//! Why a model cannot be planned, or does not compute what it should.

use ocelli_format::{OperatorId, OperatorKind, Storage};
use ocelli_kernels::KernelError;

/// Why an artefact cannot run on this firmware, in this arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PlanError {
    /// The artefact was stripped to other targets: it has neither the profile's schedule nor a portable one.
    MissingSchedule,
    /// The arena is smaller than the schedule's.
    ArenaTooSmall {
        /// What the schedule needs.
        needed_bytes: u32,
        /// What was given.
        available_bytes: u32,
    },
    /// The arena does not start on a multiple of 16.
    ArenaMisaligned {
        /// Address of its first byte, modulo 16.
        remainder_bytes: u8,
    },
    /// The firmware does not link an operator; name it in [`ops!`](crate::ops).
    MissingOperator {
        /// Which operator of the artefact.
        operator: OperatorId,
        /// What it is.
        kind: OperatorKind,
    },
    /// The firmware does not link an operator for weights in a form; name it in [`ops!`](crate::ops), behind the
    /// semicolon.
    MissingStorage {
        /// Which operator of the artefact.
        operator: OperatorId,
        /// What it is.
        kind: OperatorKind,
        /// The form of its weights.
        storage: Storage,
    },
    /// The schedule rolls rows through several operators, and the firmware does not link the code for
    /// it; name `RowGroups` in [`ops!`](crate::ops).
    MissingRowGroups {
        /// Which step.
        step: u32,
    },
    /// A row group wants rows that are not there when it wants them, or of an operator that gives none.
    RowGroup {
        /// Which step.
        step: u32,
    },
    /// A constant stands in a layout that this firmware's kernel does not read.
    LayoutUnsupported {
        /// Which step.
        step: u32,
        /// Index among the operator's inputs.
        operand: u8,
        /// The layout's code.
        layout: u8,
    },
    /// The kernel refuses the operator's sizes or attributes.
    Kernel {
        /// Which operator of the artefact.
        operator: OperatorId,
        /// Its reason.
        error: KernelError,
    },
}

impl core::fmt::Display for PlanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            PlanError::MissingSchedule => {
                f.write_str("the artefact was stripped to other targets: it has no schedule for this one")
            }
            PlanError::ArenaTooSmall { needed_bytes, available_bytes } => {
                write!(f, "the model needs an arena of {needed_bytes} bytes, {available_bytes} are there")
            }
            PlanError::ArenaMisaligned { remainder_bytes } => {
                write!(f, "the arena starts {remainder_bytes} past a multiple of 16")
            }
            PlanError::MissingOperator { operator, kind } => {
                write!(
                    f,
                    "operator {operator} is a {kind}, which this firmware does not link: name it in ops!"
                )
            }
            PlanError::MissingStorage { operator, kind, storage } => {
                write!(
                    f,
                    "operator {operator} is a {kind} of {storage} weights, which this firmware does not link: name {kind}{storage} in ops!, behind the semicolon"
                )
            }
            PlanError::MissingRowGroups { step } => {
                write!(
                    f,
                    "step {step} is a row group, which this firmware does not link: name RowGroups in ops!"
                )
            }
            PlanError::RowGroup { step } => {
                write!(f, "step {step} is a row group that wants rows which are not there")
            }
            PlanError::LayoutUnsupported { step, operand, layout } => {
                write!(
                    f,
                    "step {step} has operand {operand} in layout {layout}, which its kernel does not read"
                )
            }
            PlanError::Kernel { operator, error } => write!(f, "operator {operator}: {error}"),
        }
    }
}

impl core::error::Error for PlanError {}

/// Why a model is not to be trusted on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SelfTestError {
    /// The artefact carries no self-test.
    Missing,
    /// The outputs are not those of the host.
    Outputs {
        /// CRC-32 of the outputs, as the artefact has it.
        expected: u32,
        /// As this machine computed it.
        computed: u32,
    },
}

impl core::fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SelfTestError::Missing => f.write_str("the artefact carries no self-test"),
            SelfTestError::Outputs { expected, computed } => {
                write!(f, "the outputs have checksum {computed:08x}, {expected:08x} expected")
            }
        }
    }
}

impl core::error::Error for SelfTestError {}
