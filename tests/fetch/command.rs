//! The command from end to end, against the same server: what users type, what they get, what they are told.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use alertq::serve::Limits;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::faults::{Fault, Script};
use super::log_analytics::{no_secrets, run, visible};
use super::server::{Fixed, SECRET, Server, TOKEN, WORKSPACE, throw_away_certificate};
use super::table::{Alerts, downloaded, moment};

const RESOURCE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w";

/// A folder to work in, and the server.
struct Scene {
    folder: TempDir,
    server: Server,
    alerts: Arc<Alerts>,
}

impl Scene {
    async fn new(rows: u64, fixed: Fixed) -> Scene {
        let alerts = Alerts::new(rows);
        let server = Server::with(alerts.clone(), Limits::default(), Script::none(), fixed, None).await;
        Scene { folder: TempDir::new().unwrap(), server, alerts }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a command that asks the server, for nobody.
    fn command(&self, arguments: &[&str]) -> Command {
        let address = self.server.address.as_str();
        let server = ["--identity", "none", "--logs-endpoint", address, "--arm-endpoint", address, "--attempts", "2"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_alertq"));
        // What a killed process leaves of its temporary files goes away with the folder.
        command.args(arguments).args(server).current_dir(self.folder.path()).env("TMPDIR", self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments)).await
    }

    /// Fetches SecurityAlert into `out`.
    async fn fetch(&self, more: &[&str]) -> Run {
        self.run(&[&["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-06-01", "--out", "out"], more].concat())
            .await
    }
}

/// Waits for a command on a thread of its own: the server is in this process.
pub async fn finish(mut command: Command) -> Run {
    Run::of(tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

/// How a command ended.
#[derive(Debug)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn of(output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let run = Run { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        for secret in [SECRET, TOKEN] {
            assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{run:?}");
        }
        assert!(!run.stderr.contains("panicked"), "{run:?}");
        run
    }

    pub fn ok(self) -> Run {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }

    /// Could not be done, and standard error says all of `parts`.
    pub fn refused(&self, parts: &[&str]) {
        assert_eq!((self.status, self.stdout.as_str()), (Some(2), ""), "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "'{part}' is missing in\n{}", self.stderr);
        }
    }
}

fn failure(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message}})
}

#[test]
fn a_download_is_a_folder_that_every_command_reads() {
    run(async {
        let scene = Scene::new(120, Vec::new()).await;
        let fetched = scene.fetch(&["--window-rows", "30"]).await.ok();
        assert!(
            fetched.stderr.contains("120 new rows, 120 in all, all that was ingested until 2026-07-29T23:55"),
            "{fetched:?}"
        );
        assert_eq!(downloaded(&scene.path("out")).len(), 120);
        let again = scene.fetch(&["--window-rows", "30"]).await.ok();
        assert!(again.stderr.contains("0 new rows, 120 in all"), "{again:?}");
        let mut count = Command::new(env!("CARGO_BIN_EXE_alertq"));
        count.args(["query", "SecurityAlert | count", "--data", "out"]).current_dir(scene.folder.path());
        assert_eq!(finish(count).await.ok().stdout, "{\"Count\":120}\n");
        let other = scene.fetch(&["--to", "2026-07-01"]).await;
        other.refused(&["holds another download", "--out"]);
    });
}

#[test]
fn a_query_chooses_rows_and_is_not_cut_into_wrong_ones() {
    run(async {
        let scene = Scene::new(200, Vec::new()).await;
        let query = "SecurityAlert | where AlertSeverity == 'High' | extend Short = substring(AlertName, 0, 3)";
        let arguments = ["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-06-01", "--query"];
        scene.run(&[&arguments[..], &[query, "--out", "high", "--window-rows", "10"]].concat()).await.ok();
        let lines = downloaded(&scene.path("high"));
        let all = scene.alerts.lines(moment("2026-06-01"), moment("2026-07-01"), i64::MAX);
        let high = all.iter().filter(|line| line.contains("\"AlertSeverity\":\"High\"")).count();
        assert!(high > 0 && lines.len() == high && lines[0].contains("\"Short\""), "{} {high}", lines.len());
        let counted =
            scene.run(&[&arguments[..], &["SecurityAlert | summarize count()", "--out", "no"]].concat()).await;
        counted.refused(&["`summarize` looks at more than one row", "alertq query --data"]);
        let wrong = scene.run(&[&arguments[..], &["SecurityAlert | where Nothing == 1", "--out", "no"]].concat()).await;
        wrong.refused(&["refuses the query", "KS142", "Nothing"]);
    });
}

#[test]
fn a_dry_run_writes_nothing() {
    run(async {
        let scene = Scene::new(100, Vec::new()).await;
        let run = scene.fetch(&["--window-rows", "15", "--dry-run"]).await.ok();
        let rows =
            run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["rows"].as_u64().unwrap());
        assert_eq!(rows.sum::<u64>(), 100);
        assert!(!scene.path("out").exists());
    });
}

#[test]
fn every_error_of_the_service_says_what_to_do() {
    let query = "/query";
    let semantic = json!({"error": {"code": "BadArgumentError", "message": "The request had some invalid properties",
        "innererror": {"code": "SemanticError", "message": "A semantic error occurred.",
            "innererror": {"code": "SEM0100", "message": "'where' operator: Failed to resolve table", "line": 1, "pos": 1}}}});
    let audience =
        failure("InvalidAuthenticationTokenAudience", "The access token has been obtained for a wrong audience");
    for (status, body, parts) in [
        (
            400,
            semantic,
            &["refuses the query: SEM0100: 'where' operator: Failed to resolve table (line 1", "alertq check"][..],
        ),
        (401, failure("AuthenticationFailed", "Authentication failed"), &["does not take the token", "--identity"]),
        (401, audience, &["the token is for another service", "https://api.loganalytics.io/.default", "--cloud"]),
        (
            403,
            failure("InsufficientAccessError", "The provided credentials have insufficient access"),
            &["may not read the workspace", "az role assignment create", "--role 'Log Analytics Reader'"],
        ),
        (404, failure("WorkspaceNotFoundError", "The workspace could not be found"), &["does not exist", "customerId"]),
        (
            429,
            failure("ThrottledError", "Rate limit is exceeded"),
            &["takes no more requests", "goes on where it stopped"],
        ),
        (504, failure("GatewayTimeout", "The gateway did not receive a response"), &["took too long", "goes on where"]),
        (500, failure("InternalServerError", "Something"), &["status 500", "goes on where it stopped"]),
    ] {
        run(async {
            let scene = Scene::new(1, vec![(query, status, body.clone())]).await;
            scene.fetch(&[]).await.refused(parts);
            assert!(!visible(&scene.path("out").join("SecurityAlert")), "{status}");
        });
    }
}

/// An answer with status 200 whose error says what took rows away, or only what is worth knowing.
fn partial(severity: &str, message: &str) -> Value {
    let inner = json!({"code": "-2133196797", "message": message, "severity": 2, "severityName": severity});
    let detail = json!({"code": "EngineError", "message": "Something went wrong on the server.", "innererror": inner});
    json!({"tables": [{"name": "PrimaryResult", "columns": [{"name": "Count", "type": "long"}], "rows": [[1]]}],
        "error": {"code": "PartialError", "message": "There were some errors.", "details": [detail]}})
}

#[test]
fn further_errors_of_the_service_say_what_to_do() {
    let syntax = json!({"error": {"code": "BadArgumentError", "message": "The request had some invalid properties",
        "innererror": {"code": "SyntaxError", "message": "A recognition error occurred in the query.",
            "innererror": {"code": "SYN0002", "message": "Query could not be parsed at 'whre'", "line": 1, "pos": 16}}}});
    let audience = json!({"error": {"code": "InsufficientAccessError", "message": "m", "innererror":
        {"code": "InvalidAuthenticationTokenAudience", "message": "obtained for the wrong audience or resource"}}});
    let too_large = "The results of this query exceed the set limit of 64000000 bytes, so not all records were returned \
                     (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003).";
    for (status, body, parts) in [
        (400, syntax, &["SYN0002: Query could not be parsed at 'whre' (line 1, position 16)", "alertq check"][..]),
        (403, audience, &["the token is for another service", "--cloud"]),
        (403, failure("InvalidAuthenticationToken", "The token is expired"), &["does not take the token", "az login"]),
        (404, failure("PathNotFoundError", "The requested path does not exist"), &["does not exist", "customerId"]),
        (200, partial("Error", too_large), &["the answer is partial", "64000000 bytes", "alertq fetch log-analytics"]),
        (200, partial("Error", "exceeds the record count limit 500000"), &["count limit 500000", "shorter time range"]),
    ] {
        run(async {
            let scene = Scene::new(1, vec![("/query", status, body.clone())]).await;
            scene.run(&["query", "SecurityAlert | count", "--on", WORKSPACE]).await.refused(parts);
        });
    }
}

#[test]
fn warnings_of_the_service_take_no_row_away() {
    run(async {
        let scene = Scene::new(1, vec![("/query", 200, partial("Warning", "a semantic warning"))]).await;
        let told = scene.run(&["query", "SecurityAlert | count", "--on", WORKSPACE]).await.ok();
        assert!(told.stdout.contains("\"Count\":1") && told.stderr.contains("a semantic warning"), "{told:?}");
        // What is partial tells a download why, and a warning does not stop it: here the clock is what is missing.
        let stopped = scene.fetch(&[]).await;
        stopped.refused(&["does not tell what time it is"]);
        let scene = Scene::new(1, vec![("/query", 200, partial("Error", "rows are gone"))]).await;
        scene.fetch(&[]).await.refused(&["it is partial: rows are gone"]);
    });
}

#[test]
fn what_comes_in_place_of_an_answer_is_told() {
    for (fault, parts) in [
        (Fault::Empty, &["gave an empty answer", "HTTPS_PROXY"][..]),
        (Fault::WrongType, &["text/html in place of JSON", "HTTPS_PROXY"]),
        (Fault::Cut, &["was lost", "--ca-file"]),
        (Fault::Status(503), &["status 503", "run the same command later"]),
        (Fault::Throttled(Some("0")), &["takes no more requests", "run the same command later"]),
    ] {
        run(async {
            let mut scene = Scene::new(1, Vec::new()).await;
            scene.server = Server::start(scene.alerts.clone(), Limits::default(), Script::new(1, &[fault], 1.0)).await;
            scene.run(&["query", "SecurityAlert | count", "--on", WORKSPACE]).await.refused(parts);
        });
    }
}

#[test]
fn what_is_no_workspace_is_told_before_anything_is_asked() {
    run(async {
        let scene = Scene::new(1, Vec::new()).await;
        let run = scene.run(&["fetch", "log-analytics", "-w", "a/b", "--from", "2026-01-01", "--out", "o"]).await;
        run.refused(&["'a/b' is no id of a workspace", "customerId"]);
        assert_eq!(scene.server.state.requests.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_download_that_is_killed_goes_on() {
    run(async {
        let scene = Scene::new(300, Vec::new()).await;
        let arguments =
            ["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-06-01", "--out", "out", "--window-rows", "20"];
        for stops in 1..=4 {
            let requests = &scene.server.state.requests;
            let until = requests.load(Ordering::SeqCst) + 5;
            let mut child = scene.command(&arguments).spawn().unwrap();
            while requests.load(Ordering::SeqCst) < until && child.try_wait().unwrap().is_none() {
                tokio::task::yield_now().await;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(!visible(&scene.path("out/SecurityAlert")) || stops == 4);
        }
        scene.run(&arguments).await.ok();
        assert_eq!(
            downloaded(&scene.path("out")),
            scene.alerts.lines(moment("2026-06-01"), moment("2026-08-01"), i64::MAX)
        );
    });
}

#[test]
fn windows_are_cut_by_any_time_of_a_table() {
    run(async {
        let scene = Scene::new(120, Vec::new()).await;
        let fetched = scene.fetch(&["--time-column", "StartTime", "--window-rows", "30"]).await.ok();
        assert!(fetched.stderr.contains("120 new rows"), "{fetched:?}");
        assert_eq!(downloaded(&scene.path("out")), scene.alerts.lines(i64::MIN, i64::MAX, i64::MAX));
        scene.fetch(&[]).await.refused(&["its time column is StartTime, not TimeGenerated"]);
        let other = ["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-06-01", "--out", "other"];
        for wrong in ["--time-column", "--table"] {
            let run = scene.run(&[&other[..], &[wrong, "Nothing"]].concat()).await;
            run.refused(&["refuses the query", "Nothing"]);
        }
        scene.fetch(&["--to", "now"]).await.refused(&["leave --to out"]);
    });
}

/// A server of local files does not tell when records were ingested: there is nothing to follow.
#[test]
fn following_needs_the_times_of_ingestion() {
    use std::io::BufRead;
    let folder = TempDir::new().unwrap();
    let alertq = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alertq"));
        command.args(arguments).current_dir(folder.path()).env("TMPDIR", folder.path());
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        command
    };
    assert!(alertq(&["sample", "--rows", "50", "--out", "alerts.parquet"]).status().unwrap().success());
    let mut server =
        alertq(&["serve", "--log-analytics", "--data", "alerts.parquet"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    std::io::BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let fetch = ["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-01-01", "--out", "out", "--follow", "0s"];
    let ended = alertq(&fetch).args(["--identity", "none", "--logs-endpoint", address.trim()]).output().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let run = Run::of(ended);
    run.refused(&["--follow goes by when records were ingested", "has been fetched"]);
    assert_eq!(run.stderr.matches("does not tell when records").count(), 1, "{run:?}");
    assert_eq!(downloaded(&folder.path().join("out")).len(), 50);
}

#[test]
fn following_finds_late_records() {
    run(async {
        let scene = Scene::new(600, Vec::new()).await;
        let (early, late) = (moment("2026-06-30"), moment("2026-08-01"));
        scene.alerts.set_now(early);
        let mut child = scene
            .command(&["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-06-01", "--out", "out"])
            .args(["--settle", "0s", "--follow", "0s"])
            .spawn()
            .unwrap();
        let whole = || {
            let text = std::fs::read_to_string(scene.path("out/SecurityAlert/_fetch.json")).unwrap_or_default();
            let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
            let generations = manifest["generations"].as_array().cloned().unwrap_or_default();
            generations.iter().filter(|generation| generation["complete"] == true).count()
        };
        for (generations, rows) in [(1, early), (2, late)] {
            scene.alerts.set_now(rows);
            while whole() < generations && child.try_wait().unwrap().is_none() {
                tokio::task::yield_now().await;
            }
            assert_eq!(downloaded(&scene.path("out")), scene.alerts.lines(i64::MIN, i64::MAX, rows));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    });
}

#[test]
fn a_query_runs_in_a_workspace_by_its_name() {
    run(async {
        let scene = Scene::new(100, Vec::new()).await;
        let config = format!("[workspace.prod]\nid = \"{WORKSPACE}\"\n");
        std::fs::write(scene.path("alertq.toml"), config).unwrap();
        let there = scene.run(&["query", "SecurityAlert | count", "--on", "prod", "--format", "jsonl"]).await.ok();
        assert_eq!(there.stdout, "{\"Count\":100}\n");
        let wrong = scene.run(&["query", "SecurityAlert | count1", "--on", "prod"]).await;
        wrong.refused(&["refuses the query"]);
        let slip = scene.run(&["query", "SecurityAlert | count", "--on", "prodd"]).await;
        slip.refused(&["no workspace of alertq.toml is called 'prodd'", "did you mean 'prod'?"]);
        // The order of columns is the query's, not that of the table they come from.
        let order = scene.run(&["query", "SecurityAlert | project Status, AlertName, TenantId, TimeGenerated, SystemAlertId, ProviderName, AlertSeverity | take 1", "--on", "prod", "--format", "csv"]).await.ok();
        assert!(
            order
                .stdout
                .starts_with("Status,AlertName,TenantId,TimeGenerated,SystemAlertId,ProviderName,AlertSeverity\n"),
            "{order:?}"
        );
    });
}

#[test]
fn an_answer_that_lacks_rows_is_an_error() {
    run(async {
        let mut scene = Scene::new(100, Vec::new()).await;
        let limits = Limits { rows: 10, ..Limits::default() };
        scene.server = Server::start(scene.alerts.clone(), limits, Script::none()).await;
        let run = scene.run(&["query", "SecurityAlert | project SystemAlertId", "--on", WORKSPACE]).await;
        assert_eq!(run.status, Some(2), "{run:?}");
        assert!(run.stderr.contains("the answer is partial, rows are missing"), "{run:?}");
        assert!(run.stderr.contains("record count limit 10"), "{run:?}");
        scene.server = Server::start(scene.alerts.clone(), limits, Script::new(1, &[Fault::NoContent], 1.0)).await;
        let nothing = scene.run(&["query", "SecurityAlert", "--on", WORKSPACE]).await.ok();
        assert!(nothing.stderr.contains("the workspace has no data"), "{nothing:?}");
    });
}

/// Looks for temporary files once a command was interrupted in the middle of an answer.
#[cfg(unix)]
#[test]
fn an_interrupted_query_leaves_nothing() {
    run(async {
        let mut scene = Scene::new(100, Vec::new()).await;
        let script = Script::new(1, &[Fault::Hangs], 1.0);
        scene.server = Server::start(scene.alerts.clone(), Limits::default(), script).await;
        let temporary = scene.path("temporary");
        std::fs::create_dir(&temporary).unwrap();
        let answers = || {
            let folders =
                std::fs::read_dir(&temporary).unwrap().filter_map(|entry| entry.unwrap().path().read_dir().ok());
            folders.flatten().count()
        };
        let mut child =
            scene.command(&["query", "SecurityAlert", "--on", WORKSPACE]).env("TMPDIR", &temporary).spawn().unwrap();
        while answers() == 0 && child.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        assert_eq!(ended.code(), Some(130));
        assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    });
}

#[test]
fn two_answers_are_compared() {
    run(async {
        let scene = Scene::new(100, Vec::new()).await;
        scene.fetch(&[]).await.ok();
        let query = "SecurityAlert | summarize count() by AlertSeverity";
        let compare = |data: &'static str, more: Vec<&'static str>| {
            let arguments = [&["compare", query, "--data", data, "--on", WORKSPACE], more.as_slice()].concat();
            finish(scene.command(&arguments))
        };
        let same = compare("out", vec![]).await.ok();
        assert!(same.stderr.contains("both answers are the same"), "{same:?}");
        std::fs::write(scene.path("one.json"), r#"[{"AlertSeverity":"Odd","TimeGenerated":"2026-06-29T00:00:00Z","SystemAlertId":"x","AlertName":"n","ProviderName":"p","Type":"SecurityAlert"}]"#).unwrap();
        let other = compare("one.json", vec![]).await;
        assert_eq!(other.status, Some(1), "{other:?}");
        assert!(other.stdout.contains("only here: AlertSeverity=Odd, count_=1"), "{other:?}");
        let several = ["compare", "SecurityAlert | count; print 1", "--data", "out", "--on", WORKSPACE];
        finish(scene.command(&several)).await.refused(&["several results: compare them one by one"]);
        let narrowed = compare("one.json", vec!["--timespan", "2026-06-01/2026-07-01"]).await;
        assert_eq!(narrowed.status, Some(1), "{narrowed:?}");
        assert!(narrowed.stdout.contains("the shortest time that shows it: --timespan 2026-06-"), "{narrowed:?}");
    });
}

#[test]
fn alerts_of_defender_are_listed_page_by_page() {
    let alert = |id: &str, day: u32| {
        let time = format!("2026-06-{day:02}T01:02:03.1234567Z");
        json!({"id": format!("/alerts/{id}"), "name": id, "type": "Microsoft.Security/alerts", "properties": {
            "alertDisplayName": format!("Alert {id}"), "systemAlertId": id, "severity": "High", "status": "Active",
            "timeGeneratedUtc": time, "startTimeUtc": time, "endTimeUtc": time,
        }})
    };
    let first = json!({"value": [alert("a", 9), alert("b", 2)], "nextLink": "{address}/page2?api-version=2022-01-01"});
    let second = json!({"value": [alert("b", 2), alert("c", 1)], "nextLink": ""});
    let fixed = vec![("page2", 200, second), ("/subscriptions/sub-1/providers/Microsoft.Security/alerts", 200, first)];
    run(async {
        let scene = Scene::new(1, fixed).await;
        let fetched = scene.run(&["fetch", "defender", "-s", "sub-1", "--out", "d"]).await.ok();
        assert!(fetched.stderr.contains("subscription sub-1: 3 alerts"), "{fetched:?}");
        let lines = downloaded(&scene.path("d"));
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.contains("\"Status\":\"New\"")), "{lines:?}");
        let raw = std::fs::read_to_string(scene.path("d/_raw/sub-1.json")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap()["value"].as_array().unwrap().len(), 3);
    });
}

#[test]
fn lists_that_have_no_end_or_lead_elsewhere_are_refused() {
    let page = |link: &str| vec![("/Microsoft.Security/alerts", 200, json!({"value": [], "nextLink": link}))];
    let path = "{address}/subscriptions/s/providers/Microsoft.Security/alerts?api-version=2022-01-01";
    for (link, part) in [(path, "go round in a circle"), ("https://elsewhere.example/x", "on elsewhere.example")] {
        run(async {
            let scene = Scene::new(1, page(link)).await;
            scene.run(&["fetch", "defender", "-s", "s", "--out", "d"]).await.refused(&[part]);
        });
    }
    run(async {
        let missing = failure("AuthorizationFailed", "The client does not have authorization to perform action");
        let scene = Scene::new(1, vec![("/Microsoft.Security/alerts", 403, missing)]).await;
        let run = scene.run(&["fetch", "defender", "-s", "s", "--out", "d"]).await;
        run.refused(&["--role 'Security Reader' --scope /subscriptions/s"]);
    });
}

#[test]
fn incidents_rules_and_watchlists_become_what_other_commands_read() {
    let incident = json!({"name": "inc-1", "id": "/i/inc-1", "properties": {"incidentNumber": 7, "title": "T", "severity": "Low",
        "status": "New", "createdTimeUtc": "2026-06-01T00:00:00Z", "lastModifiedTimeUtc": "2026-06-02T00:00:00Z",
        "relatedAnalyticRuleIds": ["/a/b/rule-1"]}});
    let alerts = json!({"value": [{"id": "/e/1", "name": "e1", "kind": "SecurityAlert", "properties": {"systemAlertId": "sys-1"}}]});
    let rules = json!({"value": [{"id": "/r/1", "name": "11111111-2222", "kind": "Scheduled",
        "properties": {"displayName": "My rule", "query": "SecurityAlert | take 1", "severity": "Low", "enabled": true}}]});
    let lists = json!({"value": [{"id": "/w/1", "name": "Vips", "properties": {"watchlistAlias": "Vips", "itemsSearchKey": "User"}}]});
    let items = json!({"value": [{"id": "/w/1/i", "name": "i", "properties": {"watchlistItemId": "i",
        "updated": "2026-06-01T00:00:00Z", "itemsKeyValue": {"User": "a@b.example", "Level": 3}}}]});
    let fixed = vec![
        ("/incidents/inc-1/alerts", 200, alerts),
        ("/incidents?", 200, json!({"value": [incident]})),
        ("/alertRules", 200, rules),
        ("/watchlistItems", 200, items),
        ("/watchlists", 200, lists),
    ];
    run(async {
        let scene = Scene::new(1, fixed).await;
        std::fs::write(scene.path("alertq.toml"), format!("[workspace.prod]\nresource_id = \"{RESOURCE}\"\n")).unwrap();
        scene.run(&["fetch", "incidents", "-w", "prod", "--out", "i"]).await.ok();
        let query = "SecurityIncident | project IncidentNumber, AlertIds, RelatedAnalyticRuleIds";
        let alertq = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_alertq"));
            Run::of(command.args(arguments).current_dir(scene.folder.path()).output().unwrap())
        };
        let read = alertq(&["query", query, "--data", "i", "--format", "csv"]).ok();
        assert_eq!(read.stdout.lines().nth(1), Some(r#"7,"[""sys-1""]","[""rule-1""]""#), "{read:?}");
        scene.run(&["fetch", "rules", "-w", "prod", "--out", "r"]).await.ok();
        let rule = std::fs::read_to_string(scene.path("r/My-rule-11111111.json")).unwrap();
        assert!(rule.contains("\"query\": \"SecurityAlert | take 1\""), "{rule}");
        scene.run(&["fetch", "watchlists", "-w", "prod", "--out", "w"]).await.ok();
        let query = "_GetWatchlist('Vips') | project SearchKey, Level";
        let read = alertq(&["query", query, "--watchlist", "Vips=w/Vips.csv", "--format", "csv"]).ok();
        assert_eq!(read.stdout, "SearchKey,Level\na@b.example,3\n");
    });
}

#[test]
fn what_is_fetched_is_checked_replayed_and_verified() {
    let rule = json!({"id": "/r/1", "name": "11111111-2222", "kind": "Scheduled", "properties": {
        "displayName": "High alerts", "description": "Alerts of high severity.", "severity": "High", "enabled": true,
        "query": "SecurityAlert | where AlertSeverity == 'High'", "queryFrequency": "PT1H", "queryPeriod": "PT1H",
        "triggerOperator": "GreaterThan", "triggerThreshold": 0, "suppressionEnabled": false,
        "suppressionDuration": "PT5H", "tactics": ["Execution"], "techniques": [], "entityMappings": null,
        "eventGroupingSettings": {"aggregationKind": "SingleAlert"}, "templateVersion": null}});
    let creation = json!({"id": "/r/2", "name": "22222222-3333", "kind": "MicrosoftSecurityIncidentCreation", "properties": {
        "displayName": "Incidents of Defender for Cloud", "enabled": true, "productFilter": "Azure Security Center",
        "severitiesFilter": ["High", "Medium", "Low"], "displayNamesFilter": null, "displayNamesExcludeFilter": null}});
    let incident = json!({"name": "inc-1", "id": "/i/inc-1", "properties": {"incidentNumber": 7, "title": "One",
        "severity": "Low", "status": "New", "createdTimeUtc": "2026-06-01T00:00:05Z", "providerName": "Azure Sentinel",
        "lastModifiedTimeUtc": "2026-06-01T00:00:05Z", "relatedAnalyticRuleIds": ["/rules/22222222-3333"],
        "additionalData": {"alertsCount": 1, "alertProductNames": ["Azure Security Center"], "tactics": []}}});
    let alerts = json!({"value": [{"id": "/e/1", "name": "e1", "properties": {"systemAlertId": "sys-1"}}]});
    let fixed = vec![
        ("/alertRules", 200, json!({"value": [rule, creation]})),
        ("/incidents/inc-1/alerts", 200, alerts),
        ("/incidents?", 200, json!({"value": [incident]})),
    ];
    run(async {
        let scene = Scene::new(500, fixed).await;
        scene.fetch(&[]).await.ok();
        for what in ["rules", "incidents"] {
            scene.run(&["fetch", what, "-w", RESOURCE, "--out", what]).await.ok();
        }
        let alertq = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_alertq"));
            Run::of(command.args(arguments).current_dir(scene.folder.path()).output().unwrap())
        };
        let checked = alertq(&["check", "rules"]);
        assert!(checked.status == Some(0) || !checked.stdout.contains("error"), "{checked:?}");
        let replayed = alertq(&[
            "simulate",
            "--rules",
            "rules",
            "--data",
            "out",
            "--from",
            "2026-06-23",
            "--to",
            "2026-06-30",
            "--format",
            "json",
        ])
        .ok();
        assert!(replayed.stdout.contains("High alerts"), "{replayed:?}");
        let alert = |id: &str, title: &str| {
            json!({"TimeGenerated": "2026-06-01T00:00:00Z", "SystemAlertId": id,
            "DisplayName": title, "AlertName": title, "AlertSeverity": "Low", "ProductName": "Azure Security Center",
            "ProviderName": "Azure Security Center", "Status": "New", "Type": "SecurityAlert"})
        };
        let alerts = [alert("sys-1", "One"), alert("sys-2", "Two")];
        std::fs::write(scene.path("first.json"), json!(&alerts[..1]).to_string()).unwrap();
        std::fs::write(scene.path("both.json"), json!(alerts).to_string()).unwrap();
        alertq(&["verify", "--alerts", "first.json", "--incidents", "incidents", "--rules", "rules"]).ok();
        let missing = alertq(&["verify", "--alerts", "both.json", "--incidents", "incidents", "--rules", "rules"]);
        assert_eq!(missing.status, Some(1), "{missing:?}");
        assert!(missing.stdout.contains("sys-2") && !missing.stdout.contains("sys-1"), "{missing:?}");
    });
}

#[test]
fn a_preflight_says_what_is_missing() {
    let reader = json!({"value": [{"actions": ["*/read"], "notActions": []}]});
    let nobody = json!({"value": [{"actions": ["Microsoft.Insights/*"], "notActions": []}]});
    let subscriptions = json!({"value": [{"id": "/subscriptions/s1", "subscriptionId": "s1", "displayName": "One"},
        {"id": "/subscriptions/s2", "subscriptionId": "s2", "displayName": "Two"}]});
    let pricings = |tier: &str| json!({"value": [{"name": "VirtualMachines", "properties": {"pricingTier": tier}}]});
    let fixed = vec![
        ("/subscriptions/s1/providers/Microsoft.Authorization", 200, reader),
        ("/subscriptions/s2/providers/Microsoft.Authorization", 200, nobody),
        ("/subscriptions/s1/providers/Microsoft.Security/pricings", 200, pricings("Standard")),
        ("/subscriptions/s2/providers/Microsoft.Security/pricings", 200, pricings("Free")),
        (
            "/dataConnectors",
            200,
            json!({"value": [{"id": "c", "kind": "AzureSecurityCenter", "properties": {"subscriptionId": "s1"}}]}),
        ),
        ("/alertRules", 200, json!({"value": []})),
        ("/subscriptions?", 200, subscriptions),
    ];
    run(async {
        let scene = Scene::new(1, fixed).await;
        let run = scene.run(&["fetch", "--preflight", "--workspace", RESOURCE, "--workspace", WORKSPACE]).await;
        assert_eq!(run.status, Some(1), "{run:?}");
        for part in [
            "ok       subscription s1 (One): alerts may be read",
            "missing  subscription s2 (Two): the role Security Reader is missing",
            "--role 'Security Reader' --scope /subscriptions/s2",
            "ok       subscription s1 (One): plans that are on: VirtualMachines",
            "missing  subscription s2 (Two): no plan of Defender for Cloud is on",
            "Defender for Cloud is connected, the subscriptions s1",
            "missing  Sentinel in the workspace w: no rule makes incidents of its alerts",
            "answers queries",
        ] {
            assert!(run.stdout.contains(part), "'{part}' is missing in\n{}", run.stdout);
        }
    });
}

#[test]
fn an_application_signs_in_by_tls_and_its_secret_stays_secret() {
    run(async {
        let folder = TempDir::new().unwrap();
        let (authority, acceptor) = throw_away_certificate();
        let alerts = Alerts::new(60);
        let server = Server::with(alerts, Limits::default(), Script::none(), Vec::new(), Some(acceptor)).await;
        let fetch = |secret: &'static str| {
            let mut command = signed_in(&server, folder.path(), &authority);
            command.args(["--identity", "environment"]).env("AZURE_CLIENT_SECRET", secret);
            finish(command)
        };
        let wrong = fetch("another-s3cr3t").await;
        wrong.refused(&["the application client-7 (AZURE_CLIENT_SECRET)", "Invalid client secret", "--identity"]);
        assert!(!wrong.stderr.contains("another-s3cr3t"), "{wrong:?}");
        fetch(SECRET).await.ok();
        assert_eq!(downloaded(&folder.path().join("out")).len(), 60);
        no_secrets(folder.path());
    });
}

/// Makes a command that fetches from a server by TLS, for an application that has no secret yet.
pub fn signed_in(server: &Server, folder: &Path, authority: &str) -> Command {
    let mut command = by_tls(server, folder, authority);
    command.args(["--attempts", "2"]);
    command
}

/// The same without saying how often it tries.
pub fn by_tls(server: &Server, folder: &Path, authority: &str) -> Command {
    let roots = folder.join("roots.pem");
    std::fs::write(&roots, authority).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_alertq"));
    command.args(["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-06-01", "--out", "out"]);
    command.args(["--logs-endpoint", &server.address]).current_dir(folder);
    for (name, _) in std::env::vars() {
        let others = ["AZURE_", "ACTIONS_", "IDENTITY_", "MSI_", "IMDS_", "SSL_CERT_", "HTTP", "http", "ALL_PROXY"];
        if others.iter().any(|other| name.starts_with(other)) {
            command.env_remove(name);
        }
    }
    command.env("AZURE_TENANT_ID", "tenant").env("AZURE_CLIENT_ID", "client-7");
    command.env("AZURE_AUTHORITY_HOST", &server.address).env("SSL_CERT_FILE", roots).env("NO_PROXY", "localhost");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn tokens_are_not_sent_without_tls() {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_alertq"));
    command.args(["fetch", "log-analytics", "-w", WORKSPACE, "--from", "2026-06-01", "--out", "out"]);
    command.args(["--logs-endpoint", "http://logs.example"]).current_dir(folder.path());
    Run::of(command.output().unwrap()).refused(&["has no TLS"]);
}

#[test]
fn who_has_no_identity_is_told_who_was_tried() {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_alertq"));
    command
        .args(["fetch", "defender", "-s", "5f3c1a52-0000-4000-8000-000000000002", "--out", "out"])
        .args(["--identity", "environment"])
        .current_dir(folder.path());
    for name in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"] {
        command.env_remove(name);
    }
    Run::of(command.output().unwrap()).refused(&["AZURE_TENANT_ID is not set", "az login", "--identity"]);
}
