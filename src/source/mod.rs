//! Records in: alerts, incidents and tables of a user's own, from every form in which they are exported.
//!
//! ```text
//! path, folder, glob, `-`  ->  detect  ->  records of fields  ->  survey (which table, which columns, which types)
//!                                                             ->  batches by the engine's mapping
//! ```
//!
//! A file is read twice and never held in memory: first to learn its columns, then to fill them. Who asks for it gets the
//! columns of the beginning of large files ([`Options::glance`]), and is told where the rest does not agree. The two tables that
//! alertq knows always have the columns of the catalogue, in its order; whatever else a file has follows behind them.
//! A record that cannot be read is never dropped in silence: either reading fails in the end with the reasons, or each
//! such record is handed to a writer of the caller's.

mod az_cli;
mod blocks;
mod build;
mod cell;
mod csv;
mod cursor;
mod decode;
mod defender_export;
mod defender_rest;
mod detect;
mod envelope;
mod error;
pub mod external;
mod findings;
mod graph_alerts;
mod incident_rest;
mod json_array;
mod json_lines;
pub mod parquet;
pub mod places;
mod profile;
mod query_api;
mod read;
mod records;
mod rows;
pub mod sample;
mod survey;
mod table;
mod time;
mod unescape;
mod walk;
pub mod watchlist;

pub use decode::{Bytes, Compression, Progress};
pub use detect::{Form, Layout, Origin, detect};
pub use error::{Error, Place};
pub use findings::{Finding, Kind};
pub use profile::{Entity, Profile, Seen, profile};
pub use query_api::{messages as error_messages, only_warnings};
pub use read::Batches;
pub use rows::{BadRow, BadRows, Fault};
pub use table::{Input, Table, expand, open, open_all, open_files, split_name, tables};

/// How records are read.
#[derive(Debug, Clone)]
pub struct Options {
    /// The table's name, where the user gave one.
    pub name: Option<String>,
    /// Whether the columns are those that the file declares, although the records look like those of a known table.
    pub as_declared: bool,
    /// Whether an answer of the query API that lacks rows is taken nevertheless.
    pub accept_partial: bool,
    /// What becomes of records that cannot be read.
    pub bad_rows: BadRows,
    /// Rows in a batch.
    pub batch_rows: usize,
    /// Counts what is read of files, for who wants to show it.
    pub progress: Progress,
    /// Of larger files of JSON lines only so many bytes are read to learn their columns. Should the rest have others,
    /// reading fails and says so ([`Error::surprise`]): then the files are to be opened without this.
    pub glance: Option<u64>,
    /// Bytes of JSON lines that one thread parses in one go, where several read one file: the arrays that become of them
    /// are what is held of it.
    pub piece: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            name: None,
            as_declared: false,
            accept_partial: false,
            bad_rows: BadRows::Fail,
            batch_rows: 8192,
            progress: Progress::default(),
            glance: None,
            piece: 2 << 20,
        }
    }
}

#[cfg(test)]
mod forms_tests;
