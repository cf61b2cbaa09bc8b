//! Fields of any form become typed columns by the engine's mapping, or a reason why not.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Decimal256Builder, Float64Builder, Int32Builder, Int64Builder, StringViewBuilder,
};
use arrow::datatypes::i256;

use crate::types::arrow::data_type;
use crate::types::{ScalarType, decimal, ticks};

use super::cell::{Cell, compact, resolve};
use super::error::excerpt;
use super::time;
use super::unescape::unescape;

/// How texts of a form are meant, where forms differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reading {
    /// Every value is text, whatever its type was (CSV, az CLI).
    pub(super) all_text: bool,
    /// The text `None` is the null of every type (az CLI writes Python's `str` of each value).
    pub(super) none_is_null: bool,
    /// A text in a dynamic column is the JSON of the value (query API), not a JSON string.
    pub(super) dynamic_is_text: bool,
}

/// A column that is being filled.
pub(super) struct ColumnBuilder {
    scalar_type: ScalarType,
    values: Values,
    scratch: String,
    /// The text of a string with escapes, and what is left of longer ones.
    resolved: Vec<u8>,
}

enum Values {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Decimal(Decimal256Builder),
    Text(StringViewBuilder),
}

impl ColumnBuilder {
    pub(super) fn new(scalar_type: ScalarType) -> ColumnBuilder {
        let values = match scalar_type {
            ScalarType::Bool => Values::Bool(BooleanBuilder::new()),
            ScalarType::Int => Values::Int(Int32Builder::new()),
            ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => Values::Long(Int64Builder::new()),
            ScalarType::Real => Values::Real(Float64Builder::new()),
            ScalarType::Decimal => Values::Decimal(Decimal256Builder::new()),
            ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => {
                Values::Text(StringViewBuilder::new().with_fixed_block_size(SMALL))
            }
        };
        ColumnBuilder { scalar_type, values, scratch: String::new(), resolved: Vec::new() }
    }

    /// Appends what a missing value is: `""` for a string, else null.
    pub(super) fn push_missing(&mut self) {
        append_missing(self.scalar_type, &mut self.values);
    }

    /// Appends a datetime; what is missing in a column of another type.
    pub(super) fn push_moment(&mut self, moment: i64) {
        match (&mut self.values, self.scalar_type) {
            (Values::Long(values), ScalarType::DateTime) => values.append_value(moment),
            _ => self.push_missing(),
        }
    }

    /// Appends a field's value, or nothing and the reason why it is no value of the column's type.
    ///
    /// The value stays where it is: to copy it as a whole waits until its parts, which were written just now, have arrived.
    pub(super) fn push(&mut self, cell: &Cell<'_>, reading: Reading) -> Result<(), String> {
        let ColumnBuilder { scalar_type, values, scratch, resolved } = self;
        let text = match *cell {
            Cell::Text(text) => text,
            Cell::Escaped(quoted) => {
                let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
                let resolved = match unescape(inside, resolved) {
                    Some(length) => &resolved[..length],
                    None => {
                        *resolved = resolve(quoted)?.into_bytes();
                        resolved
                    }
                };
                std::str::from_utf8(resolved).map_err(|error| error.to_string())?
            }
            other => return append(*scalar_type, values, scratch, other, reading),
        };
        match values {
            // What most values are.
            Values::Text(values) if *scalar_type == ScalarType::String && !reading.none_is_null => {
                values.append_value(text);
                Ok(())
            }
            values => append(*scalar_type, values, scratch, Cell::Text(text), reading),
        }
    }

    /// Ends the column and begins it anew.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Bool(values) => Arc::new(values.finish()),
            Values::Int(values) => Arc::new(values.finish()),
            Values::Long(values) => Arc::new(values.finish()),
            Values::Real(values) => Arc::new(values.finish()),
            Values::Decimal(values) => Arc::new(values.finish().with_data_type(data_type(self.scalar_type))),
            Values::Text(values) => {
                let array = values.finish();
                // The next batch will need about as much: memory that is not touched again is given back and fetched anew.
                let used: usize = array.data_buffers().iter().map(|buffer| buffer.len()).sum();
                let block = u32::try_from(used + used / 4).unwrap_or(LARGE).clamp(SMALL, LARGE);
                *values = StringViewBuilder::new().with_fixed_block_size(block);
                Arc::new(array)
            }
        }
    }
}

/// Appends what a missing value is.
fn append_missing(scalar_type: ScalarType, values: &mut Values) {
    match values {
        Values::Bool(values) => values.append_null(),
        Values::Int(values) => values.append_null(),
        Values::Long(values) => values.append_null(),
        Values::Real(values) => values.append_null(),
        Values::Decimal(values) => values.append_null(),
        Values::Text(values) if scalar_type == ScalarType::String => values.append_value(""),
        Values::Text(values) => values.append_null(),
    }
}

/// Appends a value whose escapes are resolved.
fn append(
    scalar_type: ScalarType,
    values: &mut Values,
    scratch: &mut String,
    cell: Cell<'_>,
    reading: Reading,
) -> Result<(), String> {
    let cell = match cell {
        Cell::Text("None") if reading.none_is_null => Cell::Null,
        Cell::Text(text) if is_null_text(scalar_type, text, reading) => Cell::Null,
        other => other,
    };
    if cell == Cell::Null {
        append_missing(scalar_type, values);
        return Ok(());
    }
    let pushed = match (values, scalar_type) {
        (Values::Text(values), ScalarType::String) => return push_string(values, scratch, cell),
        (Values::Text(values), ScalarType::Dynamic) => return push_dynamic(values, scratch, cell, reading),
        (Values::Text(values), _) => guid(cell).map(|guid| values.append_value(guid)),
        (Values::Bool(values), _) => bool(cell).map(|value| values.append_value(value)),
        (Values::Int(values), _) => {
            long(cell).and_then(|value| i32::try_from(value).ok()).map(|value| values.append_value(value))
        }
        (Values::Long(values), ScalarType::DateTime) => datetime(cell).map(|value| values.append_value(value)),
        (Values::Long(values), ScalarType::TimeSpan) => timespan(cell).map(|value| values.append_value(value)),
        (Values::Long(values), _) => long(cell).map(|value| values.append_value(value)),
        (Values::Real(values), _) => real(cell).map(|value| values.append_value(value)),
        (Values::Decimal(values), _) => decimal(cell).map(|value| values.append_value(value)),
    };
    pushed.ok_or_else(|| format!("{} is no {scalar_type}", shown(cell)))
}

/// Exports write the null of any type but string as an empty text, and some as their language's word for it.
fn is_null_text(scalar_type: ScalarType, text: &str, reading: Reading) -> bool {
    match scalar_type {
        ScalarType::String => false,
        // Where a string of JSON is a value, the empty one is too.
        ScalarType::Dynamic => text.is_empty() && (reading.dynamic_is_text || reading.all_text),
        _ => matches!(text.trim(), "" | "None" | "null" | "NULL" | "NaT" | "<NA>"),
    }
}

/// The least and the most bytes of text that are allotted at once. What is larger comes fresh from the system each time, and
/// is filled with zeros there.
const SMALL: u32 = 16 << 10;
const LARGE: u32 = 128 << 10;

fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => "null".to_string(),
        Cell::Bool(value) => format!("`{value}`"),
        Cell::Number(text) | Cell::Json(text) => format!("`{}`", excerpt(text)),
        Cell::Text(text) | Cell::Escaped(text) => format!("\"{}\"", excerpt(text)),
    }
}

/// A string column keeps what is no text as text: JSON without white space, so that `parse_json` reads it back.
fn push_string(values: &mut StringViewBuilder, scratch: &mut String, cell: Cell<'_>) -> Result<(), String> {
    match cell {
        Cell::Text(text) | Cell::Escaped(text) | Cell::Number(text) => values.append_value(text),
        Cell::Bool(value) => values.append_value(if value { "true" } else { "false" }),
        Cell::Json(json) => {
            scratch.clear();
            compact(json, scratch)?;
            values.append_value(&*scratch);
        }
        Cell::Null => values.append_value(""),
    }
    Ok(())
}

fn push_dynamic(
    values: &mut StringViewBuilder,
    scratch: &mut String,
    cell: Cell<'_>,
    reading: Reading,
) -> Result<(), String> {
    scratch.clear();
    match cell {
        Cell::Null => {}
        Cell::Bool(value) => scratch.push_str(if value { "true" } else { "false" }),
        Cell::Number(text) => scratch.push_str(text),
        Cell::Json(json) => compact(json, scratch)?,
        Cell::Escaped(quoted) => scratch.push_str(quoted),
        Cell::Text(text) if (reading.dynamic_is_text || reading.all_text) && is_json(text) => compact(text, scratch)?,
        Cell::Text(text) => scratch.push_str(&serde_json::Value::from(text).to_string()),
    }
    match scratch.as_str() {
        "" | "null" => values.append_null(),
        json => values.append_value(json),
    }
    Ok(())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn bool(cell: Cell<'_>) -> Option<bool> {
    match cell {
        Cell::Bool(value) => Some(value),
        Cell::Number(text) | Cell::Text(text) => match text.trim() {
            "0" | "0.0" => Some(false),
            "1" | "1.0" => Some(true),
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn long(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Number(text) | Cell::Text(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole(text.parse().ok()?))
        }
        Cell::Bool(value) => Some(value.into()),
        _ => None,
    }
}

/// Tools without an integer type with nulls write 12 as `12.0`.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn real(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Number(text) | Cell::Text(text) => match text.trim() {
            "NaN" | "nan" => Some(f64::NAN),
            "Infinity" | "inf" => Some(f64::INFINITY),
            "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
            text => text.parse().ok().filter(|number: &f64| number.is_finite()),
        },
        _ => None,
    }
}

/// A number whose digits a decimal does not keep is none.
fn decimal(cell: Cell<'_>) -> Option<i256> {
    match cell {
        Cell::Number(text) | Cell::Text(text) => decimal::parse_exact(text),
        _ => None,
    }
}

fn datetime(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Text(text) => time::read(text),
        Cell::Number(number) => time::from_number(number),
        _ => None,
    }
}

fn timespan(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Text(text) => ticks::parse_timespan(text.trim()),
        _ => None,
    }
}

/// Returns canonical text: lower case, with hyphens, without braces.
pub(super) fn guid(cell: Cell<'_>) -> Option<String> {
    let Cell::Text(text) = cell else { return None };
    uuid::Uuid::try_parse(text.trim()).ok().map(|guid| guid.hyphenated().to_string())
}

#[cfg(test)]
mod tests {
    use crate::types::Value;
    use crate::types::arrow::value_at;

    use super::*;

    const QUERY_API: Reading = Reading { all_text: false, none_is_null: false, dynamic_is_text: true };

    fn read(scalar_type: ScalarType, cell: Cell<'_>) -> Result<Value, String> {
        let mut column = ColumnBuilder::new(scalar_type);
        column.push(&cell, QUERY_API)?;
        Ok(value_at(&column.finish(), 0, scalar_type))
    }

    #[test]
    fn a_bool_is_written_in_many_ways() {
        for cell in [Cell::Bool(true), Cell::Number("1"), Cell::Text("True"), Cell::Text("1"), Cell::Text("TRUE")] {
            assert_eq!(read(ScalarType::Bool, cell), Ok(Value::Bool(true)));
        }
        assert_eq!(read(ScalarType::Bool, Cell::Text("")), Ok(Value::Null(ScalarType::Bool)));
        assert_eq!(read(ScalarType::Bool, Cell::Text("maybe")), Err("\"maybe\" is no bool".to_string()));
    }

    #[test]
    fn a_string_is_never_null_and_keeps_json_as_text() {
        assert_eq!(read(ScalarType::String, Cell::Null), Ok(Value::String(String::new())));
        assert_eq!(read(ScalarType::String, Cell::Text("None")), Ok(Value::String("None".into())));
        assert_eq!(
            read(ScalarType::String, Cell::Json("[ 1, {\"a\" : 2.0} ]")),
            Ok(Value::String("[1,{\"a\":2.0}]".into()))
        );
        assert_eq!(read(ScalarType::String, Cell::Number("1.50")), Ok(Value::String("1.50".into())));
    }

    #[test]
    fn none_is_null_only_where_the_form_says_so() {
        let mut column = ColumnBuilder::new(ScalarType::String);
        column.push(&Cell::Text("None"), Reading { none_is_null: true, ..Reading::default() }).unwrap();
        assert_eq!(value_at(&column.finish(), 0, ScalarType::String), Value::String(String::new()));
    }

    #[test]
    fn numbers_keep_their_type_and_refuse_what_does_not_fit() {
        assert_eq!(read(ScalarType::Long, Cell::Text("12.0")), Ok(Value::Long(12)));
        assert_eq!(read(ScalarType::Int, Cell::Number("5000000000")), Err("`5000000000` is no int".to_string()));
        assert_eq!(read(ScalarType::Real, Cell::Text("Infinity")), Ok(Value::Real(f64::INFINITY)));
        assert_eq!(read(ScalarType::Decimal, Cell::Text("-1.5")), Ok(Value::Decimal(decimal::parse("-1.5").unwrap())));
        assert!(read(ScalarType::Decimal, Cell::Number("1e-40")).is_err());
        assert!(read(ScalarType::Decimal, Cell::Number("1e40")).is_err());
        assert!(read(ScalarType::Decimal, Cell::Number("1e2147483647")).is_err());
    }

    #[test]
    fn a_dynamic_is_compact_json_and_its_text_form_is_parsed() {
        let dynamic = |cell| read(ScalarType::Dynamic, cell);
        assert_eq!(dynamic(Cell::Text("[\"a\", 1]")), Ok(Value::Dynamic("[\"a\",1]".into())));
        assert_eq!(dynamic(Cell::Text("plain")), Ok(Value::Dynamic("\"plain\"".into())));
        assert_eq!(dynamic(Cell::Text("null")), Ok(Value::Null(ScalarType::Dynamic)));
        assert_eq!(dynamic(Cell::Json("{ }")), Ok(Value::Dynamic("{}".into())));
    }

    #[test]
    fn a_guid_is_canonical() {
        let guid = read(ScalarType::Guid, Cell::Text("{74BE27DE-1E4E-49D9-B579-FE0B331D3642}"));
        assert_eq!(guid, Ok(Value::Guid("74be27de-1e4e-49d9-b579-fe0b331d3642".into())));
    }
}
