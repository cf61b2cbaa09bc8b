//! `union`.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::super::hidden;
use super::super::name::free_name;
use super::super::scope::{Binding, Context, Scope};
use super::super::{Binder, Table};
use super::project::matches_wildcard;
use super::{projection, word};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, OperatorParameter};
use crate::types::{Column, ScalarType, Value};

/// How many expressions a union may be made of where only its columns are asked for: `union *` over all tables of Log
/// Analytics has 27,000 columns for each of 1,943 tables.
const MOST_CELLS: usize = 100_000;

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
        let legs = Table::with_ingestion_of_all(legs);
        let columns = if inner { common_columns(&legs) } else { all_columns(&legs) };
        let label = source.map(|(name, _)| free_name(name, |n| columns.iter().any(|c| c.column.name == n)));
        self.united(legs, &columns, label.as_deref(), "union_arg")
    }

    /// Puts tables below each other. `label` names a first column that says which one a row is from: by its name, or by
    /// `stem` and its place.
    pub(super) fn united(&mut self, legs: Vec<Table>, columns: &[Merged], label: Option<&str>, stem: &str) -> Table {
        let open = legs.iter().any(|leg| leg.open) || (self.guessing && may_differ(&legs));
        let mut result: Vec<Column> = label.iter().map(|name| Column::new(*name, ScalarType::String)).collect();
        result.extend(columns.iter().map(|c| c.column.clone()));
        if self.catalog.is_for_checks() && legs.len() * result.len() > MOST_CELLS {
            self.runnable = false;
            let node = Node { columns: result, serialized: false, kind: Kind::Values { rows: Vec::new() } };
            return Table { open, ..Table::new(node) };
        }
        let hidden = hidden::of_union(&legs, &result);
        let inputs = legs.into_iter().enumerate().map(|(index, leg)| {
            let mut expressions = Vec::with_capacity(result.len());
            if label.is_some() {
                let name = leg.label.clone().unwrap_or_else(|| format!("{stem}{index}"));
                expressions.push(Expr::Literal(Value::String(name)));
            }
            expressions.extend(columns.iter().map(|column| column.of(&leg)));
            projection(leg.node, result.clone(), expressions)
        });
        let kind = Kind::Union { inputs: inputs.collect() };
        Table { open, hidden, ..Table::new(Node { columns: result, serialized: false, kind }) }
    }

    /// Binds one of the tables of a list; a wildcard gives several.
    pub(super) fn leg(&mut self, expr: &ast::Expr, fuzzy: bool, scope: &Rc<Scope>, legs: &mut Vec<Table>) {
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

    pub(super) fn wildcard(
        &mut self,
        pattern: &str,
        span: Span,
        fuzzy: bool,
        scope: &Rc<Scope>,
        legs: &mut Vec<Table>,
    ) {
        let before = legs.len();
        let names: Vec<String> =
            self.catalog.names().filter(|n| matches_wildcard(pattern, n)).map(str::to_string).collect();
        for name in names {
            if !matches!(scope.find(&name), Some(Binding::Table(_))) {
                legs.push(self.named_table(&ast::Name { span, text: name, quoted: false }, scope));
            }
        }
        for (name, function) in scope.views() {
            if matches_wildcard(pattern, &name) && self.is_tabular_function(&function) {
                let table = self.call_function_table(&function, &[], span, &Context::rowless(scope));
                legs.push(Table { label: Some(name), ..table });
            }
        }
        if legs.len() == before && !fuzzy {
            self.error("KS142", span, format!("no table matches `{pattern}`"));
        }
    }
}

/// A column of the result, with the name that it has in the inputs.
pub(super) struct Merged {
    pub name: String,
    pub column: Column,
}

impl Merged {
    /// Returns the column of an input, or what stands for it where the input has none.
    pub(super) fn of(&self, leg: &Table) -> Expr {
        let same = |c: &&Column| c.name == self.name && c.scalar_type == self.column.scalar_type;
        match leg.node.columns.iter().find(same) {
            Some(found) => Expr::Column(found.clone()),
            None => Expr::Literal(Value::missing(self.column.scalar_type)),
        }
    }
}

/// Columns by first appearance; one name with several types becomes `name_type` for each (measured).
pub(super) fn all_columns(legs: &[Table]) -> Vec<Merged> {
    let mut seen: HashSet<&Column> = HashSet::new();
    let columns: Vec<&Column> =
        legs.iter().flat_map(|leg| &leg.node.columns).filter(|column| seen.insert(column)).collect();
    let mut types: HashMap<&str, usize> = HashMap::new();
    for column in &columns {
        *types.entry(&column.name).or_default() += 1;
    }
    let mut taken: HashSet<String> = HashSet::new();
    let merged = columns.iter().map(|column| {
        let name = if types[column.name.as_str()] > 1 {
            let wanted = format!("{}_{}", column.name, column.scalar_type);
            free_name(&wanted, |n| types.get(n) == Some(&1) || taken.contains(n))
        } else {
            column.name.clone()
        };
        taken.insert(name.clone());
        Merged { name: column.name.clone(), column: Column::new(name, column.scalar_type) }
    });
    merged.collect()
}

/// Tells whether a dynamic column meets one of another type: the two may yet be one.
fn may_differ(legs: &[Table]) -> bool {
    let columns = || legs.iter().flat_map(|leg| &leg.node.columns);
    let is_dynamic = |column: &&Column| column.scalar_type == ScalarType::Dynamic;
    let dynamic: HashSet<&str> = columns().filter(is_dynamic).map(|column| column.name.as_str()).collect();
    columns().any(|column| !is_dynamic(&column) && dynamic.contains(column.name.as_str()))
}

/// Columns that all inputs have, by name and type.
pub(super) fn common_columns(legs: &[Table]) -> Vec<Merged> {
    let Some((first, rest)) = legs.split_first() else { return Vec::new() };
    let in_all = |c: &&Column| rest.iter().all(|leg| leg.node.columns.contains(c));
    first.node.columns.iter().filter(in_all).map(|c| Merged { name: c.name.clone(), column: c.clone() }).collect()
}
