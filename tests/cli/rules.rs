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
