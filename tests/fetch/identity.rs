//! Every identity that a token can come from, against the same server by TLS.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use alertq::fetch::{Choice, Cloud, Identity, Tokens, Transport};
use alertq::serve::Limits;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tempfile::TempDir;
use tokio_rustls::rustls;

use super::clock::TestClock;
use super::command::{Run, finish, signed_in};
use super::faults::Script;
use super::log_analytics::{no_secrets, run};
use super::server::{GITHUB_JWT, SECRET, Server, throw_away_certificate};
use super::table::{Alerts, downloaded};

/// What the server saw of a download: how it ended, and what was sent for tokens.
struct Seen {
    run: Run,
    sent: Vec<HashMap<String, String>>,
}

impl Seen {
    /// Returns what was sent with this key, once or more, and always the same.
    fn value(&self, key: &str) -> Option<&str> {
        let mut values: Vec<&str> = self.sent.iter().filter_map(|form| form.get(key)).map(String::as_str).collect();
        values.dedup();
        assert!(values.len() < 2, "{values:?}");
        values.first().copied()
    }
}

/// Downloads with what `prepare` sets.
async fn download(folder: &Path, prepare: impl FnOnce(&mut Command, &Server)) -> Seen {
    let (authority, acceptor) = throw_away_certificate();
    let server = Server::with(Alerts::new(60), Limits::default(), Script::none(), Vec::new(), Some(acceptor)).await;
    let mut command = signed_in(&server, folder, &authority);
    prepare(&mut command, &server);
    let run = finish(command).await;
    let sent = server.state.signed_in.lock().unwrap().clone();
    Seen { run, sent }
}

/// The same, where it must work and what is secret must stay so.
fn downloads(prepare: impl FnOnce(&mut Command, &Server, &Path)) -> (Seen, TempDir) {
    let folder = TempDir::new().unwrap();
    let seen = run(download(folder.path(), |command, server| prepare(command, server, folder.path())));
    assert_eq!(seen.run.status, Some(0), "{:?}", seen.run);
    assert_eq!(downloaded(&folder.path().join("out")).len(), 60);
    no_secrets(&folder.path().join("out"));
    (seen, folder)
}

#[test]
fn an_application_with_a_secret() {
    let (seen, _folder) = downloads(|command, _, _| {
        command.env("AZURE_CLIENT_SECRET", SECRET);
    });
    assert_eq!(seen.value("client_id"), Some("client-7"));
    assert_eq!(seen.value("grant_type"), Some("client_credentials"));
    assert_eq!(seen.value("scope"), Some("https://api.loganalytics.io/.default"));
    // One token is enough for a download.
    assert_eq!(seen.sent.len(), 1);
}

#[test]
fn an_application_with_a_certificate() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let params = rcgen::CertificateParams::new(vec!["application".to_string()]).unwrap();
    let pem = format!("{}{}", params.self_signed(&key).unwrap().pem(), key.serialize_pem());
    let (seen, _folder) = downloads(|command, _, folder| {
        let path = folder.join("application.pem");
        std::fs::write(&path, &pem).unwrap();
        command.env("AZURE_CLIENT_CERTIFICATE_PATH", path).env("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "true");
    });
    let assertion = seen.value("client_assertion").unwrap();
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: Option<&str>| serde_json::from_slice::<Value>(&decoded(part.unwrap())).unwrap();
    let mut parts = text.split('.');
    let (header, claims) = (json(parts.next()), json(parts.next()));
    assert_eq!((header["alg"].as_str(), header["x5c"].as_array().map(Vec::len)), (Some("RS256"), Some(1)));
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("client-7"), Some("client-7")));
    assert!(claims["aud"].as_str().unwrap().ends_with("/tenant/oauth2/v2.0/token"), "{claims}");
    let all = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let (_, algorithms) =
        all.mapping.iter().find(|(scheme, _)| *scheme == rustls::SignatureScheme::RSA_PKCS1_SHA256).unwrap();
    let holds = |text: &str| {
        let verify = |a: &&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            a.verify_signature(rcgen::PublicKeyData::der_bytes(&key), text.as_bytes(), &decoded(signature)).is_ok()
        };
        algorithms.iter().any(verify)
    };
    assert!(holds(text) && !holds("another text"));
}

#[test]
fn a_job_of_github_actions() {
    let (seen, _folder) = downloads(|command, server, _| {
        command.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/github?job=7", server.address));
        command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET);
    });
    assert_eq!(seen.value("audience"), Some("api://AzureADTokenExchange"));
    assert_eq!(seen.value("job"), Some("7"));
    assert_eq!(seen.value("client_assertion"), Some(GITHUB_JWT));
}

#[test]
fn a_job_of_github_actions_without_the_permission() {
    let folder = TempDir::new().unwrap();
    let seen = run(download(folder.path(), |command, server| {
        command.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/github", server.address));
        command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another").args(["--identity", "github"]);
    }));
    seen.run.refused(&["GitHub answers with status 403", "permissions: id-token: write"]);
}

#[test]
fn a_workload_of_kubernetes() {
    let (seen, _folder) = downloads(|command, _, folder| {
        let path = folder.join("federated");
        std::fs::write(&path, format!("{SECRET}.workload.jwt")).unwrap();
        command.env("AZURE_FEDERATED_TOKEN_FILE", path);
    });
    assert_eq!(seen.value("client_assertion"), Some(&*format!("{SECRET}.workload.jwt")));
    assert_eq!(seen.value("client_id"), Some("client-7"));
}

#[test]
fn the_identity_of_an_app_service() {
    let (seen, _folder) = downloads(|command, server, _| {
        command.env("IDENTITY_ENDPOINT", format!("{}/metadata/identity/oauth2/token", server.address));
        command.env("IDENTITY_HEADER", SECRET).env_remove("AZURE_CLIENT_ID");
    });
    assert_eq!(seen.value("resource"), Some("https://api.loganalytics.io"));
    assert_eq!(seen.value("x-identity-header"), Some(SECRET));
    assert_eq!((seen.value("client_id"), seen.sent.len()), (None, 1));
}

#[test]
fn the_identity_of_a_virtual_machine() {
    run(async {
        let server = Server::start(Alerts::new(1), Limits::default(), Script::none()).await;
        // The address of the machine's own service is fixed: what leads there leads to the server.
        let proxy = reqwest::Proxy::http(&server.address).unwrap();
        let machine = reqwest::Client::builder().proxy(proxy).build().unwrap();
        let http = Transport { machine, ..Transport::new(None).unwrap() };
        let variable = |name: &str| (name == "AZURE_CLIENT_ID").then(|| "user-assigned".to_string());
        let clock = Arc::new(TestClock::new(1));
        let identity = Identity::new(Choice::Managed, &Cloud::default(), &variable, http, clock);
        let scope = "https://management.azure.com/.default";
        let token = identity.token(scope).await.unwrap().unwrap();
        assert_eq!(token, server.state.token());
        assert_eq!(identity.token(scope).await.unwrap().as_ref(), Some(&token));
        assert_eq!(identity.describe(), "the managed identity of this machine");
        // What is forgotten is asked for again, and what came since is kept.
        identity.forget("another").await;
        identity.token(scope).await.unwrap();
        assert_eq!(server.state.signed_in.lock().unwrap().len(), 1);
        identity.forget(&token).await;
        identity.token(scope).await.unwrap();
        let sent = server.state.signed_in.lock().unwrap().clone();
        assert_eq!(sent.len(), 2);
        for form in sent {
            let of = |key: &str| form.get(key).map(String::as_str);
            assert_eq!((of("metadata"), of("client_id")), (Some("true"), Some("user-assigned")));
            assert_eq!(of("resource"), Some("https://management.azure.com"));
        }
    });
}

/// Puts a program called `az` on the path that gives the server's token and writes down how it was called.
#[cfg(unix)]
fn fake_az(command: &mut Command, server: &Server, folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let (bin, calls) = (folder.join("bin"), folder.join("calls"));
    let answer =
        format!(r#"{{"accessToken":"{}","expires_on":4102444800,"tokenType":"Bearer"}}"#, server.state.token());
    let script = format!("#!/bin/sh\necho \"$@\" >> '{}'\necho '{answer}'\n", calls.display());
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join("az"), script).unwrap();
    std::fs::set_permissions(bin.join("az"), std::fs::Permissions::from_mode(0o755)).unwrap();
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
}

#[cfg(unix)]
#[test]
fn the_account_of_the_azure_cli_is_asked_once() {
    let (seen, folder) = downloads(|command, server, folder| {
        fake_az(command, server, folder);
        command.args(["--window-rows", "5"]);
    });
    assert!(seen.sent.is_empty());
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    assert_eq!(calls, "account get-access-token -o json --scope https://api.loganalytics.io/.default\n");
}

#[cfg(unix)]
#[test]
fn one_identity_is_taken_and_no_other() {
    let (seen, _folder) = downloads(|command, server, folder| {
        fake_az(command, server, folder);
        command.env("AZURE_CLIENT_SECRET", SECRET).args(["--identity", "azure-cli"]);
    });
    assert!(seen.sent.is_empty());
    let folder = TempDir::new().unwrap();
    let seen = run(download(folder.path(), |command, server| {
        fake_az(command, server, folder.path());
        command.env("AZURE_CLIENT_SECRET", "wr0ng").args(["--identity", "environment"]);
    }));
    seen.run.refused(&["Invalid client secret"]);
    assert!(!folder.path().join("calls").exists());
}

#[test]
fn clouds_have_scopes_of_their_own() {
    for (cloud, scope) in [
        ("AzureUSGovernment", "https://api.loganalytics.us/.default"),
        ("AzureChinaCloud", "https://api.loganalytics.azure.cn/.default"),
    ] {
        let (seen, _folder) = downloads(|command, _, _| {
            command.env("AZURE_CLIENT_SECRET", SECRET).args(["--cloud", cloud]);
        });
        assert_eq!(seen.value("scope"), Some(scope));
    }
}

/// Looks at how a process was started, which everybody on the machine may see.
#[cfg(target_os = "linux")]
#[test]
fn no_secret_is_an_argument() {
    let folder = TempDir::new().unwrap();
    run(async {
        let (authority, acceptor) = throw_away_certificate();
        let server = Server::with(Alerts::new(60), Limits::default(), Script::none(), Vec::new(), Some(acceptor)).await;
        let mut command = signed_in(&server, folder.path(), &authority);
        fake_az(&mut command, &server, folder.path());
        let mut child = command.env("IDENTITY_HEADER", SECRET).spawn().unwrap();
        let own = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
        assert!(!String::from_utf8_lossy(&own).contains(SECRET));
        tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
        assert!(!calls.contains(SECRET) && !calls.contains(super::server::TOKEN), "{calls}");
    });
}
