//! A user's mistake as data: where it is, what it is, and what to try.
//!
//! Everything that reads user text (the parser, the binder, the rule checks) answers with values of
//! [`Diagnostic`]; nothing in this room prints. Renderers turn them into text for a terminal or a machine.

mod level;
pub mod render;

pub use level::Level;

/// A range of bytes in a source text, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// Makes the span of bytes `start..end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }

    /// Returns the smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The text has no meaning, or alertq cannot give it one.
    Error,
    /// The text runs, and probably not as its author means.
    Warning,
    /// Worth knowing.
    Information,
}

impl Severity {
    /// Returns the word that output formats use.
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
        }
    }
}

/// A second place that explains the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where it is.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// One problem in a text that a user wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Microsoft's code (`KS142`) where their parser has one for this problem, else ours (`AQ…`).
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence that says what is wrong.
    pub message: String,
    /// Where it is.
    pub span: Span,
    /// Other places that matter.
    pub labels: Vec<Label>,
    /// What to try.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Makes an error without help.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { code, severity: Severity::Error, message: message.into(), span, labels: Vec::new(), help: None }
    }

    /// Makes a warning without help.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    /// Says what to try.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points at a second place.
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Tells whether the text cannot run because of this.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Returns the candidate nearest to `name`, if any is near enough to be meant.
///
/// ```
/// let names = ["AlertName", "AlertSeverity"];
/// assert_eq!(alertq::diagnostic::nearest("AlertSevrity", names), Some("AlertSeverity"));
/// assert_eq!(alertq::diagnostic::nearest("Foo", names), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
