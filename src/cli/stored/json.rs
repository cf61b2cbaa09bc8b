//! Functions in templates of Azure Resource Manager, in answers of its API, and in what Kusto tells of a database.

use serde_json::{Map, Value};

use super::super::input::Input;
use crate::catalog::StoredFunction;
use crate::diagnostic::{Diagnostic, Span};

/// Reads the functions of a file: of every object that is one, however deep it lies.
pub(super) fn read(input: &Input) -> Result<Vec<StoredFunction>, Diagnostic> {
    let value: Value = serde_json::from_str(&input.text).map_err(|error| {
        let before: usize = input.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (before + error.column().saturating_sub(1)).min(input.text.len());
        Diagnostic::error("AQ510", Span::new(at, at), format!("the file is no JSON: {error}"))
    })?;
    let mut functions = Vec::new();
    let mut left = vec![&value];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items.iter().rev()),
            Value::Object(fields) => {
                functions.extend(rows(fields).iter().filter_map(|row| function(row, input)));
                match function(fields, input) {
                    Some(function) => functions.push(function),
                    None => left.extend(fields.values().rev()),
                }
            }
            _ => {}
        }
    }
    Ok(functions)
}

/// Takes an object as a function, if it is one: a saved search with an alias, or a row of `.show functions`.
fn function(fields: &Map<String, Value>, input: &Input) -> Option<StoredFunction> {
    let text = |wanted: &str| {
        let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
        found.and_then(Value::as_str)
    };
    let (name, body, parameters) = match (text("functionAlias"), text("query")) {
        (Some(name), Some(query)) => {
            (name, query, super::without_parentheses(text("functionParameters").unwrap_or_default()).to_string())
        }
        _ => {
            let body = text("Body")?.trim();
            let body = body.strip_prefix('{').and_then(|body| body.strip_suffix('}')).unwrap_or(body);
            let parameters = text("Parameters").map(|list| super::without_parentheses(list).to_string());
            (text("Name")?, body, parameters.unwrap_or_else(|| inputs(fields)))
        }
    };
    super::is_name(name).then(|| StoredFunction {
        name: name.to_string(),
        parameters,
        body: body.to_string(),
        path: input.name.clone(),
        line: 1 + line(&input.text, name),
        rival: None,
    })
}

/// Writes `InputParameters` of a database's schema as a query declares parameters.
fn inputs(fields: &Map<String, Value>) -> String {
    let list = fields.get("InputParameters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_string);
    let written = list.iter().filter_map(|input| {
        let name = text(input, "Name")?;
        let scalar_type = match input.get("Columns").and_then(Value::as_array).filter(|columns| !columns.is_empty()) {
            Some(columns) => {
                let columns =
                    columns.iter().filter_map(|c| Some(format!("{}:{}", text(c, "Name")?, text(c, "CslType")?)));
                format!("({})", columns.collect::<Vec<_>>().join(", "))
            }
            None => text(input, "CslType").unwrap_or_else(|| "(*)".to_string()),
        };
        Some(super::parameter(&name, &scalar_type, text(input, "CslDefaultValue").as_deref()))
    });
    written.collect::<Vec<_>>().join(", ")
}

/// Returns the rows of an answer of Kusto's REST API (`Columns` and `Rows`) as objects.
fn rows(fields: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let list = |key: &str| fields.get(key).and_then(Value::as_array);
    let (Some(columns), Some(rows)) = (list("Columns"), list("Rows")) else { return Vec::new() };
    let names: Vec<&str> = columns.iter().filter_map(|column| column.get("ColumnName")?.as_str()).collect();
    let row = |row: &Value| {
        let cells = row.as_array()?.iter().cloned();
        Some(names.iter().map(|name| name.to_string()).zip(cells).collect())
    };
    rows.iter().filter_map(row).collect()
}

/// Returns in which line the name stands first; a body within JSON has no lines of its own.
fn line(text: &str, name: &str) -> usize {
    let at = text.find(&format!("\"{name}\"")).unwrap_or_default();
    text[..at].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let found = read(&Input { name: "f.json".into(), text: text.into() }).unwrap();
        let found: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.parameters.as_str(), f.body.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_template_deploys_functions() {
        let text = r#"{"resources": [{"type": "Microsoft.OperationalInsights/workspaces/savedSearches", "properties":
            {"displayName": "x", "FunctionAlias": "F", "query": "T\n| take 1", "functionParameters": "a:long=1"}},
            {"resources": [{"properties": {"functionAlias": "G", "query": "U"}}]},
            {"properties": {"functionAlias": "[variables('name')]", "query": "V"}}]}"#;
        check(text, &[("F", "a:long=1", "T\n| take 1"), ("G", "", "U")]);
    }

    #[test]
    fn kusto_tells_its_functions() {
        check(r#"[{"Name": "F", "Parameters": "(a:long)", "Body": "{ a }"}]"#, &[("F", "a:long", " a ")]);
        let text = r#"{"Tables": [{"Columns": [{"ColumnName": "Name"}, {"ColumnName": "Parameters"}, {"ColumnName":
            "Body"}], "Rows": [["F", "()", "{ T }"]]}]}"#;
        check(text, &[("F", "", " T ")]);
        let text = r#"{"Databases": {"d": {"Functions": {"F": {"Name": "F", "Body": "{ T }", "InputParameters":
            [{"Name": "a", "CslType": "string", "CslDefaultValue": "x"}, {"Name": "T", "Columns": [{"Name": "c",
            "CslType": "long"}]}]}}}}}"#;
        check(text, &[("F", "a:string=\"x\", T:(c:long)", " T ")]);
    }

    #[test]
    fn what_is_no_json_has_a_place() {
        let problem = read(&Input { name: "f.json".into(), text: "{\n \"a\": }".into() }).unwrap_err();
        assert_eq!((problem.code, problem.span.start), ("AQ510", 8));
    }
}
