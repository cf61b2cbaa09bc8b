//! Alerts of the Defender for Cloud REST API: `{"value":[{"id","name","type","properties":{...}}]}`.
//!
//! Each becomes a row of SecurityAlert as the connector would write it. The API's id of the alert, `<ticks>_<guid>`, is
//! VendorOriginalId in the table (observed); the connector makes a GUID of its own for SystemAlertId, which is not
//! known here, so SystemAlertId repeats the API's id. `Active` is `New` in the table (inferred from the two lists of
//! states). What has no column keeps its name, with a capital, as a column behind the table's own: `CorrelationKey`,
//! `SupportingEvidence`, `ResourceIdentifiers`, `Id` ...

use serde_json::{Map, Value};

use super::records::Fields;

/// Tells whether a record is one of these.
pub(super) fn fits(record: &Value) -> bool {
    record.get("properties").is_some_and(|properties| properties.get("alertDisplayName").is_some())
}

/// The field of the API and the table's column, where they are one to one.
const NAMES: &[(&str, &str)] = &[
    ("alertDisplayName", "DisplayName"),
    ("severity", "AlertSeverity"),
    ("startTimeUtc", "StartTime"),
    ("endTimeUtc", "EndTime"),
    ("processingEndTimeUtc", "ProcessingEndTime"),
    ("timeGeneratedUtc", "TimeGenerated"),
    ("systemAlertId", "VendorOriginalId"),
    ("intent", "Tactics"),
    ("alertUri", "AlertLink"),
];

/// Puts the fields of an alert under the table's columns.
pub(super) fn map(record: Value) -> Result<Fields, String> {
    let Value::Object(mut outer) = record else { return Err("an alert is a JSON object, and this is none".into()) };
    let Some(Value::Object(mut properties)) = outer.remove("properties") else {
        return Err("`properties` is missing: no alert of the Defender for Cloud API".into());
    };
    outer.remove("type");
    let name = outer.remove("name");
    if let (Some(name), false) = (name, properties.contains_key("systemAlertId")) {
        properties.insert("systemAlertId".into(), name);
    }
    let mut fields = Fields::new();
    constants(&mut fields, &mut properties, &["alertDisplayName", "systemAlertId", "productName", "status"]);
    for (key, value) in properties.into_iter().chain(outer) {
        let column = NAMES.iter().find(|(other, _)| *other == key);
        fields.push((column.map_or_else(|| capital(&key), |(_, column)| column.to_string()), value));
    }
    Ok(fields)
}

/// Adds what follows from other fields: `keys` names title, id, product and status in the export at hand.
pub(super) fn constants(fields: &mut Fields, alert: &mut Map<String, Value>, keys: &[&str; 4]) {
    let [title, id, product, status] = keys.map(|key| alert.get(key).cloned().unwrap_or_default());
    let mut add = |name: &str, value: Value| fields.push((name.to_string(), value));
    add("AlertName", title);
    add("SystemAlertId", id);
    add("ProviderName", "Azure Security Center".into());
    add("SourceSystem", "Detection".into());
    add("Type", "SecurityAlert".into());
    // The product was renamed, the table's constant was not (observed in both).
    if product == "Microsoft Defender for Cloud" {
        alert.insert(keys[2].into(), "Azure Security Center".into());
    }
    if status == "Active" {
        alert.insert(keys[3].into(), "New".into());
    }
    for identifier in identifiers(alert) {
        let mut take = |key: &str, column: &str| {
            if let Some(value) = identifier.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
                add(column, value.1.clone());
            }
        };
        match kind(&identifier).as_str() {
            "azureresource" => take("azureResourceId", "ResourceId"),
            "loganalytics" => {
                take("workspaceSubscriptionId", "WorkspaceSubscriptionId");
                take("workspaceResourceGroup", "WorkspaceResourceGroup");
                take("agentId", "SourceComputerId");
            }
            _ => {}
        }
    }
    // The first of a kind counts.
    let mut seen = std::collections::HashSet::new();
    fields.retain(|(name, _)| seen.insert(name.clone()));
}

fn identifiers(alert: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let list = alert.iter().find(|(key, _)| key.eq_ignore_ascii_case("resourceIdentifiers"));
    let list = list.and_then(|(_, list)| list.as_array()).into_iter().flatten();
    list.filter_map(|identifier| identifier.as_object().cloned()).collect()
}

fn kind(identifier: &Map<String, Value>) -> String {
    let kind = identifier.iter().find(|(key, _)| key.eq_ignore_ascii_case("type"));
    kind.and_then(|(_, kind)| kind.as_str()).unwrap_or_default().to_lowercase()
}

/// Writes a name with a capital first letter, as the tables have it.
pub(super) fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
