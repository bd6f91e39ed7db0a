//! What a model may cost, as `--budget ram=64k,flash=256k,drop=1` says it.

use std::str::FromStr;

/// Limits of an artefact; what is not given has none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// Bytes of arena, scratch included.
    pub ram_bytes: Option<u64>,
    /// Bytes of the artefact.
    pub flash_bytes: Option<u64>,
    /// Noise of an output, in percent of its signal's power.
    pub drop_percent: Option<f64>,
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Budget, String> {
        let mut budget = Budget::default();
        for part in text.split(',') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let is_new = match name.trim() {
                "ram" => budget.ram_bytes.replace(bytes(value)?).is_none(),
                "flash" => budget.flash_bytes.replace(bytes(value)?).is_none(),
                "drop" => budget.drop_percent.replace(percent(value)?).is_none(),
                _ => return Err(format!("{name:?} is no part of a budget, which is like {EXAMPLE}")),
            };
            if !is_new {
                return Err(format!("{name}= stands twice"));
            }
        }
        Ok(budget)
    }
}

const EXAMPLE: &str = "ram=64k,flash=256k,drop=1";

/// A number of bytes, or of kilobytes of 1,024 with `k`, or of megabytes with `m`.
fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let units = [('k', 1 << 10), ('K', 1 << 10), ('m', 1 << 20), ('M', 1 << 20)];
    let unit = units.iter().find_map(|&(letter, unit)| Some((text.strip_suffix(letter)?, unit)));
    let (number, unit) = unit.unwrap_or((text, 1));
    let bytes = number.parse().ok().and_then(|number: u64| number.checked_mul(unit));
    bytes.ok_or_else(|| format!("{text:?} is no number of bytes, kilobytes or megabytes, as in {EXAMPLE}"))
}

/// A number above 0 and up to 100.
fn percent(text: &str) -> Result<f64, String> {
    let percent = text.trim().parse().ok().filter(|&percent: &f64| percent > 0.0 && percent <= 100.0);
    percent.ok_or_else(|| format!("{text:?} is no number of percent above 0, as in {EXAMPLE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        let ram = |bytes| Ok(Budget { ram_bytes: Some(bytes), ..Budget::default() });
        let read = ["ram=25600", "ram=24k", "ram=1M"].map(str::parse);
        assert_eq!(read, [ram(25_600), ram(24_576), ram(1_048_576)]);
        let all = Budget { ram_bytes: Some(0), flash_bytes: Some(262_144), drop_percent: Some(0.5) };
        assert_eq!("flash=256k, ram=0,drop=0.5".parse(), Ok(all));
        for wrong in ["", "24k", "ram", "ram=", "ram=k", "ram=-1", "ram=1kk", "ram=18446744073709551615k"] {
            assert!(wrong.parse::<Budget>().is_err(), "{wrong}");
        }
        for wrong in ["rom=1", "drop=", "drop=0", "drop=101", "drop=NaN", "drop=1k"] {
            assert!(wrong.parse::<Budget>().is_err(), "{wrong}");
        }
        assert_eq!("ram=1,ram=2".parse::<Budget>(), Err("ram= stands twice".to_owned()));
    }
}
