//! A proxy on loopback: what goes through it, and what is said where it lets nothing through.

use std::sync::{Arc, Mutex};

use alertq::serve::Limits;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::command::{Run, finish, signed_in};
use super::faults::Script;
use super::log_analytics::{no_secrets, run};
use super::server::{SECRET, Server, throw_away_certificate};
use super::table::{Alerts, downloaded};

/// A proxy that opens tunnels, or none; it remembers what was asked of it.
struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    async fn start(opens: bool) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(tunnel(stream, opens, log.clone()));
            }
        });
        Proxy { address, asked, task }
    }
}

/// Reads a request for a tunnel and does what it says.
async fn tunnel(stream: TcpStream, opens: bool, log: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(read) if read > 0 && line != "\r\n" => head.push(line.trim_end().to_string()),
            _ => break,
        }
    }
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_string();
    log.lock().unwrap().extend(head);
    if !opens {
        let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let _ = copy_bidirectional(&mut stream, &mut server).await;
}

/// Downloads through a proxy. Returns how it ended, and what the proxy was asked for.
async fn through(opens: bool, folder: &TempDir) -> (Run, Vec<String>) {
    let (authority, acceptor) = throw_away_certificate();
    let server = Server::with(Alerts::new(60), Limits::default(), Script::none(), Vec::new(), Some(acceptor)).await;
    let proxy = Proxy::start(opens).await;
    let mut command = signed_in(&server, folder.path(), &authority);
    command.args(["--identity", "environment"]).env("AZURE_CLIENT_SECRET", SECRET).env_remove("NO_PROXY");
    command.env("HTTPS_PROXY", format!("http://user:{SECRET}@{}", proxy.address));
    let run = finish(command).await;
    let asked = proxy.asked.lock().unwrap().clone();
    (run, asked)
}

#[test]
fn requests_go_through_the_proxy_of_the_environment() {
    let folder = TempDir::new().unwrap();
    let (ended, asked) = run(through(true, &folder));
    ended.ok();
    assert_eq!(downloaded(&folder.path().join("out")).len(), 60);
    assert!(asked.iter().any(|line| line.starts_with("CONNECT localhost:")), "{asked:?}");
    assert!(asked.iter().any(|line| line.to_lowercase().starts_with("proxy-authorization: basic ")), "{asked:?}");
    no_secrets(folder.path());
}

#[test]
fn a_proxy_that_lets_nothing_through_is_told() {
    let folder = TempDir::new().unwrap();
    let (ended, asked) = run(through(false, &folder));
    ended.refused(&["no identity gives a token"]);
    assert!(!asked.is_empty());
    no_secrets(folder.path());
}
