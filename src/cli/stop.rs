//! Why a command ends before its work is done.

use std::fmt::Display;
use std::io;

use crate::diagnostic::Diagnostic;

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) enum Stop {
    /// Whoever read standard output has gone away, as `head` does: there is nobody to talk to.
    ClosedPipe,
    /// Something about the world: a file, a limit, a wrong option.
    Failure { message: String, help: Option<String> },
    /// A text that has no meaning, or none that alertq can give it.
    Problems { path: String, text: String, problems: Vec<Diagnostic> },
}

impl From<crate::engine::Error> for Stop {
    fn from(error: crate::engine::Error) -> Stop {
        Stop::failure(error)
    }
}

impl Stop {
    /// Makes a failure that says what is wrong.
    pub(super) fn failure(message: impl Display) -> Stop {
        Stop::Failure { message: message.to_string(), help: None }
    }

    /// Says what to try.
    pub(super) fn help(self, text: impl Into<String>) -> Stop {
        match self {
            Stop::Failure { message, .. } => Stop::Failure { message, help: Some(text.into()) },
            other => other,
        }
    }

    /// Makes what a failed write means; `what` is what was written to.
    pub(super) fn write(what: impl Display, error: &io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::ClosedPipe,
            _ => Stop::failure(format!("{what} cannot be written: {}", cause(error))),
        }
    }
}

/// Says what is wrong, without the name of an unfinished file, which the library adds: the user has not named it.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at path \"") {
        Some((cause, _)) if error.raw_os_error().is_none() => cause.to_string(),
        _ => text,
    }
}
