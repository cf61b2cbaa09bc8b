//! Alerts of Microsoft Graph, `security/alerts_v2`: `{"value":[...],"@odata.nextLink":...}`.
//!
//! Each becomes a row of SecurityAlert. The API tells one present state, so TimeGenerated is its last update. The
//! product names are the table's constants for the services (documented for the connectors). `evidence` goes to
//! Entities in Graph's own shape, `additionalData` to ExtendedProperties. What has no column keeps its name, with a
//! capital, as a column behind the table's own: `IncidentId`, `Classification`, `DetectionSource`, `CustomDetails` ...;
//! `tenantId` is the Entra tenant and not the workspace, so its column is `EntraTenantId`.

use serde_json::Value;

use super::defender_rest::capital;
use super::records::Fields;

/// Tells whether a record is one of these.
pub(super) fn fits(record: &Value) -> bool {
    let has = |key: &str| record.get(key).is_some();
    has("serviceSource") && has("title") && (has("createdDateTime") || has("evidence"))
}

const NAMES: &[(&str, &str)] = &[
    ("title", "DisplayName"),
    ("severity", "AlertSeverity"),
    ("id", "SystemAlertId"),
    ("providerAlertId", "VendorOriginalId"),
    ("createdDateTime", "ProcessingEndTime"),
    ("firstActivityDateTime", "StartTime"),
    ("lastActivityDateTime", "EndTime"),
    ("recommendedActions", "RemediationSteps"),
    ("category", "Tactics"),
    ("alertWebUrl", "AlertLink"),
    ("evidence", "Entities"),
    ("additionalData", "ExtendedProperties"),
    ("serviceSource", "ProductName"),
    ("detectorId", "AlertType"),
    ("tenantId", "EntraTenantId"),
    ("lastUpdateDateTime", "LastUpdateDateTime"),
];

const PRODUCTS: &[(&str, &str)] = &[
    ("microsoftDefenderForCloud", "Azure Security Center"),
    ("microsoftDefenderForEndpoint", "Microsoft Defender Advanced Threat Protection"),
    ("microsoftDefenderForIdentity", "Azure Advanced Threat Protection"),
    ("microsoftCloudAppSecurity", "Microsoft Cloud App Security"),
    ("microsoftDefenderForOffice365", "Office 365 Advanced Threat Protection"),
    ("azureAdIdentityProtection", "Azure Active Directory Identity Protection"),
    ("microsoftSentinel", "Azure Sentinel"),
];

/// Puts the fields of an alert under the table's columns.
pub(super) fn map(record: Value) -> Result<Fields, String> {
    let Value::Object(alert) = record else { return Err("an alert is a JSON object, and this is none".into()) };
    if !alert.contains_key("title") {
        return Err("`title` is missing: no alert of Microsoft Graph".into());
    }
    let get = |key: &str| alert.get(key).filter(|value| !value.is_null()).cloned();
    let mut fields: Fields = vec![
        ("TimeGenerated".into(), get("lastUpdateDateTime").or_else(|| get("createdDateTime")).unwrap_or_default()),
        ("AlertName".into(), get("title").unwrap_or_default()),
        ("VendorName".into(), "Microsoft".into()),
        ("SourceSystem".into(), "Detection".into()),
        ("Type".into(), "SecurityAlert".into()),
    ];
    for (key, value) in alert {
        let name = NAMES.iter().find(|(other, _)| *other == key);
        let name = name.map_or_else(|| capital(&key), |(_, column)| column.to_string());
        match (key.as_str(), value) {
            ("mitreTechniques", Value::Array(ids)) => fields.extend(techniques(ids)),
            ("serviceSource", Value::String(service)) => {
                let product = PRODUCTS.iter().find(|(other, _)| *other == service);
                fields.push((name, product.map_or(service.as_str(), |(_, product)| product).into()));
            }
            ("severity" | "status", Value::String(word)) => fields.push((name, capital(&word).into())),
            (_, value) => fields.push((name, value)),
        }
    }
    Ok(fields)
}

/// Sub-techniques have a dot, `T1059.001`, and a column of their own.
fn techniques(ids: Vec<Value>) -> [(String, Value); 2] {
    let (sub, main) = ids.into_iter().partition(|id| id.as_str().is_some_and(|id| id.contains('.')));
    [("Techniques".to_string(), Value::Array(main)), ("SubTechniques".to_string(), Value::Array(sub))]
}
