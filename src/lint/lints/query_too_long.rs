//! Queries that no rule takes.

use crate::diagnostic::Span;
use crate::lint::{Context, Finding, Level, Lint};

pub static LINT: Lint = Lint {
    code: "AQ616",
    name: "query-too-long",
    what: "Finds queries of more than 10,000 characters.",
    why: "An analytics rule takes no longer query (documented). That of a rule which is too long is an error by itself.",
    bad: LONG,
    good: "SecurityAlert\n| where TimeGenerated > ago(1d)\n| where AlertName != \"x\"",
    level: Level::Information,
    in_rules: Level::Allow,
    kql_guard: &[],
    check,
};

/// Characters.
const LONGEST: usize = 10_000;

/// One line of a comment, padded with spaces: the shortest text that is too long.
const LONG: &str = {
    const fn padded<const N: usize>() -> [u8; N] {
        let start = b"SecurityAlert | where TimeGenerated > ago(1d) //";
        let mut text = [b' '; N];
        let mut at = 0;
        while at < start.len() {
            text[at] = start[at];
            at += 1;
        }
        text[N - 1] = b'.';
        text
    }
    static TEXT: [u8; LONGEST + 1] = padded();
    match std::str::from_utf8(&TEXT) {
        Ok(text) => text,
        Err(_) => "",
    }
};

fn check(context: &Context) -> Vec<Finding> {
    let length = context.text.chars().count();
    if context.rule.is_some() || length <= LONGEST {
        return Vec::new();
    }
    let first = context.text.lines().next().map_or(0, str::len);
    let message = format!("the query has {length} characters, and a rule takes {LONGEST} at most");
    vec![Finding::new(Span::new(0, first), message).help("move a part into a saved function")]
}
