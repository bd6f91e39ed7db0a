//! Where an artefact comes from: pairs of key and value that `convert` writes, and what `eval` reads back.
//!
//! Calibration files are recorded by hash, so that a picture is known again under another name and no
//! accuracy is measured on what the model was calibrated on.

use std::collections::BTreeSet;

use ocelli_format::Artefact;

use crate::quantize::CalibrationImage;

/// Key of the hashes of all calibration files, separated by spaces, in the order of their names.
const CALIBRATION_SHA256: &str = "calibration_sha256";

/// The pairs for a model file and what it was calibrated on.
pub(crate) fn pairs(
    source: &str,
    source_sha256: &str,
    calibration: &[CalibrationImage],
    samples: usize,
) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("source".to_string(), source.to_string()),
        ("source_sha256".to_string(), source_sha256.to_string()),
        ("tool".to_string(), format!("ocelli {}", env!("CARGO_PKG_VERSION"))),
    ];
    if samples > 0 {
        let join = |texts: Vec<&str>, separator| texts.join(separator);
        let names = join(calibration.iter().map(|image| image.name.as_str()).collect(), ", ");
        let hashes = join(calibration.iter().map(|image| image.sha256.as_str()).collect(), " ");
        pairs.push(("calibration".to_string(), format!("{samples} samples of {names}")));
        pairs.push((CALIBRATION_SHA256.to_string(), hashes));
    }
    pairs
}

/// SHA-256, in hexadecimal, of every file that an artefact was calibrated on; empty for one that came
/// quantized, and for one that was stripped.
pub fn calibration_hashes<'a>(artefact: &Artefact<'a>) -> BTreeSet<&'a str> {
    let recorded = artefact.provenance().filter(|(key, _)| *key == CALIBRATION_SHA256);
    recorded.flat_map(|(_, hashes)| hashes.split_whitespace()).collect()
}
