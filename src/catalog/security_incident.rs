//! `SecurityIncident`: one row for each version of an incident.

use crate::types::ScalarType::{DateTime, Dynamic, Int, Real, String};

use super::tables::{ColumnInfo, Json, TableInfo};

/// The table `SecurityIncident`.
pub const SECURITY_INCIDENT: TableInfo = TableInfo {
    name: "SecurityIncident",
    meaning: "Incidents, one row for each creation and change; the latest row of an IncidentNumber is its present \
              state.",
    columns: COLUMNS,
    aliases: &[],
    telling: &[
        "IncidentNumber",
        "IncidentName",
        "AlertIds",
        "RelatedAnalyticRuleIds",
        "ProviderIncidentId",
        "IncidentUrl",
        "BookmarkIds",
        "ClassificationReason",
    ],
};

const COLUMNS: &[ColumnInfo] = &[
    ColumnInfo::shown("TenantId", String, "The Log Analytics workspace, as a GUID."),
    ColumnInfo::shown("TimeGenerated", DateTime, "When this version of the incident was recorded, in UTC."),
    ColumnInfo::shown("IncidentName", String, "The incident's resource name, a GUID."),
    ColumnInfo::shown("Title", String, "The title; the alert's own where a product's alert made the incident."),
    ColumnInfo::shown("Description", String, "What happened, in prose."),
    ColumnInfo::shown("Severity", String, "Informational, Low, Medium or High.").one_of(&[
        "Informational",
        "Low",
        "Medium",
        "High",
    ]),
    ColumnInfo::shown("Status", String, "New, Active or Closed.").one_of(&["New", "Active", "Closed"]),
    ColumnInfo::shown(
        "Classification",
        String,
        "Undetermined, TruePositive, BenignPositive or FalsePositive; empty until it is closed.",
    )
    .one_of(&["Undetermined", "TruePositive", "BenignPositive", "FalsePositive"]),
    ColumnInfo::shown("ClassificationComment", String, "What the person who closed it wrote."),
    ColumnInfo::shown(
        "ClassificationReason",
        String,
        "Why it was classified so, such as SuspiciousActivity or InaccurateData.",
    ),
    ColumnInfo::shown(
        "Owner",
        Dynamic,
        "An object with objectId, email, assignedTo and userPrincipalName, null while nobody owns it.",
    )
    .json(Json::Object),
    ColumnInfo::shown(
        "ProviderName",
        String,
        "Where the incident was made: `Azure Sentinel`, or `Microsoft XDR` for synchronised ones.",
    ),
    ColumnInfo::shown(
        "ProviderIncidentId",
        String,
        "The incident's number at its provider; IncidentNumber as text for Sentinel's own.",
    ),
    ColumnInfo::shown("FirstActivityTime", DateTime, "The earliest activity among its alerts."),
    ColumnInfo::shown("LastActivityTime", DateTime, "The latest activity among its alerts."),
    ColumnInfo::shown("FirstModifiedTime", DateTime, "The first change after it was made; null before that."),
    ColumnInfo::shown("LastModifiedTime", DateTime, "The change that this row records; CreatedTime in the first row."),
    ColumnInfo::shown("CreatedTime", DateTime, "When it was made."),
    ColumnInfo::shown("ClosedTime", DateTime, "When it was last closed; null while it is open."),
    ColumnInfo::shown("IncidentNumber", Int, "Its number in the workspace, counted upward."),
    ColumnInfo::shown("RelatedAnalyticRuleIds", Dynamic, "The rules that made it, an array of bare GUIDs.")
        .json(Json::Array),
    ColumnInfo::shown("AlertIds", Dynamic, "Its alerts, an array of SecurityAlert.SystemAlertId.").json(Json::Array),
    ColumnInfo::shown("BookmarkIds", Dynamic, "Its hunting bookmarks, an array of ids.").json(Json::Array),
    ColumnInfo::shown("Comments", Dynamic, "Its comments, an array.").json(Json::Array),
    ColumnInfo::shown("Tasks", Dynamic, "Its tasks, an array.").json(Json::Array),
    ColumnInfo::shown("Labels", Dynamic, "Its tags, an array of objects with labelName and labelType.")
        .json(Json::Array),
    ColumnInfo::shown("IncidentUrl", String, "Where the portal shows it."),
    ColumnInfo::shown(
        "AdditionalData",
        Dynamic,
        "An object with counts, the products of its alerts, tactics and techniques.",
    )
    .json(Json::Object),
    ColumnInfo::shown("ModifiedBy", String, "Who or what made this version, such as `Incident created from alert`."),
    ColumnInfo::shown("SourceSystem", String, "Always `Azure`."),
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
