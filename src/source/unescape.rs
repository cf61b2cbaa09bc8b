//! Escapes of JSON strings resolved at the speed of copying: alerts hold most of their text as JSON within JSON.

use wide::u8x16;

/// Resolves the escapes inside a JSON string. False where something is rare (half of a surrogate pair) or not valid:
/// [`super::cell::resolve`] tells which.
///
/// Blocks are copied whole and cut back where an escape begins: most runs between two escapes are shorter than a block,
/// and calling `memchr` for each costs more than that.
pub(super) fn unescape(inside: &str, out: &mut Vec<u8>) -> bool {
    let text = inside.as_bytes();
    out.clear();
    out.reserve(text.len());
    let mut at = 0;
    while let Some(block) = text[at..].first_chunk::<16>() {
        out.extend_from_slice(block);
        let bytes = u8x16::new(*block);
        let control = bytes.simd_eq(bytes.min(u8x16::splat(0x1f)));
        let found = (bytes.simd_eq(u8x16::splat(b'\\')) | control).to_bitmask();
        if found == 0 {
            at += block.len();
            continue;
        }
        let plain = found.trailing_zeros() as usize;
        out.truncate(out.len() - block.len() + plain);
        match escape(&text[at + plain..], out) {
            Some(length) => at += plain + length,
            None => return false,
        }
    }
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' | ..0x20 => match escape(&text[at..], out) {
                Some(length) => at += length,
                None => return false,
            },
            plain => {
                out.push(*plain);
                at += 1;
            }
        }
    }
    true
}

/// Resolves the escape that a text begins with, and returns its length.
fn escape(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let [b'\\', letter, rest @ ..] = text else { return None };
    out.push(match letter {
        b'"' | b'\\' | b'/' => *letter,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'u' => {
            let letter = unicode(rest.first_chunk()?)?;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(6);
        }
        _ => return None,
    });
    Some(2)
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
        unescape(inside, &mut out).then(|| String::from_utf8(out).unwrap())
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
