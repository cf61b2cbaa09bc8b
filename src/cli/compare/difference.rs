//! Two tables, and the smallest thing that tells them apart.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::types::ticks;

/// A table of an answer, its cells in one form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    columns: Vec<(String, String)>,
    rows: Vec<Vec<String>>,
}

/// Rows of each side that are shown.
const SHOWN: usize = 5;

impl Table {
    /// Reads a table of the query API.
    pub(super) fn read(table: &Json) -> Table {
        let list = |key: &str| table.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
        let word = |column: &Json, key: &str| column.get(key).and_then(Json::as_str).unwrap_or_default().to_string();
        let columns: Vec<_> =
            list("columns").iter().map(|column| (word(column, "name"), word(column, "type"))).collect();
        let kind = |at: usize| columns.get(at).map_or("", |(_, kind)| kind.as_str());
        let row = |row: &Json| {
            row.as_array().into_iter().flatten().enumerate().map(|(at, cell)| plain(cell, kind(at))).collect()
        };
        let rows = list("rows").iter().map(row).collect();
        Table { columns, rows }
    }

    /// Says where two tables part, the most telling first; None where they do not.
    pub(super) fn difference(here: &Table, there: &Table) -> Option<Vec<String>> {
        columns(here, there).or_else(|| rows(here, there))
    }
}

/// Brings a cell to the one form that each of its spellings means.
fn plain(cell: &Json, kind: &str) -> String {
    match (cell, kind) {
        (Json::Null, "string") => String::new(),
        (Json::Null, _) => "null".to_string(),
        (Json::String(text), "datetime") => {
            ticks::parse_datetime(text).map_or_else(|| text.clone(), ticks::format_datetime)
        }
        (Json::String(text), "timespan") => {
            ticks::parse_timespan(text).map_or_else(|| text.clone(), ticks::format_timespan)
        }
        (Json::String(text), "dynamic") => serde_json::from_str::<Json>(text).map_or_else(|_| text.clone(), sorted),
        (Json::String(text), _) => text.clone(),
        (other, "dynamic") => sorted(other.clone()),
        (Json::Number(number), "real") => number.as_f64().map_or_else(|| number.to_string(), |real| real.to_string()),
        (other, _) => other.to_string(),
    }
}

/// Writes JSON with its keys in order.
fn sorted(value: Json) -> String {
    match value {
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            let fields = fields.into_iter().map(|(key, value)| format!("{}:{}", Json::from(key), sorted(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Json::Array(items) => format!("[{}]", items.into_iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn columns(here: &Table, there: &Table) -> Option<Vec<String>> {
    if here.columns == there.columns {
        return None;
    }
    let mut lines = Vec::new();
    let find =
        |table: &Table, name: &str| table.columns.iter().find(|(other, _)| other == name).map(|(_, kind)| kind.clone());
    for (name, kind) in &here.columns {
        match find(there, name) {
            None => lines.push(format!("column {name}: {kind} here, missing in the workspace")),
            Some(other) if other != *kind => {
                lines.push(format!("column {name}: {kind} here, {other} in the workspace"))
            }
            Some(_) => {}
        }
    }
    for (name, kind) in there.columns.iter().filter(|(name, _)| find(here, name).is_none()) {
        lines.push(format!("column {name}: missing here, {kind} in the workspace"));
    }
    if lines.is_empty() {
        let names = |table: &Table| table.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        lines.push(format!("the order of columns: {} here, {} in the workspace", names(here), names(there)));
    }
    Some(lines)
}

fn rows(here: &Table, there: &Table) -> Option<Vec<String>> {
    let mut counts: HashMap<&Vec<String>, i64> = HashMap::new();
    here.rows.iter().for_each(|row| *counts.entry(row).or_default() += 1);
    there.rows.iter().for_each(|row| *counts.entry(row).or_default() -= 1);
    // In the order of the answers, each row as often as it is too many.
    let mut surplus = |rows: &'_ [Vec<String>], sign: i64| -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for row in rows {
            if let Some(count) = counts.get_mut(row).filter(|count| **count * sign > 0) {
                *count -= sign;
                found.push(row.clone());
            }
        }
        found
    };
    let (ours, theirs) = (surplus(&here.rows, 1), surplus(&there.rows, -1));
    if ours.is_empty() && theirs.is_empty() {
        return None;
    }
    let (rows, others) = (here.rows.len(), there.rows.len());
    let mut lines = vec![format!(
        "{rows} rows here, {others} in the workspace; {} only here, {} only there",
        ours.len(),
        theirs.len()
    )];
    let mut left: Vec<Vec<String>> = theirs;
    for row in ours.iter().take(SHOWN) {
        let same = |other: &Vec<String>| row.iter().zip(other).filter(|(a, b)| a == b).count();
        let nearest = (0..left.len()).max_by_key(|at| left.get(*at).map_or(0, same));
        match nearest.filter(|at| left.get(*at).is_some_and(|other| same(other) > 0)) {
            Some(at) => lines.push(format!("row {}", cells(&here.columns, row, &left.remove(at)))),
            None => lines.push(format!("only here: {}", written(&here.columns, row))),
        }
    }
    lines.extend(left.iter().take(SHOWN).map(|row| format!("only in the workspace: {}", written(&here.columns, row))));
    Some(lines)
}

/// Shows the cells in which two rows that belong together differ, behind what they have in common.
fn cells(columns: &[(String, String)], here: &[String], there: &[String]) -> String {
    let pairs = || columns.iter().zip(here.iter().zip(there));
    let same =
        pairs().filter(|(_, (a, b))| a == b && !a.is_empty()).map(|((name, _), (a, _))| format!("{name}={}", short(a)));
    let differ = pairs().filter(|(_, (a, b))| a != b);
    let differ = differ.map(|((name, _), (a, b))| format!("{name}: {} here, {} in the workspace", short(a), short(b)));
    let same: Vec<String> = same.take(3).collect();
    format!("({}) {}", same.join(", "), differ.collect::<Vec<_>>().join("; "))
}

fn written(columns: &[(String, String)], row: &[String]) -> String {
    let cells = columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
    cells.map(|((name, _), cell)| format!("{name}={}", short(cell))).collect::<Vec<_>>().join(", ")
}

/// Shortens a cell for a line.
fn short(cell: &str) -> String {
    const LONGEST: usize = 60;
    if cell.chars().count() <= LONGEST {
        return cell.to_string();
    }
    cell.chars().take(LONGEST).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(columns: &[(&str, &str)], rows: Json) -> Table {
        let columns: Vec<Json> = columns.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        Table::read(&json!({"columns": columns, "rows": rows}))
    }

    #[test]
    fn spellings_and_order_are_no_difference() {
        let columns = [("t", "datetime"), ("n", "long"), ("d", "dynamic"), ("s", "string")];
        let here = table(
            &columns,
            json!([["2026-01-01T00:00:00.0000000Z", 1, "{\"a\":1,\"b\":2}", ""], [null, 2, null, "x"]]),
        );
        let there =
            table(&columns, json!([[null, "2", null, "x"], ["2026-01-01T00:00:00Z", 1, {"b": 2, "a": 1}, null]]));
        assert_eq!(Table::difference(&here, &there), None);
    }

    #[test]
    fn the_smallest_difference_is_told() {
        let columns = [("k", "string"), ("n", "long")];
        let here = table(&columns, json!([["a", 1], ["b", 2], ["b", 2]]));
        let there = table(&columns, json!([["a", 1], ["b", 3], ["c", 4]]));
        let lines = Table::difference(&here, &there).unwrap();
        assert_eq!(lines[0], "3 rows here, 3 in the workspace; 2 only here, 2 only there");
        assert_eq!(lines[1], "row (k=b) n: 2 here, 3 in the workspace");
        assert_eq!(lines[2..], ["only here: k=b, n=2", "only in the workspace: k=c, n=4"]);
        let other = table(&[("k", "string"), ("m", "long"), ("n", "real")], json!([]));
        let expected = ["column n: long here, real in the workspace", "column m: missing here, long in the workspace"];
        assert_eq!(Table::difference(&here, &other).unwrap(), expected);
    }
}
