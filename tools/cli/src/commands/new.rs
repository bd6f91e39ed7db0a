//! `ocelli new`: a firmware project outside the repository, ready to build.

use std::path::PathBuf;

use clap::ValueHint;
use ocelli_deploy::{FlashError, Project};
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
    let project = Project { folder: &folder, board, model: artefact.bytes(), model_name: &name };
    project.create().map_err(failed)?;
    say!("{STRONG}{}{STRONG:#} runs {name} on a {}", arguments.folder.display(), board.title)?;
    say!("{FAINT}next: `cd {} && cargo build --release`{FAINT:#}", arguments.folder.display())?;
    Ok(Verdict::Done)
}
