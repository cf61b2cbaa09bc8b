//! Every format of one small result that has every type, and its nulls.

use std::io;
use std::sync::{Arc, Mutex};

use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use ::parquet::file::metadata::PageIndexPolicy;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::datatypes::TimeUnit::{Microsecond, Nanosecond};

use crate::types::arrow::{from_values, schema, value_at};
use crate::types::{Column, ScalarType, Value, decimal};

use super::{Format, Limits, ParquetOptions, ParquetWriter, Writer};

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
        ScalarType::Decimal => Value::Decimal(decimal::parse("1.5").unwrap()),
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
fn decimals_in_files_have_the_digits_that_they_need() {
    let columns = [Column::new("d", ScalarType::Decimal)];
    for (texts, held) in [
        (&["1.5", "-99999999999999999999.999999999999999999"][..], DataType::Decimal128(38, 18)),
        (&["1.5", "100000000000000000000"], DataType::Decimal256(decimal::PRECISION, decimal::SCALE)),
        (&["0.0000000000000000001"], DataType::Decimal256(decimal::PRECISION, decimal::SCALE)),
    ] {
        let values: Vec<Value> = texts.iter().map(|text| Value::Decimal(decimal::parse(text).unwrap())).collect();
        let batch = RecordBatch::try_new(schema(&columns), vec![from_values(ScalarType::Decimal, &values)]).unwrap();
        let bytes = written(Format::Parquet, &[(columns.to_vec(), vec![batch])]).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(reader.schema().field(0).data_type(), &held, "{texts:?}");
    }
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

/// Returns what a file or stream holds.
fn read(format: Format, bytes: Vec<u8>) -> Vec<RecordBatch> {
    match format {
        Format::Parquet => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes));
            reader.unwrap().build().unwrap().map(Result::unwrap).collect()
        }
        _ => {
            let reader = arrow::ipc::reader::StreamReader::try_new(io::Cursor::new(bytes), None);
            reader.unwrap().map(Result::unwrap).collect()
        }
    }
}

#[test]
fn the_unit_of_datetimes_is_the_first_that_holds_all_of_a_column() {
    let at = |text: &str| crate::types::ticks::parse_datetime(text).unwrap();
    let (micro, tick) = (at("2025-02-25T09:19:25.123456Z"), at("2025-02-25T09:19:25.1234567Z"));
    let (far, last) = (at("0001-01-01T00:00:00Z"), at("9999-12-31T23:59:59.9999999Z"));
    let zone = || Some("UTC".into());
    let (micros, nanos) = (DataType::Timestamp(Microsecond, zone()), DataType::Timestamp(Nanosecond, zone()));
    for (moments, wanted) in [
        (vec![], &micros),
        (vec![micro, far], &micros),
        (vec![micro, tick], &nanos),
        (vec![tick, far], &DataType::Int64),
        (vec![far, micro, tick], &DataType::Int64),
        (vec![micro, last], &DataType::Int64),
    ] {
        let columns = [Column::new("t", ScalarType::DateTime)];
        let null = vec![Value::Null(ScalarType::DateTime)];
        let rows = moments.iter().map(|moment| vec![Value::DateTime(*moment)]).chain([null]);
        let batches: Vec<RecordBatch> = rows.map(|row| batch(&columns, &[row])).collect();
        for format in [Format::Parquet, Format::Arrow] {
            let read = read(format, written(format, &[(columns.to_vec(), batches.clone())]).unwrap());
            assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), moments.len() + 1);
            let field = read[0].schema().field(0).clone();
            assert_eq!((field.metadata()["kql.type"].as_str(), field.data_type()), ("datetime", wanted));
        }
    }
}

/// Whole row groups are copied as they are, the one in the making goes on, and nothing that helps readers is lost.
#[test]
fn a_unit_that_changes_late_changes_nothing_else() {
    const GROUP: usize = 100;
    let text = |name: &str| Column::new(name, ScalarType::String);
    let moment = |name: &str| Column::new(name, ScalarType::DateTime);
    let columns = [moment("TimeGenerated"), text("SystemAlertId"), moment("EndTime"), text("AlertName")];
    let start = crate::types::ticks::parse_datetime("2025-02-25T09:19:25Z").unwrap();
    let row = |n: i64| {
        // One is fine from the start, one becomes so in the third group, and far in the fifth.
        let end = match n {
            0..250 => start + n * 10,
            250..430 => start + n * 10 + 1,
            _ => n,
        };
        let (id, name) = (Value::String(format!("id-{n}")), Value::String(format!("alert {n}")));
        vec![Value::DateTime(start + n), id, Value::DateTime(end), name]
    };
    let rows: Vec<_> = (0..470).map(row).collect();
    let mut file = tempfile::tempfile().unwrap();
    let options = ParquetOptions { row_group_rows: GROUP, level: 1, shred: false };
    let mut writer = ParquetWriter::onto(file.try_clone().unwrap(), options);
    writer.begin("SecurityAlert", &columns).unwrap();
    rows.chunks(30).for_each(|rows| writer.write(&batch(&columns, rows)).unwrap());
    writer.finish().unwrap();
    drop(writer);
    let mut bytes = Vec::new();
    io::Seek::rewind(&mut file).and_then(|()| io::Read::read_to_end(&mut file, &mut bytes)).unwrap();

    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = ArrowReaderMetadata::load(&bytes::Bytes::from(bytes.clone()), options).unwrap();
    let groups = metadata.metadata().row_groups();
    assert_eq!(groups.iter().map(|group| group.num_rows()).collect::<Vec<_>>(), [100, 100, 100, 100, 70]);
    for group in groups {
        assert!(group.column(1).bloom_filter_offset().is_some());
        assert!(group.columns().iter().all(|column| column.statistics().is_some()));
    }
    let types: Vec<_> = metadata.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!((&types[0], &types[2]), (&DataType::Timestamp(Nanosecond, Some("UTC".into())), &DataType::Int64));

    let path = std::path::Path::new("t.parquet");
    let bytes = crate::source::Bytes::spool(path, &mut &bytes[..]).unwrap();
    let tables = crate::source::open(&bytes.on_disk().to_string_lossy(), &crate::source::Options::default()).unwrap();
    let place = |column: &Column| tables[0].columns.iter().position(|other| other == column).unwrap();
    let places: Vec<usize> = columns.iter().map(place).collect();
    let mut found = Vec::new();
    for batch in tables[0].read_columns(&places) {
        let batch = batch.unwrap();
        found.extend((0..batch.num_rows()).map(|row| {
            let cells = columns.iter().zip(batch.columns());
            cells.map(|(column, array)| value_at(array, row, column.scalar_type)).collect::<Vec<_>>()
        }));
    }
    assert_eq!(found, rows);
}
