//! What `check` takes: files that hold queries among other things, many files, broken ones among them.

use super::*;

fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Checks and returns the status and the lines of the errors, without their messages.
fn problems(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let run = run_in(folder.path(), &[&["check", "--output-format", "concise"], arguments].concat(), "");
    let line = |line: &str| line.split("]").next().unwrap_or_default().to_string();
    (run.status, run.stdout.lines().filter(|line| line.contains(": error[")).map(line).collect())
}

#[test]
fn queries_of_all_files_have_their_own_lines() {
    let folder = project(&[
        ("b/two.kql", "SecurityAlert\n| count\n\n// wrong\nSecurityAlert\n| where Severty == 'High'\n"),
        ("a.md", "# Hunt\n\n```kql\nSecurityAlert\n| where Titel == 1\n```\n\n```sql\nselect 1\n```\n"),
        (
            "c.json",
            "{\"items\": [{\"type\": 3, \"content\": {\"version\": \"KqlItem/1.0\",\n\"query\": \"SecurityAlert\\n| where Nix == 1\",\n\"queryType\": 0}}]}",
        ),
        ("other.json", "{\"query\": \"not ours\"}"),
        ("out/ignored.kql", "wrong ("),
        (".gitignore", "out/\n"),
    ]);
    let (status, lines) = problems(&folder, &["."]);
    assert_eq!(status, Some(1));
    let expected = ["a.md:5:9: error[KS142", "b/two.kql:6:9: error[KS142", "c.json:2:34: error[KS142"];
    assert_eq!(lines, expected);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_rest_is_done() {
    let folder = project(&[("a.kql", "SecurityAlert | where Nix == 1"), ("c.kql", "SecurityAlert | count")]);
    fs::write(folder.path().join("b.kql"), b"T | where a == '\xff'").unwrap();
    let (status, lines) = problems(&folder, &["a.kql", "b.kql", "c.kql", "none.kql"]);
    assert_eq!((status, lines.len()), (Some(2), 3), "{lines:?}");
    assert!(lines[1].starts_with("b.kql:1:1: error[AQ590") && lines[2].starts_with("none.kql:1:1: error[AQ590"));
    let run = run_in(folder.path(), &["check", "."], "");
    assert!(run.stderr.contains("1 of 3 files cannot be read"), "{}", run.stderr);
}

#[test]
fn results_keep_the_order_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..40 {
        fs::write(folder.path().join(format!("{number:02}.kql")), format!("SecurityAlert | where N{number} == 1"))
            .unwrap();
    }
    let run = run_in(folder.path(), &["check", ".", "--output-format", "json"], "");
    let all: Value = serde_json::from_str(&run.stdout).unwrap();
    let paths: Vec<_> = all.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), 40);
    assert!(paths.is_sorted());
}

#[test]
fn a_query_of_a_workbook_waits_for_its_parameters() {
    let text = r#"{"version": "KqlItem/1.0", "queryType": 0, "query": "SecurityAlert | where TimeGenerated {Range}"}"#;
    let folder = project(&[("w.json", text)]);
    let run = run_in(folder.path(), &["check", "w.json"], "");
    assert_eq!(run.status, Some(0), "{}", run.stdout);
    assert!(run.stdout.contains("{Range}"), "{}", run.stdout);
}

#[test]
fn files_without_queries_are_wrong_where_they_are_named_unless_others_are_skipped() {
    let folder = project(&[("a.json", "{}"), ("b.md", "text")]);
    assert_eq!(problems(&folder, &["a.json", "b.md"]).0, Some(1));
    assert_eq!(problems(&folder, &["a.json", "b.md", "--skip-others"]), (Some(0), Vec::new()));
}

#[test]
fn tables_and_functions_can_be_declared() {
    let folder = project(&[
        ("tables/A.json", r#"{"Name": "A_CL", "Properties": [{"Name": "n", "Type": "Int32"}]}"#),
        (
            "f.json",
            r#"{"FunctionName": "F", "FunctionParameters": [{"Name": "d", "Type": "datetime"}],
            "FunctionResultColumns": [{"Name": "c", "Type": "String"}]}"#,
        ),
        ("q.kql", "A_CL | where n == 1 | join kind=inner (F(now()) | extend n = toint(c)) on n | project n, c"),
    ]);
    assert_eq!(problems(&folder, &["q.kql"]).0, Some(1));
    assert_eq!(problems(&folder, &["q.kql", "--schema", "tables", "--schema", "f.json"]), (Some(0), Vec::new()));
    fs::write(folder.path().join("alertq.toml"), "schemas = ['tables', 'f.json']\n").unwrap();
    assert_eq!(problems(&folder, &["q.kql"]), (Some(0), Vec::new()));
}

#[test]
fn hooks_and_the_action_run_as_they_are_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hooks = fs::read_to_string(root.join(".pre-commit-hooks.yaml")).unwrap();
    let arguments = hooks.lines().find_map(|line| line.trim().strip_prefix("args: [")?.strip_suffix(']')).unwrap();
    let folder = project(&[("a.kql", "SecurityAlert | count"), ("b.json", "{}"), ("c.yaml", "a: 1\n")]);
    let arguments: Vec<&str> = arguments.split(", ").collect();
    let run = run_in(folder.path(), &[&["check"], &arguments[..], &["a.kql", "b.json", "c.yaml"]].concat(), "");
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""));

    let action = fs::read_to_string(root.join("action.yml")).unwrap();
    let script: String = action.rsplit_once("run: |\n").unwrap().1.lines().map(|l| format!("{}\n", l.trim())).collect();
    let mut command = Command::new("bash");
    command.args(["-e", "-c", &script]).current_dir(folder.path());
    command.env("ALERTQ", env!("CARGO_BIN_EXE_alertq")).env("PATHS", "a.kql").env("FORMAT", "sarif");
    command.env("OUTPUT", "out.sarif").env("ARGUMENTS", "");
    assert!(command.status().unwrap().success());
    assert!(fs::read_to_string(folder.path().join("out.sarif")).unwrap().contains("2.1.0"));
}

#[test]
fn quotes_that_got_lost_are_thought_of() {
    let run = run(&["check", "-"], "SecurityAlert | where AlertSeverity == High");
    assert!(run.stdout.contains("put it in quotes: \"High\""), "{}", run.stdout);
}

#[test]
fn a_dash_is_standard_input_whatever_else_is_called_so() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("-")).unwrap();
    let run = run_in(folder.path(), &["check", "--output-format", "json", "-"], "print 1");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("\"ok\":true"), "{}", run.stdout);
    let run = run_in(folder.path(), &["query", "print 1", "--output", "no/such/folder"], "");
    assert_eq!(run.status, Some(2));
    assert!(!run.stderr.contains(".alertq-"), "{}", run.stderr);
}

/// Records of a file that a folder holds and the user names too would count twice.
#[test]
fn a_file_of_records_that_is_named_twice_is_read_once() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.jsonl"), "{\"x\": 1}\n{\"x\": 2}\n").unwrap();
    let count = |data: &[&str]| {
        let run = run_in(folder.path(), &[&["query", "a | count"], data].concat(), "");
        (run.status, run.stdout)
    };
    for data in [&["--data", "a.jsonl", "--data", "./a.jsonl"][..], &["--data", ".", "--data", "a.jsonl"]] {
        assert_eq!(count(data), (Some(0), "{\"Count\":2}\n".to_string()), "{data:?}");
    }
    let run = run_in(folder.path(), &["query", "union b, c | count", "--data", "b=a.jsonl", "--data", "c=a.jsonl"], "");
    assert_eq!(run.stdout, "{\"Count\":4}\n", "{}", run.stderr);
}

/// A name that is mistyped must not pass for a folder in which all is well.
#[test]
fn a_folder_that_holds_nothing_is_told() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("none")).unwrap();
    let commands: [&[&str]; 6] = [
        &["check", "none"],
        &["fmt", "--check", "none"],
        &["rules", "list", "none"],
        &["rules", "convert", "none", "--to", "yaml"],
        &["simulate", "--rules", "none", "--from", "2026-01-01", "--to", "2026-01-02"],
        &["test", "none"],
    ];
    for arguments in commands {
        refused(&run_in(folder.path(), arguments, ""), &["error: ", "help: "]);
    }
}

#[test]
fn empty_files_are_told_where_records_are_missing() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("alerts.json"), "").unwrap();
    let run = run_in(folder.path(), &["query", "--data", "alerts.json", "SecurityAlert | count"], "");
    refused(&run, &["there is no data for the table SecurityAlert", "what was given holds alerts"]);
    let run = run_in(folder.path(), &["verify", "--alerts", "alerts.json", "--incidents", "alerts.json"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(run.stderr.matches("warning: alerts.json: the file holds no records").count(), 2, "{}", run.stderr);
}

#[test]
fn a_file_that_cannot_be_read_has_no_line_to_show() {
    let folder = TempDir::new().unwrap();
    let run = run_in(folder.path(), &["check", "none.kql"], "");
    assert_eq!(run.status, Some(2));
    assert!(run.stdout.contains("none.kql cannot be read"), "{}", run.stdout);
    assert!(!run.stdout.contains('^'), "{}", run.stdout);
}

#[test]
fn an_empty_query_is_laid_out() {
    for text in ["", "\n\n"] {
        assert_eq!(run(&["fmt"], text).stdout, "");
    }
    assert_eq!(run(&["fmt"], "// nothing yet").stdout, "// nothing yet\n");
}
