//! `ocelli sign`: who made an artefact, as which release, for which board.

use std::path::PathBuf;

use clap::ValueHint;
use ocelli_deploy::SigningKey;

use crate::artefact_file::ArtefactFile;
use crate::failure::{Failure, Verdict};
use crate::terminal::{STRONG, say, thousands};

/// Arguments of `ocelli sign`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The artefact
    #[arg(value_hint = ValueHint::FilePath)]
    artefact: PathBuf,
    /// The secret key, from `ocelli key`
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath)]
    key: PathBuf,
    /// Counts up with every model that is given out; devices take no lower one than they had
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    release: u32,
    /// The board that may take it; otherwise any that trusts the key
    #[arg(long, value_name = "NAME", default_value = "")]
    board: String,
    /// The signed artefact; otherwise it takes the place of the unsigned one
    #[arg(long, short, value_name = "OCELLI")]
    output: Option<PathBuf>,
}

/// Signs and writes.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let file = ArtefactFile::read(&arguments.artefact)?;
    let key = SigningKey::read(&arguments.key).map_err(|error| Failure::from(error.to_string()))?;
    let signed = key
        .sign_artefact(&file.parse()?, arguments.release, &arguments.board)
        .map_err(|error| Failure::at(arguments.artefact.display(), error))?;
    let output = arguments.output.unwrap_or(arguments.artefact);
    ocelli_zoo::write_whole(&output, &signed).map_err(|error| Failure::at(output.display(), error))?;
    let board = if arguments.board.is_empty() { "any board" } else { &arguments.board };
    let (release, bytes) = (arguments.release, thousands(signed.len() as u64));
    say!("{STRONG}{}{STRONG:#} {bytes} bytes, release {release} for {board}", output.display())?;
    Ok(Verdict::Done)
}
