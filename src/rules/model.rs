//! A rule as its author wrote it, each part with its place.

use super::Embedded;
use crate::diagnostic::Span;

/// A value and where it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    pub value: T,
    pub span: Span,
}

/// What makes a rule raise alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A query that runs on a schedule.
    Scheduled,
    /// A query that runs every minute over what was just ingested.
    NearRealTime,
    /// A query for people: it raises nothing.
    Hunting,
    /// Incidents from the alerts of another product; there is no query.
    IncidentCreation,
    /// Correlation by Microsoft; there is no query.
    Fusion,
    /// Anomalies found by Microsoft; there is no query.
    BehaviorAnalytics,
    /// Matches of Microsoft's threat intelligence; there is no query.
    ThreatIntelligence,
}

impl Kind {
    /// Kinds by the word that files spell, in the case that they spell it.
    pub const WORDS: [(&'static str, Kind); 6] = [
        ("Scheduled", Kind::Scheduled),
        ("NRT", Kind::NearRealTime),
        ("MicrosoftSecurityIncidentCreation", Kind::IncidentCreation),
        ("Fusion", Kind::Fusion),
        ("MLBehaviorAnalytics", Kind::BehaviorAnalytics),
        ("ThreatIntelligence", Kind::ThreatIntelligence),
    ];

    /// Tells whether rules of this kind are made of a query.
    pub const fn has_query(self) -> bool {
        matches!(self, Kind::Scheduled | Kind::NearRealTime | Kind::Hunting)
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub kind: Kind,
    /// Where the rule begins: for what is missing.
    pub start: Span,
    pub id: Option<Located<String>>,
    pub name: Option<Located<String>>,
    /// As written; see [`super::checks`] for what is allowed.
    pub severity: Option<Located<String>>,
    /// How often the query runs, as written.
    pub frequency: Option<Located<String>>,
    /// How far back the query looks, as written.
    pub period: Option<Located<String>>,
    pub trigger_operator: Option<Located<String>>,
    pub trigger_threshold: Option<Located<String>>,
    pub query: Option<Embedded>,
    pub entity_mappings: Vec<EntityMapping>,
    /// Key of a detail and the column that it is read from.
    pub custom_details: Vec<(String, Located<String>)>,
    /// Texts with `{{column}}` in them: the name and the description of the alert.
    pub formats: Vec<Located<String>>,
    /// Columns that replace a property of the alert.
    pub overrides: Vec<Located<String>>,
}

/// How an entity is read from columns of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityMapping {
    pub entity: Option<Located<String>>,
    pub fields: Vec<FieldMapping>,
}

/// An identifier of an entity and the column that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMapping {
    pub identifier: Option<Located<String>>,
    pub column: Option<Located<String>>,
}

impl Rule {
    /// Returns every column that the rule expects in the result, with the place of its name.
    pub fn expected_columns(&self) -> Vec<Located<String>> {
        let fields = self.entity_mappings.iter().flat_map(|mapping| &mapping.fields);
        let mut columns: Vec<_> = fields.filter_map(|field| field.column.clone()).collect();
        columns.extend(self.custom_details.iter().map(|(_, column)| column.clone()));
        columns.extend(self.overrides.iter().cloned());
        for format in &self.formats {
            columns.extend(placeholders(&format.value).map(|name| Located { value: name, span: format.span }));
        }
        columns
    }
}

/// Finds the names between `{{` and `}}`.
fn placeholders(format: &str) -> impl Iterator<Item = String> {
    format.split("{{").skip(1).filter_map(|part| part.split_once("}}")).map(|(name, _)| name.trim().to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn placeholders_are_closed() {
        let names: Vec<_> = super::placeholders("{{A}} by {{ B }} and {{C").collect();
        assert_eq!(names, ["A", "B"]);
    }
}
