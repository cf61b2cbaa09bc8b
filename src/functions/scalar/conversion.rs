//! From one type to another, and what a value is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};

use super::rows::{self, Column, DYNAMIC, STRING, any_text, function, integer, overload};
use crate::functions::lift::{Long, Reader};
use crate::functions::{Arg, Call, Function, FunctionError, Kind, Naming, Overload, Parameter, Returns, one};
#[cfg(test)]
use crate::types::Value;
#[cfg(test)]
use crate::types::arrow::repeat;
use crate::types::{ScalarType, convert, json};

const VALUE: Parameter = one("value", Kind::Any);

/// An overload that converts its one argument of any type.
const fn to(returns: ScalarType, parameters: &'static [Parameter], kernel: fn(&Call) -> Column) -> Overload {
    Overload { parameters, returns: Returns::Type(returns), kernel: crate::functions::Kernel::Columns(kernel) }
}

macro_rules! conversion {
    ($name:literal $(| $alias:literal)*, $type:ident, $summary:literal, $page:literal, [$($example:expr),+ $(,)?]) => {
        function!($name $(| $alias)*, $summary, $page, Naming::FirstArgument,
            [to(ScalarType::$type, &[VALUE], |call| cast(call, ScalarType::$type))], [$($example),+])
    };
}

/// Conversions.
pub(super) const FUNCTIONS: &[Function] = &[
    conversion!(
        "tostring",
        String,
        "Gives the text of a value; a null gives nothing.",
        "tostring-function",
        [
            ("tostring(123)", "'123'"),
            ("tostring(1.0)", "'1.0'"),
            ("tostring(true)", "'True'"),
            ("tostring(datetime(2024-01-01))", "'2024-01-01T00:00:00.0000000Z'"),
            ("tostring(1d)", "'1.00:00:00'"),
            ("tostring(long(null))", "''")
        ]
    ),
    conversion!(
        "toint",
        Int,
        "Reads a value as int; null where it is none.",
        "toint-function",
        [("toint('123')", "int(123)"), ("toint(2.9)", "int(2)"), ("isnull(toint('abc'))", "true")]
    ),
    conversion!(
        "tolong",
        Long,
        "Reads a value as long; null where it is none.",
        "tolong-function",
        [("tolong('0x10')", "16"), ("tolong(1d)", "864000000000"), ("isnull(tolong('1.5'))", "true")]
    ),
    conversion!(
        "toreal" | "todouble",
        Real,
        "Reads a value as real; null where it is none.",
        "toreal-function",
        [("toreal('1e3')", "1000.0"), ("toreal('.5')", "0.5"), ("isnull(toreal('1,5'))", "true")]
    ),
    conversion!(
        "tobool" | "toboolean",
        Bool,
        "Reads a value as bool; null where it is none.",
        "tobool-function",
        [
            ("tobool('TRUE')", "true"),
            ("tobool(123)", "true"),
            ("tobool('0')", "false"),
            ("isnull(tobool('yes'))", "true")
        ]
    ),
    conversion!(
        "todatetime",
        DateTime,
        "Reads a value as datetime; null where it is none.",
        "todatetime-function",
        [
            ("todatetime('2024-05-01 12:30')", "datetime(2024-05-01T12:30:00Z)"),
            ("todatetime('2024-02-29')", "datetime(2024-02-29)"),
            ("isnull(todatetime('soon'))", "true")
        ]
    ),
    conversion!(
        "totimespan" | "totime",
        TimeSpan,
        "Reads a value as timespan; null where it is none.",
        "totimespan-function",
        [("totimespan('0.00:01:00')", "1m"), ("totimespan('01:00:00')", "1h"), ("isnull(totimespan('10'))", "true")]
    ),
    conversion!(
        "todecimal",
        Decimal,
        "Reads a value as decimal; null where it is none.",
        "todecimal-function",
        [
            ("todecimal('0.1') + todecimal('0.2') == todecimal('0.3')", "true"),
            ("todecimal(7) / todecimal(2)", "decimal(3.5)"),
            ("isnull(todecimal('abc'))", "true")
        ]
    ),
    function!(
        "toguid" | "touuid",
        "Reads a value as guid; null where it is none.",
        "toguid-function",
        Naming::FirstArgument,
        [to(ScalarType::Guid, &[VALUE], |call| cast(call, ScalarType::Guid))],
        [
            ("toguid('74BE27DE1E4E49D9B579FE0B331D3642')", "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)"),
            ("toguid('{74be27de-1e4e-49d9-b579-fe0b331d3642}')", "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)"),
            ("isnull(toguid('x'))", "true")
        ]
    ),
    function!(
        "parse_json" | "parsejson" | "todynamic" | "toobject",
        "Reads text as JSON; text that is none stays a string.",
        "parse-json-function",
        Naming::FirstArgument,
        [
            overload!((one("json", Kind::Dynamic)) -> DYNAMIC, |call| rows_of(call, call.arguments[0].array.clone())),
            overload!((any_text("json")) -> DYNAMIC, |call| {
                rows_of(call, convert::parse_dynamic(&call.arguments[0].array))
            })
        ],
        [
            ("tostring(parse_json('[1, 2]'))", "'[1,2]'"),
            ("tostring(parse_json('no json'))", "'no json'"),
            ("isnull(parse_json(''))", "true")
        ]
    ),
    function!(
        "gettype",
        "Gives the name of a value's type; of a dynamic, that of what it holds.",
        "gettype-function",
        Naming::PrefixAndFirstArgument("type"),
        [overload!((VALUE) -> STRING, gettype)],
        [
            ("gettype('a')", "'string'"),
            ("gettype(parse_json('{}'))", "'dictionary'"),
            ("gettype(long(null))", "'long'"),
            ("gettype(parse_json(''))", "'null'")
        ]
    ),
    function!(
        "tohex",
        "Writes an integer in hexadecimal digits, with zeros in front to a length.",
        "tohex-function",
        Naming::FirstArgument,
        [
            overload!((one("value", Kind::Is(ScalarType::Int)), integer("minLength").optional()) -> STRING, tohex),
            overload!((integer("value"), integer("minLength").optional()) -> STRING, tohex)
        ],
        [
            ("tohex(256)", "'100'"),
            ("tohex(-256)", "'ffffffffffffff00'"),
            ("tohex(toint(-256))", "'ffffff00'"),
            ("tohex(256, 8)", "'00000100'"),
            ("tohex(long(null))", "''")
        ]
    ),
];

/// Converts the first argument.
fn cast(call: &Call, scalar_type: ScalarType) -> Column {
    let argument = &call.arguments[0];
    rows_of(call, convert::cast(&argument.array, argument.scalar_type, scalar_type))
}

/// Makes a computed first argument as long as the result.
pub(super) fn rows_of(call: &Call, array: ArrayRef) -> Column {
    if !call.arguments[0].constant || call.rows == 1 {
        return Ok(array);
    }
    let indices = arrow::array::UInt32Array::from(vec![0; call.rows]);
    arrow::compute::take(&array, &indices, None).map_err(|error| FunctionError {
        code: "AQ900",
        message: format!("a constant can't be repeated: {error}"),
        argument: None,
    })
}

/// Returns the arguments as columns of the types given, the last of which holds for all that follow.
pub(super) fn converted(call: &Call, types: &[ScalarType]) -> Vec<Arg> {
    let type_of = |index: usize| types.get(index).or(types.last()).copied();
    call.arguments
        .iter()
        .enumerate()
        .map(|(index, argument)| match type_of(index) {
            Some(to) => Arg {
                array: convert::cast(&argument.array, argument.scalar_type, to),
                constant: argument.constant,
                scalar_type: to,
            },
            None => argument.clone(),
        })
        .collect()
}

fn gettype(call: &Call) -> Column {
    let argument = &call.arguments[0];
    if argument.scalar_type != ScalarType::Dynamic {
        let names = std::iter::repeat_n(argument.scalar_type.name(), call.rows);
        return Ok(Arc::new(StringViewArray::from_iter_values(names)));
    }
    let values = argument.array.as_string_view();
    // A datetime within a dynamic stays one (measured), a text keeps being one; here both are the same JSON.
    if values.iter().flatten().any(|value| json::kind(value) == json::Kind::String && json::is_moment(value)) {
        let message = "`gettype()` of a moment in time within a dynamic value is not supported yet";
        return Err(FunctionError::argument(0, "AQ001", message));
    }
    rows::part(call, |row| {
        let row = if argument.constant { 0 } else { row };
        if values.is_null(row) { "null" } else { json::kind(values.value(row)).name() }
    })
}

fn tohex(call: &Call) -> Column {
    use std::fmt::Write as _;

    let int = call.arguments[0].scalar_type == ScalarType::Int;
    let arguments = converted(call, &[ScalarType::Long]);
    let call = &Call { arguments: &arguments, ..*call };
    let value = Reader::<Long>::new(call, 0);
    let length = rows::optional::<Long>(call, 1);
    rows::text(call, |row, out| {
        let Some(value) = value.get(row) else { return };
        let width = length.as_ref().and_then(|length| length.get(row)).unwrap_or(0).clamp(0, 16) as usize;
        // Of an int -1 has 8 digits, of a long 16.
        let bits = if int { u64::from(value as i32 as u32) } else { value as u64 };
        // Writing to a string can't fail.
        let _ = write!(out, "{bits:0width$x}");
    })
}

/// Evaluates the first overload that takes exactly these types, for the tests of the families.
#[cfg(test)]
pub(super) fn evaluate(functions: &[Function], name: &str, values: &[Value]) -> Value {
    let function = functions.iter().find(|f| f.name == name || f.aliases.contains(&name)).unwrap();
    let fits = |overload: &&Overload| {
        let most: usize = overload.parameters.iter().map(|p| usize::from(p.max)).sum();
        let kinds = overload.parameters.iter().flat_map(|p| std::iter::repeat_n(p.kind, p.max.into()));
        values.len() <= most
            && kinds.zip(values).all(|(kind, value)| match kind {
                Kind::Is(wanted) => wanted == value.scalar_type(),
                Kind::Integer => value.scalar_type().is_integer(),
                Kind::Number => value.scalar_type().is_numeric(),
                _ => true,
            })
    };
    let overload = function.overloads.iter().find(fits).unwrap();
    let arguments: Vec<Arg> = values
        .iter()
        .map(|value| Arg { array: repeat(value, 1), constant: true, scalar_type: value.scalar_type() })
        .collect();
    let types: Vec<ScalarType> = values.iter().map(Value::scalar_type).collect();
    let returns = match overload.returns {
        Returns::Type(scalar_type) => scalar_type,
        Returns::Argument(index) => types[index],
        Returns::With(f) => f(&types).unwrap(),
        Returns::Widest => types.iter().copied().max().unwrap().max(ScalarType::Long),
        _ => types.iter().copied().max().unwrap(),
    };
    let run = |rows: usize, arguments: &[Arg]| {
        let call = Call { arguments, rows, now: 0 };
        let array = match overload.kernel {
            crate::functions::Kernel::Columns(kernel) => kernel(&call).unwrap(),
            crate::functions::Kernel::Prepared(prepare) => {
                let constants: Vec<Option<Value>> = values.iter().cloned().map(Some).collect();
                prepare(&constants).unwrap()(&call).unwrap()
            }
            crate::functions::Kernel::Located(_) | crate::functions::Kernel::Unbuilt => panic!("{name} is not built"),
        };
        assert_eq!(array.len(), rows, "{name}");
        crate::types::arrow::value_at(&array, rows - 1, returns)
    };
    let value = run(1, &arguments);
    // Constants over several rows, and columns, give the same.
    let columns: Vec<Arg> = values
        .iter()
        .map(|value| Arg { array: repeat(value, 3), constant: false, scalar_type: value.scalar_type() })
        .collect();
    for other in [run(3, &arguments), run(3, &columns)] {
        assert!(other == value || format!("{other:?}") == format!("{value:?}"), "{name}: {other:?}, {value:?}");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_names() {
        let name = |value| evaluate(FUNCTIONS, "gettype", &[value]);
        assert_eq!(name(Value::Dynamic("1.5".into())), Value::String("double".into()));
        assert_eq!(name(Value::Null(ScalarType::Dynamic)), Value::String("null".into()));
        assert_eq!(name(Value::Null(ScalarType::Real)), Value::String("real".into()));
        let moment = Value::Dynamic("\"2024-05-01T00:00:00Z\"".into());
        assert_eq!(rows::fails(FUNCTIONS, "gettype", &[moment]), "AQ001");
    }

    #[test]
    fn hexadecimal() {
        let hex = |values: &[Value]| evaluate(FUNCTIONS, "tohex", values);
        assert_eq!(hex(&[Value::Long(-256)]), Value::String("ffffffffffffff00".into()));
        assert_eq!(hex(&[Value::Int(-256)]), Value::String("ffffff00".into()));
        assert_eq!(hex(&[Value::Long(256), Value::Long(8)]), Value::String("00000100".into()));
    }

    #[test]
    fn conversions_are_of_rows() {
        let to = |name, value| evaluate(FUNCTIONS, name, &[value]);
        assert_eq!(to("toint", Value::Real(1e10)), Value::Int(i32::MAX));
        assert_eq!(to("tobool", Value::String(" true ".into())), Value::Null(ScalarType::Bool));
        assert_eq!(to("todynamic", Value::String("{}".into())), Value::Dynamic("{}".into()));
    }
}
