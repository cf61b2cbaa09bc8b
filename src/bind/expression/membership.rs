//! `in`, `has_any` and their like.

use super::{Scalar, boolean, common_number, to, wide};
use crate::bind::scope::{Context, Scope};
use crate::bind::{Binder, Table};
use crate::diagnostic::Span;
use crate::plan::Expr;
use crate::syntax::ast::{self, ExprKind, InOperator};
use crate::types::{Column, ScalarType, Value, convert, json};

impl Binder<'_> {
    pub(super) fn membership(
        &mut self,
        operator: InOperator,
        left: &ast::Expr,
        list: &[ast::Expr],
        span: Span,
        cx: &Context,
    ) -> Scalar {
        let value = self.scalar(left, cx);
        if matches!(operator, InOperator::HasAny | InOperator::HasAll) {
            return self.has_any(operator, value, list, span, cx);
        }
        let negated = matches!(operator, InOperator::NotIn | InOperator::NotInTilde);
        let fold_case = matches!(operator, InOperator::InTilde | InOperator::NotInTilde);
        if fold_case
            && let Some(t) = value.scalar_type
            && !matches!(t, ScalarType::String | ScalarType::Dynamic)
        {
            self.error("KS107", left.span, format!("`in~` takes text, and this is of type {t}"));
        }
        let Some(value_type) = value.scalar_type else {
            self.look_at(list, cx);
            return boolean();
        };
        // A dynamic is compared as what the list holds; text is what lists mostly hold.
        if let [single] = list
            && self.is_tabular_operand(single, cx)
        {
            let table = self.table(single, &Scope::of_query(cx.scope));
            return self.in_query(value, table, fold_case, negated, single.span);
        }
        let items = self.list_items(list, cx);
        // A dynamic is searched as what the list holds first; whole numbers and others as numbers.
        let target = if value_type == ScalarType::Dynamic {
            let mut types = items.iter().filter_map(|i| i.scalar_type.filter(|t| *t != ScalarType::Dynamic));
            let first = types.next().unwrap_or(ScalarType::String);
            if first.is_numeric() { types.fold(first, |t, i| common_number(t, i).unwrap_or(t)) } else { first }
        } else {
            value_type
        };
        let target = if value_type.is_numeric() {
            items.iter().filter_map(|i| i.scalar_type).fold(wide(value_type), |t, i| common_number(t, i).unwrap_or(t))
        } else {
            wide(target)
        };
        let mut set = Vec::new();
        let mut others = Vec::new();
        for item in items {
            let Some(item_type) = item.scalar_type else { continue };
            match self.constant(&item) {
                Some(Value::Dynamic(text)) => {
                    // Arrays among the items are flattened (measured).
                    for element in json::flatten(&text) {
                        set.push(convert::convert(&element, target));
                    }
                }
                Some(Value::Null(ScalarType::Dynamic)) => {}
                Some(constant) => {
                    if !self.fits_in_list(item_type, target, item.literal) {
                        self.refuse(
                            "AQ015",
                            span,
                            format!("a {value_type} can't be compared with a {item_type} in the list"),
                        );
                    }
                    set.push(convert::convert(&constant, target));
                }
                None => others.push(item),
            }
        }
        // What does not convert equals nothing.
        set.retain(|v| !v.is_null());
        let folded = match target {
            ScalarType::Long | ScalarType::Real if value_type == ScalarType::Dynamic => {
                self.held_in(value.expr.clone(), &set, target, negated, span)
            }
            _ => Expr::In { value: Box::new(to(value.expr.clone(), target)), set, fold_case, negated },
        };
        if others.is_empty() {
            return Scalar::known(folded);
        }
        let mut all = vec![folded];
        for item in others {
            all.push(self.in_computed(&value, item, fold_case, negated, span).expr);
        }
        Scalar::known(if negated { Expr::And(all) } else { Expr::Or(all) })
    }

    /// Searches the number that a dynamic holds in a list.
    fn held_in(&mut self, held: Expr, set: &[Value], target: ScalarType, negated: bool, span: Span) -> Expr {
        let numbers: Vec<String> = set.iter().map(json::from_value).collect();
        let numbers = Expr::Literal(Value::Dynamic(format!("[{}]", numbers.join(","))));
        let name = if target == ScalarType::Long { "dynamic in whole numbers" } else { "dynamic in numbers" };
        let found = self.library_call(name, vec![held, numbers], span).expr;
        if negated { Expr::Not(Box::new(found)) } else { found }
    }

    fn fits_in_list(&self, item: ScalarType, target: ScalarType, literal: bool) -> bool {
        item == target
            || item == ScalarType::Dynamic
            || target == ScalarType::Dynamic
            || common_number(item, target).is_some()
            || literal && item == ScalarType::String
    }

    /// Binds membership in one item that is not constant: equality, or search in an array.
    fn in_computed(&mut self, value: &Scalar, item: Scalar, fold_case: bool, negated: bool, span: Span) -> Scalar {
        if item.scalar_type == Some(ScalarType::Dynamic) {
            let text = to(value.expr.clone(), ScalarType::String);
            let name = if fold_case { "in~ array" } else { "in array" };
            let value_arg = if fold_case { text } else { value.expr.clone() };
            let found = self.library_call(name, vec![item.expr, value_arg], span);
            return if negated && found.scalar_type.is_some() {
                Scalar::known(Expr::Not(Box::new(found.expr)))
            } else {
                found
            };
        }
        if fold_case {
            let name = if negated { "!~" } else { "=~" };
            let sides = vec![to(value.expr.clone(), ScalarType::String), to(item.expr, ScalarType::String)];
            return self.library_call(name, sides, span);
        }
        self.equality(negated, value.clone(), item, span)
    }

    pub(in crate::bind) fn is_tabular_operand(&self, expr: &ast::Expr, cx: &Context) -> bool {
        match &expr.kind {
            // A column beats a `let` of its name (measured).
            ExprKind::Name(name) if cx.column(&name.text).is_some() => false,
            ExprKind::Paren(inner) => self.is_tabular_operand(inner, cx),
            ExprKind::Name(name) => match cx.scope.find(&name.text) {
                Some(_) => self.is_tabular(expr, cx.scope),
                None => match self.stored(&name.text, cx.scope) {
                    Some(function) => self.is_tabular_function(&function),
                    None => name.text == "_GetWatchlistAlias" || self.catalog.table(&name.text).is_some(),
                },
            },
            _ => self.is_tabular(expr, cx.scope),
        }
    }

    fn in_query(&mut self, value: Scalar, table: Table, fold_case: bool, negated: bool, span: Span) -> Scalar {
        let value_type = value.column_type();
        let Some(first) = table.node.columns.first().cloned() else {
            if !table.open {
                self.refuse("AQ012", span, "a table without columns holds no values");
            } else {
                self.refuse("AQ002", span, "the columns of this table are known only when the data are");
            }
            return boolean();
        };
        self.not_of_rows_around(&table.node, span);
        let target = match (value_type, first.scalar_type) {
            (ScalarType::Dynamic, ScalarType::Dynamic) => ScalarType::String,
            (ScalarType::Dynamic, other) | (other, ScalarType::Dynamic) => other,
            (a, b) if a == b => a,
            (a, b) => match common_number(a, b) {
                Some(common) => common,
                None => {
                    self.refuse("AQ015", span, format!("a {a} can't be searched in a column of type {b}"));
                    return boolean();
                }
            },
        };
        let columns = vec![Column::new(first.name.clone(), target)];
        let node = crate::plan::Node {
            columns,
            serialized: false,
            kind: crate::plan::Kind::Project {
                input: Box::new(table.node),
                expressions: vec![to(Expr::Column(first), target)],
            },
        };
        let value = match (value_type, target) {
            (ScalarType::Dynamic, ScalarType::Long) => {
                self.library_call("dynamic as long", vec![value.expr], span).expr
            }
            (ScalarType::Dynamic, ScalarType::Real) => {
                self.library_call("dynamic as real", vec![value.expr], span).expr
            }
            _ => to(value.expr, target),
        };
        let value = Box::new(value);
        Scalar::known(Expr::InQuery { value, query: Box::new(node), fold_case, negated })
    }

    /// Binds what stands in a list for its mistakes alone.
    fn look_at(&mut self, list: &[ast::Expr], cx: &Context) {
        for item in list {
            if self.is_tabular_operand(item, cx) {
                self.table(item, cx.scope);
            } else {
                self.scalar(item, cx);
            }
        }
    }

    fn list_items(&mut self, list: &[ast::Expr], cx: &Context) -> Vec<Scalar> {
        list.iter().map(|item| self.scalar(item, cx)).collect()
    }

    fn has_any(&mut self, operator: InOperator, value: Scalar, list: &[ast::Expr], span: Span, cx: &Context) -> Scalar {
        let name = if operator == InOperator::HasAny { "has_any" } else { "has_all" };
        match value.scalar_type {
            Some(ScalarType::String | ScalarType::Dynamic) => {}
            None => {
                self.look_at(list, cx);
                return boolean();
            }
            Some(other) => {
                self.error("KS107", span, format!("`{name}` searches text, and this is of type {other}"));
                return boolean();
            }
        }
        let mut arguments = vec![to(value.expr, ScalarType::String)];
        for item in list {
            if self.is_tabular_operand(item, cx) {
                if list.len() > 1 {
                    let message = "a table stands alone in such a list, and a value belongs here";
                    self.error("KS108", item.span, message);
                    return boolean();
                }
                let table = self.table(item, &Scope::of_query(cx.scope));
                match self.gathered(table, item.span) {
                    Some(array) => arguments.push(array),
                    None => return boolean(),
                }
                continue;
            }
            let needle = self.scalar(item, cx);
            match needle.scalar_type {
                Some(ScalarType::Dynamic | ScalarType::String) => arguments.push(needle.expr),
                Some(_) => arguments.push(to(needle.expr, ScalarType::String)),
                None => return boolean(),
            }
        }
        self.library_call(name, arguments, span)
    }

    /// Makes an array of the first column of a table, computed once per query.
    fn gathered(&mut self, table: Table, span: Span) -> Option<Expr> {
        let first = table.node.columns.first()?.clone();
        let aggregate = crate::functions::aggregate::aggregate("make_list")?;
        let output = Column::new("list", ScalarType::Dynamic);
        let call = crate::plan::AggregateCall {
            aggregate,
            overload: 0,
            arguments: vec![to(Expr::Column(first), ScalarType::String)],
            filter: None,
            outputs: vec![output.clone()],
        };
        let node = crate::plan::Node {
            columns: vec![output],
            serialized: false,
            kind: crate::plan::Kind::Aggregate { input: Box::new(table.node), keys: vec![], aggregates: vec![call] },
        };
        let list = self.scalar_query(Table::new(node), span);
        Some(list.expr)
    }
}
