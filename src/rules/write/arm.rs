//! Rules as a template of Azure Resource Manager, as the portal exports and imports them.

use serde_json::{Map, Value as Json, json};

use super::{json, metadata};
use crate::rules::document::{Node, Value};
use crate::rules::model::{Kind, Rule};

const TYPE: &str = "Microsoft.OperationalInsights/workspaces/providers/alertRules";

/// Writes rules as one template, which asks for the name of the workspace.
pub fn write(rules: &[&Rule]) -> String {
    let resources: Vec<Json> = rules.iter().map(|rule| resource(rule)).collect();
    let mut names = vec!["workspace".to_string()];
    for rule in rules {
        parameters(&rule.document, &mut names);
        rule.envelope.iter().for_each(|entry| parameters(&entry.value, &mut names));
    }
    let declared: Map<String, Json> = names.into_iter().map(|name| (name, json!({"type": "string"}))).collect();
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": declared,
        "resources": resources,
    });
    // Values that come from text cannot fail to be written.
    serde_json::to_string_pretty(&template).unwrap_or_default() + "\n"
}

fn resource(rule: &Rule) -> Json {
    let id = rule.id.as_ref().map(|id| id.value.replace('\'', "''"));
    let id = match &id {
        Some(id) => format!("'/Microsoft.SecurityInsights/{id}'"),
        None => "'/Microsoft.SecurityInsights/', newGuid()".to_string(),
    };
    let mut resource = Map::new();
    resource.insert("type".into(), json!(TYPE));
    resource.insert("name".into(), json!(format!("[concat(parameters('workspace'), {id})]")));
    resource.insert("kind".into(), json!(rule.kind().word()));
    resource.insert("apiVersion".into(), json!(api_version(rule.kind())));
    let kept = rule
        .envelope
        .iter()
        .filter(|entry| !matches!(entry.key.value.as_str(), "type" | "name" | "id" | "etag" | "copy" | "metadata"));
    for entry in kept {
        resource.insert(entry.key.value.clone(), json(&entry.value));
    }
    let (metadata, properties) = metadata(rule);
    resource.extend(metadata.map(|metadata| ("metadata".to_string(), metadata)));
    let properties = properties.into_iter().map(|entry| (entry.key.value.clone(), escaped(&entry.value)));
    resource.insert("properties".into(), Json::Object(properties.collect()));
    Json::Object(resource)
}

/// Kinds that only previews of the API have need one of these.
const fn api_version(kind: Kind) -> &'static str {
    match kind {
        Kind::Scheduled | Kind::Fusion | Kind::IncidentCreation => "2025-09-01",
        _ => "2025-07-01-preview",
    }
}

/// Returns a value as JSON; a text that would be taken for an expression begins with two brackets.
fn escaped(node: &Node) -> Json {
    match &node.value {
        Value::Text(text) if text.starts_with('[') => Json::String(format!("[{text}")),
        Value::List(items) => Json::Array(items.iter().map(escaped).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.value.clone(), escaped(&entry.value))).collect())
        }
        _ => json(node),
    }
}

/// Gathers the parameters that expressions ask for.
fn parameters(node: &Node, names: &mut Vec<String>) {
    match &node.value {
        Value::Expression(text) | Value::Text(text) if text.starts_with('[') => {
            for part in text.split("parameters('").skip(1) {
                let name = part.split('\'').next().unwrap_or_default().to_string();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        _ => {
            node.items().iter().for_each(|item| parameters(item, names));
            node.entries().iter().for_each(|entry| parameters(&entry.value, names));
        }
    }
}
