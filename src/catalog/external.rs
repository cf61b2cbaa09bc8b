//! `externaldata`: files that a query names itself.

use super::Catalog;
use crate::types::Column;

/// The files of one `externaldata`, which a plan reads as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// The name that the plan has for it.
    pub table: String,
    pub columns: Vec<Column>,
    /// As the query names them.
    pub addresses: Vec<String>,
    pub format: ExternalFormat,
    /// The first line of each file is left out.
    pub skip_first: bool,
}

/// How records stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalFormat {
    /// Fields between commas, for the columns in their order.
    Csv,
    /// A line is the first column.
    Text,
    /// The whole file is the first column.
    Raw,
    /// Objects one after the other or in an array, whose properties are the columns.
    Json,
}

/// Which files a query may name itself.
#[derive(Debug, Clone, Default)]
pub struct Externals {
    /// Addresses that a file stands for.
    pub addresses: Vec<String>,
    /// There are folders in which a path may lead to a file.
    pub folders: bool,
}

impl Catalog {
    /// Says which files queries may name.
    pub fn set_externals(&mut self, externals: Externals) {
        self.externals = externals;
    }

    /// Returns which files queries may name.
    pub fn externals(&self) -> &Externals {
        &self.externals
    }
}

/// Tells whether an address that is known is the one that a query writes, which may go on with how to sign in.
///
/// ```
/// use alertq::catalog::is_address;
/// assert!(is_address("https://host/list.csv", "https://host/list.csv;impersonate"));
/// assert!(is_address("https://host/list.csv", "https://host/list.csv?sv=2024&sig=x"));
/// assert!(!is_address("https://host/list.csv", "https://host/list.csv.gz"));
/// ```
pub fn is_address(known: &str, written: &str) -> bool {
    written.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', ';']))
}
