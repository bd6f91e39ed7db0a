//! Reads a checked artefact back into owned values, so that tools can change and rewrite it.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{
    BoxHead, Boxes, Cells, InputContract, Model, Node, Objectness, OperatorStep, OutputContract, Points,
    Relaid, Ring, RowStep, Schedule, Step, Tensor, TensorId,
};
use crate::{
    Artefact, BoxesView, CellsView, OperatorStepView, OutputContractView, RowGroupView, ScheduleView,
    StepView, Storage, Texts,
};

impl Model {
    /// The content of an artefact. [`write()`](crate::write()) gives the same bytes again, if it wrote them.
    pub fn from_artefact(artefact: &Artefact<'_>) -> Model {
        Model {
            name: artefact.name().to_owned(),
            version: artefact.version().to_owned(),
            provenance: artefact
                .provenance()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            tensors: (0..artefact.tensor_count() as TensorId).map(|id| tensor(artefact, id)).collect(),
            storage: (0..)
                .zip(artefact.tensors())
                // Which constants stand only in layouts follows from the schedules.
                .filter(|(_, tensor)| ![Storage::Dense, Storage::Relaid].contains(&tensor.storage()))
                .map(|(id, tensor)| (id, tensor.storage()))
                .collect(),
            operators: operators(artefact),
            inputs: artefact.inputs().to_vec(),
            outputs: artefact.outputs().to_vec(),
            states: artefact.states().collect(),
            input_contracts: artefact.input_contracts().map(input_contract).collect(),
            output_contracts: artefact.output_contracts().map(output_contract).collect(),
            schedules: artefact.schedules().map(|view| schedule(artefact, &view)).collect(),
            self_test: artefact.self_test(),
        }
    }
}

fn tensor(artefact: &Artefact<'_>, id: TensorId) -> Tensor {
    let view = artefact.tensor(id);
    Tensor {
        name: artefact.tensor_name(id).to_owned(),
        element: view.element(),
        shape: view.axes().to_vec(),
        scale_bits: view.scale_bits(),
        zero_point: view.zero_point(),
        data: view.data().map(|data| artefact.values(id).unwrap_or(Cow::Borrowed(data)).into_owned()),
    }
}

fn operators(artefact: &Artefact<'_>) -> Vec<Node> {
    let node = |(id, view): (usize, crate::OperatorView<'_>)| Node {
        name: artefact.operator_name(id as u16).to_owned(),
        operator: view.operator(),
        inputs: view.inputs.to_vec(),
        outputs: view.outputs.to_vec(),
    };
    artefact.operators().enumerate().map(node).collect()
}

fn input_contract(view: crate::InputContractView<'_>) -> InputContract {
    InputContract {
        tensor: view.tensor,
        layout: view.layout,
        resize: view.resize,
        border: view.border,
        mean_bits: view.mean_bits,
        deviation_bits: view.deviation_bits,
        tables: view.tables.to_vec(),
    }
}

fn output_contract(view: OutputContractView<'_>) -> OutputContract {
    match view {
        OutputContractView::Classes(classes) => OutputContract::Classes {
            tensor: classes.tensor,
            labels: owned(classes.labels),
            scores: Box::new(*classes.scores),
        },
        OutputContractView::Boxes(view) => OutputContract::Boxes(boxes(&view)),
        OutputContractView::Points(points) => OutputContract::Points(Points {
            tensor: points.tensor,
            stride: points.stride,
            fields: points.fields,
            presence: points.presence,
            threshold: points.threshold,
            scores: Box::new(*points.scores),
            names: owned(points.names),
        }),
        OutputContractView::Mask(view) => OutputContract::Mask(cells(&view)),
        OutputContractView::Embedding(view) => OutputContract::Embedding { tensor: view.tensor },
        OutputContractView::Spots(view) => OutputContract::Spots(cells(&view)),
        OutputContractView::Numbers(view) => OutputContract::Numbers {
            tensor: view.tensor,
            fields: (0..view.len()).map(|index| view.field(index)).collect(),
            names: owned(view.names),
        },
    }
}

fn cells(view: &CellsView<'_>) -> Cells {
    Cells {
        tensor: view.tensor,
        has_background: view.has_background,
        threshold: view.threshold,
        scores: Box::new(*view.scores),
        labels: owned(view.labels),
    }
}

fn boxes(view: &BoxesView<'_>) -> Boxes {
    let head = |head: crate::BoxHeadView<'_>| BoxHead {
        scores: head.scores,
        first_score: head.first_score,
        boxes: head.boxes,
        first_box: head.first_box,
        objectness: head.objectness.map(|objectness| Objectness {
            tensor: objectness.tensor,
            first: objectness.first,
            table: Box::new(*objectness.table),
        }),
        rows: head.rows,
        columns: head.columns,
        first_centre: head.first_centre,
        step: head.step,
        anchors: head.anchors.to_vec(),
        score_table: Box::new(*head.score_table),
        fields: (0..head.field_count()).map(|index| head.field(index)).collect(),
        value_tables: head.value_tables.map(|table| table.map(|table| Box::new(*table))),
    };
    Boxes {
        decoder: view.decoder,
        labels: owned(view.labels),
        has_background: view.has_background,
        keypoints: owned(view.keypoints),
        score_threshold: view.score_threshold,
        iou_threshold: view.iou_threshold,
        suppression: view.suppression,
        field_order: view.field_order,
        heads: view.heads().map(head).collect(),
    }
}

fn schedule(artefact: &Artefact<'_>, view: &ScheduleView<'_>) -> Schedule {
    let step = |step: StepView<'_>| match step {
        StepView::Operator(view) => Step::Operator(operator_step(&view)),
        StepView::RowGroup(view) => row_group(&view),
    };
    Schedule {
        profile: view.profile().to_owned(),
        arena_bytes: view.arena_bytes,
        scratch_bytes: view.scratch_bytes,
        placements: (0..artefact.tensor_count() as TensorId).map(|tensor| view.placement(tensor)).collect(),
        steps: view.steps().map(step).collect(),
    }
}

fn operator_step(view: &OperatorStepView<'_>) -> OperatorStep {
    let relaid = |relaid: crate::RelaidView<'_>| Relaid {
        operand: relaid.operand,
        layout: relaid.layout,
        data: relaid.data.to_vec(),
    };
    OperatorStep {
        operator: view.operator,
        scratch: view.scratch,
        layouts: view.layouts().map(relaid).collect(),
    }
}

fn row_group(view: &RowGroupView<'_>) -> Step {
    let row_step = |row: crate::RowStepView<'_>| RowStep {
        step: operator_step(&row.step),
        first_trip: row.first_trip,
        period: row.period,
        rows: row.rows,
    };
    Step::RowGroup {
        trips: view.trips,
        inner: view.inner().map(row_step).collect(),
        rings: view.rings.iter().map(|&[tensor, rows]| Ring { tensor, rows }).collect(),
    }
}

fn owned(texts: Texts<'_>) -> Vec<String> {
    texts.iter().map(str::to_owned).collect()
}
