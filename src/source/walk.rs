//! The way over the fields of a JSON object, 64 bytes at a time.
//!
//! Alerts hold most of their text as JSON within JSON, with an escape every few bytes: where a string ends is therefore
//! found from bit masks of whole blocks (the method of Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019),
//! which costs the same however many escapes there are.
//!
//! What is unusual is left to a parser: [`walk`] says how far it came.

use fearless_simd::{Level, Simd, dispatch};

use crate::types::marks::{BLOCK, Marks, follows_escape};

use super::cell::{Cell, Sink};

/// Gives the fields of a JSON object to `sink`.
///
/// Fails with the number of fields that were given when what follows is not valid, or unusual.
pub(super) fn walk(text: &str, sink: &mut Sink<'_>) -> Result<(), usize> {
    let mut given = 0;
    let mut counted = |key: &str, cell: Cell<'_>| {
        sink(key, cell);
        given += 1;
    };
    let whole =
        dispatch!(Level::new(), simd => Walk { simd, text, bytes: text.as_bytes(), at: 0 }.object(&mut counted));
    whole.ok_or(given)
}

/// Where a walk stands.
struct Walk<'a, S> {
    /// Which instructions the processor has. What uses them is compiled into its caller, up to where they are chosen.
    simd: S,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a, S: Simd> Walk<'a, S> {
    #[inline(always)]
    fn object(&mut self, sink: &mut Sink<'_>) -> Option<()> {
        self.expect(b'{')?;
        if self.peek()? != b'}' {
            loop {
                self.expect(b'"')?;
                let (key, escaped) = self.string()?;
                if escaped {
                    return None;
                }
                self.expect(b':')?;
                sink(key, self.value()?);
                match self.peek()? {
                    b',' => self.at += 1,
                    _ => break,
                }
            }
        }
        self.expect(b'}')?;
        self.peek().is_none().then_some(())
    }

    /// Returns the next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                other => return Some(*other),
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    #[inline(always)]
    fn value(&mut self) -> Option<Cell<'a>> {
        match self.peek()? {
            b'"' => {
                let quote = self.at;
                self.at += 1;
                let (inside, escaped) = self.string()?;
                Some(if escaped { Cell::Escaped(self.text.get(quote..self.at)?) } else { Cell::Text(inside) })
            }
            b'{' | b'[' => {
                let value = sonic_rs::get(self.text.get(self.at..)?, &[] as &[&str]).ok()?;
                let length = value.as_raw_str().len();
                Some(Cell::Json(self.take(length)?))
            }
            b't' => self.word("true").map(|_| Cell::Bool(true)),
            b'f' => self.word("false").map(|_| Cell::Bool(false)),
            b'n' => self.word("null").map(|_| Cell::Null),
            _ => self.number().map(Cell::Number),
        }
    }

    /// Takes the rest of a string, its closing quote too; returns what is inside, and whether that has escapes.
    #[inline(always)]
    fn string(&mut self) -> Option<(&'a str, bool)> {
        let start = self.at;
        let (length, escaped) = inside(self.simd, self.bytes.get(start..)?)?;
        self.at = start + length + 1;
        Some((self.text.get(start..start + length)?, escaped))
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.bytes.get(self.at..)?.starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<&'a str> {
        let rest = self.bytes.get(self.at..)?;
        let length =
            rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
        is_number(rest.get(..length)?).then_some(())?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Option<&'a str> {
        let taken = self.text.get(self.at..self.at + length)?;
        self.at += length;
        Some(taken)
    }
}

/// Tells whether this is a number as JSON has it: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    let mut rest = &text[whole..];
    if whole == 0 || (whole > 1 && text[0] == b'0') {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        rest = &fraction[count..];
        if count == 0 {
            return false;
        }
    }
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', power @ ..] | [b'e' | b'E', power @ ..] => {
            !power.is_empty() && digits(power) == power.len()
        }
        _ => false,
    }
}

/// Returns the length of a string whose inside begins here, and whether it has escapes; None where it does not end, or
/// holds what must be escaped.
#[inline(always)]
fn inside<S: Simd>(simd: S, bytes: &[u8]) -> Option<(usize, bool)> {
    if let Some(length) = bytes.first_chunk().and_then(Marks::short) {
        return Some((length, false));
    }
    // Whether the first byte of the block is escaped.
    let mut carried = false;
    let mut any = false;
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let marks = Marks::of_next(simd, rest);
        let quotes = marks.quotes & !follows_escape(marks.backslashes, &mut carried);
        if quotes != 0 {
            let before = (quotes & quotes.wrapping_neg()).wrapping_sub(1);
            any |= marks.backslashes & before != 0;
            return (marks.controls & before == 0).then_some((at + quotes.trailing_zeros() as usize, any));
        }
        any |= marks.backslashes != 0;
        if marks.controls != 0 || rest.len() < BLOCK {
            return None;
        }
        at += BLOCK;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(text: &str) -> (Vec<String>, Result<(), usize>) {
        let mut fields = Vec::new();
        let end = walk(text, &mut |key, cell| fields.push(format!("{key}={cell:?}")));
        (fields, end)
    }

    /// What the parser says of the same text: the fields before the first that is not valid, and whether all are.
    fn parsed(text: &str) -> (Vec<String>, bool) {
        let mut fields = Vec::new();
        let end = super::super::cell::parse_object(text, &mut |key, cell| fields.push(format!("{key}={cell:?}")));
        (fields, end.is_ok())
    }

    #[test]
    fn ends_are_found_whatever_stands_before_them() {
        for before in 0..150 {
            for backslashes in 0..6 {
                let inside = "x".repeat(before) + &"\\".repeat(backslashes);
                let text = format!("{{\"a\":\"{inside}\",\"b\":1}}");
                if backslashes % 2 == 0 {
                    assert_eq!(fields(&text).1, Ok(()), "{text}");
                    assert_eq!(fields(&text).0, parsed(&text).0);
                } else {
                    // The quote is escaped, and the string goes on to the next one.
                    let (given, end) = fields(&text);
                    assert_eq!(end, Err(1), "{text}");
                    assert_eq!(given, parsed(&text).0[..1]);
                }
            }
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_the_parser() {
        for (text, given) in [
            ("{\"a\":1,\"b\\n\":2}", 1),
            ("{\"a\":1,\"b\":01}", 1),
            ("{\"a\":\"x\ny\"}", 0),
            ("{\"a\":1} {", 1),
            ("{\"a\":1,}", 1),
            ("{\"a\":nul}", 0),
            ("{\"a\":[1}", 0),
            ("{\"a\":\"x", 0),
            ("{", 0),
            ("", 0),
        ] {
            assert_eq!(walk(text, &mut |_, _| {}), Err(given), "{text}");
        }
        assert_eq!(fields(" { } ").1, Ok(()));
    }

    proptest! {
        /// The fields are the parser's, and what it refuses is not walked over.
        #[test]
        fn fields_are_the_parsers(parts in prop::collection::vec(prop_oneof![
            8 => prop::sample::select(vec!["{", "}", "[", "]", ",", ":", "\"", "\"a\":", "\"b\" : ", "\"text\",", " ", "\n", "\t"]),
            6 => prop::sample::select(vec!["1,", "-0.5e+3,", "01,", "1.,", "-", "true,", "false", "null,", "[1,2],", "{\"c\":[]},"]),
            4 => prop::sample::select(vec!["\\\"", "\\\\", "\\n", "\\u00e4", "äß€😀", "\u{1}", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]),
        ], 0..24), whole in any::<bool>()) {
            let inside = parts.concat();
            let text = if whole { format!("{{\"z\":\"{inside}\"}}") } else { format!("{{{inside}}}") };
            let ((fields, end), (wanted, valid)) = (fields(&text), parsed(&text));
            match end {
                Ok(()) => prop_assert_eq!((fields, true), (wanted, valid), "{}", text),
                Err(given) => {
                    prop_assert_eq!(fields.len(), given);
                    prop_assert_eq!(&fields[..], &wanted[..given], "{}", text);
                }
            }
        }
    }
}
