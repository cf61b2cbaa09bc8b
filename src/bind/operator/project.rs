//! `project` and its kin, `extend`, `print`, `serialize`, `distinct`.

use std::rc::Rc;

use super::super::expression;
use super::super::name::{Given, Item, Mode, name_of};
use super::super::scope::{Context, Scope};
use super::super::seen::Seen;
use super::super::{Binder, Table};
use super::projection;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::plan::{Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, NamedExpr, OrderedExpr};
use crate::types::{Column, ScalarType, Value, json};

/// One column of a list, bound.
pub(super) struct Listed {
    item: Item,
    expr: Expr,
    scalar_type: ScalarType,
    seen: Seen,
}

impl Binder<'_> {
    pub(super) fn listed(&mut self, columns: &[NamedExpr], cx: &Context, mode: Mode) -> Vec<Listed> {
        let mut listed = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let scalar = self.scalar_or_parts(&column.value, cx);
            if let Some(parts) = &scalar.parts {
                self.listed_parts(column, parts, mode, &mut listed);
                continue;
            }
            let (scalar_type, seen) = (scalar.column_type(), scalar.seen());
            let given = match &column.names[..] {
                // A bare name has no say in `print`: `let x = 1; print x` is `print_0`.
                [] if mode == Mode::Print => Given::Made(format!("print_{index}")),
                [] => name_of(&column.value, cx),
                [name] => Given::Spelled(name.text.clone()),
                [name, ..] => {
                    if scalar.scalar_type.is_some() {
                        self.error("KS149", column.value.span, "several names stand before one value");
                    }
                    Given::Spelled(name.text.clone())
                }
            };
            listed.push(Listed { item: Item { given, span: column.span }, expr: scalar.expr, scalar_type, seen });
        }
        listed
    }

    /// Lists the columns of a call that gives several: all of them, or those that have got a name.
    fn listed_parts(&mut self, column: &NamedExpr, parts: &[expression::Part], mode: Mode, listed: &mut Vec<Listed>) {
        let named = column.names.len();
        if let Some(name) = column.names.get(parts.len()) {
            self.error("KS150", name.span, format!("{named} names stand before {} columns", parts.len()));
        }
        // `extend` drops the rest (documented, measured), and Microsoft's parser drops it in `print` alone. For `project` the
        // pages of the operator and of the functions contradict each other.
        if mode == Mode::Project && (1..parts.len()).contains(&named) {
            self.unsupported(column.span, "naming a part of the columns of a call in `project`");
        }
        let all = named == 0 || self.catalog.is_for_checks() && mode != Mode::Print;
        let kept = if all { parts.len() } else { named };
        for (index, part) in parts.iter().take(kept).enumerate() {
            let given = match column.names.get(index) {
                Some(name) => Given::Spelled(name.text.clone()),
                None => Given::Part(part.name.clone()),
            };
            let item = Item { given, span: column.span };
            listed.push(Listed {
                item,
                expr: part.expr.clone(),
                scalar_type: part.expr.scalar_type(),
                seen: part.seen.clone(),
            });
        }
    }

    pub(in crate::bind) fn print(&mut self, columns: &[NamedExpr], scope: &Rc<Scope>) -> Table {
        let listed = self.listed(columns, &Context::rowless(scope), Mode::Print);
        let names = self.unique_names(&items(&listed), &[], Mode::Print);
        let unit = Node { columns: Vec::new(), serialized: true, kind: Kind::Unit };
        Table::new(self.combine(unit, names, listed))
    }

    pub(super) fn project(&mut self, columns: &[NamedExpr], input: Table, scope: &Rc<Scope>) -> Table {
        let (input, listed) = self.over_rows(input, scope, |binder, cx| binder.listed(columns, cx, Mode::Project));
        let names = self.unique_names(&items(&listed), &input.node.columns, Mode::Project);
        Table::new(self.combine(input.node, names, listed))
    }

    pub(super) fn extend(&mut self, columns: &[NamedExpr], input: Table, scope: &Rc<Scope>) -> Table {
        let original = input.node.columns.clone();
        let (input, listed) = self.over_rows(input, scope, |binder, cx| binder.listed(columns, cx, Mode::Extend));
        let names = self.unique_names(&items(&listed), &original, Mode::Extend);
        // What has the name of an input column takes its place (measured), the rest is appended.
        let mut result: Vec<(Column, Expr)> = original.into_iter().map(|c| (c.clone(), Expr::Column(c))).collect();
        for (name, column) in names.into_iter().zip(listed) {
            self.told.push((name.clone(), column.seen));
            let new = Column::new(name, column.scalar_type);
            match result.iter_mut().find(|(c, _)| c.name == new.name) {
                Some(place) => *place = (new, column.expr),
                None => result.push((new, column.expr)),
            }
        }
        let (columns, mut expressions): (Vec<Column>, Vec<Expr>) = result.into_iter().unzip();
        let node = self.one_guid(input.node, expressions.iter_mut());
        Table { node: projection(node, columns, expressions), label: None, ..input }
    }

    pub(super) fn serialize(&mut self, columns: &[NamedExpr], input: Table, scope: &Rc<Scope>) -> Table {
        let node = if input.node.serialized {
            input.node
        } else {
            let columns = input.node.columns.clone();
            Node { columns, serialized: true, kind: Kind::Serialize { input: Box::new(input.node) } }
        };
        let table = Table { node, label: None, ..input };
        if columns.is_empty() { table } else { self.extend(columns, table, scope) }
    }

    pub(super) fn distinct(&mut self, columns: &[NamedExpr], input: Table, scope: &Rc<Scope>) -> Table {
        let mut items = Vec::new();
        let mut keys: Vec<(Expr, ScalarType)> = Vec::new();
        let mut seen: Vec<Seen> = Vec::new();
        let cx = Context::row(scope, &input);
        for column in columns {
            if matches!(column.value.kind, ExprKind::Star) {
                if let Some(c) = input.node.columns.iter().find(|c| c.scalar_type == ScalarType::Dynamic) {
                    let message = format!("`{}` is among the columns, and a dynamic value can't be a key", c.name);
                    self.strict.push(
                        Diagnostic::error("KS116", column.span, message)
                            .help("name the columns, without the dynamic ones"),
                    );
                }
                for c in &input.node.columns {
                    // A column that is listed already does not come again.
                    if items.iter().any(|i: &Item| i.given == Given::Spelled(c.name.clone())) {
                        continue;
                    }
                    items.push(Item { given: Given::Spelled(c.name.clone()), span: column.span });
                    keys.push((Expr::Column(c.clone()), c.scalar_type));
                    seen.push(input.known.of(&c.name).cloned().unwrap_or(Seen::Scalar(c.scalar_type)));
                }
                continue;
            }
            let values = self.key_values(column, &cx);
            self.no_dynamic_key(column.span, values.iter().map(|(_, scalar)| scalar));
            for (given, scalar) in values {
                items.push(Item { given, span: column.span });
                keys.push((scalar.expr.clone(), scalar.column_type()));
                seen.push(scalar.seen());
            }
        }
        if input.open && columns.iter().any(|c| matches!(c.value.kind, ExprKind::Star)) {
            self.refuse("AQ002", columns[0].span, "the columns of this table are known only when the data are");
        }
        let names = self.unique_names(&items, &input.node.columns, Mode::Project);
        self.told.extend(names.iter().cloned().zip(seen));
        let columns = names.into_iter().zip(&keys).map(|(n, (_, t))| Column::new(n, *t)).collect();
        let keys = keys.into_iter().map(|(e, _)| e).collect();
        let kind = Kind::Aggregate { input: Box::new(input.node), keys, aggregates: Vec::new() };
        Table { open: input.open, ..Table::new(Node { columns, serialized: false, kind }) }
    }

    pub(super) fn combine(&mut self, input: Node, names: Vec<String>, listed: Vec<Listed>) -> Node {
        self.told.extend(names.iter().cloned().zip(listed.iter().map(|l| l.seen.clone())));
        let (columns, mut expressions): (Vec<Column>, Vec<Expr>) =
            names.into_iter().zip(listed).map(|(name, l)| (Column::new(name, l.scalar_type), l.expr)).unzip();
        let input = self.one_guid(input, expressions.iter_mut());
        projection(input, columns, expressions)
    }

    /// Returns the columns that a name or a wildcard stands for.
    fn matching(&mut self, expr: &ast::Expr, input: &Table) -> Vec<Column> {
        match &expr.kind {
            ExprKind::Star => input.node.columns.clone(),
            ExprKind::Wildcard(pattern) => {
                let found: Vec<Column> =
                    input.node.columns.iter().filter(|c| matches_wildcard(pattern, &c.name)).cloned().collect();
                if found.is_empty() && !input.open {
                    self.error("KS109", expr.span, format!("no column matches `{pattern}`"));
                }
                found
            }
            ExprKind::Name(name) => match input.node.columns.iter().find(|c| c.name == name.text) {
                Some(column) => vec![column.clone()],
                None => {
                    if !input.open {
                        let mut problem =
                            Diagnostic::error("KS109", name.span, format!("there is no column `{}`", name.text));
                        if let Some(near) = nearest(&name.text, input.node.columns.iter().map(|c| c.name.as_str())) {
                            problem = problem.help(format!("did you mean `{near}`?"));
                        }
                        self.problem(problem);
                    }
                    Vec::new()
                }
            },
            _ => {
                self.error("KS109", expr.span, "the name of a column is expected");
                Vec::new()
            }
        }
    }

    pub(super) fn project_away(&mut self, columns: &[ast::Expr], input: Table) -> Table {
        let away: Vec<Column> = columns.iter().flat_map(|c| self.matching(c, &input)).collect();
        keep(input, |c| !away.contains(c))
    }

    /// Gives the columns that texts name; what names none is passed over (documented).
    pub(super) fn project_by_names(
        &mut self,
        columns: &[ast::Expr],
        keyword: Span,
        input: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let mut wanted: Vec<String> = Vec::new();
        for column in columns {
            // Bound as over a row, so that a column is seen to be no text.
            let scalar = self.scalar(column, &Context::row(scope, &input));
            match (scalar.scalar_type, self.constant(&scalar)) {
                (None, _) => {}
                (_, Some(Value::String(text))) => wanted.push(text),
                (_, Some(Value::Dynamic(text))) => {
                    wanted.extend(json::flatten(&text).into_iter().filter_map(|name| match name {
                        Value::Dynamic(name) => json::as_string(&name).map(|name| name.into_owned()),
                        _ => None,
                    }));
                }
                _ => self.refuse("AQ023", column.span, "names of columns are constant texts, or an array of them"),
            }
        }
        if input.open {
            self.refuse("AQ002", keyword, "the columns of this table are known only when the data are");
        }
        let mut chosen: Vec<Column> = Vec::new();
        for pattern in &wanted {
            for column in &input.node.columns {
                let matches =
                    column.name == *pattern || pattern.contains('*') && matches_wildcard(pattern, &column.name);
                if matches && !chosen.contains(column) {
                    chosen.push(column.clone());
                }
            }
        }
        if chosen.is_empty()
            && !input.open
            && self.refusals.is_empty()
            && !self.problems.iter().any(Diagnostic::is_error)
        {
            self.unsupported(keyword, "a result without columns");
        }
        let expressions = chosen.iter().cloned().map(Expr::Column).collect();
        Table { label: None, node: projection(input.node, chosen, expressions), ..Table::new(Binder::nothing().node) }
    }

    pub(super) fn project_keep(&mut self, columns: &[ast::Expr], input: Table) -> Table {
        let kept: Vec<Column> = columns.iter().flat_map(|c| self.matching(c, &input)).collect();
        keep(input, |c| kept.contains(c))
    }

    pub(super) fn project_rename(&mut self, columns: &[NamedExpr], input: Table) -> Table {
        let mut renamed = input.node.columns.clone();
        for column in columns {
            if !matches!(column.value.kind, ExprKind::Name(_)) {
                self.error("KS109", column.value.span, "the name of a column is expected");
                continue;
            }
            let Some(new) = column.names.first() else { continue };
            let found = self.matching(&column.value, &input);
            let Some(place) = input.node.columns.iter().position(|c| found.first() == Some(c)) else { continue };
            if renamed.iter().any(|c| c.name == new.text) {
                self.error("KS171", new.span, format!("there is a column `{}` already", new.text));
                continue;
            }
            let seen = input.known.of(&renamed[place].name).cloned();
            self.told.push((new.text.clone(), seen.unwrap_or(Seen::Scalar(renamed[place].scalar_type))));
            renamed[place].name.clone_from(&new.text);
        }
        let expressions = input.node.columns.iter().cloned().map(Expr::Column).collect();
        Table { node: projection(input.node, renamed, expressions), label: None, ..input }
    }

    pub(super) fn project_reorder(&mut self, columns: &[OrderedExpr], input: Table) -> Table {
        let mut order: Vec<Column> = Vec::new();
        let mut named: Vec<&str> = Vec::new();
        for column in columns {
            let mut found = self.matching(&column.value.value, &input);
            if let Some(ascending) = column.ascending {
                found.sort_by(|a, b| if column.granny { granny(&a.name, &b.name) } else { a.name.cmp(&b.name) });
                if !ascending {
                    found.reverse();
                }
            }
            for column in found {
                if !order.contains(&column) {
                    order.push(column);
                }
            }
            if let ExprKind::Name(name) = &column.value.value.kind {
                if named.contains(&name.text.as_str()) {
                    self.strict.push(listed_before(name.span, &name.text));
                }
                named.push(&name.text);
            }
        }
        for column in &input.node.columns {
            if !order.contains(column) {
                order.push(column.clone());
            }
        }
        let expressions = order.iter().cloned().map(Expr::Column).collect();
        Table { node: projection(input.node, order, expressions), label: None, ..input }
    }
}

/// Makes the problem of a column that an operator names twice: the engine takes it once.
pub(super) fn listed_before(span: crate::diagnostic::Span, name: &str) -> Diagnostic {
    Diagnostic::error("KS171", span, format!("the column `{name}` is listed already")).help("leave one of the two out")
}

pub(super) fn items(listed: &[Listed]) -> Vec<Item> {
    listed.iter().map(|l| Item { given: l.item.given.clone(), span: l.item.span }).collect()
}

fn keep(input: Table, wanted: impl Fn(&Column) -> bool) -> Table {
    let columns: Vec<Column> = input.node.columns.iter().filter(|c| wanted(c)).cloned().collect();
    let expressions = columns.iter().cloned().map(Expr::Column).collect();
    Table { node: projection(input.node, columns, expressions), label: None, ..input }
}

/// Tells whether a name matches a pattern in which `*` stands for any text.
pub(in crate::bind) fn matches_wildcard(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or("")) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
    }
    match last {
        Some(part) => rest.ends_with(part),
        None => rest.is_empty(),
    }
}

/// Compares names with runs of digits as numbers (`granny-asc`).
fn granny(a: &str, b: &str) -> std::cmp::Ordering {
    let key = |s: &str| {
        let mut parts = Vec::new();
        for c in s.chars() {
            match (c.to_digit(10), parts.last_mut()) {
                (Some(d), Some((String(_), _))) | (Some(d), None) => parts.push((Number(u128::from(d)), ())),
                (Some(d), Some((Number(n), _))) => *n = n.saturating_mul(10).saturating_add(d.into()),
                (None, Some((String(s), _))) => s.push(c),
                (None, _) => parts.push((String(c.to_string()), ())),
            }
        }
        parts
    };
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Part {
        Number(u128),
        String(std::string::String),
    }
    use Part::{Number, String};
    key(a).cmp(&key(b))
}
