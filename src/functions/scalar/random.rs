//! Values that are different each time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringViewBuilder};
use arrow::datatypes::Int64Type;
use rand::Rng;

use super::rows::{REAL, function, overload};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Returns, one};
use crate::types::ScalarType;

pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "rand",
        "Gives a random number from 0 to less than 1, or with an argument a whole number from 0 to less than it.",
        "rand-function",
        Naming::FirstArgument,
        [overload!((one("number", Kind::Integer).optional()) -> REAL, random)],
        [
            ("rand() < 1.0 and rand() >= 0.0", "true"),
            ("rand(1)", "0.0"),
            ("rand(7) < 7.0", "true"),
            ("rand(long(null))", "real(null)"),
        ]
    ),
    function!(
        "new_guid",
        "Gives a new random guid; calls in one operator give the same one for a row.",
        "new-guid-function",
        Naming::None,
        [overload!(() -> Returns::Type(ScalarType::Guid), guid)],
        [("strlen(tostring(new_guid()))", "36"), ("isnull(new_guid())", "false"), ("gettype(new_guid())", "'guid'"),]
    ),
];

fn random(call: &Call) -> Result<ArrayRef, FunctionError> {
    let mut generator = rand::rng();
    let Some(below) = call.arguments.first() else {
        return Ok(Arc::new(Float64Array::from_iter_values((0..call.rows).map(|_| generator.random::<f64>()))));
    };
    let bounds = below.array.as_primitive::<Int64Type>();
    let mut number = |row: usize| {
        let row = if below.constant { 0 } else { row };
        let bound = bounds.is_valid(row).then(|| bounds.value(row)).filter(|bound| *bound > 0)?;
        Some(generator.random_range(0..bound) as f64)
    };
    Ok(Arc::new((0..call.rows).map(&mut number).collect::<Float64Array>()))
}

fn guid(call: &Call) -> Result<ArrayRef, FunctionError> {
    let mut guids = StringViewBuilder::with_capacity(call.rows);
    let mut buffer = uuid::Uuid::encode_buffer();
    for _ in 0..call.rows {
        guids.append_value(uuid::Uuid::new_v4().hyphenated().encode_lower(&mut buffer));
    }
    Ok(Arc::new(guids.finish()))
}
