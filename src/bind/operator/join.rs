//! `join` and `lookup`.

use std::rc::Rc;

use super::super::expression::{Scalar, common_number, to};
use super::super::hidden;
use super::super::name::free_name;
use super::super::scope::{Context, Scope};
use super::super::seen::{ANY, Seen};
use super::super::{Binder, Table};
use super::word;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::plan::{Expr, JoinKind, Kind, Node};
use crate::syntax::ast::{self, BinaryOperator, ExprKind, JoinCondition, OperatorParameter};
use crate::types::{Column, ScalarType};

/// Kinds by the names that KQL has for them.
const KINDS: &[(&str, JoinKind)] = &[
    ("innerunique", JoinKind::InnerUnique),
    ("inner", JoinKind::Inner),
    ("leftouter", JoinKind::LeftOuter),
    ("rightouter", JoinKind::RightOuter),
    ("fullouter", JoinKind::FullOuter),
    ("leftsemi", JoinKind::LeftSemi),
    ("rightsemi", JoinKind::RightSemi),
    ("leftanti", JoinKind::LeftAnti),
    ("leftantisemi", JoinKind::LeftAnti),
    ("anti", JoinKind::LeftAnti),
    ("rightanti", JoinKind::RightAnti),
    ("rightantisemi", JoinKind::RightAnti),
];

/// One pair of keys.
struct Pair {
    left: Expr,
    right: Expr,
    right_column: Option<String>,
}

/// Returns how a column of the right side is called beside others. A name that is free already in the input stays with
/// the column that has it: `A`, and from the right `A`, `A1` give `A`, `A2`, `A1` (so Microsoft's parser).
fn beside(name: &str, columns: &[Column], right: &[Column]) -> String {
    let is_in = |columns: &[Column], n: &str| columns.iter().any(|column| column.name == n);
    free_name(name, |n| is_in(columns, n) || n != name && is_in(right, n))
}

impl Binder<'_> {
    pub(super) fn join(
        &mut self,
        parameters: &[OperatorParameter],
        right: &ast::Expr,
        condition: &JoinCondition,
        span: Span,
        left: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let kind = match word(parameters, "kind") {
            None => JoinKind::InnerUnique,
            Some((name, _)) => match KINDS.iter().find(|(n, _)| *n == name) {
                Some((_, kind)) => *kind,
                // Said where parameters are checked.
                None => JoinKind::Inner,
            },
        };
        let (left, right) = (left.without_ingestion(), self.table(right, scope).without_ingestion());
        let pairs = self.pairs(condition, span, &left, &right, scope);
        let (left_columns, right_columns) = (left.node.columns.clone(), right.node.columns.clone());
        let columns = match kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => left_columns,
            JoinKind::RightSemi | JoinKind::RightAnti => right_columns,
            _ => {
                let mut columns = left_columns;
                for column in &right_columns {
                    let name = beside(&column.name, &columns, &right_columns);
                    self.tell_from(&right, &column.name, &name);
                    columns.push(Column::new(name, column.scalar_type));
                }
                columns
            }
        };
        if matches!(kind, JoinKind::RightSemi | JoinKind::RightAnti) {
            columns.iter().for_each(|column| self.tell_from(&right, &column.name, &column.name));
        }
        let open = match kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => left.open,
            JoinKind::RightSemi | JoinKind::RightAnti => right.open,
            _ => left.open || right.open,
        };
        let on = pairs.into_iter().map(|p| (p.left, p.right)).collect();
        let hidden = hidden::of_join(&left, &right, &columns);
        let kind = Kind::Join { left: Box::new(left.node), right: Box::new(right.node), kind, on };
        Table { open, hidden, ..Table::new(Node { columns, serialized: false, kind }) }
    }

    pub(super) fn lookup(
        &mut self,
        parameters: &[OperatorParameter],
        right: &ast::Expr,
        condition: &JoinCondition,
        span: Span,
        left: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let kind = match word(parameters, "kind") {
            None | Some(("leftouter", _)) => JoinKind::LeftOuter,
            Some(("inner", _)) => JoinKind::Inner,
            Some(_) => JoinKind::LeftOuter,
        };
        let (left, right) = (left.without_ingestion(), self.table(right, scope).without_ingestion());
        let pairs = self.pairs(condition, span, &left, &right, scope);
        let keys: Vec<&str> = pairs.iter().filter_map(|p| p.right_column.as_deref()).collect();
        // The join's columns under names of their own, then those that `lookup` keeps: not the keys of the right side.
        let mut joined = left.node.columns.clone();
        let mut columns = joined.clone();
        let mut expressions: Vec<Expr> = joined.iter().cloned().map(Expr::Column).collect();
        for column in &right.node.columns {
            let inner = Column::new(self.fresh("lookup"), column.scalar_type);
            joined.push(inner.clone());
            if keys.contains(&column.name.as_str()) {
                continue;
            }
            let name = beside(&column.name, &columns, &right.node.columns);
            self.tell_from(&right, &column.name, &name);
            columns.push(Column::new(name, column.scalar_type));
            expressions.push(Expr::Column(inner));
        }
        let open = left.open || right.open;
        let on = pairs.into_iter().map(|p| (p.left, p.right)).collect();
        let hidden = hidden::of_join(&left, &right, &columns);
        let kind = Kind::Join { left: Box::new(left.node), right: Box::new(right.node), kind, on };
        let node = Node { columns: joined, serialized: false, kind };
        Table { open, hidden, ..Table::new(super::projection(node, columns, expressions)) }
    }

    /// Tells of a column of the result what is known of it in a table.
    pub(super) fn tell_from(&mut self, table: &Table, column: &str, name: &str) {
        self.told.push((name.to_string(), table.known.of(column).cloned().unwrap_or(ANY)));
    }

    fn pairs(
        &mut self,
        condition: &JoinCondition,
        span: Span,
        left: &Table,
        right: &Table,
        scope: &Rc<Scope>,
    ) -> Vec<Pair> {
        let conditions = match condition {
            JoinCondition::On(conditions) => conditions,
            JoinCondition::Where(condition) => {
                self.unsupported(condition.span, "`where` in place of `on`");
                return Vec::new();
            }
            JoinCondition::None => {
                self.error("KS006", span, "a join needs `on` and its keys");
                return Vec::new();
            }
        };
        let mut pairs = Vec::new();
        for condition in conditions {
            self.pair(condition, left, right, scope, &mut pairs);
        }
        pairs
    }

    fn pair(&mut self, condition: &ast::Expr, left: &Table, right: &Table, scope: &Rc<Scope>, pairs: &mut Vec<Pair>) {
        match &condition.kind {
            ExprKind::Paren(inner) => self.pair(inner, left, right, scope, pairs),
            ExprKind::Binary { operator: BinaryOperator::And, left: a, right: b } => {
                self.pair(a, left, right, scope, pairs);
                self.pair(b, left, right, scope, pairs);
            }
            ExprKind::Name(name) => {
                let find = |table: &Table| table.node.columns.iter().find(|c| c.name == name.text).cloned();
                match (find(left), find(right)) {
                    (Some(l), Some(r)) => {
                        self.same_type(&l, left, &r, right, condition.span);
                        self.equal_pair(Expr::Column(l), Expr::Column(r), condition.span, pairs);
                    }
                    (l, r) => {
                        let missing = |side: &Option<Column>, table: &Table| side.is_none() && !table.open;
                        let (code, side) = match (missing(&l, left), missing(&r, right)) {
                            (true, true) => ("KS142", "neither side has"),
                            (true, false) => ("KS145", "the left side does not have"),
                            (false, true) => ("KS145", "the right side does not have"),
                            (false, false) => return,
                        };
                        let table = if missing(&l, left) { left } else { right };
                        let mut problem =
                            Diagnostic::error(code, name.span, format!("{side} a column `{}`", name.text));
                        if let Some(near) = nearest(&name.text, table.node.columns.iter().map(|c| c.name.as_str())) {
                            problem = problem.help(format!("did you mean `{near}`?"));
                        }
                        self.problem(problem);
                    }
                }
            }
            ExprKind::Binary { operator: BinaryOperator::Equal, left: a, right: b } => {
                let cx =
                    Context { sides: Some((left, right)), open: left.open || right.open, ..Context::rowless(scope) };
                let (a_bound, b_bound) = (self.scalar(a, &cx), self.scalar(b, &cx));
                if a_bound.scalar_type.is_none() || b_bound.scalar_type.is_none() {
                    return;
                }
                let odd = [odd_key("$left", a, &a_bound), odd_key("$right", b, &b_bound)].into_iter().flatten();
                match (side_of(&a_bound.expr), side_of(&b_bound.expr)) {
                    (Some(Side::Left), Some(Side::Right)) => {
                        self.strict.extend(odd);
                        self.equal_pair(without_side(a_bound.expr), without_side(b_bound.expr), condition.span, pairs);
                    }
                    (Some(Side::Right), Some(Side::Left)) => {
                        self.strict.extend(odd);
                        self.equal_pair(without_side(b_bound.expr), without_side(a_bound.expr), condition.span, pairs);
                    }
                    // What compares no two sides has at least one that is odd.
                    _ => self.problems.extend(odd),
                }
            }
            _ => self.problem(
                Diagnostic::error("KS182", condition.span, "a join takes equalities only")
                    .help("write the name of a column that both sides have, or `$left.a == $right.b`"),
            ),
        }
    }

    /// Microsoft's parser wants one type of two columns of one name, down to what it knows of a dynamic.
    fn same_type(&mut self, l: &Column, left: &Table, r: &Column, right: &Table, span: Span) {
        let seen = |column: &Column, table: &Table| {
            table.known.of(&column.name).cloned().unwrap_or(Seen::Scalar(column.scalar_type))
        };
        let (l_seen, r_seen) = (seen(l, left), seen(r, right));
        if l_seen != r_seen && l_seen != Seen::Unknown && r_seen != Seen::Unknown {
            let message = format!("`{}` is {} here and {} there", l.name, l_seen.describe(), r_seen.describe());
            self.strict.push(Diagnostic::error("KS227", span, message).help("convert one of them before the join"));
        }
    }

    fn equal_pair(&mut self, left: Expr, right: Expr, span: Span, pairs: &mut Vec<Pair>) {
        let (lt, rt) = (left.scalar_type(), right.scalar_type());
        let right_column = match &right {
            Expr::Column(column) => Some(column.name.clone()),
            _ => None,
        };
        let common = match (lt, rt) {
            (ScalarType::Dynamic, _) | (_, ScalarType::Dynamic) if self.guessing => return,
            (ScalarType::Dynamic, _) | (_, ScalarType::Dynamic) => {
                // The parser lets it pass where one name stands for both keys; the engine refuses keys that are dynamic.
                self.refuse("AQ026", span, "a dynamic value can't be a join key: convert it with tostring()");
                return;
            }
            _ if lt == rt => Some(lt),
            _ => common_number(lt, rt).filter(|_| lt.is_integer() && rt.is_integer()),
        };
        match common {
            Some(common) => {
                pairs.push(Pair { left: to(left, common), right: to(right, common), right_column });
            }
            None => {
                self.problem(
                    Diagnostic::error("KS242", span, format!("the keys have different types: {lt} and {rt}"))
                        .help("convert one of them before the join"),
                );
            }
        }
    }
}

/// Holds a key against what Microsoft's parser wants: `$left.column`, then `$right.column`, none of them dynamic. The engine
/// takes both orders, and expressions.
fn odd_key(side: &str, key: &ast::Expr, bound: &Scalar) -> Option<Diagnostic> {
    let mut inner = key;
    while let ExprKind::Paren(expr) = &inner.kind {
        inner = expr;
    }
    let of_side = match &inner.kind {
        ExprKind::Member { base, .. } | ExprKind::Element { base, .. } => {
            matches!(&base.kind, ExprKind::Name(name) if name.text == side)
        }
        _ => false,
    };
    if !of_side {
        let message = format!("this side of `==` is a column of the {} table", &side[1..]);
        return Some(Diagnostic::error("KS183", key.span, message).help(format!("write `{side}.COLUMN`")));
    }
    bound.seen().is_dynamic().then(|| {
        Diagnostic::error("KS241", key.span, "a dynamic value can't be a join key").help("convert it with tostring()")
    })
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Tells which side's columns an expression reads, None where it reads none or both.
fn side_of(expr: &Expr) -> Option<Side> {
    let mut names = std::collections::HashSet::new();
    expr.columns_read(&mut names);
    let left = names.iter().any(|n| n.starts_with("$left."));
    let right = names.iter().any(|n| n.starts_with("$right."));
    match (left, right) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}

fn without_side(expr: Expr) -> Expr {
    match expr {
        Expr::Column(column) => {
            let name = column.name.strip_prefix("$left.").or_else(|| column.name.strip_prefix("$right."));
            Expr::Column(Column::new(name.unwrap_or(&column.name), column.scalar_type))
        }
        Expr::Convert { value, to } => Expr::Convert { value: Box::new(without_side(*value)), to },
        Expr::Path { base, steps } => Expr::Path { base: Box::new(without_side(*base)), steps },
        Expr::ParseJson(text) => Expr::ParseJson(Box::new(without_side(*text))),
        Expr::Call { function, overload, arguments, returns, at } => {
            let arguments = arguments.into_iter().map(without_side).collect();
            Expr::Call { function, overload, arguments, returns, at }
        }
        other => other,
    }
}
