//! Reads rule files for commands that run rules.

use std::path::{Path, PathBuf};

use super::console::Console;
use super::input::{self, Input};
use super::stop::Stop;
use crate::diagnostic::Diagnostic;
use crate::rules::checks::twins;
use crate::rules::incident::CreationRule;
use crate::rules::model::Kind;
use crate::rules::schedule::Failure;
use crate::rules::{Rule, form};

/// Files of rules end so.
pub(super) use crate::rules::form::ENDINGS;

/// Files of tests end so; they are no rules.
pub(super) const TESTS: [&str; 2] = [".test.yaml", ".test.yml"];

/// Says that the paths lead to no rule.
pub(super) fn no_rule() -> Stop {
    Stop::failure("no rule was found there").help("rules are in .yaml, .json and .tf")
}

/// Rule files and the rules in them.
#[derive(Debug, Default)]
pub(super) struct RuleFiles {
    files: Vec<RuleFile>,
}

#[derive(Debug)]
struct RuleFile {
    input: Input,
    rules: Vec<Rule>,
    /// Rules that could not be read whole: what they would do is not known.
    left_out: Vec<Rule>,
    /// What keeps a rule from being read, or is read otherwise than its author means.
    problems: Vec<Diagnostic>,
}

impl RuleFiles {
    /// Reads files, and folders of them; what is named is read, what only lies there may be something else.
    ///
    /// A file that cannot be read as a rule is told with [`RuleFiles::tell`], and does not keep the others from running.
    pub(super) fn read(paths: &[PathBuf]) -> Result<RuleFiles, Stop> {
        let mut files = Vec::new();
        for path in input::files(paths, &ENDINGS)? {
            let explicit = paths.contains(&path);
            if !explicit && is_test(&path) {
                continue;
            }
            let input = input::file(&path)?;
            match form::read_with(&path, &input.text, &|other| input::beside(&path, other)) {
                Ok(Some(reading)) => {
                    let (left_out, rules) = reading.rules.into_iter().partition(|rule| rule.faulty);
                    files.push(RuleFile { input, rules, left_out, problems: reading.problems });
                }
                Ok(None) if explicit => {
                    let problem = form::unread(&path, &input.text);
                    files.push(RuleFile::unread(input, vec![problem]));
                }
                Ok(None) => {}
                Err(problems) => files.push(RuleFile::unread(input, problems)),
            }
        }
        Ok(RuleFiles { files })
    }

    /// Leaves out rules that have the id of an earlier one: a workspace keeps one of them, and which is not known.
    pub(super) fn of_one_workspace(mut self) -> RuleFiles {
        let rules = self.files.iter().map(|file| (file.input.name.as_str(), file.rules.as_slice()));
        for (number, problem) in twins(rules) {
            let Some(file) = self.files.get_mut(number) else { continue };
            let is_twin = |rule: &mut Rule| rule.id.as_ref().is_some_and(|id| id.span == problem.span);
            file.left_out.extend(file.rules.extract_if(.., is_twin));
            file.problems.push(problem);
        }
        self
    }

    /// Tells what is wrong with how the files are written.
    pub(super) fn tell(&self, console: &Console) {
        for file in self.files.iter().filter(|file| !file.problems.is_empty()) {
            console.problems(&file.input.name, &file.input.text, &file.problems);
        }
        for rule in self.files.iter().flat_map(|file| &file.left_out) {
            console.warning(&format!("'{}' is left out until what is told of it is mended", rule.title()));
        }
    }

    /// Tells whether some rule could not be read.
    pub(super) fn is_faulty(&self) -> bool {
        self.files.iter().any(|file| file.rules.is_empty() || !file.left_out.is_empty())
    }

    /// Tells whether the files say how incidents are created of other products' alerts, readable or not.
    pub(super) fn tell_creation(&self) -> bool {
        let is_told = |file: &RuleFile| {
            let unread = file.rules.is_empty() && file.left_out.is_empty();
            file.rules.iter().chain(&file.left_out).any(|rule| rule.kind() == Kind::IncidentCreation)
                || unread && file.input.text.contains(Kind::IncidentCreation.word())
        };
        self.files.iter().any(is_told)
    }

    /// Returns all rules, in the order of the files.
    pub(super) fn rules(&self) -> Vec<Rule> {
        self.files.iter().flat_map(|file| &file.rules).cloned().collect()
    }

    /// Returns those that make incidents of the alerts of other products.
    pub(super) fn creation(&self) -> Vec<CreationRule> {
        self.files.iter().flat_map(|file| &file.rules).filter_map(CreationRule::of).collect()
    }

    /// Returns the names of the files.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|file| !file.rules.is_empty()).map(|file| file.input.name.as_str())
    }

    /// Returns the file of a rule, by the rule's place among [`RuleFiles::rules`].
    pub(super) fn source(&self, mut rule: usize) -> Option<&Input> {
        for file in &self.files {
            if rule < file.rules.len() {
                return Some(&file.input);
            }
            rule -= file.rules.len();
        }
        None
    }

    /// Says why a rule did not run.
    pub(super) fn failed(&self, rule: &Rule, failure: &Failure, console: &Console) {
        let file = self.files.iter().find(|file| file.rules.contains(rule)).map(|file| &file.input);
        match (failure, file) {
            (Failure::Problems(problems), Some(input)) => console.problems(&input.name, &input.text, problems),
            (failure, _) => console.warning(&format!("{}: {failure}", rule.title())),
        }
    }
}

impl RuleFile {
    fn unread(input: Input, problems: Vec<Diagnostic>) -> RuleFile {
        RuleFile { input, rules: Vec::new(), left_out: Vec::new(), problems }
    }
}

/// Tells whether a file is one of tests, by its name.
pub(super) fn is_test(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    TESTS.iter().any(|ending| name.ends_with(ending))
}
