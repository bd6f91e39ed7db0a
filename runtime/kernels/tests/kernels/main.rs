//! Tests of the kernels: TFLite Micro's golden vectors, properties against a plain oracle, and checks
//! of hostile parameters.

extern crate alloc;

mod oracle;
mod oracle_resize;
mod random;
mod support;

mod backends;

mod checks;
mod golden;
mod pairs;
mod properties;

/// The operators that have backends, on the host's.
#[test]
fn backends() {
    for (name, property) in backends::PROPERTIES {
        println!("{name}: {} cases", property(2000));
    }
}
