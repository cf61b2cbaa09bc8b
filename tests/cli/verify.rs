//! `alertq verify`.

use super::*;

/// The built-in sample's tables, as files in a folder.
fn sample() -> TempDir {
    let folder = TempDir::new().unwrap();
    assert_eq!(run_in(folder.path(), &["sample", "--out", "tables/", "--format", "jsonl"], "").status, Some(0));
    folder
}

fn verify(folder: &Path, more: &[&str]) -> Run {
    run_in(folder, &[&["verify", "--alerts", "tables", "--incidents", "tables"], more].concat(), "")
}

/// Writes the rows of SecurityIncident that a query gives in place of those that are there.
fn change(folder: &Path, text: &str) {
    let run = run_in(folder, &["query", text, "--data", "tables", "--format", "jsonl"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    fs::write(folder.join("tables/SecurityIncident.jsonl"), run.stdout).unwrap();
}

#[test]
fn a_sound_workspace_has_no_differences() {
    let run = verify(sample().path(), &[]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("0 missing, 0 unexpected, 0 differ"), "{}", run.stdout);
    assert!(run.stdout.contains("rules: 'Create incidents based on Microsoft Defender for Cloud'"), "{}", run.stdout);
    assert!(run.stdout.contains("assumed: name-match=insensitive closed-alerts=create"), "{}", run.stdout);
}

#[test]
fn differences_are_told_with_their_reason_and_end_with_status_1() {
    let folder = sample();
    // One incident is gone, one has another severity.
    change(
        folder.path(),
        "let picked = toscalar(SecurityIncident | where AdditionalData.alertProductNames has 'Azure Security Center'
             | summarize make_set(IncidentNumber));
         SecurityIncident | where IncidentNumber != tolong(picked[0])
         | extend Title = iff(IncidentNumber == tolong(picked[1]), 'another title', Title)",
    );
    let run = verify(folder.path(), &["--format", "json"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let differences = json["differences"].as_array().unwrap();
    assert_eq!(differences.iter().map(|d| &d["kind"]).collect::<Vec<_>>(), ["missing", "differs"]);
    assert_eq!(differences[1]["fields"][0]["found"], "another title");
    assert_eq!(json["assumed"]["window"], "half-open");
    let junit = verify(folder.path(), &["--format", "junit"]);
    assert!(junit.stdout.contains("tests=\"3\" failures=\"2\""), "{}", junit.stdout);
    assert!(
        junit.stdout.contains("title: is &apos;another title&apos;") || junit.stdout.contains("is 'another title'")
    );
}

#[test]
fn all_severities_expect_informational_alerts_to_make_incidents() {
    let folder = sample();
    let run = verify(folder.path(), &["--assume", "default-severities=all", "--format", "json"]);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let differences = json["differences"].as_array().unwrap();
    assert!(!differences.is_empty() && differences.iter().all(|d| d["kind"] == "missing"));
}

#[test]
fn wrong_input_is_refused_with_a_remedy() {
    let folder = sample();
    refused(&verify(folder.path(), &["--from", "2026-02-01", "--to", "2026-01-01"]), &["ends before it begins"]);
    refused(&verify(folder.path(), &["--assume", "name-mach=x"]), &["did you mean 'name-match'?"]);
    refused(&verify(folder.path(), &["--create-incidents", "Contoso"]), &["Contoso", "Azure Security Center"]);
    let alerts = "tables/SecurityAlert.jsonl";
    let run = run_in(folder.path(), &["verify", "--alerts", alerts, "--incidents", alerts], "");
    refused(&run, &["these are rows of SecurityAlert, not of SecurityIncident"]);
}
