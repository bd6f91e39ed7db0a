//! The options of custom operators: a FlexBuffers map from names to numbers.
//!
//! Everything in such a buffer stands before what names it, at a distance in bytes, and the root stands last. Each
//! step checks that it stays inside, so foreign bytes give `None` at worst.

/// Types of values, as the format numbers them; behind an indirect one stands a distance.
const INT: u8 = 1;
const UINT: u8 = 2;
const FLOAT: u8 = 3;
const INDIRECT_INT: u8 = 6;
const INDIRECT_UINT: u8 = 7;
const INDIRECT_FLOAT: u8 = 8;
const MAP: u8 = 9;
const BOOL: u8 = 26;

/// Name and value of every number of the map that the bytes hold; `None` where they hold no map.
pub(super) fn numbers(bytes: &[u8]) -> Option<Vec<(&str, f64)>> {
    let [body @ .., packed, root_width] = bytes else { return None };
    let root = body.len().checked_sub(usize::from(*root_width))?;
    let (kind, width) = unpack(*packed);
    if kind != MAP {
        return None;
    }
    let values = back(body, root, usize::from(*root_width))?;
    let field = |before: usize| values.checked_sub(before * width);
    let count = usize::try_from(unsigned(body, field(1)?, width)?).ok()?;
    let keys_width = usize::try_from(unsigned(body, field(2)?, width)?).ok()?;
    let keys = back(body, field(3)?, width)?;
    let types = body.get(values.checked_add(count.checked_mul(width)?)?..)?.get(..count)?;
    let mut found = Vec::new();
    for (index, &packed) in types.iter().enumerate() {
        let name = body.get(back(body, keys.checked_add(index.checked_mul(keys_width)?)?, keys_width)?..)?;
        let name = std::str::from_utf8(name.split(|&byte| byte == 0).next()?).ok()?;
        if let Some(value) = number(body, values + index * width, width, packed) {
            found.push((name, value));
        }
    }
    Some(found)
}

/// A number whose slot stands at `place`.
fn number(body: &[u8], place: usize, width: usize, packed: u8) -> Option<f64> {
    let (kind, own_width) = unpack(packed);
    let indirect = || back(body, place, width);
    match kind {
        INT => signed(body, place, width),
        UINT | BOOL => Some(unsigned(body, place, width)? as f64),
        FLOAT => float(body, place, width),
        INDIRECT_INT => signed(body, indirect()?, own_width),
        INDIRECT_UINT => Some(unsigned(body, indirect()?, own_width)? as f64),
        INDIRECT_FLOAT => float(body, indirect()?, own_width),
        _ => None,
    }
}

/// A type, and the bytes of what it is the type of.
fn unpack(packed: u8) -> (u8, usize) {
    (packed >> 2, 1 << (packed & 3))
}

/// Where the distance at `place` leads.
fn back(body: &[u8], place: usize, width: usize) -> Option<usize> {
    place.checked_sub(usize::try_from(unsigned(body, place, width)?).ok()?)
}

fn unsigned(body: &[u8], place: usize, width: usize) -> Option<u64> {
    let bytes = body.get(place..place.checked_add(width)?)?;
    matches!(width, 1 | 2 | 4 | 8)
        .then(|| bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

fn signed(body: &[u8], place: usize, width: usize) -> Option<f64> {
    let unused = 64 - 8 * width as u32;
    Some(((unsigned(body, place, width)? << unused) as i64 >> unused) as f64)
}

fn float(body: &[u8], place: usize, width: usize) -> Option<f64> {
    let bits = unsigned(body, place, width)?;
    match width {
        4 => Some(f64::from(f32::from_bits(bits as u32))),
        8 => Some(f64::from_bits(bits)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"a": -2, "b": 0.5, "c": true, "d": "no", "e": 0.25}`, the last one indirect, by `flatbuffers.flexbuffers` of
    /// Python's flatbuffers 25.12.19.
    const WRITTEN: &[u8] = &[
        97, 0, 98, 0, 99, 0, 100, 0, 2, 110, 111, 0, 101, 0, 0, 0, 0, 0, 128, 62, 5, 21, 20, 19, 18, 13, 0,
        0, 7, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 254, 255, 255, 255, 0, 0, 0, 63, 1, 0, 0, 0, 43, 0, 0, 0, 40,
        0, 0, 0, 6, 14, 106, 20, 34, 25, 38, 1,
    ];

    #[test]
    fn numbers_are_found_by_name() {
        let found = numbers(WRITTEN).unwrap();
        assert_eq!(found, [("a", -2.0), ("b", 0.5), ("c", 1.0), ("e", 0.25)]);
    }

    #[test]
    fn foreign_bytes_are_no_map_or_other_numbers() {
        for length in 0..WRITTEN.len() {
            numbers(&WRITTEN[..length]);
            numbers(&WRITTEN[length..]);
            for value in [0, 1, 127, 255] {
                let mut spoilt = WRITTEN.to_vec();
                spoilt[length] = value;
                numbers(&spoilt);
            }
        }
        assert_eq!(numbers(b"no map"), None);
        assert_eq!(numbers(&[]), None);
    }
}
