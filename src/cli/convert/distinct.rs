//! Records that are left out because others stand for them: duplicates, and earlier versions of an alert or incident.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use arrow::row::{RowConverter, SortField};
use clap::ValueEnum;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::TIME;
use crate::cli::stop::Stop;
use crate::source;
use crate::types::Column;

/// What makes two records the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Dedupe {
    /// `_ItemId` where a record has one, else all of its columns.
    Auto,
    /// `_ItemId`; records without one are kept.
    ItemId,
    /// All columns.
    Record,
}

const ITEM_ID: &str = "_ItemId";

/// Lets each record through once, and counts the others. Holds 16 bytes for each record that it has let through.
pub(super) struct Distinct {
    by: Dedupe,
    item_id: Option<usize>,
    rows: RowConverter,
    /// 128 bits of each: two records that differ do not meet by chance.
    seen: HashSet<u128>,
    pub(super) duplicates: u64,
}

impl Distinct {
    /// Fails when the table has no `_ItemId` and records are to be told apart by it.
    pub(super) fn new(by: Dedupe, table: &source::Table) -> Result<Distinct, Stop> {
        let item_id = table.columns.iter().position(|column| column.name == ITEM_ID);
        if by == Dedupe::ItemId && item_id.is_none() {
            return Err(Stop::failure(format!("the records of {} have no column {ITEM_ID}", table.name))
                .help("--dedupe=record compares all columns"));
        }
        let fields = crate::types::arrow::schema(&table.columns);
        let fields = fields.fields().iter().map(|field| SortField::new(field.data_type().clone()));
        let rows = RowConverter::new(fields.collect()).map_err(Stop::failure)?;
        Ok(Distinct { by, item_id, rows, seen: HashSet::new(), duplicates: 0 })
    }

    /// Returns the batch without the records that have been seen.
    pub(super) fn filter(&mut self, batch: &RecordBatch) -> Result<RecordBatch, Stop> {
        let keys = self.keys(batch)?;
        let keep: Vec<bool> = keys.into_iter().map(|key| key.is_none_or(|key| self.seen.insert(key))).collect();
        let duplicates = keep.iter().filter(|keep| !**keep).count();
        self.duplicates += duplicates as u64;
        if duplicates == 0 {
            return Ok(batch.clone());
        }
        filter_record_batch(batch, &BooleanArray::from(keep)).map_err(Stop::failure)
    }

    /// Returns what tells each record from others; None for one that is kept in any case.
    fn keys(&self, batch: &RecordBatch) -> Result<Vec<Option<u128>>, Stop> {
        const OF_ITEM: u64 = 1;
        const OF_RECORD: u64 = 2;
        let ids =
            self.item_id.filter(|_| self.by != Dedupe::Record).and_then(|at| batch.column(at).as_string_view_opt());
        let id = |row: usize| ids.filter(|ids| ids.is_valid(row)).map(|ids| ids.value(row)).filter(|id| !id.is_empty());
        let mut keys: Vec<_> =
            (0..batch.num_rows()).map(|row| id(row).map(|id| xxh3_128_with_seed(id.as_bytes(), OF_ITEM))).collect();
        if self.by != Dedupe::ItemId && keys.contains(&None) {
            let rows = self.rows.convert_columns(batch.columns()).map_err(Stop::failure)?;
            for (key, row) in keys.iter_mut().zip(rows.iter()).filter(|(key, _)| key.is_none()) {
                *key = Some(xxh3_128_with_seed(row.as_ref(), OF_RECORD));
            }
        }
        Ok(keys)
    }
}

/// Finds the versions of an alert or incident that a later one has replaced.
#[derive(Default)]
pub(super) struct Versions {
    /// By the alert's or incident's id the time and the number of its latest version's record.
    latest: HashMap<u128, (Option<i64>, i64)>,
    /// The numbers of the others.
    pub(super) superseded: HashSet<i64>,
}

/// Returns the column that is the same in all versions of what a table's rows describe.
pub(super) fn identity(table: &source::Table) -> Option<&'static str> {
    match table.known?.name {
        "SecurityAlert" => Some("SystemAlertId"),
        "SecurityIncident" => Some("IncidentName"),
        _ => None,
    }
}

impl Versions {
    /// Looks at records, of which the first has this number.
    pub(super) fn observe(&mut self, batch: &RecordBatch, columns: &[Column], identity: &str, first: i64) {
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let Some(ids) = place(identity).and_then(|at| batch.column(at).as_string_view_opt()) else { return };
        let times = place(TIME).and_then(|at| batch.column(at).as_primitive_opt::<Int64Type>());
        for row in 0..batch.num_rows() {
            let id = ids.value(row);
            if ids.is_null(row) || id.is_empty() {
                continue;
            }
            let time = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            let this = (time, first + row as i64);
            let latest = self.latest.entry(xxh3_128_with_seed(id.as_bytes(), 0)).or_insert(this);
            if this.1 != latest.1 {
                let earlier = if time >= latest.0 { std::mem::replace(latest, this) } else { this };
                self.superseded.insert(earlier.1);
            }
        }
    }
}
