//! The end of the verb: forms of weights, memory plan and self-test are added to a model, and it is written.
//!
//! How large the file becomes shows when it is written: layouts, tables and alignment count too. So it is written again,
//! in smaller forms, until it is within its budget.

use ocelli_format::model::{Model, SelfTest};
use ocelli_format::{strip, write};

use super::{ConvertError, Options};
use crate::compress::{Stored, compress, shrink};
use crate::execute::{ExecuteError, Executor};
use crate::plan::{self, Profile};

/// What is written.
pub(super) struct Packed {
    /// Layers whose weights are not stored dense.
    pub(super) stored: Vec<Stored>,
    /// The artefact with all that it has.
    pub(super) whole: Vec<u8>,
    /// The artefact as it was asked for.
    pub(super) bytes: Vec<u8>,
}

/// Stores, plans and writes a model within its budgets.
///
/// # Errors
/// [`ConvertError::Flash`], and what planning and running say.
pub(super) fn pack(model: &mut Model, options: &Options) -> Result<Packed, ConvertError> {
    let mut stored = compress(model, options.compress);
    loop {
        schedule(model, options)?;
        if model.self_test.is_none() {
            model.self_test = Some(self_test(model)?);
        }
        let whole = written(model, &model.name)?;
        let stripped = options.strip.and_then(|profile| strip(model, profile.name()));
        let bytes = match &stripped {
            Some(stripped) => written(stripped, &model.name)?,
            None => whole.clone(),
        };
        let needed_bytes = bytes.len() as u64;
        let Some(budget_bytes) = options.flash_bytes.filter(|&budget| needed_bytes > budget) else {
            return Ok(Packed { stored, whole, bytes });
        };
        stored = shrink(model, needed_bytes - budget_bytes).ok_or_else(|| {
            let advice = match options.strip {
                None => "leave out what a device has no use for (`--strip`), or give flash= more",
                Some(_) => "prune or cluster the weights (`ocelli train`), or give flash= more",
            };
            ConvertError::Flash { model: model.name.clone(), needed_bytes, budget_bytes, advice }
        })?;
    }
}

/// Plans for every profile that is wanted.
fn schedule(model: &mut Model, options: &Options) -> Result<(), ConvertError> {
    model.schedules.clear();
    for &profile in [Profile::Portable].iter().chain(&options.profiles) {
        if model.schedules.iter().all(|schedule| schedule.profile != profile.name()) {
            let schedule = plan::plan_within(model, &options.budget, profile).map_err(ExecuteError::from)?;
            model.schedules.push(schedule);
        }
    }
    Ok(())
}

/// What the planned model answers to seeded input. No form of weights changes it.
fn self_test(model: &Model) -> Result<SelfTest, ConvertError> {
    const SEED: u32 = 5;
    const SHIFT: u8 = 0;
    let output_crc32 = Executor::new(model)?.output_crc32(SEED, SHIFT)?;
    Ok(SelfTest { seed: SEED, shift: SHIFT, output_crc32 })
}

fn written(model: &Model, name: &str) -> Result<Vec<u8>, ConvertError> {
    write(model).map_err(|problem| {
        ExecuteError::Write { model: name.to_owned(), problem: problem.to_string() }.into()
    })
}
