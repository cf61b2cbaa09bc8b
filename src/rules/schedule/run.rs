//! One run of a rule's query.

use std::fmt;

use super::clock::Moment;
use super::data::Data;
use crate::bind;
use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::engine;
use crate::plan::{Kind, Node, Plan, rewrite};
use crate::query::{self, Settled};
use crate::rules::alert::Results;
use crate::rules::{Embedded, Rule};
use crate::syntax::{self, ast};
use crate::types::Column;
use crate::types::arrow::Footprint;

/// The query of a rule, parsed.
#[derive(Debug)]
pub struct Query<'a> {
    text: &'a Embedded,
    query: ast::Query,
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
        Some(Query::new(rule.query()?))
    }

    /// Parses a text.
    pub fn new(text: &'a Embedded) -> Result<Query<'a>, Failure> {
        let parsed = syntax::parse(&text.text);
        if parsed.problems.iter().any(Diagnostic::is_error) {
            let problems = parsed.problems.into_iter().map(|problem| text.in_file(problem)).collect();
            return Err(Failure::Problems(problems));
        }
        Ok(Query { text, query: parsed.query })
    }

    /// Tells what the query needs. Fails where it does not bind.
    pub fn needs(&self, catalog: &Catalog, now: i64) -> Result<Needs, Failure> {
        let bound = bind::bind(&self.query, catalog, &bind::Options { now, ..bind::Options::default() });
        let names = |plan: &Plan| plan.scans().into_iter().map(|(name, columns)| (name.to_string(), columns)).collect();
        if let Some(plan) = bound.plan {
            return Ok(Needs { tables: names(&rewrite::rewrite(plan)), all_columns: false });
        }
        match bound.first {
            Some(_) => Ok(Needs { tables: Vec::new(), all_columns: true }),
            None => Err(self.problems(bound.problems.into_iter().chain(bound.refusals))),
        }
    }

    /// Runs the query at a moment; returns its rows and how many rows of tables it saw.
    pub fn run(&self, data: &Data, moment: &Moment) -> Result<(Results, u64), Failure> {
        let options = bind::Options { now: moment.now, ..bind::Options::default() };
        let mut read = 0;
        let Settled { bound, materialized } = query::settle(&self.query, &data.catalog, options, |plan| {
            let plan = rewrite::rewrite(plan);
            let session = data.session(&plan, moment, &mut read)?;
            Ok::<_, Failure>((plan, session))
        })?;
        let Some(plan) = bound.plan else {
            return Err(self.problems(bound.problems.into_iter().chain(bound.refusals)));
        };
        let plan = rewrite::rewrite(plan);
        let mut session = data.session(&plan, moment, &mut read)?;
        if read == 0 && materialized.is_empty() && plan.shared.is_empty() {
            // Most windows of a quiet table are empty: what reads nothing and makes nothing of it need not run.
            if let Some(result) = plan.results.first().filter(|result| is_empty_of_nothing(&result.node)) {
                return Ok((Results { columns: result.node.columns.clone(), batches: Vec::new() }, 0));
            }
        }
        session.materialized = materialized;
        let Some(mut output) = engine::run(&plan, &session)?.into_iter().next() else {
            return Err(Failure::Engine("the query gives no result".into()));
        };
        let mut results = Results { columns: output.columns.clone(), batches: Vec::new() };
        let mut footprint = Footprint::default();
        for batch in &mut output {
            let batch = batch?;
            if footprint.add(&batch) > data.memory_limit {
                return Err(Failure::Engine("the result needs more memory than --memory-limit allows".into()));
            }
            results.batches.push(batch);
        }
        Ok((results, read))
    }

    fn problems(&self, problems: impl Iterator<Item = Diagnostic>) -> Failure {
        let mut all: Vec<_> = problems.filter(Diagnostic::is_error).map(|problem| self.text.in_file(problem)).collect();
        all.sort_by_key(|problem| problem.span);
        Failure::Problems(all)
    }
}

/// Tells whether a relation has no rows where no table has any; false where that is not known.
fn is_empty_of_nothing(node: &Node) -> bool {
    match &node.kind {
        Kind::Scan { .. } => true,
        Kind::Aggregate { keys, .. } if keys.is_empty() => false,
        Kind::Filter { .. }
        | Kind::Project { .. }
        | Kind::Aggregate { .. }
        | Kind::Sort { .. }
        | Kind::Limit { .. }
        | Kind::Join { .. }
        | Kind::Union { .. }
        | Kind::Expand { .. } => node.inputs().into_iter().all(is_empty_of_nothing),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_empty(text: &str) -> bool {
        let query = syntax::parse(text).query;
        let bound = bind::bind(&query, &Catalog::standard(), &bind::Options::default());
        is_empty_of_nothing(&rewrite::rewrite(bound.plan.unwrap()).results[0].node)
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
