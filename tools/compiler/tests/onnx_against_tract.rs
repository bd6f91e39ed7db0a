//! An imported ONNX file against tract's own run of it.

use std::path::{Path, PathBuf};

use ocelli_compiler::check::check;
use ocelli_compiler::fold::fold;
use ocelli_compiler::graph::{Graph, Op};
use ocelli_compiler::import::{ImportError, Problem, import};
use ocelli_compiler::oracle::Oracle;
use tract_onnx::prelude::*;

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models").join(file)
}

/// A ramp with some wobble, different at every position.
fn image(count: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 37 % 251) as f32 - 125.0) / 125.0).collect()
}

/// tract's outputs for one image, as tract orders them.
fn reference(path: &Path, shape: &[usize], values: &[f32]) -> TractResult<Vec<Tensor>> {
    let fact = InferenceFact::dt_shape(f32::datum_type(), shape);
    let onnx = tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
    let model = onnx.model_for_path(path)?.with_input_fact(0, fact)?.into_optimized()?;
    let outputs = model.into_runnable()?.run(tvec!(Tensor::from_shape(shape, values)?.into()))?;
    Ok(outputs.into_iter().map(|output| output.into_tensor()).collect())
}

/// `[N, C, H, W]` as `[N, H, W, C]`; anything else stays.
fn channels_last(tensor: &Tensor) -> TractResult<Vec<f32>> {
    let tensor =
        if tensor.rank() == 4 { tensor.clone().permute_axes(&[0, 2, 3, 1])? } else { tensor.clone() };
    Ok(tensor.to_plain_array_view::<f32>()?.iter().copied().collect())
}

fn compare(path: &Path, shape: [usize; 4]) -> TractResult<Graph> {
    let mut graph = import(path).unwrap_or_else(|error| panic!("{error}"));
    fold(&mut graph);
    check(&graph).unwrap();
    let values = image(shape.iter().product());
    let wanted = reference(path, &shape, &values)?;
    let input = channels_last(&Tensor::from_shape(&shape, &values)?)?;
    let found = Oracle::new(&graph)?.run(&[input])?;
    assert_eq!(found.len(), wanted.len());
    for (index, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
        let wanted = channels_last(wanted)?;
        assert_eq!(found.len(), wanted.len());
        let worst = found
            .iter()
            .zip(&wanted)
            .map(|(found, wanted)| (found - wanted).abs() / wanted.abs().max(1.0))
            .fold(0.0, f32::max);
        println!("{} output {index}: largest difference {worst:e}", path.display());
        assert!(worst <= 1e-4, "{} output {index}: {worst:e}", path.display());
    }
    Ok(graph)
}

#[test]
fn fixtures_equal_tract() -> TractResult<()> {
    compare(&fixture("mobilenet_like.onnx"), [1, 3, 17, 15])?;
    compare(&fixture("resnet_like.onnx"), [1, 3, 16, 12])?;
    compare(&fixture("detector_like.onnx"), [1, 4, 10, 8])?;
    compare(&fixture("nin_like.onnx"), [1, 3, 17, 16])?;
    compare(&fixture("element_wise.onnx"), [1, 4, 6, 5])?;
    Ok(())
}

#[test]
fn batch_norm_and_clips_vanish_into_convolutions() {
    let mut graph = import(&fixture("mobilenet_like.onnx")).unwrap();
    fold(&mut graph);
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.op.name()).collect();
    let mut expected = vec!["Conv2d"];
    expected.extend(["DepthwiseConv2d", "Conv2d"].repeat(2));
    expected.extend(["Mean", "Reshape", "FullyConnected", "Softmax"]);
    assert_eq!(names, expected);
    assert!(graph.warnings.iter().any(|warning| warning.contains("batch")), "{:?}", graph.warnings);
}

#[test]
fn every_unsupported_node_is_named() {
    let error = import(&fixture("unsupported.onnx")).unwrap_err();
    let ImportError::Nodes { nodes, .. } = &error else { panic!("{error}") };
    let named: Vec<&str> = nodes.iter().map(|node| &*node.operator).collect();
    assert_eq!(named, ["CumSum"]);
    assert!(nodes.iter().all(|node| node.problem == Problem::Operator), "{nodes:?}");
    let text = error.to_string();
    assert!(text.contains("cumsum1") && text.contains("supported operators:"), "{text}");
}

/// A whole published network with generated weights, when the Python package `onnx` is at hand.
#[test]
fn squeezenet_imports_whole() -> TractResult<()> {
    let Some(folder) = std::env::var_os("OCELLI_ONNX_LIGHT") else {
        eprintln!("skipped: OCELLI_ONNX_LIGHT names no folder");
        return Ok(());
    };
    let path = PathBuf::from(folder).join("light_squeezenet.onnx");
    let graph = compare(&path, [1, 3, 224, 224])?;
    assert!(graph.nodes.iter().filter(|node| matches!(node.op, Op::Conv2d { .. })).count() == 26);
    Ok(())
}

/// The other networks that come with it, whose weights mean nothing: every operator has a form.
#[test]
fn light_networks_import_whole() {
    let Some(folder) = std::env::var_os("OCELLI_ONNX_LIGHT") else {
        eprintln!("skipped: OCELLI_ONNX_LIGHT names no folder");
        return;
    };
    let mut refused = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".onnx") {
            continue;
        }
        match import(&path) {
            Ok(mut graph) => {
                fold(&mut graph);
                check(&graph).unwrap_or_else(|error| panic!("{name}: {error}"));
                println!("{name}: {} nodes", graph.nodes.len());
            }
            Err(error) => refused.push(format!("{name}: {error}")),
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
