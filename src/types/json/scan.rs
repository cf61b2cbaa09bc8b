//! Skipping over tokens of valid JSON, sixteen bytes at a time.

use wide::u8x16;

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Takes off the blanks that JSON allows around a value.
#[inline]
pub(in crate::types) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// A part of the text, or nothing where that would cut a character; ASCII delimiters never do.
#[inline]
pub(super) fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or("")
}

/// Returns the place behind the opening bracket, or the end if the value starts otherwise.
pub(super) fn opening(json: &str, bracket: u8) -> usize {
    let bytes = json.as_bytes();
    let start = skip_blanks(bytes, 0);
    if bytes.get(start) == Some(&bracket) { start + 1 } else { bytes.len() }
}

#[inline]
pub(super) fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_blank(*byte)) {
        at += 1;
    }
    at
}

#[inline]
pub(super) fn skip_blanks_and(bytes: &[u8], at: usize, delimiter: u8) -> usize {
    let at = skip_blanks(bytes, at);
    if bytes.get(at) == Some(&delimiter) { skip_blanks(bytes, at + 1) } else { at }
}

/// Returns the end of the value that starts at `at`.
#[inline]
pub(super) fn skip_value(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => skip_string(bytes, at),
        Some(b'{') => skip_container(bytes, at, b'{', b'}'),
        Some(b'[') => skip_container(bytes, at, b'[', b']'),
        _ => skip_scalar(bytes, at),
    }
}

/// Returns the end of the string whose quote is at `at`.
#[inline]
pub(super) fn skip_string(bytes: &[u8], at: usize) -> usize {
    scan_string(bytes, at).0
}

/// Returns the end of the string whose quote is at `at`, and whether there are escapes in it.
#[inline]
pub(super) fn scan_string(bytes: &[u8], at: usize) -> (usize, bool) {
    let mut at = at + 1;
    let mut escaped = false;
    while let Some(rest) = bytes.get(at..) {
        let Some(found) = quote_or_backslash(rest) else { break };
        if rest[found] == b'"' {
            return (at + found + 1, escaped);
        }
        escaped = true;
        at += found + 2;
    }
    (bytes.len(), escaped)
}

/// Finds the first byte of a kind, sixteen at a time.
///
/// Most keys and values are short: calling `memchr` for each of them costs more than it saves (measured).
#[inline]
fn first(bytes: &[u8], marks: impl Fn(u8x16) -> u8x16) -> Option<usize> {
    let mut at = 0;
    while let Some(block) = bytes[at..].first_chunk::<16>() {
        let found = marks(u8x16::new(*block)).to_bitmask();
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += 16;
    }
    // The rest is filled up with a byte that nobody looks for.
    let mut block = [b' '; 16];
    block[..bytes.len() - at].copy_from_slice(&bytes[at..]);
    let found = marks(u8x16::new(block)).to_bitmask();
    (found != 0).then(|| at + found.trailing_zeros() as usize)
}

#[inline]
fn equal(block: u8x16, byte: u8) -> u8x16 {
    block.simd_eq(u8x16::splat(byte))
}

#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    first(bytes, |block| equal(block, b'"') | equal(block, b'\\'))
}

/// Finds where a run of plain characters in a string ends: at a quote, a backslash or a control character.
#[inline]
pub(super) fn string_end(bytes: &[u8]) -> Option<usize> {
    first(bytes, |block| {
        let control = block.simd_eq(block.min(u8x16::splat(0x1f)));
        equal(block, b'"') | equal(block, b'\\') | control
    })
}

/// Returns the end of the array or bag that opens at `at`. Only its own kind of bracket is counted: in valid text
/// the other kind is balanced in between.
fn skip_container(bytes: &[u8], at: usize, open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    let mut at = at;
    while let Some(rest) = bytes.get(at..)
        && let Some(found) = first(rest, |block| equal(block, b'"') | equal(block, open) | equal(block, close))
    {
        at += found;
        if bytes[at] == b'"' {
            at = skip_string(bytes, at);
            continue;
        }
        depth = if bytes[at] == open { depth + 1 } else { depth.saturating_sub(1) };
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// Returns the end of the number or word at `at`.
#[inline]
pub(super) fn skip_scalar(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or(&[]);
    at + rest.iter().position(|byte| is_blank(*byte) || matches!(byte, b',' | b']' | b'}')).unwrap_or(rest.len())
}
