//! One run of a rule's query.

use std::collections::HashSet;
use std::fmt;

use arrow::array::RecordBatch;

use super::chain::{self, Chain};
use super::clock::Moment;
use super::data::{Data, ELSEWHEN, Ready, Seen};
use crate::bind::{self, Bound};
use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Session, TableData, Workers};
use crate::plan::{self, Kind, Node, Plan, rewrite};
use crate::query::{self, Settled};
use crate::rules::alert::Results;
use crate::rules::{Embedded, Rule};
use crate::syntax::{self, ast};
use crate::types::Column;
use crate::types::arrow::{Footprint, schema};

/// The query of a rule, parsed.
#[derive(Debug)]
pub struct Query<'a> {
    text: &'a Embedded,
    query: ast::Query,
    /// The windows of its runs are of ingestion times.
    by_ingestion: bool,
    /// It asks for the time, as far as is known.
    reads_clock: bool,
    /// The plan of every run, where it is the same one.
    fixed: Option<Ready>,
    workers: Option<Workers>,
}

/// What a run gave.
#[derive(Debug)]
pub struct Ran {
    pub results: Results,
    /// Records of tables within the window.
    pub records: u64,
}

/// Why a rule's query did not run.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The query has no meaning, or none that alertq computes; places are those of the rule's file.
    Problems(Vec<Diagnostic>),
    /// A limit, or a file.
    Engine(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Engine(message) => f.write_str(message),
            Failure::Problems(problems) => {
                let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
                f.write_str(&messages.join("; "))
            }
        }
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Failure {
        Failure::Engine(error.message)
    }
}

/// What a query needs of the tables that it names.
#[derive(Debug, Default)]
pub struct Needs {
    pub tables: Vec<(String, Vec<Column>)>,
    /// Only the data tell which columns it needs: all of them.
    pub all_columns: bool,
}

impl<'a> Query<'a> {
    /// Parses the query of a rule; None where the rule has none.
    pub fn of(rule: &'a Rule) -> Option<Result<Query<'a>, Failure>> {
        let by_ingestion = rule.schedule().is_none();
        Some(Query::new(rule.query()?).map(|query| Query { by_ingestion, ..query }))
    }

    /// Parses a text.
    pub fn new(text: &'a Embedded) -> Result<Query<'a>, Failure> {
        let parsed = syntax::parse(&text.text);
        if parsed.problems.iter().any(Diagnostic::is_error) {
            let problems = parsed.problems.into_iter().map(|problem| text.in_file(problem)).collect();
            return Err(Failure::Problems(problems));
        }
        Ok(Query { text, query: parsed.query, by_ingestion: false, reads_clock: true, fixed: None, workers: None })
    }

    /// Tells what the query needs. Fails where it does not bind.
    pub fn needs(&self, catalog: &Catalog, now: i64) -> Result<Needs, Failure> {
        let bound = self.bound(catalog, now);
        let names = |plan: &Plan| plan.scans().into_iter().map(|(name, columns)| (name.to_string(), columns)).collect();
        if let Some(plan) = bound.plan {
            return Ok(Needs { tables: names(&rewrite::rewrite(plan)), all_columns: false });
        }
        match bound.first {
            Some(_) => Ok(Needs { tables: Vec::new(), all_columns: true }),
            None => Err(self.problems(bound.problems.into_iter().chain(bound.refusals))),
        }
    }

    fn bound(&self, catalog: &Catalog, now: i64) -> Bound {
        bind::bind(&self.query, catalog, &bind::Options { now, ..bind::Options::default() })
    }

    /// Returns the expressions that are the same at every moment, of a query that reads the clock: as far as two moments
    /// can tell. What is taken for one of them wrongly is found at no other moment, and then computed anew.
    pub(super) fn lasting(&self, catalog: &Catalog, now: i64) -> HashSet<String> {
        let expressions = |bound: Bound| {
            let mut all = HashSet::new();
            if let Some(plan) = plan_of(bound) {
                chain::expressions(&rewrite::rewrite(plan), &mut all);
            }
            all
        };
        let first = self.bound(catalog, now);
        if !first.reads_clock {
            return HashSet::new();
        }
        let mut all = expressions(first);
        let elsewhen = expressions(self.bound(catalog, now.saturating_sub(ELSEWHEN)));
        all.retain(|expression| elsewhen.contains(expression));
        all
    }

    /// Returns the parts that look at each record by itself, as they are at a moment.
    pub(super) fn chains(&self, catalog: &Catalog, now: i64, lasting: &HashSet<String>) -> Vec<plan::Node> {
        let bound = self.bound(catalog, now);
        let lasting = bound.reads_clock.then_some(lasting);
        let Some(plan) = plan_of(bound) else { return Vec::new() };
        let mut plan = rewrite::rewrite(plan);
        let mut found = Vec::new();
        chain::replace(&mut plan, &chain::Rules { lasting, bounds: !self.by_ingestion }, &mut |chain: Chain| {
            found.push(chain.node);
            Some(Kind::Unit)
        });
        found
    }

    /// Makes ready for many runs: plans the query once, where its plan does not follow from the moment or the records.
    pub fn fix(&mut self, data: &Data) {
        // Without workers each run makes its own.
        self.workers = Workers::new(&data.session()).ok();
        // What it does not read, it is not told.
        let bound = self.bound(&data.catalog, 0);
        self.reads_clock = bound.reads_clock;
        if let (false, Some(plan)) = (bound.reads_clock, bound.plan) {
            self.fixed = Some(data.ready(rewrite::rewrite(plan), false, self.by_ingestion));
        }
    }

    /// Runs the query at a moment.
    pub fn run(&self, data: &Data, moment: &Moment) -> Result<Ran, Failure> {
        if let Some(ready) = self.fixed.as_ref().filter(|_| self.by_ingestion == moment.by_ingestion) {
            return self.result(data, ready, moment, Vec::new());
        }
        let options = bind::Options { now: moment.now, ..bind::Options::default() };
        let Settled { bound, materialized } = query::settle(&self.query, &data.catalog, options, |plan| {
            let ready = data.ready(rewrite::rewrite(plan), self.reads_clock, moment.by_ingestion);
            let session = data.see(&ready, moment)?.session;
            Ok::<_, Failure>((ready.plan, session))
        })?;
        let Some(plan) = bound.plan else {
            return Err(self.problems(bound.problems.into_iter().chain(bound.refusals)));
        };
        let ready = data.ready(rewrite::rewrite(plan), bound.reads_clock, moment.by_ingestion);
        self.result(data, &ready, moment, materialized)
    }

    fn result(
        &self,
        data: &Data,
        ready: &Ready,
        moment: &Moment,
        materialized: Vec<Vec<RecordBatch>>,
    ) -> Result<Ran, Failure> {
        let Seen { mut session, records, rows } = data.see(ready, moment)?;
        let Some(result) = ready.plan.results.first() else {
            return Err(Failure::Engine("the query gives no result".into()));
        };
        let ran = |batches| Ran { results: Results { columns: result.node.columns.clone(), batches }, records };
        if rows == 0 && materialized.is_empty() && is_empty_of_nothing(&result.node, &ready.plan.shared) {
            // Most windows of a quiet table are empty: what reads nothing and makes nothing of it need not run.
            return Ok(ran(Vec::new()));
        }
        if let Some(batch) = rows_alone(&ready.plan, &session) {
            return Ok(ran(vec![batch]));
        }
        session.materialized = materialized;
        session.workers.clone_from(&self.workers);
        let Some(mut output) = engine::run(&ready.plan, &session)?.into_iter().next() else {
            return Err(Failure::Engine("the query gives no result".into()));
        };
        let mut batches = Vec::new();
        let mut footprint = Footprint::default();
        for batch in &mut output {
            let batch = batch?;
            if footprint.add(&batch) > data.memory_limit {
                return Err(Failure::Engine("the result needs more memory than --memory-limit allows".into()));
            }
            batches.push(batch);
        }
        Ok(ran(batches))
    }

    fn problems(&self, problems: impl Iterator<Item = Diagnostic>) -> Failure {
        let mut all: Vec<_> = problems.filter(Diagnostic::is_error).map(|problem| self.text.in_file(problem)).collect();
        all.sort_by_key(|problem| problem.span);
        Failure::Problems(all)
    }
}

/// Returns what can be planned of a query: all of it, or what must run first.
fn plan_of(bound: Bound) -> Option<Plan> {
    match (bound.plan, bound.first) {
        (Some(plan), _) => Some(plan),
        (None, Some(first)) => Some(Plan { shared: first.shared, ..Plan::of(first.input) }),
        (None, None) => None,
    }
}

/// Returns the rows of a query of which nothing is left to do.
fn rows_alone(plan: &Plan, session: &Session) -> Option<RecordBatch> {
    let ([result], None) = (&plan.results[..], plan.most_records) else { return None };
    let Kind::Scan { table } = &result.node.kind else { return None };
    let table = session.tables.iter().find(|own| own.name == *table)?;
    let TableData::Batches(batches) = &table.data else { return None };
    let [batch] = &batches[..] else { return None };
    let array = |column: &Column| {
        let place = table.columns.iter().position(|own| own == column)?;
        batch.columns().get(place).cloned()
    };
    let arrays = result.node.columns.iter().map(array).collect::<Option<Vec<_>>>()?;
    RecordBatch::try_new(schema(&result.node.columns), arrays).ok()
}

/// Tells whether a relation has no rows where no table has any; false where that is not known.
fn is_empty_of_nothing(node: &Node, shared: &[Node]) -> bool {
    match &node.kind {
        Kind::Scan { .. } => true,
        Kind::Aggregate { keys, .. } if keys.is_empty() => false,
        // A shared relation names earlier ones only.
        Kind::Shared { index } => {
            shared.get(*index).is_some_and(|node| is_empty_of_nothing(node, shared.get(..*index).unwrap_or_default()))
        }
        Kind::Filter { .. }
        | Kind::Project { .. }
        | Kind::Aggregate { .. }
        | Kind::Sort { .. }
        | Kind::Limit { .. }
        | Kind::Join { .. }
        | Kind::Union { .. }
        | Kind::Parse { .. }
        | Kind::Serialize { .. }
        | Kind::Expand { .. } => node.inputs().into_iter().all(|input| is_empty_of_nothing(input, shared)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_empty(text: &str) -> bool {
        let query = syntax::parse(text).query;
        let bound = bind::bind(&query, &Catalog::standard(), &bind::Options::default());
        let plan = rewrite::rewrite(bound.plan.unwrap());
        is_empty_of_nothing(&plan.results[0].node, &plan.shared)
    }

    #[test]
    fn what_makes_rows_of_nothing_is_run() {
        assert!(is_empty("Syslog | where Computer == 'a' | summarize count() by Computer | top 3 by count_"));
        assert!(is_empty("Syslog | join kind=leftanti (Event) on Computer"));
        for text in ["Syslog | count", "print 1", "Syslog | summarize count()", "union Syslog, (print 1)"] {
            assert!(!is_empty(text), "{text}");
        }
    }
}
