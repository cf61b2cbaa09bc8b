//! A rule in the YAML of the Azure-Sentinel repository.

use serde_json::{Map, Value as Json};

use super::json;
use crate::rules::document::{Entry, Node, Value};
use crate::rules::form::key::{self, Key, Shape};
use crate::rules::model::{Duration, Form, Kind, Rule, TriggerOperator};

/// Keys in the order that the repository's files have; others follow as they come.
const ORDER: [&str; 21] = [
    "name",
    "description",
    "description-detailed",
    "severity",
    "status",
    "requiredDataConnectors",
    "queryFrequency",
    "queryPeriod",
    "triggerOperator",
    "triggerThreshold",
    "tactics",
    "relevantTechniques",
    "query",
    "entityMappings",
    "customDetails",
    "alertDetailsOverride",
    "eventGroupingSettings",
    "incidentConfiguration",
    "suppressionDuration",
    "suppressionEnabled",
    "version",
];

/// Writes a rule.
pub fn write(rule: &Rule) -> String {
    let mut written = Map::new();
    if let Some(id) = &rule.id {
        written.insert("id".into(), Json::String(id.value.clone()));
    }
    let mut body = entries(rule.document.entries(), &key::keys(rule.kind()));
    for name in ORDER {
        if let Some(value) = body.shift_remove(name) {
            written.insert(name.into(), value);
        }
        if name == "description-detailed" && rule.kind() != Kind::Hunting {
            written.insert("kind".into(), Json::String(rule.kind().word().into()));
        }
    }
    written.extend(body);
    // The repository's files indent the items of lists.
    let options = serde_saphyr::ser_options! { compact_list_indent: false };
    // Values that come from text cannot fail to be written.
    serde_saphyr::to_string_with_options(&written, options).unwrap_or_default()
}

/// Ends lines as YAML's blocks do. The portal writes queries with other ends, which mean the same wherever no literal
/// goes over several lines.
fn in_lines(query: &str) -> String {
    let literal = ["```", "@\"", "@'"].iter().any(|mark| query.contains(mark));
    if literal { query.to_string() } else { query.replace("\r\n", "\n") }
}

fn entries(entries: &[Entry], keys: &[Key]) -> Map<String, Json> {
    let entry = |entry: &Entry| match keys.iter().find(|key| key.name == entry.key.value) {
        Some(key) => {
            let name = key.spellings(Form::Yaml).first().copied().unwrap_or(key.name);
            (name.to_string(), value(&entry.value, key))
        }
        None => (entry.key.value.clone(), json(&entry.value)),
    };
    entries.iter().map(entry).collect()
}

fn value(node: &Node, key: &Key) -> Json {
    let text = node.as_text().unwrap_or_default();
    match key.shape {
        Shape::Duration => match Duration::read(text) {
            Some(duration) => Json::String(duration.short()),
            None => json(node),
        },
        Shape::Word(_) if key.name == "triggerOperator" => match TriggerOperator::read(text) {
            Some(operator) => Json::String(operator.short().into()),
            None => json(node),
        },
        Shape::Group(keys) => Json::Object(entries(node.entries(), keys)),
        Shape::Groups(keys) => {
            Json::Array(node.items().iter().map(|item| Json::Object(entries(item.entries(), keys))).collect())
        }
        // A version of two numbers would be read as one number.
        Shape::Text => match &node.value {
            Value::Number(text) => Json::String(text.clone()),
            Value::Text(text) if key.name == "query" => Json::String(in_lines(text)),
            _ => json(node),
        },
        _ => json(node),
    }
}
