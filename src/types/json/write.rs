//! Writing JSON: values, strings, and the one form that `tostring` gives a value.

use std::borrow::Cow;

use fearless_simd::{Level, Simd, dispatch};

use super::scan::{scan_string, skip_scalar, skip_string, slice, string_end};
use super::{is_long, unquote};
use crate::types::marks::{BLOCK, Marks};
use crate::types::{Value, decimal, number, ticks};

/// Returns the value in one form: no blanks between tokens, no needless escapes, reals as `tostring` writes them.
pub fn compact(json: &str) -> Cow<'_, str> {
    if is_compact(json) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'"' => {
                let end = skip_string(bytes, at);
                write_string(&unquote(slice(json, at, end)), &mut out);
                at = end;
                continue;
            }
            b'-' | b'0'..=b'9' => {
                let end = skip_scalar(bytes, at);
                write_number(slice(json, at, end), &mut out);
                at = end;
                continue;
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => at + 1,
            _ => skip_scalar(bytes, at).max(at + 1),
        };
        out.push_str(slice(json, at, end));
        at = end;
    }
    Cow::Owned(out)
}

/// Tells whether [`compact`] would leave it as it is.
fn is_compact(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => return false,
            b'"' => {
                let (end, escaped) = scan_string(bytes, at);
                if escaped && has_needless_escape(&bytes[at..end]) {
                    return false;
                }
                at = end;
            }
            b'-' | b'0'..=b'9' => {
                let end = skip_scalar(bytes, at);
                let number = slice(json, at, end);
                if !is_long(number) {
                    let mut written = String::new();
                    write_number(number, &mut written);
                    if written != number {
                        return false;
                    }
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    true
}

fn has_needless_escape(string: &[u8]) -> bool {
    let mut rest = string;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        if matches!(rest.get(at + 1), Some(b'u' | b'/')) {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or(&[]);
    }
    false
}

fn write_number(text: &str, out: &mut String) {
    match text.parse::<f64>() {
        Ok(real) if !is_long(text) && real.is_finite() => number::write_real(real, out),
        _ => out.push_str(text),
    }
}

/// Writes text as a JSON string, quotes included.
pub fn write_string(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push('"');
    // Most strings are short and plain.
    match bytes.len() > 16 || string_end(bytes).is_some() {
        true => dispatch!(Level::new(), simd => write_inside(simd, text, out)),
        false => out.push_str(text),
    }
    out.push('"');
}

#[inline(always)]
fn write_inside<S: Simd>(simd: S, text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for base in (0..bytes.len()).step_by(BLOCK) {
        let marks = Marks::of_next(simd, &bytes[base..]);
        let mut special = marks.quotes | marks.backslashes | marks.controls;
        while special != 0 {
            let at = base + special.trailing_zeros() as usize;
            special &= special - 1;
            out.push_str(&text[from..at]);
            write_escape(bytes[at], out);
            from = at + 1;
        }
    }
    out.push_str(&text[from..]);
}

#[inline]
fn write_escape(byte: u8, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        other => {
            out.push_str("\\u00");
            out.push(HEX[usize::from(other >> 4)]);
            out.push(HEX[usize::from(other & 15)]);
        }
    }
}

/// Returns text as a JSON string, quotes included.
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(text, &mut out);
    out
}

/// Writes a scalar as an element of an array or bag, as `pack_array` does: datetime, timespan, guid and decimal become
/// strings of their text, a real that JSON has no number for a string too.
pub fn write_value(value: &Value, out: &mut String) {
    use std::fmt::Write as _;

    // Writing to a string can't fail.
    let _ = match value {
        Value::Null(_) => write!(out, "null"),
        Value::Bool(v) => write!(out, "{v}"),
        Value::Int(v) => write!(out, "{v}"),
        Value::Long(v) => write!(out, "{v}"),
        Value::Real(v) => {
            write_real(*v, out);
            Ok(())
        }
        Value::String(v) | Value::Guid(v) => {
            write_string(v, out);
            Ok(())
        }
        Value::Dynamic(v) => write!(out, "{v}"),
        Value::Decimal(_) | Value::DateTime(_) | Value::TimeSpan(_) => {
            out.push('"');
            match value {
                Value::DateTime(v) => ticks::write_datetime(*v, out),
                Value::TimeSpan(v) => ticks::write_timespan(*v, out),
                Value::Decimal(v) => decimal::write(*v, out),
                _ => {}
            }
            write!(out, "\"")
        }
    };
}

/// Writes a real as JSON: NaN and the infinities as strings.
pub fn write_real(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("\"NaN\"");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    } else {
        number::write_real(value, out);
    }
}

/// Returns the JSON of a scalar, see [`write_value`].
pub fn from_value(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::json::is_valid;

    #[test]
    fn escapes_round_trip() {
        let text = "a\"\\\u{1}\n\té😀/";
        assert_eq!(unquote(&string(text)), text);
        assert!(is_valid(&string(text)));
        assert_eq!(string("\u{1}"), r#""\u0001""#);
    }

    #[test]
    fn scalars_as_json() {
        assert_eq!(from_value(&Value::TimeSpan(ticks::TICKS_PER_DAY)), "\"1.00:00:00\"");
        assert_eq!(from_value(&Value::Real(f64::NAN)), "\"NaN\"");
        assert_eq!(from_value(&Value::Real(1.0)), "1.0");
        assert_eq!(from_value(&Value::Decimal(decimal::ONE)), "\"1\"");
        assert_eq!(from_value(&Value::DateTime(0)), "\"0001-01-01T00:00:00.0000000Z\"");
    }
}
