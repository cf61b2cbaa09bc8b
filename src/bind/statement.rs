//! Statements: `let`, `declare query_parameters`, and the expressions that give results.

use std::rc::Rc;

use super::expression::Scalar;
use super::scope::{Binding, Context, Function, Scope};
use super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Expr, Kind, Node};
use crate::syntax::ast::{self, ExprKind, ParameterKind, StatementKind};
use crate::types::{ScalarType, Value};

/// Tells whether an expression is a name that `macro-expand` gives a place.
fn is_entity(expr: &ast::Expr, scope: &Scope) -> bool {
    matches!(&expr.kind, ExprKind::Name(name)
        if matches!(scope.find(&name.text), Some(Binding::Place(_) | Binding::Cluster(_))))
}

/// What the statements of a query come to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub results: Vec<Table>,
    /// Tables of a graph that a statement names: results unless another one follows, which may tell what of them.
    exported: Vec<Table>,
    /// The last expression, where it is a scalar: the body of a scalar function.
    pub scalar: Option<Scalar>,
}

impl Binder<'_> {
    pub(super) fn query(&mut self, query: &ast::Query, scope: &Rc<Scope>) -> Outcome {
        let mut outcome = Outcome::default();
        for statement in &query.statements {
            match &statement.kind {
                StatementKind::Let { name, value } => self.let_statement(name, value, scope),
                StatementKind::Set { name, value } => self.set_statement(name, value.as_ref(), scope),
                StatementKind::DeclareParameters { parameters } => self.query_parameters(parameters, scope),
                StatementKind::DeclarePattern { name, pattern } => self.declare_pattern(name, pattern.as_ref(), scope),
                StatementKind::Alias { name, value } => self.alias(name, value, scope),
                StatementKind::Restrict { entities } => self.restrict(entities, scope),
                StatementKind::Expr(expr) => self.result(expr, scope, &mut outcome),
            }
        }
        outcome.results.append(&mut outcome.exported);
        outcome
    }

    fn result(&mut self, expr: &ast::Expr, scope: &Rc<Scope>, outcome: &mut Outcome) {
        outcome.exported.clear();
        if let Some(tables) = self.graph_tables(expr, scope) {
            for (name, table) in tables {
                scope.declare(name, Binding::Table(Rc::new(table.clone())));
                outcome.exported.push(table);
            }
            outcome.scalar = None;
        } else if self.is_tabular(expr, scope) {
            // Within a function there is one result.
            match if self.depth == 0 { self.several_results(expr, scope) } else { None } {
                Some(tables) => outcome.results.extend(tables),
                None => {
                    // The body of a function may be a graph.
                    let table = self.table_or_graph(expr, scope);
                    outcome.results.push(table);
                }
            }
            outcome.scalar = None;
        } else {
            outcome.scalar = Some(self.scalar_or_parts(expr, &Context::rowless(scope)));
        }
    }

    fn let_statement(&mut self, name: &ast::Name, value: &ast::Expr, scope: &Rc<Scope>) {
        if scope.declares(&name.text) {
            self.problem(
                Diagnostic::error("KS201", name.span, format!("`{}` has been declared before", name.text))
                    .help("give one of the two another name"),
            );
        }
        let binding = match &value.kind {
            ExprKind::Function { view, parameters, body } => Binding::Function(Rc::new(Function {
                name: name.text.clone(),
                view: *view,
                parameters: parameters.clone(),
                body: (**body).clone(),
                // What stands in the scope now: a function sees neither itself nor what is declared after it.
                scope: Scope::frozen(scope),
                stored: None,
            })),
            ExprKind::EntityGroup(members) => Binding::Group(Rc::new(self.entity_group(members, scope))),
            _ if self.is_tabular(value, scope) => Binding::Table(Rc::new(self.table_or_graph(value, scope))),
            _ => Binding::Scalar(self.scalar(value, &Context::rowless(scope))),
        };
        if let Binding::Function(function) = &binding {
            self.check_function(function);
        }
        scope.declare(&name.text, binding);
    }

    /// Binds the body of a function once with its parameters unknown, so that its mistakes show without a call.
    pub(super) fn check_function(&mut self, function: &Rc<Function>) {
        let scope = Scope::child(&function.scope);
        let mut after_scalar = false;
        for parameter in &function.parameters {
            let tabular = !matches!(parameter.kind, ParameterKind::Scalar(_));
            if tabular && after_scalar {
                self.error("KS226", parameter.name.span, "tables stand before the other parameters");
            }
            after_scalar |= !tabular;
            if let (true, Some(default)) = (tabular, &parameter.default) {
                self.error("KS141", default.span, "a table has no default");
            }
            let binding = match &parameter.kind {
                ParameterKind::Scalar(type_name) => {
                    let scalar_type = Self::declared_type(type_name);
                    if let Some(default) = &parameter.default {
                        self.default_value(default, scalar_type, &function.scope);
                    }
                    Binding::Scalar(Scalar::placeholder(scalar_type))
                }
                kind => Binding::Table(Rc::new(self.declared_table(kind))),
            };
            scope.declare(&parameter.name.text, binding);
        }
        // A refusal within a function that is never called does not matter.
        let (refusals, shared) = (self.refusals.len(), self.shared.len());
        let (guessing, runnable) = (self.guessing, self.runnable);
        let problems = self.problems.len();
        let guessed = std::mem::take(&mut self.guessed_column);
        self.sketched += 1;
        self.query(&function.body, &scope);
        self.sketched -= 1;
        (self.guessing, self.runnable) = (guessing, runnable);
        if self.guessed_column {
            // Microsoft's parser takes the column for one of the default's type; the engine puts the arguments in, so
            // what is wrong with the types shows at the call.
            let (errors, others) = self.problems.drain(problems..).partition(Diagnostic::is_error);
            self.strict.extend::<Vec<_>>(errors);
            self.problems.extend::<Vec<_>>(others);
        }
        self.guessed_column |= guessed;
        self.refusals.truncate(refusals);
        self.shared.truncate(shared);
    }

    /// Makes a table without rows of what a tabular parameter declares.
    fn declared_table(&mut self, kind: &ParameterKind) -> Table {
        let columns = match kind {
            ParameterKind::Table(columns) => self.declared_columns(columns),
            _ => Vec::new(),
        };
        // Microsoft's parser takes a table of any columns for one without columns.
        let open = matches!(kind, ParameterKind::AnyTable) && !self.catalog.is_for_checks();
        Table { open, ..Table::new(Node { columns, serialized: false, kind: Kind::Values { rows: Vec::new() } }) }
    }

    /// Finds the records of a tabular query parameter: those that the surroundings have by its name.
    fn query_table(&mut self, parameter: &ast::Parameter, scope: &Rc<Scope>) -> Table {
        let name = &parameter.name;
        if self.catalog.table(&name.text).is_none() {
            let message = format!("the query parameter `{}` has no records", name.text);
            let refusal = Diagnostic::error("AQ011", name.span, message);
            self.refusals.push(refusal.help(format!("give them with --data {}=PATH", name.text)));
            return self.declared_table(&parameter.kind);
        }
        let table = self.named_table(name, scope);
        self.table_argument(&parameter.kind, table, name.span)
    }

    fn query_parameters(&mut self, parameters: &[ast::Parameter], scope: &Rc<Scope>) {
        for parameter in parameters {
            let ParameterKind::Scalar(type_name) = &parameter.kind else {
                let table = self.query_table(parameter, scope);
                scope.declare(&parameter.name.text, Binding::Table(Rc::new(table)));
                continue;
            };
            let scalar_type = Self::declared_type(type_name);
            let given = self.parameters.get(&parameter.name.text).cloned();
            let value = match (given, &parameter.default) {
                (Some(text), _) => self.parameter_value(&text, scalar_type, parameter.name.span),
                (None, Some(default)) => self.default_value(default, scalar_type, scope),
                (None, None) => {
                    self.refuse(
                        "AQ011",
                        parameter.name.span,
                        format!("the query parameter `{}` has no value; give it with --param", parameter.name.text),
                    );
                    Scalar::placeholder(scalar_type)
                }
            };
            scope.declare(&parameter.name.text, Binding::Scalar(value));
        }
    }

    /// Binds the value that a parameter has by default; one of another type than the parameter's is an error, numbers
    /// aside (Microsoft's parser).
    fn default_value(&mut self, default: &ast::Expr, wanted: ScalarType, scope: &Rc<Scope>) -> Scalar {
        let scalar = self.scalar(default, &Context::rowless(scope));
        match scalar.scalar_type {
            Some(given) if given != wanted && !(given.is_numeric() && wanted.is_numeric()) => {
                let message = format!("the parameter is of type {wanted}, and its default of type {given}");
                self.error("KS141", default.span, message);
                Scalar::placeholder(wanted)
            }
            _ => self.convert(scalar, wanted, default.span),
        }
    }

    /// Reads a parameter's value: a KQL literal, or bare text of a string parameter.
    fn parameter_value(&mut self, text: &str, scalar_type: ScalarType, span: Span) -> Scalar {
        if scalar_type == ScalarType::String {
            let unquoted = text.strip_prefix(['"', '\'']).and_then(|t| t.strip_suffix(['"', '\'']));
            return Scalar::literal(Value::String(unquoted.unwrap_or(text).to_string()));
        }
        let value = crate::types::convert::convert(&Value::String(text.to_string()), scalar_type);
        if value.is_null() && text != "null" {
            self.refuse("AQ011", span, format!("`{text}` is not a value of type {scalar_type}"));
        }
        Scalar::literal(value)
    }

    /// Finds the type that a name stands for.
    pub(super) fn type_name(&mut self, name: &ast::Name) -> ScalarType {
        ScalarType::from_name(&name.text).unwrap_or_else(|| {
            let problem = Diagnostic::error("KS160", name.span, format!("`{}` is not a type", name.text));
            let types = ScalarType::ALL.iter().map(|scalar_type| scalar_type.name());
            self.problem(match crate::diagnostic::nearest(&name.text, types) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            });
            ScalarType::Dynamic
        })
    }

    /// Finds the type that a column is declared to have; the parser has reported what is none.
    pub(super) fn declared_type(name: &ast::Name) -> ScalarType {
        ScalarType::from_name(&name.text).unwrap_or(ScalarType::Dynamic)
    }

    /// Tells whether an expression is a relation.
    pub(super) fn is_tabular(&self, expr: &ast::Expr, scope: &Rc<Scope>) -> bool {
        match &expr.kind {
            ExprKind::Pipeline { .. }
            | ExprKind::Leading(_)
            | ExprKind::DataTable { .. }
            | ExprKind::ExternalData(_) => true,
            ExprKind::Paren(inner) => self.is_tabular(inner, scope),
            ExprKind::Wildcard(_) => true,
            ExprKind::Name(name) => match self.meaning(&name.text, scope) {
                Some(Binding::Table(_)) => true,
                Some(Binding::Function(function)) => self.is_tabular_function(&function),
                Some(_) => false,
                // An unknown name that stands alone is most likely meant as a table.
                None => true,
            },
            ExprKind::Call { name, arguments } => match name.text.as_str() {
                "materialize" => arguments.first().is_some_and(|a| self.is_tabular(&a.value, scope)),
                "table" | "_GetWatchlist" | "_GetWatchlistAlias" | "external_table" | "materialized_view" | "view" => {
                    true
                }
                other => match scope.find(other) {
                    Some(Binding::Function(function)) => self.is_tabular_function(&function),
                    Some(Binding::Pattern(_)) => true,
                    _ if crate::functions::scalar_function(other).is_some()
                        || super::call::is_special(other)
                        || super::signature::is_known(super::signature::Library::Functions, other) =>
                    {
                        false
                    }
                    _ => self.stored(other, scope).is_none_or(|function| self.is_tabular_function(&function)),
                },
            },
            // `X.$current_database`
            ExprKind::Member { base, member } if member.text.starts_with('$') && is_entity(base, scope) => false,
            ExprKind::Member { base, .. } | ExprKind::MethodCall { base, .. } => {
                is_entity(base, scope)
                    || matches!(&base.kind, ExprKind::Call { name, .. } if matches!(name.text.as_str(), "workspace" | "app" | "database" | "cluster" | "resource" | "arg" | "adx")
                    || matches!(scope.find(&name.text), Some(Binding::Pattern(_))))
                    || matches!(&base.kind, ExprKind::MethodCall { .. } | ExprKind::Member { .. })
                        && self.is_tabular(base, scope)
            }
            _ => false,
        }
    }

    pub(super) fn is_tabular_function(&self, function: &Rc<Function>) -> bool {
        match function.stored {
            Some(_) => self.is_tabular_stored(function),
            None => self.is_tabular_body(function),
        }
    }

    pub(super) fn is_tabular_body(&self, function: &Rc<Function>) -> bool {
        let scope = Scope::child(&function.scope);
        let dummy =
            || Binding::Table(Rc::new(Table::new(Node { columns: Vec::new(), serialized: false, kind: Kind::Unit })));
        let scalar = || Binding::Scalar(Scalar::placeholder(ScalarType::Dynamic));
        for parameter in &function.parameters {
            let tabular = !matches!(parameter.kind, ParameterKind::Scalar(_));
            scope.declare(&parameter.name.text, if tabular { dummy() } else { scalar() });
        }
        let mut tabular = false;
        for statement in &function.body.statements {
            match &statement.kind {
                StatementKind::Let { name, value } => {
                    let binding = match &value.kind {
                        ExprKind::Function { view, parameters, body } => Binding::Function(Rc::new(Function {
                            name: name.text.clone(),
                            view: *view,
                            parameters: parameters.clone(),
                            body: (**body).clone(),
                            scope: Scope::frozen(&scope),
                            stored: None,
                        })),
                        _ if self.is_tabular(value, &scope) => dummy(),
                        _ => scalar(),
                    };
                    scope.declare(&name.text, binding);
                }
                StatementKind::Expr(expr) => tabular = self.is_tabular(expr, &scope),
                _ => {}
            }
        }
        tabular
    }

    /// Says where a query within an expression, which is computed once, reads the rows around it: through a parameter of
    /// a function (measured: CRT0018).
    pub(super) fn not_of_rows_around(&mut self, node: &Node, span: Span) {
        if node.reads_beyond() {
            let message = "a query within an expression is computed once and can't depend on the row: this one does, \
                           through a function's parameter";
            self.refusals.push(Diagnostic::error("AQ012", span, message).help("join the tables instead"));
        }
    }

    /// Makes the expression of a scalar that is computed once per query, from the first row and column of a table.
    pub(super) fn scalar_query(&mut self, table: Table, span: Span) -> Scalar {
        let Some(first) = table.node.columns.first().cloned() else {
            if !table.open {
                self.error("KS190", span, "a table without columns has no value");
            }
            return Scalar::unknown();
        };
        self.not_of_rows_around(&table.node, span);
        let finer = table.known.of(&first.name).cloned();
        let columns = table.node.columns.clone();
        let node = Node { columns, serialized: false, kind: Kind::Limit { input: Box::new(table.node), count: 1 } };
        let query = self.share(node);
        let scalar = Scalar::known(Expr::ScalarQuery { query: Box::new(query), returns: first.scalar_type });
        scalar.knowing(finer.as_ref())
    }

    /// Makes a node that is computed once, however often it stands in the plan.
    pub(super) fn share(&mut self, node: Node) -> Node {
        if matches!(node.kind, Kind::Shared { .. }) {
            return node;
        }
        let (columns, serialized) = (node.columns.clone(), node.serialized);
        self.shared.push(node);
        Node { columns, serialized, kind: Kind::Shared { index: self.shared.len() - 1 } }
    }
}
