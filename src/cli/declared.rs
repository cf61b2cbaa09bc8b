//! Reads what a project declares of tables and functions that it has no records of.
//!
//! | form | what it is |
//! |---|---|
//! | `{"Name": ..., "Properties": [{"Name", "Type"}]}` | a table of the Azure-Sentinel repository (`CustomTables`) |
//! | `{"FunctionName": ..., "FunctionParameters": [...], "FunctionResultColumns": [...]}` | a function of it (`CustomFunctions`) |
//! | `{"TABLE": [{"name", "type"}], ...}` | tables as kql-guard takes them |
//! | `{"Databases": {...}}` | `.show database schema as json` |
//! | `{"name": ..., "columns": [{"name", "type"}]}` | a table in the API of Log Analytics and in templates |
//!
//! Any of them may stand deeper in the file.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::input;
use super::stop::Stop;
use super::stored;
use crate::catalog::{Catalog, StoredFunction, TableInfo};
use crate::types::{Column, ScalarType};

/// Tables and functions of which only the declaration is known.
#[derive(Debug, Default)]
pub(super) struct Declared {
    tables: Vec<TableInfo>,
    functions: Vec<StoredFunction>,
}

impl Declared {
    /// Reads files, and the `.json` files of folders; of a name that stands twice the first one counts.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Declared, Stop> {
        let mut declared = Declared::default();
        for path in input::files(paths, &["json"])? {
            let before = declared.tables.len() + declared.functions.len();
            declared.add(&path)?;
            if before == declared.tables.len() + declared.functions.len() && paths.contains(&path) {
                return Err(Stop::failure(format!("{}: the file declares no table and no function", path.display()))
                    .help("a table is {\"Name\": \"T_CL\", \"Properties\": [{\"Name\": \"TimeGenerated\", \"Type\": \"DateTime\"}]}"));
            }
        }
        Ok(declared)
    }

    fn add(&mut self, path: &Path) -> Result<(), Stop> {
        let input = input::file(path)?;
        let text = input.text.trim_start_matches('\u{feff}');
        let value: Value = serde_json::from_str(text)
            .map_err(|error| Stop::failure(format!("{}: the file is no JSON: {error}", input.name)))?;
        let mut left = vec![&value];
        while let Some(value) = left.pop() {
            match value {
                Value::Array(items) => left.extend(items.iter().rev()),
                Value::Object(fields) => {
                    let failed = |message| Stop::failure(format!("{}: {message}", input.name));
                    if let Some(table) = table(fields).map_err(failed)? {
                        self.tables.push(table);
                    } else if let Some(function) = function(fields, &input.name).map_err(failed)? {
                        self.functions.push(function);
                    } else {
                        for (name, value) in fields.iter().rev() {
                            match columns(value).filter(|_| !is_part(name)) {
                                Some(columns) => self.tables.push(table_of(name, columns.map_err(failed)?)),
                                None => left.push(value),
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        self.functions.extend(stored::in_json(&input).unwrap_or_default());
        Ok(())
    }

    /// Adds to a catalog what it does not know better.
    pub(super) fn add_to(&self, catalog: &mut Catalog) {
        for table in self.tables.iter().rev() {
            catalog.add(table.clone());
        }
        for function in &self.functions {
            if catalog.function(&function.name).is_none() {
                catalog.add_function(function.clone());
            }
        }
    }
}

/// Lists of columns that are part of something else than a table.
fn is_part(key: &str) -> bool {
    ["FunctionParameters", "FunctionResultColumns", "InputParameters", "Columns"].contains(&key)
}

fn field<'a>(fields: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a Value> {
    fields.iter().find(|(key, _)| keys.iter().any(|wanted| key.eq_ignore_ascii_case(wanted))).map(|(_, value)| value)
}

fn text<'a>(fields: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a str> {
    field(fields, keys).and_then(Value::as_str)
}

fn table_of(name: &str, columns: Vec<Column>) -> TableInfo {
    TableInfo { name: name.to_string(), columns, ..TableInfo::default() }
}

/// Takes an object as a table, if it is one.
fn table(fields: &Map<String, Value>) -> Result<Option<TableInfo>, String> {
    let Some(name) = text(fields, &["Name"]) else { return Ok(None) };
    let list =
        field(fields, &["OrderedColumns"]).or_else(|| field(fields, &["Properties", "columns", "standardColumns"]));
    match list.and_then(columns) {
        Some(columns) => Ok(Some(table_of(name, columns?))),
        None => Ok(None),
    }
}

/// Takes a list as columns, if it is one; fails where a type is none of KQL's.
fn columns(list: &Value) -> Option<Result<Vec<Column>, String>> {
    let items: Vec<(&str, &str)> = list
        .as_array()?
        .iter()
        .map(|item| {
            let fields = item.as_object()?;
            Some((text(fields, &["Name"])?, text(fields, &["CslType"]).or_else(|| text(fields, &["Type"]))?))
        })
        .collect::<Option<_>>()?;
    let column = |(name, written): (&str, &str)| Ok(Column::new(name, scalar_type(name, written)?));
    (!items.is_empty()).then(|| items.into_iter().map(column).collect())
}

/// Reads a type as KQL, .NET or the API of Log Analytics write it.
fn scalar_type(column: &str, written: &str) -> Result<ScalarType, String> {
    let folded = written.to_lowercase();
    let name = folded.strip_prefix("system.").unwrap_or(&folded);
    Ok(match name {
        "object" | "data.sqltypes.sqljson" | "newtonsoft.json.linq.jtoken" => ScalarType::Dynamic,
        "sbyte" | "byte" => ScalarType::Bool,
        "single" => ScalarType::Real,
        "data.sqltypes.sqldecimal" => ScalarType::Decimal,
        "bigint" => ScalarType::Long,
        _ => {
            return ScalarType::from_name(name)
                .ok_or_else(|| format!("'{written}' of the column '{column}' is no type of KQL"));
        }
    })
}

/// Takes an object as a function, if it is one. Its body is what is known of it: the columns that it gives.
fn function(fields: &Map<String, Value>, path: &str) -> Result<Option<StoredFunction>, String> {
    let Some(name) = text(fields, &["FunctionName"]) else { return Ok(None) };
    // Of what a function gives something must be known.
    let Some(given) = field(fields, &["FunctionResultColumns"]).and_then(columns).transpose()? else { return Ok(None) };
    let list = field(fields, &["FunctionParameters"]).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut parameters = Vec::new();
    for parameter in list.iter().filter_map(Value::as_object) {
        let Some(name) = text(parameter, &["Name"]) else { continue };
        let written = text(parameter, &["Type"]).unwrap_or("string");
        if written.starts_with('(') || written.eq_ignore_ascii_case("tabular") || written.eq_ignore_ascii_case("table")
        {
            parameters.push(format!("{name}:{}", if written.starts_with('(') { written } else { "(*)" }));
            continue;
        }
        let scalar_type = scalar_type(name, written)?;
        let optional = field(parameter, &["IsRequired"]) == Some(&Value::Bool(false))
            || field(parameter, &["DefaultValue", "Default"]).is_some();
        parameters.push(match (optional, scalar_type) {
            (false, _) => format!("{name}:{scalar_type}"),
            (true, ScalarType::String) => format!("{name}:string=''"),
            (true, _) => format!("{name}:{scalar_type}={scalar_type}(null)"),
        });
    }
    let columns: Vec<String> = given.iter().map(|c| format!("['{}']:{}", c.name, c.scalar_type)).collect();
    Ok(Some(StoredFunction {
        name: name.to_string(),
        parameters: parameters.join(", "),
        body: format!("datatable({})[]", columns.join(", ")),
        path: path.to_string(),
        line: 1,
        rival: None,
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn declared(text: &str) -> Result<Declared, Stop> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.json");
        fs::write(&path, text).unwrap();
        Declared::read(&[path])
    }

    fn check(text: &str, expected: &[&str]) {
        let declared = declared(text).unwrap();
        let line = |table: &TableInfo| {
            let columns = table.columns.iter().map(|c| format!("{}:{}", c.name, c.scalar_type));
            format!("{}({})", table.name, columns.collect::<Vec<_>>().join(","))
        };
        let mut found: Vec<String> = declared.tables.iter().map(line).collect();
        found.extend(declared.functions.iter().map(|f| format!("{}({}) {}", f.name, f.parameters, f.body)));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn each_form_of_tables_is_read() {
        check(
            r#"{"Name": "A_CL", "Properties": [{"Name": "TimeGenerated", "Type": "DateTime"}, {"Name": "n", "Type": "Int32"}]}"#,
            &["A_CL(TimeGenerated:datetime,n:int)"],
        );
        check(
            r#"{"A": [{"name": "a", "type": "string"}], "B": [{"name": "b", "type": "dynamic"}]}"#,
            &["B(b:dynamic)", "A(a:string)"],
        );
        check(
            r#"{"Databases": {"D": {"Tables": {"A": {"Name": "A", "OrderedColumns":
                [{"Name": "a", "Type": "System.SByte", "CslType": "bool"}]}}}}}"#,
            &["A(a:bool)"],
        );
        check(
            r#"{"properties": {"schema": {"name": "A_CL", "columns": [{"name": "a", "type": "dateTime"}]}}}"#,
            &["A_CL(a:datetime)"],
        );
    }

    #[test]
    fn a_function_is_its_signature() {
        check(
            r#"{"FunctionName": "f", "FunctionParameters": [{"Name": "a", "Type": "String", "IsRequired": true},
                {"Name": "b", "Type": "datetime", "IsRequired": false}], "FunctionResultColumns": [{"Name": "c d", "Type": "Long"}]}"#,
            &["f(a:string, b:datetime=datetime(null)) datatable(['c d']:long)[]"],
        );
    }

    #[test]
    fn wrong_types_and_empty_files_are_refused() {
        let refused = |text: &str| match declared(text) {
            Err(Stop::Failure { message, .. }) => message,
            other => panic!("{other:?}"),
        };
        let text = r#"{"Name": "A", "Properties": [{"Name": "a", "Type": "text"}]}"#;
        assert!(refused(text).ends_with("'text' of the column 'a' is no type of KQL"));
        assert!(refused("{}").ends_with("declares no table and no function"));
        assert!(refused("{").contains("no JSON"));
    }
}
