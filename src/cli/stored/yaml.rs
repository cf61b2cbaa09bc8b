//! Parsers of the Azure-Sentinel repository.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::super::input::Input;
use super::parameter;
use crate::catalog::StoredFunction;
use crate::diagnostic::{Diagnostic, Span};

/// Both kinds of parsers: those of solutions and those of ASIM.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    function_name: Option<String>,
    function_alias: Option<String>,
    function_params: Option<Parameters>,
    function_query: Option<Spanned<String>>,
    parser_name: Option<String>,
    equivalent_built_in_parser: Option<String>,
    parser_params: Option<Parameters>,
    parser_query: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Parameters {
    Text(String),
    List(Vec<Parameter>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    r#type: String,
    default: Option<Default>,
}

/// A default as YAML reads it: `false` is no text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Default {
    Text(String),
    Bool(bool),
    Long(i64),
    Real(f64),
}

impl std::fmt::Display for Default {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Default::Text(text) => f.write_str(text),
            Default::Bool(value) => value.fmt(f),
            Default::Long(value) => value.fmt(f),
            Default::Real(value) => value.fmt(f),
        }
    }
}

impl Parameters {
    fn text(&self) -> String {
        match self {
            Parameters::Text(text) => super::without_parentheses(text).to_string(),
            Parameters::List(list) => {
                let default = |p: &Parameter| p.default.as_ref().map(Default::to_string);
                let list = list.iter().map(|p| parameter(&p.name, &p.r#type, default(p).as_deref()));
                list.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// Reads the functions of a file, under each of their names; none where it is some other YAML.
pub(super) fn read(input: &Input) -> Result<Vec<StoredFunction>, Diagnostic> {
    let file: File = match serde_saphyr::from_str(&input.text) {
        Ok(file) => file,
        Err(error) => {
            let at = error.location().and_then(|location| location.span().byte_offset());
            let at = at.and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
            let message = format!("the file is no parser: {}", error.without_snippet());
            return Err(Diagnostic::error("AQ510", Span::new(at, at), message));
        }
    };
    let (query, parameters) = match (&file.function_query, &file.parser_query) {
        (Some(query), _) => (query, &file.function_params),
        (None, Some(query)) => (query, &file.parser_params),
        (None, None) => return Ok(Vec::new()),
    };
    let given = [&file.function_name, &file.function_alias, &file.parser_name, &file.equivalent_built_in_parser];
    let mut names: Vec<&str> =
        given.into_iter().flatten().map(|name| name.trim()).filter(|n| super::is_name(n)).collect();
    names.dedup();
    if names.is_empty() {
        let message = "the parser has no name: FunctionName, FunctionAlias or ParserName";
        return Err(Diagnostic::error("AQ510", Span::default(), message));
    }
    let line = line_of(query, &input.text);
    let parameters = parameters.as_ref().map(Parameters::text).unwrap_or_default();
    let function = |name: &str| StoredFunction {
        name: name.to_string(),
        parameters: parameters.clone(),
        body: query.value.clone(),
        path: input.name.clone(),
        line,
        rival: None,
    };
    Ok(names.into_iter().map(function).collect())
}

/// Returns the line on which a text begins: of a block, the one below its sign.
fn line_of(query: &Spanned<String>, text: &str) -> usize {
    let at = query.defined.span().byte_offset().and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
    let line = 1 + text.get(..at).map_or(0, |before| before.matches('\n').count());
    line + usize::from(text.get(at..).is_some_and(|block| block.starts_with(['|', '>'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str, &str, usize)]) {
        let found = read(&Input { name: "p.yaml".into(), text: text.into() }).unwrap();
        let found: Vec<_> =
            found.iter().map(|f| (f.name.as_str(), f.parameters.as_str(), f.body.as_str(), f.line)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_solutions_parser() {
        let text =
            "id: x\nFunction:\n  Title: t\nFunctionName: Duo\nFunctionAlias: Duo\nFunctionQuery: |\n  T\n  | take 1\n";
        check(text, &[("Duo", "", "T\n| take 1\n", 7)]);
        check("FunctionName: F\nFunctionParams: a:long=1\nFunctionQuery: T\n", &[("F", "a:long=1", "T", 3)]);
    }

    #[test]
    fn a_parser_of_asim_goes_by_two_names() {
        let text = "ParserName: ASimX\nEquivalentBuiltInParser: _ASim_X\nParserParams:\n  - Name: disabled\n    \
                    Type: bool\n    Default: false\n  - Name: kind\n    Type: string\n    Default: '*'\n  - Name: ips\n    \
                    Type: dynamic\n    Default: dynamic([])\n  - Name: T\n    Type: table:(*)\nParserQuery: |-\n  U\n";
        let parameters = "disabled:bool=false, kind:string=\"*\", ips:dynamic=dynamic([]), T:(*)";
        check(text, &[("ASimX", parameters, "U", 16), ("_ASim_X", parameters, "U", 16)]);
    }

    #[test]
    fn other_yaml_holds_no_function() {
        check("name: x\n", &[]);
        let broken = Input { name: "p.yaml".into(), text: "FunctionName: [\n".into() };
        assert_eq!(read(&broken).unwrap_err().code, "AQ510");
    }
}
