//! Every form of the same records gives the same rows; see `fixtures/alerts`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::types::arrow::value_at;
use crate::types::{ScalarType, Value, ticks};

use super::{BadRows, Error, Options, Table, open};

fn path(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/alerts").join(name).to_string_lossy().into_owned()
}

fn table(name: &str) -> Table {
    let mut tables = open(&path(name), &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(tables.len(), 1, "{name}");
    tables.remove(0)
}

/// Returns the rows as columns with their text, those of the table alone and without the empty ones.
fn rows(table: &Table) -> Vec<Vec<(String, String)>> {
    let mut rows = Vec::new();
    for batch in table.read() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cells = table.columns.iter().zip(batch.columns());
            let cells = cells.map(|(column, array)| (column.name.clone(), value_at(array, row, column.scalar_type)));
            let text = |value: Value| match value {
                Value::Null(_) => String::new(),
                Value::DateTime(moment) => ticks::format_datetime(moment),
                Value::String(text) | Value::Dynamic(text) => text,
                other => format!("{other:?}"),
            };
            let cells = cells.map(|(name, value)| (name, text(value)));
            rows.push(cells.filter(|(_, text)| !text.is_empty()).collect());
        }
    }
    rows
}

fn cell(rows: &[Vec<(String, String)>], row: usize, column: &str) -> String {
    rows[row].iter().find(|(name, _)| name == column).map(|(_, text)| text.clone()).unwrap_or_default()
}

#[test]
fn all_forms_of_the_table_give_the_same_rows() {
    let wanted = rows(&table("query-api.json"));
    assert_eq!(wanted.len(), 3);
    assert_eq!(cell(&wanted, 0, "TimeGenerated"), "2026-06-10T08:15:30.1234567Z");
    assert_eq!(cell(&wanted, 0, "ConfidenceScore"), "Real(0.5)");
    assert!(cell(&wanted, 0, "Entities").starts_with("[{\"$id\":\"3\",\"HostName\":\"srv-07\""));
    for (name, form) in [
        ("array.json", "JSON array"),
        ("objects.json", "JSON objects"),
        ("logic-app.json", "JSON array"),
        ("data-export.jsonl", "JSON lines"),
        ("data-export.jsonl.gz", "JSON lines"),
        ("data-export.jsonl.zst", "JSON lines"),
        ("event-hub.json", "JSON object with `records`"),
        ("event-hub-lines.json", "JSON lines of objects with `records`"),
        ("event-hub-array.json", "JSON array of objects with `records`"),
        ("query-api-warning.json", "query API answer"),
        ("az-cli.json", "az CLI output, JSON array"),
        ("data-frame.tsv", "TSV"),
    ] {
        let table = table(name);
        assert_eq!(table.inputs[0].form.to_string(), form, "{name}");
        assert_eq!(table.name, "SecurityAlert", "{name}");
        let mut found = rows(&table);
        let extra = ["_ItemId", "_Internal_WorkspaceResourceId", "Column1"];
        found.iter_mut().for_each(|row| row.retain(|(column, _)| !extra.contains(&column.as_str())));
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn the_portal_writes_milliseconds() {
    let (mut wanted, portal) = (rows(&table("query-api.json")), table("portal.csv"));
    assert_eq!((portal.name.as_str(), portal.inputs[0].form.to_string().as_str()), ("SecurityAlert", "CSV"));
    for (_, text) in wanted.iter_mut().flatten() {
        if let Some(moment) = (text.len() == 28).then(|| ticks::parse_datetime(text)).flatten() {
            *text = ticks::format_datetime(moment - moment % ticks::TICKS_PER_MILLISECOND);
        }
    }
    assert_eq!(rows(&portal), wanted);
}

#[test]
fn hidden_columns_come_with_the_files_that_have_them() {
    let table = table("data-export.jsonl");
    let names: Vec<_> = table.columns[35..].iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["_ItemId", "_Internal_WorkspaceResourceId"]);
}

#[test]
fn defender_alerts_become_rows_and_lose_nothing() {
    let table = table("defender-rest.json");
    let rows = rows(&table);
    assert_eq!((table.name.as_str(), rows.len()), ("SecurityAlert", 2));
    for (column, wanted) in [
        ("VendorOriginalId", "2516910182695000000_0d0cbe43-62b3-45b9-8b30-0e0f4aa4b9c1"),
        ("SystemAlertId", "2516910182695000000_0d0cbe43-62b3-45b9-8b30-0e0f4aa4b9c1"),
        ("AlertName", "Process that mines digital currency"),
        ("DisplayName", "Process that mines digital currency"),
        ("ProductName", "Azure Security Center"),
        ("Status", "New"),
        ("Tactics", "Execution"),
        ("Techniques", "[\"T1496\"]"),
        ("RemediationSteps", "[\"Look at it.\",\"Switch it off.\"]"),
        ("WorkspaceSubscriptionId", "2f1e"),
        ("SourceComputerId", "agent-1"),
        ("CorrelationKey", "key-1"),
        ("SupportingEvidence", "{\"type\":\"tabularEvidences\"}"),
        ("IsIncident", "Bool(false)"),
        ("TimeGenerated", "2026-06-10T08:15:30.1234567Z"),
    ] {
        assert_eq!(cell(&rows, 0, column), wanted, "{column}");
    }
    assert!(table.warnings().iter().any(|warning| warning.contains("next one")), "{:?}", table.warnings());
}

#[test]
fn the_continuous_export_becomes_rows() {
    let table = table("defender-export.json");
    let rows = rows(&table);
    for (column, wanted) in [
        ("AlertSeverity", "High"),
        ("AlertLink", "https://alerts.harbor.example/1"),
        ("Tactics", "Persistence, CredentialAccess"),
        ("ProductName", "Azure Security Center"),
        ("ExtendedProperties", "{\"resourceType\":\"Virtual Machine\"}"),
        ("WorkspaceSubscriptionId", "2f1e"),
    ] {
        assert_eq!(cell(&rows, 0, column), wanted, "{column}");
    }
    assert!(cell(&rows, 0, "ResourceId").starts_with("/subscriptions/2f1e"));
    assert!(cell(&rows, 0, "ResourceIdentifiers").contains("\"$id\":\"2\""));
    assert_eq!(cell(&rows, 0, "VendorOriginalId"), cell(&rows, 0, "SystemAlertId"));
}

#[test]
fn graph_alerts_become_rows() {
    let table = table("graph-alerts.json");
    let rows = rows(&table);
    for (column, wanted) in [
        ("TimeGenerated", "2026-06-10T10:00:00.0000000Z"),
        ("AlertSeverity", "Informational"),
        ("Status", "InProgress"),
        ("ProductName", "Microsoft Defender Advanced Threat Protection"),
        ("Techniques", "[\"T1059\"]"),
        ("SubTechniques", "[\"T1059.001\"]"),
        ("EntraTenantId", "entra-1"),
        ("IncidentId", "28282"),
        ("TenantId", ""),
    ] {
        assert_eq!(cell(&rows, 0, column), wanted, "{column}");
    }
}

#[test]
fn rest_incidents_become_rows_flattened_or_not() {
    for name in ["incidents-rest.json", "incidents-flattened.jsonl"] {
        let table = table(name);
        let rows = rows(&table);
        assert_eq!(table.name, "SecurityIncident");
        for (column, wanted) in [
            ("IncidentNumber", "Int(1042)"),
            ("IncidentName", "aa11"),
            ("RelatedAnalyticRuleIds", "[\"5b1d\"]"),
            ("TimeGenerated", "2026-06-10T12:00:00.5000000Z"),
            ("AdditionalData", "{\"alertsCount\":1,\"tactics\":[\"CredentialAccess\"]}"),
        ] {
            assert_eq!(cell(&rows, 0, column), wanted, "{name} {column}");
        }
        let ids = if name.ends_with("jsonl") { "[\"c2a7c3a6-5f52-4cf0-9b7c-93f8f1f2a111\"]" } else { "" };
        assert_eq!(cell(&rows, 0, "AlertIds"), ids);
    }
}

#[test]
fn a_table_of_the_users_own_is_typed_by_its_values() {
    let table = table("assets.csv");
    let types: Vec<_> = table.columns.iter().map(|column| column.scalar_type).collect();
    use ScalarType::{Bool, DateTime, Real, String};
    assert_eq!((table.name.as_str(), types), ("assets", vec![String, String, Bool, Real, DateTime, String]));
}

/// Reads a file to its end and returns what was wrong with it.
fn failure(name: &str) -> Error {
    match open(&path(name), &Options::default()) {
        Err(error) => error,
        Ok(tables) => tables
            .iter()
            .find_map(|table| table.read().find_map(Result::err))
            .unwrap_or_else(|| panic!("{name} was read without an error")),
    }
}

#[test]
fn files_that_cannot_be_read_say_where_and_what_to_try() {
    for (name, part) in [
        ("bad/cut-off.jsonl.gz", "gzip stream ends before its end"),
        ("bad/cut-off.json", "ends within the value"),
        ("bad/lines.jsonl", "3 of 5 records cannot be read"),
        ("bad/not-utf8.jsonl", "not UTF-8 at byte 22"),
        ("bad/utf16.csv", "UTF-16"),
        ("bad/local-time.csv", "does not say how its times relate to UTC"),
        ("bad/page.html", "HTML"),
        ("bad/answer-error.json", "BadArgumentError"),
        ("bad/query-api-partial.json", "larger than the limit of 64000000 bytes"),
        ("bad/fields.csv", "2 of 4 records cannot be read"),
        ("bad/unclosed.json", "ends within the value"),
        ("bad/cut-off.parquet", "not readable as Parquet"),
        ("bad/missing.json", "cannot be read"),
        ("bad/*.nothing", "no file matches"),
    ] {
        let error = failure(name);
        assert!(error.message.contains(part), "{name}: {error}");
        assert!(error.path.is_some(), "{name}: {error}");
        assert!(error.remedy.is_some() || name.contains("missing") || name.contains('*'), "{name}: {error}");
    }
}

#[test]
fn bad_rows_are_written_with_place_reason_and_text() {
    let written = Arc::new(Mutex::new(Vec::<u8>::new()));
    let options = Options { bad_rows: BadRows::Write(written.clone()), ..Options::default() };
    let tables = open(&path("bad/lines.jsonl"), &options).unwrap();
    assert_eq!(tables[0].read().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["line"], 2);
    assert_eq!(lines[1]["reason"], "column TimeGenerated: \"yesterday\" is no datetime");
    assert!(lines[2]["text"].as_str().unwrap().contains("maybe"));
}

#[test]
fn a_folder_is_read_as_one_table() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in
        [("data-export.jsonl", "y=2026/m=06/PT05M.json"), ("portal.csv", "portal.csv"), ("README.md", "x.md")]
    {
        let to = folder.path().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(path(from), to).unwrap();
    }
    let tables = open(&folder.path().to_string_lossy(), &Options::default()).unwrap();
    assert_eq!((tables.len(), tables[0].rows(), rows(&tables[0]).len()), (1, 6, 6));
}

#[test]
fn parquet_reads_back_as_it_was_written() {
    let table = table("query-api.json");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.parquet");
    let file = Box::new(std::fs::File::create(&path).unwrap());
    let mut writer = crate::format::Format::Parquet.writer(file, Default::default());
    writer.begin("SecurityAlert", &table.columns).unwrap();
    table.read().for_each(|batch| writer.write(&batch.unwrap()).unwrap());
    writer.finish().unwrap();
    drop(writer);
    let read = open(&path.to_string_lossy(), &Options::default()).unwrap();
    assert_eq!((read[0].name.as_str(), &read[0].columns, read[0].rows()), ("SecurityAlert", &table.columns, 3));
    assert_eq!(rows(&read[0]), rows(&table));
}
