//! A server on this machine: the query API of Log Analytics over local records.
//!
//! Programs that ask a workspace (`azure-monitor-query`, notebooks, [`crate::fetch`](../fetch)) can ask this one in its
//! place. The answers are the service's: tables by position, limits that cut an answer off and say so, errors with
//! their codes. Nobody is asked who they are, so that it is for loopback.
//!
//! ```no_run
//! # async fn example(records: std::sync::Arc<dyn alertq::serve::Records>) -> std::io::Result<()> {
//! let listener = alertq::serve::listen("127.0.0.1:0").await?;
//! println!("http://{}", listener.local_addr()?);
//! alertq::serve::run(listener, alertq::serve::router(records, alertq::serve::Limits::default())).await
//! # }
//! ```

mod answer;
mod log_analytics;
mod refusal;

use std::io;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use crate::catalog::Catalog;
use crate::engine::Session;
use crate::format::Writer;
use crate::plan::Plan;
use crate::query::period::Period;

/// Stack of the threads that answer: expressions nest up to a limit, and unoptimised frames are large.
pub const STACK: usize = 64 << 20;

/// Where the records are that queries are about.
pub trait Records: Send + Sync + 'static {
    /// Opens what the text of a query may name; the message says why that fails.
    fn open(&self, text: &str) -> Result<Box<dyn Opened>, String>;
}

/// Records that have been opened for one query.
pub trait Opened {
    /// What the query can name.
    fn catalog(&self) -> &Catalog;
    /// What `now()` gives, in ticks.
    fn now(&self) -> i64;
    /// The tables that a plan scans, and what it may use; the message says why there is none.
    fn session(&self, plan: &Plan) -> Result<Session, String>;
}

/// What an answer may hold; the rest is cut off, and the answer says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of all tables.
    pub rows: usize,
    /// Bytes of the answer.
    pub bytes: usize,
}

impl Default for Limits {
    /// The limits of the service: 500,000 rows, 64,000,000 bytes.
    fn default() -> Self {
        Limits { rows: 500_000, bytes: 64_000_000 }
    }
}

/// Answers one query over records as the server would, without limits, batch by batch.
///
/// # Errors
/// Says what is wrong with the query, why it does not run, or why its rows cannot be written.
pub fn write(
    records: &dyn Records,
    query: &str,
    timespan: Option<Period>,
    writer: &mut dyn Writer,
) -> Result<(), String> {
    let question = answer::Question { query: query.to_string(), timespans: timespan.into_iter().collect() };
    answer::write(records, &question, writer).map_err(|refusal| refusal.text())
}

/// Makes the routes of the query API.
pub fn router(records: Arc<dyn Records>, limits: Limits) -> Router {
    log_analytics::router(records, limits)
}

/// Opens a socket, `ADDRESS:PORT`; port 0 takes a free one.
pub async fn listen(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until the task is dropped.
pub async fn run(listener: TcpListener, router: Router) -> io::Result<()> {
    axum::serve(listener, router).await
}
