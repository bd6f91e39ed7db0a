//! Why a case of an operator that is accepted need not hold: what neither import nor the device can express.

use crate::case::Case;

/// When it applies, to a case and the message of its failure, and the reason in words.
type Excuse = (fn(&Case, &str) -> bool, &'static str);

static EXCUSES: &[Excuse] = &[
    (|_, message| message.contains("not computed by any node"), "nothing to compute: the output is an input"),
    (|_, message| message.contains("hold nothing but the value"), "one value alone cannot calibrate"),
    (|_, message| message.contains("Unknown DatumType"), "a type that tract does not know"),
    (|_, message| message.contains("Celu: an alpha other than 1"), "Celu with an alpha, which tract forgets"),
    (
        |case, message| case.name.ends_with("_expanded") && message.contains("steps from"),
        "a chain of operators, each of which rounds once",
    ),
    (
        |case, message| case.name.starts_with("test_layer_norm") && message.contains("output 2 at"),
        "the inverse deviation as a third result, a chain of operators",
    ),
    (|_, message| message.contains("an exponent that is not one"), "exponents that differ"),
    (|_, message| message.contains("indices of the maxima"), "indices of maxima as a second result"),
    (|case, _| case.has_attribute("training_mode", "1"), "training mode"),
    (|case, _| case.has_attribute("mode", "cubic"), "cubic interpolation"),
    (
        |case, message| case.rank() > 4 && message.contains("images [N, C, H, W]"),
        "images of three dimensions",
    ),
];

/// The excuse for a message, if there is one.
pub fn find(case: &Case, message: &str) -> Option<&'static str> {
    EXCUSES.iter().find(|(applies, _)| applies(case, message)).map(|&(_, reason)| reason)
}
