//! What `set` and `restrict` do to records in files.

use super::*;

const RECORDS: &str = concat!(
    r#"{"TimeGenerated":"2026-01-01T00:00:00Z","AlertName":"A","SystemAlertId":"1"}"#,
    "\n",
    r#"{"TimeGenerated":"2026-01-02T00:00:00Z","AlertName":"B","SystemAlertId":"2"}"#,
    "\n",
    r#"{"TimeGenerated":"2026-01-03T00:00:00Z","AlertName":"C","SystemAlertId":"3"}"#,
    "\n",
);

fn ask(text: &str) -> Run {
    let (folder, _) = folder_with("alerts.jsonl", RECORDS);
    query(folder.path(), "SecurityAlert=alerts.jsonl", text)
}

#[test]
fn a_scope_in_time_holds_for_every_table_and_for_its_ends() {
    let scope = "set query_datetimescope_column = 'TimeGenerated'; \
                 set query_datetimescope_from = datetime(2026-01-02); set query_datetimescope_to = datetime(2026-01-03);";
    let check = |text: &str, expected: Value| assert_eq!(rows(&ask(&format!("{scope} {text}"))), expected, "{text}");
    check("SecurityAlert | project AlertName | sort by AlertName asc", json!([["B"], ["C"]]));
    check("let T = materialize(SecurityAlert); T | count", json!([[2]]));
    check("print toscalar(SecurityAlert | count)", json!([[2]]));
    check("SecurityAlert | summarize b = make_bag(bag_pack(AlertName, 1)) | evaluate bag_unpack(b)", json!([[1, 1]]));
    // Rows of a `datatable` are no records.
    check("datatable(TimeGenerated: datetime)[datetime(2020-01-01)] | count", json!([[1]]));
}

#[test]
fn a_scope_in_time_is_by_a_datetime() {
    let run = ask(
        "set query_datetimescope_column = 'AlertName'; set query_datetimescope_to = datetime(2026-01-03); SecurityAlert",
    );
    refused(&run, &["AQ010", "`AlertName` of `SecurityAlert` is of type string"]);
}

#[test]
fn a_result_has_no_more_rows_than_asked_for() {
    assert_eq!(
        rows(&ask("set query_take_max_records = 2; SecurityAlert | summarize by AlertName | project 1")),
        json!([[1], [1]])
    );
    let run = ask("set truncationmaxrecords = 2; SecurityAlert | project AlertName");
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("`set truncationmaxrecords`"), "{}", run.stderr);
    let run = ask("set truncationmaxrecords = 2; set notruncation; SecurityAlert | count");
    assert_eq!(rows(&run), json!([[3]]));
}

#[test]
fn an_option_that_changes_nothing_is_told_of() {
    let run = ask("set request_app_name = 'portal'; SecurityAlert | count");
    assert_eq!(rows(&run), json!([[3]]));
    assert!(
        run.stderr.contains("AQ007") && run.stderr.contains("`set request_app_name` changes nothing"),
        "{}",
        run.stderr
    );
}

#[test]
fn tables_that_are_not_listed_cannot_be_seen() {
    let mine = "let Mine = view () { SecurityAlert | where AlertName == 'A' }; restrict access to (Mine);";
    assert_eq!(rows(&ask(&format!("{mine} Mine | count"))), json!([[1]]));
    assert_eq!(rows(&ask(&format!("{mine} union * | count"))), json!([[1]]));
    assert_eq!(rows(&ask(&format!("{mine} search 'C' | count"))), json!([[0]]));
    for text in ["SecurityAlert", "database('').SecurityAlert", "table('SecurityAlert')", "Mine | union SecurityAlert"]
    {
        refused(&ask(&format!("{mine} {text}")), &["AQ038", "`SecurityAlert`"]);
    }
    assert_eq!(rows(&ask("restrict access to (database('').*); SecurityAlert | count")), json!([[3]]));
    assert_eq!(rows(&ask("restrict access to (SecurityAlert); union Security* | count")), json!([[3]]));
}

#[test]
fn the_legacy_strategy_takes_64_parts() {
    let count = |number: usize, hint: &str| {
        run(
            &[
                "query",
                &format!("range N from 1 to {number} step 1 | partition {hint} by N (count) | count"),
                "--format",
                "log-analytics",
            ],
            "",
        )
    };
    assert_eq!(rows(&count(64, "")), json!([[64]]));
    assert_eq!(rows(&count(65, "hint.strategy=native")), json!([[65]]));
    let refusal = count(65, "hint.strategy=legacy");
    assert_eq!(refusal.status, Some(2));
    assert!(
        refusal.stderr.contains("more than 64 parts") && refusal.stderr.contains("hint.strategy=native"),
        "{}",
        refusal.stderr
    );
}

#[test]
fn a_query_parameter_may_be_a_table() {
    let (folder, _) = folder_with("hosts.csv", "Host,Size\nweb1,3\nweb2,4\n");
    let text = "declare query_parameters(Hosts: (Host: string)); Hosts | where Host == 'web2' | project Host";
    let run = |data: &str| run_in(folder.path(), &["query", text, "--data", data, "--format", "log-analytics"], "");
    assert_eq!(rows(&run("Hosts=hosts.csv")), json!([["web2"]]));
    refused(&run("Others=hosts.csv"), &["AQ011", "`Hosts` has no records", "--data Hosts=PATH"]);
    let text = "declare query_parameters(Hosts: (Host: long)); Hosts";
    let run = run_in(folder.path(), &["query", text, "--data", "Hosts=hosts.csv"], "");
    refused(&run, &["KS143", "`Host` of the table is of type string"]);
}
