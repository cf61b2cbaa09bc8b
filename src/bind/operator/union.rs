//! `union`.

use std::rc::Rc;

use super::super::name::free_name;
use super::super::scope::{Binding, Context, Scope};
use super::super::{Binder, Table};
use super::project::matches_wildcard;
use super::{projection, word};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, OperatorParameter};
use crate::types::{Column, ScalarType, Value};

impl Binder<'_> {
    pub(in crate::bind) fn union(
        &mut self,
        input: Option<Table>,
        parameters: &[OperatorParameter],
        tables: &[ast::Expr],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        let fuzzy = word(parameters, "isfuzzy").is_some_and(|(v, _)| matches!(v, "true" | "1"));
        let inner = word(parameters, "kind").is_some_and(|(v, _)| v == "inner");
        let source = word(parameters, "withsource").or_else(|| word(parameters, "with_source"));
        let mut legs: Vec<Table> =
            input.map(|t| Table { label: t.label.clone().filter(|_| t.named), ..t }).into_iter().collect();
        for table in tables {
            self.leg(table, fuzzy, scope, &mut legs);
        }
        if legs.is_empty() {
            if !fuzzy {
                self.refuse("AQ027", span, "there is no table to unite");
            }
            return Binder::nothing();
        }
        let open = legs.iter().any(|leg| leg.open);
        let columns = if inner { common_columns(&legs) } else { all_columns(&legs) };
        let label = source.map(|(name, _)| {
            let name = free_name(name, |n| columns.iter().any(|c| c.column.name == n));
            Column::new(name, ScalarType::String)
        });
        let mut result: Vec<Column> = label.iter().cloned().collect();
        result.extend(columns.iter().map(|c| c.column.clone()));
        let inputs = legs
            .into_iter()
            .enumerate()
            .map(|(index, leg)| {
                let mut expressions = Vec::with_capacity(result.len());
                if label.is_some() {
                    let name = leg.label.clone().unwrap_or_else(|| format!("union_arg{index}"));
                    expressions.push(Expr::Literal(Value::String(name)));
                }
                for column in &columns {
                    let found = leg
                        .node
                        .columns
                        .iter()
                        .find(|c| c.name == column.name && c.scalar_type == column.column.scalar_type);
                    expressions.push(match found {
                        Some(found) => Expr::Column(found.clone()),
                        None => Expr::Literal(Value::missing(column.column.scalar_type)),
                    });
                }
                projection(leg.node, result.clone(), expressions)
            })
            .collect();
        let node = Node { columns: result, serialized: false, kind: Kind::Union { inputs } };
        Table { open, ..Table::new(node) }
    }

    fn leg(&mut self, expr: &ast::Expr, fuzzy: bool, scope: &Rc<Scope>, legs: &mut Vec<Table>) {
        match &expr.kind {
            ExprKind::Star => self.wildcard("*", expr.span, fuzzy, scope, legs),
            ExprKind::Wildcard(pattern) => self.wildcard(pattern, expr.span, fuzzy, scope, legs),
            // With isfuzzy a table that is not there is left out.
            ExprKind::Name(name)
                if fuzzy && scope.find(&name.text).is_none() && self.catalog.table(&name.text).is_none() =>
            {
                self.problem(Diagnostic::warning(
                    "KS205",
                    name.span,
                    format!("there is no table `{}`; it is left out", name.text),
                ));
            }
            _ => {
                let (problems, refusals) = (self.problems.len(), self.refusals.len());
                let leg = self.table(expr, scope);
                if fuzzy && leg.open && self.only_missing_tables(problems) {
                    for problem in &mut self.problems[problems..] {
                        problem.severity = crate::diagnostic::Severity::Warning;
                        problem.code = "KS205";
                    }
                    self.refusals.truncate(refusals);
                    return;
                }
                legs.push(leg);
            }
        }
    }

    fn only_missing_tables(&self, from: usize) -> bool {
        let new = &self.problems[from..];
        !new.is_empty() && new.iter().all(|p| matches!(p.code, "KS204" | "KS205"))
    }

    fn wildcard(&mut self, pattern: &str, span: Span, fuzzy: bool, scope: &Rc<Scope>, legs: &mut Vec<Table>) {
        let before = legs.len();
        for (name, function) in scope.views() {
            if matches_wildcard(pattern, &name) && self.is_tabular_function(&function) {
                let table = self.call_function_table(&function, &[], span, &Context::rowless(scope));
                legs.push(Table { label: Some(name), ..table });
            }
        }
        let names: Vec<String> =
            self.catalog.tables().iter().map(|t| t.name.clone()).filter(|n| matches_wildcard(pattern, n)).collect();
        for name in names {
            if !matches!(scope.find(&name), Some(Binding::Table(_))) {
                legs.push(self.named_table(&ast::Name { span, text: name, quoted: false }, scope));
            }
        }
        if legs.len() == before && !fuzzy {
            self.error("KS204", span, format!("no table matches `{pattern}`"));
        }
    }
}

/// A column of the result, with the name that it has in the inputs.
struct Merged {
    name: String,
    column: Column,
}

/// Columns by first appearance; one name with several types becomes `name_type` for each (measured).
fn all_columns(legs: &[Table]) -> Vec<Merged> {
    let mut seen: Vec<Column> = Vec::new();
    for column in legs.iter().flat_map(|leg| &leg.node.columns) {
        if !seen.contains(column) {
            seen.push(column.clone());
        }
    }
    let ambiguous = |name: &str| seen.iter().filter(|c| c.name == name).count() > 1;
    let plain: Vec<&str> = seen.iter().map(|c| c.name.as_str()).filter(|n| !ambiguous(n)).collect();
    let mut taken: Vec<String> = Vec::new();
    seen.iter()
        .map(|c| {
            let name = if ambiguous(&c.name) {
                let wanted = format!("{}_{}", c.name, c.scalar_type);
                free_name(&wanted, |n| plain.contains(&n) || taken.iter().any(|t| t == n))
            } else {
                c.name.clone()
            };
            taken.push(name.clone());
            Merged { name: c.name.clone(), column: Column::new(name, c.scalar_type) }
        })
        .collect()
}

/// Columns that all inputs have, by name and type.
fn common_columns(legs: &[Table]) -> Vec<Merged> {
    let Some((first, rest)) = legs.split_first() else { return Vec::new() };
    let in_all = |c: &&Column| rest.iter().all(|leg| leg.node.columns.contains(c));
    first.node.columns.iter().filter(in_all).map(|c| Merged { name: c.name.clone(), column: c.clone() }).collect()
}
