//! `summarize`.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::super::aggregate::{self, several_call};
use super::super::expression::{Part, Scalar};
use super::super::name::{Given, Item, Mode, name_of};
use super::super::scope::{Binding, Context, Scope};
use super::super::seen::Seen;
use super::super::signature::{self, Library};
use super::super::{Binder, Table};
use super::projection;
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{AggregateCall, Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, NamedExpr, Summarize};
use crate::syntax::visit::{self, is_query, walk};
use crate::types::{Column, ScalarType};

/// A column of the result while it is made.
struct Output {
    item: Item,
    expr: Expr,
    scalar_type: ScalarType,
    seen: Seen,
}

impl Binder<'_> {
    pub(super) fn summarize(&mut self, summarize: &Summarize, span: Span, input: Table, scope: &Rc<Scope>) -> Table {
        if let Some(bin) = &summarize.bin {
            self.unsupported(bin.span, "`bin=` after the keys of `summarize`");
        }
        if summarize.aggregates.is_empty() && summarize.by.is_empty() {
            // Microsoft's parser takes it, and gives it no columns; what the engine does with it is not known.
            self.unsupported(span, "`summarize` without aggregates and keys");
            return Table::new(Node { columns: Vec::new(), ..input.node });
        }
        let keys = self.keys(&summarize.by, &input, scope);
        for key in &summarize.by {
            let of_key = keys.iter().filter(|made| made.item.span == key.span);
            self.no_dynamic_key(key.span, of_key.map(|made| &made.scalar));
        }
        let (calls, outputs) = self.aggregates(&summarize.aggregates, &keys, &input, scope);
        self.one_scope(&summarize.by, &keys, &calls, &input);
        self.aggregated(keys, calls, outputs, input)
    }

    /// Refuses a key that takes the name of another column which the aggregates read: to Kusto's engine both are one
    /// scope (measured), while Microsoft's parser takes the column.
    fn one_scope(&mut self, by: &[NamedExpr], keys: &[Key], calls: &[AggregateCall], input: &Table) {
        for (named, key) in by.iter().zip(keys) {
            let Some(name) = named.names.first().map(|name| name.text.as_str()) else { continue };
            let reads = |expr: &Expr| {
                let mut names = HashSet::new();
                expr.columns_read(&mut names);
                names.contains(name)
            };
            let is_column = input.node.columns.iter().any(|column| column.name == name);
            let mut read = calls.iter().flat_map(|call| call.arguments.iter().chain(&call.filter));
            if is_column && !reads(&key.scalar.expr) && read.any(reads) {
                let message = format!("the key `{name}` has the name of a column that the aggregates read");
                let refusal = Diagnostic::error("AQ015", named.span, message);
                self.refusals.push(refusal.help("give the key another name"));
            }
        }
    }

    /// Binds the keys behind `by`.
    pub(super) fn keys(&mut self, by: &[NamedExpr], input: &Table, scope: &Rc<Scope>) -> Vec<Key> {
        let cx = Context::row(scope, input);
        let mut keys = Vec::new();
        for key in by {
            for (given, scalar) in self.key_values(key, &cx) {
                // A variable that is no column has no name here (measured).
                let given = match given {
                    Given::Spelled(text) if key.names.is_empty() && cx.column(&text).is_none() && !cx.open => {
                        Given::Positional
                    }
                    other => other,
                };
                keys.push(Key { item: Item { given, span: key.span }, scalar });
            }
        }
        keys
    }

    /// Binds what rows are told apart by, with its name: one value, or all that a call of several columns gives.
    pub(super) fn key_values(&mut self, key: &NamedExpr, cx: &Context) -> Vec<(Given, Scalar)> {
        let scalar = self.scalar_or_parts(&key.value, cx);
        let own = |index: usize| key.names.get(index).map(|name| Given::Spelled(name.text.clone()));
        let values: Vec<(Given, Scalar)> = match &scalar.parts {
            Some(parts) => {
                self.names_of_parts(key, parts.len());
                let value = |(index, part): (usize, &Part)| {
                    let given = own(index).unwrap_or_else(|| Given::Part(part.name.clone()));
                    (given, part.scalar())
                };
                parts.iter().enumerate().map(value).collect()
            }
            None => vec![(own(0).unwrap_or_else(|| name_of(&key.value, cx)), scalar)],
        };
        values
    }

    /// Tells where one of the values that rows are told apart by is dynamic.
    pub(super) fn no_dynamic_key<'k>(&mut self, span: Span, mut values: impl Iterator<Item = &'k Scalar>) {
        if values.any(|scalar| scalar.scalar_type == Some(ScalarType::Dynamic)) {
            let problem = Diagnostic::error("KS116", span, "a dynamic value can't be a key");
            self.problem(problem.help("convert it with tostring()"));
        }
    }

    /// Tells more names than a call has columns, and refuses fewer: what becomes of the rest then is not documented.
    fn names_of_parts(&mut self, named: &NamedExpr, columns: usize) {
        let names = named.names.len();
        if names > columns {
            self.error("KS150", named.span, format!("{names} names stand before {columns} columns"));
        } else if (1..columns).contains(&names) {
            self.unsupported(named.span, "naming a part of the columns of a call in this place");
        }
    }

    /// Binds aggregates: what is computed for each group, and the columns made of it.
    fn aggregates(
        &mut self,
        list: &[NamedExpr],
        keys: &[Key],
        input: &Table,
        scope: &Rc<Scope>,
    ) -> (Vec<AggregateCall>, Vec<Output>) {
        let collected: RefCell<Vec<AggregateCall>> = RefCell::default();
        let row = Context::row(scope, input);
        let key_columns: Vec<String> = keys.iter().filter_map(Key::column).collect();
        let mut outputs = Vec::new();
        for named in list {
            if let Some((name, arguments, _)) = several_call(&named.value) {
                let bind = |binder: &mut Self| binder.several(name, arguments, named.span, &row, &key_columns);
                let (several, _) = self.judged(Library::Aggregates, name, arguments, bind);
                let Some(several) = several else { continue };
                if named.names.len() > several.names.len() {
                    self.error(
                        "KS198",
                        named.span,
                        format!("{} names for {} columns", named.names.len(), several.names.len()),
                    );
                }
                let columns = several.names.iter().zip(&several.call.outputs).zip(several.seen);
                for (i, ((given, column), seen)) in columns.enumerate() {
                    let given = match named.names.get(i) {
                        Some(name) => Given::Spelled(name.text.clone()),
                        None => given.clone(),
                    };
                    outputs.push(Output {
                        item: Item { given: made(given, named.names.get(i).is_some()), span: named.span },
                        expr: Expr::Column(column.clone()),
                        scalar_type: column.scalar_type,
                        seen,
                    });
                }
                collected.borrow_mut().push(several.call);
                continue;
            }
            let before = self.aggregated;
            // A plain column beside an aggregate has no one value: only what aggregates give can be read.
            let scalar = self.scalar_or_parts(&named.value, &Context { aggregates: Some(&collected), ..row });
            if !self.reads_single_rows("summarize", &named.value, &scalar, input, scope) {
                self.no_aggregate("summarize", &named.value, &scalar, before);
            }
            if let Some(parts) = &scalar.parts {
                self.parts(named, parts, &mut outputs);
                continue;
            }
            let given = match &named.names[..] {
                [name, ..] => Given::Spelled(name.text.clone()),
                [] => made(name_of(&named.value, &row), false),
            };
            let (scalar_type, seen) = (scalar.column_type(), scalar.seen());
            outputs.push(Output { item: Item { given, span: named.span }, expr: scalar.expr, scalar_type, seen });
        }
        (collected.into_inner(), outputs)
    }

    /// Lists the columns of a call that gives several.
    fn parts(&mut self, named: &NamedExpr, parts: &[Part], outputs: &mut Vec<Output>) {
        self.names_of_parts(named, parts.len());
        for (index, part) in parts.iter().enumerate() {
            let given = match named.names.get(index) {
                Some(name) => Given::Spelled(name.text.clone()),
                None => Given::Part(part.name.clone()),
            };
            let item = Item { given, span: named.span };
            outputs.push(Output {
                item,
                expr: part.expr.clone(),
                scalar_type: part.expr.scalar_type(),
                seen: part.seen.clone(),
            });
        }
    }

    /// Tells where a value names columns of single rows outside of aggregates; returns whether it does.
    ///
    /// Microsoft's parser marks each such column, whether the value depends on it or not.
    pub(super) fn reads_single_rows(
        &mut self,
        operator: &str,
        value: &ast::Expr,
        scalar: &Scalar,
        input: &Table,
        scope: &Rc<Scope>,
    ) -> bool {
        if scalar.scalar_type.is_none() {
            return false;
        }
        let places = row_columns(value, input, scope);
        let message = format!("`{operator}` takes aggregates, and this is the value of a single row");
        if places.is_empty() && reads_rows(scalar, input) {
            // A function such as pack_all() does, and the parser lets it pass.
            self.refuse("AQ015", value.span, message);
            return true;
        }
        for place in &places {
            let problem = Diagnostic::error("KS236", *place, message.clone());
            self.problem(problem.help("put a plain column behind `by`, or take one of its values with take_any()"));
        }
        !places.is_empty()
    }

    /// Refuses a value that no aggregate and no row has a part in.
    ///
    /// Microsoft's parser takes it; whether its engine does is not documented.
    pub(super) fn no_aggregate(&mut self, operator: &str, value: &ast::Expr, scalar: &Scalar, before: usize) {
        if scalar.scalar_type.is_some() && self.aggregated == before {
            self.unsupported(value.span, format_args!("`{operator}` of a value that is the same for all rows"));
        }
    }

    /// Makes the node that groups, and the projection that gives its columns their names and places.
    fn aggregated(&mut self, keys: Vec<Key>, calls: Vec<AggregateCall>, outputs: Vec<Output>, input: Table) -> Table {
        let mut items: Vec<Item> =
            keys.iter().map(|k| Item { given: k.item.given.clone(), span: k.item.span }).collect();
        items.extend(outputs.iter().map(|o| Item { given: o.item.given.clone(), span: o.item.span }));
        let names = self.unique_names(&items, &input.node.columns, Mode::Summarize);
        let seen = keys.iter().map(|key| key.scalar.seen()).chain(outputs.iter().map(|output| output.seen.clone()));
        self.told.extend(names.iter().cloned().zip(seen));
        let mut grouped = Vec::new();
        let mut columns = Vec::new();
        let mut expressions = Vec::new();
        for (key, name) in keys.iter().zip(&names) {
            let column = Column::new(self.fresh("key"), key.scalar.column_type());
            expressions.push(Expr::Column(column.clone()));
            columns.push(Column::new(name, column.scalar_type));
            grouped.push(column);
        }
        for call in &calls {
            grouped.extend(call.outputs.iter().cloned());
        }
        for (output, name) in outputs.into_iter().zip(&names[keys.len()..]) {
            columns.push(Column::new(name, output.scalar_type));
            expressions.push(output.expr);
        }
        let keys = keys.into_iter().map(|k| k.scalar.expr).collect();
        let kind = Kind::Aggregate { input: Box::new(input.node), keys, aggregates: calls };
        let node = Node { columns: grouped, serialized: false, kind };
        Table { open: false, ..Table::new(projection(node, columns, expressions)) }
    }
}

/// Tells whether a value reads a column of the rows, not only what aggregates give of them.
fn reads_rows(scalar: &Scalar, input: &Table) -> bool {
    let mut names = HashSet::new();
    scalar.expr.columns_read(&mut names);
    input.node.columns.iter().any(|column| names.contains(column.name.as_str()))
}

/// Finds where a value names columns of the rows outside of aggregates.
fn row_columns(value: &ast::Expr, input: &Table, scope: &Rc<Scope>) -> Vec<Span> {
    let enter = |part: visit::Part| match part {
        visit::Part::Expr(ast::Expr { kind: ExprKind::Call { name, .. }, .. }) => {
            // `any` is a function over graphs, too.
            aggregate::find(&name.text).is_none() && !signature::is_known(Library::Aggregates, &name.text)
        }
        visit::Part::Expr(expr) => !is_query(expr),
        _ => true,
    };
    // Of a variable and a column of one name the parser takes the variable.
    let is_column = |name: &ast::Name| {
        input.node.columns.iter().any(|column| column.name == name.text)
            && !matches!(scope.find(&name.text), Some(Binding::Scalar(_)))
    };
    walk(visit::Part::Expr(value), enter)
        .filter_map(|part| match part {
            visit::Part::Expr(ast::Expr { kind: ExprKind::Name(name), span }) if is_column(name) => Some(*span),
            _ => None,
        })
        .collect()
}

/// A grouping key.
pub(super) struct Key {
    pub item: Item,
    pub scalar: Scalar,
}

impl Key {
    /// The column of the input that it is, if it is just one.
    fn column(&self) -> Option<String> {
        match &self.scalar.expr {
            Expr::Column(column) => Some(column.name.clone()),
            _ => None,
        }
    }
}

/// What an aggregate is called by itself is never spelled out, whatever it is made of.
fn made(given: Given, spelled: bool) -> Given {
    match given {
        Given::Spelled(text) | Given::Passed(text) if !spelled => Given::Made(text),
        other => other,
    }
}
