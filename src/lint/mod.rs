//! Lints: queries that are valid KQL and that most likely do not do what their author means, or do it at a price.
//!
//! A lint is one value in a file of its own below `lints/`: its name, which reads well after "allow", what it finds,
//! why that matters, a query that it finds fault with and one that does the same and is fine, and the function. Help,
//! the listing and the tests read the same value.

mod context;
mod level;
mod lints;
mod suppress;

pub use crate::diagnostic::Level;
pub use context::{Context, Pipeline, Schedule};
pub use level::{Levels, UnknownLint};
pub use lints::LINTS;
pub use suppress::Suppressions;

use crate::diagnostic::{Diagnostic, Span};

/// A lint, whole.
#[derive(Debug)]
pub struct Lint {
    /// `AQ6xx`; it never changes.
    pub code: &'static str,
    pub name: &'static str,
    /// One sentence: what it finds.
    pub what: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// A query that it finds fault with, and no other lint does.
    pub bad: &'static str,
    /// The query as it should be.
    pub good: &'static str,
    /// What its findings are in a query by itself.
    pub level: Level,
    /// What its findings are in the query of an analytics rule.
    pub in_rules: Level,
    /// The codes that kql-guard gives to the same matter: its comments count here too.
    pub kql_guard: &'static [&'static str],
    pub check: fn(&Context) -> Vec<Finding>,
}

/// What a lint has found.
#[derive(Debug)]
pub struct Finding {
    pub span: Span,
    pub message: String,
    pub help: Option<String>,
}

impl Finding {
    /// Makes a finding without help.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Finding { span, message: message.into(), help: None }
    }

    /// Says what to try.
    pub fn help(self, help: impl Into<String>) -> Self {
        Finding { help: Some(help.into()), ..self }
    }
}

/// Finds the lint with a name or a code.
pub fn find(name: &str) -> Option<&'static Lint> {
    LINTS.iter().copied().find(|lint| lint.name == name || lint.code.eq_ignore_ascii_case(name))
}

/// Holds a query against the lints. Comments in its text may allow some; what else they say wrongly is told too.
///
/// ```
/// use alertq::{bind, catalog::Catalog, lint, syntax};
/// let text = "SecurityAlert | where TimeGenerated > ago(1d) | where tolower(AlertName) == 'x'";
/// let query = syntax::parse(text).query;
/// let options = bind::Options { tracing: bind::Tracing::Types, ..bind::Options::default() };
/// let bound = bind::bind(&query, &Catalog::standard(), &options);
/// let found = lint::run(&lint::Context::new(text, &query, &bound.trace, None), &lint::Levels::default());
/// assert_eq!((found.len(), found[0].code), (1, "AQ611"));
/// ```
pub fn run(context: &Context, levels: &Levels) -> Vec<Diagnostic> {
    let mut suppressions = None;
    let mut found = Vec::new();
    for lint in LINTS {
        let Some(severity) = levels.of(lint, context.rule.is_some()).severity() else { continue };
        for Finding { span, message, help } in (lint.check)(context) {
            let suppressions = suppressions.get_or_insert_with(|| Suppressions::read(context.text));
            if !suppressions.allow(lint, span) {
                let finding = Diagnostic { severity, help, ..Diagnostic::warning(lint.code, span, message) };
                found.push(finding);
            }
        }
    }
    if context.text.contains("alertq:") {
        found.extend(suppressions.unwrap_or_else(|| Suppressions::read(context.text)).problems);
    }
    found.sort_by_key(|finding| (finding.span, finding.code));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{self, Tracing};
    use crate::catalog::Catalog;
    use crate::syntax;
    use crate::types::ticks;

    /// Returns the codes of what all lints find; the rule, if it is one, looks back for a day.
    fn codes(text: &str, rule: bool) -> Vec<&'static str> {
        let levels = Levels::default().all(Level::Warning);
        let parsed = syntax::parse(text);
        assert_eq!(parsed.problems, [], "{text}");
        let options = bind::Options { tracing: Tracing::Types, ..bind::Options::default() };
        let bound = bind::bind(&parsed.query, &Catalog::standard(), &options);
        assert!(bound.is_valid(), "{text}: {:?}", bound.problems);
        let schedule = rule.then_some(Schedule { period: Some(ticks::TICKS_PER_DAY) });
        run(&Context::new(text, &parsed.query, &bound.trace, schedule), &levels).into_iter().map(|d| d.code).collect()
    }

    #[test]
    fn every_lint_finds_its_bad_query_alone_and_leaves_the_good_one() {
        for lint in LINTS {
            let rule = lint.level == Level::Allow && lint.in_rules != Level::Allow;
            let mut found = codes(lint.bad, rule);
            found.dedup();
            assert_eq!(found, [lint.code], "{}: {}", lint.name, lint.bad);
            assert_eq!(codes(lint.good, rule), [""; 0], "{}: {}", lint.name, lint.good);
        }
    }

    #[test]
    fn names_and_codes_are_told_once_and_explained() {
        for (n, lint) in LINTS.iter().enumerate() {
            assert!(LINTS[..n].iter().all(|other| other.name != lint.name && other.code < lint.code), "{}", lint.name);
            // The codes from there on are those of tests of rules.
            assert!(lint.code < "AQ650", "{}", lint.name);
            assert!(lint.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", lint.name);
            assert!(lint.what.ends_with('.') && lint.why.ends_with('.'), "{}", lint.name);
        }
    }

    #[test]
    fn comments_allow_what_they_name() {
        let query = |comment: &str| {
            format!("SecurityAlert\n| where TimeGenerated > ago(1d){comment}\n| where AlertName contains 'mimikatz'")
        };
        assert_eq!(codes(&query(""), false), ["AQ602"]);
        for comment in [
            "\n// alertq: allow contains-for-has",
            "\n// alertq: allow AQ602, join-without-kind",
            " // alertq: allow-file contains-for-has",
            "\n// kql-guard:disable-next-line KQL002",
            " // kql-guard:disable-file",
        ] {
            assert_eq!(codes(&query(comment), false), [""; 0], "{comment}");
        }
        for comment in
            [" // alertq: allow contains-for-has", " // kql-guard:disable", "\n// alertq: allow unused-column"]
        {
            assert_eq!(codes(&query(comment), false), ["AQ602"], "{comment}");
        }
        assert_eq!(codes(&format!("{} // alertq: allow contains-for-has", query("")), false), [""; 0]);
        assert_eq!(codes(&query("\n// alertq: allow contians-for-has"), false), ["AQ600", "AQ602"]);
    }
}
