//! Rules from one form of file to another.

use super::*;

const RULE: &str = "id: 6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11\nname: Loud hosts\nkind: Scheduled\nseverity: Medium\n\
    queryFrequency: 1h\nqueryPeriod: 1d\ntriggerOperator: gt\ntriggerThreshold: 0\nquery: |\n  SecurityAlert\n  | count\n";

#[test]
fn a_rule_goes_to_arm_and_back() {
    let (folder, _) = folder_with("rule.yaml", RULE);
    let run = run_in(folder.path(), &["rules", "convert", "rule.yaml", "--to", "arm", "--out", "t.json"], "");
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    let run = run_in(folder.path(), &["rules", "convert", "t.json", "--to", "yaml", "--out", "back"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let again = fs::read_to_string(folder.path().join("back/Loud_hosts.yaml")).unwrap();
    assert!(again.contains("queryPeriod: 1d\n") && again.contains("  | count\n"), "{again}");
    assert!(again.contains("id: 6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11\n"), "{again}");
}

#[test]
fn a_rule_goes_through_every_form_that_is_written() {
    let (folder, _) = folder_with("rule.yaml", RULE.replace("name: Loud hosts", "name: '[Loud] hosts'\ntags: [one]"));
    let convert = |from: &str, to: &str, out: &str| {
        let run = run_in(folder.path(), &["rules", "convert", from, "--to", to, "--out", out], "");
        assert_eq!(run.status, Some(0), "{}", run.stderr);
    };
    convert("rule.yaml", "rest", "list.json");
    let answer: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("list.json")).unwrap()).unwrap();
    assert_eq!(answer["value"][0]["properties"]["displayName"], "[Loud] hosts");
    assert_eq!(answer["value"][0]["name"], "6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11");
    convert("list.json", "arm", "t.json");
    convert("t.json", "yaml", "one");
    convert("rule.yaml", "yaml", "other");
    let written = |name: &str| fs::read_to_string(folder.path().join(name).join("Loud_hosts.yaml")).unwrap();
    let lines = |text: String| text.lines().map(str::to_string).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(lines(written("one")), lines(written("other")));
    // What is printed of several rules is one file of several documents, which is read again.
    fs::copy(folder.path().join("rule.yaml"), folder.path().join("other.yaml")).unwrap();
    let run = run_in(folder.path(), &["rules", "convert", "rule.yaml", "other.yaml", "--to", "yaml"], "");
    fs::write(folder.path().join("both.yaml"), run.stdout).unwrap();
    let run = run_in(folder.path(), &["rules", "list", "both.yaml"], "");
    assert_eq!((run.status, run.stdout.lines().count()), (Some(0), 2), "{}", run.stderr);
}

#[test]
fn a_rule_goes_to_terraform_and_back() {
    let (folder, _) = folder_with("rule.yaml", RULE.replace("name: Loud hosts", "name: Loud hosts\nstatus: Available"));
    let fusion = r#"{"value": [{"name": "a", "kind": "Fusion", "type": "Microsoft.SecurityInsights/alertRules",
        "properties": {"displayName": "Attacks of several stages", "enabled": true}}]}"#;
    fs::write(folder.path().join("fusion.json"), fusion).unwrap();
    let run = run_in(folder.path(), &["rules", "convert", "rule.yaml", "--to", "terraform", "--out", "r.tf"], "");
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    let run = run_in(folder.path(), &["rules", "convert", "r.tf", "--to", "yaml", "--out", "back"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let again = fs::read_to_string(folder.path().join("back/Loud_hosts.yaml")).unwrap();
    for part in
        ["queryPeriod: 1d\n", "  | count\n", "status: Available\n", "id: 6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11\n"]
    {
        assert!(again.contains(part), "{part}: {again}");
    }
    let run = run_in(folder.path(), &["rules", "convert", ".", "--to", "terraform", "--out", "all.tf"], "");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("'Attacks of several stages' is left out: rules of kind Fusion"), "{}", run.stderr);
}

#[test]
fn an_expression_of_one_language_is_told_where_another_is_written() {
    let text = r#"{"parameters": {"on": {"type": "bool"}}, "resources": [{"type": "Microsoft.SecurityInsights/alertRules", "name": "a",
        "kind": "NRT", "properties": {"displayName": "n", "severity": "Low", "query": "Syslog", "enabled": "[parameters('on')]"}}]}"#;
    let (folder, _) = folder_with("t.json", text);
    for (to, status) in [("arm", 0), ("yaml", 1), ("terraform", 1)] {
        let run = run_in(folder.path(), &["rules", "convert", "t.json", "--to", to], "");
        assert_eq!((run.status, run.stderr.contains("t.json:2:")), (Some(status), status == 1), "{to}: {}", run.stderr);
        assert!(run.stdout.contains("[parameters('on')]"), "{to}: {}", run.stdout);
    }
}

#[test]
fn names_of_files_and_connectors_are_those_that_azure_sentinel_takes() {
    let folder = TempDir::new().unwrap();
    let connectors = "requiredDataConnectors:\n  - {connectorId: SecurityEvent, dataTypes: [SecurityEvent]}\n";
    for (path, id) in [("Detections/a/rule.yaml", "1"), ("Detections/b/rule.yaml", "2"), ("Detections/c.yml", "3")] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, RULE.replace("b11\n", &format!("b1{id}\n{connectors}"))).unwrap();
    }
    let run = run_in(folder.path(), &["check", "Detections", "--output-format", "concise"], "");
    assert_eq!(run.stdout.matches("AQ549").count(), 2, "{}", run.stdout);
    assert!(run.stdout.contains("rule.yaml has the same name") && run.stdout.contains("'c.yml'"), "{}", run.stdout);
    assert_eq!(run.stdout.matches("AQ548").count(), 3, "{}", run.stdout);
    assert!(run.stdout.contains("did you mean 'SecurityEvents'?"), "{}", run.stdout);
}

#[test]
fn a_file_in_utf16_is_read_and_what_is_no_text_says_so() {
    let folder = TempDir::new().unwrap();
    let units: Vec<u8> = format!("\u{feff}{RULE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.path().join("rule.yaml"), units).unwrap();
    fs::write(folder.path().join("latin.yaml"), b"name: Gr\xf6\xdfe\nkind: NRT\nquery: T\n").unwrap();
    let run = run_in(folder.path(), &["rules", "list", "rule.yaml"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let run = run_in(folder.path(), &["check", "latin.yaml"], "");
    assert!(run.status == Some(2) && run.stdout.contains("save the file with the encoding UTF-8"), "{}", run.stdout);
}

#[test]
fn folders_are_listed_and_broken_files_are_told() {
    let (folder, _) = folder_with("rule.yaml", RULE);
    fs::write(folder.path().join("broken.yaml"), "kind: NRT\nquery: [\n").unwrap();
    fs::write(folder.path().join("other.json"), "{}").unwrap();
    let run = run_in(folder.path(), &["rules", "list", "."], "");
    assert_eq!(run.status, Some(1));
    assert!(run.stdout.contains("every 1h over 1d") && run.stdout.contains("Loud hosts"), "{}", run.stdout);
    assert!(run.stderr.contains("AQ500") && run.stderr.contains("broken.yaml"), "{}", run.stderr);
    let run = run_in(folder.path(), &["rules", "list", "rule.yaml", "--format", "json"], "");
    let rules: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&rules[0]["kind"], &rules[0]["queryPeriod"]), (&json!("Scheduled"), &json!("1d")));
    refused(&run_in(folder.path(), &["rules", "list", "other.json"], ""), &["holds no rule"]);
}

#[test]
fn templates_are_checked_in_their_places() {
    let (folder, _) = folder_with("rule.yaml", RULE.replace("| count", "| where Severty == 1"));
    run_in(folder.path(), &["rules", "convert", "rule.yaml", "--to", "arm", "--out", "t.json"], "");
    let run = run_in(folder.path(), &["check", "t.json", "--output-format", "concise"], "");
    assert_eq!(run.status, Some(1));
    assert!(run.stdout.contains("error[KS142]"), "{}", run.stdout);
}

/// Runs git in a folder; false where there is none.
fn git(folder: &Path, arguments: &[&str]) -> bool {
    let mut command = std::process::Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=n", "-c", "user.email=n@harbor.example"]).args(arguments);
    command.output().is_ok_and(|output| output.status.success())
}

const VERSIONED: &str = "id: 2f9e4f3a-5a0f-4b2c-8d0e-3b1f6a1d0098\nkind: NRT\nname: n\ndescription: d\nseverity: High\nversion: 1.0.0\n\
    query: |\n  SecurityAlert\n  | where AlertSeverity == 'High'\n";

#[test]
#[allow(clippy::disallowed_macros, reason = "a test says what it left out")]
fn a_rule_that_changed_since_a_commit_has_another_version_and_the_same_id() {
    let folder = TempDir::new().unwrap();
    let write = |text: &str| fs::write(folder.path().join("r.yaml"), text).unwrap();
    write(VERSIONED);
    fs::write(folder.path().join("other.yaml"), VERSIONED.replace("0098", "0097")).unwrap();
    if !git(folder.path(), &["init", "-q"]) {
        eprintln!("not tested: there is no git");
        return;
    }
    assert!(git(folder.path(), &["add", "."]) && git(folder.path(), &["commit", "-q", "-m", "first"]));
    let check = || run_in(folder.path(), &["check", ".", "--since", "HEAD", "--output-format", "concise"], "").stdout;
    assert!(!check().contains("AQ54"), "{}", check());
    // A comment is no change, another condition is one.
    write(&format!("# about\n{VERSIONED}"));
    assert!(!check().contains("AQ545"), "{}", check());
    write(&VERSIONED.replace("'High'", "'Low'"));
    assert!(
        check().contains("AQ545") && check().contains("still 1.0.0") && !check().contains("other.yaml"),
        "{}",
        check()
    );
    write(&VERSIONED.replace("'High'", "'Low'").replace("1.0.0", "1.0.1"));
    assert!(!check().contains("AQ545"), "{}", check());
    write(&VERSIONED.replace("0098", "0096"));
    assert!(check().contains("AQ546"), "{}", check());
    let unknown = run_in(folder.path(), &["check", ".", "--since", "nowhere"], "");
    assert!(unknown.status == Some(2) && unknown.stderr.contains("a commit, a branch or a tag"), "{}", unknown.stderr);
}

#[test]
fn a_rule_that_never_fires_over_the_records_is_told_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let rule = |name: &str, number: u8, query: &str, threshold: u32| {
        let text = format!(
            "id: 2f9e4f3a-5a0f-4b2c-8d0e-3b1f6a1d00{number}\nkind: Scheduled\nname: {name}\ndescription: d\nseverity: High\n\
             requiredDataConnectors: []\nqueryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: {threshold}\n\
             query: |\n  {query}\n"
        );
        fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    };
    rule("fires", 10, "SecurityAlert | where AlertSeverity == 'High'", 0);
    rule(
        "blind",
        11,
        "SecurityAlert | where AlertSeverity == 'High' | where ProductName == 'Nobody' | project AlertName",
        0,
    );
    rule("deaf", 12, "SecurityAlert | where AlertSeverity == 'High'", 5000);
    let check = |more: &[&str]| run_in(folder.path(), &[&["check", ".", "--output-format", "full"], more].concat(), "");
    assert!(!check(&[]).stdout.contains("AQ547"));
    let run = check(&["--replay"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert_eq!(run.stdout.matches("AQ547").count(), 2, "{}", run.stdout);
    assert!(run.stdout.contains("no record meets `where ProductName == 'Nobody'`"), "{}", run.stdout);
    assert!(run.stdout.contains("the rule waits for GreaterThan 5000"), "{}", run.stdout);
}

#[test]
fn rules_come_from_standard_input_too() {
    let (folder, _) = folder_with("rule.yaml", RULE);
    let run = run_in(folder.path(), &["rules", "convert", "-", "--to", "arm"], RULE);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let again = run_in(folder.path(), &["rules", "convert", "-", "--to", "yaml"], &run.stdout);
    let direct = run_in(folder.path(), &["rules", "convert", "rule.yaml", "--to", "yaml"], "");
    assert_eq!(again.stdout, direct.stdout, "{}", again.stderr);
    let terraform = run_in(folder.path(), &["rules", "convert", "-", "--to", "terraform"], RULE).stdout;
    let run = run_in(folder.path(), &["rules", "list", "-"], &terraform);
    assert!(run.status == Some(0) && run.stdout.contains("Loud hosts"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn what_is_no_rule_is_said_by_what_it_is() {
    for (name, text, parts) in [
        ("a.json", "{\n \"a\": }", &["a.json:2:7", "expected value"][..]),
        ("a.yaml", "queryCondition: {queryText: T}\ndetectionAction: {}\n", &["custom detections of Defender XDR"]),
        ("a.yaml", "a: b\n", &["the file holds no rule", "rules are in YAML"]),
        ("a.yaml", "\u{1f}\u{8b}", &["AQ500"]),
    ] {
        let (folder, _) = folder_with(name, text);
        for command in [&["rules", "list", name][..], &["check", name]] {
            let run = run_in(folder.path(), command, "");
            assert!(matches!(run.status, Some(1 | 2)), "{name}: {}", run.stderr);
            if command[0] == "rules" {
                for part in parts {
                    assert!(run.stderr.contains(part), "'{part}' is missing in\n{}", run.stderr);
                }
            }
        }
    }
}

#[test]
fn a_query_may_stand_in_a_file_of_its_own_beside_terraform() {
    let text = "resource \"azurerm_sentinel_alert_rule_nrt\" \"a\" {\n  name = \"a\"\n  display_name = \"A\"\n  severity = \"Low\"\n  \
        query = file(\"${path.module}/queries/a.kql\")\n}\n";
    let (folder, _) = folder_with("main.tf", text);
    fs::create_dir(folder.path().join("queries")).unwrap();
    fs::write(folder.path().join("queries/a.kql"), "SecurityAlert | where Severty == 'High'\n").unwrap();
    let run = run_in(folder.path(), &["check", "--output-format", "concise", "main.tf"], "");
    assert!(run.stdout.contains("main.tf:5:11") && run.stdout.contains("KS142"), "{}{}", run.stdout, run.stderr);
    let run = run_in(folder.path(), &["rules", "convert", "main.tf", "--to", "yaml"], "");
    assert!(run.status == Some(0) && run.stdout.contains("where Severty"), "{}{}", run.stdout, run.stderr);
    // What is not there is only known where it is deployed.
    fs::remove_file(folder.path().join("queries/a.kql")).unwrap();
    let run = run_in(folder.path(), &["check", "main.tf"], "");
    assert!(run.stdout.contains("AQ515"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn rules_of_one_id_are_told_where_they_would_replace_each_other() {
    let (folder, _) = folder_with("a.yaml", RULE);
    fs::write(folder.path().join("b.yaml"), RULE).unwrap();
    let run = run_in(folder.path(), &["rules", "convert", "a.yaml", "b.yaml", "--to", "arm"], "");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("AQ543") && run.stdout.matches("Loud hosts").count() == 2, "{}", run.stderr);
}

#[test]
fn a_dash_stands_for_standard_output_in_every_form() {
    let (folder, _) = folder_with("rule.yaml", RULE);
    for form in ["yaml", "arm", "rest", "terraform"] {
        let run = run_in(folder.path(), &["rules", "convert", "rule.yaml", "--to", form, "--out", "-"], "");
        let plain = run_in(folder.path(), &["rules", "convert", "rule.yaml", "--to", form], "");
        assert_eq!((run.status, &run.stdout, run.stderr.as_str()), (Some(0), &plain.stdout, ""), "{form}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
