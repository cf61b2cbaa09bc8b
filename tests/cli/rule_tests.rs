//! `alertq test`: the project's own tests of rules, and what its reports look like.

use super::*;

const RULE: &str = "id: 2f9e4f3a-5a0f-4b2c-8d0e-3b1f6a1d0099\nkind: Scheduled\nname: Disk full\ndescription: d\n\
    severity: High\nqueryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\nquery: |\n  Syslog\n  \
    | where SyslogMessage has 'disk'\n";

const TEST: &str = "cases:\n  - name: a full disk raises an alert\n    records:\n      Syslog: [{TimeGenerated: -5m, \
    SyslogMessage: disk full}]\n    at: +0m\n    expect:\n      alerts: [{DisplayName: Disk full, AlertSeverity: Low}]\n      \
    incidents: []  # none yet\n";

fn folder(test: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("disk.yaml"), RULE).unwrap();
    fs::write(folder.path().join("disk.test.yaml"), test).unwrap();
    folder
}

/// Every sentence about Sentinel that is shown below `fixtures/rules` holds.
#[test]
fn the_projects_own_tests_of_rules_pass() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules");
    let run = run_in(&fixtures, &["test", "."], "");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    let passed = run.stdout.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(passed >= 60, "{passed} cases were run");
}

/// The tables of `fixtures/rules/README.md` lead somewhere, and to every file of tests.
#[test]
fn every_behaviour_is_shown_by_what_the_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("fixtures/rules");
    let text = fs::read_to_string(folder.join("README.md")).unwrap();
    let tables = text.split_once("## What shows which behaviour").unwrap().1;
    let rows = tables.lines().filter(|line| line.starts_with("| "));
    let named: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    let mut files = String::new();
    for top in ["src", "tests"] {
        let walk = walk(&root.join(top)).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
        walk.for_each(|path| files.push_str(&fs::read_to_string(path).unwrap()));
    }
    for name in &named {
        let found = match name.strip_suffix('=') {
            Some(question) => alertq::rules::assume::QUESTIONS.iter().any(|known| known.name == question),
            None if name.ends_with(".test.yaml") => folder.join(name).is_file(),
            None if name.starts_with("AQ") => files.contains(&format!("code: \"{name}\"")),
            None => files.contains(&format!("fn {name}(")),
        };
        assert!(found, "{name} is not there");
    }
    for path in walk(&folder).into_iter().filter(|path| path.to_string_lossy().ends_with(".test.yaml")) {
        let path = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        assert!(named.contains(&path.as_str()), "{path} is in no table");
    }
}

/// Returns every file below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() { found.extend(walk(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}

#[test]
fn what_a_test_cannot_mean_is_said_with_its_place() {
    const CASES: &[(&str, &str, &str)] = &[
        ("{alerts: [{rule: Disk ful}]}", "no rule of these tests is called 'Disk ful'", "did you mean 'Disk full'?"),
        ("{alerts: [{Severty: Low}]}", "SecurityAlert has no column 'Severty'", "alertq schema SecurityAlert"),
        ("{incidents: [{Titel: x}]}", "SecurityIncident has no column 'Titel'", "did you mean 'Title'?"),
        ("{alerts: [Disk full]}", "here is a text", "{Title: Port scan}"),
    ];
    for (expect, message, help) in CASES {
        let text = format!(
            "cases:\n  - name: n\n    records:\n      Syslog: [{{SyslogMessage: disk}}]\n    at: +0m\n    expect: {expect}\n"
        );
        let folder = folder(&text);
        let run = run_in(folder.path(), &["test", "disk.test.yaml"], "");
        assert_eq!(run.status, Some(2), "{expect}: {}", run.stdout);
        for part in [message, help, &" disk.test.yaml:6:"] {
            assert!(run.stdout.contains(part), "'{part}' is missing in\n{}", run.stdout);
        }
    }
    let slip =
        "cases:\n  - name: n\n    records: {Sylog: [{SyslogMessage: disk}]}\n    at: +0m\n    expect: {alerts: []}\n";
    let slip = folder(slip);
    let run = run_in(slip.path(), &["test", "."], "");
    assert!(run.status == Some(2) && run.stdout.contains("did you mean 'Syslog'?"), "{}", run.stdout);
    let folder = folder(
        "cases:\n  - name: n\n    records:\n      Syslog: {SyslogMessage: disk}\n    at: +0m\n    expect: {alerts: []}\n",
    );
    let run = run_in(folder.path(), &["test", "."], "");
    assert!(run.status == Some(2) && run.stdout.contains("the records of Syslog are a list"), "{}", run.stdout);
}

#[test]
fn a_test_of_nothing_is_no_test() {
    let folder = folder("cases:\n  - name: n\n    at: +0m\n    expect: {}\n");
    let run = run_in(folder.path(), &["test", "."], "");
    assert!(run.status == Some(2) && run.stdout.contains("the case expects nothing"), "{}", run.stdout);
    fs::write(folder.path().join("disk.test.yaml"), TEST).unwrap();
    let run = run_in(folder.path(), &["test", ".", "--filter", "nobody"], "");
    assert!(run.status == Some(2) && run.stderr.contains("contains 'nobody'"), "{}", run.stderr);
    fs::rename(folder.path().join("disk.test.yaml"), folder.path().join("disc.test.yaml")).unwrap();
    let run = run_in(folder.path(), &["test", "."], "");
    assert!(run.status == Some(2) && run.stdout.contains("no rule 'disc.yaml' beside"), "{}", run.stdout);
}

#[test]
fn a_record_that_says_nothing_of_its_time_came_before_the_first_run() {
    let rule = RULE
        .replace("has 'disk'", "has 'disk' and ingestion_time() > ago(1h)")
        .replace("queryPeriod: 1h", "queryPeriod: 2h");
    let folder = folder(
        "cases:\n  - name: n\n    records: {Syslog: [{SyslogMessage: disk}]}\n    at: +0m\n    expect: {alerts: [{StartTime: -1m}]}\n",
    );
    fs::write(folder.path().join("disk.yaml"), rule).unwrap();
    let run = run_in(folder.path(), &["test", "."], "");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
}

#[test]
fn closing_what_is_not_there_fails() {
    let folder = folder(
        "cases:\n  - name: n\n    records: {Syslog: [{SyslogMessage: disk}]}\n    at: +0m\n    close: [{title: Disc full, at: +10m}]\n    \
        expect: {alert_count: 1}\n",
    );
    let run = run_in(folder.path(), &["test", "."], "");
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("no incident is called 'Disc full' and open at 2026-01-01T00:10:00"), "{}", run.stdout);
}

#[test]
fn conditions_of_let_and_of_joined_tables_are_looked_at_and_changed() {
    let query = "query: |\n  let fails = Syslog | where Facility == 'auth' and SeverityLevel != 'info' | project Computer;\n  \
        let named = (name: string) { Syslog | where HostName == name };\n  Event\n  | where EventID == 7\n  \
        | join kind=inner (fails | where Computer != 'none') on Computer\n";
    let folder = folder(
        "cases:\n  - name: n\n    records:\n      Syslog: [{Facility: auth, SeverityLevel: err, Computer: web}]\n      \
         Event: [{EventID: 7, Computer: web}, {EventID: 8, Computer: web}]\n    at: +0m\n    expect: {alert_count: 1}\n",
    );
    let rule = format!("{}{query}", RULE.split("query:").next().unwrap());
    fs::write(folder.path().join("disk.yaml"), rule).unwrap();
    let run = run_in(folder.path(), &["test", ".", "--coverage", "--mutate"], "");
    for part in [
        "disk.yaml:11: `Facility == 'auth'` was never false",
        "disk.yaml:11: `SeverityLevel != 'info'` was never false",
        "disk.yaml:15: `Computer != 'none'` was never false",
        "disk.yaml:11: no test notices: without `SeverityLevel != 'info'`",
        "disk.yaml:14: no test notices: without `EventID == 7`",
    ] {
        assert!(run.stdout.contains(part), "'{part}' is missing in\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("`HostName == name` was"), "{}", run.stdout);
    assert!(!run.stdout.contains("`EventID == 7` was"), "{}", run.stdout);
}

#[test]
fn what_coverage_finds_is_in_every_report() {
    let test = TEST.replace("Low", "High").replace("[]  # none yet", "[{Title: Disk full}]");
    let folder = folder(&test);
    let report = |format: &str| run_in(folder.path(), &["test", ".", "--coverage", "--output-format", format], "");
    let github = report("github");
    assert_eq!(github.status, Some(1), "{}", github.stderr);
    assert!(github.stdout.starts_with("::warning file=disk.yaml,line=12"), "{}", github.stdout);
    let sarif: Value = serde_json::from_str(&report("sarif").stdout).unwrap();
    assert_eq!(
        sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "disk.yaml"
    );
}

#[test]
fn why_tells_records_outside_the_window_from_those_that_are_not_there() {
    let test = TEST.replace("TimeGenerated: -5m", "TimeGenerated: -5h, Computer: web");
    let folder = folder(&test);
    let why = |id: &str| run_in(folder.path(), &["test", ".", "--why", id], "").stdout;
    assert!(why("web").contains("'web' is outside the window"), "{}", why("web"));
    assert!(why("db").contains("'db' is in no record"), "{}", why("db"));
}

#[test]
fn a_failed_test_shows_what_differs() {
    let folder = folder(TEST);
    let run = run_in(folder.path(), &["test", "."], "");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    for part in [
        "FAIL disk.test.yaml:2: a full disk raises an alert",
        "line 7: an alert differs in AlertSeverity",
        "-AlertSeverity: Low",
        "+AlertSeverity: High",
        "line 8: an incident came that is not expected",
        "+Title: Disk full",
        "0 passed, 1 failed",
    ] {
        assert!(run.stdout.contains(part), "'{part}' is missing in\n{}", run.stdout);
    }
}

#[test]
fn every_machine_gets_its_report() {
    let folder = folder(TEST);
    let report = |format: &str| run_in(folder.path(), &["test", ".", "--output-format", format], "").stdout;
    let json: Value = serde_json::from_str(&report("json")).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&json!(0), &json!(1)));
    assert_eq!(json["files"][0]["cases"][0]["failures"][0]["line"], 7);
    assert!(report("github").contains("file=disk.test.yaml,line=7"), "{}", report("github"));
    let sarif: Value = serde_json::from_str(&report("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(2));
    let junit = report("junit");
    assert!(junit.contains("tests=\"1\" failures=\"1\" errors=\"0\""), "{junit}");
}

#[test]
fn update_writes_what_came_out_and_leaves_the_rest() {
    let folder = folder(TEST);
    let run = run_in(folder.path(), &["test", ".", "--update"], "");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    let text = fs::read_to_string(folder.path().join("disk.test.yaml")).unwrap();
    assert!(text.contains("AlertSeverity: High"), "{text}");
    assert!(text.contains("# none yet") && text.contains("SyslogMessage: disk full"), "{text}");
    let again = run_in(folder.path(), &["test", "."], "");
    assert_eq!(again.status, Some(0), "{text}\n{}", again.stdout);
}

#[test]
fn update_accepts_numbers_and_lists_within_braces_and_leaves_what_is_right() {
    let folder = folder(
        "cases:\n  - name: braces\n    records: {Syslog: [{SyslogMessage: disk full}]}\n    at: +0m\n    \
         expect: {alerts: [], alert_count: 7, incidents: [{Title: \"Disk full\"}], incident_count: 0}\n",
    );
    let run = run_in(folder.path(), &["test", ".", "--update"], "");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("1 passed, 0 failed"), "{}", run.stdout);
    let text = fs::read_to_string(folder.path().join("disk.test.yaml")).unwrap();
    let expected = "expect: {alerts: [{rule: Disk full, DisplayName: Disk full, AlertSeverity: High}], alert_count: 1, \
        incidents: [{Title: \"Disk full\"}], incident_count: 1}";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn cases_are_chosen_by_name_and_have_parameters() {
    let text = "cases:\n- name: by severity\n  each: [{text: disk full, alerts: 1}, {text: all well, alerts: 0}]\n  records:\n    \
        Syslog: [{TimeGenerated: -5m, SyslogMessage: \"${text}\"}]\n  at: +0m\n  expect: {alert_count: \"${alerts}\"}\n";
    let folder = folder(text);
    let run = run_in(folder.path(), &["test", "disk.test.yaml"], "");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("by severity [text=disk full, alerts=1]"), "{}", run.stdout);
    let one = run_in(folder.path(), &["test", ".", "--filter", "all well"], "");
    assert!(one.stdout.contains("1 passed, 0 failed"), "{}", one.stdout);
}

#[test]
fn records_come_from_files_and_from_the_sample() {
    let text = "rules: []\ncreate_incidents: [all]\ncases:\n- name: files\n  records:\n    SecurityAlert:\n      \
        - {file: alerts.jsonl}\n  expect: {incident_count: 1}\n- name: sample\n  records:\n    SecurityAlert:\n      \
        - {sample: {rows: 20}}\n  expect: {alert_count: 0}\n";
    let folder = folder(text);
    let alert = r#"{"TimeGenerated":"2026-01-01T00:00:00Z","SystemAlertId":"a","AlertSeverity":"High","ProductName":"Azure Security Center"}"#;
    fs::write(folder.path().join("alerts.jsonl"), alert).unwrap();
    let run = run_in(folder.path(), &["test", "."], "");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
}

/// Asserts that a file of tests could not be run, for these reasons.
fn broken(test: &str, parts: &[&str]) {
    let folder = folder(test);
    fs::write(
        folder.path().join("sound.test.yaml"),
        "rules: [disk.yaml]\ncases:\n- name: sound\n  at: +0m\n  expect: {alerts: []}\n",
    )
    .unwrap();
    let run = run_in(folder.path(), &["test", "."], "");
    assert_eq!(run.status, Some(2), "{}", run.stdout);
    assert!(run.stdout.contains("ok   sound.test.yaml:3: sound"), "{}", run.stdout);
    for part in parts {
        assert!(run.stdout.contains(part), "'{part}' is missing in\n{}", run.stdout);
    }
}

#[test]
fn what_is_wrong_with_a_test_has_its_place_and_the_others_run() {
    let case = |rest: &str| format!("cases:\n- name: x\n  at: +0m\n{rest}");
    broken(&case("  expct: {alerts: []}\n"), &["unknown key 'expct'", "did you mean 'expect'?", "disk.test.yaml:4:3"]);
    broken(
        "rules: [dsk.yaml]\ncases:\n- name: x\n  at: +0m\n  expect: {alerts: []}\n",
        &["there is no file", "dsk.yaml"],
    );
    let records = |record: &str| case(&format!("  records: {{Syslog: [{record}]}}\n  expect: {{alerts: []}}\n"));
    broken(&records("{SyslogMesage: x}"), &["Syslog has no column 'SyslogMesage'", "did you mean 'SyslogMessage'?"]);
    broken(&records("{TimeGenerated: soon}"), &["'soon' is no datetime for 'TimeGenerated'"]);
    broken(
        "cases:\n- name: x\n  from: +1h\n  to: +0h\n  expect: {alerts: []}\n",
        &["the period ends before it begins"],
    );
    broken("cases:\n- name: x\n  expect: {alerts: []}\n", &["no moment at which its rules run"]);
    broken("cases: [\n", &["AQ500"]);
    broken("assume: {name-mach: x}\ncases:\n- name: x\n  expect: {alerts: []}\n", &["did you mean 'name-match'?"]);
}

#[test]
fn a_rule_that_does_not_bind_is_told_with_its_place() {
    let folder = folder("cases:\n- name: x\n  at: +0m\n  expect: {alerts: []}\n");
    fs::write(folder.path().join("disk.yaml"), RULE.replace("SyslogMessage", "SyslogMesage")).unwrap();
    let run = run_in(folder.path(), &["test", "."], "");
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("SyslogMesage") && run.stderr.contains("disk.yaml:"), "{}", run.stderr);
}

const WHERE: &str = "    | where SyslogMessage has 'disk' and Facility != 'cron' and TimeGenerated > ago(30m)\n    | project TimeGenerated, Computer\n";

/// A rule of three conditions and a test of it.
fn closer(records: &str) -> TempDir {
    let text =
        format!("cases:\n- name: x\n  records:\n    Syslog: [{records}]\n  at: +0m\n  expect: {{alert_count: 1}}\n");
    let folder = folder(&text);
    let rule = RULE.replace("  | where SyslogMessage has 'disk'\n", WHERE).replace("  Syslog\n", "    Syslog\n");
    fs::write(folder.path().join("disk.yaml"), rule).unwrap();
    folder
}

const FULL: &str = "{TimeGenerated: -5m, SyslogMessage: disk full, Computer: web, Facility: kern}";

#[test]
fn coverage_names_conditions_that_were_never_true_or_false_and_rules_without_tests() {
    let folder = closer(&format!("{FULL}, {{TimeGenerated: -5m, SyslogMessage: well}}"));
    fs::write(folder.path().join("other.yaml"), RULE.replace("Disk full", "Other")).unwrap();
    let run = run_in(folder.path(), &["test", ".", "--coverage"], "");
    assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
    for part in [
        "disk.yaml:12: `Facility != 'cron'` was never false",
        "disk.yaml:12: `TimeGenerated > ago(30m)` was never false",
        "other.yaml:1: no test is about this rule",
    ] {
        assert!(run.stdout.contains(part), "'{part}' is missing in\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("`SyslogMessage has 'disk'` was"), "{}", run.stdout);
}

#[test]
fn mutants_that_no_test_notices_are_named() {
    let folder = closer(FULL);
    let run = run_in(folder.path(), &["test", ".", "--mutate"], "");
    assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
    for part in [
        "disk.yaml:12: no test notices: without `Facility != 'cron'`",
        "no test notices: `2 * 30m` in place of `30m`",
        "no test notices: `>=` in place of `>`",
    ] {
        assert!(run.stdout.contains(part), "'{part}' is missing in\n{}", run.stdout);
    }
    // Two conditions more are noticed by a test that has what they leave out.
    let more = "{TimeGenerated: -45m, SyslogMessage: disk full, Facility: kern}, \
                {TimeGenerated: -5m, SyslogMessage: disk full, Facility: cron}";
    let folder = closer(&format!("{FULL}, {more}"));
    let rule = fs::read_to_string(folder.path().join("disk.yaml")).unwrap();
    fs::write(
        folder.path().join("disk.yaml"),
        rule.replace("triggerOperator: gt\ntriggerThreshold: 0", "triggerOperator: eq\ntriggerThreshold: 1"),
    )
    .unwrap();
    let run = run_in(folder.path(), &["test", ".", "--mutate"], "");
    assert!(!run.stdout.contains("without `Facility"), "{}", run.stdout);
    assert!(!run.stdout.contains("2 * 30m"), "{}", run.stdout);
}

#[test]
fn why_names_what_drops_a_record() {
    let check = |record: &str, expected: &str| {
        let folder = closer(&format!("{FULL}, {record}"));
        let run = run_in(folder.path(), &["test", ".", "--why", "mail"], "");
        assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(expected), "'{expected}' is missing in\n{}", run.stdout);
    };
    let base = "{TimeGenerated: -5m, SyslogMessage: disk full, Computer: mail, Facility: kern}";
    check(
        &base.replace("kern", "cron"),
        "disk.yaml:12: x: in the run of 2026-01-01T00:00:00.0000000Z 'mail' is dropped by the condition `Facility != 'cron'`",
    );
    check(&base.replace("-5m", "-45m"), "is dropped by the condition `TimeGenerated > ago(30m)`");
    check(&base.replace("-5m", "-2h"), "'mail' is outside the window");
    check(base, "'mail' is in the result");
    check(
        &base.replace("mail", "web").replace("kern", "mail"),
        "goes no further than `project TimeGenerated, Computer`",
    );
}

#[test]
fn a_test_that_fails_anyway_notices_no_change() {
    let folder = closer(FULL);
    let path = folder.path().join("disk.test.yaml");
    let hopeless = "- name: hopeless\n  at: +0m\n  expect: {alerts: [{DisplayName: nothing}]}\n";
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{hopeless}")).unwrap();
    // Without a path, what lies here is tested.
    let run = run_in(folder.path(), &["test", "--mutate"], "");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains("no test notices: without `Facility != 'cron'`"), "{}", run.stdout);
}

#[test]
fn a_rule_is_no_test_and_is_told_so_once() {
    let (folder, _) = folder_with("disk.yaml", RULE);
    let run = run_in(folder.path(), &["test", "disk.yaml"], "");
    let told = format!("{}{}", run.stdout, run.stderr);
    assert_eq!((run.status, told.matches("error[").count()), (Some(2), 1), "{told}");
    assert!(told.contains("this is a rule, and no tests of one"), "{told}");
}
