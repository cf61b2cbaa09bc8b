//! KQL's dialect of regular expressions, for every function and operator that takes one.
//!
//! It is that of the crate `regex`: linear time, Unicode classes, no look-around (documented, measured).

use regex::{Error, Regex, RegexBuilder};

/// How large a compiled expression may be: classes of Unicode repeated a hundred times still fit.
const SIZE_LIMIT: usize = 64 << 20;

/// Compiles an expression; fails where it is none of the dialect, or larger than 64 MiB.
///
/// `\123` names a character by its octal code (documented: regex-syntax). One digit alone is refused: `\1` is meant as a
/// reference to a group, which the dialect lacks.
pub fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).octal(!refers_to_group(pattern)).size_limit(SIZE_LIMIT).build()
}

/// Finds a backslash before a digit from 1 to 9 that is no octal code of two or three digits.
fn refers_to_group(pattern: &str) -> bool {
    let octal = |byte: Option<&u8>| byte.is_some_and(|byte| (b'0'..=b'7').contains(byte));
    let mut bytes = pattern.as_bytes();
    while let Some(at) = bytes.iter().position(|byte| *byte == b'\\') {
        let escaped = bytes.get(at + 1);
        if escaped.is_some_and(|byte| (b'1'..=b'9').contains(byte)) && !(octal(escaped) && octal(bytes.get(at + 2))) {
            return true;
        }
        bytes = bytes.get(at + 2..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_codes_are_characters_and_single_digits_are_refused() {
        for (pattern, text) in
            [(r"^\101$", "A"), (r"^\12$", "\n"), (r"^\0$", "\0"), (r"^\\1$", r"\1"), (r"^\1018$", "A8")]
        {
            assert!(compile(pattern).expect(pattern).is_match(text), "{pattern}");
        }
        for pattern in [r"(a)\1", r"(a)\1b", r"\8", r"\\\9", r"(a)\18"] {
            assert!(
                compile(pattern).unwrap_err().to_string().contains("backreferences are not supported"),
                "{pattern}"
            );
        }
    }
}
