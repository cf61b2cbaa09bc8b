//! `bag_unpack`: a column for each key of a bag.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewBuilder};

use super::rows::batch;
use super::{Columns, Invocation, Parameter, Plugin, Process, Run, STRING, Takes};
use crate::functions::{FunctionError, Kind};
use crate::types::convert::cast;
use crate::types::{Column, ScalarType, Value, json};

/// Columns beyond this are more than a result can be read by.
const MOST_COLUMNS: usize = 10_000;

pub(super) static BAG_UNPACK: Plugin = Plugin {
    name: "bag_unpack",
    summary: "Makes a column of each key of a bag.",
    signatures: &[&[
        Parameter::new("column", Takes::Column(Kind::Any)),
        Parameter::new("column_prefix", Takes::Literal(STRING)).optional(),
        Parameter::new("columnsConflict", Takes::Literal(STRING)).optional().unlisted(),
        Parameter::new("ignoredProperties", Takes::Constant(Kind::Dynamic)).optional().unlisted(),
    ]],
    columns: Columns::Open { known, reads: "column", discover },
    run: Run::Batches(|call, _| Ok(Box::new(Unpack::new(call)))),
    examples: &[
        ("print d = dynamic({'b': 1, 'a': 'x'}) | evaluate bag_unpack(d) | project a, b", "print a = 'x', b = 1"),
        ("print k = 5, d = dynamic({'a': 1.5}) | evaluate bag_unpack(d, 'p_')", "print k = 5, p_a = 1.5"),
        (
            "datatable(d:dynamic) [dynamic({'a': 1}), dynamic(null)] | evaluate bag_unpack(d)",
            "datatable(a:long) [1, long(null)]",
        ),
    ],
    page: "bag-unpack-plugin",
    unlisted: false,
    ordered: false,
};

/// What is done with a key that is called like another column of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conflict {
    Error,
    ReplaceSource,
    KeepSource,
}

fn conflict(call: &Invocation) -> Result<Conflict, FunctionError> {
    match call.constant("columnsConflict") {
        None => Ok(Conflict::Error),
        Some(Value::String(word)) if word == "error" => Ok(Conflict::Error),
        Some(Value::String(word)) if word == "replace_source" => Ok(Conflict::ReplaceSource),
        Some(Value::String(word)) if word == "keep_source" => Ok(Conflict::KeepSource),
        Some(_) => Err(call.error(
            "columnsConflict",
            "AQ041",
            "`columnsConflict` is 'error', 'replace_source' or 'keep_source'",
        )),
    }
}

fn prefix(call: &Invocation) -> &str {
    match call.constant("column_prefix") {
        Some(Value::String(prefix)) => prefix,
        _ => "",
    }
}

fn ignored(call: &Invocation) -> Vec<String> {
    match call.constant("ignoredProperties") {
        Some(Value::Dynamic(names)) => {
            json::elements(names).filter_map(|name| json::as_string(name).map(|name| name.into_owned())).collect()
        }
        _ => Vec::new(),
    }
}

fn known(call: &Invocation) -> Result<Vec<Column>, FunctionError> {
    let unpacked = call.place("column");
    if let Some(column) = call.column("column").filter(|column| column.scalar_type != ScalarType::Dynamic) {
        let message = format!("`{}` is of type {}: read it with parse_json() first", column.name, column.scalar_type);
        return Err(call.error("column", "AQ041", message));
    }
    conflict(call)?;
    let own = call.input[..call.own].iter().enumerate();
    Ok(own.filter(|(place, _)| *place != unpacked).map(|(_, column)| column.clone()).collect())
}

/// The columns of the input, then those of the keys in the order of their names (documented). A column that the input
/// has too stands among the latter, whichever of the two is kept (documented by the printed results).
fn discover(call: &Invocation, batches: &mut dyn Iterator<Item = RecordBatch>) -> Result<Vec<Column>, FunctionError> {
    let (conflict, prefix, ignored) = (conflict(call)?, prefix(call), ignored(call));
    let mut slots: BTreeMap<String, Slot> = BTreeMap::new();
    for batch in batches {
        let bags = Bags::new(call, &batch);
        for row in 0..batch.num_rows() {
            bags.each(row, |key, value| match slots.get_mut(key) {
                Some(slot) => slot.add(value),
                None if ignored.iter().any(|name| name == key) => {}
                None => slots.entry(key.to_string()).or_default().add(value),
            });
            if slots.len() > MOST_COLUMNS {
                let message = format!("the bags have more than {MOST_COLUMNS} keys: name those that count in a schema");
                return Err(call.error("column", "AQ040", message));
            }
        }
    }
    let mut columns = known(call)?;
    let mut unpacked = Vec::with_capacity(slots.len());
    for (key, slot) in slots {
        let name = format!("{prefix}{key}");
        if name.is_empty() {
            return Err(call.error("column", "AQ040", "a key of the bag is empty, and no column can be called so"));
        }
        match (columns.iter().position(|column| column.name == name), conflict) {
            (None, _) => unpacked.push(Column::new(name, slot.scalar_type(call, &key)?)),
            (Some(place), Conflict::KeepSource) => unpacked.push(columns.remove(place)),
            (Some(place), Conflict::ReplaceSource) => {
                columns.remove(place);
                unpacked.push(Column::new(name, slot.scalar_type(call, &key)?));
            }
            (Some(_), Conflict::Error) => {
                return Err(call.error(
                    "column",
                    "AQ041",
                    format!(
                        "the key `{key}` is called like a column that is there already; give a prefix, or \
                         columnsConflict = 'replace_source'"
                    ),
                ));
            }
        }
    }
    columns.extend(unpacked);
    Ok(columns)
}

/// What is known of a key's values.
#[derive(Debug, Default)]
struct Slot {
    found: Option<ScalarType>,
    several: bool,
    /// Some string is a moment in time as Kusto takes it.
    moments: bool,
}

impl Slot {
    fn add(&mut self, value: &str) {
        let scalar_type = match json::kind(value) {
            // Nulls do not count (documented).
            json::Kind::Null => return,
            json::Kind::Bool => ScalarType::Bool,
            json::Kind::Long => ScalarType::Long,
            json::Kind::Real => ScalarType::Real,
            json::Kind::Array | json::Kind::Bag => ScalarType::Dynamic,
            json::Kind::String if json::is_moment(value) => {
                self.moments = true;
                ScalarType::DateTime
            }
            json::Kind::String => ScalarType::String,
        };
        self.several |= self.found.is_some_and(|found| found != scalar_type);
        self.found = Some(scalar_type);
    }

    /// The type of all values, or dynamic where they differ (documented).
    fn scalar_type(&self, call: &Invocation, key: &str) -> Result<ScalarType, FunctionError> {
        let refuse = |why: &str| {
            let message =
                format!("{why} the key `{key}`: its type is not sure; declare it, as in `: (*, {key}:string)`");
            Err(call.error("column", "AQ040", message))
        };
        match self.found {
            None => refuse("only nulls are found under"),
            // Kusto keeps a moment within a dynamic as one, and prints it in its own form: what text there would be left
            // of it beside other values is not known.
            Some(_) if self.several && self.moments => refuse("moments in time stand beside other values under"),
            Some(_) if self.several => Ok(ScalarType::Dynamic),
            Some(found) => Ok(found),
        }
    }
}

/// The bags of a batch.
struct Bags {
    texts: ArrayRef,
}

impl Bags {
    fn new(call: &Invocation, batch: &RecordBatch) -> Bags {
        let texts = batch.column(call.place("column")).clone();
        Bags { texts }
    }

    fn each<'a>(&'a self, row: usize, mut f: impl FnMut(&str, &'a str)) {
        let texts = self.texts.as_string_view();
        if texts.is_null(row) {
            return;
        }
        for (key, value) in json::members(texts.value(row)) {
            f(&key, value);
        }
    }
}

/// Gives the columns of [`Invocation::columns`]: those of the input that are kept, and the values of keys.
struct Unpack {
    call: Invocation,
    /// Where each column comes from.
    sources: Vec<Source>,
    /// The place among the unpacked of each key.
    keys: HashMap<String, usize>,
}

enum Source {
    Input(usize),
    Key(usize),
}

impl Unpack {
    fn new(call: &Invocation) -> Unpack {
        let keep = conflict(call) != Ok(Conflict::ReplaceSource);
        let (prefix, unpacked) = (prefix(call), call.place("column"));
        let mut keys = HashMap::new();
        let sources = call.columns.iter().map(|column| {
            let own =
                call.input.iter().enumerate().position(|(place, own)| own.name == column.name && place != unpacked);
            match own.filter(|_| keep) {
                Some(place) => Source::Input(place),
                None => {
                    let next = keys.len();
                    let key = column.name.strip_prefix(prefix).unwrap_or_default();
                    Source::Key(*keys.entry(key.to_string()).or_insert(next))
                }
            }
        });
        Unpack { sources: sources.collect(), keys, call: call.clone() }
    }
}

impl Process for Unpack {
    fn push(&mut self, rows: &RecordBatch) -> Result<Vec<RecordBatch>, FunctionError> {
        let bags = Bags::new(&self.call, rows);
        let mut values: Vec<StringViewBuilder> = Vec::new();
        values.resize_with(self.keys.len(), || StringViewBuilder::with_capacity(rows.num_rows()));
        let mut found: Vec<Option<&str>> = vec![None; self.keys.len()];
        for row in 0..rows.num_rows() {
            found.fill(None);
            bags.each(row, |key, value| {
                if let Some(place) = self.keys.get(key) {
                    found[*place] = (json::kind(value) != json::Kind::Null).then_some(value);
                }
            });
            for (builder, value) in values.iter_mut().zip(&found) {
                builder.append_option(*value);
            }
        }
        let values: Vec<ArrayRef> =
            values.into_iter().map(|mut v| std::sync::Arc::new(v.finish()) as ArrayRef).collect();
        let arrays = self.sources.iter().zip(&self.call.columns).map(|(source, column)| match source {
            Source::Input(place) => cast(rows.column(*place), self.call.input[*place].scalar_type, column.scalar_type),
            Source::Key(place) => cast(&values[*place], ScalarType::Dynamic, column.scalar_type),
        });
        Ok(vec![batch(&self.call.columns, arrays.collect(), rows.num_rows())?])
    }
}
