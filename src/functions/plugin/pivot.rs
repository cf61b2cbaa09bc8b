//! `pivot`: a column for each value of a column. The binder makes a `summarize` of it, with an aggregate for each value.

use std::collections::HashSet;

use arrow::array::{AsArray, RecordBatch};

use super::{Columns, Invocation, Parameter, Plugin, Run, Takes};
use crate::functions::{FunctionError, Kind};
use crate::types::convert::cast;
use crate::types::{Column, ScalarType};

/// Columns beyond this are more than a result can be read by.
const MOST_COLUMNS: usize = 5_000;

pub(super) static PIVOT: Plugin = Plugin {
    name: "pivot",
    summary: "Makes a column of each value of a column, with an aggregate of its rows.",
    signatures: &[&[
        Parameter::new("pivotColumn", Takes::Column(Kind::NotDynamic)),
        Parameter::new("aggregateFunction", Takes::Aggregate).optional(),
        Parameter::new("columnName", Takes::Column(Kind::Any)).repeated(0),
    ]],
    columns: Columns::Open { known: |call| Ok(keys(call)), reads: "pivotColumn", discover },
    run: Run::Operators,
    examples: &[
        (
            "datatable(k:string, v:string)['a', 'x', 'a', 'y', 'b', 'x'] | evaluate pivot(v) | project k, x, y",
            "datatable(k:string, x:long, y:long)['a', 1, 1, 'b', 1, 0]",
        ),
        (
            "datatable(k:string, v:string, n:long)['a', 'x', 2, 'a', 'x', 3] | evaluate pivot(v, sum(n))",
            "print k = 'a', x = 5",
        ),
        (
            "datatable(v:string, n:long)['x', 2] | evaluate pivot(v, max(n)) : (x:long, y:long)",
            "print x = 2, y = long(null)",
        ),
    ],
    page: "pivot-plugin",
    unlisted: false,
    ordered: false,
};

/// The columns by which rows are grouped: those that are named, or all but the one that is turned and the one that is
/// aggregated.
pub fn keys(call: &Invocation) -> Vec<Column> {
    let named = call.places("columnName");
    let used = [call.places("pivotColumn"), call.places("aggregateFunction")].concat();
    let all = (0..call.own).filter(|place| !used.contains(place));
    let places: Vec<usize> = if named.is_empty() { all.collect() } else { named };
    places.into_iter().map(|place| call.input[place].clone()).collect()
}

/// The keys, then the values in the order in which they first come; what they are of the aggregate tells.
fn discover(call: &Invocation, batches: &mut dyn Iterator<Item = RecordBatch>) -> Result<Vec<Column>, FunctionError> {
    let mut columns = keys(call);
    let place = call.place("pivotColumn");
    let keys: HashSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut seen: HashSet<String> = HashSet::new();
    for batch in batches {
        let texts = cast(batch.column(place), call.input[place].scalar_type, ScalarType::String);
        for text in texts.as_string_view().iter().map(|text| text.unwrap_or("")) {
            if seen.contains(text) {
                continue;
            }
            let refuse = |code, why: &str| Err(call.error("pivotColumn", code, why));
            if text.is_empty() {
                return refuse("AQ040", "there is an empty value, and no column can be called so: leave it out before");
            }
            if keys.contains(text) {
                let why = format!("the value `{text}` is called like a column that is there already");
                return refuse("AQ041", &why);
            }
            if seen.len() >= MOST_COLUMNS {
                let why = format!("there are more than {MOST_COLUMNS} values: declare the columns that count");
                return refuse("AQ042", &why);
            }
            seen.insert(text.to_string());
            columns.push(Column::new(text, ScalarType::Dynamic));
        }
    }
    Ok(columns)
}
