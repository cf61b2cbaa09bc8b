//! Hot parts of JSON columns, made beside the text as it is written: see [`crate::types::shred`].

use std::io;
use std::sync::Arc;

use ::parquet::file::metadata::{KeyValue, ParquetMetaData, RowGroupMetaData};
use arrow::array::{ArrayRef, AsArray, Int32Builder, RecordBatch, StringViewArray, StringViewBuilder};

use crate::types::Column;
use crate::types::arrow::schema;
use crate::types::json::Paths;
use crate::types::shred::{self, Index, Part, Shred};

use super::failed;

/// Adds the columns of a table's hot parts to its batches.
#[derive(Debug)]
pub(super) struct Shredder {
    columns: Vec<Column>,
    texts: Vec<Text>,
    shreds: Vec<Shred>,
}

/// A column of texts, and what is kept of it.
#[derive(Debug)]
struct Text {
    column: usize,
    /// It is expanded: the first column holds how many rows it gives.
    expanded: bool,
    paths: Paths,
}

impl Shredder {
    /// Makes one for the columns of a table; None where nothing is kept of them.
    pub(super) fn new(table: &[Column]) -> Option<Shredder> {
        let shreds = shred::layout(table);
        let mut texts = Vec::new();
        for part in shreds.chunk_by(|a, b| a.of == b.of) {
            let column = table.iter().position(|column| column.name == part[0].of)?;
            let paths: Vec<_> = part.iter().filter_map(path).collect();
            let paths = Paths::new(paths.iter().map(Vec::as_slice));
            texts.push(Text { column, expanded: part[0].part == Part::Count, paths });
        }
        let columns = table.iter().cloned().chain(shreds.iter().map(Shred::column)).collect();
        let shreds: Vec<Shred> = shreds.into_iter().map(|shred| Shred { plain: true, ..shred }).collect();
        (!shreds.is_empty()).then_some(Shredder { columns, texts, shreds })
    }

    /// Returns the table's columns and those that are added.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Takes over what an earlier file, whose columns are copied, says of them.
    pub(super) fn resume(&mut self, earlier: &ParquetMetaData) {
        let index = Index::of(earlier);
        let plain = |name: &str| {
            index.iter().flat_map(|index| &index.columns).any(|column| column.name == name && column.plain)
        };
        for shred in &mut self.shreds {
            shred.plain = plain(&shred.name);
        }
    }

    /// Adds the columns to a batch.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> io::Result<RecordBatch> {
        let mut arrays = batch.columns().to_vec();
        let parts: Vec<Vec<ArrayRef>> = std::thread::scope(|scope| {
            let work = |text| scope.spawn(move || parts(text, batch));
            let running: Vec<_> = self.texts.iter().map(work).collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        arrays.extend(parts.into_iter().flatten());
        for (shred, array) in self.shreds.iter_mut().zip(&arrays[batch.num_columns()..]) {
            shred.plain &= is_plain(array);
        }
        RecordBatch::try_new(schema(&self.columns), arrays).map_err(failed)
    }

    /// Returns what the file says of them.
    pub(super) fn metadata<'a>(&self, groups: impl IntoIterator<Item = &'a RowGroupMetaData>) -> KeyValue {
        Index::new(self.shreds.clone(), groups).to_metadata()
    }
}

fn path(shred: &Shred) -> Option<Vec<crate::types::json::Step>> {
    match &shred.part {
        Part::Member(path) | Part::Element(path) => Some(shred::steps(path)),
        Part::Count => None,
    }
}

fn is_plain(array: &ArrayRef) -> bool {
    let Some(values) = array.as_string_view_opt() else { return false };
    values.iter().flatten().all(|value| value.starts_with('"') && !value.contains('\\'))
}

/// Looks up what is kept of a column.
fn parts(text: &Text, batch: &RecordBatch) -> Vec<ArrayRef> {
    let texts = batch.column(text.column).as_string_view();
    if text.expanded { elements(&text.paths, texts) } else { members(&text.paths, texts) }
}

fn members(paths: &Paths, texts: &StringViewArray) -> Vec<ArrayRef> {
    let mut columns: Vec<_> = (0..paths.len()).map(|_| StringViewBuilder::new()).collect();
    let mut found = Vec::new();
    for text in texts {
        paths.get_checked(text.unwrap_or(""), &mut found);
        columns.iter_mut().zip(&found).for_each(|(column, value)| column.append_option(*value));
    }
    columns.into_iter().map(|mut column| Arc::new(column.finish()) as ArrayRef).collect()
}

fn elements(paths: &Paths, texts: &StringViewArray) -> Vec<ArrayRef> {
    let mut counts = Int32Builder::new();
    let mut columns: Vec<_> = (0..paths.len()).map(|_| StringViewBuilder::new()).collect();
    let mut found = Vec::new();
    for text in texts {
        let text = text.unwrap_or("");
        if paths.get_elements(text, &mut found) {
            counts.append_value(keep(&found, paths.len(), true, &mut columns));
            continue;
        }
        // What is no array is taken apart in a text that is made for it.
        let mut values: Vec<Option<String>> = Vec::new();
        paths.in_elements(text, true, usize::MAX, &mut found, &mut |found, _| {
            values.extend(found.iter().map(|value| value.map(str::to_string)));
        });
        let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        counts.append_value(keep(&values, paths.len(), false, &mut columns));
    }
    let columns = columns.into_iter().map(|mut column| Arc::new(column.finish()) as ArrayRef);
    std::iter::once(Arc::new(counts.finish()) as ArrayRef).chain(columns).collect()
}

/// Appends what was found in the elements of one text, a row of `paths` values for each; returns how many there are.
fn keep(found: &[Option<&str>], paths: usize, is_array: bool, columns: &mut [StringViewBuilder]) -> i32 {
    let mut cell = String::new();
    for (number, column) in columns.iter_mut().enumerate() {
        cell.clear();
        let values = found.chunks_exact(paths).map(|element| element[number]);
        match shred::write_cell(values, is_array, &mut cell) {
            true => column.append_value(&cell),
            false => column.append_null(),
        }
    }
    i32::try_from(found.len() / paths).unwrap_or(i32::MAX)
}
