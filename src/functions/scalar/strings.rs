//! Functions over strings. They count in code points: an emoji is one (measured).

use std::fmt::Write as _;

use super::needle::fold;
use super::rows::{self, BOOL, Column, DYNAMIC, LONG, STRING, any_text, as_text, function, integer, overload, string};
use crate::functions::lift::{Bool, Long, Reader, Text, lift1, lift2};
use crate::functions::{Call, Function, Kind, Naming, one};
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
    // The names of these two point the other way, and so the engine computes them (measured).
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
pub(super) fn part(text: &str, start: i64, length: i64) -> &str {
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

#[cfg(test)]
mod tests {
    use super::super::rows::evaluate;
    use super::*;

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
    fn sizes() {
        let format = |size: f64, digits| evaluate(FUNCTIONS, "format_bytes", &[Value::Real(size), Value::Long(digits)]);
        assert_eq!(format(20010332.0, 2), string("19.08 MB"));
        assert_eq!(format(564.0, 0), string("564 Bytes"));
    }
}
