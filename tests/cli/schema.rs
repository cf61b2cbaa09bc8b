//! Files held against what is known of their tables.

use super::*;

fn sample(folder: &TempDir, arguments: &[&str]) {
    let run = run_in(folder.path(), &[&["sample", "--rows", "60"], arguments].concat(), "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
}

/// Checks a file and returns the findings as `kind: count`.
fn findings(folder: &TempDir, file: &str) -> (Option<i32>, Vec<String>, Value) {
    let run = run_in(folder.path(), &["schema", "--check", file, "--format", "json"], "");
    let found: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    let of = |finding: &Value| format!("{}: {}", finding["kind"].as_str().unwrap(), finding["count"]);
    let list = found[0]["findings"].as_array().unwrap().iter().map(of).collect();
    (run.status, list, found)
}

#[test]
fn the_sample_is_as_the_tables_are_described() {
    let folder = TempDir::new().unwrap();
    for (table, file) in [("SecurityAlert", "a.parquet"), ("SecurityAlert", "a.jsonl"), ("SecurityIncident", "i.jsonl")]
    {
        sample(&folder, &["--table", table, "--out", file]);
        let (status, list, found) = findings(&folder, file);
        assert_eq!((status, list), (Some(0), Vec::new()), "{found}");
    }
    let (_, _, found) = findings(&folder, "a.parquet");
    assert_eq!(found[0]["entities"]["host"]["fields"]["HostName"]["documented"], true);
    assert!(
        found[0]["extended_properties"].as_object().unwrap().values().any(|keys| !keys.as_object().unwrap().is_empty())
    );
}

#[test]
fn each_kind_of_finding_is_told_with_count_and_example() {
    let entities = r#"[{\"$id\":\"2\",\"Type\":\"toaster\"},{\"Address\":\"::1\"},{\"$ref\":\"7\"}]"#;
    let text = format!(
        "{{\"Type\":\"SecurityAlert\",\"TimeGenerated\":\"2026-01-01T00:00:00Z\",\"AlertSeverity\":\"Severe\",\
         \"SystemAlertId\":7,\"Mine\":1,\"ExtendedProperties\":\"{{\",\"Entities\":\"{entities}\"}}\n\
         {{\"Type\":\"SecurityAlert\",\"IsIncident\":\"maybe\"}}\n"
    );
    let (folder, _) = folder_with("a.jsonl", text);
    let (status, list, found) = findings(&folder, "a.jsonl");
    assert_eq!(status, Some(1));
    let rest: Vec<_> = list.iter().filter(|kind| !kind.starts_with("missing-column")).collect();
    let wanted = [
        "mistyped-column: 0",
        "unknown-column: 0",
        "mistyped-column: 0",
        "unreadable-record: 1",
        "unknown-value: 1",
        "invalid-json: 1",
        "untyped-entity: 1",
        "unknown-entity-type: 1",
        "dangling-ref: 1",
    ];
    assert_eq!(rest, wanted, "{found}");
    let all = found[0]["findings"].as_array().unwrap();
    let of = |kind: &str| all.iter().find(|finding| finding["kind"] == kind).unwrap();
    assert_eq!(of("unknown-value")["first"], json!({"record": 1, "value": "Severe"}));
    assert_eq!(of("mistyped-column")["message"], "the column SystemAlertId holds long and should hold string");
    assert!(all.iter().any(|finding| finding["kind"] == "missing-column" && finding["column"] == "AlertName"));
    for format in ["text", "markdown"] {
        let run = run_in(folder.path(), &["schema", "--check", "a.jsonl", "--format", format], "");
        assert_eq!(run.status, Some(1));
        for part in ["unknown-value", "toaster", "dangling-ref", "SecurityAlert has no column Mine"] {
            assert!(run.stdout.contains(part), "{part} is missing in\n{}", run.stdout);
        }
    }
}

#[test]
fn what_changed_between_two_exports_is_shown() {
    let record = |more: &str| format!("{{\"Type\":\"SecurityAlert\",\"AlertType\":\"T\",{more}}}\n");
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.jsonl"), record("\"AlertSeverity\":\"Low\",\"Mine\":1")).unwrap();
    let after =
        "\"AlertSeverity\":\"High\",\"Mine\":\"x\",\"ExtendedProperties\":{\"k\":1},\"Entities\":[{\"Type\":\"ip\"}]";
    fs::write(folder.path().join("b.jsonl"), record(after)).unwrap();
    let run = run_in(folder.path(), &["schema", "--diff", "a.jsonl", "b.jsonl"], "");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let wanted = [
        "~ column Mine: long, now string",
        "+ column Entities",
        "+ column ExtendedProperties",
        "- value AlertSeverity = Low",
        "+ value AlertSeverity = High",
        "+ ExtendedProperties key T: k",
        "+ entity field ip.Type",
    ];
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), wanted);
    let same = run_in(folder.path(), &["schema", "--diff", "a.jsonl", "a.jsonl", "--format", "json"], "");
    assert_eq!((same.status, same.stdout.trim()), (Some(0), "[]"));
}

#[test]
fn the_columns_of_a_file_are_inferred() {
    let (folder, _) = folder_with("t.csv", "a,b,t\n1,x,2026-01-01T00:00:00Z\n");
    let run = run_in(folder.path(), &["schema", "--infer", "t.csv"], "");
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), "t\n\na  long\nb  string\nt  datetime\n"),
        "{}",
        run.stderr
    );
    let run = run_in(folder.path(), &["schema", "--infer", "t.csv", "--format", "markdown"], "");
    assert!(run.stdout.contains("| a | long |"), "{}", run.stdout);
}

#[test]
fn tables_are_described_with_deprecation_values_and_products() {
    let text = run(&["schema", "SecurityAlert"], "").stdout;
    assert!(text.contains("Deprecated.") && text.contains("By product:") && text.contains("MDATP"), "{text}");
    let listed: Value =
        serde_json::from_str(&run(&["schema", "SecurityAlert", "--format", "json"], "").stdout).unwrap();
    let of = |name: &str| listed.as_array().unwrap().iter().find(|column| column["name"] == name).unwrap().clone();
    assert_eq!(of("IsIncident")["deprecated"], true);
    assert_eq!(of("AlertSeverity")["values"][3], "High");
    assert_eq!(of("Entities")["json"], "array");
    assert!(run(&["schema", "SecurityIncident", "--format", "markdown"], "").stdout.contains("| Severity | string |"));
}

#[test]
fn the_objects_of_incidents_are_compared_key_by_key() {
    let record = |owner: &str| format!("{{\"Type\":\"SecurityIncident\",\"IncidentNumber\":7,\"Owner\":{owner}}}\n");
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.jsonl"), record("{\"email\":\"a\"}")).unwrap();
    fs::write(folder.path().join("b.jsonl"), record("{\"email\":\"b\",\"ownerType\":\"User\"}")).unwrap();
    let run = run_in(folder.path(), &["schema", "--diff", "a.jsonl", "b.jsonl"], "");
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), "+ key Owner.ownerType\n"), "{}", run.stderr);
    let (_, _, found) = findings(&folder, "b.jsonl");
    assert_eq!(found[0]["keys"]["Owner"], json!({"email": 1, "ownerType": 1}));
}
