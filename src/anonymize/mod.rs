//! Records without what identifies a house: every name, address, id and path becomes another one of its form.
//!
//! ```text
//! batches ─┬─▶ look: which names are there ──▶ Found
//!          └─▶ replace ──▶ batches ──▶ check: none of Found is left
//! ```
//!
//! What replaces a value follows from a secret key (HMAC-SHA256) and the value alone, so that the same value has the
//! same replacement in every column, in JSON of any depth, within sentences and in every file: joins still hold.
//! Nothing passes because nobody thought of it. What stays is listed: columns and fields in [`policy`], ordinary words
//! and what systems come with in lists of words; all else is replaced.
//!
//! Memory grows with the number of different names and public addresses alone, by a few bytes for each: neither with
//! records nor with ids.
//!
//! ```
//! use alertq::anonymize::{Anonymizer, Key, Options, Treatment};
//!
//! let key = Key::new(b"a secret of the house, from a file").unwrap();
//! let anonymizer = Anonymizer::new(key, Options::default());
//! let text = anonymizer.text("Suspicious sign-in of ann@contoso.com from 10.1.2.3", Treatment::Prose);
//! assert!(text.starts_with("Suspicious sign-in of ") && text.contains(".example from 10."));
//! assert!(!text.contains("ann") && !text.contains("contoso"));
//! ```

mod address;
mod check;
mod document;
mod found;
mod key;
pub mod like;
mod link;
mod memo;
mod names;
mod permute;
pub mod policy;
mod text;
mod words;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal256Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringViewBuilder,
};
use arrow::datatypes::{Decimal256Type, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;

use crate::catalog::log_analytics;
use crate::catalog::tables::TableInfo;
use crate::types::arrow::schema;
use crate::types::{Column, ScalarType, ticks};

pub use check::LeakKind;
pub use key::{Key, SHORTEST_KEY};
pub use memo::Memory;
pub use policy::Treatment;

use check::Check;
use document::Documents;
use found::Found;
use memo::Known;
use text::Replacer;

/// What a user wants otherwise.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Columns and fields that stay as they are, written as [`policy::folded`] does.
    pub keep: HashSet<String>,
    /// Words in lower case that are replaced wherever they stand.
    pub replace: HashSet<String>,
    /// Whether moments are shifted, by whole weeks that the key chooses: times of day and week stay.
    pub shift_times: bool,
}

/// Replaces what identifies in records.
#[derive(Debug, Clone)]
pub struct Anonymizer {
    key: Key,
    options: Options,
    days: i64,
}

/// What becomes of the columns of one table.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The table's name as the result has it.
    pub table: String,
    /// The columns, which stay the same.
    pub columns: Vec<Column>,
    /// What becomes of each column.
    pub treatments: Vec<Treatment>,
    /// Whether the user keeps the column.
    kept: Vec<bool>,
}

/// The names that records hold, see [`Anonymizer::look`].
#[derive(Debug, Clone, Default)]
pub struct Names(Found);

impl Names {
    /// Adds the names of other records.
    pub fn merge(&mut self, other: Names) {
        self.0.merge(other.0);
    }

    /// Returns how many of them are ordinary words too, which are then replaced in sentences as well.
    pub fn ordinary(&self) -> usize {
        self.0.ordinary().len()
    }

    /// Returns how many public IPv4 addresses have the replacement of another one, so that they can no longer be told
    /// apart. Of ten thousand in different networks hardly any has, of a hundred thousand about twenty.
    pub fn met(&self) -> usize {
        self.0.met()
    }
}

/// How many values of a column are there, and how many of them have been replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Values that are neither missing nor empty.
    pub values: u64,
    /// Those that are not what they were, in whole or in part.
    pub replaced: u64,
}

/// Records in which something was found that should have been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leak {
    /// How many.
    pub count: u64,
    /// The first of them, counted from 1.
    pub first: u64,
}

/// What has become of the records of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub rows: u64,
    /// By the place of the column.
    pub columns: Vec<Counts>,
    /// By the place of the column and what was found.
    pub leaks: BTreeMap<(usize, LeakKind), Leak>,
}

impl Report {
    /// Adds what has become of the records that follow.
    pub fn append(&mut self, next: &Report) {
        self.columns.resize(self.columns.len().max(next.columns.len()), Counts::default());
        for (sum, counts) in self.columns.iter_mut().zip(&next.columns) {
            sum.values += counts.values;
            sum.replaced += counts.replaced;
        }
        for (place, leak) in &next.leaks {
            let first = self.rows + leak.first;
            self.leaks.entry(*place).or_insert(Leak { count: 0, first }).count += leak.count;
        }
        self.rows += next.rows;
    }
}

impl Anonymizer {
    /// Makes one of a key.
    pub fn new(key: Key, options: Options) -> Anonymizer {
        const WEEKS: u128 = 520;
        let weeks = 1 + key.number("weeks", "") % WEEKS;
        let days = if options.shift_times { -7 * i64::try_from(weeks).unwrap_or(1) } else { 0 };
        Anonymizer { key, options, days }
    }

    /// Decides what becomes of a table's columns. Their names stay, because queries have them; those of tables that
    /// Log Analytics does not have are replaced.
    pub fn plan(&self, table: &str, columns: &[Column]) -> Plan {
        let public = TableInfo::find(table).is_some() || log_analytics::find(table).is_some();
        let treatment = |column: &Column| match column.name == "Type" && !public {
            true => Treatment::Unknown,
            false => policy::treatment(Some(table), &column.name),
        };
        Plan {
            table: if public { table.to_string() } else { self.text(table, Treatment::Unknown) },
            columns: columns.to_vec(),
            treatments: columns.iter().map(treatment).collect(),
            kept: columns.iter().map(|column| self.options.keeps(&column.name)).collect(),
        }
    }

    /// Returns the columns in whose names one of these names stands.
    pub fn named_columns<'p>(&self, plan: &'p Plan, names: &Names) -> Vec<&'p str> {
        let check = Check { key: &self.key, found: &names.0, options: &self.options };
        let public = |name: &str| words::SCHEMA.contains(&name.to_lowercase()) || self.options.keeps(name);
        let columns = plan.columns.iter().map(|column| column.name.as_str());
        columns.filter(|name| check.text(name, &mut Known::default()).is_some() && !public(name)).collect()
    }

    /// Replaces what identifies in one text.
    pub fn text(&self, text: &str, treatment: Treatment) -> String {
        self.documents(None, &NONE, &mut Memory::default()).text(text, treatment)
    }

    /// Learns which names records hold, besides those that were learnt with this memory before.
    pub fn look(&self, plan: &Plan, batch: &RecordBatch, memory: &mut Memory) -> Names {
        let mut found = Found::default();
        let mut documents = self.documents(Some(&mut found), &NONE, memory);
        for (at, (column, treatment)) in plan.columns.iter().zip(&plan.treatments).enumerate() {
            if plan.kept.get(at) == Some(&false) {
                let mut unread = String::new();
                each_text(batch.column(at), |text| {
                    documents.of_type(column.scalar_type, text, *treatment, &mut unread);
                    unread.clear();
                });
            }
        }
        Names(found)
    }

    /// Replaces what identifies in records, and looks for names that are left.
    ///
    /// A memory is good for the same names and the same plan. Fails when the batch does not have the columns of the plan.
    pub fn replace(
        &self,
        plan: &Plan,
        batch: &RecordBatch,
        names: &Names,
        memory: &mut Memory,
    ) -> Result<(RecordBatch, Report), ArrowError> {
        let mut documents = self.documents(None, names.0.ordinary(), memory);
        let check = Check { key: &self.key, found: &names.0, options: &self.options };
        let mut report = Report { rows: batch.num_rows() as u64, ..Report::default() };
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(plan.columns.len());
        for (at, (column, treatment)) in plan.columns.iter().zip(&plan.treatments).enumerate() {
            let (array, mut counts) = (batch.column(at), Counts::default());
            let kept = plan.kept.get(at) == Some(&true);
            let replaced = match kept {
                true => array.clone(),
                false => documents.column(array, column.scalar_type, *treatment),
            };
            let (before, after) = (array.as_string_view_opt(), replaced.as_string_view_opt());
            for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
                let (Some(before), Some(after)) = (before, after) else {
                    counts.values += 1;
                    counts.replaced += u64::from(array.slice(row, 1).to_data() != replaced.slice(row, 1).to_data());
                    continue;
                };
                let (before, after) = (before.value(row), after.value(row));
                counts.values += u64::from(!before.is_empty());
                counts.replaced += u64::from(before != after);
                if let Some(kind) = if kept { None } else { check.text(after, &mut documents.replacer.memory.clean) } {
                    let first = Leak { count: 0, first: row as u64 + 1 };
                    report.leaks.entry((at, kind)).or_insert(first).count += 1;
                }
            }
            arrays.push(replaced);
            report.columns.push(counts);
        }
        Ok((RecordBatch::try_new(schema(&plan.columns), arrays)?, report))
    }

    fn documents<'a>(
        &'a self,
        found: Option<&'a mut Found>,
        ordinary: &'a HashSet<String>,
        memory: &'a mut Memory,
    ) -> Documents<'a> {
        let memory = if found.is_some() { &mut memory.looking } else { &mut memory.replacing };
        let mut replacer = Replacer::new(&self.key, &self.options.replace, ordinary, memory);
        (replacer.days, replacer.looking, replacer.found) = (self.days, found.is_some(), found);
        Documents::new(replacer, &self.options)
    }
}

static NONE: std::sync::LazyLock<HashSet<String>> = std::sync::LazyLock::new(HashSet::new);

fn each_text(array: &ArrayRef, mut take: impl FnMut(&str)) {
    if let Some(texts) = array.as_string_view_opt() {
        texts.iter().flatten().filter(|text| !text.is_empty()).for_each(&mut take);
    }
}

impl Documents<'_> {
    fn of_type(&mut self, scalar_type: ScalarType, text: &str, treatment: Treatment, out: &mut String) {
        match scalar_type {
            ScalarType::Dynamic => self.json_to(text, treatment, out),
            _ => self.text_to(text, treatment, out),
        }
    }

    /// Replaces the values of a column, which keeps its type.
    fn column(&mut self, array: &ArrayRef, scalar_type: ScalarType, treatment: Treatment) -> ArrayRef {
        match scalar_type {
            ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => {
                let Some(texts) = array.as_string_view_opt() else { return array.clone() };
                let (mut out, mut replaced) = (StringViewBuilder::with_capacity(texts.len()), String::new());
                for text in texts {
                    replaced.clear();
                    out.append_option(text.map(|text| {
                        self.of_type(scalar_type, text, treatment, &mut replaced);
                        replaced.as_str()
                    }));
                }
                Arc::new(out.finish())
            }
            ScalarType::DateTime if self.replacer.days != 0 => {
                let shift = self.replacer.days.saturating_mul(ticks::TICKS_PER_DAY);
                let moments = array.as_primitive::<Int64Type>().iter();
                Arc::new(
                    moments.map(|moment| moment.map(|at| at.checked_add(shift).unwrap_or(at))).collect::<Int64Array>(),
                )
            }
            ScalarType::Bool | ScalarType::DateTime | ScalarType::TimeSpan => array.clone(),
            ScalarType::Int => {
                let values = array.as_primitive::<Int32Type>().iter();
                Arc::new(values.map(|value| self.changed(value?, treatment)).collect::<Int32Array>())
            }
            ScalarType::Long => {
                let values = array.as_primitive::<Int64Type>().iter();
                Arc::new(values.map(|value| self.changed(value?, treatment)).collect::<Int64Array>())
            }
            ScalarType::Real => {
                let values = array.as_primitive::<Float64Type>().iter();
                Arc::new(values.map(|value| self.changed(value?, treatment)).collect::<Float64Array>())
            }
            ScalarType::Decimal => {
                let decimals = array.as_primitive::<Decimal256Type>();
                let values = decimals.iter().map(|value| self.changed(value?, treatment));
                Arc::new(values.collect::<Decimal256Array>().with_data_type(decimals.data_type().clone()))
            }
        }
    }

    /// Replaces a number by one of as many digits; null where the type does not hold that one.
    fn changed<T: std::str::FromStr + ToString>(&mut self, value: T, treatment: Treatment) -> Option<T> {
        self.number(&value.to_string(), treatment).parse().ok()
    }
}

#[cfg(test)]
mod tests;
