//! Graphs: their inputs as one stream, their expressions ready to be computed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};

use super::expr::{column, scalar};
use super::lower::{Lower, operated, position};
use super::operator::OperatorError;
use super::operator::graph::{Evaluate, Graph as Operator, Input, MOST_STEPS, Setup, Value as Computed, node_columns};
use super::operator::index::RowIndex;
use super::{Error, Result};
use crate::plan::graph::{Element, Graph};
use crate::plan::{Expr, Node};
use crate::types::arrow::schema;
use crate::types::{Column, ScalarType, Value};

/// The column that tells the inputs apart.
const INPUT: &str = "\u{2}input";

impl Lower<'_> {
    pub(super) fn graph(&self, graph: &Graph, columns: &[Column]) -> Result<LogicalPlan> {
        let setup = Arc::new(self.graph_setup(graph, columns)?);
        let inputs: Vec<&Node> =
            std::iter::once(&graph.edges).chain(graph.nodes.iter().map(|(node, _)| node)).collect();
        let name = setup.name;
        operated(self.told_apart(&inputs)?, name, true, move || Ok(Operator::new(setup.clone())))
    }

    /// The rows of several relations in one: a number, then the columns of each, missing in the rows of the others.
    fn told_apart(&self, inputs: &[&Node]) -> Result<LogicalPlan> {
        let mut all: Option<LogicalPlan> = None;
        let mut types = vec![Column::new(INPUT, ScalarType::Int)];
        for (number, input) in inputs.iter().enumerate() {
            types.extend(input.columns.iter().enumerate().map(|(i, c)| Column::new(place(number, i), c.scalar_type)));
        }
        for (number, input) in inputs.iter().enumerate() {
            let mut exprs = vec![lit(i32::try_from(number).unwrap_or(i32::MAX)).alias(INPUT)];
            for (other, from) in inputs.iter().enumerate() {
                for (i, c) in from.columns.iter().enumerate() {
                    let value =
                        if other == number { column(&c.name) } else { lit(scalar(&Value::missing(c.scalar_type))) };
                    exprs.push(value.alias(place(other, i)));
                }
            }
            let plan = LogicalPlanBuilder::from(self.node(input)?).project(exprs)?.build()?;
            // Hides what is constant in one input and not in the union.
            let types = types.clone();
            let plan = operated(plan, "make-graph", false, move || Ok(RowIndex::new(&types, None)))?;
            all = Some(match all {
                Some(all) => LogicalPlanBuilder::from(all).union(plan)?.build()?,
                None => plan,
            });
        }
        all.ok_or_else(|| Error::internal("a graph without edges"))
    }

    fn graph_setup(&self, graph: &Graph, columns: &[Column]) -> Result<Setup> {
        let state = SessionStateBuilder::new().build();
        let partition =
            |node: &Node| graph.partitioned_by.as_ref().map(|column| position(&node.columns, &column.name)).transpose();
        let edges = Input {
            columns: graph.edges.columns.clone(),
            ids: vec![
                position(&graph.edges.columns, &graph.source.name)?,
                position(&graph.edges.columns, &graph.target.name)?,
            ],
            partition: partition(&graph.edges)?,
        };
        let nodes = graph.nodes.iter().map(|(node, id)| {
            let ids = vec![position(&node.columns, &id.name)?];
            Ok(Input { columns: node.columns.clone(), ids, partition: partition(node)? })
        });
        let nodes = nodes.collect::<Result<Vec<_>>>()?;
        let of_nodes = node_columns(&graph.properties, &graph.components, graph.source.scalar_type);
        let columns_of = |element: Element| match element {
            Element::Edge(_) => &graph.edges.columns,
            Element::Node(_) | Element::InnerNodes(_) => &of_nodes,
        };
        let conditions = graph
            .pattern
            .conditions
            .iter()
            .map(|(element, condition)| Ok((*element, self.evaluate(&state, columns_of(*element), condition)?)));
        let conditions = conditions.collect::<Result<Vec<_>>>()?;
        let values = graph.values.iter().map(|value| {
            Ok(Computed {
                column: value.column.clone(),
                element: value.element,
                fold: value.fold,
                scalar_type: value.value.scalar_type(),
                value: self.evaluate(&state, columns_of(value.element), &value.value)?,
            })
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        let all: Vec<Column> = graph.values.iter().map(|value| value.column.clone()).collect();
        let filter = graph.pattern.filter.as_ref().map(|filter| self.evaluate(&state, &all, filter)).transpose()?;
        let outputs = columns.iter().map(|column| position(&all, &column.name)).collect::<Result<Vec<_>>>()?;
        Ok(Setup {
            name: if graph.pattern.shortest.is_some() { "graph-shortest-paths" } else { "graph-match" },
            edges,
            nodes,
            ordered: graph.edges.serialized && graph.nodes.iter().all(|(node, _)| node.serialized),
            id: graph.source.scalar_type,
            properties: graph.properties.clone(),
            components: graph.components.clone(),
            pattern: graph.pattern.clone(),
            conditions,
            values,
            filter,
            outputs,
            batch_size: self.session.batch_size.max(1),
            most_steps: MOST_STEPS,
        })
    }

    /// Makes an expression ready to be computed over batches of these columns.
    fn evaluate(&self, state: &SessionState, columns: &[Column], expr: &Expr) -> Result<Evaluate> {
        let fields = DFSchema::try_from(schema(columns))?;
        let physical = state.create_physical_expr(self.lowering.value(expr)?, &fields)?;
        let evaluate = move |batch: &RecordBatch| {
            let value = physical.evaluate(batch).and_then(|value| value.into_array(batch.num_rows()));
            value.map_err(|e| OperatorError(Error::from(e).message))
        };
        Ok(Arc::new(evaluate))
    }
}

fn place(input: usize, column: usize) -> String {
    format!("\u{2}{input}.{column}")
}
