//! Any table written and read again is the same table, value by value and type by type.

use std::sync::{Arc, Mutex};

use alertq::format::{Format, Limits};
use alertq::source::{self, Options};
use alertq::types::arrow::{from_values, schema, value_at};
use alertq::types::{Column, ScalarType, Value, decimal, ticks};
use arrow::array::RecordBatch;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same tables each time: what fails for one person fails for all. Raise both to look further.
const CASES: u32 = 96;
const SEED: u64 = 7;

/// Up to 37 digits before the point and as many behind it; half of the columns have few enough for every reader.
fn decimals() -> impl Strategy<Value = String> {
    prop_oneof!["-?[0-9]{1,20}(\\.[0-9]{1,18})?", "-?[0-9]{1,37}(\\.[0-9]{1,37})?"]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => any::<String>(),
        1 => prop::sample::select(vec!["", " ", "null", "None", "NaN", "\u{0}", "a\r\nb", "\"", "\\", "\u{10ffff}"])
            .prop_map(str::to_string),
    ]
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_string()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        prop::sample::select(vec!["1.50", "-0", "1e400", "12345678901234567890123", "0.1"]).prop_map(str::to_string),
        text().prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    let nested = leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((text(), inner), 0..4).prop_map(|fields| {
                let fields: Vec<_> = fields
                    .into_iter()
                    .enumerate()
                    .map(|(n, (key, value))| format!("{}:{value}", serde_json::Value::from(format!("{n}{key}"))))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    });
    // At the top JSON's null is the null of the type.
    nested.prop_filter("null at the top", |json| json != "null")
}

/// Values of a type, those at its ends among them.
fn value(scalar_type: ScalarType) -> BoxedStrategy<Value> {
    let datetimes = || {
        let ends = [ticks::MIN_DATETIME, ticks::MAX_DATETIME, ticks::UNIX_EPOCH, ticks::UNIX_EPOCH - 1];
        prop_oneof![
            ticks::MIN_DATETIME..=ticks::MAX_DATETIME,
            prop::sample::select(ends.to_vec()),
            ticks::UNIX_EPOCH..ticks::UNIX_EPOCH + 50 * 365 * ticks::TICKS_PER_DAY,
        ]
    };
    let some = match scalar_type {
        ScalarType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        ScalarType::Int => prop_oneof![any::<i32>(), Just(i32::MIN), Just(i32::MAX)].prop_map(Value::Int).boxed(),
        ScalarType::Long => prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)].prop_map(Value::Long).boxed(),
        ScalarType::Real => {
            let special = vec![0.0, -0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::MIN, f64::NAN, f64::INFINITY];
            prop_oneof![any::<f64>(), prop::sample::select(special), Just(f64::NEG_INFINITY)]
                .prop_map(Value::Real)
                .boxed()
        }
        ScalarType::Decimal => decimals().prop_map(|text| Value::Decimal(decimal::parse(&text).unwrap())).boxed(),
        ScalarType::String => text().prop_map(Value::String).boxed(),
        ScalarType::DateTime => datetimes().prop_map(Value::DateTime).boxed(),
        ScalarType::TimeSpan => {
            prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)].prop_map(Value::TimeSpan).boxed()
        }
        ScalarType::Guid => any::<u128>()
            .prop_map(|bits| {
                let hex = format!("{bits:032x}");
                let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
                Value::Guid(parts.join("-"))
            })
            .boxed(),
        ScalarType::Dynamic => json().prop_map(Value::Dynamic).boxed(),
    };
    prop_oneof![1 => Just(Value::missing(scalar_type)), 4 => some].boxed()
}

fn columns() -> Vec<Column> {
    ScalarType::ALL.iter().map(|scalar_type| Column::new(format!("c_{}", scalar_type.name()), *scalar_type)).collect()
}

fn table() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let row: Vec<_> = columns().iter().map(|column| value(column.scalar_type)).collect();
    prop::collection::vec(row, 1..12)
}

/// What is written, so that it can be looked at afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes rows in two batches and reads them again.
fn through(format: Format, ending: &str, rows: &[Vec<Value>]) -> (Vec<Column>, Vec<Vec<Value>>) {
    let columns = columns();
    let bytes = Shared::default();
    let mut writer = format.writer(Box::new(bytes.clone()), Limits::default());
    writer.begin("PrimaryResult", &columns).unwrap();
    for rows in rows.chunks(rows.len().div_ceil(2)) {
        let arrays = columns.iter().enumerate().map(|(index, column)| {
            from_values(column.scalar_type, &rows.iter().map(|row| row[index].clone()).collect::<Vec<_>>())
        });
        writer.write(&RecordBatch::try_new(schema(&columns), arrays.collect()).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("t.{ending}"));
    std::fs::write(&path, &*bytes.0.lock().unwrap()).unwrap();
    let tables = source::open(&path.to_string_lossy(), &Options::default()).unwrap();
    let mut read = Vec::new();
    for batch in tables[0].read() {
        let batch = batch.unwrap();
        read.extend((0..batch.num_rows()).map(|row| {
            let cells = tables[0].columns.iter().zip(batch.columns());
            cells.map(|(column, array)| value_at(array, row, column.scalar_type)).collect::<Vec<_>>()
        }));
    }
    (tables[0].columns.clone(), read)
}

/// Reals are compared by their bits: -0 is not 0, and NaN is itself.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        _ => a == b,
    }
}

fn check(format: Format, ending: &str, rows: &[Vec<Value>]) -> Result<(), TestCaseError> {
    let (found, read) = through(format, ending, rows);
    prop_assert_eq!(&found, &columns(), "types by {}", format.name());
    prop_assert_eq!(read.len(), rows.len());
    for (wanted, found) in rows.iter().flatten().zip(read.iter().flatten()) {
        prop_assert!(same(wanted, found), "{}: {wanted:?} became {found:?}", format.name());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        rng_seed: RngSeed::Fixed(SEED),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn through_parquet(rows in table()) {
        check(Format::Parquet, "parquet", &rows)?;
    }

    #[test]
    fn through_the_answer_of_the_query_api(rows in table()) {
        check(Format::LogAnalytics, "json", &rows)?;
    }

    /// JSON lines do not tell the types; where they are known, the values are the same.
    #[test]
    fn through_json_lines(rows in table()) {
        let (found, read) = through(Format::JsonLines, "jsonl", &rows);
        prop_assert_eq!(read.len(), rows.len());
        for (at, column) in columns().iter().enumerate() {
            let Some(place) = found.iter().position(|other| other.name == column.name) else {
                // No record has a value of it.
                prop_assert!(rows.iter().all(|row| row[at] == Value::missing(column.scalar_type)));
                continue;
            };
            if found[place].scalar_type == column.scalar_type {
                for (wanted, found) in rows.iter().zip(&read) {
                    prop_assert!(same(&wanted[at], &found[place]), "{:?} became {:?}", wanted[at], found[place]);
                }
            }
        }
    }
}
