//! Every key of a rule: its name in each form of file, and what belongs to it.
//!
//! Names of keys and their types are those of the resource type `Microsoft.SecurityInsights/alertRules`, of the rules in
//! the Azure-Sentinel repository, and of the resources of Terraform's provider azurerm.

use crate::rules::model::{
    AlertDetail, AlertProperty, EntityType, EventGrouping, Form, Kind, MatchingMethod, Severity, TriggerOperator,
};

/// A key and what belongs to it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As ARM and the REST API spell it.
    pub name: &'static str,
    /// As YAML spells it.
    pub yaml: &'static str,
    /// As Terraform spells it, the newest version first; empty where it has no such key.
    pub terraform: &'static [&'static str],
    pub shape: Shape,
}

/// What belongs to a key.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Text,
    Bool,
    Integer,
    Duration,
    Word(Words),
    Texts,
    WordList(Words),
    /// A group of keys.
    Group(&'static [Key]),
    /// A list of groups of keys.
    Groups(&'static [Key]),
    /// Keys of the author's choice, and a text for each.
    Details,
    /// Anything: alertq does not look into it.
    Open,
}

/// Words that are allowed.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// What they are, for a message.
    pub what: &'static str,
    /// Every spelling, and that of ARM.
    pub words: &'static [(&'static str, &'static str)],
}

macro_rules! words_of {
    ($name:ident) => {
        Words { what: $name::WHAT, words: $name::WORDS }
    };
}

/// A key that YAML and ARM spell alike.
const fn key(name: &'static str, terraform: &'static [&'static str], shape: Shape) -> Key {
    Key { name, yaml: name, terraform, shape }
}

/// A key that YAML spells its own way.
const fn renamed(name: &'static str, yaml: &'static str, terraform: &'static [&'static str], shape: Shape) -> Key {
    Key { name, yaml, terraform, shape }
}

impl Key {
    /// Returns the spellings of a form of file, the one to write first.
    pub fn spellings(&self, form: Form) -> Vec<&'static str> {
        match form {
            Form::Yaml => vec![self.yaml],
            Form::Arm | Form::Rest => vec![self.name],
            Form::AzSentinel if self.name == "matchingMethod" => vec!["entitiesMatchingMethod", self.name],
            Form::AzSentinel => vec![self.name],
            Form::Terraform => self.terraform.to_vec(),
        }
    }
}

/// Returns the keys that mean something in a rule of this kind.
pub fn keys(kind: Kind) -> Vec<Key> {
    let own: &[&[Key]] = match kind {
        Kind::Scheduled => &[DETECTION, SCHEDULE],
        Kind::NearRealTime => &[DETECTION],
        Kind::Hunting => &[DETECTION, HUNTING],
        Kind::IncidentCreation => &[CREATION],
        Kind::Fusion => &[FUSION, MANAGED],
        Kind::BehaviorAnalytics | Kind::ThreatIntelligence => &[MANAGED],
        Kind::Anomaly => &[ANOMALY, MANAGED],
    };
    [COMMON].iter().chain(own).flat_map(|keys| keys.iter().copied()).collect()
}

/// Returns the keys of every kind of rule.
pub fn all() -> Vec<Key> {
    let mut all: Vec<Key> = Vec::new();
    for key in Kind::ALL.iter().flat_map(|kind| keys(*kind)) {
        if !all.iter().any(|known| known.name == key.name) {
            all.push(key);
        }
    }
    all
}

/// Returns how a form of file spells a key of a rule that ARM names so.
pub fn spelling(name: &'static str, form: Form) -> &'static str {
    let key = all().into_iter().find(|key| key.name == name);
    key.and_then(|key| key.spellings(form).first().copied()).unwrap_or(name)
}

const COMMON: &[Key] = &[
    renamed("displayName", "name", &["display_name"], Shape::Text),
    key("description", &["description"], Shape::Text),
    key("enabled", &["enabled"], Shape::Bool),
    key("alertRuleTemplateName", &["alert_rule_template_guid"], Shape::Text),
    renamed("templateVersion", "version", &["alert_rule_template_version"], Shape::Text),
    key("lastModifiedUtc", &[], Shape::Text),
    key("requiredDataConnectors", &[], Shape::Groups(CONNECTOR)),
    key("status", &[], Shape::Text),
    key("tags", &[], Shape::Open),
    key("metadata", &[], Shape::Open),
    key("createdDateUTC", &[], Shape::Text),
    key("lastUpdatedDateUTC", &[], Shape::Text),
    key("alertRulesCreatedByTemplateCount", &[], Shape::Integer),
    key("playbookName", &[], Shape::Open),
];

const CONNECTOR: &[Key] = &[key("connectorId", &[], Shape::Text), key("dataTypes", &[], Shape::Texts)];

const SCHEDULE: &[Key] = &[
    key("queryFrequency", &["query_frequency"], Shape::Duration),
    key("queryPeriod", &["query_period"], Shape::Duration),
    key("triggerOperator", &["trigger_operator"], Shape::Word(words_of!(TriggerOperator))),
    key("triggerThreshold", &["trigger_threshold"], Shape::Integer),
    key("startTimeUtc", &[], Shape::Text),
];

const HUNTING: &[Key] = &[key("description-detailed", &[], Shape::Text)];

const DETECTION: &[Key] = &[
    key("severity", &["severity"], Shape::Word(words_of!(Severity))),
    key("query", &["query"], Shape::Text),
    key("suppressionDuration", &["suppression_duration"], Shape::Duration),
    key("suppressionEnabled", &["suppression_enabled"], Shape::Bool),
    key("tactics", &["tactics"], Shape::Texts),
    renamed("techniques", "relevantTechniques", &["techniques"], Shape::Texts),
    key("subTechniques", &[], Shape::Texts),
    key("eventGroupingSettings", &["event_grouping"], Shape::Group(EVENT_GROUPING)),
    key("incidentConfiguration", &["incident", "incident_configuration"], Shape::Group(INCIDENT)),
    key("entityMappings", &["entity_mapping"], Shape::Groups(ENTITY)),
    key("sentinelEntitiesMappings", &["sentinel_entity_mapping"], Shape::Groups(SENTINEL_ENTITY)),
    key("customDetails", &["custom_details"], Shape::Details),
    key("alertDetailsOverride", &["alert_details_override"], Shape::Group(OVERRIDE)),
];

const EVENT_GROUPING: &[Key] =
    &[key("aggregationKind", &["aggregation_method"], Shape::Word(words_of!(EventGrouping)))];

const INCIDENT: &[Key] = &[
    key("createIncident", &["create_incident_enabled", "create_incident"], Shape::Bool),
    key("groupingConfiguration", &["grouping"], Shape::Group(GROUPING)),
];

const GROUPING: &[Key] = &[
    key("enabled", &["enabled"], Shape::Bool),
    key("reopenClosedIncident", &["reopen_closed_incidents"], Shape::Bool),
    key("lookbackDuration", &["lookback_duration"], Shape::Duration),
    key("matchingMethod", &["entity_matching_method"], Shape::Word(words_of!(MatchingMethod))),
    key("groupByEntities", &["by_entities", "group_by_entities"], Shape::WordList(words_of!(EntityType))),
    key(
        "groupByAlertDetails",
        &["by_alert_details", "group_by_alert_details"],
        Shape::WordList(words_of!(AlertDetail)),
    ),
    key("groupByCustomDetails", &["by_custom_details", "group_by_custom_details"], Shape::Texts),
];

const ENTITY: &[Key] = &[
    key("entityType", &["entity_type"], Shape::Word(words_of!(EntityType))),
    key("fieldMappings", &["field_mapping"], Shape::Groups(FIELD)),
];

const FIELD: &[Key] =
    &[key("identifier", &["identifier"], Shape::Text), key("columnName", &["column_name"], Shape::Text)];

const SENTINEL_ENTITY: &[Key] = &[key("columnName", &["column_name"], Shape::Text)];

const OVERRIDE: &[Key] = &[
    key("alertDisplayNameFormat", &["display_name_format"], Shape::Text),
    key("alertDescriptionFormat", &["description_format"], Shape::Text),
    key("alertTacticsColumnName", &["tactics_column_name"], Shape::Text),
    key("alertSeverityColumnName", &["severity_column_name"], Shape::Text),
    key("alertDynamicProperties", &["dynamic_property"], Shape::Groups(DYNAMIC_PROPERTY)),
];

const DYNAMIC_PROPERTY: &[Key] =
    &[key("alertProperty", &["name"], Shape::Word(words_of!(AlertProperty))), key("value", &["value"], Shape::Text)];

const CREATION: &[Key] = &[
    key("productFilter", &["product_filter"], Shape::Text),
    key("severitiesFilter", &["severity_filter"], Shape::WordList(words_of!(Severity))),
    key("displayNamesFilter", &["display_name_filter"], Shape::Texts),
    key("displayNamesExcludeFilter", &["display_name_exclude_filter", "display_names_exclude_filter"], Shape::Texts),
];

/// Read-only in the API: answers have them.
const MANAGED: &[Key] = &[
    key("severity", &[], Shape::Word(words_of!(Severity))),
    key("tactics", &[], Shape::Texts),
    key("techniques", &[], Shape::Texts),
    key("subTechniques", &[], Shape::Texts),
];

const FUSION: &[Key] =
    &[key("sourceSettings", &["source"], Shape::Open), key("scenarioExclusionPatterns", &[], Shape::Open)];

const ANOMALY: &[Key] = &[
    key("anomalyVersion", &[], Shape::Text),
    key("anomalySettingsVersion", &[], Shape::Integer),
    key("frequency", &["frequency"], Shape::Duration),
    key("settingsStatus", &["mode"], Shape::Text),
    key("isDefaultSettings", &[], Shape::Bool),
    key("settingsDefinitionId", &[], Shape::Text),
    key("customizableObservations", &[], Shape::Open),
];
