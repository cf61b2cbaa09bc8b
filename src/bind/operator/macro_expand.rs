//! `macro-expand`: a query over each database of a group, and the union of what they give.
//!
//! Documented (macro-expand-operator): the name stands for one entity after the other, the rest of the query sees what it
//! would see anyway, and the results are united as `union` does.

use std::rc::Rc;

use super::super::expression::Scalar;
use super::super::place::Qualifier;
use super::super::scope::{Binding, Scope};
use super::super::{Binder, MAX_CALLS, MOST_CALLS, Table};
use super::word;
use crate::catalog::Place;
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::Expr;
use crate::syntax::ast::{self, ExprKind, OperatorKind};
use crate::types::Value;

impl Binder<'_> {
    /// Binds the entities of `entity_group [...]`, which are of one kind.
    pub(in crate::bind) fn entity_group(&mut self, members: &[ast::Expr], scope: &Rc<Scope>) -> Vec<Binding> {
        let mut entities: Vec<Binding> = Vec::new();
        for member in members {
            let Some(entity) = self.entity(member, scope) else { continue };
            let first = entities.first().unwrap_or(&entity);
            if std::mem::discriminant(first) != std::mem::discriminant(&entity) {
                self.unsupported(member.span, "an `entity_group` of several kinds of entities");
            }
            entities.push(entity);
        }
        entities
    }

    fn entity(&mut self, member: &ast::Expr, scope: &Rc<Scope>) -> Option<Binding> {
        let is_name = |name: &ast::Name| matches!(scope.find(&name.text), None | Some(Binding::Table(_)));
        match &member.kind {
            ExprKind::Call { name, arguments } if name.text == "cluster" => {
                return match self.place_name(arguments, scope) {
                    Some(name) => Some(Binding::Cluster(name)),
                    None => self.no_constant(member.span),
                };
            }
            ExprKind::Name(name) if is_name(name) => return Some(Binding::Table(Rc::new(self.table(member, scope)))),
            ExprKind::Member { .. } => return Some(Binding::Table(Rc::new(self.table(member, scope)))),
            ExprKind::Call { .. } | ExprKind::MethodCall { .. } => {}
            ExprKind::Error => return None,
            _ => return self.no_entity(member.span),
        }
        match self.qualifier(member, scope) {
            Qualifier::Here => Some(Binding::Place(None)),
            Qualifier::Place(place) => {
                self.must_be_known(&place, member.span);
                Some(Binding::Place(Some(place)))
            }
            Qualifier::Unknown => self.no_constant(member.span),
            Qualifier::NoPlace => self.no_entity(member.span),
            Qualifier::Wrong => None,
        }
    }

    fn no_constant(&mut self, span: Span) -> Option<Binding> {
        self.refuse("AQ037", span, "what an entity stands for must be a constant");
        None
    }

    fn no_entity(&mut self, span: Span) -> Option<Binding> {
        let problem = Diagnostic::error("KS216", span, "a cluster, a database or a table belongs here");
        self.problem(problem.help("write entity_group [database(\"a\"), database(\"b\")]"));
        None
    }

    pub(in crate::bind) fn macro_expand(&mut self, operator: &ast::Operator, scope: &Rc<Scope>) -> Table {
        let OperatorKind::MacroExpand { parameters, group, scope: name, body } = &operator.kind else {
            return Binder::nothing();
        };
        let at = operator.keyword.span;
        let fuzzy = self.is_fuzzy(parameters);
        for parameter in parameters {
            match parameter.name.text.as_str() {
                "kind" if word(parameters, "kind").is_none_or(|(kind, _)| !matches!(kind, "inner" | "outer")) => {
                    self.unsupported(parameter.value.span, "this kind of `macro-expand`");
                }
                "kind" | "isfuzzy" => {}
                other => self.unsupported(parameter.name.span, format_args!("`{other}` of `macro-expand`")),
            }
        }
        let Some(entities) = self.entities(group, scope) else { return Table { open: true, ..Binder::nothing() } };
        if entities.is_empty() {
            // What is wrong with the group has been said.
            return Binder::nothing();
        }
        if self.depth >= MAX_CALLS {
            self.refuse("AQ021", at, format!("`macro-expand` and calls nest more than {MAX_CALLS} levels deep"));
            return Binder::nothing();
        }
        let mut legs = Vec::new();
        for entity in entities.iter() {
            self.calls += 1;
            if self.calls > MOST_CALLS {
                // Told once, not again for each operator around it.
                if self.calls == MOST_CALLS + 1 {
                    let message = format!("`macro-expand` and calls come to more than {MOST_CALLS} queries");
                    self.refuse("AQ021", at, message);
                }
                // What would come of these queries is not known: nothing more is to be said of it.
                return Table { open: true, ..Binder::nothing() };
            }
            let within = Scope::child(scope);
            within.declare(&name.text, entity.clone());
            legs.extend(self.fuzzy_leg(fuzzy, |binder| binder.expanded(body, at, &within)));
        }
        self.union_of(legs, parameters, fuzzy, operator.span)
    }

    /// Finds the entities of a group that is written out or has a name.
    fn entities(&mut self, group: &ast::Expr, scope: &Rc<Scope>) -> Option<Rc<Vec<Binding>>> {
        match &group.kind {
            ExprKind::EntityGroup(members) => Some(Rc::new(self.entity_group(members, scope))),
            ExprKind::Name(name) => match scope.find(&name.text) {
                Some(Binding::Group(entities)) => Some(entities),
                Some(_) => {
                    self.unsupported(group.span, "what is no `entity_group` in `macro-expand`");
                    None
                }
                None => {
                    let message = format!("there is no group `{}`", name.text);
                    let problem = Diagnostic::error("KS142", group.span, message);
                    self.problem(problem.help(format!(
                        "declare it: let {} = entity_group [database(\"a\"), database(\"b\")];",
                        name.text
                    )));
                    None
                }
            },
            ExprKind::Error => None,
            _ => {
                self.unsupported(group.span, "what is no `entity_group` in `macro-expand`");
                None
            }
        }
    }

    /// Binds the query for one entity.
    fn expanded(&mut self, body: &ast::Query, at: Span, scope: &Rc<Scope>) -> Table {
        self.depth += 1;
        let outcome = self.query(body, scope);
        self.depth -= 1;
        let mut results = outcome.results;
        let at = body.statements.last().map_or(at, |statement| statement.span);
        match (results.pop(), results.is_empty(), &outcome.scalar) {
            (Some(table), true, None) if table.graph.is_none() => table,
            (_, _, Some(_)) => {
                self.error("KS111", at, "the query of `macro-expand` gives a value, and a table belongs here");
                Binder::nothing()
            }
            _ => {
                self.unsupported(at, "a query of no or several results in `macro-expand`");
                Binder::nothing()
            }
        }
    }

    /// Binds `X.$current_database` and `X.$current_cluster_endpoint`; None where the name stands for no entity.
    pub(in crate::bind) fn property_of_entity(
        &mut self,
        base: &ast::Expr,
        member: &ast::Name,
        scope: &Rc<Scope>,
    ) -> Option<Scalar> {
        let ExprKind::Name(name) = &base.kind else { return None };
        let Some(Binding::Place(place)) = scope.find(&name.text) else { return None };
        match (member.text.as_str(), place) {
            ("$current_database", Some(Place::Database(name) | Place::Cluster(_, name))) => {
                Some(Scalar::known(Expr::Literal(Value::String(name))))
            }
            ("$current_database" | "$current_cluster_endpoint", _) => {
                self.unsupported(member.span, format_args!("`{}` of this entity", member.text));
                Some(Scalar::known(Expr::Literal(Value::String(String::new()))))
            }
            _ => None,
        }
    }
}
