//! `mv-expand`: a row for each element of an array.
//!
//! Elements are not copied: a dynamic or string that comes out is a view into the text of its array. [`ExpandPaths`]
//! is the same over one array, fused with the lookups into its elements that follow.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int32Builder, Int64Array, Int64Builder, RecordBatch,
    StringViewArray, UInt32Array, new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;

use super::views::Parts;
use super::{OperatorError, RowOperator};
use crate::types::arrow::{data_type, schema};
use crate::types::elements::write_member;
use crate::types::json::{self, Kind, Paths, Step};
use crate::types::{Column, ScalarType, convert, ticks};

/// Rows after which a batch is closed, between two rows of the input.
pub(super) const ROWS: usize = 1 << 16;

/// One column that comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A column of the input, repeated.
    Input(usize),
    /// The elements of the array with this index in [`Expand::new`], or the path in [`ExpandPaths::new`].
    Element(usize),
    /// The element's index within its array, from 0.
    Index,
}

/// `mv-expand` of any number of arrays side by side.
#[derive(Debug)]
pub struct Expand {
    schema: SchemaRef,
    outputs: Vec<Output>,
    arrays: Vec<(usize, ScalarType)>,
    limit: usize,
    bag_arrays: bool,
}

impl Expand {
    /// Makes the operator. `arrays` are dynamic columns of the input, each with the type that its elements become;
    /// rows of the result end at the longest of them (measured).
    ///
    /// `limit` caps the rows that come of one row; bags give their members as bags of one key, or as `[key, value]`
    /// with `bag_arrays`.
    pub fn new(
        outputs: Vec<(Column, Output)>,
        arrays: Vec<(usize, ScalarType)>,
        limit: Option<i64>,
        bag_arrays: bool,
    ) -> Self {
        let (columns, outputs): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        Expand { schema: schema(&columns), outputs, arrays, limit: row_limit(limit), bag_arrays }
    }
}

pub(super) fn row_limit(limit: Option<i64>) -> usize {
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(0))
}

impl RowOperator for Expand {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let mut columns: Vec<Elements> =
            self.arrays.iter().map(|(index, to)| Elements::new(batch.column(*index).as_string_view(), *to)).collect();
        let mut done = Vec::new();
        let mut origin = Origin::new(&self.outputs);
        for row in 0..batch.num_rows() {
            let mut longest = 0;
            for column in &mut columns {
                let before = column.len();
                column.expand(row, self.limit, self.bag_arrays);
                longest = longest.max(column.len() - before);
            }
            origin.extend(row, 0..longest);
            columns.iter_mut().for_each(|column| column.pad(origin.len()));
            if origin.len() >= ROWS {
                let elements = columns.iter_mut().map(Elements::take).collect::<Result<_, _>>()?;
                done.push(origin.batch(batch, &self.schema, &self.outputs, elements)?);
            }
        }
        if origin.len() > 0 {
            let elements = columns.iter_mut().map(Elements::take).collect::<Result<_, _>>()?;
            done.push(origin.batch(batch, &self.schema, &self.outputs, elements)?);
        }
        Ok(done)
    }
}

/// Where the rows that come out stem from.
#[derive(Debug)]
pub(super) struct Origin {
    rows: Vec<u32>,
    /// None where no output asks for them.
    indexes: Option<Vec<i64>>,
}

impl Origin {
    pub(super) fn new(outputs: &[Output]) -> Origin {
        Origin { rows: Vec::new(), indexes: outputs.contains(&Output::Index).then(Vec::new) }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds rows for the elements of a row with these numbers.
    pub(super) fn extend(&mut self, row: usize, numbers: impl ExactSizeIterator<Item = usize>) {
        self.rows.extend(std::iter::repeat_n(row as u32, numbers.len()));
        if let Some(indexes) = &mut self.indexes {
            indexes.extend(numbers.map(|number| number as i64));
        }
    }

    /// Makes a batch of the rows so far and begins anew.
    pub(super) fn batch(
        &mut self,
        input: &RecordBatch,
        schema: &SchemaRef,
        outputs: &[Output],
        elements: Vec<ArrayRef>,
    ) -> Result<RecordBatch, OperatorError> {
        let rows = UInt32Array::from(std::mem::take(&mut self.rows));
        let indexes = self.indexes.as_mut().map(std::mem::take).unwrap_or_default();
        let indexes: ArrayRef = Arc::new(Int64Array::from(indexes));
        let mut columns = Vec::with_capacity(outputs.len());
        for output in outputs {
            columns.push(match output {
                Output::Input(index) => take(input.column(*index), &rows, None)?,
                Output::Element(index) => elements[*index].clone(),
                Output::Index => indexes.clone(),
            });
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
    }
}

/// The elements of one array column, converted.
struct Elements<'a> {
    source: &'a StringViewArray,
    values: Values<'a>,
    text: String,
}

enum Values<'a> {
    Dynamic(Parts<'a>),
    Text(Parts<'a>),
    Guid(Parts<'a>),
    Long(Int64Builder),
    Int(Int32Builder),
    Real(Float64Builder),
    Bool(BooleanBuilder),
    DateTime(Int64Builder),
    /// Nothing converts to it (measured).
    Null(ScalarType, usize),
}

impl<'a> Elements<'a> {
    fn new(source: &'a StringViewArray, to: ScalarType) -> Self {
        let values = match to {
            ScalarType::Dynamic => Values::Dynamic(Parts::new(source)),
            ScalarType::String => Values::Text(Parts::new(source)),
            ScalarType::Guid => Values::Guid(Parts::new(source)),
            ScalarType::Long => Values::Long(Int64Builder::new()),
            ScalarType::Int => Values::Int(Int32Builder::new()),
            ScalarType::Real => Values::Real(Float64Builder::new()),
            ScalarType::Bool => Values::Bool(BooleanBuilder::new()),
            ScalarType::DateTime => Values::DateTime(Int64Builder::new()),
            ScalarType::TimeSpan | ScalarType::Decimal => Values::Null(to, 0),
        };
        Elements { source, values, text: String::new() }
    }

    fn len(&self) -> usize {
        use arrow::array::ArrayBuilder;
        match &self.values {
            Values::Dynamic(parts) | Values::Text(parts) | Values::Guid(parts) => parts.len(),
            Values::Long(values) | Values::DateTime(values) => values.len(),
            Values::Int(values) => values.len(),
            Values::Real(values) => values.len(),
            Values::Bool(values) => values.len(),
            Values::Null(_, len) => *len,
        }
    }

    /// Appends the elements of a row's array, at most `limit` of them.
    fn expand(&mut self, row: usize, limit: usize, bag_arrays: bool) {
        if self.source.is_null(row) {
            // A null counts as one element (measured).
            if limit > 0 {
                self.push(row, "null");
            }
            return;
        }
        let json = self.source.value(row);
        match json.trim_ascii_start().as_bytes().first() {
            Some(b'[') => json::elements(json).take(limit).for_each(|element| self.push(row, element)),
            Some(b'{') => {
                for (key, value) in json::members(json).take(limit) {
                    let mut text = std::mem::take(&mut self.text);
                    write_member(&key, value, bag_arrays, &mut text);
                    self.push(row, &text);
                    self.text = text;
                }
            }
            _ if limit > 0 => self.push(row, json.trim_ascii()),
            _ => {}
        }
    }

    #[inline]
    fn push(&mut self, row: usize, element: &str) {
        match &mut self.values {
            Values::Dynamic(parts) if element == "null" => parts.push_null(),
            Values::Dynamic(parts) => parts.push(row, element),
            Values::Text(parts) => parts.push(row, &json::as_text(element)),
            Values::Guid(parts) => match json::as_string(element).and_then(|text| convert::parse_guid(&text)) {
                Some(guid) => parts.push(row, &guid),
                None => parts.push_null(),
            },
            Values::Long(values) => values.append_option(number(element).and_then(convert::dynamic_to_long)),
            Values::Int(values) => values.append_option(number(element).and_then(convert::dynamic_to_int)),
            Values::Real(values) => values.append_option(number(element).and_then(convert::dynamic_to_real)),
            Values::Bool(values) => values.append_option(truth(element)),
            Values::DateTime(values) => {
                values.append_option(json::as_string(element).and_then(|text| ticks::parse_datetime(&text)));
            }
            Values::Null(_, len) => *len += 1,
        }
    }

    /// Appends what is missing up to `len` rows.
    fn pad(&mut self, len: usize) {
        while self.len() < len {
            self.push(0, "null");
        }
    }

    fn take(&mut self) -> Result<ArrayRef, OperatorError> {
        Ok(match &mut self.values {
            Values::Dynamic(parts) | Values::Text(parts) | Values::Guid(parts) => parts.take()?,
            Values::Long(values) | Values::DateTime(values) => Arc::new(values.finish()),
            Values::Int(values) => Arc::new(values.finish()),
            Values::Real(values) => Arc::new(values.finish()),
            Values::Bool(values) => Arc::new(values.finish()),
            Values::Null(scalar_type, len) => new_null_array(&data_type(*scalar_type), std::mem::take(len)),
        })
    }
}

/// Strings do not become numbers here, as they do in `tolong` (measured).
#[inline]
fn number(element: &str) -> Option<&str> {
    element.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then_some(element)
}

fn truth(element: &str) -> Option<bool> {
    match json::kind(element) {
        Kind::Bool | Kind::Long => convert::dynamic_to_bool(element),
        Kind::Real => convert::dynamic_to_real(element).filter(|value| value.fract() == 0.0).map(|value| value != 0.0),
        _ => None,
    }
}

/// What is wanted of each element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementPath {
    /// Where it is; no step stands for the element itself.
    pub steps: Vec<Step>,
    /// Its text, as `tostring` gives it; else the dynamic.
    pub text: bool,
}

/// Tells whether an element is wanted, by the text of one of its paths (`""` where there is nothing).
pub type Wanted = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Where the arrays stand.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The column.
    pub column: usize,
    /// Its texts are read as `parse_json` does; else it is dynamic.
    pub parse: bool,
}

/// `mv-expand` of one array, several paths of its elements, and a filter on one of them, in one pass over the text.
pub struct ExpandPaths {
    schema: SchemaRef,
    outputs: Vec<Output>,
    array: Source,
    paths: Vec<ElementPath>,
    lookup: Paths,
    filter: Option<(usize, Wanted)>,
    limit: usize,
}

impl Debug for ExpandPaths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExpandPaths").field("outputs", &self.outputs).field("paths", &self.paths).finish()
    }
}

impl ExpandPaths {
    /// Makes the operator over the arrays of a column. Of the elements for which `filter` (a path's number and a
    /// test of its text) is false no row is made; `limit` counts them nevertheless.
    pub fn new(
        outputs: Vec<(Column, Output)>,
        array: Source,
        paths: Vec<ElementPath>,
        filter: Option<(usize, Wanted)>,
        limit: Option<i64>,
    ) -> Self {
        let (columns, outputs): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        let lookup = Paths::new(paths.iter().map(|path| path.steps.as_slice()));
        ExpandPaths { schema: schema(&columns), outputs, array, paths, lookup, filter, limit: row_limit(limit) }
    }

    fn wants(&self, found: &[Option<&str>]) -> bool {
        self.filter.as_ref().is_none_or(|(path, wanted)| match found[*path] {
            None => wanted(""),
            Some(value) => wanted(&json::as_text(value)),
        })
    }
}

impl RowOperator for ExpandPaths {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let source: &StringViewArray = batch.column(self.array.column).as_string_view();
        let mut columns: Vec<Parts> = self.paths.iter().map(|_| Parts::new(source)).collect();
        let mut done = Vec::new();
        let mut origin = Origin::new(&self.outputs);
        let mut found: Vec<Option<&str>> = Vec::new();
        for row in 0..source.len() {
            let json = if source.is_null(row) { "null" } else { source.value(row) };
            self.lookup.in_elements(json, self.array.parse, self.limit, &mut found, &mut |found, index| {
                if !self.wants(found) {
                    return;
                }
                origin.extend(row, index..index + 1);
                for ((value, path), column) in found.iter().zip(&self.paths).zip(&mut columns) {
                    match value {
                        Some(value) if path.text => column.push(row, &json::as_text(value)),
                        Some(value) => column.push(row, value),
                        None if path.text => column.push(row, ""),
                        None => column.push_null(),
                    }
                }
            });
            if origin.len() >= ROWS {
                let elements = columns.iter_mut().map(Parts::take).collect::<Result<_, _>>()?;
                done.push(origin.batch(batch, &self.schema, &self.outputs, elements)?);
            }
        }
        if origin.len() > 0 {
            let elements = columns.iter_mut().map(Parts::take).collect::<Result<_, _>>()?;
            done.push(origin.batch(batch, &self.schema, &self.outputs, elements)?);
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{batch, rows};
    use super::*;
    use crate::types::Value;

    fn dynamics(texts: &[&str]) -> (ScalarType, Vec<Value>) {
        let value = |text: &&str| {
            if text.is_empty() { Value::Null(ScalarType::Dynamic) } else { Value::Dynamic(text.to_string()) }
        };
        (ScalarType::Dynamic, texts.iter().map(value).collect())
    }

    fn longs(values: &[i64]) -> (ScalarType, Vec<Value>) {
        (ScalarType::Long, values.iter().map(|value| Value::Long(*value)).collect())
    }

    /// Expands one column, which is replaced; a key and the index come along.
    fn expanded(texts: &[&str], to: ScalarType, limit: Option<i64>, bag_arrays: bool) -> Vec<String> {
        let keys: Vec<i64> = (0..texts.len() as i64).collect();
        let outputs = vec![
            (Column::new("k", ScalarType::Long), Output::Input(0)),
            (Column::new("v", to), Output::Element(0)),
            (Column::new("i", ScalarType::Long), Output::Index),
        ];
        let mut expand = Expand::new(outputs, vec![(1, to)], limit, bag_arrays);
        rows(&expand.push(&batch(&[longs(&keys), dynamics(texts)])).unwrap())
    }

    #[test]
    fn a_row_for_each_element() {
        let texts = ["[1, \"x\" ,null]", "[]", "", "{\"a\":1,\"b\":[2]}", "7", "{}"];
        assert_eq!(
            expanded(&texts, ScalarType::Dynamic, None, false),
            ["0|1|0", "0|\"x\"|1", "0|null|2", "2|null|0", "3|{\"a\":1}|0", "3|{\"b\":[2]}|1", "4|7|0"]
        );
        assert_eq!(
            expanded(&texts, ScalarType::Dynamic, Some(1), true),
            ["0|1|0", "2|null|0", "3|[\"a\",1]|0", "4|7|0"]
        );
        assert!(expanded(&texts, ScalarType::Dynamic, Some(0), false).is_empty());
    }

    #[test]
    fn elements_convert_by_what_json_says_they_are() {
        let texts = ["[-2.5, \"2\", 3, true, \"2024-01-01\"]"];
        let values = |to| {
            let rows = expanded(&texts, to, None, false);
            rows.iter().map(|row| row.split('|').nth(1).unwrap().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(values(ScalarType::Long), ["-2", "null", "3", "null", "null"]);
        assert_eq!(values(ScalarType::Int), ["-2", "null", "3", "null", "null"]);
        assert_eq!(values(ScalarType::Real), ["-2.5", "null", "3", "null", "null"]);
        assert_eq!(values(ScalarType::Bool), ["null", "null", "true", "true", "null"]);
        assert_eq!(values(ScalarType::String), ["-2.5", "2", "3", "true", "2024-01-01"]);
        assert_eq!(values(ScalarType::TimeSpan), ["null"; 5]);
        assert_eq!(values(ScalarType::DateTime)[4], "638396640000000000");
    }

    #[test]
    fn several_arrays_zip_to_the_longest() {
        let outputs = vec![
            (Column::new("a", ScalarType::Dynamic), Output::Element(0)),
            (Column::new("b", ScalarType::String), Output::Element(1)),
        ];
        let arrays = vec![(0, ScalarType::Dynamic), (1, ScalarType::String)];
        let mut expand = Expand::new(outputs, arrays, None, false);
        let input = batch(&[dynamics(&["[1,2,3]", "[]", "[]"]), dynamics(&["[\"x\"]", "[\"p\"]", "[]"])]);
        assert_eq!(rows(&expand.push(&input).unwrap()), ["1|x", "2|", "3|", "null|p"]);
    }

    const DYNAMIC: Source = Source { column: 1, parse: false };

    #[test]
    fn text_is_read_as_parse_json_reads_it() {
        let texts = [r#"[{"a":1},{"a":[2]}]"#, r#"{"a":3}"#, r#"[{"a":4}"#, r#"[{"a":5},x]"#, "a", "", " [ ] ", "7"];
        // A form feed is no blank of JSON's.
        let texts = texts.into_iter().chain(["\u{c}[{\"a\":6}]\u{c}"]).collect::<Vec<_>>();
        let parsed = |text: &&str| json::parse_dynamic(text).map_or(String::new(), |json| json.into_owned());
        let outputs = || vec![(Column::new("a", ScalarType::Dynamic), Output::Element(0))];
        let expand = |parse, input: (ScalarType, Vec<Value>)| {
            let source = Source { column: 0, parse };
            let mut expand = ExpandPaths::new(outputs(), source, vec![path(&["a"], false)], None, None);
            rows(&expand.push(&batch(&[input])).unwrap())
        };
        let strings = texts.iter().map(|text| Value::String(text.to_string())).collect();
        let values: Vec<String> = texts.iter().map(parsed).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let read = expand(true, (ScalarType::String, strings));
        assert_eq!(read, expand(false, dynamics(&values)));
        assert_eq!(read, ["1", "[2]", "3", "null", "null", "null", "null", "null", "null"]);
    }

    fn path(keys: &[&str], text: bool) -> ElementPath {
        ElementPath { steps: keys.iter().map(|key| Step::Key(key.to_string())).collect(), text }
    }

    #[test]
    fn paths_of_elements_in_one_pass() {
        let entities = r#"[ {"Type":"ip","Address":"10.0.0.1","Location":{"City":"a long name of a city"}} ,
            {"Type":"account", "Name":"eve\n", "Type":"second"},"text",[1,{"Type":"no"}],{},{"Type":null}]"#;
        let outputs = vec![
            (Column::new("k", ScalarType::Long), Output::Input(0)),
            (Column::new("type", ScalarType::String), Output::Element(0)),
            (Column::new("city", ScalarType::Dynamic), Output::Element(1)),
            (Column::new("name", ScalarType::String), Output::Element(2)),
            (Column::new("i", ScalarType::Long), Output::Index),
        ];
        let paths = vec![path(&["Type"], true), path(&["Location", "City"], false), path(&["Name"], true)];
        let input = batch(&[longs(&[1, 2, 3]), dynamics(&[entities, "", "[]"])]);
        let mut expand = ExpandPaths::new(outputs.clone(), DYNAMIC, paths.clone(), None, None);
        assert_eq!(
            rows(&expand.push(&input).unwrap()),
            [
                "1|ip|\"a long name of a city\"||0",
                "1|account|null|eve\n|1",
                "1||null||2",
                "1||null||3",
                "1||null||4",
                "1||null||5",
                "2||null||0"
            ]
        );
        let wanted: Wanted = Arc::new(|text| text == "account");
        let mut expand = ExpandPaths::new(outputs, DYNAMIC, paths, Some((0, wanted)), None);
        assert_eq!(rows(&expand.push(&input).unwrap()), ["1|account|null|eve\n|1"]);
    }

    #[test]
    fn fused_and_plain_give_the_same_elements() {
        let texts = ["[{\"a\": [1, {\"b\": \"]}\"}] } , {}, [ ], 5 ]", "{\"a\":{\"b\":2}}", "7", "", "[ ]"];
        let outputs = vec![
            (Column::new("k", ScalarType::Long), Output::Input(0)),
            (Column::new("v", ScalarType::Dynamic), Output::Element(0)),
            (Column::new("i", ScalarType::Long), Output::Index),
        ];
        let mut fused = ExpandPaths::new(outputs, DYNAMIC, vec![path(&[], false)], None, None);
        let input = batch(&[longs(&[0, 1, 2, 3, 4]), dynamics(&texts)]);
        assert_eq!(rows(&fused.push(&input).unwrap()), expanded(&texts, ScalarType::Dynamic, None, false));
    }
}
