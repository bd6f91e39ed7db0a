//! `ocelli new`: a firmware project outside the repository, ready to build.

use std::path::PathBuf;

use clap::ValueHint;
use ocelli_deploy::{FlashError, Project, read_public_key};
use ocelli_simulator::Board;

use crate::artefact_file::ArtefactFile;
use crate::failure::{Failure, Verdict};
use crate::terminal::{FAINT, STRONG, say};

/// Arguments of `ocelli new`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The project's folder; its name is the package's
    #[arg(value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    /// The board: a folder of `boards` with a `board.toml`
    #[arg(long)]
    board: String,
    /// The artefact that the firmware runs; it is copied into the project
    #[arg(long, value_name = "OCELLI", value_hint = ValueHint::FilePath)]
    model: PathBuf,
    /// The public key, from `ocelli key`, whose owner may push models to the device later; it is copied too
    #[arg(long, value_name = "PUB", value_hint = ValueHint::FilePath)]
    trust: Option<PathBuf>,
}

/// Writes the project.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let file = ArtefactFile::read(&arguments.model)?;
    let artefact = file.parse()?;
    let failed = |error: FlashError| Failure::at(arguments.folder.display(), error);
    let board = Board::named(&arguments.board).map_err(|error| failed(error.into()))?;
    let name = arguments.model.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = std::path::absolute(&arguments.folder)
        .map_err(|error| Failure::at(arguments.folder.display(), error))?;
    let key =
        arguments.trust.as_deref().map(read_public_key).transpose().map_err(|error| failed(error.into()))?;
    let key = key.map(|key| key.to_string());
    let model = artefact.bytes();
    let project = Project { folder: &folder, board, model, model_name: &name, key: key.as_deref() };
    project.create().map_err(failed)?;
    say!("{STRONG}{}{STRONG:#} runs {name} on a {}", arguments.folder.display(), board.title)?;
    say!("{FAINT}next: `cd {} && cargo build --release`{FAINT:#}", arguments.folder.display())?;
    Ok(Verdict::Done)
}
