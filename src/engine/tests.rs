//! Queries over files, from text to rows: what is pruned, and that short cuts give the same rows.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;

use super::{Output, Session, Stats, TableData, keep_footer, run};
use crate::bind::{Options, bind};
use crate::catalog::{Catalog, TableInfo};
use crate::plan::rewrite::rewrite;
use crate::syntax::parse;
use crate::types::{Column, ScalarType, ticks};

const ROWS: usize = 5_000;
const ROW_GROUP: usize = 500;

/// A file of ten row groups, one row a minute, identifiers in no order.
fn file(folder: &Path) -> PathBuf {
    let path = folder.join("alerts.parquet");
    write(&path, 0..ROWS);
    path
}

fn write(path: &Path, rows: Range<usize>) {
    let zone: Arc<str> = "UTC".into();
    let mut fields = vec![
        Field::new("TimeGenerated", DataType::Timestamp(TimeUnit::Nanosecond, Some(zone.clone())), true),
        Field::new("SystemAlertId", DataType::Utf8, true),
        Field::new("AlertSeverity", DataType::Utf8, true),
    ];
    let minute = 60_000_000_000_i64;
    let times = rows.clone().map(|i| 1_780_000_000_000_000_000 + i as i64 * minute);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampNanosecondArray::from_iter_values(times).with_timezone(zone)),
        Arc::new(StringArray::from_iter_values(rows.clone().map(identifier))),
        Arc::new(StringArray::from_iter(rows.clone().map(|i| (i % 7 != 0).then_some(severity(i))))),
    ];
    for number in 0..9 {
        fields.push(Field::new(format!("Text{number}"), DataType::Utf8, true));
        columns
            .push(Arc::new(StringArray::from_iter_values(rows.clone().map(|i| format!("text {number} of row {i}")))));
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_column_bloom_filter_enabled("SystemAlertId".into(), true)
        .build();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn severity(row: usize) -> &'static str {
    ["High", "Low", ""][row % 3]
}

/// Every row twice under one identifier, far apart.
fn identifier(row: usize) -> String {
    format!("id-{:04x}", (row % (ROWS / 2)) * 7919 % 65_536)
}

fn columns() -> Vec<Column> {
    let text = |name: &str| Column::new(name, ScalarType::String);
    let mut columns =
        vec![Column::new("TimeGenerated", ScalarType::DateTime), text("SystemAlertId"), text("AlertSeverity")];
    columns.extend((0..9).map(|number| text(&format!("Text{number}"))));
    columns
}

fn answer(path: &Path, query: &str) -> (Vec<RecordBatch>, Stats) {
    answer_of(&[path], query)
}

fn answer_of(files: &[&Path], query: &str) -> (Vec<RecordBatch>, Stats) {
    let mut catalog = Catalog::new();
    catalog.add(TableInfo { name: "T".into(), columns: columns(), ..TableInfo::default() });
    let bound = bind(&parse(query).query, &catalog, &Options::default());
    assert_eq!((&bound.problems[..], &bound.refusals[..]), (&[][..], &[][..]), "{query}");
    let files = files.iter().map(|file| file.to_path_buf()).collect();
    let session = Session::new().table("T", columns(), TableData::Parquet { files });
    let mut outputs = run(&rewrite(bound.plan.unwrap()), &session).unwrap();
    let output: &mut Output = &mut outputs[0];
    let batches = output.map(|batch| batch.unwrap()).collect();
    (batches, output.stats())
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

fn printed(batches: &[RecordBatch]) -> String {
    arrow::util::pretty::pretty_format_batches(batches).unwrap().to_string()
}

#[test]
fn a_period_prunes_row_groups() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let start = ticks::format_datetime(ticks::from_unix_seconds(1_780_000_000 + 60 * 4_600).unwrap());
    for query in [
        format!("T | where TimeGenerated >= datetime({start}) | project TimeGenerated, Text1"),
        format!("T | where TimeGenerated between (datetime({start}) .. 10d) | project TimeGenerated, Text1"),
    ] {
        let (batches, stats) = answer(&path, &query);
        assert_eq!(rows(&batches), 400, "{query}");
        assert!(stats.row_groups_pruned >= 9, "{query}: {stats:?}");
    }
}

/// Footers and statistics outlast a query; what they say of a file that is no more must not.
#[test]
fn a_file_that_has_changed_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let query = "T | summarize count(), min(TimeGenerated), max(TimeGenerated)";
    let before = printed(&answer(&path, query).0);
    assert_eq!(printed(&answer(&path, query).0), before);
    // As many rows, so that the file is about as large.
    write(&path, ROWS..2 * ROWS);
    let after = printed(&answer(&path, query).0);
    assert_ne!(after, before);
    let elsewhere = folder.path().join("elsewhere.parquet");
    std::fs::copy(&path, &elsewhere).unwrap();
    assert_eq!(after, printed(&answer(&elsewhere, query).0));
    // What the old statistics leave out would be missing.
    let late = "T | where TimeGenerated > datetime(2026-06-01T00:00:00Z) | count";
    assert_eq!(printed(&answer(&path, late).0), printed(&answer(&elsewhere, late).0));
}

/// By a footer that is not the file's own it is seen who believes it.
#[test]
fn a_footer_is_believed_of_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let count = |path: &Path| printed(&answer(path, "T | count").0);
    let [short, one, other] = ["short", "one", "other"].map(|name| folder.path().join(name));
    write(&short, 0..ROWS / 2);
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    let footer = Arc::new(reader.parse_and_finish(&std::fs::File::open(&short).unwrap()).unwrap());
    for path in [&one, &other] {
        write(path, 0..ROWS);
    }
    let state = one.metadata().unwrap();
    keep_footer(&one, state.len(), state.modified().unwrap(), footer.clone());
    let state = other.metadata().unwrap();
    keep_footer(&other, state.len() - 1, state.modified().unwrap(), footer);
    assert!(count(&short).contains(&(ROWS / 2).to_string()));
    assert_eq!(count(&one), count(&short));
    assert!(count(&other).contains(&ROWS.to_string()));
}

#[test]
fn files_that_are_small_together_are_read_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..4).map(|number| folder.path().join(number.to_string())).collect();
    paths.iter().enumerate().for_each(|(number, path)| write(path, 10 * number..10 * number + 10));
    let files: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let (batches, _) = answer_of(&files, "T | summarize Ids = make_list(SystemAlertId) by AlertSeverity");
    assert_eq!(rows(&batches), 3);
    for batch in &batches {
        let (severities, lists) =
            (batch.column_by_name("AlertSeverity").unwrap(), batch.column_by_name("Ids").unwrap());
        for (found, list) in severities.as_string_view().iter().zip(lists.as_string_view()) {
            let read = |row: usize| if row.is_multiple_of(7) { "" } else { severity(row) };
            let ids = (0..40).filter(|row| Some(read(*row)) == found).map(identifier);
            assert_eq!(list.unwrap(), serde_json::to_string(&ids.collect::<Vec<_>>()).unwrap());
        }
    }
}

#[test]
fn an_identifier_prunes_by_bloom_filter() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let query = format!("T | where SystemAlertId == '{}' | project SystemAlertId, Text3", identifier(1_234));
    let (batches, stats) = answer(&path, &query);
    assert_eq!(rows(&batches), 2);
    assert!(stats.row_groups_pruned >= 6, "{stats:?}");
}

#[test]
fn a_missing_text_is_empty_in_every_condition() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let count = |condition: &str| {
        let (batches, _) = answer(&path, &format!("T | where {condition} | count"));
        batches[0].column(0).as_primitive::<Int64Type>().value(0) as usize
    };
    let empty = (0..ROWS).filter(|i| i % 7 == 0 || i % 3 == 2).count();
    assert_eq!(count("AlertSeverity == ''"), empty);
    assert_eq!(count("isempty(AlertSeverity)"), empty);
    assert_eq!(count("AlertSeverity in ('', 'High')"), (0..ROWS).filter(|i| i % 7 == 0 || i % 3 != 1).count());
    assert_eq!(count("AlertSeverity != 'High'"), (0..ROWS).filter(|i| i % 7 == 0 || i % 3 != 0).count());
}

#[test]
fn wide_rows_that_are_read_late_are_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    for (late, plain) in [
        (
            "T | where AlertSeverity == 'High' | top 30 by TimeGenerated desc",
            "T | where AlertSeverity == 'High' | sort by TimeGenerated desc | extend n = row_number() | where n <= 30 \
             | project-away n",
        ),
        (
            "T | summarize arg_max(TimeGenerated, *) by SystemAlertId | where AlertSeverity == 'Low' \
             | top 20 by TimeGenerated asc",
            "T | summarize arg_max(TimeGenerated, *) by SystemAlertId | where AlertSeverity == 'Low' \
             | sort by TimeGenerated asc | extend n = row_number() | where n <= 20 | project-away n",
        ),
    ] {
        assert_eq!(printed(&answer(&path, late).0), printed(&answer(&path, plain).0), "{late}");
    }
}

#[test]
fn one_group_of_many_batches_keeps_its_extremes() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    for aggregates in
        ["max(TimeGenerated)", "min(TimeGenerated)", "First = min(TimeGenerated), Last = max(TimeGenerated)"]
    {
        let all = format!("T | summarize {aggregates}");
        let grouped = format!("T | summarize {aggregates} by K = 1 | project-away K");
        assert_eq!(printed(&answer(&path, &all).0), printed(&answer(&path, &grouped).0), "{aggregates}");
    }
}

#[test]
fn a_join_by_time_finds_each_pair_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let near = "let A = T | where AlertSeverity == 'High' | project K = AlertSeverity, T1 = TimeGenerated;
        let B = T | where AlertSeverity == 'High' | project K = AlertSeverity, T2 = TimeGenerated;
        A | join kind=inner B on K | where T2 between ((T1 - 10m) .. (T1 + 20m)) | count";
    let (batches, _) = answer(&path, near);
    let times: Vec<i64> = (0..ROWS as i64).filter(|i| i % 7 != 0 && i % 3 == 0).collect();
    let pairs = times.iter().map(|a| times.iter().filter(|b| (a - 10..=a + 20).contains(*b)).count());
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0) as usize, pairs.sum::<usize>());
}

#[test]
fn a_table_that_stands_twice_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let twice = "let A = T | where AlertSeverity == 'High';
        A | join kind=inner (A | project SystemAlertId) on SystemAlertId | count";
    let (batches, stats) = answer(&path, twice);
    let high: Vec<String> = (0..ROWS).filter(|i| i % 7 != 0 && i % 3 == 0).map(identifier).collect();
    let pairs = high.iter().map(|id| high.iter().filter(|other| *other == id).count());
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0) as usize, pairs.sum::<usize>());
    assert_eq!(stats.rows_scanned as usize, high.len());
}
