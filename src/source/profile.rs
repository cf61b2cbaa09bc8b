//! What the records of a table really hold: its fields and their types, the values of closed sets, and what lies in the
//! JSON of entities and extended properties.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use serde_json::{Map, Value};

use crate::catalog::tables::{ColumnInfo, Json, TableInfo};
use crate::types::{Column, ScalarType};

use super::error::{Error, excerpt};
use super::rows::{BadRow, BadRows};
use super::table::Table;

/// What a table's records hold.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// The table's name.
    pub table: String,
    pub known: Option<&'static TableInfo>,
    /// Records that can be read.
    pub rows: u64,
    /// Records that cannot, and the first of them.
    pub rejected: u64,
    pub bad: Vec<BadRow>,
    /// The fields as the files have them; no type where no value says one.
    pub fields: Vec<(String, Option<ScalarType>)>,
    /// The columns as alertq reads them.
    pub columns: Vec<Column>,
    /// By column with a closed set of values, the values that occur.
    pub values: BTreeMap<&'static str, BTreeMap<String, Seen>>,
    /// By column that holds JSON, the texts that are none, or another kind of it.
    pub invalid: BTreeMap<&'static str, Seen>,
    /// By type of entity (as written), how often it occurs and its fields.
    pub entities: BTreeMap<String, Entity>,
    /// Entities that have no type.
    pub untyped: Seen,
    /// References to an `$id` that the array does not have.
    pub dangling: Seen,
    /// By AlertType the keys of ExtendedProperties and how often each occurs.
    pub properties: BTreeMap<String, BTreeMap<String, u64>>,
    /// By any other column that holds objects or arrays of them, such as Owner and Labels, their keys and how often each
    /// occurs.
    pub keys: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// There were more kinds of something than are kept.
    pub cut: bool,
}

/// How often something occurs, and where first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub count: u64,
    /// The first record, counted from 1.
    pub row: u64,
    /// What stands there, shortened.
    pub value: String,
}

/// The entities of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entity {
    pub seen: Seen,
    /// Fields and how many of the entities have them.
    pub fields: BTreeMap<String, u64>,
}

/// Kinds of one thing that are kept apart: more are some identifier, and no kinds.
const KINDS: usize = 10_000;

impl Seen {
    fn add(&mut self, row: u64, value: &str) {
        if self.count == 0 {
            (self.row, self.value) = (row, excerpt(value));
        }
        self.count += 1;
    }
}

/// Reads all records of a table and tells what they hold.
///
/// Fails when a file cannot be read; records that cannot are counted.
pub fn profile(table: &Table) -> Result<Profile, Error> {
    let mut table = table.clone();
    table.set_bad_rows(BadRows::Count);
    let mut profile = Profile {
        table: table.name.clone(),
        known: table.known,
        fields: table.fields(),
        columns: table.columns.clone(),
        ..Profile::default()
    };
    let mut batches = table.read_ahead(1);
    for batch in &mut batches {
        profile.add(&batch?);
    }
    profile.rejected = batches.rejected();
    profile.bad = batches.first_rejected().to_vec();
    Ok(profile)
}

impl Profile {
    fn add(&mut self, batch: &RecordBatch) {
        let Some(known) = self.known else {
            self.rows += batch.num_rows() as u64;
            return;
        };
        for info in known.columns.iter().filter(|info| info.json != Json::None || !info.values.is_empty()) {
            if let Some(texts) = batch.column_by_name(info.name) {
                self.add_column(info, texts, batch.column_by_name("AlertType"));
            }
        }
        self.rows += batch.num_rows() as u64;
    }

    fn add_column(&mut self, info: &'static ColumnInfo, texts: &ArrayRef, alert_types: Option<&ArrayRef>) {
        let Some(texts) = texts.as_string_view_opt() else { return };
        let alert_types = alert_types.and_then(|types| types.as_string_view_opt());
        for row in (0..texts.len()).filter(|row| texts.is_valid(*row) && !texts.value(*row).is_empty()) {
            let (number, text) = (self.rows + row as u64 + 1, texts.value(row));
            if info.json == Json::None {
                let values = self.values.entry(info.name).or_default();
                let full = values.len() >= KINDS;
                match values.get_mut(text) {
                    Some(seen) => seen.add(number, text),
                    None if full => self.cut = true,
                    // What is longer than any value should be is told by its beginning.
                    None => values.entry(excerpt(text)).or_default().add(number, text),
                }
                continue;
            }
            match (info.json, serde_json::from_str(text)) {
                (Json::Array, Ok(Value::Array(list))) if info.name == "Entities" => self.add_entities(number, &list),
                (Json::Object, Ok(Value::Object(bag))) if info.name == "ExtendedProperties" => {
                    self.add_properties(alert_types.map_or("", |types| types.value(row)), &bag);
                }
                (Json::Array, Ok(Value::Array(list))) => list.iter().for_each(|item| self.add_keys(info.name, item)),
                (Json::Object, Ok(bag @ Value::Object(_))) => self.add_keys(info.name, &bag),
                _ => self.invalid.entry(info.name).or_default().add(number, text),
            }
        }
    }

    fn add_properties(&mut self, alert_type: &str, bag: &Map<String, Value>) {
        if self.properties.len() >= KINDS && !self.properties.contains_key(alert_type) {
            self.cut = true;
            return;
        }
        let keys = self.properties.entry(alert_type.to_string()).or_default();
        for key in bag.keys() {
            self.cut |= !count(keys, key);
        }
    }

    fn add_keys(&mut self, column: &'static str, value: &Value) {
        let Value::Object(bag) = value else { return };
        let keys = self.keys.entry(column).or_default();
        for key in bag.keys() {
            self.cut |= !count(keys, key);
        }
    }

    fn add_entities(&mut self, row: u64, list: &[Value]) {
        let (mut ids, mut references) = (HashSet::new(), Vec::new());
        for entity in list {
            match entity {
                Value::Object(bag) if !bag.contains_key("$ref") && text(bag, "Type").is_none() => {
                    self.untyped.add(row, &entity.to_string());
                }
                Value::Object(_) => {}
                other => self.untyped.add(row, &other.to_string()),
            }
        }
        // The parser has a limit to depth; the walk keeps its own stack nevertheless.
        let mut open: Vec<&Value> = list.iter().collect();
        while let Some(value) = open.pop() {
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(bag) => {
                    open.extend(bag.values());
                    ids.extend(text(bag, "$id"));
                    references.extend(text(bag, "$ref"));
                    self.add_entity(row, value, bag);
                }
                _ => {}
            }
        }
        for reference in references.into_iter().filter(|reference| !ids.contains(reference)) {
            self.dangling.add(row, reference);
        }
    }

    fn add_entity(&mut self, row: u64, value: &Value, bag: &Map<String, Value>) {
        let Some(name) = text(bag, "Type") else { return };
        if self.entities.len() >= KINDS && !self.entities.contains_key(name) {
            self.cut = true;
            return;
        }
        let entity = self.entities.entry(name.to_string()).or_default();
        match entity.seen.count {
            0 => entity.seen.add(row, &value.to_string()),
            _ => entity.seen.count += 1,
        }
        for key in bag.keys() {
            self.cut |= !count(&mut entity.fields, key);
        }
    }
}

/// Counts one more of a kind; false where there are too many kinds.
fn count(kinds: &mut BTreeMap<String, u64>, kind: &str) -> bool {
    let full = kinds.len() >= KINDS;
    match kinds.get_mut(kind) {
        Some(count) => *count += 1,
        None if full => return false,
        None => *kinds.entry(kind.to_string()).or_default() += 1,
    }
    true
}

/// Returns the text of a field: REST writes `type` where the table has `Type`.
fn text<'a>(bag: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let exact = bag.get(name);
    exact.or_else(|| bag.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &str) -> Profile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, lines).unwrap();
        let tables = super::super::open(&path.to_string_lossy(), &super::super::Options::default()).unwrap();
        profile(&tables[0]).unwrap()
    }

    fn line(entities: &str) -> String {
        format!("{{\"Type\":\"SecurityAlert\",\"AlertType\":\"T\",\"Entities\":{entities}}}\n")
    }

    #[test]
    fn entities_are_counted_wherever_they_lie() {
        let list = r#"[{"$id":"2","Type":"process","ImageFile":{"$id":"3","Type":"file","Name":"x"}},{"$ref":"3"},
            {"$id":"4","type":"host","Parts":[{"$ref":"9"}]},{"Address":"::1"},7]"#
            .replace('\n', "");
        let profile = of(&[line("[]"), line(&list)].concat());
        assert_eq!(profile.entities.keys().collect::<Vec<_>>(), ["file", "host", "process"]);
        assert_eq!(profile.entities["file"].fields.keys().collect::<Vec<_>>(), ["$id", "Name", "Type"]);
        assert_eq!(profile.dangling, Seen { count: 1, row: 2, value: "9".into() });
        assert_eq!((profile.untyped.count, profile.untyped.row), (2, 2));
    }

    #[test]
    fn json_of_another_kind_is_invalid() {
        let profile = of(&[line("\"[]\""), line("\"{}\""), line("\"[\""), line("\"\"")].concat());
        assert_eq!(profile.invalid["Entities"], Seen { count: 2, row: 2, value: "{}".into() });
        assert_eq!(profile.rows, 4);
    }

    #[test]
    fn values_and_properties_are_counted() {
        let record = |severity: &str, bag: &str| {
            format!(
                "{{\"Type\":\"SecurityAlert\",\"AlertSeverity\":\"{severity}\",\"AlertType\":\"T\",\"ExtendedProperties\":{bag}}}\n"
            )
        };
        let profile = of(&[record("High", r#"{"a":1}"#), record("high", r#"{"a":1,"b":2}"#)].concat());
        assert_eq!(profile.values["AlertSeverity"].keys().collect::<Vec<_>>(), ["High", "high"]);
        assert_eq!(
            profile.properties["T"].iter().map(|(k, n)| (k.as_str(), *n)).collect::<Vec<_>>(),
            [("a", 2), ("b", 1)]
        );
    }
    #[test]
    fn keys_of_an_incidents_objects_are_counted() {
        let lines = concat!(
            r#"{"Type":"SecurityIncident","IncidentNumber":1,"Owner":{"email":"a","objectId":null},"Labels":[{"labelName":"x"},{"labelName":"y","labelType":"User"}]}"#,
            "\n",
            r#"{"Type":"SecurityIncident","IncidentNumber":1,"Owner":"nobody","Labels":[]}"#,
            "\n"
        );
        let profile = of(lines);
        let keys = |column: &str| profile.keys[column].iter().map(|(key, n)| (key.as_str(), *n)).collect::<Vec<_>>();
        assert_eq!(keys("Owner"), [("email", 1), ("objectId", 1)]);
        assert_eq!(keys("Labels"), [("labelName", 2), ("labelType", 1)]);
        assert_eq!(profile.invalid["Owner"].count, 1);
    }
}
