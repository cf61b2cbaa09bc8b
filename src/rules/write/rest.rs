//! Rules as an answer of the REST API that lists them, and as its requests take each.

use serde_json::{Map, Value as Json, json};

use super::{json, metadata};
use crate::rules::model::{Form, Rule};

const TYPE: &str = "Microsoft.SecurityInsights/alertRules";

/// Writes rules as one list, the form in which `alertRules` are listed.
pub fn write(rules: &[&Rule]) -> String {
    let answer = json!({"value": rules.iter().map(|rule| resource(rule)).collect::<Vec<_>>()});
    // Values that come from text cannot fail to be written.
    serde_json::to_string_pretty(&answer).unwrap_or_default() + "\n"
}

fn resource(rule: &Rule) -> Json {
    let mut resource = Map::new();
    // What an answer says of where the rule is, and of which version; of other files nobody knows it.
    if rule.form == Form::Rest {
        let own = rule.envelope.iter().filter(|entry| matches!(entry.key.value.as_str(), "id" | "etag"));
        resource.extend(own.map(|entry| (entry.key.value.clone(), json(&entry.value))));
    }
    if let Some(id) = &rule.id {
        resource.insert("name".into(), json!(id.value));
    }
    resource.insert("type".into(), json!(TYPE));
    resource.insert("kind".into(), json!(rule.kind().word()));
    let (metadata, properties) = metadata(rule);
    resource.extend(metadata.map(|metadata| ("metadata".to_string(), metadata)));
    let properties: Map<_, _> =
        properties.into_iter().map(|entry| (entry.key.value.clone(), json(&entry.value))).collect();
    resource.insert("properties".into(), Json::Object(properties));
    Json::Object(resource)
}
