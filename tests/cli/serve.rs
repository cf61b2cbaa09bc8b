//! `alertq serve --log-analytics`: what programs that ask a workspace get.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{alertq, refused, rows, run, run_in};

/// A server that ends with this value.
struct Server {
    child: Child,
    address: String,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(arguments: &[&str]) -> Server {
        let folder = TempDir::new().unwrap();
        let mut command = alertq(folder.path(), &[&["serve", "--log-analytics"], arguments].concat());
        // It is killed in the end, and its temporary files go away with the folder.
        let mut child = command.env("TMPDIR", folder.path()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").expect("an address is printed").to_string();
        Server { child, address, folder }
    }

    /// Sends a request and returns the status and the body.
    fn send(&self, head: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let kind = "Content-Type: application/json";
        write!(
            stream,
            "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    fn ask(&self, body: &Value) -> (u16, Value) {
        self.send("POST /v1/workspaces/any/query", &body.to_string())
    }
}

#[test]
fn answers_are_those_of_query() {
    let server = Server::start(&["--now", "2026-06-30"]);
    let text =
        "SecurityAlert | where TimeGenerated > ago(9d) | summarize count() by AlertSeverity | sort by AlertSeverity";
    let expected =
        run_in(server.folder.path(), &["query", text, "--format", "log-analytics", "--now", "2026-06-30"], "");
    let (status, answer) = server.ask(&json!({"query": text}));
    assert_eq!((status, &answer["tables"][0]["rows"]), (200, &rows(&expected)));
    let (_, limited) = server.ask(&json!({"query": "SecurityAlert | count", "timespan": "PT86400.0S"}));
    let day = run_in(
        server.folder.path(),
        &["query", "SecurityAlert | count", "--timespan", "P1D", "--format", "log-analytics", "--now", "2026-06-30"],
        "",
    );
    assert_eq!(limited["tables"][0]["rows"], rows(&day));
    let (_, got) = server.send("GET /v1/subscriptions/s/resourceGroups/r/query?query=print%20x%3D1", "");
    assert_eq!(got["tables"][0]["rows"], json!([[1]]));
    let requests = json!({"requests": [
        {"id": "1", "body": {"query": "print 1"}}, {"id": "2", "body": {"query": "print nothing_such"}},
    ]});
    let (_, batch) = server.send("POST /v1/$batch", &requests.to_string());
    assert_eq!((&batch["responses"][0]["status"], &batch["responses"][1]["status"]), (&json!(200), &json!(400)));
}

#[test]
fn answers_that_are_cut_off_say_so() {
    let server = Server::start(&["--max-rows", "10"]);
    let (status, answer) = server.ask(&json!({"query": "SecurityAlert"}));
    assert_eq!((status, answer["tables"][0]["rows"].as_array().unwrap().len()), (200, 10));
    assert_eq!(answer["error"]["code"], "PartialError");
    let (_, whole) = server.ask(&json!({"query": "SecurityAlert | take 10"}));
    assert_eq!(whole.get("error"), None);
    let server = Server::start(&["--max-bytes", "10kB"]);
    let (_, answer) = server.ask(&json!({"query": "SecurityAlert"}));
    assert!(
        answer["error"]["details"][0]["innererror"]["message"]
            .as_str()
            .unwrap()
            .contains("E_QUERY_RESULT_SET_TOO_LARGE")
    );
}

#[test]
fn errors_are_those_of_the_service() {
    let server = Server::start(&[]);
    let (status, answer) = server.ask(&json!({"query": "SecurityAlert\n| where AlertSeverty == 'High'"}));
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("BadArgumentError")));
    let semantic = &answer["error"]["innererror"];
    assert_eq!((&semantic["code"], &semantic["innererror"]["code"]), (&json!("SemanticError"), &json!("KS142")));
    assert_eq!(
        (&semantic["innererror"]["line"], &semantic["innererror"]["token"]),
        (&json!(2), &json!("AlertSeverty"))
    );
    let (status, answer) = server.ask(&json!({"query": "SecurityAlert | where ("}));
    assert_eq!((status, &answer["error"]["innererror"]["code"]), (400, &json!("SyntaxError")));
    let (status, answer) = server.send("POST /v1/elsewhere", "{}");
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("PathNotFoundError")));
    assert_eq!(server.send("POST /v1/workspaces/any/query", "").0, 400);
}

#[test]
fn what_cannot_be_served_is_told_at_once() {
    refused(&run(&["serve", "--log-analytics", "--data", "/no/such/file.json"], ""), &["/no/such/file.json"]);
    refused(&run(&["serve", "--log-analytics", "--address", "nowhere"], ""), &["nowhere", "--address"]);
}
