//! A detector: maps of half the size again and again, joined from the coarsest to the finest, and two small towers on
//! each map that the contract has a grid for, one for scores and one for boxes.

use ocelli_compiler::contract::BoxLayout;
use ocelli_compiler::graph::{Activation, Op, TensorId};

use super::Shape;
use super::builder::{Builder, Layer};
use crate::error::TrainError;
use crate::network::Network;

/// Logit that scores begin with: almost nothing is anywhere, so that the first steps are no avalanche.
const RARE: f32 = -4.6;

/// Channels of the stem; each level has twice as many, up to the most.
const STEM: usize = 16;
const MOST: usize = 128;

/// Channels of the joined maps and of the towers on them.
const JOINED: usize = 64;

/// The network of a shape; each level of the way down but the first has `depth` blocks.
pub(super) fn build(shape: &Shape, mut builder: Builder, layout: &BoxLayout) -> Result<Network, TrainError> {
    let levels = way_down(shape, &mut builder, layout)?;
    let extents = |builder: &Builder, id: TensorId| [builder.shape(id)[1], builder.shape(id)[2]];
    let joined_channels = shape.wide(JOINED);
    let finest = layout.heads.iter().map(|grid| grid.rows * grid.columns).max().unwrap_or(0);
    let mut joined: Vec<TensorId> = Vec::new();
    for (index, &level) in levels.iter().enumerate().rev() {
        let [rows, columns] = extents(&builder, level);
        if rows * columns > finest {
            break;
        }
        let name = format!("join_{index}");
        let activation = if joined.is_empty() { Activation::Relu } else { Activation::Linear };
        let side = Layer { activation, ..Layer::normal(1, 1, joined_channels) };
        let side = builder.conv(&format!("{name}/side"), level, side)?;
        joined.push(match joined.last() {
            None => side,
            Some(&coarser) => {
                let larger = Op::ResizeNearest { align_corners: false, half_pixel_centers: false };
                let shape = builder.shape(side);
                let larger = builder.node(&format!("{name}/larger"), larger, vec![coarser], shape.clone());
                let add = Op::Add { activation: Activation::Relu };
                builder.node(&format!("{name}/add"), add, vec![side, larger], shape)
            }
        });
    }
    let (mut scores, mut boxes) = (Vec::new(), Vec::new());
    let is_alone = layout.heads.len() == 1;
    for (index, grid) in layout.heads.iter().enumerate() {
        let is_its = |id: &&TensorId| extents(&builder, **id) == [grid.rows, grid.columns];
        let Some(&map) = joined.iter().find(is_its) else { continue };
        let anchors = grid.anchors.len();
        for (what, output, columns, bias, parts) in [
            ("scores", &layout.scores, shape.classes, RARE, &mut scores),
            ("boxes", &layout.boxes, 4, 0.0, &mut boxes),
        ] {
            let name = format!("head_{index}/{what}");
            let tower = builder.separable(&name, map, 1, joined_channels)?;
            let last = Layer { is_same: true, bias, ..Layer::plain(1, anchors * columns) };
            let last = builder.conv(if is_alone { output } else { &name }, tower, last)?;
            parts.push((last, grid.anchor_count(), columns));
        }
    }
    let outputs = [(&layout.scores, scores), (&layout.boxes, boxes)];
    let outputs = outputs.map(|(name, parts)| join(&mut builder, name, &parts));
    builder.finish(outputs.to_vec())
}

/// Maps of half, a quarter, ... of the picture's sides, down to one beyond the coarsest grid.
fn way_down(shape: &Shape, builder: &mut Builder, layout: &BoxLayout) -> Result<Vec<TensorId>, TrainError> {
    let mut missing: Vec<[usize; 2]> = layout.heads.iter().map(|grid| [grid.rows, grid.columns]).collect();
    let mut last = builder.conv("stem", 0, Layer::normal(3, 2, shape.wide(STEM)))?;
    let (mut levels, mut seen) = (vec![last], Vec::new());
    let mut channels = STEM;
    loop {
        let map = [builder.shape(last)[1], builder.shape(last)[2]];
        let is_last = missing.is_empty();
        missing.retain(|grid| *grid != map);
        seen.push(format!("{} x {}", map[0], map[1]));
        if is_last || map == [1, 1] {
            break;
        }
        channels = (2 * channels).min(MOST);
        let level = levels.len();
        // The finest maps are large: one block has to do there.
        for block in 0..if level == 1 { 1 } else { shape.depth } {
            let name = format!("level_{level}/block_{block}");
            last = match block {
                0 => builder.separable(&name, last, 2, shape.wide(channels))?,
                _ => residual(builder, &name, last)?,
            };
        }
        levels.push(last);
    }
    match missing.first() {
        None => Ok(levels),
        Some([rows, columns]) => Err(TrainError::Model {
            model: builder.name().into(),
            problem: format!(
                "the contract has a grid of {rows} x {columns}, and pictures of {} x {} give maps of {}; change the grid or `input`",
                shape.picture[0],
                shape.picture[1],
                seen.join(", ")
            ),
        }),
    }
}

/// A depthwise and a pointwise layer beside a shortcut.
fn residual(builder: &mut Builder, name: &str, input: TensorId) -> Result<TensorId, TrainError> {
    let shape = builder.shape(input);
    let depthwise = builder.depthwise(&format!("{name}/depthwise"), input, 1)?;
    let pointwise = Layer { activation: Activation::Linear, ..Layer::normal(1, 1, shape[3]) };
    let pointwise = builder.conv(&format!("{name}/pointwise"), depthwise, pointwise)?;
    let add = Op::Add { activation: Activation::Relu };
    Ok(builder.node(&format!("{name}/add"), add, vec![input, pointwise], shape))
}

/// One output of the parts of all heads: (tensor, anchors, numbers of an anchor).
fn join(builder: &mut Builder, name: &str, parts: &[(TensorId, usize, usize)]) -> TensorId {
    if let [(only, ..)] = parts {
        return *only;
    }
    let flat: Vec<TensorId> = parts
        .iter()
        .enumerate()
        .map(|(index, &(part, anchors, columns))| {
            builder.node(&format!("{name}/{index}"), Op::Reshape, vec![part], vec![1, anchors, columns])
        })
        .collect();
    let (anchors, columns) = (parts.iter().map(|part| part.1).sum(), parts.first().map_or(0, |part| part.2));
    builder.node(name, Op::Concatenate { axis: 1 }, flat, vec![1, anchors, columns])
}
