//! Names that a query takes from its surroundings.

use super::*;

/// Records as Log Analytics exports them where the query asks for the standard columns too.
const RECORDS: &str = concat!(
    r#"{"TimeGenerated":"2026-01-01T00:00:00Z","AlertName":"A","SystemAlertId":"1","AlertSeverity":"High","#,
    r#""_ItemId":"i1","_TimeReceived":"2026-01-01T00:01:00Z","Ingested":"2026-01-01T00:02:00Z"}"#,
    "\n",
    r#"{"TimeGenerated":"2026-01-02T00:00:00Z","AlertName":"B","SystemAlertId":"2","AlertSeverity":"Low","#,
    r#""_ItemId":"i2","_TimeReceived":"2026-01-02T00:01:00Z","Ingested":"2026-01-02T00:02:00Z","Type":"SecurityAlert"}"#,
    "\n",
);

/// Runs a query over what a project's `alertq.toml` names.
fn ask(folder: &Path, text: &str) -> Run {
    run_in(folder, &["query", text, "--format", "log-analytics"], "")
}

mod standard_columns {
    use super::*;

    fn project(config: &str) -> TempDir {
        let (folder, _) = folder_with("alerts.jsonl", RECORDS);
        fs::write(folder.path().join("alertq.toml"), format!("{config}\n[tables]\nSecurityAlert = 'alerts.jsonl'\n"))
            .unwrap();
        folder
    }

    #[test]
    fn they_show_only_where_they_are_named() {
        let folder = project("");
        let check = |text: &str, expected: Value| assert_eq!(rows(&ask(folder.path(), text)), expected, "{text}");
        let names = "| getschema | where ColumnName startswith '_' | project ColumnName";
        check(&format!("SecurityAlert | where _ItemId == 'i1' {names}"), json!([]));
        check(&format!("SecurityAlert | extend _ItemId {names}"), json!([["_ItemId"]]));
        check(&format!("SecurityAlert | join SecurityAlert on _ItemId {names}"), json!([]));
        check(&format!("union SecurityAlert, (SecurityAlert | where _ItemId == 'i1') {names}"), json!([]));
        check("SecurityAlert | where _ItemId == 'i1' | project AlertName, _ItemId", json!([["A", "i1"]]));
        check("SecurityAlert | summarize max(_TimeReceived) by _ItemId | count", json!([[2]]));
        check("SecurityAlert | where AlertName == 'A' | project bag_has_key(pack_all(), '_ItemId')", json!([[false]]));
        check("SecurityAlert | extend _ItemId = 5 | distinct _ItemId", json!([[5]]));
    }

    #[test]
    fn what_the_records_lack_is_refused_with_the_remedy() {
        let folder = project("");
        let run = ask(folder.path(), "SecurityAlert | where _IsBillable == 'True'");
        refused(&run, &["KS142", "`_IsBillable`", "export records with `| extend _IsBillable`"]);
    }

    #[test]
    fn a_record_without_type_has_its_tables_name() {
        let folder = project("");
        let run = ask(folder.path(), "SecurityAlert | summarize count() by Type");
        assert_eq!(rows(&run), json!([["SecurityAlert", 2]]));
    }

    #[test]
    fn ingestion_time_is_what_a_column_tells() {
        let folder = project("ingestion_time = 'Ingested'");
        let check = |text: &str, expected: Value| assert_eq!(rows(&ask(folder.path(), text)), expected, "{text}");
        check("SecurityAlert | project d = ingestion_time() - TimeGenerated | distinct d", json!([["00:02:00"]]));
        check("SecurityAlert | where ingestion_time() > datetime(2026-01-02) | project AlertName", json!([["B"]]));
        check(
            "union SecurityAlert, SecurityAlert | where ingestion_time() > datetime(2026-01-02) | count",
            json!([[2]]),
        );
        let run = ask(folder.path(), "SecurityAlert | take 1 | project ingestion_time()");
        assert!(run.stdout.contains("$IngestionTime"), "{}", run.stdout);
    }

    #[test]
    fn ingestion_time_that_is_not_known_is_refused() {
        let folder = project("ingestion_time = 'Ingested'");
        for text in [
            "print ingestion_time()",
            "SecurityAlert | project AlertName | where ingestion_time() > ago(1h)",
            "SecurityAlert | join SecurityAlert on AlertName | where ingestion_time() > ago(1h)",
            "union SecurityAlert, (print x = 1) | where ingestion_time() > ago(1h)",
        ] {
            refused(&ask(folder.path(), text), &["AQ017", "do not tell when they were ingested"]);
        }
        let folder = project("");
        let run = ask(folder.path(), "SecurityAlert | where ingestion_time() > ago(1h)");
        refused(&run, &["AQ017", "alertq.toml: ingestion_time = \"IngestedAt\""]);
        // `_TimeReceived` is another moment: it does not stand in.
        refused(&self::run(&["query", "SecurityAlert | where ingestion_time() > ago(1h)"], ""), &["AQ017"]);
    }

    #[test]
    fn checking_needs_no_record_that_tells() {
        let run = self::run(&["check", "-"], "SecurityAlert | where ingestion_time() > ago(1h)");
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""));
        let run = self::run(&["check", "--output-format", "concise", "-"], "SecurityAlert | project _ItemId");
        assert_eq!(run.status, Some(1));
        assert!(run.stdout.contains("KS142"), "{}", run.stdout);
    }
}
