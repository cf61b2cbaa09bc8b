//! The language server, spoken to as an editor does.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdin, ChildStdout};

use super::*;

/// An editor with one document open.
struct Editor {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    uri: String,
    text: String,
    version: i64,
    last: i64,
    _folder: TempDir,
}

impl Editor {
    /// Starts the server and opens a document.
    fn open(name: &str, text: &str) -> (Editor, Value) {
        let folder = TempDir::new().unwrap();
        let mut child = alertq(folder.path(), &["lsp", "--stdio"]).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let uri = format!("file:///queries/{name}");
        let mut editor = Editor { child, stdin, stdout, uri, text: text.into(), version: 1, last: 0, _folder: folder };
        let capabilities = editor.request("initialize", json!({"capabilities": {}}));
        assert_eq!(capabilities["capabilities"]["hoverProvider"], true);
        editor.notify("initialized", json!({}));
        let document = json!({"uri": editor.uri, "languageId": "kql", "version": 1, "text": text});
        editor.notify("textDocument/didOpen", json!({"textDocument": document}));
        let problems = editor.problems();
        (editor, problems)
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.stdin.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "the server has ended");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stdout.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn answer(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == self.last {
                return message;
            }
        }
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn problems(&mut self) -> Value {
        loop {
            let message = self.receive();
            if message["method"] == "textDocument/publishDiagnostics" {
                return message["params"]["diagnostics"].clone();
            }
        }
    }

    fn change(&mut self, text: &str) -> Value {
        self.version += 1;
        self.text = text.to_string();
        let document = json!({"uri": self.uri, "version": self.version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": [{"text": text}]}));
        self.problems()
    }

    /// The place behind the first occurrence of a text, `back` units before its end.
    fn at(&self, part: &str, back: usize) -> Value {
        let end = self.text.find(part).unwrap_or_else(|| panic!("{part} is not there")) + part.len() - back;
        let line = self.text[..end].matches('\n').count();
        let start = self.text[..end].rfind('\n').map_or(0, |at| at + 1);
        json!({"line": line, "character": self.text[start..end].encode_utf16().count()})
    }

    fn ask(&mut self, what: &str, part: &str, back: usize) -> Value {
        let params = json!({"textDocument": {"uri": self.uri}, "position": self.at(part, back)});
        self.request(&format!("textDocument/{what}"), params)
    }

    fn labels(&mut self, part: &str) -> Vec<String> {
        let items = self.ask("completion", part, 0);
        items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_string()).collect()
    }

    fn rename(&mut self, part: &str, new_name: &str) -> Value {
        let position = self.at(part, 0);
        let document = json!({"uri": self.uri});
        self.answer("textDocument/rename", json!({"textDocument": document, "position": position, "newName": new_name}))
    }

    fn end(mut self) {
        assert_eq!(self.request("shutdown", Value::Null), Value::Null);
        self.notify("exit", Value::Null);
        assert!(self.child.wait().unwrap().success());
    }
}

/// Applies the edits of an answer to a text.
fn edited(text: &str, edits: &Value) -> String {
    let offset = |position: &Value| {
        let line = position["line"].as_u64().unwrap() as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let mut units = position["character"].as_u64().unwrap() as usize;
        let inside = text[start..].chars().take_while(|c| {
            let fits = units >= c.len_utf16();
            units = units.saturating_sub(c.len_utf16());
            fits
        });
        start + inside.map(char::len_utf8).sum::<usize>()
    };
    let mut places: Vec<_> = edits.as_array().unwrap().iter().collect();
    places.sort_by_key(|edit| std::cmp::Reverse(offset(&edit["range"]["start"])));
    let mut result = text.to_string();
    for edit in places {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        result.replace_range(range, edit["newText"].as_str().unwrap());
    }
    result
}

#[test]
fn problems_and_lints_are_told_as_one_types() {
    let (mut editor, problems) = Editor::open("q.kql", "print x = '😀' | where y == 1");
    assert_eq!(problems[0]["code"], "KS142");
    // The character takes two units of UTF-16.
    assert_eq!(problems[0]["range"]["start"], json!({"line": 0, "character": 23}));
    let problems = editor.change("SecurityAlert | where AlertSeverity == 'high'");
    assert_eq!((&problems[0]["code"], &problems[0]["severity"]), (&json!("AQ608"), &json!(2)));
    assert_eq!(editor.change("SecurityAlert | where AlertSeverity == 'High'"), json!([]));
    editor.end();
}

#[test]
fn completion_knows_the_place() {
    let (mut editor, _) = Editor::open("q.kql", "Secur");
    let labels = editor.labels("Secur");
    assert!(labels.contains(&"SecurityAlert".into()) && labels.contains(&"SecurityIncident".into()));
    editor.change("let high = 'High';\nSecurityAlert | ");
    let labels = editor.labels("SecurityAlert | ");
    assert!(labels.contains(&"summarize".into()) && labels.contains(&"mv-expand".into()));
    assert!(!labels.contains(&"AlertName".into()) && !labels.contains(&"strlen".into()));
    editor.change("let high = 'High';\nSecurityAlert | project Title = AlertName, TimeGenerated | where \n| count");
    let labels = editor.labels("| where ");
    for wanted in ["Title", "TimeGenerated", "high", "strlen"] {
        assert!(labels.contains(&wanted.into()), "{wanted}");
    }
    assert!(!labels.contains(&"AlertName".into()) && !labels.contains(&"dcount".into()));
    editor.change("SecurityAlert | summarize dc by AlertName");
    assert!(editor.labels("summarize dc").contains(&"dcount".into()));
    editor.change("SecurityAlert | summarize count() by Al");
    let labels = editor.labels("by Al");
    assert!(labels.contains(&"AlertName".into()) && !labels.contains(&"dcount".into()));
    editor.change("SecurityAlert | join kind=inner (SecurityInc");
    let labels = editor.labels("(SecurityInc");
    assert!(labels.contains(&"SecurityIncident".into()) && !labels.contains(&"SecurityAlert".into()));
    editor.end();
}

#[test]
fn hovering_explains() {
    let text = "let big = 10;\nSecurityAlert\n| summarize n = dcount(AlertName) by AlertSeverity\n| where n > big";
    let (mut editor, _) = Editor::open("q.kql", text);
    for (part, wanted) in [
        ("SecurityAl", "further row"),
        ("summari", "Groups"),
        ("dcou", "dcount("),
        ("AlertNa", "AlertName: string"),
        ("AlertSever", "Informational, Low, Medium or High."),
        ("where n", "n: long"),
        ("> bi", "let big = 10"),
    ] {
        let hover = editor.ask("hover", part, 1);
        let shown = hover["contents"]["value"].as_str().unwrap_or_default();
        assert!(shown.to_lowercase().contains(&wanted.to_lowercase()), "{part}: {hover}");
    }
    assert_eq!(editor.ask("hover", "= 10", 1), Value::Null);
    editor.end();
}

const NAMES: &str = "let Bad = 'x';\nlet f = (Bad:string) { print Bad };\nSecurityAlert\n| where AlertName == Bad\n\
                     | extend Other = 1\n| where Other == 1 and AlertName != Bad";

#[test]
fn names_lead_to_their_declaration_and_change_together() {
    let (mut editor, _) = Editor::open("q.kql", NAMES);
    let definition = editor.ask("definition", "== Bad", 0);
    assert_eq!(definition["range"]["start"], json!({"line": 0, "character": 4}));
    // The parameter is another name.
    let definition = editor.ask("definition", "print Bad", 0);
    assert_eq!(definition["range"]["start"], json!({"line": 1, "character": 9}));
    assert_eq!(editor.ask("references", "let Bad", 0).as_array().unwrap().len(), 3);
    assert_eq!(editor.ask("definition", "where Other", 0), Value::Null);
    let answer = editor.rename("== Bad", "Wanted");
    let edits = &answer["result"]["changes"][&editor.uri];
    let wanted = NAMES.replace("let Bad", "let Wanted").replace("= Bad", "= Wanted");
    assert_eq!(edited(NAMES, edits), wanted);
    for (name, part) in [
        ("f", "declared already"),
        ("AlertName", "stands for something else"),
        ("a b", "is no name"),
        ("Status", "there is a column 'Status'"),
    ] {
        let answer = editor.rename("== Bad", name);
        assert!(answer["error"]["message"].as_str().unwrap().contains(part), "{name}: {answer}");
    }
    let answer = editor.rename("AlertName", "X");
    assert!(answer["error"]["message"].as_str().unwrap().contains("`let`"), "{answer}");
    editor.end();
}

#[test]
fn a_rule_is_served_within_its_yaml() {
    let rule = "id: 6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b13\nname: Größe\nkind: NRT\nseverity: Low\nquery: |\n  \
                let wanted = 'ü';\n  SecurityAlert\n  | where AlertName==wanted and Sevrity == 1\n";
    let (mut editor, problems) = Editor::open("rule.yaml", rule);
    assert_eq!(problems[0]["code"], "KS142");
    assert_eq!(problems[0]["range"]["start"], json!({"line": 7, "character": 32}));
    assert!(editor.labels("and Sev").contains(&"AlertSeverity".into()));
    assert_eq!(editor.ask("hover", "name: Gr", 0), Value::Null);
    let definition = editor.ask("definition", "==want", 0);
    assert_eq!(definition["range"]["start"], json!({"line": 5, "character": 6}));
    let edits = editor.request(
        "textDocument/formatting",
        json!({"textDocument": {"uri": editor.uri}, "options": {"tabSize": 4, "insertSpaces": true}}),
    );
    let wanted = rule.replace("AlertName==wanted", "AlertName == wanted").replace("'ü'", "\"ü\"");
    assert_eq!(edited(rule, &edits), wanted);
    editor.end();
}

#[test]
fn several_queries_in_a_file_are_served_each_for_itself() {
    let text =
        "let n = 1;\nSecurityAlert | take n\n\nlet n = 2;\nSecurityIncident | where Sevrity == 'High' | take n\n";
    let (mut editor, problems) = Editor::open("q.kql", text);
    assert_eq!(problems.as_array().unwrap().iter().filter(|problem| problem["severity"] == 1).count(), 1);
    assert_eq!(problems[0]["range"]["start"], json!({"line": 4, "character": 25}));
    let labels = editor.labels("where Sev");
    assert!(labels.contains(&"Severity".into()) && !labels.contains(&"AlertSeverity".into()));
    let definition = editor.ask("definition", "'High' | take n", 0);
    assert_eq!(definition["range"]["start"], json!({"line": 3, "character": 4}));
    let answer = editor.rename("Alert | take n", "most");
    let wanted = text.replacen("let n", "let most", 1).replacen("take n", "take most", 1);
    assert_eq!(edited(text, &answer["result"]["changes"][&editor.uri]), wanted);
    editor.end();
}

#[test]
fn a_text_with_errors_is_not_laid_out_and_odd_requests_are_refused() {
    let (mut editor, _) = Editor::open("q.kql", "SecurityAlert | where");
    let document = json!({"textDocument": {"uri": editor.uri}});
    assert_eq!(editor.request("textDocument/formatting", document), Value::Null);
    let answer = editor.answer("textDocument/hover", json!({"textDocument": {"uri": "file:///none.kql"}}));
    assert!(answer["error"]["message"].as_str().unwrap().contains("is not open"), "{answer}");
    let answer = editor.answer("textDocument/hover", json!({"position": 3}));
    assert!(answer["error"]["message"].as_str().unwrap().contains("is not understood"), "{answer}");
    editor.end();
}
