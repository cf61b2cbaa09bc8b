//! Functions over dynamics of any kind.

use std::sync::Arc;

use super::array::value;
use super::bag::{Bag, is_bag, path};
use super::rows::{self, Column, DYNAMIC, STRING, constant_text, dynamic, function, overload, string};
use super::xml;
use crate::functions::lift::{Json, Reader, Text, Write};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, PreparedKernel, Returns, one};
use crate::types::{ScalarType, Value, convert, json};

/// Functions over dynamics.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "dynamic_to_json",
        "Writes a dynamic as JSON with the keys of bags sorted.",
        "dynamic-to-json-function",
        Naming::None,
        [overload!((one("dynamic", Kind::Any)) -> STRING, dynamic_to_json)],
        [
            ("dynamic_to_json(dynamic({'b': 2, 'a': [1, 'x']}))", "'{\"a\":[1,\"x\"],\"b\":2}'"),
            ("dynamic_to_json(dynamic([]))", "'[]'"),
            ("dynamic_to_json(dynamic(null))", "''")
        ]
    ),
    function!(
        "extract_json" | "extractjson",
        "Gives the value at a path like `$.a[0].b` of a JSON text.",
        "extract-json-function",
        Naming::None,
        [
            overload!((string("jsonPath").constant(), one("jsonText", Kind::Is(ScalarType::String))) -> STRING,
                prepared extract_json),
            overload!((string("jsonPath").constant(), one("jsonText", Kind::Is(ScalarType::String)),
            one("type", Kind::TypeName).literal()) -> Returns::TypeName(2), prepared extract_json)
        ],
        [
            (r#"extract_json('$.hosts[1].name', '{"hosts":[{},{"name":"srv"}]}')"#, "'srv'"),
            (r#"extract_json('$.n', '{"n": 5}', typeof(long))"#, "5"),
            ("extract_json('$.a', '')", "''")
        ]
    ),
    function!(
        "treepath",
        "Gives the paths of all members of a bag.",
        "treepath-function",
        Naming::PrefixAndFirstArgument("tree"),
        [overload!((dynamic("object")) -> DYNAMIC, treepath)],
        [
            ("tostring(treepath(dynamic({'a': {'b': 1}})))", "'[\"[\\'a\\']\",\"[\\'a\\'][\\'b\\']\"]'"),
            ("tostring(treepath(dynamic({'a': 1})))", "'[\"[\\'a\\']\"]'"),
            ("isnull(treepath(dynamic(null)))", "true")
        ]
    ),
    function!(
        "parse_xml",
        "Reads XML as a bag: attributes get an `@`, repeated elements become arrays.",
        "parse-xml-function",
        Naming::FirstArgument,
        [overload!((one("xml_text", Kind::Text)) -> DYNAMIC, parse_xml)],
        [
            ("tostring(parse_xml('<a x=\"1\"><b>2</b></a>'))", "'{\"a\":{\"@x\":\"1\",\"b\":\"2\"}}'"),
            ("isnull(parse_xml(''))", "true"),
            ("isnull(parse_xml('<a'))", "true")
        ]
    ),
];

fn parse_xml(call: &Call) -> Column {
    let texts = Reader::<Text>::new(call, 0);
    let mut builder = Json::builder(call.rows);
    for row in 0..call.rows {
        let json = xml::to_json(texts.get(row).unwrap_or("")).map_err(|what| {
            let message = format!("`parse_xml()` of {what} is not supported yet");
            FunctionError::argument(0, "AQ001", message)
        })?;
        Json::push(&mut builder, json);
    }
    Ok(Json::finish(builder))
}

fn dynamic_to_json(call: &Call) -> Column {
    rows::text(call, |row, out| match value(call, 0, row) {
        Value::Null(_) => {}
        Value::Dynamic(text) => write_sorted(&text, out),
        other => json::write_value(&other, out),
    })
}

/// Writes a value with the keys of bags in order. Validated text nests no deeper than [`json::MAX_DEPTH`].
fn write_sorted(text: &str, out: &mut String) {
    match json::kind(text) {
        json::Kind::Bag => {
            let mut members: Vec<_> = json::members(text).collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            let mut bag = Bag::new(out);
            for (key, value) in members {
                if let Some(out) = bag.key(key) {
                    write_sorted(value, out);
                }
            }
            bag.end();
        }
        json::Kind::Array => {
            out.push('[');
            for (index, element) in json::elements(text).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_sorted(element, out);
            }
            out.push(']');
        }
        _ => out.push_str(&json::compact(text)),
    }
}

fn extract_json(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let text = constant_text(constants, 0).unwrap_or("");
    let Some(steps) = path(text) else {
        let message = format!("`{text}` is no path into JSON: write it like `$.a[0].b`");
        return Err(FunctionError::argument(0, "SEM0001", message));
    };
    Ok(Arc::new(move |call: &Call| {
        let source = Reader::<Text>::new(call, 1);
        let texts = rows::text(call, |row, out| {
            let text = source.get(row).unwrap_or("");
            if let Some(found) = json::is_valid(text).then(|| json::get(text, &steps)).flatten() {
                out.push_str(&json::as_text(found));
            }
        })?;
        let wanted = call.arguments.get(2).map_or(ScalarType::String, |argument| argument.scalar_type);
        Ok(convert::cast(&texts, ScalarType::String, wanted))
    }))
}

fn treepath(call: &Call) -> Column {
    let bag = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        let mut paths = Vec::new();
        collect_paths(bag, "", &mut paths);
        out.push('[');
        for (index, path) in paths.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            json::write_string(path, out);
        }
        out.push(']');
        Some(())
    })
}

/// Collects the paths below a value; all elements of an array share the path `[0]` (documented). Validated text nests
/// no deeper than [`json::MAX_DEPTH`].
fn collect_paths(value: &str, prefix: &str, paths: &mut Vec<String>) {
    let mut add = |path: String, value: &str| {
        if !paths.contains(&path) {
            paths.push(path.clone());
        }
        collect_paths(value, &path, paths);
    };
    for (key, value) in json::members(value) {
        add(format!("{prefix}['{key}']"), value);
    }
    for element in json::elements(value) {
        add(format!("{prefix}[0]"), element);
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::{evaluate, json_value as json};
    use super::*;

    fn call(name: &str, arguments: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, arguments)
    }

    #[test]
    fn sorted_keys() {
        assert_eq!(
            call("dynamic_to_json", &[json(r#"{"b": [{"d":1,"c":2}], "a":1}"#)]),
            Value::String(r#"{"a":1,"b":[{"c":2,"d":1}]}"#.into())
        );
    }
}
