//! Alerts as Defender for Cloud's continuous export sends them to an Event Hub: the API's fields with capitals, real
//! arrays and objects, entities with `$id` and `$ref`.
//!
//! They become rows of SecurityAlert as those of [`super::defender_rest`] do; most names are aliases that the table
//! knows. What has no column stays a column behind the table's own: `ResourceIdentifiers`, `CorrelationKey`,
//! `ProviderAlertStatus`, `WorkspaceId` ...

use serde_json::Value;

use crate::catalog::tables::TableInfo;

use super::defender_rest::constants;
use super::records::Fields;

/// Tells whether a record is one of these, and no row of the table with older names.
pub(super) fn fits(record: &Value) -> bool {
    let has = |key: &str| record.get(key).is_some();
    has("AlertDisplayName") && !has("AlertName") && (has("AlertUri") || has("ResourceIdentifiers") || has("Intent"))
}

/// Puts the fields of an alert under the table's columns.
pub(super) fn map(record: Value) -> Result<Fields, String> {
    let Value::Object(mut alert) = record else { return Err("an alert is a JSON object, and this is none".into()) };
    if let (None, Some(id)) = (alert.get("VendorOriginalId"), alert.get("SystemAlertId").cloned()) {
        alert.entry("ProviderAlertId").or_insert(id);
    }
    let mut fields = Fields::new();
    constants(&mut fields, &mut alert, &["AlertDisplayName", "SystemAlertId", "ProductName", "Status"]);
    let aliases = TableInfo::find("SecurityAlert").map_or(&[][..], |table| table.aliases);
    // The alert's own fields win over what was taken out of its resource identifiers.
    let own = |name: &str| {
        let alias = aliases.iter().find(|(_, column)| *column == name);
        let filled = |key: &str| alert.get(key).is_some_and(|value| !value.is_null() && value != "");
        alert.contains_key(name) || alias.is_some_and(|(alias, _)| filled(alias))
    };
    fields.retain(|(name, _)| !own(name));
    let taken: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
    for (key, value) in alert {
        let alias = aliases.iter().find(|(other, _)| *other == key);
        let column = alias.map_or(key, |(_, column)| column.to_string());
        if !taken.contains(&column) {
            fields.push((column, value));
        }
    }
    Ok(fields)
}
