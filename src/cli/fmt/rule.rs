//! The query of a rule: a block of lines in a YAML file, of which nothing else is touched.

use super::Kept;
use crate::diagnostic::Diagnostic;
use crate::rules::{self, Rule};

/// Lays out the query of a rule, and leaves every other byte of the file.
pub(super) fn layout(file: &str) -> Result<String, Kept> {
    let rule = only(file).map_err(Kept::Errors)?.ok_or(Kept::Other)?;
    let Some(query) = rule.query() else { return Ok(file.to_string()) };
    let laid_out = super::layout(&query.text).map_err(|kept| match kept {
        Kept::Errors(problems) => Kept::Errors(problems.into_iter().map(|problem| query.in_file(problem)).collect()),
        other => other,
    })?;
    if laid_out.trim_end() == query.text.trim_end() {
        return Ok(file.to_string());
    }
    let block = Block::find(file, query.span.start)
        .ok_or(Kept::Because("the query is no block of lines", "write `query: |` and the query below it, indented"))?;
    let written = block.replaced(file, laid_out.trim_end());
    // The last word has the reader: the file must hold this query, and all else as before.
    let same = |rule: &Rule| rule.query().is_some_and(|query| query.text.trim_end() == laid_out.trim_end());
    match only(&written) {
        Ok(Some(read)) if same(&read) && read.title() == rule.title() => Ok(written),
        _ => {
            Err(Kept::Because("the query cannot be written back", "write `query: |` and the query below it, indented"))
        }
    }
}

/// Reads the rule of a YAML file; none where it holds something else, or several.
fn only(file: &str) -> Result<Option<Rule>, Vec<Diagnostic>> {
    let mut rules = rules::form::read("rule.yaml".as_ref(), file)?.unwrap_or_default().rules;
    Ok(rules.pop().filter(|_| rules.is_empty()))
}

/// The lines of a literal block: `query: |` and what is indented below.
#[derive(Debug)]
struct Block<'a> {
    /// Bytes of the file, from the first line with text to the last one; the end of line is not among them.
    start: usize,
    end: usize,
    indent: &'a str,
}

impl<'a> Block<'a> {
    /// Finds the block that a scalar is; None where it has another style.
    ///
    /// `scalar` is somewhere in its header or in its first line.
    fn find(file: &'a str, scalar: usize) -> Option<Block<'a>> {
        let line_start = file.get(..scalar)?.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = Lines { file, at: line_start };
        // The scalar's place is that of its header in some readers, that of its text in others.
        let first = lines.next()?;
        if !is_header(first.text) {
            lines.at = line_start;
            let before = file.get(..line_start)?.trim_end();
            let header = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
            if !is_header(header) {
                return None;
            }
        }
        let first = lines.by_ref().find(|line| !line.text.trim().is_empty())?;
        let indent = &first.text[..first.text.len() - first.text.trim_start_matches(' ').len()];
        let mut block = Block { start: first.start, end: first.start + first.text.len(), indent };
        for line in lines {
            if line.text.trim().is_empty() {
                continue;
            }
            if !line.text.starts_with(indent) {
                break;
            }
            block.end = line.start + line.text.len();
        }
        (!indent.is_empty()).then_some(block)
    }

    fn replaced(&self, file: &str, query: &str) -> String {
        let end_of_line = if file.contains("\r\n") { "\r\n" } else { "\n" };
        let lines = query.lines().map(|line| match line {
            "" => String::new(),
            line => format!("{}{line}", self.indent),
        });
        let lines = lines.collect::<Vec<_>>().join(end_of_line);
        format!("{}{lines}{}", &file[..self.start], &file[self.end..])
    }
}

/// Tells whether a line ends in `|`, with or without a word on the last end of line.
fn is_header(line: &str) -> bool {
    let line = line.trim_end();
    line.strip_suffix(['-', '+']).unwrap_or(line).ends_with(": |")
}

struct Line<'a> {
    /// Byte of the file.
    start: usize,
    /// Without its end.
    text: &'a str,
}

struct Lines<'a> {
    file: &'a str,
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.file.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let line = Line { start: self.at, text: rest[..length].trim_end_matches(['\n', '\r']) };
        self.at += length;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, wanted: &str) {
        assert_eq!(layout(file).unwrap(), wanted);
        assert_eq!(layout(wanted).unwrap(), wanted, "not stable");
    }

    #[test]
    fn only_the_block_of_the_query_changes() {
        check(
            "# top\nid:   'x'  # odd\nkind: NRT\nquery: |\n    T|where a==1 // why\n\n    |  count\n\n# after\nname:  n\n",
            "# top\nid:   'x'  # odd\nkind: NRT\nquery: |\n    T\n    | where a == 1 // why\n    | count\n\n# after\nname:  n\n",
        );
        check("query: |-\n  T|count", "query: |-\n  T\n  | count");
        check("query: |\r\n  T|count\r\nname: n\r\n", "query: |\r\n  T\r\n  | count\r\nname: n\r\n");
        check("kind: Fusion\nname:  f\n", "kind: Fusion\nname:  f\n");
    }

    #[test]
    fn a_query_in_another_style_is_left_alone() {
        for file in ["query: 'T|count'\n", "query: >\n  T|count\n", "query: T|count\n"] {
            assert!(matches!(layout(file), Err(Kept::Because(..))), "{file}");
        }
        assert!(matches!(layout("query: |\n  T | where\n"), Err(Kept::Errors(_))));
        assert!(matches!(layout("a: 1\n"), Err(Kept::Other)));
        assert_eq!(layout("query: >\n  T\n").unwrap(), "query: >\n  T\n");
    }
}
