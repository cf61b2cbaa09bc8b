//! `scan`.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::expression::{Scalar, to};
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use crate::diagnostic::Span;
use crate::plan::{Expr, Kind, Node, Sequence, SequenceStep, StateColumn, StepOutput};
use crate::syntax::ast::{self, ExprKind, OperatorParameter, ParameterKind};
use crate::types::{Column, ScalarType, Value};

/// What expressions of a step may read of the state: `step.column`.
pub(in crate::bind) struct Steps {
    names: Vec<String>,
    current: usize,
    /// Columns of the input and the declared ones.
    columns: Vec<Column>,
    read: Vec<StateColumn>,
}

/// A declared column, with its value where no step assigns one.
type Declared = (Column, Value);

impl Binder<'_> {
    pub(super) fn scan(&mut self, scan: &ast::Scan, at: Span, input: Table, scope: &Rc<Scope>) -> Table {
        if input.open {
            self.refuse("AQ002", at, "the columns of this table are known only when the data are");
        }
        let input = self.scanned_rows(scan, at, input, scope);
        let declared = self.scan_columns(&scan.declare, &input, scope);
        let match_id = self.match_id(&scan.parameters, &input, &declared);
        let cx = Context::row(scope, &input);
        let partition: Vec<Expr> = scan.partition_by.iter().map(|key| self.scalar(key, &cx).expr).collect();
        if let (Some(id), false) = (&match_id, partition.is_empty()) {
            // Whether matches are numbered through or by partition is written nowhere.
            self.unsupported(at, format_args!("`with_match_id={id}` together with `partition by`"));
        }
        let (steps, states) = self.steps(&scan.steps, at, &input, &declared, scope);
        let mut columns = input.node.columns.clone();
        columns.extend(declared.iter().map(|(column, _)| column.clone()));
        columns.extend(match_id.iter().map(|name| Column::new(name, ScalarType::Long)));
        let sequence = Box::new(Sequence { declared, match_id, partition, steps, states });
        let node = Node { columns, serialized: true, kind: Kind::Sequence { input: Box::new(input.node), sequence } };
        Table { node, label: None, ..input }
    }

    /// Brings the rows into the order in which they are looked at.
    fn scanned_rows(&mut self, scan: &ast::Scan, at: Span, input: Table, scope: &Rc<Scope>) -> Table {
        if !scan.order_by.is_empty() {
            return self.sort(&scan.order_by, input, scope);
        }
        if !input.node.serialized {
            self.refuse("AQ020", at, "`scan` needs rows in a defined order: put `sort by` or `serialize` before it");
        }
        input
    }

    fn scan_columns(&mut self, declare: &[ast::Parameter], input: &Table, scope: &Rc<Scope>) -> Vec<Declared> {
        let mut declared: Vec<Declared> = Vec::new();
        for parameter in declare {
            let (name, span) = (&parameter.name.text, parameter.name.span);
            let ParameterKind::Scalar(type_name) = &parameter.kind else {
                self.error("KS198", span, "`scan` declares columns, and this is a table");
                continue;
            };
            let scalar_type = Self::declared_type(type_name);
            let mut value = Value::missing(scalar_type);
            if let Some(default) = &parameter.default {
                let scalar = self.scalar(default, &Context::rowless(scope));
                let scalar = self.convert(scalar, scalar_type, default.span);
                match self.constant(&scalar) {
                    Some(constant) => value = constant,
                    None if scalar.scalar_type.is_none() => {}
                    None => self.error("KS121", default.span, "the value of a declared column must be a constant"),
                }
            }
            let taken = input.node.columns.iter().chain(declared.iter().map(|(c, _)| c)).any(|c| c.name == *name);
            if taken {
                // Microsoft's parser gives two columns one name; what its engine does is not known.
                self.unsupported(span, format_args!("`declare` of `{name}`, which is a column already,"));
                continue;
            }
            declared.push((Column::new(name, scalar_type), value));
        }
        declared
    }

    fn match_id(&mut self, parameters: &[OperatorParameter], input: &Table, declared: &[Declared]) -> Option<String> {
        let mut match_id = None;
        for parameter in parameters {
            let span = parameter.name.span;
            match (parameter.name.text.as_str(), &parameter.value.kind) {
                ("with_match_id", ExprKind::Name(name)) => match_id = Some((name.text.clone(), parameter.value.span)),
                // No page says what its values mean.
                ("kind", _) => self.unsupported(span, "`kind` of `scan`"),
                (hint, _) if hint.starts_with("hint.") => {}
                (other, _) => self.unsupported(span, format_args!("`{other}` of `scan`")),
            }
        }
        let (name, span) = match_id?;
        if input.node.columns.iter().chain(declared.iter().map(|(c, _)| c)).any(|c| c.name == name) {
            self.unsupported(span, format_args!("`with_match_id={name}`, which is a column already,"));
            return None;
        }
        Some(name)
    }

    fn steps(
        &mut self,
        list: &[ast::ScanStep],
        at: Span,
        input: &Table,
        declared: &[Declared],
        scope: &Rc<Scope>,
    ) -> (Vec<SequenceStep>, Vec<StateColumn>) {
        let columns: Vec<Column> =
            input.node.columns.iter().chain(declared.iter().map(|(column, _)| column)).cloned().collect();
        let names: Vec<String> = list.iter().map(|step| step.name.text.clone()).collect();
        let state = RefCell::new(Steps { names, current: 0, columns: columns.clone(), read: Vec::new() });
        if list.is_empty() {
            self.refuse("AQ033", at, "`scan` has no step");
        }
        let mut steps = Vec::new();
        for (number, step) in list.iter().enumerate() {
            if list[..number].iter().any(|earlier| earlier.name.text == step.name.text) {
                self.refuse("AQ033", step.name.span, format!("there is a step `{}` already", step.name.text));
            }
            if step.optional {
                self.unsupported(step.name.span, "an `optional` step of `scan`");
            }
            state.borrow_mut().current = number;
            let cx = Context { columns: &columns, steps: Some(&state), ..Context::row(scope, input) };
            let mut condition = self.predicate(&step.condition, &cx);
            unassigned(&mut condition, declared);
            let mut assignments: Vec<(String, Expr)> = Vec::new();
            for assignment in &step.assignments {
                if let Some((name, mut value)) = self.assignment(assignment, &assignments, &cx) {
                    unassigned(&mut value, declared);
                    assignments.push((name, value));
                }
            }
            let output = match step.output.as_ref().map(|name| name.text.as_str()) {
                Some("last") => StepOutput::Last,
                Some("none") => StepOutput::None,
                _ => StepOutput::All,
            };
            steps.push(SequenceStep { condition, assignments, output });
        }
        (steps, state.into_inner().read)
    }

    /// Binds `column = value` of a step.
    fn assignment(
        &mut self,
        assignment: &ast::NamedExpr,
        earlier: &[(String, Expr)],
        cx: &Context,
    ) -> Option<(String, Expr)> {
        let name = assignment.names.first()?;
        let value = self.scalar(&assignment.value, cx);
        let Some(column) = cx.column(&name.text).cloned() else {
            self.error("KS142", name.span, format!("there is no column `{}` to assign to: declare it", name.text));
            return None;
        };
        if earlier.iter().any(|(taken, _)| *taken == name.text) {
            self.unsupported(name.span, format_args!("a second value for `{}` in one step", name.text));
        }
        let mut read = std::collections::HashSet::new();
        value.expr.columns_read(&mut read);
        if let Some((before, _)) = earlier.iter().find(|(before, _)| read.contains(before.as_str())) {
            // Whether that is the value before the step or the one just assigned is written nowhere.
            self.unsupported(assignment.span, format_args!("reading `{before}` in the step that assigns it"));
        }
        let from = value.scalar_type?;
        if from != column.scalar_type && !widens(from, column.scalar_type) {
            self.unsupported(
                assignment.span,
                format_args!("a value of type {from} for `{}` of type {}", name.text, column.scalar_type),
            );
        }
        Some((name.text.clone(), to(value.expr, column.scalar_type)))
    }

    /// Binds `step.column`, if a step of the `scan` around has that name and no column has.
    pub(in crate::bind) fn state_column(
        &mut self,
        step: &ast::Name,
        member: &ast::Name,
        cx: &Context,
    ) -> Option<Scalar> {
        let state = cx.steps?;
        if cx.column(&step.text).is_some() {
            return None;
        }
        let mut steps = state.borrow_mut();
        let number = steps.names.iter().position(|name| *name == step.text)?;
        if number > steps.current {
            // Its state does not hold what comes later (documented), and what Kusto says to that is not known.
            self.unsupported(step.span, "reading a later step's state in `scan`");
            return Some(Scalar::unknown());
        }
        let Some(column) = steps.columns.iter().find(|column| column.name == member.text).cloned() else {
            self.error("KS142", member.span, format!("there is no column `{}`", member.text));
            return Some(Scalar::unknown());
        };
        if let Some(known) = steps.read.iter().find(|known| known.step == number && known.of == column.name) {
            return Some(Scalar::known(Expr::Column(known.column.clone())));
        }
        let stand_in = Column::new(self.fresh("state"), column.scalar_type);
        steps.read.push(StateColumn { column: stand_in.clone(), step: number, of: column.name });
        Some(Scalar::known(Expr::Column(stand_in)))
    }
}

/// A declared column that is read without a step is what it is where none is assigned (measured: `x = x + v` adds
/// nothing up).
fn unassigned(expr: &mut Expr, declared: &[Declared]) {
    if let Expr::Column(column) = expr {
        if let Some((_, value)) = declared.iter().find(|(declared, _)| declared.name == column.name) {
            *expr = Expr::Literal(value.clone());
        }
        return;
    }
    expr.for_each_operand_mut(&mut |operand| unassigned(operand, declared));
}

fn widens(from: ScalarType, to: ScalarType) -> bool {
    matches!((from, to), (ScalarType::Int, ScalarType::Long | ScalarType::Real) | (ScalarType::Long, ScalarType::Real))
}
