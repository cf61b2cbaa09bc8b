//! `find`: rows of several tables where a condition holds, with the columns that all of them have.

use std::rc::Rc;

use super::super::expression::to;
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use super::{projection, word};
use crate::diagnostic::Span;
use crate::plan::{Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, FindColumn, OperatorKind};
use crate::types::{Column, ScalarType, Value};

/// The column for what has no column of its own.
const PACK: &str = "pack_";

/// The columns of the result behind that of the source.
struct Shape {
    columns: Vec<Column>,
    /// The last column holds a bag of the columns that are not in `columns`.
    pack: bool,
}

impl Binder<'_> {
    pub(in crate::bind) fn find(&mut self, operator: &ast::Operator, scope: &Rc<Scope>) -> Table {
        let OperatorKind::Find(find) = &operator.kind else { return Binder::nothing() };
        let keyword = operator.keyword.span;
        let source = word(&find.parameters, "withsource").or_else(|| word(&find.parameters, "with_source"));
        let source = Column::new(source.map_or("source_", |(name, _)| name), ScalarType::String);
        let mut legs = self.listed_tables(&find.tables, operator, scope);
        let open = legs.iter().any(|leg| leg.open);
        let seen = by_name(&legs);
        let cx = Context { columns: &seen, open, ..Context::rowless(scope) };
        let condition = self.search_condition(&find.predicate, false, &cx);
        if !matches!(condition.scalar_type, None | Some(ScalarType::Bool)) {
            self.error("KS141", find.predicate.span, "a condition is of type bool");
        }
        let named = named_columns(&find.predicate, &seen);
        // A table that the condition says nothing about is left out (documented).
        if legs.len() > 1 && !self.holds_term(&find.predicate, &cx) {
            legs.retain(|leg| leg.open || named.iter().any(|name| column(leg, name).is_some()));
        }
        if let Some(name) = named.iter().find(|name| is_ambiguous(&legs, name)) {
            self.unsupported(
                find.predicate.span,
                format_args!("a condition over `{name}`, which has several types among the tables of `find`,"),
            );
        }
        if !find.project_away.is_empty() {
            self.unsupported(keyword, "`__projectAway`");
        }
        let shape = match &find.project {
            Some(columns) => self.listed_shape(columns, &legs, &seen, &cx),
            None => self.smart_shape(&named, &legs, find.predicate.span),
        };
        if seen.iter().any(|column| column.name == source.name) {
            self.unsupported(keyword, format_args!("`find` in tables that have a column `{}`", source.name));
        }
        let mut columns = vec![source];
        columns.extend(shape.columns.iter().cloned());
        columns.extend(shape.pack.then(|| Column::new(PACK, ScalarType::Dynamic)));
        // Each table is held against all columns that were seen.
        let cells = legs.len() * (columns.len() + seen.len());
        if self.catalog.is_for_checks() && cells > super::union::MOST_CELLS {
            self.runnable = false;
            legs.clear();
        }
        let inputs: Vec<Node> =
            legs.into_iter().map(|leg| self.found_in(leg, find, &seen, &shape, &columns, scope)).collect();
        let kind = match inputs.is_empty() {
            true => Kind::Values { rows: Vec::new() },
            false => Kind::Union { inputs },
        };
        Table { open, ..Table::new(Node { columns, serialized: false, kind }) }
    }

    /// Finds the columns of `project-smart`: those that all tables have, then those that the condition names.
    fn smart_shape(&mut self, named: &[String], legs: &[Table], span: Span) -> Shape {
        let mut columns: Vec<Column> = Vec::new();
        let Some((first, others)) = legs.split_first() else { return Shape { columns, pack: false } };
        for common in &first.node.columns {
            if first.hidden.contains(&common.name) || !others.iter().all(|leg| column(leg, &common.name).is_some()) {
                continue;
            }
            if is_ambiguous(legs, &common.name) {
                // The reference gives it a column for each type, Microsoft's parser one for all.
                self.unsupported(span, format_args!("`{}`, which all tables have but not of one type,", common.name));
            }
            columns.push(common.clone());
        }
        for name in named {
            if !columns.iter().any(|column| column.name == *name)
                && let Some(found) = legs.iter().find_map(|leg| column(leg, name))
            {
                columns.push(found.clone());
            }
        }
        let pack = legs.iter().any(|leg| !rest(leg, &columns).is_empty());
        Shape { columns, pack }
    }

    /// Binds the columns behind `project`.
    fn listed_shape(&mut self, listed: &[FindColumn], legs: &[Table], seen: &[Column], cx: &Context) -> Shape {
        let mut shape = Shape { columns: Vec::new(), pack: false };
        for (index, listed_column) in listed.iter().enumerate() {
            let declared = match listed_column {
                FindColumn::Column(declared) => declared,
                FindColumn::Pack => {
                    shape.pack = true;
                    if index + 1 < listed.len() {
                        let next = match &listed[index + 1] {
                            FindColumn::Column(next) => next.name.span,
                            FindColumn::Pack => Span::default(),
                        };
                        self.error("KS185", next, "`pack(*)` is the last of the columns");
                    }
                    continue;
                }
            };
            let name = &declared.name;
            if name.text == "*" && !name.quoted {
                self.unsupported(name.span, "`*` among the columns of `find`");
                continue;
            }
            let Some(found) = seen.iter().find(|column| column.name == name.text) else {
                // Says what is wrong with the name.
                self.scalar(&ast::Expr { span: name.span, kind: ExprKind::Name(name.clone()) }, cx);
                continue;
            };
            let scalar_type = declared.type_name.as_ref().map(|type_name| self.type_name(type_name));
            if scalar_type.is_none() && is_ambiguous(legs, &name.text) {
                // The reference asks for a type then.
                self.unsupported(
                    name.span,
                    format_args!("`{}`, of which tables differ in the type, without a type", name.text),
                );
            }
            if shape.columns.iter().any(|column| column.name == name.text) {
                self.unsupported(name.span, "a column that stands twice behind `project` of `find`");
                continue;
            }
            shape.columns.push(Column::new(&name.text, scalar_type.unwrap_or(found.scalar_type)));
        }
        shape
    }

    /// Makes the rows of one table, in the columns of the result.
    fn found_in(
        &mut self,
        leg: Table,
        find: &ast::Find,
        seen: &[Column],
        shape: &Shape,
        columns: &[Column],
        scope: &Rc<Scope>,
    ) -> Node {
        let span = find.predicate.span;
        let label = match &leg.label {
            Some(label) => label.clone(),
            // What is not there has been told of.
            None if leg.open => String::new(),
            None => {
                self.unsupported(span, "`find` in a `let` that is no view, for which no name is known,");
                String::new()
            }
        };
        let missing: Vec<Column> = seen.iter().filter(|c| column(&leg, &c.name).is_none()).cloned().collect();
        let mut all = leg.node.columns.clone();
        all.extend(missing.iter().cloned());
        // Mistakes in the condition have been told of.
        let told = (self.problems.len(), self.strict.len());
        let cx = Context { columns: &all, open: leg.open, ..Context::rowless(scope) };
        let condition = to(self.search_condition(&find.predicate, false, &cx).expr, ScalarType::Bool);
        self.problems.truncate(told.0);
        self.strict.truncate(told.1);
        let Some(predicate) = self.without(condition, &missing) else {
            self.unsupported(span, "a condition that may hold where a table has not the column that it is about,");
            return Binder::nothing().node;
        };
        let mut expressions = vec![Expr::Literal(Value::String(label))];
        expressions.extend(shape.columns.iter().map(|wanted| match column(&leg, &wanted.name) {
            Some(found) => to(Expr::Column(found.clone()), wanted.scalar_type),
            None => Expr::Literal(Value::missing(wanted.scalar_type)),
        }));
        if shape.pack {
            let rest = rest(&leg, &shape.columns);
            if rest.is_empty() {
                self.unsupported(span, format_args!("`{PACK}` of a table with nothing to pack"));
            }
            expressions.push(self.pack(&rest, "bag_pack", span).expr);
        }
        let (inner, serialized) = (leg.node.columns.clone(), leg.node.serialized);
        let kind = Kind::Filter { input: Box::new(leg.node), predicate };
        projection(Node { columns: inner, serialized, kind }, columns.to_vec(), expressions)
    }

    /// Takes the columns that a table lacks out of a condition: a part that is about them does not hold.
    ///
    /// None where a part would hold for a null, of which the reference says nothing.
    fn without(&self, condition: Expr, missing: &[Column]) -> Option<Expr> {
        match condition {
            Expr::And(parts) => Some(Expr::And(self.all_without(parts, missing)?)),
            Expr::Or(parts) => Some(Expr::Or(self.all_without(parts, missing)?)),
            part => {
                let mut names = std::collections::HashSet::new();
                part.columns_read(&mut names);
                if !missing.iter().any(|column| names.contains(column.name.as_str())) {
                    return Some(part);
                }
                let mut part = part;
                blank(&mut part, missing);
                match crate::plan::fold::fold(&part, self.now)? {
                    Value::Bool(true) => None,
                    _ => Some(Expr::Literal(Value::Bool(false))),
                }
            }
        }
    }

    fn all_without(&self, parts: Vec<Expr>, missing: &[Column]) -> Option<Vec<Expr>> {
        parts.into_iter().map(|part| self.without(part, missing)).collect()
    }
}

/// The columns of all tables, each name once; of type dynamic where tables differ (Microsoft's parser).
fn by_name(legs: &[Table]) -> Vec<Column> {
    let mut places = std::collections::HashMap::new();
    let mut columns: Vec<Column> = Vec::new();
    for column in legs.iter().flat_map(|leg| &leg.node.columns) {
        match places.get(&column.name) {
            None => {
                places.insert(&column.name, columns.len());
                columns.push(column.clone());
            }
            Some(place) if columns[*place].scalar_type != column.scalar_type => {
                columns[*place].scalar_type = ScalarType::Dynamic;
            }
            Some(_) => {}
        }
    }
    columns
}

fn column<'a>(leg: &'a Table, name: &str) -> Option<&'a Column> {
    leg.node.columns.iter().find(|column| column.name == name)
}

fn is_ambiguous(legs: &[Table], name: &str) -> bool {
    let mut types = legs.iter().filter_map(|leg| column(leg, name)).map(|column| column.scalar_type);
    let first = types.next();
    types.any(|other| Some(other) != first)
}

/// The columns of a table that the result has not.
fn rest(leg: &Table, columns: &[Column]) -> Vec<Column> {
    let in_result = |c: &&Column| columns.iter().any(|other| other.name == c.name);
    leg.node.columns.iter().filter(|c| !in_result(c) && !leg.hidden.contains(&c.name)).cloned().collect()
}

/// Puts nulls in the place of columns.
fn blank(expr: &mut Expr, missing: &[Column]) {
    match expr {
        Expr::Column(column) if missing.iter().any(|other| other.name == column.name) => {
            *expr = Expr::Literal(Value::missing(column.scalar_type));
        }
        _ => expr.for_each_operand_mut(&mut |operand| blank(operand, missing)),
    }
}

/// The columns that an expression names, in the order in which they stand.
fn named_columns(expr: &ast::Expr, columns: &[Column]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        if let ExprKind::Name(name) = &expr.kind
            && columns.iter().any(|column| column.name == name.text)
            && !found.contains(&name.text)
        {
            found.push(name.text.clone());
        }
        rest.extend(expr.parts().into_iter().rev());
    }
    found
}
