//! `top-nested`: values, arguments and conditions of all levels are computed column-wise below the operator.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::aggregate::accumulator;
use super::lower::{Lower, operated};
use super::operator::top_nested::{Aggregate, Level, New, TopNested};
use super::{Error, Result};
use crate::plan::{AggregateCall, Node, TopNestedLevel};
use crate::types::Column;
use crate::types::arrow::schema;

impl Lower<'_> {
    pub(super) fn top_nested(
        &self,
        columns: &[Column],
        input: &Node,
        levels: &[TopNestedLevel],
        definite: bool,
    ) -> Result<LogicalPlan> {
        let plan = self.node(input)?;
        let planner = SessionStateBuilder::new().build();
        let mut computed = Vec::new();
        let mut made = Vec::new();
        for level in levels {
            let value = computed.len();
            computed.push(self.key(&level.value)?);
            let mut aggregates = Vec::new();
            for call in &level.aggregates {
                let mut arguments = Vec::new();
                for argument in &call.arguments {
                    arguments.push(computed.len());
                    computed.push(self.lowering.value(argument)?);
                }
                if arguments.is_empty() {
                    // The number of rows is told by the length of an argument.
                    arguments.push(value);
                }
                let mut filter = None;
                if let Some(condition) = &call.filter {
                    filter = Some(computed.len());
                    computed.push(self.lowering.condition(condition)?);
                }
                aggregates.push(Aggregate { new: new(call)?, arguments, filter });
            }
            let measured: Vec<Column> = level.aggregates.iter().flat_map(|call| call.outputs.iter().cloned()).collect();
            let measured = schema(&measured);
            let over = DFSchema::try_from(measured.clone())?;
            made.push(Level {
                value,
                scalar_type: level.value.scalar_type(),
                count: level.count,
                others: level.others.clone(),
                aggregates,
                measure: self.by_row(&level.measure, &over, &planner)?,
                measured,
                measure_type: level.measure.scalar_type(),
                ascending: level.ascending,
                nulls_first: level.nulls_first,
            });
        }
        let named = computed.into_iter().enumerate().map(|(i, value)| value.alias(format!("\u{2}computed{i}")));
        let plan = LogicalPlanBuilder::from(plan).project(named)?.build()?;
        let (columns, name) = (columns.to_vec(), if definite { "top-hitters" } else { "top-nested" });
        operated(plan, name, true, move || Ok(TopNested::new(columns.clone(), made.clone(), definite)))
    }
}

fn new(call: &AggregateCall) -> Result<New> {
    let (aggregate, overload, setup) = (call.aggregate, call.overload, Lower::setup(call, false));
    let new = move || accumulator(aggregate, overload, &setup);
    new().map_err(|error| Error::unsupported(error.message))?;
    Ok(Arc::new(new))
}
