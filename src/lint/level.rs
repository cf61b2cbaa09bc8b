//! How much a lint's findings matter, as a project wants it.

use std::fmt;

use super::{LINTS, Lint, find};
use crate::diagnostic::{Level, nearest};

/// The levels that differ from those of the lints themselves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Levels {
    /// The later one counts.
    set: Vec<(&'static str, Level)>,
}

/// A name that no lint has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLint(pub String);

impl Levels {
    /// Sets the level of every lint.
    pub fn all(mut self, level: Level) -> Levels {
        self.set.extend(LINTS.iter().map(|lint| (lint.code, level)));
        self
    }

    /// Sets the level of a lint, by name or code; `all` is every lint.
    pub fn set(&mut self, name: &str, level: Level) -> Result<(), UnknownLint> {
        if name == "all" {
            *self = std::mem::take(self).all(level);
            return Ok(());
        }
        let lint = find(name).ok_or_else(|| UnknownLint(name.to_string()))?;
        self.set.push((lint.code, level));
        Ok(())
    }

    /// Returns the level of a lint.
    pub fn of(&self, lint: &Lint, in_rule: bool) -> Level {
        let set = self.set.iter().rev().find(|(code, _)| *code == lint.code);
        set.map_or(if in_rule { lint.in_rules } else { lint.level }, |(_, level)| *level)
    }
}

impl UnknownLint {
    /// Says what to write instead.
    pub fn help(&self) -> String {
        match nearest(&self.0, LINTS.iter().map(|lint| lint.name)) {
            Some(near) => format!("did you mean '{near}'?"),
            None => "`alertq lints` lists them".to_string(),
        }
    }
}

impl fmt::Display for UnknownLint {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "no lint is called '{}'", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_unknown_names_have_a_neighbour() {
        let mut levels = Levels::default();
        levels.set("all", Level::Error).unwrap();
        levels.set("aq602", Level::Allow).unwrap();
        let level = |name| levels.of(find(name).unwrap(), false);
        assert_eq!((level("contains-for-has"), level("join-without-kind")), (Level::Allow, Level::Error));
        let unknown = levels.clone().set("joins-without-kind", Level::Allow).unwrap_err();
        assert_eq!(unknown.help(), "did you mean 'join-without-kind'?");
    }
}
