//! Lints: what is told, how much it matters, and what is known already.

use super::*;

const QUERY: &str = "SecurityAlert\n| where AlertName contains 'mimikatz'\n| where AlertSeverity == 'high'\n";

fn codes(run: &Run) -> Vec<String> {
    let objects: Value = serde_json::from_str(&run.stdout).unwrap();
    let found = objects[0]["diagnostics"].as_array().unwrap();
    found.iter().map(|d| format!("{} {}", d["severity"].as_str().unwrap(), d["code"].as_str().unwrap())).collect()
}

fn check(folder: &Path, arguments: &[&str]) -> Run {
    run_in(folder, &[&["check", "--output-format", "json"], arguments].concat(), "")
}

#[test]
fn information_leaves_the_status_and_warnings_do_not() {
    let (folder, _) = folder_with("q.kql", QUERY);
    let run = check(folder.path(), &["q.kql"]);
    assert_eq!((run.status, codes(&run)), (Some(1), vec!["warning AQ608".into(), "information AQ602".into()]));
    let objects: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(objects[0]["ok"], true);
    let run = check(folder.path(), &["q.kql", "--allow", "value-never-written"]);
    assert_eq!((run.status, codes(&run)), (Some(0), vec!["information AQ602".into()]));
    let run = check(folder.path(), &["q.kql", "--allow", "all", "--deny", "AQ602"]);
    assert_eq!((run.status, codes(&run)), (Some(1), vec!["error AQ602".into()]));
    refused(&check(folder.path(), &["q.kql", "--warn", "contian-for-has"]), &["did you mean 'contains-for-has'?"]);
}

#[test]
fn levels_stand_in_the_settings() {
    let (folder, _) = folder_with("q.kql", QUERY);
    fs::write(folder.path().join("alertq.toml"), "[lints]\nall = 'allow'\nmissing-time-filter = 'warning'\n").unwrap();
    assert_eq!(codes(&check(folder.path(), &["q.kql"])), ["warning AQ601"]);
    let listing = run_in(folder.path(), &["lints", "--format", "json"], "");
    let lints: Value = serde_json::from_str(&listing.stdout).unwrap();
    assert_eq!((&lints[0]["name"], &lints[0]["level"]), (&json!("missing-time-filter"), &json!("warning")));
    assert_eq!(lints[1]["level"], "allow");
}

#[test]
fn a_lint_explains_itself() {
    let run = run(&["lints", "aq604"], "");
    assert_eq!(run.status, Some(0));
    for part in ["join-without-kind", "innerunique", "Not this:", "But this:", "kind=inner"] {
        assert!(run.stdout.contains(part), "{part} is missing in\n{}", run.stdout);
    }
    refused(&self::run(&["lints", "join-with-kind"], ""), &["did you mean 'join-without-kind'?"]);
}

#[test]
fn the_period_of_a_rule_counts() {
    let rule = |period: &str| {
        format!(
            "id: 6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b12\nname: Far back\nkind: Scheduled\nseverity: Low\n\
             queryFrequency: 1d\nqueryPeriod: {period}\ntriggerOperator: gt\ntriggerThreshold: 0\nquery: |\n  \
             let lookback = 14d;\n  SigninLogs\n  | where TimeGenerated > ago(lookback)\n"
        )
    };
    let (folder, path) = folder_with("rule.yaml", rule("1d"));
    let run = run_in(folder.path(), &["check", "rule.yaml", "--output-format", "concise"], "");
    assert_eq!(run.status, Some(1));
    assert!(run.stdout.starts_with("rule.yaml:12:27: warning[AQ614]"), "{}", run.stdout);
    fs::write(path, rule("14d")).unwrap();
    assert_eq!(run_in(folder.path(), &["check", "rule.yaml"], "").status, Some(0));
}

#[test]
fn what_a_baseline_holds_is_not_told_again() {
    let (folder, path) = folder_with("q.kql", QUERY);
    let written = run_in(folder.path(), &["check", "q.kql", "--write-baseline", "known.json"], "");
    assert_eq!((written.status, written.stdout.as_str()), (Some(0), ""), "{}", written.stderr);
    let run = check(folder.path(), &["q.kql", "--baseline", "known.json"]);
    assert_eq!((run.status, codes(&run)), (Some(0), Vec::<String>::new()));
    // An edit above moves the old findings; a further one is new.
    fs::write(&path, format!("// moved\n{QUERY}| where AlertSeverity == 'low'\n")).unwrap();
    let run = check(folder.path(), &["./q.kql", "--baseline", "known.json"]);
    assert_eq!((run.status, codes(&run)), (Some(1), vec!["warning AQ608".into()]));
    fs::write(&path, "SecurityAlert | count").unwrap();
    let run = check(folder.path(), &["q.kql", "--baseline", "known.json"]);
    assert!(run.stderr.contains("2 findings of the baseline are gone"), "{}", run.stderr);
    refused(&check(folder.path(), &["q.kql", "--baseline", "q.kql"]), &["q.kql is no baseline"]);
}

#[test]
fn statistics_count_in_place_of_telling() {
    let (folder, _) = folder_with("q.kql", QUERY);
    fs::write(folder.path().join("r.kql"), format!("{QUERY}| where AlertName contains 'rubeus'\n")).unwrap();
    let run = run_in(folder.path(), &["check", ".", "--statistics"], "");
    assert_eq!(run.status, Some(1));
    let lines: Vec<Vec<&str>> = run.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["2", "in", "2", "warning", "AQ608", "value-never-written"]);
    assert_eq!(lines[1], ["3", "in", "2", "information", "AQ602", "contains-for-has"]);
    let counts: Value = serde_json::from_str(&check(folder.path(), &[".", "--statistics"]).stdout).unwrap();
    assert_eq!((&counts[1]["findings"], &counts[1]["lint"]), (&json!(3), &json!("contains-for-has")));
}

#[test]
fn checks_of_rules_have_levels_and_comments() {
    let folder = TempDir::new().unwrap();
    let rule = |comment: &str, behind: &str| {
        format!(
            "id: 2f9e4f3a-5a0f-4b2c-8d0e-3b1f6a1d0098\nkind: NRT\nname: n\ndescription: d\nseverity: High\n{comment}version: 1{behind}\n\
             query: |\n  SecurityAlert\n  | where AlertSeverity == 'High'\n"
        )
    };
    let codes = |text: &str, more: &[&str]| {
        fs::write(folder.path().join("r.yaml"), text).unwrap();
        let run = run_in(folder.path(), &[&["check", "r.yaml", "--output-format", "concise"], more].concat(), "");
        (run.status, run.stdout)
    };
    let (status, found) = codes(&rule("", ""), &[]);
    assert!(status == Some(1) && found.contains("AQ521"), "{found}");
    for (comment, behind) in [
        ("# alertq: allow version-form\n", ""),
        ("# alertq: allow AQ521\n# still about the next line\n", ""),
        ("", " # alertq: allow version-form"),
        ("", "\n# alertq: allow-file version-form"),
    ] {
        let (status, found) = codes(&rule(comment, behind), &[]);
        assert!(status == Some(0) && !found.contains("AQ521"), "{comment}{behind}: {found}");
    }
    assert_eq!(codes(&rule("", ""), &["--allow", "version-form"]).0, Some(0));
    fs::write(folder.path().join("alertq.toml"), "[lints]\nversion-form = 'information'\n").unwrap();
    let (status, found) = codes(&rule("", ""), &[]);
    assert!(status == Some(0) && found.contains("AQ521"), "{found}");
    assert_eq!(codes(&rule("", ""), &["--deny", "version-form"]).0, Some(1));
    let (_, found) = codes(&rule("# alertq: allow version-from\n", ""), &[]);
    assert!(found.contains("AQ600"), "{found}");
    let page = run_in(folder.path(), &["lints", "version-form"], "");
    assert!(page.stdout.contains("check of rules"), "{}", page.stdout);
}
