//! `make-series`.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::aggregate::{empty_value, several_call};
use super::super::expression::{Scalar, to};
use super::super::name::{Given, Item, Mode, name_of};
use super::super::scope::{Context, Scope};
use super::super::seen::{ANY, Seen};
use super::super::{Binder, Table};
use super::{projection, word};
use crate::diagnostic::Diagnostic;
use crate::plan::{AggregateCall, Expr, Kind, Node, SeriesAxis};
use crate::syntax::ast::{self, MakeSeries};
use crate::types::{Column, ScalarType, Value, convert};

/// Tells whether a bound of a type may stand for one of an axis of another, as Kusto's parser has it.
fn widens(got: ScalarType, axis: ScalarType) -> bool {
    use ScalarType::*;
    match axis {
        Int => got == Int,
        Long => matches!(got, Int | Long),
        Real => got != Decimal,
        _ => true,
    }
}

/// Which rows lie on an axis, None for all, and the axis.
type Axis = (Option<Expr>, SeriesAxis);

impl Binder<'_> {
    pub(super) fn make_series(&mut self, series: &MakeSeries, input: Table, scope: &Rc<Scope>) -> Table {
        let non_empty = word(&series.parameters, "kind").is_some_and(|(kind, _)| kind == "nonempty");
        let keys = self.keys(&series.by, &input, scope);
        for key in keys.iter().filter(|key| key.scalar.scalar_type == Some(ScalarType::Dynamic)) {
            let message = "a dynamic value is no key of a series: convert it with tostring()";
            self.refuse("AQ015", key.item.span, message);
        }
        let row = Context::row(scope, &input);
        let collected: RefCell<Vec<AggregateCall>> = RefCell::default();
        let mut items: Vec<Item> =
            keys.iter().map(|k| Item { given: k.item.given.clone(), span: k.item.span }).collect();
        let mut values: Vec<(Expr, ScalarType)> = Vec::new();
        let mut seen: Vec<Seen> = keys.iter().map(|key| key.scalar.seen()).collect();
        let mut defaults = Vec::new();
        for aggregate in &series.aggregates {
            let cx = Context { aggregates: Some(&collected), ..row };
            let aggregated = self.aggregated;
            let scalar = self.scalar(&aggregate.value.value, &cx);
            let span = aggregate.value.span;
            let single = self.reads_single_rows("make-series", &aggregate.value.value, &scalar, &input, scope);
            if !single && aggregate.default.is_none() {
                self.no_aggregate("make-series", &aggregate.value.value, &scalar, aggregated);
            }
            let scalar_type = scalar.column_type();
            if scalar.scalar_type.is_some_and(|found| !found.is_numeric()) {
                let message = format!("a series holds numbers (documented), and this is of type {scalar_type}");
                self.refuse("AQ050", span, message);
            }
            let given = match aggregate.value.names.first() {
                Some(name) => Given::Spelled(name.text.clone()),
                None => match name_in_series(&aggregate.value.value, &row) {
                    Given::Spelled(text) | Given::Passed(text) => Given::Made(text),
                    other => other,
                },
            };
            items.push(Item { given, span: aggregate.value.span });
            let default = aggregate.default.as_ref().map(|expr| {
                let scalar = self.scalar(expr, &Context::rowless(scope));
                match self.constant(&scalar) {
                    Some(value) => convert::convert(&value, scalar_type),
                    None => {
                        self.error("KS121", expr.span, "a default must be a constant");
                        Value::missing(scalar_type)
                    }
                }
            });
            let empty = || collected.borrow().last().map_or(Value::missing(scalar_type), empty_value);
            defaults.push(default.unwrap_or_else(empty));
            values.push((scalar.expr, scalar_type));
        }
        let axis_value = self.scalar(&series.on.value, &row);
        let axis_given = match series.on.names.first() {
            Some(name) => Given::Spelled(name.text.clone()),
            None => name_of(&series.on.value, &row),
        };
        items.push(Item { given: axis_given, span: series.on.span });
        // To Microsoft's parser a series is any dynamic.
        seen.resize(items.len(), ANY);
        let names = self.unique_names(&items, &input.node.columns, Mode::Summarize);
        self.told.extend(names.iter().cloned().zip(seen));
        let result: Vec<Column> = names
            .into_iter()
            .enumerate()
            .map(|(i, name)| Column::new(name, keys.get(i).map_or(ScalarType::Dynamic, |key| key.scalar.column_type())))
            .collect();
        let Some((in_range, axis)) = self.axis(series, &axis_value, scope) else {
            // What comes out is known all the same.
            return Table::new(Node { columns: result, ..Binder::nothing().node });
        };
        // First the rows of each bin are aggregated, then bins become arrays.
        let calls: Vec<_> = collected.into_inner();
        let key_columns: Vec<Column> =
            keys.iter().map(|k| Column::new(self.fresh("key"), k.scalar.column_type())).collect();
        let axis_column = Column::new(self.fresh("axis"), axis.scalar_type);
        let bin = self.bin(&axis_value, &axis, series.on.span);
        let (filtered_columns, filtered_serialized) = (input.node.columns.clone(), input.node.serialized);
        let filtered = match in_range {
            Some(predicate) => Node {
                columns: filtered_columns,
                serialized: filtered_serialized,
                kind: Kind::Filter { input: Box::new(input.node), predicate },
            },
            None => input.node,
        };
        let mut grouped = key_columns.clone();
        grouped.push(axis_column.clone());
        grouped.extend(calls.iter().flat_map(|c| c.outputs.iter().cloned()));
        let mut key_exprs: Vec<Expr> = keys.into_iter().map(|k| k.scalar.expr).collect();
        key_exprs.push(bin);
        let kind = Kind::Aggregate { input: Box::new(filtered), keys: key_exprs, aggregates: calls };
        let aggregated = Node { columns: grouped, serialized: false, kind };
        let mut columns = key_columns.clone();
        columns.push(axis_column.clone());
        let mut expressions: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
        for (expr, scalar_type) in values {
            columns.push(Column::new(self.fresh("value"), scalar_type));
            expressions.push(expr);
        }
        let computed = projection(aggregated, columns, expressions);
        let count = key_columns.len();
        let kind = Kind::Series { input: Box::new(computed), keys: count, axis, defaults, non_empty };
        Table::new(Node { columns: result, serialized: false, kind })
    }

    fn axis(&mut self, series: &MakeSeries, value: &Scalar, scope: &Rc<Scope>) -> Option<Axis> {
        use ScalarType::*;
        let written = value.scalar_type?;
        // Bins of ints are longs (measured).
        let axis_type = if written == Int { Long } else { written };
        let step_type = match written {
            DateTime | TimeSpan => TimeSpan,
            t if t.is_numeric() => axis_type,
            other => {
                let message = format!("an axis is a number, a datetime or a timespan, and this is of type {other}");
                self.error("KS138", series.on.span, message);
                return None;
            }
        };
        let cx = Context::rowless(scope);
        let bound =
            |binder: &mut Self, expr: Option<&ast::Expr>, wanted: ScalarType, fits: bool, code: &'static str| {
                let Some(expr) = expr else { return Some(None) };
                let scalar = binder.scalar(expr, &cx);
                let got = scalar.scalar_type?;
                if got.is_numeric() && wanted.is_numeric() {
                    if !(fits && widens(got, written)) {
                        // To the engine every number is an axis (documented).
                        let message = format!("an axis of type {written} has no bound and no step of type {got}");
                        binder.strict.push(Diagnostic::error(code, expr.span, message));
                    }
                } else if got != wanted {
                    let message = format!("a value of type {wanted} is expected, and this is of type {got}");
                    binder.error("KS107", expr.span, message);
                    return None;
                }
                Some(Some(to(scalar.expr, wanted)))
            };
        let from = bound(self, series.from.as_deref(), axis_type, true, "KS141");
        let until = bound(self, series.to.as_deref(), axis_type, true, "KS141");
        // Kusto's parser finds no step that fits an int.
        let step = bound(self, series.step.as_deref(), step_type, written != Int, "KS178");
        let (from, until, step) = (from?, until?, step?);
        if written == Decimal {
            self.unsupported(series.on.span, "an axis of type decimal");
            return None;
        }
        let Some(step) = step else {
            self.unsupported(series.on.span, "`make-series` without `step`");
            return None;
        };
        if series.in_range {
            return self.inclusive(series, value, [from, until, Some(step)], axis_type);
        }
        let axis = SeriesAxis { from, to: until, step, scalar_type: axis_type };
        Some((in_range(value, &axis), axis))
    }

    /// Makes the axis of `in range(from, to, step)`: the end is included, and bins are those of `bin` (documented).
    fn inclusive(
        &mut self,
        series: &MakeSeries,
        value: &Scalar,
        [from, until, step]: [Option<Expr>; 3],
        axis_type: ScalarType,
    ) -> Option<Axis> {
        let (from, until, step) = (from?, until?, step?);
        let span = series.on.span;
        let first = self.library_call("bin", vec![from.clone(), step.clone()], span);
        let aligned = self.constant(&first).zip(self.constant(&Scalar::known(from.clone())));
        if aligned.is_none_or(|(first, from)| first != from) {
            // Where such a series begins is not documented well enough.
            let at = series.from.as_ref().map_or(span, |from| from.span);
            self.unsupported(at, "a start of `in range` that is no multiple of the step");
            return None;
        }
        let last = self.library_call("bin", vec![until.clone(), step.clone()], span);
        let behind = self.arithmetic("+", last, Scalar::known(step.clone()), span);
        let condition = |operator, bound: &Expr| Expr::Compare {
            operator,
            left: Box::new(value.expr.clone()),
            right: Box::new(bound.clone()),
        };
        let within = vec![
            condition(crate::plan::Comparison::GreaterOrEqual, &from),
            condition(crate::plan::Comparison::LessOrEqual, &until),
        ];
        let Some(to) = self.constant(&behind).map(|value| convert::convert(&value, axis_type)) else {
            self.unsupported(span, "an end of `in range` that is no constant");
            return None;
        };
        let to = Some(Expr::Literal(to));
        Some((Some(Expr::And(within)), SeriesAxis { from: Some(from), to, step, scalar_type: axis_type }))
    }

    /// The start of the bin in which a row lies: counted from `from` where it is written.
    fn bin(&mut self, value: &Scalar, axis: &SeriesAxis, span: crate::diagnostic::Span) -> Expr {
        let (name, arguments) = match &axis.from {
            Some(from) => ("bin_at", vec![value.expr.clone(), axis.step.clone(), from.clone()]),
            None => ("bin", vec![value.expr.clone(), axis.step.clone()]),
        };
        self.library_call(name, arguments, span).expr
    }
}

/// Returns what an unnamed series is called: as an aggregate is, and one of `take_any(x)` as in `summarize` (Microsoft's
/// parser).
fn name_in_series(value: &ast::Expr, row: &Context) -> Given {
    match several_call(value) {
        Some((name, [argument, ..], _)) if matches!(name.text.as_str(), "take_any" | "take_anyif") => {
            match name_of(&argument.value, row) {
                Given::Positional => Given::Made("any_arg0".to_string()),
                given => given,
            }
        }
        _ => name_of(value, row),
    }
}

/// The condition that a row lies on the axis, None where both ends are open.
fn in_range(value: &Scalar, axis: &SeriesAxis) -> Option<Expr> {
    let compare = |operator, bound: &Expr| Expr::Compare {
        operator,
        left: Box::new(value.expr.clone()),
        right: Box::new(bound.clone()),
    };
    let mut conditions = Vec::new();
    if let Some(from) = &axis.from {
        conditions.push(compare(crate::plan::Comparison::GreaterOrEqual, from));
    }
    if let Some(until) = &axis.to {
        conditions.push(compare(crate::plan::Comparison::Less, until));
    }
    match conditions.len() {
        0 => None,
        1 => conditions.pop(),
        _ => Some(Expr::And(conditions)),
    }
}
