//! Requests that are made until they are answered, or it is clear that they will not be.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use tempfile::NamedTempFile;

use super::clock::Clock;
use super::error::{About, Error, ErrorKind, Told, of_answer};
use super::gate::Gate;
use super::report::{Event, Report};
use super::write::temporary;

/// Where tokens come from.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Returns the token for a scope; None where none is sent.
    async fn token(&self, scope: &str) -> Result<Option<String>, Error>;

    /// Forgets a token: the service does not take it any more.
    async fn forget(&self, token: &str);

    /// Says whose tokens these are, in the words of a message.
    fn describe(&self) -> String;
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub method: Method,
    pub url: String,
    /// JSON.
    pub body: Option<String>,
    /// The scope of the token.
    pub scope: &'a str,
    pub about: &'a About,
    /// Whether the asker would rather ask for less than ask again where an answer takes too long.
    pub splits: bool,
}

/// What came.
#[derive(Debug)]
pub enum Reply {
    /// A body of JSON, as far as its type says.
    Body(Body),
    /// Status 204: there is nothing.
    Nothing,
}

/// The body of an answer, on disk.
#[derive(Debug)]
pub struct Body {
    file: NamedTempFile,
    pub bytes: u64,
}

impl Body {
    /// Returns where it lies.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads it whole.
    pub fn text(&self) -> Result<String, Error> {
        std::fs::read_to_string(self.path())
            .map_err(|error| Error::new(ErrorKind::Service, format!("an answer cannot be read: {error}")))
    }
}

/// How often something has been tried.
#[derive(Debug, Default)]
pub struct Patience {
    tried: u32,
    /// Tokens in a row that were not taken.
    refused: u32,
}

/// Makes requests.
pub struct Client {
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    tokens: Arc<dyn Tokens>,
    report: Arc<dyn Report>,
    gate: Gate,
    folder: PathBuf,
    attempts: u32,
    /// Whether anything was ever answered.
    reached: AtomicBool,
    /// Whether a token was ever taken.
    taken: AtomicBool,
}

/// The longest time between two tries.
const LONGEST: Duration = Duration::from_secs(60);

/// Tries of what has never been reached: most likely it cannot be.
const UNREACHED: u32 = 4;

/// Tokens in a row that may be refused where none was ever taken: another one will not be either.
const MOST_TOKENS: u32 = 3;

/// The same where some were: the service, or the way there, has a bad hour.
const MOST_TOKENS_LATER: u32 = 7;

/// An answer that cannot be used.
enum Failed {
    /// It may be better next time; the service may say when.
    Again(Error, Option<Duration>),
    /// The token is not taken.
    Token(Error),
    Final(Error),
}

/// What carries requests.
///
/// Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`), roots those of the system (`SSL_CERT_FILE` names others
/// in their place), and those that the user adds.
/// Redirections are not followed: a token goes where it was meant to go.
#[derive(Debug, Clone)]
pub struct Transport {
    /// To the services.
    pub cloud: reqwest::Client,
    /// To what gives this machine its identity: it is beside it, and behind no proxy.
    pub machine: reqwest::Client,
}

impl Transport {
    /// Makes the clients that all requests go through. `roots` are certificates in PEM that are trusted beside the
    /// system's: those of a proxy that looks into TLS.
    ///
    /// # Errors
    /// Where the system's roots cannot be read, and where `roots` holds no certificate.
    pub fn new(roots: Option<&[u8]>) -> Result<Transport, Error> {
        let roots = roots.map(certificates).transpose()?.unwrap_or_default();
        let builder = || {
            reqwest::Client::builder()
                .tls_certs_merge(roots.clone())
                .user_agent(concat!("alertq/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(30))
                .read_timeout(Duration::from_secs(660))
        };
        let failed = |error| Error::new(ErrorKind::Service, format!("no connections can be made: {}", chain(&error)));
        let cloud = builder().build().map_err(failed)?;
        Ok(Transport { cloud, machine: builder().no_proxy().build().map_err(failed)? })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, Error> {
    let wrong =
        |why: String| Error::new(ErrorKind::File, why).help("it is in PEM: it begins with -----BEGIN CERTIFICATE-----");
    let found = reqwest::Certificate::from_pem_bundle(pem)
        .map_err(|error| wrong(format!("the file of roots cannot be read: {}", chain(&error))))?;
    if found.is_empty() { Err(wrong("the file of roots holds no certificate".to_string())) } else { Ok(found) }
}

impl Client {
    /// Makes a client that keeps bodies in `folder` while they are read, and tries each request so often.
    pub fn new(
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
        tokens: Arc<dyn Tokens>,
        report: Arc<dyn Report>,
        folder: PathBuf,
        attempts: u32,
    ) -> Client {
        Client {
            http,
            clock,
            tokens,
            report,
            gate: Gate::new(),
            folder,
            attempts,
            reached: AtomicBool::new(false),
            taken: AtomicBool::new(false),
        }
    }

    /// Returns the folder of what is only there for a while.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whom the requests are made for.
    pub fn identity(&self) -> String {
        self.tokens.describe()
    }

    /// Returns the token for a scope, as requests have it.
    pub(super) async fn token(&self, scope: &str) -> Result<Option<String>, Error> {
        self.tokens.token(scope).await
    }

    /// Tells what happened.
    pub(super) fn tell(&self, event: Event) {
        self.report.tell(event);
    }

    /// The clock that everything here goes by.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Asks until there is an answer.
    ///
    /// # Errors
    /// What the service says for good, and what it says for the time being so often that patience ends.
    pub async fn ask(&self, ask: &Ask<'_>, patience: &mut Patience) -> Result<Reply, Error> {
        loop {
            let token = match self.token(ask.scope).await {
                Ok(token) => token,
                Err(error) => {
                    self.again(patience, error).await?;
                    continue;
                }
            };
            let outcome = self.once(ask, token.as_deref()).await;
            if !matches!(outcome, Err(Failed::Token(_))) {
                patience.refused = 0;
            }
            match outcome {
                Ok(reply) => return Ok(reply),
                Err(Failed::Final(error)) => return Err(error),
                Err(Failed::Again(error, _)) if ask.splits && error.kind == ErrorKind::TooLarge => return Err(error),
                Err(Failed::Again(error, after)) => self.wait(patience, error, after).await?,
                Err(Failed::Token(error)) => {
                    self.tokens.forget(token.as_deref().unwrap_or_default()).await;
                    self.again(patience, error).await?;
                }
            }
        }
    }

    /// Lets another token be tried, unless none was ever taken or too many were refused.
    async fn again(&self, patience: &mut Patience, error: Error) -> Result<(), Error> {
        let most = if self.taken.load(Ordering::Relaxed) { MOST_TOKENS_LATER } else { MOST_TOKENS };
        if patience.refused >= most || !self.reached.load(Ordering::Relaxed) {
            return Err(error);
        }
        patience.refused += 1;
        match patience.refused {
            // Most likely it has expired.
            1 => Ok(()),
            _ => self.wait(patience, error, None).await,
        }
    }

    /// Waits before something is tried again: as long as the service says, else longer each time.
    ///
    /// # Errors
    /// The error itself, once it has been tried often enough.
    pub(super) async fn wait(
        &self,
        patience: &mut Patience,
        error: Error,
        after: Option<Duration>,
    ) -> Result<(), Error> {
        patience.tried += 1;
        let most = if self.reached.load(Ordering::Relaxed) { self.attempts } else { self.attempts.min(UNREACHED) };
        if patience.tried >= most {
            return Err(error);
        }
        let doubled = Duration::from_secs(1).saturating_mul(1 << patience.tried.min(6).saturating_sub(1)).min(LONGEST);
        // Half of it is left to chance, so that requests that failed together do not come back together.
        let length = after.unwrap_or_else(|| doubled.mul_f64(0.5 + self.clock.chance().clamp(0.0, 1.0) / 2.0));
        self.tell(Event::Waiting { reason: error.message, length });
        self.clock.sleep(length).await;
        Ok(())
    }

    async fn once(&self, ask: &Ask<'_>, token: Option<&str>) -> Result<Reply, Failed> {
        let _permit = self.gate.pass(self.clock()).await;
        let mut request = self.http.request(ask.method.clone(), &ask.url).header("Accept", "application/json");
        if let Some(body) = &ask.body {
            request = request.header(CONTENT_TYPE, "application/json").header("Prefer", "wait=600").body(body.clone());
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|error| lost(&error, ask.about))?;
        self.reached.store(true, Ordering::Relaxed);
        self.taken.fetch_or(response.status().is_success(), Ordering::Relaxed);
        let (status, headers) = (response.status(), response.headers().clone());
        if status == StatusCode::NO_CONTENT {
            return Ok(Reply::Nothing);
        }
        let body = self.receive(response, ask.about).await?;
        if !status.is_success() {
            return Err(self.refused(status, &headers, &body, ask));
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("no type").to_string();
        let what = &ask.about.what;
        if body.bytes == 0 {
            // Documented for a request without a body, seen where something on the way drops it.
            let error = Error::new(ErrorKind::Service, format!("{what} gave an empty answer"))
                .help("something on the way may drop what is asked, such as a proxy: see HTTPS_PROXY and NO_PROXY");
            return Err(Failed::Again(error, None));
        }
        if !kind.contains("json") {
            let message = format!("{what} answered with {kind} in place of JSON");
            let error = Error::new(ErrorKind::Service, message)
                .help("a proxy or a sign-in page may stand between: see HTTPS_PROXY and NO_PROXY");
            return Err(Failed::Again(error, None));
        }
        Ok(Reply::Body(body))
    }

    /// Writes a body to disk.
    async fn receive(&self, mut response: reqwest::Response, about: &About) -> Result<Body, Failed> {
        let cannot = |error: std::io::Error| Failed::Final(Error::file(&self.folder, &error));
        let mut file = temporary(&self.folder).map_err(cannot)?;
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error, about))? {
            file.write_all(&chunk).map_err(cannot)?;
            bytes += chunk.len() as u64;
        }
        file.flush().map_err(cannot)?;
        Ok(Body { file, bytes })
    }

    /// Says what a status means that is no success.
    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &Body, ask: &Ask<'_>) -> Failed {
        const LARGEST: u64 = 1 << 20;
        let text = if body.bytes <= LARGEST { body.text().unwrap_or_default() } else { String::new() };
        let error = of_answer(status.as_u16(), &Told::read(&text), ask.about, &self.identity(), ask.scope);
        let after = retry_after(headers);
        match status.as_u16() {
            401 => Failed::Token(error),
            429 => {
                // The others would be refused as well.
                self.gate.pause(self.clock.now(), after.unwrap_or(Duration::from_secs(1)));
                Failed::Again(error, after)
            }
            408 | 500..=599 => Failed::Again(error, after),
            _ => Failed::Final(error),
        }
    }
}

/// Reads how long to wait: seconds, or a moment by the service's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(3600)));
    }
    let moment: SystemTime = httpdate::parse_http_date(text).ok()?;
    let now = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(moment.duration_since(now).unwrap_or_default().min(Duration::from_secs(3600)))
}

/// Says what a broken connection means.
fn lost(error: &reqwest::Error, about: &About) -> Failed {
    let message = format!("the connection to {} was lost: {}", about.what, chain(error));
    let help =
        "is the network up? Proxies are taken from HTTPS_PROXY, roots of certificates from --ca-file and the system";
    Failed::Again(Error::new(ErrorKind::Service, message).help(help), None)
}

/// Writes an error with its causes; addresses are left out, for they may hold what is secret.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    match causes.last() {
        Some(last) => last.clone(),
        None if error.is_timeout() => "it took too long".to_string(),
        None => "it ended early".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_or_a_moment_of_the_service() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            pairs.iter().for_each(|(name, value)| {
                headers.insert(*name, value.parse().unwrap());
            });
            retry_after(&headers)
        };
        assert_eq!(of(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        let (date, later) = ("Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:20 GMT");
        assert_eq!(of(&[("retry-after", later), ("date", date)]), Some(Duration::from_secs(20)));
        assert_eq!(of(&[("retry-after", date), ("date", later)]), Some(Duration::ZERO));
        assert_eq!(of(&[("retry-after", "soon")]), None);
        assert_eq!(of(&[]), None);
    }
}
