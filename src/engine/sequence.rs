//! `scan`: what of its expressions reads rows alone is computed column-wise below, the rest row by row.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;

use super::lower::{Lower, operated, position};
use super::operator::OperatorError;
use super::operator::sequence::{Evaluate, Kept, Sequence as Operator, Setup, Step};
use super::{Error, Result};
use crate::plan::{Expr, Node, Sequence};
use crate::types::arrow::schema;
use crate::types::{Column, Value};

/// Expressions that are computed for all rows at once.
struct Below {
    /// Columns of the input.
    width: usize,
    exprs: Vec<Expr>,
}

impl Lower<'_> {
    pub(super) fn sequence(&self, node: &Node, input: &Node, sequence: &Sequence) -> Result<LogicalPlan> {
        let width = input.columns.len();
        let record: Vec<Column> =
            input.columns.iter().chain(sequence.declared.iter().map(|(column, _)| column)).cloned().collect();
        let mut below = Below { width, exprs: Vec::new() };
        let keys = sequence.partition.iter().map(|key| below.add(key.clone())).map(|(index, _)| index).collect();
        let states: Vec<&str> = sequence.states.iter().map(|state| state.column.name.as_str()).collect();
        let mut steps = sequence.steps.clone();
        for step in &mut steps {
            let values = step.assignments.iter_mut().map(|(_, value)| value);
            std::iter::once(&mut step.condition).chain(values).for_each(|expr| below.split(expr, &states));
        }
        let all: Vec<&Expr> = below.exprs.iter().collect();
        let plan = self.with_computed(input, &all)?;

        // The columns that the steps read, of the input and of what is computed below it.
        let mut reads: Vec<usize> = Vec::new();
        let mut evaluated: Vec<Column> = Vec::new();
        for step in &steps {
            for expr in std::iter::once(&step.condition).chain(step.assignments.iter().map(|(_, value)| value)) {
                for (index, column) in below.read(expr, &input.columns, &states)? {
                    if !reads.contains(&index) {
                        reads.push(index);
                        evaluated.push(column);
                    }
                }
            }
        }
        evaluated.extend(sequence.states.iter().map(|state| state.column.clone()));
        let evaluated = schema(&evaluated);
        let over = DFSchema::try_from(evaluated.clone())?;
        let planner = SessionStateBuilder::new().build();
        let kept = sequence
            .states
            .iter()
            .map(|state| {
                let default = sequence.declared.iter().find(|(column, _)| column.name == state.of);
                let missing = default.map_or(Value::missing(state.column.scalar_type), |(_, value)| value.clone());
                Ok(Kept { step: state.step, column: position(&record, &state.of)?, missing })
            })
            .collect::<Result<Vec<_>>>()?;
        let steps = steps
            .iter()
            .map(|step| {
                let condition = match &step.condition {
                    Expr::Literal(Value::Bool(true)) => None,
                    condition => Some(self.by_row(condition, &over, &planner)?),
                };
                let assignments = step
                    .assignments
                    .iter()
                    .map(|(name, value)| Ok((position(&record, name)?, self.by_row(value, &over, &planner)?)))
                    .collect::<Result<_>>()?;
                Ok(Step { condition, assignments, output: step.output })
            })
            .collect::<Result<_>>()?;
        let setup = Setup {
            columns: node.columns.clone(),
            width,
            defaults: sequence.declared.iter().map(|(_, value)| value.clone()).collect(),
            match_id: sequence.match_id.is_some(),
            keys,
            reads,
            kept,
            evaluated,
            steps,
        };
        operated(plan, "scan", true, move || Ok(Operator::new(setup.clone())))
    }

    /// Makes what computes an expression over small batches.
    pub(super) fn by_row(&self, expr: &Expr, over: &DFSchema, planner: &SessionState) -> Result<Evaluate> {
        let physical = planner.create_physical_expr(self.lowering.value(expr)?, over)?;
        Ok(Arc::new(move |row| {
            let failed = |error| OperatorError(Error::from(error).message);
            physical.evaluate(row).and_then(|value| value.into_array(1)).map_err(failed)
        }))
    }
}

impl Below {
    /// Adds an expression; returns its place in the input and the column that stands for it.
    fn add(&mut self, expr: Expr) -> (usize, Column) {
        let number = self.exprs.len();
        let column = Column::new(format!("\u{2}computed{number}"), expr.scalar_type());
        self.exprs.push(expr);
        (self.width + number, column)
    }

    /// Takes out of an expression what reads no state and is worth it.
    fn split(&mut self, expr: &mut Expr, states: &[&str]) {
        if matches!(expr, Expr::Column(_) | Expr::Literal(_) | Expr::Now) {
            return;
        }
        if !reads_state(expr, states) && !is_volatile(expr) {
            let whole = std::mem::replace(expr, Expr::Now);
            *expr = Expr::Column(self.add(whole).1);
            return;
        }
        expr.for_each_operand_mut(&mut |operand| self.split(operand, states));
    }

    /// Returns the columns that an expression reads besides the state, with their places.
    fn read(&self, expr: &Expr, input: &[Column], states: &[&str]) -> Result<HashMap<usize, Column>> {
        let mut found = HashMap::new();
        let mut names = std::collections::HashSet::new();
        expr.columns_read(&mut names);
        for name in names.into_iter().filter(|name| !states.contains(name)) {
            let number = (0..self.exprs.len()).find(|number| format!("\u{2}computed{number}") == *name);
            let (index, column) = match number {
                Some(number) => (self.width + number, Column::new(name, self.exprs[number].scalar_type())),
                None => {
                    let index = position(input, name)?;
                    (index, input[index].clone())
                }
            };
            found.insert(index, column);
        }
        Ok(found)
    }
}

fn reads_state(expr: &Expr, states: &[&str]) -> bool {
    let mut names = std::collections::HashSet::new();
    expr.columns_read(&mut names);
    states.iter().any(|state| names.contains(state))
}

fn is_volatile(expr: &Expr) -> bool {
    let own = matches!(expr, Expr::Call { function, .. } if function.is_volatile());
    let mut found = own;
    expr.for_each_operand(&mut |operand| found |= is_volatile(operand));
    found
}
