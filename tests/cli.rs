//! The binary from end to end: what goes in, what comes out, with which status.

use std::fs;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

#[path = "cli/anonymize.rs"]
mod anonymize;
#[path = "cli/convert.rs"]
mod convert;
#[path = "cli/externaldata.rs"]
mod externaldata;
#[path = "cli/fmt.rs"]
mod fmt;
#[path = "cli/inputs.rs"]
mod inputs;
#[path = "cli/lints.rs"]
mod lints;
#[path = "cli/lsp.rs"]
mod lsp;
#[path = "cli/mistakes.rs"]
mod mistakes;
#[path = "cli/names.rs"]
mod names;
#[path = "cli/options.rs"]
mod options;
#[path = "cli/places.rs"]
mod places;
#[path = "cli/rule_tests.rs"]
mod rule_tests;
#[path = "cli/rules.rs"]
mod rules;
#[path = "cli/sarif.rs"]
mod sarif;
#[path = "cli/serve.rs"]
mod serve;
#[path = "cli/simulate.rs"]
mod simulate;
#[path = "cli/verify.rs"]
mod verify;

/// How a run ended.
struct Run {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn alertq(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alertq"));
    command.args(arguments).current_dir(folder).env_remove("NO_COLOR");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finish(mut child: Child, stdin: &[u8]) -> Run {
    // A command that reads nothing closes its end.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let run = Run {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert_ne!(run.status, Some(101), "{}", run.stderr);
    run
}

fn run_in(folder: &Path, arguments: &[&str], stdin: &str) -> Run {
    finish(alertq(folder, arguments).spawn().unwrap(), stdin.as_bytes())
}

/// Runs in a folder of its own, so that no `alertq.toml` is found.
fn run(arguments: &[&str], stdin: &str) -> Run {
    run_in(TempDir::new().unwrap().path(), arguments, stdin)
}

/// Asserts that the work could not be done, and that standard error says all of `parts`.
fn refused(run: &Run, parts: &[&str]) {
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    for part in parts {
        assert!(run.stderr.contains(part), "'{part}' is missing in\n{}", run.stderr);
    }
}

fn rows(run: &Run) -> Value {
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let response: Value = serde_json::from_str(&run.stdout).unwrap();
    response["tables"][0]["rows"].clone()
}

fn query(folder: &Path, data: &str, text: &str) -> Run {
    run_in(folder, &["query", text, "--data", data, "--format", "log-analytics"], "")
}

fn folder_with(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

mod query {
    use super::*;

    #[test]
    fn a_constant_needs_no_data() {
        let run = run(&["query", "--file", "-", "--format", "log-analytics"], "print 1");
        assert_eq!(run.stderr, "");
        let table = json!({"name": "PrimaryResult", "columns": [{"name": "print_0", "type": "long"}], "rows": [[1]]});
        assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap(), json!({"tables": [table]}));
        assert_eq!(run.status, Some(0));
    }

    #[test]
    fn without_data_the_sample_answers_and_says_so() {
        let text = "SecurityAlert | summarize n = count() | project n > 0";
        let loud = run(&["query", text, "--format", "log-analytics"], "");
        assert_eq!(rows(&loud), json!([[true]]));
        assert_eq!(loud.stderr.lines().count(), 1, "{}", loud.stderr);
        assert!(loud.stderr.contains("sample"));
        let quiet = run(&["query", text, "--quiet"], "");
        assert_eq!((quiet.status, quiet.stderr.as_str()), (Some(0), ""));
    }

    #[test]
    fn a_pipe_gets_json_lines() {
        let run = run(&["query", "print a = 1, b = 'x'"], "");
        assert_eq!(run.stdout, "{\"a\":1,\"b\":\"x\"}\n");
    }

    #[test]
    fn the_clock_and_parameters_come_from_outside() {
        let text = "declare query_parameters(who:string = 'nobody'); print now(), who";
        let arguments =
            ["query", text, "--now", "2026-01-31T08:00:00Z", "--param", "who=ann", "--format", "log-analytics"];
        assert_eq!(rows(&run(&arguments, "")), json!([["2026-01-31T08:00:00.0000000Z", "ann"]]));
    }

    #[test]
    fn a_period_limits_the_records() {
        let lines = "{\"TimeGenerated\":\"2026-01-01T00:00:00Z\",\"a\":1}\n{\"TimeGenerated\":\"2026-01-09T00:00:00Z\",\"a\":2}\n";
        let (folder, _) = folder_with("t.jsonl", lines);
        let arguments = ["query", "T | project a", "--data", "T=t.jsonl", "--now", "2026-01-10", "--timespan", "P2D"];
        let run = run_in(folder.path(), &arguments, "");
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), "{\"a\":2}\n"), "{}", run.stderr);
    }

    #[test]
    fn statistics_are_the_last_line_of_standard_error() {
        let run = run(&["query", "SecurityAlert | count", "--stats", "--repeat", "3"], "");
        let stats: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
        assert_eq!(stats["runs"].as_array().unwrap().len(), 3);
        assert_eq!(stats["rows"], 1);
        for key in ["rows_scanned", "bytes_scanned", "peak_memory_bytes"] {
            assert!(stats[key].is_u64(), "{key}");
        }
        assert_eq!(run.stdout.lines().count(), 1);
    }

    #[test]
    fn what_stands_between_text_and_answer_can_be_seen() {
        for (what, part) in [("ast", "summarize"), ("plan", "count"), ("engine", "Aggregate")] {
            let run = run(&["query", "SecurityAlert | summarize count()", "--explain", what], "");
            assert_eq!(run.status, Some(0), "{}", run.stderr);
            assert!(run.stdout.contains(part), "{what}: {}", run.stdout);
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        let folder = TempDir::new().unwrap();
        let mut child = alertq(folder.path(), &["query", "range x from 1 to 2000000 step 1"]).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 10]).unwrap();
        drop(stdout);
        let run = finish(child, b"");
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    }

    #[test]
    fn results_go_into_a_file() {
        let folder = TempDir::new().unwrap();
        let run = run_in(folder.path(), &["query", "print a = 1", "--output", "out.csv", "--format", "csv"], "");
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
        assert_eq!(fs::read_to_string(folder.path().join("out.csv")).unwrap().replace('\r', ""), "a\n1\n");
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        let escape = '\u{1b}';
        let coloured = run(&["query", "print nothing_of_that_name", "--color", "always"], "");
        assert!(coloured.stderr.contains(escape));
        assert!(!run(&["query", "print nothing_of_that_name"], "").stderr.contains(escape));
    }
}

mod wrong_queries {
    use super::*;

    fn refused_with(text: &str, parts: &[&str]) {
        refused(&run(&["query", text], ""), parts);
    }

    #[test]
    fn unknown_column() {
        refused_with("SecurityAlert | where AlertSevrity == 'High'", &["KS142", "<query>:1:23", "AlertSeverity"]);
    }

    #[test]
    fn unknown_function() {
        refused_with("print strlne('a')", &["KS211", "<query>:1:7", "strlen"]);
    }

    #[test]
    fn wrong_type() {
        refused_with("SecurityAlert | where TimeGenerated == true", &["<query>:1:23", "datetime and bool"]);
    }

    #[test]
    fn unclosed_parenthesis() {
        refused_with("print (1 + 2", &["<query>:1:13", "error[KS"]);
    }

    #[test]
    fn ten_thousand_parentheses() {
        let text = format!("print {}1{}", "(".repeat(10_000), ")".repeat(10_000));
        refused(&run(&["query", "--file", "-"], &text), &["<stdin>:1:", "error["]);
        let check = run(&["check", "-"], &text);
        assert_eq!(check.status, Some(1), "{}", check.stderr);
    }

    #[test]
    fn text_that_is_not_utf8() {
        let folder = TempDir::new().unwrap();
        let child = alertq(folder.path(), &["query", "--file", "-"]).spawn().unwrap();
        refused(&finish(child, b"print '\xff'"), &["<stdin>, line 1, byte 7", "UTF-8"]);
    }

    #[test]
    fn no_query_at_all() {
        refused(&run(&["query"], ""), &["--file"]);
        refused(&run(&["query", "--file", "none.kql"], ""), &["none.kql"]);
        refused(&run(&["query", "let a = 1;"], ""), &["no result"]);
    }
}

mod wrong_data {
    use super::*;

    #[test]
    fn missing_file() {
        refused(&run(&["query", "T", "--data", "T=none.json"], ""), &["none.json", "No such file"]);
    }

    #[test]
    fn truncated_gzip() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all("{\"a\":1}\n".repeat(5000).as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let (folder, _) = folder_with("t.jsonl.gz", &packed[..packed.len() - 12]);
        refused(&query(folder.path(), "T=t.jsonl.gz", "T | count"), &["t.jsonl.gz", "byte", "gzip"]);
    }

    #[test]
    fn parquet_with_a_wrong_footer() {
        let (folder, path) = folder_with("t.jsonl", "{\"a\":1}\n");
        let convert = run_in(folder.path(), &["convert", "t.jsonl", "--out", "t.parquet"], "");
        assert_eq!(convert.status, Some(0), "{}", convert.stderr);
        let path = path.with_extension("parquet");
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() - 8;
        bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
        fs::write(&path, &bytes).unwrap();
        refused(&query(folder.path(), "T=t.parquet", "T | count"), &["t.parquet"]);
        fs::write(&path, &bytes[..at]).unwrap();
        refused(&query(folder.path(), "T=t.parquet", "T | count"), &["t.parquet"]);
    }

    #[test]
    fn json_line_cut_in_the_middle() {
        let (folder, _) = folder_with("t.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"a\":");
        refused(&query(folder.path(), "T=t.jsonl", "T | count"), &["t.jsonl", "line 3", "--skip-bad-rows"]);
        let arguments = ["query", "T | count", "--data", "T=t.jsonl", "--skip-bad-rows", "bad.jsonl"];
        let run = run_in(folder.path(), &arguments, "");
        assert_eq!(run.stdout, "{\"Count\":2}\n", "{}", run.stderr);
        let bad: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("bad.jsonl")).unwrap()).unwrap();
        assert_eq!(bad["line"], 3);
        assert!(run.stderr.contains('1') && run.stderr.contains("bad.jsonl"), "{}", run.stderr);
    }

    #[test]
    fn text_that_is_not_utf8() {
        let (folder, _) = folder_with("t.jsonl", b"{\"a\":\"x\"}\n{\"a\":\"\xff\"}\n");
        refused(&query(folder.path(), "T=t.jsonl", "T | project a"), &["t.jsonl", "line 2", "UTF-8"]);
    }

    #[test]
    fn a_table_without_data() {
        let (folder, _) = folder_with("t.jsonl", "{\"a\":1}\n");
        refused(&query(folder.path(), "T=t.jsonl", "SecurityIncident | count"), &["SecurityIncident", "--data"]);
    }

    /// One line of 200 MB is read in pieces: the process must not hold it whole.
    #[test]
    fn a_known_table_without_data() {
        let (folder, _) = folder_with("alerts.csv", "TimeGenerated,AlertName\n2026-01-01T00:00:00Z,a\n");
        let run = query(folder.path(), "Alerts=alerts.csv", "SigninLogs | count");
        refused(&run, &["there is no data for the table SigninLogs", "--data SigninLogs=PATH"]);
        // What reads many tables reads those that have records.
        let run = query(folder.path(), "Alerts=alerts.csv", "union withsource = T * | project T, AlertName");
        assert_eq!(rows(&run), json!([["Alerts", "a"]]));
    }

    #[test]
    fn one_long_line_is_read_in_pieces() {
        let folder = TempDir::new().unwrap();
        let mut file = BufWriter::new(fs::File::create(folder.path().join("t.json")).unwrap());
        let filler = "x".repeat(100_000);
        let records = 2_000;
        for record in 0..records {
            write!(file, "{}{{\"a\":{record},\"b\":\"{filler}\"}}", if record == 0 { '[' } else { ',' }).unwrap();
        }
        file.write_all(b"]").unwrap();
        file.flush().unwrap();
        let arguments = ["query", "T | summarize sum(a)", "--data", "T=t.json", "--format", "log-analytics"];
        let mut child = alertq(folder.path(), &arguments).spawn().unwrap();
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(peak_memory(child.id()).unwrap_or(0));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(rows(&finish(child, b"")), json!([[records * (records - 1) / 2]]));
        assert!(peak < 150_000, "{peak} kB");
    }

    /// Returns the most memory that a process has held, in kB, where the system tells it.
    fn peak_memory(id: u32) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    #[test]
    fn a_query_that_needs_more_memory_than_it_may_use() {
        let text = "range x from 1 to 3000000 step 1 | summarize make_list(strcat('some text ', x), 3000000)";
        let run = run(&["query", text, "--memory-limit", "16MB"], "");
        refused(&run, &["--memory-limit", "memory"]);
    }
}

mod check {
    use super::*;

    fn check(stdin: &str) -> (Option<i32>, Value) {
        let run = run(&["check", "--output-format", "json", "-"], stdin);
        (run.status, serde_json::from_str(&run.stdout).unwrap())
    }

    #[test]
    fn a_sound_query_has_columns() {
        let (status, value) = check("SecurityAlert | summarize n = count() by AlertSeverity");
        let columns = json!([{"name": "AlertSeverity", "type": "string"}, {"name": "n", "type": "long"}]);
        assert_eq!(
            (status, value),
            (Some(0), json!({"ok": true, "diagnostics": [], "columns": columns, "open": false}))
        );
    }

    #[test]
    fn every_table_of_log_analytics_is_known() {
        let (status, answer) = check("SigninLogs | project TimeGenerated, Location, IsInteractive");
        assert_eq!(status, Some(0));
        let types: Vec<_> = answer["columns"].as_array().unwrap().iter().map(|column| &column["type"]).collect();
        assert_eq!(types, ["datetime", "string", "bool"]);
        let (status, answer) = check("SigninLogs | where Locaton == 'DE'");
        assert_eq!((status, &answer["diagnostics"][0]["code"]), (Some(1), &json!("KS142")));
    }

    #[test]
    fn all_tables_together_have_columns() {
        let (status, answer) = check("union withsource = T * | where TimeGenerated > ago(1d)");
        assert_eq!(status, Some(0));
        let columns = answer["columns"].as_array().unwrap();
        assert_eq!(columns[0]["name"], "T");
        assert!(columns.len() > 20_000, "{}", columns.len());
    }

    #[test]
    fn a_problem_has_bytes_line_and_column() {
        let (status, value) = check("print a = 'ü'\n| where b > 1");
        assert_eq!((status, &value["ok"], &value["columns"]), (Some(1), &json!(false), &json!(null)));
        let problem = &value["diagnostics"][0];
        for (key, wanted) in [("start", 23), ("end", 24), ("line", 2), ("column", 9)] {
            assert_eq!(problem[key], wanted, "{key}");
        }
        assert_eq!((&problem["code"], &problem["severity"]), (&json!("KS142"), &json!("error")));
    }

    #[test]
    fn syntax_alone_knows_no_names() {
        assert_eq!(run(&["check", "--syntax-only", "-"], "NoTable | where x == 1").status, Some(0));
        assert_eq!(run(&["check", "--syntax-only", "-"], "T | where").status, Some(1));
    }

    const RULE: &str = "id: 6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11\nname: Loud hosts\nkind: Scheduled\nseverity: Medium\n\
        queryFrequency: 1h\nqueryPeriod: 1d\ntriggerOperator: gt\ntriggerThreshold: 0\nquery: |\n  SecurityAlert\n  \
        | where AlertSeverity == 'High'\n  | summarize Alerts = count() by CompromisedEntity\nentityMappings:\n  \
        - entityType: Host\n    fieldMappings:\n      - identifier: FullName\n        columnName: CompromisedEntity\ndescription: Finds loud hosts.\n\
        requiredDataConnectors: []\n";

    #[test]
    fn a_sound_rule_passes_and_other_yaml_is_left_alone() {
        let (folder, _) = folder_with("rule.yaml", RULE);
        fs::write(folder.path().join("other.yml"), "a: 1\n").unwrap();
        let run = run_in(folder.path(), &["check", "."], "");
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
        assert_eq!(run_in(folder.path(), &["check", "other.yml"], "").status, Some(1));
    }

    #[test]
    fn problems_of_a_rule_have_their_place_in_the_file() {
        let text = RULE.replace("where AlertSeverity", "where Severty").replace("columnName: Comp", "columnName: Kom");
        let (folder, _) = folder_with("rule.yaml", text);
        let run = run_in(folder.path(), &["check", "rule.yaml", "--output-format", "concise"], "");
        assert_eq!(run.status, Some(1));
        assert!(run.stdout.starts_with("rule.yaml:11:11: error[KS142]"), "{}", run.stdout);
        fs::write(folder.path().join("rule.yaml"), RULE.replace("columnName: Comp", "columnName: Kom")).unwrap();
        let run = run_in(folder.path(), &["check", "rule.yaml", "--output-format", "concise"], "");
        assert!(run.stdout.starts_with("rule.yaml:17:21: error[AQ508]"), "{}", run.stdout);
        assert!(run.stdout.contains("'CompromisedEntity'"), "{}", run.stdout);
    }

    #[test]
    fn every_form_names_the_problem() {
        let (folder, _) = folder_with("q.kql", "SecurityAlert | where Severty == 'High'");
        for format in ["full", "concise", "json", "github", "sarif", "junit", "azure", "gitlab"] {
            let run = run_in(folder.path(), &["check", "q.kql", "--output-format", format], "");
            assert_eq!(run.status, Some(1), "{format}");
            assert!(run.stdout.contains("KS142") && run.stdout.contains("q.kql"), "{format}: {}", run.stdout);
        }
    }
}

mod settings {
    use super::*;

    #[test]
    fn tables_come_from_the_file_above_and_flags_win() {
        let (folder, _) = folder_with("alertq.toml", "[tables]\nT = 'data/t.csv'\n");
        for (path, text) in [("data/t.csv", "a\n1\n"), ("data/u.csv", "a\n2\n"), ("deep/er/x", "")] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let deep = folder.path().join("deep/er");
        assert_eq!(run_in(&deep, &["query", "T"], "").stdout, "{\"a\":1}\n");
        assert_eq!(run_in(&deep, &["query", "T", "--data", "T=../../data/u.csv"], "").stdout, "{\"a\":2}\n");
    }

    #[test]
    fn unknown_keys_are_errors() {
        let (folder, _) = folder_with("alertq.toml", "[tabels]\nT = 't.csv'\n");
        let run = run_in(folder.path(), &["query", "print 1"], "");
        refused(&run, &["alertq.toml:1:2", "tabels", "did you mean 'tables'?"]);
    }
}

mod other_commands {
    use super::*;

    #[test]
    fn layout_is_stable() {
        let messy = "SecurityAlert|where  AlertSeverity==\"High\"|summarize   count() by   ProductName";
        let first = run(&["fmt"], messy);
        assert_eq!(first.status, Some(0), "{}", first.stderr);
        assert_ne!(first.stdout, messy);
        assert_eq!(run(&["fmt"], &first.stdout).stdout, first.stdout);
        let (folder, path) = folder_with("q.kql", messy);
        assert_eq!(run_in(folder.path(), &["fmt", "--check", "."], "").status, Some(1));
        assert_eq!(run_in(folder.path(), &["fmt", "q.kql"], "").status, Some(0));
        assert_eq!(fs::read_to_string(path).unwrap(), first.stdout);
        assert_eq!(run_in(folder.path(), &["fmt", "--check", "."], "").status, Some(0));
    }

    #[test]
    fn layout_keeps_comments() {
        let text = "// who is loud\nT // the table\n| where a == 1 // not 2\n// at last\n| count\n// end";
        let run = run(&["fmt"], text);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        for comment in ["// who is loud\n", "// the table\n", "// not 2\n", "// at last\n", "// end\n"] {
            assert!(run.stdout.contains(comment), "{comment} is missing in\n{}", run.stdout);
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_laid_out() {
        let (folder, path) = folder_with("q.kql", "T | where (");
        refused(&run_in(folder.path(), &["fmt", "q.kql"], ""), &["q.kql:1:"]);
        assert_eq!(fs::read_to_string(path).unwrap(), "T | where (");
    }

    #[test]
    fn an_export_becomes_parquet_and_stays_the_same() {
        let lines = "{\"t\":\"2026-01-01T00:00:00.1234567Z\",\"a\":1,\"b\":\"x\",\"c\":{\"d\":[1,2.5]},\"e\":true}\n{\"a\":null}\n";
        let (folder, _) = folder_with("t.jsonl", lines);
        let convert = run_in(folder.path(), &["convert", "t.jsonl", "--out", "t.parquet"], "");
        assert_eq!(convert.status, Some(0), "{}", convert.stderr);
        let before = query(folder.path(), "T=t.jsonl", "T");
        assert_eq!(rows(&before).as_array().unwrap().len(), 2);
        assert_eq!(query(folder.path(), "T=t.parquet", "T").stdout, before.stdout);
    }

    #[test]
    fn parquet_is_in_the_order_of_time() {
        let line = |day: u32, a: u32| format!("{{\"TimeGenerated\":\"2026-01-0{day}T00:00:00Z\",\"a\":{a}}}\n");
        let (folder, _) = folder_with("t.jsonl", [line(3, 1), line(1, 2), line(2, 3), line(1, 4)].concat());
        let convert = run_in(folder.path(), &["convert", "T=t.jsonl", "--out", "t.parquet"], "");
        assert_eq!(convert.status, Some(0), "{}", convert.stderr);
        let lines = run_in(folder.path(), &["convert", "t.parquet", "--out", "u.csv"], "");
        assert_eq!(lines.status, Some(0), "{}", lines.stderr);
        let text = fs::read_to_string(folder.path().join("u.csv")).unwrap();
        let values: Vec<_> = text.lines().skip(1).filter_map(|line| line.rsplit(',').next()).collect();
        assert_eq!(values, ["2", "4", "3", "1"]);
    }

    #[test]
    fn a_folder_gets_a_file_for_each_table() {
        let folder = TempDir::new().unwrap();
        let sample = run_in(folder.path(), &["sample", "--rows", "50", "--format", "jsonl", "--out", "made/"], "");
        assert_eq!(sample.status, Some(0), "{}", sample.stderr);
        let many = run_in(folder.path(), &["convert", "made/", "--out", "one.parquet"], "");
        refused(&many, &["SecurityAlert", "SecurityIncident", "--out"]);
        assert_eq!(run_in(folder.path(), &["convert", "made/", "--out", "tables/"], "").status, Some(0));
        let count = run_in(folder.path(), &["query", "SecurityAlert | count", "--data", "tables/"], "");
        assert_eq!(count.stdout, "{\"Count\":50}\n", "{}", count.stderr);
    }

    #[cfg(unix)]
    #[test]
    fn an_interrupt_ends_it_and_leaves_no_files() {
        let folder = TempDir::new().unwrap();
        let temporary = folder.path().join("tmp");
        fs::create_dir(&temporary).unwrap();
        let mut command = alertq(folder.path(), &["query", "T | count", "--data", "T=-"]);
        // Standard input stays open, so that it waits for more.
        let mut child = command.env("TMPDIR", &temporary).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"{\"a\":1}\n").unwrap();
        let files = || walk(&temporary);
        for _ in 0..500 {
            if files() > 1 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(files() > 1, "no temporary file");
        // The handler is set up right after the folder is made.
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(files(), 0);
    }

    /// Counts what is below a folder.
    #[cfg(unix)]
    fn walk(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
        entries.iter().map(|entry| 1 + if entry.path().is_dir() { walk(&entry.path()) } else { 0 }).sum()
    }

    #[test]
    fn samples_are_the_same_each_time() {
        let arguments = ["sample", "--rows", "20", "--seed", "7", "--format", "jsonl"];
        let first = run(&arguments, "");
        assert_eq!(first.status, Some(0), "{}", first.stderr);
        assert_eq!(first.stdout.lines().count(), 20);
        assert_eq!(run(&arguments, "").stdout, first.stdout);
        assert_ne!(run(&["sample", "--rows", "20", "--seed", "8", "--format", "jsonl"], "").stdout, first.stdout);
    }

    #[test]
    fn the_readme_tells_what_is_supported() {
        let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
        let matrix = run(&["functions", "--format", "matrix"], "").stdout;
        assert!(matrix.contains("| Plugins |"), "{matrix}");
        assert!(readme.contains(&matrix), "put this into the README:\n{matrix}");
        let reference = run(&["functions", "--format", "markdown"], "").stdout;
        assert!(reference.contains(&matrix) && reference.contains("### strlen"));
    }

    #[test]
    fn the_reference_names_columns_and_functions() {
        assert!(run(&["schema", "SecurityAlert"], "").stdout.contains("CompromisedEntity"));
        assert!(run(&["schema", "SigninLogs"], "").stdout.contains("UserPrincipalName"));
        assert!(run(&["schema", "--all"], "").stdout.contains("AWSCloudTrail\n"));
        refused(&run(&["schema", "SecurityAlrt"], ""), &["did you mean 'SecurityAlert'?"]);
        assert!(run(&["functions", "strlen"], "").stdout.contains("strlen("));
        refused(&run(&["functions", "strlne"], ""), &["did you mean 'strlen'?"]);
        let listed = run(&["functions", "--format", "json"], "");
        let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
        assert!(listed.iter().any(|entry| entry["name"] == "parse_json" && entry["supported"] == true));
    }

    #[test]
    fn usage_is_told() {
        refused(&run(&["qurey"], ""), &["query"]);
        refused(&run(&["query", "print 1", "--format", "xml"], ""), &["jsonl"]);
        let help = run(&["query", "--help"], "");
        assert_eq!(help.status, Some(0));
        assert!(help.stdout.contains("Examples:"));
    }
}
