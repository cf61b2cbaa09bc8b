//! Which alerts of a scheduled rule go into one incident.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::entity::{Identity, entities};
use crate::rules::assume::Assumptions;
use crate::rules::row::Alert;

/// What a rule says of its incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether its alerts make incidents at all.
    pub create: bool,
    /// None where each alert makes an incident of its own.
    pub grouping: Option<Grouping>,
}

impl Default for Settings {
    /// What holds where a rule says nothing (documented).
    fn default() -> Settings {
        Settings { create: true, grouping: None }
    }
}

/// How alerts are put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// How long after its first alert an incident takes further ones, in ticks.
    pub lookback: i64,
    /// Whether it takes them when it is closed.
    pub reopen: bool,
    pub matching: Matching,
}

/// What alerts of one incident have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matching {
    /// All their entities.
    AllEntities,
    /// The rule alone.
    AnyAlert,
    /// What is named here.
    Selected {
        /// Types of entities, as rules spell them.
        entities: Vec<String>,
        /// `DisplayName`, `Severity`.
        details: Vec<String>,
        /// Keys of custom details.
        custom: Vec<String>,
    },
}

/// What alerts must have alike to go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    entities: Vec<Identity>,
    details: Vec<String>,
    custom: BTreeMap<String, Vec<String>>,
}

impl Matching {
    /// Returns what an alert is grouped by; None where it goes with no other.
    pub(super) fn key(&self, alert: &Alert, assumptions: &Assumptions) -> Option<Key> {
        let mut key = Key { entities: Vec::new(), details: Vec::new(), custom: BTreeMap::new() };
        match self {
            Matching::AnyAlert => {}
            Matching::AllEntities => {
                key.entities = entities(&alert.entities);
                if key.entities.is_empty() && !assumptions.nothing_equals_nothing {
                    return None;
                }
            }
            Matching::Selected { entities: kinds, details, custom } => {
                let wanted: Vec<String> = kinds.iter().map(|kind| type_of(kind)).collect();
                key.entities = entities(&alert.entities);
                key.entities.retain(|entity| wanted.contains(&entity.kind));
                let detail = |name: &String| match name.as_str() {
                    "DisplayName" => alert.name.clone(),
                    _ => alert.severity.clone(),
                };
                key.details = details.iter().map(detail).collect();
                key.custom = custom_details(alert);
                key.custom.retain(|name, _| custom.contains(name));
            }
        }
        Some(key)
    }
}

/// Returns the type that the entities of an alert have, for the name that a rule's mapping has.
pub fn type_of(mapped: &str) -> String {
    match mapped {
        "CloudApplication" => "cloud-application".to_string(),
        "AzureResource" => "azure-resource".to_string(),
        "RegistryKey" => "registry-key".to_string(),
        "RegistryValue" => "registry-value".to_string(),
        "SecurityGroup" => "security-group".to_string(),
        "MailCluster" => "mail-cluster".to_string(),
        "MailMessage" => "mail-message".to_string(),
        other => other.to_lowercase(),
    }
}

/// Returns the custom details of an alert: JSON in a text, within the JSON of ExtendedProperties.
pub fn custom_details(alert: &Alert) -> BTreeMap<String, Vec<String>> {
    let outer: Json = serde_json::from_str(&alert.extended_properties).unwrap_or_default();
    let inner = outer["Custom Details"].as_str().and_then(|text| serde_json::from_str::<Json>(text).ok());
    let Some(Json::Object(bag)) = inner else { return BTreeMap::new() };
    let values = |value: Json| match value {
        Json::Array(items) => {
            let mut texts: Vec<String> = items.iter().map(text).collect();
            texts.sort();
            texts
        }
        other => vec![text(&other)],
    };
    bag.into_iter().map(|(key, value)| (key, values(value))).collect()
}

fn text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_string)
}
