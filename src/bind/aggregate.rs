//! Aggregates within expressions, and the list of columns that an aggregate with several results gives.

use std::cell::RefCell;

use super::Binder;
use super::call::Bound;
use super::expression::{Scalar, to};
use super::name::{Given, literal_text, name_of};
use super::scope::Context;
use super::seen::Seen;
use crate::diagnostic::{Diagnostic, Span};
use crate::functions::aggregate::{self, Aggregate, Pick, State};
use crate::functions::{Returns, Rule};
use crate::plan::{AggregateCall, Expr};
use crate::syntax::ast::{self, Argument, ExprKind};
use crate::types::{Column, ScalarType, Value};

/// The columns of an aggregate that gives several.
pub(super) struct Several {
    pub call: AggregateCall,
    /// The name of each output as it stands by itself.
    pub names: Vec<Given>,
    /// What Microsoft's parser sees in each output.
    pub seen: Vec<Seen>,
}

/// Returns the aggregate that a name stands for, and the index of its condition.
pub(super) fn find(name: &str) -> Option<(&'static Aggregate, Option<usize>)> {
    if let Some((_, base, index)) = aggregate::CONDITIONAL.iter().find(|(n, _, _)| *n == name) {
        return Some((aggregate::aggregate(base)?, Some(*index)));
    }
    Some((aggregate::aggregate(name)?, None))
}

impl Binder<'_> {
    /// Binds an aggregate that gives one column and returns the column that will hold it.
    pub(super) fn aggregate_call(
        &mut self,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        cx: &Context,
        collected: &RefCell<Vec<AggregateCall>>,
    ) -> Scalar {
        self.aggregated += 1;
        let row = Context { aggregates: None, ..*cx };
        let Some((aggregate, condition)) = find(&name.text) else { return Scalar::unknown() };
        if aggregate.several {
            let Some(several) = self.several(name, arguments, span, &row, &[]) else { return Scalar::unknown() };
            let [output] = &several.call.outputs[..] else {
                self.refuse(
                    "AQ022",
                    span,
                    format!("`{}` gives several columns, and one value belongs here", name.text),
                );
                return Scalar::unknown();
            };
            let scalar = Scalar::known(Expr::Column(output.clone())).knowing(several.seen.first());
            collected.borrow_mut().push(several.call);
            return scalar;
        }
        let mut bound: Vec<Bound> = Vec::new();
        for argument in arguments {
            // `count(*)` is `count()`.
            if matches!(argument.value.kind, ExprKind::Star) && aggregate.name == "count" {
                continue;
            }
            bound.push(Bound { scalar: self.scalar(&argument.value, &row), span: argument.value.span });
        }
        // Microsoft's parser wants a condition in `count(x)`, the engine counts rows whatever it is.
        if name.text == "count"
            && let Some(argument) = bound.first()
            && argument.scalar.scalar_type.is_some_and(|t| t != ScalarType::Bool)
        {
            self.strict.push(
                Diagnostic::error("KS107", argument.span, "`count` takes no value: it counts all rows, null or not")
                    .help("count rows where a value is there with countif(isnotempty(...))"),
            );
        }
        let filter = self.aggregate_condition(condition, name, &mut bound);
        let Some((overload, arguments, returns)) = self.choose(aggregate, &name.text, bound, span, name.span) else {
            return Scalar::unknown();
        };
        let output = Column::new(self.fresh("aggregate"), returns);
        let call = AggregateCall { aggregate, overload, arguments, filter, outputs: vec![output.clone()] };
        collected.borrow_mut().push(call);
        Scalar::known(Expr::Column(output))
    }

    fn aggregate_condition(&mut self, index: Option<usize>, name: &ast::Name, bound: &mut Vec<Bound>) -> Option<Expr> {
        let index = index?;
        if index >= bound.len() {
            self.error("KS119", name.span, format!("`{}` takes a condition as its argument {}", name.text, index + 1));
            return None;
        }
        let condition = bound.remove(index);
        match condition.scalar.scalar_type {
            Some(ScalarType::Bool) => Some(condition.scalar.expr),
            None => None,
            Some(other) => {
                let problem = Diagnostic::error(
                    "KS107",
                    condition.span,
                    format!("a condition is of type bool, and this is of type {other}"),
                );
                if other.is_numeric() {
                    self.strict.push(problem);
                } else {
                    self.problem(problem);
                }
                Some(to(condition.scalar.expr, ScalarType::Bool))
            }
        }
    }

    /// Chooses the overload of an aggregate and converts its arguments.
    fn choose(
        &mut self,
        aggregate: &'static Aggregate,
        called: &str,
        arguments: Vec<Bound>,
        span: Span,
        name_span: Span,
    ) -> Option<(usize, Vec<Expr>, ScalarType)> {
        let signatures: Vec<_> = aggregate.overloads.iter().map(|o| o.parameters).collect();
        let (index, kinds) = self.choose_overload(&signatures, called, &arguments, span, name_span)?;
        let overload = &aggregate.overloads[index];
        for (parameter, argument) in super::call::assign(overload.parameters, arguments.len())?.iter().zip(&arguments) {
            if parameter.rule != Rule::Expression && self.constant(&argument.scalar).is_none() {
                self.error("KS121", argument.span, format!("`{}` of `{called}` must be a constant", parameter.name));
            }
        }
        if let State::Unbuilt = overload.state {
            self.unsupported(span, format_args!("`{}()`", aggregate.name));
        }
        if arguments.iter().any(|a| a.scalar.scalar_type.is_none()) {
            return None;
        }
        let converted: Vec<Expr> = arguments
            .into_iter()
            .zip(&kinds)
            .map(|(argument, kind)| super::call::convert_argument(argument.scalar.expr, *kind, None))
            .collect();
        let types: Vec<ScalarType> = converted.iter().map(Expr::scalar_type).collect();
        let returns = match overload.returns {
            Returns::Type(scalar_type) => scalar_type,
            Returns::Argument(i) => *types.get(i)?,
            Returns::With(f) => f(&types)?,
            Returns::Common | Returns::Widest | Returns::TypeName(_) | Returns::Columns(_) | Returns::Arrays => {
                *types.first()?
            }
        };
        Some((index, converted, returns))
    }

    /// Binds an aggregate that gives several columns.
    pub(super) fn several(
        &mut self,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        row: &Context,
        keys: &[String],
    ) -> Option<Several> {
        let (aggregate, condition) = find(&name.text)?;
        match aggregate.picks() {
            Some(Pick::Greatest | Pick::Least) => self.arg_extreme(aggregate, name, arguments, span, row, keys),
            Some(Pick::Any) => self.take_any((aggregate, condition), name, arguments, span, row, keys),
            None => self.percentiles(aggregate, name, arguments, span, row),
        }
    }

    /// Binds `arg_max(value, a, b)` and `arg_max(value, *)`; `keys` are the columns that `*` leaves out.
    pub(super) fn arg_extreme(
        &mut self,
        aggregate: &'static Aggregate,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        row: &Context,
        keys: &[String],
    ) -> Option<Several> {
        let Some((value, returned)) = arguments.split_first() else {
            self.error("KS119", name.span, format!("`{}` takes at least 1 argument", name.text));
            return None;
        };
        if matches!(value.value.kind, ExprKind::Star) {
            self.error(
                "KS198",
                value.value.span,
                "`*` stands for what is returned; name what is to be maximised first",
            );
            return None;
        }
        let maximised = self.scalar(&value.value, row);
        if maximised.scalar_type == Some(ScalarType::Dynamic) {
            self.error("KS206", value.value.span, "a dynamic value can't be ordered: convert it first");
        }
        let word = if aggregate.picks() == Some(Pick::Greatest) { "max" } else { "min" };
        let own = argument_name(value, row);
        // The old names of the aggregates say more: `argmax(a, b)` is `max_a` and `max_a_b` (Microsoft's parser).
        let old = matches!(name.text.as_str(), "argmax" | "argmin");
        let prefix = match own.text() {
            Some(text) if old => format!("{word}_{text}_"),
            None if old => format!("{word}__"),
            _ => String::new(),
        };
        let own = match own {
            given if old => Given::Made(format!("{word}_{}", given.text().unwrap_or(""))),
            Given::Positional => Given::Made(format!("{word}_")),
            given => given,
        };
        let stem = own.text().unwrap_or("").to_string();
        let mut listed = Listed::new(arguments, keys);
        listed.is_new(&maximised);
        let mut exprs = vec![maximised];
        let mut names = vec![own];
        for (index, argument) in returned.iter().enumerate() {
            if matches!(argument.value.kind, ExprKind::Star) {
                for column in listed.rest(row.columns) {
                    names.push(Given::Made(format!("{prefix}{}", column.name)));
                    exprs.push(column_of(column, row));
                }
                if row.open {
                    self.refuse(
                        "AQ002",
                        argument.value.span,
                        "the columns of this table are known only when the data are",
                    );
                }
                continue;
            }
            let scalar = self.scalar(&argument.value, row);
            if !listed.is_new(&scalar) {
                continue;
            }
            exprs.push(scalar);
            names.push(match argument_name(argument, row) {
                Given::Positional => {
                    let prefix = if stem.starts_with(word) { stem.clone() } else { format!("{word}_{stem}") };
                    Given::Made(format!("{prefix}_arg{}", index + 1))
                }
                given => Given::Made(format!("{prefix}{}", given.text().unwrap_or(""))),
            });
        }
        self.built_several(aggregate, exprs, names, None, span)
    }

    fn take_any(
        &mut self,
        (aggregate, condition): (&'static Aggregate, Option<usize>),
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        row: &Context,
        keys: &[String],
    ) -> Option<Several> {
        let mut bound = Vec::new();
        let mut names = Vec::new();
        // `any(x)` is `any_x`, `take_any(x)` is `x` (measured).
        let prefix =
            if matches!(name.text.as_str(), "any" | "anyif") { format!("{}_", name.text) } else { String::new() };
        let values = if condition.is_some() { &arguments[..arguments.len().min(1)] } else { arguments };
        let mut listed = Listed::new(values, keys);
        for (index, argument) in values.iter().enumerate() {
            if matches!(argument.value.kind, ExprKind::Star) {
                for column in listed.rest(row.columns) {
                    names.push(Given::Made(format!("{prefix}{}", column.name)));
                    bound.push(column_of(column, row));
                }
                continue;
            }
            let scalar = self.scalar(&argument.value, row);
            if !listed.is_new(&scalar) {
                continue;
            }
            bound.push(scalar);
            names.push(match argument_name(argument, row).text() {
                Some(text) => Given::Made(format!("{prefix}{text}")),
                None => Given::Made(format!("any_arg{index}")),
            });
        }
        if bound.is_empty() {
            self.error("KS119", name.span, format!("`{}` takes at least 1 argument", name.text));
            return None;
        }
        let filter = match condition {
            Some(index) => {
                let mut all: Vec<Bound> = arguments
                    .iter()
                    .map(|a| Bound { scalar: self.scalar(&a.value, row), span: a.value.span })
                    .collect();
                Some(self.aggregate_condition(Some(index), name, &mut all)?)
            }
            None => None,
        };
        self.built_several(aggregate, bound, names, filter, span)
    }

    fn percentiles(
        &mut self,
        aggregate: &'static Aggregate,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        row: &Context,
    ) -> Option<Several> {
        let weighted = usize::from(aggregate.name.starts_with("percentilesw"));
        let Some(value) = arguments.first().filter(|_| arguments.len() >= 2 + weighted) else {
            self.error("KS119", name.span, format!("`{}` takes a value and at least one percentile", name.text));
            return None;
        };
        let stem = argument_name(value, row).text().unwrap_or("").to_string();
        let mut exprs = Vec::new();
        let mut names = Vec::new();
        for (index, argument) in arguments.iter().enumerate() {
            let scalar = self.scalar(&argument.value, row);
            if index > weighted {
                if scalar.scalar_type.is_some() && self.constant(&scalar).is_none() {
                    self.error("KS121", argument.value.span, "a percentile must be a constant");
                }
                let text = literal_text(&argument.value).unwrap_or_default();
                names.push(Given::Made(format!("percentile_{stem}_{text}")));
            }
            exprs.push(scalar);
        }
        let seen = vec![exprs[0].seen(); names.len()];
        let value_type = match exprs[0].scalar_type? {
            ScalarType::Int => {
                exprs[0].expr = to(exprs[0].expr.clone(), ScalarType::Long);
                ScalarType::Long
            }
            other => other,
        };
        if exprs.iter().any(|e| e.scalar_type.is_none()) {
            return None;
        }
        if let State::Unbuilt = aggregate.overloads[0].state {
            self.unsupported(span, format_args!("`{}()`", aggregate.name));
        }
        let outputs = names.iter().map(|_| Column::new(self.fresh("aggregate"), value_type)).collect();
        let arguments = exprs
            .into_iter()
            .enumerate()
            .map(|(i, e)| if i > weighted { to(e.expr, ScalarType::Real) } else { e.expr })
            .collect();
        let call = AggregateCall { aggregate, overload: 0, arguments, filter: None, outputs };
        Some(Several { call, names, seen })
    }

    fn built_several(
        &mut self,
        aggregate: &'static Aggregate,
        exprs: Vec<Scalar>,
        names: Vec<Given>,
        filter: Option<Expr>,
        span: Span,
    ) -> Option<Several> {
        if let State::Unbuilt = aggregate.overloads[0].state {
            self.unsupported(span, format_args!("`{}()`", aggregate.name));
        }
        let outputs: Vec<Column> =
            exprs.iter().map(|scalar| Column::new(self.fresh("aggregate"), scalar.column_type())).collect();
        let seen = exprs.iter().map(Scalar::seen).collect();
        let arguments = exprs.into_iter().map(|scalar| scalar.expr).collect();
        Some(Several { call: AggregateCall { aggregate, overload: 0, arguments, filter, outputs }, names, seen })
    }
}

/// Returns how an argument is called: `arg_max(last = TimeGenerated, *)`.
/// What `*` among the arguments of an aggregate still stands for. Where there is a `*`, no column comes twice: neither a
/// key, nor what is maximised, nor one that is listed before or behind it (so Microsoft's parser).
struct Listed {
    columns: Vec<String>,
    starred: bool,
}

impl Listed {
    fn new(arguments: &[Argument], keys: &[String]) -> Self {
        let starred = arguments.iter().any(|argument| matches!(argument.value.kind, ExprKind::Star));
        Listed { columns: keys.to_vec(), starred }
    }

    /// Notes a listed value; false for a column that is there already.
    fn is_new(&mut self, scalar: &Scalar) -> bool {
        let Expr::Column(column) = &scalar.expr else { return true };
        if self.starred && self.columns.contains(&column.name) {
            return false;
        }
        self.columns.push(column.name.clone());
        true
    }

    /// Takes the columns that `*` adds.
    fn rest(&mut self, columns: &[Column]) -> Vec<Column> {
        let rest: Vec<Column> = columns.iter().filter(|column| !self.columns.contains(&column.name)).cloned().collect();
        self.columns.extend(rest.iter().map(|column| column.name.clone()));
        rest
    }
}

/// Returns a column of the row as a value.
fn column_of(column: Column, row: &Context) -> Scalar {
    let known = row.known.and_then(|known| known.of(&column.name));
    Scalar::known(Expr::Column(column)).knowing(known)
}

fn argument_name(argument: &Argument, row: &Context) -> Given {
    match &argument.name {
        Some(name) => Given::Made(name.text.clone()),
        None => name_of(&argument.value, row),
    }
}

/// Tells whether an expression is the bare call of an aggregate that gives several columns.
pub(super) fn several_call(expr: &ast::Expr) -> Option<(&ast::Name, &[Argument], &'static Aggregate)> {
    match &expr.kind {
        ExprKind::Call { name, arguments } => {
            let (aggregate, _) = find(&name.text)?;
            aggregate.several.then_some((name, arguments.as_slice(), aggregate))
        }
        _ => None,
    }
}

/// Returns the value that an aggregate has over no rows, for `make-series` without `default`.
pub(super) fn empty_value(call: &AggregateCall) -> Value {
    let scalar_type = call.outputs[0].scalar_type;
    match (call.aggregate.name, scalar_type) {
        // Measured: bins without rows hold 0 for numbers.
        (_, ScalarType::Long) => Value::Long(0),
        (_, ScalarType::Int) => Value::Int(0),
        (_, ScalarType::Real) => Value::Real(0.0),
        (_, other) => Value::missing(other),
    }
}
