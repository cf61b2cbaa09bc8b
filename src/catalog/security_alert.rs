//! `SecurityAlert`: one row for each version of an alert.
//!
//! Order and types as the query API returns them. `TenantId` and `SourceSystem` are absent from the published
//! reference and present in every real result (observed).

use crate::types::ScalarType::{Bool, DateTime, Real, String};

use super::tables::{ColumnInfo, Json, TableInfo};

/// The table `SecurityAlert`.
pub const SECURITY_ALERT: TableInfo = TableInfo {
    name: "SecurityAlert",
    meaning: "Alerts that analytics rules and connected security products raised. A change of status is a further row \
              with the same SystemAlertId and a later TimeGenerated.",
    columns: COLUMNS,
    aliases: ALIASES,
    telling: &[
        "SystemAlertId",
        "VendorOriginalId",
        "AlertName",
        "AlertSeverity",
        "AlertType",
        "AlertLink",
        "CompromisedEntity",
        "ConfidenceScore",
        "ExtendedProperties",
        "ProductComponentName",
    ],
};

/// Names in the Defender for Cloud export and in older pulls of the table (observed in both).
const ALIASES: &[(&str, &str)] = &[
    ("AlertDisplayName", "DisplayName"),
    ("Severity", "AlertSeverity"),
    ("StartTimeUtc", "StartTime"),
    ("EndTimeUtc", "EndTime"),
    ("ProcessingEndTimeUtc", "ProcessingEndTime"),
    ("TimeGeneratedUtc", "TimeGenerated"),
    ("ProviderAlertId", "VendorOriginalId"),
    ("AlertUri", "AlertLink"),
    ("Intent", "Tactics"),
    ("AzureResourceId", "ResourceId"),
    ("AgentId", "SourceComputerId"),
];

const COLUMNS: &[ColumnInfo] = &[
    ColumnInfo::shown("TenantId", String, "The Log Analytics workspace, as a GUID; not the Entra tenant."),
    ColumnInfo::shown(
        "TimeGenerated",
        DateTime,
        "When this version of the alert was recorded, in UTC; time filters apply to it.",
    ),
    ColumnInfo::shown("DisplayName", String, "The title; the same text as AlertName."),
    ColumnInfo::shown(
        "AlertName",
        String,
        "The title: a rule's name (or its override), or the product's title of the detection.",
    ),
    ColumnInfo::shown("AlertSeverity", String, "Informational, Low, Medium or High.").one_of(&[
        "Informational",
        "Low",
        "Medium",
        "High",
    ]),
    ColumnInfo::shown("Description", String, "What was detected, in prose."),
    ColumnInfo::shown(
        "ProviderName",
        String,
        "The service within the product that raised the alert, such as `ASI Scheduled Alerts` or `MDATP`.",
    ),
    ColumnInfo::shown("VendorName", String, "Who makes the product, nearly always `Microsoft`."),
    ColumnInfo::shown(
        "VendorOriginalId",
        String,
        "The alert's id in its own product; for Defender for Cloud `<ticks>_<guid>`.",
    ),
    ColumnInfo::shown(
        "SystemAlertId",
        String,
        "Sentinel's id of the alert, a GUID; the same in every version, and what SecurityIncident.AlertIds lists.",
    ),
    ColumnInfo::shown(
        "ResourceId",
        String,
        "The Azure resource concerned, in no settled letter case; empty for scheduled rules.",
    ),
    ColumnInfo::shown("SourceComputerId", String, "The agent's id of the machine concerned.").deprecated(),
    ColumnInfo::shown(
        "AlertType",
        String,
        "Which detection fired: `<workspace>_<rule>` as two GUIDs for rules, a name such as `VM_EICAR` for products.",
    ),
    ColumnInfo::shown("ConfidenceLevel", String, "How sure the product is, in words; often empty or `Unknown`."),
    ColumnInfo::shown("ConfidenceScore", Real, "How sure the product is, from 0 to 1; mostly null."),
    ColumnInfo::shown(
        "IsIncident",
        Bool,
        "Whether the product calls the alert an incident of its own. Always false in Sentinel.",
    )
    .deprecated(),
    ColumnInfo::shown("StartTime", DateTime, "The first event that the alert is about."),
    ColumnInfo::shown("EndTime", DateTime, "The last event that the alert is about."),
    ColumnInfo::shown("ProcessingEndTime", DateTime, "When the product had finished the alert."),
    ColumnInfo::shown(
        "RemediationSteps",
        String,
        "What to do: JSON text of an array of strings, sometimes plain text, empty for rules.",
    ),
    ColumnInfo::shown(
        "ExtendedProperties",
        String,
        "JSON text of an object: what the product adds, the rule's query and window, custom details.",
    )
    .json(Json::Object),
    ColumnInfo::shown(
        "Entities",
        String,
        "JSON text of an array: accounts, hosts, addresses and so on, linked by `$id` and `$ref`.",
    )
    .json(Json::Array),
    ColumnInfo::shown("SourceSystem", String, "Always `Detection`.").deprecated(),
    ColumnInfo::shown("WorkspaceSubscriptionId", String, "The subscription of the workspace.").deprecated(),
    ColumnInfo::shown("WorkspaceResourceGroup", String, "The resource group of the workspace.").deprecated(),
    ColumnInfo::shown("ExtendedLinks", String, "JSON text of an array of links, each with a label and a category.")
        .json(Json::Array),
    ColumnInfo::shown(
        "ProductName",
        String,
        "The product that raised the alert, such as `Azure Security Center` or `Azure Sentinel`.",
    ),
    ColumnInfo::shown(
        "ProductComponentName",
        String,
        "The part of the product, such as `Scheduled Alerts` or `VirtualMachines`.",
    ),
    ColumnInfo::shown("AlertLink", String, "Where the product's portal shows the alert."),
    ColumnInfo::shown("Status", String, "New, InProgress, Resolved, Dismissed or Unknown.").one_of(&[
        "New",
        "InProgress",
        "Resolved",
        "Dismissed",
        "Unknown",
    ]),
    ColumnInfo::shown("CompromisedEntity", String, "The name of the machine, account or resource that matters most."),
    ColumnInfo::shown(
        "Tactics",
        String,
        "MITRE ATT&CK tactics, separated by commas; `Unknown` for a rule that names none.",
    ),
    ColumnInfo::shown(
        "Techniques",
        String,
        "MITRE ATT&CK techniques: JSON text of an array of ids, or ids separated by commas.",
    ),
    ColumnInfo::shown(
        "SubTechniques",
        String,
        "MITRE ATT&CK sub-techniques, written as in Techniques; absent from older results.",
    ),
    ColumnInfo::shown("Type", String, "The table's name."),
    ColumnInfo::hidden("_ItemId", String, "The id of this row, a GUID."),
    ColumnInfo::hidden("_TimeReceived", DateTime, "When the ingestion endpoint received the row."),
    ColumnInfo::hidden("_ResourceId", String, "The Azure resource that the row belongs to."),
    ColumnInfo::hidden("_SubscriptionId", String, "The subscription that the row belongs to."),
    ColumnInfo::hidden("_BilledSize", Real, "The size of the row in bytes, as billed."),
    ColumnInfo::hidden("_IsBillable", String, "Whether the row is billed, as text."),
    ColumnInfo::hidden(
        "_Internal_WorkspaceResourceId",
        String,
        "The Azure resource of the workspace; in records of data export only.",
    ),
];
