//! The whole verb on the real models beside the repository: artefacts that run and reports that say what
//! happened; and mistakes of every kind, each with an error that says what to do.

use std::path::{Path, PathBuf};

use ocelli_compiler::contract::Contract;
use ocelli_compiler::convert::{Conversion, ConvertError, Options, convert};
use ocelli_compiler::execute::Executor;
use ocelli_compiler::provenance::calibration_hashes;
use ocelli_format::model::OutputContract;
use ocelli_format::{AlignedBytes, Artefact};

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn converted(path: &Path) -> Conversion {
    // As the source counts: `eliminate.rs` looks at what is removed.
    let options = Options { keep_dead_channels: true, ..Options::default() };
    convert(path, &options).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn probability(conversion: &Conversion, stored: i8) -> u16 {
    let OutputContract::Classes { scores, .. } = &conversion.model.output_contracts[0] else {
        panic!("no classes")
    };
    scores[(i32::from(stored) + 128) as usize]
}

#[test]
fn a_person_is_told_from_none() {
    let Some(path) = shared("models/tflm/person_detect.tflite") else { return };
    let conversion = converted(&path);
    assert!(conversion.report.warnings.iter().any(|warning| warning.contains("quantized_dimension")));
    assert_eq!(conversion.report.artefact.macs, 7_157_888);
    let table = &conversion.model.input_contracts[0].tables;
    assert_eq!((table.len(), table[0][0], table[0][255]), (1, -128, 127));
    // TFLite Micro's scores of its two pictures; their pixels are int8 bit patterns, bottom row first.
    for (picture, expected) in [("person.bmp", [-113, 113]), ("no_person.bmp", [57, -57])] {
        let Some(picture) = shared(&format!("models/tflm/{picture}")) else { return };
        let bytes = std::fs::read(picture).unwrap();
        let start = u32::from_le_bytes([bytes[10], bytes[11], bytes[12], bytes[13]]) as usize;
        let rows: Vec<&[u8]> = bytes[start..start + 96 * 96].chunks(96).collect();
        let input = rows.iter().rev().flat_map(|row| row.iter().map(|&pixel| pixel as i8)).collect();
        let outputs = Executor::new(&conversion.model).unwrap().run(&[input]).unwrap();
        assert_eq!(outputs, [expected]);
    }
    assert_eq!((probability(&conversion, -128), probability(&conversion, 0)), (0, 32_768));
}

#[test]
fn reports_count_what_the_peers_count() {
    for (model, macs) in [
        ("mlperf_tiny/pretrainedResnet_quant.tflite", 12_501_632),
        ("mlperf_tiny/vww_96_int8.tflite", 7_489_664),
        ("mlperf_tiny/kws_ref_model.tflite", 2_656_768),
        ("mlperf_tiny/ad01_int8.tflite", 264_192),
    ] {
        let Some(path) = shared(&format!("models/{model}")) else { return };
        let conversion = converted(&path);
        assert_eq!(conversion.report.artefact.macs, macs, "{model}");
        assert!(conversion.report.calibration.is_empty());
        assert_eq!(conversion.report.artefact.artefact_bytes, conversion.bytes.len() as u64);
        assert_eq!(conversion.report.artefact.layers.len(), conversion.model.operators.len());
        let self_test = conversion.model.self_test.unwrap();
        let mut executor = Executor::from_bytes(model, &conversion.bytes).unwrap();
        assert_eq!(executor.output_crc32(self_test.seed, self_test.shift).unwrap(), self_test.output_crc32);
    }
}

#[test]
fn float_models_want_a_contract_and_pictures() {
    let Some(path) = shared("models/mlperf_tiny/vww_96_float.tflite") else { return };
    let folder = std::env::temp_dir().join(format!("ocelli-convert-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // A name that no contract is known for.
    let unnamed = folder.join("somebody_elses.tflite");
    std::fs::copy(&path, &unnamed).unwrap();
    let error = convert(&unnamed, &Options::default()).unwrap_err();
    assert!(matches!(error, ConvertError::NoInput { .. }));
    assert!(error.to_string().contains("--calibration"), "{error}");
    let picture = |name: &str, pixel: fn(u32) -> u32| {
        let pixels: Vec<u8> = (0..64 * 64 * 3).map(|index| pixel(index) as u8).collect();
        let bytes = [b"P6 64 64 255\n".to_vec(), pixels].concat();
        std::fs::write(folder.join(name), bytes).unwrap();
    };
    picture("flat.ppm", |_| 77);
    let mut options = Options { calibration: vec![folder.clone()], ..Options::default() };
    let contract = folder.join("contract.toml");
    let text = "[input]\nlayout = \"rgb\"\nresize = \"stretch\"\nmean = [0.0]\ndeviation = [255.0]\n";
    std::fs::write(&contract, text).unwrap();
    options.contract = Some(contract.clone());
    let error = convert(&path, &options).unwrap_err();
    assert!(error.to_string().contains("nothing but the value"), "{error}");
    picture("noise.ppm", |index| index.wrapping_mul(2_654_435_761) >> 13);
    picture("stripes.ppm", |index| index / 96 % 2 * 255);
    let conversion = convert(&path, &options).unwrap();
    let names: Vec<&str> = conversion.report.calibration.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(names, ["flat.ppm", "noise.ppm", "stripes.ppm"]);
    assert!(conversion.report.calibration.iter().all(|image| image.sha256.len() == 64));
    let aligned = AlignedBytes::copy_of(&conversion.bytes);
    let artefact = Artefact::parse(&aligned).unwrap();
    let recorded = calibration_hashes(&artefact);
    assert_eq!(recorded.len(), 3);
    assert!(conversion.report.calibration.iter().all(|image| recorded.contains(image.sha256.as_str())));
    assert!(conversion.report.outputs[0].sqnr_db > 10.0, "{:?}", conversion.report.outputs);
    std::fs::write(&contract, text.replace("rgb", "gray")).unwrap();
    assert!(matches!(convert(&path, &options), Err(ConvertError::InputShape { .. })));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn contracts_that_do_not_fit_are_refused() {
    let Some(path) = shared("models/tflm/person_detect.tflite") else { return };
    let folder = std::env::temp_dir().join(format!("ocelli-misfit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let contract = folder.join("three.toml");
    std::fs::write(&contract, "[classes]\nlabels = [\"a\", \"b\", \"c\"]\n").unwrap();
    assert!(Contract::open(&contract).is_ok());
    let options = Options { contract: Some(contract), ..Options::default() };
    let error = convert(&path, &options).unwrap_err().to_string();
    assert!(error.contains("3 labels for 2 classes"), "{error}");
    let missing = Options { contract: Some(folder.join("none.toml")), ..Options::default() };
    assert!(matches!(convert(&path, &missing), Err(ConvertError::Contract(_))));
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(matches!(convert(Path::new("no/such.tflite"), &options), Err(ConvertError::Read { .. })));
}
