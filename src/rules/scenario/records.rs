//! Records that stand in a file of tests become tables.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Records;
use super::read::moment;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, nearest};
use crate::engine::{Table, TableData};
use crate::rules::document::{Node, Value as Written};
use crate::rules::schedule::RECEIVED;
use crate::types::arrow::{from_values, schema};
use crate::types::convert::convert;
use crate::types::{Column, ScalarType, Value, json, number, ticks};

/// The column that every record of Log Analytics has.
const TIME: &str = "TimeGenerated";

/// Returns when a record came whose time does not matter to its author: so shortly before the start that a run at the
/// start sees it.
fn at_first(start: i64) -> Value {
    Value::DateTime(start.saturating_sub(ticks::TICKS_PER_MINUTE))
}

/// Makes the table of records that stand in the file itself. Fails with those that do not fit it.
///
/// A table of Log Analytics has its own columns; of another the values tell the types.
pub(super) fn table(
    records: &Records,
    items: &[&Node],
    catalog: &Catalog,
    start: i64,
) -> Result<Table, Vec<Diagnostic>> {
    let name = &records.table.value;
    let known = catalog.table(name).map(|info| info.into_owned());
    let mut columns = known.as_ref().map(|info| info.columns.clone()).unwrap_or_default();
    let given = columns.len();
    let mut problems = Vec::new();
    for entry in items.iter().flat_map(|item| item.entries()) {
        let column = &entry.key.value;
        if columns.iter().any(|other| other.name == *column) {
            continue;
        }
        let hidden = column.starts_with('_') || column.starts_with('$');
        if given > 0 && !hidden {
            let problem = Diagnostic::error("AQ652", entry.key.span, format!("{name} has no column '{column}'"));
            problems.push(match nearest(column, columns.iter().map(|column| column.name.as_str())) {
                Some(near) => problem.help(format!("did you mean '{near}'?")),
                None => problem.help(format!("`alertq schema {name}` lists its columns")),
            });
            continue;
        }
        columns.push(Column::new(column, type_of(column, &entry.value)));
    }
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    if has(TIME) && !has(RECEIVED) {
        columns.push(Column::new(RECEIVED, ScalarType::DateTime));
    }
    let mut rows = Vec::new();
    for item in items {
        if item.entries().is_empty() {
            problems.push(
                Diagnostic::error("AQ652", item.span, format!("a record is a group of keys, not {}", item.what()))
                    .help("say {Column: value}, {file: PATH} or {sample: {rows: 100}}"),
            );
        }
        let row = columns.iter().map(|column| match item.get(&column.name) {
            Some(node) => value(node, column, start).unwrap_or_else(|problem| {
                problems.push(*problem);
                Value::missing(column.scalar_type)
            }),
            None if column.name == "Type" => Value::String(name.clone()),
            None if column.name == TIME => at_first(start),
            // What says nothing of its way came at once.
            None if column.name == RECEIVED => match item.get(TIME) {
                Some(node) => moment(node.as_text().unwrap_or_default(), start)
                    .map_or(Value::missing(ScalarType::DateTime), Value::DateTime),
                None => at_first(start),
            },
            None => Value::missing(column.scalar_type),
        });
        rows.push(row.collect::<Vec<_>>());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let array = |place: usize, column: &Column| {
        from_values(column.scalar_type, &rows.iter().map(|row| row[place].clone()).collect::<Vec<_>>())
    };
    let arrays = columns.iter().enumerate().map(|(place, column)| array(place, column)).collect();
    let batch = RecordBatch::try_new(schema(&columns), arrays)
        .unwrap_or_else(|_| RecordBatch::new_empty(Arc::clone(&schema(&columns))));
    Ok(Table { name: name.clone(), columns, data: TableData::Batches(vec![batch]) })
}

fn type_of(column: &str, node: &Node) -> ScalarType {
    match &node.value {
        _ if column == "TimeGenerated" || column == "_TimeReceived" => ScalarType::DateTime,
        Written::Bool(_) => ScalarType::Bool,
        Written::Number(text) if number::parse_long(text).is_some() => ScalarType::Long,
        Written::Number(_) => ScalarType::Real,
        Written::Text(text) if moment(text, 0).is_some() && text.contains('T') => ScalarType::DateTime,
        Written::Text(_) | Written::Expression(_) | Written::Null => ScalarType::String,
        Written::List(_) | Written::Map(_) => ScalarType::Dynamic,
    }
}

/// Reads a value as a column has it. JSON in a text column is its text.
fn value(node: &Node, column: &Column, start: i64) -> Result<Value, Box<Diagnostic>> {
    let wrong = || {
        let said = node.as_text().map_or_else(|| node.what().to_string(), |text| format!("'{text}'"));
        let message = format!("{said} is no {} for '{}'", column.scalar_type, column.name);
        Box::new(Diagnostic::error("AQ652", node.span, message))
    };
    let json = json_of(node).to_string();
    let made = match (column.scalar_type, &node.value) {
        (scalar_type, Written::Null) => Value::missing(scalar_type),
        (ScalarType::String, Written::List(_) | Written::Map(_)) => Value::String(json),
        (ScalarType::String, _) => Value::String(node.as_text().unwrap_or_default().to_string()),
        (ScalarType::Dynamic, Written::Text(text)) => {
            Value::Dynamic(json::parse_dynamic(text).map_or(json, std::borrow::Cow::into_owned))
        }
        (ScalarType::Dynamic, _) => Value::Dynamic(json),
        (ScalarType::DateTime, _) => {
            moment(node.as_text().unwrap_or_default(), start).map(Value::DateTime).ok_or_else(wrong)?
        }
        (scalar_type, _) => {
            let text = node.as_text().ok_or_else(wrong)?;
            convert(&Value::String(text.to_string()), scalar_type)
        }
    };
    if made.is_null() && !node.is_null() { Err(wrong()) } else { Ok(made) }
}

/// Returns what a part of the file is in JSON.
pub(super) fn json_of(node: &Node) -> serde_json::Value {
    match &node.value {
        Written::Null => serde_json::Value::Null,
        Written::Bool(value) => (*value).into(),
        Written::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| text.clone().into()),
        Written::Text(text) | Written::Expression(text) => text.clone().into(),
        Written::List(items) => items.iter().map(json_of).collect(),
        Written::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.value.clone(), json_of(&entry.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
