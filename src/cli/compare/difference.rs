//! Two answers, and the smallest thing that tells them apart.
//!
//! Answers lie on disk and are read as often as it takes. What is kept of a row is a hash: as many as the workspace
//! gives, which is limited, however many there are here.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::RecordBatch;
use serde_json::Value as Json;

use crate::source::{Error, Table};
use crate::types::arrow::value_at;
use crate::types::{Column, Value, convert};

/// Rows of each side that are shown.
const SHOWN: usize = 5;

/// Rows of the workspace among which the one is looked for that is nearest to one here.
const NEAREST: usize = 1000;

/// The cells of a row, each in one form.
type Row = Vec<String>;

/// Says where two answers part, the most telling first; None where they do not.
///
/// # Errors
/// Where an answer cannot be read.
pub(super) fn difference(here: &Table, there: &Table) -> Result<Option<Vec<String>>, Error> {
    match columns(&here.columns, &there.columns) {
        Some(lines) => Ok(Some(lines)),
        None => rows(here, there),
    }
}

/// Hands each row of an answer on.
fn each(answer: &Table, mut take: impl FnMut(Row)) -> Result<(), Error> {
    for batch in answer.read() {
        let batch = batch?;
        (0..batch.num_rows()).for_each(|row| take(cells(&batch, row, &answer.columns)));
    }
    Ok(())
}

fn cells(batch: &RecordBatch, row: usize, columns: &[Column]) -> Row {
    let arrays = batch.columns().iter().zip(columns);
    arrays.map(|(array, column)| plain(&value_at(array, row, column.scalar_type))).collect()
}

/// Brings a cell to the one form that each of its spellings means.
fn plain(value: &Value) -> String {
    match value {
        Value::Null(_) => "null".to_string(),
        Value::Dynamic(text) => serde_json::from_str::<Json>(text).map_or_else(|_| text.clone(), sorted),
        other => convert::text_of(other),
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

fn columns(here: &[Column], there: &[Column]) -> Option<Vec<String>> {
    if here == there {
        return None;
    }
    let mut lines = Vec::new();
    let find = |columns: &[Column], name: &str| columns.iter().find(|c| c.name == name).map(|c| c.scalar_type.name());
    for Column { name, scalar_type, .. } in here {
        let kind = scalar_type.name();
        match find(there, name) {
            None => lines.push(format!("column {name}: {kind} here, missing in the workspace")),
            Some(other) if other != kind => lines.push(format!("column {name}: {kind} here, {other} in the workspace")),
            Some(_) => {}
        }
    }
    for Column { name, scalar_type, .. } in there.iter().filter(|column| find(here, &column.name).is_none()) {
        lines.push(format!("column {name}: missing here, {} in the workspace", scalar_type.name()));
    }
    if lines.is_empty() {
        let names = |columns: &[Column]| columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
        lines.push(format!("the order of columns: {} here, {} in the workspace", names(here), names(there)));
    }
    Some(lines)
}

fn rows(here: &Table, there: &Table) -> Result<Option<Vec<String>>, Error> {
    let mut left: HashMap<[u64; 2], u64> = HashMap::new();
    let (mut ours, mut only_here, mut rows, mut others) = (Vec::new(), 0_u64, 0_u64, 0_u64);
    each(there, |row| {
        others += 1;
        *left.entry(key(&row)).or_default() += 1;
    })?;
    each(here, |row| {
        rows += 1;
        if !take(&mut left, &row) {
            only_here += 1;
            if ours.len() < SHOWN {
                ours.push(row);
            }
        }
    })?;
    let only_there: u64 = left.values().sum();
    if only_here == 0 && only_there == 0 {
        return Ok(None);
    }
    let mut theirs: Vec<Row> = Vec::new();
    if only_there > 0 {
        each(there, |row| {
            if theirs.len() < NEAREST && take(&mut left, &row) {
                theirs.push(row);
            }
        })?;
    }
    let mut lines =
        vec![format!("{rows} rows here, {others} in the workspace; {only_here} only here, {only_there} only there")];
    lines.extend(shown(&here.columns, &ours, theirs));
    Ok(Some(lines))
}

/// Returns what a row is known by; two that differ have the same one as good as never.
fn key(row: &Row) -> [u64; 2] {
    [0_u8, 1].map(|seed| {
        let mut hasher = DefaultHasher::new();
        (seed, row).hash(&mut hasher);
        hasher.finish()
    })
}

/// Takes a row away once, if it is there.
fn take(left: &mut HashMap<[u64; 2], u64>, row: &Row) -> bool {
    match left.get_mut(&key(row)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

/// Shows rows that are on one side only: each of ours beside the nearest of theirs.
fn shown(columns: &[Column], ours: &[Row], mut theirs: Vec<Row>) -> Vec<String> {
    let mut lines = Vec::new();
    for row in ours {
        let same = |other: &Row| row.iter().zip(other).filter(|(a, b)| a == b).count();
        let nearest = (0..theirs.len()).max_by_key(|at| theirs.get(*at).map_or(0, same));
        match nearest.filter(|at| theirs.get(*at).is_some_and(|other| same(other) > 0)) {
            Some(at) => lines.push(format!("row {}", two(columns, row, &theirs.remove(at)))),
            None => lines.push(format!("only here: {}", written(columns, row))),
        }
    }
    lines.extend(theirs.iter().take(SHOWN).map(|row| format!("only in the workspace: {}", written(columns, row))));
    lines
}

/// Shows the cells in which two rows that belong together differ, behind what they have in common.
fn two(columns: &[Column], here: &[String], there: &[String]) -> String {
    let pairs = || columns.iter().zip(here.iter().zip(there));
    let same =
        pairs().filter(|(_, (a, b))| a == b && !a.is_empty()).map(|(c, (a, _))| format!("{}={}", c.name, short(a)));
    let differ = pairs().filter(|(_, (a, b))| a != b);
    let differ = differ.map(|(c, (a, b))| format!("{}: {} here, {} in the workspace", c.name, short(a), short(b)));
    let same: Vec<String> = same.take(3).collect();
    format!("({}) {}", same.join(", "), differ.collect::<Vec<_>>().join("; "))
}

fn written(columns: &[Column], row: &[String]) -> String {
    let cells = columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
    cells.map(|(column, cell)| format!("{}={}", column.name, short(cell))).collect::<Vec<_>>().join(", ")
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

    /// Holds two answers against each other as they lie on disk.
    fn parted(here: Json, there: Json) -> Option<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let table = |name: &str, answer: Json| {
            let path = folder.path().join(name);
            std::fs::write(&path, json!({"tables": [answer]}).to_string()).unwrap();
            crate::cli::remote::opened(&path).unwrap().unwrap()
        };
        difference(&table("here", here), &table("there", there)).unwrap()
    }

    fn answer(columns: &[(&str, &str)], rows: Json) -> Json {
        let columns: Vec<Json> = columns.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        json!({"name": "PrimaryResult", "columns": columns, "rows": rows})
    }

    #[test]
    fn spellings_and_order_are_no_difference() {
        let columns = [("t", "datetime"), ("n", "long"), ("d", "dynamic"), ("s", "string")];
        let here = answer(
            &columns,
            json!([["2026-01-01T00:00:00.0000000Z", 1, "{\"a\":1,\"b\":2}", ""], [null, 2, null, "x"]]),
        );
        let there =
            answer(&columns, json!([[null, "2", null, "x"], ["2026-01-01T00:00:00Z", 1, {"b": 2, "a": 1}, null]]));
        assert_eq!(parted(here, there), None);
    }

    #[test]
    fn the_smallest_difference_is_told() {
        let columns = [("k", "string"), ("n", "long")];
        let here = || answer(&columns, json!([["a", 1], ["b", 2], ["b", 2]]));
        let there = answer(&columns, json!([["a", 1], ["b", 3], ["c", 4]]));
        let lines = parted(here(), there).unwrap();
        assert_eq!(lines[0], "3 rows here, 3 in the workspace; 2 only here, 2 only there");
        assert_eq!(lines[1], "row (k=b) n: 2 here, 3 in the workspace");
        assert_eq!(lines[2..], ["only here: k=b, n=2", "only in the workspace: k=c, n=4"]);
        let other = answer(&[("k", "string"), ("m", "long"), ("n", "real")], json!([]));
        let expected = ["column n: long here, real in the workspace", "column m: missing here, long in the workspace"];
        assert_eq!(parted(here(), other).unwrap(), expected);
    }

    #[test]
    fn rows_count_as_often_as_they_come() {
        let columns = [("k", "string")];
        let of = |rows: usize| answer(&columns, (0..rows).map(|_| json!(["a"])).collect());
        assert_eq!(parted(of(3), of(3)), None);
        assert_eq!(
            parted(of(3), of(1)).unwrap(),
            ["3 rows here, 1 in the workspace; 2 only here, 0 only there", "only here: k=a", "only here: k=a"]
        );
        assert_eq!(parted(of(0), of(1)).unwrap()[1..], ["only in the workspace: k=a"]);
    }
}
