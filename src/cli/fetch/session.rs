//! What all downloads share: the cloud, the identity, the clock, and what becomes of errors.

use std::env;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::progress::Progress;
use crate::cli::config::Config;
use crate::cli::console::Console;
use crate::cli::stop::Stop;
use crate::cli::{Global, value};
use crate::fetch::{
    self, Choice, Client, Clock, Cloud, Identity, Logs, Manager, Nobody, Report, Tokens, Transport, defender,
};
use crate::types::ticks;

/// Options of every download.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Azure")]
pub(in crate::cli) struct Access {
    /// Uses this identity. `auto` takes the first that gives a token: the environment's application, a workload
    /// identity, GitHub Actions, a managed identity, the Azure CLI, the Azure Developer CLI. `none` sends no token.
    #[arg(long, global = true, value_name = "WHICH",
          value_parser = PossibleValuesParser::new(Choice::ALL.map(|(name, _)| name)))]
    identity: Option<String>,
    /// The cloud that the tenant is in.
    #[arg(long, global = true, value_name = "CLOUD", value_parser = PossibleValuesParser::new(Cloud::NAMES))]
    cloud: Option<String>,
    /// Asks this address in place of the cloud's query API: a private link, or `alertq serve`.
    #[arg(long, global = true, value_name = "URL")]
    logs_endpoint: Option<String>,
    /// Asks this address in place of the cloud's Resource Manager.
    #[arg(long, global = true, value_name = "URL")]
    arm_endpoint: Option<String>,
    /// Trusts the certificates in this file (PEM) beside the system's: those of a proxy that looks into TLS. Default: the
    /// `ca_file` of alertq.toml.
    #[arg(long, global = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Tries a request so often before it is given up.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    attempts: Option<u32>,
}

/// Tries of a request: with the longest waits this bridges a quarter of an hour.
const ATTEMPTS: u32 = 20;

/// What a download works with.
pub(in crate::cli) struct Session<'a> {
    pub(in crate::cli) console: &'a Console,
    pub(in crate::cli) config: Config,
    pub(in crate::cli) cloud: Cloud,
    /// The query API that is asked is the cloud's own.
    is_public: bool,
    /// The Resource Manager that is asked is the cloud's own.
    is_public_manager: bool,
    clock: Arc<dyn Clock>,
    tokens: Arc<dyn Tokens>,
    http: Transport,
    progress: Arc<Progress>,
    attempts: u32,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Session<'a> {
    pub(in crate::cli) fn new(
        arguments: &Access,
        global: &'a Global,
        console: &'a Console,
    ) -> Result<Session<'a>, Stop> {
        let config = Config::load(global.config.as_deref())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Stop::failure(format!("no threads could be started: {error}")))?;
        let mut cloud = arguments.cloud.as_deref().and_then(Cloud::from_name).unwrap_or_default();
        let choice = arguments.identity.as_deref().and_then(Choice::from_name).unwrap_or(Choice::Auto);
        for (given, address) in
            [(&arguments.logs_endpoint, &mut cloud.logs), (&arguments.arm_endpoint, &mut cloud.manager)]
        {
            if let Some(given) = given {
                *address = endpoint(given, choice)?;
            }
        }
        let http = transport(arguments.ca_file.as_deref().or(config.ca_file.as_deref()))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemTime);
        let tokens: Arc<dyn Tokens> = match choice {
            Choice::Nobody => Arc::new(Nobody),
            choice => Arc::new(Identity::new(choice, &cloud, &|name| env::var(name).ok(), http.clone(), clock.clone())),
        };
        let progress = Arc::new(Progress::new(console));
        let attempts = arguments.attempts.unwrap_or(ATTEMPTS);
        let is_public = arguments.logs_endpoint.is_none();
        let is_public_manager = arguments.arm_endpoint.is_none();
        Ok(Session {
            console,
            config,
            cloud,
            is_public,
            is_public_manager,
            clock,
            tokens,
            http,
            progress,
            attempts,
            runtime,
        })
    }

    /// Makes a client that keeps bodies in a folder while they are read.
    pub(in crate::cli) fn client(&self, folder: &Path) -> Client {
        let report: Arc<dyn Report> = self.progress.clone();
        let (http, clock, tokens) = (self.http.cloud.clone(), self.clock.clone(), self.tokens.clone());
        Client::new(http, clock, tokens, report, folder.to_path_buf(), self.attempts)
    }

    /// Opens Resource Manager. Its answers lie among this process's temporary files while they are read.
    pub(in crate::cli) fn manager(&self) -> Manager {
        Manager::new(self.client(&tempfile::env::temp_dir()), &self.cloud)
    }

    /// Opens a workspace.
    pub(in crate::cli) fn logs(&self, workspace: &str, folder: &Path) -> Result<Logs, Stop> {
        self.config.known_workspace(workspace)?;
        let id = self.config.workspace_id(workspace);
        // Azure knows workspaces by GUIDs alone; who serves local records takes any name.
        if self.is_public && !id.contains('/') && uuid::Uuid::parse_str(&id).is_err() {
            return Err(self.config.no_workspace(&id));
        }
        Logs::new(self.client(folder), &self.cloud, &id).map_err(stop)
    }

    /// Returns the id of a subscription.
    pub(in crate::cli) fn subscription(&self, name: &str) -> Result<String, Stop> {
        let id = self.config.subscription(name);
        if self.is_public_manager && uuid::Uuid::parse_str(&id).is_err() {
            return Err(self.config.no_subscription(&id));
        }
        defender::subscription(&id).map_err(stop)
    }

    /// Waits for a download's end.
    pub(in crate::cli) fn wait<T>(&self, work: impl Future<Output = Result<T, fetch::Error>>) -> Result<T, Stop> {
        let outcome = self.runtime.block_on(work);
        self.progress.end();
        outcome.map_err(stop)
    }

    /// Waits for some time.
    pub(in crate::cli) fn sleep(&self, length: i64) {
        let length = Duration::from_micros(u64::try_from(length / ticks::TICKS_PER_MICROSECOND).unwrap_or_default());
        self.runtime.block_on(self.clock.sleep(length));
    }
}

/// Makes what carries requests, with the roots that a file adds.
fn transport(roots: Option<&Path>) -> Result<Transport, Stop> {
    let Some(path) = roots else { return Transport::new(None).map_err(stop) };
    let shown = path.display();
    let pem = std::fs::read(path)
        .map_err(|error| Stop::failure(format!("{shown} cannot be read: {error}")).help("see --ca-file"))?;
    Transport::new(Some(&pem)).map_err(|error| {
        let stop = Stop::failure(format!("{shown}: {}", error.message));
        error.help.into_iter().fold(stop, Stop::help)
    })
}

/// Makes what a failed download means.
pub(in crate::cli) fn stop(error: fetch::Error) -> Stop {
    match error.help {
        Some(help) => Stop::failure(error.message).help(help),
        None => Stop::failure(error.message),
    }
}

/// Takes an address; a token goes out by TLS, or stays on this machine.
fn endpoint(text: &str, choice: Choice) -> Result<String, Stop> {
    let wrong =
        |why: &str| Stop::failure(format!("'{text}' {why}")).help("say for example https://api.loganalytics.io");
    let url = url::Url::parse(text).map_err(|_| wrong("is no address"))?;
    let host = url.host_str().unwrap_or_default();
    let local = host == "localhost" || host.starts_with("127.") || host == "[::1]";
    match url.scheme() {
        "https" => {}
        "http" if local || choice == Choice::Nobody => {}
        "http" => return Err(wrong("has no TLS: a token would be sent for everybody to read")),
        _ => return Err(wrong("begins with neither https:// nor http://")),
    }
    // Clients of other languages are given the version as well.
    Ok(text.trim_end_matches('/').trim_end_matches("/v1").to_string())
}

/// The clock of this machine.
struct SystemTime;

#[async_trait]
impl Clock for SystemTime {
    fn now(&self) -> Duration {
        // Since the process began to wait: a clock that never goes back.
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed()
    }

    fn unix_seconds(&self) -> u64 {
        let since = value::system_clock().saturating_sub(ticks::UNIX_EPOCH);
        u64::try_from(since / ticks::TICKS_PER_SECOND).unwrap_or_default()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }

    fn chance(&self) -> f64 {
        rand::random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_do_not_travel_in_the_open() {
        let of = |text, choice| endpoint(text, choice).ok();
        assert_eq!(of("https://x.example/v1/", Choice::Auto).as_deref(), Some("https://x.example"));
        assert_eq!(of("http://127.0.0.1:80", Choice::Auto).as_deref(), Some("http://127.0.0.1:80"));
        assert_eq!(of("http://x.example", Choice::Auto), None);
        assert_eq!(of("http://x.example", Choice::Nobody).as_deref(), Some("http://x.example"));
        assert_eq!(of("file:///x", Choice::Nobody), None);
        assert_eq!(of("x.example", Choice::Nobody), None);
    }
}
