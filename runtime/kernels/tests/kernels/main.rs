//! Tests of the kernels: TFLite Micro's golden vectors, properties against a plain oracle, and checks
//! of hostile parameters.

extern crate alloc;

mod oracle;
mod oracle_resize;
mod random;
mod support;

mod backends;
mod rows;

mod checks;
mod golden;
mod norms;
mod pairs;
mod properties;

/// The operators that have backends, on each that this host can run.
#[test]
fn backends() {
    let cases = std::env::var("OCELLI_KERNEL_CASES").map_or(2000, |cases| cases.parse().unwrap());
    for backend in ocelli_kernels::available_backends() {
        assert!(ocelli_kernels::use_backend(backend));
        for (name, property) in backends::PROPERTIES {
            println!("{backend}: {name}: {} cases", property(cases));
        }
    }
    assert!(!ocelli_kernels::use_backend("abacus"));
}
