//! `parse` and `parse-where`: columns cut out of a text by a pattern.
//!
//! A pattern of plain texts is searched from left to right. It becomes a regular expression where it is one
//! (`kind=regex`), and where a typed column stands right before a `*`: there nothing but the shape of its type says
//! where it ends. How the modes differ is measured.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Decimal256Builder, Float64Builder, Int32Builder, Int64Builder,
    RecordBatch, RecordBatchOptions, StringViewArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{SchemaRef, i256};
use memchr::memmem::Finder;
use regex::{CaptureLocations, Regex};

use super::views::Parts;
use super::{OperatorError, RowOperator};
use crate::plan::{ParseMode, ParsePart, ParsePattern};
use crate::types::arrow::{data_type, schema};
use crate::types::{Column, ScalarType, convert, decimal, json, number, ticks};

/// One column that comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A column of the input.
    Input(usize),
    /// The pattern's capture with this number.
    Capture(usize),
}

/// The operator.
#[derive(Debug)]
pub struct Parse {
    schema: SchemaRef,
    outputs: Vec<Output>,
    source: usize,
    matcher: Matcher,
    types: Vec<ScalarType>,
    /// A capture that does not convert is null on its own; else it spoils the whole match.
    relaxed: bool,
    filter: bool,
}

impl Parse {
    /// Makes the operator over the string column `source`; with `filter` rows that do not match are dropped.
    ///
    /// Fails if the pattern is no regular expression, or a column follows neither a text nor the start.
    pub fn new(
        outputs: Vec<(Column, Output)>,
        source: usize,
        pattern: &ParsePattern,
        filter: bool,
    ) -> Result<Self, OperatorError> {
        let (columns, outputs): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        let types = pattern.parts.iter().filter_map(|part| match part {
            ParsePart::Column(column) => Some(column.scalar_type),
            _ => None,
        });
        Ok(Parse {
            schema: schema(&columns),
            outputs,
            source,
            matcher: Matcher::new(pattern)?,
            types: types.collect(),
            relaxed: pattern.mode == ParseMode::Relaxed,
            filter,
        })
    }

    /// Cuts a text and converts what was cut; false if it does not match.
    fn cut<'t>(&mut self, text: &'t str, found: &mut Vec<&'t str>, values: &mut Vec<Cell<'t>>) -> bool {
        found.clear();
        values.clear();
        if !self.matcher.cut(text, found) {
            return false;
        }
        for (text, scalar_type) in found.iter().zip(&self.types) {
            match Cell::read(text, *scalar_type) {
                Some(value) => values.push(value),
                None if self.relaxed => values.push(Cell::Null),
                None => return false,
            }
        }
        true
    }
}

impl RowOperator for Parse {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, OperatorError> {
        let source: &StringViewArray = batch.column(self.source).as_string_view();
        let mut columns: Vec<Cells> = self.types.iter().map(|scalar_type| Cells::new(*scalar_type, source)).collect();
        let (mut found, mut values) = (Vec::new(), Vec::new());
        let mut kept: Vec<u32> = Vec::new();
        for row in 0..source.len() {
            let matched = source.is_valid(row) && self.cut(source.value(row), &mut found, &mut values);
            if matched {
                columns.iter_mut().zip(&values).for_each(|(column, value)| column.push(row, value));
            } else if !self.filter {
                columns.iter_mut().for_each(|column| column.push(row, &Cell::Null));
            }
            if matched && self.filter {
                kept.push(row as u32);
            }
        }
        let rows = if self.filter { kept.len() } else { source.len() };
        let kept = (rows < source.len()).then(|| UInt32Array::from(kept));
        let captured = columns.into_iter().map(Cells::finish).collect::<Result<Vec<_>, _>>()?;
        let mut columns = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            columns.push(match (output, &kept) {
                (Output::Input(index), None) => batch.column(*index).clone(),
                (Output::Input(index), Some(kept)) => take(batch.column(*index), kept, None)?,
                (Output::Capture(index), _) => captured[*index].clone(),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(vec![RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?])
    }
}

/// A capture, converted.
#[derive(Debug)]
enum Cell<'t> {
    Null,
    Text(Cow<'t, str>),
    Long(i64),
    Int(i32),
    Real(f64),
    Bool(bool),
    Decimal(i256),
}

impl<'t> Cell<'t> {
    /// Converts as `to<type>` does from a string; None if it does not convert, which is so for an empty capture too
    /// (measured).
    fn read(text: &'t str, scalar_type: ScalarType) -> Option<Self> {
        Some(match scalar_type {
            ScalarType::String => Cell::Text(Cow::Borrowed(text)),
            ScalarType::Dynamic => json::parse_dynamic(text).map_or(Cell::Null, Cell::Text),
            ScalarType::Guid => Cell::Text(Cow::Owned(convert::parse_guid(text.trim())?)),
            ScalarType::Long => Cell::Long(number::parse_long(text)?),
            ScalarType::Int => Cell::Int(number::parse_int(text)?),
            ScalarType::Real => Cell::Real(number::parse_real(text)?),
            ScalarType::Bool => Cell::Bool(number::parse_bool(text.trim())?),
            ScalarType::Decimal => Cell::Decimal(decimal::parse(text)?),
            ScalarType::DateTime => Cell::Long(ticks::parse_datetime(text)?),
            ScalarType::TimeSpan => Cell::Long(ticks::parse_timespan(text)?),
        })
    }
}

/// A column of captures.
enum Cells<'a> {
    String(Parts<'a>),
    Text(Parts<'a>),
    Long(Int64Builder),
    Int(Int32Builder),
    Real(Float64Builder),
    Bool(BooleanBuilder),
    Decimal(Decimal256Builder),
}

impl<'a> Cells<'a> {
    fn new(scalar_type: ScalarType, source: &'a StringViewArray) -> Self {
        match scalar_type {
            ScalarType::String => Cells::String(Parts::new(source)),
            ScalarType::Dynamic | ScalarType::Guid => Cells::Text(Parts::new(source)),
            ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => Cells::Long(Int64Builder::new()),
            ScalarType::Int => Cells::Int(Int32Builder::new()),
            ScalarType::Real => Cells::Real(Float64Builder::new()),
            ScalarType::Bool => Cells::Bool(BooleanBuilder::new()),
            ScalarType::Decimal => Cells::Decimal(Decimal256Builder::new().with_data_type(data_type(scalar_type))),
        }
    }

    fn push(&mut self, row: usize, cell: &Cell) {
        match (self, cell) {
            (Cells::String(parts) | Cells::Text(parts), Cell::Text(text)) => parts.push(row, text),
            (Cells::String(parts), _) => parts.push(row, ""),
            (Cells::Text(parts), _) => parts.push_null(),
            (Cells::Long(values), Cell::Long(value)) => values.append_value(*value),
            (Cells::Int(values), Cell::Int(value)) => values.append_value(*value),
            (Cells::Real(values), Cell::Real(value)) => values.append_value(*value),
            (Cells::Bool(values), Cell::Bool(value)) => values.append_value(*value),
            (Cells::Decimal(values), Cell::Decimal(value)) => values.append_value(*value),
            (Cells::Long(values), _) => values.append_null(),
            (Cells::Int(values), _) => values.append_null(),
            (Cells::Real(values), _) => values.append_null(),
            (Cells::Bool(values), _) => values.append_null(),
            (Cells::Decimal(values), _) => values.append_null(),
        }
    }

    fn finish(self) -> Result<ArrayRef, OperatorError> {
        Ok(match self {
            Cells::String(mut parts) | Cells::Text(mut parts) => parts.take()?,
            Cells::Long(mut values) => Arc::new(values.finish()),
            Cells::Int(mut values) => Arc::new(values.finish()),
            Cells::Real(mut values) => Arc::new(values.finish()),
            Cells::Bool(mut values) => Arc::new(values.finish()),
            Cells::Decimal(mut values) => Arc::new(values.finish()),
        })
    }
}

/// Finds the captures in a text.
#[derive(Debug)]
enum Matcher {
    Texts { steps: Vec<Step>, open_end: bool },
    Regex(Box<Shaped>),
}

/// A text and what stands before it.
#[derive(Debug)]
struct Step {
    gap: Gap,
    text: Finder<'static>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Skip,
    Capture,
}

impl Matcher {
    fn new(pattern: &ParsePattern) -> Result<Self, OperatorError> {
        let shaped = pattern.parts.windows(2).any(|pair| matches!(pair, [ParsePart::Column(_), ParsePart::Star]));
        if shaped || pattern.mode == ParseMode::Regex {
            return Ok(Matcher::Regex(Box::new(Shaped::new(pattern)?)));
        }
        let mut steps = Vec::new();
        let mut gap = Gap::None;
        let mut text = String::new();
        let finder = |text: &mut String| Finder::new(std::mem::take(text).as_bytes()).into_owned();
        for part in &pattern.parts {
            let next = match part {
                ParsePart::Text(more) => {
                    text.push_str(more);
                    continue;
                }
                ParsePart::Star => Gap::Skip,
                ParsePart::Column(_) => Gap::Capture,
            };
            if !text.is_empty() {
                steps.push(Step { gap, text: finder(&mut text) });
            } else if gap != Gap::None {
                return Err(OperatorError("parse: a column or * must follow a text".into()));
            }
            gap = next;
        }
        // The end is a last text of no length.
        let open_end = text.is_empty() && gap == Gap::Skip;
        if !open_end {
            steps.push(Step { gap, text: finder(&mut text) });
        }
        Ok(Matcher::Texts { steps, open_end })
    }

    fn cut<'t>(&mut self, text: &'t str, found: &mut Vec<&'t str>) -> bool {
        match self {
            Matcher::Regex(shaped) => shaped.cut(text, found),
            Matcher::Texts { steps, open_end } => cut(steps, *open_end, text, found),
        }
    }
}

/// The first occurrence of each text counts, but the last text must stand at the end.
fn cut<'t>(steps: &[Step], open_end: bool, text: &'t str, found: &mut Vec<&'t str>) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    for (index, step) in steps.iter().enumerate() {
        let needle = step.text.needle();
        let last = index + 1 == steps.len() && !open_end;
        let start = match step.gap {
            Gap::None if !bytes[at..].starts_with(needle) => return false,
            Gap::None if last && at + needle.len() != bytes.len() => return false,
            Gap::None => at,
            _ if last => match bytes.len().checked_sub(needle.len()) {
                Some(start) if start >= at && bytes.ends_with(needle) => start,
                _ => return false,
            },
            _ => match step.text.find(&bytes[at..]) {
                Some(start) => at + start,
                None => return false,
            },
        };
        if step.gap == Gap::Capture {
            // Between whole texts there are whole characters.
            found.push(text.get(at..start).unwrap_or(""));
        }
        at = start + needle.len();
    }
    true
}

/// A pattern as a regular expression.
#[derive(Debug)]
struct Shaped {
    regex: Regex,
    locations: CaptureLocations,
    /// Numbers of the groups that are columns.
    groups: Vec<usize>,
    /// The last column is a time that ends the pattern, see [`Shaped::cut`].
    time_at_end: bool,
}

impl Shaped {
    fn new(pattern: &ParsePattern) -> Result<Self, OperatorError> {
        let is_regex = pattern.mode == ParseMode::Regex;
        let mut text = String::new();
        // Regular expressions are searched anywhere in the text, plain patterns span it.
        match is_regex {
            true if pattern.flags.is_empty() => {}
            true => text.push_str(&format!("(?{})", pattern.flags)),
            false => text.push_str(r"(?s)\A"),
        }
        let mut columns = 0;
        for (index, part) in pattern.parts.iter().enumerate() {
            let rest = &pattern.parts[index + 1..];
            match part {
                ParsePart::Star => text.push_str(".*?"),
                ParsePart::Text(part) if is_regex => text.push_str(&balanced(part)),
                ParsePart::Text(part) => text.push_str(&regex::escape(part)),
                ParsePart::Column(column) => {
                    let shape = if is_regex { regex_shape(column.scalar_type) } else { shape(column.scalar_type) };
                    let content = match (is_regex, rest.first()) {
                        // Before the `*` that ends the pattern the shape may match nothing (measured).
                        (false, Some(ParsePart::Star)) if rest.len() == 1 => format!("(?:{shape})?"),
                        (true, _) | (false, Some(ParsePart::Star)) => shape.to_string(),
                        (false, _) => ".*?".to_string(),
                    };
                    // By name: groups of the user's must not shift the columns.
                    text.push_str(&format!("(?P<{GROUP}{columns}>{content})"));
                    columns += 1;
                }
            }
        }
        if !is_regex && !matches!(pattern.parts.last(), Some(ParsePart::Star)) {
            text.push_str(r"\z");
        }
        let regex = crate::functions::pattern::compile(&text);
        let regex = regex.map_err(|error| OperatorError(format!("parse: {error}")))?;
        let number = |column: usize| {
            let name = format!("{GROUP}{column}");
            regex.capture_names().position(|group| group == Some(&name)).unwrap_or(0)
        };
        let groups = (0..columns).map(number).collect();
        let time_at_end = is_regex
            && matches!(pattern.parts.last(), Some(ParsePart::Column(column))
                if matches!(column.scalar_type, ScalarType::DateTime | ScalarType::TimeSpan));
        Ok(Shaped { locations: regex.capture_locations(), regex, groups, time_at_end })
    }

    fn cut<'t>(&mut self, text: &'t str, found: &mut Vec<&'t str>) -> bool {
        if self.regex.captures_read(&mut self.locations, text).is_none() {
            return false;
        }
        let mut groups = self.groups.iter().map(|group| self.locations.get(*group).unwrap_or((0, 0)));
        found.extend(groups.clone().map(|(start, end)| text.get(start..end).unwrap_or("")));
        // A time at the end of both pattern and text is not found (measured).
        !(self.time_at_end && groups.next_back().is_some_and(|(_, end)| end == text.len()))
    }
}

/// How the groups of columns begin.
const GROUP: &str = "alertq_column_";

/// Escapes parentheses without a partner, which are literal (measured).
fn balanced(regex: &str) -> Cow<'_, str> {
    let mut open = Vec::new();
    let mut lone = Vec::new();
    let (mut escaped, mut in_class) = (false, false);
    for (at, byte) in regex.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b']' if in_class => in_class = false,
            _ if in_class => {}
            b'[' => in_class = true,
            b'(' => open.push(at),
            b')' if open.pop().is_none() => lone.push(at),
            _ => {}
        }
    }
    lone.append(&mut open);
    if lone.is_empty() {
        return Cow::Borrowed(regex);
    }
    let mut text = String::with_capacity(regex.len() + lone.len());
    for (at, character) in regex.char_indices() {
        if lone.contains(&at) {
            text.push('\\');
        }
        text.push(character);
    }
    Cow::Owned(text)
}

const WHOLE: &str = r"\s*[-+]?\d+";
const GUID: &str = r"\s*\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?";
const DATETIME: &str = concat!(
    r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}",
    r"(?:[T\x20]\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d+)?)?)?(?:Z|[-+]\d{2}:?\d{2})?"
);
const TIMESPAN: &str = r"\s*-?(?:\d+\.\d{1,2}:\d{1,2}:\d{1,2}|\d{1,2}:\d{1,2}(?::\d{1,2})?)(?:\.\d*)?";

/// What a typed column matches before a `*`.
fn shape(scalar_type: ScalarType) -> &'static str {
    match scalar_type {
        ScalarType::Real | ScalarType::Decimal => r"\s*[-+]?(?:\d+\.?\d*|\.\d+)",
        ScalarType::Bool => r"\s*(?:(?i:true|false)|[-+]?\d+)",
        other => regex_shape(other),
    }
}

/// What a column matches in a regular expression: it is stricter there (measured).
fn regex_shape(scalar_type: ScalarType) -> &'static str {
    match scalar_type {
        ScalarType::String | ScalarType::Dynamic => ".*",
        ScalarType::Int | ScalarType::Long => WHOLE,
        ScalarType::Real | ScalarType::Decimal => r"\s*[-+]?\d+(?:\.\d+)?",
        ScalarType::Bool => r"\s*(?i:true|false)",
        ScalarType::Guid => GUID,
        ScalarType::DateTime => DATETIME,
        ScalarType::TimeSpan => TIMESPAN,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{batch, rows};
    use super::*;
    use crate::types::Value;

    /// Reads a pattern in brief: `*`, `'text`, or a column's type.
    fn pattern(mode: ParseMode, flags: &str, parts: &[&str]) -> ParsePattern {
        let part = |part: &&str| match part.strip_prefix('\'') {
            Some(text) => ParsePart::Text(text.to_string()),
            None if *part == "*" => ParsePart::Star,
            None => ParsePart::Column(Column::new("v", ScalarType::from_name(part).unwrap())),
        };
        ParsePattern { mode, flags: flags.into(), parts: parts.iter().map(part).collect() }
    }

    fn run(pattern: &ParsePattern, filter: bool, texts: &[&str]) -> Vec<String> {
        let columns = pattern.parts.iter().filter_map(|part| match part {
            ParsePart::Column(column) => Some(column.scalar_type),
            _ => None,
        });
        let outputs =
            columns.enumerate().map(|(index, t)| (Column::new(format!("v{index}"), t), Output::Capture(index)));
        let mut outputs: Vec<_> = outputs.collect();
        outputs.push((Column::new("n", ScalarType::Long), Output::Input(1)));
        let mut parse = Parse::new(outputs, 0, pattern, filter).unwrap();
        let numbers = (0..texts.len() as i64).map(Value::Long).collect();
        let texts = texts.iter().map(|text| Value::String(text.to_string())).collect();
        let input = batch(&[(ScalarType::String, texts), (ScalarType::Long, numbers)]);
        let rows = rows(&parse.push(&input).unwrap());
        rows.iter().map(|row| row.rsplit_once('|').unwrap().0.to_string()).collect()
    }

    fn simple(parts: &[&str], text: &str) -> String {
        run(&pattern(ParseMode::Simple, "", parts), false, &[text]).remove(0)
    }

    fn regex(flags: &str, parts: &[&str], text: &str) -> String {
        run(&pattern(ParseMode::Regex, flags, parts), false, &[text]).remove(0)
    }

    #[test]
    fn simple_patterns_span_the_text() {
        assert_eq!(simple(&["'a", "string", "'c"], "aXcYc"), "XcY");
        assert_eq!(simple(&["'a", "string", "'c", "*"], "aXcYc"), "X");
        assert_eq!(simple(&["'a", "string", "'b"], "abcbd"), "");
        assert_eq!(simple(&["'a", "string", "'c"], "aXc\n"), "");
        assert_eq!(simple(&["*", "'x=", "string", "',", "*"], "y=1,x=2,x=9"), "2");
        assert_eq!(simple(&["string", "' ", "string"], "GET /a b"), "GET|/a b");
        assert_eq!(simple(&["'a.b", "string"], "axbZ"), "");
        assert_eq!(simple(&["*", "'é", "string"], "ééü"), "éü");
    }

    #[test]
    fn one_failed_conversion_blanks_a_simple_match() {
        let parts = ["'a=", "long", "',b=", "string", "',c=", "long"];
        assert_eq!(simple(&parts, "a=1,b=2,c=x"), "null||null");
        assert_eq!(simple(&parts, "a=-1,b=,c= 3"), "-1||3");
        assert_eq!(simple(&parts, "a=,b=2,c=3"), "null||null");
        let relaxed = pattern(ParseMode::Relaxed, "", &parts);
        assert_eq!(run(&relaxed, false, &["a=1,b=2,c=x", "nothing"]), ["1|2|null", "null||null"]);
        let strict = pattern(ParseMode::Simple, "", &parts);
        assert_eq!(run(&strict, true, &["a=1,b=2,c=x", "a=1,b=2,c=3", ""]), ["1|2|3"]);
    }

    #[test]
    fn a_typed_column_before_a_star_has_the_shape_of_its_type() {
        let parts = ["'n=", "long", "*", "'m=", "long"];
        assert_eq!(simple(&parts, "n=27 junk m=23"), "27|23");
        assert_eq!(simple(&parts, "n=xx junk m=23"), "null|null");
        let trailing = pattern(ParseMode::Relaxed, "", &["'p|", "string", "'-q|", "long", "*"]);
        assert_eq!(run(&trailing, false, &["p|1-q|xx", "p|1-q|7x"]), ["1|null", "1|7"]);
    }

    #[test]
    fn regex_patterns_are_greedy_and_found_anywhere() {
        assert_eq!(regex("", &["'a", "string", "'c"], "xaXcYc!"), "XcY");
        assert_eq!(regex("U", &["'a", "string", "'c"], "aXcYc"), "X");
        assert_eq!(regex("", &["'n=", "long"], "n=27x"), "27");
        assert_eq!(regex("i", &["'A=", "string"], "a=5"), "5");
        assert_eq!(regex("m", &["'^a=", "string"], "x\na=1"), "1");
        assert_eq!(regex("", &["'(foo)=", "string", "',(bar)=", "string"], "foo=9,bar=8"), "9|8");
        assert_eq!(regex("", &["')", "string"], "a)b"), "b");
        assert_eq!(regex("", &["'v=", "bool", "'\\|"], "v=12|"), "null");
        assert_eq!(regex("", &["'v=", "real", "'\\|"], "v=.5|"), "null");
        assert_eq!(regex("", &["'[A-Z]+", "string", "'[a-z]*"], "ABCdef"), "def");
    }

    #[test]
    fn times_at_the_end_of_a_regex_need_one_more_character() {
        assert_eq!(regex("", &["'v=", "datetime"], "v=2020-01-01"), "null");
        assert_eq!(regex("", &["'v=", "datetime"], "v=2020-01-01X"), "637134336000000000");
        assert_eq!(regex("", &["'v=", "date", "'\\)"], "v=02/17/2016 08:40:01)"), "635912952010000000");
    }

    #[test]
    fn a_broken_regex_is_told() {
        let broken = pattern(ParseMode::Regex, "", &["'a{", "string", "'[", "string"]);
        assert!(Parse::new(vec![], 0, &broken, false).unwrap_err().0.starts_with("parse: "));
    }
}
