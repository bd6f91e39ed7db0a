//! Where an artefact comes from: pairs of key and value that `convert` writes, and what `eval` reads back.
//!
//! Calibration files are recorded by hash, so that a picture is known again under another name and no
//! accuracy is measured on what the model was calibrated on. Where dead channels of a float model went, those that stayed
//! are recorded, so that `diff` finds them in the source.

use std::collections::BTreeSet;

use ocelli_format::Artefact;

use crate::lower::KeptChannels;
use crate::quantize::CalibrationImage;

/// Key of the hashes of all calibration files, separated by spaces, in the order of their names.
const CALIBRATION_SHA256: &str = "calibration_sha256";

/// Key of the channels that stayed, tensor by tensor: `name = 0-3 7`.
const KEPT_CHANNELS: &str = "kept_channels";

/// Between tensors.
const SEPARATOR: &str = "; ";

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

/// The pair that tells which channels stayed of tensors that lost some; none where none lost any. A source that came
/// quantized tells by being converted anew.
pub(crate) fn kept_channels(kept: &KeptChannels) -> Option<(String, String)> {
    let entry = |(name, channels): (&String, &Vec<usize>)| {
        let runs = channels.chunk_by(|one, next| one + 1 == *next);
        let runs = runs.map(|run| match run {
            [one] => one.to_string(),
            run => format!("{}-{}", run[0], run[run.len() - 1]),
        });
        format!("{name} = {}", runs.collect::<Vec<_>>().join(" "))
    };
    let entries: Vec<String> = kept.iter().map(entry).collect();
    (!entries.is_empty()).then(|| (KEPT_CHANNELS.to_string(), entries.join(SEPARATOR)))
}

/// What [`kept_channels`] wrote; nothing of entries that are none.
pub(crate) fn read_kept_channels(pairs: &[(String, String)]) -> KeptChannels {
    let entry = |entry: &str| -> Option<(String, Vec<usize>)> {
        let (name, runs) = entry.rsplit_once(" = ")?;
        let mut channels = Vec::new();
        for run in runs.split(' ') {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
            channels.extend(usize::from(first)..=usize::from(last));
        }
        channels.is_sorted_by(|one, next| one < next).then(|| (name.to_string(), channels))
    };
    let found = pairs.iter().filter(|(key, _)| key == KEPT_CHANNELS);
    found.flat_map(|(_, value)| value.split(SEPARATOR)).filter_map(entry).collect()
}

/// SHA-256, in hexadecimal, of every file that an artefact was calibrated on; empty for one that came
/// quantized, and for one that was stripped.
pub fn calibration_hashes<'a>(artefact: &Artefact<'a>) -> BTreeSet<&'a str> {
    let recorded = artefact.provenance().filter(|(key, _)| *key == CALIBRATION_SHA256);
    recorded.flat_map(|(_, hashes)| hashes.split_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_channels_are_read_as_they_were_written() {
        let kept = KeptChannels::from([
            ("block/Relu;block/bias".to_string(), vec![0, 1, 2, 5, 9, 10]),
            ("a = b".to_string(), vec![3]),
        ]);
        let pair = kept_channels(&kept).unwrap();
        assert_eq!(pair.1, "a = b = 3; block/Relu;block/bias = 0-2 5 9-10");
        assert_eq!(read_kept_channels(&[("tool".into(), "x = 1".into()), pair]), kept);
        assert_eq!(kept_channels(&KeptChannels::new()), None);
    }

    #[test]
    fn what_is_no_list_of_channels_is_passed_over() {
        for value in ["", "x", "x = ", "x = 3-", "x = 4 3", "x = 1 1", "x = 99999999", "x = -1"] {
            let found = read_kept_channels(&[(KEPT_CHANNELS.into(), format!("y = 1-2; {value}"))]);
            assert_eq!(found.into_iter().collect::<Vec<_>>(), [("y".to_string(), vec![1, 2])], "{value}");
        }
    }
}
