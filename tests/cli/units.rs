//! Times in Parquet files of every unit, alone and side by side, answer as the records that they were made of.

use super::*;

/// Exports of one table: times that are whole microseconds, times that are not, and such as no nanoseconds hold.
fn exports() -> TempDir {
    let line = |file: &str, n: u32, time: &str, more: &str| {
        format!("{{\"Id\":\"{file}{n}\",\"At\":\"{time}\",\"N\":{n}{more}}}\n")
    };
    let times = [
        (
            "a",
            ["2026-06-01T00:00:00Z", "2026-06-01T00:00:00.000001Z", "2026-06-03T10:00:00.5Z", "1600-01-01T00:00:00Z"],
        ),
        ("b", ["2026-06-01T00:00:00Z", "2026-06-01T00:00:00.0000001Z", "2026-06-02T10:00:00.1234567Z", ""]),
        ("c", ["0001-01-01T00:00:00Z", "2026-06-01T00:00:00.0000011Z", "9999-12-31T23:59:59.9999999Z", ""]),
    ];
    let text = |(file, times): (&str, [&str; 4])| -> String {
        let more = if file == "b" { ",\"Only\":\"b\"" } else { "" };
        times.iter().zip(0..).map(|(time, n)| line(file, n, time, more)).collect()
    };
    let named = times.map(|file| (format!("in/{}.jsonl", file.0), text(file)));
    let list: Vec<(&str, String)> = named.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    files(&list)
}

const QUERIES: [&str; 12] = [
    "T | sort by Id asc | project Id, At, Only",
    "T | where At >= datetime(2026-06-01T00:00:00.0000001Z) | sort by Id asc | project Id",
    "T | where At > datetime(2026-06-01) | sort by Id asc | project Id",
    "T | where At < datetime(2026-06-01T00:00:00.0000005Z) | sort by Id asc | project Id",
    "T | where At <= datetime(2026-06-01T00:00:00.000001Z) | sort by Id asc | project Id",
    "T | where At == datetime(2026-06-01T00:00:00.0000011Z) | project Id",
    "T | where At == datetime(2026-06-01T00:00:00.000001Z) | project Id",
    "T | where At != datetime(2026-06-01) | sort by Id asc | project Id",
    "T | where At between (datetime(2026-06-01) .. datetime(2026-06-02T10:00:00.1234567Z)) | sort by Id asc | project Id",
    "T | where isnull(At) or Only == 'b' | sort by Id asc | project Id, Only",
    "T | summarize min(At), max(At), count(), dcount(At)",
    "T | summarize arg_max(At, *) by Only | sort by Only asc",
];

#[test]
fn every_unit_answers_as_the_records_do() {
    let folder = exports();
    for name in ["a", "b", "c"] {
        let (from, to) = (format!("T=in/{name}.jsonl"), format!("out/{name}.parquet"));
        fs::create_dir_all(folder.path().join("out")).unwrap();
        assert_eq!(convert(&folder, &[&from, "--out", &to]).status, Some(0));
    }
    for query in QUERIES {
        // The first of several files must not decide how the others are read.
        for files in [["a"].as_slice(), &["b"], &["c"], &["a", "b", "c"], &["c", "b", "a"], &["b", "a"]] {
            let ask = |form: &str, ending: &str| {
                let data = files.iter().map(|name| format!("T={form}/{name}.{ending}"));
                let data: Vec<String> = data.flat_map(|spec| ["--data".to_string(), spec]).collect();
                let mut arguments = vec!["query", query, "--format", "log-analytics"];
                arguments.extend(data.iter().map(String::as_str));
                run_in(folder.path(), &arguments, "")
            };
            let (records, converted) = (ask("in", "jsonl"), ask("out", "parquet"));
            if !query.contains("Only") || files.contains(&"b") {
                assert_eq!(rows(&converted), rows(&records), "{query} of {files:?}");
            }
        }
    }
}

/// All files of one conversion have their times in the same unit, so that readers of folders find one type.
#[test]
fn files_of_all_days_have_one_unit() {
    let folder = exports();
    let arguments = ["T=in/b.jsonl", "--out", "out/", "--partition-by", "day"];
    let text = fs::read_to_string(folder.path().join("in/b.jsonl")).unwrap().replace("\"At\"", "\"TimeGenerated\"");
    fs::write(folder.path().join("in/b.jsonl"), text).unwrap();
    assert_eq!(convert(&folder, &arguments).status, Some(0));
    let mut types = Vec::new();
    for file in listed(&folder.path().join("out")) {
        types.push(type_of(&folder.path().join("out").join(file), "TimeGenerated"));
    }
    assert_eq!(types.len(), 3);
    assert!(types.iter().all(|found| found == "Timestamp(ns, \"UTC\")"), "{types:?}");
}

/// Who reads with Spark says so, and is told what it costs.
#[test]
fn times_can_be_cut_to_microseconds() {
    let folder = exports();
    let run = convert(&folder, &["T=in/", "--out", "x.parquet", "--times", "micros"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("4 datetimes cut to microseconds"), "{}", run.stderr);
    assert_eq!(type_of(&folder.path().join("x.parquet"), "At"), "Timestamp(µs, \"UTC\")");
    let text = "T | where Id in ('b1', 'b2', 'c2') | sort by Id asc | project At";
    let cut = ["2026-06-01T00:00:00.0000000Z", "2026-06-02T10:00:00.1234560Z", "9999-12-31T23:59:59.9999990Z"];
    assert_eq!(found(&folder, "x.parquet", text), json!([[cut[0]], [cut[1]], [cut[2]]]));
}

fn type_of(file: &Path, column: &str) -> String {
    let file = fs::File::open(file).unwrap();
    let builder = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    builder.schema().field_with_name(column).unwrap().data_type().to_string()
}
