//! The tables a query can see: those of Sentinel as documented data, and the user's own.

pub mod entities;
pub mod log_analytics;
pub mod products;
pub mod tables;

mod external;
mod security_alert;
mod security_incident;
mod surroundings;

pub use external::{External, ExternalFormat, Externals, is_address};
pub use surroundings::{Elsewhere, Place, StoredFunction};

use std::borrow::Cow;
use std::sync::Arc;

use crate::types::whereabouts::Places;
use crate::types::{Column, ScalarType};

/// Tables, functions and watchlists by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tables: Vec<TableInfo>,
    known: Known,
    functions: Vec<StoredFunction>,
    watchlists: Vec<(String, TableInfo)>,
    elsewhere: Vec<Elsewhere>,
    externals: Externals,
    places: Option<Arc<dyn Places>>,
}

/// What becomes of the tables of Log Analytics that nobody added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Known {
    /// There are none.
    #[default]
    No,
    /// They are there where a query names them; what reads many tables at once passes them by.
    ByName,
    /// They are there.
    All,
}

/// What a query can know of a table before it runs.
#[derive(Debug, Clone, Default)]
pub struct TableInfo {
    pub name: String,
    pub columns: Vec<Column>,
    /// Columns that the records have and that show only when they are named: `_ItemId` and its kin.
    pub hidden: Vec<Column>,
    /// The column of the records that tells when each was ingested: the value of `ingestion_time()`.
    pub ingested: Option<String>,
    /// Records may lack `Type`, whose value is the table's name.
    pub lacks_type: bool,
}

impl Catalog {
    /// Makes a catalog without tables.
    pub fn new() -> Self {
        Catalog::default()
    }

    /// Makes the catalog of a workspace that has every table of Log Analytics: what a query is checked against.
    ///
    /// ```
    /// use alertq::catalog::Catalog;
    /// assert!(Catalog::standard().table("SigninLogs").is_some());
    /// ```
    pub fn standard() -> Self {
        Catalog { known: Known::All, ..Catalog::default() }
    }

    /// Makes a catalog for tables that have records: others of Log Analytics are known by name, and are not there for
    /// `union *` and all else that reads what it finds.
    pub fn of_records() -> Self {
        Catalog { known: Known::ByName, ..Catalog::default() }
    }

    /// Adds a table; one of the same name is replaced.
    pub fn add(&mut self, table: TableInfo) {
        self.tables.retain(|t| t.name != table.name);
        self.tables.push(table);
    }

    /// Lets queries ask where IP addresses are.
    pub fn set_whereabouts(&mut self, places: Arc<dyn Places>) {
        self.places = Some(places);
    }

    /// Returns who knows where IP addresses are.
    pub fn whereabouts(&self) -> Option<&Arc<dyn Places>> {
        self.places.as_ref()
    }

    /// Finds a table by its exact name.
    pub fn table(&self, name: &str) -> Option<Cow<'_, TableInfo>> {
        match self.tables.iter().find(|table| table.name == name) {
            Some(table) => Some(Cow::Borrowed(table)),
            None if self.known == Known::No => None,
            None => log_analytics::find(name).map(Cow::Owned),
        }
    }

    /// Returns the tables that `union *`, `search` and `find` see: those that were added, in the order in which they
    /// were, then all of Log Analytics where the catalog has them.
    pub fn tables(&self) -> impl Iterator<Item = Cow<'_, TableInfo>> {
        let known = self.unnamed().filter(|name| !self.has(name)).filter_map(log_analytics::find).map(Cow::Owned);
        self.tables.iter().map(Cow::Borrowed).chain(known)
    }

    /// Returns the names of the tables that [`Self::tables`] returns, in their order.
    pub fn names<'a>(&'a self) -> impl Iterator<Item = &'a str> {
        let known = self.unnamed().filter(|name| !self.has(name)).map(|name| -> &'a str { name });
        self.tables.iter().map(|table| table.name.as_str()).chain(known)
    }

    /// Returns the name of every table that a query may name.
    pub fn all_names<'a>(&'a self) -> impl Iterator<Item = &'a str> {
        let known = if self.known == Known::No { None } else { Some(log_analytics::names()) };
        let known = known.into_iter().flatten().map(|name| -> &'a str { name });
        self.tables.iter().map(|table| table.name.as_str()).chain(known)
    }

    /// Tells whether it is about names and types alone: no table of Log Analytics needs records to be there.
    pub fn is_for_checks(&self) -> bool {
        self.known == Known::All
    }

    fn has(&self, name: &str) -> bool {
        self.tables.iter().any(|table| table.name == name)
    }

    /// The tables of Log Analytics that are there without being named.
    fn unnamed(&self) -> impl Iterator<Item = &'static str> {
        self.is_for_checks().then(log_analytics::names).into_iter().flatten()
    }
}

/// Columns that every Log Analytics table has and that show only when they are named.
pub const STANDARD_HIDDEN: &[(&str, ScalarType)] = &[
    ("_ItemId", ScalarType::String),
    ("_ResourceId", ScalarType::String),
    ("_SubscriptionId", ScalarType::String),
    ("_TimeReceived", ScalarType::DateTime),
    ("_BilledSize", ScalarType::Real),
    ("_IsBillable", ScalarType::String),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableInfo {
        TableInfo { name: name.to_string(), ..TableInfo::default() }
    }

    #[test]
    fn tables_without_records_are_known_by_name_alone() {
        let mut catalog = Catalog::of_records();
        catalog.add(table("Mine"));
        assert_eq!(catalog.names().collect::<Vec<_>>(), ["Mine"]);
        assert_eq!(catalog.tables().count(), 1);
        assert!(catalog.table("SigninLogs").is_some());
        assert!(Catalog::new().table("SigninLogs").is_none());
    }

    #[test]
    fn the_users_table_stands_for_the_known_one() {
        let mut catalog = Catalog::standard();
        let count = catalog.names().count();
        catalog.add(table("SigninLogs"));
        assert_eq!(catalog.names().count(), count);
        assert_eq!(catalog.table("SigninLogs").map(|t| t.columns.len()), Some(0));
    }
}
