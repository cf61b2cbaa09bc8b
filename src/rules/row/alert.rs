//! One version of an alert, as `SecurityAlert` has it.

use arrow::array::RecordBatch;

use super::{Cells, Row, names};
use crate::types::{Column, Value};

/// A row of SecurityAlert. Lists and bags stand in it as the table has them: as text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alert {
    /// The Log Analytics workspace.
    pub tenant: String,
    /// `TimeGenerated`, in ticks.
    pub generated: i64,
    /// `DisplayName` and `AlertName`.
    pub name: String,
    pub severity: String,
    pub description: String,
    pub provider: String,
    pub vendor: String,
    pub vendor_id: String,
    /// `SystemAlertId`.
    pub id: String,
    pub alert_type: String,
    pub confidence_level: String,
    pub confidence_score: Option<f64>,
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub processed: Option<i64>,
    pub remediation_steps: String,
    pub extended_properties: String,
    pub entities: String,
    pub source_system: String,
    pub subscription: String,
    pub resource_group: String,
    pub extended_links: String,
    pub product: String,
    pub component: String,
    pub link: String,
    pub status: String,
    pub compromised_entity: String,
    /// `ResourceId`.
    pub resource: String,
    pub tactics: String,
    pub techniques: String,
    pub sub_techniques: String,
}

impl Row for Alert {
    const TABLE: &'static str = "SecurityAlert";

    fn value(&self, column: &str) -> Option<Value> {
        let text = |text: &str| Some(Value::String(text.to_string()));
        match column {
            "TenantId" => text(&self.tenant),
            "TimeGenerated" => Some(Value::DateTime(self.generated)),
            "DisplayName" | "AlertName" => text(&self.name),
            "AlertSeverity" => text(&self.severity),
            "Description" => text(&self.description),
            "ProviderName" => text(&self.provider),
            "VendorName" => text(&self.vendor),
            "VendorOriginalId" => text(&self.vendor_id),
            "SystemAlertId" => text(&self.id),
            "AlertType" => text(&self.alert_type),
            "ConfidenceLevel" => text(&self.confidence_level),
            "ConfidenceScore" => self.confidence_score.map(Value::Real),
            "IsIncident" => Some(Value::Bool(false)),
            "StartTime" => self.start.map(Value::DateTime),
            "EndTime" => self.end.map(Value::DateTime),
            "ProcessingEndTime" => self.processed.map(Value::DateTime),
            "RemediationSteps" => text(&self.remediation_steps),
            "ExtendedProperties" => text(&self.extended_properties),
            "Entities" => text(&self.entities),
            "SourceSystem" => text(&self.source_system),
            "WorkspaceSubscriptionId" => text(&self.subscription),
            "WorkspaceResourceGroup" => text(&self.resource_group),
            "ExtendedLinks" => text(&self.extended_links),
            "ProductName" => text(&self.product),
            "ProductComponentName" => text(&self.component),
            "AlertLink" => text(&self.link),
            "Status" => text(&self.status),
            "ResourceId" => text(&self.resource),
            "CompromisedEntity" => text(&self.compromised_entity),
            "Tactics" => text(&self.tactics),
            "Techniques" => text(&self.techniques),
            "SubTechniques" => text(&self.sub_techniques),
            "Type" => text(Self::TABLE),
            _ => None,
        }
    }
}

impl Alert {
    /// The columns that an incident of a recorded alert is made of.
    pub const OF_INCIDENTS: [&'static str; 13] = [
        "TenantId",
        "TimeGenerated",
        "DisplayName",
        "AlertName",
        "AlertSeverity",
        "Description",
        "SystemAlertId",
        "StartTime",
        "EndTime",
        "ProductName",
        "Status",
        "Tactics",
        "Techniques",
    ];

    /// Reads the rows of a batch; of columns that it lacks, what a missing value is.
    pub fn read(columns: &[Column], batch: &RecordBatch) -> Vec<Alert> {
        let cells = Cells { columns, batch };
        (0..batch.num_rows()).map(|row| Alert::of_row(&cells, row)).collect()
    }

    fn of_row(cells: &Cells, row: usize) -> Alert {
        let text = |name: &str| cells.text(name, row);
        let name = text("DisplayName");
        Alert {
            tenant: text("TenantId"),
            generated: cells.moment("TimeGenerated", row).unwrap_or_default(),
            name: if name.is_empty() { text("AlertName") } else { name },
            severity: text("AlertSeverity"),
            description: text("Description"),
            provider: text("ProviderName"),
            vendor: text("VendorName"),
            vendor_id: text("VendorOriginalId"),
            id: text("SystemAlertId"),
            alert_type: text("AlertType"),
            confidence_level: text("ConfidenceLevel"),
            confidence_score: None,
            start: cells.moment("StartTime", row),
            end: cells.moment("EndTime", row),
            processed: cells.moment("ProcessingEndTime", row),
            remediation_steps: text("RemediationSteps"),
            extended_properties: text("ExtendedProperties"),
            entities: text("Entities"),
            source_system: text("SourceSystem"),
            subscription: text("WorkspaceSubscriptionId"),
            resource_group: text("WorkspaceResourceGroup"),
            extended_links: text("ExtendedLinks"),
            product: text("ProductName"),
            component: text("ProductComponentName"),
            link: text("AlertLink"),
            status: text("Status"),
            compromised_entity: text("CompromisedEntity"),
            resource: text("ResourceId"),
            tactics: text("Tactics"),
            techniques: text("Techniques"),
            sub_techniques: text("SubTechniques"),
        }
    }

    /// Returns the tactics, each by its name.
    pub fn tactic_names(&self) -> Vec<String> {
        names(&self.tactics)
    }

    /// Returns the techniques, each by its id.
    pub fn technique_ids(&self) -> Vec<String> {
        names(&self.techniques)
    }
}
