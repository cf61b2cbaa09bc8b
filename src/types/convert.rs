//! Conversions between KQL's types: `tolong`, `tostring` and their like, over columns and over single values.
//!
//! A conversion never fails: what can't be converted is null (`""` for a string). Where the engine's constant folder
//! and its rows differ, this is what rows give.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal256Array, Float64Array, Int32Array, Int64Array,
    PrimitiveArray, StringViewArray, StringViewBuilder, new_null_array,
};
use arrow::datatypes::{Decimal256Type, Float64Type, Int32Type, Int64Type, i256};

use super::arrow::{data_type, repeat, value_at};
use super::{ScalarType, Value, decimal, json, number, ticks};

/// Converts a value as the function `to<type>` does.
///
/// ```
/// use alertq::types::{ScalarType, Value, convert::convert};
/// assert_eq!(convert(&Value::String("0x10".into()), ScalarType::Long), Value::Long(16));
/// assert_eq!(convert(&Value::Bool(true), ScalarType::String), Value::String("True".into()));
/// ```
pub fn convert(value: &Value, to: ScalarType) -> Value {
    if value.is_null() {
        return Value::missing(to);
    }
    value_at(&cast(&repeat(value, 1), value.scalar_type(), to), 0, to)
}

/// Converts a column as the function `to<type>` does; both are laid out as [`super::arrow`] says.
///
/// A string becomes dynamic by parsing it; see [`to_dynamic`] for the other meaning.
pub fn cast(array: &ArrayRef, from: ScalarType, to: ScalarType) -> ArrayRef {
    if from == to {
        return array.clone();
    }
    match to {
        ScalarType::Bool => to_bool(array, from),
        ScalarType::Int => to_int(array, from),
        ScalarType::Long => to_long(array, from),
        ScalarType::Real => to_real(array, from),
        ScalarType::Decimal => to_decimal(array, from),
        ScalarType::String => to_text(array, from),
        ScalarType::DateTime => to_datetime(array, from),
        ScalarType::TimeSpan => to_timespan(array, from),
        ScalarType::Guid => to_guid(array, from),
        ScalarType::Dynamic if from == ScalarType::String => parse_dynamic(array),
        ScalarType::Dynamic => to_dynamic(array, from),
    }
}

/// Returns what `tostring` gives for a value.
pub fn text_of(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Null(_) => {}
        Value::Bool(v) => out.push_str(bool_text(*v)),
        Value::Int(v) => out = v.to_string(),
        Value::Long(v) => out = v.to_string(),
        Value::Real(v) => number::write_real(*v, &mut out),
        Value::Decimal(v) => decimal::write(*v, &mut out),
        Value::String(v) | Value::Guid(v) => out.push_str(v),
        Value::DateTime(v) => ticks::write_datetime(*v, &mut out),
        Value::TimeSpan(v) => ticks::write_timespan(*v, &mut out),
        Value::Dynamic(v) => out = json::as_text(v).into_owned(),
    }
    out
}

/// Reads a typed literal: the text between the parentheses of `int(5)`, `real(nan)`, `guid(...)`; or says what is
/// wrong with it.
pub fn read_literal(scalar_type: ScalarType, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    if trimmed == "null" && scalar_type != ScalarType::String {
        return Ok(Value::Null(scalar_type));
    }
    let value = match scalar_type {
        ScalarType::Bool => number::parse_bool(trimmed).map(Value::Bool),
        ScalarType::Int => number::read_int_literal(trimmed).map(Value::Int),
        ScalarType::Long => number::read_long_literal(trimmed).map(Value::Long),
        ScalarType::Real => number::read_real_literal(trimmed).map(Value::Real),
        ScalarType::Decimal => decimal::parse(trimmed).map(Value::Decimal),
        ScalarType::String => Some(Value::String(text.to_string())),
        ScalarType::DateTime => ticks::read_datetime_literal(trimmed).flatten().map(Value::DateTime),
        ScalarType::TimeSpan => ticks::read_timespan_literal(trimmed).flatten().map(Value::TimeSpan),
        ScalarType::Guid => parse_guid(trimmed).map(Value::Guid),
        ScalarType::Dynamic => json::is_valid(trimmed).then(|| Value::Dynamic(json::compact(trimmed).into_owned())),
    };
    value.ok_or_else(|| format!("`{trimmed}` is no {scalar_type}: {}", literal_help(scalar_type)))
}

/// Says what a literal of a type looks like.
fn literal_help(scalar_type: ScalarType) -> &'static str {
    match scalar_type {
        ScalarType::Bool => "write `true` or `false`",
        ScalarType::Int => "write digits from -2147483648 to 2147483647, or hexadecimal like 0x1f",
        ScalarType::Long => "write digits that fit into 64 bits, or hexadecimal like 0x1f",
        ScalarType::Real => "write a number like 1.5 or 1e-3, or `nan`, `+inf`, `-inf`",
        ScalarType::Decimal => "write a number like 1.25, with at most 37 digits before the point",
        ScalarType::String => "write it in quotes",
        ScalarType::DateTime => "write it like 2024-05-01 or 2024-05-01T12:30:00Z",
        ScalarType::TimeSpan => "write it like 1d, 15 seconds or 1.02:03:04",
        ScalarType::Guid => "write 32 hexadecimal digits like 74be27de-1e4e-49d9-b579-fe0b331d3642",
        ScalarType::Dynamic => "write JSON",
    }
}

/// Reads a guid, with or without hyphens, braces or parentheses, as its canonical text.
///
/// ```
/// use alertq::types::convert::parse_guid;
/// let guid = Some("74be27de-1e4e-49d9-b579-fe0b331d3642");
/// assert_eq!(parse_guid("{74BE27DE-1E4E-49D9-B579-FE0B331D3642}").as_deref(), guid);
/// assert_eq!(parse_guid("74be27de"), None);
/// ```
pub fn parse_guid(text: &str) -> Option<String> {
    let text = text.trim();
    let wrapped = |open, close| text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
    let bare = wrapped('{', '}').or_else(|| wrapped('(', ')')).unwrap_or(text);
    let digits: String = bare.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    // Where the hyphens stand does not matter (documented).
    let part = |range| digits.get(range);
    Some(format!("{}-{}-{}-{}-{}", part(0..8)?, part(8..12)?, part(12..16)?, part(16..20)?, part(20..32)?))
}

const fn bool_text(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Drops the fraction; None for NaN, the nearest long out of range (measured over rows).
pub fn real_to_long(value: f64) -> Option<i64> {
    if value.is_nan() { None } else { Some(value as i64) }
}

/// Drops the fraction; None for NaN, the nearest int out of range (measured over rows).
pub fn real_to_int(value: f64) -> Option<i32> {
    if value.is_nan() { None } else { Some(value as i32) }
}

/// Takes a real as ticks; None for NaN, infinities and out of range.
fn real_to_ticks(value: f64) -> Option<i64> {
    // Above 2^63 the cast below would give the greatest long, which is no answer for a time.
    (value.abs() < 9.3e18).then_some(value as i64)
}

/// Reads a dynamic as `tolong` does.
pub fn dynamic_to_long(text: &str) -> Option<i64> {
    match json::kind(text) {
        json::Kind::Long => text.trim().parse().ok(),
        json::Kind::Real => real_to_long(text.trim().parse().ok()?),
        json::Kind::Bool => Some(i64::from(text.trim() == "true")),
        json::Kind::String => number::parse_long(&json::unquote(text.trim())),
        json::Kind::Null | json::Kind::Array | json::Kind::Bag => None,
    }
}

/// Reads a dynamic as `toint` does: a long wraps around, a real does not.
pub fn dynamic_to_int(text: &str) -> Option<i32> {
    match json::kind(text) {
        json::Kind::Real => real_to_int(text.trim().parse().ok()?),
        json::Kind::String => number::parse_int(&json::unquote(text.trim())),
        _ => dynamic_to_long(text).map(|long| long as i32),
    }
}

/// Reads a dynamic as `toreal` does.
pub fn dynamic_to_real(text: &str) -> Option<f64> {
    match json::kind(text) {
        json::Kind::Long | json::Kind::Real => text.trim().parse().ok(),
        json::Kind::Bool => Some(if text.trim() == "true" { 1.0 } else { 0.0 }),
        json::Kind::String => number::parse_real(&json::unquote(text.trim())),
        json::Kind::Null | json::Kind::Array | json::Kind::Bag => None,
    }
}

/// Reads a dynamic as `todecimal` does.
pub fn dynamic_to_decimal(text: &str) -> Option<i256> {
    match json::kind(text) {
        json::Kind::Long | json::Kind::Real => decimal::parse(text),
        json::Kind::Bool => Some(decimal::from_bool(text.trim() == "true")),
        json::Kind::String => decimal::parse(&json::unquote(text.trim())),
        json::Kind::Null | json::Kind::Array | json::Kind::Bag => None,
    }
}

/// Reads a dynamic as `tobool` does.
pub fn dynamic_to_bool(text: &str) -> Option<bool> {
    match json::kind(text) {
        json::Kind::Bool => Some(text.trim() == "true"),
        json::Kind::Long | json::Kind::Real => dynamic_to_real(text).map(|real| real != 0.0),
        json::Kind::String => number::parse_bool(&json::unquote(text.trim())),
        json::Kind::Null | json::Kind::Array | json::Kind::Bag => None,
    }
}

/// Reads a dynamic as `todatetime` does: a number counts ticks.
pub fn dynamic_to_datetime(text: &str) -> Option<i64> {
    match json::kind(text) {
        json::Kind::String => ticks::parse_datetime(&json::unquote(text.trim())),
        _ => dynamic_to_ticks(text).and_then(ticks::in_range),
    }
}

/// Reads a dynamic as `totimespan` does: a number counts ticks.
pub fn dynamic_to_timespan(text: &str) -> Option<i64> {
    match json::kind(text) {
        json::Kind::String => ticks::parse_timespan(&json::unquote(text.trim())),
        _ => dynamic_to_ticks(text),
    }
}

fn dynamic_to_ticks(text: &str) -> Option<i64> {
    match json::kind(text) {
        json::Kind::Real => real_to_ticks(text.trim().parse().ok()?),
        json::Kind::String => None,
        _ => dynamic_to_long(text),
    }
}

/// Makes a column of numbers from one of text; a null stays one.
fn from_texts<T: ArrowPrimitiveType>(array: &ArrayRef, read: impl Fn(&str) -> Option<T::Native>) -> PrimitiveArray<T> {
    array.as_string_view().iter().map(|text| text.and_then(&read)).collect()
}

fn from_bools<T: ArrowPrimitiveType>(array: &ArrayRef, read: impl Fn(bool) -> T::Native) -> PrimitiveArray<T> {
    array.as_boolean().iter().map(|value| value.map(&read)).collect()
}

fn ints(array: &ArrayRef) -> &Int32Array {
    array.as_primitive::<Int32Type>()
}

fn longs(array: &ArrayRef) -> &Int64Array {
    array.as_primitive::<Int64Type>()
}

fn reals(array: &ArrayRef) -> &Float64Array {
    array.as_primitive::<Float64Type>()
}

fn decimals(array: &ArrayRef) -> &Decimal256Array {
    array.as_primitive::<Decimal256Type>()
}

fn nulls(array: &ArrayRef, to: ScalarType) -> ArrayRef {
    new_null_array(&data_type(to), array.len())
}

fn to_bool(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    fn texts(array: &ArrayRef, read: impl Fn(&str) -> Option<bool>) -> BooleanArray {
        array.as_string_view().iter().map(|text| text.and_then(&read)).collect()
    }
    Arc::new(match from {
        ScalarType::Bool => return array.clone(),
        ScalarType::Int => BooleanArray::from_unary(ints(array), |v| v != 0),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => {
            BooleanArray::from_unary(longs(array), |v| v != 0)
        }
        ScalarType::Real => BooleanArray::from_unary(reals(array), |v| v != 0.0),
        ScalarType::Decimal => BooleanArray::from_unary(decimals(array), |v| v != i256::ZERO),
        ScalarType::String => texts(array, number::parse_bool),
        ScalarType::Dynamic => texts(array, dynamic_to_bool),
        ScalarType::Guid => return nulls(array, ScalarType::Bool),
    })
}

fn to_int(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    let converted: Int32Array = match from {
        ScalarType::Bool => from_bools(array, i32::from),
        ScalarType::Int => return array.clone(),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => longs(array).unary(|v| v as i32),
        ScalarType::Real => reals(array).unary_opt(real_to_int),
        ScalarType::Decimal => decimals(array).unary_opt(|v| decimal::to_long(v).map(|long| long as i32)),
        ScalarType::String => from_texts(array, number::parse_int),
        ScalarType::Dynamic => from_texts(array, dynamic_to_int),
        ScalarType::Guid => return nulls(array, ScalarType::Int),
    };
    Arc::new(converted)
}

fn to_long(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    let converted: Int64Array = match from {
        ScalarType::Bool => from_bools(array, i64::from),
        ScalarType::Int => ints(array).unary(i64::from),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => return array.clone(),
        ScalarType::Real => reals(array).unary_opt(real_to_long),
        ScalarType::Decimal => decimals(array).unary_opt(decimal::to_long),
        ScalarType::String => from_texts(array, number::parse_long),
        ScalarType::Dynamic => from_texts(array, dynamic_to_long),
        ScalarType::Guid => return nulls(array, ScalarType::Long),
    };
    Arc::new(converted)
}

fn to_real(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    let converted: Float64Array = match from {
        ScalarType::Bool => from_bools(array, |v| if v { 1.0 } else { 0.0 }),
        ScalarType::Int => ints(array).unary(f64::from),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => longs(array).unary(|v| v as f64),
        ScalarType::Real => return array.clone(),
        ScalarType::Decimal => decimals(array).unary(decimal::to_real),
        ScalarType::String => from_texts(array, number::parse_real),
        ScalarType::Dynamic => from_texts(array, dynamic_to_real),
        ScalarType::Guid => return nulls(array, ScalarType::Real),
    };
    Arc::new(converted)
}

fn to_decimal(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    let converted: Decimal256Array = match from {
        ScalarType::Bool => from_bools(array, decimal::from_bool),
        ScalarType::Int => ints(array).unary(|v| decimal::from_long(i64::from(v))),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => longs(array).unary(decimal::from_long),
        ScalarType::Real => reals(array).unary_opt(decimal::from_real),
        ScalarType::Decimal => return array.clone(),
        ScalarType::String => from_texts(array, decimal::parse),
        ScalarType::Dynamic => from_texts(array, dynamic_to_decimal),
        ScalarType::Guid => return nulls(array, ScalarType::Decimal),
    };
    Arc::new(converted.with_data_type(data_type(ScalarType::Decimal)))
}

fn to_datetime(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    let converted: Int64Array = match from {
        ScalarType::Bool => from_bools(array, i64::from),
        ScalarType::Int => ints(array).unary_opt(|v| ticks::in_range(i64::from(v))),
        ScalarType::Long | ScalarType::TimeSpan => longs(array).unary_opt(ticks::in_range),
        ScalarType::Real => reals(array).unary_opt(|v| real_to_ticks(v).and_then(ticks::in_range)),
        ScalarType::Decimal => decimals(array).unary_opt(|v| decimal::to_long(v).and_then(ticks::in_range)),
        ScalarType::String => from_texts(array, ticks::parse_datetime),
        ScalarType::Dynamic => from_texts(array, dynamic_to_datetime),
        ScalarType::DateTime => return array.clone(),
        ScalarType::Guid => return nulls(array, ScalarType::DateTime),
    };
    Arc::new(converted)
}

fn to_timespan(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    let converted: Int64Array = match from {
        ScalarType::Bool => from_bools(array, i64::from),
        ScalarType::Int => ints(array).unary(i64::from),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => return array.clone(),
        ScalarType::Real => reals(array).unary_opt(real_to_ticks),
        ScalarType::Decimal => decimals(array).unary_opt(decimal::to_long),
        ScalarType::String => from_texts(array, ticks::parse_timespan),
        ScalarType::Dynamic => from_texts(array, dynamic_to_timespan),
        ScalarType::Guid => return nulls(array, ScalarType::TimeSpan),
    };
    Arc::new(converted)
}

fn to_guid(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    let read = |text: &str| match from {
        ScalarType::String => parse_guid(text),
        ScalarType::Dynamic => json::as_string(text).and_then(|text| parse_guid(&text)),
        _ => None,
    };
    match from {
        ScalarType::Guid => array.clone(),
        ScalarType::String | ScalarType::Dynamic => {
            let converted: StringViewArray = array.as_string_view().iter().map(|text| text.and_then(read)).collect();
            Arc::new(converted)
        }
        _ => nulls(array, ScalarType::Guid),
    }
}

/// Writes a column value by value through one buffer; a null becomes `null`.
fn write_column(array: &ArrayRef, null: Option<&str>, write: impl Fn(usize, &mut String)) -> ArrayRef {
    let mut builder = StringViewBuilder::with_capacity(array.len());
    let mut buffer = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_option(null);
        } else {
            buffer.clear();
            write(row, &mut buffer);
            builder.append_value(&buffer);
        }
    }
    Arc::new(builder.finish())
}

/// Writes an integer; a string takes it without fail.
fn write_integer(value: i64, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    ticks::write_padded(value.unsigned_abs(), 1, out);
}

fn to_text(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    let none = Some("");
    match from {
        ScalarType::Bool => {
            let texts = array.as_boolean().iter().map(|value| value.map_or("", bool_text));
            Arc::new(StringViewArray::from_iter_values(texts))
        }
        ScalarType::Int => {
            let values = ints(array);
            write_column(array, none, |row, out| write_integer(i64::from(values.value(row)), out))
        }
        ScalarType::Long => {
            let values = longs(array);
            write_column(array, none, |row, out| write_integer(values.value(row), out))
        }
        ScalarType::Real => {
            let values = reals(array);
            write_column(array, none, |row, out| number::write_real(values.value(row), out))
        }
        ScalarType::Decimal => {
            let values = decimals(array);
            write_column(array, none, |row, out| decimal::write(values.value(row), out))
        }
        ScalarType::DateTime => {
            let values = longs(array);
            write_column(array, none, |row, out| ticks::write_datetime(values.value(row), out))
        }
        ScalarType::TimeSpan => {
            let values = longs(array);
            write_column(array, none, |row, out| ticks::write_timespan(values.value(row), out))
        }
        ScalarType::String | ScalarType::Guid if array.null_count() == 0 => array.clone(),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => {
            let mut builder = StringViewBuilder::with_capacity(array.len());
            for text in array.as_string_view() {
                builder.append_value(match text {
                    None => Cow::Borrowed(""),
                    Some(text) if from == ScalarType::Dynamic => json::as_text(text),
                    Some(text) => Cow::Borrowed(text),
                });
            }
            Arc::new(builder.finish())
        }
    }
}

/// Converts a column to dynamic values that hold its values: a string becomes a JSON string, it is not parsed.
///
/// This is what packing a value does, and taking it where any branch of a call is dynamic.
pub fn to_dynamic(array: &ArrayRef, from: ScalarType) -> ArrayRef {
    match from {
        ScalarType::Bool => {
            let texts = array.as_boolean().iter().map(|value| value.map(|v| if v { "true" } else { "false" }));
            Arc::new(texts.collect::<StringViewArray>())
        }
        ScalarType::Int | ScalarType::Long => {
            let values = to_long(array, from);
            let values = longs(&values);
            write_column(array, None, |row, out| write_integer(values.value(row), out))
        }
        ScalarType::Real => {
            let values = reals(array);
            write_column(array, None, |row, out| json::write_real(values.value(row), out))
        }
        ScalarType::String | ScalarType::Guid => {
            let values = array.as_string_view();
            write_column(array, None, |row, out| json::write_string(values.value(row), out))
        }
        ScalarType::Decimal | ScalarType::DateTime | ScalarType::TimeSpan => {
            write_column(array, None, |row, out| json::write_value(&value_at(array, row, from), out))
        }
        ScalarType::Dynamic => array.clone(),
    }
}

/// Converts a column of strings as `parse_json` does.
pub fn parse_dynamic(array: &ArrayRef) -> ArrayRef {
    let mut builder = StringViewBuilder::with_capacity(array.len());
    for text in array.as_string_view() {
        builder.append_option(text.and_then(json::parse_dynamic));
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.into())
    }

    fn dynamic(text: &str) -> Value {
        Value::Dynamic(text.into())
    }

    #[track_caller]
    fn check(from: Value, expected: Value) {
        assert_eq!(convert(&from, expected.scalar_type()), expected, "{from:?}");
    }

    #[test]
    fn to_integers() {
        check(Value::Long(9_999_999_999), Value::Int(1_410_065_407));
        check(Value::Real(1e10), Value::Int(i32::MAX));
        check(Value::Real(1e30), Value::Long(i64::MAX));
        check(Value::Real(-2.9), Value::Long(-2));
        check(Value::Real(f64::NAN), Value::Null(ScalarType::Long));
        check(Value::TimeSpan(ticks::TICKS_PER_DAY), Value::Int(711_573_504));
        check(Value::Bool(true), Value::Long(1));
        check(string(" 7 "), Value::Long(7));
        check(string("1e3"), Value::Null(ScalarType::Long));
        check(string("2147483648"), Value::Null(ScalarType::Int));
        check(Value::Guid(String::new()), Value::Null(ScalarType::Long));
    }

    #[test]
    fn dynamics_convert_as_what_they_hold() {
        for (json, int, long, real, boolean) in [
            ("2147483648", Some(i32::MIN), Some(2_147_483_648), Some(2_147_483_648.0), Some(true)),
            ("1.9", Some(1), Some(1), Some(1.9), Some(true)),
            ("\"42\"", Some(42), Some(42), Some(42.0), Some(true)),
            ("\"3.25\"", None, None, Some(3.25), None),
            ("\"0x10\"", Some(16), Some(16), None, Some(true)),
            ("true", Some(1), Some(1), Some(1.0), Some(true)),
            ("null", None, None, None, None),
            ("[1]", None, None, None, None),
        ] {
            let from = dynamic(json);
            check(from.clone(), int.map_or(Value::Null(ScalarType::Int), Value::Int));
            check(from.clone(), long.map_or(Value::Null(ScalarType::Long), Value::Long));
            check(from.clone(), real.map_or(Value::Null(ScalarType::Real), Value::Real));
            check(from, boolean.map_or(Value::Null(ScalarType::Bool), Value::Bool));
        }
        check(dynamic("50"), Value::TimeSpan(50));
        check(dynamic("\"2020-01-01\""), Value::DateTime(637_134_336_000_000_000));
    }

    #[test]
    fn to_string_of_every_type() {
        check(Value::Bool(true), string("True"));
        check(Value::Int(-5), string("-5"));
        check(Value::Long(i64::MIN), string("-9223372036854775808"));
        check(Value::Real(1500.0), string("1500.0"));
        check(Value::Decimal(decimal::ONE), string("1"));
        check(Value::DateTime(0), string("0001-01-01T00:00:00.0000000Z"));
        check(Value::TimeSpan(10_000), string("00:00:00.0010000"));
        check(dynamic("true"), string("true"));
        check(dynamic("{\"a\": \"b\"}"), string("{\"a\":\"b\"}"));
        for scalar_type in ScalarType::ALL {
            assert_eq!(convert(&Value::missing(scalar_type), ScalarType::String), string(""));
        }
        for value in [Value::Bool(false), Value::Long(7), Value::Real(0.5), Value::TimeSpan(-1), dynamic("[1]")] {
            check(value.clone(), string(&text_of(&value)));
        }
    }

    #[test]
    fn to_times() {
        check(Value::Long(1), Value::DateTime(1));
        check(Value::Long(-1), Value::Null(ScalarType::DateTime));
        check(Value::Real(1.9), Value::TimeSpan(1));
        check(Value::Real(f64::INFINITY), Value::Null(ScalarType::TimeSpan));
        check(Value::Bool(true), Value::TimeSpan(1));
        check(string("10"), Value::Null(ScalarType::TimeSpan));
        check(string("1d"), Value::TimeSpan(ticks::TICKS_PER_DAY));
    }

    #[test]
    fn to_dynamic_parses_or_packs() {
        check(string("[1]"), dynamic("[1]"));
        check(string("x"), dynamic("\"x\""));
        check(string(""), Value::Null(ScalarType::Dynamic));
        check(Value::Bool(true), dynamic("true"));
        check(Value::TimeSpan(ticks::TICKS_PER_DAY), dynamic("\"1.00:00:00\""));
        let packed = to_dynamic(&repeat(&string("[1]"), 1), ScalarType::String);
        assert_eq!(packed.as_string_view().value(0), "\"[1]\"");
    }

    #[test]
    fn guids() {
        let canonical = Value::Guid("74be27de-1e4e-49d9-b579-fe0b331d3642".into());
        check(string("74BE27DE1E4E49D9B579FE0B331D3642"), canonical.clone());
        check(dynamic("\"74be27de-1e4e-49d9-b579-fe0b331d3642\""), canonical);
        check(
            string("0123456789ab-cdef-0123-456789abcdef"),
            Value::Guid("01234567-89ab-cdef-0123-456789abcdef".into()),
        );
        check(string("74be27de-1e4e-49d9-b579-fe0b331d364"), Value::Null(ScalarType::Guid));
    }

    #[test]
    fn literals() {
        assert_eq!(read_literal(ScalarType::Int, "0xFFFFFFFF"), Ok(Value::Int(-1)));
        assert_eq!(read_literal(ScalarType::Bool, "1"), Ok(Value::Bool(true)));
        assert_eq!(read_literal(ScalarType::Long, " null "), Ok(Value::Null(ScalarType::Long)));
        assert_eq!(read_literal(ScalarType::Real, "-inf"), Ok(Value::Real(f64::NEG_INFINITY)));
        for (scalar_type, text) in [
            (ScalarType::Int, "2147483648"),
            (ScalarType::Int, "1.0"),
            (ScalarType::Int, "-0x10"),
            (ScalarType::Int, "1_0"),
            (ScalarType::Long, "9223372036854775808"),
            (ScalarType::DateTime, "yesterday"),
            (ScalarType::Guid, "x"),
        ] {
            assert!(read_literal(scalar_type, text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_pair_of_types_converts() {
        let values = [
            Value::Bool(true),
            Value::Int(1),
            Value::Long(1),
            Value::Real(1.0),
            Value::Decimal(decimal::from_long(1)),
            string("1"),
            Value::DateTime(1),
            Value::TimeSpan(1),
            Value::Guid("74be27de-1e4e-49d9-b579-fe0b331d3642".into()),
            dynamic("1"),
        ];
        for value in &values {
            for to in ScalarType::ALL {
                let from = value.scalar_type();
                let array = arrow::compute::concat(&[&repeat(value, 2), &repeat(&Value::missing(from), 1)]).unwrap();
                let converted = cast(&array, from, to);
                assert_eq!(converted.data_type(), &data_type(to), "{from} to {to}");
                assert_eq!(converted.len(), 3);
                assert_eq!(value_at(&converted, 2, to), Value::missing(to), "{from} to {to}");
            }
        }
    }
}
