//! From names in a model to names in Rust.

use std::collections::BTreeSet;

/// One name of an enum's variant for each of `names`, all different: letters and digits in camel case;
/// what has none becomes `fallback` and its number.
pub fn variants<'a>(names: impl IntoIterator<Item = &'a str>, fallback: &str) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let distinct = |(index, name): (usize, &str)| {
        let mut variant = camel_case(name);
        if variant.is_empty() {
            variant = format!("{fallback}{index}");
        } else if variant.starts_with(|first: char| first.is_ascii_digit()) {
            variant.insert_str(0, fallback);
        }
        // `Self` is the only keyword in camel case.
        if variant == "Self" || taken.contains(&variant) {
            variant = format!("{variant}{index}");
        }
        while !taken.insert(variant.clone()) {
            variant.push('_');
        }
        variant
    };
    names.into_iter().enumerate().map(distinct).collect()
}

/// Whether `name` can name a module and is no keyword in lower case.
pub fn is_identifier(name: &str) -> bool {
    const KEYWORDS: [&str; 51] = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
        "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self",
        "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
        "virtual", "where", "while", "yield",
    ];
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    first
        && name != "_"
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !KEYWORDS.contains(&name)
}

fn camel_case(name: &str) -> String {
    let mut variant = String::new();
    for word in name.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        variant.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        variant.extend(letters);
    }
    variant
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_names_become_different_variants() {
        let names =
            ["right eye", "left_eye", "left-eye", "", "日", "2d", "self", "Eye:0", "eye/0", "LeftEye2"];
        let found = variants(names, "Point");
        let expected = [
            "RightEye",
            "LeftEye",
            "LeftEye2",
            "Point3",
            "Point4",
            "Point2d",
            "Self6",
            "Eye0",
            "Eye08",
            "LeftEye29",
        ];
        assert_eq!(found, expected);
        assert!(found.iter().all(|name| is_identifier(name)));
    }

    #[test]
    fn keywords_and_fragments_are_no_identifiers() {
        for name in ["", "_", "fn", "1st", "a-b", "é"] {
            assert!(!is_identifier(name), "{name}");
        }
        for name in ["face", "_face", "Face2"] {
            assert!(is_identifier(name), "{name}");
        }
    }
}
