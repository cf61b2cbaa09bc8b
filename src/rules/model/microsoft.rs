//! Rules whose detection Microsoft keeps: incidents from other products' alerts, Fusion, machine learning.

use super::{Located, Severity};
use crate::rules::document::Node;

/// Makes incidents from the alerts of another product, as they come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IncidentCreation {
    /// The alert's `ProductName`: `Azure Security Center` for Microsoft Defender for Cloud.
    pub product: Option<Located<String>>,
    /// Severities that make incidents; empty for all.
    pub severities: Vec<Located<Severity>>,
    /// Texts of which the alert's name must contain one; empty for all.
    pub names: Vec<Located<String>>,
    /// Texts of which the alert's name must contain none.
    pub excluded_names: Vec<Located<String>>,
}

/// Correlates alerts into multistage attacks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fusion {
    /// Which sources take part, as written.
    pub sources: Option<Node>,
    /// Which scenarios are left out, as written.
    pub exclusions: Option<Node>,
}

/// A rule of which only being on or off is the user's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Managed {
    pub severity: Option<Located<Severity>>,
}

/// A rule that learns what is usual (`securityMLAnalyticsSettings`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Anomaly {
    /// `Production` or `Flighting`, as written.
    pub status: Option<Located<String>>,
    /// Thresholds and choices, as written.
    pub observations: Option<Node>,
}
