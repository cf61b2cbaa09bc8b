//! The server: tokens, the query API, and what goes wrong. In this process, on loopback.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use alertq::fetch::{Client, Cloud, Error, ErrorKind, Logs, Manager, Report, Silent, Tokens, Transport};
use alertq::serve::{self, Limits};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

use super::clock::TestClock;
use super::faults::{Fault, Script, crowded, spoil};
use super::table::Alerts;

/// What must turn up nowhere but in requests.
pub const SECRET: &str = "s3cr3t-of-the-test-application";
pub const TOKEN: &str = "t0k3n-of-the-test-application";

/// What GitHub gives a job.
pub const GITHUB_JWT: &str = "s3cr3t-of-the-test-application.github.jwt";

pub const WORKSPACE: &str = "00000000-1111-4222-8333-444444444444";

/// A server that runs as long as this lives.
pub struct Server {
    pub address: String,
    pub state: Arc<Wire>,
    task: tokio::task::JoinHandle<()>,
}

/// What the server knows of its requests.
pub struct Wire {
    script: Script,
    /// Requests so far.
    pub requests: AtomicUsize,
    /// Requests that are under way, and the most there ever were.
    under_way: AtomicUsize,
    pub most: AtomicUsize,
    /// The token that is valid.
    valid: AtomicU64,
    /// The request at which another one became valid.
    rotated: AtomicUsize,
    /// When a machine's token expires, in seconds since 1970 by whatever clock.
    pub expires_on: AtomicU64,
    /// The server's clock as its answers tell it (`Date`), in seconds since 1970; 0: none.
    pub date: AtomicU64,
    /// Fixed answers, by a part of the path and query: the first that fits. `{address}` in them is the server's.
    fixed: Fixed,
    address: OnceLock<String>,
    /// What was asked for, the method before it.
    pub asked: Mutex<Vec<String>>,
    /// What was sent for a token, and as what it was asked for: `POST /tenant/...` with its form, `GET` with its query.
    pub signed_in: Mutex<Vec<HashMap<String, String>>>,
}

pub type Fixed = Vec<(&'static str, u16, Value)>;

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(alerts: Arc<Alerts>, limits: Limits, script: Script) -> Server {
        Server::with(alerts, limits, script, Vec::new(), None).await
    }

    /// Starts a server with fixed answers, by TLS if it can.
    pub async fn with(
        alerts: Arc<Alerts>,
        limits: Limits,
        script: Script,
        fixed: Fixed,
        tls: Option<TlsAcceptor>,
    ) -> Server {
        let state = Arc::new(Wire {
            script,
            requests: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            valid: AtomicU64::new(1),
            rotated: AtomicUsize::new(0),
            // A moment that lies ahead for long, by any clock.
            expires_on: AtomicU64::new(4_102_444_800),
            date: AtomicU64::new(0),
            fixed,
            address: OnceLock::new(),
            asked: Mutex::default(),
            signed_in: Mutex::default(),
        });
        let queries = serve::router(alerts, limits).layer(middleware::from_fn_with_state(state.clone(), wire));
        let tokens = Router::new()
            .route("/{tenant}/oauth2/v2.0/token", post(token))
            .route("/github", get(github))
            .route("/metadata/identity/oauth2/token", get(machine))
            .with_state(state.clone());
        let router = tokens.fallback_service(queries);
        let listener = serve::listen("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = match tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        state.address.set(address.clone()).unwrap();
        let task = match tls {
            Some(acceptor) => {
                let listener = Tls { listener, acceptor };
                tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
            }
            None => tokio::spawn(async move { serve::run(listener, router).await.unwrap() }),
        };
        Server { address, state, task }
    }

    pub fn cloud(&self) -> Cloud {
        Cloud { logs: self.address.clone(), manager: self.address.clone(), ..Cloud::default() }
    }

    /// Opens the workspace, with a token of the server's.
    pub fn logs(&self, folder: &std::path::Path, seed: u64, attempts: u32) -> Logs {
        self.logs_with(folder, seed, attempts, Arc::new(Silent))
    }

    pub fn logs_with(&self, folder: &std::path::Path, seed: u64, attempts: u32, report: Arc<dyn Report>) -> Logs {
        Logs::new(self.client(folder, seed, attempts, report), &self.cloud(), WORKSPACE).unwrap()
    }

    /// Opens Resource Manager, with a token of the server's.
    pub fn manager(&self, folder: &std::path::Path, seed: u64, attempts: u32) -> Manager {
        Manager::new(self.client(folder, seed, attempts, Arc::new(Silent)), &self.cloud())
    }

    fn client(&self, folder: &std::path::Path, seed: u64, attempts: u32, report: Arc<dyn Report>) -> Client {
        std::fs::create_dir_all(folder).unwrap();
        let http = Transport::new(None).unwrap().cloud;
        let tokens = Arc::new(Application { http: http.clone(), address: self.address.clone() });
        Client::new(http, Arc::new(TestClock::new(seed)), tokens, report, folder.into(), attempts)
    }
}

/// Gets tokens from the server, a new one each time.
struct Application {
    http: reqwest::Client,
    address: String,
}

#[async_trait]
impl Tokens for Application {
    async fn token(&self, scope: &str) -> Result<Option<String>, Error> {
        let form = format!("client_id=c&grant_type=client_credentials&client_secret={SECRET}&scope={scope}");
        let request = self.http.post(format!("{}/tenant/oauth2/v2.0/token", self.address));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
        let failed = |error: reqwest::Error| Error::new(ErrorKind::Identity, error.without_url().to_string());
        let answer: Value = request.send().await.map_err(failed)?.json().await.map_err(failed)?;
        Ok(answer["access_token"].as_str().map(str::to_string))
    }

    async fn forget(&self, _: &str) {}

    fn describe(&self) -> String {
        "the application c".to_string()
    }
}

impl Wire {
    /// Returns the token that is valid.
    pub fn token(&self) -> String {
        format!("{TOKEN}-{}", self.valid.load(Ordering::SeqCst))
    }
}

/// Gives a token to an application that has the secret, or an assertion.
async fn token(State(state): State<Arc<Wire>>, body: String) -> (StatusCode, String) {
    const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let form: HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let is = |key: &str, value: &str| form.get(key).is_some_and(|given| given == value);
    let known = is("client_secret", SECRET)
        || (is("client_assertion_type", ASSERTION) && form.get("client_assertion").is_some_and(|a| !a.is_empty()));
    state.signed_in.lock().unwrap().push(form);
    if !known {
        let error = json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.",
            "error_codes": [7000215], "timestamp": "2026-01-01 00:00:00Z", "trace_id": "t", "correlation_id": "c",
            "error_uri": "https://login.example/error"});
        return (StatusCode::UNAUTHORIZED, error.to_string());
    }
    (StatusCode::OK, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": state.token()}).to_string())
}

/// The token of a job of GitHub Actions, for whoever shows the one that the job was given.
async fn github(State(state): State<Arc<Wire>>, request: Request) -> (StatusCode, String) {
    let query = parameters(&request);
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let known = shown == Some(&format!("Bearer {SECRET}"));
    state.signed_in.lock().unwrap().push(query);
    match known {
        true => (StatusCode::OK, json!({"value": GITHUB_JWT}).to_string()),
        false => (StatusCode::FORBIDDEN, "{}".to_string()),
    }
}

/// What a machine of Azure's asks for its own token.
async fn machine(State(state): State<Arc<Wire>>, request: Request) -> (StatusCode, String) {
    let mut query = parameters(&request);
    for name in ["metadata", "x-identity-header"] {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        query.extend(value.map(|value| (name.to_string(), value.to_string())));
    }
    let expires_on = state.expires_on.load(Ordering::SeqCst).to_string();
    let answer = json!({"access_token": state.token(), "expires_on": expires_on, "token_type": "Bearer",
        "resource": query.get("resource")});
    state.signed_in.lock().unwrap().push(query);
    (StatusCode::OK, answer.to_string())
}

fn parameters(request: &Request) -> HashMap<String, String> {
    url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Looks at the token, does what the script says, and counts.
async fn wire(State(state): State<Arc<Wire>>, request: Request, next: Next) -> Response<Body> {
    state.requests.fetch_add(1, Ordering::SeqCst);
    let under_way = state.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    state.most.fetch_max(under_way, Ordering::SeqCst);
    let mut response = answer(&state, request, next).await;
    state.under_way.fetch_sub(1, Ordering::SeqCst);
    let date = state.date.load(Ordering::SeqCst);
    if date > 0 {
        let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(date));
        let headers = response.headers_mut();
        headers.insert(header::DATE, date.parse().unwrap());
        if headers.contains_key(header::RETRY_AFTER) {
            headers.insert(header::RETRY_AFTER, date.parse().unwrap());
        }
    }
    response
}

async fn answer(state: &Wire, request: Request, next: Next) -> Response<Body> {
    let valid = format!("Bearer {}", state.token());
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given != valid && !given.is_empty() {
        return spoil(Fault::Expired, Response::new(Body::empty())).await;
    }
    let path = request.uri().path_and_query().unwrap().as_str().to_string();
    state.asked.lock().unwrap().push(format!("{} {path}", request.method()));
    let good = async {
        match state.fixed.iter().find(|(part, ..)| path.contains(part)) {
            Some((_, status, body)) => {
                let text = body.to_string().replace("{address}", state.address.get().unwrap());
                let builder = Response::builder().status(*status).header(header::CONTENT_TYPE, "application/json");
                builder.header(header::RETRY_AFTER, "0").body(Body::from(text)).unwrap()
            }
            None => next.run(request).await,
        }
    };
    match state.script.next() {
        None => good.await,
        Some(Fault::Expired) => {
            // Every token so far, and not again at once.
            let requests = state.requests.load(Ordering::SeqCst);
            if requests > state.rotated.load(Ordering::SeqCst) + 20 {
                state.rotated.store(requests, Ordering::SeqCst);
                state.valid.fetch_add(1, Ordering::SeqCst);
            }
            spoil(Fault::Expired, Response::new(Body::empty())).await
        }
        Some(Fault::Crowded) => crowded(&state.script, good.await).await,
        Some(fault) if fault.is_of_answer() => spoil(fault, good.await).await,
        Some(fault) => spoil(fault, Response::new(Body::empty())).await,
    }
}

/// A listener whose connections are encrypted.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if let Ok((stream, address)) = self.listener.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// Makes a certificate for this machine of an authority that is thrown away; returns the authority's own as PEM.
pub fn throw_away_certificate() -> (String, TlsAcceptor) {
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(params, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_string()]).unwrap().signed_by(&key, &issuer).unwrap();
    let private = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], private.into()).unwrap();
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
}
