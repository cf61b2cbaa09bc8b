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

/// A folder with files and an `alertq.toml`.
fn project(config: &str, files: &[(&str, &str)]) -> TempDir {
    let (folder, _) = folder_with("alerts.jsonl", RECORDS);
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    files.iter().for_each(|(name, text)| write(name, text));
    write("alertq.toml", config);
    folder
}

const TABLES: &str = "[tables]\nSecurityAlert = 'alerts.jsonl'\n";

mod watchlists {
    use super::*;

    const CONFIG: &str = "[watchlists]\nHosts = 'w/hosts.csv'\nKeyed = { path = 'w/hosts.csv', search_key = 'Host' }\n";
    const HOSTS: (&str, &str) = ("w/hosts.csv", "Host,Ports\nA,0443\nsrv-2,\n");

    #[test]
    fn items_are_rows_of_text() {
        let folder = project(&format!("{CONFIG}{TABLES}"), &[HOSTS]);
        let check = |text: &str, expected: Value| assert_eq!(rows(&ask(folder.path(), text)), expected, "{text}");
        check("_GetWatchlist('Hosts')", json!([["A", "0443"], ["srv-2", ""]]));
        check("let list = 'Hosts'; _GetWatchlist(list) | where isempty(Ports) | project Host", json!([["srv-2"]]));
        check("_GetWatchlist('Keyed') | project SearchKey, Host", json!([["A", "A"], ["srv-2", "srv-2"]]));
        check(
            "SecurityAlert | lookup kind=inner _GetWatchlist('Keyed') on $left.AlertName == $right.SearchKey | project Ports",
            json!([["0443"]]),
        );
        check(
            "SecurityAlert | where AlertName in ((_GetWatchlist('Keyed') | project SearchKey)) | count",
            json!([[1]]),
        );
        check("_GetWatchlistAlias", json!([["Hosts"], ["Keyed"]]));
        check("_GetWatchlistAlias() | where WatchlistAlias startswith 'K' | count", json!([[1]]));
    }

    #[test]
    fn a_flag_gives_one_and_wins() {
        let folder = project(CONFIG, &[HOSTS, ("other.json", r#"[{"Host":"x","Port":7}]"#)]);
        let arguments =
            ["query", "_GetWatchlist('Hosts')", "--watchlist", "Hosts=other.json", "--format", "log-analytics"];
        assert_eq!(rows(&run_in(folder.path(), &arguments, "")), json!([["x", "7"]]));
    }

    #[test]
    fn a_template_of_a_deployment_is_read() {
        let template =
            r#"{"resources":[{"properties":{"itemsSearchKey":"Ip","rawContent":"Ip,Note\r\n10.0.0.1,x\r\n"}}]}"#;
        let folder = project("[watchlists]\nIps = 'ips.json'\n", &[("ips.json", template)]);
        let run = ask(folder.path(), "_GetWatchlist('Ips') | project SearchKey, Note");
        assert_eq!(rows(&run), json!([["10.0.0.1", "x"]]));
    }

    #[test]
    fn what_is_not_known_is_refused_with_the_remedy() {
        let folder = project(CONFIG, &[HOSTS]);
        let run = ask(folder.path(), "_GetWatchlist('Host')");
        refused(&run, &["AQ034", "watchlist `Host`", "did you mean `Hosts`?", "--watchlist Host=PATH"]);
        let run = ask(folder.path(), "_GetWatchlist('Hosts') | project SearchKey");
        refused(&run, &["KS142", "search_key = \"COLUMN\""]);
        let run = ask(folder.path(), "_GetWatchlist('Hosts', dynamic(['A']))");
        refused(&run, &["AQ001", "second argument"]);
        refused(&self::run(&["query", "_GetWatchlistAlias"], ""), &["AQ034", "--watchlist NAME=PATH"]);
    }

    #[test]
    fn bad_files_are_told_with_their_place() {
        let folder = project("[watchlists]\nW = 'w.csv'\n", &[("w.csv", "A,B\n1,2\n3\n")]);
        refused(&ask(folder.path(), "_GetWatchlist('W')"), &["w.csv, line 3", "1 fields for 2 columns"]);
        let folder = project("[watchlists]\nW = 'none.csv'\n", &[]);
        refused(&ask(folder.path(), "_GetWatchlist('W')"), &["none.csv"]);
        // What a query does not ask for is not looked at.
        assert_eq!(rows(&ask(folder.path(), "print 1")), json!([[1]]));
        let folder = project("[watchlists]\nW = { path = 'w.csv', search_key = 'C' }\n", &[("w.csv", "A,B\n1,2\n")]);
        refused(&ask(folder.path(), "_GetWatchlist('W')"), &["no column `C`", "A, B"]);
        let folder = project("[watchlists]\nW = { file = 'w.csv' }\n", &[]);
        refused(&ask(folder.path(), "print 1"), &["AQ402", "unknown key 'file'", "AQ401", "no 'path'"]);
    }

    #[test]
    fn checking_needs_no_items() {
        let text = "_GetWatchlist('Any') | where SearchKey == 'x' | project LastUpdatedTimeUTC, Owner";
        let run = run(&["check", "--output-format", "json", "-"], text);
        assert_eq!(run.status, Some(0), "{}", run.stdout);
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(answer["columns"][0], json!({"name": "LastUpdatedTimeUTC", "type": "datetime"}));
    }
}

mod saved_functions {
    use super::*;

    const DUO: (&str, &str) = (
        "parsers/duo.yaml",
        "id: x\nFunctionName: Duo\nFunctionQuery: |\n  SecurityAlert\n  | where AlertSeverity == 'High'\n",
    );
    const ASIM: (&str, &str) = (
        "parsers/asim.yaml",
        "ParserName: ASimAlert\nEquivalentBuiltInParser: _ASim_Alert\nParserParams:\n  - Name: severity\n    Type: string\n    \
         Default: '*'\n  - Name: disabled\n    Type: bool\n    Default: false\nParserQuery: |\n  let parser = (severity:string, \
         disabled:bool) {\n  SecurityAlert | where not(disabled) and (severity == '*' or AlertSeverity == severity)\n  };\n  \
         parser(severity, disabled)\n",
    );
    const LIBRARY: (&str, &str) = (
        "parsers/library.kql",
        "let twice = (x:long = 21) { x * 2 };\nlet severe = (T:(AlertSeverity:string), s:string = 'High') { T | where \
         AlertSeverity == s };\nlet Again = () { Again() };\nlet Ping = () { Pong() };\nlet Pong = () { union Ping(), \
         Ping() };\nlet Wanted = () { SecurityAlert | where AlertSeverity == wanted };\n",
    );
    const COMMAND: (&str, &str) = (
        "parsers/commands.csl",
        ".create-or-alter function with (folder='f') Low(n:long = 10) {\n// all }\nSecurityAlert | where AlertSeverity == \
         'Low' | take n\n}\n",
    );
    const TEMPLATE: (&str, &str) = (
        "parsers/template.json",
        r#"{"resources":[{"properties":{"functionAlias":"Named","query":"SecurityAlert | where AlertName == n",
            "functionParameters":"n:string='A'"}}]}"#,
    );

    fn folder() -> TempDir {
        project(&format!("functions = ['parsers']\n{TABLES}"), &[DUO, ASIM, LIBRARY, COMMAND, TEMPLATE])
    }

    #[test]
    fn each_kind_of_file_gives_functions() {
        let folder = folder();
        let check = |text: &str, expected: Value| assert_eq!(rows(&ask(folder.path(), text)), expected, "{text}");
        check("Duo | project AlertName", json!([["A"]]));
        check("Duo() | count", json!([[1]]));
        check("_ASim_Alert | count", json!([[2]]));
        check("ASimAlert(severity='Low') | project AlertName", json!([["B"]]));
        check("ASimAlert(disabled=true) | count", json!([[0]]));
        check("Low | project AlertName", json!([["B"]]));
        check("Low(0) | count", json!([[0]]));
        check("Named | project AlertName", json!([["A"]]));
        check("print twice(), twice(4), twice", json!([[42, 8, 42]]));
        check("SecurityAlert | invoke severe('Low') | project AlertName", json!([["B"]]));
        check("severe(SecurityAlert) | project AlertName", json!([["A"]]));
        check("union Duo, Low | count", json!([[2]]));
        check("SecurityAlert | where AlertName in (Duo | project AlertName) | count", json!([[1]]));
    }

    #[test]
    fn a_body_sees_what_is_declared_before_the_call() {
        let folder = folder();
        let check = |text: &str, expected: Value| assert_eq!(rows(&ask(folder.path(), text)), expected, "{text}");
        check("let wanted = 'Low'; Wanted | project AlertName", json!([["B"]]));
        let mine = "let SecurityAlert = datatable(AlertName:string, AlertSeverity:string)['mine', 'High'];";
        check(&format!("{mine} Duo | project AlertName"), json!([["mine"]]));
        // A query's own function comes before a saved one.
        check("let Duo = () { print 7 }; Duo", json!([[7]]));
        refused(
            &ask(folder.path(), "Wanted; let wanted = 'Low';"),
            &["AQ035", "`Wanted` does not bind", "library.kql:6", "KS142", "`wanted`"],
        );
    }

    #[test]
    fn recursion_is_refused() {
        let folder = folder();
        refused(&ask(folder.path(), "Again()"), &["AQ036", "`Again` calls itself", "library.kql:3"]);
        refused(&ask(folder.path(), "Ping"), &["AQ036", "`Ping` calls itself"]);
        let own = "let f = () { f() }; f()";
        refused(&ask(folder.path(), own), &["KS211", "`f`"]);
    }

    #[test]
    fn a_flag_names_files_and_wins() {
        let folder = project("", &[("other/Duo.kql", "// a query\nprint 'mine'\n"), DUO]);
        let arguments =
            ["query", "Duo", "--functions", "other/Duo.kql", "--functions", "parsers", "--format", "log-analytics"];
        refused(&run_in(folder.path(), &arguments, ""), &["AQ035", "`Duo` is defined in other/Duo.kql"]);
        fs::write(folder.path().join("alertq.toml"), "functions = 'parsers'\n").unwrap();
        let arguments = ["query", "Duo", "--functions", "other/Duo.kql", "--format", "log-analytics"];
        assert_eq!(rows(&run_in(folder.path(), &arguments, "")), json!([["mine"]]));
    }

    #[test]
    fn bad_files_are_told_with_their_place() {
        let broken = ("p/broken.yaml", "FunctionName: X\nFunctionQuery: [\n");
        let folder = project("functions = 'p'\n", &[broken]);
        refused(&ask(folder.path(), "print 1"), &["AQ510", "broken.yaml:2:16"]);
        let folder = project("functions = 'p/none.kql'\n", &[]);
        refused(&ask(folder.path(), "print 1"), &["none.kql cannot be read"]);
        let folder = project("functions = 'p/empty.yaml'\n", &[("p/empty.yaml", "a: 1\n")]);
        refused(&ask(folder.path(), "print 1"), &["empty.yaml: the file holds no function", "FunctionQuery"]);
        let folder = project("functions = 'p'\n", &[("p/F.kql", "T\n| where (\n")]);
        refused(&ask(folder.path(), "F"), &["AQ035", "`F` does not bind", "F.kql:"]);
    }

    #[test]
    fn checking_knows_them_too() {
        let folder = folder();
        let check = |text: &str| run_in(folder.path(), &["check", "--output-format", "concise", "-"], text);
        assert_eq!(check("Duo | project AlertName").stdout, "");
        let run = check("Duo | project Nope");
        assert!(run.stdout.contains("KS142"), "{}", run.stdout);
        let run = check("Wanted");
        assert!(run.stdout.contains("warning") && run.stdout.contains("AQ035"), "{}", run.stdout);
    }
}

mod other_places {
    use super::*;

    const CONFIG: &str = "[workspaces.contoso]\nSecurityAlert = 'alerts.jsonl'\n[databases.Samples]\nStorms = \
                          's.csv'\n[databases.'help/Samples']\nStorms = 's.csv'\nStorage = 's.csv'\n";

    #[test]
    fn tables_are_where_the_project_says() {
        let folder = project(&format!("{CONFIG}{TABLES}"), &[("s.csv", "State,Deaths\nTEXAS,1\n")]);
        let check = |text: &str, expected: Value| assert_eq!(rows(&ask(folder.path(), text)), expected, "{text}");
        check("workspace('contoso').SecurityAlert | project AlertName", json!([["A"], ["B"]]));
        check("workspace('Contoso').table('SecurityAlert') | count", json!([[2]]));
        check("union workspace('contoso').SecurityAlert, SecurityAlert | count", json!([[4]]));
        check("union workspace('contoso').Sec* | count", json!([[2]]));
        check("SecurityAlert | join (app('contoso').SecurityAlert) on AlertName | count", json!([[2]]));
        check("database('Samples').Storms | project State", json!([["TEXAS"]]));
        check("cluster('help.kusto.windows.net').database('Samples').Storms | count", json!([[1]]));
        check("union cluster('help').database('Samples').Stor* | count", json!([[2]]));
        check("alias database d = cluster('help').database('Samples'); database('d').Storms | count", json!([[1]]));
        check("database('').SecurityAlert | count", json!([[2]]));
        check(
            "let g = entity_group [database('Samples'), cluster('help').database('Samples')]; macro-expand g as X \
               (X.Storms | extend d = X.$current_database) | summarize count() by d",
            json!([["Samples", 2]]),
        );
        check(
            "macro-expand entity_group [workspace('contoso'), database('')] as X (union X.Sec* | count)",
            json!([[2], [2]]),
        );
        check("macro-expand entity_group [cluster('help')] as X (X.database('Samples').Storms | count)", json!([[1]]));
        // A `let` of the name does not reach into the other place.
        check("let SecurityAlert = print 1; workspace('contoso').SecurityAlert | count", json!([[2]]));
    }

    #[test]
    fn unknown_ones_are_refused_with_the_remedy() {
        let folder = project(CONFIG, &[("s.csv", "State,Deaths\nTEXAS,1\n")]);
        let check = |text: &str, parts: &[&str]| refused(&ask(folder.path(), text), parts);
        check("workspace('fab').SecurityAlert", &["AQ037", "[workspaces.\"fab\"] with SecurityAlert = \"PATH\""]);
        check("union workspace('fab').Sec*", &["AQ037", "[workspaces.\"fab\"]"]);
        check("workspace('contoso').SecurityIncident", &["KS204", "workspace(\"contoso\") has no table"]);
        check("database('Samples').Storm", &["KS204", "no table `Storm`", "did you mean `Storms`?"]);
        check("database('x').T", &["KS208", "[databases.\"x\"]"]);
        check("cluster('c').database('d').T", &["AQ037", "[databases.\"c/d\"]"]);
        check("cluster('c').T", &["KS142", "database(\"d\")"]);
        check("alias database d = database('nope'); database('d').T", &["KS208", "`nope`"]);
        check("union withsource=T workspace('contoso').SecurityAlert, (print 1)", &["AQ001", "another place"]);
        check("workspace('contoso').f()", &["AQ001", "a function of another place"]);
        check("macro-expand entity_group [database('nope')] as X (X.T)", &["KS208", "`nope`"]);
        // Two databases each time: beyond fourteen levels there are too many queries to bind.
        let group = "let g = entity_group [database(''), database('Samples')]; ";
        let levels = format!("{group}{}print 1{}", "macro-expand g as X (".repeat(16), ")".repeat(16));
        check(&levels, &["AQ021", "more than 20000 queries"]);
        let told = ask(folder.path(), &levels).stderr;
        assert_eq!(told.matches("error[").count(), 1, "{told}");
        check("macro-expand entity_group [workspace('contoso')] as X (print X.$current_cluster_endpoint)", &["AQ001"]);
    }

    #[test]
    fn checking_takes_other_workspaces_to_be_like_this_one() {
        let check = |text: &str| run(&["check", "--output-format", "concise", "-"], text);
        assert_eq!(check("union workspace('a').SigninLogs, SigninLogs | project UserPrincipalName").stdout, "");
        assert!(check("workspace('a').SigninLogs | project Nope").stdout.contains("KS142"));
        assert!(check("cluster('c').database('d').T | count").stdout.contains("warning[KS207]"));
    }
}
