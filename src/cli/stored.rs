//! Reads saved functions from the files in which they are kept.
//!
//! | file | functions |
//! |---|---|
//! | `.kql`, `.csl`, `.txt` | `.create function` commands; else `let` functions, if there is nothing else; else one function, named as the file |
//! | `.yaml`, `.yml` | a parser of the Azure-Sentinel repository: `FunctionName` and `FunctionQuery`, or ASIM's `ParserName` and `ParserQuery` |
//! | `.json` | templates with `functionAlias` and `query`, at any depth; answers of `.show functions` |

mod json;
mod text;
mod yaml;

use std::path::{Path, PathBuf};

use super::input::{self, Input};
use super::stop::Stop;
use crate::catalog::StoredFunction;

const ENDINGS: [&str; 6] = ["csl", "json", "kql", "txt", "yaml", "yml"];

/// Finds the files that may hold functions.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    input::files(paths, &ENDINGS)
}

/// Reads the functions in files and folders.
///
/// Fails where a file cannot be read, and where one that was named holds no function; in folders others may lie beside.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<StoredFunction>, Stop> {
    let mut functions = Vec::new();
    for path in files(paths)? {
        let input = input::file(&path)?;
        let found = functions_of(&input, &path)?;
        if found.is_empty() && paths.contains(&path) {
            return Err(Stop::failure(format!("{}: the file holds no function", input.name)).help(
                "functions are in KQL files, in parsers in YAML (FunctionName, FunctionQuery), and in templates in \
                 JSON (functionAlias, query)",
            ));
        }
        functions.extend(found);
    }
    Ok(functions)
}

/// Reads the functions of a JSON file that may hold other things as well.
pub(super) fn in_json(input: &Input) -> Result<Vec<StoredFunction>, crate::diagnostic::Diagnostic> {
    json::read(input)
}

fn functions_of(input: &Input, path: &Path) -> Result<Vec<StoredFunction>, Stop> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let found = match ending.as_deref() {
        Some("yaml" | "yml") => yaml::read(input),
        Some("json") => json::read(input),
        _ => return Ok(text::read(input, path)),
    };
    found.map_err(|problem| Stop::Problems {
        path: input.name.clone(),
        text: input.text.clone(),
        problems: vec![problem],
    })
}

/// Tells whether a text can be the name of a function; templates have expressions there.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
}

/// Makes a parameter as a query declares it; a default of type string may stand there without quotes.
fn parameter(name: &str, scalar_type: &str, default: Option<&str>) -> String {
    let scalar_type = scalar_type.trim();
    let scalar_type = scalar_type.strip_prefix("table:").unwrap_or(scalar_type);
    match default {
        None => format!("{name}:{scalar_type}"),
        Some(text) if scalar_type == "string" && !text.starts_with(['\'', '"', '@']) => {
            format!("{name}:{scalar_type}={}", serde_json::Value::from(text))
        }
        Some(text) => format!("{name}:{scalar_type}={text}"),
    }
}

/// Takes the parentheses off a list of parameters that stands in them.
fn without_parentheses(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text)
}
