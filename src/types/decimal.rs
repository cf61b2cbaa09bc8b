//! How decimals are held, read and written, and arithmetic that never panics.
//!
//! The engine's decimals have 34 significant digits at any place (IEEE 754 decimal128; inferred: documented are 128 bits, and
//! results with more digits than a .NET decimal has). Here a decimal is a whole number of 10^-37 in 256 bits: 37 digits
//! before the point and 37 behind it, so that every number of that many digits fits that has its first digit not above
//! 10^36 and its last one not below 10^-37. What lies beyond is null.

use arrow::datatypes::i256;

/// Digits behind the point of every decimal.
pub const SCALE: i8 = 37;
/// Digits of a decimal in all: that there are two less than fit keeps products of parts within 256 bits.
pub const PRECISION: u8 = 74;
/// Digits of a quotient, which has no end of its own.
const SIGNIFICANT: u32 = 34;

/// What a decimal of one is stored as: 10^37.
pub const ONE: i256 = i256::from_parts(10_u128.pow(SCALE as u32), 0);
/// Stored decimals lie below this, 10^74, and above its negative.
const LIMIT: i256 =
    i256::from_parts(0x7465_0438_2ca7_e400_0000_0000_0000_0000, 0x0038_9916_2693_736a_c531_a5a5_8f1f_bb4b);
const TEN: i256 = i256::from_parts(10, 0);

/// Reads a string as `todecimal` does: a sign, digits with a point and an exponent, blanks around; what lies behind the
/// last digit that is kept is rounded. None for anything else, and out of range.
pub fn parse(text: &str) -> Option<i256> {
    read(text).map(|(value, _)| value)
}

/// Reads a string as [`parse`] does; None where a digit is lost.
pub fn parse_exact(text: &str) -> Option<i256> {
    read(text).filter(|(_, rest)| !rest.any).map(|(value, _)| value)
}

/// What lies behind the last digit that is kept.
#[derive(Default)]
struct Rest {
    any: bool,
    /// It is a half of the last digit's unit, or more.
    half: bool,
}

fn read(text: &str) -> Option<(i256, Rest)> {
    let text = text.trim();
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], rest[at + 1..].parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // How many digits stand behind the next one where the value is stored.
    let mut behind = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(SCALE) - 1;
    let (mut value, mut rest) = (i256::ZERO, Rest::default());
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        let digit = digit - b'0';
        if behind >= 0 {
            value = value.checked_mul(TEN)?.checked_add(i256::from(i64::from(digit)))?;
        } else {
            rest.half |= behind == -1 && digit >= 5;
            rest.any |= digit != 0;
        }
        behind -= 1;
    }
    if behind >= 0 && value != i256::ZERO {
        let zeros = u32::try_from(behind + 1).ok().filter(|zeros| *zeros <= PRECISION.into())?;
        value = value.checked_mul(TEN.checked_pow(zeros)?)?;
    }
    let value = in_range(value.wrapping_add(i256::from(i64::from(rest.half))))?;
    Some((if negative { value.wrapping_neg() } else { value }, rest))
}

/// Writes a decimal without needless zeros: `1.5`, `100`.
pub fn write(value: i256, out: &mut String) {
    use std::fmt::Write as _;

    if value.is_negative() {
        out.push('-');
    }
    let value = value.wrapping_abs();
    let (whole, fraction) = (value.wrapping_div(ONE), value.wrapping_rem(ONE));
    // Writing to a string can't fail.
    let _ = write!(out, "{whole}");
    if fraction != i256::ZERO {
        let _ = write!(out, ".{:0>37}", fraction.to_string());
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// Returns the text of a decimal, see [`write`].
pub fn format(value: i256) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Returns the decimal of a long.
pub fn from_long(value: i64) -> i256 {
    // 19 digits and the 37 of the scale fit into 74.
    i256::from(value).wrapping_mul(ONE)
}

/// Returns the decimal of a bool: one or zero.
pub fn from_bool(value: bool) -> i256 {
    if value { ONE } else { i256::ZERO }
}

/// Returns the decimal of a real by its shortest text, so that 0.1 is one tenth exactly (measured); None for NaN,
/// infinities and what is out of range.
pub fn from_real(value: f64) -> Option<i256> {
    if value.is_finite() { parse(&format!("{value:e}")) } else { None }
}

/// Returns the real that is nearest to a decimal.
pub fn to_real(value: i256) -> f64 {
    format(value).parse().unwrap_or(f64::NAN)
}

/// Returns the long of a decimal, its fraction dropped; None out of range.
pub fn to_long(value: i256) -> Option<i64> {
    value.wrapping_div(ONE).to_i128().and_then(|whole| i64::try_from(whole).ok())
}

/// Returns the value; None where a decimal has fewer digits than it would need.
pub fn in_range(value: i256) -> Option<i256> {
    (value.wrapping_abs() < LIMIT).then_some(value)
}

/// Adds decimals; None out of range.
pub fn add(a: i256, b: i256) -> Option<i256> {
    in_range(a.wrapping_add(b))
}

/// Subtracts decimals; None out of range.
pub fn sub(a: i256, b: i256) -> Option<i256> {
    in_range(a.wrapping_sub(b))
}

/// Multiplies decimals; None out of range. What lies behind the last digit is dropped.
pub fn mul(a: i256, b: i256) -> Option<i256> {
    // Whole and fraction by themselves: each product of two fractions fits, and so does every other one in range.
    let (a_whole, a_rest) = (a.wrapping_div(ONE), a.wrapping_rem(ONE));
    let (b_whole, b_rest) = (b.wrapping_div(ONE), b.wrapping_rem(ONE));
    let by_whole = in_range(a_whole.checked_mul(b)?)?;
    let rest_by_whole = in_range(a_rest.checked_mul(b_whole)?)?;
    let rests = a_rest.checked_mul(b_rest)?.checked_div(ONE)?;
    add(add(by_whole, rest_by_whole)?, rests)
}

/// Divides decimals, to 34 significant digits; None by zero and out of range.
pub fn div(a: i256, b: i256) -> Option<i256> {
    let negative = a.is_negative() != b.is_negative();
    let (a, b) = (a.wrapping_abs(), b.wrapping_abs());
    let (mut quotient, mut rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    for _ in 0..SCALE {
        // A rest is below 10^74, so ten times as much fits.
        rest = rest.wrapping_mul(TEN);
        quotient = quotient.checked_mul(TEN)?.checked_add(rest.wrapping_div(b))?;
        rest = rest.wrapping_rem(b);
    }
    let digits = quotient.checked_ilog10().map_or(0, |log| log + 1);
    let quotient = in_range(to_multiple(quotient, TEN.checked_pow(digits.saturating_sub(SIGNIFICANT))?))?;
    Some(if negative { quotient.wrapping_neg() } else { quotient })
}

/// Returns the remainder of decimals, never negative; None by zero.
pub fn rem(a: i256, b: i256) -> Option<i256> {
    let rest = a.checked_rem(b)?;
    Some(if rest.is_negative() { rest.wrapping_add(b.wrapping_abs()) } else { rest })
}

/// Rounds a decimal down to a multiple of `size`; None for size zero.
pub fn bin(value: i256, size: i256) -> Option<i256> {
    let rest = value.checked_rem(size)?;
    let past = rest != i256::ZERO && value.is_negative() != size.is_negative();
    let floor = value.wrapping_sub(rest);
    in_range(if past { floor.wrapping_sub(size) } else { floor })
}

/// Divides by a number of values; None by zero.
pub fn mean(sum: i256, count: i64) -> Option<i256> {
    div(sum, from_long(count))
}

/// Rounds half away from zero to so many digits behind the point, or before it if negative; None out of range.
pub fn round(value: i256, digits: i64) -> Option<i256> {
    let zeros = i64::from(SCALE).saturating_sub(digits);
    if zeros <= 0 {
        return Some(value);
    }
    let unit = u32::try_from(zeros).ok().filter(|zeros| *zeros <= PRECISION.into());
    let Some(unit) = unit.and_then(|zeros| TEN.checked_pow(zeros)) else { return Some(i256::ZERO) };
    in_range(to_multiple(value, unit))
}

/// Rounds to a multiple of a power of ten, half away from zero.
fn to_multiple(value: i256, unit: i256) -> i256 {
    let half = unit.wrapping_div(i256::from(2)).wrapping_mul(value.signum());
    let rounded = value.wrapping_add(half);
    rounded.wrapping_sub(rounded.wrapping_rem(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> i256 {
        parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn the_limit_is_a_power_of_ten() {
        assert_eq!(TEN.checked_pow(PRECISION.into()), Some(LIMIT));
        assert_eq!(ONE.checked_mul(ONE), Some(LIMIT));
    }

    #[test]
    fn texts_are_read_and_written() {
        for (text, written) in [
            ("0.1", "0.1"),
            (" +1.50 ", "1.5"),
            ("1.5e2", "150"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("1e-37", "0.0000000000000000000000000000000000001"),
            ("5e-38", "0.0000000000000000000000000000000000001"),
            ("4e-38", "0"),
            ("1e36", "1000000000000000000000000000000000000"),
            ("100000000000000000000", "100000000000000000000"),
            ("0000000000000000000000000000000000000000000000000000000000000000000000000000000001", "1"),
            ("-1234567890123456789012345678901234.5", "-1234567890123456789012345678901234.5"),
        ] {
            assert_eq!(format(number(text)), written, "{text}");
            assert_eq!(parse(written), parse(text));
        }
        for text in ["", ".", "-", "abc", "1e37", "1e99999", "1e-", "1.é", "1 2", "0x1"] {
            assert_eq!(parse(text), None, "{text}");
        }
        for text in ["0.1234567890123456789", "1e3", "1.0000000000000000000000000000000000000000"] {
            assert_eq!(parse_exact(text), parse(text), "{text}");
        }
        for text in ["1e-38", "6e-38", "1e40", "0.12345678901234567890123456789012345678"] {
            assert_eq!(parse_exact(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact() {
        assert_eq!(add(number("0.1"), number("0.2")), parse("0.3"));
        assert_eq!(sub(number("0.1"), number("0.2")), parse("-0.1"));
        assert_eq!(mul(number("1.5"), number("-1.5")), parse("-2.25"));
        assert_eq!(mul(number("12345678901234567.5"), number("2e18")), parse("24691357802469135000000000000000000"));
        assert_eq!(mul(number("1e20"), number("1e20")), None);
        assert_eq!(div(number("7"), number("2")), parse("3.5"));
        assert_eq!(div(number("-1"), number("3")), parse("-0.3333333333333333333333333333333333"));
        assert_eq!(div(number("2"), number("3")), parse("0.6666666666666666666666666666666667"));
        assert_eq!(div(number("200"), number("3")), parse("66.66666666666666666666666666666667"));
        assert_eq!(div(number("1e36"), number("1e-2")), None);
        assert_eq!(div(number("1e36"), number("1e36")), parse("1"));
        assert_eq!(div(ONE, i256::ZERO), None);
        assert_eq!(mean(number("10"), 4), parse("2.5"));
        assert_eq!(rem(number("-7"), number("4")), parse("1"));
        assert_eq!(rem(ONE, i256::ZERO), None);
        for (value, size, floor) in [("2.5", "1", "2"), ("-2.5", "1", "-3"), ("-4", "2", "-4"), ("2.5", "-1", "3")] {
            assert_eq!(bin(number(value), number(size)), parse(floor), "{value} {size}");
        }
        assert_eq!(bin(ONE, i256::ZERO), None);
        for (value, digits, rounded) in
            [("2.15", 1, "2.2"), ("-2.15", 1, "-2.2"), ("50.55", -2, "100"), ("1.5", 99, "1.5"), ("1.5", -99, "0")]
        {
            assert_eq!(round(number(value), digits), parse(rounded), "{value} {digits}");
        }
    }

    #[test]
    fn other_numbers_become_decimals_and_back() {
        assert_eq!(from_real(0.1), parse("0.1"));
        assert_eq!(from_real(f64::NAN), None);
        assert_eq!(to_real(number("2.5")), 2.5);
        for long in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(to_long(from_long(long)), Some(long));
        }
        assert_eq!(to_long(number("-2.9")), Some(-2));
        assert_eq!(to_long(number("9223372036854775808")), None);
    }
}
