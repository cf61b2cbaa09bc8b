//! `alertq serve`: answers for a service of Azure's, over local records.

use std::sync::Arc;

use clap::Args;

use super::config::Config;
use super::console::Console;
use super::data::{self, Sources};
use super::interrupt::Scratch;
use super::output::Output;
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome, value};
use crate::catalog::Catalog;
use crate::engine::Session;
use crate::plan::Plan;
use crate::serve::{self, Limits, Opened, Records};
use crate::source::sample::BUILT_IN;

/// Serves local records over the query API of Log Analytics, for programs that ask a workspace.
///
/// The address is printed once the server answers; any workspace and any token will do, so that it should stay on this
/// machine. Clients that refuse to send a token without TLS must be told: `azure-monitor-query` takes
/// `authentication_policy=SansIOHTTPPolicy()`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq serve --log-analytics --data alerts.parquet\n  \
                        alertq serve --log-analytics --address 127.0.0.1:8080 --max-rows 30000\n  \
                        curl -s http://127.0.0.1:8080/v1/workspaces/any/query \\\n    \
                        -H 'Content-Type: application/json' -d '{\"query\": \"SecurityAlert | count\"}'")]
pub(super) struct Arguments {
    /// Speaks the query API of Log Analytics: `/v1/workspaces/ID/query`.
    #[arg(long, required = true)]
    log_analytics: bool,
    #[command(flatten)]
    given: Given,
    /// Listens here; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    address: String,
    /// Cuts an answer off behind so many rows, with `PartialError`, as the service does.
    #[arg(long, value_name = "N", default_value_t = Limits::default().rows)]
    max_rows: usize,
    /// Cuts an answer off behind this size.
    #[arg(long, value_name = "SIZE", value_parser = value::size, default_value = "64MB")]
    max_bytes: usize,
    /// Limits the memory that the operators of one query may use: `512MB`, `2GiB`.
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    memory_limit: Option<usize>,
}

pub(super) fn run(arguments: &Arguments, global: &Global, console: &Console) -> Result<Outcome, Stop> {
    let config = Config::load(global.config.as_deref())?;
    let sources = Sources::new(&arguments.given, &config)?;
    if sources.is_empty() {
        console.note(&format!("no --data was given: the answers are about {BUILT_IN}"));
    }
    // What cannot be opened now could not be either when somebody asks.
    sources.open("*")?;
    let _scratch = Scratch::new()?;
    let memory_limit = arguments.memory_limit.or(config.memory_limit);
    let records = Arc::new(Local { sources, memory_limit, now: global.now });
    let limits = Limits { rows: arguments.max_rows, bytes: arguments.max_bytes };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(serve::STACK).build();
    let runtime = runtime.map_err(|error| Stop::failure(format!("no threads could be started: {error}")))?;
    runtime.block_on(async {
        let address = &arguments.address;
        let cannot = |error: std::io::Error| {
            Stop::failure(format!("{address} cannot be listened to: {error}"))
                .help("give another one with --address, for example 127.0.0.1:8080")
        };
        let listener = serve::listen(address).await.map_err(cannot)?;
        let mut output = Output::stdout();
        output.text(&format!("http://{}\n", listener.local_addr().map_err(cannot)?))?;
        output.finish()?;
        serve::run(listener, serve::router(records, limits)).await.map_err(cannot)
    })?;
    Ok(Outcome::Clean)
}

/// The user's files; they are opened for each query, so that what is added is found.
pub(super) struct Local {
    pub(super) sources: Sources,
    pub(super) memory_limit: Option<usize>,
    pub(super) now: Option<i64>,
}

impl Records for Local {
    fn open(&self, text: &str) -> Result<Box<dyn Opened>, String> {
        let opened = self.sources.open(text).map_err(told)?;
        let now = self.now.unwrap_or_else(value::system_clock);
        Ok(Box::new(Tables { opened, memory_limit: self.memory_limit, now }))
    }
}

struct Tables {
    opened: data::Opened,
    memory_limit: Option<usize>,
    now: i64,
}

impl Opened for Tables {
    fn catalog(&self) -> &Catalog {
        &self.opened.catalog
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn session(&self, plan: &Plan) -> Result<Session, String> {
        let loaded = self.opened.load(plan, self.memory_limit).map_err(told)?;
        let mut session = Session::new();
        session.tables = loaded.tables;
        session.memory_limit = self.memory_limit.unwrap_or(session.memory_limit);
        Ok(session)
    }
}

fn told(stop: Stop) -> String {
    match stop {
        Stop::Failure { message, help: Some(help) } => format!("{message}; {help}"),
        Stop::Failure { message, help: None } => message,
        Stop::Problems { problems, .. } => problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join("; "),
        Stop::ClosedPipe => "the data cannot be read".to_string(),
    }
}
