//! Functions that look for texts in texts: where they stand, how often, what lies between, what comes instead.

use std::sync::Arc;

use memchr::memmem;

use super::needle::Needle;
use super::regex::{byte_of, compile};
use super::rows::{
    self, Column, DYNAMIC, LONG, STRING, any_text, as_text, constant_text, dynamic, function, integer, overload, string,
};
use super::strings::part;
use crate::functions::lift::{Json, Long, Reader, Text, lift1};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::{Value, json};

/// Functions that look for texts in texts.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "split",
        "Cuts a text at a delimiter, into an array; with an index, into an array of that part alone.",
        "split-function",
        Naming::FirstArgument,
        [overload!((as_text("source"), string("delimiter"), integer("requestedIndex").optional()) -> DYNAMIC, split)],
        [
            ("tostring(split('a,,b', ','))", "'[\"a\",\"\",\"b\"]'"),
            ("tostring(split('a,b', ',', 1))", "'[\"b\"]'"),
            ("tostring(split('', ','))", "'[\"\"]'"),
            ("isnull(split('a,b', ',', 5))", "true")
        ]
    ),
    function!(
        "indexof",
        "Gives where a text holds another for the first time (or n-th), counted from 0; -1 if nowhere.",
        "indexof-function",
        Naming::None,
        [overload!((as_text("string"), as_text("match"), integer("start").optional(), integer("length").optional(),
            integer("occurrence").constant().optional()) -> LONG, indexof)],
        [
            ("indexof('abcabc', 'ca')", "2"),
            ("indexof('abcabc', 'a', 1)", "3"),
            ("indexof('abcabc', 'c', 0, -1, 2)", "5"),
            ("indexof('', 'a')", "-1"),
            ("isnull(indexof('abc', ''))", "true")
        ]
    ),
    function!(
        "countof",
        "Counts how often a text holds another, overlaps too, or matches a regular expression.",
        "countof-function",
        Naming::None,
        [overload!((string("source"), string("search"), string("kind").optional()) -> LONG,
            prepared countof)],
        [
            ("countof('aaaa', 'aa')", "3"),
            ("countof('aaaa', 'aa', 'regex')", "2"),
            ("countof('', 'a')", "0"),
            ("countof('a', '')", "0")
        ]
    ),
    function!(
        "replace_string",
        "Replaces a text wherever it stands.",
        "replace-string-function",
        Naming::None,
        [overload!((string("text"), string("lookup"), string("rewrite")) -> STRING, replace_string)],
        [
            ("replace_string('a.b.c', '.', '/')", "'a/b/c'"),
            ("replace_string('abc', '', 'x')", "'abc'"),
            ("replace_string('', 'a', 'x')", "''")
        ]
    ),
    function!(
        "replace_strings",
        "Replaces each of several texts by its rewrite; what was replaced is not looked at again.",
        "replace-strings-function",
        Naming::None,
        [overload!((string("text"), dynamic("lookups"), dynamic("rewrites")) -> STRING, replace_strings)],
        [
            ("replace_strings('This is', dynamic(['This', 'is']), dynamic(['This', 'was']))", "'This was'"),
            ("replace_strings('ab', dynamic(['a', 'b']), dynamic(['b', 'c']))", "'bc'"),
            ("replace_strings('a1', dynamic([1, 'a']), dynamic(['x', 'b']))", "'b1'"),
            ("replace_strings('', dynamic(['a']), dynamic(['b']))", "''")
        ]
    ),
    function!(
        "has_any_index",
        "Gives the index of the first term of an array that a text has, else -1.",
        "has-any-index-function",
        Naming::None,
        [overload!((any_text("source"), dynamic("values")) -> LONG, has_any_index)],
        [
            ("has_any_index('this is it', dynamic(['not', 'IT']))", "1"),
            ("has_any_index('a', dynamic(['b']))", "-1"),
            ("has_any_index('a', dynamic([]))", "-1")
        ]
    ),
];

fn split(call: &Call) -> Column {
    let (source, delimiter) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
    let index = rows::optional::<Long>(call, 2);
    rows::json(call, |row, out| {
        let (text, delimiter) = (source.get(row)?, delimiter.get(row)?);
        if delimiter.is_empty() {
            return None;
        }
        out.push('[');
        match &index {
            Some(index) => {
                let index = usize::try_from(index.get(row)?).ok()?;
                json::write_string(text.split(delimiter).nth(index)?, out);
            }
            None => {
                for (index, part) in text.split(delimiter).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    json::write_string(part, out);
                }
            }
        }
        out.push(']');
        Some(())
    })
}

fn indexof(call: &Call) -> Column {
    let (source, wanted) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
    let search = rows::Search::new(call)?;
    rows::longs(call, |row| {
        let (text, wanted) = (source.get(row)?, wanted.get(row)?);
        let (start, length, occurrence) = search.get(row)?;
        // An empty needle gives null (measured).
        if wanted.is_empty() {
            return None;
        }
        let start = if start < 0 { start.saturating_add(text.chars().count() as i64) } else { start };
        if start < 0 {
            return None;
        }
        let Some(begin) = byte_of(text, start) else { return Some(-1) };
        // The length counts anew behind each occurrence (so the documented samples have it).
        let (mut from, mut left) = (begin, occurrence);
        loop {
            let window = if length < 0 { &text[from..] } else { part(&text[from..], 0, length) };
            let Some(at) = memmem::find(window.as_bytes(), wanted.as_bytes()) else { return Some(-1) };
            left -= 1;
            if left == 0 {
                return Some(start + text[begin..from + at].chars().count() as i64);
            }
            from += at + window[at..].chars().next().map_or(1, char::len_utf8);
        }
    })
}

/// Finds every place where a text holds another that is not empty, overlapping ones too.
fn occurrences<'a>(text: &'a str, wanted: &'a str) -> impl Iterator<Item = usize> + 'a {
    let step = wanted.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + memmem::find(text.as_bytes().get(from..)?, wanted.as_bytes())?;
        from = at + step;
        Some(at)
    })
}

fn countof(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    // Microsoft's parser takes columns here, the engine does not (measured).
    if let Some(index) = (1..constants.len()).find(|index| constants[*index].is_none()) {
        return Err(FunctionError::argument(index, "SEM0040", "countof() searches for a constant"));
    }
    let regex = match constant_text(constants, 2) {
        None | Some("normal" | "") => false,
        Some("regex") => true,
        Some(other) => {
            let message = format!("countof() counts `normal` texts or a `regex`, not `{other}`");
            return Err(FunctionError::argument(2, "SEM0247", message));
        }
    };
    let wanted = constant_text(constants, 1).unwrap_or("").to_string();
    if regex {
        let regex = compile(&wanted, 1)?;
        return Ok(Arc::new(move |call: &Call| {
            lift1::<Text, Long, _, _>(call, |text| regex.find_iter(text).count() as i64)
        }));
    }
    Ok(Arc::new(move |call: &Call| {
        lift1::<Text, Long, _, _>(call, |text| match wanted.as_str() {
            "" => 0,
            wanted => occurrences(text, wanted).count() as i64,
        })
    }))
}

fn replace_string(call: &Call) -> Column {
    let (source, lookup, rewrite) =
        (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1), Reader::<Text>::new(call, 2));
    rows::text(call, |row, out| {
        let (text, lookup) = (source.get(row).unwrap_or(""), lookup.get(row).unwrap_or(""));
        push_replaced(text, lookup, rewrite.get(row).unwrap_or(""), out);
    })
}

/// An empty lookup leaves the text as it is (measured).
fn push_replaced(text: &str, lookup: &str, rewrite: &str, out: &mut String) {
    let mut copied = 0;
    if !lookup.is_empty() {
        for (at, _) in text.match_indices(lookup) {
            out.push_str(&text[copied..at]);
            out.push_str(rewrite);
            copied = at + lookup.len();
        }
    }
    out.push_str(&text[copied..]);
}

fn replace_strings(call: &Call) -> Column {
    let source = Reader::<Text>::new(call, 0);
    let (lookups, rewrites) = (Reader::<Json>::new(call, 1), Reader::<Json>::new(call, 2));
    rows::text(call, |row, out| {
        let text = source.get(row).unwrap_or("");
        let lookups = lookups.get(row).and_then(rows::elements).unwrap_or_default();
        let rewrites = rewrites.get(row).and_then(rows::elements).unwrap_or_default();
        // Pieces that are still to be searched, and pieces that are done: earlier lookups win over earlier places.
        let mut pieces: Vec<(String, bool)> = vec![(text.to_string(), true)];
        // A lookup that is no string is ignored (documented).
        for (index, lookup) in lookups.iter().enumerate().filter(|(_, lookup)| lookup.starts_with('"')) {
            let lookup = json::as_text(lookup);
            // A rewrite that is no string leaves what it finds as it is (documented).
            let rewrite =
                rewrites.get(index).filter(|rewrite| rewrite.starts_with('"')).map(|rewrite| json::as_text(rewrite));
            if lookup.is_empty() {
                continue;
            }
            let rewrite = rewrite.unwrap_or_else(|| lookup.clone());
            pieces = pieces
                .into_iter()
                .flat_map(|(piece, open)| {
                    if !open || !piece.contains(&*lookup) {
                        return vec![(piece, open)];
                    }
                    let mut parts = Vec::new();
                    for (index, part) in piece.split(&*lookup).enumerate() {
                        if index > 0 {
                            parts.push((rewrite.to_string(), false));
                        }
                        parts.push((part.to_string(), true));
                    }
                    parts
                })
                .collect();
        }
        pieces.iter().for_each(|(piece, _)| out.push_str(piece));
    })
}

fn has_any_index(call: &Call) -> Column {
    let (source, values) = (Reader::<Text>::new(call, 0), Reader::<Json>::new(call, 1));
    let mut last: (Option<&str>, Vec<Needle>) = (None, Vec::new());
    rows::longs(call, |row| {
        let (text, array) = (source.get(row)?, values.get(row)?);
        if last.0 != Some(array) {
            let elements = rows::elements(array)?;
            last = (Some(array), elements.into_iter().map(|element| Needle::term(&json::as_text(element))).collect());
        }
        Some(last.1.iter().position(|needle| needle.is_in(text)).map_or(-1, |index| index as i64))
    })
}

#[cfg(test)]
mod tests {
    use super::super::rows::evaluate;
    use super::*;
    use crate::types::ScalarType;

    fn string(text: &str) -> Value {
        Value::String(text.to_string())
    }

    #[test]
    fn positions() {
        let find = |arguments: &[i64]| {
            let mut all = vec![string("abcdefgabcdefg"), string("cde")];
            all.extend(arguments.iter().map(|number| Value::Long(*number)));
            evaluate(FUNCTIONS, "indexof", &all)
        };
        assert_eq!(find(&[]), Value::Long(2));
        assert_eq!(find(&[1, 2]), Value::Long(-1));
        assert_eq!(find(&[1, 10, 2]), Value::Long(9));
        assert_eq!(find(&[1, -1, 3]), Value::Long(-1));
        assert_eq!(find(&[-5]), Value::Long(9));
        assert_eq!(find(&[0, -2]), Value::Null(ScalarType::Long));
        assert_eq!(find(&[99]), Value::Long(-1));
    }

    #[test]
    fn splits() {
        let split = |text: &str, delimiter: &str| evaluate(FUNCTIONS, "split", &[string(text), string(delimiter)]);
        assert_eq!(split("a\"b", "\""), Value::Dynamic(r#"["a","b"]"#.to_string()));
        assert_eq!(split("ab", ""), Value::Null(ScalarType::Dynamic));
    }

    #[test]
    fn earlier_lookups_win() {
        let replace = |lookups: &str, rewrites: &str| {
            let arguments =
                [string("This is"), Value::Dynamic(lookups.to_string()), Value::Dynamic(rewrites.to_string())];
            evaluate(FUNCTIONS, "replace_strings", &arguments)
        };
        assert_eq!(replace(r#"["is","This"]"#, r#"["was","This"]"#), string("Thwas was"));
        assert_eq!(replace(r#"["This","is"]"#, r#"[1,"x"]"#), string("This x"));
    }
}
