//! Text for people: escaped, shortened, numbers with units.

/// Text that HTML takes as it is.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// At most `longest` characters: the beginning and the end of a longer text.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= longest {
        return text.to_owned();
    }
    let head = longest.saturating_sub(1) / 2;
    let tail = longest.saturating_sub(1) - head;
    let part = |range: std::ops::Range<usize>| characters[range].iter().collect::<String>();
    format!("{}…{}", part(0..head), part(characters.len() - tail..characters.len()))
}

/// A number with few digits: `1.25 M`, `812`, `0.71`.
pub(crate) fn compact(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, " G"),
        size if size >= 1e6 => (value / 1e6, " M"),
        size if size >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let text = match scaled.abs() {
        size if size >= 100.0 || (unit.is_empty() && scaled.fract() == 0.0) => format!("{scaled:.0}"),
        size if size >= 10.0 => format!("{scaled:.1}"),
        _ => format!("{scaled:.2}"),
    };
    let is_fraction = text.contains('.');
    let text = if is_fraction { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

/// A count with separators between thousands.
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_names_keep_both_ends() {
        for (value, text) in [
            (0.0, "0"),
            (0.714, "0.71"),
            (812.0, "812"),
            (9_999.0, "9999"),
            (12_345.0, "12.3 k"),
            (1_250_000.0, "1.25 M"),
            (8_000_000.0, "8 M"),
            (-25.5, "-25.5"),
        ] {
            assert_eq!(compact(value), text);
        }
        assert_eq!(shortened("model/conv2d_7/BiasAdd", 9), "mode…sAdd");
        assert_eq!(shortened("conv", 9), "conv");
        assert_eq!(escaped("a<b & \"c\">"), "a&lt;b &amp; &quot;c&quot;&gt;");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
