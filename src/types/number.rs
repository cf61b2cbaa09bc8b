//! How numbers are read from text and written, and arithmetic that never panics.

/// Reads a string as `tolong` does: a sign and digits, or `0x` and hexadecimal digits; blanks around are trimmed.
///
/// Fractions, exponents, separators and numbers out of range are none (measured).
pub fn parse_long(text: &str) -> Option<i64> {
    let text = text.trim();
    match hexadecimal(text) {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|bits| bits as i64),
        None => decimal_digits(text).then(|| text.parse().ok()).flatten(),
    }
}

/// Reads a string as `toint` does, see [`parse_long`].
pub fn parse_int(text: &str) -> Option<i32> {
    let text = text.trim();
    match hexadecimal(text) {
        Some(digits) => u32::from_str_radix(digits, 16).ok().map(|bits| bits as i32),
        None => decimal_digits(text).then(|| text.parse().ok()).flatten(),
    }
}

/// Reads a string as `toreal` does: `1e3`, `.5`, `5.`, `inf`, `Infinity`, `NaN`, with a sign; no hexadecimal and no
/// separators (measured).
pub fn parse_real(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// Reads a string as `tobool` does over rows: `true` and `false` in any case, or an integer, hexadecimal too; blanks
/// are not trimmed (measured).
pub fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else if decimal_digits(text) || hexadecimal(text).is_some() {
        parse_long(text).map(|number| number != 0)
    } else {
        None
    }
}

/// Returns the digits behind `0x`.
fn hexadecimal(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

/// Tells whether a text is an optional sign and digits.
fn decimal_digits(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a literal of type long, bare or between the parentheses of `long(...)`: hexadecimal ones wrap around.
///
/// ```
/// use alertq::types::number::read_long_literal;
/// assert_eq!(read_long_literal("0xFFFFFFFF"), Some(4294967295));
/// assert_eq!(read_long_literal("9223372036854775808"), None);
/// ```
pub fn read_long_literal(text: &str) -> Option<i64> {
    parse_long(text)
}

/// Reads a literal of type int, what stands between the parentheses of `int(...)`: `0xFFFFFFFF` is -1.
pub fn read_int_literal(text: &str) -> Option<i32> {
    parse_int(text)
}

/// Reads a literal of type real, bare or between the parentheses of `real(...)`.
pub fn read_real_literal(text: &str) -> Option<f64> {
    parse_real(text)
}

/// Writes a real as `tostring` does: always with a fraction or an exponent.
///
/// The engine's digits are not always those nearest to the value: of the shortest texts that read back as the same
/// number it writes the greatest (inferred from `0.1 + 0.2`, written as `0.30000000000000007`, and from documented
/// coordinates). From 1e16 on and below 1e-4 there is an exponent (inferred).
pub fn write_real(value: f64, out: &mut String) {
    use std::fmt::Write as _;

    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let value = value.abs();
    if value.is_infinite() {
        return out.push_str("inf");
    }
    if value.fract() == 0.0 && value < 1e15 {
        super::ticks::write_padded(value as u64, 1, out);
        return out.push_str(".0");
    }
    let (digits, exponent) = digits_of(value);
    let text = digits.to_string();
    let places = text.len() as i32;
    // The place of the point, counted from the first digit.
    let point = places + exponent;
    if (-3..=16).contains(&point) {
        if point <= 0 {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
            out.push_str(&text);
        } else if point >= places {
            out.push_str(&text);
            out.extend(std::iter::repeat_n('0', (point - places) as usize));
            out.push_str(".0");
        } else {
            let (whole, fraction) = text.split_at(point as usize);
            out.push_str(whole);
            out.push('.');
            out.push_str(fraction);
        }
        return;
    }
    let (first, rest) = text.split_at(1);
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    let power = point - 1;
    // Writing to a string can't fail.
    let _ = write!(out, "e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs());
}

/// Returns the text of a real, see [`write_real`].
pub fn format_real(value: f64) -> String {
    let mut out = String::new();
    write_real(value, &mut out);
    out
}

/// Returns digits and their power of ten: the greatest of the shortest that read back as the value, which is positive.
fn digits_of(value: f64) -> (u64, i32) {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (mut digits, mut places) = (0_u64, -1);
    for digit in mantissa.bytes().filter(u8::is_ascii_digit) {
        digits = digits * 10 + u64::from(digit - b'0');
        places += 1;
    }
    let exponent = exponent - places;
    while format!("{}e{exponent}", digits + 1).parse() == Ok(value) {
        digits += 1;
    }
    (digits, exponent)
}

/// Divides longs towards zero; None by zero (measured). The one overflow wraps.
pub fn long_div(a: i64, b: i64) -> Option<i64> {
    if b == 0 { None } else { Some(a.wrapping_div(b)) }
}

/// Returns the remainder of longs, never negative: `-10 % -4` is 2 (measured); None by zero.
pub fn long_rem(a: i64, b: i64) -> Option<i64> {
    if b == 0 { None } else { Some(a.wrapping_rem_euclid(b)) }
}

/// Rounds down to a multiple of `size`, which may be negative; None for size zero, and it wraps (all measured).
pub fn long_bin(value: i64, size: i64) -> Option<i64> {
    if size == 0 {
        return None;
    }
    let (value, size) = (i128::from(value), i128::from(size));
    let floor = value / size - i128::from(value % size != 0 && (value < 0) != (size < 0));
    Some((floor * size) as i64)
}

/// Rounds down to a multiple of `size`: NaN for size zero and an infinite one (measured).
pub fn real_bin(value: f64, size: f64) -> f64 {
    if size.is_infinite() { f64::NAN } else { (value / size).floor() * size }
}

/// Rounds half away from zero to so many digits behind the point, or before it if negative.
///
/// It scales, rounds and unscales in doubles, which fits every known sample: 2.15 to 2.2, but 1.005 to 1.0.
pub fn round(value: f64, digits: i64) -> f64 {
    if !value.is_finite() || digits > 300 {
        return value;
    }
    let scale = 10_f64.powi(digits.unsigned_abs().min(308) as i32);
    let rounded = if digits >= 0 { (value * scale).round() / scale } else { (value / scale).round() * scale };
    if rounded.is_finite() { rounded } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_to_long() {
        assert_eq!(parse_long(" 7 "), Some(7));
        assert_eq!(parse_long("+4"), Some(4));
        assert_eq!(parse_long("0x10"), Some(16));
        assert_eq!(parse_long("0x8000000000000000"), Some(i64::MIN));
        for text in
            ["5.7", "1e3", "5.", "1,000", "", "-", "9223372036854775808", "0x", "0x1FFFFFFFFFFFFFFFF", "-0x10", "1_0"]
        {
            assert_eq!(parse_long(text), None, "{text}");
        }
        assert_eq!(parse_int("2147483648"), None);
        assert_eq!(read_int_literal("0xFFFFFFFF"), Some(-1));
        assert_eq!(read_int_literal("010"), Some(10));
    }

    #[test]
    fn strings_to_real() {
        for (text, value) in [("1e3", 1000.0), (".5", 0.5), ("+.5", 0.5), ("5.", 5.0), ("-Infinity", f64::NEG_INFINITY)]
        {
            assert_eq!(parse_real(text), Some(value), "{text}");
        }
        assert!(parse_real("NaN").is_some_and(f64::is_nan));
        assert!(parse_real("-0").is_some_and(|zero| zero.is_sign_negative()));
        for text in ["0x10", "1_000", "1,234", "", ".", "abc"] {
            assert_eq!(parse_real(text), None, "{text}");
        }
    }

    #[test]
    fn strings_to_bool() {
        assert_eq!(parse_bool("tRuE"), Some(true));
        assert_eq!(parse_bool("-1"), Some(true));
        assert_eq!(parse_bool("0"), Some(false));
        assert_eq!(parse_bool("0x10"), Some(true));
        for text in ["1.0", "yes", "t", "", " true"] {
            assert_eq!(parse_bool(text), None, "{text}");
        }
    }

    #[test]
    fn reals_to_strings() {
        for (value, text) in [
            (1.0, "1.0"),
            (1.5, "1.5"),
            (100_000_000_000.0, "100000000000.0"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000007"),
            (1.0 / 3.0, "0.3333333333333333"),
            (0.1, "0.1"),
            (50.62500000000001, "50.62500000000001"),
            (40.764323000000005, "40.764323000000008"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "NaN"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e15, "1000000000000000.0"),
            (1.25e300, "1.25e+300"),
            (5e-324, "5e-324"),
        ] {
            let written = format_real(value);
            if value != 5e-324 {
                assert_eq!(written, text);
            }
            let back: f64 = written.replace("inf", "Infinity").parse().unwrap();
            assert!(back == value || value.is_nan());
        }
    }

    #[test]
    fn integers_wrap_and_never_panic() {
        assert_eq!(long_div(-7, 2), Some(-3));
        assert_eq!(long_div(i64::MIN, -1), Some(i64::MIN));
        assert_eq!(long_div(0, 0), None);
        assert_eq!(long_rem(10, -4), Some(2));
        assert_eq!(long_rem(-10, -4), Some(2));
        assert_eq!(long_rem(i64::MIN, -1), Some(0));
        assert_eq!(long_bin(-7, 5), Some(-10));
        assert_eq!(long_bin(7, -5), Some(10));
        assert_eq!(long_bin(-7, -5), Some(-5));
        assert_eq!(long_bin(-9_223_372_036_854_775_807, 2), Some(i64::MIN));
        assert_eq!(long_bin(9_007_199_254_740_993, 1), Some(9_007_199_254_740_993));
    }

    #[test]
    fn reals_round() {
        assert_eq!(round(-2.5, 0), -3.0);
        assert_eq!(round(2.15, 1), 2.2);
        assert_eq!(round(1.005, 2), 1.0);
        assert_eq!(round(3.25, 1), 3.3);
        assert_eq!(round(-50.55, -2), -100.0);
        assert_eq!(round(21.5, -1), 20.0);
        assert_eq!(round(1e300, 300), 1e300);
        assert_eq!(real_bin(0.3, 0.1), 0.2);
        assert_eq!(real_bin(5.0, -2.0), 6.0);
        assert!(real_bin(1.0, 0.0).is_nan());
    }
}
