//! What a name can stand for at a place in a text.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::Table;
use super::case::Cases;
use super::expression::Scalar;
use super::operator::scan::Steps;
use super::pattern::Pattern;
use super::restrict::Restriction;
use super::stored::Stored;
use crate::catalog::Place;
use crate::plan::{AggregateCall, Expr, WindowCall};
use crate::syntax::ast;
use crate::types::Column;

/// The names declared so far, inner ones first.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: RefCell<HashMap<String, Binding>>,
    /// What `restrict` leaves to be seen.
    restriction: RefCell<Option<Rc<Restriction>>>,
    parent: Option<Rc<Scope>>,
}

/// What a declared name stands for.
#[derive(Debug, Clone)]
pub(super) enum Binding {
    Scalar(Scalar),
    Table(Rc<Table>),
    Function(Rc<Function>),
    Pattern(Rc<Cases>),
    /// `entity_group [...]`: places, clusters or tables.
    Group(Rc<Vec<Binding>>),
    /// A database or a workspace, where `macro-expand` gives it a name; None where it is this one.
    Place(Option<Place>),
    /// A cluster, likewise.
    Cluster(String),
}

/// A function of the user's.
#[derive(Debug)]
pub(super) struct Function {
    pub name: String,
    pub view: bool,
    pub parameters: Vec<ast::Parameter>,
    pub body: ast::Query,
    /// What its body can see besides its parameters.
    pub scope: Rc<Scope>,
    /// Where it comes from, if a query did not declare it.
    pub stored: Option<Rc<Stored>>,
}

impl Scope {
    pub(super) fn child(parent: &Rc<Scope>) -> Rc<Scope> {
        Rc::new(Scope { parent: Some(parent.clone()), ..Scope::default() })
    }

    /// Makes a copy of what can be seen now: later declarations do not show in it.
    pub(super) fn frozen(scope: &Rc<Scope>) -> Rc<Scope> {
        let names = RefCell::new(scope.names.borrow().clone());
        let restriction = RefCell::new(scope.restriction.borrow().clone());
        Rc::new(Scope { names, restriction, parent: scope.parent.as_ref().map(Scope::frozen) })
    }

    /// Makes a scope in which nothing is declared, and no more of tables can be seen than in another one.
    pub(super) fn bare(scope: &Scope) -> Rc<Scope> {
        Rc::new(Scope { restriction: RefCell::new(scope.restriction()), ..Scope::default() })
    }

    pub(super) fn restrict(&self, restriction: Restriction) {
        *self.restriction.borrow_mut() = Some(Rc::new(restriction));
    }

    /// Returns what limits the tables that can be seen here.
    pub(super) fn restriction(&self) -> Option<Rc<Restriction>> {
        let own = self.restriction.borrow().clone();
        own.or_else(|| self.parent.as_ref().and_then(|parent| parent.restriction()))
    }

    pub(super) fn find(&self, name: &str) -> Option<Binding> {
        let found = self.names.borrow().get(name).cloned();
        found.or_else(|| self.parent.as_ref().and_then(|parent| parent.find(name)))
    }

    /// Makes the scope of a query within an expression. What depends on the row there, as a function's parameter may,
    /// stands for columns whose names no text can spell, so that no column of the query is taken for them.
    pub(super) fn of_query(scope: &Rc<Scope>) -> Rc<Scope> {
        let inner = Scope::child(scope);
        for name in scope.names() {
            let Some(Binding::Scalar(mut scalar)) = scope.find(&name) else { continue };
            let mut read = HashSet::new();
            scalar.expr.columns_read(&mut read);
            if !read.is_empty() {
                of_row_around(&mut scalar.expr);
                inner.declare(name, Binding::Scalar(Scalar { parts: None, ..scalar }));
            }
        }
        inner
    }

    /// Tells whether this level declares the name.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.names.borrow().contains_key(name)
    }

    pub(super) fn declare(&self, name: impl Into<String>, binding: Binding) {
        self.names.borrow_mut().insert(name.into(), binding);
    }

    /// Returns all names that can be seen, for suggestions.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.names.borrow().keys().cloned().collect();
        if let Some(parent) = &self.parent {
            names.extend(parent.names());
        }
        names
    }

    /// Returns the views in the order of their declarations, for wildcards and for `search`.
    pub(super) fn views(&self) -> Vec<(String, Rc<Function>)> {
        let mut views = self.parent.as_ref().map(|parent| parent.views()).unwrap_or_default();
        for (name, binding) in self.names.borrow().iter() {
            if let Binding::Function(function) = binding
                && function.view
            {
                views.push((name.clone(), function.clone()));
            }
        }
        views.sort_by_key(|(_, function)| function.body.statements.first().map(|statement| statement.span.start));
        views
    }
}

fn of_row_around(expr: &mut Expr) {
    if let Expr::Column(column) = expr {
        column.name = format!("\u{1}around {}", column.name);
    }
    expr.for_each_operand_mut(&mut of_row_around);
}

/// What an expression stands in.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub scope: &'a Rc<Scope>,
    /// The row: its columns, none outside of an operator.
    pub columns: &'a [Column],
    /// Those of the columns that are no part of `*`.
    pub hidden: &'a [String],
    /// What is known of dynamic columns beyond their type.
    pub known: Option<&'a super::seen::Columns>,
    /// `$left` and `$right` of a join.
    pub sides: Option<(&'a Table, &'a Table)>,
    /// An unknown name may be a column that only the data tell.
    pub open: bool,
    /// The row stands in a serialized relation.
    pub serialized: bool,
    /// In `summarize`: where aggregates are collected.
    pub aggregates: Option<&'a RefCell<Vec<AggregateCall>>>,
    /// Where window functions are collected.
    pub windows: Option<&'a RefCell<Vec<WindowCall>>>,
    /// In a step of `scan`: the state that it can read.
    pub steps: Option<&'a RefCell<Steps>>,
    /// In `graph-match` and its kin: the elements of the pattern.
    pub pattern: Option<Pattern<'a>>,
}

impl<'a> Context<'a> {
    /// Makes the context of an expression outside of any row.
    pub(super) fn rowless(scope: &'a Rc<Scope>) -> Self {
        Context {
            scope,
            columns: &[],
            hidden: &[],
            known: None,
            sides: None,
            open: false,
            serialized: false,
            aggregates: None,
            windows: None,
            steps: None,
            pattern: None,
        }
    }

    /// Makes the context of an expression over the rows of a table.
    pub(super) fn row(scope: &'a Rc<Scope>, table: &'a Table) -> Self {
        Context {
            columns: &table.node.columns,
            hidden: &table.hidden,
            known: Some(&table.known),
            open: table.open,
            serialized: table.node.serialized,
            ..Context::rowless(scope)
        }
    }

    pub(super) fn column(&self, name: &str) -> Option<&'a Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
