//! A query whose columns only the data tell: the first part runs, then the text is bound again.
//!
//! ```text
//!   bind ──▶ a plan                                     ──▶ run
//!     ▲  ╲
//!     │   ▶ a first part ──run──▶ rows, held ──▶ the columns that a plugin makes of them
//!     ╰──────────────────────────────────────────────────╯
//! ```
//!
//! Each round tells the columns of one open plugin; a query has as many as it calls. The rows of the first part are held
//! for the rest of the query, which reads them from memory; where they are only filtered and computed from those of a
//! table they are read again instead, so that neither do they need memory nor are columns read that nobody asks for.

pub mod period;

use arrow::array::RecordBatch;

use crate::bind::{self, Bound, First};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Span};
use crate::engine::{self, Output, Session};
use crate::functions::FunctionError;
use crate::plan::{Plan, QueryResult};
use crate::syntax::ast::Query;
use crate::types::arrow::Footprint;

/// Rounds beyond this are refused: each holds its rows in memory.
const MOST_ROUNDS: usize = 64;

/// A query that can run, or what keeps it from that.
#[derive(Debug)]
pub struct Settled {
    pub bound: Bound,
    /// What the parts that ran gave: the session that runs the plan must hold it.
    pub materialized: Vec<Vec<RecordBatch>>,
}

/// Binds a query, and runs of it what must be run to know its columns.
///
/// `prepare` makes a part ready and gives the session that it runs in, with the tables that it scans.
///
/// ```
/// use alertq::{bind, catalog::Catalog, engine, plan, query, syntax};
///
/// let text = "print d = dynamic({'b': 1, 'a': 'x'}) | evaluate bag_unpack(d) | where b == 1";
/// let parsed = syntax::parse(text);
/// let prepare = |plan: plan::Plan| Ok::<_, engine::Error>((plan, engine::Session::new()));
/// let settled = query::settle(&parsed.query, &Catalog::new(), bind::Options::default(), prepare)?;
/// let names: Vec<_> = settled.bound.columns.unwrap().into_iter().map(|c| c.name).collect();
/// assert_eq!(names, ["a", "b"]);
/// # Ok::<(), alertq::engine::Error>(())
/// ```
///
/// # Errors
/// What `prepare` fails with, and what running a part does. That its rows do not suit the plugin is a refusal of the query.
pub fn settle<E: From<engine::Error>>(
    query: &Query,
    catalog: &Catalog,
    mut options: bind::Options,
    mut prepare: impl FnMut(Plan) -> Result<(Plan, Session), E>,
) -> Result<Settled, E> {
    let mut materialized: Vec<Vec<RecordBatch>> = Vec::new();
    loop {
        let mut bound = bind::bind(query, catalog, &options);
        let Some(First { input, held, shared, externals, call, span, arguments }) = bound.first.take() else {
            return Ok(Settled { bound, materialized });
        };
        if materialized.len() >= MOST_ROUNDS {
            let message = format!("more than {MOST_ROUNDS} plugins whose columns only the data tell are not run");
            bound.refusals.push(Diagnostic::error("AQ042", span, message));
            return Ok(Settled { bound, materialized });
        }
        let results = vec![QueryResult { name: "PrimaryResult".into(), node: input, render: None }];
        let (plan, mut session) = prepare(Plan {
            results,
            shared,
            now: bound.now,
            places: catalog.whereabouts().cloned(),
            externals,
            ..Plan::default()
        })?;
        session.materialized.clone_from(&materialized);
        let mut rows = Rows::run(&plan, &session, held)?;
        let columns = call.discover(&mut rows);
        materialized.push(rows.finish(call.plugin.name)?);
        match columns {
            Ok(columns) => options.discovered.push(columns),
            Err(error) => {
                bound.refusals.push(refusal(error, span, &arguments));
                return Ok(Settled { bound, materialized });
            }
        }
    }
}

fn refusal(error: FunctionError, span: Span, arguments: &[Span]) -> Diagnostic {
    let place = error.argument.and_then(|argument| arguments.get(argument)).copied();
    Diagnostic::error(error.code, place.unwrap_or(span), error.message)
}

/// The rows of a part while it runs; some are held, within the session's memory.
struct Rows {
    outputs: std::vec::IntoIter<Output>,
    current: Option<Output>,
    /// None where they are not held.
    held: Option<Vec<RecordBatch>>,
    footprint: Footprint,
    memory_limit: usize,
    failed: Option<engine::Error>,
    full: bool,
}

impl Rows {
    fn run(plan: &Plan, session: &Session, held: bool) -> Result<Rows, engine::Error> {
        let mut footprint = Footprint::default();
        session.materialized.iter().flatten().for_each(|batch| {
            footprint.add(batch);
        });
        Ok(Rows {
            outputs: engine::run(plan, session)?.into_iter(),
            current: None,
            held: held.then(Vec::new),
            footprint,
            memory_limit: session.memory_limit,
            failed: None,
            full: false,
        })
    }

    /// Returns the rows that are held, or why there are not all of them.
    fn finish(mut self, plugin: &str) -> Result<Vec<RecordBatch>, engine::Error> {
        if self.held.is_some() {
            // Whoever looked at the rows may have seen enough.
            while self.next().is_some() {}
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.full {
            let message = format!(
                "the rows that `evaluate {plugin}` takes its columns from need more memory than --memory-limit allows; \
                 raise the limit, filter before it, or declare its columns, as in `: (*, a:long)`"
            );
            return Err(engine::Error::new(engine::ErrorKind::Resources, message));
        }
        Ok(self.held.unwrap_or_default())
    }
}

impl Iterator for Rows {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        if self.failed.is_some() || self.full {
            return None;
        }
        loop {
            let next = match &mut self.current {
                Some(output) => output.next(),
                None => None,
            };
            match next {
                Some(Ok(batch)) => {
                    if let Some(held) = &mut self.held {
                        self.full = self.footprint.add(&batch) > self.memory_limit;
                        held.push(batch.clone());
                    }
                    return (!self.full).then_some(batch);
                }
                Some(Err(error)) => {
                    self.failed = Some(error);
                    return None;
                }
                None => self.current = Some(self.outputs.next()?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn settled(text: &str, memory_limit: usize) -> Result<Settled, engine::Error> {
        settle(&parse(text).query, &Catalog::new(), bind::Options::default(), |plan| {
            Ok((plan, Session { memory_limit, ..Session::new() }))
        })
    }

    #[test]
    fn rows_are_held_or_not() {
        let held = |text| settled(text, 1 << 30).unwrap().materialized.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(held("print d = dynamic({'a': 1}) | take 1 | evaluate bag_unpack(d)"), [1]);
        assert_eq!(held("datatable(d:dynamic)[dynamic({'a': 1})] | evaluate bag_unpack(d)"), [0]);
        assert!(held("print d = dynamic({'a': 1}) | evaluate bag_unpack(d) : (a:long)").is_empty());
    }

    #[test]
    fn what_does_not_fit_into_memory_is_told() {
        let text =
            "range x from 1 to 10000 step 1 | take 9999 | extend d = bag_pack('x', x) | evaluate bag_unpack(d, 'p')";
        let error = settled(text, 10_000).unwrap_err();
        assert_eq!(error.kind, engine::ErrorKind::Resources);
        assert!(error.message.contains("evaluate bag_unpack"), "{}", error.message);
    }

    #[test]
    fn rows_that_do_not_suit_the_plugin_refuse_the_query() {
        let text = "datatable(a:long, d:dynamic)[1, dynamic({'a': 2})] | evaluate bag_unpack(d)";
        let bound = settled(text, 1 << 30).unwrap().bound;
        assert!(bound.plan.is_none());
        assert_eq!(
            bound.refusals.iter().map(|r| (r.code, &text[r.span.start..r.span.end])).collect::<Vec<_>>(),
            [("AQ041", "d")]
        );
    }

    #[test]
    fn rounds_have_an_end() {
        let text = format!("print d = dynamic({{'d': {{}}}}) {}", "| evaluate bag_unpack(d) ".repeat(80));
        let bound = settled(&text, 1 << 30).unwrap().bound;
        assert!(bound.plan.is_none());
    }
}
