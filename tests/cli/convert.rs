//! Exports become files: which rows, where, and what happens to those that do not fit.

#[path = "faults.rs"]
mod faults;
#[path = "roundtrip.rs"]
mod roundtrip;
#[path = "schema.rs"]
mod schema;
#[path = "shred.rs"]
mod shred;
#[path = "units.rs"]
mod units;

use super::*;

/// Makes an alert's line as data export writes it.
fn alert(time: &str, id: &str, more: &str) -> String {
    format!(
        "{{\"TimeGenerated\":\"{time}\",\"SystemAlertId\":\"{id}\",\"AlertName\":\"A\",\"AlertSeverity\":\"Low\",\
         \"Type\":\"SecurityAlert\"{more}}}\n"
    )
}

fn files(list: &[(&str, String)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in list {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn convert(folder: &TempDir, arguments: &[&str]) -> Run {
    run_in(folder.path(), &[&["convert"], arguments].concat(), "")
}

/// Returns what a query finds in converted files.
fn found(folder: &TempDir, data: &str, text: &str) -> Value {
    rows(&query(folder.path(), data, text))
}

/// Lists the files below a folder, without those of alertq's own.
fn listed(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true if entry.file_name() == "_alertq" => {}
                true => folders.push(path),
                false => names.push(path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/")),
            }
        }
    }
    names.sort();
    names
}

mod what_does_not_fit {
    use super::*;

    #[test]
    fn records_are_set_aside_with_place_column_reason_and_value() {
        let bad = alert("2026-01-01T00:00:00Z", "2", ",\"IsIncident\":\"maybe\"");
        let folder = files(&[("a.jsonl", [&alert("2026-01-01T00:00:00Z", "1", ""), &bad, "{\"x\":\n"].concat())]);
        let run = convert(&folder, &["a.jsonl", "--out", "a.parquet"]);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(
            run.stderr.contains("1 rows, 2 rejected") && run.stderr.contains("a.parquet.rejects"),
            "{}",
            run.stderr
        );
        assert_eq!(found(&folder, "a.parquet", "SecurityAlert | project SystemAlertId"), json!([["1"]]));
        let text = fs::read_to_string(folder.path().join("a.parquet.rejects")).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        let first = &lines[0];
        assert_eq!((&first["path"], &first["line"]), (&json!("a.jsonl"), &json!(2)));
        assert_eq!((&first["column"], &first["value"]), (&json!("IsIncident"), &json!("maybe")));
        assert_eq!(first["text"], bad.trim());
        assert!(first["reason"].as_str().unwrap().contains("is no bool"));
        assert_eq!((&lines[1]["line"], &lines[1]["column"]), (&json!(3), &Value::Null));
        // Once all records fit, nothing says that some did not.
        fs::write(folder.path().join("a.jsonl"), alert("2026-01-01T00:00:00Z", "1", "")).unwrap();
        assert_eq!(convert(&folder, &["a.jsonl", "--out", "a.parquet"]).status, Some(0));
        assert_eq!(listed(folder.path()), ["a.jsonl", "a.parquet"]);
    }

    #[test]
    fn the_file_for_rejects_can_be_named() {
        let folder = files(&[("t.jsonl", "{\"a\":1}\n{\"a\":\n".to_string())]);
        for flag in ["--rejects", "--skip-bad-rows"] {
            let run = convert(&folder, &["t.jsonl", "--out", "t.csv", flag, "bad.jsonl"]);
            assert_eq!(run.status, Some(1), "{}", run.stderr);
            assert_eq!(fs::read_to_string(folder.path().join("t.csv")).unwrap().replace('\r', ""), "a\n1\n");
            assert_eq!(fs::read_to_string(folder.path().join("bad.jsonl")).unwrap().lines().count(), 1);
        }
        assert_eq!(listed(folder.path()), ["bad.jsonl", "t.csv", "t.jsonl"]);
    }

    #[test]
    fn strict_refuses_records_columns_and_files() {
        let good = alert("2026-01-01T00:00:00Z", "1", "");
        let folder = files(&[
            ("bad.jsonl", "{\"a\":1}\n{\"a\":\n".to_string()),
            ("more.jsonl", alert("2026-01-01T00:00:00Z", "1", ",\"Mine\":1")),
            ("good.jsonl", good),
        ]);
        let strict = |inputs: &[&str]| convert(&folder, &[inputs, &["--out", "t.csv", "--strict"]].concat());
        refused(&strict(&["bad.jsonl"]), &["bad.jsonl, line 2"]);
        refused(&strict(&["more.jsonl"]), &["SecurityAlert has no column Mine"]);
        refused(&strict(&["good.jsonl", "missing.jsonl"]), &["missing.jsonl"]);
        assert!(!folder.path().join("t.csv").exists());
        assert_eq!(strict(&["good.jsonl"]).status, Some(0));
    }

    #[test]
    fn values_in_parquet_are_set_aside_too() {
        let folder =
            files(&[("t.jsonl", "{\"IsIncident\":\"no\",\"n\":1}\n{\"IsIncident\":\"true\",\"n\":2}\n".to_string())]);
        assert_eq!(convert(&folder, &["T=t.jsonl", "--out", "t.parquet"]).status, Some(0));
        let run = convert(&folder, &["SecurityAlert=t.parquet", "--out", "u.parquet"]);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert_eq!(found(&folder, "u.parquet", "SecurityAlert | project n"), json!([[2]]));
        let line: Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("u.parquet.rejects")).unwrap()).unwrap();
        assert_eq!((&line["record"], &line["column"], &line["value"]), (&json!(1), &json!("IsIncident"), &json!("no")));
        assert_eq!(line["text"], "{\"IsIncident\":\"no\",\"n\":1}");
    }

    #[test]
    fn unreadable_files_among_good_ones_are_named() {
        let good = alert("2026-01-01T00:00:00Z", "1", "");
        let folder = files(&[("in/a.jsonl", good.clone()), ("in/b.parquet", "PAR1 cut".into()), ("in/c.jsonl", good)]);
        let run = convert(&folder, &["in/", "gone.json", "--out", "t.parquet"]);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains("in/b.parquet") && run.stderr.contains("gone.json"), "{}", run.stderr);
        assert_eq!(found(&folder, "t.parquet", "SecurityAlert | count"), json!([[2]]));
        refused(&convert(&folder, &["in/b.parquet", "--out", "u.parquet"]), &["in/b.parquet"]);
    }

    #[test]
    fn a_file_that_is_damaged_further_on_is_left_out_as_a_whole() {
        let folder =
            files(&[("a.jsonl", (0..50).map(|n| alert("2026-01-01T00:00:00Z", &n.to_string(), "")).collect())]);
        assert_eq!(convert(&folder, &["a.jsonl", "--out", "b.parquet"]).status, Some(0));
        let path = folder.path().join("b.parquet");
        let mut bytes = fs::read(&path).unwrap();
        bytes[8..400].fill(0xff);
        fs::write(&path, bytes).unwrap();
        let run = convert(&folder, &["a.jsonl", "b.parquet", "--out", "c.parquet"]);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains("b.parquet: the Parquet file is damaged"), "{}", run.stderr);
        assert_eq!(found(&folder, "c.parquet", "SecurityAlert | count"), json!([[50]]));
    }
}

mod duplicates {
    use super::*;

    #[test]
    fn records_that_were_exported_twice_are_dropped_and_counted() {
        let with = |id: &str, item: &str| alert("2026-01-01T00:00:00Z", id, &format!(",\"_ItemId\":\"{item}\""));
        let plain = alert("2026-01-01T00:00:00Z", "3", "");
        let text = [with("1", "i1"), with("2", "i1"), plain.clone(), plain].concat();
        let folder = files(&[("a.jsonl", text.clone()), ("b.jsonl", with("1", "i1"))]);
        for (flag, rows, duplicates) in [("--dedupe", 2, 3), ("--dedupe=item-id", 3, 2), ("--dedupe=record", 3, 2)] {
            let run = convert(&folder, &["a.jsonl", "b.jsonl", "--out", "t.parquet", flag]);
            assert_eq!(run.status, Some(0), "{}", run.stderr);
            let told = format!("{rows} rows, 0 rejected, {duplicates} duplicates");
            assert!(run.stderr.contains(&told), "{flag}: {}", run.stderr);
            assert_eq!(found(&folder, "t.parquet", "SecurityAlert | count"), json!([[rows]]));
        }
        let folder = files(&[("a.jsonl", "{\"a\":1}\n".into())]);
        refused(&convert(&folder, &["a.jsonl", "--out", "t.csv", "--dedupe=item-id"]), &["_ItemId", "--dedupe=record"]);
    }

    #[test]
    fn the_latest_version_is_kept() {
        let version = |time: &str, id: &str, status: &str| alert(time, id, &format!(",\"Status\":\"{status}\""));
        let text = [
            version("2026-01-03T00:00:00Z", "a", "Resolved"),
            version("2026-01-01T00:00:00Z", "a", "New"),
            version("2026-01-02T00:00:00Z", "", "New"),
            version("2026-01-02T00:00:00Z", "", "New"),
        ];
        let folder =
            files(&[("a.jsonl", text.concat()), ("b.jsonl", version("2026-01-02T00:00:00Z", "a", "InProgress"))]);
        let run = convert(&folder, &["a.jsonl", "b.jsonl", "--out", "t.jsonl", "--latest"]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains("3 rows, 0 rejected, 2 earlier versions"), "{}", run.stderr);
        let status = found(&folder, "t.jsonl", "SecurityAlert | where SystemAlertId == 'a' | project Status");
        assert_eq!(status, json!([["Resolved"]]));
    }
}

mod folders {
    use super::*;

    fn days() -> TempDir {
        let line =
            |day: u32, hour: u32, id: u32| alert(&format!("2026-01-0{day}T{hour:02}:30:00Z"), &id.to_string(), "");
        files(&[
            ("in/a.jsonl", [line(2, 1, 1), line(1, 5, 2), line(1, 1, 3)].concat()),
            ("in/b.jsonl", [line(2, 1, 4), "{\"Type\":\"SecurityAlert\",\"SystemAlertId\":\"5\"}\n".into()].concat()),
        ])
    }

    fn ids(folder: &TempDir) -> Value {
        found(folder, "out/", "SecurityAlert | order by SystemAlertId asc | project SystemAlertId")
    }

    #[test]
    fn each_day_or_hour_has_a_folder() {
        let folder = days();
        let run = convert(&folder, &["in/", "--out", "out", "--partition-by", "hour"]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let places: Vec<_> = listed(&folder.path().join("out"))
            .iter()
            .map(|path| path.rsplit_once('/').unwrap().0.to_string())
            .collect();
        let wanted = ["2026-01-01/hour=01", "2026-01-01/hour=05", "2026-01-02/hour=01"];
        let mut wanted: Vec<_> = wanted.iter().map(|part| format!("SecurityAlert/day={part}")).collect();
        wanted.push("SecurityAlert/day=__HIVE_DEFAULT_PARTITION__/hour=__HIVE_DEFAULT_PARTITION__".into());
        assert_eq!(places, wanted);
        assert_eq!(ids(&folder), json!([["1"], ["2"], ["3"], ["4"], ["5"]]));
        let run = convert(&days(), &["U=in/", "--out", "out", "--partition-by", "day"]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
    }

    #[test]
    fn new_files_are_added_and_changed_ones_replace_what_they_gave() {
        let folder = days();
        let run = || convert(&folder, &["in/", "--out", "out", "--partition-by", "day"]);
        assert_eq!(run().status, Some(0));
        let before = listed(&folder.path().join("out"));
        let again = run();
        assert!(again.stderr.contains("2 of 2 files are converted already"), "{}", again.stderr);
        assert_eq!(listed(&folder.path().join("out")), before);
        fs::write(folder.path().join("in/c.jsonl"), alert("2026-01-01T00:00:00Z", "6", "")).unwrap();
        assert_eq!(run().status, Some(0));
        assert_eq!(listed(&folder.path().join("out")).len(), before.len() + 1);
        assert_eq!(ids(&folder), json!([["1"], ["2"], ["3"], ["4"], ["5"], ["6"]]));
        fs::write(folder.path().join("in/b.jsonl"), alert("2026-01-04T00:00:00Z", "7", "")).unwrap();
        assert_eq!(run().status, Some(0));
        assert_eq!(ids(&folder), json!([["1"], ["2"], ["3"], ["6"], ["7"]]));
        let other = convert(&folder, &["in/", "--out", "out", "--partition-by", "day", "--dedupe"]);
        assert_eq!(other.status, Some(0), "{}", other.stderr);
        assert_eq!(ids(&folder), json!([["1"], ["2"], ["3"], ["6"], ["7"]]));
    }

    #[test]
    fn a_finished_table_is_not_made_again() {
        let folder = days();
        fs::write(folder.path().join("in/t.csv"), "a,b\n1,2\n").unwrap();
        assert_eq!(convert(&folder, &["in/", "--out", "out/"]).status, Some(0));
        assert_eq!(listed(&folder.path().join("out")), ["SecurityAlert.parquet", "t.parquet"]);
        let again = convert(&folder, &["in/", "--out", "out/"]);
        assert!(again.stderr.contains("all 3 files are converted already"), "{}", again.stderr);
        fs::write(folder.path().join("in/t.csv"), "a,b\n1,2\n3,4\n").unwrap();
        let again = convert(&folder, &["in/", "--out", "out/"]);
        assert!(again.stderr.contains("SecurityAlert.parquet: converted already"), "{}", again.stderr);
        assert_eq!(found(&folder, "out/", "t | count"), json!([[2]]));
        let forced = convert(&folder, &["in/", "--out", "out/", "--force"]);
        assert!(!forced.stderr.contains("already"), "{}", forced.stderr);
    }

    #[test]
    fn an_unreadable_file_is_told_each_time_until_it_is_mended() {
        for arguments in [["--out", "out/"].as_slice(), &["--out", "out/", "--partition-by", "day"]] {
            let folder = days();
            fs::write(folder.path().join("in/c.parquet"), "PAR1 cut").unwrap();
            let run = || convert(&folder, &[&["in/"], arguments].concat());
            for _ in 0..2 {
                let run = run();
                assert_eq!(run.status, Some(1), "{}", run.stderr);
                assert!(run.stderr.contains("in/c.parquet"), "{}", run.stderr);
                assert_eq!(found(&folder, "out/", "SecurityAlert | count"), json!([[5]]));
            }
            fs::remove_file(folder.path().join("in/c.parquet")).unwrap();
            assert_eq!(run().status, Some(0));
            fs::write(folder.path().join("in/c.jsonl"), alert("2026-01-01T00:00:00Z", "6", "")).unwrap();
            assert_eq!(run().status, Some(0));
            assert_eq!(found(&folder, "out/", "SecurityAlert | count"), json!([[6]]));
        }
    }

    #[test]
    fn results_in_the_folder_of_the_exports_are_no_exports() {
        let folder = days();
        for _ in 0..2 {
            assert_eq!(convert(&folder, &[".", "--out", "out/"]).status, Some(0));
            assert_eq!(found(&folder, "out/", "SecurityAlert | count"), json!([[5]]));
        }
    }

    #[test]
    fn without_a_time_there_are_no_days() {
        let folder = files(&[("t.csv", "a,b\n1,2\n".to_string())]);
        let run = convert(&folder, &["t.csv", "--out", "out", "--partition-by", "day"]);
        refused(&run, &["the records of t have no TimeGenerated"]);
        assert!(listed(&folder.path().join("out")).is_empty());
    }

    #[test]
    fn rejects_lie_beside_the_tables() {
        let folder = days();
        fs::write(folder.path().join("in/c.jsonl"), "{\"Type\":\"SecurityAlert\",\"IsIncident\":7}\n").unwrap();
        let run = convert(&folder, &["in/", "--out", "out/"]);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert_eq!(listed(&folder.path().join("out")), ["SecurityAlert.parquet", "_rejects/SecurityAlert.jsonl"]);
        fs::remove_file(folder.path().join("in/c.jsonl")).unwrap();
        assert_eq!(convert(&folder, &["in/", "--out", "out/"]).status, Some(0));
        assert_eq!(listed(&folder.path().join("out")), ["SecurityAlert.parquet"]);
    }
}

#[test]
fn numbers_keep_their_digits() {
    let folder = files(&[("t.jsonl", "{\"a\":18446744073709551615,\"b\":0.12345678901234567890123}\n".to_string())]);
    assert_eq!(convert(&folder, &["T=t.jsonl", "--out", "x.parquet"]).status, Some(0));
    assert_eq!(convert(&folder, &["T=x.parquet", "--out", "y.jsonl"]).status, Some(0));
    let text = fs::read_to_string(folder.path().join("y.jsonl")).unwrap();
    for digits in ["18446744073709551615", "0.12345678901234567890123"] {
        assert!(text.contains(digits), "{text}");
    }
}

#[test]
fn the_name_of_a_table_stays_with_its_file() {
    let folder = files(&[("t.jsonl", "{\"a\":1}\n".to_string())]);
    assert_eq!(convert(&folder, &["Mine=t.jsonl", "--out", "x.parquet"]).status, Some(0));
    assert_eq!(found(&folder, "x.parquet", "Mine | project a"), json!([[1]]));
}

/// A file that goes on otherwise than it began is converted as if all of it had been read before.
#[test]
fn a_late_column_is_not_missed() {
    let first: String =
        (0..12_000).map(|n| format!("{{\"TimeGenerated\":\"2026-06-01T00:00:00Z\",\"Id\":\"{n:0400}\"}}\n")).collect();
    let last = "{\"TimeGenerated\":\"2026-06-02T00:00:00Z\",\"Id\":\"x\",\"Late\":7}\n";
    let other = "{\"Type\":\"Other\",\"TimeGenerated\":\"2026-06-01T00:00:00Z\",\"N\":1}\n".to_string();
    let folder = files(&[("in/T.jsonl", first + last), ("in/o.jsonl", other)]);
    let late = json!([[12_001, 1, "2026-06-02T00:00:00.0000000Z"]]);
    let query = "T | summarize count(), countif(Late == 7), max(TimeGenerated)";
    for (arguments, results) in [
        (&["in/T.jsonl", "--out", "T.parquet"][..], "T.parquet"),
        (&["in/", "--out", "tables/"], "tables/T.parquet"),
        (&["in/", "--out", "tables/", "--force"], "tables/T.parquet"),
        (&["in/", "--out", "days/", "--partition-by", "day"], "T=days/T/"),
    ] {
        let run = convert(&folder, arguments);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let told = run.stderr.matches("T.parquet:").count() + run.stderr.matches("days/T (2 files):").count();
        assert_eq!(told, 1, "{}", run.stderr);
        assert_eq!(found(&folder, results, query), late, "{arguments:?}");
    }
    assert_eq!(found(&folder, "tables/Other.parquet", "Other | project N"), json!([[1]]));
    assert_eq!(fs::read_dir(folder.path().join("days/_alertq/tmp")).unwrap().count(), 0);
}

/// The beginning of a damaged file is not taken for the whole, and the others are converted.
#[test]
fn a_large_file_that_is_cut_off_is_left_out() {
    // Digits that do not repeat: packed, they are no shorter.
    let lines: String = (0..200_000u64)
        .map(|n| format!("{{\"Own\":\"{:016x}{n:016x}\"}}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let folder = files(&[("in/good.jsonl", "{\"Type\":\"Good\",\"N\":1}\n".to_string())]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    fs::write(folder.path().join("in/Bad.jsonl.gz"), &packed[..packed.len() - 1000]).unwrap();
    let run = convert(&folder, &["in/", "--out", "out/"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("gzip stream ends before its end"), "{}", run.stderr);
    assert_eq!(listed(&folder.path().join("out")), ["Good.parquet"]);
    assert_eq!(found(&folder, "out/Good.parquet", "Good | project N"), json!([[1]]));
}

#[test]
fn what_a_filter_refuses_within_a_file_is_told_with_its_place() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("T.jsonl"), "{\"d\": {\"n\": 7}}\n{\"d\": {\"n\": true}}\n").unwrap();
    let made = run_in(folder.path(), &["convert", "T.jsonl", "--out", "T.parquet"], "");
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    let run = run_in(folder.path(), &["query", "--data", "T=T.parquet", "T\n| where d.n > 5\n| project d.n"], "");
    refused(&run, &["AQ001", "true or false", ":2:9"]);
}

#[test]
fn a_quote_that_never_closes_does_not_swallow_the_rest_unseen() {
    let head = "TimeGenerated,SystemAlertId,AlertName\n2026-01-01T00:00:00Z,1,fine\n";
    for (name, end) in
        [("lines", "2026-01-01T00:00:00Z,2,\"A\n2026-01-01T00:00:00Z,3,B\n"), ("cut", "2026-01-01T00:00:00Z,2,\"A")]
    {
        let folder = files(&[("a.csv", format!("{head}{end}"))]);
        let run = convert(&folder, &["a.csv", "--out", "a.parquet"]);
        assert_eq!(run.status, Some(1), "{name}: {}", run.stderr);
        assert_eq!(found(&folder, "a.parquet", "SecurityAlert | project SystemAlertId"), json!([["1"]]), "{name}");
        let rejects = fs::read_to_string(folder.path().join("a.parquet.rejects")).unwrap();
        assert!(rejects.contains("\"line\":3") && rejects.contains("never closes"), "{name}: {rejects}");
    }
    let fine = format!("{head}2026-01-01T00:00:00Z,2,\"two\nlines, \"\"quoted\"\"\"\n2026-01-01T00:00:00Z,3,5\" disk");
    let folder = files(&[("a.csv", fine)]);
    assert_eq!(convert(&folder, &["a.csv", "--out", "a.parquet"]).status, Some(0));
    let names = json!([["fine"], ["two\nlines, \"quoted\""], ["5\" disk"]]);
    assert_eq!(found(&folder, "a.parquet", "SecurityAlert | project AlertName"), names);
}

#[test]
fn records_of_two_tables_in_one_file_are_no_table_of_either() {
    let incident =
        r#"{"Type":"SecurityIncident","TimeGenerated":"2026-01-01T00:00:00Z","IncidentNumber":1,"Title":"t"}"#;
    let folder = files(&[("both.jsonl", alert("2026-01-01T00:00:00Z", "1", "") + incident + "\n")]);
    let run = convert(&folder, &["both.jsonl", "--out", "out/"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("of SecurityAlert and of SecurityIncident"), "{}", run.stderr);
    assert_eq!(listed(&folder.path().join("out")), ["both.parquet"]);
    let wrong = query(folder.path(), "both.jsonl", "SecurityAlert | count");
    assert_eq!(wrong.status, Some(2), "{}", wrong.stdout);
    let by_type = "both | summarize n = count() by Type | order by Type asc";
    assert_eq!(found(&folder, "both.jsonl", by_type), json!([["SecurityAlert", 1], ["SecurityIncident", 1]]));
}

#[test]
fn an_input_is_not_written_over_and_not_left_out_unseen() {
    let line = alert("2026-01-01T00:00:00Z", "1", "");
    let folder = files(&[("a.jsonl", line.clone()), ("out/b.jsonl", line.clone())]);
    refused(&convert(&folder, &["a.jsonl", "--out", "./a.jsonl"]), &["a.jsonl", "would be lost", "--out"]);
    assert_eq!(fs::read_to_string(folder.path().join("a.jsonl")).unwrap(), line);
    let run = convert(&folder, &["a.jsonl", "out/b.jsonl", "--out", "out/"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("out/b.jsonl: the file lies in the folder of the results"), "{}", run.stderr);
    assert_eq!(found(&folder, "out/SecurityAlert.parquet", "SecurityAlert | count"), json!([[1]]));
}

#[test]
fn an_ending_that_says_no_format_is_told() {
    let folder = files(&[("a.jsonl", alert("2026-01-01T00:00:00Z", "1", ""))]);
    for (out, more, told) in [
        ("b.jsonl.gz", &[][..], true),
        ("b.xlsx", &[], true),
        ("b.xlsx", &["--format", "csv"], false),
        ("b", &[], false),
        ("b.parquet", &[], false),
        ("b.d/", &[], false),
    ] {
        let run = convert(&folder, &[&["a.jsonl", "--out", out], more].concat());
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert_eq!(run.stderr.contains("written as parquet; --format"), told, "{out}: {}", run.stderr);
    }
}
