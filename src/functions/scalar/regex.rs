//! Functions over regular expressions: `extract`, `replace_regex`, `trim` ...
//!
//! The dialect is told in [`crate::functions::pattern`]; the text of a replacement names groups as `\1`.

use std::sync::Arc;

use regex::{Captures, Regex};

use super::rows::{self, constant_text};
use crate::functions::lift::{Long, Reader, Text};
use crate::functions::{
    Call, Function, FunctionError, Kernel, Kind, Naming, Overload, Parameter, PreparedKernel, pattern,
};
use crate::functions::{Returns, one};
use crate::types::{ScalarType, Value, convert, json};

/// How many groups `extract_all` gives at most (measured).
const GROUPS: usize = 16;

/// Compiles an expression that is the argument with this index.
pub(super) fn compile(pattern: &str, argument: usize) -> Result<Regex, FunctionError> {
    pattern::compile(pattern).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        let message = match ["(?=", "(?!", "(?<=", "(?<!"].iter().find(|start| pattern.contains(**start)) {
            Some(start) => format!("this regular expression looks around with `{start}`, which KQL's dialect cannot"),
            None => format!("this is no regular expression: {reason}"),
        };
        FunctionError::argument(argument, "SEM0420", message)
    })
}

/// The last expression that a column gave: columns repeat themselves.
#[derive(Default)]
pub(super) struct Pattern {
    last: Option<(String, Option<Regex>)>,
}

impl Pattern {
    /// Returns the compiled expression, or None if it is not one.
    pub(super) fn get(&mut self, pattern: &str) -> Option<&Regex> {
        if self.last.as_ref().is_none_or(|(last, _)| last != pattern) {
            self.last = Some((pattern.to_string(), compile(pattern, 0).ok()));
        }
        self.last.as_ref()?.1.as_ref()
    }
}

macro_rules! trim {
    ($name:literal, $summary:literal, $page:literal, $whole:literal, [$($example:expr),+]) => {
        Function {
            name: $name,
            aliases: &[],
            summary: $summary,
            naming: Naming::None,
            overloads: &[Overload {
                parameters: &[REGEX, SOURCE],
                returns: Returns::Type(ScalarType::String),
                kernel: Kernel::Prepared(|constants| trim(constants, |regex| format!($whole, regex))),
            }],
            examples: &[$($example),+],
            page: $page,
        }
    };
}

const fn text(name: &'static str) -> Parameter {
    one(name, Kind::Is(ScalarType::String))
}

const REGEX: Parameter = text("regex").constant();
const SOURCE: Parameter = text("source");
const GROUP: Parameter = one("captureGroup", Kind::Is(ScalarType::Long));

/// Functions over regular expressions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "extract",
        aliases: &[],
        summary: "Gives what a group of a regular expression matches first; group 0 is the whole match.",
        naming: Naming::None,
        overloads: &[
            Overload {
                parameters: &[REGEX, GROUP, SOURCE],
                returns: Returns::Type(ScalarType::String),
                kernel: Kernel::Prepared(extract),
            },
            Overload {
                parameters: &[REGEX, GROUP, SOURCE, one("typeLiteral", Kind::TypeName).literal()],
                returns: Returns::TypeName(3),
                kernel: Kernel::Prepared(extract),
            },
        ],
        examples: &[
            (r"extract(@'user=(\w+)', 1, 'ip=1 user=bob')", "'bob'"),
            (r"extract(@'x=(\d+)', 1, 'x=45', typeof(long))", "45"),
            (r"extract(@'x=(\d+)', 1, 'none')", "''"),
            (r"isnull(extract(@'x=(\d+)', 1, '', typeof(long)))", "true"),
        ],
        page: "extract-function",
    },
    Function {
        name: "extract_all",
        aliases: &["extractall"],
        summary: "Gives what the groups of a regular expression match, for every match: an array, of arrays if it has \
                  several groups.",
        naming: Naming::None,
        overloads: &[
            Overload {
                parameters: &[REGEX, SOURCE],
                returns: Returns::Type(ScalarType::Dynamic),
                kernel: Kernel::Prepared(extract_all),
            },
            Overload {
                parameters: &[REGEX, one("captureGroups", Kind::Dynamic), SOURCE],
                returns: Returns::Type(ScalarType::Dynamic),
                kernel: Kernel::Prepared(extract_all),
            },
        ],
        examples: &[
            (r"tostring(extract_all(@'(\d+)', '10, 20 and 30'))", "'[\"10\",\"20\",\"30\"]'"),
            (r"tostring(extract_all(@'(\w)=(\d)', dynamic([2, 1]), 'a=1 b=2'))", "'[[\"1\",\"a\"],[\"2\",\"b\"]]'"),
            (r"isnull(extract_all(@'(\d+)', 'none'))", "true"),
        ],
        page: "extract-all-function",
    },
    Function {
        name: "replace_regex",
        aliases: &[],
        summary: r"Replaces every match of a regular expression; `\1` in the replacement stands for the first group.",
        naming: Naming::None,
        overloads: &[Overload {
            // The expression may be a column (measured), though the reference asks for a constant.
            parameters: &[SOURCE, text("lookup_regex"), text("rewrite_pattern")],
            returns: Returns::Type(ScalarType::String),
            kernel: Kernel::Prepared(|constants| replace(constants, [0, 1, 2])),
        }],
        examples: &[
            (r"replace_regex('port 80, port 443', @'port (\d+)', @'\1/tcp')", "'80/tcp, 443/tcp'"),
            ("replace_regex('aa', 'a', 'b')", "'bb'"),
            (r"replace_regex('', '.', 'x')", "''"),
        ],
        page: "replace-regex-function",
    },
    Function {
        name: "replace",
        aliases: &[],
        summary: "Replaces every match of a regular expression: `replace_regex` with the arguments in another order.",
        naming: Naming::None,
        overloads: &[Overload {
            parameters: &[text("regex"), text("rewrite"), SOURCE],
            returns: Returns::Type(ScalarType::String),
            kernel: Kernel::Prepared(|constants| replace(constants, [2, 0, 1])),
        }],
        examples: &[
            (r"replace(@'\d', '#', 'a1b22')", "'a#b##'"),
            ("replace('a', 'b', 'aa')", "'bb'"),
            ("replace('a', 'b', '')", "''"),
        ],
        page: "replace-regex-function",
    },
    Function {
        name: "regex_quote",
        aliases: &[],
        summary: "Escapes a text so that a regular expression finds it as it is.",
        naming: Naming::None,
        overloads: &[Overload {
            parameters: &[one("string", Kind::AsText)],
            returns: Returns::Type(ScalarType::String),
            kernel: Kernel::Columns(|call| {
                let source = Reader::<Text>::new(call, 0);
                rows::text(call, |row, out| out.push_str(&::regex::escape(source.get(row).unwrap_or(""))))
            }),
        }],
        examples: &[
            (r"regex_quote('10.0.0.5')", r"@'10\.0\.0\.5'"),
            ("regex_quote('a')", "'a'"),
            ("regex_quote('')", "''"),
        ],
        page: "regex-quote-function",
    },
    Function {
        name: "indexof_regex",
        aliases: &[],
        summary: "Gives where a regular expression matches first (or the n-th time), counted from 0; -1 if nowhere.",
        naming: Naming::None,
        overloads: &[Overload {
            parameters: &[
                one("string", Kind::AsText),
                one("match", Kind::AsText).constant(),
                one("start", Kind::Integer).optional(),
                one("length", Kind::Integer).optional(),
                one("occurrence", Kind::Integer).constant().optional(),
            ],
            returns: Returns::Type(ScalarType::Long),
            kernel: Kernel::Prepared(indexof_regex),
        }],
        examples: &[
            ("indexof_regex('abcabc', 'b.')", "1"),
            ("indexof_regex('abcabc', 'a.c', 0, 9, 2)", "3"),
            ("indexof_regex('abc', 'a', 9)", "-1"),
            ("indexof_regex('', 'a')", "-1"),
            ("isnull(indexof_regex('abc', 'a', -1))", "true"),
        ],
        page: "indexof-regex-function",
    },
    trim!(
        "trim",
        "Removes one match of a regular expression from either end.",
        "trim-function",
        "^({0})|({0})$",
        [("trim('--', '--a--')", "'a'"), (r"trim(@'\s+', '  a b ')", "'a b'"), ("trim('x', '')", "''")]
    ),
    trim!(
        "trim_start",
        "Removes one match of a regular expression from the start.",
        "trim-start-function",
        "^({0})",
        [
            ("trim_start('https://', 'https://a.example')", "'a.example'"),
            ("trim_start('a', 'ax')", "'x'"),
            ("trim_start('x', '')", "''")
        ]
    ),
    trim!(
        "trim_end",
        "Removes one match of a regular expression from the end.",
        "trim-end-function",
        "({0})$",
        [("trim_end('a', 'banaa')", "'bana'"), ("trim_end('a', 'xa')", "'x'"), ("trim_end('x', '')", "''")]
    ),
];

/// Prepares a regular expression that is constant; else the column's are compiled as they come, and one that is not
/// valid stands for null (inferred: bad data never fails a query).
struct Expression {
    argument: usize,
    constant: Option<Regex>,
}

impl Expression {
    fn new(constants: &[Option<Value>], argument: usize) -> Result<Expression, FunctionError> {
        let constant = constant_text(constants, argument).map(|pattern| compile(pattern, argument)).transpose()?;
        Ok(Expression { argument, constant })
    }

    /// Returns what finds the expression of a row.
    fn of<'a>(&'a self, call: &'a Call) -> Rows<'a> {
        let column = self.constant.is_none().then(|| Reader::new(call, self.argument));
        Rows { constant: self.constant.as_ref(), column, last: Pattern::default() }
    }
}

struct Rows<'a> {
    constant: Option<&'a Regex>,
    column: Option<Reader<'a, Text>>,
    last: Pattern,
}

impl Rows<'_> {
    fn get(&mut self, row: usize) -> Option<&Regex> {
        match (&self.column, self.constant) {
            (Some(column), _) => self.last.get(column.get(row)?),
            (None, constant) => constant,
        }
    }
}

fn extract(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let expression = Expression::new(constants, 0)?;
    Ok(Arc::new(move |call: &Call| {
        let (group, source) = (Reader::<Long>::new(call, 1), Reader::<Text>::new(call, 2));
        let mut regexes = expression.of(call);
        let mut locations = expression.constant.as_ref().map(Regex::capture_locations);
        let mut find = |row: usize| {
            let (regex, text) = (regexes.get(row)?, source.get(row)?);
            let group = usize::try_from(group.get(row)?).ok()?;
            if group == 0 {
                return regex.find(text).map(|found| found.as_str());
            }
            match &mut locations {
                Some(locations) => {
                    regex.captures_read(locations, text)?;
                    locations.get(group).map(|(start, end)| &text[start..end])
                }
                None => regex.captures(text)?.get(group).map(|found| found.as_str()),
            }
        };
        let texts = rows::part(call, |row| find(row).unwrap_or(""))?;
        let wanted = call.arguments.get(3).map_or(ScalarType::String, |argument| argument.scalar_type);
        Ok(convert::cast(&texts, ScalarType::String, wanted))
    }))
}

fn extract_all(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let expression = Expression::new(constants, 0)?;
    if let Some(regex) = &expression.constant
        && !(1..=GROUPS).contains(&(regex.captures_len() - 1))
    {
        let message =
            format!("extract_all() takes an expression of 1 to {GROUPS} groups, this has {}", regex.captures_len() - 1);
        return Err(FunctionError::argument(0, "SEM0213", message));
    }
    Ok(Arc::new(move |call: &Call| {
        let last = call.arguments.len() - 1;
        let source = Reader::<Text>::new(call, last);
        let wanted = (last == 2).then(|| Reader::<Text>::new(call, 1));
        let mut regexes = expression.of(call);
        let mut groups: (Option<&str>, Vec<usize>) = (None, Vec::new());
        rows::json(call, |row, out| {
            let (regex, text) = (regexes.get(row)?, source.get(row)?);
            let chosen = wanted.as_ref().map(|wanted| wanted.get(row).unwrap_or(""));
            if groups.1.is_empty() || groups.0 != chosen || expression.constant.is_none() {
                groups = (chosen, chosen_groups(regex, chosen));
            }
            out.push('[');
            for found in regex.captures_iter(text) {
                push_match(&found, &groups.1, out);
                out.push(',');
            }
            // Without a match the result is null, not an empty array (measured).
            (out.pop() == Some(',')).then(|| out.push(']'))
        })
    }))
}

/// Reads `dynamic([1, 'name'])`: groups that are not there drop out, and all groups stand for none (measured).
fn chosen_groups(regex: &Regex, wanted: Option<&str>) -> Vec<usize> {
    let number = |element: &str| match element.starts_with('"') {
        true => {
            let name = json::as_text(element);
            regex.capture_names().position(|group| group == Some(&*name))
        }
        false => element.parse().ok().filter(|group| (1..regex.captures_len()).contains(group)),
    };
    let elements = wanted.and_then(rows::elements).unwrap_or_default();
    let groups: Vec<usize> = elements.into_iter().filter_map(number).collect();
    if groups.is_empty() { (1..regex.captures_len()).collect() } else { groups }
}

fn push_match(found: &Captures, groups: &[usize], out: &mut String) {
    let text = |group: usize| found.get(group).map_or("", |part| part.as_str());
    if let [group] = groups {
        return json::write_string(text(*group), out);
    }
    for (index, group) in groups.iter().enumerate() {
        out.push(if index == 0 { '[' } else { ',' });
        json::write_string(text(*group), out);
    }
    out.push(']');
}

fn replace(
    constants: &[Option<Value>],
    [source, pattern, rewrite]: [usize; 3],
) -> Result<PreparedKernel, FunctionError> {
    let expression = Expression::new(constants, pattern)?;
    Ok(Arc::new(move |call: &Call| {
        let (source, rewrite) = (Reader::<Text>::new(call, source), Reader::<Text>::new(call, rewrite));
        let mut regexes = expression.of(call);
        rows::text(call, |row, out| {
            let (text, rewrite) = (source.get(row).unwrap_or(""), rewrite.get(row).unwrap_or(""));
            let Some(regex) = regexes.get(row) else { return out.push_str(text) };
            let mut copied = 0;
            if !rewrite.contains('\\') {
                for found in regex.find_iter(text) {
                    out.push_str(&text[copied..found.start()]);
                    out.push_str(rewrite);
                    copied = found.end();
                }
            } else {
                for found in regex.captures_iter(text) {
                    let Some(whole) = found.get(0) else { continue };
                    out.push_str(&text[copied..whole.start()]);
                    push_rewrite(&found, rewrite, out);
                    copied = whole.end();
                }
            }
            out.push_str(&text[copied..]);
        })
    }))
}

/// Writes a replacement: `\3` is the third group, `\0` the match, `\\` a backslash.
fn push_rewrite(found: &Captures, rewrite: &str, out: &mut String) {
    let mut pieces = rewrite.split('\\');
    out.push_str(pieces.next().unwrap_or(""));
    while let Some(piece) = pieces.next() {
        match piece.chars().next().map(|c| (c, c.to_digit(10))) {
            Some((_, Some(group))) => {
                out.push_str(found.get(group as usize).map_or("", |part| part.as_str()));
                out.push_str(&piece[1..]);
            }
            Some((_, None)) => {
                // No group: the backslash stands for itself (inferred).
                out.push('\\');
                out.push_str(piece);
            }
            None => {
                out.push('\\');
                out.push_str(pieces.next().unwrap_or(""));
            }
        }
    }
}

fn indexof_regex(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let expression = Expression::new(constants, 1)?;
    Ok(Arc::new(move |call: &Call| {
        let source = Reader::<Text>::new(call, 0);
        let search = rows::Search::new(call)?;
        let mut regexes = expression.of(call);
        rows::longs(call, |row| {
            let (regex, text) = (regexes.get(row)?, source.get(row)?);
            let (start, length, occurrence) = search.get(row)?;
            if start < 0 {
                return None;
            }
            let Some(begin) = byte_of(text, start) else { return Some(-1) };
            let end = if length < 0 {
                text.len()
            } else {
                begin + byte_of(&text[begin..], length).unwrap_or(text.len() - begin)
            };
            let nth = usize::try_from(occurrence - 1).ok()?;
            match regex.find_iter(&text[begin..end]).nth(nth) {
                Some(found) => Some(start + text[begin..begin + found.start()].chars().count() as i64),
                None => Some(-1),
            }
        })
    }))
}

/// Returns the byte at which the character with this index begins, or the end; None behind the end.
pub(super) fn byte_of(text: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    if text.is_ascii() {
        return (index <= text.len()).then_some(index);
    }
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(index)
}

/// Removes every match of the pattern that `whole` makes of the expression: groups left open by the user's text leak
/// into it as they do in Kusto (measured).
fn trim(constants: &[Option<Value>], whole: fn(&str) -> String) -> Result<PreparedKernel, FunctionError> {
    let pattern = constant_text(constants, 0);
    if pattern == Some("") {
        return Err(FunctionError::argument(0, "SEM0217", "the regular expression must not be empty"));
    }
    let constant = pattern.map(|pattern| compile(&whole(pattern), 0)).transpose()?;
    Ok(Arc::new(move |call: &Call| {
        let (regex, source) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
        let mut last = Pattern::default();
        rows::text(call, |row, out| {
            let text = source.get(row).unwrap_or("");
            let regex = match &constant {
                Some(regex) => Some(regex),
                None => last.get(&whole(regex.get(row).unwrap_or(""))),
            };
            let mut copied = 0;
            for found in regex.into_iter().flat_map(|regex| regex.find_iter(text)) {
                out.push_str(&text[copied..found.start()]);
                copied = found.end();
            }
            out.push_str(&text[copied..]);
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::super::rows::{evaluate, fails};
    use super::*;

    fn text(name: &str, arguments: &[&str]) -> Value {
        let arguments: Vec<Value> = arguments.iter().map(|text| Value::String(text.to_string())).collect();
        evaluate(FUNCTIONS, name, &arguments)
    }

    fn string(text: &str) -> Value {
        Value::String(text.to_string())
    }

    #[test]
    fn trims_one_match_at_either_end() {
        assert_eq!(text("trim", &["a", "aaaa"]), string("aa"));
        assert_eq!(text("trim", &["a$", "aa"]), string("a"));
        assert_eq!(text("trim", &[".*", "abc"]), string(""));
        assert_eq!(text("trim_end", &["a)|(b", "xaxbx"]), string("xxbx"));
        assert_eq!(text("trim_start", &[r"\s+", "  a  "]), string("a  "));
    }

    #[test]
    fn extracts_groups() {
        let group = |group, source: &str| {
            evaluate(FUNCTIONS, "extract", &[string(r"(\w)-(\d)?"), Value::Long(group), string(source)])
        };
        assert_eq!(group(0, "xa-5"), string("a-5"));
        assert_eq!(group(2, "xa-5"), string("5"));
        assert_eq!(group(2, "xa-"), string(""));
        assert_eq!(group(3, "xa-5"), string(""));
        let typed = [string(r"(\d+)"), Value::Long(1), string("n=42"), Value::Null(ScalarType::Long)];
        assert_eq!(evaluate(FUNCTIONS, "extract", &typed), Value::Long(42));
    }

    #[test]
    fn extracts_all_matches() {
        let dynamic = |text: &str| Value::Dynamic(text.to_string());
        assert_eq!(text("extract_all", &["(a)(b)?", "aab"]), dynamic(r#"[["a",""],["a","b"]]"#));
        assert_eq!(text("extract_all", &["(x)", "abc"]), Value::Null(ScalarType::Dynamic));
        let chosen = |groups: &str| {
            let arguments = [string("(?P<k>.)=(.)"), Value::Dynamic(groups.to_string()), string("a=1;b=2")];
            evaluate(FUNCTIONS, "extract_all", &arguments)
        };
        assert_eq!(chosen("[2,1]"), dynamic(r#"[["1","a"],["2","b"]]"#));
        assert_eq!(chosen(r#"["k"]"#), dynamic(r#"["a","b"]"#));
        assert_eq!(chosen("[7]"), dynamic(r#"[["a","1"],["b","2"]]"#));
        assert_eq!(fails(FUNCTIONS, "extract_all", &[string("a"), string("a")]), "SEM0213");
    }

    #[test]
    fn rewrites_name_groups() {
        assert_eq!(text("replace_regex", &["a1", r"(\w)(\d)", r"\2\1\0\\$1"]), string(r"1aa1\$1"));
        assert_eq!(text("replace", &["b", "x", "abc"]), string("axc"));
    }

    #[test]
    fn look_around_is_refused() {
        assert_eq!(fails(FUNCTIONS, "extract", &[string("a(?=b)"), Value::Long(0), string("ab")]), "SEM0420");
    }
}
