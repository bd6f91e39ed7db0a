//! Tests of the kernels: TFLite Micro's golden vectors, properties against a plain oracle, and checks
//! of hostile parameters.

mod oracle;
mod support;

mod checks;
mod golden;
mod properties;
