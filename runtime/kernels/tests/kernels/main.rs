//! Tests of the kernels: TFLite Micro's golden vectors, properties against a plain oracle, and checks
//! of hostile parameters.

extern crate alloc;

mod suite;
mod support;

mod checks;
mod exact;
mod golden;
mod refusals;
mod scratch;
mod wide;

/// Every operator, on each backend that this host can run.
#[test]
fn backends() {
    let cases = std::env::var("OCELLI_KERNEL_CASES").map_or(2000, |cases| cases.parse().unwrap());
    for backend in ocelli_kernels::available_backends() {
        assert!(ocelli_kernels::use_backend(backend));
        let mut all = 0;
        for (name, property) in suite::PROPERTIES {
            let compared = property(cases);
            println!("{backend}: {name}: {compared} cases");
            all += compared;
        }
        println!("{backend}: {all} cases in all");
    }
    assert!(!ocelli_kernels::use_backend("abacus"));
}

/// Parts of an operator that a firmware may link alone: they take turns in the operator's own properties.
const PARTS: [&str; 2] = ["depthwise_conv_2d_in_lines", "depthwise_conv_2d_in_scratch"];

/// No kernel is without a property: of the functions that the crate exports, each that computes on int8.
#[test]
fn every_kernel_has_a_property() {
    let exports = include_str!("../../src/lib.rs");
    let words = exports.split(|c: char| !c.is_alphanumeric() && c != '_');
    let kernels: Vec<&str> = words.filter_map(|word| word.strip_suffix("_s8")).collect();
    assert!(kernels.len() > 30, "{kernels:?}");
    for kernel in kernels.into_iter().filter(|kernel| !PARTS.contains(kernel)) {
        assert!(suite::PROPERTIES.iter().any(|(name, _)| *name == kernel), "{kernel} has no property");
    }
}
