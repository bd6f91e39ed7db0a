//! How a command ends: what failed, where, and what to do next.

use std::process::ExitCode;

/// Why a command failed, ready to be printed.
#[derive(Debug)]
pub struct Failure {
    /// What failed, and where.
    pub message: String,
    /// What to do next, when there is something.
    pub advice: Option<String>,
}

/// How a command that worked ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As wanted.
    Done,
    /// The comparison that was asked for found a difference.
    Differs,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> ExitCode {
        match verdict {
            Verdict::Done => ExitCode::SUCCESS,
            Verdict::Differs => ExitCode::from(3),
        }
    }
}

impl Failure {
    /// What failed, and where: `place` is a file, a model, a machine.
    pub fn at(place: impl std::fmt::Display, error: impl std::error::Error) -> Failure {
        let (place, message) = (place.to_string(), chain(&error));
        // Some errors name the place themselves.
        let is_placed = message.starts_with(&place);
        Failure { message: if is_placed { message } else { format!("{place}: {message}") }, advice: None }
    }

    /// With what to do next.
    pub fn advise(mut self, advice: impl Into<String>) -> Failure {
        self.advice = Some(advice.into());
        self
    }

    /// With what to do next, where that is known.
    pub fn advise_if(mut self, advice: Option<&str>) -> Failure {
        self.advice = advice.map(str::to_owned).or(self.advice);
        self
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure { message, advice: None }
    }
}

impl From<ocelli_zoo::FetchError> for Failure {
    fn from(error: ocelli_zoo::FetchError) -> Failure {
        Failure { message: chain(&error), advice: error.advice() }
    }
}

impl From<ocelli_zoo::CatalogueError> for Failure {
    fn from(error: ocelli_zoo::CatalogueError) -> Failure {
        chain(&error).into()
    }
}

/// An error and its causes, as far as they add something.
fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}
