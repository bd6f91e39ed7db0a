//! Pictures that a model was calibrated on are no test of it.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::{DataError, DataSet};

/// Names of the samples whose files have one of these hashes, SHA-256 in hexadecimal.
///
/// # Errors
/// [`DataError`] for a picture that cannot be read.
pub fn overlapping<'s>(set: &'s DataSet, hashes: &BTreeSet<&str>) -> Result<Vec<&'s str>, DataError> {
    let mut found = Vec::new();
    if hashes.is_empty() {
        return Ok(found);
    }
    for sample in &set.samples {
        let Some(path) = sample.file() else { continue };
        let bytes = std::fs::read(path).map_err(|error| DataError::in_file(path, error))?;
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if hashes.contains(hash.as_str()) {
            found.push(sample.name.as_str());
        }
    }
    Ok(found)
}
