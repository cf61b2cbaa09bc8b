//! How much what checks find matters, as a project and its files want it.
//!
//! A comment `# alertq: allow NAME, NAME` behind a line of YAML or Terraform is about this line; on a line of its own it is
//! about the next one that is no comment. `# alertq: allow-file NAME` is about the whole file. Names are those of checks,
//! or their codes.

use super::{ALL, Check};
use crate::diagnostic::render::Lines;
use crate::diagnostic::{Diagnostic, Level, Severity, Span, nearest};

/// Finds the check with a name or a code.
pub fn find(name: &str) -> Option<&'static Check> {
    ALL.iter().find(|check| check.name == name || check.code.eq_ignore_ascii_case(name))
}

/// The levels that differ from those of the checks themselves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Levels {
    /// The later one counts.
    set: Vec<(&'static str, Level)>,
}

impl Levels {
    /// Sets the level of a check, by name or code; false where there is no such check.
    pub fn set(&mut self, name: &str, level: Level) -> bool {
        let check = find(name);
        self.set.extend(check.map(|check| (check.code, level)));
        check.is_some()
    }

    /// Gives a problem the level of its check; None where it is not to be told.
    pub fn apply(&self, problem: Diagnostic) -> Option<Diagnostic> {
        match self.set.iter().rev().find(|(code, _)| *code == problem.code) {
            Some((_, level)) => Some(Diagnostic { severity: level.severity()?, ..problem }),
            None => Some(problem),
        }
    }
}

/// What the comments of a rule file allow.
#[derive(Debug)]
pub struct Comments<'a> {
    lines: Lines<'a>,
    /// The line, counted from 1 (None is the whole file), and the code.
    allowed: Vec<(Option<usize>, &'static str)>,
    /// Names that no check has (AQ600).
    pub problems: Vec<Diagnostic>,
}

impl<'a> Comments<'a> {
    /// Reads the comments of a file.
    pub fn read(text: &'a str) -> Comments<'a> {
        let mut comments = Comments { lines: Lines::new(text), allowed: Vec::new(), problems: Vec::new() };
        let mut waiting: Vec<&'static str> = Vec::new();
        let mut start = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let code = line.trim_start();
            let (alone, blank) = (code.starts_with('#'), code.trim().is_empty());
            if !alone && !blank {
                comments.allowed.extend(waiting.drain(..).map(|check| (Some(number + 1), check)));
            }
            if let Some((place, directive)) = directive(line) {
                let span = Span::new(start + place, start + line.trim_end().len());
                let (verb, names) = directive.split_once(char::is_whitespace).unwrap_or((directive, ""));
                let checks = comments.checks(verb, names, span);
                match verb {
                    "allow-file" => comments.allowed.extend(checks.into_iter().map(|check| (None, check))),
                    _ if alone => waiting.extend(checks),
                    _ => comments.allowed.extend(checks.into_iter().map(|check| (Some(number + 1), check))),
                }
            }
            start += line.len();
        }
        comments
    }

    /// Tells whether a problem is allowed where it is.
    pub fn allow(&self, problem: &Diagnostic) -> bool {
        let line = self.lines.position(problem.span.start).line;
        let here = |at: Option<usize>| at.is_none_or(|allowed| allowed == line);
        self.allowed.iter().any(|(at, code)| *code == problem.code && here(*at))
    }

    fn checks(&mut self, verb: &str, names: &str, span: Span) -> Vec<&'static str> {
        let mut problem = |message: String, help: &str| {
            let problem = Diagnostic::warning("AQ600", span, message).help(help);
            self.problems.push(Diagnostic { severity: Severity::Information, ..problem });
        };
        if !matches!(verb, "allow" | "allow-file") {
            let message = format!("'{verb}' is nothing that a comment can ask for");
            problem(message, "write `# alertq: allow NAME` or `# alertq: allow-file NAME`");
            return Vec::new();
        }
        let mut found = Vec::new();
        let names: Vec<&str> = names.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            problem("the comment names no check".into(), "`alertq lints` lists them");
        }
        for name in names {
            match (find(name), nearest(name, ALL.iter().map(|check| check.name))) {
                (Some(check), _) => found.push(check.code),
                (None, Some(near)) => {
                    problem(format!("no check of rules is called '{name}'"), &format!("did you mean '{near}'?"));
                }
                (None, None) => {
                    problem(format!("no check of rules is called '{name}'"), "`alertq lints` lists them");
                }
            }
        }
        found
    }
}

/// Returns where the comment of ours in a line begins, and what it says.
fn directive(line: &str) -> Option<(usize, &str)> {
    let place = line.match_indices('#').map(|(place, _)| place).find(|place| {
        let before = line.get(..*place).unwrap_or_default();
        let opens = before.is_empty() || before.ends_with([' ', '\t']);
        opens && line.get(place + 1..).is_some_and(|behind| behind.trim_start().starts_with("alertq:"))
    })?;
    let (_, words) = line.get(place..)?.split_once("alertq:")?;
    Some((place, words.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str, at: &str, code: &'static str) -> Diagnostic {
        let start = text.find(at).unwrap();
        Diagnostic::warning(code, Span::new(start, start + 1), "m")
    }

    #[test]
    fn comments_allow_what_they_name_where_they_stand() {
        let text =
            "id: 1 # alertq: allow id-not-guid\n# why not\n# alertq: allow AQ534, missing-column\n\nname: n\nkind: k\n";
        let (id, details) = (find("id-not-guid").unwrap().code, "AQ534");
        let comments = Comments::read(text);
        let allows = |at, code| comments.allow(&problem(text, at, code));
        assert!(allows("name: n", details));
        assert!(!allows("kind: k", details) && !allows("id: 1", details));
        assert!(allows("id: 1", id) && !allows("name: n", id));
        let whole = "a: 1\n# alertq: allow-file custom-details\n";
        assert!(Comments::read(whole).allow(&problem(whole, "a: 1", details)));
    }

    #[test]
    fn names_that_no_check_has_are_told() {
        let comments = Comments::read("a: '# no comment'\n# alertq: allow custom-detials\n# alertq: permit x\n");
        let helps: Vec<_> = comments.problems.iter().filter_map(|problem| problem.help.as_deref()).collect();
        assert_eq!(helps[0], "did you mean 'custom-details'?");
        assert_eq!(helps.len(), 2);
    }

    #[test]
    fn the_last_word_on_a_level_counts() {
        let mut levels = Levels::default();
        assert!(levels.set("custom-details", Level::Error) && levels.set("aq534", Level::Information));
        assert!(!levels.set("nothing", Level::Error));
        let apply =
            |levels: &Levels| levels.apply(Diagnostic::error("AQ534", Span::default(), "m")).map(|p| p.severity);
        assert_eq!(apply(&levels), Some(Severity::Information));
        levels.set("custom-details", Level::Allow);
        assert_eq!(apply(&levels), None);
        assert_eq!(levels.apply(Diagnostic::error("KS142", Span::default(), "m")).map(|p| p.code), Some("KS142"));
    }
}
