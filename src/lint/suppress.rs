//! Comments that allow what lints find.
//!
//! `// alertq: allow NAME, NAME` behind code is about its line; on a line of its own it is about the next line with code.
//! `// alertq: allow-file NAME` is about the whole text. Names are those of lints, or their codes.
//!
//! Those of kql-guard count as well, for the lints that have a code there: `// kql-guard:disable`,
//! `// kql-guard:disable-next-line` and `// kql-guard:disable-file`, with codes behind, or for all that it finds.

use super::{Lint, UnknownLint, find};
use crate::diagnostic::render::Lines;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::syntax::comment::{Comment, comments, tokens};

/// What the comments of a text allow.
#[derive(Debug)]
pub struct Suppressions<'a> {
    lines: Lines<'a>,
    entries: Vec<Entry>,
    /// Names that no lint has (AQ600).
    pub problems: Vec<Diagnostic>,
}

#[derive(Debug)]
struct Entry {
    /// Counted from 1; None is the whole text.
    line: Option<usize>,
    what: What,
}

#[derive(Debug)]
enum What {
    Lint(&'static str),
    KqlGuard(String),
    AllOfKqlGuard,
}

impl<'a> Suppressions<'a> {
    /// Reads the comments of a text.
    pub fn read(text: &'a str) -> Self {
        let mut suppressions = Suppressions { lines: Lines::new(text), entries: Vec::new(), problems: Vec::new() };
        let tokens = tokens(text);
        for comment in comments(text, &tokens) {
            let words = comment.text.trim_start_matches('/').trim_start();
            let code = tokens.get(comment.next).map_or(text.len(), |token| token.span.start);
            if let Some(directive) = words.strip_prefix("alertq:") {
                suppressions.ours(directive.trim(), &comment, code);
            } else if let Some(directive) = words.strip_prefix("kql-guard:") {
                suppressions.kql_guard(directive.trim(), &comment);
            }
        }
        suppressions
    }

    /// Tells whether a finding of a lint at a place is allowed.
    pub fn allow(&self, lint: &Lint, span: Span) -> bool {
        let line = self.lines.position(span.start).line;
        self.entries.iter().any(|entry| {
            entry.line.is_none_or(|allowed| allowed == line)
                && match &entry.what {
                    What::Lint(code) => *code == lint.code,
                    What::KqlGuard(code) => lint.kql_guard.iter().any(|known| known.eq_ignore_ascii_case(code)),
                    What::AllOfKqlGuard => !lint.kql_guard.is_empty(),
                }
        })
    }

    /// Reads what stands behind `alertq:`; `code` is where the next code begins.
    fn ours(&mut self, directive: &str, comment: &Comment, code: usize) {
        let (verb, names) = directive.split_once(char::is_whitespace).unwrap_or((directive, ""));
        let line = match verb {
            "allow" if comment.alone => Some(self.lines.position(code).line),
            "allow" => Some(self.lines.position(comment.span.start).line),
            "allow-file" => None,
            _ => {
                let message = format!("'{verb}' is nothing that a comment can ask for");
                return self.problem(comment, message, "write `// alertq: allow NAME` or `// alertq: allow-file NAME`");
            }
        };
        let mut names = names.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()).peekable();
        if names.peek().is_none() {
            return self.problem(comment, "the comment names no lint".into(), "`alertq lints` lists them");
        }
        for name in names {
            match find(name) {
                Some(lint) => self.entries.push(Entry { line, what: What::Lint(lint.code) }),
                None => {
                    let unknown = UnknownLint(name.to_string());
                    self.problem(comment, unknown.to_string(), &unknown.help());
                }
            }
        }
    }

    fn kql_guard(&mut self, directive: &str, comment: &Comment) {
        let (verb, codes) = directive.split_once(char::is_whitespace).unwrap_or((directive, ""));
        let here = self.lines.position(comment.span.start).line;
        let line = match verb {
            "disable" => Some(here),
            "disable-next-line" => Some(here + 1),
            "disable-file" => None,
            _ => return,
        };
        if codes.trim().is_empty() {
            return self.entries.push(Entry { line, what: What::AllOfKqlGuard });
        }
        let codes = codes.split(',').map(|code| What::KqlGuard(code.trim().to_string()));
        self.entries.extend(codes.map(|what| Entry { line, what }));
    }

    fn problem(&mut self, comment: &Comment, message: String, help: &str) {
        let problem = Diagnostic::warning("AQ600", comment.span, message).help(help);
        self.problems.push(Diagnostic { severity: Severity::Information, ..problem });
    }
}
