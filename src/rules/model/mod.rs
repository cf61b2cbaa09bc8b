//! A rule as its author wrote it, each part with its place.
//!
//! Every form of file gives the same model: see [`crate::rules::form`]. Values are None where the file says nothing;
//! what Sentinel then does is told by the methods beside them.

mod detection;
mod duration;
mod incident;
mod microsoft;
mod word;

pub use detection::{
    AlertDetailsOverride, AlertProperty, DataConnector, Detection, DynamicProperty, EntityMapping, EntityType,
    EventGrouping, FieldMapping, NearRealTime, Schedule, Scheduled, Severity, Suppression, TriggerOperator,
    placeholders,
};
pub use duration::Duration;
pub use incident::{AlertDetail, Grouping, IncidentConfiguration, MatchingMethod};
pub use microsoft::{Anomaly, Fusion, IncidentCreation, Managed};

use super::Embedded;
pub use super::document::Located;
use super::document::{Entry, Node};
use crate::diagnostic::Span;
use word::words;

words! {
    /// What makes a rule raise alerts, as files spell it.
    Kind, "kind of rule" {
        /// A query that runs on a schedule.
        Scheduled = "Scheduled",
        /// A query that runs every minute over what was just ingested.
        NearRealTime = "NRT",
        /// Incidents from the alerts of another product; there is no query.
        IncidentCreation = "MicrosoftSecurityIncidentCreation",
        /// Correlation by Microsoft; there is no query.
        Fusion = "Fusion",
        /// Anomalies of behaviour found by Microsoft; there is no query.
        BehaviorAnalytics = "MLBehaviorAnalytics",
        /// Matches of Microsoft's threat intelligence; there is no query.
        ThreatIntelligence = "ThreatIntelligence",
        /// An anomaly rule, which fills the table Anomalies and raises no alert.
        Anomaly = "Anomaly",
        /// A query for people: it raises nothing. Files of the Azure-Sentinel repository write no kind.
        Hunting = "Hunting",
    }
}

impl Kind {
    /// Tells whether rules of this kind are made of a query.
    pub const fn has_query(self) -> bool {
        matches!(self, Kind::Scheduled | Kind::NearRealTime | Kind::Hunting)
    }
}

/// The form of the file that a rule stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// YAML as in the Azure-Sentinel repository.
    Yaml,
    /// A resource of a template of Azure Resource Manager; what Bicep is built to.
    Arm,
    /// An answer of the REST API.
    Rest,
    /// JSON of the PowerShell module AzSentinel: lists of rules under their kinds.
    AzSentinel,
    /// A resource of Terraform's provider azurerm.
    Terraform,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub form: Form,
    /// Where the rule begins: for what is missing.
    pub start: Span,
    /// The GUID; in a template the last part of the resource's name.
    pub id: Option<Located<String>>,
    /// What people read: `displayName`, in YAML `name`.
    pub name: Option<Located<String>>,
    pub description: Option<Located<String>>,
    /// The template that it was made of (`alertRuleTemplateName`).
    pub template: Option<Located<String>>,
    /// `templateVersion`, in YAML `version`.
    pub version: Option<Located<String>>,
    pub enabled: Option<Located<bool>>,
    pub body: Body,
    /// Every key as ARM names it, with its value and its place; keys that are not known keep their own names.
    pub document: Node,
    /// What stands around the rule in a template, and is kept: `apiVersion`, `condition`, `dependsOn`.
    pub envelope: Vec<Entry>,
    /// Something in it could not be read, and has been told: what is here is not what its author means.
    pub faulty: bool,
}

/// What belongs to each kind of rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Scheduled(Scheduled),
    NearRealTime(NearRealTime),
    Hunting(Detection),
    IncidentCreation(IncidentCreation),
    Fusion(Fusion),
    BehaviorAnalytics(Managed),
    ThreatIntelligence(Managed),
    Anomaly(Anomaly),
}

impl Rule {
    /// Returns what makes the rule raise alerts.
    pub const fn kind(&self) -> Kind {
        match self.body {
            Body::Scheduled(_) => Kind::Scheduled,
            Body::NearRealTime(_) => Kind::NearRealTime,
            Body::Hunting(_) => Kind::Hunting,
            Body::IncidentCreation(_) => Kind::IncidentCreation,
            Body::Fusion(_) => Kind::Fusion,
            Body::BehaviorAnalytics(_) => Kind::BehaviorAnalytics,
            Body::ThreatIntelligence(_) => Kind::ThreatIntelligence,
            Body::Anomaly(_) => Kind::Anomaly,
        }
    }

    /// Returns the query and what is made of its result; none where Microsoft keeps the query.
    pub const fn detection(&self) -> Option<&Detection> {
        match &self.body {
            Body::Scheduled(scheduled) => Some(&scheduled.detection),
            Body::NearRealTime(nrt) => Some(&nrt.detection),
            Body::Hunting(detection) => Some(detection),
            Body::IncidentCreation(_)
            | Body::Fusion(_)
            | Body::BehaviorAnalytics(_)
            | Body::ThreatIntelligence(_)
            | Body::Anomaly(_) => None,
        }
    }

    /// Returns when a scheduled rule runs.
    pub const fn schedule(&self) -> Option<&Schedule> {
        match &self.body {
            Body::Scheduled(scheduled) => Some(&scheduled.schedule),
            _ => None,
        }
    }

    /// Returns the query.
    pub fn query(&self) -> Option<&Embedded> {
        self.detection()?.query.as_ref()
    }

    /// Tells whether the rule runs; it does unless the file says otherwise.
    pub fn is_enabled(&self) -> bool {
        self.enabled.is_none_or(|enabled| enabled.value)
    }

    /// Returns what a message calls the rule: its name, else its id, else its kind.
    pub fn title(&self) -> &str {
        let named = self.name.as_ref().or(self.id.as_ref());
        named.map_or(self.kind().word(), |name| &name.value)
    }
}
