//! `ocelli push`: a signed artefact goes to a device, over a serial port or TCP.

use std::path::PathBuf;

use clap::ValueHint;
use ocelli::Artefact;
use ocelli_deploy::{Patience, PushError, Stream, ask, open, push};
use ocelli_slots::link::DeviceReport;
use ocelli_slots::{Outcome, Refusal};

use crate::artefact_file::ArtefactFile;
use crate::failure::{Failure, Verdict};
use crate::terminal::{self, FAINT, STRONG, say, thousands};

/// Arguments of `ocelli push`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The signed artefact; without one, the device only says what it has
    #[arg(value_hint = ValueHint::FilePath)]
    artefact: Option<PathBuf>,
    /// `/dev/ttyACM0`, a pseudo terminal, or `tcp:HOST:PORT`
    #[arg(long)]
    port: String,
    /// Bits per second of a serial port; USB takes any
    #[arg(long, default_value_t = 115_200)]
    baud: u32,
}

/// Pushes, or asks.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let place = &arguments.port;
    let failed = |error: PushError| Failure::at(place, &error).advise_if(advice(&error));
    let file = arguments.artefact.as_deref().map(ArtefactFile::read).transpose()?;
    let Some(file) = file else {
        let mut stream = open(place, arguments.baud).map_err(failed)?;
        let report = ask(&mut *stream, Patience::default()).map_err(failed)?;
        print(&report)?;
        return Ok(Verdict::Done);
    };
    let artefact = file.parse()?;
    let signature = artefact.signature();
    let Some(signature) = signature else {
        return Err(Failure::at(file.path().display(), PushError::Unsigned)
            .advise("`ocelli sign` signs it; a device takes nothing unsigned"));
    };
    let mut stream = open(place, arguments.baud).map_err(failed)?;
    send(&mut *stream, &artefact).map_err(|error| match (&error, missing(&artefact, &error)) {
        (_, Some(kind)) => {
            failed(error).advise(format!("name {kind} in the firmware's `ops!`, and flash it"))
        }
        _ => failed(error),
    })?;
    say!(
        "{STRONG}{place}{STRONG:#} has verified release {} ({} bytes) and tries it at its next start",
        signature.release,
        thousands(artefact.bytes().len() as u64)
    )?;
    Ok(Verdict::Done)
}

fn send(stream: &mut dyn Stream, artefact: &Artefact<'_>) -> Result<(), PushError> {
    let spinner = terminal::spinner("Asking the device who it is");
    let (mut name, length) = (String::new(), thousands(artefact.bytes().len() as u64));
    let met = |report: &DeviceReport| name = report.board().to_owned();
    let progress = |sent: usize| {
        let sent = thousands(sent as u64);
        spinner.say(format!("Sending: {sent} of {length} bytes"));
    };
    push(stream, artefact, Patience::default(), met, progress)
}

/// The operator that the device's firmware lacks.
fn missing(artefact: &Artefact<'_>, error: &PushError) -> Option<String> {
    match error {
        PushError::Refused { refusal: Some(Refusal::MissingOperator { operator }) } => {
            Some(artefact.operator(*operator).kind.to_string())
        }
        _ => None,
    }
}

fn print(report: &DeviceReport) -> Result<(), Failure> {
    let state = report.state;
    say!("{STRONG}{}{STRONG:#} has room for {} bytes", report.board(), thousands(report.slot_bytes))?;
    match state.active {
        Some(_) => say!("release {} is confirmed", state.floor)?,
        None => say!("no model is confirmed")?,
    }
    if let Some(trial) = state.trial {
        say!("a new model is on trial, booted {} times", trial.attempts)?;
    }
    let outcome = match state.outcome {
        Outcome::Confirmed => "the last update was confirmed",
        Outcome::Reverted => "the last update was taken back: it was not confirmed in time",
        Outcome::Refused => "the last update did not verify when it was to be booted",
        _ => return Ok(()),
    };
    say!("{FAINT}{outcome}{FAINT:#}")
}

/// What to do next.
fn advice(error: &PushError) -> Option<&'static str> {
    Some(match error {
        PushError::Open { .. } => {
            "is the device connected, and may you use its port (on Linux the group dialout)?"
        }
        PushError::NoAnswer { .. } => "is its firmware one with slots, and the baud rate the same?",
        PushError::Refused { refusal: Some(refusal) } => match refusal {
            Refusal::NotNewer { .. } => "sign the artefact with a higher --release",
            Refusal::UnknownKey => "sign it with the key whose public half is in the firmware",
            Refusal::OtherBoard => {
                "`ocelli push --port ...` without an artefact says which board it is; sign for that one"
            }
            Refusal::TooLarge { .. } => "`ocelli convert --strip` leaves out what a device has no use for",
            Refusal::ArenaTooSmall { .. } => {
                "`ocelli convert --budget ram=...` rolls early layers over single rows"
            }
            _ => return None,
        },
        _ => return None,
    })
}
