//! What becomes of a rule's alerts: incidents, and how alerts are grouped into them.

use super::word::words;
use super::{Duration, EntityType, Located};

/// Whether alerts make incidents, and which of them share one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentConfiguration {
    pub create: Option<Located<bool>>,
    pub grouping: Option<Grouping>,
}

/// Which alerts share an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    pub span: crate::diagnostic::Span,
    pub enabled: Option<Located<bool>>,
    /// Whether a closed incident takes further alerts, and is opened again.
    pub reopen_closed: Option<Located<bool>>,
    /// How long an incident takes further alerts, from its first alert on.
    pub lookback: Option<Located<Duration>>,
    pub matching: Option<Located<MatchingMethod>>,
    pub by_entities: Vec<Located<EntityType>>,
    pub by_alert_details: Vec<Located<AlertDetail>>,
    /// Keys of custom details.
    pub by_custom_details: Vec<Located<String>>,
}

words! {
    /// What alerts of one incident must have in common.
    MatchingMethod, "way to match" {
        /// Every mapped entity.
        AllEntities = "AllEntities" | "All",
        /// Nothing: all alerts of the rule belong together.
        AnyAlert = "AnyAlert" | "None",
        /// What `groupByEntities`, `groupByAlertDetails` and `groupByCustomDetails` name.
        Selected = "Selected" | "Custom",
    }
}

words! {
    /// A property of the alert to group by.
    AlertDetail, "detail of an alert" {
        DisplayName = "DisplayName",
        Severity = "Severity",
    }
}

impl IncidentConfiguration {
    /// Tells whether alerts make incidents; they do unless the file says otherwise.
    pub fn creates(&self) -> bool {
        self.create.is_none_or(|create| create.value)
    }

    /// Returns how alerts are grouped; none where each has an incident of its own.
    pub fn active_grouping(&self) -> Option<&Grouping> {
        self.grouping.as_ref().filter(|grouping| self.creates() && grouping.is_enabled())
    }
}

impl Grouping {
    /// How long an incident takes further alerts where the file does not say, as the portal writes it.
    pub const LOOKBACK: Duration = Duration::hours(5);

    /// Tells whether alerts are grouped at all.
    pub fn is_enabled(&self) -> bool {
        self.enabled.is_some_and(|enabled| enabled.value)
    }

    /// Returns how long an incident takes further alerts.
    pub fn lookback(&self) -> Duration {
        self.lookback.map_or(Self::LOOKBACK, |lookback| lookback.value)
    }

    /// Returns what alerts of one incident must have in common.
    pub fn matching(&self) -> MatchingMethod {
        self.matching.map_or(MatchingMethod::AllEntities, |matching| matching.value)
    }

    /// Tells whether a closed incident is opened again.
    pub fn reopens(&self) -> bool {
        self.reopen_closed.is_some_and(|reopen| reopen.value)
    }
}
