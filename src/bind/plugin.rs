//! The arguments of a plugin: which parameter each of them is for, and what it must be.

use std::rc::Rc;

use super::call::{cost, wanted};
use super::expression::{Scalar, to};
use super::name::name_of;
use super::scope::{Binding, Context, Scope};
use super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Span};
use crate::functions::Kind;
use crate::functions::plugin::{Argument as Placed, Given, Invocation, Parameter, Plugin, Takes};
use crate::plan::{Expr, Node};
use crate::syntax::ast::{self, Argument, ExprKind, Literal};
use crate::types::{Column, ScalarType, Value};

/// The call of a plugin whose arguments are bound.
pub(super) struct Call {
    pub invocation: Invocation,
    /// The input, with the expressions among the arguments as further columns.
    pub input: Table,
    /// The tables among the arguments, computed once.
    pub tables: Vec<Node>,
    /// The aggregate among the arguments.
    pub aggregate: Option<ast::Expr>,
    /// More columns of the first table may come.
    table_open: bool,
    /// An argument is wrong, or only the data will tell.
    pub incomplete: bool,
}

impl Binder<'_> {
    /// Binds the arguments of a call.
    pub(super) fn plugin_call(
        &mut self,
        plugin: &'static Plugin,
        name: &ast::Name,
        arguments: &[Argument],
        input: Table,
        scope: &Rc<Scope>,
    ) -> Call {
        let invocation = Invocation {
            plugin,
            arguments: Vec::new(),
            own: input.node.columns.len(),
            input: input.node.columns.clone(),
            tables: Vec::new(),
            columns: Vec::new(),
        };
        let incomplete = input.open;
        let mut call = Call { invocation, input, tables: Vec::new(), aggregate: None, table_open: false, incomplete };
        let laid_out =
            plugin.signatures.iter().find_map(|signature| self.layout(signature, arguments, &call.input, scope));
        let Some(parameters) = laid_out else {
            // Microsoft's parser tells the two apart by whether a parameter may be repeated.
            let code = if bounds(plugin).1 >= MANY { "KS120" } else { "KS119" };
            self.error(code, name.span, format!("`{}` takes {}, not {}", name.text, arity(plugin), arguments.len()));
            call.incomplete = true;
            // What is there may still tell the columns.
            let first = plugin.signatures.first().copied().unwrap_or_default();
            for (argument, parameter) in arguments.iter().zip(first) {
                self.place(argument, parameter, &mut call, scope);
            }
            return call;
        };
        self.tell_of_unlisted(name, arguments, &parameters);
        let mut computed: Vec<(Column, Expr)> = Vec::new();
        for (argument, parameter) in arguments.iter().zip(&parameters) {
            match parameter.takes {
                _ if parameter.tilde && is_tilde(&argument.value) => {}
                Takes::Expression(kind) => {
                    let scalar = self.scalar(&argument.value, &Context::row(scope, &call.input));
                    let fits = self.fits(&scalar, kind, &argument.value, parameter, plugin);
                    if !fits {
                        call.incomplete = true;
                        continue;
                    }
                    let expr = match kind {
                        Kind::Is(scalar_type) => to(scalar.expr, scalar_type),
                        _ => scalar.expr,
                    };
                    let column = Column::new(self.fresh("argument"), expr.scalar_type());
                    let value = Given::Column(call.invocation.own + computed.len());
                    computed.push((column, expr));
                    let name = self.result_name(argument, &call.input, scope);
                    call.invocation.arguments.push(Placed { parameter: parameter.name, name, value });
                }
                _ => self.place(argument, parameter, &mut call, scope),
            }
        }
        if !computed.is_empty() {
            let mut columns = call.input.node.columns.clone();
            let mut expressions: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
            let (added, values): (Vec<Column>, Vec<Expr>) = computed.into_iter().unzip();
            columns.extend(added);
            expressions.extend(values);
            call.invocation.input.clone_from(&columns);
            call.input.node = super::operator::projection(call.input.node, columns, expressions);
        }
        call
    }

    /// What a column that is made of an argument is called.
    fn result_name(&self, argument: &Argument, input: &Table, scope: &Rc<Scope>) -> String {
        match &argument.name {
            Some(name) => name.text.clone(),
            None => name_of(&argument.value, &Context::row(scope, input)).text().unwrap_or("").to_string(),
        }
    }

    /// Binds an argument that is no expression over a row.
    fn place(&mut self, argument: &Argument, parameter: &'static Parameter, call: &mut Call, scope: &Rc<Scope>) {
        let plugin = call.invocation.plugin;
        let value = match parameter.takes {
            Takes::Column(kind) => self.column_argument(argument, kind, parameter, call, scope),
            Takes::ColumnOfTable | Takes::ColumnOfBoth => self.other_column(argument, parameter.takes, call, scope),
            Takes::Constant(kind) | Takes::Literal(kind) => {
                self.constant_argument(argument, kind, parameter, plugin, scope)
            }
            Takes::Table => self.relation(argument, call, scope),
            Takes::Aggregate => {
                self.aggregate_argument(argument, parameter, call);
                return;
            }
            Takes::Anything | Takes::Expression(_) => return,
        };
        match value {
            Some(value) => {
                let name = self.result_name(argument, &call.input, scope);
                call.invocation.arguments.push(Placed { parameter: parameter.name, name, value });
            }
            None => call.incomplete = true,
        }
    }

    /// Takes the aggregate of a `pivot`; a column that is aggregated by its bare name is used up.
    fn aggregate_argument(&mut self, argument: &Argument, parameter: &'static Parameter, call: &mut Call) {
        if let Some((name, span)) = no_aggregate(&argument.value) {
            self.error("KS236", span, format!("`{name}` is no aggregate"));
            call.incomplete = true;
            return;
        }
        if let ExprKind::Call { arguments, .. } = &argument.value.kind
            && let Some(name) = arguments.first().and_then(|a| bare_name(&a.value))
            && let Some(place) = call.invocation.input.iter().position(|c| c.name == name)
        {
            let value = Given::Column(place);
            call.invocation.arguments.push(Placed { parameter: parameter.name, name: name.to_string(), value });
        }
        call.aggregate = Some(argument.value.clone());
    }

    fn column_argument(
        &mut self,
        argument: &Argument,
        kind: Kind,
        parameter: &'static Parameter,
        call: &Call,
        scope: &Rc<Scope>,
    ) -> Option<Given> {
        let columns = &call.input.node.columns;
        let place = bare_name(&argument.value).and_then(|name| columns.iter().position(|c| c.name == name));
        let Some(place) = place else {
            let scalar = self.scalar(&argument.value, &Context::row(scope, &call.input));
            if scalar.scalar_type.is_some() {
                self.error("KS109", argument.value.span, "the name of a column is expected");
            }
            return None;
        };
        let scalar = Scalar::known(Expr::Column(columns[place].clone()));
        self.fits(&scalar, kind, &argument.value, parameter, call.invocation.plugin).then_some(Given::Column(place))
    }

    /// Binds the name of a column of the first table.
    fn other_column(&mut self, argument: &Argument, takes: Takes, call: &Call, scope: &Rc<Scope>) -> Option<Given> {
        let columns = call.invocation.tables.first()?;
        let stand_in = Node { columns: columns.clone(), serialized: false, kind: crate::plan::Kind::Unit };
        let table = Table { open: call.table_open, ..Table::new(stand_in) };
        let name = bare_name(&argument.value);
        let place = name.and_then(|name| columns.iter().position(|c| c.name == name));
        let own = || name.is_some_and(|name| call.input.node.columns.iter().any(|c| c.name == name));
        match place {
            Some(place) if takes == Takes::ColumnOfTable || own() => Some(Given::ColumnOfTable(place)),
            _ => {
                let table = if place.is_some() { &call.input } else { &table };
                let scalar = self.scalar(&argument.value, &Context::row(scope, table));
                if scalar.scalar_type.is_some() {
                    self.error("KS109", argument.value.span, "the name of a column is expected");
                }
                None
            }
        }
    }

    fn constant_argument(
        &mut self,
        argument: &Argument,
        kind: Kind,
        parameter: &'static Parameter,
        plugin: &'static Plugin,
        scope: &Rc<Scope>,
    ) -> Option<Given> {
        let span = argument.value.span;
        let scalar = self.scalar(&argument.value, &Context::rowless(scope));
        let literal = matches!(parameter.takes, Takes::Literal(_));
        if !self.fits(&scalar, kind, &argument.value, parameter, plugin) {
            return None;
        }
        let constant = self.constant(&scalar);
        match constant {
            Some(value) if !literal || scalar.literal => {
                let value = match kind {
                    Kind::Is(scalar_type) => crate::types::convert::convert(&value, scalar_type),
                    Kind::Integer => crate::types::convert::convert(&value, ScalarType::Long),
                    _ => value,
                };
                if literal && value == Value::String(String::new()) {
                    self.error("KS133", span, format!("`{}` of `{}` must not be empty", parameter.name, plugin.name));
                    return None;
                }
                Some(Given::Constant(value))
            }
            _ if scalar.scalar_type.is_none() => None,
            _ => {
                let (code, what) = if literal { ("KS131", "a literal") } else { ("KS129", "a constant") };
                self.error(code, span, format!("`{}` of `{}` must be {what}", parameter.name, plugin.name));
                None
            }
        }
    }

    fn relation(&mut self, argument: &Argument, call: &mut Call, scope: &Rc<Scope>) -> Option<Given> {
        let span = argument.value.span;
        if let ExprKind::Name(name) = &argument.value.kind
            && scope.find(&name.text).is_none()
            && self.catalog.table(&name.text).is_none()
        {
            self.error("KS142", span, format!("there is no table `{}`", name.text));
        } else if !self.is_tabular(&argument.value, scope) {
            self.scalar(&argument.value, &Context::rowless(scope));
            self.error("KS111", span, "a table is expected");
        } else {
            let table = self.table(&argument.value, scope).shown();
            call.incomplete |= table.open;
            call.table_open |= table.open;
            let node = self.share(table.node);
            call.invocation.tables.push(node.columns.clone());
            call.tables.push(node);
            return Some(Given::Table(call.tables.len() - 1));
        }
        call.invocation.tables.push(Vec::new());
        None
    }

    /// Tells whether a parameter takes a value of the type, and says so where it does not.
    fn fits(
        &mut self,
        scalar: &Scalar,
        kind: Kind,
        value: &ast::Expr,
        parameter: &Parameter,
        plugin: &'static Plugin,
    ) -> bool {
        let Some(scalar_type) = scalar.scalar_type else { return false };
        // A function takes a bool for a number (measured), a plugin does not (Microsoft's parser).
        let truth = scalar_type == ScalarType::Bool && matches!(kind, Kind::Integer | Kind::Number);
        if !truth && cost(kind, scalar_type, scalar).is_some() {
            return true;
        }
        let (code, what) = wanted(kind);
        self.error(
            code,
            value.span,
            format!("`{}` of `{}` must be {what}, and this is of type {scalar_type}", parameter.name, plugin.name),
        );
        false
    }

    /// Finds the parameter of each argument; None where the signature does not take so many.
    ///
    /// A named argument goes where its name says. Others fill the parameters in order; one that may be left out is, where
    /// the argument cannot be meant for it.
    fn layout(
        &mut self,
        signature: &'static [Parameter],
        arguments: &[Argument],
        input: &Table,
        scope: &Rc<Scope>,
    ) -> Option<Vec<&'static Parameter>> {
        let mut counts = vec![0_u16; signature.len()];
        let mut parameters = Vec::with_capacity(arguments.len());
        let mut next = 0;
        for argument in arguments {
            let named = argument.name.as_ref().and_then(|name| signature.iter().position(|p| p.name == name.text));
            let place = match named {
                Some(place) => place,
                None => loop {
                    let parameter = signature.get(next)?;
                    let full = counts[next] >= parameter.max;
                    let enough = counts[next] >= parameter.min;
                    if full || (enough && !self.may_mean(argument, parameter, input, scope)) {
                        next += 1;
                    } else {
                        break next;
                    }
                },
            };
            counts[place] += 1;
            if counts[place] > signature[place].max {
                return None;
            }
            parameters.push(&signature[place]);
        }
        let enough = signature.iter().zip(counts).all(|(parameter, count)| count >= parameter.min);
        enough.then_some(parameters)
    }

    /// Tells whether an argument without a name can be meant for a parameter that may be left out.
    fn may_mean(&mut self, argument: &Argument, parameter: &Parameter, input: &Table, scope: &Rc<Scope>) -> bool {
        let name = bare_name(&argument.value);
        let column = name.and_then(|name| input.node.columns.iter().find(|c| c.name == name));
        let bound = name.is_some_and(|name| scope.find(name).is_some());
        let truth = matches!(&argument.value.kind, ExprKind::Literal(Literal::Typed { text, .. })
            if text == "true" || text == "false");
        match parameter.takes {
            _ if parameter.tilde => true,
            Takes::Column(_) => column.is_some() || (name.is_some() && !bound),
            Takes::ColumnOfTable | Takes::ColumnOfBoth => !truth,
            Takes::Constant(_) | Takes::Literal(_) => {
                column.is_none() && !matches!(name.and_then(|name| scope.find(name)), Some(Binding::Table(_)))
            }
            Takes::Table => column.is_none() && self.is_tabular(&argument.value, scope),
            Takes::Expression(Kind::Is(wanted)) => {
                let scalar = self.scalar(&argument.value, &Context::row(scope, input));
                scalar.scalar_type.is_none_or(|found| found == wanted)
            }
            Takes::Expression(_) | Takes::Aggregate | Takes::Anything => true,
        }
    }

    /// Tells what Kusto's engine takes and Microsoft's parser refuses.
    fn tell_of_unlisted(&mut self, name: &ast::Name, arguments: &[Argument], parameters: &[&'static Parameter]) {
        let unlisted: Vec<_> = arguments.iter().zip(parameters).filter(|(_, parameter)| parameter.unlisted).collect();
        let listed = parameters.len() - unlisted.len();
        // The parser takes one of them for the prefix.
        let spare = usize::from(listed < 2);
        if unlisted.len() > spare {
            let message = format!("`{}` takes 2 arguments in Microsoft's parser, more in Kusto's engine", name.text);
            self.strict.push(Diagnostic::error("KS119", name.span, message));
            return;
        }
        for (argument, parameter) in unlisted {
            if parameter.takes != Takes::Literal(Kind::Is(ScalarType::String)) {
                let message = "Microsoft's parser takes a string here, Kusto's engine a dynamic";
                self.strict.push(Diagnostic::error("KS107", argument.value.span, message));
            }
        }
    }
}

/// Finds a name that stands in no aggregate.
fn no_aggregate(expr: &ast::Expr) -> Option<(&str, Span)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((&name.text, expr.span)),
        ExprKind::Call { name, .. } if super::aggregate::find(&name.text).is_some() => None,
        ExprKind::Call { arguments, .. } => arguments.iter().find_map(|argument| no_aggregate(&argument.value)),
        ExprKind::Paren(inner) | ExprKind::Unary { operand: inner, .. } => no_aggregate(inner),
        ExprKind::Binary { left, right, .. } => no_aggregate(left).or_else(|| no_aggregate(right)),
        _ => None,
    }
}

fn bare_name(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(&name.text),
        _ => None,
    }
}

/// Says how many arguments a plugin takes.
/// From so many arguments on no number is told.
const MANY: usize = 1000;

/// Returns the least and the greatest number of arguments that a plugin takes.
fn bounds(plugin: &Plugin) -> (usize, usize) {
    let bounds = plugin.signatures.iter().map(|signature| {
        let sum = |count: fn(&Parameter) -> u16| signature.iter().map(|p| usize::from(count(p))).sum::<usize>();
        (sum(|p| p.min), sum(|p| p.max))
    });
    bounds.fold((usize::MAX, 0), |(low, high), (min, max)| (low.min(min), high.max(max)))
}

fn arity(plugin: &Plugin) -> String {
    let plural = |n: usize| if n == 1 { "1 argument".to_string() } else { format!("{n} arguments") };
    match bounds(plugin) {
        (_, 0) => "no arguments".to_string(),
        (min, MANY..) => format!("at least {}", plural(min)),
        (min, max) if min == max => plural(min),
        (min, max) => format!("{min} to {}", plural(max)),
    }
}

fn is_tilde(value: &ast::Expr) -> bool {
    matches!(&value.kind, ExprKind::Literal(Literal::String(text)) if text == "~")
}
