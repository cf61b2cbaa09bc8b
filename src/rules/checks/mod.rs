//! What can be wrong with a rule apart from its query; one file for each matter.
//!
//! Each check is a value: its code, its name, why it matters, a rule that it finds, one that it does not, and the
//! function. One test runs the examples of all.

mod attack;
mod auto_disabled;
mod blind_spot;
mod branding;
mod columns;
mod connector_ids;
mod connectors;
mod custom_details;
mod data_types;
mod duplicates;
mod entity;
mod grouping;
mod identity;
mod incident_creation;
mod ingestion;
mod legacy_entities;
mod lengths;
mod level;
mod near_real_time;
mod placeholders;
mod required;
mod schedule;
mod suppression;
mod tactics;
mod trigger;
mod types;
mod wide;
mod workspaces;

pub(super) use attack::is_tactic;
pub use duplicates::{duplicate_ids, file_names, twins};
pub use level::{Comments, Levels, find};

use super::model::Rule;
use crate::bind::Bound;
use crate::diagnostic::Diagnostic;
use crate::plan::Plan;
use crate::syntax::ast::Query;
use crate::syntax::{self, Token};
use crate::types::Column;

/// One thing that can be wrong with a rule.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Codes of its problems, the usual one first.
    pub code: &'static str,
    /// Reads after "allow".
    pub name: &'static str,
    /// Why it matters, in a sentence or two.
    pub why: &'static str,
    /// Lines of YAML that, in place of those of a sound rule, make a rule that it finds; `!key` takes a line away.
    pub bad: &'static str,
    /// Lines of YAML that it does not find.
    pub good: &'static str,
    find: fn(&Subject) -> Vec<Diagnostic>,
}

/// A rule and what is known of its query.
#[derive(Debug)]
pub struct Subject<'a> {
    pub rule: &'a Rule,
    /// The tokens of the query; none where there is no query.
    pub tokens: Vec<Token>,
    pub query: Option<&'a Query>,
    /// Columns of the result; None where the query is not valid.
    pub columns: Option<&'a [Column]>,
    /// More columns may come, which only the data tell.
    pub open: bool,
    /// The tables that the query reads; none where it is not valid.
    pub tables: Vec<String>,
}

/// Every check.
pub const ALL: &[Check] = &[
    required::CHECK,
    lengths::CHECK,
    identity::ID,
    identity::VERSION,
    schedule::RANGE,
    schedule::ORDER,
    schedule::LONG_PERIOD,
    schedule::THRESHOLD,
    schedule::START,
    blind_spot::BLIND_SPOT,
    ingestion::CHECK,
    trigger::CHECK,
    suppression::CHECK,
    near_real_time::CHECK,
    wide::CHECK,
    workspaces::CHECK,
    columns::CHECK,
    types::CHECK,
    entity::IDENTIFIERS,
    entity::INCOMPLETE,
    entity::COUNT,
    legacy_entities::CHECK,
    custom_details::CHECK,
    placeholders::CHECK,
    grouping::UNMAPPED,
    grouping::SETTINGS,
    grouping::EVENTS,
    tactics::TACTICS,
    tactics::TECHNIQUES,
    incident_creation::CHECK,
    connectors::CHECK,
    connector_ids::CHECK,
    data_types::CHECK,
    auto_disabled::CHECK,
    branding::CHECK,
];

/// Runs every check over a rule.
pub fn run(subject: &Subject) -> Vec<Diagnostic> {
    ALL.iter().flat_map(|check| (check.find)(subject)).collect()
}

impl Subject<'_> {
    /// Returns the text of a token of the query.
    fn text(&self, token: &Token) -> &str {
        let query = self.rule.query().map(|query| query.text.as_str()).unwrap_or_default();
        query.get(token.span.start..token.span.end).unwrap_or_default()
    }

    /// Returns where a token of the query stands in the file.
    fn place(&self, token: &Token) -> crate::diagnostic::Span {
        self.rule.query().map(|query| query.place(token.span)).unwrap_or_default()
    }
}

impl<'a> Subject<'a> {
    /// Makes what is known of a rule before its query has a meaning.
    pub fn new(rule: &'a Rule, query: Option<&'a Query>) -> Self {
        let tokens = rule.query().map(|query| syntax::tokenize(&query.text)).unwrap_or_default();
        Subject { rule, tokens, query, columns: None, open: false, tables: Vec::new() }
    }

    /// Adds what its meaning tells, which nobody knows of a query that is not valid.
    pub fn bound(self, bound: &'a Bound, valid: bool) -> Self {
        let plan = bound.plan.as_ref().filter(|_| valid);
        let mut tables: Vec<String> =
            plan.into_iter().flat_map(Plan::scans).map(|(table, _)| table.to_string()).collect();
        tables.sort();
        tables.dedup();
        Subject { columns: bound.columns.as_deref().filter(|_| valid), open: bound.open, tables, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::rules::form::testing::yaml_rule;
    use crate::{bind, syntax};

    const SOUND: &str = "id: 7c0a4d4e-4f63-4d57-9d3a-5b7f0b6f6a10\nname: Loud hosts\ndescription: Finds hosts with severe alerts.\n\
        kind: Scheduled\nseverity: Medium\nrequiredDataConnectors: []\nqueryFrequency: 1h\nqueryPeriod: 1d\ntriggerOperator: gt\n\
        triggerThreshold: 0\nquery: SecurityAlert | where AlertSeverity == 'High' and ingestion_time() > ago(1h) \
        and ingestion_time() <= now() | project TimeGenerated, \
        CompromisedEntity, AlertName, Tactics, Entities\n";

    fn file(lines: &str) -> String {
        let replaced =
            |key: &str| lines.lines().any(|line| line.starts_with(&format!("{key}:")) || line == format!("!{key}"));
        let kept = SOUND.lines().filter(|line| !replaced(line.split(':').next().unwrap()));
        let added = lines.lines().filter(|line| !line.starts_with('!'));
        kept.chain(added).map(|line| format!("{line}\n")).collect()
    }

    fn found(check: &Check, lines: &str) -> Vec<Diagnostic> {
        let rule = yaml_rule(&file(lines));
        let parsed = rule.query().map(|query| syntax::parse(&query.text));
        let catalog = Catalog::standard();
        let bound = parsed.as_ref().map(|parsed| bind::bind(&parsed.query, &catalog, &bind::Options::default()));
        let mut subject = Subject::new(&rule, parsed.as_ref().map(|parsed| &parsed.query));
        if let Some(bound) = &bound {
            assert!(bound.problems.is_empty(), "{}: {:?}", check.name, bound.problems);
            subject = subject.bound(bound, true);
        }
        (check.find)(&subject)
    }

    #[test]
    fn every_check_finds_its_bad_rule_and_no_good_one() {
        for check in ALL {
            let bad = found(check, check.bad);
            assert!(!bad.is_empty(), "{} finds nothing", check.name);
            let text = file(check.bad);
            for problem in &bad {
                assert_eq!(problem.code, check.code, "{}", check.name);
                assert!(problem.help.is_some(), "{} gives no remedy", check.name);
                assert!(problem.span.end > 0 && problem.span.end <= text.len(), "{} has no place", check.name);
            }
            for good in [check.good, ""] {
                let problems = found(check, good);
                assert_eq!(problems, [], "{}: {good}", check.name);
            }
        }
    }

    #[test]
    fn codes_and_names_stand_for_one_check_each() {
        for (index, check) in ALL.iter().enumerate() {
            let twins = ALL[index + 1..].iter().filter(|other| other.code == check.code || other.name == check.name);
            assert_eq!(twins.count(), 0, "{}", check.name);
        }
    }

    #[test]
    fn what_was_ingested_since_the_last_run_has_two_ends() {
        let told = |condition: &str, period: &str| {
            let lines =
                format!("queryFrequency: 1h\nqueryPeriod: {period}\nquery: SecurityAlert | where {condition}\n");
            found(&ingestion::CHECK, &lines).len()
        };
        assert_eq!(told("ingestion_time() > ago(1h)", "2h"), 1);
        assert_eq!(told("ingestion_time() >= ago(1h)", "2h"), 1);
        assert_eq!(told("ingestion_time() > ago(1h)", "1h"), 0);
        assert_eq!(told("ingestion_time() > ago(1h) and ingestion_time() <= now()", "2h"), 0);
        assert_eq!(told("ingestion_time() between (ago(1h) .. now())", "2h"), 0);
        assert_eq!(told("TimeGenerated > ago(1h)", "1h"), 1);
    }
}
