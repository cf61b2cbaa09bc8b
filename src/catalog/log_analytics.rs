//! The tables of Log Analytics, those of Sentinel's solutions included: names and columns from the public reference.
//!
//! The text is read where it lies in the program, a line when its table is asked for: see `fixtures/tables/README.md`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::TableInfo;
use super::tables;
use crate::types::{Column, ScalarType};

const TEXT: &str = include_str!("../../fixtures/tables/log-analytics.txt");

/// The line of each table.
static LINES: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| TEXT.lines().map(|line| (name(line), line)).collect());

/// Finds a table by its exact name.
///
/// ```
/// use alertq::catalog::log_analytics;
/// let table = log_analytics::find("Heartbeat").unwrap();
/// assert!(table.columns.iter().any(|column| column.name == "Computer"));
/// assert!(log_analytics::find("heartbeat").is_none());
/// ```
pub fn find(name: &str) -> Option<TableInfo> {
    LINES.get(name).map(|line| read(line))
}

/// Returns the names of all tables, in the order of the reference.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXT.lines().map(name)
}

fn name(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}

/// Reads a line; a table that is documented with meanings has no columns here.
fn read(line: &str) -> TableInfo {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default();
    if let Some(documented) = tables::TableInfo::find(name) {
        return documented.info();
    }
    TableInfo { name: name.to_string(), columns: words.map(column).collect(), ..TableInfo::default() }
}

fn column(word: &str) -> Column {
    match word.split_once(':') {
        Some((name, letter)) => Column::new(name, scalar_type(letter)),
        None => Column::new(word, ScalarType::String),
    }
}

fn scalar_type(letter: &str) -> ScalarType {
    match letter {
        "b" => ScalarType::Bool,
        "d" => ScalarType::DateTime,
        "g" => ScalarType::Guid,
        "i" => ScalarType::Int,
        "l" => ScalarType::Long,
        "m" => ScalarType::Decimal,
        "r" => ScalarType::Real,
        "t" => ScalarType::TimeSpan,
        "y" => ScalarType::Dynamic,
        // A test holds every letter of the text against this list.
        _ => ScalarType::String,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_line_can_be_read() {
        let mut seen = HashSet::new();
        for line in TEXT.lines() {
            assert!(seen.insert(name(line)), "{} stands there twice", name(line));
            let table = read(line);
            assert!(!table.columns.is_empty(), "{} has no columns", table.name);
            let mut columns = HashSet::new();
            for column in &table.columns {
                assert!(columns.insert(column.name.as_str()), "{}.{} stands there twice", table.name, column.name);
            }
            let letters = line.split(' ').filter_map(|word| word.split_once(':'));
            assert!(letters.into_iter().all(|(_, letter)| scalar_type(letter) != ScalarType::String), "{}", table.name);
        }
        assert_eq!(seen.len(), 1943);
    }

    #[test]
    fn types_are_those_of_the_reference() {
        let table = find("SigninLogs").unwrap();
        let column = |name: &str| table.columns.iter().find(|column| column.name == name).map(|c| c.scalar_type);
        assert_eq!(column("TimeGenerated"), Some(ScalarType::DateTime));
        assert_eq!(column("UserPrincipalName"), Some(ScalarType::String));
        assert_eq!(column("LocationDetails"), Some(ScalarType::Dynamic));
        assert_eq!(column("IsInteractive"), Some(ScalarType::Bool));
    }

    #[test]
    fn documented_tables_keep_their_own_columns() {
        let table = find("SecurityAlert").unwrap();
        assert_eq!((table.columns.len(), table.columns[1].name.as_str()), (35, "TimeGenerated"));
    }
}
