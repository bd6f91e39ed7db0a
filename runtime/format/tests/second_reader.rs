//! The reader in Python, written from SPEC.md alone, sees what this crate's reader sees.

mod sample;

use std::fmt::{Display, Write as _};
use std::process::Command;

use ocelli_format::model::Model;
use ocelli_format::*;

#[test]
fn two_readers_agree() {
    let samples = [
        sample::whole(),
        sample::stored(),
        sample::relaid(),
        sample::random(1),
        sample::random(2),
        sample::random(3),
    ];
    for model in samples {
        compare(&model);
    }
}

#[test]
fn two_readers_agree_on_what_is_signed() {
    let bytes = AlignedBytes::copy_of(&write(&sample::whole()).unwrap());
    let section = Signature::new(70_000, "pico2", [7; 32]).unwrap();
    let signed = attach_signature(&Artefact::parse(&bytes).unwrap(), section, |message| {
        core::array::from_fn(|index| message[index].wrapping_mul(3))
    });
    compare_bytes(&signed, "signed");
}

fn compare(model: &Model) {
    compare_bytes(&write(model).unwrap(), "unsigned");
}

fn compare_bytes(bytes: &[u8], what: &str) {
    let bytes = AlignedBytes::copy_of(bytes);
    let path =
        std::env::temp_dir().join(format!("ocelli-second-reader-{}-{what}.ocelli", std::process::id()));
    std::fs::write(&path, &bytes[..]).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read.py");
    let output = Command::new("python3").arg(script).arg(&path).env("PYTHONIOENCODING", "utf-8").output();
    std::fs::remove_file(&path).unwrap();
    let Ok(output) = output else {
        println!("skipped: there is no python3 on this machine");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    let ours = dump(&Artefact::parse(&bytes).unwrap());
    for (line, (theirs, ours)) in theirs.lines().zip(ours.lines()).enumerate() {
        assert_eq!(theirs, ours, "line {line}");
    }
    assert_eq!(theirs.lines().count(), ours.lines().count());
}

/// Everything in an artefact, in the words of `read.py`.
fn dump(artefact: &Artefact<'_>) -> String {
    let mut text = String::new();
    let out = &mut text;
    writeln!(out, "version {MAJOR_VERSION} {MINOR_VERSION}").unwrap();
    writeln!(out, "identity {} {}", artefact.name(), artefact.version()).unwrap();
    for (id, tensor) in artefact.tensors().enumerate() {
        let element = format!("{:?}", tensor.element()).to_lowercase();
        let (axes, zero_point, scale) = (list(tensor.axes()), tensor.zero_point(), tensor.scale_bits());
        let data = tensor.values().map_or("-".into(), |values| checksum(&values));
        let storage = tensor.data().map_or(0, |_| tensor.storage() as u8);
        writeln!(out, "tensor {id} {element} {axes} {zero_point} {scale:08x} {storage} {data}").unwrap();
    }
    for (id, view) in artefact.operators().enumerate() {
        let (inputs, outputs) = (list(view.inputs), list(view.outputs));
        let (kind, attributes) = (view.kind, attributes(&view.operator()));
        writeln!(out, "operator {id} {kind} {inputs} {outputs} {}", list(&attributes)).unwrap();
    }
    writeln!(out, "inputs {}\noutputs {}", list(artefact.inputs()), list(artefact.outputs())).unwrap();
    for state in artefact.states() {
        writeln!(out, "state {},{}", state.tensor, state.next).unwrap();
    }
    for contract in artefact.input_contracts() {
        let InputContractView { tensor, layout, resize, border, mean_bits, deviation_bits, tables } =
            contract;
        let tables: Vec<u8> = tables.iter().flatten().map(|&value| value as u8).collect();
        let (mean, deviation, tables) = (list(&mean_bits), list(&deviation_bits), checksum(&tables));
        writeln!(out, "input_contract {tensor} {layout:?} {resize:?} {border} {mean} {deviation} {tables}")
            .unwrap();
    }
    artefact.output_contracts().for_each(|contract| output_contract(&contract, out));
    if let Some(SelfTest { seed, shift, output_crc32 }) = artefact.self_test() {
        writeln!(out, "self_test {seed} {shift} {output_crc32:08x}").unwrap();
    }
    for schedule in artefact.schedules() {
        let place = |id| schedule.placement(id).map_or("-".into(), |place| place.to_string());
        let places: Vec<String> = (0..artefact.tensor_count() as u16).map(place).collect();
        let ScheduleView { arena_bytes, scratch_bytes, .. } = schedule;
        let profile = schedule.profile();
        writeln!(out, "schedule {profile} {arena_bytes} {scratch_bytes} {}", list(&places)).unwrap();
        for view in schedule.steps() {
            match view {
                StepView::Operator(view) => writeln!(out, "step {}", step(&view)).unwrap(),
                StepView::RowGroup(group) => {
                    writeln!(out, "row_group {}", group.trips).unwrap();
                    for row in group.inner() {
                        let pace = format!("{} {} {}", row.first_trip, row.period, row.rows);
                        writeln!(out, "row_step {} {pace}", step(&row.step)).unwrap();
                    }
                    group
                        .rings
                        .iter()
                        .for_each(|[tensor, rows]| writeln!(out, "ring {tensor} {rows}").unwrap());
                }
                other => panic!("{other:?}"),
            }
        }
    }
    for id in 0..artefact.tensor_count() as u16 {
        writeln!(out, "name tensor {id} {}", artefact.tensor_name(id)).unwrap();
    }
    for id in 0..artefact.operator_count() as u16 {
        writeln!(out, "name operator {id} {}", artefact.operator_name(id)).unwrap();
    }
    artefact.provenance().for_each(|(key, value)| writeln!(out, "provenance {key}={value}").unwrap());
    let id = hex(&artefact.answer_id());
    writeln!(out, "answer_id {id}").unwrap();
    if let Some(section) = artefact.signature() {
        let mut message = artefact.bytes()[..artefact.bytes().len() - Signature::UNSIGNED_BYTES].to_vec();
        message[Signature::ZEROED].fill(0);
        let (release, board) = (section.release, section.board());
        let [key, signature] = [&section.key[..], &section.signature[..]].map(hex);
        writeln!(out, "signature {release} {board} {key} {signature} {}", checksum(&message)).unwrap();
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn output_contract(contract: &OutputContractView<'_>, out: &mut String) {
    let numbers =
        |table: &[u16]| checksum(&table.iter().flat_map(|score| score.to_le_bytes()).collect::<Vec<u8>>());
    match contract {
        OutputContractView::Classes(ClassesView { tensor, labels, scores }) => {
            let labels: Vec<&str> = labels.iter().collect();
            writeln!(out, "classes {tensor} {} {}", numbers(&scores[..]), list(&labels)).unwrap();
        }
        OutputContractView::Boxes(boxes) => {
            let BoxesView { decoder, suppression, score_threshold, iou_threshold, field_order, .. } = boxes;
            let (labels, keypoints): (Vec<_>, Vec<_>) =
                (boxes.labels.iter().collect(), boxes.keypoints.iter().collect());
            let (background, order) = (u8::from(boxes.has_background), list(field_order));
            let decoder = match decoder {
                BoxDecoder::Distribution { bins } => format!("Distribution{bins}"),
                other => format!("{other:?}"),
            };
            write!(out, "boxes {decoder} {suppression:?} {background} {score_threshold} {iou_threshold} ")
                .unwrap();
            writeln!(out, "{order} {} {}", list(&labels), list(&keypoints)).unwrap();
            for head in boxes.heads() {
                let BoxHeadView { scores, first_score, boxes, first_box, rows, columns, .. } = head;
                let BoxHeadView { first_centre: [x, y], step: [right, down], .. } = head;
                let fields = (0..head.field_count()).map(|index| head.field(index));
                let fields: Vec<i32> = fields.flat_map(|field| [field.multiplier, field.offset]).collect();
                let bytes = |table: &[i32; 256]| table.iter().flat_map(|value| value.to_le_bytes()).collect();
                let values = head.value_tables.map(|table| {
                    table.map_or("-".into(), |table| checksum(&Vec::<u8>::from_iter::<Vec<u8>>(bytes(table))))
                });
                let objectness = head.objectness.map_or("-".into(), |objectness| {
                    format!("{},{},{}", objectness.tensor, objectness.first, numbers(objectness.table))
                });
                let (anchors, fields) = (list(head.anchors.as_flattened()), list(&fields));
                write!(out, "head {scores} {first_score} {boxes} {first_box} {objectness} {rows} {columns} ")
                    .unwrap();
                write!(out, "{x},{y} {right},{down} {anchors} {fields} ").unwrap();
                writeln!(out, "{} {}", numbers(head.score_table), list(&values)).unwrap();
            }
        }
        OutputContractView::Points(points) => {
            let names: Vec<&str> = points.names.iter().collect();
            let presence = points.presence.map_or("-".into(), |tensor| tensor.to_string());
            let [x, y] = points.fields.map(|field| format!("{},{}", field.multiplier, field.offset));
            write!(
                out,
                "points {} {} {presence} {} {x} {y} ",
                points.tensor, points.stride, points.threshold
            )
            .unwrap();
            writeln!(out, "{} {}", numbers(points.scores), list(&names)).unwrap();
        }
        OutputContractView::Mask(view) | OutputContractView::Spots(view) => {
            let kind = if matches!(contract, OutputContractView::Mask(_)) { "mask" } else { "spots" };
            let (labels, background): (Vec<&str>, _) =
                (view.labels.iter().collect(), u8::from(view.has_background));
            write!(out, "{kind} {} {background} {} ", view.tensor, view.threshold).unwrap();
            writeln!(out, "{} {}", numbers(view.scores), list(&labels)).unwrap();
        }
        OutputContractView::Embedding(view) => writeln!(out, "embedding {}", view.tensor).unwrap(),
        OutputContractView::Numbers(view) => {
            let fields = (0..view.len()).map(|index| view.field(index));
            let fields: Vec<i32> = fields.flat_map(|field| [field.multiplier, field.offset]).collect();
            let names: Vec<&str> = view.names.iter().collect();
            writeln!(out, "numbers {} {} {}", view.tensor, list(&fields), list(&names)).unwrap();
        }
        other => panic!("{other:?}"),
    }
}

fn step(view: &OperatorStepView<'_>) -> String {
    let layouts = view
        .layouts()
        .flat_map(|relaid| [relaid.operand.to_string(), relaid.layout.to_string(), checksum(relaid.data)]);
    let layouts = list(&layouts.collect::<Vec<String>>());
    format!("{} {} {} {layouts}", view.operator, view.scratch[0], view.scratch[1])
}

/// The attributes of an operator as plain numbers, in the order of the specification.
fn attributes(operator: &Operator) -> Vec<i64> {
    let window = |window: &Window| {
        let Window { filter, stride, dilation, padding } = *window;
        [filter, stride, dilation, padding]
            .as_flattened()
            .iter()
            .map(|&number| number.into())
            .collect::<Vec<i64>>()
    };
    let clamp = |clamp: &Clamp| vec![clamp.min.into(), clamp.max.into()];
    let wide_clamp = |clamp: &WideClamp| vec![clamp.min.into(), clamp.max.into()];
    let factor = |factor: &Factor| vec![factor.multiplier.into(), factor.shift.into()];
    match operator {
        Operator::Conv2d { window: at, clamp: bounds }
        | Operator::TransposeConv2d { window: at, clamp: bounds }
        | Operator::AveragePool2d { window: at, clamp: bounds }
        | Operator::MaxPool2d { window: at, clamp: bounds } => [window(at), clamp(bounds)].concat(),
        Operator::DepthwiseConv2d { window: at, depth_multiplier, clamp: bounds } => {
            [window(at), vec![i64::from(*depth_multiplier)], clamp(bounds)].concat()
        }
        Operator::FullyConnected { clamp: bounds } => clamp(bounds),
        Operator::WideConv2d { window: at, clamp: bounds }
        | Operator::WideAveragePool2d { window: at, clamp: bounds }
        | Operator::WideMaxPool2d { window: at, clamp: bounds } => [window(at), wide_clamp(bounds)].concat(),
        Operator::WideDepthwiseConv2d { window: at, depth_multiplier, clamp: bounds } => {
            [window(at), vec![i64::from(*depth_multiplier)], wide_clamp(bounds)].concat()
        }
        Operator::WideFullyConnected { clamp: bounds } => wide_clamp(bounds),
        Operator::WideAdd { left_shift, inputs: [left, right], output, clamp: bounds } => {
            [vec![i64::from(*left_shift)], factor(left), factor(right), factor(output), wide_clamp(bounds)]
                .concat()
        }
        Operator::Mean { factor: only }
        | Operator::Sum { factor: only }
        | Operator::Requantize { factor: only } => factor(only),
        Operator::ArgMax { last } => vec![i64::from(*last)],
        Operator::BatchMatmul { right_transposed, factor: only } => {
            [vec![i64::from(*right_transposed)], factor(only)].concat()
        }
        Operator::LocalResponseNormalization { before, after, shift, offset } => {
            vec![i64::from(*before), i64::from(*after), i64::from(*shift), *offset as i64]
        }
        Operator::Normalize { centered, shift, offset, gain_bits } => {
            vec![i64::from(*centered), i64::from(*shift), *offset as i64, i64::from(*gain_bits)]
        }
        Operator::Add { left_shift, inputs: [left, right], output, clamp: bounds }
        | Operator::Sub { left_shift, inputs: [left, right], output, clamp: bounds } => {
            [vec![i64::from(*left_shift)], factor(left), factor(right), factor(output), clamp(bounds)]
                .concat()
        }
        Operator::Mul { factor: only, clamp: bounds } | Operator::Div { factor: only, clamp: bounds } => {
            [factor(only), clamp(bounds)].concat()
        }
        Operator::SquaredDifference { left_shift, inputs: [left, right], output } => {
            [vec![i64::from(*left_shift)], factor(left), factor(right), factor(output)].concat()
        }
        Operator::Concatenate { axis } | Operator::Gather { axis } => vec![i64::from(*axis)],
        Operator::Pad { before, after, value } => {
            before.iter().chain(after).map(|&count| count.into()).chain([i64::from(*value)]).collect()
        }
        Operator::Rearrange { start, strides } => {
            [i64::from(*start)].into_iter().chain(strides.iter().map(|&stride| stride.into())).collect()
        }
        Operator::ResizeNearest { align_corners, half_pixel_centers }
        | Operator::ResizeBilinear { align_corners, half_pixel_centers } => {
            vec![i64::from(*align_corners), i64::from(*half_pixel_centers)]
        }
        Operator::Softmax { factor: only, difference_min } => {
            [factor(only), vec![i64::from(*difference_min)]].concat()
        }
        Operator::Prelu { positive, negative } => [factor(positive), factor(negative)].concat(),
        Operator::Reshape
        | Operator::Lookup
        | Operator::Minimum
        | Operator::Maximum
        | Operator::Interpolate => vec![],
        other => panic!("{other:?}"),
    }
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32(bytes))
}

fn list<T: Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    if items.is_empty() { "-".into() } else { items.join(",") }
}
