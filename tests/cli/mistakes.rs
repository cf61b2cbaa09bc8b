//! Calls that are wrong: what they say, and that nothing of the user's is lost by them.

use super::*;

const RECORDS: &str = "{\"TimeGenerated\":\"2026-01-01T00:00:00Z\",\"AlertName\":\"A\",\"SystemAlertId\":\"1\"}\n";
const RULE: &str = "id: 2f9e4f3a-5a0f-4b2c-8d0e-3b1f6a1d0001\nname: R\nkind: NRT\nquery: SecurityAlert\n";

/// Makes a folder with everything that commands read.
fn desk() -> TempDir {
    let folder = TempDir::new().unwrap();
    let files = [
        ("in/SecurityAlert.jsonl", RECORDS),
        ("list.csv", "a\n1\n"),
        ("key", "0123456789abcdef0123456789abcdef"),
        ("rule.yaml", RULE),
        ("q.kql", "SecurityAlert | count"),
        ("old.jsonl.rejects", RECORDS),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Reads all files of a folder.
fn held(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(held(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn no_result_takes_the_place_of_what_is_read() {
    const FROM_TO: [&str; 4] = ["--from", "2026-01-01", "--to", "2026-01-02"];
    let data = "in/SecurityAlert.jsonl";
    let simulate =
        |more: &[&'static str]| [&["simulate", "--data", "in", "--rules", "rule.yaml"], &FROM_TO[..], more].concat();
    let anonymize = |more: &[&'static str]| [&["anonymize", data, "--key-file", "key"], more].concat();
    let calls: Vec<(&str, Vec<&str>)> = vec![
        ("--output", vec!["query", "SecurityAlert | take 1", "--data", data, "--output", data]),
        (
            "--output",
            vec!["query", "SecurityAlert | take 1", "--data", "in", "--output", "./in/../in/SecurityAlert.jsonl"],
        ),
        ("--output", vec!["query", "--file", "q.kql", "--data", data, "--output", "q.kql"]),
        ("--output", vec!["query", "print 1", "--watchlist", "w=list.csv", "--output", "list.csv"]),
        ("--skip-bad-rows", vec!["query", "SecurityAlert", "--data", data, "--skip-bad-rows", data]),
        ("--out", simulate(&["--out", "in", "--out-format", "jsonl"])),
        ("--report", simulate(&["--report", "rule.yaml"])),
        ("--out", vec!["convert", data, "--out", data]),
        ("--rejects", vec!["convert", data, "--out", "new.parquet", "--rejects", data]),
        ("--rejects", vec!["convert", data, "--out", "new/", "--rejects", data]),
        // What was set aside and mended: it lies where the records of this run are set aside.
        ("--rejects", vec!["convert", "SecurityAlert=old.jsonl.rejects", "--out", "old.jsonl"]),
        ("--out", vec!["sample", "--like", data, "--out", data]),
        ("--out", anonymize(&["--out", data])),
        ("--out", anonymize(&["--out", "key"])),
        ("--report", anonymize(&["--out", "new.jsonl", "--report", "key"])),
        ("--report", anonymize(&["--out", "new/", "--report", data])),
        ("--out", vec!["rules", "convert", "rule.yaml", "--to", "arm", "--out", "rule.yaml"]),
    ];
    let folder = desk();
    let before = held(folder.path());
    for (flag, call) in calls {
        let run = run_in(folder.path(), &call, "");
        refused(&run, &["is one of the inputs and would be lost", &format!("give {flag} another name")]);
        assert_eq!(held(folder.path()), before, "{call:?}");
    }
}

#[test]
fn two_results_are_two_files() {
    let data = "in/SecurityAlert.jsonl";
    let calls: [(&str, &[&str]); 4] = [
        ("--output and --skip-bad-rows", &["query", "print 1", "--output", "x", "--skip-bad-rows", "./x"]),
        ("--out and --rejects", &["convert", data, "--out", "x", "--rejects", "x"]),
        ("--out and --report", &["anonymize", data, "--key-file", "key", "--out", "x", "--report", "x"]),
        (
            "--out and --report",
            &["anonymize", data, "--key-file", "key", "--out", "new/", "--report", "new/SecurityAlert.parquet"],
        ),
    ];
    let folder = desk();
    let before = held(folder.path());
    for (flags, call) in calls {
        refused(&run_in(folder.path(), call, ""), &[&format!("{flags} are one file")]);
        assert_eq!(held(folder.path()), before, "{call:?}");
    }
}

#[test]
fn a_baseline_replaces_a_baseline_alone() {
    let folder = desk();
    let write = |path: &str| run_in(folder.path(), &["check", "q.kql", "--write-baseline", path], "");
    refused(&write("rule.yaml"), &["rule.yaml is no baseline", "it would be lost"]);
    assert_eq!(fs::read_to_string(folder.path().join("rule.yaml")).unwrap(), RULE);
    assert_eq!(write("known.json").status, Some(0));
    assert_eq!(write("known.json").status, Some(0));
}

#[test]
fn a_place_that_cannot_be_written_to_is_named_as_the_user_does() {
    let folder = desk();
    let write = |path: &str| run_in(folder.path(), &["query", "print 1", "--output", path], "");
    refused(&write("none/x.csv"), &["none/x.csv cannot be written: the folder none is not there", "help: "]);
    refused(&write("q.kql/x.csv"), &["q.kql/x.csv cannot be written: q.kql is no folder"]);
    refused(&write("in"), &["in is a folder", "help: name a file in it"]);
    let run = write("x.unheard");
    assert_eq!(run.status, Some(0));
    assert!(run.stderr.contains("x.unheard: the ending says no format, so it is written as jsonl"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn no_unfinished_file_is_told_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = desk();
    let shut = folder.path().join("shut");
    fs::create_dir(&shut).unwrap();
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o555)).unwrap();
    let run = run_in(folder.path(), &["query", "print 1", "--output", "shut/x.csv"], "");
    // Root may write everywhere.
    if run.status != Some(0) {
        refused(
            &run,
            &["shut/x.csv cannot be written: Permission denied", "a new file must be made in the folder shut"],
        );
        assert!(!run.stderr.contains(".alertq-"), "{}", run.stderr);
    }
}

#[test]
fn a_path_that_is_missing_is_asked_for() {
    let folder = desk();
    let calls: [&[&str]; 6] = [
        &["query", "print 1", "--data", "T="],
        &["query", "print 1", "--data", ""],
        &["query", "print 1", "--watchlist", "w="],
        &["convert", "T=", "--out", "x"],
        &["anonymize", "T=", "--out", "x", "--key-file", "key"],
        &["sample", "--like", "T="],
    ];
    for call in calls {
        refused(&run_in(folder.path(), call, ""), &["say ", "NAME=PATH"]);
    }
    refused(&run_in(folder.path(), &["schema", "--check", ""], ""), &["a path is missing"]);
}

/// A parameter that is misspelt would leave the other one with its default: another answer.
#[test]
fn a_value_for_no_parameter_is_refused() {
    let text = "declare query_parameters(who: string = 'nobody'); print who";
    refused(&run(&["query", text, "--param", "Who=ann"], ""), &["declares no parameter 'Who'", "it declares who"]);
    refused(&run(&["query", "print 1", "--param", "a=1"], ""), &["declare query_parameters(a:string)"]);
}

#[test]
fn rows_that_were_set_aside_stay_when_the_query_fails() {
    let folder = desk();
    fs::write(folder.path().join("T.jsonl"), "{\"a\":1}\n{\"a\":\n").unwrap();
    let ask = |text: &str| run_in(folder.path(), &["query", text, "--data", "T.jsonl", "--skip-bad-rows", "bad"], "");
    assert_eq!(ask("T | count").stdout, "{\"Count\":1}\n");
    let bad = || fs::read_to_string(folder.path().join("bad")).unwrap();
    let told = bad();
    assert!(told.contains("\"line\":2"), "{told}");
    // Nothing was read.
    refused(&ask("T | where b == 1"), &["KS142"]);
    assert_eq!(bad(), told);
    let run = run_in(folder.path(), &["query", "print 1", "--skip-bad-rows", "-"], "");
    refused(&run, &["standard output cannot be written: it is for the results"]);
}

#[test]
fn rules_of_which_none_can_be_read_are_not_listed() {
    let folder = desk();
    fs::write(folder.path().join("broken.yaml"), "id: x\n  name: [\n").unwrap();
    fs::write(folder.path().join("other.yaml"), "a: b\n").unwrap();
    for (file, told) in [("broken.yaml", "AQ500"), ("other.yaml", "the file holds no rule")] {
        refused(&run_in(folder.path(), &["rules", "list", file], ""), &[told]);
        refused(&run_in(folder.path(), &["rules", "convert", file, "--to", "arm"], ""), &[told]);
    }
    let run = run_in(folder.path(), &["rules", "list", "broken.yaml", "rule.yaml"], "");
    assert_eq!((run.status, run.stdout.lines().count()), (Some(1), 1), "{}", run.stderr);
}

#[test]
fn what_was_set_aside_before_makes_a_strict_conversion_fail() {
    let folder = desk();
    fs::write(folder.path().join("T.jsonl"), "{\"a\":1}\n{\"a\":\n").unwrap();
    let convert = |more: &[&str]| run_in(folder.path(), &[&["convert", "T.jsonl", "--out", "out/"], more].concat(), "");
    assert_eq!(convert(&[]).status, Some(1));
    refused(&convert(&["--strict"]), &["T.jsonl, line 2"]);
    assert_eq!(run_in(folder.path(), &["schema", "--check", "T.jsonl"], "").status, Some(1));
}

#[cfg(feature = "fetch")]
#[test]
fn a_workspace_is_known_before_anybody_is_asked_who_asks() {
    refused(&run(&["query", "print 1", "--on", "foo"], ""), &["no workspace of alertq.toml is called 'foo'", "GUID"]);
    let call = ["fetch", "defender", "-s", "foo", "--out", "o"];
    refused(&run(&call, ""), &["no subscription of alertq.toml is called 'foo'", "az account list"]);
    let on = ["query", "print now()", "--on", "00000000-0000-0000-0000-000000000001", "--now", "2026-01-01"];
    refused(&run(&on, ""), &["--now does not reach the clock of a workspace", "set query_now"]);
    refused(&run(&["query", "print 1", "--on", "foo", "--param", "a=1"], ""), &["cannot be used with '--param"]);
}
