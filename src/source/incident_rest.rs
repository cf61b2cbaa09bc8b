//! Incidents of Sentinel's REST API: `{"value":[{"id","name","etag","properties":{...}}]}`.
//!
//! Each becomes a row of SecurityIncident. The API tells one present state, so TimeGenerated is its last change. Rules
//! are bare GUIDs in the table and full paths in the API (observed): the last part of the path is kept. The API does
//! not list alerts; where a tool has joined them as `Alerts`, their ids become AlertIds. Records that were flattened to
//! `properties.title` and so on, as data frames are, are read as well. What has no column keeps its name, with a
//! capital, as a column behind the table's own: `Id`, `Etag`, `Alerts` ...

use serde_json::{Map, Value};

use super::defender_rest::capital;
use super::records::Fields;

/// Tells whether a record is one of these.
pub(super) fn fits(record: &Value) -> bool {
    let nested = record.get("properties").is_some_and(|properties| properties.get("incidentNumber").is_some());
    nested || record.get("properties.incidentNumber").is_some()
}

const NAMES: &[(&str, &str)] = &[
    ("firstActivityTimeUtc", "FirstActivityTime"),
    ("lastActivityTimeUtc", "LastActivityTime"),
    ("lastModifiedTimeUtc", "LastModifiedTime"),
    ("createdTimeUtc", "CreatedTime"),
];

/// Puts the fields of an incident under the table's columns.
pub(super) fn map(record: Value) -> Result<Fields, String> {
    let Value::Object(outer) = record else { return Err("an incident is a JSON object, and this is none".into()) };
    let mut outer = nested(outer);
    let Some(Value::Object(properties)) = outer.remove("properties") else {
        return Err("`properties` is missing: no incident of Sentinel's API".into());
    };
    let modified = properties.get("lastModifiedTimeUtc").or_else(|| properties.get("createdTimeUtc"));
    let mut fields: Fields = vec![
        ("TimeGenerated".into(), modified.cloned().unwrap_or_default()),
        ("IncidentName".into(), outer.remove("name").unwrap_or_default()),
        ("SourceSystem".into(), "Azure".into()),
        ("Type".into(), "SecurityIncident".into()),
    ];
    outer.remove("type");
    if let Some(ids) = outer.get("Alerts").and_then(alert_ids) {
        fields.push(("AlertIds".into(), ids));
    }
    for (key, value) in properties {
        let name = NAMES.iter().find(|(other, _)| *other == key);
        let name = name.map_or_else(|| capital(&key), |(_, column)| column.to_string());
        fields.push((name, if key == "relatedAnalyticRuleIds" { last_parts(value) } else { value }));
    }
    fields.extend(outer.into_iter().map(|(key, value)| (capital(&key), value)));
    Ok(fields)
}

/// Takes `{"properties.a.b":1}` apart into `{"properties":{"a":{"b":1}}}`.
fn nested(flat: Map<String, Value>) -> Map<String, Value> {
    let mut root = Map::new();
    for (key, value) in flat {
        let parts: Vec<&str> = if key.starts_with("properties.") { key.splitn(4, '.').collect() } else { vec![&key] };
        insert(&mut root, &parts, value);
    }
    root
}

fn insert(object: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            object.insert(last.to_string(), value);
        }
        [first, rest @ ..] => {
            let inner = object.entry(*first).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn last_parts(ids: Value) -> Value {
    let last = |id: Value| match id {
        Value::String(id) => Value::from(id.rsplit('/').next().unwrap_or_default()),
        other => other,
    };
    match ids {
        Value::Array(ids) => ids.into_iter().map(last).collect(),
        other => other,
    }
}

fn alert_ids(alerts: &Value) -> Option<Value> {
    let ids = alerts.as_array()?.iter().filter_map(|alert| alert.get("ID").or_else(|| alert.get("id")).cloned());
    Some(ids.collect())
}
