//! SARIF as the standard demands it: `fixtures/sarif`.

use std::collections::BTreeSet;

use super::*;

/// Returns the places in a log that are not as the schema has them.
fn faults(log: &Value) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sarif/sarif-schema-2.1.0.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let address = schema["$id"].as_str().unwrap().to_string();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource(&address, schema).unwrap();
    let index = compiler.compile(&address, &mut schemas).unwrap();
    schemas.validate(log, index).err().map_or(Vec::new(), |error| places(&error))
}

fn places(error: &boon::ValidationError) -> Vec<String> {
    match error.causes.as_slice() {
        [] => vec![error.instance_location.to_string()],
        causes => causes.iter().flat_map(places).collect(),
    }
}

#[test]
fn logs_are_as_the_standard_demands() {
    let folder = TempDir::new().unwrap();
    let odd =
        "SecurityAlert\n| where AlertName contains 'mimi😀katz'\n| where AlertSeverity == 'high'\n| where Sevrity == 1";
    fs::write(folder.path().join("größe, 100 %.kql"), odd).unwrap();
    fs::write(folder.path().join("empty.kql"), "").unwrap();
    fs::write(folder.path().join("rule.yaml"), "kind: NRT\nname: n\nquery: T |\n").unwrap();
    let run = run_in(folder.path(), &["check", ".", "--warn", "all", "--output-format", "sarif"], "");
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(faults(&log), Vec::<String>::new());
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 4, "{}", run.stdout);
    // The worst come first, and each has a fingerprint of its own.
    let rank =
        |result: &Value| ["error", "warning", "note"].iter().position(|level| result["level"] == *level).unwrap();
    assert!(results.iter().map(rank).is_sorted(), "{}", run.stdout);
    let prints: std::collections::HashSet<_> =
        results.iter().map(|result| result["partialFingerprints"]["alertq/v1"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), results.len());
}

#[test]
fn no_findings_are_a_log_too_and_faults_are_found() {
    let run = run(&["check", "-", "--output-format", "sarif"], "SecurityAlert | count");
    let mut log: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, faults(&log)), (Some(0), vec![]));
    log["runs"][0]["results"] = json!([{"level": "bad", "message": {}}]);
    log["version"] = json!("2.0.0");
    let found: BTreeSet<String> = faults(&log).into_iter().collect();
    let expected = ["/runs/0/results/0/level", "/runs/0/results/0/message", "/version"];
    assert!(found.iter().eq(expected), "{found:?}");
}
