//! `partition`: operators over the rows of each value of a column.
//!
//! As in `mv-apply` the operators are bound over all rows as if there were one part, and each is then told to keep the
//! parts apart. A part is the rows of one value: the rows are sorted by it and the values numbered.

use std::rc::Rc;

use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use super::mv_apply::{Parts, needs_rows};
use super::{projection, windowed, word};
use crate::diagnostic::{Diagnostic, Span};
use crate::functions::plugin::parts;
use crate::plan::{Comparison, Expr, Kind, Node, SortKey, WindowCall, WindowFunction};
use crate::syntax::ast::{self, ExprKind, Operator, OperatorKind, PartitionBody};
use crate::types::{Column, ScalarType, Value};

/// Operators that may stand within `partition` of the strategies native and shuffle (documented).
const OPERATORS: &[&str] = &[
    "count",
    "distinct",
    "extend",
    "filter",
    "limit",
    "make-series",
    "mv-apply",
    "mv-expand",
    "mvapply",
    "mvexpand",
    "order",
    "parse",
    "parse-where",
    "project",
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "reduce",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "where",
];

/// How many values of the key the strategy `legacy` takes, which holds where none is named (documented).
const MOST_PARTS: i64 = parts::MOST_PARTS as i64;

impl Binder<'_> {
    pub(super) fn partition(&mut self, operator: &Operator, input: Table, scope: &Rc<Scope>) -> Table {
        let OperatorKind::Partition { parameters, by, scope: values, body } = &operator.kind else { return input };
        let key = self.partition_key(by, &input, scope);
        if let Some(values) = values {
            self.unsupported(values.span, "`in` of `partition`");
        }
        let strategy = word(parameters, "hint.strategy");
        let operators = match body {
            PartitionBody::Operators(operators) => operators,
            PartitionBody::Query(query) => {
                if let Some((other, at)) = strategy.filter(|(strategy, _)| *strategy != "legacy") {
                    let message =
                        format!("`partition` with a source of its own has the strategy legacy, not `{other}`");
                    self.refuse("AQ040", at, message);
                }
                let span = query.statements.first().map_or(operator.span, |statement| statement.span);
                return match &key {
                    Some(key) => self.query_of_each_part(query, &input, key, span, scope),
                    None => Table { open: true, ..Binder::nothing() },
                };
            }
        };
        match strategy {
            None | Some(("legacy", _)) => {
                let alone = operators.iter().find(|operator| stands_alone_in_part(&operator.kind));
                if let Some((key, alone)) = key.as_ref().zip(alone) {
                    return self.operators_of_each_part(operators, &input, key, alone.keyword.span, scope);
                }
            }
            Some(("native" | "shuffle", _)) => self.only_native_operators(operators),
            Some((other, at)) => {
                self.refuse(
                    "AQ040",
                    at,
                    format!("`partition` has the strategies native, shuffle and legacy, not `{other}`"),
                );
            }
        }
        let Some(key) = key else {
            let body = self.partition_body(operators, Table { label: None, ..input }, scope);
            self.tell_of(&body);
            return Table { node: empty(body.node.columns.clone()), ..body };
        };
        let rows = match strategy {
            Some(("native" | "shuffle", _)) => input.node.clone(),
            _ => self.few_parts(input.node.clone(), &key),
        };
        self.in_parts(operators, input, rows, key, operator.span, scope)
    }

    /// Binds operators over a table and makes them keep the rows of each value of a key apart. `rows` are those of the
    /// table, with the key.
    pub(super) fn in_parts(
        &mut self,
        operators: &[Operator],
        table: Table,
        rows: Node,
        key: Column,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        self.names += 1;
        let place = usize::MAX - self.names;
        let before = self.shared.len();
        let stand_in = Node {
            serialized: table.node.serialized,
            kind: Kind::Shared { index: place },
            ..empty(table.node.columns.clone())
        };
        let body = self.partition_body(operators, Table { node: stand_in, label: None, ..table }, scope);
        self.tell_of(&body);
        let columns = body.node.columns.clone();
        let mut parts = Parts { place, row: None, kept: Vec::new(), leaf: Some(rows), all: None, level: 0 };
        if needs_rows(&body.node) {
            self.number(&mut parts, key, loses_groups(&body.node));
        }
        let apart = parts.apart(self, body.node);
        let Some(node) = apart.filter(|node| parts.are_apart(self, node, before)) else {
            if self.refusals.is_empty() && !self.problems.iter().any(Diagnostic::is_error) {
                self.unsupported(span, "what stands in this `partition`");
            }
            return Table { open: body.open, ..Table::new(empty(columns)) };
        };
        let expressions = columns.iter().cloned().map(Expr::Column).collect();
        let node = Node { serialized: false, ..projection(node, columns, expressions) };
        Table { open: body.open, hidden: body.hidden, ..Table::new(node) }
    }

    fn partition_key(&mut self, by: &ast::Expr, input: &Table, scope: &Rc<Scope>) -> Option<Column> {
        let ExprKind::Name(name) = &by.kind else {
            self.error("KS109", by.span, "`partition` takes the name of a column");
            return None;
        };
        let Some(column) = input.node.columns.iter().find(|column| column.name == name.text) else {
            // Says what is wrong with the name; where it stands for a value, that is.
            if self.scalar(by, &Context::row(scope, input)).scalar_type.is_some() {
                self.error("KS109", by.span, format!("`{}` is no column", name.text));
            }
            return None;
        };
        if column.scalar_type == ScalarType::Dynamic {
            self.problem(
                Diagnostic::error("KS116", by.span, "a value of type dynamic can't tell parts from each other")
                    .help("convert it with tostring() before"),
            );
            return None;
        }
        Some(column.clone())
    }

    /// Lets the rows pass where the key has no more values than the legacy strategy takes; else the query fails.
    fn few_parts(&mut self, rows: Node, key: &Column) -> Node {
        let Some(assert) = crate::functions::scalar_function("assert") else { return rows };
        // Counted over the rows themselves: computed twice, they may be others.
        let rows = if rows.is_volatile() { self.share(rows) } else { rows };
        let kind = Kind::Aggregate {
            input: Box::new(rows.clone()),
            keys: vec![Expr::Column(key.clone())],
            aggregates: Vec::new(),
        };
        let values = Node { columns: vec![key.clone()], serialized: false, kind };
        let count = self.scalar_query(self.count(None, Table::new(values)), Span::default());
        let few = Expr::Compare {
            operator: Comparison::LessOrEqual,
            left: Box::new(count.expr),
            right: Box::new(Expr::Literal(Value::Long(MOST_PARTS))),
        };
        let message = format!(
            "`partition by {}` has more than {MOST_PARTS} parts, the most that its legacy strategy takes: write `partition \
             hint.strategy=native by {}`",
            key.name, key.name
        );
        let predicate = Expr::Call {
            function: assert,
            overload: 0,
            arguments: vec![few, Expr::Literal(Value::String(message))],
            returns: ScalarType::Bool,
            at: None,
        };
        let (columns, serialized) = (rows.columns.clone(), rows.serialized);
        Node { columns, serialized, kind: Kind::Filter { input: Box::new(rows), predicate } }
    }

    fn only_native_operators(&mut self, operators: &[Operator]) {
        for operator in operators {
            if !OPERATORS.contains(&operator.keyword.text.as_str()) {
                self.refuse(
                    "AQ040",
                    operator.keyword.span,
                    format!(
                        "`{}` can't stand in a `partition` of the strategies native and shuffle",
                        operator.keyword.text
                    ),
                );
            }
        }
    }

    /// Tells of the columns that operators have left what is known of them.
    pub(super) fn tell_of(&mut self, body: &Table) {
        for column in &body.node.columns {
            self.tell_from(body, &column.name, &column.name);
        }
    }

    fn partition_body(&mut self, operators: &[Operator], mut table: Table, scope: &Rc<Scope>) -> Table {
        let scope = Scope::child(scope);
        for operator in operators {
            let refused = matches!(
                operator.kind,
                OperatorKind::Fork { .. } | OperatorKind::Facet { .. } | OperatorKind::Render { .. }
            ) || stands_alone_in_part(&operator.kind);
            let told = |refusal: &Diagnostic| refusal.span == operator.keyword.span;
            if refused && !self.refusals.iter().any(told) {
                self.unsupported(
                    operator.keyword.span,
                    format_args!("the operator `{}` in `partition`", operator.keyword.text),
                );
            }
            table = self.operator(operator, table, &scope);
        }
        table
    }

    /// Sorts the rows by the key and numbers its values.
    fn number(&mut self, parts: &mut Parts, key: Column, loses_groups: bool) {
        let Some(leaf) = parts.leaf.take() else { return };
        let row = Column::new(self.fresh("part"), ScalarType::Long);
        let columns = leaf.columns.clone();
        let sort = SortKey { value: Expr::Column(key.clone()), ascending: true, nulls_first: true };
        let kind = Kind::Sort { input: Box::new(leaf), keys: vec![sort], limit: None };
        let sorted = Node { columns, serialized: true, kind };
        let arguments = vec![Expr::Column(key), Expr::Literal(Value::Bool(false))];
        let function = WindowFunction::RowRankDense;
        let mut leaf = windowed(sorted, vec![WindowCall { function, arguments, output: row.clone() }]);
        if loses_groups {
            leaf = self.share(leaf);
            let kind = Kind::Aggregate {
                input: Box::new(leaf.clone()),
                keys: vec![Expr::Column(row.clone())],
                aggregates: Vec::new(),
            };
            parts.all = Some(Node { columns: vec![row.clone()], serialized: false, kind });
        }
        parts.leaf = Some(leaf);
        parts.row = Some(row);
    }
}

/// Tells whether an operator can't be told to keep parts apart: such parts are bound each by itself.
const fn stands_alone_in_part(kind: &OperatorKind) -> bool {
    matches!(
        kind,
        OperatorKind::As { .. }
            | OperatorKind::GetSchema { .. }
            | OperatorKind::Search { .. }
            | OperatorKind::Union { .. }
    )
}

pub(super) fn empty(columns: Vec<Column>) -> Node {
    Node { columns, serialized: false, kind: Kind::Values { rows: Vec::new() } }
}

/// Tells whether a `summarize` without keys may get no rows of a part: it gives a row even then.
fn loses_groups(node: &Node) -> bool {
    let mut below_aggregate = false;
    let mut node = node;
    loop {
        let input: &Node = match &node.kind {
            Kind::Aggregate { input, keys, .. } if keys.is_empty() => {
                below_aggregate = true;
                input
            }
            Kind::Project { input, .. }
            | Kind::Window { input, .. }
            | Kind::Serialize { input }
            | Kind::Parse { input, filter: false, .. } => input,
            Kind::Sort { input, limit, .. } if *limit != Some(0) => input,
            Kind::Limit { input, count } if *count > 0 => input,
            Kind::Shared { .. } => return false,
            // What stands above the last `summarize` may lose what it likes.
            _ if !below_aggregate => match node.inputs().first() {
                Some(first) => first,
                None => return false,
            },
            _ => return true,
        };
        node = input;
    }
}
