//! Contracts about one output in the artefact's terms: points, masks, embeddings, spots, numbers.

use ocelli_format::Field;
use ocelli_format::model::{self, Model, OutputContract};

use super::super::lift::matches_name;
use super::super::{Cells, Contract, ContractError, Numbers, Points};
use super::boxes::field;
use super::{in_65536ths, mismatch, probabilities};

/// What a contract says about one output, if it does.
pub(super) fn contract(model: &Model, contract: &Contract) -> Result<Option<OutputContract>, ContractError> {
    Ok(match contract {
        Contract { points: Some(points), .. } => Some(OutputContract::Points(points_of(model, points)?)),
        Contract { mask: Some(cells), .. } => Some(OutputContract::Mask(cells_of(model, cells)?)),
        Contract { spots: Some(cells), .. } => Some(OutputContract::Spots(cells_of(model, cells)?)),
        Contract { embedding: Some(embedding), .. } => {
            let (tensor, _) = find(model, embedding.output.as_deref())?;
            Some(OutputContract::Embedding { tensor })
        }
        Contract { numbers: Some(numbers), .. } => Some(numbers_of(model, numbers)?),
        _ => None,
    })
}

/// The output of this name, or the first.
fn find<'m>(model: &'m Model, name: Option<&str>) -> Result<(u16, &'m model::Tensor), ContractError> {
    let mut outputs = model.outputs.iter().map(|&id| (id, &model.tensors[usize::from(id)]));
    let found = outputs.clone().find(|(_, tensor)| name.is_none_or(|name| matches_name(&tensor.name, name)));
    found.ok_or_else(|| {
        let names: Vec<&str> = outputs.by_ref().map(|(_, tensor)| tensor.name.as_str()).collect();
        mismatch(model, format!("it has no output {:?}; its outputs are {names:?}", name.unwrap_or_default()))
    })
}

fn elements(tensor: &model::Tensor) -> usize {
    tensor.shape.iter().map(|&axis| axis as usize).product()
}

/// How a stored value becomes its real one, divided by `unit`.
fn field_of(tensor: &model::Tensor, unit: f64) -> Result<Field, ContractError> {
    let scale = f64::from(f32::from_bits(tensor.scale_bits)) / unit;
    field(scale, -scale * f64::from(tensor.zero_point))
}

fn scores_of(tensor: &model::Tensor, logits: bool) -> Box<[u16; 256]> {
    let scale = f64::from(f32::from_bits(tensor.scale_bits));
    Box::new(probabilities(scale, i32::from(tensor.zero_point), logits))
}

fn points_of(model: &Model, points: &Points) -> Result<model::Points, ContractError> {
    let (tensor, described) = find(model, points.output.as_deref())?;
    let (count, stride) = (elements(described), usize::from(points.stride));
    if stride < 2 || count % stride != 0 {
        return Err(mismatch(
            model,
            format!("output {:?} of {count} numbers is no points of {stride} numbers each", described.name),
        ));
    }
    if !points.names.is_empty() && points.names.len() != count / stride {
        return Err(mismatch(model, format!("{} names for {} points", points.names.len(), count / stride)));
    }
    let presence = points.presence.as_ref().map(|name| find(model, Some(name))).transpose()?;
    Ok(model::Points {
        tensor,
        stride: points.stride,
        fields: [
            field_of(described, f64::from(points.scale[0]))?,
            field_of(described, f64::from(points.scale[1]))?,
        ],
        presence: presence.map(|(tensor, _)| tensor),
        threshold: in_65536ths(f64::from(points.threshold)),
        scores: scores_of(presence.map_or(described, |(_, tensor)| tensor), points.logits),
        names: points.names.clone(),
    })
}

fn cells_of(model: &Model, cells: &Cells) -> Result<model::Cells, ContractError> {
    let (tensor, described) = find(model, cells.output.as_deref())?;
    let channels = cells.labels.len() + usize::from(cells.has_background);
    let (name, shape) = (&described.name, &described.shape);
    if shape.len() != 4 || shape[0] != 1 || shape[3] as usize != channels || cells.labels.is_empty() {
        return Err(mismatch(
            model,
            format!(
                "output {name:?} of shape {shape:?} is not [1, H, W, {channels}], a channel for each label and background"
            ),
        ));
    }
    Ok(model::Cells {
        tensor,
        has_background: cells.has_background,
        threshold: in_65536ths(f64::from(cells.threshold)),
        scores: scores_of(described, cells.logits),
        labels: cells.labels.clone(),
    })
}

fn numbers_of(model: &Model, numbers: &Numbers) -> Result<OutputContract, ContractError> {
    let (tensor, described) = find(model, numbers.output.as_deref())?;
    if numbers.names.is_empty() || numbers.names.len() > elements(described) {
        let (name, count) = (&described.name, elements(described));
        return Err(mismatch(
            model,
            format!("{} names for the {count} numbers of output {name:?}", numbers.names.len()),
        ));
    }
    let field = field_of(described, 1.0 / f64::from(numbers.scale))?;
    Ok(OutputContract::Numbers {
        tensor,
        fields: vec![field; numbers.names.len()],
        names: numbers.names.clone(),
    })
}
