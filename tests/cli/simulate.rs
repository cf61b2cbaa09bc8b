//! `alertq simulate`.

use super::*;

const RULE: &str = "id: 2f9e4f3a-5a0f-4b2c-8d0e-3b1f6a1d0098\nkind: Scheduled\nname: Severe alerts\ndescription: d\n\
    severity: High\nqueryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\ntactics: [Impact]\n\
    query: |\n  SecurityAlert\n  | where AlertSeverity == 'High'\n  | project TimeGenerated, CompromisedEntity\n\
    entityMappings:\n- entityType: Host\n  fieldMappings: [{identifier: HostName, columnName: CompromisedEntity}]\n";

fn simulate(folder: &Path, more: &[&str]) -> Run {
    let period = ["simulate", "--from", "2026-06-10", "--to", "2026-06-12"];
    run_in(folder, &[&period, more].concat(), "")
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join("rules").join(name), text).unwrap();
    }
    folder
}

#[test]
fn what_rules_raise_becomes_tables_that_queries_read() {
    let folder = folder(&[("severe.yaml", RULE)]);
    let run = simulate(folder.path(), &["--rules", "rules", "--out", "run"]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Severe alerts"), "{}", run.stdout);
    let text = "SecurityAlert | where ProviderName == 'ASI Scheduled Alerts'
        | join kind=inner (SecurityIncident | mv-expand id = AlertIds to typeof(string)) on $left.SystemAlertId == $right.id
        | summarize alerts = count(), titles = dcount(Title)";
    let counted = rows(&query(folder.path(), "run", text));
    assert!(counted[0][0].as_i64().unwrap() > 3, "{counted}");
    assert_eq!(counted[0][1], 1);
    // The same again gives the same rows, ids included.
    let again = simulate(folder.path(), &["--rules", "rules", "--out", "again", "--threads", "3"]);
    assert_eq!(again.status, Some(0));
    for table in ["SecurityAlert", "SecurityIncident"] {
        let read = |out: &str| rows(&query(folder.path(), out, &format!("{table} | sort by TimeGenerated asc")));
        assert_eq!(read("run"), read("again"), "{table}");
    }
}

#[test]
fn the_summary_says_what_each_rule_did_and_what_was_assumed() {
    let folder = folder(&[("severe.yaml", RULE), ("fusion.yaml", "kind: Fusion\nname: Correlation\n")]);
    let run = simulate(folder.path(), &["--rules", "rules", "--format", "json", "--create-incidents", "none"]);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let rule = |name: &str| json["rules"].as_array().unwrap().iter().find(|r| r["rule"] == name).unwrap().clone();
    assert_eq!(rule("Severe alerts")["runs"], 49);
    assert_eq!(rule("Severe alerts")["alerts"], rule("Severe alerts")["incidents"]);
    assert_eq!(rule("Correlation")["note"], "Microsoft keeps what it does: not replayed");
    assert_eq!(json["assumed"]["window"], "half-open");
    assert_eq!(json["incidents"], rule("Severe alerts")["incidents"]);
}

/// What a rule would do that is read in part is not known: neither it runs, nor what is on where no rule says anything.
#[test]
fn a_rule_that_is_read_in_part_is_left_out_and_nothing_takes_its_place() {
    let mine = "kind: MicrosoftSecurityIncidentCreation\nname: Mine\nproductFilter: Azure Security Center\ndisplayNamesFilter: brute\n";
    let severity = RULE.replace("severity: High", "severity: Hgh").replace("Severe alerts", "Slip");
    for (creation, slip) in [(mine.to_string(), true), (format!("{mine}  :\n"), false)] {
        let folder = folder(&[("a.yaml", RULE), ("b.yaml", &severity), ("c.yaml", &creation)]);
        let run = simulate(folder.path(), &["--rules", "rules", "--format", "json"]);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        let told =
            ["b.yaml:5:11", "c.yaml:", "'Slip' is left out"].into_iter().chain(slip.then_some("'Mine' is left out"));
        for part in told {
            assert!(run.stderr.contains(part), "'{part}' is missing in\n{}", run.stderr);
        }
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((json["rules"].as_array().map(Vec::len), &json["creation_rules"]), (Some(1), &json!([])), "{json}");
    }
}

#[test]
fn a_broken_rule_does_not_stop_the_others() {
    let unbound = RULE.replace("AlertSeverity ==", "Severty ==").replace("Severe alerts", "Unbound");
    let absent =
        RULE.replace("  SecurityAlert\n", "  SigninLogs\n  | extend AlertSeverity = '', CompromisedEntity = ''\n");
    let folder = folder(&[
        ("a.yaml", "kind: Scheduled\nname: [\n"),
        ("b.yaml", &unbound.replace("0098", "0096")),
        ("c.yaml", &absent.replace("Severe alerts", "Without data").replace("0098", "0097")),
        ("d.yaml", RULE),
    ]);
    let run = simulate(folder.path(), &["--rules", "rules", "--format", "json"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    for part in ["a.yaml:", "b.yaml:13:11", "Severty", "there is no data for the table SigninLogs"] {
        assert!(run.stderr.contains(part), "'{part}' is missing in\n{}", run.stderr);
    }
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let alerts: Vec<_> =
        json["rules"].as_array().unwrap().iter().map(|rule| rule["alerts"].as_u64().unwrap() > 0).collect();
    assert_eq!(alerts, [false, false, true]);
}

#[test]
fn the_report_is_one_page_that_needs_nothing_from_elsewhere() {
    let folder = folder(&[("severe.yaml", &RULE.replace("Severe alerts", "<b>Severe & alerts</b>"))]);
    let run = simulate(folder.path(), &["--rules", "rules", "--report", "report.html"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert_eq!(page.matches("<rect").count(), 3, "a bar for each day");
    assert!(page.contains("<h2 id=\"rule0\">&lt;b&gt;Severe &amp; alerts&lt;/b&gt;</h2>"), "{page}");
    for part in ["http:", "https:", "src=", "<script", "@import"] {
        assert!(!page.contains(part), "{part}");
    }
}

#[test]
fn wrong_periods_are_refused() {
    let folder = folder(&[]);
    let run = run_in(folder.path(), &["simulate", "--from", "2026-06-12", "--to", "2026-06-10"], "");
    refused(&run, &["the period ends before it begins"]);
}

/// An alert of Defender for Cloud makes the row that was observed for such a one (2023), field by field.
///
/// By nature differ from workspace to workspace: IncidentName, IncidentNumber and ProviderIncidentId (drawn or counted by the workspace),
/// RelatedAnalyticRuleIds (the workspace's own rule), and the times of writing.
#[test]
fn an_observed_incident_comes_of_its_alert() {
    let folder = folder(&[]);
    let title = "Traffic from addresses that ought to be blocked";
    let alert = json!({
        "TenantId": "5f0c1de2-1111-4222-8333-444455556666",
        "TimeGenerated": "2026-03-18T23:52:09.9567351Z",
        "DisplayName": title, "AlertName": title, "AlertSeverity": "Low", "Description": "Inbound traffic was seen.",
        "ProviderName": "Azure Security Center", "ProductName": "Azure Security Center", "VendorName": "Microsoft",
        "SystemAlertId": "0a1b2c3d-4e5f-5a6b-8c7d-8e9f0a1b2c3d",
        "StartTime": "2026-03-17T00:00:00Z", "EndTime": "2026-03-17T00:00:00Z", "Status": "New", "Tactics": "PreAttack",
        "Type": "SecurityAlert",
    });
    fs::write(folder.path().join("alerts.jsonl"), alert.to_string()).unwrap();
    let workspace = "/subscriptions/11112222-3333-4444-8555-666677778888/resourceGroups/rg-soc/providers/\
                     Microsoft.OperationalInsights/workspaces/harbor";
    let run = run_in(
        folder.path(),
        &[
            "simulate",
            "--data",
            "alerts.jsonl",
            "--from",
            "2026-03-18",
            "--to",
            "2026-03-19",
            "--workspace",
            workspace,
            "--first-incident",
            "4711",
            "--out",
            "run",
            "--out-format",
            "jsonl",
        ],
        "",
    );
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let row: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("run/SecurityIncident.jsonl")).unwrap()).unwrap();
    let url = row["IncidentUrl"].as_str().unwrap();
    let expected = json!({
        "TenantId": "5f0c1de2-1111-4222-8333-444455556666",
        "TimeGenerated": "2026-03-18T23:52:09.9567351Z",
        "IncidentName": row["IncidentName"],
        "Title": title,
        "Description": "Inbound traffic was seen.",
        "Severity": "Low",
        "Status": "New",
        "Classification": "", "ClassificationComment": "", "ClassificationReason": "",
        "Owner": {"objectId": null, "email": null, "assignedTo": null, "userPrincipalName": null},
        "ProviderName": "Azure Sentinel",
        "ProviderIncidentId": "4711",
        "FirstActivityTime": "2026-03-17T00:00:00.0000000Z",
        "LastActivityTime": "2026-03-17T00:00:00.0000000Z",
        "FirstModifiedTime": null,
        "LastModifiedTime": "2026-03-18T23:52:09.9567351Z",
        "CreatedTime": "2026-03-18T23:52:09.9567351Z",
        "ClosedTime": null,
        "IncidentNumber": 4711,
        "RelatedAnalyticRuleIds": ["90586451-7ba8-4c1e-9904-7d1b7c3cc4d6"],
        "AlertIds": ["0a1b2c3d-4e5f-5a6b-8c7d-8e9f0a1b2c3d"],
        "BookmarkIds": [], "Comments": [], "Tasks": [], "Labels": [],
        "IncidentUrl": format!("https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident{workspace}/providers/Microsoft.SecurityInsights/Incidents/{}", row["IncidentName"].as_str().unwrap()),
        "AdditionalData": {"alertsCount": 1, "bookmarksCount": 0, "commentsCount": 0,
            "alertProductNames": ["Azure Security Center"], "tactics": ["PreAttack"], "techniques": []},
        "ModifiedBy": "Incident created from alert",
        "SourceSystem": "Azure",
        "Type": "SecurityIncident",
    });
    assert!(url.ends_with(row["IncidentName"].as_str().unwrap()));
    assert_eq!(row, expected);
}

#[test]
fn what_cannot_be_meant_is_said() {
    let never = RULE.replace("queryFrequency: 1h", "queryFrequency: 0m").replace("0098", "0097");
    let folder = folder(&[("severe.yaml", RULE), ("never.yaml", &never)]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    refused(&simulate(folder.path(), &["--rules", "empty"]), &["no rule was found there"]);
    let run = simulate(folder.path(), &["--rules", "rules"]);
    assert!(run.stdout.contains("never runs: its queryFrequency is nothing"), "{}", run.stdout);
    let long_ago = ["simulate", "--rules", "rules", "--from", "2020-01-01", "--to", "2020-01-02"];
    let run = run_in(folder.path(), &long_ago, "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("no record lies in the period: they are from 20"), "{}", run.stderr);
}

/// Finds a browser that can be asked without a window.
fn browser() -> Option<&'static str> {
    let there =
        |name: &&str| std::process::Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success());
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| there(name))
}

/// Looks at a page: how many bars there are and are drawn within their chart, the same of words, colours of bars, what is
/// asked from elsewhere, whether it fits the window, whether it is night, the least contrast of words and of bars, and
/// which elements the tabulator key reaches.
const MEASURE: &str = "<script>\
    const inside = rect => { const b = rect.getBoundingClientRect(), s = rect.ownerSVGElement.getBoundingClientRect(); \
        return b.width > 0 && b.height > 0 && b.left >= s.left - 1 && b.right <= s.right + 1 && b.top >= s.top - 1 && \
        b.bottom <= s.bottom + 1; };\
    const parts = text => text.match(/[0-9.]+/g).map(Number);\
    const light = text => { const [r, g, b] = parts(text).map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : \
        ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };\
    const behind = light(getComputedStyle(document.body).backgroundColor);\
    const contrast = colour => { const l = light(colour); return (Math.max(l, behind) + 0.05) / (Math.min(l, behind) + 0.05); };\
    const least = (what, name) => Math.min(...[...document.querySelectorAll(what)].map(e => contrast(getComputedStyle(e)[name])));\
    const bars = [...document.querySelectorAll('rect')], words = [...document.querySelectorAll('text')];\
    const colours = new Set(bars.map(bar => getComputedStyle(bar).fill));\
    const keys = [...document.querySelectorAll('a, summary, [tabindex]')].filter(e => e.tabIndex >= 0);\
    document.body.dataset.seen = JSON.stringify({bars: bars.length, drawn: bars.filter(inside).length, \
        words: words.filter(inside).length, colours: colours.size, asked: performance.getEntriesByType('resource').length, \
        fits: document.documentElement.scrollWidth <= innerWidth, night: matchMedia('(prefers-color-scheme: dark)').matches, \
        contrast: Math.min(least('h1, h2, p, a, td, th, caption, summary', 'color'), least('text', 'fill')), \
        barContrast: least('rect', 'fill'), keys: keys.map(e => e.tagName).join(' '), \
        labelled: [...document.querySelectorAll('svg')].every(e => e.getAttribute('aria-labelledby').split(' ')\
            .every(id => document.getElementById(id)))});\
    </script></body>";

/// What a browser makes of the page, by day and by night: every bar is drawn within its chart, in colour, nothing is asked
/// from elsewhere, words and bars can be told from what is behind them, and keys reach all that can be used.
#[test]
#[allow(clippy::disallowed_macros, reason = "a test that is left out says so")]
fn the_report_is_a_page_that_a_browser_draws() {
    let Some(browser) = browser() else {
        eprintln!("not tested: no browser is installed (Debian: apt-get install chromium)");
        return;
    };
    let folder = folder(&[("severe.yaml", RULE)]);
    let run = simulate(folder.path(), &["--rules", "rules", "--report", "report.html"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    let (bars, words) = (page.matches("<rect").count(), page.matches("<text").count());
    assert!(bars >= 3 && words >= 3, "{page}");
    // The page has no script; the copy that is looked at measures itself.
    let copy = folder.path().join("measured.html");
    fs::write(&copy, page.replace("</body>", MEASURE)).unwrap();
    for (night, more) in [(false, None), (true, Some("--force-dark-mode"))] {
        let output = std::process::Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1000,800"])
            .args(more)
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg("--dump-dom")
            .arg(format!("file://{}", copy.display()))
            .output()
            .unwrap();
        let dom = String::from_utf8_lossy(&output.stdout);
        let seen = dom.split("data-seen=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let seen: Value = serde_json::from_str(&seen.replace("&quot;", "\"")).unwrap_or_default();
        let expected = [
            ("bars", json!(bars)),
            ("drawn", json!(bars)),
            ("words", json!(words)),
            ("colours", json!(2)),
            ("asked", json!(0)),
            ("fits", json!(true)),
            ("night", json!(night)),
            ("keys", json!("DIV A SUMMARY")),
            ("labelled", json!(true)),
        ];
        for (name, value) in expected {
            assert_eq!(seen[name], value, "{name}: {seen} {}", String::from_utf8_lossy(&output.stderr));
        }
        for (name, least) in [("contrast", 4.5), ("barContrast", 3.0)] {
            assert!(seen[name].as_f64().is_some_and(|found| found >= least), "{name}: {seen}");
        }
    }
}

/// A folder and a file in it may both be named; two files may say that they are the same rule.
#[test]
fn a_rule_that_is_there_twice_runs_once() {
    let folder = folder(&[("a.yaml", RULE)]);
    let rules = |more: &[&str]| {
        let run = simulate(folder.path(), &[&["--rules", "rules", "--format", "json"], more].concat());
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        (run.status, json["rules"].as_array().map(Vec::len), run.stderr)
    };
    assert_eq!(rules(&["--rules", "rules/a.yaml", "--rules", "./rules"]).1, Some(1));
    fs::write(folder.path().join("rules/b.yaml"), RULE.replace("Severe alerts", "Twin")).unwrap();
    let (status, count, told) = rules(&[]);
    assert_eq!((status, count), (Some(1), Some(1)), "{told}");
    for part in ["AQ543", "rules/a.yaml too", "b.yaml:1:5", "'Twin' is left out"] {
        assert!(told.contains(part), "'{part}' is missing in\n{told}");
    }
}

/// Each row of the folder would be there twice.
#[test]
fn a_folder_with_results_of_another_form_is_refused() {
    let folder = folder(&[("a.yaml", RULE)]);
    let out = |format: &str| simulate(folder.path(), &["--rules", "rules", "--out", "run", "--out-format", format]);
    assert_eq!((out("parquet").status, out("parquet").status), (Some(0), Some(0)));
    refused(&out("jsonl"), &["SecurityAlert.parquet is of another replay", "--out"]);
}

#[test]
fn a_workspace_is_what_rows_can_say_of_it() {
    let folder = folder(&[("a.yaml", RULE)]);
    for (flag, value, told) in [
        ("--workspace", "soc", "is no workspace; say /subscriptions/"),
        ("--workspace-id", "soc", "is no GUID"),
        ("--first-incident", "3000000000", "is not in 1..=2147483647"),
    ] {
        refused(&simulate(folder.path(), &["--rules", "rules", flag, value]), &[told]);
    }
    let resource = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w";
    let flags = ["--rules", "rules", "--workspace", resource, "--workspace-id", "5F0C1DE2-1111-4222-8333-444455556666"];
    assert_eq!(simulate(folder.path(), &flags).status, Some(0));
}

#[test]
fn errors_are_told_where_the_user_wants_quiet() {
    let folder = folder(&[("a.yaml", RULE), ("b.yaml", "kind: [a\n"), ("c.yaml", &format!("{RULE}odd: 1\n"))]);
    let run = simulate(folder.path(), &["-q", "--rules", "rules"]);
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("b.yaml:1:7") && !run.stderr.contains("odd"), "{}", run.stderr);
}

#[test]
fn what_is_not_replayed_is_named() {
    let failing = RULE.replace("0098", "0097").replace("SecurityAlert\n", "NoSuchTable_CL\n");
    let folder = folder(&[("failing.yaml", &failing), ("fusion.yaml", "kind: Fusion\nname: Correlation\n")]);
    let run = simulate(folder.path(), &["--rules", "rules"]);
    let told = "not replayed: rules of kind Fusion; retries of failed runs, and the switching off (AUTO DISABLED)";
    assert!(run.status == Some(1) && run.stdout.contains(told), "{}{}", run.stdout, run.stderr);
    let run = simulate(folder.path(), &["--rules", "rules/fusion.yaml", "--format", "json"]);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["not_replayed"], json!(["rules of kind Fusion"]));
}

/// The query of an alert that stands for one row gives this row.
#[test]
fn the_query_of_an_alert_of_one_row_gives_the_row() {
    let each = format!("{RULE}eventGroupingSettings: {{aggregationKind: AlertPerResult}}\n");
    let folder = folder(&[("each.yaml", &each)]);
    let run = simulate(folder.path(), &["--rules", "rules", "--out", "run", "--create-incidents", "none"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let asked = "SecurityAlert | top 1 by StartTime asc
        | project tostring(parse_json(ExtendedProperties).Query), StartTime, tostring(parse_json(Entities)[0].HostName)";
    let alert = rows(&query(folder.path(), "run", asked))[0].clone();
    let event = rows(&query(
        folder.path(),
        "run",
        &format!("{}\n| project TimeGenerated, CompromisedEntity", alert[0].as_str().unwrap()),
    ));
    assert_eq!(event.as_array().map(Vec::len), Some(1));
    let moment = |value: &Value| value.as_str().unwrap().trim_end_matches('Z').trim_end_matches('0').to_string();
    assert_eq!(moment(&event[0][0]), moment(&alert[1]));
    assert!(event[0][1].as_str().unwrap().starts_with(alert[2].as_str().unwrap()), "{event} {alert}");
}

#[test]
fn more_rules_than_a_workspace_runs_are_told() {
    let rule = |n: usize| {
        format!("id: 2f9e4f3a-5a0f-4b2c-8d0e-3b1f6a1d{n:04}\nkind: NRT\nname: n\nseverity: Low\nquery: SecurityAlert\n")
    };
    let rules: Vec<String> = (0..51).map(rule).collect();
    let folder = folder(&[("many.yaml", &rules.join("---\n"))]);
    let period = ["simulate", "--from", "2020-01-01", "--to", "2020-01-01", "--rules", "rules"];
    let run = run_in(folder.path(), &period, "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("51 rules of kind NRT are enabled: a workspace runs 50 at most"), "{}", run.stderr);
}
