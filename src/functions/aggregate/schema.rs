//! `buildschema`: what the dynamics of a group look like.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::groups::{Result, each_valid, front};
use super::{Accumulator, Aggregate, Overload, State};
use crate::functions::{FunctionError, Kind, Naming, Returns, one};
use crate::types::{ScalarType, json};

/// `buildschema`
pub(super) const BUILDSCHEMA: Aggregate = Aggregate {
    name: "buildschema",
    aliases: &[],
    summary: "Gives the smallest schema that admits all values of the group.",
    naming: Naming::PrefixAndFirstArgument("schema"),
    overloads: &[Overload {
        parameters: &[one("value", Kind::Dynamic)],
        returns: Returns::Type(ScalarType::Dynamic),
        state: State::New(|_| Ok(Box::<Schemas>::default())),
    }],
    ordered: false,
    several: false,
    examples: &[
        (
            "datatable(x: dynamic)[dynamic({'a': 1}), dynamic({'a': 'b'})] | summarize buildschema(x)",
            "print schema_x = dynamic({'a': ['long', 'string']})",
        ),
        (
            "datatable(x: dynamic)[dynamic({'a': 1.5}), dynamic({'b': true})] | summarize buildschema(x)",
            "print schema_x = dynamic({'a': 'double', 'b': 'bool'})",
        ),
        ("datatable(x: dynamic)[] | summarize buildschema(x)", "print schema_x = dynamic(null)"),
    ],
    page: "buildschema-aggregation-function",
};

/// What was seen in one place.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Schema {
    /// Names of simple types, in the order of their first appearance.
    types: Vec<String>,
    /// Keys of bags.
    keys: Vec<(String, Schema)>,
    bag: bool,
    /// What arrays hold.
    items: Option<Box<Schema>>,
}

impl Schema {
    fn add(&mut self, value: &Json) {
        match value {
            Json::Null => {}
            Json::Object(members) => {
                self.bag = true;
                members.iter().for_each(|(key, value)| self.key(key).add(value));
            }
            Json::Array(elements) => {
                let items = self.items.get_or_insert_default();
                elements.iter().for_each(|element| items.add(element));
            }
            Json::Bool(_) => self.add_type("bool"),
            Json::String(_) => self.add_type("string"),
            Json::Number(number) => self.add_type(if number.is_f64() { "double" } else { "long" }),
        }
    }

    fn add_type(&mut self, name: &str) {
        if !self.types.iter().any(|known| known == name) {
            self.types.push(name.to_string());
        }
    }

    fn key(&mut self, key: &str) -> &mut Schema {
        let index = self.keys.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            self.keys.push((key.to_string(), Schema::default()));
            self.keys.len() - 1
        });
        &mut self.keys[index].1
    }

    fn merge(&mut self, other: Schema) {
        other.types.iter().for_each(|name| self.add_type(name));
        self.bag |= other.bag;
        for (key, schema) in other.keys {
            self.key(&key).merge(schema);
        }
        if let Some(items) = other.items {
            self.items.get_or_insert_default().merge(*items);
        }
    }

    /// One type stands alone, several in an array, bags first.
    fn json(&self) -> Json {
        let mut shapes = Vec::new();
        if self.bag || self.items.is_some() {
            let mut members: Map<String, Json> =
                self.keys.iter().map(|(k, schema)| (k.clone(), schema.json())).collect();
            if let Some(items) = &self.items {
                members.insert("`indexer`".into(), items.json());
            }
            shapes.push(Json::Object(members));
        }
        shapes.extend(self.types.iter().map(|name| Json::String(name.clone())));
        if shapes.len() == 1 { shapes.remove(0) } else { Json::Array(shapes) }
    }
}

/// Tells whether a value holds a text that Kusto may read as a datetime, and name so.
fn has_moment(value: &Json) -> bool {
    match value {
        Json::String(text) => json::is_moment(text),
        Json::Array(elements) => elements.iter().any(has_moment),
        Json::Object(members) => members.values().any(has_moment),
        _ => false,
    }
}

#[derive(Debug, Default)]
struct Schemas {
    groups: Vec<Option<Box<Schema>>>,
    bytes: usize,
}

impl Schemas {
    fn emit(&mut self, take: usize, text: impl Fn(&Schema) -> Option<String>) -> ArrayRef {
        let texts = front(&mut self.groups, take).into_iter().map(|schema| schema.and_then(|schema| text(&schema)));
        Arc::new(texts.collect::<StringViewArray>())
    }
}

impl Accumulator for Schemas {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.groups.resize(total, None);
        let values: &StringViewArray = arguments[0].as_string_view();
        let mut fault = None;
        each_valid(values, groups, filter, |row, group| {
            if let Ok(value) = serde_json::from_str::<Json>(values.value(row)) {
                if has_moment(&value) {
                    let message = "`buildschema()` of values with moments in time is not supported yet";
                    fault = Some(FunctionError::argument(0, "AQ001", message));
                }
                let schema = self.groups[group].get_or_insert_default();
                let before = schema.keys.len();
                schema.add(&value);
                self.bytes += (schema.keys.len() - before) * 128;
            }
        });
        fault.map_or(Ok(()), Err)
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.groups.resize(total, None);
        let texts: &StringViewArray = states[0].as_string_view();
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| texts.is_valid(*row)) {
            if let Ok(schema) = serde_json::from_str::<Schema>(texts.value(row)) {
                self.groups[*group].get_or_insert_default().merge(schema);
            }
        }
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![DataType::Utf8View]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(take, |schema| serde_json::to_string(schema).ok())])
    }

    fn result_type(&self) -> DataType {
        DataType::Utf8View
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        Ok(self.emit(take, |schema| Some(schema.json().to_string())))
    }

    fn size(&self) -> usize {
        self.bytes + self.groups.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;

    #[test]
    fn several_shapes_stand_in_an_array() {
        let values = dynamics(&[r#"{"a":1,"b":[1,"x"]}"#, r#"{"a":{"c":2.5}}"#, "", r#"[true]"#]);
        assert_eq!(
            run("buildschema", &[values], &[0, 0, 1, 2]),
            [r#"{"a":[{"c":"double"},"long"],"b":{"`indexer`":["long","string"]}}"#, "null", r#"{"`indexer`":"bool"}"#]
        );
    }

    #[test]
    fn moments_are_seen_wherever_they_stand() {
        let seen = |text: &str| super::has_moment(&serde_json::from_str(text).expect("JSON"));
        assert!(seen(r#"{"a":[{"b":"2024-05-01T00:00:00Z"}]}"#));
        assert!(!seen(r#"{"2024-05-01T00:00:00Z":["2024","10:30"]}"#));
    }
}
