//! What finds the parts of a `partition` whose query is run for each of them by itself. No text can call it.

use arrow::array::{Array, AsArray, RecordBatch};

use super::{Columns, Invocation, Plugin, Run};
use crate::functions::FunctionError;
use crate::types::convert::cast;
use crate::types::{Column, ScalarType};

/// How many parts the strategy `legacy` takes, which holds where none is named (documented).
pub const MOST_PARTS: usize = 64;

/// Tells the values of a column, the only one of its input, as names of columns of its type.
pub static PARTS: Plugin = Plugin {
    name: "partition",
    summary: "Finds the values that a column has.",
    signatures: &[],
    columns: Columns::Open { known: |_| Ok(Vec::new()), reads: "", discover },
    run: Run::Operators,
    examples: &[],
    page: "partition-operator",
    unlisted: true,
    ordered: false,
};

/// Gives the text of each value; that of a null is empty.
fn discover(call: &Invocation, batches: &mut dyn Iterator<Item = RecordBatch>) -> Result<Vec<Column>, FunctionError> {
    let mut values = Vec::new();
    let Some(key) = call.input.first() else { return Ok(values) };
    for batch in batches {
        let texts = cast(batch.column(0), key.scalar_type, ScalarType::String);
        let texts = texts.as_string_view();
        let text = |row: usize| if texts.is_null(row) { "" } else { texts.value(row) };
        values.extend((0..texts.len()).map(|row| Column::new(text(row), key.scalar_type)));
        if values.len() > MOST_PARTS {
            let message = format!(
                "`partition by {}` has more than {MOST_PARTS} parts, the most that its legacy strategy takes",
                key.name
            );
            return Err(FunctionError { code: "AQ042", message, argument: None });
        }
    }
    Ok(values)
}
