//! The commands, one file each.

pub mod demo;

pub mod zoo;

pub mod convert;

pub mod ops;

pub mod inspect;

pub mod run;

pub mod simulate;

pub mod diff;

pub mod eval;

pub mod report;

pub mod train;

pub mod key;

pub mod sign;

pub mod push;

pub mod receive;

pub mod flash;

pub mod new;

pub mod completions;

use crate::arguments::Command;
use crate::failure::{Failure, Verdict};

/// Does what was asked for.
pub fn run(command: Command) -> Result<Verdict, Failure> {
    match command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Convert(arguments) => convert::run(arguments),
        Command::Zoo(arguments) => zoo::run(arguments),
        Command::Ops(arguments) => ops::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Run(arguments) => run::run(*arguments),
        Command::Simulate(arguments) => simulate::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
        Command::Eval(arguments) => eval::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Train(arguments) => train::run(arguments),
        Command::Key(arguments) => key::run(arguments),
        Command::Sign(arguments) => sign::run(arguments),
        Command::Push(arguments) => push::run(arguments),
        Command::Receive(arguments) => receive::run(arguments),
        Command::Flash(arguments) => flash::run(arguments),
        Command::New(arguments) => new::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
    }
}
