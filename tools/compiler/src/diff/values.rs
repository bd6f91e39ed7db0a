//! Every tensor of an artefact on one input, as stored and as the real numbers that they stand for.

use ocelli_format::model::{Element, Model, TensorId};

use crate::execute::{ExecuteError, Executor};
use crate::plan;

/// The tensors of one run, by id; `None` for constants.
pub(super) struct Values(Vec<Option<Vec<i8>>>);

impl Values {
    /// Runs a model under a plan of its own, in which every tensor exists whole.
    pub(super) fn of(model: &Model, inputs: &[Vec<i8>]) -> Result<Values, ExecuteError> {
        let mut whole = model.clone();
        whole.schedules = vec![plan::plan(model)?];
        Ok(Values(Executor::new(&whole)?.run_all(inputs)?))
    }

    /// The stored bytes of a tensor.
    pub(super) fn stored(&self, id: TensorId) -> &[i8] {
        self.0[usize::from(id)].as_deref().unwrap_or_default()
    }

    /// The real numbers of a tensor.
    pub(super) fn real(&self, model: &Model, id: TensorId) -> Vec<f32> {
        let tensor = &model.tensors[usize::from(id)];
        let scale = f32::from_bits(tensor.scale_bits);
        let real = |stored: i32| scale * (stored - i32::from(tensor.zero_point)) as f32;
        let stored = self.stored(id);
        match tensor.element {
            Element::I16 => stored
                .chunks_exact(2)
                .map(|bytes| real(i16::from_le_bytes([bytes[0] as u8, bytes[1] as u8]).into()))
                .collect(),
            _ => stored.iter().map(|&stored| real(stored.into())).collect(),
        }
    }

    /// The real numbers of an input. Where pixels are stored as they are, the real zero may lie between two
    /// stored values; the contract says what a pixel stands for.
    pub(super) fn real_input(&self, model: &Model, index: usize) -> Vec<f32> {
        let id = model.inputs[index];
        let is_pixel =
            |table: &[i8; 256]| (0..256).all(|pixel| i32::from(table[pixel]) == pixel as i32 - 128);
        let contract = model.input_contracts.iter().find(|contract| contract.tensor == id);
        let Some(contract) =
            contract.filter(|contract| matches!(&contract.tables[..], [table] if is_pixel(table)))
        else {
            return self.real(model, id);
        };
        let channels = model.tensors[usize::from(id)].shape.last().copied().unwrap_or(1) as usize;
        let (mean, deviation) =
            (contract.mean_bits.map(f32::from_bits), contract.deviation_bits.map(f32::from_bits));
        let real = |(position, &stored): (usize, &i8)| {
            let channel = position % channels.max(1) % mean.len();
            ((i32::from(stored) + 128) as f32 - mean[channel]) / deviation[channel]
        };
        self.stored(id).iter().enumerate().map(real).collect()
    }
}

/// Least and largest real number that a tensor holds.
pub(super) fn bounds(model: &Model, id: TensorId) -> (f32, f32) {
    let tensor = &model.tensors[usize::from(id)];
    let (low, high) = match tensor.element {
        Element::I16 => (f32::from(i16::MIN), f32::from(i16::MAX)),
        _ => (f32::from(i8::MIN), f32::from(i8::MAX)),
    };
    let (scale, zero_point) = (f32::from_bits(tensor.scale_bits), f32::from(tensor.zero_point));
    (scale * (low - zero_point), scale * (high - zero_point))
}
