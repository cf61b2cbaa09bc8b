//! Names with a qualifier: `workspace("x").T`, `database("d").T`, `cluster("c").database("d").T`.
//!
//! Which records another place has is what `alertq.toml` says. Where queries are checked, other workspaces have the
//! tables of this one, as they have for Microsoft's parser.

use std::rc::Rc;

use super::scope::{Binding, Context, Scope};
use super::{Binder, Table, hidden};
use crate::catalog::Place;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::syntax::ast::{self, Argument, ExprKind};
use crate::types::Value;

/// What `withsource` would call a table of another place: that is not known, and no text can spell this.
pub(super) const ELSEWHERE: &str = "\u{1}elsewhere";

/// What a qualifier says.
pub(super) enum Qualifier {
    Here,
    Place(Place),
    /// Only the run could tell.
    Unknown,
    /// It is a value or a table.
    NoPlace,
    /// It is no qualifier, which has been said.
    Wrong,
}

impl Binder<'_> {
    /// Binds `base.member`.
    pub(super) fn qualified_table(&mut self, base: &ast::Expr, member: &ast::Name, scope: &Rc<Scope>) -> Table {
        if let ExprKind::Call { name, arguments } = &base.kind
            && let Some(Binding::Pattern(pattern)) = scope.find(&name.text)
        {
            return self.matched_in_sight(&pattern, arguments, Some(member), base.span.to(member.span), scope);
        }
        match self.qualifier(base, scope) {
            Qualifier::Wrong => Binder::nothing(),
            Qualifier::NoPlace => self.holds_no_tables(member),
            Qualifier::Here => self.named_table(member, &Scope::bare(scope)),
            Qualifier::Place(place) if !self.sees(Some(&place), &member.text, scope) => {
                self.out_of_sight(&format!("{place}.{}", member.text), base.span.to(member.span));
                Binder::nothing()
            }
            Qualifier::Place(place) => self.table_of(&place, member, base.span),
            Qualifier::Unknown => {
                if !self.catalog.is_for_checks() {
                    self.refuse("AQ037", base.span, "where a name leads to must be a constant");
                }
                self.named_table(member, &Scope::bare(scope))
            }
        }
    }

    /// Binds `base.name(arguments)`.
    pub(super) fn qualified_call(
        &mut self,
        base: &ast::Expr,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Table {
        if let ("table", [argument]) = (name.text.as_str(), arguments) {
            let value = self.scalar(&argument.value, &Context::rowless(scope));
            let Some(Value::String(text)) = self.constant(&value) else {
                self.error("KS121", argument.value.span, "the name of the table must be a constant");
                return Binder::nothing();
            };
            let member = ast::Name { span: argument.value.span, text, quoted: true };
            return self.qualified_table(base, &member, scope);
        }
        match self.qualifier(base, scope) {
            Qualifier::Wrong => Binder::nothing(),
            Qualifier::NoPlace => self.holds_no_tables(name),
            Qualifier::Here => self.table_call(name, arguments, span, scope),
            _ if self.catalog.is_for_checks() => self.table_call(name, arguments, span, scope),
            _ => {
                self.unsupported(span, "a function of another place");
                Binder::nothing()
            }
        }
    }

    pub(super) fn qualifier(&mut self, base: &ast::Expr, scope: &Rc<Scope>) -> Qualifier {
        match &base.kind {
            ExprKind::Call { name, arguments } => match name.text.as_str() {
                "database" => match self.place_name(arguments, scope) {
                    None => Qualifier::Unknown,
                    Some(name) if name.is_empty() => Qualifier::Here,
                    Some(name) => match self.aliases.get(&name) {
                        Some(Some(place)) => Qualifier::Place(place.clone()),
                        Some(None) => Qualifier::Here,
                        None => Qualifier::Place(Place::Database(name)),
                    },
                },
                "workspace" | "app" | "resource" => self
                    .place_name(arguments, scope)
                    .map_or(Qualifier::Unknown, |name| Qualifier::Place(Place::Workspace(name))),
                "cluster" => {
                    self.problem(
                        Diagnostic::error("KS142", base.span, "a cluster has databases, and a table is in one of them")
                            .help("write cluster(\"c\").database(\"d\").T"),
                    );
                    Qualifier::Wrong
                }
                other => {
                    if !matches!(other, "arg" | "adx") {
                        return self.no_place(base, scope);
                    }
                    // Azure knows them in the portal; Microsoft's parser does not.
                    self.strict.push(Diagnostic::error(
                        "KS211",
                        name.span,
                        format!("`{other}()` asks another service, which analytics rules cannot do"),
                    ));
                    self.unsupported(base.span, format_args!("`{other}()`"));
                    Qualifier::Wrong
                }
            },
            ExprKind::MethodCall { base: cluster, name, arguments } if name.text == "database" => {
                let of = match &cluster.kind {
                    ExprKind::Call { name, arguments } if name.text == "cluster" => self.place_name(arguments, scope),
                    ExprKind::Name(name) => match scope.find(&name.text) {
                        Some(Binding::Cluster(cluster)) => Some(cluster),
                        _ => return self.no_place(cluster, scope),
                    },
                    _ => return self.no_place(cluster, scope),
                };
                match (of, self.place_name(arguments, scope)) {
                    (Some(cluster), Some(name)) => Qualifier::Place(Place::Cluster(cluster, name)),
                    _ => Qualifier::Unknown,
                }
            }
            ExprKind::Name(name) => match scope.find(&name.text) {
                Some(Binding::Place(None)) => Qualifier::Here,
                Some(Binding::Place(Some(place))) => Qualifier::Place(place),
                _ => self.no_place(base, scope),
            },
            _ => self.no_place(base, scope),
        }
    }

    /// Binds what stands where a place belongs, for its mistakes.
    fn no_place(&mut self, base: &ast::Expr, scope: &Rc<Scope>) -> Qualifier {
        let before = self.problems.len();
        let cx = Context::rowless(scope);
        if self.is_tabular_operand(base, &cx) {
            self.table(base, scope);
        } else {
            self.scalar(base, &cx);
        }
        if self.problems.len() > before { Qualifier::Wrong } else { Qualifier::NoPlace }
    }

    /// Says that a value or a table has no tables.
    pub(super) fn holds_no_tables(&mut self, member: &ast::Name) -> Table {
        let problem = Diagnostic::error("KS142", member.span, format!("there is no table `{}` in this", member.text));
        self.problem(problem.help("a table stands behind a place: workspace(\"soc\").SecurityAlert"));
        Binder::nothing()
    }

    /// Returns what a place is called, an empty text where nothing is written, None where it is no constant.
    pub(super) fn place_name(&mut self, arguments: &[Argument], scope: &Rc<Scope>) -> Option<String> {
        let Some(argument) = arguments.first() else { return Some(String::new()) };
        let value = self.scalar(&argument.value, &Context::rowless(scope));
        match self.constant(&value) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn table_of(&mut self, place: &Place, member: &ast::Name, span: Span) -> Table {
        let Some(elsewhere) = self.catalog.elsewhere(place) else {
            return self.table_of_unknown(place, member, span);
        };
        let table = match elsewhere.tables.iter().find(|(name, _)| *name == member.text) {
            Some((_, info)) => hidden::scan(info),
            None if elsewhere.names.contains(&member.text) => {
                self.refuse(
                    "AQ037",
                    span,
                    format!("`{member}` of {place} must be named as it stands", member = member.text),
                );
                return Binder::nothing();
            }
            None => {
                let problem =
                    Diagnostic::error("KS204", member.span, format!("{place} has no table `{}`", member.text));
                let remedy = "say in alertq.toml where its records are";
                let problem = match nearest(&member.text, elsewhere.names.iter().map(String::as_str)) {
                    Some(near) => problem.help(format!("did you mean `{near}`? Else {remedy}")),
                    None => problem.help(remedy),
                };
                self.problem(problem);
                return Binder::nothing();
            }
        };
        Table { label: Some(ELSEWHERE.to_string()), ..table }
    }

    /// Binds a table of a place that `alertq.toml` does not know.
    fn table_of_unknown(&mut self, place: &Place, member: &ast::Name, span: Span) -> Table {
        let checks = self.catalog.is_for_checks();
        match place {
            Place::Workspace(_) if checks => self.named_table(member, &Rc::new(Scope::default())),
            Place::Cluster(cluster, _) if checks => {
                let message = format!("nothing is known of the tables of cluster `{cluster}`");
                self.problem(Diagnostic::warning("KS207", span, message));
                Binder::nothing()
            }
            _ => {
                let (code, key) = match place {
                    Place::Workspace(name) => ("AQ037", format!("[workspaces.\"{name}\"]")),
                    Place::Database(name) => ("KS208", format!("[databases.\"{name}\"]")),
                    Place::Cluster(cluster, name) => ("AQ037", format!("[databases.\"{cluster}/{name}\"]")),
                };
                let message = format!("no records of {place} are at hand");
                let help = format!("say in alertq.toml where they are: {key} with {} = \"PATH\"", member.text);
                let problem = Diagnostic::error(code, span, message).help(help);
                match code {
                    "KS208" => self.problem(problem),
                    _ => self.refusals.push(problem),
                }
                Binder::nothing()
            }
        }
    }

    /// Refuses to say which table a row is from where some are of another place: how they are called there is not known.
    pub(super) fn tables_with_names(&mut self, tables: &[Table], span: Span) {
        if tables.iter().any(|table| table.label.as_deref() == Some(ELSEWHERE)) {
            self.unsupported(span, "the name of a table of another place");
        }
    }

    /// Returns the names of a place's tables, for wildcards.
    pub(super) fn names_of(&mut self, base: &ast::Expr, scope: &Rc<Scope>) -> Vec<String> {
        let (place, mut names) = self.all_names_of(base, scope);
        names.retain(|name| self.sees(place.as_ref(), name, scope));
        names
    }

    fn all_names_of(&mut self, base: &ast::Expr, scope: &Rc<Scope>) -> (Option<Place>, Vec<String>) {
        let here = |binder: &Self| binder.catalog.names().map(str::to_string).collect();
        match self.qualifier(base, scope) {
            Qualifier::Wrong => (None, Vec::new()),
            Qualifier::NoPlace => {
                self.unsupported(base.span, "names with `*` in this");
                (None, Vec::new())
            }
            Qualifier::Here | Qualifier::Unknown => (None, here(self)),
            Qualifier::Place(place) => {
                let names = match self.catalog.elsewhere(&place) {
                    Some(elsewhere) => elsewhere.names.clone(),
                    None if self.catalog.is_for_checks() => here(self),
                    None => {
                        let member = ast::Name { span: base.span, text: "TABLE".to_string(), quoted: true };
                        self.table_of_unknown(&place, &member, base.span);
                        Vec::new()
                    }
                };
                (Some(place), names)
            }
        }
    }

    /// Tells of a database that `alertq.toml` does not name.
    pub(super) fn must_be_known(&mut self, place: &Place, span: Span) {
        if let Place::Database(name) = place
            && self.catalog.elsewhere(place).is_none()
        {
            self.problem(
                Diagnostic::error("KS208", span, format!("there is no database `{name}`"))
                    .help(format!("say in alertq.toml where its records are: [databases.\"{name}\"]")),
            );
        }
    }

    /// Binds `alias database name = place`.
    pub(super) fn alias(&mut self, name: &ast::Name, value: &ast::Expr, scope: &Rc<Scope>) {
        match self.qualifier(value, scope) {
            Qualifier::Place(place) => {
                self.must_be_known(&place, value.span);
                self.aliases.insert(name.text.clone(), Some(place));
            }
            Qualifier::Here => {
                self.aliases.insert(name.text.clone(), None);
            }
            Qualifier::Unknown => self.refuse("AQ037", value.span, "what an alias stands for must be a constant"),
            Qualifier::NoPlace => self.unsupported(value.span, "an alias for this"),
            Qualifier::Wrong => {}
        }
    }
}
