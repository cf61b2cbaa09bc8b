//! `schema_merge`: one schema made of several that `getschema` gave.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};

use super::rows::{Whole, batch, unsure};
use super::{BOOL, Columns, Invocation, Parameter, Plugin, Run, Takes};
use crate::functions::FunctionError;
use crate::types::convert::cast;
use crate::types::{Column, ScalarType, Value};

pub(super) static SCHEMA_MERGE: Plugin = Plugin {
    name: "schema_merge",
    summary: "Makes one schema of several that getschema gave.",
    signatures: &[&[Parameter::new("PreserveOrder", Takes::Constant(BOOL)).optional()]],
    columns: Columns::Closed(columns),
    run: Run::Batches(|call, _| Ok(Whole::boxed(call, merge))),
    examples: &[
        (
            "union (print a = 1 | getschema), (print a = 1, b = 'x' | getschema) | evaluate schema_merge() \
             | project ColumnName, ColumnOrdinal",
            "datatable(ColumnName:string, ColumnOrdinal:long)['a', 0, 'b', 1]",
        ),
        (
            "union (print a = 1, b = 2 | getschema), (print a = 1, c = 3, b = 2 | getschema) \
             | evaluate schema_merge(PreserveOrder = false) | project ColumnName, ColumnOrdinal",
            "datatable(ColumnName:string, ColumnOrdinal:long)['a', 0, 'c', 1, 'b', 2]",
        ),
    ],
    page: "schema-merge-plugin",
    unlisted: true,
    ordered: false,
};

const NAMES: [&str; 4] = ["ColumnName", "ColumnOrdinal", "DataType", "ColumnType"];

/// What stands in the place of a column's types where its schemas do not have it at one place (documented).
const OUT_OF_ORDER: &str = "ERROR(columns are out of order)";

fn columns(call: &Invocation) -> Result<Vec<Column>, FunctionError> {
    for name in NAMES {
        if !call.input.iter().any(|column| column.name == name) {
            let message = format!("`schema_merge` takes what `getschema` gives: the column `{name}` is missing");
            return Err(FunctionError { code: "AQ041", message, argument: None });
        }
    }
    let scalar_type = |name| if name == "ColumnOrdinal" { ScalarType::Long } else { ScalarType::String };
    Ok(NAMES.map(|name| Column::new(name, scalar_type(name))).to_vec())
}

/// A column of the merged schema.
struct Merged {
    ordinal: i64,
    in_order: bool,
    data_type: String,
    column_type: String,
}

fn merge(call: &Invocation, rows: &RecordBatch) -> Result<RecordBatch, FunctionError> {
    let column = |name: &str, to: ScalarType| {
        let place = call.input.iter().position(|column| column.name == name).unwrap_or(0);
        cast(rows.column(place), call.input[place].scalar_type, to)
    };
    let [names, _, data_types, column_types] = NAMES.map(|name| column(name, ScalarType::String));
    let ordinals = column("ColumnOrdinal", ScalarType::Long);
    let text = |array: &ArrayRef, row: usize| array.as_string_view().value(row).to_string();
    let preserve = call.constant("PreserveOrder") != Some(&Value::Bool(false));
    let mut merged: HashMap<String, Merged> = HashMap::new();
    for row in 0..rows.num_rows() {
        let ordinal = ordinals.as_primitive::<arrow::datatypes::Int64Type>().value(row);
        let (data_type, column_type) = (text(&data_types, row), text(&column_types, row));
        match merged.get_mut(&text(&names, row)) {
            None => {
                merged.insert(text(&names, row), Merged { ordinal, in_order: true, data_type, column_type });
            }
            Some(earlier) => {
                if earlier.column_type != column_type {
                    let name = text(&names, row);
                    return Err(unsure(format!(
                        "the column `{name}` has the types {} and {column_type}: what `schema_merge` makes of them is not sure",
                        earlier.column_type
                    )));
                }
                earlier.in_order &= earlier.ordinal == ordinal;
                earlier.ordinal = earlier.ordinal.max(ordinal);
            }
        }
    }
    let wrong = |column: &Merged| preserve && !column.in_order;
    let mut places: BTreeMap<i64, &String> = BTreeMap::new();
    for (name, column) in merged.iter().filter(|(_, column)| !wrong(column)) {
        if let Some(other) = places.insert(column.ordinal, name) {
            return Err(unsure(format!(
                "the columns `{other}` and `{name}` stand at one place: what `schema_merge` makes of them is not sure"
            )));
        }
    }
    let in_order = places.into_values();
    let mut out_of_order: Vec<&String> = merged.iter().filter(|(_, c)| wrong(c)).map(|(name, _)| name).collect();
    out_of_order.sort();
    let all: Vec<(&String, &Merged)> = in_order.chain(out_of_order).map(|name| (name, &merged[name])).collect();
    let data_type = |column: &Merged| match wrong(column) {
        true => format!("ERROR(unknown CSL type:{OUT_OF_ORDER})"),
        false => column.data_type.clone(),
    };
    let column_type =
        |column: &Merged| if wrong(column) { OUT_OF_ORDER.to_string() } else { column.column_type.clone() };
    let texts = |f: &dyn Fn(&(&String, &Merged)) -> String| -> ArrayRef {
        Arc::new(all.iter().map(|entry| Some(f(entry))).collect::<StringViewArray>())
    };
    let ordinals: Int64Array = all.iter().map(|(_, column)| if wrong(column) { -1 } else { column.ordinal }).collect();
    let arrays = vec![
        texts(&|(name, _)| (*name).clone()),
        Arc::new(ordinals) as ArrayRef,
        texts(&|(_, column)| data_type(column)),
        texts(&|(_, column)| column_type(column)),
    ];
    batch(&call.columns, arrays, all.len())
}
