//! What a query runs over, and within which limits.

use std::path::PathBuf;
use std::sync::LazyLock;

use arrow::array::RecordBatch;

use super::Workers;
use crate::types::Column;

/// How many threads the machine has; to ask takes longer than a small query.
static PROCESSORS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// Tables and limits.
#[derive(Debug, Clone)]
pub struct Session {
    pub tables: Vec<Table>,
    /// Bytes that operators may hold. Sorts and groups go to disk beyond it, what cannot fails.
    pub memory_limit: usize,
    /// How many threads work on a query.
    pub partitions: usize,
    /// Rows of a batch.
    pub batch_size: usize,
    /// What earlier parts of the query gave.
    pub materialized: Vec<Vec<RecordBatch>>,
    /// Whether plans are made faster before they run. Without it a query takes the way that is written down, which is
    /// what the fast one is held against.
    pub optimize: bool,
    /// What runs it; None makes it anew for each query.
    pub workers: Option<Workers>,
}

/// A table with its records.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub data: TableData,
}

/// Where the records of a table are.
#[derive(Debug, Clone)]
pub enum TableData {
    /// Files that are scanned in place, whatever Arrow types they have.
    Parquet { files: Vec<PathBuf> },
    /// Batches in the mapping of [`crate::types::arrow`].
    Batches(Vec<RecordBatch>),
}

impl Default for Session {
    fn default() -> Self {
        Session::new()
    }
}

impl Session {
    /// Makes a session without tables: as many threads as the machine has, four gigabytes.
    pub fn new() -> Self {
        let partitions = *PROCESSORS;
        Session {
            tables: Vec::new(),
            memory_limit: 4 << 30,
            partitions,
            batch_size: 8192,
            materialized: Vec::new(),
            optimize: true,
            workers: None,
        }
    }

    /// Adds a table.
    pub fn table(mut self, name: impl Into<String>, columns: Vec<Column>, data: TableData) -> Self {
        self.tables.push(Table { name: name.into(), columns, data });
        self
    }
}
