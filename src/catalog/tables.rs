//! The tables of a Sentinel workspace that alertq knows: their columns as documented data.

use crate::types::{Column, ScalarType};

use super::security_alert::SECURITY_ALERT;
use super::security_incident::SECURITY_INCIDENT;

/// A column of a known table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnInfo {
    /// The name as queries spell it.
    pub name: &'static str,
    /// The type that the query API gives it.
    pub scalar_type: ScalarType,
    /// What the column holds, in one sentence or two.
    pub meaning: &'static str,
    /// Whether the column appears in results only when a query names it (the standard columns with `_`).
    pub hidden: bool,
    /// Whether Microsoft says that it goes away; it is filled as long as it is there.
    pub deprecated: bool,
    /// All values that it can have, where there is a closed set of them.
    pub values: &'static [&'static str],
    /// What JSON its texts are, where they are that in every record.
    pub json: Json,
}

/// What JSON the texts of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Json {
    /// None that could be relied on.
    None,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl ColumnInfo {
    /// Makes a column that results show.
    pub const fn shown(name: &'static str, scalar_type: ScalarType, meaning: &'static str) -> Self {
        let (deprecated, values, json) = (false, [].as_slice(), Json::None);
        ColumnInfo { name, scalar_type, meaning, hidden: false, deprecated, values, json }
    }

    /// Makes a column that results show only when a query names it.
    pub const fn hidden(name: &'static str, scalar_type: ScalarType, meaning: &'static str) -> Self {
        ColumnInfo { hidden: true, ..ColumnInfo::shown(name, scalar_type, meaning) }
    }

    /// Says that Microsoft calls it deprecated.
    pub const fn deprecated(self) -> Self {
        ColumnInfo { deprecated: true, ..self }
    }

    /// Says which values it can have.
    pub const fn one_of(self, values: &'static [&'static str]) -> Self {
        ColumnInfo { values, ..self }
    }

    /// Says what JSON its texts are.
    pub const fn json(self, json: Json) -> Self {
        ColumnInfo { json, ..self }
    }

    /// Returns name and type alone.
    pub fn column(&self) -> Column {
        Column::new(self.name, self.scalar_type)
    }
}

/// A known table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableInfo {
    /// The name as queries spell it.
    pub name: &'static str,
    /// What a row is.
    pub meaning: &'static str,
    /// The columns, in the order in which the query API returns them; hidden ones last.
    pub columns: &'static [ColumnInfo],
    /// Names that other exports give to a column: `(other name, the table's name)`.
    pub aliases: &'static [(&'static str, &'static str)],
    /// Columns by which a file without a `Type` is known: hardly any other table has two of them.
    pub telling: &'static [&'static str],
}

/// The known tables.
pub const TABLES: &[&TableInfo] = &[&SECURITY_ALERT, &SECURITY_INCIDENT];

impl TableInfo {
    /// Finds a known table by its exact name.
    ///
    /// ```
    /// use alertq::catalog::tables::TableInfo;
    /// assert_eq!(TableInfo::find("SecurityAlert").map(|table| table.columns[1].name), Some("TimeGenerated"));
    /// assert!(TableInfo::find("securityalert").is_none());
    /// ```
    pub fn find(name: &str) -> Option<&'static TableInfo> {
        TABLES.iter().find(|table| table.name == name).copied()
    }

    /// Returns the columns that results show, in order.
    pub fn shown(&self) -> Vec<Column> {
        self.columns.iter().filter(|column| !column.hidden).map(ColumnInfo::column).collect()
    }

    /// Returns what the binder needs of the table: hidden columns are known where there are records that have them.
    pub fn info(&self) -> super::TableInfo {
        super::TableInfo { name: self.name.to_string(), columns: self.shown(), ..Default::default() }
    }

    /// Finds a column by its exact name.
    pub fn column(&self, name: &str) -> Option<&'static ColumnInfo> {
        self.columns.iter().find(|column| column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_columns_come_last_and_begin_with_an_underscore() {
        for table in TABLES {
            let first_hidden = table.columns.iter().position(|column| column.hidden).unwrap_or(table.columns.len());
            for (index, column) in table.columns.iter().enumerate() {
                assert_eq!(index >= first_hidden, column.hidden, "{}.{}", table.name, column.name);
                assert_eq!(column.name.starts_with('_'), column.hidden, "{}.{}", table.name, column.name);
                assert!(column.meaning.ends_with('.'), "{}.{}", table.name, column.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_aliases_lead_to_columns() {
        for table in TABLES {
            let mut names: Vec<_> = table.columns.iter().map(|column| column.name.to_lowercase()).collect();
            names.extend(table.aliases.iter().map(|(alias, _)| alias.to_lowercase()));
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count);
            assert!(table.telling.iter().all(|name| table.column(name).is_some()));
            for (alias, target) in table.aliases {
                assert!(table.column(target).is_some(), "{alias} leads nowhere");
            }
        }
    }

    #[test]
    fn security_alert_keeps_json_in_strings() {
        let alert = &SECURITY_ALERT;
        assert_eq!(alert.shown().len(), 35);
        for name in ["Entities", "ExtendedProperties", "ExtendedLinks", "RemediationSteps", "Techniques"] {
            assert_eq!(alert.column(name).map(|column| column.scalar_type), Some(ScalarType::String), "{name}");
        }
    }
}
