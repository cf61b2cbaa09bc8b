//! What `az monitor log-analytics query` prints: an array of objects, every value as text.
//!
//! The tool writes Python's `str` of each value: `True`, `12`, `None`. `TableName` comes first in each object; it is
//! left out here where it says `PrimaryResult`, which is all that it says of an ordinary query.

use serde_json::Value;

use super::records::Fields;

/// Tells whether a record was written by the tool.
pub(super) fn fits(record: &Value) -> bool {
    record.as_object().is_some_and(|fields| fields.contains_key("TableName") && fields.values().all(Value::is_string))
}

/// Leaves out the name of the result.
pub(super) fn map(record: Value) -> Result<Fields, String> {
    let mut fields = super::records::flat(record)?;
    fields.retain(|(key, value)| key != "TableName" || value != "PrimaryResult");
    Ok(fields)
}
