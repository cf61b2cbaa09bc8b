use std::collections::{BTreeMap, HashSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use serde_json::{Value as Json, json};

use super::tests::{WEEK, counts, export};
use super::*;
use crate::types::arrow::{from_values, schema};
use crate::types::{Column, ScalarType, Value, ticks};

const SECRETS: [&str; 14] = [
    "kontor", "falke", "pay-srv7", "zofia", "olek", "wisnia", "5b1f8f8e", "9c2f8f8e", "7a2f8f8e", "6e2f8f8e",
    "11118f8e", "88881111", "quartz", "4711",
];

/// Makes the incidents of a house: two alerts of the rule each, which is every other alert; three versions, of which the
/// last is closed and owned; and ten incidents that a product has made of alerts that the export does not hold.
fn incidents() -> RecordBatch {
    let names = ["IncidentName", "Title", "Severity", "Status", "Classification", "ClassificationReason"];
    let names = names.into_iter().chain(["ClassificationComment", "ProviderName", "ModifiedBy", "IncidentUrl"]);
    let mut columns: Vec<Column> = names.map(|name| Column::new(name, ScalarType::String)).collect();
    let dynamic = ["AlertIds", "Owner", "Comments", "Labels", "Tasks", "RelatedAnalyticRuleIds", "AdditionalData"];
    columns.extend(dynamic.map(|name| Column::new(name, ScalarType::Dynamic)));
    columns.push(Column::new("TimeGenerated", ScalarType::DateTime));
    let mut cells: Vec<Vec<Value>> = vec![Vec::new(); columns.len()];
    let mut add = |texts: [String; 10], json: [Json; 7], time: i64| {
        let texts = texts.into_iter().map(Value::String);
        let values = texts.chain(json.into_iter().map(|json| Value::Dynamic(json.to_string())));
        let values = values.chain([Value::DateTime(time)]);
        cells.iter_mut().zip(values).for_each(|(cells, value)| cells.push(value));
    };
    let id = |alert: i64| format!("7a2f8f8e-2222-4c5d-9a70-{alert:012}");
    for number in 0..40i64 {
        // Alerts with an even number are those of the rule.
        let alerts = [id(number * 8), id(number * 8 + 4)];
        for (version, status) in ["New", "Active", "Closed"].into_iter().enumerate() {
            let closed = status == "Closed";
            let texts = [
                format!("11118f8e-1111-4c5d-9a70-{number:012}"),
                "Kontor: Falke was seen".into(),
                if number % 4 == 0 { "High" } else { "Low" }.into(),
                status.into(),
                if closed { "BenignPositive" } else { "" }.into(),
                if closed { "SuspiciousButExpected" } else { "" }.into(),
                if closed { "Olek called Zofia" } else { "" }.into(),
                "Azure Sentinel".into(),
                if version == 0 { "Incident created from alert" } else { "Olek Wisnia" }.into(),
                format!("https://portal.example/88881111/{number}"),
            ];
            let owner = if closed { json!("olek@kontor.com") } else { Json::Null };
            let json = [
                json!(alerts[..if version == 0 { 1 } else { 2 }]),
                json!({"objectId": closed.then_some("6e2f8f8e-2222-4c5d-9a70-000000000009"), "email": owner,
                    "assignedTo": Json::Null, "userPrincipalName": owner}),
                if closed { json!([{"message": "about pay-srv7, cost centre 4711"}]) } else { json!([]) },
                if number % 2 == 0 { json!([{"labelName": "Quartz", "labelType": "User"}]) } else { json!([]) },
                json!([]),
                json!(["9c2f8f8e-3333-4c5d-9a70-000000000003"]),
                json!({"alertsCount": 2, "alertProductNames": ["Azure Sentinel"], "tactics": ["Execution"]}),
            ];
            let time =
                1_050 * WEEK + number * ticks::TICKS_PER_HOUR * 10 + version as i64 * 40 * ticks::TICKS_PER_MINUTE;
            add(texts, json, time);
        }
    }
    for number in 0..10i64 {
        let mut texts = [const { String::new() }; 10];
        texts[0] = format!("11118f8e-2222-4c5d-9a70-{number:012}");
        texts[1] = "Malware was detected".into();
        (texts[2], texts[3]) = ("Medium".into(), "New".into());
        texts[7] = "Microsoft XDR".into();
        let json = [
            json!([format!("7a2f8f8e-4444-4c5d-9a70-{number:012}")]),
            json!({}),
            json!([]),
            json!([]),
            json!([{"title": "Ask Zofia"}]),
            json!([]),
            json!({"alertProductNames": ["Azure Security Center"], "providerIncidentUrl": "https://x.example/kontor"}),
        ];
        add(texts, json, 1_050 * WEEK + number * ticks::TICKS_PER_DAY);
    }
    let arrays = columns.iter().zip(&cells).map(|(column, cells)| from_values(column.scalar_type, cells)).collect();
    RecordBatch::try_new(schema(&columns), arrays).unwrap()
}

fn options(rows: u64, seed: u64) -> LikeOptions {
    LikeOptions { rows, seed, days: 28, end: 106_000 * ticks::TICKS_PER_DAY * 7 }
}

fn shapes(with_alerts: bool) -> (Shape, IncidentShape) {
    let (mut alerts, mut shape) = (Shape::default(), IncidentShape::default());
    if with_alerts {
        alerts.add(&export());
    }
    shape.add(&incidents());
    (alerts, shape)
}

fn like(with_alerts: bool, rows: u64, seed: u64) -> Vec<RecordBatch> {
    let (alerts, shape) = shapes(with_alerts);
    LikeIncidents::new(&alerts, &shape, options(rows, seed)).map(Result::unwrap).collect()
}

/// Returns a column's JSON, row by row.
fn json_of(batches: &[RecordBatch], column: &str) -> Vec<Json> {
    let texts =
        batches.iter().flat_map(|batch| batch.column_by_name(column).unwrap().as_string_view().iter().flatten());
    texts.map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[test]
fn shares_are_those_of_the_export() {
    let made = like(true, 4000, 1);
    let rows: usize = made.iter().map(RecordBatch::num_rows).sum();
    // Ten times the alerts, so ten times the incidents: 40 of three versions, and 10 of one.
    assert!((1270..=1330).contains(&rows), "{rows}");
    for column in ["Severity", "Status", "Classification", "ClassificationReason", "ProviderName"] {
        let (of_export, of_made) = (counts(&[incidents()], column), counts(&made, column));
        assert_eq!(of_export.len(), of_made.len(), "{column}");
        for (value, count) in &of_export {
            let wanted = *count as f64 / 130.0;
            let found = of_made.get(value).copied().unwrap_or(0) as f64 / rows as f64;
            assert!((wanted - found).abs() <= 0.02, "{column} {value}: {wanted} {found}");
        }
    }
    for (column, field) in [("Comments", "message"), ("Labels", "labelName"), ("Tasks", "title")] {
        let share = |rows: Vec<Json>| {
            let of = |row: &&Json| row.as_array().is_some_and(|list| list.iter().any(|one| one.get(field).is_some()));
            rows.iter().filter(of).count() as f64 / rows.len() as f64
        };
        let (wanted, found) = (share(json_of(&[incidents()], column)), share(json_of(&made, column)));
        assert!((wanted - found).abs() <= 0.02, "{column}: {wanted} {found}");
    }
    let owned = json_of(&made, "Owner").iter().filter(|owner| !owner["email"].is_null()).count();
    assert!((owned as f64 / rows as f64 - 40.0 / 130.0).abs() < 0.02, "{owned}");
    assert!(json_of(&made, "Owner").iter().all(|owner| owner["assignedTo"].is_null()));
}

#[test]
fn they_are_made_of_the_alerts_and_called_as_these_are() {
    let (alerts, shape) = shapes(true);
    let mut known = BTreeMap::new();
    for batch in Like::new(&alerts, options(400, 1)).map(Result::unwrap) {
        let (ids, names) = (batch["SystemAlertId"].as_string_view(), batch["AlertName"].as_string_view());
        let times = batch["TimeGenerated"].as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            known.entry(ids.value(row).to_string()).or_insert((names.value(row).to_string(), times.value(row)));
        }
    }
    let (mut linked, mut alone, mut last) = (HashSet::new(), 0, i64::MIN);
    for batch in LikeIncidents::new(&alerts, &shape, options(400, 1)).map(Result::unwrap) {
        let (ids, titles) = (batch["AlertIds"].as_string_view(), batch["Title"].as_string_view());
        let times = batch["TimeGenerated"].as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let ids: Vec<String> = serde_json::from_str(ids.value(row)).unwrap();
            assert!(times.value(row) >= last, "in order");
            last = times.value(row);
            let found: Vec<_> = ids.iter().filter_map(|id| known.get(id)).collect();
            if found.is_empty() {
                assert_eq!(titles.value(row), "Malware was detected");
                alone += 1;
            } else {
                assert_eq!(found.len(), ids.len());
                assert!(found.iter().all(|(name, time)| name == titles.value(row) && *time <= last));
                linked.extend(ids);
            }
        }
    }
    // 80 of the export's alerts are in incidents, and of ten incidents it does not hold the alerts.
    assert!((76..=84).contains(&linked.len()), "{}", linked.len());
    assert_eq!(alone, 10);
}

#[test]
fn nothing_of_the_export_is_in_it() {
    for with_alerts in [true, false] {
        let made = like(with_alerts, 500, 3);
        let texts = made.iter().flat_map(|batch| batch.columns()).filter_map(|column| column.as_string_view_opt());
        let all = texts.flat_map(|texts| texts.iter().flatten()).collect::<Vec<_>>().join("\n").to_lowercase();
        for secret in SECRETS {
            assert!(!all.contains(secret), "{secret}");
        }
        for kept in ["malware was detected", "suspiciousbutexpected", "incident created from alert", "microsoft xdr"] {
            assert!(all.contains(kept), "{kept}");
        }
    }
}

#[test]
fn an_export_without_alerts_is_enough() {
    let made = like(false, 300, 1);
    assert_eq!(made.iter().map(RecordBatch::num_rows).sum::<usize>(), 300);
    let lists = json_of(&made, "AlertIds");
    assert!(lists.iter().all(|list| list.as_array().is_some_and(|ids| (1..=2).contains(&ids.len()))));
}

#[test]
fn versions_of_an_incident_go_on_in_time() {
    let made = like(true, 400, 1);
    let mut closed = 0;
    for batch in &made {
        let moment = |name: &str| batch[name].as_primitive::<Int64Type>().clone();
        let (created, first, close) = (moment("CreatedTime"), moment("FirstModifiedTime"), moment("ClosedTime"));
        let (time, status) = (moment("TimeGenerated"), batch["Status"].as_string_view());
        for row in 0..batch.num_rows() {
            assert!(created.value(row) <= time.value(row));
            assert!(arrow::array::Array::is_null(&first, row) || first.value(row) >= created.value(row));
            if status.value(row) == "Closed" {
                assert_eq!(close.value(row), time.value(row));
                closed += 1;
            } else {
                assert!(arrow::array::Array::is_null(&close, row));
            }
        }
    }
    assert!(closed > 35, "{closed}");
}

#[test]
fn the_seed_decides_and_nothing_else() {
    assert_eq!(like(true, 300, 1), like(true, 300, 1));
    assert_ne!(like(true, 300, 1), like(true, 300, 2));
    assert!(LikeIncidents::new(&Shape::default(), &IncidentShape::default(), options(5, 1)).next().is_none());
}
