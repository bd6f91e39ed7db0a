//! Turns a [`Model`] into the bytes of an artefact; the last step of the compiler.
//!
//! What it returns has been through the reader and through a walk over every schedule, so nothing
//! leaves the host that a device would refuse or that overwrites a tensor still wanted.

mod contracts;
mod digest;
mod layouts;
mod lifetimes;
mod output;
mod schedule;
mod signature;
mod weights;

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use ocelli_core::Shape;

use crate::model::{Element, Model, Tensor};
use crate::sections::{ANSWER_ID_OFFSET, ENTRY_BYTES, HEADER_BYTES, MUST_UNDERSTAND, UNCHECKED_BYTES};
use crate::tensor::{ACTIVATION, RECORD_BYTES};
use crate::{
    ALIGNMENT, AlignedBytes, Artefact, MAGIC, MAJOR_VERSION, MINOR_VERSION, ParseError, Section, Storage,
};
use crate::{attributes, crc32};

pub use digest::answer_id;
use output::{Output, short};
pub use signature::attach_signature;
pub use weights::encode_weights;

/// Why a model cannot become an artefact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// More of something than the format can count.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The reader would refuse the bytes.
    Invalid {
        /// Its reason.
        error: ParseError,
        /// Name of the tensor or operator that it is about; empty where it is about neither.
        name: String,
    },
    /// A schedule reads a tensor that is not there (any more).
    Clobbered {
        /// The schedule's profile.
        profile: String,
        /// The step that reads it; the number of steps for what is read after the run.
        step: usize,
        /// Name of the tensor.
        tensor: String,
    },
    /// A constant has values that its form cannot hold.
    Storage {
        /// Name of the tensor.
        tensor: String,
        /// The form.
        storage: Storage,
    },
    /// A constant that a schedule lays out anew is not the graph's.
    Layout {
        /// The schedule's profile.
        profile: String,
        /// Name of the operator that reads it.
        operator: String,
    },
    /// A schedule does not run this operator exactly once.
    NotOnce {
        /// The schedule's profile.
        profile: String,
        /// Name of the operator.
        operator: String,
    },
}

impl core::fmt::Display for WriteError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            WriteError::TooMany { what, count, limit } => {
                write!(f, "{count} {what}: the format can hold {limit}")
            }
            WriteError::Invalid { error, name } if name.is_empty() => error.fmt(f),
            WriteError::Invalid { error, name } => write!(f, "{error} (`{name}`)"),
            WriteError::Clobbered { profile, step, tensor } => write!(
                f,
                "schedule `{profile}`: step {step} reads `{tensor}`, which is not computed yet or overwritten"
            ),
            WriteError::Storage { tensor, storage } => {
                write!(f, "the values of `{tensor}` cannot be stored as {storage}: store it dense")
            }
            WriteError::Layout { profile, operator } => write!(
                f,
                "schedule `{profile}`: operator `{operator}` has a constant laid out anew that is not the graph's"
            ),
            WriteError::NotOnce { profile, operator } => {
                write!(f, "schedule `{profile}` does not run operator `{operator}` exactly once")
            }
        }
    }
}

impl core::error::Error for WriteError {}

/// The artefact of a model.
///
/// # Errors
/// A [`WriteError`]: what is returned as bytes can always be parsed.
pub fn write(model: &Model) -> Result<Vec<u8>, WriteError> {
    let bytes = assemble(model)?;
    let aligned = AlignedBytes::copy_of(&bytes);
    let checked = Artefact::parse(&aligned).and_then(|artefact| artefact.check_layers());
    checked.map_err(|error| WriteError::Invalid { error, name: name_of(model, error) })?;
    for schedule in &model.schedules {
        lifetimes::check(model, schedule)?;
    }
    Ok(bytes)
}

/// The model with one schedule (the profile's, or else the portable one), and without the names and
/// the provenance that a device has no use for. `None` when it has neither schedule. Outputs and
/// answer id stay. Constants that the schedule lays out anew are then written in that layout alone.
pub fn strip(model: &Model, profile: &str) -> Option<Model> {
    let named = |name: &str| model.schedules.iter().find(|schedule| schedule.profile == name);
    let schedule = named(profile).or_else(|| named(crate::ScheduleView::PORTABLE))?.clone();
    let mut stripped = model.clone();
    stripped.schedules = alloc::vec![schedule];
    stripped.provenance.clear();
    stripped.tensors.iter_mut().for_each(|tensor| tensor.name.clear());
    stripped.operators.iter_mut().for_each(|operator| operator.name.clear());
    Some(stripped)
}

fn assemble(model: &Model) -> Result<Vec<u8>, WriteError> {
    let (tensors, constants) = tensors(model, &layouts::elsewhere(model)?)?;
    let mut sections: Vec<(Section, Vec<u8>)> = Vec::new();
    let mut identity = Output::default();
    identity.texts(&[&model.name, &model.version])?;
    sections.push((Section::Identity, identity.bytes));
    sections.push((Section::Tensors, tensors));
    sections.push((Section::Operators, operators(model)?));
    sections.push((Section::Ports, ports(model)?));
    if !model.input_contracts.is_empty() {
        sections.push((Section::InputContracts, contracts::inputs(model)?));
    }
    if !model.output_contracts.is_empty() {
        sections.push((Section::OutputContracts, contracts::outputs(model)?));
    }
    if let Some(self_test) = &model.self_test {
        let mut output = Output::default();
        output.u32(self_test.seed);
        output.u32(self_test.output_crc32);
        output.bytes.extend([self_test.shift, 0, 0, 0]);
        sections.push((Section::SelfTest, output.bytes));
    }
    short("schedules", model.schedules.len(), usize::from(u8::MAX))?;
    for schedule in &model.schedules {
        sections.push((Section::Schedule, schedule::section(model, schedule)?));
    }
    sections.push((Section::Constants, constants));
    if let Some(names) = names(model)? {
        sections.push((Section::Names, names));
    }
    if !model.provenance.is_empty() {
        let texts = model.provenance.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
        let mut output = Output::default();
        output.texts(&texts.collect::<Vec<_>>())?;
        sections.push((Section::Provenance, output.bytes));
    }
    let id = digest::of_sections(model, &sections);
    lay_out(&sections, &id)
}

/// Header, section table, sections.
fn lay_out(sections: &[(Section, Vec<u8>)], answer_id: &[u8; 32]) -> Result<Vec<u8>, WriteError> {
    let mut file = Output::default();
    file.bytes.extend(MAGIC);
    file.u16(MAJOR_VERSION);
    file.u16(MINOR_VERSION);
    file.bytes.resize(ANSWER_ID_OFFSET, 0);
    file.bytes.extend(answer_id);
    let mut end = HEADER_BYTES + sections.len() * ENTRY_BYTES;
    for (kind, section) in sections {
        let start = end.next_multiple_of(ALIGNMENT);
        end = start + section.len();
        let optional = [Section::Identity, Section::SelfTest, Section::Names, Section::Provenance];
        file.u16(*kind as u16);
        file.u16(if optional.contains(kind) { 0 } else { MUST_UNDERSTAND });
        for number in [start, section.len(), 0] {
            file.u32(short("bytes", number, MAX_BYTES)? as u32);
        }
    }
    for (_, section) in sections {
        file.align(ALIGNMENT);
        file.bytes.extend(section);
    }
    let mut patch = |at: usize, number: usize| {
        let number = (number as u32).to_le_bytes();
        file.bytes[at..at + number.len()].copy_from_slice(&number);
    };
    patch(16, short("bytes", end, MAX_BYTES)?);
    patch(20, sections.len());
    let checksum = crc32(&file.bytes[UNCHECKED_BYTES..]);
    file.bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    Ok(file.bytes)
}

/// The tensors' records, and the constants with equal ones stored once, without those that stand in layouts.
fn tensors(model: &Model, elsewhere: &[bool]) -> Result<(Vec<u8>, Vec<u8>), WriteError> {
    short("tensors", model.tensors.len(), usize::from(u16::MAX))?;
    let mut records = Output::default();
    let mut constants = Output::default();
    let mut stored: BTreeMap<Cow<'_, [u8]>, usize> = BTreeMap::new();
    for ((id, tensor), &is_elsewhere) in (0..).zip(&model.tensors).zip(elsewhere) {
        short("axes", tensor.shape.len(), Shape::MAX_RANK)?;
        let element = match tensor.element {
            Element::I8 => 0,
            Element::I16 => 1,
            Element::I32 => 2,
            Element::I64 => 3,
        };
        let storage = match is_elsewhere {
            true => Storage::Relaid,
            false => model.storage.get(&id).copied().unwrap_or_default(),
        };
        let code = if tensor.data.is_some() { storage as u8 } else { ACTIVATION };
        records.bytes.extend([element, tensor.shape.len() as u8, tensor.zero_point as u8, code]);
        records.u32(tensor.scale_bits);
        let padding = core::iter::repeat_n(&0, Shape::MAX_RANK - tensor.shape.len());
        tensor.shape.iter().chain(padding).for_each(|&axis| records.u32(axis));
        let data = stored_bytes(tensor, storage)?;
        let length = data.len();
        let offset = match stored.get(&data) {
            _ if data.is_empty() => 0,
            Some(&offset) => offset,
            None => {
                constants.align(ALIGNMENT);
                let offset = constants.bytes.len();
                constants.bytes.extend(&data[..]);
                stored.insert(data, offset);
                offset
            }
        };
        records.u32(short("bytes of constants", offset, MAX_BYTES)? as u32);
        records.u32(short("bytes of constants", length, MAX_BYTES)? as u32);
    }
    debug_assert_eq!(records.bytes.len(), model.tensors.len() * RECORD_BYTES);
    Ok((records.bytes, constants.bytes))
}

/// The bytes of a constant in its form; none of an activation.
fn stored_bytes(tensor: &Tensor, storage: Storage) -> Result<Cow<'_, [u8]>, WriteError> {
    let data = tensor.data.as_deref().unwrap_or(&[]);
    let unfit = || WriteError::Storage { tensor: tensor.name.clone(), storage };
    match storage {
        Storage::Dense => Ok(Cow::Borrowed(data)),
        Storage::Relaid => Ok(Cow::Borrowed(&[])),
        Storage::Uniform => {
            let (first, rest) = data.split_at_checked(tensor.element.bytes()).ok_or_else(unfit)?;
            let all_equal = rest.chunks(first.len()).all(|other| other == first);
            if all_equal { Ok(Cow::Borrowed(first)) } else { Err(unfit()) }
        }
        form => {
            let rows = tensor.shape.first().map_or(1, |&rows| rows as usize).max(1);
            let values: Vec<i8> = data.iter().map(|&byte| byte as i8).collect();
            encode_weights(form, &values, values.len() / rows).map(Cow::Owned).ok_or_else(unfit)
        }
    }
}

fn operators(model: &Model) -> Result<Vec<u8>, WriteError> {
    short("operators", model.operators.len(), usize::from(u16::MAX))?;
    let mut table = Output::default();
    table.u32(model.operators.len() as u32);
    let bodies_start = crate::graph::COUNT_BYTES + model.operators.len() * crate::graph::ENTRY_BYTES;
    let mut bodies = Output::default();
    for node in &model.operators {
        table.u16(node.operator.kind() as u16);
        for operands in [&node.inputs, &node.outputs] {
            table.bytes.push(short("operands", operands.len(), usize::from(u8::MAX))? as u8);
        }
        table.u32((bodies_start + bodies.bytes.len()) as u32);
        node.inputs.iter().chain(&node.outputs).for_each(|&tensor| bodies.u16(tensor));
        attributes::write(&node.operator, &mut bodies.bytes);
        bodies.align(2);
    }
    table.bytes.extend(bodies.bytes);
    Ok(table.bytes)
}

fn ports(model: &Model) -> Result<Vec<u8>, WriteError> {
    let mut output = Output::default();
    for count in [model.inputs.len(), model.outputs.len(), model.states.len()] {
        output.u16(short("inputs, outputs or states", count, usize::from(u16::MAX))? as u16);
    }
    output.u16(0);
    model.inputs.iter().chain(&model.outputs).for_each(|&tensor| output.u16(tensor));
    for state in &model.states {
        output.u16(state.tensor);
        output.u16(state.next);
    }
    Ok(output.bytes)
}

/// Names of tensors and operators, unless all are empty.
fn names(model: &Model) -> Result<Option<Vec<u8>>, WriteError> {
    let tensors: Vec<&str> = model.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    let operators: Vec<&str> = model.operators.iter().map(|operator| operator.name.as_str()).collect();
    if tensors.iter().chain(&operators).all(|name| name.is_empty()) {
        return Ok(None);
    }
    let mut output = Output::default();
    output.texts(&tensors)?;
    output.texts(&operators)?;
    Ok(Some(output.bytes))
}

/// The name of what an error is about.
fn name_of(model: &Model, error: ParseError) -> String {
    use ParseError::*;
    let tensor = match error {
        Shape { tensor } | Encoding { tensor, .. } | Constant { tensor, .. } | Port { tensor } => tensor,
        Placement { tensor, .. } | Contract { tensor, .. } | Weights { tensor } => tensor,
        UnknownOperator { operator, .. } | OperandCount { operator } | Operand { operator, .. } => {
            return model
                .operators
                .get(usize::from(operator))
                .map(|node| node.name.clone())
                .unwrap_or_default();
        }
        Geometry { operator } | Attribute { operator } | Work { operator } => {
            return model
                .operators
                .get(usize::from(operator))
                .map(|node| node.name.clone())
                .unwrap_or_default();
        }
        _ => return String::new(),
    };
    model.tensors.get(usize::from(tensor)).map(|tensor| tensor.name.clone()).unwrap_or_default()
}

/// Offsets and lengths fit `u32`, and sums of two of them too.
const MAX_BYTES: usize = 1 << 31;
