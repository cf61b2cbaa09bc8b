//! Rules that are a query: what they look for, when, and what an alert takes from the result.

use super::word::words;
use super::{Duration, IncidentConfiguration, Located};
use crate::rules::Embedded;
use crate::rules::document::Node;

/// A rule that runs on a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    pub schedule: Schedule,
    pub detection: Detection,
}

/// A rule that runs every minute over what was ingested in the minute before.
#[derive(Debug, Clone, PartialEq)]
pub struct NearRealTime {
    pub detection: Detection,
}

/// When a rule runs, how far it looks back, and what it takes for an alert.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedule {
    /// Time from one run to the next.
    pub frequency: Option<Located<Duration>>,
    /// How far back the query sees.
    pub period: Option<Located<Duration>>,
    pub trigger_operator: Option<Located<TriggerOperator>>,
    /// What the number of rows is compared with.
    pub trigger_threshold: Option<Located<i64>>,
    /// When the first run is, as written (`startTimeUtc`).
    pub start: Option<Located<String>>,
}

/// A query and what is made of its result.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detection {
    pub query: Option<Embedded>,
    pub severity: Option<Located<Severity>>,
    /// MITRE ATT&CK tactics without spaces, in the spelling of the file: `LateralMovement`.
    pub tactics: Vec<Located<String>>,
    /// MITRE ATT&CK techniques; in YAML those with a point (`T1078.004`) too.
    pub techniques: Vec<Located<String>>,
    /// Techniques with a point, where ARM keeps them apart.
    pub sub_techniques: Vec<Located<String>>,
    pub entity_mappings: Vec<EntityMapping>,
    /// Columns that hold ready-made entities (`sentinelEntitiesMappings`).
    pub sentinel_entities: Vec<Located<String>>,
    /// Key of a detail and the column that it is read from, in the order of the file.
    pub custom_details: Vec<(Located<String>, Located<String>)>,
    pub overrides: AlertDetailsOverride,
    pub event_grouping: Option<Located<EventGrouping>>,
    pub incident: IncidentConfiguration,
    pub suppression: Suppression,
    pub connectors: Vec<DataConnector>,
    pub status: Option<Located<String>>,
    /// Texts, or maps of one key.
    pub tags: Option<Node>,
    pub metadata: Option<Node>,
}

/// How long a rule rests after an alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Suppression {
    pub enabled: Option<Located<bool>>,
    pub duration: Option<Located<Duration>>,
}

/// What an alert takes from the result's columns in place of the rule's own values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertDetailsOverride {
    /// With `{{column}}` in it.
    pub name_format: Option<Located<String>>,
    /// With `{{column}}` in it.
    pub description_format: Option<Located<String>>,
    pub tactics_column: Option<Located<String>>,
    pub severity_column: Option<Located<String>>,
    pub dynamic_properties: Vec<DynamicProperty>,
}

/// A property of the alert and the column that it is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicProperty {
    pub property: Option<Located<AlertProperty>>,
    pub column: Option<Located<String>>,
}

/// How an entity is read from columns of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityMapping {
    pub span: crate::diagnostic::Span,
    pub entity: Option<Located<EntityType>>,
    pub fields: Vec<FieldMapping>,
}

/// An identifier of an entity and the column that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMapping {
    pub identifier: Option<Located<String>>,
    pub column: Option<Located<String>>,
}

/// What a rule needs to have connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataConnector {
    pub connector: Option<Located<String>>,
    pub data_types: Vec<Located<String>>,
}

words! {
    /// How bad an alert is; the worst is the greatest.
    Severity, "severity" {
        Informational = "Informational",
        Low = "Low",
        Medium = "Medium",
        High = "High",
    }
}

words! {
    /// How the number of rows is compared with the threshold.
    TriggerOperator, "operator" {
        GreaterThan = "GreaterThan" | "gt",
        LessThan = "LessThan" | "lt",
        Equal = "Equal" | "eq",
        NotEqual = "NotEqual" | "ne",
    }
}

impl TriggerOperator {
    /// Returns the word that YAML has for it.
    pub const fn short(self) -> &'static str {
        match self {
            TriggerOperator::GreaterThan => "gt",
            TriggerOperator::LessThan => "lt",
            TriggerOperator::Equal => "eq",
            TriggerOperator::NotEqual => "ne",
        }
    }

    /// Tells whether so many rows make an alert.
    pub const fn holds(self, rows: i64, threshold: i64) -> bool {
        match self {
            TriggerOperator::GreaterThan => rows > threshold,
            TriggerOperator::LessThan => rows < threshold,
            TriggerOperator::Equal => rows == threshold,
            TriggerOperator::NotEqual => rows != threshold,
        }
    }
}

words! {
    /// How many alerts a run makes.
    EventGrouping, "way to group events" {
        /// One of all rows; so it is where the file says nothing.
        SingleAlert = "SingleAlert",
        /// One of each row.
        AlertPerResult = "AlertPerResult",
    }
}

words! {
    /// A kind of entity, as mappings name it.
    EntityType, "type of entity" {
        Account = "Account",
        Host = "Host",
        Ip = "IP",
        Malware = "Malware",
        File = "File",
        Process = "Process",
        CloudApplication = "CloudApplication",
        Dns = "DNS",
        AzureResource = "AzureResource",
        FileHash = "FileHash",
        RegistryKey = "RegistryKey",
        RegistryValue = "RegistryValue",
        SecurityGroup = "SecurityGroup",
        Url = "URL",
        IoTDevice = "IoTDevice",
        Mailbox = "Mailbox",
        MailCluster = "MailCluster",
        MailMessage = "MailMessage",
        SubmissionMail = "SubmissionMail",
    }
}

words! {
    /// A property of an alert that a column can fill.
    AlertProperty, "property of an alert" {
        AlertLink = "AlertLink",
        ConfidenceLevel = "ConfidenceLevel",
        ConfidenceScore = "ConfidenceScore",
        ExtendedLinks = "ExtendedLinks",
        ProductComponentName = "ProductComponentName",
        ProductName = "ProductName",
        ProviderName = "ProviderName",
        RemediationSteps = "RemediationSteps",
        Techniques = "Techniques",
    }
}

impl Detection {
    /// Returns how many alerts a run makes.
    pub fn grouping_of_events(&self) -> EventGrouping {
        self.event_grouping.map_or(EventGrouping::SingleAlert, |grouping| grouping.value)
    }

    /// Returns every column that the rule expects in the result, with the place of its name.
    pub fn expected_columns(&self) -> Vec<Located<String>> {
        let fields = self.entity_mappings.iter().flat_map(|mapping| &mapping.fields);
        let mut columns: Vec<_> = fields.filter_map(|field| field.column.clone()).collect();
        columns.extend(self.sentinel_entities.iter().cloned());
        columns.extend(self.custom_details.iter().map(|(_, column)| column.clone()));
        columns.extend(self.overrides.columns());
        columns
    }
}

impl Suppression {
    /// How long it is where the file does not say: what the portal and Terraform's provider write.
    pub const DURATION: Duration = Duration::hours(5);

    /// Returns how long the rule rests after an alert; none where it does not.
    pub fn rest(self) -> Option<Duration> {
        let enabled = self.enabled.is_some_and(|enabled| enabled.value);
        enabled.then(|| self.duration.map_or(Self::DURATION, |duration| duration.value))
    }
}

impl AlertDetailsOverride {
    /// Returns the formats, of the name and of the description.
    pub fn formats(&self) -> impl Iterator<Item = &Located<String>> {
        self.name_format.iter().chain(&self.description_format)
    }

    /// Returns the columns that replace a property of the alert, and those that formats name.
    pub fn columns(&self) -> Vec<Located<String>> {
        let mut columns: Vec<_> = self.tactics_column.iter().chain(&self.severity_column).cloned().collect();
        columns.extend(self.dynamic_properties.iter().filter_map(|property| property.column.clone()));
        for format in self.formats() {
            columns.extend(placeholders(&format.value).map(|name| Located { value: name, span: format.span }));
        }
        columns
    }
}

/// Finds the names between `{{` and `}}`.
pub fn placeholders(format: &str) -> impl Iterator<Item = String> {
    format.split("{{").skip(1).filter_map(|part| part.split_once("}}")).map(|(name, _)| name.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_closed() {
        let names: Vec<_> = placeholders("{{A}} by {{ B }} and {{C").collect();
        assert_eq!(names, ["A", "B"]);
    }

    #[test]
    fn a_rest_without_a_length_is_that_of_the_portal() {
        let rest = |enabled: bool| {
            let enabled = Some(Located { value: enabled, span: Default::default() });
            Suppression { enabled, duration: None }.rest()
        };
        assert_eq!((rest(true), rest(false)), (Some(Duration::hours(5)), None));
    }

    #[test]
    fn words_have_one_meaning_each() {
        assert_eq!(TriggerOperator::read("gt"), TriggerOperator::read("greaterthan"));
        assert_eq!(EntityType::read("url").map(EntityType::word), Some("URL"));
        assert!(Severity::High > Severity::Informational);
        assert!(TriggerOperator::ALL.iter().all(|operator| TriggerOperator::read(operator.short()) == Some(*operator)));
        assert!(TriggerOperator::LessThan.holds(0, 1));
    }
}
