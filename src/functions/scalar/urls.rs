//! Functions that take URLs, file paths, command lines and versions apart.

use std::collections::BTreeMap;

use arrow::datatypes::i256;

use super::rows::{self, Column, DYNAMIC, as_text, function, overload, string};
use crate::functions::lift::{Decimal, Json, Reader, Text, lift1};
use crate::functions::{Call, Function, FunctionError, Naming, Returns};
use crate::types::{ScalarType, decimal, json};

const DECIMAL: Returns = Returns::Type(ScalarType::Decimal);

/// Functions over URLs, paths, command lines and versions.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "parse_url" | "parseurl",
        "Takes a URL apart, into a bag.",
        "parse-url-function",
        Naming::None,
        [overload!((string("url")) -> DYNAMIC, |call| lift1::<Text, Json, _, _>(call, parse_url))],
        [
            ("tostring(parse_url('https://u:p@a.example:8080/b?k=v#f').Host)", "'a.example'"),
            ("tostring(parse_url('https://a.example/b?k=v')['Query Parameters'])", "'{\"k\":\"v\"}'"),
            ("tostring(parse_url('').Host)", "''")
        ]
    ),
    function!(
        "parse_urlquery" | "parseurlquery",
        "Takes the query of a URL apart, into a bag.",
        "parse-url-query-function",
        Naming::None,
        [overload!((string("query")) -> DYNAMIC, |call| lift1::<Text, Json, _, _>(call, |query| {
            let mut out = String::from("{");
            push_query(query, &mut out);
            out.push('}');
            out
        }))],
        [
            ("tostring(parse_urlquery('b=2&a=1'))", "'{\"Query Parameters\":{\"a\":\"1\",\"b\":\"2\"}}'"),
            ("tostring(parse_urlquery('a=1&a=2'))", "'{\"Query Parameters\":{\"a\":[\"1\",\"2\"]}}'"),
            ("tostring(parse_urlquery(''))", "'{\"Query Parameters\":{}}'")
        ]
    ),
    function!(
        "parse_path",
        "Takes a file path apart, into a bag.",
        "parse-path-function",
        Naming::None,
        [overload!((string("path")) -> DYNAMIC, |call| lift1::<Text, Json, _, _>(call, parse_path))],
        [
            (r"tostring(parse_path(@'C:\temp\file.txt').Filename)", "'file.txt'"),
            (r"tostring(parse_path(@'C:\temp\file.txt').DirectoryPath)", r"@'C:\temp'"),
            ("tostring(parse_path('').Filename)", "''")
        ]
    ),
    function!(
        "parse_version",
        "Reads a version as a decimal by which versions compare.",
        "parse-version-function",
        Naming::None,
        [overload!((string("version")) -> DECIMAL, |call| lift1::<Text, Decimal, _, _>(call, parse_version))],
        [
            ("parse_version('10.0.19045.2')", "decimal(10000000000001904500000002)"),
            ("parse_version('1.10') > parse_version('1.9.99')", "true"),
            ("parse_version('7') == parse_version('7.0.0.0')", "true"),
            ("isnull(parse_version('1.2.3.4.5'))", "true"),
            ("isnull(parse_version(''))", "true")
        ]
    ),
    function!(
        "parse_command_line",
        "Splits a command line into its arguments, by the rules of Windows.",
        "parse-command-line",
        Naming::None,
        [overload!((as_text("command"), string("parser")) -> DYNAMIC, parse_command_line)],
        [
            ("tostring(parse_command_line('echo \"hello world!\"', 'windows'))", "'[\"echo\",\"hello world!\"]'"),
            ("tostring(parse_command_line('a b', 'windows'))", "'[\"a\",\"b\"]'"),
            ("isnull(parse_command_line('', 'windows'))", "true")
        ]
    ),
];

/// Writes members whose values are texts.
fn push_members<const N: usize>(members: [(&str, &str); N], out: &mut String) {
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        json::write_string(key, out);
        out.push(':');
        json::write_string(value, out);
    }
}

/// The parts of a URL as they are written: nothing is decoded.
#[derive(Debug, Default, PartialEq)]
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: &'a str,
    path: &'a str,
    username: &'a str,
    password: &'a str,
    query: &'a str,
    fragment: &'a str,
}

impl<'a> Parts<'a> {
    /// Takes a URL apart; one without a scheme and `//` is none (inferred).
    fn new(url: &'a str) -> Option<Parts<'a>> {
        let (scheme, rest) = url.split_once("://")?;
        let letters = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
        if !letters || !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // Only what has a colon is a user (measured).
        let user = authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?, host)));
        let ((username, password), host) = user.unwrap_or((("", ""), authority));
        let (host, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
            _ => (host, ""),
        };
        // A lone slash at the end is no path (measured).
        let path = if path == "/" && query.is_none() && fragment.is_empty() { "" } else { path };
        Some(Parts { scheme, host, port, path, username, password, query: query.unwrap_or(""), fragment })
    }
}

fn parse_url(url: &str) -> String {
    let parts = Parts::new(url).unwrap_or_default();
    let mut out = String::with_capacity(url.len() + 128);
    out.push('{');
    push_members(
        [
            ("Scheme", parts.scheme),
            ("Host", parts.host),
            ("Port", parts.port),
            ("Path", parts.path),
            ("Username", parts.username),
            ("Password", parts.password),
        ],
        &mut out,
    );
    out.push(',');
    push_query(parts.query, &mut out);
    out.push(',');
    push_members([("Fragment", parts.fragment)], &mut out);
    out.push('}');
    out
}

/// Writes the parameters, sorted; what is repeated becomes an array, what has no key or no value drops out (measured).
fn push_query(query: &str, out: &mut String) {
    let mut parameters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if !key.is_empty() && !value.is_empty() {
            parameters.entry(key).or_default().push(value);
        }
    }
    out.push_str("\"Query Parameters\":{");
    for (index, (key, values)) in parameters.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        json::write_string(key, out);
        out.push(':');
        if let [value] = values.as_slice() {
            json::write_string(value, out);
            continue;
        }
        for (index, value) in values.into_iter().enumerate() {
            out.push(if index == 0 { '[' } else { ',' });
            json::write_string(value, out);
        }
        out.push(']');
    }
    out.push('}');
}

/// Weighs up to four numbers of up to eight digits by 10^24, 10^16, 10^8 and 1 (documented by its values).
fn parse_version(version: &str) -> Option<i256> {
    const PARTS: usize = 4;
    let mut digits = String::with_capacity(8 * PARTS);
    let mut parts = 0;
    for part in version.split('.') {
        if parts == PARTS || part.is_empty() || part.len() > 8 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.push_str(&"00000000"[part.len()..]);
        digits.push_str(part);
        parts += 1;
    }
    digits.extend(std::iter::repeat_n('0', 8 * (PARTS - parts)));
    decimal::parse(&digits)
}

fn parse_path(path: &str) -> String {
    let (scheme, rest) = path.split_once("://").unwrap_or(("", path));
    let slash = |c: char| c == '/' || c == '\\';
    let (directory, name) = match rest.rfind(slash) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => ("", rest),
    };
    let unprefixed = directory.strip_prefix(r"\\?\").unwrap_or(directory);
    let root = match unprefixed.get(..2) {
        Some(drive) if drive.ends_with(':') && drive.starts_with(|c: char| c.is_ascii_alphabetic()) => drive,
        _ => "",
    };
    let directory_name = directory.rsplit(slash).next().filter(|name| *name != root).unwrap_or("");
    let (filename, stream) = name.split_once(':').unwrap_or((name, ""));
    let extension = filename.rsplit_once('.').map_or("", |(_, extension)| extension);
    let mut out = String::from("{");
    push_members(
        [
            ("Scheme", scheme),
            ("RootPath", root),
            ("DirectoryPath", directory),
            ("DirectoryName", directory_name),
            ("Filename", filename),
            ("Extension", extension),
            ("AlternateDataStreamName", stream),
        ],
        &mut out,
    );
    out.push('}');
    out
}

fn parse_command_line(call: &Call) -> Column {
    let (command, parser) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
    if let Some(other) =
        (0..call.rows).filter_map(|row| parser.get(row)).find(|name| !name.eq_ignore_ascii_case("windows"))
    {
        let message = format!("parse_command_line() knows the parser `windows`, not `{other}`");
        return Err(FunctionError::argument(1, "SEM0001", message));
    }
    rows::json(call, |row, out| {
        let arguments = split_command_line(command.get(row).filter(|command| !command.is_empty())?);
        for (index, argument) in arguments.iter().enumerate() {
            out.push(if index == 0 { '[' } else { ',' });
            json::write_string(argument, out);
        }
        out.push_str(if arguments.is_empty() { "[]" } else { "]" });
        Some(())
    })
}

/// Splits as `CommandLineToArgvW` does: the program's name has no escapes; behind it `2n` backslashes before a quote
/// are `n`, and one more makes the quote plain.
fn split_command_line(command: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = command;
    if let Some(quoted) = rest.strip_prefix('"') {
        let (program, tail) = quoted.split_once('"').unwrap_or((quoted, ""));
        arguments.push(program.to_string());
        rest = tail;
    } else {
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        arguments.push(rest[..end].to_string());
        rest = &rest[end..];
    }
    let mut characters = rest.chars().peekable();
    loop {
        while characters.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        if characters.peek().is_none() {
            return arguments;
        }
        let (mut argument, mut quoted, mut backslashes) = (String::new(), false, 0);
        while let Some(c) = characters.next_if(|c| quoted || !matches!(c, ' ' | '\t')) {
            match c {
                '\\' => {
                    backslashes += 1;
                    continue;
                }
                '"' => {
                    argument.extend(std::iter::repeat_n('\\', backslashes / 2));
                    if backslashes % 2 == 1 || quoted && characters.next_if_eq(&'"').is_some() {
                        argument.push('"');
                    } else {
                        quoted = !quoted;
                    }
                }
                c => {
                    argument.extend(std::iter::repeat_n('\\', backslashes));
                    argument.push(c);
                }
            }
            backslashes = 0;
        }
        argument.extend(std::iter::repeat_n('\\', backslashes));
        arguments.push(argument);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_urls() {
        let full = Parts::new("scheme://user:pass@host:1234/a/b?k=v#end").expect("a URL");
        assert_eq!((full.username, full.password, full.host, full.port), ("user", "pass", "host", "1234"));
        assert_eq!((full.path, full.query, full.fragment), ("/a/b", "k=v", "end"));
        assert_eq!(Parts::new("https://user@h/p").map(|parts| parts.host), Some("user@h"));
        assert_eq!(Parts::new("https://h/").map(|parts| parts.path), Some(""));
        assert_eq!(Parts::new("https://h/?x=1").map(|parts| parts.path), Some("/"));
        assert_eq!(Parts::new("no url"), None);
    }

    #[test]
    fn queries_are_sorted() {
        let mut out = String::new();
        push_query("b=2&a=1&b=3&=x&y=&z", &mut out);
        assert_eq!(out, r#""Query Parameters":{"a":"1","b":["2","3"]}"#);
    }

    #[test]
    fn versions_compare_as_numbers() {
        let version = |text: &str| parse_version(text).map(decimal::format);
        assert_eq!(version("0.0.0.5").as_deref(), Some("5"));
        assert_eq!(version("0.1.2").as_deref(), Some("10000000200000000"));
        assert_eq!(version("99999999").as_deref(), Some("99999999000000000000000000000000"));
        assert_eq!(version("1.02"), version("1.2"));
        for bad in ["", ".", "1.", "1..2", "v1", "1.2.3.4.5", "123456789", "1.-2", " 1", "1.2-beta"] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_of_paths() {
        let part =
            |path: &str, key: &str| json::as_text(json::get_key(&parse_path(path), key).expect("a part")).into_owned();
        assert_eq!(part("file://C:/temp/file.txt:some.exe", "AlternateDataStreamName"), "some.exe");
        assert_eq!(part("file://C:/temp/file.txt:some.exe", "DirectoryPath"), "C:/temp");
        assert_eq!(part(r"C:\temp\file.txt", "RootPath"), "C:");
        assert_eq!(part(r"\\shared\users\temp\file.txt.gz", "DirectoryPath"), r"\\shared\users\temp");
        assert_eq!(part(r"temp\file.txt.gz", "Extension"), "gz");
    }

    #[test]
    fn command_lines() {
        let split = |command: &str| split_command_line(command).join("|");
        assert_eq!(split(r#"echo "hello world!""#), "echo|hello world!");
        assert_eq!(split(r#""C:\Program Files\x.exe" a\\"b c" \"d e\f\"#), r#"C:\Program Files\x.exe|a\b c|"d|e\f\"#);
    }
}
