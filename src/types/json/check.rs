//! Checking text against the grammar of RFC 8259.

use super::MAX_DEPTH;
use super::scan::{skip_blanks, string_end};

/// Which containers are open: a bit each, set for a bag.
struct Open {
    bits: [u64; MAX_DEPTH / 64],
    depth: usize,
    most: usize,
}

impl Open {
    #[inline]
    fn push(&mut self, bag: bool) -> Option<()> {
        if self.depth == self.most {
            return None;
        }
        let word = self.bits.get_mut(self.depth / 64)?;
        let bit = 1 << (self.depth % 64);
        *word = if bag { *word | bit } else { *word & !bit };
        self.depth += 1;
        Some(())
    }

    #[inline]
    fn in_bag(&self) -> bool {
        self.depth > 0 && self.bits[(self.depth - 1) / 64] >> ((self.depth - 1) % 64) & 1 == 1
    }
}

/// Reads one JSON value, blanks around it included, to the end of the text.
pub(super) fn validate(bytes: &[u8]) -> Option<()> {
    let end = check_value(bytes, skip_blanks(bytes, 0), MAX_DEPTH)?;
    (skip_blanks(bytes, end) == bytes.len()).then_some(())
}

/// Reads the JSON value at `at`, in which containers may nest `room` levels deep, and returns its end.
#[inline]
pub(super) fn check_value(bytes: &[u8], at: usize, room: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'{' | b'[' => check_container(bytes, at, room),
        _ => check_scalar(bytes, at),
    }
}

#[inline]
fn check_scalar(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => Some(check_string(bytes, at)?.0),
        b'-' | b'0'..=b'9' => check_number(bytes, at),
        b't' => check_word(bytes, at, b"true"),
        b'f' => check_word(bytes, at, b"false"),
        b'n' => check_word(bytes, at, b"null"),
        _ => None,
    }
}

/// Reads the array or bag at `at`; without recursion.
fn check_container(bytes: &[u8], at: usize, room: usize) -> Option<usize> {
    let mut open = Open { bits: [0; MAX_DEPTH / 64], depth: 0, most: room };
    let mut at = at;
    loop {
        // A value starts here.
        at = match bytes.get(at)? {
            b'[' => {
                open.push(false)?;
                at = skip_blanks(bytes, at + 1);
                if bytes.get(at)? != &b']' {
                    continue;
                }
                open.depth -= 1;
                at + 1
            }
            b'{' => {
                open.push(true)?;
                at = skip_blanks(bytes, at + 1);
                if bytes.get(at)? != &b'}' {
                    at = check_key(bytes, at)?;
                    continue;
                }
                open.depth -= 1;
                at + 1
            }
            _ => check_scalar(bytes, at)?,
        };
        // A value ended here.
        loop {
            if open.depth == 0 {
                return Some(at);
            }
            at = skip_blanks(bytes, at);
            match (bytes.get(at)?, open.in_bag()) {
                (b',', false) => {
                    at = skip_blanks(bytes, at + 1);
                    break;
                }
                (b',', true) => {
                    at = check_key(bytes, skip_blanks(bytes, at + 1))?;
                    break;
                }
                (b']', false) | (b'}', true) => {
                    open.depth -= 1;
                    at += 1;
                }
                _ => return None,
            }
        }
    }
}

/// A key and its colon; returns where the value starts.
#[inline]
fn check_key(bytes: &[u8], at: usize) -> Option<usize> {
    check_colon(bytes, check_string(bytes, at)?.0)
}

#[inline]
pub(super) fn check_colon(bytes: &[u8], at: usize) -> Option<usize> {
    let at = skip_blanks(bytes, at);
    (bytes.get(at)? == &b':').then(|| skip_blanks(bytes, at + 1))
}

fn check_word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Reads the string at `at`; returns its end and whether there are escapes in it.
#[inline]
pub(super) fn check_string(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    if bytes.get(at)? != &b'"' {
        return None;
    }
    let mut at = at + 1;
    let mut escaped = false;
    loop {
        at += string_end(bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => return Some((at + 1, escaped)),
            b'\\' => match bytes.get(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => at += 6,
                _ => return None,
            },
            _ => return None,
        }
        escaped = true;
    }
}

fn check_number(bytes: &[u8], at: usize) -> Option<usize> {
    let digits =
        |at: usize| at + bytes[at..].iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len() - at);
    let some_digits = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit).then(|| digits(at));
    let start = at + usize::from(bytes.get(at) == Some(&b'-'));
    let mut at = if bytes.get(start) == Some(&b'0') { start + 1 } else { some_digits(start)? };
    if bytes.get(at) == Some(&b'.') {
        at = some_digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = some_digits(at + 1 + sign)?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use crate::types::json::{MAX_DEPTH, is_valid};

    #[test]
    fn only_json_is_valid() {
        for text in [
            "1",
            "-0",
            "0.5e-10",
            "1e400",
            "true",
            " null ",
            r#""a\u00e9\n""#,
            "[]",
            "{ }",
            r#"{"a":[1,{"b":[]}],"c":null}"#,
        ] {
            assert!(is_valid(text), "{text}");
        }
        for text in [
            "",
            " ",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "tru",
            "nul",
            "truex",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "]",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "{a:1}",
            "{'a':1}",
            "\"a",
            "\"\t\"",
            r#""\x""#,
            r#""\u12g4""#,
            "1 2",
            "[1}",
            "NaN",
            r#""\"#,
            r#""\u12"#,
        ] {
            assert!(!is_valid(text), "{text}");
        }
        assert!(is_valid(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))));
        assert!(!is_valid(&"[".repeat(1_000_000)));
        assert!(!is_valid(&format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1))));
    }
}
