//! Escapes of JSON strings resolved at the speed of copying: alerts hold most of their text as JSON within JSON.

use fearless_simd::{Level, Simd, dispatch};

use crate::types::marks::{BLOCK, Marks, follows_escape};

/// Resolves the escapes inside a JSON string into a buffer, and returns how many of its bytes that takes. None where
/// something is rare (half of a surrogate pair) or not valid: [`super::cell::resolve`] tells which.
///
/// Where escapes begin is found for a block at once, so that the search need not wait for what is copied. The buffer
/// keeps its length from one string to the next.
pub(super) fn unescape(inside: &str, out: &mut Vec<u8>) -> Option<usize> {
    let text = inside.as_bytes();
    if out.len() < text.len() + RUN {
        out.resize(text.len() + RUN, 0);
    }
    dispatch!(Level::new(), simd => resolve_into(simd, text, out))
}

/// Resolves escapes into a buffer that has room for what they stand for, and for the copy of a run behind it.
#[inline(always)]
fn resolve_into<S: Simd>(simd: S, text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (mut from, mut to, mut carried) = (0, 0, false);
    for base in (0..text.len()).step_by(BLOCK) {
        let rest = &text[base..];
        let marks = Marks::of_next(simd, rest);
        if marks.controls != 0 {
            return None;
        }
        let mut escapes = marks.backslashes & !follows_escape(marks.backslashes, &mut carried);
        while escapes != 0 {
            let at = base + escapes.trailing_zeros() as usize;
            escapes &= escapes - 1;
            to += copy(text.get(from..)?, at.checked_sub(from)?, out.get_mut(to..)?)?;
            let (taken, made) = escape(&text[at..], out.get_mut(to..)?)?;
            (from, to) = (at + taken, to + made);
        }
    }
    let left = text.get(from..)?;
    Some(to + copy(left, left.len(), out.get_mut(to..)?)?)
}

/// Bytes that are copied at once: most runs between two escapes are shorter.
const RUN: usize = 32;

/// Copies the first bytes of a text.
#[inline(always)]
fn copy(text: &[u8], length: usize, out: &mut [u8]) -> Option<usize> {
    match (text.first_chunk::<RUN>(), out.first_chunk_mut::<RUN>()) {
        (Some(run), Some(place)) if length <= RUN => *place = *run,
        _ => out.get_mut(..length)?.copy_from_slice(text.get(..length)?),
    }
    Some(length)
}

/// What a letter behind a backslash stands for; zero where that is more than a byte, or nothing.
const LETTERS: [u8; 256] = {
    let mut letters = [0; 256];
    let pairs = [
        (b'"', b'"'),
        (b'\\', b'\\'),
        (b'/', b'/'),
        (b'n', b'\n'),
        (b'r', b'\r'),
        (b't', b'\t'),
        (b'b', 8),
        (b'f', 12),
    ];
    let mut at = 0;
    while at < pairs.len() {
        letters[pairs[at].0 as usize] = pairs[at].1;
        at += 1;
    }
    letters
};

/// Resolves the escape that a text begins with; returns how many bytes it has, and what it stands for.
#[inline(always)]
fn escape(text: &[u8], out: &mut [u8]) -> Option<(usize, usize)> {
    let letter = *text.get(1)?;
    match LETTERS[usize::from(letter)] {
        0 if letter == b'u' => {
            let letter = unicode(text.get(2..)?.first_chunk()?)?;
            let made = letter.encode_utf8(out.get_mut(..4)?).len();
            Some((6, made))
        }
        0 => None,
        plain => {
            *out.first_mut()? = plain;
            Some((2, 1))
        }
    }
}

fn unicode(digits: &[u8; 4]) -> Option<char> {
    let value = |unit: u32, digit: &u8| Some(unit * 16 + char::from(*digit).to_digit(16)?);
    char::from_u32(digits.iter().try_fold(0, value)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::cell::resolve;

    fn resolved(inside: &str) -> Option<String> {
        let mut out = vec![b'?'];
        let length = unescape(inside, &mut out)?;
        Some(String::from_utf8(out[..length].to_vec()).unwrap())
    }

    #[test]
    fn what_is_rare_is_left_to_others() {
        for text in [r"\ud83d\ude00", r"\ud800", r"\q", r"\u12", r"\u+123", "a\u{1}", "\\", &("x".repeat(20) + "\n")] {
            assert_eq!(resolved(text), None, "{text}");
        }
    }

    proptest! {
        /// Where there is an answer, it is that of the JSON parser.
        #[test]
        fn the_answer_is_the_parsers(parts in prop::collection::vec(prop_oneof![
            "[a-zäß€😀 ]{0,24}",
            prop::sample::select(vec![r"\n", r"\r\n", r"\\", "\\\"", r"\/", r"\t", r"\b", r"\f", r"\u00e4", r"\u0000", r"\uD83D", r"\x"])
                .prop_map(str::to_string),
        ], 0..12)) {
            let inside = parts.concat();
            if let Some(found) = resolved(&inside) {
                prop_assert_eq!(Ok(found), resolve(&format!("\"{inside}\"")));
            } else {
                prop_assert!(inside.contains(r"\uD83D") || inside.contains(r"\x"));
            }
        }
    }
}
