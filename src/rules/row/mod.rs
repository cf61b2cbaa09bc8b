//! Rows of the tables that rules write, and what rules read of them.

mod alert;
mod incident;

pub use alert::Alert;
pub use incident::Incident;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Int32Type;
use sha1::{Digest, Sha1};

use crate::catalog::tables::TableInfo;
use crate::types::arrow::{from_values, schema, value_at};
use crate::types::{Column, ScalarType, Value, ticks};

/// A row of a known table.
pub trait Row {
    /// The table's name.
    const TABLE: &'static str;

    /// Returns the value of a column; None where the row has nothing to say about it.
    fn value(&self, column: &str) -> Option<Value>;
}

/// Makes the batch that holds rows, with the columns of their table in its order.
pub fn batch<R: Row>(rows: &[R]) -> (Vec<Column>, RecordBatch) {
    let columns = TableInfo::find(R::TABLE).map(TableInfo::shown).unwrap_or_default();
    let array = |column: &Column| -> ArrayRef {
        let value = |row: &R| row.value(&column.name).filter(|value| value.scalar_type() == column.scalar_type);
        let missing = || Value::missing(column.scalar_type);
        let values: Vec<Value> = rows.iter().map(|row| value(row).unwrap_or_else(missing)).collect();
        from_values(column.scalar_type, &values)
    };
    let arrays = columns.iter().map(array).collect();
    let batch = RecordBatch::try_new(schema(&columns), arrays);
    let batch = batch.unwrap_or_else(|_| RecordBatch::new_empty(schema(&columns)));
    (columns, batch)
}

/// Makes the GUID that belongs to a text: the same one every time, and no other text's.
///
/// What Sentinel draws by chance (ids of alerts and incidents) follows from what it belongs to here, so that two runs
/// over the same records give the same rows.
pub fn derived_guid(text: &str) -> String {
    let digest = Sha1::digest(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_sha1_bytes(bytes).into_uuid().to_string()
}

/// The cells of a batch by the names of their columns.
struct Cells<'a> {
    columns: &'a [Column],
    batch: &'a RecordBatch,
}

impl<'a> Cells<'a> {
    fn find(&self, name: &str) -> Option<(&'a ArrayRef, ScalarType)> {
        let place = self.columns.iter().position(|column| column.name == name)?;
        Some((self.batch.columns().get(place)?, self.columns[place].scalar_type))
    }

    /// Returns texts as they are, JSON as its text, and nothing of other types.
    fn text(&self, name: &str, row: usize) -> String {
        match self.find(name).map(|(array, scalar_type)| value_at(array, row, scalar_type)) {
            Some(Value::String(text) | Value::Dynamic(text) | Value::Guid(text)) => text,
            _ => String::new(),
        }
    }

    /// Returns a moment in ticks; one that stands in a text too.
    fn moment(&self, name: &str, row: usize) -> Option<i64> {
        match self.find(name).map(|(array, scalar_type)| value_at(array, row, scalar_type))? {
            Value::DateTime(ticks) => Some(ticks),
            Value::String(text) => ticks::parse_datetime(&text),
            _ => None,
        }
    }

    fn number(&self, name: &str, row: usize) -> Option<i64> {
        match self.find(name)? {
            (array, ScalarType::Int) if !array.is_null(row) => {
                Some(i64::from(array.as_primitive::<Int32Type>().value(row)))
            }
            (array, ScalarType::Long) => match value_at(array, row, ScalarType::Long) {
                Value::Long(number) => Some(number),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the texts of a JSON array; none where it is something else.
    fn texts(&self, name: &str, row: usize) -> Vec<String> {
        texts(&serde_json::from_str(&self.text(name, row)).unwrap_or_default())
    }
}

/// Returns the texts of a JSON array; none where it is something else.
fn texts(json: &serde_json::Value) -> Vec<String> {
    let items = json.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_string)).collect()
}

/// Splits a list as the tables write it: a JSON array, or names with commas between; `Unknown` is no name.
pub fn names(text: &str) -> Vec<String> {
    if let Ok(json @ serde_json::Value::Array(_)) = serde_json::from_str(text) {
        return texts(&json);
    }
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty() && !part.eq_ignore_ascii_case("Unknown")).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_follow_from_their_text() {
        assert_eq!(derived_guid("a"), derived_guid("a"));
        assert_ne!(derived_guid("a"), derived_guid("b"));
        assert!(uuid::Uuid::parse_str(&derived_guid("")).is_ok_and(|guid| guid.get_version_num() == 5));
    }

    #[test]
    fn lists_are_json_or_have_commas() {
        assert_eq!(names("Execution, Persistence"), ["Execution", "Persistence"]);
        assert_eq!(names("[\"T1059\"]"), ["T1059"]);
        assert_eq!(names("Unknown"), [""; 0]);
        assert_eq!(names(""), [""; 0]);
    }

    #[test]
    fn rows_come_back_as_they_went() {
        let alert = Alert {
            id: "i".into(),
            name: "n".into(),
            generated: 7,
            start: Some(5),
            tactics: "Execution".into(),
            ..Alert::default()
        };
        let (columns, rows) = batch(std::slice::from_ref(&alert));
        assert_eq!(Alert::read(&columns, &rows), [alert]);
        let incident = Incident { number: 3, alerts: vec!["a".into()], created: 9, time: 9, ..Incident::default() };
        let (columns, rows) = batch(std::slice::from_ref(&incident));
        assert_eq!(Incident::read(&columns, &rows), [incident]);
    }
}
