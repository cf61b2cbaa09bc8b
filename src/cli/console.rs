//! Standard error, and what is known of the terminal.

use std::env;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::stop::Stop;
use super::{Color, Global};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::{self, Report, Style};

/// Characters in a line where nobody says how many there are.
const WIDTH: usize = 120;

/// How to talk to the user.
#[derive(Debug, Clone)]
pub(super) struct Console {
    color: Color,
    quiet: bool,
}

impl Console {
    pub(super) fn new(global: &Global) -> Console {
        Console { color: global.color, quiet: global.quiet }
    }

    /// Tells whether the user wants quiet.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Tells whether results are read by a person.
    pub(super) fn is_interactive(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Tells whether a person watches what goes on.
    pub(super) fn is_watched(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Returns how results should look on standard output.
    pub(super) fn result_style(&self) -> Style {
        self.style(io::stdout().is_terminal())
    }

    /// Makes a bar that shows how much of the work is done, where somebody watches.
    pub(super) fn progress(&self, total: u64, what: &'static str) -> ProgressBar {
        if !self.is_watched() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}, {elapsed}");
        ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
    }

    /// Tells something that is worth knowing, unless the user wants quiet.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.line("note", "\u{1b}[1;92m", text);
        }
    }

    /// Tells something that is probably not as the user means, unless they want quiet.
    pub(super) fn warning(&self, text: &str) {
        if !self.quiet {
            self.line("warning", "\u{1b}[1;33m", text);
        }
    }

    /// Tells what has gone wrong while the work goes on.
    pub(super) fn error(&self, text: &str) {
        self.line("error", "\u{1b}[1;91m", text);
    }

    /// Tells why the work could not be done.
    pub(super) fn stop(&self, stop: &Stop) {
        match stop {
            Stop::ClosedPipe => {}
            Stop::Failure { message, help } => {
                self.error(message);
                if let Some(help) = help {
                    self.line("help", "\u{1b}[1;96m", help);
                }
            }
            Stop::Problems { path, text, problems } => self.excerpts(path, text, problems),
        }
    }

    /// Tells what is worth knowing about a text; errors alone, where the user wants quiet.
    pub(super) fn problems(&self, path: &str, text: &str, problems: &[Diagnostic]) {
        if self.quiet {
            let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).cloned().collect();
            self.excerpts(path, text, &errors);
        } else {
            self.excerpts(path, text, problems);
        }
    }

    fn excerpts(&self, path: &str, text: &str, diagnostics: &[Diagnostic]) {
        let report = Report { path, text, diagnostics };
        self.raw(&render::full(&report, self.style(io::stderr().is_terminal())));
    }

    /// Writes text to standard error as it is.
    pub(super) fn raw(&self, text: &str) {
        // Where standard error is gone there is nobody to tell.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    fn line(&self, word: &str, color: &str, text: &str) {
        if self.style(io::stderr().is_terminal()).color {
            self.raw(&format!("{color}{word}\u{1b}[0m: {text}\n"));
        } else {
            self.raw(&format!("{word}: {text}\n"));
        }
    }

    fn style(&self, terminal: bool) -> Style {
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let width = if terminal { comfy_table::Table::new().width().map(usize::from) } else { None };
        // Terminals without a size of their own say zero.
        let width = width.filter(|width| *width > 0);
        Style { color, width: width.unwrap_or(WIDTH) }
    }
}
