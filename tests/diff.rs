//! A changed weight is found by the name of its layer: in a network quantized from float, in one that came
//! quantized, and in BlazeFace where the zoo has it. Artefacts as converted show no fault at all.

use std::path::{Path, PathBuf};

use ocelli_compiler::convert::{Conversion, Options, convert};
use ocelli_compiler::diff::{Difference, Source, diff};
use ocelli_compiler::export::tflite;
use ocelli_compiler::fold::fold;
use ocelli_compiler::graph::{Data, Op};
use ocelli_compiler::import::import;
use ocelli_format::model::{Element, Model};
use ocelli_format::{AlignedBytes, Artefact, SeedStream, write};
use ocelli_zoo::{Cache, Catalogue, Source as From, fetch};

/// The sample models of the compiler's own tests.
fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/compiler/tests/golden/models").join(name)
}

/// A folder with pictures of noise, shapes and ramps, and a contract that sees them in colour.
struct Pictures(PathBuf);

impl Pictures {
    fn new(name: &str) -> Pictures {
        let folder = std::env::temp_dir().join(format!("ocelli-diff-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for picture in 0..12u32 {
            let pixel = |index: u32| {
                let (x, y, channel) = (index / 3 % 48, index / 144, index % 3);
                let inside = (x + 5 * picture) % 31 < 14 && (y * (picture + 1)) % 37 < 20;
                let noise = (index + picture * 7919).wrapping_mul(2_654_435_761) >> 26;
                (if inside { 150 + 30 * channel } else { 2 * x + y }).min(190) + noise
            };
            let bytes = [b"P6 48 48 255\n".to_vec(), (0..48 * 48 * 3).map(|at| pixel(at) as u8).collect()];
            std::fs::write(folder.join(format!("{picture}.ppm")), bytes.concat()).unwrap();
        }
        let contract =
            "[input]\nlayout = \"rgb\"\nresize = \"stretch\"\nmean = [127.5]\ndeviation = [127.5]\n";
        std::fs::write(folder.join("contract.toml"), contract).unwrap();
        Pictures(folder)
    }

    fn options(&self) -> Options {
        Options {
            calibration: vec![self.0.clone()],
            contract: Some(self.0.join("contract.toml")),
            ..Options::default()
        }
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A comparison on pseudo-random inputs.
fn compare(source: &Source, model: &Model) -> Difference {
    let bytes = AlignedBytes::copy_of(&write(model).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut stream = SeedStream::new(77, 0);
    let sizes = artefact.inputs().iter().map(|&id| artefact.tensor(id).bytes());
    let inputs: Vec<Vec<i8>> = sizes.map(|size| stream.by_ref().take(size).collect()).collect();
    diff(source, &artefact, &inputs).unwrap()
}

/// Layers with weights, and the tensor that holds these.
fn weighted(model: &Model) -> Vec<(String, usize)> {
    let of = |node: &ocelli_format::model::Node| {
        let &[_, weights, _, _, _] = &node.inputs[..] else { return None };
        (model.tensors[usize::from(weights)].element == Element::I8)
            .then(|| (node.name.clone(), usize::from(weights)))
    };
    model.operators.iter().filter_map(of).collect()
}

/// Changes one weight of every layer, a layer at a time; the comparison must name that layer.
fn every_layer_is_named(source: &Source, model: &Model, change: i8) {
    let layers = weighted(model);
    assert!(!layers.is_empty());
    for (round, (name, weights)) in layers.iter().enumerate() {
        let mut planted = model.clone();
        let data = planted.tensors[*weights].data.as_mut().unwrap();
        let position = (round * 7919 + 13) % data.len();
        data[position] = (data[position] as i8).wrapping_add(change) as u8;
        let difference = compare(source, &planted);
        let first = difference.first.map(|index| &difference.layers[index]);
        let first = first.unwrap_or_else(|| panic!("weight {position} of {name}: no fault found"));
        assert_eq!(first.name, *name, "weight {position}");
        let constant = first.fault.as_ref().unwrap().constant.as_ref().unwrap();
        assert_eq!((constant.position, constant.count), (position, 1), "{name}: {constant:?}");
    }
    println!("{} of {} layers named", layers.len(), layers.len());
}

fn no_fault(difference: &Difference) {
    let faults: Vec<_> = difference.layers.iter().filter(|layer| layer.fault.is_some()).collect();
    assert!(faults.is_empty() && difference.first.is_none(), "{faults:?}");
    let unmatched: Vec<_> = difference.layers.iter().filter(|layer| layer.unmatched.is_some()).collect();
    assert!(unmatched.is_empty(), "{unmatched:?}");
}

#[test]
fn a_changed_weight_is_found_in_networks_quantized_from_float() {
    for name in ["mobilenet_like.onnx", "resnet_like.onnx"] {
        let pictures = Pictures::new(name);
        let conversion = convert(&sample(name), &pictures.options()).unwrap();
        let source = Source::open(&sample(name), None).unwrap();
        assert!(!source.is_exact());
        let difference = compare(&source, &conversion.model);
        no_fault(&difference);
        let worst = difference.layers.iter().filter_map(|layer| layer.own_over_rounding).fold(0.0, f64::max);
        println!("{name}: own errors up to {worst:.2} of what rounding explains");
        every_layer_is_named(&source, &conversion.model, 64);
    }
}

#[test]
fn layers_that_lost_channels_are_compared_on_those_that_stay() {
    let pictures = Pictures::new("lost");
    let mut graph = import(&sample("mobilenet_like.onnx")).unwrap();
    fold(&mut graph);
    // Every third channel of every convolution is the same whatever comes in: 0, or its bias.
    let layers: Vec<Vec<usize>> = graph
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Conv2d { .. }))
        .map(|node| node.inputs[1..].to_vec())
        .collect();
    for id in layers.into_iter().flatten() {
        let tensor = &mut graph.tensors[id];
        let Some(Data::F32(values)) = &mut tensor.data else { continue };
        let length = values.len() / tensor.shape[0];
        for (index, channel) in values.chunks_exact_mut(length).skip(1).step_by(3).enumerate() {
            channel.fill(if length == 1 && index % 2 == 1 { 0.3 } else { 0.0 });
        }
    }
    let path = pictures.0.join("pruned.tflite");
    std::fs::write(&path, tflite(&graph).unwrap()).unwrap();
    let conversion = convert(&path, &pictures.options()).unwrap();
    assert!(conversion.report.eliminated.channels >= 6, "{}", conversion.report.eliminated);
    let source = Source::open(&path, None).unwrap();
    no_fault(&compare(&source, &conversion.model));
    every_layer_is_named(&source, &conversion.model, 64);

    // Without its provenance nothing says which channels these are.
    let mut stripped = conversion.model;
    stripped.provenance.clear();
    let unmatched = compare(&source, &stripped).layers.into_iter().find_map(|layer| layer.unmatched);
    assert!(unmatched.is_some_and(|why| why.contains("--keep-dead-channels")));
}

#[test]
fn the_smallest_change_is_found_in_models_that_came_quantized() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let single = ["conv_3x3_same", "depthwise_3x3_same", "fully_connected"];
    let mut models: Vec<PathBuf> =
        single.iter().map(|name| root.join(format!("golden/models/{name}.tflite"))).collect();
    let shared = ["pretrainedResnet_quant", "vww_96_int8"];
    models.extend(shared.map(|name| root.join(format!("../../shared/models/mlperf_tiny/{name}.tflite"))));
    for path in models {
        if !path.exists() {
            println!("skipped: {} is not there", path.display());
            continue;
        }
        let Conversion { model, .. } = convert(&path, &Options::default()).unwrap();
        let source = Source::open(&path, None).unwrap();
        assert!(source.is_exact());
        no_fault(&compare(&source, &model));
        every_layer_is_named(&source, &model, 1);
    }
}

#[test]
fn a_changed_bias_shows_in_the_numbers_of_its_layer() {
    let pictures = Pictures::new("bias");
    let path = sample("resnet_like.onnx");
    let mut model = convert(&path, &pictures.options()).unwrap().model;
    let source = Source::open(&path, None).unwrap();
    let layer = model.operators.iter().filter(|node| node.inputs.len() == 5).nth(2).unwrap().clone();
    // One channel's bias moved by twenty steps of the output.
    let multiplier = model.tensors[usize::from(layer.inputs[3])].data.as_ref().unwrap();
    let shift = model.tensors[usize::from(layer.inputs[4])].data.as_ref().unwrap()[0] as i8;
    let multiplier = i32::from_le_bytes([multiplier[0], multiplier[1], multiplier[2], multiplier[3]]);
    let step = 1.0 / (f64::from(multiplier) * 2f64.powi(i32::from(shift) - 31));
    let bias = model.tensors[usize::from(layer.inputs[2])].data.as_mut().unwrap();
    let moved = i32::from_le_bytes([bias[0], bias[1], bias[2], bias[3]]) + (20.0 * step) as i32;
    bias[..4].copy_from_slice(&moved.to_le_bytes());
    let difference = compare(&source, &model);
    let first = &difference.layers[difference.first.unwrap()];
    assert_eq!(first.name, layer.name);
    let numbers = first.fault.as_ref().unwrap().numbers.as_ref().unwrap();
    assert!(numbers.channel == 0 && numbers.steps > 10.0, "{numbers:?}");
}

#[test]
fn another_model_is_no_source() {
    let pictures = Pictures::new("other");
    let model = convert(&sample("resnet_like.onnx"), &pictures.options()).unwrap().model;
    let bytes = AlignedBytes::copy_of(&write(&model).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let source = Source::open(&sample("classifier.tflite"), None).unwrap();
    let error = diff(&source, &artefact, &[vec![0; 3]]).unwrap_err().to_string();
    assert!(error.contains("classifier.tflite"), "{error}");
}

#[test]
fn a_changed_weight_is_found_in_the_middle_of_blazeface() {
    let (catalogue, cache) = (Catalogue::built_in().unwrap(), Cache::of_user().unwrap());
    let files = |name: &str| fetch(&catalogue, &cache, name, From::PackageManager, |_| {});
    let (Ok(model), Ok(calibration)) = (files("blazeface"), files("photographs")) else {
        assert!(std::env::var_os("CI").is_none(), "the zoo is not reachable");
        return println!("skipped: the zoo is not reachable");
    };
    let options = Options { calibration, ..Options::default() };
    let conversion = convert(&model[0], &options).unwrap();
    let source = Source::open(&model[0], None).unwrap();
    no_fault(&compare(&source, &conversion.model));
    let layers = weighted(&conversion.model);
    let (name, weights) = &layers[layers.len() / 2];
    let mut planted = conversion.model.clone();
    let data = planted.tensors[*weights].data.as_mut().unwrap();
    data[100] = (data[100] as i8).wrapping_add(64) as u8;
    let difference = compare(&source, &planted);
    let first = &difference.layers[difference.first.unwrap()];
    assert_eq!(first.name, *name);
    println!("{name}: {:?}", first.fault);
}
