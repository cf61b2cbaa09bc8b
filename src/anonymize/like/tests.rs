use std::collections::HashMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::*;
use crate::types::{Column, ScalarType, Value, ticks};

pub(super) const WEEK: i64 = 7 * ticks::TICKS_PER_DAY;

/// Makes an export of a house: two kinds of alerts, in office hours, about three machines, one of them far more often.
pub(super) fn export() -> RecordBatch {
    use crate::types::arrow::{from_values, schema};
    let names = [
        "SystemAlertId",
        "ProductName",
        "ProviderName",
        "VendorName",
        "AlertName",
        "AlertType",
        "AlertSeverity",
        "Tactics",
        "Status",
        "Entities",
        "CompromisedEntity",
    ];
    let mut columns: Vec<Column> = names.map(|name| Column::new(name, ScalarType::String)).into();
    columns.push(Column::new("TimeGenerated", ScalarType::DateTime));
    let mut cells: Vec<Vec<Value>> = vec![Vec::new(); columns.len()];
    for row in 0..400i64 {
        // Every fourth record is a later version of the one before.
        let alert = row - i64::from(row % 4 == 3);
        let host = if alert % 10 < 8 {
            "pay-srv7"
        } else if alert % 10 == 8 {
            "hr-ws9"
        } else {
            "fin-ws3"
        };
        let (product, provider, title, kind, severity) = match alert % 2 {
            0 => (
                "Azure Sentinel",
                "ASI Scheduled Alerts",
                "Kontor: Falke was seen",
                "5b1f8f8e-1111-4c5d-9a70-000000000001_9c2f8f8e-3333-4c5d-9a70-000000000003",
                "High",
            ),
            _ => ("Azure Security Center", "Azure Security Center", "Malware was detected", "VM_EICAR", "Low"),
        };
        let entities = format!(
            "[{{\"$id\":\"2\",\"HostName\":\"{host}\",\"Type\":\"host\"}},{{\"$id\":\"3\",\"Name\":\"zofia\",\"Type\":\"account\"}}]"
        );
        let id = format!("7a2f8f8e-2222-4c5d-9a70-{alert:012}");
        let status = if row % 4 == 3 { "Resolved" } else { "New" };
        let texts =
            [id.as_str(), product, provider, "Microsoft", title, kind, severity, "Execution", status, &entities, host];
        for (cells, text) in cells.iter_mut().zip(texts) {
            cells.push(Value::String(text.to_string()));
        }
        let time = 1_050 * WEEK
            + (alert % 28) * ticks::TICKS_PER_DAY
            + (9 + alert % 3) * ticks::TICKS_PER_HOUR
            + (row - alert) * 10 * ticks::TICKS_PER_SECOND;
        cells[11].push(Value::DateTime(time));
    }
    let arrays = columns.iter().zip(&cells).map(|(column, cells)| from_values(column.scalar_type, cells)).collect();
    RecordBatch::try_new(schema(&columns), arrays).unwrap()
}

fn shape() -> Shape {
    let mut shape = Shape::default();
    shape.add(&export());
    shape
}

fn like(rows: u64, seed: u64) -> Vec<RecordBatch> {
    let end = 106_000 * ticks::TICKS_PER_DAY * 7;
    Like::new(&shape(), LikeOptions { rows, seed, days: 28, end }).map(Result::unwrap).collect()
}

pub(super) fn counts(batches: &[RecordBatch], column: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for batch in batches {
        for text in batch.column_by_name(column).unwrap().as_string_view().iter().flatten() {
            *counts.entry(text.to_string()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn shares_are_those_of_the_export_within_two_in_a_hundred() {
    let made = like(4000, 1);
    assert_eq!(made.iter().map(RecordBatch::num_rows).sum::<usize>(), 4000);
    for column in ["ProductName", "ProviderName", "AlertSeverity", "Tactics", "Status"] {
        let (of_export, of_made) = (counts(&[export()], column), counts(&made, column));
        for (value, count) in &of_export {
            let (wanted, found) = (*count as f64 / 400.0, of_made.get(value).copied().unwrap_or(0) as f64 / 4000.0);
            assert!((wanted - found).abs() <= 0.02, "{column} {value}: {wanted} {found}");
        }
        assert_eq!(of_export.len(), of_made.len(), "{column}");
    }
    let ids = counts(&made, "SystemAlertId");
    assert!((2900..3100).contains(&ids.len()), "{} alerts", ids.len());
}

#[test]
fn hours_and_repeats_are_those_of_the_export() {
    let made = like(2000, 1);
    let mut last = i64::MIN;
    let mut within = 0;
    for batch in &made {
        for time in batch.column_by_name("TimeGenerated").unwrap().as_primitive::<Int64Type>().values() {
            assert!(*time >= last);
            last = *time;
            within += usize::from((9..12).contains(&(time / ticks::TICKS_PER_HOUR % 24)));
        }
    }
    assert!(within > 1900, "{within}");
    // As many alerts as the export has are about as many machines.
    let hosts = counts(&like(400, 1), "CompromisedEntity");
    let most = *hosts.values().max().unwrap() as f64 / 400.0;
    assert!(hosts.len() == 3 && (0.7..0.9).contains(&most), "{hosts:?}");
}

#[test]
fn nothing_of_the_export_is_in_it() {
    let all: String = like(1000, 1)
        .iter()
        .flat_map(|batch| batch.columns().to_vec())
        .filter_map(|column| {
            Some(column.as_string_view_opt()?.iter().flatten().collect::<Vec<_>>().join("\n").to_lowercase())
        })
        .collect();
    for secret in ["kontor", "falke", "pay-srv7", "hr-ws9", "fin-ws3", "zofia", "5b1f8f8e", "9c2f8f8e", "7a2f8f8e"] {
        assert!(!all.contains(secret), "{secret}");
    }
    for kept in ["azure sentinel", "asi scheduled alerts", "malware was detected", "vm_eicar", "analytics rule"] {
        assert!(all.contains(kept), "{kept}");
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    assert_eq!(like(300, 1), like(300, 1));
    assert_ne!(like(300, 1), like(300, 2));
    assert!(Like::new(&Shape::default(), LikeOptions { rows: 5, seed: 1, days: 1, end: WEEK }).next().is_none());
}
