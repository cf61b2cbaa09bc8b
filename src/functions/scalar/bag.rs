//! Functions over property bags: JSON text in, JSON text out.

use std::borrow::Cow;

use super::array::{ANY, value};
use super::rows::{self, BOOL, Column, DYNAMIC, dynamic, function, overload, string};
use crate::functions::lift::{Json, Reader, Text};
use crate::functions::{Call, Function, Kind, Naming, one};
use crate::types::json::{self, Step};
use crate::types::{Value, convert};

/// Functions over bags.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "bag_pack" | "pack" | "pack_dictionary",
        "Makes a bag of keys and values in turn.",
        "bag-pack-function",
        Naming::None,
        // Keys and values alternate, which a list of parameters does not say.
        [overload!((one("key_value", Kind::Any).repeated(2, 32766)) -> DYNAMIC, |call| bag_pack(call, false))],
        [
            ("tostring(bag_pack('a', 1, 'b', 'x'))", "'{\"a\":1,\"b\":\"x\"}'"),
            ("tostring(bag_pack('a', dynamic([1, 2])))", "'{\"a\":[1,2]}'"),
            ("tostring(bag_pack('a', long(null)))", "'{\"a\":null}'")
        ]
    ),
    // What `pack_all(true)` is bound to; not callable by this name.
    function!(
        "pack_all ignoring",
        "Makes a bag of the columns that are neither null nor empty.",
        "pack-all-function",
        Naming::None,
        [overload!((one("key_value", Kind::Any).repeated(2, 32766)) -> DYNAMIC, |call| bag_pack(call, true))],
        []
    ),
    function!(
        "bag_keys",
        "Gives the keys of a bag.",
        "bag-keys-function",
        Naming::None,
        [overload!((dynamic("object")) -> DYNAMIC, bag_keys)],
        [
            ("tostring(bag_keys(dynamic({'a': 1, 'b': {'c': 2}})))", "'[\"a\",\"b\"]'"),
            ("tostring(bag_keys(dynamic({})))", "'[]'"),
            ("isnull(bag_keys(dynamic([1])))", "true")
        ]
    ),
    function!(
        "bag_merge",
        "Joins bags; of a key that several have, the first value stays.",
        "bag-merge-function",
        Naming::None,
        [overload!((dynamic("bag").repeated(2, 64)) -> DYNAMIC, bag_merge)],
        [
            (
                "tostring(bag_merge(dynamic({'a': 1, 'b': 2}), dynamic({'b': 3, 'c': 4})))",
                "'{\"a\":1,\"b\":2,\"c\":4}'"
            ),
            ("tostring(bag_merge(dynamic({'a': 1}), dynamic({})))", "'{\"a\":1}'"),
            ("isnull(bag_merge(dynamic(null), dynamic(null)))", "true")
        ]
    ),
    function!(
        "bag_has_key",
        "Tells whether a bag has a key, or a path like `$.a.b`.",
        "bag-has-key-function",
        Naming::None,
        [overload!((dynamic("bag"), string("key")) -> BOOL, bag_has_key)],
        [
            ("bag_has_key(dynamic({'a': {'b': 1}}), 'a')", "true"),
            ("bag_has_key(dynamic({'a': {'b': 1}}), '$.a.b')", "true"),
            ("bag_has_key(dynamic({}), 'a')", "false"),
            ("isnull(bag_has_key(dynamic(null), 'a'))", "true")
        ]
    ),
    function!(
        "bag_remove_keys",
        "Gives a bag without some keys, or paths like `$.a.b`.",
        "bag-remove-keys-function",
        Naming::None,
        [overload!((dynamic("bag"), dynamic("keys")) -> DYNAMIC, bag_remove_keys)],
        [
            ("tostring(bag_remove_keys(dynamic({'a': 1, 'b': 2}), dynamic(['a'])))", "'{\"b\":2}'"),
            ("tostring(bag_remove_keys(dynamic({'a': {'b': 1, 'c': 2}}), dynamic(['$.a.b'])))", "'{\"a\":{\"c\":2}}'"),
            ("isnull(bag_remove_keys(dynamic(null), dynamic(['a'])))", "true")
        ]
    ),
    function!(
        "bag_set_key",
        "Gives a bag with a key, or a path like `$.a.b`, set to a value.",
        "bag-set-key-function",
        Naming::None,
        [overload!((dynamic("bag"), string("key").constant(), ANY) -> DYNAMIC, bag_set_key)],
        [
            ("tostring(bag_set_key(dynamic({'a': 1}), 'b', 2))", "'{\"a\":1,\"b\":2}'"),
            ("tostring(bag_set_key(dynamic({'a': 1}), '$.c.d', 'x'))", "'{\"a\":1,\"c\":{\"d\":\"x\"}}'"),
            ("isnull(bag_set_key(dynamic(null), 'a', 1))", "true")
        ]
    ),
    function!(
        "bag_zip",
        "Makes a bag of an array of keys and an array of values.",
        "bag-zip-function",
        Naming::None,
        [overload!((dynamic("keys"), dynamic("values")) -> DYNAMIC, bag_zip)],
        [
            ("tostring(bag_zip(dynamic(['a', 'b']), dynamic([1])))", "'{\"a\":1,\"b\":null}'"),
            ("tostring(bag_zip(dynamic([]), dynamic([1])))", "'{}'"),
            ("isnull(bag_zip(dynamic(null), dynamic([1])))", "true")
        ]
    ),
];

fn bag_pack(call: &Call, ignore_empty: bool) -> Column {
    rows::json(call, |row, out| {
        let mut bag = Bag::new(out);
        for pair in 0..call.arguments.len() / 2 {
            let value_of_key = value(call, 2 * pair + 1, row);
            let empty = match &value_of_key {
                Value::Null(_) => true,
                Value::String(text) => text.is_empty(),
                Value::Dynamic(text) => text == "\"\"",
                _ => false,
            };
            if ignore_empty && empty {
                continue;
            }
            let key = match value(call, 2 * pair, row) {
                Value::String(key) => key,
                other => convert::text_of(&other),
            };
            if let Some(out) = bag.key(Cow::Owned(key)) {
                json::write_value(&value_of_key, out);
            }
        }
        bag.end();
        Some(())
    })
}

/// Writes a bag; the first value of a key stays.
pub(super) struct Bag<'k, 'o> {
    keys: Vec<Cow<'k, str>>,
    out: &'o mut String,
}

impl<'k, 'o> Bag<'k, 'o> {
    pub(super) fn new(out: &'o mut String) -> Self {
        out.push('{');
        Bag { keys: Vec::new(), out }
    }

    /// Begins a member; returns where its value is to be written, or None if the bag has the key.
    pub(super) fn key(&mut self, key: Cow<'k, str>) -> Option<&mut String> {
        if self.keys.contains(&key) {
            return None;
        }
        if !self.keys.is_empty() {
            self.out.push(',');
        }
        json::write_string(&key, self.out);
        self.out.push(':');
        self.keys.push(key);
        Some(self.out)
    }

    pub(super) fn end(self) {
        self.out.push('}');
    }
}

pub(super) fn is_bag(json: &str) -> bool {
    json::kind(json) == json::Kind::Bag
}

fn bag_keys(call: &Call) -> Column {
    let bag = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        out.push('[');
        for (index, (key, _)) in json::members(bag).enumerate() {
            if index > 0 {
                out.push(',');
            }
            json::write_string(&key, out);
        }
        out.push(']');
        Some(())
    })
}

fn bag_merge(call: &Call) -> Column {
    let bags: Vec<Reader<Json>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::json(call, |row, out| {
        let mut bags = bags.iter().filter_map(|bag| bag.get(row)).filter(|bag| is_bag(bag)).peekable();
        bags.peek()?;
        let mut merged = Bag::new(out);
        for (key, value) in bags.flat_map(json::members) {
            if let Some(out) = merged.key(key) {
                out.push_str(value);
            }
        }
        merged.end();
        Some(())
    })
}

/// Reads a path like `$.a[0]['b c']`; None where it is none.
pub(super) fn path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            steps.push(Step::Key(tail[..end].to_string()));
            rest = &tail[end..];
            continue;
        }
        let tail = rest.strip_prefix('[')?;
        let quote = tail.chars().next()?;
        if quote == '\'' || quote == '"' {
            let end = tail[1..].find(quote)? + 1;
            steps.push(Step::Key(tail[1..end].to_string()));
            rest = tail[end + 1..].strip_prefix(']')?;
        } else {
            let end = tail.find(']')?;
            steps.push(Step::Index(tail[..end].trim().parse().ok()?));
            rest = &tail[end + 1..];
        }
    }
    Some(steps)
}

/// Reads a key of a bag: a path if it begins with `$.` or `$[`, else the key itself.
fn key_path(key: &str) -> Vec<Step> {
    let steps = if key.starts_with("$.") || key.starts_with("$[") { path(key) } else { None };
    steps.unwrap_or_else(|| vec![Step::Key(key.to_string())])
}

fn bag_has_key(call: &Call) -> Column {
    let (bag, key) = (Reader::<Json>::new(call, 0), Reader::<Text>::new(call, 1));
    rows::bools(call, |row| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        let steps = key_path(key.get(row)?);
        let found = steps.iter().try_fold(bag, |value, step| match step {
            Step::Key(key) => json::get_key(value, key),
            Step::Index(index) => json::get_index(value, *index),
        });
        Some(found.is_some())
    })
}

fn bag_remove_keys(call: &Call) -> Column {
    let (bag, keys) = (Reader::<Json>::new(call, 0), Reader::<Json>::new(call, 1));
    rows::json(call, |row, out| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        let keys = rows::elements(keys.get(row)?)?;
        let paths: Vec<Vec<Step>> = keys.iter().filter_map(|key| Some(key_path(&json::as_string(key)?))).collect();
        write_without(bag, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>(), out);
        Some(())
    })
}

/// Writes a bag without the members at the paths. Recursion ends with the longest path.
fn write_without(bag: &str, paths: &[&[Step]], out: &mut String) {
    let mut written = Bag::new(out);
    for (key, value) in json::members(bag) {
        let deeper: Vec<&[Step]> = paths
            .iter()
            .filter(|path| matches!(path.first(), Some(Step::Key(wanted)) if *wanted == *key))
            .map(|path| &path[1..])
            .collect();
        if deeper.iter().any(|path| path.is_empty()) {
            continue;
        }
        if let Some(out) = written.key(key) {
            if deeper.is_empty() || !is_bag(value) { out.push_str(value) } else { write_without(value, &deeper, out) }
        }
    }
    written.end();
}

fn bag_set_key(call: &Call) -> Column {
    let (bag, key) = (Reader::<Json>::new(call, 0), Reader::<Text>::new(call, 1));
    rows::json(call, |row, out| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        let steps = key_path(key.get(row)?);
        let keys = steps.iter().map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        });
        write_with(bag, &keys.collect::<Option<Vec<_>>>()?, &json::from_value(&value(call, 2, row)), out);
        Some(())
    })
}

/// Writes a bag with a member set, which moves to the end (documented sample). Recursion ends with the path.
fn write_with(bag: &str, keys: &[&str], value: &str, out: &mut String) {
    let Some((first, rest)) = keys.split_first() else { return out.push_str(value) };
    let mut written = Bag::new(out);
    for (key, value) in json::members(bag).filter(|(key, _)| key != first) {
        if let Some(out) = written.key(key) {
            out.push_str(value);
        }
    }
    if let Some(out) = written.key(Cow::Borrowed(first)) {
        let inner = json::get_key(bag, first).filter(|inner| is_bag(inner)).unwrap_or("{}");
        write_with(inner, rest, value, out);
    }
    written.end();
}

fn bag_zip(call: &Call) -> Column {
    let (keys, values) = (Reader::<Json>::new(call, 0), Reader::<Json>::new(call, 1));
    rows::json(call, |row, out| {
        let keys = rows::elements(keys.get(row)?)?;
        let values = values.get(row).and_then(rows::elements).unwrap_or_default();
        let mut bag = Bag::new(out);
        for (index, key) in keys.iter().enumerate() {
            // A key that is no string drops out, with its value (documented).
            if let Some(out) = json::as_string(key).and_then(|key| bag.key(key)) {
                out.push_str(values.get(index).unwrap_or(&"null"));
            }
        }
        bag.end();
        Some(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::rows::{evaluate, json_value as json};
    use super::*;

    fn call(name: &str, arguments: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, arguments)
    }

    #[test]
    fn the_first_of_two_values_stays() {
        let merged = call("bag_merge", &[json(r#"{"a":1}"#), json(r#"{"a":2,"b":3}"#)]);
        assert_eq!(merged, json(r#"{"a":1,"b":3}"#));
    }

    #[test]
    fn keys_by_path() {
        let bag = json(r#"{"key1":123,"key2":{"prop1":"abc","prop2":"xyz"},"key3":[100]}"#);
        let key = |text: &str| Value::String(text.to_string());
        assert_eq!(call("bag_has_key", &[bag.clone(), key("$.key2.prop1")]), Value::Bool(true));
        assert_eq!(call("bag_has_key", &[bag.clone(), key("$['key3'][1]")]), Value::Bool(false));
        let removed = call("bag_remove_keys", &[bag.clone(), json(r#"["$.key2.prop1","key3"]"#)]);
        assert_eq!(removed, json(r#"{"key1":123,"key2":{"prop2":"xyz"}}"#));
        let set = call("bag_set_key", &[bag, key("$.key2.prop1"), Value::Long(1)]);
        assert_eq!(set, json(r#"{"key1":123,"key3":[100],"key2":{"prop2":"xyz","prop1":1}}"#));
    }
}
