//! {name} on a {title}: tells over RTT and the serial port what the model sees.
//!
//! `cargo build --release` builds it (`rustup target add {target}` before, once), `cargo run --release` flashes it
//! through a debug probe. Wiring and pins stand at the top of the crate `board`.
{detect}
