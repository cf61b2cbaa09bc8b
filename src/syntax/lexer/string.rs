//! What strings hold: their text without quotes and escapes.

/// Returns the content of a string token, its escapes resolved.
pub(in crate::syntax) fn string_content(text: &str) -> String {
    let text = text.strip_prefix(['h', 'H']).unwrap_or(text);
    let (verbatim, text) = text.strip_prefix('@').map_or((false, text), |rest| (true, rest));
    if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| text.starts_with(fence)) {
        return text[3..].strip_suffix(fence).unwrap_or(&text[3..]).to_string();
    }
    let Some(quote) = text.chars().next() else { return String::new() };
    let body = &text[quote.len_utf8()..];
    if verbatim {
        let doubled = [quote, quote].iter().collect::<String>();
        return body.strip_suffix(quote).unwrap_or(body).replace(&doubled, &quote.to_string());
    }
    unescape(body, quote)
}

/// Resolves the escapes of a string up to its closing quote.
pub(super) fn unescape(body: &str, quote: char) -> String {
    let mut content = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find([quote, '\\']) {
        content.push_str(&rest[..at]);
        rest = &rest[at..];
        match escape(rest.as_bytes()) {
            Some((sign, length)) => {
                content.push(sign);
                rest = &rest[length..];
            }
            None => return content,
        }
    }
    content + rest
}

/// Reads an escape at the start of `bytes`: the character that it stands for, and its length.
pub(super) fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let digits = |length: usize| {
        let digits = bytes.get(2..2 + length).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        // Half a surrogate pair stands for no character; the text stays readable around it.
        Some((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 2 + length))
    };
    if bytes.first() != Some(&b'\\') {
        return None;
    }
    match bytes.get(1)? {
        b'\\' => Some(('\\', 2)),
        b'\'' => Some(('\'', 2)),
        b'"' => Some(('"', 2)),
        b'a' => Some(('\u{7}', 2)),
        b'b' => Some(('\u{8}', 2)),
        b'f' => Some(('\u{C}', 2)),
        b'n' => Some(('\n', 2)),
        b'r' => Some(('\r', 2)),
        b't' => Some(('\t', 2)),
        b'v' => Some(('\u{B}', 2)),
        b'u' => surrogate_pair(bytes).or_else(|| digits(4)),
        b'U' => digits(8),
        b'x' => digits(2),
        b'0'..=b'7' => octal(bytes),
        _ => None,
    }
}

/// Reads two `\u` escapes that are one character together.
fn surrogate_pair(bytes: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?;
        let digits = digits.strip_prefix(b"\\u").filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let sign = char::decode_utf16([unit(0)?, unit(6)?]).next()?.ok()?;
    (sign.len_utf16() == 2).then_some((sign, 12))
}

/// Reads up to three octal digits behind a backslash, three only where they fit a byte.
fn octal(bytes: &[u8]) -> Option<(char, usize)> {
    let is_octal = |at: usize| bytes.get(at).is_some_and(|byte| (b'0'..=b'7').contains(byte));
    let length = match (is_octal(2), is_octal(3) && bytes[1] <= b'3') {
        (false, _) => 1,
        (true, false) => 2,
        (true, true) => 3,
    };
    let code = bytes[1..=length].iter().fold(0, |code, digit| code * 8 + u32::from(digit - b'0'));
    char::from_u32(code).map(|sign| (sign, 1 + length))
}
