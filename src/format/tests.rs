//! Every format of one small result that has every type, and its nulls.

use std::io;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;

use crate::types::arrow::{from_values, schema};
use crate::types::{Column, ScalarType, Value};

use super::{Format, Limits};

/// A stream whose bytes can be looked at afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn columns() -> Vec<Column> {
    ScalarType::ALL.iter().map(|scalar_type| Column::new(scalar_type.name(), *scalar_type)).collect()
}

fn some(scalar_type: ScalarType) -> Value {
    match scalar_type {
        ScalarType::Bool => Value::Bool(true),
        ScalarType::Int => Value::Int(-7),
        ScalarType::Long => Value::Long(9_007_199_254_740_993),
        ScalarType::Real => Value::Real(f64::NAN),
        ScalarType::Decimal => Value::Decimal(1_500_000_000_000_000_000),
        ScalarType::String => Value::String("a\"b,\n|".into()),
        ScalarType::DateTime => {
            Value::DateTime(crate::types::ticks::parse_datetime("2025-02-25T09:19:25.1234567Z").unwrap())
        }
        ScalarType::TimeSpan => Value::TimeSpan(-900_000_000_000),
        ScalarType::Guid => Value::Guid("74be27de-1e4e-49d9-b579-fe0b331d3642".into()),
        ScalarType::Dynamic => Value::Dynamic("{\"a\":[1]}".into()),
    }
}

pub(super) fn batch(columns: &[Column], rows: &[Vec<Value>]) -> RecordBatch {
    let arrays = columns.iter().enumerate().map(|(index, column)| {
        from_values(column.scalar_type, &rows.iter().map(|row| row[index].clone()).collect::<Vec<_>>())
    });
    RecordBatch::try_new(schema(columns), arrays.collect()).unwrap()
}

fn result() -> (Vec<Column>, RecordBatch) {
    let columns = columns();
    let rows = [
        columns.iter().map(|column| some(column.scalar_type)).collect(),
        columns.iter().map(|column| Value::missing(column.scalar_type)).collect::<Vec<_>>(),
    ];
    let batch = batch(&columns, &rows);
    (columns, batch)
}

fn written(format: Format, results: &[(Vec<Column>, Vec<RecordBatch>)]) -> io::Result<Vec<u8>> {
    let shared = Shared::default();
    let mut writer = format.writer(Box::new(shared.clone()), Limits::default());
    for (index, (columns, batches)) in results.iter().enumerate() {
        writer.begin(&if index == 0 { "PrimaryResult".to_string() } else { format!("Table_{index}") }, columns)?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
    }
    writer.finish()?;
    drop(writer);
    Ok(Arc::try_unwrap(shared.0).unwrap().into_inner().unwrap())
}

fn text(format: Format) -> String {
    let (columns, batch) = result();
    String::from_utf8(written(format, &[(columns, vec![batch])]).unwrap()).unwrap()
}

#[test]
fn log_analytics_has_the_form_of_the_query_api() {
    let wanted = concat!(
        r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"bool","type":"bool"},"#,
        r#"{"name":"datetime","type":"datetime"},"#,
        r#"{"name":"decimal","type":"decimal"},{"name":"dynamic","type":"dynamic"},{"name":"guid","type":"guid"},"#,
        r#"{"name":"int","type":"int"},{"name":"long","type":"long"},{"name":"real","type":"real"},"#,
        r#"{"name":"string","type":"string"},{"name":"timespan","type":"timespan"}],"rows":["#,
        r#"[true,"2025-02-25T09:19:25.1234567Z",1.5,"{\"a\":[1]}","74be27de-1e4e-49d9-b579-fe0b331d3642",-7,"#,
        r#"9007199254740993,"NaN","a\"b,\n|","-1.01:00:00"],"#,
        r#"[null,null,null,null,null,null,null,null,"",null]]}]}"#,
        "\n"
    );
    assert_eq!(text(Format::LogAnalytics), wanted);
}

#[test]
fn several_results_are_several_tables() {
    let (columns, batch) = result();
    let results = [(columns.clone(), vec![batch.clone(), batch]), (columns, vec![])];
    let answer: serde_json::Value = serde_json::from_slice(&written(Format::LogAnalytics, &results).unwrap()).unwrap();
    assert_eq!(answer["tables"][0]["rows"].as_array().unwrap().len(), 4);
    assert_eq!(answer["tables"][1]["name"], "Table_1");
    for format in [Format::Csv, Format::Json, Format::Parquet, Format::Markdown] {
        assert_eq!(written(format, &results).unwrap_err().kind(), io::ErrorKind::Unsupported, "{}", format.name());
    }
}

#[test]
fn nothing_at_all_is_valid_output() {
    assert_eq!(written(Format::LogAnalytics, &[]).unwrap(), b"{\"tables\":[]}\n");
    assert_eq!(written(Format::Json, &[]).unwrap(), b"[]\n");
    assert!(serde_json::from_slice::<serde_json::Value>(&written(Format::KustoV2, &[]).unwrap()).is_ok());
}

#[test]
fn json_nests_dynamics() {
    let lines = text(Format::JsonLines);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["dynamic"]["a"][0], 1);
    assert_eq!(first["long"].to_string(), "9007199254740993");
    assert_eq!(lines.lines().count(), 2);
    let array: serde_json::Value = serde_json::from_str(&text(Format::Json)).unwrap();
    assert_eq!(array[1]["string"], "");
}

#[test]
fn kusto_frames_stand_one_on_each_line_in_a_json_array() {
    let answer = text(Format::KustoV2);
    let frames: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(frames[1]["TableKind"], "PrimaryResult");
    assert_eq!(frames[1]["Rows"][0][3]["a"][0], 1);
    assert_eq!(frames[2]["FrameType"], "DataSetCompletion");
    assert!(answer.lines().nth(1).unwrap().starts_with(",{\"FrameType\":\"DataTable\""));
}

#[test]
fn delimited_rows_are_quoted_or_escaped() {
    let csv = text(Format::Csv);
    assert!(csv.starts_with("bool,datetime,decimal"), "{csv}");
    assert!(csv.contains("\"{\"\"a\"\":[1]}\"") && csv.contains("\"a\"\"b,\n|\""), "{csv}");
    assert!(csv.ends_with("\n,,,,,,,,,\n"), "{csv}");
    assert_eq!(text(Format::Tsv).lines().count(), 3);
}

#[test]
fn markdown_escapes_what_would_end_a_cell() {
    let page = text(Format::Markdown);
    assert!(page.contains("a\"b,<br>\\|"), "{page}");
    assert_eq!(page.lines().count(), 4);
}

#[test]
fn a_drawn_table_fits_and_obeys_no_escape_sequences() {
    let columns = vec![Column::new("a", ScalarType::String), Column::new("n", ScalarType::Long)];
    let long = "\u{1b}[31m".to_string() + &"x".repeat(500);
    let batch = batch(&columns, &[vec![Value::String(long), Value::Long(5)]]);
    let drawn = String::from_utf8(written(Format::Table, &[(columns, vec![batch])]).unwrap()).unwrap();
    assert!(drawn.lines().all(|line| line.chars().count() <= 100), "{drawn}");
    assert!(drawn.contains('…') && drawn.contains('␛') && !drawn.contains('\u{1b}'), "{drawn}");
}

#[test]
fn many_columns_are_drawn_as_records() {
    let drawn = text(Format::Table);
    assert!(drawn.starts_with("─ row 1"), "{drawn}");
    assert!(drawn.contains("guid     │ 74be27de"), "{drawn}");
}

#[test]
fn parquet_keeps_types_and_moments_that_no_timestamp_holds() {
    let columns = columns();
    let at = columns.iter().position(|column| column.scalar_type == ScalarType::DateTime).unwrap();
    let mut far: Vec<Value> = columns.iter().map(|column| some(column.scalar_type)).collect();
    far[at] = Value::DateTime(0);
    let (_, first) = result();
    let second = batch(&columns, &[far]);
    for (batches, is_stamp) in [(vec![first.clone()], true), (vec![first, second], false)] {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        for format in [Format::Parquet, Format::Arrow] {
            let bytes = written(format, &[(columns.clone(), batches.clone())]).unwrap();
            let read: Vec<RecordBatch> = match format {
                Format::Parquet => {
                    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
                        bytes::Bytes::from(bytes),
                    );
                    reader.unwrap().build().unwrap().map(Result::unwrap).collect()
                }
                _ => arrow::ipc::reader::StreamReader::try_new(io::Cursor::new(bytes), None)
                    .unwrap()
                    .map(Result::unwrap)
                    .collect(),
            };
            assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), rows);
            let field = read[0].schema().field(at).clone();
            assert_eq!(field.metadata()["kql.type"], "datetime");
            assert_eq!(matches!(field.data_type(), arrow::datatypes::DataType::Timestamp(..)), is_stamp);
        }
    }
}
