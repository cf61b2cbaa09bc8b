//! What of a table's records is not as the table's description has it.

use crate::catalog::entities::EntityType;
use crate::catalog::tables::{ColumnInfo, TableInfo};
use crate::types::ScalarType;

use super::profile::{Profile, Seen};

/// What kind of thing is not as described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    MissingColumn,
    UnknownColumn,
    MistypedColumn,
    UnreadableRecord,
    UnknownValue,
    InvalidJson,
    UntypedEntity,
    UnknownEntity,
    DanglingReference,
}

impl Kind {
    /// Returns the name for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::MissingColumn => "missing-column",
            Kind::UnknownColumn => "unknown-column",
            Kind::MistypedColumn => "mistyped-column",
            Kind::UnreadableRecord => "unreadable-record",
            Kind::UnknownValue => "unknown-value",
            Kind::InvalidJson => "invalid-json",
            Kind::UntypedEntity => "untyped-entity",
            Kind::UnknownEntity => "unknown-entity-type",
            Kind::DanglingReference => "dangling-ref",
        }
    }
}

/// One thing that is not as described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub column: Option<String>,
    /// What is found, in one sentence.
    pub message: String,
    /// In how many records, or how often in them; 0 where it is about the column as a whole.
    pub count: u64,
    /// Where first: the record, counted from 1, and what stands there.
    pub first: Option<(u64, String)>,
}

impl Profile {
    /// Returns what is not as the known table has it; nothing where the table is not known.
    pub fn findings(&self) -> Vec<Finding> {
        let Some(known) = self.known else { return Vec::new() };
        let mut findings = self.of_columns(known);
        findings.extend(self.of_records());
        findings.extend(self.of_values(known));
        findings.extend(self.of_json());
        findings
    }

    fn of_columns(&self, known: &'static TableInfo) -> Vec<Finding> {
        let column_of = |field: &str| {
            let folded = known.columns.iter().find(|column| column.name.eq_ignore_ascii_case(field));
            let alias = || known.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(field));
            folded.or_else(|| alias().and_then(|(_, name)| known.column(name)))
        };
        let has = |column: &ColumnInfo| {
            self.fields.iter().any(|(field, _)| column_of(field).is_some_and(|found| found.name == column.name))
        };
        let finding = |kind, column: &str, message| Finding {
            kind,
            column: Some(column.to_string()),
            message,
            count: 0,
            first: None,
        };
        let missing = known.columns.iter().filter(|column| !column.hidden && !has(column));
        let mut findings: Vec<_> = missing
            .map(|column| finding(Kind::MissingColumn, column.name, format!("the column {} is missing", column.name)))
            .collect();
        for (field, found) in &self.fields {
            match (column_of(field), found) {
                (None, _) => {
                    let message = format!("{} has no column {field}", known.name);
                    findings.push(finding(Kind::UnknownColumn, field, message));
                }
                (Some(column), Some(found)) if !reads_as(*found, column.scalar_type) => {
                    let wanted = column.scalar_type;
                    let message = format!("the column {field} holds {found} and should hold {wanted}");
                    findings.push(finding(Kind::MistypedColumn, field, message));
                }
                _ => {}
            }
        }
        findings
    }

    fn of_records(&self) -> Option<Finding> {
        let first = self.bad.first()?;
        Some(Finding {
            kind: Kind::UnreadableRecord,
            column: first.fault.column.clone(),
            message: format!("records cannot be read; the first: {first}"),
            count: self.rejected,
            first: None,
        })
    }

    fn of_values(&self, known: &'static TableInfo) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (column, values) in &self.values {
            let set = known.column(column).map_or([].as_slice(), |column| column.values);
            for (value, seen) in values.iter().filter(|(value, _)| !set.contains(&value.as_str())) {
                let message = format!("`{}` is none of the values of {column}: {}", seen.value, set.join(", "));
                findings.push(of_seen(
                    Kind::UnknownValue,
                    column,
                    message,
                    &Seen { value: value.clone(), ..seen.clone() },
                ));
            }
        }
        findings
    }

    fn of_json(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (column, seen) in &self.invalid {
            let message = format!("texts of {column} are not the JSON that they should be");
            findings.push(of_seen(Kind::InvalidJson, column, message, seen));
        }
        if self.untyped.count > 0 {
            let message = "entities have no Type".to_string();
            findings.push(of_seen(Kind::UntypedEntity, "Entities", message, &self.untyped));
        }
        for (name, entity) in self.entities.iter().filter(|(name, _)| EntityType::find(name).is_none()) {
            let message = format!("`{name}` is no known type of entity");
            findings.push(of_seen(Kind::UnknownEntity, "Entities", message, &entity.seen));
        }
        if self.dangling.count > 0 {
            let message = "`$ref` leads to no `$id` of the same array".to_string();
            findings.push(of_seen(Kind::DanglingReference, "Entities", message, &self.dangling));
        }
        findings
    }
}

fn of_seen(kind: Kind, column: &str, message: String, seen: &Seen) -> Finding {
    let first = Some((seen.row, seen.value.clone()));
    Finding { kind, column: Some(column.to_string()), message, count: seen.count, first }
}

/// Tells whether what files have is read as a type as a matter of course: exports write 0 and 1 for a bool, whole
/// numbers for reals, and JSON both as text and as it is.
fn reads_as(found: ScalarType, wanted: ScalarType) -> bool {
    use ScalarType::{Bool, DateTime, Decimal, Dynamic, Int, Long, Real, String};
    match wanted {
        String => matches!(found, String | Dynamic | DateTime | ScalarType::Guid | ScalarType::TimeSpan),
        Bool => matches!(found, Bool | Int | Long),
        Int | Long => matches!(found, Int | Long),
        Real | Decimal => matches!(found, Int | Long | Real | Decimal),
        Dynamic => true,
        other => found == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exports_write_is_read_as_it_is_meant() {
        assert!(reads_as(ScalarType::Long, ScalarType::Bool));
        assert!(reads_as(ScalarType::Dynamic, ScalarType::String));
        assert!(!reads_as(ScalarType::Long, ScalarType::String));
        assert!(!reads_as(ScalarType::String, ScalarType::DateTime));
    }
}
