//! Runs a case.

use serde_json::{Map, Value as Json};

use super::expect::{Failure, compare};
use super::records;
use super::{Case, Records, Scenario, When};
use crate::catalog::tables;
use crate::catalog::{Catalog, STANDARD_HIDDEN, TableInfo};
use crate::diagnostic::{Diagnostic, nearest};
use crate::engine::{Table, TableData};
use crate::rules::Rule;
use crate::rules::alert::{json_of, rule_id};
use crate::rules::document::{Located, Node};
use crate::rules::incident::CreationRule;
use crate::rules::model::Kind;
use crate::rules::row::{Alert, Row};
use crate::rules::schedule::{Data, Failure as Failed, Moment, RECEIVED, Timing, moments};
use crate::rules::simulate::{Outcome, Replay};
use crate::types::{Column, ticks};

/// The key of an alert's rule, beside the columns of its row.
pub(super) const RULE: &str = "rule";

/// Bytes that a case may hold: tests are small.
const MEMORY: usize = 1 << 30;

/// What a case needs besides itself.
pub struct Context<'a> {
    pub rules: &'a [Rule],
    pub creation: &'a [CreationRule],
    /// Functions, watchlists and tables of other places, beside the records.
    pub catalog: Catalog,
    /// The items of the watchlists.
    pub tables: Vec<Table>,
    /// Reads the records of a table from a file (as written) or the sample.
    pub load: &'a dyn Fn(&str, &Node) -> Result<Table, String>,
}

/// What became of a case.
#[derive(Debug, Default)]
pub struct Verdict {
    pub failures: Vec<Failure>,
    /// Why it could not be run: places are those of the file of tests.
    pub problems: Vec<Diagnostic>,
    /// Why rules did not run: the place in `Context::rules`, and the reason.
    pub failed: Vec<(usize, Failed)>,
    /// What came out.
    pub outcome: Outcome,
}

impl Verdict {
    /// Tells whether all is as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.problems.is_empty() && self.failed.is_empty()
    }
}

/// Runs a case and holds what comes out against what it expects.
pub fn run(scenario: &Scenario, case: &Case, context: &Context) -> Verdict {
    let mut data = match data(scenario, case, context) {
        Ok(data) => data,
        Err(problems) => return Verdict { problems, ..Verdict::default() },
    };
    // Silence of a rule that never ran would show nothing.
    if case.when == When::Never && context.rules.iter().any(|rule| rule.is_enabled() && runs(rule)) {
        let problem = Diagnostic::error("AQ655", case.span, "the case says no moment at which its rules run");
        let help = "say at: +0m, or a period with from: and to:";
        return Verdict { problems: vec![problem.help(help)], ..Verdict::default() };
    }
    let problems = unknown_rules(case, context.rules);
    if !problems.is_empty() {
        return Verdict { problems, ..Verdict::default() };
    }
    let (from, to, timing) = match &case.when {
        When::Never => (i64::MIN, i64::MAX, Timing::At(Vec::new())),
        When::At(moments) => (i64::MIN, i64::MAX, Timing::At(moments.clone())),
        When::Period(from, to) => (*from, *to, Timing::Schedule),
    };
    let replay = Replay {
        rules: context.rules,
        creation: context.creation,
        workspace: scenario.workspace.clone(),
        from,
        to,
        timing,
        closings: case.closings.clone(),
        first_number: 1,
        threads: 1,
    };
    let outcome = match replay.replay(&mut data, &|_| {}) {
        Ok(outcome) => outcome,
        Err(error) => {
            let problems = vec![Diagnostic::error("AQ653", case.span, error.message)];
            return Verdict { problems, ..Verdict::default() };
        }
    };
    let failed = outcome.summaries.iter().enumerate().filter_map(|(place, s)| Some((place, s.failure.clone()?)));
    let failed: Vec<_> = failed.collect();
    let mut failures = Vec::new();
    if let Some(expected) = &case.expect.alerts {
        failures.extend(compare("alert", expected, &alert_rows(&outcome, context.rules), scenario.start));
    }
    if let Some(expected) = &case.expect.incidents {
        failures.extend(compare("incident", expected, &last_incidents(&outcome), scenario.start));
    }
    if let Some(expected) = &case.expect.incident_rows {
        failures.extend(compare("row of an incident", expected, &incident_rows(&outcome), scenario.start));
    }
    let incidents = last_incidents(&outcome).len();
    for (what, expected, found) in [
        ("alerts", case.expect.alert_count, outcome.alerts.len()),
        ("incidents", case.expect.incident_count, incidents),
    ] {
        if let Some(expected) = expected.filter(|expected| expected.value != found) {
            let message = format!("there are {found} {what}, not {}", expected.value);
            failures.push(Failure { span: expected.span, message, diff: String::new() });
        }
    }
    for (at, title) in &outcome.unclosed {
        let message = format!("no incident is called '{title}' and open at {}", ticks::format_datetime(*at));
        failures.push(Failure { span: case.span, message, diff: String::new() });
    }
    Verdict { failures, failed, outcome, ..Verdict::default() }
}

/// Finds the rules that a case expects alerts of and that it has not got.
fn unknown_rules(case: &Case, rules: &[Rule]) -> Vec<Diagnostic> {
    let expected = case.expect.alerts.iter().flat_map(Node::items).filter_map(|item| item.get(RULE)?.located());
    let unknown = expected.filter(|name| !rules.iter().any(|rule| rule.title() == name.value));
    let titles = || rules.iter().map(Rule::title);
    let problem = |name: Located<String>| {
        let problem =
            Diagnostic::error("AQ654", name.span, format!("no rule of these tests is called '{}'", name.value));
        match nearest(&name.value, titles()) {
            Some(near) => problem.help(format!("did you mean '{near}'?")),
            None => problem.help(format!("the rules are: {}", titles().collect::<Vec<_>>().join(", "))),
        }
    };
    unknown.map(problem).collect()
}

fn runs(rule: &Rule) -> bool {
    matches!(rule.kind(), Kind::Scheduled | Kind::NearRealTime)
}

/// Returns the runs of a rule in a case.
pub(super) fn moments_of<'a>(case: &'a Case, rule: &'a Rule) -> Box<dyn Iterator<Item = Moment> + 'a> {
    match &case.when {
        When::Never => Box::new(std::iter::empty()),
        When::At(all) => Box::new(all.iter().map(|now| Moment::at(rule, *now))),
        When::Period(from, to) => Box::new(moments(rule, *from, *to)),
    }
}

/// Makes the tables of a case.
pub(super) fn data(scenario: &Scenario, case: &Case, context: &Context) -> Result<Data, Vec<Diagnostic>> {
    let mut catalog = context.catalog.clone();
    let mut problems = Vec::new();
    let mut tables: Vec<Table> = Vec::new();
    for records in scenario.records.iter().chain(&case.records) {
        match parts(records, context, &catalog, scenario.start) {
            Ok(parts) => parts.into_iter().for_each(|part| add(&mut tables, part)),
            Err(more) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    for table in &tables {
        let hidden = |column: &Column| STANDARD_HIDDEN.iter().any(|(name, _)| *name == column.name);
        let (hidden, columns): (Vec<Column>, Vec<Column>) = table.columns.iter().cloned().partition(hidden);
        let ingested = hidden.iter().find(|column| column.name == RECEIVED).map(|column| column.name.clone());
        catalog.add(TableInfo { name: table.name.clone(), columns, hidden, ingested, ..TableInfo::default() });
    }
    tables.extend(context.tables.iter().cloned());
    let data = Data::new(catalog, tables, MEMORY, scenario.assumptions);
    data.map(Data::where_absent_is_empty).map_err(|error| vec![Diagnostic::error("AQ653", case.span, error.message)])
}

/// Makes the tables of some records: of those that stand in the file, and of each file that they name.
fn parts(records: &Records, context: &Context, catalog: &Catalog, start: i64) -> Result<Vec<Table>, Vec<Diagnostic>> {
    if let Some(problem) = misspelt(records, context, catalog) {
        return Err(vec![problem]);
    }
    let is_inline = |item: &&Node| item.get("file").is_none() && item.get("sample").is_none();
    let (inline, named): (Vec<&Node>, Vec<&Node>) = records.items.iter().partition(is_inline);
    let mut all = vec![records::table(records, &inline, catalog, start)?];
    for item in named {
        let table = (context.load)(&records.table.value, item);
        all.push(table.map_err(|error| vec![Diagnostic::error("AQ653", item.span, error)])?);
    }
    Ok(all)
}

/// Finds a table that no rule reads, whose name is nearly that of one that some rule reads.
fn misspelt(records: &Records, context: &Context, catalog: &Catalog) -> Option<Diagnostic> {
    let Located { value: name, span } = &records.table;
    let read = |table: &str| context.rules.iter().filter_map(Rule::query).any(|query| query.text.contains(table));
    if catalog.table(name).is_some() || read(name) {
        return None;
    }
    let near = nearest(name, catalog.all_names().filter(|known| read(known)))?;
    let problem = Diagnostic::error("AQ652", *span, format!("no rule of these tests reads a table '{name}'"));
    Some(problem.help(format!("did you mean '{near}'?")))
}

/// Adds rows to the table of their name; a column that either lacks is missing in its rows.
fn add(tables: &mut Vec<Table>, more: Table) {
    let Some(table) = tables.iter_mut().find(|table| table.name == more.name) else {
        tables.push(more);
        return;
    };
    let mut columns = table.columns.clone();
    columns.extend(more.columns.iter().filter(|column| !table.columns.iter().any(|c| c.name == column.name)).cloned());
    let batches = [&*table, &more].into_iter().flat_map(|part| match &part.data {
        TableData::Batches(batches) => batches.iter().map(|batch| widen(batch, &part.columns, &columns)).collect(),
        TableData::Parquet { .. } => Vec::new(),
    });
    let batches = batches.collect();
    *table = Table { name: more.name, columns, data: TableData::Batches(batches) };
}

fn widen(batch: &arrow::array::RecordBatch, from: &[Column], to: &[Column]) -> arrow::array::RecordBatch {
    use crate::types::arrow::{repeat, schema};
    let array = |column: &Column| match from.iter().position(|c| c == column) {
        Some(place) => batch.column(place).clone(),
        None => repeat(&crate::types::Value::missing(column.scalar_type), batch.num_rows()),
    };
    let arrays = to.iter().map(array).collect();
    arrow::array::RecordBatch::try_new(schema(to), arrays)
        .unwrap_or_else(|_| arrow::array::RecordBatch::new_empty(schema(to)))
}

/// Returns a row by its columns, as JSON.
fn row_of<R: Row>(row: &R) -> Map<String, Json> {
    let columns = tables::TableInfo::find(R::TABLE).map(tables::TableInfo::shown).unwrap_or_default();
    let value = |column: &Column| row.value(&column.name).map(|value| json_of(&value)).unwrap_or_default();
    columns.iter().map(|column| (column.name.clone(), value(column))).collect()
}

/// Returns the alerts, each with the name of its rule.
pub(super) fn alert_rows(outcome: &Outcome, rules: &[Rule]) -> Vec<Map<String, Json>> {
    let of = |alert: &Alert| rules.iter().find(|rule| alert.alert_type.ends_with(&format!("_{}", rule_id(rule))));
    let row = |alert: &Alert| {
        let mut row =
            Map::from_iter([(RULE.to_string(), of(alert).map(|rule| rule.title().into()).unwrap_or_default())]);
        row.extend(row_of(alert));
        row
    };
    outcome.alerts.iter().map(row).collect()
}

/// Returns every row of SecurityIncident.
pub(super) fn incident_rows(outcome: &Outcome) -> Vec<Map<String, Json>> {
    outcome.incidents.iter().map(row_of).collect()
}

/// Returns each incident as it was in the end.
pub(super) fn last_incidents(outcome: &Outcome) -> Vec<Map<String, Json>> {
    let mut last = std::collections::BTreeMap::new();
    outcome.incidents.iter().for_each(|row| _ = last.insert(row.number, row));
    last.into_values().map(row_of).collect()
}
