//! What `convert` has to tell: serializable, so that the program prints it for people or as JSON.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::compress::Stored;
use crate::eliminate::Eliminated;
use crate::inspect::Inspection;
use crate::quantize::CalibrationImage;

/// Everything that a user wants to know about a conversion.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the model.
    pub model: String,
    /// The source file, without folders.
    pub source: String,
    /// SHA-256 of the source file, in hexadecimal.
    pub source_sha256: String,
    /// What went otherwise than expected.
    pub warnings: Vec<String>,
    /// What activations were calibrated on; empty for models that came quantized.
    pub calibration: Vec<CalibrationImage>,
    /// How many samples were made of it.
    pub calibration_samples: usize,
    /// How ranges were chosen and whether channels were evened out, where the model came in float.
    pub quantization: Option<String>,
    /// How near every output comes to float, where float exists.
    pub outputs: Vec<OutputQuality>,
    /// Channels that no output depends on, and what went with them.
    pub eliminated: Eliminated,
    /// Layers whose weights are not stored dense.
    pub stored: Vec<Stored>,
    /// What the artefact holds.
    pub artefact: Inspection,
}

/// Quality of an output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputQuality {
    /// Name of the tensor.
    pub name: String,
    /// Signal to noise against float over calibration samples that ranges were not chosen from, where
    /// there are enough, in decibels.
    pub sqnr_db: f64,
}

impl OutputQuality {
    /// What there is to say where decibels say nothing.
    pub fn in_words(&self) -> Option<&'static str> {
        match self.sqnr_db {
            f64::INFINITY => Some("nothing differs from float"),
            ..NO_SIGNAL_DB => {
                Some("the same on every sample in float, so there is nothing to hold noise against")
            }
            _ => None,
        }
    }
}

/// Outputs that have one value on all samples come out far below this.
pub const NO_SIGNAL_DB: f64 = -1000.0;

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
