//! `externaldata`: files that a query names itself.

use super::*;

const ADDRESS: &str = "https://example.org/list.csv";

/// Asks a query in a folder with lists, records in `data` and one list outside of it.
fn ask(arguments: &[&str]) -> Run {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(
        data.join("alerts.jsonl"),
        r#"{"TimeGenerated":"2026-01-01T00:00:00Z","AlertName":"A","SystemAlertId":"1"}"#,
    )
    .unwrap();
    fs::write(folder.path().join("secret.txt"), "secret\n").unwrap();
    fs::write(
        folder.path().join("ips.csv"),
        "\u{feff}Address,Score,Seen,More\n\"10.0.0.1\",5,2026-01-01,x\n10.0.0.2,high,,y\n10.0.0.3\n",
    )
    .unwrap();
    fs::write(folder.path().join("lines.txt"), "one, two\n\nthree\n").unwrap();
    fs::write(
        folder.path().join("items.json"),
        r#"[{"Name":"a","Ports":[22, 80]},{"Ports":null,"Name":5}] {"Name":"c"}"#,
    )
    .unwrap();
    fs::write(folder.path().join("bad.json"), "{\"Name\":").unwrap();
    run_in(folder.path(), arguments, "")
}

fn given(file: &str, text: &str) -> Run {
    let pair = format!("{ADDRESS}={file}");
    ask(&["query", text, "--externaldata", &pair, "--format", "log-analytics"])
}

#[test]
fn a_file_stands_for_an_address() {
    let text = format!(
        "externaldata(Address: string, Score: long, Seen: datetime) ['{ADDRESS}?sig=secret'] \
         with (format='csv', ignoreFirstRecord=True) | sort by Address asc"
    );
    let expected =
        json!([["10.0.0.1", 5, "2026-01-01T00:00:00.0000000Z"], ["10.0.0.2", null, null], ["10.0.0.3", null, null]]);
    let found = rows(&given("ips.csv", &text));
    assert_eq!(found, expected);
}

#[test]
fn lines_texts_and_objects_are_read() {
    let list = |columns: &str, format: &str| format!("externaldata({columns}) ['{ADDRESS}'] with (format={format})");
    let check = |file: &str, text: String, expected: Value| assert_eq!(rows(&given(file, &text)), expected, "{text}");
    check("lines.txt", list("Line: string", "'txt'"), json!([["one, two"], ["three"]]));
    check("lines.txt", list("Line: string", "txt, ignorefirstrecord=true"), json!([["three"]]));
    check("lines.txt", list("All: string", "'raw'") + "| project strlen(All)", json!([[16]]));
    let objects = list("Name: string, Ports: dynamic", "'multijson'") + "| project Name, Port = tostring(Ports[1])";
    check("items.json", objects, json!([["a", "80"], ["5", ""], ["c", ""]]));
}

#[test]
fn it_is_a_table_like_others() {
    let list = format!("let L = externaldata(Address: string) ['{ADDRESS}'] with (ignoreFirstRecord=true);");
    let text = format!(
        "{list} print A = '10.0.0.2' | where A in (L) | join kind=inner (L) on $left.A == $right.Address | count"
    );
    assert_eq!(rows(&given("ips.csv", &text)), json!([[1]]));
    let bag = format!(
        "externaldata(D: dynamic) ['{ADDRESS}'] with (format='txt') | project D = bag_pack('k', D) | evaluate bag_unpack(D)"
    );
    assert_eq!(rows(&given("lines.txt", &bag)), json!([["one, two"], ["three"]]));
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let text = |address: &str, with: &str| format!("externaldata(Name: string) ['{address}'] {with}");
    let run = ask(&["query", &text("https://example.org/x.csv?sig=secret", "")]);
    refused(&run, &["AQ042", "reads from https", "--externaldata ADDRESS=PATH"]);
    refused(&ask(&["query", &text("secret.txt", "")]), &["AQ042", "--data FOLDER"]);
    refused(&given("ips.csv", &text(ADDRESS, "with (format='parquet')")), &["AQ001", "the format parquet"]);
    refused(&given("ips.csv", &text(ADDRESS, "with (format='cvs')")), &["AQ023", "did you mean `csv`?"]);
    refused(&given("ips.csv", &text(ADDRESS, "with (zipPattern='*')")), &["AQ001", "`zipPattern`"]);
    refused(&given("bad.json", &text(ADDRESS, "with (format='json')")), &["bad.json", "no JSON"]);
    refused(&given("none.csv", &text(ADDRESS, "")), &["none.csv"]);
}

#[test]
fn a_path_leads_to_files_in_the_data_folders_alone() {
    let text = |path: &str| {
        format!("externaldata(Name: string) [@'{path}'] with (format='txt') | where Name has 'SystemAlertId' | count")
    };
    let ask = |path: &str| ask(&["query", &text(path), "--data", "data", "--format", "log-analytics"]);
    assert_eq!(rows(&ask("alerts.jsonl")), json!([[1]]));
    for path in ["../secret.txt", "none.txt"] {
        refused(&ask(path), &["there is no such file below data", "--externaldata ADDRESS=PATH"]);
    }
}

#[test]
fn the_file_of_an_address_may_stand_in_the_configuration() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("ips.txt"), "10.0.0.1\n").unwrap();
    fs::write(folder.path().join("alertq.toml"), format!("[externaldata]\n\"{ADDRESS}\" = 'ips.txt'\n")).unwrap();
    let text = format!("externaldata(Address: string) ['{ADDRESS}'] with (format='txt')");
    assert_eq!(rows(&run_in(folder.path(), &["query", &text, "--format", "log-analytics"], "")), json!([["10.0.0.1"]]));
    let check = run_in(folder.path(), &["check", "-"], &text);
    assert_eq!(check.status, Some(0), "{}", check.stderr);
    assert!(!check.stdout.contains("AQ042"), "{}", check.stdout);
}
