//! One step as a kernel sees it, and how kernels are linked.

use core::ops::Range;

use ocelli_format::{
    Artefact, Attributes, Factor, OperatorKind, OperatorStepView, OperatorView, RelaidView, ScheduleView,
    Storage, TensorId, TensorView, Window,
};
use ocelli_kernels::{Activation, Axis, Filter, KernelError, Layout, Operand, Requantize};

use crate::memory::Operands;
use crate::operators::Operators;
use crate::rolling::Rows;

/// An operator that a firmware links, made by [`ops!`](crate::ops).
///
/// A table of function pointers: what no table names, the linker leaves out.
#[derive(Debug)]
pub struct Kernel {
    /// What it computes.
    pub(crate) kind: OperatorKind,
    /// Whether it can run this layer. Scratch is a condition only where weights are laid out anew: otherwise it makes a
    /// kernel fast, and without it the answer is the same.
    pub(crate) check: fn(&Layer<'_>) -> Result<(), KernelError>,
    /// Runs a layer that passed the check.
    pub(crate) run: fn(&Layer<'_>, &mut Operands<'_>),
}

impl Kernel {
    /// The operator that it computes.
    pub const fn kind(&self) -> OperatorKind {
        self.kind
    }

    /// Whether it can run a step of a schedule: for tools that choose what a firmware links.
    pub fn serves(
        &self,
        artefact: &Artefact<'_>,
        schedule: &ScheduleView<'_>,
        step: &OperatorStepView<'_>,
    ) -> bool {
        let view = artefact.operator(step.operator);
        let layer = Layer { artefact, schedule, view, step, rows: None };
        view.kind == self.kind && (self.check)(&layer).is_ok()
    }
}

/// An operator, its tensors, and what the schedule says about it.
///
/// A layer of some rows only looks to its kernel like one of a smaller image: of just the rows that
/// are read and written, with just the padding that they see.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    pub(crate) artefact: &'a Artefact<'a>,
    pub(crate) schedule: &'a ScheduleView<'a>,
    pub(crate) view: OperatorView<'a>,
    pub(crate) step: &'a OperatorStepView<'a>,
    /// The rows that are read and written; `None` for all.
    pub(crate) rows: Option<&'a Rows<'a>>,
}

impl<'a> Layer<'a> {
    /// The kernel that computes it, if it is linked.
    pub(crate) fn kernel(&self, operators: &Operators) -> Option<&'static Kernel> {
        let kind = self.view.kind;
        match self.form() {
            Storage::Dense => operators.kernels.iter().copied().find(|kernel| kernel.kind == kind),
            storage => {
                let mut rows = operators.rows.iter();
                rows.find(|rows| rows.kernel.kind == kind && rows.storage == storage).map(|rows| &rows.kernel)
            }
        }
    }

    /// Runs it, once it has passed the check.
    // In the frame of its caller: every frame between an inference and a kernel's loops counts.
    #[inline(always)]
    pub(crate) fn run(&self, operators: &Operators, arena: &mut [u8]) {
        if let Some(kernel) = self.kernel(operators)
            && let Some(operands) = &mut Operands::borrow(self, arena)
        {
            (kernel.run)(self, operands);
        }
    }

    pub(crate) fn input(&self, index: usize) -> TensorView<'a> {
        self.artefact.tensor(self.view.input(index))
    }

    pub(crate) fn output(&self) -> TensorView<'a> {
        self.artefact.tensor(self.view.output())
    }

    /// `[N, H, W, C]` of input `index`, with the rows that are read.
    pub(crate) fn input_image(&self, index: usize) -> Result<[usize; 4], KernelError> {
        self.image(&self.input(index), self.rows.map(|rows| rows.input))
    }

    /// `[N, H, W, C]` of the output, with the rows that are written.
    pub(crate) fn output_image(&self) -> Result<[usize; 4], KernelError> {
        self.image(&self.output(), self.rows.map(|rows| rows.output))
    }

    /// The window that `attributes` tell next and the images that it leads from and to, of the rows that are read and written.
    // Once in a firmware, for all operators with windows.
    #[inline(never)]
    pub(crate) fn sliding(&self, attributes: &mut Attributes<'_>) -> Result<Sliding, KernelError> {
        let [mut vertical, horizontal] = axes(&attributes.window());
        vertical.padding = self.padding(vertical.padding);
        let (input_shape, output_shape) = (self.input_image(0)?, self.output_image()?);
        Ok(Sliding { input_shape, output_shape, vertical, horizontal })
    }

    /// The padding above the rows that are read, of an operator that has so much in all.
    pub(crate) fn padding(&self, whole: usize) -> usize {
        self.rows.map_or(whole, |rows| rows.padding)
    }

    /// Elements that are read of input `index`.
    pub(crate) fn input_elements(&self, index: usize) -> usize {
        self.elements(&self.input(index), self.rows.map(|rows| rows.input))
    }

    /// Elements that are written.
    pub(crate) fn output_elements(&self) -> usize {
        self.elements(&self.output(), self.rows.map(|rows| rows.output))
    }

    /// Bytes that are read of input `index`.
    pub(crate) fn input_bytes(&self, index: usize) -> usize {
        self.input_elements(index) * self.input(index).element().bytes()
    }

    /// Bytes that are written.
    pub(crate) fn output_bytes(&self) -> usize {
        self.output_elements() * self.output().element().bytes()
    }

    /// Where in the arena the output goes.
    pub(crate) fn output_place(&self) -> Option<Range<usize>> {
        match self.rows {
            None => self.place(self.view.output()),
            Some(rows) => (rows.output_place)(rows),
        }
    }

    /// Where in the arena input `index` stands.
    pub(crate) fn input_place(&self, index: usize) -> Option<Range<usize>> {
        let tensor = self.view.input(index);
        match self.rows {
            None => self.place(tensor),
            Some(rows) => (rows.input_place)(rows, tensor),
        }
    }

    /// What is read of a constant: all, or the bytes of the rows.
    pub(crate) fn constant_rows(&self, values: &'a [i8], tensor: &TensorView<'_>) -> &'a [i8] {
        let Some(rows) = self.rows else { return values };
        let row = tensor.nhwc().map_or(0, |[_, _, width, channels]| width * channels);
        values.get(rows.first_input * row..).and_then(|rest| rest.get(..rows.input * row)).unwrap_or(&[])
    }

    fn place(&self, tensor: TensorId) -> Option<Range<usize>> {
        let start = self.schedule.placement(tensor)? as usize;
        Some(start..start.checked_add(self.artefact.tensor(tensor).bytes())?)
    }

    fn image(&self, tensor: &TensorView<'_>, rows: Option<usize>) -> Result<[usize; 4], KernelError> {
        let [batches, height, width, channels] = image(tensor)?;
        Ok([batches, rows.unwrap_or(height), width, channels])
    }

    fn elements(&self, tensor: &TensorView<'_>, rows: Option<usize>) -> usize {
        match (rows, tensor.nhwc()) {
            (Some(rows), Some([_, _, width, channels])) => rows * width * channels,
            _ => tensor.elements(),
        }
    }

    /// A layout that this engine does not know, or not of this operand.
    pub(crate) fn unknown_layout(&self) -> Option<RelaidView<'a>> {
        let has_filter = matches!(self.view.kind, OperatorKind::Conv2d | OperatorKind::FullyConnected);
        self.step.layouts().find(|relaid| {
            let is_known = has_filter && usize::from(relaid.operand) == WEIGHTS;
            !is_known || Layout::from_code(relaid.layout).is_none()
        })
    }

    /// Whether the first input and the output have as many elements.
    pub(crate) fn same_elements(&self) -> Result<(), KernelError> {
        let (needed_elements, available_elements) = (self.output_elements(), self.input_elements(0));
        if needed_elements == available_elements {
            return Ok(());
        }
        Err(KernelError::Length { operand: Operand::Input, needed_elements, available_elements })
    }

    /// The form of its weights, where kernels for several can be linked.
    pub(crate) fn form(&self) -> Storage {
        match self.view.kind {
            OperatorKind::Conv2d | OperatorKind::FullyConnected => {
                let relaid = self.step.layout_of(WEIGHTS).map(|_| Storage::Relaid);
                relaid.unwrap_or_else(|| self.input(WEIGHTS).storage())
            }
            _ => Storage::Dense,
        }
    }

    /// Weights, bias and factors of a layer on int16, in place.
    pub(crate) fn wide_filter(&self) -> Filter<'a, i64> {
        Filter {
            weights: self.input(WEIGHTS).values_i8(),
            layout: Layout::Canonical,
            bias: self.input(2).values_i64(),
            multipliers: self.input(3).values_i32(),
            shifts: self.input(4).values_i8(),
        }
    }

    /// Weights, bias and factors of a layer with weights, in place; the weights as the schedule lays them out, none where
    /// they are not stored dense.
    pub(crate) fn filter(&self) -> Filter<'a> {
        let relaid = self.step.layout_of(WEIGHTS);
        let layout = relaid.map_or(Some(Layout::Canonical), |relaid| Layout::from_code(relaid.layout));
        let weights = relaid
            .map_or_else(|| self.input(WEIGHTS).values_i8(), |relaid| bytemuck::cast_slice(relaid.data));
        Filter {
            weights,
            layout: layout.unwrap_or_default(),
            bias: self.input(2).values_i32(),
            multipliers: self.input(3).values_i32(),
            shifts: self.input(4).values_i8(),
        }
    }
}

/// What operators with windows have in common.
pub(crate) struct Sliding {
    pub(crate) input_shape: [usize; 4],
    pub(crate) output_shape: [usize; 4],
    pub(crate) vertical: Axis,
    pub(crate) horizontal: Axis,
}

/// Activations as an artefact tells of them.
pub(crate) trait Told: Activation + bytemuck::Pod {
    /// The bounds that come next.
    fn bounds(attributes: &mut Attributes<'_>) -> [Self; 2];

    /// The zero point of a tensor.
    fn zero_point(tensor: &TensorView<'_>) -> Self;
}

impl Told for i8 {
    fn bounds(attributes: &mut Attributes<'_>) -> [i8; 2] {
        let clamp = attributes.clamp();
        [clamp.min, clamp.max]
    }

    fn zero_point(tensor: &TensorView<'_>) -> i8 {
        tensor.zero_point()
    }
}

impl Told for i16 {
    fn bounds(attributes: &mut Attributes<'_>) -> [i16; 2] {
        let clamp = attributes.wide_clamp();
        [clamp.min, clamp.max]
    }

    fn zero_point(_tensor: &TensorView<'_>) -> i16 {
        0
    }
}

/// The operand whose layout schedules choose.
const WEIGHTS: usize = 1;

/// `[N, H, W, C]` of a tensor.
pub(crate) fn image(tensor: &TensorView<'_>) -> Result<[usize; 4], KernelError> {
    tensor.nhwc().ok_or(KernelError::Geometry)
}

/// A window along the height and along the width.
pub(crate) fn axes(window: &Window) -> [Axis; 2] {
    let axis = |index: usize| Axis {
        filter: usize::from(window.filter[index]),
        stride: usize::from(window.stride[index]),
        dilation: usize::from(window.dilation[index]),
        padding: usize::from(window.padding[index]),
    };
    [axis(0), axis(1)]
}

/// A factor as the kernels take it.
pub(crate) fn requantize(factor: &Factor) -> Requantize {
    Requantize { multiplier: factor.multiplier, shift: factor.shift }
}
