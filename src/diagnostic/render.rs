//! Problems as text: for a terminal, for a build log, for the machines that read build logs.
//!
//! Everything here makes a string and prints nothing. Each machine's form has a file of its own.

pub mod azure;
pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod sarif;

use std::collections::HashMap;
use std::rc::Rc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use sha2::{Digest, Sha256};

use super::{Diagnostic, Severity, Span};

/// A text that was read, and what is wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Where the text comes from: a path, or `<stdin>`.
    pub path: &'a str,
    pub text: &'a str,
    pub diagnostics: &'a [Diagnostic],
}

/// How a terminal wants it.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub color: bool,
    /// Characters in a line.
    pub width: usize,
}

/// A place as people count: from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text.
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Lines { text, starts }
    }

    /// Tells on which line and column a byte stands. An offset behind the text counts as its end.
    ///
    /// ```
    /// use alertq::diagnostic::render::{Lines, Position};
    /// let lines = Lines::new("größe\n| count");
    /// assert_eq!(lines.position(10), Position { line: 2, column: 3 });
    /// assert_eq!(lines.position(7), Position { line: 1, column: 6 });
    /// ```
    pub fn position(&self, offset: usize) -> Position {
        let offset = boundary(self.text, offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        Position { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// Returns the text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the line that a byte stands on, with its end of line. An offset behind the text counts as its end.
    pub fn line_of(&self, offset: usize) -> Span {
        let number = self.position(offset).line;
        Span::new(self.starts[number - 1], self.starts.get(number).copied().unwrap_or(self.text.len()))
    }
}

/// A problem with the text that it is in.
#[derive(Debug)]
struct Problem<'a> {
    path: &'a str,
    lines: Rc<Lines<'a>>,
    diagnostic: &'a Diagnostic,
    /// How many problems of the same text say the same before it.
    repetition: usize,
}

/// Returns the problems of all texts: errors first, for those who show only so many.
fn worst_first<'a>(reports: &'a [Report<'a>]) -> Vec<Problem<'a>> {
    let mut all = Vec::new();
    for Report { path, text, diagnostics } in reports {
        let lines = Rc::new(Lines::new(text));
        let mut seen: HashMap<_, usize> = HashMap::new();
        for diagnostic in *diagnostics {
            let count = seen.entry((diagnostic.code, diagnostic.message.as_str())).or_default();
            all.push(Problem { path, lines: lines.clone(), diagnostic, repetition: *count });
            *count += 1;
        }
    }
    all.sort_by_key(|problem| problem.diagnostic.severity);
    all
}

impl Problem<'_> {
    /// Returns where it begins and ends.
    fn region(&self) -> (Position, Position) {
        let Span { start, end } = self.diagnostic.span;
        (self.lines.position(start), self.lines.position(end))
    }

    /// Tells it from others. Depends on no line number: an edit further up must not make an old problem look new.
    fn fingerprint(&self) -> String {
        let Problem { path, diagnostic: Diagnostic { code, message, .. }, repetition, .. } = self;
        let text = format!("{path}\0{code}\0{message}\0{repetition}");
        Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Shows each problem with the lines that it is about.
pub fn full(report: &Report, style: Style) -> String {
    let base = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = base.term_width(style.width);
    let mut out = String::new();
    for diagnostic in report.diagnostics {
        out.push_str(&renderer.render(&[excerpt(report, diagnostic)]));
        out.push_str("\n\n");
    }
    out
}

/// Gives one line for each problem: `path:line:column: error[KS142]: message`.
pub fn concise(report: &Report) -> String {
    let lines = Lines::new(report.text);
    report.diagnostics.iter().map(|diagnostic| line(report.path, &lines, diagnostic)).collect()
}

fn line(path: &str, lines: &Lines, diagnostic: &Diagnostic) -> String {
    let Position { line, column } = lines.position(diagnostic.span.start);
    let Diagnostic { severity, code, message, help, .. } = diagnostic;
    let help = help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{path}:{line}:{column}: {}[{code}]: {message}{help}\n", severity.word())
}

fn excerpt<'a>(report: &'a Report, diagnostic: &'a Diagnostic) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Information => Level::NOTE,
    };
    let place = |span: Span| boundary(report.text, span.start)..boundary(report.text, span.end.max(span.start));
    let mut snippet = Snippet::source(report.text)
        .path(report.path)
        .annotation(AnnotationKind::Primary.span(place(diagnostic.span)).highlight_source(false));
    for label in &diagnostic.labels {
        snippet = snippet.annotation(AnnotationKind::Context.span(place(label.span)).label(label.message.as_str()));
    }
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    // A text that is empty, or could not be read, has no line to show.
    let group = match report.text {
        "" => title.element(Origin::path(report.path)),
        _ => title.element(snippet),
    };
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// Moves an offset back to where a character begins, and into the text.
fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Text and problems that the tests of the forms share.
#[cfg(test)]
mod sample {
    use super::*;

    pub const TEXT: &str = "SecurityAlert\n| where Sevrity == 'Größe'\n";

    pub fn diagnostics() -> Vec<Diagnostic> {
        let unknown = Diagnostic::error("KS142", Span::new(22, 29), "the name 'Sevrity' does not refer to anything")
            .help("did you mean 'Severity'?")
            .label(Span::new(0, 13), "columns come from here");
        vec![unknown, Diagnostic::warning("AQ100", Span::new(33, 41), "100% <sure>\nof it")]
    }

    pub fn report(diagnostics: &[Diagnostic]) -> Report<'_> {
        Report { path: "rules/a,b.kql", text: TEXT, diagnostics }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_shows_code_place_label_and_help() {
        let diagnostics = sample::diagnostics();
        let text = full(&sample::report(&diagnostics[..1]), Style { color: false, width: 100 });
        for part in
            ["error[KS142]", "rules/a,b.kql:2:9", "^^^^^^^", "columns come from here", "did you mean 'Severity'?"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn concise_is_one_line_for_each() {
        let diagnostics = sample::diagnostics();
        assert_eq!(
            concise(&sample::report(&diagnostics[..1])),
            "rules/a,b.kql:2:9: error[KS142]: the name 'Sevrity' does not refer to anything (did you mean 'Severity'?)\n"
        );
    }

    #[test]
    fn spans_outside_the_text_are_harmless() {
        for (text, span) in
            [("", Span::new(5, 9)), ("ü", Span::new(1, 1)), ("a", Span::new(1, 1)), ("ab", Span::new(2, 0))]
        {
            let diagnostics = [Diagnostic::error("AQ001", span, "odd")];
            let report = Report { path: "x", text, diagnostics: &diagnostics };
            assert!(full(&report, Style { color: true, width: 80 }).contains("odd"));
            assert!(concise(&report).starts_with("x:1:"));
        }
    }
}
