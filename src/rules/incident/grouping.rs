//! Which alerts of a scheduled rule go into one incident.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::entity::{Identity, entities};
use crate::rules::assume::Assumptions;
use crate::rules::model::{AlertDetail, Grouping, MatchingMethod};
use crate::rules::row::Alert;

/// What alerts must have alike to go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    entities: Vec<Identity>,
    details: Vec<String>,
    custom: BTreeMap<String, Vec<String>>,
}

impl Key {
    /// Returns what an alert is grouped by; None where it goes with no other.
    pub(super) fn of(alert: &Alert, grouping: &Grouping, assumptions: &Assumptions) -> Option<Key> {
        let mut key = Key { entities: Vec::new(), details: Vec::new(), custom: BTreeMap::new() };
        match grouping.matching() {
            MatchingMethod::AnyAlert => {}
            MatchingMethod::AllEntities => {
                key.entities = entities(&alert.entities);
                if key.entities.is_empty() && !assumptions.nothing_equals_nothing {
                    return None;
                }
            }
            MatchingMethod::Selected => {
                let wanted: Vec<String> = grouping.by_entities.iter().map(|kind| type_of(kind.value.word())).collect();
                key.entities = entities(&alert.entities);
                key.entities.retain(|entity| wanted.contains(&entity.kind));
                let detail = |detail: AlertDetail| match detail {
                    AlertDetail::DisplayName => alert.name.clone(),
                    AlertDetail::Severity => alert.severity.clone(),
                };
                key.details = grouping.by_alert_details.iter().map(|named| detail(named.value)).collect();
                key.custom = custom_details(alert);
                key.custom.retain(|name, _| grouping.by_custom_details.iter().any(|named| named.value == *name));
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
