//! {name} on a {title}: tells over RTT and the serial port what the model sees.
//!
//! `cargo build --release` builds it (`rustup target add {target}` before, once), `cargo run --release` flashes it
//! through a debug probe. Wiring and pins stand at the top of the crate `board`.
#![no_std]
#![no_main]

use ocelli::Aligned;
use ocelli_boards::detect::{self, Model};
use ocelli_boards::device;

mod model {
    include!(concat!(env!("OUT_DIR"), "/model.rs"));
}

const MODEL: Model<'static> =
    Model { artefact: model::ARTEFACT, profile: model::PROFILE, operators: model::OPERATORS };

#[cortex_m_rt::entry]
fn main() -> ! {
    // The entry attribute makes these references that exist once.
    static mut ARENA: Aligned<[u8; model::ARENA_BYTES]> = Aligned([0; model::ARENA_BYTES]);
    static mut SCRATCH: [u32; model::PREPROCESS_WORDS] = [0; model::PREPROCESS_WORDS];

    let mut board = board::start();
    match detect::run(&mut board, &MODEL, &mut ARENA.0, SCRATCH, None) {
        Ok(()) => device::fail(&mut board, format_args!("no more frames")),
        Err(error) => device::fail(&mut board, format_args!("{error}")),
    }
}
