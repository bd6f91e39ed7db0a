//! Scratch bytes of an operator, as its kernel states them.

use ocelli_core::Shape;
use ocelli_format::model::{Model, Node, Tensor};
use ocelli_format::{Clamp, Operator, Storage, Window};
use ocelli_kernels::{Axis, Conv2dParameters, DepthwiseConv2dParameters, FullyConnectedParameters, Layout};

use super::{PlanError, Profile};

/// Bytes of scratch that `node` needs on a profile, with its weights in the layout of a code, 0 for the canonical one.
pub(super) fn scratch_bytes(
    model: &Model,
    node: &Node,
    profile: Profile,
    layout: u8,
) -> Result<u32, PlanError> {
    let layout = Layout::from_code(layout).unwrap_or_default();
    let bytes = match node.operator {
        Operator::Conv2d { window, clamp } => {
            let Geometry { input, output, zero_points, axes } = geometry(model, node, &window)?;
            let Clamp { min, max } = clamp;
            let depth = operand(model, node, 1)?.shape.last().map_or(1, |&depth| depth as usize);
            let parameters = Conv2dParameters {
                input_shape: input,
                output_shape: output,
                groups: input[3] / depth.max(1),
                vertical: axes[0],
                horizontal: axes[1],
                input_zero_point: zero_points[0],
                output_zero_point: zero_points[1],
                activation_min: min,
                activation_max: max,
            };
            match weights_storage(model, node) {
                Storage::Dense => parameters.scratch_bytes(layout),
                _ => parameters.rows_scratch_bytes(),
            }
        }
        Operator::DepthwiseConv2d { window, clamp, .. } => {
            let Geometry { input, output, zero_points, axes } = geometry(model, node, &window)?;
            let parameters = DepthwiseConv2dParameters {
                input_shape: input,
                output_shape: output,
                vertical: axes[0],
                horizontal: axes[1],
                input_zero_point: zero_points[0],
                output_zero_point: zero_points[1],
                activation_min: clamp.min,
                activation_max: clamp.max,
            };
            match profile {
                Profile::Portable => parameters.scratch_bytes(),
                Profile::CortexM4 => parameters.lines_scratch_bytes(),
            }
        }
        Operator::FullyConnected { clamp } => {
            let (input, weights, output) =
                (operand(model, node, 0)?, operand(model, node, 1)?, result(model, node)?);
            let &[output_depth, input_depth] = &weights.shape[..] else {
                return Err(refused(node, format!("weights of shape {:?} are not [O, I]", weights.shape)));
            };
            let elements: u64 = input.shape.iter().map(|&axis| u64::from(axis)).product();
            let parameters = FullyConnectedParameters {
                batches: (elements / u64::from(input_depth.max(1))) as usize,
                input_depth: input_depth as usize,
                output_depth: output_depth as usize,
                input_zero_point: input.zero_point,
                output_zero_point: output.zero_point,
                activation_min: clamp.min,
                activation_max: clamp.max,
            };
            match weights_storage(model, node) {
                Storage::Dense | Storage::Blocks => parameters.scratch_bytes(),
                _ => 0,
            }
        }
        _ => 0,
    };
    u32::try_from(bytes).map_err(|_| refused(node, format!("{bytes} bytes of scratch are too many")))
}

/// The form of a layer's weights.
fn weights_storage(model: &Model, node: &Node) -> Storage {
    let weights = node.inputs.get(1).and_then(|weights| model.storage.get(weights));
    weights.copied().unwrap_or_default()
}

/// Shapes, zero points (input, output) and axes of a convolution.
struct Geometry {
    input: [usize; 4],
    output: [usize; 4],
    zero_points: [i8; 2],
    axes: [Axis; 2],
}

fn geometry(model: &Model, node: &Node, window: &Window) -> Result<Geometry, PlanError> {
    let (input, output) = (operand(model, node, 0)?, result(model, node)?);
    let nhwc = |tensor: &Tensor| {
        Shape::new(&tensor.shape)
            .and_then(|shape| shape.nhwc())
            .ok_or_else(|| refused(node, format!("shape {:?} is not [N, H, W, C]", tensor.shape)))
    };
    let axis = |index: usize| Axis {
        filter: usize::from(window.filter[index]),
        stride: usize::from(window.stride[index]),
        dilation: usize::from(window.dilation[index]),
        padding: usize::from(window.padding[index]),
    };
    Ok(Geometry {
        input: nhwc(input)?,
        output: nhwc(output)?,
        zero_points: [input.zero_point, output.zero_point],
        axes: [axis(0), axis(1)],
    })
}

fn operand<'m>(model: &'m Model, node: &Node, index: usize) -> Result<&'m Tensor, PlanError> {
    let id = node.inputs.get(index).ok_or_else(|| refused(node, format!("operand {index} is missing")))?;
    model.tensors.get(usize::from(*id)).ok_or_else(|| refused(node, format!("operand {id} is no tensor")))
}

fn result<'m>(model: &'m Model, node: &Node) -> Result<&'m Tensor, PlanError> {
    let id = node.outputs.first().ok_or_else(|| refused(node, "has no result".into()))?;
    model.tensors.get(usize::from(*id)).ok_or_else(|| refused(node, format!("result {id} is no tensor")))
}

fn refused(node: &Node, why: String) -> PlanError {
    PlanError::Kernel { operator: node.name.clone(), why }
}
