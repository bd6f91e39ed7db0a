//! `detect` on a device: tells what the model sees. The library `board` is this board's, the model comes from the artefact
//! that `OCELLI_MODEL` names at build time, and later ones from the owner of the public key that `OCELLI_KEY` names.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "the entry attribute names the symbol that the vectors lead to")]

use ocelli::Aligned;
use ocelli_boards::detect::Model;
use ocelli_boards::{device, field};

mod model {
    include!(concat!(env!("OUT_DIR"), "/model.rs"));
}

mod table {
    include!(concat!(env!("OUT_DIR"), "/field.rs"));
}

const MODEL: Model<'static> =
    Model { artefact: model::ARTEFACT, profile: model::PROFILE, operators: model::OPERATORS };

#[cortex_m_rt::entry]
fn main() -> ! {
    // The entry attribute makes these references that exist once.
    static mut ARENA: Aligned<[u8; model::ARENA_BYTES]> = Aligned([0; model::ARENA_BYTES]);
    static mut SCRATCH: [u32; model::PREPROCESS_WORDS] = [0; model::PREPROCESS_WORDS];

    let (mut board, flash) = board::start();
    let error = field::run(&mut board, flash, &table::FIELD, &MODEL, &mut ARENA.0, SCRATCH);
    device::fail(&mut board, format_args!("{error}"))
}
