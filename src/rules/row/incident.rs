//! One version of an incident, as `SecurityIncident` has it.

use arrow::array::RecordBatch;
use serde_json::{Value as Json, json};

use super::{Cells, Row, texts};
use crate::types::{Column, Value};

/// A row of SecurityIncident: what the incident was at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incident {
    /// The Log Analytics workspace.
    pub tenant: String,
    /// When this version was written: `TimeGenerated` and `LastModifiedTime`, in ticks.
    pub time: i64,
    /// `IncidentName`, a GUID.
    pub name: String,
    pub title: String,
    pub description: String,
    pub severity: String,
    pub status: String,
    pub provider: String,
    pub first_activity: Option<i64>,
    pub last_activity: Option<i64>,
    /// None in the version that creates the incident.
    pub first_modified: Option<i64>,
    pub created: i64,
    pub closed: Option<i64>,
    pub number: i64,
    /// `RelatedAnalyticRuleIds`.
    pub rules: Vec<String>,
    /// `AlertIds`.
    pub alerts: Vec<String>,
    pub url: String,
    /// `alertProductNames` of AdditionalData.
    pub products: Vec<String>,
    /// `tactics` of AdditionalData.
    pub tactics: Vec<String>,
    /// `techniques` of AdditionalData.
    pub techniques: Vec<String>,
    pub modified_by: String,
}

impl Row for Incident {
    const TABLE: &'static str = "SecurityIncident";

    fn value(&self, column: &str) -> Option<Value> {
        let text = |text: &str| Some(Value::String(text.to_string()));
        let dynamic = |json: Json| Some(Value::Dynamic(json.to_string()));
        match column {
            "TenantId" => text(&self.tenant),
            "TimeGenerated" | "LastModifiedTime" => Some(Value::DateTime(self.time)),
            "IncidentName" => text(&self.name),
            "Title" => text(&self.title),
            "Description" => text(&self.description),
            "Severity" => text(&self.severity),
            "Status" => text(&self.status),
            "Owner" => dynamic(json!({"objectId": null, "email": null, "assignedTo": null, "userPrincipalName": null})),
            "ProviderName" => text(&self.provider),
            "ProviderIncidentId" => text(&self.number.to_string()),
            "FirstActivityTime" => self.first_activity.map(Value::DateTime),
            "LastActivityTime" => self.last_activity.map(Value::DateTime),
            "FirstModifiedTime" => self.first_modified.map(Value::DateTime),
            "CreatedTime" => Some(Value::DateTime(self.created)),
            "ClosedTime" => self.closed.map(Value::DateTime),
            "IncidentNumber" => i32::try_from(self.number).ok().map(Value::Int),
            "RelatedAnalyticRuleIds" => dynamic(json!(self.rules)),
            "AlertIds" => dynamic(json!(self.alerts)),
            "BookmarkIds" | "Comments" | "Tasks" | "Labels" => dynamic(json!([])),
            "IncidentUrl" => text(&self.url),
            "AdditionalData" => dynamic(self.additional_data()),
            "ModifiedBy" => text(&self.modified_by),
            "SourceSystem" => text("Azure"),
            "Type" => text(Self::TABLE),
            _ => None,
        }
    }
}

impl Incident {
    /// Reads the rows of a batch; of columns that it lacks, what a missing value is.
    pub fn read(columns: &[Column], batch: &RecordBatch) -> Vec<Incident> {
        let cells = Cells { columns, batch };
        (0..batch.num_rows()).map(|row| Incident::of_row(&cells, row)).collect()
    }

    fn of_row(cells: &Cells, row: usize) -> Incident {
        let text = |name: &str| cells.text(name, row);
        let additional: Json = serde_json::from_str(&text("AdditionalData")).unwrap_or_default();
        let generated = cells.moment("TimeGenerated", row);
        let time = cells.moment("LastModifiedTime", row).or(generated).unwrap_or_default();
        Incident {
            tenant: text("TenantId"),
            time,
            name: text("IncidentName"),
            title: text("Title"),
            description: text("Description"),
            severity: text("Severity"),
            status: text("Status"),
            provider: text("ProviderName"),
            first_activity: cells.moment("FirstActivityTime", row),
            last_activity: cells.moment("LastActivityTime", row),
            first_modified: cells.moment("FirstModifiedTime", row),
            created: cells.moment("CreatedTime", row).unwrap_or(time),
            closed: cells.moment("ClosedTime", row),
            number: cells.number("IncidentNumber", row).unwrap_or_default(),
            rules: cells.texts("RelatedAnalyticRuleIds", row),
            alerts: cells.texts("AlertIds", row),
            url: text("IncidentUrl"),
            products: texts(&additional["alertProductNames"]),
            tactics: texts(&additional["tactics"]),
            techniques: texts(&additional["techniques"]),
            modified_by: text("ModifiedBy"),
        }
    }

    fn additional_data(&self) -> Json {
        json!({
            "alertsCount": self.alerts.len(),
            "bookmarksCount": 0,
            "commentsCount": 0,
            "alertProductNames": self.products,
            "tactics": self.tactics,
            "techniques": self.techniques,
        })
    }
}
