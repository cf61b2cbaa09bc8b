//! A server whose clock is off: what is asked for, and for how long one waits, goes by its clock.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use alertq::serve::Limits;
use tempfile::TempDir;

use super::command::{by_tls, finish, signed_in};
use super::faults::{Fault, Script};
use super::log_analytics::{no_secrets, run};
use super::server::{SECRET, Server, throw_away_certificate};
use super::table::{Alerts, downloaded, moment};

/// Downloads from a server that is so many seconds ahead; returns how often a token was asked for, and the requests.
fn ahead(seconds: i64) -> (usize, usize) {
    let folder = TempDir::new().unwrap();
    let alerts = Alerts::new(800);
    let seen = run(async {
        let (authority, acceptor) = throw_away_certificate();
        // Told to come back at a moment of the server's that is now; and tokens end when the server says so.
        let script = Script::new(7, &[Fault::Throttled(Some("0")), Fault::Expired], 0.04);
        let limits = Limits { rows: 20, bytes: 1 << 20 };
        let server = Server::with(alerts.clone(), limits, script, Vec::new(), Some(acceptor)).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let theirs = now.saturating_add_signed(seconds);
        server.state.date.store(theirs, Ordering::SeqCst);
        // An hour from now, by the server's clock.
        server.state.expires_on.store(theirs + 3600, Ordering::SeqCst);
        let mut command = by_tls(&server, folder.path(), &authority);
        command.args(["--window-rows", "20", "--identity", "managed"]);
        command.env("IDENTITY_ENDPOINT", format!("{}/metadata/identity/oauth2/token", server.address));
        command.env("IDENTITY_HEADER", SECRET).env_remove("AZURE_CLIENT_ID");
        finish(command).await.ok();
        let tokens = server.state.signed_in.lock().unwrap().len();
        (tokens, server.state.requests.load(Ordering::SeqCst))
    });
    let expected = alerts.lines(moment("2026-06-01"), i64::MAX, i64::MAX);
    assert_eq!(downloaded(&folder.path().join("out")), expected, "{seconds} s ahead");
    no_secrets(&folder.path().join("out"));
    seen
}

#[test]
fn a_clock_that_is_off_changes_nothing() {
    for seconds in [0, 20 * 60, -20 * 60, -3 * 3600, 400 * 86_400] {
        let (tokens, requests) = ahead(seconds);
        // One at the beginning, and one each time that the service takes the old one no more.
        assert!(requests > 40 && tokens <= requests / 5, "{seconds} s ahead: {tokens} tokens, {requests} requests");
    }
}

#[test]
fn certificates_of_a_file_are_trusted_beside_those_of_the_system() {
    let folder = TempDir::new().unwrap();
    run(async {
        let (authority, acceptor) = throw_away_certificate();
        let server = Server::with(Alerts::new(60), Limits::default(), Script::none(), Vec::new(), Some(acceptor)).await;
        let command = |more: &[&str]| {
            let mut command = signed_in(&server, folder.path(), &authority);
            command.args(["--identity", "environment"]).args(more).env_remove("SSL_CERT_FILE");
            command.env("AZURE_CLIENT_SECRET", SECRET);
            finish(command)
        };
        // Whom nobody vouches for is not trusted.
        command(&[]).await.refused(&["no identity gives a token", "certificate"]);
        command(&["--ca-file", "nowhere.pem"]).await.refused(&["nowhere.pem cannot be read", "--ca-file"]);
        std::fs::write(folder.path().join("empty.pem"), "nothing\n").unwrap();
        command(&["--ca-file", "empty.pem"])
            .await
            .refused(&["empty.pem: the file of roots holds no certificate", "PEM"]);
        command(&["--ca-file", "roots.pem"]).await.ok();
        assert_eq!(downloaded(&folder.path().join("out")).len(), 60);
        // As a project keeps it.
        std::fs::write(folder.path().join("alertq.toml"), "ca_file = 'roots.pem'\n").unwrap();
        command(&[]).await.ok();
    });
}
