//! Functions over strings. They count in code points: an emoji is one (measured).

use std::fmt::Write as _;
use std::sync::Arc;

use idna::punycode;
use memchr::memmem;

use super::regex::{byte_of, compile};
use super::rows::{
    self, BOOL, Column, DYNAMIC, LONG, STRING, any_text, as_text, constant_text, dynamic, function, integer, overload,
    string,
};
use super::text::{Needle, fold};
use crate::functions::lift::{Bool, Json, Long, Reader, Text, lift1, lift2};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, PreparedKernel, one};
use crate::types::{Value, arrow as columns, json};

/// How often `strrep` repeats at most (documented).
const REPEATS: i64 = 1024;

/// Functions over strings.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "strcat",
        "Joins the texts of its arguments.",
        "strcat-function",
        Naming::None,
        [overload!((as_text("arg").repeated(1, 64)) -> STRING, strcat)],
        [("strcat('a', 1, true)", "'a1True'"), ("strcat('a', long(null), 'b')", "'ab'"), ("strcat('')", "''")]
    ),
    function!(
        "strcat_delim",
        "Joins the texts of its arguments with a delimiter between them.",
        "strcat-delim-function",
        Naming::None,
        [overload!((as_text("delimiter"), as_text("arg").repeated(2, 64)) -> STRING, strcat_delim)],
        [
            ("strcat_delim('-', 1, 'a', 1s)", "'1-a-00:00:01'"),
            ("strcat_delim('-', 'a', 'b')", "'a-b'"),
            ("strcat_delim('-', 'a', int(null), 'b')", "'a--b'")
        ]
    ),
    function!(
        "strlen",
        "Counts the characters of a text.",
        "strlen-function",
        Naming::NameAndFirstArgument,
        [overload!((any_text("string")) -> LONG,
                |call| lift1::<Text, Long, _, _>(call, |text| text.chars().count() as i64))],
        [("strlen('alert')", "5"), ("strlen('é😀')", "2"), ("strlen('')", "0"), ("strlen(dynamic(null))", "0")]
    ),
    function!(
        "string_size",
        "Counts the bytes of a text in UTF-8.",
        "string-size-function",
        Naming::NameAndFirstArgument,
        [overload!((any_text("string")) -> LONG, |call| lift1::<Text, Long, _, _>(call, |text| text.len() as i64))],
        [("string_size('é')", "2"), ("string_size('abc')", "3"), ("string_size('')", "0")]
    ),
    function!(
        "substring",
        "Gives the part of a text from a position on, counted from 0 or back from the end.",
        "substring-function",
        Naming::None,
        [overload!((as_text("string"), integer("start"), integer("length").optional()) -> STRING, substring)],
        [
            ("substring('abcdefg', 1, 2)", "'bc'"),
            ("substring('abcdefg', -3, 2)", "'ef'"),
            ("substring('abc', 5)", "''"),
            ("substring('', 0, 1)", "''")
        ]
    ),
    function!(
        "tolower",
        "Gives a text in lower case.",
        "tolower-function",
        Naming::None,
        [overload!((as_text("value")) -> STRING, |call| cased(call, str::make_ascii_lowercase, fold))],
        [("tolower('ÀBC')", "'àbc'"), ("tolower('ÄÖ')", "'äö'"), ("tolower('')", "''")]
    ),
    function!(
        "toupper",
        "Gives a text in upper case.",
        "toupper-function",
        Naming::None,
        [overload!((as_text("value")) -> STRING, |call| cased(call, str::make_ascii_uppercase, upper))],
        [("toupper('àbc')", "'ÀBC'"), ("toupper('äö')", "'ÄÖ'"), ("toupper('')", "''")]
    ),
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
        "reverse",
        "Gives the characters of a text in reverse order.",
        "reverse-function",
        Naming::None,
        [overload!((as_text("value")) -> STRING, |call| {
            let value = Reader::<Text>::new(call, 0);
            rows::text(call, |row, out| out.extend(value.get(row).unwrap_or("").chars().rev()))
        })],
        [("reverse('abc')", "'cba'"), ("reverse(123)", "'321'"), ("reverse('')", "''")]
    ),
    function!(
        "strrep",
        "Repeats a text, up to 1024 times.",
        "strrep-function",
        Naming::None,
        [overload!((as_text("value"), one("multiplier", Kind::Integer), as_text("delimiter").optional()) -> STRING,
                strrep)],
        [("strrep('ab', 3)", "'ababab'"), ("strrep(1, 3, '.')", "'1.1.1'"), ("strrep('a', 0)", "''")]
    ),
    function!(
        "strcmp",
        "Compares two texts by their code points: -1, 0 or 1.",
        "strcmp-function",
        Naming::None,
        [overload!((as_text("s1"), as_text("s2")) -> LONG, |call| {
            lift2::<Text, Text, Long, _, _>(call, |a, b| a.cmp(b) as i64)
        })],
        [("strcmp('a', 'b')", "-1"), ("strcmp('abc', 'ABC')", "1"), ("strcmp('', '')", "0")]
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
    function!(
        "translate",
        "Replaces each character of a list by the one at its place in another list.",
        "translate-function",
        Naming::None,
        [overload!((string("searchList"), string("replacementList"), string("source")) -> STRING, translate)],
        [
            ("translate('krasp', 'otsku', 'spark')", "'kusto'"),
            ("translate('abc', 'x', 'abc')", "'xxx'"),
            ("translate('abc', '', 'ab')", "''")
        ]
    ),
    function!(
        "unicode_codepoints_to_string" | "make_string",
        "Makes a text of code points.",
        "unicode-codepoints-to-string-function",
        Naming::None,
        [overload!((one("value", Kind::Any).repeated(1, 32767)) -> STRING, codepoints_to_string)],
        [
            ("unicode_codepoints_to_string(75, 113, 108)", "'Kql'"),
            ("unicode_codepoints_to_string(dynamic([72, 105]), 33)", "'Hi!'"),
            ("unicode_codepoints_to_string(dynamic([]))", "''"),
            ("unicode_codepoints_to_string(72, -1)", "''"),
            ("unicode_codepoints_to_string(dynamic([72, 55296, 'x']), 105)", "''")
        ]
    ),
    function!(
        "unicode_codepoints_from_string" | "to_utf8",
        "Gives the code points of a text, as an array.",
        "unicode-codepoints-from-string-function",
        Naming::None,
        [overload!((as_text("value")) -> DYNAMIC, |call| {
            let value = Reader::<Text>::new(call, 0);
            rows::json(call, |row, out| {
                out.push('[');
                for (index, c) in value.get(row)?.chars().enumerate() {
                    let _ = write!(out, "{}{}", if index == 0 { "" } else { "," }, u32::from(c));
                }
                out.push(']');
                Some(())
            })
        })],
        [
            ("tostring(unicode_codepoints_from_string('Hé'))", "'[72,233]'"),
            ("tostring(unicode_codepoints_from_string('a'))", "'[97]'"),
            ("tostring(unicode_codepoints_from_string(''))", "'[]'")
        ]
    ),
    function!(
        "isascii",
        "Tells whether a text has ASCII characters only.",
        "isascii-function",
        Naming::None,
        [overload!((as_text("value")) -> BOOL, |call| lift1::<Text, Bool, _, _>(call, |text| text.is_ascii()))],
        [("isascii('abc')", "true"), ("isascii('é')", "false"), ("isascii('')", "true")]
    ),
    function!(
        "isutf8",
        "Tells whether a text is valid UTF-8, which every string here is.",
        "isutf8-function",
        Naming::None,
        [overload!((as_text("value")) -> BOOL, |call| lift1::<Text, Bool, _, _>(call, |_| true))],
        [("isutf8('é')", "true"), ("isutf8('abc')", "true"), ("isutf8('')", "true")]
    ),
    function!(
        "format_bytes",
        "Writes a size in bytes with a unit: KB, MB ...",
        "format-bytes-function",
        Naming::FirstArgument,
        [overload!((one("size", Kind::AsReal), one("precision", Kind::Integer).constant().optional(),
            string("format").constant().optional()) -> STRING, format_bytes)],
        [
            ("format_bytes(564)", "'564 Bytes'"),
            ("format_bytes(10332, 1)", "'10.1 KB'"),
            ("format_bytes(20010332, 0, 'KB')", "'19541 KB'"),
            ("format_bytes(long(null))", "''")
        ]
    ),
    function!(
        "parse_csv",
        "Splits one record of comma-separated values into an array of texts.",
        "parse-csv-function",
        Naming::FirstArgument,
        [overload!((any_text("csv_text")) -> DYNAMIC, parse_csv)],
        [
            ("tostring(parse_csv('a,\"b,c\",d'))", "'[\"a\",\"b,c\",\"d\"]'"),
            ("tostring(parse_csv('a\\nb'))", "'[\"a\"]'"),
            ("tostring(parse_csv(''))", "'[\"\"]'")
        ]
    ),
    function!(
        "punycode_from_string",
        "Encodes a text as Punycode.",
        "punycode-from-string-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, to_punycode))],
        [
            ("punycode_from_string('académie-française')", "'acadmie-franaise-npb1a'"),
            ("punycode_from_string('bücher')", "'bcher-kva'"),
            ("punycode_from_string('')", "''")
        ]
    ),
    function!(
        "punycode_to_string",
        "Decodes Punycode.",
        "punycode-to-string-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, punycode::decode_to_string))],
        [
            ("punycode_to_string('acadmie-franaise-npb1a')", "'académie-française'"),
            ("punycode_to_string('bcher-kva')", "'bücher'"),
            ("punycode_to_string('')", "''")
        ]
    ),
    // The names of these two point the other way, and so the engine computes them (measured).
    function!(
        "punycode_domain_to_string",
        "Encodes the labels of a domain name that are not ASCII as Punycode.",
        "punycode-domain-to-string-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, domain_encode))],
        [
            ("punycode_domain_to_string('bücher.example')", "'xn--bcher-kva.example'"),
            ("punycode_domain_to_string('example.org')", "'example.org'"),
            ("punycode_domain_to_string('')", "''")
        ]
    ),
    function!(
        "punycode_domain_from_string",
        "Decodes the labels of a domain name that are Punycode.",
        "punycode-domain-from-string-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, domain_decode))],
        [
            ("punycode_domain_from_string('xn--bcher-kva.example')", "'bücher.example'"),
            ("punycode_domain_from_string('example.org')", "'example.org'"),
            ("punycode_domain_from_string('')", "''")
        ]
    ),
];

fn strcat(call: &Call) -> Column {
    let parts = rows::readers(call, 0);
    rows::text(call, |row, out| parts.iter().for_each(|part| out.push_str(part.get(row).unwrap_or(""))))
}

fn strcat_delim(call: &Call) -> Column {
    let delimiter = Reader::<Text>::new(call, 0);
    let parts = rows::readers(call, 1);
    rows::text(call, |row, out| {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                out.push_str(delimiter.get(row).unwrap_or(""));
            }
            out.push_str(part.get(row).unwrap_or(""));
        }
    })
}

fn substring(call: &Call) -> Column {
    let (source, start) = (Reader::<Text>::new(call, 0), Reader::<Long>::new(call, 1));
    let length = rows::optional::<Long>(call, 2);
    // The folder reads a null number as 0, the row engine gives null, which for a string is "" (measured).
    let missing = rows::folded(call).then_some(0);
    rows::part(call, |row| {
        let text = source.get(row).unwrap_or("");
        let Some(start) = start.get(row).or(missing) else { return "" };
        let length = match &length {
            Some(length) => match length.get(row).or(missing) {
                Some(length) => length,
                None => return "",
            },
            None => i64::MAX,
        };
        part(text, start, length)
    })
}

/// Cuts `length` characters out of a text; a start before the beginning or behind the end gives nothing (measured).
fn part(text: &str, start: i64, length: i64) -> &str {
    if length <= 0 {
        return "";
    }
    let start = if start < 0 { start.saturating_add(text.chars().count() as i64) } else { start };
    let Some(begin) = nth_character(text, start) else { return "" };
    let rest = &text[begin..];
    &rest[..nth_character(rest, length).unwrap_or(rest.len())]
}

/// Returns the byte at which the character with this index begins; reads no further than that.
fn nth_character(text: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    match text.as_bytes().get(..index) {
        Some(head) if head.is_ascii() => Some(index),
        _ => text.char_indices().nth(index).map(|(at, _)| at),
    }
}

fn cased(call: &Call, ascii: fn(&mut str), character: fn(char) -> char) -> Column {
    let value = Reader::<Text>::new(call, 0);
    rows::text(call, |row, out| {
        let text = value.get(row).unwrap_or("");
        if text.is_ascii() {
            out.push_str(text);
            ascii(out);
        } else {
            out.extend(text.chars().map(character));
        }
    })
}

/// Returns the upper-case form of a character where that is one character.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

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

fn strrep(call: &Call) -> Column {
    let (value, times) = (Reader::<Text>::new(call, 0), Reader::<Long>::new(call, 1));
    let delimiter = rows::optional::<Text>(call, 2);
    rows::text(call, |row, out| {
        let text = value.get(row).unwrap_or("");
        for index in 0..times.get(row).unwrap_or(0).min(REPEATS) {
            if let Some(delimiter) = &delimiter
                && index > 0
            {
                out.push_str(delimiter.get(row).unwrap_or(""));
            }
            out.push_str(text);
        }
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

fn translate(call: &Call) -> Column {
    let (from, to, source) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1), Reader::<Text>::new(call, 2));
    rows::text(call, |row, out| {
        let from = from.get(row).unwrap_or("");
        let to: Vec<char> = to.get(row).unwrap_or("").chars().collect();
        for c in source.get(row).unwrap_or("").chars() {
            match from.chars().position(|searched| searched == c) {
                // The last one stands for those that are missing (documented example).
                Some(index) => out.extend(to.get(index).or(to.last())),
                None => out.push(c),
            }
        }
    })
}

/// One code point that is none makes the whole text empty (documented).
fn codepoints_to_string(call: &Call) -> Column {
    let point = |number: i64| char::from_u32(u32::try_from(number).ok()?);
    rows::text(call, |row, out| {
        let mut append = |value: Value| {
            match value {
                Value::Int(number) => out.push(point(number.into())?),
                Value::Long(number) => out.push(point(number)?),
                Value::Dynamic(text) => {
                    for element in rows::elements(&text).unwrap_or_else(|| vec![&text]) {
                        out.push(point(element.parse().ok()?)?);
                    }
                }
                _ => return None,
            }
            Some(())
        };
        let valid = call.arguments.iter().try_for_each(|argument| {
            let row = if argument.constant { 0 } else { row };
            append(columns::value_at(&argument.array, row, argument.scalar_type))
        });
        if valid.is_none() {
            out.clear();
        }
    })
}

fn format_bytes(call: &Call) -> Column {
    const UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];
    let size = Reader::<crate::functions::lift::Real>::new(call, 0);
    let precision = rows::optional::<Long>(call, 1);
    let unit = rows::optional::<Text>(call, 2);
    rows::text(call, |row, out| {
        let Some(size) = size.get(row) else { return };
        let digits = precision.as_ref().and_then(|precision| precision.get(row)).unwrap_or(0).clamp(0, 15);
        let wanted = unit.as_ref().and_then(|unit| unit.get(row)).unwrap_or("");
        let power = match UNITS.iter().position(|unit| unit.eq_ignore_ascii_case(wanted)) {
            Some(power) => power,
            None => (1..UNITS.len()).rev().find(|power| size.abs() >= 1024f64.powi(*power as i32)).unwrap_or(0),
        };
        let scale = 10f64.powi(digits as i32);
        // Zeros at the end are not written (inferred from the documented samples, none of which has one).
        let _ = write!(out, "{} {}", (size / 1024f64.powi(power as i32) * scale).round() / scale, UNITS[power]);
    })
}

fn parse_csv(call: &Call) -> Column {
    let source = Reader::<Text>::new(call, 0);
    rows::json(call, |row, out| {
        let mut rest = source.get(row)?;
        out.push('[');
        loop {
            let (field, end) = csv_field(rest);
            json::write_string(&field, out);
            // One record only (documented): a line break outside quotes ends it.
            if !rest[end..].starts_with(',') {
                break;
            }
            rest = &rest[end + 1..];
            out.push(',');
        }
        out.push(']');
        Some(())
    })
}

/// Reads one field; returns it and the byte behind it.
fn csv_field(text: &str) -> (String, usize) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', '\n', '\r']).unwrap_or(text.len());
        return (text[..end].to_string(), end);
    };
    let mut field = String::new();
    let mut at = 0;
    while let Some(quote) = quoted[at..].find('"') {
        field.push_str(&quoted[at..at + quote]);
        at += quote + 1;
        if !quoted[at..].starts_with('"') {
            // What follows a closing quote belongs to the field until the next comma.
            let end = quoted[at..].find([',', '\n', '\r']).map_or(quoted.len(), |end| at + end);
            field.push_str(&quoted[at..end]);
            return (field, end + 1);
        }
        field.push('"');
        at += 1;
    }
    field.push_str(&quoted[at..]);
    (field, text.len())
}

fn domain_encode(domain: &str) -> Option<String> {
    let labels = domain.split(['.', '。', '．', '｡']).map(|label| match label.is_ascii() {
        true => Some(label.to_string()),
        false => Some(format!("xn--{}", to_punycode(label)?)),
    });
    Some(labels.collect::<Option<Vec<_>>>()?.join("."))
}

fn domain_decode(domain: &str) -> Option<String> {
    let labels = domain.split('.').map(|label| match label.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("xn--") => punycode::decode_to_string(&label[4..]),
        _ => Some(label.to_string()),
    });
    Some(labels.collect::<Option<Vec<_>>>()?.join("."))
}

/// Encodes a text by RFC 3492; one that is ASCII stays as it is (its form would have a hyphen at the end).
fn to_punycode(text: &str) -> Option<String> {
    if text.is_ascii() { Some(text.to_string()) } else { punycode::encode_str(text) }
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
    fn substrings_count_characters() {
        let cut = |text: &str, start, length| {
            evaluate(FUNCTIONS, "substring", &[string(text), Value::Long(start), Value::Long(length)])
        };
        assert_eq!(cut("abcdefg", -3, 2), string("ef"));
        assert_eq!(cut("abc", -10, 2), string(""));
        assert_eq!(cut("a😀b", 1, 1), string("😀"));
        assert_eq!(cut("hello", 1, -1), string(""));
        assert_eq!(cut("hello", 2, i64::MAX), string("llo"));
        assert_eq!(cut("hello", i64::MIN, 3), string(""));
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

    #[test]
    fn records_of_csv() {
        let parse = |text: &str| evaluate(FUNCTIONS, "parse_csv", &[string(text)]);
        let array = |json: &str| Value::Dynamic(json.to_string());
        assert_eq!(
            parse("aa,\"b,b\",\"say \"\"x\"\"\",\"l1\nl2\"\nnext,1"),
            array(r#"["aa","b,b","say \"x\"","l1\nl2"]"#)
        );
        assert_eq!(parse("a,"), array(r#"["a",""]"#));
        assert_eq!(parse("\"open"), array(r#"["open"]"#));
    }

    #[test]
    fn punycode_both_ways() {
        for (text, code) in [("académie-française", "acadmie-franaise-npb1a"), ("Lê Lợi", "L Li-gpa4517b")] {
            assert_eq!(to_punycode(text).as_deref(), Some(code));
            assert_eq!(punycode::decode_to_string(code).as_deref(), Some(text));
        }
        assert_eq!(punycode::decode_to_string("99999999999"), None);
        assert_eq!(domain_decode("xn--Ry-lja8c.xn--Jng-uta63a.com").as_deref(), Some("Rúyì.Jīngū.com"));
        assert_eq!(domain_encode("Riðill｡org").as_deref(), Some("xn--Riill-jta.org"));
    }

    #[test]
    fn sizes() {
        let format = |size: f64, digits| evaluate(FUNCTIONS, "format_bytes", &[Value::Real(size), Value::Long(digits)]);
        assert_eq!(format(20010332.0, 2), string("19.08 MB"));
        assert_eq!(format(564.0, 0), string("564 Bytes"));
    }
}
