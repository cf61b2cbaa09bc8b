//! One part of a text that is cut at a delimiter: `tostring(split(Text, ".")[0])` makes no array of all parts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use memchr::memmem::Finder;

use super::path::Output;
use crate::plan::{Expr, Step};
use crate::types::{ScalarType, Value};

/// The part of a text that stands behind so many delimiters.
pub(super) struct Part<'a> {
    pub(super) text: &'a Expr,
    pub(super) delimiter: &'a str,
    pub(super) index: usize,
}

impl<'a> Part<'a> {
    /// Finds out whether steps into a value lead to one part of a text; the part is wanted as `tostring` gives it.
    pub(super) fn of(base: &'a Expr, steps: &[Step]) -> Option<Part<'a>> {
        let (Expr::Call { function, arguments, .. }, [Step::Index(index)]) = (base, steps) else { return None };
        let [text, Expr::Literal(Value::String(delimiter))] = &arguments[..] else { return None };
        // An empty delimiter gives no array, and an index below zero counts from its end.
        let known = function.cuts_text() && text.scalar_type() == ScalarType::String && !delimiter.is_empty();
        Some(Part { text, delimiter, index: usize::try_from(*index).ok()? }).filter(|_| known)
    }
}

/// Takes the part of each text; what has fewer parts gives the empty text.
pub(super) fn parts(texts: &ArrayRef, delimiter: &Finder<'_>, index: usize) -> ArrayRef {
    let texts = texts.as_string_view();
    let mut output = Output::new(texts);
    for row in 0..texts.len() {
        let text = if texts.is_null(row) { None } else { part(texts.value(row), delimiter, index) };
        output.push(texts, row, text.unwrap_or_default());
    }
    Arc::new(output.finish())
}

fn part<'t>(text: &'t str, delimiter: &Finder<'_>, index: usize) -> Option<&'t str> {
    let mut rest = text;
    for _ in 0..index {
        let at = delimiter.find(rest.as_bytes())?;
        rest = rest.get(at + delimiter.needle().len()..)?;
    }
    match delimiter.find(rest.as_bytes()) {
        Some(end) => rest.get(..end),
        None => Some(rest),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;

    use super::*;

    #[test]
    fn parts_are_those_of_all() {
        let texts =
            ["", ".", "host.contoso.com", "a..b", "ä.ö.a text that is longer than a view", "..", "none here", "...."];
        for delimiter in [".", "..", "o", "ä", "t.c"] {
            for index in 0..5 {
                let array: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
                let found = parts(&array, &Finder::new(delimiter), index);
                let wanted = texts.map(|text| text.split(delimiter).nth(index).unwrap_or_default());
                assert!(found.as_string_view().iter().eq(wanted.map(Some)), "{delimiter} {index}");
            }
        }
        let missing: ArrayRef = Arc::new(StringViewArray::from(vec![None, Some("a")]));
        assert!(parts(&missing, &Finder::new("."), 0).as_string_view().iter().eq([Some(""), Some("a")]));
    }
}
