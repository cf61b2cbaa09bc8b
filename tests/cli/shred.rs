//! Hot parts of JSON columns beside the text: nothing but time tells that they are there.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use alertq::bind;
use alertq::catalog::{Catalog, TableInfo};
use alertq::engine::{self, Session, TableData};
use alertq::format::{ParquetOptions, ParquetWriter, Writer};
use alertq::plan::Plan;
use alertq::plan::rewrite::rewrite;
use alertq::syntax;
use alertq::types::arrow::{from_values, schema, value_at};
use alertq::types::{Column, ScalarType, Value as Cell};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{TempDir, alert, convert, files, found, json, listed, refused, run_in};

/// Texts that are read as JSON in some way or none.
const ENTITIES: &[&str] = &[
    r#"[{"$id":"1","HostName":"WS-1","Type":"host"},{"$id":"2","Name":"eve","Host":{"$ref":"1"},"Type":"account"}]"#,
    "[ {\r\n \"Type\" : \"ip\" ,\t\"Address\":\"10.0.0.1\", \"Location\": { \"CountryCode\" : \"NL\" } } , { } ]",
    r#"[{"Type":"process","CommandLine":"a \"b\" \\ c\u0041\n","Host":{"$ref":"1"}},{"Type":"host"}]"#,
    r#"[{"Type":"first","Type":"second"},{"Type":null,"type":"ip","TYPE":"ip"},{"$ref":"1"}]"#,
    r#"[{"Type":7,"Name":1.50},{"Type":true,"Name":[1, 2]},{"Type":{"a": 1},"Name":1e400},{"Type":"","Name":""}]"#,
    r#"[{"T\u0079pe":"host","HostName":"escaped key"},{"Type":"h\u006fst","HostName":"\ud83d\ude00 \ud800"}]"#,
    r#"[null,"host",5,["Type","host"],[{"Type":"host"}],{"Type":"null"},true,{"Type":"a,]}"}]"#,
    r#"{"Type":"host","HostName":"a bag","Location":{"CountryCode":"DE"}}"#,
    r#"{"a":{"Type":"host"},"":{"Type":"ip"}}"#,
    r#"{"":[{"Type":"host"},{"Type":"ip"}]}"#,
    r#"{}"#,
    r#"[]"#,
    " [ ] ",
    "",
    " ",
    "null",
    "7",
    "\"host\"",
    "no json",
    r#"[{"Type":"host"}"#,
    r#"[{"Type":"host"}] x"#,
    r#"[{"Type":"host",}]"#,
    r#"[{"Type":'host'}]"#,
    r#"{"Type":"host"#,
    "[{\"Type\":\"line\nfeed\"}]",
    "\u{c}[{\"Type\":\"host\",\"HostName\":\"form feed\"}]\u{c}",
    "\u{feff}[{\"Type\":\"host\"}]",
    r#"[{"Type":"host","HostName":"日本語 a name that is longer than a view"}]"#,
    r#"[{"Location":{"CountryCode":"US","CountryCode":"GB"},"Location":{"CountryCode":"FR"},"Type":"ip"}]"#,
    r#"[{"Location":[{"CountryCode":"US"}],"Type":"ip"},{"Location":"x","Type":"ip"},{"Host":"1","Type":"host"}]"#,
];

const PROPERTIES: &[&str] = &[
    r#"{"DetectionSource":"WindowsDefenderAtp","Alert generation status":"Full alert created"}"#,
    r#"{"DetectionSource":"a\u0062c","Client IP Address":"10.0.0.1","Query Period":"01:00:00"}"#,
    r#"{"DetectionSource":5,"Alert generation status":null,"Custom Details":"{\"SourceIp\":[\"1.2.3.4\"]}"}"#,
    r#"{"DetectionSource":{"a":[1, 2]},"detectionsource":"lower"}"#,
    r#"{"DetectionSource":"first","DetectionSource":"second"}"#,
    r#" { "DetectionSource" : true , "IncidentId" : "0083" } "#,
    r#"{"DetectionSource":""}"#,
    r#"{"DetectionSource":"null"}"#,
    r#"{"DetectionSource":"cut"#,
    r#"[{"DetectionSource":"in an array"}]"#,
    r#""DetectionSource""#,
    "DetectionSource",
    "",
    "null",
    "{}",
    r#"{"Detection\u0053ource":"escaped"}"#,
    r#"{"DetectionSource":1.50,"Trigger Threshold":12345678901234567890}"#,
];

/// Queries, and whether they read the columns instead of the text.
const QUERIES: &[(&str, bool)] = &[
    ("T | project n, s = tostring(parse_json(Properties).DetectionSource)", true),
    (
        "T | project n, d = parse_json(Properties).DetectionSource, t = gettype(todynamic(Properties).DetectionSource)",
        true,
    ),
    (
        "T | extend P = parse_json(Properties) | summarize Count = count() \
         by a = tostring(P['Alert generation status']), b = tostring(P.DetectionSource)",
        true,
    ),
    ("T | where tostring(parse_json(Properties).DetectionSource) == 'first' | project n, Properties", false),
    ("T | where tostring(parse_json(Properties).DetectionSource) == 'abc' | project n", true),
    ("T | where parse_json(Properties).DetectionSource == '' | project n", true),
    ("T | where tostring(parse_json(Properties).DetectionSource) != 'first' | project n", true),
    ("T | where parse_json(Properties).DetectionSource in ('second', '5', 'WindowsDefenderAtp') | project n", true),
    ("T | where tostring(parse_json(Properties).DetectionSource) in~ ('FIRST') | project n", true),
    ("T | where isnotempty(parse_json(Properties).DetectionSource) | count", true),
    ("T | extend P = parse_json(Properties) | where P.DetectionSource has 'windowsdefenderatp' | project n", true),
    (
        "T | project n, x = toint(parse_json(Properties).DetectionSource) + tolong(parse_json(Properties).IncidentId)",
        true,
    ),
    ("T | project n, x = parse_json(tostring(parse_json(Properties)['Custom Details'])).SourceIp[0]", true),
    ("T | project n, P = parse_json(Properties) | project n, P.DetectionSource, P.Unknown", false),
    ("T | project n, Properties, x = parse_json(Properties).DetectionSource", false),
    ("T | summarize make_set(tostring(parse_json(Properties).DetectionSource)) by s", true),
    ("T | sort by tostring(parse_json(Properties).DetectionSource) asc, n asc | project n", true),
    ("T | top 5 by n | project n, x = parse_json(Properties).DetectionSource", true),
    (
        "T | join kind=inner (T | project n, q = parse_json(Properties)) on n \
         | project n, a = parse_json(Properties).DetectionSource, b = q['Query Period']",
        true,
    ),
    (
        "T | where n < 3 | project n | join kind=rightouter (T) on n \
         | project n1, a = parse_json(Properties).DetectionSource",
        true,
    ),
    (
        "T | join kind=leftouter (T | where n > 4 | project n, Properties, Entities) on n \
         | project n, a = parse_json(Properties).DetectionSource, b = parse_json(Properties1).DetectionSource",
        true,
    ),
    (
        "union (T | where n < 5), (T | where n > 9) | extend d = tostring(parse_json(Properties).DetectionSource) \
         | summarize count() by d",
        true,
    ),
    ("T | summarize arg_max(n, *) by s | project n, x = parse_json(Properties).DetectionSource", false),
    (
        "T | serialize | extend p = prev(tostring(parse_json(Properties).DetectionSource)) | summarize count() by isempty(p)",
        true,
    ),
    ("T | mv-expand E = parse_json(Entities) | project n, a = tostring(E.Type), b = E.HostName, c = E.Name", true),
    (
        "T | mv-expand E = parse_json(Entities) | where tostring(E.Type) == 'host' \
         | summarize Count = count() by HostName = toupper(tostring(E.HostName))",
        true,
    ),
    (
        "T | mv-expand E = parse_json(Entities) | where E.Type == 'ip' | project n, E.Location.CountryCode, E.Address",
        true,
    ),
    ("T | mv-expand E = parse_json(Entities) | where E.Type == '' | project n, tostring(E.HostName)", true),
    ("T | mv-expand E = parse_json(Entities) | where E.Type in ('host', 'ip') | project n, x = E.Type", true),
    ("T | mv-expand E = parse_json(Entities) | where isempty(E.Type) | summarize count() by n", true),
    (
        "T | mv-expand E = parse_json(Entities) | where E.Type has 'host' | project n, a = E.HostName, E.Host['$ref']",
        true,
    ),
    ("T | mv-expand E = todynamic(Entities) limit 2 | project n, E.Type, E['$id']", true),
    ("T | mv-expand E = parse_json(Entities) limit 0 | project n, E.Type", true),
    ("T | extend Entities = parse_json(Entities) | mv-expand Entities | project n, tostring(Entities.Type)", true),
    (
        "T | extend E = parse_json(Entities) | mv-expand E | extend x = tostring(E.Type) | where x == 'host' | count",
        true,
    ),
    ("T | mv-expand E = parse_json(Entities) | project n, E.Type, E.Unknown", false),
    ("T | mv-expand E = parse_json(Entities) | project n, E, E.Type", false),
    ("T | mv-expand bagexpansion=array E = parse_json(Entities) | project n, E.Type", false),
    ("T | mv-expand with_itemindex=i E = parse_json(Entities) | project n, i, E.Type", false),
    ("T | where n > 3 | mv-expand E = parse_json(Entities) | project n, s, Entities, t = E.Type", false),
    (
        "T | mv-apply E = parse_json(Entities) on (where E.Type == 'host' | project h = tostring(E.HostName)) \
         | project n, h",
        true,
    ),
    (
        "T | mv-apply E = parse_json(Entities) on (where E.Type in ('host', 'ip') | summarize c = count() by k = tostring(E.Type)) \
         | project n, k, c",
        true,
    ),
    (
        "T | mv-apply E = parse_json(Entities) on (where E.Type == 'host' | summarize h = make_set(tostring(E.HostName))) \
         | project n, h",
        true,
    ),
    (
        "T | mv-apply E = parse_json(Entities) on (summarize h = make_list_if(tostring(E.HostName), E.Type == 'host', 1)) \
         | project n, h",
        true,
    ),
    (
        "T | mv-expand E = parse_json(Entities) | project n, Kind = tostring(E.Type), Name = tostring(E.HostName) \
         | where Kind in ('host', '') and Name != 'x' | project n, Name",
        true,
    ),
    (
        "T | mv-apply E = parse_json(Entities) on (summarize hosts = countif(E.Type == 'host'), all = count()) \
         | project n, hosts, all",
        true,
    ),
    (
        "let Es = T | where s == 'High' | mv-expand E = parse_json(Entities) \
         | project n, Id = tostring(E['$id']), Kind = tostring(E.Type), Host = tostring(E.HostName), \
           Ref = tostring(E.Host['$ref']), Line = tostring(E.CommandLine); \
         Es | where Kind == 'process' | project n, Ref, Line \
         | join kind=inner (Es | where Kind == 'host' | project n, Id, Host) on n, $left.Ref == $right.Id \
         | summarize Processes = count(), C = countif(Line has 'c') by Host",
        true,
    ),
    (
        "T | where n < 9 | project n | join kind=rightouter (T | where n > 4 | project m = n, Entities) on $left.n == $right.m \
         | mv-expand E = parse_json(Entities) | project n, m, E.Type",
        true,
    ),
    (
        "T | join kind=leftouter (T | where n > 4 | project n, Texts = Entities) on n \
         | mv-expand E = parse_json(Texts) | project n, E.Type",
        true,
    ),
    (
        "T | mv-expand E = parse_json(Entities) | mv-expand F = parse_json(Entities) | summarize count() by a = tostring(E.Type), b = tostring(F.Type)",
        false,
    ),
    ("union T, (T | where n > 100) | mv-expand E = parse_json(Entities) | summarize count() by tostring(E.Type)", true),
    (
        "T | mv-expand E = parse_json(Entities) | where n in ((T | where tolong(parse_json(Properties).DetectionSource) == 5 | project n)) | project n, E.Type",
        true,
    ),
    ("T | project n, tostring(parse_json(Entities)[0].Type), x = parse_json(Entities)[3].Location.CountryCode", true),
    (
        "T | extend E = todynamic(Entities) | where E[1].Type == 'account' or E[0].Type has 'host' | project n, E[0].Name",
        true,
    ),
    ("T | project n, parse_json(Entities)[0].Type, parse_json(Entities)[-1].Type, parse_json(Entities).Type", false),
    (
        "let M = materialize(T | mv-expand E = parse_json(Entities) | project n, k = tostring(E.Type)); M | join M on n | summarize count() by k, k1",
        false,
    ),
    ("T | getschema | project ColumnName", false),
    ("T | project n, a = bag_keys(pack_all())", false),
    ("search in (T) 'host' | summarize count()", false),
    ("T | project-away n | getschema | count", false),
    ("T | count", false),
];

fn columns() -> Vec<Column> {
    let text = |name: &str| Column::new(name, ScalarType::String);
    vec![Column::new("n", ScalarType::Long), text("s"), text("Entities"), text("ExtendedProperties")]
}

/// Rows of the texts, each with another one.
fn records(entities: &[String], properties: &[String]) -> RecordBatch {
    let count = entities.len().max(properties.len());
    let text = |texts: &[String], row: usize| Cell::String(texts[row % texts.len()].clone());
    let arrays = vec![
        from_values(ScalarType::Long, &(0..count).map(|n| Cell::Long(n as i64)).collect::<Vec<_>>()),
        from_values(
            ScalarType::String,
            &(0..count).map(|n| Cell::String(["High", "Low"][n % 2].into())).collect::<Vec<_>>(),
        ),
        from_values(ScalarType::String, &(0..count).map(|row| text(entities, row)).collect::<Vec<_>>()),
        from_values(ScalarType::String, &(0..count).map(|row| text(properties, row)).collect::<Vec<_>>()),
    ];
    RecordBatch::try_new(schema(&columns()), arrays).unwrap()
}

/// Writes rows in small groups.
fn write(path: &Path, batch: &RecordBatch, shred: bool) {
    let options = ParquetOptions { row_group_rows: 7, shred, ..ParquetOptions::default() };
    let mut writer = ParquetWriter::onto(File::create_new(path).unwrap(), options);
    writer.begin("T", &columns()).unwrap();
    writer.write(&batch.slice(0, batch.num_rows() / 2)).unwrap();
    writer.write(&batch.slice(batch.num_rows() / 2, batch.num_rows() - batch.num_rows() / 2)).unwrap();
    writer.finish().unwrap();
}

fn plan(query: &str) -> Plan {
    let query = query.replace("Properties", "ExtendedProperties");
    let mut catalog = Catalog::new();
    catalog.add(TableInfo { name: "T".into(), columns: columns(), ..TableInfo::default() });
    let parsed = syntax::parse(&query);
    let bound = bind::bind(&parsed.query, &catalog, &bind::Options::default());
    let faults: Vec<_> = parsed.problems.into_iter().chain(bound.problems).chain(bound.refusals).collect();
    rewrite(bound.plan.unwrap_or_else(|| panic!("{query}: {faults:?}")))
}

fn session(paths: &[&Path]) -> Session {
    let files = paths.iter().map(|path| path.to_path_buf()).collect();
    Session { partitions: 2, batch_size: 5, ..Session::new() }.table("T", columns(), TableData::Parquet { files })
}

/// Returns the rows, in some order.
fn answer(query: &str, paths: &[&Path]) -> Vec<String> {
    let plan = plan(query);
    let mut rows = Vec::new();
    let outputs = engine::run(&plan, &session(paths)).unwrap_or_else(|error| panic!("{query}: {error}"));
    for (output, result) in outputs.into_iter().zip(&plan.results) {
        for batch in output {
            let batch = batch.unwrap_or_else(|error| panic!("{query}: {error}"));
            let value = |row: usize| {
                let columns = result.node.columns.iter().enumerate();
                columns.map(|(at, c)| value_at(batch.column(at), row, c.scalar_type)).collect::<Vec<_>>()
            };
            rows.extend((0..batch.num_rows()).map(|row| format!("{:?}", value(row))));
        }
    }
    rows.sort();
    rows
}

/// Tells whether a query reads columns, and no text.
fn reads_columns(query: &str, paths: &[&Path]) -> bool {
    let physical = engine::explain(&plan(query), &session(paths)).unwrap();
    // What files give, under whichever names, and what rows are chosen by.
    let scans = physical.lines().filter_map(|line| line.split_once("projection=[")).map(|(_, read)| read);
    let mut read = scans.flat_map(|read| read.split(", ")).map(|read| read.split(" as ").next().unwrap_or(read));
    let is_text = |read: &str| {
        let read = read.replace("_shred_Entities", "").replace("_shred_ExtendedProperties", "");
        read.contains("Entities") || read.contains("ExtendedProperties")
    };
    physical.contains("_shred_") && !read.any(is_text)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

struct Pair {
    folder: TempDir,
}

impl Pair {
    fn new(batch: &RecordBatch) -> Pair {
        let pair = Pair { folder: TempDir::new().unwrap() };
        write(&pair.plain(), batch, false);
        write(&pair.shredded(), batch, true);
        pair
    }

    fn plain(&self) -> std::path::PathBuf {
        self.folder.path().join("plain.parquet")
    }

    fn shredded(&self) -> std::path::PathBuf {
        self.folder.path().join("shredded.parquet")
    }

    fn agrees(&self, query: &str) {
        assert_eq!(answer(query, &[&self.shredded()]), answer(query, &[&self.plain()]), "{query}");
    }
}

#[test]
fn each_query_has_the_same_answer() {
    let pair = Pair::new(&records(&strings(ENTITIES), &strings(PROPERTIES)));
    let mut wrong = Vec::new();
    for (query, fast) in QUERIES {
        pair.agrees(query);
        if reads_columns(query, &[&pair.shredded()]) != *fast {
            wrong.push(*query);
        }
        assert!(!reads_columns(query, &[&pair.plain()]), "{query}");
    }
    assert!(wrong.is_empty(), "read otherwise:\n{}", wrong.join("\n"));
}

/// A table that stands twice in a query is read once, though each place wants parts that the other does not.
#[test]
fn places_with_much_in_common_share_a_scan() {
    let pair = Pair::new(&records(&strings(ENTITIES), &strings(PROPERTIES)));
    let shared = |query: &str| {
        pair.agrees(query);
        let physical = engine::explain(&plan(query), &session(&[&pair.shredded()])).unwrap();
        physical.matches("SharedExec: reader").count()
    };
    let entities = "let E = T | where s == 'High' | mv-expand e = parse_json(Entities) \
                    | project n, s, Kind = tostring(e.Type), Host = tostring(e.HostName), Line = tostring(e.CommandLine)";
    let join = "E | where Kind == 'host' | project n, s, Host \
                | join kind=fullouter (E | where Kind == 'process' | project n, s, Line) on n, s | project n, n1, Host, Line";
    assert_eq!(shared(&format!("{entities}; {join}")), 2);
    let apart = "union (T | where s == 'High' | summarize c = count() by t = Entities), \
                 (T | where s == 'High' | summarize c = count() by t = Properties)";
    assert_eq!(shared(apart), 0);
    // Other rows are another scan.
    let rows = "union (T | where s == 'High' | project n, Entities), (T | where s == 'Low' | project n, Entities)";
    assert_eq!(shared(rows), 0);
}

#[test]
fn strings_without_escapes_are_found_in_the_file() {
    let properties = ["{\"DetectionSource\":\"a\"}", "{\"DetectionSource\":\"b\\u0020\"}", "{}"];
    let query = |value: &str| format!("T | where parse_json(Properties).DetectionSource == {value} | project n");
    let pruned = |pair: &Pair, value: &str| {
        let physical = engine::explain(&plan(&query(value)), &session(&[&pair.shredded()])).unwrap();
        physical.contains("pruning_predicate")
    };
    let pair = Pair::new(&records(&strings(ENTITIES), &strings(&[properties[0], properties[2]])));
    for (value, is_pruned) in [("'a'", true), ("'b'", true), ("''", false), ("'a\\\\b'", false)] {
        pair.agrees(&query(value));
        assert_eq!(pruned(&pair, value), is_pruned, "{value}");
    }
    let pair = Pair::new(&records(&strings(ENTITIES), &strings(&properties)));
    for value in ["'a'", "'b '", "'b'"] {
        pair.agrees(&query(value));
        assert!(!pruned(&pair, value), "{value}");
    }
}

#[test]
fn all_files_must_have_the_column() {
    let batch = records(&strings(ENTITIES), &strings(PROPERTIES));
    let pair = Pair::new(&batch);
    let (more, other) = (pair.folder.path().join("more.parquet"), pair.folder.path().join("other.parquet"));
    write(&more, &batch, true);
    write(&other, &batch, false);
    let (plain, shredded) = (pair.plain(), pair.shredded());
    for (query, fast) in QUERIES {
        let expected = answer(query, &[&plain, &other]);
        assert_eq!(answer(query, &[&shredded, &plain]), expected, "{query}");
        assert_eq!(answer(query, &[&plain, &shredded]), expected, "{query}");
        assert_eq!(answer(query, &[&shredded, &more]), expected, "{query}");
        assert!(!reads_columns(query, &[&shredded, &plain]), "{query}");
        assert_eq!(reads_columns(query, &[&shredded, &more]), *fast, "{query}");
    }
}

/// Writes the rows of a file anew, as another tool would: texts changed, all columns and metadata kept.
fn rewritten(from: &Path, to: &Path, maker: &str) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(from).unwrap()).unwrap();
    let metadata = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap();
    let kept = metadata.into_iter().filter(|pair| pair.key != "ARROW:schema").collect();
    let properties =
        WriterProperties::builder().set_created_by(maker.into()).set_key_value_metadata(Some(kept)).build();
    let schema = builder.schema().clone();
    let mut writer = ArrowWriter::try_new(File::create_new(to).unwrap(), schema.clone(), Some(properties)).unwrap();
    for batch in builder.build().unwrap() {
        let batch = batch.unwrap();
        let change = |(field, array): (&Arc<arrow::datatypes::Field>, &ArrayRef)| -> ArrayRef {
            match field.name().as_str() {
                "Entities" | "ExtendedProperties" => {
                    let texts = array.as_string::<i32>().iter().map(|text| text.map(|t| t.replace("host", "changed")));
                    Arc::new(texts.collect::<StringArray>())
                }
                _ => array.clone(),
            }
        };
        let arrays = schema.fields().iter().zip(batch.columns()).map(change).collect();
        writer.write(&RecordBatch::try_new(schema.clone(), arrays).unwrap()).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn columns_of_a_file_that_was_written_anew_are_not_relied_on() {
    let pair = Pair::new(&records(&strings(ENTITIES), &strings(PROPERTIES)));
    let query = "T | mv-expand E = parse_json(Entities) | summarize count() by k = tostring(E.Type)";
    for (name, maker) in [("a.parquet", "parquet-cpp-arrow version 1"), ("b.parquet", "alertq 0.1.0")] {
        let path = pair.folder.path().join(name);
        rewritten(&pair.shredded(), &path, maker);
        assert!(!reads_columns(query, &[&path]), "{maker}");
        assert!(answer(query, &[&path]).iter().any(|row| row.contains("changed")), "{maker}");
    }
}

/// JSON and nearly JSON with the keys that are kept, and others.
fn document() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "Type",
        "HostName",
        "$id",
        "Host",
        "$ref",
        "Location",
        "CountryCode",
        "DetectionSource",
        "Query Period",
        "x",
        "",
        "T\\u0079pe",
    ]);
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "7",
        "-0",
        "1.50",
        "1e400",
        "\"host\"",
        "\"ip\"",
        "\"\"",
        "\"null\"",
        "\"a\\\"b\\\\\"",
        "\"\\u0068ost\"",
        "\"\\ud800\"",
        "\"日本語 longer than twelve bytes\"",
        "\"],}\"",
        "host",
        "'host'",
        "\"cut",
        "01",
    ]);
    let leaf = leaf.prop_map(str::to_string);
    let blank = || prop::sample::select(vec!["", "", "", " ", "\r\n", "\u{c}"]);
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let list = prop::collection::vec((blank(), inner.clone()), 0..5).prop_map(|items| {
            format!("[{}]", items.iter().map(|(b, i)| format!("{b}{i}{b}")).collect::<Vec<_>>().join(","))
        });
        let bag = prop::collection::vec((key.clone(), blank(), inner), 0..5).prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(key, b, value)| format!("{b}\"{key}\"{b}:{b}{value}")).collect();
            format!("{{{}}}", members.join(","))
        });
        prop_oneof![list, bag]
    })
}

#[test]
fn any_text_gives_the_same_answer() {
    let config = ProptestConfig { cases: 24, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::default() };
    let documents = || prop::collection::vec(document(), 40);
    let queries: Vec<&str> = QUERIES.iter().filter(|(_, fast)| *fast).map(|(query, _)| *query).collect();
    proptest!(config, |(entities in documents(), properties in documents(), picks in prop::collection::vec(0..queries.len(), 8))| {
        let pair = Pair::new(&records(&entities, &properties));
        picks.iter().for_each(|at| pair.agrees(queries[*at]));
    });
}

#[test]
fn a_column_of_that_name_stays_a_column() {
    let name = "_shred_Entities_Type";
    let more = |n: usize| format!(",\"Entities\":\"[{{\\\"Type\\\":\\\"ip\\\"}}]\",\"{name}\":\"own {n}\"");
    let lines = (0..3).map(|n| alert("2026-01-01T00:00:00Z", &n.to_string(), &more(n))).collect();
    let folder = files(&[("a.jsonl", lines)]);
    assert_eq!(convert(&folder, &["a.jsonl", "--out", "a.parquet", "--shred"]).status, Some(0));
    let text =
        format!("SecurityAlert | mv-expand E = parse_json(Entities) | project {name}, tostring(E.Type) | take 1");
    assert_eq!(found(&folder, "a.parquet", &text), json!([["own 0", "ip"]]));
}

#[test]
fn parts_are_found_by_the_page_and_have_no_ends() {
    let lines = (0..3).map(|n| alert("2026-01-01T00:00:00Z", &n.to_string(), r#","Entities":"[{\"Type\":\"ip\"}]""#));
    let folder = files(&[("a.jsonl", lines.collect())]);
    assert_eq!(convert(&folder, &["a.jsonl", "--out", "a.parquet", "--shred"]).status, Some(0));
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    let footer = reader.parse_and_finish(&File::open(folder.path().join("a.parquet")).unwrap()).unwrap();
    let (columns, offsets) = (footer.row_group(0).columns(), &footer.offset_index().unwrap()[0]);
    let parts = columns.iter().map(|column| column.column_path().string().starts_with("_shred_"));
    assert!(parts.clone().any(|part| part));
    for ((column, part), offsets) in columns.iter().zip(parts).zip(offsets) {
        assert_eq!(column.statistics().is_none(), part, "{}", column.column_path());
        assert_eq!(offsets.page_locations.len(), 1, "{}", column.column_path());
    }
}

#[test]
fn nobody_sees_the_columns() {
    let more = ",\"Entities\":\"[{\\\"Type\\\":\\\"ip\\\"}]\",\"ExtendedProperties\":\"{\\\"State\\\":\\\"Open\\\"}\"";
    let lines = (0..3).map(|n| alert("2026-01-01T00:00:00Z", &n.to_string(), more)).collect();
    let folder = files(&[("a.jsonl", lines)]);
    for shred in [&["--out", "plain/"][..], &["--out", "shredded/", "--shred"]] {
        assert_eq!(convert(&folder, &[&["a.jsonl"], shred].concat()).status, Some(0));
    }
    assert_eq!(listed(&folder.path().join("shredded")), ["SecurityAlert.parquet"]);
    let both = |arguments: &dyn Fn(&str) -> Vec<String>| {
        let run = |file: &str| {
            let arguments = arguments(file);
            let run = run_in(folder.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
            assert_ne!(run.status, Some(2), "{}", run.stderr);
            run.stdout.replace(file, "FILE")
        };
        assert_eq!(run("shredded/SecurityAlert.parquet"), run("plain/SecurityAlert.parquet"));
    };
    let words = |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
    for text in ["SecurityAlert", "SecurityAlert | getschema", "search 'ip'", "union * | project b = pack_all()"] {
        both(&|file| [words("query --data"), vec![file.into(), text.into()]].concat());
    }
    both(&|file| [words("schema --check"), vec![file.into()]].concat());
    both(&|file| [words("schema --infer"), vec![file.into()]].concat());
    both(&|file| [words("convert --format jsonl --out - --quiet"), vec![file.into()]].concat());
    // Whoever converts the file without the option leaves the columns behind.
    assert_eq!(convert(&folder, &["shredded/SecurityAlert.parquet", "--out", "back.parquet"]).status, Some(0));
    let bytes = std::fs::read(folder.path().join("back.parquet")).unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"_shred_"));
}

#[test]
fn what_is_mapped_anew_keeps_its_columns() {
    // No timestamp holds the second moment: what was written before it is written again.
    let lines = ["2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z"].map(|start| {
        let more = format!(",\"StartTime\":\"{start}\",\"Entities\":\"[{{\\\"Type\\\":\\\"ip\\\"}},{{}}]\"");
        let line = |n: usize| alert("2026-01-01T00:00:00Z", &n.to_string(), &more);
        (0..5000).map(line).collect::<String>()
    });
    let folder = files(&[("a.jsonl", lines.concat())]);
    assert_eq!(convert(&folder, &["a.jsonl", "--out", "a.parquet", "--shred"]).status, Some(0));
    let text = "SecurityAlert | mv-expand E = parse_json(Entities) | summarize n = count() by k = tostring(E.Type), StartTime \
                | sort by StartTime asc, k asc";
    let (early, late) = ("0001-01-01T00:00:00.0000000Z", "2026-01-01T00:00:00.0000000Z");
    let expected = json!([["", early, 5000], ["ip", early, 5000], ["", late, 5000], ["ip", late, 5000]]);
    assert_eq!(found(&folder, "a.parquet", text), expected);
}

#[test]
fn a_converted_folder_is_made_again_with_the_option() {
    let folder = files(&[("in/a.jsonl", alert("2026-01-01T00:00:00Z", "1", ",\"Entities\":\"[]\""))]);
    assert_eq!(convert(&folder, &["in/", "--out", "t/"]).status, Some(0));
    let run = convert(&folder, &["in/", "--out", "t/", "--shred"]);
    assert!(!run.stderr.contains("already"), "{}", run.stderr);
    assert!(convert(&folder, &["in/", "--out", "t/", "--shred"]).stderr.contains("already"));
}

#[test]
fn other_formats_have_no_place_for_columns_beside() {
    let folder = files(&[("a.jsonl", alert("2026-01-01T00:00:00Z", "1", ""))]);
    refused(&convert(&folder, &["a.jsonl", "--out", "a.csv", "--shred"]), &["--shred", "csv", "--format parquet"]);
}
