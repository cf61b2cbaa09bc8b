//! A text within a file of another format, and the way back from its bytes to those of the file.

use crate::diagnostic::{Diagnostic, Span};

/// A text that stands in a file, indented, folded or quoted.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    pub text: String,
    /// Where it stands in the file as a whole.
    pub span: Span,
    /// For each byte of the text, and its end, the offset in the file; empty where the two could not be matched.
    offsets: Vec<usize>,
}

impl Embedded {
    /// Matches a text against the part of `file` that it was read from.
    pub fn new(text: String, file: &str, span: Span) -> Self {
        let source = file.get(span.start..span.end).unwrap_or_default();
        let offsets = align(source, &text).unwrap_or_default();
        Embedded { text, span, offsets: offsets.into_iter().map(|offset| span.start + offset).collect() }
    }

    /// Takes a text whose bytes have known places in the file.
    pub(super) fn at(text: String, span: Span, offsets: Vec<usize>) -> Self {
        let mut offsets = offsets;
        if offsets.len() == text.len() {
            offsets.push(offsets.last().map_or(span.end, |last| last + 1));
        }
        Embedded { text, span, offsets }
    }

    /// Leads on to the file in which the text that it was read from stands itself.
    pub(super) fn within(mut self, outer: &Embedded) -> Self {
        let offset = |at: &usize| outer.offsets.get(*at).copied();
        self.offsets = self.offsets.iter().map(offset).collect::<Option<_>>().unwrap_or_default();
        self.span = outer.place(self.span);
        self
    }

    /// Returns where a part of the text stands in the file; the whole text where that is not known.
    pub fn place(&self, span: Span) -> Span {
        match (self.offsets.get(span.start), self.offsets.get(span.end)) {
            (Some(start), _) if span.start == span.end => Span::new(*start, *start),
            (Some(start), Some(end)) => {
                // The last byte counts, not what follows it: line ends and indentation lie between.
                let last =
                    span.end.checked_sub(1).and_then(|last| self.offsets.get(last)).map_or(*end, |last| last + 1);
                Span::new(*start, last.max(*start))
            }
            _ => self.span,
        }
    }

    /// Returns the place in the text of a byte of the file; none where the text does not stand there.
    pub fn offset(&self, in_file: usize) -> Option<usize> {
        let (first, last) = (self.offsets.first()?, self.offsets.last()?);
        let within = (*first..=*last).contains(&in_file);
        within.then(|| self.offsets.partition_point(|offset| *offset < in_file))
    }

    /// Moves a problem of the text to its place in the file.
    pub fn in_file(&self, mut problem: Diagnostic) -> Diagnostic {
        problem.span = self.place(problem.span);
        for label in &mut problem.labels {
            label.span = self.place(label.span);
        }
        problem
    }
}

/// Finds each byte of `text` in the YAML scalar that it was read from, whatever the scalar's style.
///
/// White space is matched loosely, for block scalars drop indentation and folded ones turn line ends into spaces; all
/// other characters must be found in order.
fn align(source: &str, text: &str) -> Option<Vec<usize>> {
    let double = source.starts_with('"');
    let single = source.starts_with('\'');
    let bytes = source.as_bytes();
    let mut at = usize::from(double || single);
    let mut offsets = Vec::with_capacity(text.len() + 1);
    for c in text.chars() {
        if !c.is_whitespace() {
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) || double && is_continuation(&bytes[at..]) {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
        }
        let start = at;
        let here = source.get(at..)?.chars().next();
        match here {
            Some('\\') if double => at += escape_length(&bytes[at..]),
            Some('\'') if single && c == '\'' => at += 2,
            Some(found) if found == c || (c.is_whitespace() && found.is_whitespace()) => at += found.len_utf8(),
            // A line end that the file leaves out at its end.
            _ if c.is_whitespace() => {}
            _ => return None,
        }
        // A character of several bytes is one place; in the same spelling its bytes correspond.
        let plain = here == Some(c);
        offsets.extend((0..c.len_utf8()).map(|byte| if plain { start + byte } else { start }));
    }
    offsets.push(at.min(source.len()));
    Some(offsets)
}

fn is_continuation(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\\', b'\n', ..])
}

fn escape_length(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        Some(b'x') => 4,
        Some(b'u') => 6,
        Some(b'U') => 10,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character of `word` in the text leads to the same word in the file.
    fn check(file: &str, scalar: &str, text: &str, word: &str) {
        let start = file.find(scalar).unwrap();
        let embedded = Embedded::new(text.to_string(), file, Span::new(start, start + scalar.len()));
        let at = text.find(word).unwrap();
        let span = embedded.place(Span::new(at, at + word.len()));
        assert_eq!(&file[span.start..span.end], word, "in {file}");
        assert_eq!(embedded.offset(span.start), Some(at), "in {file}");
    }

    #[test]
    fn each_style_leads_back() {
        check(
            "q: |\n  T\n  | where ü == 1\n\n    | x\n",
            "T\n  | where ü == 1\n\n    | x\n",
            "T\n| where ü == 1\n\n  | x\n",
            "ü",
        );
        check("q: |\n  T\n\n    | x\n", "T\n\n    | x\n", "T\n\n  | x\n", "| x");
        check("q: >-\n  T\n  | count\n", "T\n  | count\n", "T | count", "count");
        check("q: 'T | where a == ''b'' and c'", "'T | where a == ''b'' and c'", "T | where a == 'b' and c", "and");
        check(
            r#"q: "T\n| where a == \"b\" and c""#,
            r#""T\n| where a == \"b\" and c""#,
            "T\n| where a == \"b\" and c",
            "and",
        );
    }

    #[test]
    fn what_does_not_match_is_the_whole() {
        let embedded = Embedded::new("abc".into(), "x: abd", Span::new(3, 6));
        assert_eq!(embedded.place(Span::new(0, 1)), Span::new(3, 6));
    }

    #[test]
    fn places_behind_the_text_are_harmless() {
        let embedded = Embedded::new("ab".into(), "x: ab", Span::new(3, 5));
        assert_eq!(embedded.place(Span::new(2, 2)), Span::new(5, 5));
        assert_eq!(embedded.place(Span::new(2, 9)), Span::new(3, 5));
    }
}
