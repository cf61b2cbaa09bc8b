//! Records leave the house: nothing that identifies goes with them, and queries find what they found.

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Two alerts and their incident, as an export has them: names in columns, in JSON, in JSON within JSON and in prose.
const ALERTS: &str = r#"{"Type":"SecurityAlert","TenantId":"5b1f8f8e-1111-4c5d-9a70-000000000001","TimeGenerated":"2026-01-01T08:00:00Z","SystemAlertId":"7a2f8f8e-2222-4c5d-9a70-000000000002","AlertName":"Suspicious sign-in of Zofia Kubiak","AlertSeverity":"High","ProductName":"Azure Sentinel","AlertType":"5b1f8f8e-1111-4c5d-9a70-000000000001_9c2f8f8e-3333-4c5d-9a70-000000000003","CompromisedEntity":"pay-srv7.corp.kontor.com","Description":"Zofia.Kubiak@kontor.com signed in to PAY-SRV7 from 20.41.7.9, and to pay-srv7.corp.kontor.com.","ExtendedProperties":"{\"User Name\":\"KONTOR\\\\zofia.kubiak\",\"Client Location\":\"Gdansk\",\"Custom Details\":\"{\\\"Cost Centre\\\":[\\\"Falkenau 4711\\\"]}\"}","Entities":"[{\"$id\":\"2\",\"HostName\":\"pay-srv7\",\"DnsDomain\":\"corp.kontor.com\",\"Type\":\"host\"},{\"$id\":\"3\",\"Name\":\"zofia.kubiak\",\"UPNSuffix\":\"kontor.com\",\"Host\":{\"$ref\":\"2\"},\"Type\":\"account\"},{\"$id\":\"4\",\"Address\":\"20.41.7.9\",\"Type\":\"ip\"}]","ResourceId":"/subscriptions/4d1f8f8e-4444-4c5d-9a70-000000000004/resourceGroups/rg-falke/providers/Microsoft.Compute/virtualMachines/pay-srv7","Mystery":"Projekt Falkenau"}
{"Type":"SecurityAlert","TenantId":"5b1f8f8e-1111-4c5d-9a70-000000000001","TimeGenerated":"2026-01-01T09:00:00Z","SystemAlertId":"7a2f8f8e-2222-4c5d-9a70-000000000005","AlertName":"Malware was detected","AlertSeverity":"Low","ProductName":"Azure Security Center","AlertType":"VM_EICAR","CompromisedEntity":"hr-ws9.corp.kontor.com","Description":"A file on hr-ws9 was quarantined","Entities":"[{\"$id\":\"2\",\"HostName\":\"hr-ws9\",\"DnsDomain\":\"corp.kontor.com\",\"Type\":\"host\"},{\"$id\":\"3\",\"Directory\":\"c:\\\\users\\\\zofia.kubiak\\\\downloads\",\"Name\":\"gehalt.xlsm\",\"FileHashes\":[{\"Algorithm\":\"MD5\",\"Value\":\"44d88612fea8a8f36de82e1278abb02f\",\"Type\":\"filehash\"}],\"Type\":\"file\"},{\"$ref\":\"2\"}]"}
"#;
const INCIDENTS: &str = r#"{"Type":"SecurityIncident","TimeGenerated":"2026-01-01T08:05:00Z","IncidentName":"11118f8e-1111-4c5d-9a70-000000000007","IncidentNumber":812,"Title":"Suspicious sign-in of Zofia Kubiak","Severity":"High","Status":"New","AlertIds":["7a2f8f8e-2222-4c5d-9a70-000000000002"],"Owner":{"objectId":"6e2f8f8e-2222-4c5d-9a70-000000000009","email":"olek@kontor.com","assignedTo":"Olek Wisnia","userPrincipalName":"olek@kontor.com"},"Comments":[{"message":"Olek called Zofia about pay-srv7"}],"Labels":[{"labelName":"Falkenau","labelType":"User"}],"AdditionalData":{"alertsCount":1,"tactics":["InitialAccess"]}}
"#;
/// What must not be found in any result, in any case.
const SECRETS: &[&str] = &[
    "zofia",
    "kubiak",
    "kontor",
    "pay-srv7",
    "hr-ws9",
    "falke",
    "gdansk",
    "gehalt",
    "olek",
    "wisnia",
    "20.41.7.9",
    "5b1f8f8e",
    "7a2f8f8e",
    "9c2f8f8e",
    "4d1f8f8e",
    "6e2f8f8e",
    "11118f8e",
    "44d88612",
    "4711",
    "projekt",
];

fn export() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in [
        ("alerts.jsonl", ALERTS),
        ("incidents.jsonl", INCIDENTS),
        ("team.key", KEY),
        ("other.key", "another secret of 20 bytes"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn anonymize(folder: &TempDir, arguments: &[&str]) -> Run {
    run_in(folder.path(), &[&["anonymize", "--key-file", "team.key"], arguments].concat(), "")
}

fn text(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

fn assert_clean(text: &str) {
    let lower = text.to_lowercase();
    for secret in SECRETS {
        assert!(!lower.contains(secret), "{secret} is left in\n{text}");
    }
}

fn answer(folder: &TempDir, data: &[&str], text: &str) -> Value {
    let mut arguments = vec!["query", text, "--format", "log-analytics"];
    data.iter().for_each(|path| arguments.extend(["--data", path]));
    rows(&run_in(folder.path(), &arguments, ""))
}

#[test]
fn nothing_that_identifies_is_left_in_any_format() {
    let folder = export();
    for format in ["jsonl", "json", "csv", "tsv", "parquet", "log-analytics", "markdown", "kusto-v2"] {
        let out = format!("safe.{format}");
        let run = anonymize(&folder, &["alerts.jsonl", "--out", &out, "--format", format]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        if format != "parquet" {
            assert_clean(&text(&folder, &out));
        }
    }
    let all = run_in(folder.path(), &["query", "SecurityAlert", "--data", "safe.parquet"], "").stdout;
    assert_clean(&all);
    assert_eq!(all, run_in(folder.path(), &["query", "SecurityAlert", "--data", "safe.jsonl"], "").stdout);
    let run = anonymize(&folder, &["incidents.jsonl", "--out", "safe-incidents.jsonl"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_clean(&text(&folder, "safe-incidents.jsonl"));
    assert_clean(&run.stderr);
}

#[test]
fn what_identifies_nobody_stays() {
    let folder = export();
    anonymize(&folder, &["alerts.jsonl", "--out", "safe.jsonl"]);
    let kept = "SecurityAlert | project AlertSeverity, ProductName, TimeGenerated, Status, AlertName = split(AlertName, ' ')[0]";
    assert_eq!(answer(&folder, &["safe.jsonl"], kept), answer(&folder, &["alerts.jsonl"], kept));
    let text = text(&folder, "safe.jsonl");
    for part in [
        "VM_EICAR",
        "Malware was detected",
        "signed in to",
        "providers/Microsoft.Compute/virtualMachines/",
        ".xlsm",
        "$ref",
        "c:\\\\\\\\users",
    ] {
        assert!(text.contains(part), "{part} is gone from\n{text}");
    }
}

#[test]
fn joins_hold_within_and_across_files() {
    let folder = export();
    let run = anonymize(&folder, &["alerts.jsonl", "incidents.jsonl", "--out", "safe/"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let (before, after) =
        (["alerts.jsonl", "incidents.jsonl"], ["safe/SecurityAlert.parquet", "safe/SecurityIncident.parquet"]);
    for text in [
        "SecurityAlert | summarize dcount(CompromisedEntity), dcount(SystemAlertId), dcount(TenantId)",
        "SecurityAlert | mv-expand e = todynamic(Entities) | where e.Type == 'host' | extend fqdn = strcat(e.HostName, '.', e.DnsDomain) | where fqdn == CompromisedEntity | count",
        "SecurityAlert | mv-expand e = todynamic(Entities) | extend host = tostring(e.HostName) | where isnotempty(host) and Description contains host | count",
        "SecurityAlert | mv-expand e = todynamic(Entities) | extend a = tostring(e.Address) | where isnotempty(a) and Description has a | count",
        "SecurityAlert | where CompromisedEntity endswith strcat('.', tostring(todynamic(Entities)[0].DnsDomain)) | summarize dcount(tostring(todynamic(Entities)[0].DnsDomain))",
        "SecurityAlert | mv-expand e = todynamic(Entities) | where e.Type == 'account' | extend u = strcat(e.Name, '@', e.UPNSuffix) | where Description contains u | count",
        "SecurityIncident | mv-expand id = AlertIds to typeof(string) | join kind=inner SecurityAlert on $left.id == $right.SystemAlertId | where Title == AlertName | count",
        "SecurityIncident | where tostring(Owner.email) == tostring(Owner.userPrincipalName) | count",
        "SecurityAlert | where AlertType startswith TenantId | count",
        "SecurityAlert | mv-expand e = todynamic(Entities) | where tostring(e.HostName) == tostring(split(ResourceId, '/')[8]) | count",
    ] {
        assert_eq!(answer(&folder, &after, text), answer(&folder, &before, text), "{text}");
    }
}

#[test]
fn the_key_decides_and_nothing_else() {
    let folder = export();
    anonymize(&folder, &["alerts.jsonl", "--out", "a.jsonl"]);
    anonymize(&folder, &["incidents.jsonl", "alerts.jsonl", "--out", "b/", "--format", "jsonl"]);
    assert_eq!(text(&folder, "a.jsonl"), text(&folder, "b/SecurityAlert.jsonl"));
    let run = run_in(folder.path(), &["anonymize", "alerts.jsonl", "--key-file", "other.key", "--out", "c.jsonl"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let hosts = "SecurityAlert | project CompromisedEntity, SystemAlertId";
    assert_ne!(answer(&folder, &["a.jsonl"], hosts), answer(&folder, &["c.jsonl"], hosts));
    let mut command = alertq(folder.path(), &["anonymize", "alerts.jsonl", "--out", "d.jsonl"]);
    let run = finish(command.env("ALERTQ_ANONYMIZE_KEY", KEY).spawn().unwrap(), b"");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(text(&folder, "a.jsonl"), text(&folder, "d.jsonl"));
}

#[test]
fn a_key_that_is_missing_short_or_seen_is_refused() {
    let folder = export();
    fs::write(folder.path().join("short.key"), "fifteen letters\n").unwrap();
    let with =
        |more: &[&str]| run_in(folder.path(), &[&["anonymize", "alerts.jsonl", "--out", "x.jsonl"], more].concat(), "");
    refused(&with(&[]), &["there is no key", "--key-file", "openssl rand"]);
    refused(&with(&["--key-file", "short.key"]), &["too short", "16 bytes"]);
    refused(&with(&["--key-file", "none.key"]), &["none.key", "cannot be read"]);
    refused(&with(&["--key", KEY]), &["command line", "--key-file"]);
    assert!(!folder.path().join("x.jsonl").exists());
}

#[test]
fn what_cannot_be_read_is_told_without_being_shown() {
    let folder = export();
    let bad = format!("{ALERTS}{{\"Type\":\"SecurityAlert\",\"IsIncident\":\"zofia\"}}\n{{\"kontor\n");
    fs::write(folder.path().join("bad.jsonl"), bad).unwrap();
    let run = anonymize(&folder, &["bad.jsonl", "missing.jsonl", "--out", "safe.jsonl"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("missing.jsonl") && run.stderr.contains("2 records could not be read"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("line 3"), "{}", run.stderr);
    assert_clean(&run.stderr);
    assert_clean(&text(&folder, "safe.jsonl"));
    refused(&anonymize(&folder, &["missing.jsonl", "--out", "safe.jsonl"]), &["missing.jsonl"]);
}

#[test]
fn a_name_that_is_left_fails_and_leaves_no_file() {
    let folder = export();
    let alert = r#"{"Type":"SecurityAlert","SystemAlertId":"7a2f8f8e-2222-4c5d-9a70-000000000002","AlertName":"x","AlertType":"Falke_Rule","CompromisedEntity":"falke"}"#;
    fs::write(folder.path().join("alerts.jsonl"), alert).unwrap();
    let run = anonymize(&folder, &["alerts.jsonl", "--out", "safe.jsonl"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("SecurityAlert.AlertType, record 1: a name is left") && run.stderr.contains("--replace"),
        "{}",
        run.stderr
    );
    assert_clean(&run.stderr);
    assert!(!folder.path().join("safe.jsonl").exists());
    fs::write(folder.path().join("names.txt"), "falke_rule\n").unwrap();
    let run = anonymize(&folder, &["alerts.jsonl", "--out", "safe.jsonl", "--replace", "names.txt"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_clean(&text(&folder, "safe.jsonl"));
    let run = anonymize(&folder, &["alerts.jsonl", "--out", "kept.jsonl", "--keep", "AlertType"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(text(&folder, "kept.jsonl").contains("Falke_Rule"));
}

#[test]
fn what_became_of_each_column_is_told() {
    let folder = export();
    let run = anonymize(&folder, &["alerts.jsonl", "--out", "safe.jsonl", "--report", "report.json"]);
    assert!(run.stderr.contains("SecurityAlert: 2 rows") && run.stderr.contains("Mystery"), "{}", run.stderr);
    let report: Value = serde_json::from_str(&text(&folder, "report.json")).unwrap();
    let columns = report[0]["columns"].as_array().unwrap();
    let of = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap();
    assert_eq!(of("CompromisedEntity")["replaced"], 2);
    assert_eq!(
        of("AlertSeverity"),
        &json!({"name": "AlertSeverity", "treatment": "safe", "values": 2, "replaced": 0, "kept": 2})
    );
    assert_eq!(of("AlertName")["kept"], 1);
    assert_eq!(of("Mystery")["treatment"], "unknown");
    assert_clean(&text(&folder, "report.json"));
    let policy = run_in(folder.path(), &["anonymize", "--policy"], "");
    assert!(policy.status == Some(0) && policy.stdout.contains("compromisedentity"), "{}", policy.stdout);
}

#[test]
fn names_that_are_ordinary_words_are_replaced_in_sentences() {
    let folder = export();
    let alert = r#"{"Type":"SecurityAlert","SystemAlertId":"7a2f8f8e-2222-4c5d-9a70-000000000002","AlertName":"Sign-in to gateway","Description":"The gateway was used","CompromisedEntity":"gateway"}"#;
    fs::write(folder.path().join("alerts.jsonl"), alert).unwrap();
    let run = anonymize(&folder, &["alerts.jsonl", "--out", "safe.jsonl"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("1 names are ordinary words"), "{}", run.stderr);
    assert!(!text(&folder, "safe.jsonl").contains("gateway"));
}

#[test]
fn the_sample_in_every_form_comes_out_without_its_names() {
    let folder = export();
    for (table, file) in [("SecurityAlert", "a.csv"), ("SecurityAlert", "a.parquet"), ("SecurityIncident", "i.json")] {
        let made = run_in(folder.path(), &["sample", "--rows", "200", "--table", table, "--out", file], "");
        assert_eq!(made.status, Some(0), "{}", made.stderr);
        let out = format!("safe-{file}.jsonl");
        let run = anonymize(&folder, &[file, "--out", &out]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let lower = text(&folder, &out).to_lowercase();
        for secret in ["harbor", "haddad", "srv-0", "ws-0", "amira", "rg-web", "payments"] {
            assert!(!lower.contains(secret), "{secret} is left of {file}");
        }
        let check = run_in(folder.path(), &["schema", "--check", &out], "");
        assert_eq!(check.status, Some(0), "{}", check.stdout);
    }
}

#[test]
fn a_sample_in_the_shape_of_an_export_has_none_of_its_names() {
    let folder = export();
    let run = run_in(folder.path(), &["sample", "--like", "alerts.jsonl", "--rows", "300", "--out", "like.jsonl"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let made = text(&folder, "like.jsonl");
    assert_clean(&made);
    assert_eq!(made.lines().count(), 300);
    let shares = "SecurityAlert | summarize n = count() by ProductName, AlertSeverity | order by ProductName asc";
    let wanted = json!([["Azure Security Center", "Low", 150], ["Azure Sentinel", "High", 150]]);
    assert_eq!(answer(&folder, &["like.jsonl"], shares), wanted);
    let check = run_in(folder.path(), &["schema", "--check", "like.jsonl"], "");
    assert_eq!(check.status, Some(0), "{}", check.stdout);
    let again = run_in(folder.path(), &["sample", "--like", "alerts.jsonl", "--rows", "300"], "");
    assert_eq!(again.stdout, made);
    let wrong = ["sample", "--like", "alerts.jsonl", "--table", "SecurityIncident"];
    refused(&run_in(folder.path(), &wrong, ""), &["no records of SecurityIncident"]);
    let wrong = [&wrong[..], &["--out", "folder/"]].concat();
    refused(&run_in(folder.path(), &wrong, ""), &["no records of SecurityIncident"]);
}

#[test]
fn incidents_in_the_shape_of_an_export_are_of_the_alerts_and_have_none_of_its_names() {
    let folder = export();
    fs::create_dir(folder.path().join("export")).unwrap();
    for name in ["alerts.jsonl", "incidents.jsonl"] {
        fs::copy(folder.path().join(name), folder.path().join("export").join(name)).unwrap();
    }
    let sample = |like: &[&str], more: &[&str]| {
        let like = like.iter().flat_map(|path| ["--like", path]);
        let arguments: Vec<&str> = ["sample"].into_iter().chain(like).chain(more.iter().copied()).collect();
        let run = run_in(folder.path(), &arguments, "");
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        run.stdout
    };
    sample(&["export"], &["--rows", "200", "--format", "jsonl", "--out", "like/"]);
    let data = ["like/SecurityAlert.jsonl", "like/SecurityIncident.jsonl"];
    let (alerts, incidents) = (text(&folder, data[0]), text(&folder, data[1]));
    assert_clean(&alerts);
    assert_clean(&incidents);
    assert_eq!((alerts.lines().count(), incidents.lines().count()), (200, 100));
    let joined = "SecurityIncident | mv-expand id = AlertIds to typeof(string) | join kind=inner SecurityAlert on \
                  $left.id == $right.SystemAlertId | where Title == AlertName and TimeGenerated > TimeGenerated1 \
                  | summarize n = count() by Severity, Status, tactic = tostring(AdditionalData.tactics[0]), \
                  owned = isnotempty(Owner.email), comments = array_length(Comments)";
    assert_eq!(answer(&folder, &data, joined), json!([["High", "New", "InitialAccess", true, 1, 100]]));
    let check = run_in(folder.path(), &["schema", "--check", data[1]], "");
    assert_eq!(check.status, Some(0), "{}", check.stdout);
    // Two files are as good as their folder, and one table can be had alone.
    let only = ["--rows", "200", "--table", "SecurityIncident"];
    assert_eq!(sample(&["alerts.jsonl", "incidents.jsonl"], &only), incidents);
    // Without the alerts there are incidents too.
    let alone = sample(&["incidents.jsonl"], &["--rows", "30"]);
    assert_eq!(alone.lines().count(), 30);
    assert_clean(&alone);
}

#[test]
fn an_original_is_not_written_over() {
    let folder = export();
    refused(&anonymize(&folder, &["alerts.jsonl", "--out", "alerts.jsonl"]), &["alerts.jsonl", "would be lost"]);
    let like = ["sample", "--like", "alerts.jsonl", "--out", "alerts.jsonl"];
    refused(&run_in(folder.path(), &like, ""), &["alerts.jsonl", "would be lost"]);
    fs::create_dir(folder.path().join("export")).unwrap();
    let export = folder.path().join("export/SecurityAlert.parquet");
    assert_eq!(
        run_in(folder.path(), &["sample", "--rows", "3", "--out", export.to_str().unwrap()], "").status,
        Some(0)
    );
    let into_itself = ["sample", "--like", "export/", "--out", "export/"];
    refused(&run_in(folder.path(), &into_itself, ""), &["SecurityAlert.parquet", "would be lost"]);
    assert_eq!(text(&folder, "alerts.jsonl"), ALERTS);
}

#[test]
fn records_of_an_export_that_cannot_be_read_do_not_count_and_are_not_shown() {
    let folder = export();
    fs::write(folder.path().join("bad.jsonl"), format!("{ALERTS}{{\"AlertName\":\"Zofia\n")).unwrap();
    let run = run_in(folder.path(), &["sample", "--like", "bad.jsonl"], "");
    assert_eq!((run.status, run.stdout.lines().count()), (Some(1), 2), "{}", run.stderr);
    assert!(run.stderr.contains("1 records of the export could not be read"), "{}", run.stderr);
    assert_clean(&run.stderr);
}
