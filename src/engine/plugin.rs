//! Plugins over rows, as nodes.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;

use super::lower::{Lower, operated};
use super::operator::{OperatorError, RowOperator};
use super::{Error, Result};
use crate::functions::FunctionError;
use crate::functions::plugin::{Invocation, Process};
use crate::functions::sketch::takes_sketches;
use crate::plan::{Kind, Node};
use crate::types::arrow::schema;

impl Lower<'_> {
    /// Puts a plugin above its input. The tables among its arguments have been computed: they are shared.
    pub(super) fn plugin(&self, input: &Node, tables: &[Node], call: &Invocation) -> Result<LogicalPlan> {
        let tables: Vec<Vec<RecordBatch>> = tables
            .iter()
            .zip(&call.tables)
            .map(|(table, columns)| match (&table.kind, &table.columns == columns) {
                (Kind::Shared { index }, true) => Ok(self.shared[*index].clone()),
                _ => Err(Error::internal("the table of a plugin has not been computed")),
            })
            .collect::<Result<_>>()?;
        let plan = self.in_order(self.node(input)?, &call.input)?;
        let plan = match takes_sketches(call.plugin.name) {
            true => plan,
            false => self.without_sketches(plan, &call.input)?,
        };
        let call = Arc::new(call.clone());
        operated(plan, call.plugin.name, true, move || {
            let process = call.process(tables.clone())?;
            Ok(Plugin { schema: schema(&call.columns), process })
        })
    }

    /// Returns the rows that an earlier part of the query gave.
    pub(super) fn materialized(&self, index: usize) -> Result<Vec<RecordBatch>> {
        let found = self.session.materialized.get(index);
        found.cloned().ok_or_else(|| Error::internal("an earlier part of the query has not been run"))
    }
}

/// A plugin at work.
struct Plugin {
    schema: SchemaRef,
    process: Box<dyn Process>,
}

impl RowOperator for Plugin {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn push(&mut self, batch: &RecordBatch) -> std::result::Result<Vec<RecordBatch>, OperatorError> {
        Ok(self.process.push(batch)?)
    }

    fn finish(&mut self) -> std::result::Result<Vec<RecordBatch>, OperatorError> {
        Ok(self.process.finish()?)
    }

    fn size(&self) -> usize {
        self.process.size()
    }
}

impl From<FunctionError> for OperatorError {
    fn from(error: FunctionError) -> Self {
        OperatorError(error.message)
    }
}
