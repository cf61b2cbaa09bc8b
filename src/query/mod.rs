//! A query whose columns only the data tell: the first part runs, then the text is bound again.
//!
//! ```text
//!   bind ──▶ a plan                                     ──▶ run
//!     ▲  ╲
//!     │   ▶ a first part ──run──▶ rows, held ──▶ the columns that a plugin makes of them
//!     ╰──────────────────────────────────────────────────╯
//! ```
//!
//! Each round tells the columns of one open plugin; a query has as many as it calls. What the first part gave is not
//! computed again: the rest of the query reads it from memory.

use arrow::array::RecordBatch;

use crate::bind::{self, Bound, First};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Span};
use crate::engine::{self, Session};
use crate::functions::FunctionError;
use crate::plan::{Plan, QueryResult};
use crate::syntax::ast::Query;

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
        let Some(First { input, shared, call, span, arguments }) = bound.first.take() else {
            return Ok(Settled { bound, materialized });
        };
        if materialized.len() >= MOST_ROUNDS {
            let message = format!("more than {MOST_ROUNDS} plugins whose columns only the data tell are not run");
            bound.refusals.push(Diagnostic::error("AQ042", span, message));
            return Ok(Settled { bound, materialized });
        }
        let results = vec![QueryResult { name: "PrimaryResult".into(), node: input, render: None }];
        let (plan, mut session) = prepare(Plan { results, shared, now: bound.now })?;
        session.materialized.clone_from(&materialized);
        let batches = rows(&plan, &session, call.plugin.name)?;
        match call.discover(&batches) {
            Ok(columns) => options.discovered.push(columns),
            Err(error) => {
                bound.refusals.push(refusal(error, span, &arguments));
                return Ok(Settled { bound, materialized });
            }
        }
        materialized.push(batches);
    }
}

fn refusal(error: FunctionError, span: Span, arguments: &[Span]) -> Diagnostic {
    let place = error.argument.and_then(|argument| arguments.get(argument)).copied();
    Diagnostic::error(error.code, place.unwrap_or(span), error.message)
}

/// Runs a part to its end and holds what it gives, within the session's memory.
fn rows(plan: &Plan, session: &Session, plugin: &str) -> Result<Vec<RecordBatch>, engine::Error> {
    let mut held: usize = session.materialized.iter().flatten().map(RecordBatch::get_array_memory_size).sum();
    let mut batches = Vec::new();
    for output in engine::run(plan, session)? {
        for batch in output {
            let batch = batch?;
            held = held.saturating_add(batch.get_array_memory_size());
            if held > session.memory_limit {
                return Err(engine::Error {
                    kind: engine::ErrorKind::Resources,
                    message: format!(
                        "the rows that `evaluate {plugin}` takes its columns from need more memory than \
                         --memory-limit allows; raise the limit, filter before it, or declare its columns, as in \
                         `: (*, a:long)`"
                    ),
                });
            }
            batches.push(batch);
        }
    }
    Ok(batches)
}
