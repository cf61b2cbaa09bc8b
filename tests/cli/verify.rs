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

/// Writes what Defender's REST API would list for the rows of the table, with this done to the list, as JSON.
fn defender_list(folder: &Path, change: &str) {
    let text = format!(
        "SecurityAlert | where ProductName == 'Azure Security Center'
         | summarize arg_max(TimeGenerated, *) by VendorOriginalId | extend Name = VendorOriginalId
         {change}
         | project name = Name, properties = bag_pack('systemAlertId', Name, 'alertDisplayName', DisplayName,
             'severity', AlertSeverity, 'status', iff(Status == 'New', 'Active', Status), 'alertType', AlertType,
             'productName', 'Microsoft Defender for Cloud', 'vendorName', VendorName, 'description', Description,
             'startTimeUtc', StartTime, 'endTimeUtc', EndTime, 'processingEndTimeUtc', ProcessingEndTime,
             'timeGeneratedUtc', TimeGenerated, 'intent', Tactics, 'compromisedEntity', CompromisedEntity,
             'entities', parse_json(Entities), 'extendedProperties', parse_json(ExtendedProperties))"
    );
    let run = run_in(folder, &["query", &text, "--data", "tables", "--format", "json"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    fs::write(folder.join("defender.json"), format!("{{\"value\":{}}}", run.stdout)).unwrap();
}

fn verify_list(folder: &Path, more: &[&str]) -> Run {
    run_in(folder, &[&["verify", "--alerts", "tables", "--defender", "defender.json"], more].concat(), "")
}

#[test]
fn a_connector_that_delivers_everything_has_no_faults() {
    let folder = sample();
    defender_list(folder.path(), "");
    let run = verify_list(folder.path(), &[]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("0 dropped, 0 duplicated, 0 delayed, 0 changed, 0 unlisted"), "{}", run.stdout);
    assert!(run.stdout.contains("delay from the end of processing to TimeGenerated: p50 "), "{}", run.stdout);
}

#[test]
fn faults_of_the_connector_are_told_and_end_with_status_1() {
    let folder = sample();
    defender_list(
        folder.path(),
        "| sort by Name asc | extend n = row_number()
         | extend AlertSeverity = iff(n == 2, iff(AlertSeverity == 'High', 'Low', 'High'), AlertSeverity)
         | extend Name = iff(n == 1, 'lost_1', Name)",
    );
    let run = verify_list(folder.path(), &["--format", "json"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let faults = json["connector"]["faults"].as_array().unwrap();
    let mut kinds: Vec<_> = faults.iter().map(|fault| fault["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["changed", "dropped", "unlisted"]);
    let changed = faults.iter().find(|fault| fault["kind"] == "changed").unwrap();
    assert_eq!(changed["fields"].as_array().unwrap().len(), 1);
    assert_eq!(changed["fields"][0]["name"], "severity");
    let junit = verify_list(folder.path(), &["--format", "junit", "--incidents", "tables", "--max-delay", "1d"]);
    assert!(junit.stdout.contains("name=\"alertq verify connector\" tests=\"5\" failures=\"3\""), "{}", junit.stdout);
    assert!(junit.stdout.contains("name=\"alertq verify\" tests=\"3\" failures=\"0\""), "{}", junit.stdout);
}

#[test]
fn one_of_incidents_and_list_must_be_given() {
    let folder = sample();
    let run = run_in(folder.path(), &["verify", "--alerts", "tables"], "");
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("--incidents"), "{}", run.stderr);
}

#[test]
fn where_there_are_no_incidents_at_all_the_reason_says_so() {
    let folder = sample();
    fs::write(folder.path().join("none.jsonl"), "").unwrap();
    let run = run_in(folder.path(), &["verify", "--alerts", "tables", "--incidents", "none.jsonl"], "");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stdout.contains("there are no incidents here at all") && !run.stdout.contains("younger"),
        "{}",
        run.stdout
    );
}
