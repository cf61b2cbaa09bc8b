//! Records for commands that run rules over them.

use super::data::Opened;
use super::stop::Stop;
use crate::plan::Node;
use crate::rules::model::Kind;
use crate::rules::schedule::{self, Data, Query};
use crate::rules::{Assumptions, Rule};
use crate::types::Column;

/// Memory where nobody says how much, in bytes.
pub(super) const MEMORY: usize = 4 << 30;

/// Tells whether a rule has runs of its own.
pub(super) fn runs(rule: &Rule) -> bool {
    rule.is_enabled() && matches!(rule.kind(), Kind::Scheduled | Kind::NearRealTime)
}

/// What rules need of opened tables.
pub(super) struct Replayed<'a> {
    pub(super) opened: &'a Opened,
    pub(super) rules: &'a [Rule],
    /// The recorded alerts that incidents are made of.
    pub(super) recorded: Option<Node>,
    /// A moment at which rules run, in ticks.
    pub(super) now: i64,
    pub(super) memory: usize,
    pub(super) threads: usize,
    pub(super) assumptions: Assumptions,
}

impl Replayed<'_> {
    /// Takes the tables that rules read, counts their records, and reads the recorded alerts.
    pub(super) fn data(self) -> Result<Data, Stop> {
        let Replayed { opened, rules, recorded, now, memory, threads, assumptions } = self;
        // What does not parse is told when it runs.
        let queries: Vec<Query> = rules.iter().filter(|rule| runs(rule)).filter_map(Query::of).flatten().collect();
        let recorded = recorded.filter(|_| opened.has("SecurityAlert"));
        let tables = opened.hold(wanted(opened, &queries, recorded.as_ref(), now), memory)?;
        let mut data = Data::unread(opened.catalog.clone(), tables, memory, assumptions);
        data.survey(recorded.into_iter().collect(), threads).map_err(Stop::failure)?;
        Ok(data)
    }
}

/// Returns the tables that rules read and that have records, each with the columns that are looked at.
fn wanted(opened: &Opened, queries: &[Query], recorded: Option<&Node>, now: i64) -> Vec<(String, Vec<Column>)> {
    let mut wanted: Vec<(String, Vec<Column>)> = Vec::new();
    let mut all: Vec<String> = Vec::new();
    wanted.extend(recorded.map(|node| ("SecurityAlert".to_string(), node.columns.clone())));
    for query in queries {
        // What does not bind is told when it runs.
        let Ok(needs) = query.needs(&opened.catalog, now) else { continue };
        if needs.all_columns {
            all.extend(opened.catalog.names().map(str::to_string));
        }
        wanted.extend(needs.tables);
    }
    for name in all {
        if let Some(table) = opened.catalog.table(&name) {
            wanted.push((name, table.columns.iter().chain(&table.hidden).cloned().collect()));
        }
    }
    let mut merged: Vec<(String, Vec<Column>)> = Vec::new();
    for (name, columns) in wanted.into_iter().filter(|(name, _)| opened.has(name)) {
        let time = opened.catalog.table(&name).map(|table| schedule::times(&table)).unwrap_or_default();
        let place = merged.iter().position(|(other, _)| *other == name).unwrap_or_else(|| {
            merged.push((name, Vec::new()));
            merged.len() - 1
        });
        for column in columns.into_iter().chain(time) {
            if !merged[place].1.contains(&column) {
                merged[place].1.push(column);
            }
        }
    }
    merged
}
