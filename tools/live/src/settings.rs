//! What a browser may change while the model runs.

use serde::{Deserialize, Serialize};

/// Which boxes count, and whether they are followed. All browsers share them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Least score of a box, from 0 to 1.
    pub score: f32,
    /// Overlap above which two boxes are one object, from 0 to 1.
    pub overlap: f32,
    /// Whether boxes are followed from frame to frame.
    pub tracking: bool,
}

impl Settings {
    /// Reads what a browser sent; the message is for it.
    pub(crate) fn parse(json: &[u8]) -> Result<Settings, String> {
        let settings: Settings = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        for (name, value) in [("score", settings.score), ("overlap", settings.overlap)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("`{name}` is {value}; it must be 0 to 1"));
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let read = |text: &str| Settings::parse(text.as_bytes());
        let good = Settings { score: 0.5, overlap: 1.0, tracking: true };
        assert_eq!(read(r#"{"score":0.5,"overlap":1,"tracking":true}"#), Ok(good));
        for (text, word) in [
            (r#"{"score":1.5,"overlap":1,"tracking":true}"#, "`score` is 1.5"),
            (r#"{"score":1e999,"overlap":1,"tracking":true}"#, "out of range"),
            (r#"{"score":0.5,"overlap":1,"traking":true}"#, "traking"),
            (r#"{"score":0.5}"#, "missing field"),
            ("", "EOF"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
