//! What a model may cost, as `--budget ram=64k,flash=256k` says it.

use std::str::FromStr;

/// Limits of an artefact; what is not given has none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// Bytes of arena, scratch included.
    pub ram_bytes: Option<u64>,
    /// Bytes of the artefact.
    pub flash_bytes: Option<u64>,
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Budget, String> {
        let mut budget = Budget::default();
        for part in text.split(',') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let place = match name.trim() {
                "ram" => &mut budget.ram_bytes,
                "flash" => &mut budget.flash_bytes,
                _ => {
                    return Err(format!("{name:?} is no part of a budget, which is like ram=64k,flash=256k"));
                }
            };
            if place.replace(bytes(value.trim()).map_err(|why| format!("{name}= takes {why}"))?).is_some() {
                return Err(format!("{name}= stands twice"));
            }
        }
        Ok(budget)
    }
}

/// A number of bytes, or of kilobytes of 1,024 with `k`, or of megabytes with `m`.
fn bytes(text: &str) -> Result<u64, String> {
    let units = [('k', 1 << 10), ('K', 1 << 10), ('m', 1 << 20), ('M', 1 << 20)];
    let unit = units.iter().find(|(letter, _)| text.ends_with(*letter));
    let number = unit.and_then(|(letter, _)| text.strip_suffix(*letter)).unwrap_or(text);
    let bytes = number.parse().ok().and_then(|number: u64| number.checked_mul(unit.map_or(1, |unit| unit.1)));
    bytes.ok_or_else(|| "a number of bytes, or of kilobytes or megabytes as in 24k and 1m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        let ram = |bytes| Budget { ram_bytes: Some(bytes), ..Budget::default() };
        assert_eq!(
            ["ram=25600", "ram=24k", "ram=1M"].map(str::parse),
            [25_600, 24_576, 1_048_576].map(|b| Ok(ram(b)))
        );
        let both = Budget { ram_bytes: Some(0), flash_bytes: Some(262_144) };
        assert_eq!("flash=256k, ram=0".parse(), Ok(both));
        for wrong in
            ["", "24k", "ram", "ram=", "ram=k", "ram=-1", "ram=1kk", "ram=18446744073709551615k", "rom=1"]
        {
            assert!(wrong.parse::<Budget>().is_err(), "{wrong}");
        }
        assert_eq!("ram=1,ram=2".parse::<Budget>(), Err("ram= stands twice".to_owned()));
    }
}
