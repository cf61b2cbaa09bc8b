//! Runs aggregates for tests: once over everything, once in two halves that are merged; both must agree.

use arrow::array::{Array, ArrayRef, AsArray};

use super::{Accumulator, Setup, State, aggregate};
use crate::types::arrow::{from_values, value_at};
use crate::types::{ScalarType, Value};

/// A typed column.
pub(super) type Typed = (ScalarType, ArrayRef);

/// Makes a column.
pub(super) fn column(scalar_type: ScalarType, values: &[Value]) -> Typed {
    (scalar_type, from_values(scalar_type, values))
}

/// Makes a column of longs, -1 for null.
pub(super) fn longs(values: &[i64]) -> Typed {
    let value = |v: &i64| if *v == -1 { Value::Null(ScalarType::Long) } else { Value::Long(*v) };
    column(ScalarType::Long, &values.iter().map(value).collect::<Vec<_>>())
}

/// Makes a column of reals.
pub(super) fn reals(values: &[f64]) -> Typed {
    column(ScalarType::Real, &values.iter().map(|v| Value::Real(*v)).collect::<Vec<_>>())
}

/// Makes a column of strings.
pub(super) fn strings(values: &[&str]) -> Typed {
    column(ScalarType::String, &values.iter().map(|v| Value::String(v.to_string())).collect::<Vec<_>>())
}

/// Makes a column of dynamics; "" stands for the null.
pub(super) fn dynamics(values: &[&str]) -> Typed {
    let value = |v: &&str| {
        if v.is_empty() { Value::Null(ScalarType::Dynamic) } else { Value::Dynamic(v.to_string()) }
    };
    column(ScalarType::Dynamic, &values.iter().map(value).collect::<Vec<_>>())
}

/// Makes an accumulator.
pub(super) fn make(name: &str, columns: &[Typed], returns: &[ScalarType], ordered: bool) -> Box<dyn Accumulator> {
    let aggregate = aggregate(name).unwrap();
    let overload = aggregate.overloads.iter().find(|overload| {
        let min: usize = overload.parameters.iter().map(|p| usize::from(p.min)).sum();
        let max: usize = overload.parameters.iter().map(|p| usize::from(p.max)).sum();
        (min..=max).contains(&columns.len())
    });
    let State::New(new) = overload.unwrap().state else { panic!("{name} is not built") };
    let setup = Setup {
        types: columns.iter().map(|(scalar_type, _)| *scalar_type).collect(),
        constants: columns
            .iter()
            .map(|(scalar_type, array)| (!array.is_empty()).then(|| value_at(array, 0, *scalar_type)))
            .collect(),
        returns: returns.to_vec(),
        ordered,
    };
    new(&setup).unwrap()
}

/// Shows each value of a column.
pub(super) fn shown(array: &ArrayRef, scalar_type: ScalarType) -> Vec<String> {
    (0..array.len())
        .map(|row| match value_at(array, row, scalar_type) {
            Value::Null(_) => "null".into(),
            Value::Bool(v) => v.to_string(),
            Value::Int(v) => v.to_string(),
            Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => v.to_string(),
            Value::Real(v) => v.to_string(),
            Value::Decimal(v) => v.to_string(),
            Value::String(v) | Value::Guid(v) | Value::Dynamic(v) => v,
        })
        .collect()
}

/// Shows results whose fields stand side by side, separated by blanks.
pub(super) fn fields(array: &ArrayRef, types: &[ScalarType]) -> Vec<String> {
    let Some(array) = array.as_struct_opt() else { return shown(array, types[0]) };
    let columns: Vec<Vec<String>> = array.columns().iter().zip(types).map(|(c, t)| shown(c, *t)).collect();
    (0..array.len()).map(|row| columns.iter().map(|c| c[row].as_str()).collect::<Vec<_>>().join(" ")).collect()
}

fn result_types(name: &str, columns: &[Typed]) -> Vec<ScalarType> {
    use crate::functions::Returns;
    let types: Vec<ScalarType> = columns.iter().map(|(scalar_type, _)| *scalar_type).collect();
    let aggregate = aggregate(name).unwrap();
    if aggregate.several {
        return types;
    }
    vec![match aggregate.overloads[0].returns {
        Returns::Type(scalar_type) => scalar_type,
        Returns::Argument(index) => types[index],
        Returns::With(f) => f(&types).unwrap(),
        other => panic!("{other:?}"),
    }]
}

/// Runs an aggregate and shows its results.
pub(super) fn run(name: &str, columns: &[Typed], groups: &[usize]) -> Vec<String> {
    run_as(name, columns, groups, &result_types(name, columns), false)
}

/// Runs an aggregate that returns these types.
pub(super) fn run_as(
    name: &str,
    columns: &[Typed],
    groups: &[usize],
    returns: &[ScalarType],
    ordered: bool,
) -> Vec<String> {
    let total = groups.iter().max().map_or(1, |group| group + 1);
    let arguments = &columns[..columns.len() - usize::from(ordered)];
    let arrays: Vec<ArrayRef> = columns.iter().map(|(_, array)| array.clone()).collect();
    let half = groups.len() / 2;
    let part = |from: usize, len: usize| arrays.iter().map(|a| a.slice(from, len)).collect::<Vec<_>>();

    let mut whole = make(name, arguments, returns, ordered);
    whole.update(&part(0, half), &groups[..half], None, total).unwrap();
    whole.update(&part(half, groups.len() - half), &groups[half..], None, total).unwrap();
    let array = whole.finish(total).unwrap();
    assert_eq!(array.data_type(), &whole.result_type());
    let direct = fields(&array, returns);

    let mut merged = make(name, arguments, returns, ordered);
    for (from, len) in [(0, half), (half, groups.len() - half)] {
        let mut partial = make(name, arguments, returns, ordered);
        partial.update(&part(from, len), &groups[from..from + len], None, total).unwrap();
        let types = partial.state_types();
        // In two pieces: the first group, then the rest.
        for (first, count) in [(0, 1), (1, total - 1)] {
            let state = partial.state(count).unwrap();
            assert_eq!(state.iter().map(|s| s.data_type().clone()).collect::<Vec<_>>(), types);
            merged.merge(&state, &(first..first + count).collect::<Vec<_>>(), total).unwrap();
        }
    }
    assert!(merged.size() > 0 || total == 0);
    let mut pieces = fields(&merged.finish(1).unwrap(), returns);
    pieces.extend(fields(&merged.finish(total - 1).unwrap(), returns));
    assert_eq!(direct, pieces, "merging {name} changes the result");
    direct
}
