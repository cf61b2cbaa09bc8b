//! A question, its way through the engine, and the answer within the limits.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Limits, Opened, Records};
use crate::bind::{self, Bound};
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Session};
use crate::format::{self, Format, Writer};
use crate::plan::{Plan, rewrite};
use crate::query::period::{self, Period};
use crate::query::{self, Settled};
use crate::syntax;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) query: String,
    /// Records are left out whose TimeGenerated is outside of any of these.
    pub(super) timespans: Vec<Period>,
}

/// Rows that are written before the size is looked at again.
const SLICE: usize = 64;

/// Answers a question: the body of the response.
pub(super) fn answer(records: &dyn Records, question: &Question, limits: Limits) -> Result<Vec<u8>, Refusal> {
    prepare(records, question, |plan, session| run(plan, session, limits))
}

/// Answers a question as it comes, without limits.
pub(super) fn write(records: &dyn Records, question: &Question, writer: &mut dyn Writer) -> Result<(), Refusal> {
    let written = |error: io::Error| Refusal::machine(error.to_string());
    prepare(records, question, |plan, session| {
        for output in engine::run(plan, session)? {
            writer.begin(&output.name, &output.columns).map_err(written)?;
            for batch in output {
                writer.write(&batch?).map_err(written)?;
            }
        }
        writer.finish().map_err(written)
    })
}

/// Makes a question ready to run, and runs it while its records are open.
fn prepare<T>(
    records: &dyn Records,
    question: &Question,
    run: impl FnOnce(&Plan, &Session) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let text = &question.query;
    let parsed = syntax::parse(text);
    if parsed.problems.iter().any(Diagnostic::is_error) {
        return Err(Refusal::query(text, "SyntaxError", &parsed.problems));
    }
    let opened = records.open(text).map_err(Refusal::request)?;
    let options = bind::Options { now: opened.now(), ..bind::Options::default() };
    let Settled { bound, materialized } = query::settle(&parsed.query, opened.catalog(), options, |plan| {
        let plan = ready(plan, question, &*opened);
        let session = session(&*opened, &plan)?;
        Ok::<_, Refusal>((plan, session))
    })?;
    let plan = ready(plan(bound, text)?, question, &*opened);
    let session = Session { materialized, ..session(&*opened, &plan)? };
    run(&plan, &session)
}

fn ready(mut plan: Plan, question: &Question, opened: &dyn Opened) -> Plan {
    let now = plan.now.unwrap_or(opened.now());
    for wanted in &question.timespans {
        period::limit(&mut plan, *wanted, now);
    }
    rewrite::rewrite(plan)
}

fn session(opened: &dyn Opened, plan: &Plan) -> Result<Session, Refusal> {
    opened.session(plan).map_err(Refusal::request)
}

fn plan(bound: Bound, text: &str) -> Result<Plan, Refusal> {
    let Bound { plan, mut problems, refusals, .. } = bound;
    match plan {
        Some(plan) if plan.results.is_empty() => Err(Refusal::request("The query gives no result")),
        Some(plan) => Ok(plan),
        None => {
            problems.extend(refusals);
            Err(Refusal::query(text, "SemanticError", &problems))
        }
    }
}

/// Runs a plan and writes its results, up to the limits.
fn run(plan: &Plan, session: &Session, limits: Limits) -> Result<Vec<u8>, Refusal> {
    let body = Body::default();
    let mut writer = Format::LogAnalytics.writer(Box::new(body.clone()), format::Limits::default());
    let written = |error: io::Error| Refusal::machine(error.to_string());
    let (mut left, mut cut) = (limits.rows, None);
    for output in engine::run(plan, session)? {
        writer.begin(&output.name, &output.columns).map_err(written)?;
        for batch in output {
            let batch = batch?;
            let mut at = 0;
            while at < batch.num_rows() && cut.is_none() {
                let rows = SLICE.min(batch.num_rows() - at).min(left);
                if rows == 0 {
                    cut = Some(format!("record count limit {}", limits.rows));
                    break;
                }
                writer.write(&batch.slice(at, rows)).map_err(written)?;
                (at, left) = (at + rows, left - rows);
                if body.len() > limits.bytes {
                    cut = Some(format!("limit of {} bytes (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003)", limits.bytes));
                }
            }
            if cut.is_some() {
                break;
            }
        }
    }
    writer.finish().map_err(written)?;
    drop(writer);
    let mut bytes = body.take();
    if let Some(what) = cut {
        add_key(&mut bytes, "error", &partial(&what));
    }
    Ok(bytes)
}

/// Makes the error that stands in an answer that was cut off.
fn partial(what: &str) -> Value {
    let inner = json!({
        "code": "-2133196797", "severity": 2, "severityName": "Error",
        "message": format!("The results of this query exceed the set {what}, so not all records were returned"),
    });
    json!({
        "code": "PartialError", "message": "There were some errors when processing your query",
        "details": [{"code": "EngineError", "message": "Something went wrong processing your query", "innererror": inner}],
    })
}

/// Adds a key to the object that `bytes` ends with.
fn add_key(bytes: &mut Vec<u8>, key: &str, value: &Value) {
    while bytes.pop().is_some_and(|byte| byte != b'}') {}
    bytes.extend_from_slice(format!(",\"{key}\":{value}}}\n").as_bytes());
}

/// Bytes that the writer and its owner both hold.
#[derive(Clone, Default)]
struct Body(Arc<Mutex<Vec<u8>>>);

impl Body {
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Body {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
