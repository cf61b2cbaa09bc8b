//! `narrow`: a row for each cell.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewBuilder};

use super::rows::{batch, unsure};
use super::{Columns, Invocation, Plugin, Process, Run};
use crate::functions::FunctionError;
use crate::types::convert::cast;
use crate::types::{Column, ScalarType};

pub(super) static NARROW: Plugin = Plugin {
    name: "narrow",
    summary: "Gives a row for each cell: the number of its row, its column and its text.",
    signatures: &[&[]],
    columns: Columns::Closed(columns),
    run: Run::Batches(|call, _| Ok(Box::new(Narrow { call: call.clone(), rows: 0 }))),
    examples: &[
        (
            "print a = 1, b = 'x' | evaluate narrow()",
            "datatable(Row:long, Column:string, Value:string)[0, 'a', '1', 0, 'b', 'x']",
        ),
        (
            "datatable(a:bool)[true, false] | evaluate narrow()",
            "datatable(Row:long, Column:string, Value:string)[0, 'a', 'True', 1, 'a', 'False']",
        ),
        ("datatable(a:string)[''] | evaluate narrow() | project Value", "print Value = ''"),
    ],
    page: "narrow-plugin",
    unlisted: false,
    ordered: false,
};

/// How it writes values of other types is not documented but for examples of old, which differ from `tostring`.
fn columns(call: &Invocation) -> Result<Vec<Column>, FunctionError> {
    use ScalarType::{Bool, Guid, Int, Long, String};
    let own = &call.input[..call.own];
    if let Some(column) = own.iter().find(|column| !matches!(column.scalar_type, Bool | Guid | Int | Long | String)) {
        let message = format!(
            "how `narrow` writes the {} of the column `{}` is not sure: convert it with tostring() first",
            column.scalar_type, column.name
        );
        return Err(FunctionError { code: "AQ001", message, argument: None });
    }
    Ok(vec![Column::new("Row", Long), Column::new("Column", String), Column::new("Value", String)])
}

struct Narrow {
    call: Invocation,
    rows: i64,
}

impl Process for Narrow {
    fn push(&mut self, rows: &RecordBatch) -> Result<Vec<RecordBatch>, FunctionError> {
        let own = &self.call.input[..self.call.own];
        let mut texts: Vec<ArrayRef> = Vec::with_capacity(own.len());
        for (place, column) in own.iter().enumerate() {
            let array = rows.column(place);
            if column.scalar_type != ScalarType::String && array.null_count() > 0 {
                return Err(unsure(format!(
                    "how `narrow` writes the null in the column `{}` is not sure: convert it with tostring() first",
                    column.name
                )));
            }
            texts.push(cast(array, column.scalar_type, ScalarType::String));
        }
        let count = rows.num_rows() * own.len();
        let mut numbers = Vec::with_capacity(count);
        let (mut names, mut values) =
            (StringViewBuilder::with_capacity(count), StringViewBuilder::with_capacity(count));
        for row in 0..rows.num_rows() {
            for (column, texts) in own.iter().zip(&texts) {
                numbers.push(self.rows + row as i64);
                names.append_value(&column.name);
                values.append_value(texts.as_string_view().value(row));
            }
        }
        self.rows += rows.num_rows() as i64;
        let arrays: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(numbers)), Arc::new(names.finish()), Arc::new(values.finish())];
        Ok(vec![batch(&self.call.columns, arrays, count)?])
    }
}
