//! `ocelli receive`: a folder takes signed artefacts as a device takes them into its slots.
//!
//! For Linux boards and for trying `ocelli push` without one. A model that was pushed is booted on trial, which
//! verifies it and runs its self-test, and confirmed; whoever runs models takes the file that is named then.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use clap::ValueHint;
use ocelli::operators;
use ocelli_deploy::{End, read_public_key, receive};
use ocelli_host::ModelFolder;
use ocelli_slots::{Booted, Device, Slots};

use crate::artefact_file::arena;
use crate::failure::{Failure, Verdict};
use crate::session::PROFILE;
use crate::terminal::{FAINT, STRONG, say};

/// Arguments of `ocelli receive`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder of the two models; made where it is not there
    #[arg(value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    /// The public key to trust, from `ocelli key`
    #[arg(long, value_name = "PUB", value_hint = ValueHint::FilePath)]
    key: PathBuf,
    /// What artefacts call this machine
    #[arg(long, value_name = "NAME", default_value = "host")]
    board: String,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:7300")]
    listen: SocketAddr,
    /// The largest artefact to take, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    slot_bytes: u32,
    /// The largest arena that a model may want, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    arena_bytes: u32,
    /// Stop after the first artefact that was confirmed
    #[arg(long)]
    once: bool,
}

/// Listens until it is stopped.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let key = read_public_key(&arguments.key).map_err(|error| Failure::from(error.to_string()))?;
    let keys = [key];
    let device = Device {
        board: &arguments.board,
        keys: &keys,
        profile: PROFILE,
        operators: operators::ALL,
        attempts: 1,
    };
    let mut arena = arena(arguments.arena_bytes);
    if let Some(booted) = boot(&arguments, device, &mut arena)? {
        told(&arguments.folder, &booted)?;
    }
    let listener =
        TcpListener::bind(arguments.listen).map_err(|error| Failure::at(arguments.listen, error))?;
    let address = listener.local_addr().map_err(|error| Failure::at(arguments.listen, error))?;
    say!("{FAINT}listening: `ocelli push model.ocelli --port tcp:{address}`{FAINT:#}")?;
    loop {
        let (mut stream, peer) = listener.accept().map_err(|error| Failure::at(address, error))?;
        let mut slots = slots(&arguments, device)?;
        // A connection that breaks is no reason to stop listening.
        if let Ok(End::Staged) = receive(&mut stream, &mut slots, &mut arena) {
            drop((stream, slots));
            if let Some(booted) = boot(&arguments, device, &mut arena)? {
                say!("{peer} pushed release {}", booted.release)?;
                told(&arguments.folder, &booted)?;
                if arguments.once {
                    return Ok(Verdict::Done);
                }
            }
        }
    }
}

fn slots<'a>(arguments: &Arguments, device: Device<'a>) -> Result<Slots<'a, ModelFolder>, Failure> {
    let place = arguments.folder.display();
    let folder = ModelFolder::open(&arguments.folder, arguments.slot_bytes);
    let folder = folder.map_err(|error| Failure::at(place.to_string(), error))?;
    Slots::open(folder, device).map_err(|error| {
        Failure::at(place, error)
            .advise("another program's folder? Give one that is empty or was made by this command")
    })
}

/// Boots and confirms; `None` where there is no model yet.
fn boot(arguments: &Arguments, device: Device<'_>, arena: &mut [u8]) -> Result<Option<Booted>, Failure> {
    let mut slots = slots(arguments, device)?;
    let Ok(booted) = slots.boot(arena) else { return Ok(None) };
    slots.confirm().map_err(|error| Failure::at(arguments.folder.display(), error))?;
    Ok(Some(booted))
}

fn told(folder: &Path, booted: &Booted) -> Result<(), Failure> {
    let path = ModelFolder::file(folder, booted.slot);
    say!("{STRONG}{}{STRONG:#} is release {}, confirmed", path.display(), booted.release)
}
