//! Values as elements of a JSON array.

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::{Decimal256Type, Float64Type, Int32Type, Int64Type, i256};

use crate::types::{ScalarType, decimal, json, ticks};

/// Writes a `long`.
pub(super) fn long(out: &mut String, value: i64) {
    // As `write!` does, without its machinery: lists of millions of numbers are common.
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push('-');
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Writes a `bool`.
pub(super) fn boolean(out: &mut String, value: bool) {
    out.push_str(if value { "true" } else { "false" });
}

/// Writes a `real`, see [`json::write_real`].
pub(super) fn real(out: &mut String, value: f64) {
    json::write_real(value, out);
}

/// Writes a `decimal`: a string (measured).
pub(super) fn decimal(out: &mut String, value: i256) {
    quoted(out, |out| decimal::write(value, out));
}

/// Writes a `datetime`.
pub(super) fn datetime(out: &mut String, value: i64) {
    quoted(out, |out| ticks::write_datetime(value, out));
}

/// Writes a `timespan`.
pub(super) fn timespan(out: &mut String, value: i64) {
    quoted(out, |out| ticks::write_timespan(value, out));
}

/// Writes a `string` or `guid`.
pub(super) fn text(out: &mut String, value: &str) {
    json::write_string(value, out);
}

fn quoted(out: &mut String, value: impl FnOnce(&mut String)) {
    out.push('"');
    value(out);
    out.push('"');
}

/// Writes a plain value that is held as a word, see [`super::distinct::Bits`].
pub(super) fn word(out: &mut String, scalar_type: ScalarType, word: u64) {
    match scalar_type {
        ScalarType::Bool => boolean(out, word != 0),
        ScalarType::Real => real(out, f64::from_bits(word)),
        ScalarType::DateTime => datetime(out, word as i64),
        ScalarType::TimeSpan => timespan(out, word as i64),
        _ => long(out, word as i64),
    }
}

/// One column of values that are written row by row; the type is looked at once.
pub(super) enum Column<'a> {
    Long(&'a [i64]),
    Int(&'a [i32]),
    Real(&'a [f64]),
    Decimal(&'a [i256]),
    DateTime(&'a [i64]),
    TimeSpan(&'a [i64]),
    Bool(&'a arrow::array::BooleanArray),
    Text(&'a StringViewArray),
    Dynamic(&'a StringViewArray),
}

impl<'a> Column<'a> {
    /// Looks at an array of the type.
    pub(super) fn new(scalar_type: ScalarType, array: &'a ArrayRef) -> Self {
        match scalar_type {
            ScalarType::Long => Column::Long(array.as_primitive::<Int64Type>().values()),
            ScalarType::DateTime => Column::DateTime(array.as_primitive::<Int64Type>().values()),
            ScalarType::TimeSpan => Column::TimeSpan(array.as_primitive::<Int64Type>().values()),
            ScalarType::Int => Column::Int(array.as_primitive::<Int32Type>().values()),
            ScalarType::Real => Column::Real(array.as_primitive::<Float64Type>().values()),
            ScalarType::Decimal => Column::Decimal(array.as_primitive::<Decimal256Type>().values()),
            ScalarType::Bool => Column::Bool(array.as_boolean()),
            ScalarType::String | ScalarType::Guid => Column::Text(array.as_string_view()),
            ScalarType::Dynamic => Column::Dynamic(array.as_string_view()),
        }
    }

    /// Writes a value that is not null, as one element or, for a dynamic array, as its elements: nothing if empty.
    #[inline]
    pub(super) fn write(&self, out: &mut String, row: usize) {
        match self {
            Column::Long(values) => long(out, values[row]),
            Column::Int(values) => long(out, i64::from(values[row])),
            Column::Real(values) => real(out, values[row]),
            Column::Decimal(values) => decimal(out, values[row]),
            Column::DateTime(values) => datetime(out, values[row]),
            Column::TimeSpan(values) => timespan(out, values[row]),
            Column::Bool(values) => boolean(out, values.value(row)),
            Column::Text(values) => text(out, values.value(row)),
            Column::Dynamic(values) => out.push_str(elements(values.value(row)).unwrap_or_else(|| values.value(row))),
        }
    }
}

/// Returns what stands between the brackets of an array, without blanks around it.
pub(super) fn elements(json: &str) -> Option<&str> {
    let inner = json.trim_ascii().strip_prefix('[')?.strip_suffix(']')?;
    Some(inner.trim_ascii())
}

/// Tells whether a row of an array is null.
#[inline]
pub(super) fn is_null(array: &dyn Array, row: usize) -> bool {
    array.nulls().is_some_and(|nulls| nulls.is_null(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs_as_they_print() {
        for value in [0, 7, -1, 10, 1234567890123456789, i64::MAX, i64::MIN] {
            let mut text = String::new();
            long(&mut text, value);
            assert_eq!(text, value.to_string());
        }
    }
}
