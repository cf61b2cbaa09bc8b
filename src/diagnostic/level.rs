//! How much findings matter, as a project wants it.

use super::Severity;

/// What becomes of the findings of a lint or a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// They are not told.
    Allow,
    Information,
    Warning,
    Error,
}

impl Level {
    /// Levels by their words.
    pub const WORDS: [(&'static str, Level); 4] = [
        ("allow", Level::Allow),
        ("information", Level::Information),
        ("warning", Level::Warning),
        ("error", Level::Error),
    ];

    /// Returns the severity of findings; None where they are not told.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Level::Allow => None,
            Level::Information => Some(Severity::Information),
            Level::Warning => Some(Severity::Warning),
            Level::Error => Some(Severity::Error),
        }
    }

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        Level::WORDS.iter().find(|(_, level)| *level == self).map_or("", |(word, _)| word)
    }
}
