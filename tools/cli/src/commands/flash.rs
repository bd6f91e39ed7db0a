//! `ocelli flash`: a board's firmware is built around an artefact and brought to the board.

use std::path::PathBuf;

use clap::ValueHint;
use ocelli_deploy::{Flash, FlashError};
use ocelli_simulator::Board;

use crate::artefact_file::ArtefactFile;
use crate::failure::{Failure, Verdict};
use crate::terminal::{self, FAINT, STRONG, say, thousands};

/// Arguments of `ocelli flash`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The board: a folder of `boards` with a `board.toml`
    #[arg(long)]
    board: String,
    /// The artefact that goes into the firmware
    #[arg(long, value_name = "OCELLI", value_hint = ValueHint::FilePath)]
    model: PathBuf,
    /// The public key, from `ocelli key`, whose owner may push models to the device later; without one, nobody may
    #[arg(long, value_name = "PUB", value_hint = ValueHint::FilePath)]
    trust: Option<PathBuf>,
    /// Only show the commands, for every way to the board
    #[arg(long)]
    dry_run: bool,
}

/// Builds, checks, flashes.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    ArtefactFile::read(&arguments.model)?.parse()?;
    let failed = |error: FlashError| Failure::at(&arguments.board, error);
    let board = Board::named(&arguments.board).map_err(|error| failed(error.into()))?;
    let (title, budget) = (&board.title, board.budget);
    let mut flash = Flash::new(board, &arguments.model, arguments.trust.as_deref()).map_err(failed)?;
    if arguments.dry_run {
        say!("{STRONG}build{STRONG:#}\n{}", flash.build_text())?;
        let (flash_bytes, ram_bytes) = (thousands(budget.flash_bytes), thousands(budget.ram_bytes));
        say!(
            "{STRONG}check{STRONG:#}\nat most {flash_bytes} bytes of flash, {ram_bytes} of RAM with the stack"
        )?;
        for (way, word) in flash.ways().iter().zip(["with", "or with", "or with"]) {
            say!("{STRONG}{word} {way}{STRONG:#}")?;
            flash.steps(way).iter().try_for_each(|step| say!("{step}"))?;
        }
        return Ok(Verdict::Done);
    }
    let spinner = terminal::spinner(format!("Building the firmware for the {title}"));
    let footprint = flash.build().map_err(|error| match error {
        FlashError::TooLarge { what: "RAM", .. } => {
            failed(error).advise("`ocelli convert --budget ram=...` rolls early layers over single rows")
        }
        error => failed(error),
    })?;
    drop(spinner);
    let ram_bytes = footprint.ram_bytes + budget.stack_bytes;
    say!(
        "{FAINT}{} of {} bytes of flash, {} of {} of RAM{FAINT:#}",
        thousands(footprint.flash_bytes),
        thousands(budget.flash_bytes),
        thousands(ram_bytes),
        thousands(budget.ram_bytes)
    )?;
    let ways = flash.ways();
    let Some(way) = ways.iter().find(|way| way.is_open()) else {
        let ways: Vec<String> = ways.iter().map(ToString::to_string).collect();
        return Err(failed(FlashError::NoWay).advise(format!("connect {}", ways.join(", or "))));
    };
    for step in flash.steps(way) {
        say!("{FAINT}{step}{FAINT:#}")?;
        flash.take(&step).map_err(failed)?;
    }
    say!("{STRONG}{title}{STRONG:#} flashed with {}, through {way}", arguments.model.display())?;
    Ok(Verdict::Done)
}
