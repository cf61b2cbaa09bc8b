//! `union`.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::super::call::UserCall;
use super::super::hidden;
use super::super::name::free_name;
use super::super::scope::{Binding, Context, Scope};
use super::super::seen::{ANY, Seen};
use super::super::{Binder, Table};
use super::project::matches_wildcard;
use super::{projection, word};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, OperatorParameter};
use crate::types::{Column, ScalarType, Value};

/// How many expressions a union may be made of where only its columns are asked for: `union *` over all tables of Log
/// Analytics has 27,000 columns for each of 1,943 tables.
pub(super) const MOST_CELLS: usize = 100_000;

impl Binder<'_> {
    pub(in crate::bind) fn union(
        &mut self,
        input: Option<Table>,
        parameters: &[OperatorParameter],
        tables: &[ast::Expr],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        let fuzzy = self.is_fuzzy(parameters);
        let mut legs: Vec<Table> =
            input.map(|t| Table { label: t.label.clone().filter(|_| t.named), ..t }).into_iter().collect();
        for table in tables {
            self.leg(table, fuzzy, scope, &mut legs);
        }
        self.union_of(legs, parameters, fuzzy, span)
    }

    /// Tells whether tables that are not there are left out.
    pub(super) fn is_fuzzy(&self, parameters: &[OperatorParameter]) -> bool {
        self.set.best_effort || word(parameters, "isfuzzy").is_some_and(|(v, _)| matches!(v, "true" | "1"))
    }

    /// Unites tables as the parameters of `union` say.
    pub(super) fn union_of(
        &mut self,
        legs: Vec<Table>,
        parameters: &[OperatorParameter],
        fuzzy: bool,
        span: Span,
    ) -> Table {
        let inner = word(parameters, "kind").is_some_and(|(v, _)| v == "inner");
        let source = word(parameters, "withsource").or_else(|| word(parameters, "with_source"));
        if legs.is_empty() {
            if !fuzzy {
                self.refuse("AQ027", span, "there is no table to unite");
            } else if !self.catalog.is_for_checks() {
                // Documented: where nothing is found, the query fails with isfuzzy as well.
                let message = "none of these tables is there: `isfuzzy=true` leaves out some, never all";
                self.refuse("AQ027", span, message);
            }
            return Binder::nothing();
        }
        let legs = Table::with_ingestion_of_all(legs);
        if let Some((_, at)) = source {
            self.tables_with_names(&legs, at);
        }
        let columns = if inner { common_columns(&legs) } else { all_columns(&legs, self.catalog.is_for_checks()) };
        if inner && !self.guessing && columns.iter().any(|column| column.name != column.column.name) {
            // Microsoft's parser keeps them all; whether the engine does has not been seen.
            self.unsupported(span, "`union kind=inner` of columns whose types differ");
        }
        let label = source.map(|(name, _)| free_name(name, |n| columns.iter().any(|c| c.column.name == n)));
        self.united(legs, &columns, label.as_deref(), "union_arg")
    }

    /// Puts tables below each other. `label` names a first column that says which one a row is from: by its name, or by
    /// `stem` and its place.
    pub(super) fn united(&mut self, legs: Vec<Table>, columns: &[Merged], label: Option<&str>, stem: &str) -> Table {
        let open = legs.iter().any(|leg| leg.open) || (self.guessing && may_differ(&legs));
        self.tell_of_legs(&legs, columns);
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

    /// Tells of the columns of a union what all legs know of them.
    fn tell_of_legs(&mut self, legs: &[Table], columns: &[Merged]) {
        if legs.iter().all(|leg| leg.known.is_empty()) {
            return;
        }
        for column in columns.iter().filter(|column| column.column.scalar_type == ScalarType::Dynamic) {
            let has = |leg: &&Table| {
                leg.node.columns.iter().any(|c| c.name == column.name && c.scalar_type == ScalarType::Dynamic)
            };
            let mut seen = legs.iter().filter(has).map(|leg| leg.known.of(&column.name).cloned().unwrap_or(ANY));
            let first = seen.next().unwrap_or(ANY);
            let told = if seen.all(|other| other == first) { first } else { ANY };
            self.told.push((column.column.name.clone(), told));
        }
    }

    /// Binds one of the tables of a list; a wildcard gives several.
    pub(super) fn leg(&mut self, expr: &ast::Expr, fuzzy: bool, scope: &Rc<Scope>, legs: &mut Vec<Table>) {
        match &expr.kind {
            ExprKind::Star => self.wildcard("*", expr.span, fuzzy, scope, legs),
            ExprKind::Member { base, member } if !member.quoted && member.text.contains('*') => {
                let names = self.names_of(base, scope);
                let found = names.into_iter().filter(|name| matches_wildcard(&member.text, name));
                let found: Vec<Table> = found
                    .map(|text| self.qualified_table(base, &ast::Name { span: expr.span, text, quoted: true }, scope))
                    .collect();
                if found.is_empty() && !fuzzy {
                    self.error("KS142", member.span, format!("no table there matches `{}`", member.text));
                }
                legs.extend(found);
            }
            ExprKind::Wildcard(pattern) => self.wildcard(pattern, expr.span, fuzzy, scope, legs),
            _ => legs.extend(self.fuzzy_leg(fuzzy, |binder| binder.table(expr, scope))),
        }
    }

    /// Binds a table; with `fuzzy` what reads a table that is not there is left out. Where nothing runs, its columns
    /// count.
    pub(super) fn fuzzy_leg(&mut self, fuzzy: bool, bind: impl FnOnce(&mut Self) -> Table) -> Option<Table> {
        let (missing, refusals) = (self.missing, self.refusals.len());
        self.fuzzy += usize::from(fuzzy);
        let leg = bind(self);
        self.fuzzy -= usize::from(fuzzy);
        if fuzzy && self.missing > missing && !self.catalog.is_for_checks() {
            self.refusals.truncate(refusals);
            return None;
        }
        Some(leg)
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
        let names = self.catalog.names().filter(|n| matches_wildcard(pattern, n) && self.sees(None, n, scope));
        let names: Vec<String> = names.map(str::to_string).collect();
        for name in names {
            if !matches!(scope.find(&name), Some(Binding::Table(_))) {
                legs.push(self.named_table(&ast::Name { span, text: name, quoted: false }, scope));
            }
        }
        for (name, function) in scope.views() {
            if self.sees_declared(&name, scope)
                && matches_wildcard(pattern, &name)
                && self.is_tabular_function(&function)
            {
                let table = self.call_function_table(&function, UserCall::bare(span), &Context::rowless(scope));
                legs.push(Table { label: Some(name), ..table });
            }
        }
        if legs.len() == before {
            let problem = Diagnostic::error("KS142", span, format!("no table matches `{pattern}`"));
            // Microsoft's parser minds it even with isfuzzy.
            if fuzzy { self.strict.push(problem) } else { self.problem(problem) }
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

/// Columns by first appearance of their names; one name with several types becomes `name_type` for each, next to each
/// other (so Microsoft's parser). A column that is called so by itself keeps its name, and the other gets a number
/// (documented by the printed result; Microsoft's parser names them the other way around).
pub(super) fn all_columns(legs: &[Table], lossy: bool) -> Vec<Merged> {
    let is_unknown = |leg: &Table, column: &Column| lossy && leg.known.of(&column.name) == Some(&Seen::Unknown);
    merged(legs.iter().flat_map(|leg| leg.node.columns.iter().map(move |c| (c, is_unknown(leg, c)))), lossy)
}

/// Tells whether a dynamic column meets one of another type: the two may yet be one.
fn may_differ(legs: &[Table]) -> bool {
    let columns = || legs.iter().flat_map(|leg| &leg.node.columns);
    let is_dynamic = |column: &&Column| column.scalar_type == ScalarType::Dynamic;
    let dynamic: HashSet<&str> = columns().filter(is_dynamic).map(|column| column.name.as_str()).collect();
    columns().any(|column| !is_dynamic(&column) && dynamic.contains(column.name.as_str()))
}

/// Merges columns by name and type.
///
/// Of a name that stood twice with one type Microsoft's parser forgets all other types that come later. With `lossy` that
/// is done too, and a column whose type only the data tell has whatever type others have: `union *` over all tables of Log Analytics would hardly have a name left that queries know.
fn merged<'a>(columns: impl Iterator<Item = (&'a Column, bool)>, lossy: bool) -> Vec<Merged> {
    let mut names: Vec<&str> = Vec::new();
    let mut types: HashMap<&str, (Vec<ScalarType>, usize)> = HashMap::new();
    for (column, unknown) in columns {
        let (types, count) = types.entry(&column.name).or_insert_with(|| {
            names.push(&column.name);
            (Vec::new(), 0)
        });
        let settled = lossy && types.len() == 1 && *count > 1;
        if !settled && !unknown && !types.contains(&column.scalar_type) {
            types.push(column.scalar_type);
        }
        *count += usize::from(!unknown);
    }
    let is_one = |name: &&&str| types[**name].0.len() < 2;
    let mut taken: HashSet<String> = names.iter().filter(is_one).map(ToString::to_string).collect();
    let mut merged = Vec::new();
    for name in names {
        let (types, _) = &types[name];
        let types: &[ScalarType] = if types.is_empty() { &[ScalarType::Dynamic] } else { types };
        for scalar_type in types {
            let own = match types.len() {
                1 => name.to_string(),
                _ => free_name(&format!("{name}_{scalar_type}"), |n| taken.contains(n)),
            };
            taken.insert(own.clone());
            merged.push(Merged { name: name.to_string(), column: Column::new(own, *scalar_type) });
        }
    }
    merged
}

/// Columns whose names all inputs have.
fn common_columns(legs: &[Table]) -> Vec<Merged> {
    let names: Vec<HashSet<&str>> =
        legs.iter().map(|leg| leg.node.columns.iter().map(|column| column.name.as_str()).collect()).collect();
    let in_all = |column: &&Column| names.iter().all(|names| names.contains(column.name.as_str()));
    merged(legs.iter().flat_map(|leg| &leg.node.columns).filter(in_all).map(|c| (c, false)), false)
}
