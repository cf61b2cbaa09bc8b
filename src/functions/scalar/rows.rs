//! Columns built row by row into one reused buffer: what families of functions over text share.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Array, Int64Builder, StringViewBuilder, StructArray,
};
use arrow::datatypes::{Field, Float64Type};

use crate::functions::lift::{Long, Opt, Reader, Text};
use crate::functions::{Call, FunctionError, Kind, Parameter, Returns, one};
use crate::types::{ScalarType, Value, convert, json};

/// Declares a function: `function!("name" | "older name", "summary", "page", naming, [overloads], [examples])`.
macro_rules! function {
    ($name:literal $(| $alias:literal)*, $summary:literal, $page:literal, $naming:expr,
     [$($overload:expr),+ $(,)?], [$($example:expr),* $(,)?]) => {
        $crate::functions::Function {
            name: $name,
            aliases: &[$($alias),*],
            summary: $summary,
            naming: $naming,
            overloads: &[$($overload),+],
            examples: &[$($example),*],
            page: $page,
        }
    };
}
pub(super) use function;

/// Declares a signature and what computes it: `overload!((parameter, ...) -> returns, kernel)`; the kernel is a
/// function of the call, or `prepared` one of the constants.
macro_rules! overload {
    (($($parameter:expr),* $(,)?) -> $returns:expr, prepared $kernel:expr) => {
        $crate::functions::Overload {
            parameters: &[$($parameter),*],
            returns: $returns,
            kernel: $crate::functions::Kernel::Prepared($kernel),
        }
    };
    (($($parameter:expr),* $(,)?) -> $returns:expr, $kernel:expr) => {
        $crate::functions::Overload {
            parameters: &[$($parameter),*],
            returns: $returns,
            kernel: $crate::functions::Kernel::Columns($kernel),
        }
    };
}
pub(super) use overload;

pub(super) const STRING: Returns = Returns::Type(ScalarType::String);
pub(super) const LONG: Returns = Returns::Type(ScalarType::Long);
pub(super) const BOOL: Returns = Returns::Type(ScalarType::Bool);
pub(super) const DYNAMIC: Returns = Returns::Type(ScalarType::Dynamic);
pub(super) const REAL: Returns = Returns::Type(ScalarType::Real);

/// Takes a string, and no dynamic.
pub(super) const fn string(name: &'static str) -> Parameter {
    one(name, Kind::Is(ScalarType::String))
}

/// Takes any scalar, as its text.
pub(super) const fn as_text(name: &'static str) -> Parameter {
    one(name, Kind::AsText)
}

/// Takes a string or a dynamic, as its text.
pub(super) const fn any_text(name: &'static str) -> Parameter {
    one(name, Kind::Text)
}

/// Takes a whole number.
pub(super) const fn integer(name: &'static str) -> Parameter {
    one(name, Kind::Integer)
}

/// Takes an array or a bag.
pub(super) const fn dynamic(name: &'static str) -> Parameter {
    one(name, Kind::Dynamic)
}

/// A computed column, or why there is none.
pub(super) type Column = Result<ArrayRef, FunctionError>;

/// Computes a string column; what `write` leaves in the buffer is the row's text.
pub(super) fn text(call: &Call, mut write: impl FnMut(usize, &mut String)) -> Column {
    let mut builder = StringViewBuilder::with_capacity(call.rows);
    let mut buffer = String::new();
    for row in 0..call.rows {
        buffer.clear();
        write(row, &mut buffer);
        builder.append_value(&buffer);
    }
    Ok(Arc::new(builder.finish()))
}

/// Computes a dynamic (or guid) column; `write` leaves the row's JSON text in the buffer, or returns None for null.
pub(super) fn json(call: &Call, mut write: impl FnMut(usize, &mut String) -> Option<()>) -> Column {
    let mut builder = StringViewBuilder::with_capacity(call.rows);
    let mut buffer = String::new();
    for row in 0..call.rows {
        buffer.clear();
        match write(row, &mut buffer) {
            Some(()) => builder.append_value(&buffer),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// Computes a string column whose texts are parts of the arguments.
pub(super) fn part<'a>(call: &Call, mut part: impl FnMut(usize) -> &'a str) -> Column {
    let mut builder = StringViewBuilder::with_capacity(call.rows);
    (0..call.rows).for_each(|row| builder.append_value(part(row)));
    Ok(Arc::new(builder.finish()))
}

/// Computes a column of bool.
pub(super) fn bools(call: &Call, mut value: impl FnMut(usize) -> Option<bool>) -> Column {
    let mut builder = BooleanBuilder::with_capacity(call.rows);
    (0..call.rows).for_each(|row| builder.append_option(value(row)));
    Ok(Arc::new(builder.finish()))
}

/// Computes a column of long.
pub(super) fn longs(call: &Call, mut value: impl FnMut(usize) -> Option<i64>) -> Column {
    let mut builder = Int64Builder::with_capacity(call.rows);
    (0..call.rows).for_each(|row| builder.append_option(value(row)));
    Ok(Arc::new(builder.finish()))
}

/// Puts the columns of a call that gives several together.
pub(super) fn several(columns: Vec<ArrayRef>) -> Column {
    let field = |(n, column): (usize, &ArrayRef)| Field::new(n.to_string(), column.data_type().clone(), true);
    let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
    let rows = columns.first().map_or(0, |column| column.len());
    match StructArray::try_new_with_length(fields.into(), columns, None, rows) {
        Ok(columns) => Ok(Arc::new(columns)),
        Err(error) => Err(FunctionError { code: "AQ001", message: error.to_string(), argument: None }),
    }
}

/// Reads the arguments from `first` on as texts.
pub(super) fn readers<'a>(call: &'a Call, first: usize) -> Vec<Reader<'a, Text>> {
    (first..call.arguments.len()).map(|index| Reader::new(call, index)).collect()
}

/// Reads the argument with this index, if it was given.
pub(super) fn optional<'a, T: crate::functions::lift::Read>(call: &'a Call, index: usize) -> Option<Reader<'a, T>> {
    (index < call.arguments.len()).then(|| Reader::new(call, index))
}

/// Which characters `indexof` and `indexof_regex` look through, and for which occurrence: their last three arguments.
pub(super) struct Search<'a> {
    start: Option<Reader<'a, Opt<Long>>>,
    length: Option<Reader<'a, Opt<Long>>>,
    occurrence: Option<Reader<'a, Opt<Long>>>,
}

impl<'a> Search<'a> {
    /// Refuses an occurrence of 0, which no page tells: below it is null, above it the count.
    pub fn new(call: &'a Call) -> Result<Self, FunctionError> {
        let [start, length, occurrence] = [2, 3, 4].map(|index| optional::<Opt<Long>>(call, index));
        if call.rows > 0 && occurrence.as_ref().is_some_and(|occurrence| occurrence.get(0) == Some(Some(0))) {
            let message = "an `occurrence` of 0 is not supported: the first is 1";
            return Err(FunctionError::argument(4, "AQ001", message));
        }
        Ok(Search { start, length, occurrence })
    }

    /// Returns the start, the length (below 0 without an end) and the occurrence; None where the result is null.
    pub fn get(&self, row: usize) -> Option<(i64, i64, i64)> {
        let number = |reader: &Option<Reader<Opt<Long>>>, default: i64| match reader {
            Some(reader) => reader.get(row).flatten(),
            None => Some(default),
        };
        let (start, length) = (number(&self.start, 0)?, number(&self.length, -1)?);
        let occurrence = number(&self.occurrence, 1)?;
        (length >= -1 && occurrence >= 0).then_some((start, length, occurrence))
    }
}

/// A number argument of any type, read as `real`.
pub(super) struct Numbers {
    array: Float64Array,
    constant: bool,
}

impl Numbers {
    pub fn new(call: &Call, index: usize) -> Numbers {
        let argument = &call.arguments[index];
        let array = convert::cast(&argument.array, argument.scalar_type, ScalarType::Real);
        Numbers { array: array.as_primitive::<Float64Type>().clone(), constant: argument.constant }
    }

    /// Reads an argument that may be left out.
    pub fn optional(call: &Call, index: usize) -> Option<Numbers> {
        (index < call.arguments.len()).then(|| Numbers::new(call, index))
    }

    pub fn get(&self, row: usize) -> Option<f64> {
        let row = if self.constant { 0 } else { row };
        self.array.is_valid(row).then(|| self.array.value(row))
    }
}

/// Returns the elements of an array, or None if it is none.
pub(super) fn elements(array: &str) -> Option<Vec<&str>> {
    (json::kind(array) == json::Kind::Array).then(|| json::elements(array).collect())
}

/// Tells whether every argument is constant, so that the engine's constant folder would have computed the call.
pub(super) fn folded(call: &Call) -> bool {
    call.arguments.iter().all(|argument| argument.constant)
}

/// Returns the text of a constant: that of a string, `""` for a null; None where the argument is not constant.
pub(super) fn constant_text(constants: &[Option<Value>], index: usize) -> Option<&str> {
    match constants.get(index)?.as_ref()? {
        Value::String(text) | Value::Guid(text) | Value::Dynamic(text) => Some(text),
        _ => Some(""),
    }
}

/// A dynamic that holds some JSON, for tests of functions over it.
#[cfg(test)]
pub(super) fn json_value(text: &str) -> Value {
    Value::Dynamic(text.to_string())
}

/// Evaluates a call on constants and on columns, which must agree, for tests.
#[cfg(test)]
pub(super) fn evaluate(functions: &[crate::functions::Function], name: &str, arguments: &[Value]) -> Value {
    let on_constants = run(functions, name, arguments, true).expect("a result on constants");
    let on_columns = run(functions, name, arguments, false).expect("a result on columns");
    let same = on_constants == on_columns || format!("{on_constants:?}").contains("NaN");
    assert!(same, "{name}: {on_constants:?} on constants, {on_columns:?} on columns");
    on_columns
}

/// Returns the code of the error that a call on constants ends with, for tests.
#[cfg(test)]
pub(super) fn fails(functions: &[crate::functions::Function], name: &str, arguments: &[Value]) -> &'static str {
    run(functions, name, arguments, true).expect_err("an error").code
}

#[cfg(test)]
fn run(
    functions: &[crate::functions::Function],
    name: &str,
    arguments: &[Value],
    constant: bool,
) -> Result<Value, FunctionError> {
    use crate::functions::{Arg, Kernel, Rule};
    use crate::types::arrow as columns;

    let function = functions.iter().find(|f| f.name == name || f.aliases.contains(&name)).expect("the function");
    let types: Vec<ScalarType> = arguments.iter().map(Value::scalar_type).collect();
    let fits = |parameters: &[Parameter]| {
        let least: usize = parameters.iter().map(|p| usize::from(p.min)).sum();
        let most: usize = parameters.iter().map(|p| usize::from(p.max)).sum();
        let typed = parameters.iter().zip(&types).all(|(p, t)| match p.kind {
            Kind::Is(wanted) => wanted == *t,
            Kind::Dynamic => *t == ScalarType::Dynamic,
            Kind::Integer => *t == ScalarType::Long,
            Kind::Text | Kind::AsText => *t == ScalarType::String,
            _ => true,
        });
        (least..=most).contains(&types.len()) && (typed || parameters.iter().any(|p| p.max > 1))
    };
    let overload = function.overloads.iter().find(|o| fits(o.parameters)).expect("an overload");
    let fixed = |index: usize| constant || overload.parameters.get(index).is_some_and(|p| p.rule != Rule::Expression);
    let rows = if constant { 1 } else { 3 };
    let evaluated: Vec<Arg> = (0..arguments.len())
        .map(|index| Arg {
            array: columns::repeat(&arguments[index], if fixed(index) { 1 } else { rows }),
            constant: fixed(index),
            scalar_type: types[index],
        })
        .collect();
    let call = Call { arguments: &evaluated, rows, now: 0 };
    let array = match overload.kernel {
        Kernel::Columns(kernel) => kernel(&call)?,
        Kernel::Prepared(prepare) => {
            let constants: Vec<Option<Value>> =
                arguments.iter().enumerate().map(|(index, value)| fixed(index).then(|| value.clone())).collect();
            prepare(&constants)?(&call)?
        }
        Kernel::Located(_) | Kernel::Unbuilt => unreachable!("a built kernel"),
    };
    assert_eq!(array.len(), rows);
    let scalar_type = match overload.returns {
        Returns::Type(scalar_type) => scalar_type,
        Returns::Argument(index) | Returns::TypeName(index) => types[index],
        _ => *types.last().expect("an argument"),
    };
    Ok(columns::value_at(&array, rows - 1, scalar_type))
}
