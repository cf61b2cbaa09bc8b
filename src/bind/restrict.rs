//! `restrict access to (...)`: which tables and views the rest of a query can see.
//!
//! A view that was declared before sees what it saw then: the restriction belongs to the scope behind the statement.

use std::collections::HashSet;
use std::rc::Rc;

use super::place::Qualifier;
use super::scope::{Binding, Scope};
use super::{Binder, operator};
use crate::catalog::Place;
use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::{self, ExprKind};

/// What can be seen behind a `restrict`.
#[derive(Debug, Default)]
pub(super) struct Restriction {
    /// Tabular names that were declared before and that the statement does not list.
    hidden: HashSet<String>,
    /// Tables and functions that it lists: where they are (None for here) and a name or a wildcard.
    listed: Vec<(Option<Place>, String)>,
}

impl Restriction {
    /// Tells whether a table or saved function of a place is listed.
    fn lists(&self, place: Option<&Place>, name: &str) -> bool {
        self.listed.iter().any(|(other, pattern)| other.as_ref() == place && operator::matches_wildcard(pattern, name))
    }
}

impl Binder<'_> {
    pub(super) fn restrict(&mut self, entities: &[ast::Expr], scope: &Rc<Scope>) {
        let mut restriction = Restriction { hidden: scope.tabular_names(self), ..Restriction::default() };
        for entity in entities {
            self.restrict_to(entity, &mut restriction, scope);
        }
        // Of two restrictions both hold.
        if let Some(before) = scope.restriction() {
            restriction.hidden.extend(before.hidden.iter().cloned());
            restriction.listed.retain(|(place, name)| before.lists(place.as_ref(), name));
        }
        scope.restrict(restriction);
    }

    fn restrict_to(&mut self, entity: &ast::Expr, restriction: &mut Restriction, scope: &Rc<Scope>) {
        match &entity.kind {
            ExprKind::Paren(inner) => self.restrict_to(inner, restriction, scope),
            // `*` alone is every view and tabular `let`, and no table.
            ExprKind::Star => restriction.hidden.clear(),
            ExprKind::Wildcard(pattern) if pattern == "*" => restriction.hidden.clear(),
            ExprKind::Wildcard(pattern) => self.unsupported(entity.span, format_args!("`{pattern}` in `restrict`")),
            ExprKind::Name(name) => {
                if scope.find(&name.text).is_some() {
                    restriction.hidden.remove(&name.text);
                } else if self.is_there(&name.text) {
                    restriction.listed.push((None, name.text.clone()));
                } else {
                    self.error("KS142", name.span, format!("there is no table, view or function `{}`", name.text));
                }
            }
            ExprKind::Member { base, member } => {
                let place = match self.qualifier(base, scope) {
                    Qualifier::Here => None,
                    Qualifier::Place(place) => Some(place),
                    Qualifier::Unknown => {
                        return self.refuse("AQ037", base.span, "where a name leads to must be a constant");
                    }
                    Qualifier::NoPlace => {
                        self.holds_no_tables(member);
                        return;
                    }
                    Qualifier::Wrong => return,
                };
                // Quoted, `*` is a sign like others.
                if member.quoted && member.text.contains('*') {
                    return self.unsupported(member.span, "a name with `*` in `restrict`");
                }
                restriction.listed.push((place, member.text.clone()));
            }
            _ => self.unsupported(entity.span, "this in `restrict`"),
        }
    }

    fn is_there(&self, name: &str) -> bool {
        self.catalog.table(name).is_some() || self.catalog.function(name).is_some() || name.starts_with("_GetWatchlist")
    }

    /// Tells whether a declared name can be seen.
    pub(super) fn sees_declared(&self, name: &str, scope: &Scope) -> bool {
        scope.restriction().is_none_or(|restriction| !restriction.hidden.contains(name))
    }

    /// Tells whether a table or saved function can be seen; None is the place of the query itself.
    pub(super) fn sees(&self, place: Option<&Place>, name: &str, scope: &Scope) -> bool {
        scope.restriction().is_none_or(|restriction| restriction.lists(place, name))
    }

    pub(super) fn out_of_sight(&mut self, name: &str, span: Span) {
        let message = format!("`restrict access` does not let the query see `{name}`");
        self.refusals.push(
            Diagnostic::error("AQ038", span, message)
                .help("name it in the `restrict` statement, or use what is listed there"),
        );
    }
}

impl Scope {
    /// Returns the names that stand for tables, views and patterns.
    fn tabular_names(&self, binder: &Binder) -> HashSet<String> {
        let is_tabular = |name: &String| match self.find(name) {
            Some(Binding::Table(_) | Binding::Pattern(_)) => true,
            Some(Binding::Function(function)) => binder.is_tabular_function(&function),
            Some(Binding::Scalar(_) | Binding::Group(_) | Binding::Place(_) | Binding::Cluster(_)) | None => false,
        };
        self.names().into_iter().filter(is_tabular).collect()
    }
}
