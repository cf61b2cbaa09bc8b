//! A text that an editor shows, the queries within it, and the places of both.

use lsp_types::{Position, Range};

use crate::diagnostic::Span;
use crate::rules::{self, Embedded};

/// Queries, alone or in the YAML of a rule.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: String,
    /// Where the lines begin.
    lines: Vec<usize>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Query,
    /// Queries with empty lines between them.
    Queries(Vec<Embedded>),
    /// None where the file has no query, or is no rule.
    Rule(Option<Embedded>),
}

/// A place in a query, with that query.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    document: &'a Document,
    /// None where the query is the whole document.
    query: Option<&'a Embedded>,
    pub(super) text: &'a str,
    pub(super) offset: usize,
}

impl Spot<'_> {
    /// Returns where a part of the query stands in the document.
    pub(super) fn range(&self, span: Span) -> Range {
        self.document.file_range(self.query.map_or(span, |query| query.place(span)))
    }
}

impl Document {
    pub(super) fn new(uri: &str, text: String) -> Document {
        let lines = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        let is_rule = uri.ends_with(".yaml") || uri.ends_with(".yml");
        let kind = match is_rule {
            true => {
                let reading = rules::form::read(uri.as_ref(), &text).ok().flatten().unwrap_or_default();
                Kind::Rule(reading.rules.iter().find_map(rules::Rule::query).cloned())
            }
            false => rules::queries::several(&text).map_or(Kind::Query, Kind::Queries),
        };
        Document { text, lines, kind }
    }

    pub(super) fn is_rule(&self) -> bool {
        matches!(self.kind, Kind::Rule(_))
    }

    /// Returns the query at a place, none where another part of a rule is there.
    pub(super) fn at(&self, position: Position) -> Option<Spot<'_>> {
        let in_file = self.file_offset(position);
        let query = match &self.kind {
            Kind::Query => {
                return Some(Spot { document: self, query: None, text: &self.text, offset: in_file });
            }
            Kind::Queries(queries) => queries.iter().find(|query| query.offset(in_file).is_some())?,
            Kind::Rule(query) => query.as_ref()?,
        };
        Some(Spot { document: self, query: Some(query), text: &query.text, offset: query.offset(in_file)? })
    }

    /// Returns where a part of the document stands.
    pub(super) fn file_range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end.max(span.start)))
    }

    /// Returns the place of the whole document.
    pub(super) fn whole(&self) -> Range {
        self.file_range(Span::new(0, self.text.len()))
    }

    /// Lines count from 0, columns in UTF-16 units.
    fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= offset) - 1;
        let column = self.text[self.lines[line]..offset].encode_utf16().count();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position::new(number(line), number(column))
    }

    /// A place behind a line's end counts as that end.
    fn file_offset(&self, position: Position) -> usize {
        let Some(start) = self.lines.get(position.line as usize) else { return self.text.len() };
        let line = self.text[*start..].split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut left = position.character as usize;
        let mut offset = *start;
        for c in line.chars() {
            if left < c.len_utf16() {
                break;
            }
            left -= c.len_utf16();
            offset += c.len_utf8();
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_utf16_units() {
        let document = Document::new("file:///a.kql", "ü😀x\r\ny".into());
        let at = document.text.find('x').unwrap();
        assert_eq!(document.position(at), Position::new(0, 3));
        let offset = |line, column| document.at(Position::new(line, column)).map(|spot| spot.offset);
        assert_eq!(offset(0, 3), Some(at));
        // Within a pair is before it; behind the line is its end; behind the text is the end of that.
        assert_eq!(offset(0, 2), Some(2));
        assert_eq!(offset(0, 99), Some(at + 1));
        assert_eq!(offset(9, 9), Some(document.text.len()));
    }

    #[test]
    fn places_in_a_rule_are_those_of_the_file() {
        let document = Document::new("file:///a.yaml", "kind: NRT\nquery: |\n  T\n  | where ü == 1\n".into());
        let spot = document.at(Position::new(3, 12)).unwrap();
        let at = spot.text.find('=').unwrap();
        assert_eq!(spot.offset, at);
        assert_eq!(spot.range(Span::new(at, at + 2)), Range::new(Position::new(3, 12), Position::new(3, 14)));
        assert!(document.at(Position::new(0, 3)).is_none());
    }

    #[test]
    fn of_several_queries_the_one_at_the_place_counts() {
        let document = Document::new("file:///a.kql", "T\n| count\n\nU\n| take 1\n".into());
        let first = document.at(Position::new(1, 3)).unwrap();
        assert_eq!(first.text, "T\n| count");
        let second = document.at(Position::new(4, 2)).unwrap();
        assert_eq!(second.text.trim(), "U\n| take 1");
        let take = second.text.find("take").unwrap();
        assert_eq!(second.offset, take);
        assert_eq!(second.range(Span::new(take, take + 4)), Range::new(Position::new(4, 2), Position::new(4, 6)));
    }
}
