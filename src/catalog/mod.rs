//! The tables a query can see: those of Sentinel as documented data, and the user's own.

pub mod tables;

mod security_alert;
mod security_incident;

use crate::types::{Column, ScalarType};

/// Tables, functions and watchlists by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tables: Vec<TableInfo>,
}

/// What a query can know of a table before it runs.
#[derive(Debug, Clone)]
pub struct TableInfo {
    pub name: String,
    pub columns: Vec<Column>,
    /// Columns that stand in every record and show only when they are named: `_ItemId` and its kin.
    pub hidden: Vec<Column>,
}

impl Catalog {
    /// Makes a catalog without tables.
    pub fn new() -> Self {
        Catalog::default()
    }

    /// Makes the catalog of a workspace that has nothing but Sentinel's tables of alerts and incidents.
    pub fn standard() -> Self {
        let mut catalog = Catalog::new();
        for table in tables::TABLES {
            catalog.add(table.info());
        }
        catalog
    }

    /// Adds a table; one of the same name is replaced.
    pub fn add(&mut self, table: TableInfo) {
        self.tables.retain(|t| t.name != table.name);
        self.tables.push(table);
    }

    /// Finds a table by its exact name.
    pub fn table(&self, name: &str) -> Option<&TableInfo> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Returns the tables in the order in which they were added.
    pub fn tables(&self) -> &[TableInfo] {
        &self.tables
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
