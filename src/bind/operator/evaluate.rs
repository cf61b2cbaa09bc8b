//! `evaluate`: the call of a plugin. Where only the data tell its columns, its input becomes the part that runs first.

use std::rc::Rc;

use super::super::plugin::Call;
use super::super::scope::Scope;
use super::super::seen::Seen;
use super::super::{Binder, First, Table};
use super::projection;
use crate::diagnostic::{Diagnostic, nearest};
use crate::functions::FunctionError;
use crate::functions::plugin::{Columns, Run, plugin, plugins};
use crate::plan::{self, Kind, Node};
use crate::syntax::ast::{Argument, EvaluateSchema, Expr, ExprKind, Name};
use crate::types::{Column, Value};

impl Binder<'_> {
    pub(super) fn evaluate(
        &mut self,
        call: &Expr,
        schema: Option<&EvaluateSchema>,
        input: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let ExprKind::Call { name, arguments } = &call.kind else {
            self.error("KS109", call.span, "`evaluate` takes the call of a plugin");
            return Table { open: true, render: None, label: None, ..input };
        };
        let Some(plugin) = plugin(&name.text) else {
            let mut problem = Diagnostic::error("KS124", name.span, format!("there is no plugin `{}`", name.text));
            if let Some(near) = nearest(&name.text, plugins().iter().map(|p| p.name)) {
                problem = problem.help(format!("did you mean `{near}`?"));
            }
            self.problem(problem);
            return Binder::nothing();
        };
        if plugin.unlisted {
            let message = format!("Microsoft's parser does not know the plugin `{}`, Kusto's engine does", name.text);
            self.strict.push(Diagnostic::error("KS124", name.span, message));
        }
        let input_open = input.open;
        let mut bound = self.plugin_call(plugin, name, arguments, input, scope);
        if let Run::Refused(why) = plugin.run {
            self.refuse("AQ001", name.span, format!("the plugin `{}` is not supported: {why}", name.text));
            bound.incomplete = true;
        }
        let declared = schema.map(|schema| (self.declared_columns(&schema.columns), schema.star));
        for column in declared.iter().flat_map(|(columns, _)| columns) {
            self.told.push((column.name.clone(), Seen::Scalar(column.scalar_type)));
        }
        let (columns, open) = self.plugin_columns(&mut bound, declared.clone(), call, arguments);
        let open = open || (input_open && declared.is_none_or(|(_, star)| star));
        bound.invocation.columns.clone_from(&columns);
        if bound.incomplete || open {
            let node = Node { columns, serialized: false, kind: Kind::Values { rows: Vec::new() } };
            return Table { open: open || input_open, ..Table::new(node) };
        }
        self.unique_columns(&columns, name);
        if matches!(plugin.run, Run::Operators) {
            return self.pivot(&bound, columns, name, scope);
        }
        let Call { invocation, input, tables, .. } = bound;
        if plugin.ordered && !input.node.serialized {
            let message =
                format!("the rows before `{}` must have an order: put `sort by` or `serialize` before it", name.text);
            self.refuse("AQ020", name.span, message);
        }
        let kind = Kind::Plugin { input: Box::new(input.node), tables, call: Box::new(invocation) };
        Table::new(Node { columns, serialized: plugin.ordered, kind })
    }

    /// Finds the columns of a call, and whether more may come.
    fn plugin_columns(
        &mut self,
        bound: &mut Call,
        declared: Option<(Vec<Column>, bool)>,
        call: &Expr,
        arguments: &[Argument],
    ) -> (Vec<Column>, bool) {
        let (Columns::Closed(columns) | Columns::Open { known: columns, .. }) = bound.invocation.plugin.columns;
        let known = columns(&bound.invocation).unwrap_or_else(|error| {
            if !bound.incomplete {
                self.wrong_call(error, call, arguments);
                bound.incomplete = true;
            }
            Vec::new()
        });
        if let Some((declared, star)) = declared {
            return (with_declared(known, declared, star), false);
        }
        match bound.invocation.plugin.columns {
            Columns::Closed(_) => (known, false),
            Columns::Open { .. } if bound.incomplete || self.sketched > 0 => {
                self.guessing = true;
                (known, true)
            }
            Columns::Open { .. } => match self.opened(bound, call, arguments) {
                Some(columns) => (columns, false),
                None => (known, true),
            },
        }
    }

    /// Returns the columns of an open plugin if they are known by now; else its input is what runs first.
    fn opened(&mut self, bound: &mut Call, call: &Expr, arguments: &[Argument]) -> Option<Vec<Column>> {
        let index = self.opened;
        self.opened += 1;
        let held = bound.input.node.is_volatile() || !is_cheap(&bound.input.node);
        if let Some(columns) = self.discovered.get(index) {
            if held {
                let Node { columns: own, serialized, .. } = &bound.input.node;
                let (own, serialized) = (own.clone(), *serialized);
                bound.input.node = Node { columns: own, serialized, kind: Kind::Materialized { index } };
            }
            return Some(columns.clone());
        }
        self.guessing = true;
        if self.first.is_some() {
            return None;
        }
        if !self.stands_alone(&bound.input.node) {
            self.unsupported(call.span, "a plugin whose columns only the data tell, in this place,");
            return None;
        }
        self.first = Some(First {
            input: if held { bound.input.node.clone() } else { looked_at(bound) },
            held,
            shared: self.shared.clone(),
            externals: self.externals.clone(),
            call: bound.invocation.clone(),
            span: call.span,
            arguments: arguments.iter().map(|argument| argument.value.span).collect(),
        });
        None
    }

    /// Tells whether a relation can be computed before the rest of the query: it is not a part of what an operator does
    /// for each row, and computing it twice gives the same.
    pub(super) fn stands_alone(&self, node: &Node) -> bool {
        let mut alone = true;
        node.for_each(&mut |node| {
            if let Kind::Shared { index } = node.kind {
                alone &=
                    self.shared.get(index).is_some_and(|shared| !shared.is_volatile() && self.stands_alone(shared));
            }
        });
        alone
    }

    fn wrong_call(&mut self, error: FunctionError, call: &Expr, arguments: &[Argument]) {
        let span = error.argument.and_then(|index| arguments.get(index)).map_or(call.span, |a| a.value.span);
        self.refuse(error.code, span, error.message);
    }

    fn unique_columns(&mut self, columns: &[Column], name: &Name) {
        let twice = columns.iter().enumerate().find(|(i, column)| columns[..*i].iter().any(|c| c.name == column.name));
        if let Some((_, column)) = twice {
            let message = format!("`{}` gives the column `{}` twice: rename one before it", name.text, column.name);
            self.refuse("AQ041", name.span, message);
        }
    }
}

/// Tells whether the rows may as well be computed again: each is made of a row of a table by itself.
fn is_cheap(node: &Node) -> bool {
    match &node.kind {
        Kind::Scan { .. } | Kind::Values { .. } | Kind::Materialized { .. } => true,
        Kind::Filter { input, .. } | Kind::Project { input, .. } | Kind::Parse { input, .. } => {
            !node.asks_queries() && is_cheap(input)
        }
        _ => false,
    }
}

/// What must be read of the input to know the columns: all others stand as nothing.
fn looked_at(bound: &Call) -> Node {
    let Columns::Open { reads, .. } = bound.invocation.plugin.columns else { return bound.input.node.clone() };
    let places = bound.invocation.places(reads);
    let columns = bound.input.node.columns.clone();
    let expressions = columns.iter().enumerate().map(|(place, column)| match places.contains(&place) {
        true => plan::Expr::Column(column.clone()),
        false => plan::Expr::Literal(Value::missing(column.scalar_type)),
    });
    let expressions = expressions.collect();
    projection(bound.input.node.clone(), columns, expressions)
}

/// The columns that a call is declared to give: with a star after those that are known.
fn with_declared(known: Vec<Column>, declared: Vec<Column>, star: bool) -> Vec<Column> {
    let mut columns = if star { known } else { Vec::new() };
    for column in declared {
        match columns.iter_mut().find(|c| c.name == column.name) {
            Some(place) => *place = column,
            None => columns.push(column),
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use crate::bind::{Bound, First, Options, bind};
    use crate::catalog::Catalog;
    use crate::plan::rewrite::rewrite;
    use crate::plan::{Plan, QueryResult};
    use crate::syntax::parse;
    use crate::types::{Column, ScalarType};

    fn bound(text: &str, options: &Options) -> Bound {
        let bound = bind(&parse(text).query, &Catalog::standard(), options);
        assert!(bound.is_valid(), "{text}: {:?}", bound.problems);
        bound
    }

    fn columns(operator: &str) -> (String, bool) {
        let text = format!("datatable(i:int, d:dynamic, s:string)[] | evaluate {operator}");
        let bound = bound(&text, &Options::default());
        assert_eq!(bound.refusals, [], "{text}");
        assert_eq!(bound.plan.is_none(), bound.open, "{text}");
        let names: Vec<String> = bound.columns.unwrap_or_default().into_iter().map(|c| c.name).collect();
        (names.join(" "), bound.open)
    }

    #[test]
    fn columns_are_told_as_far_as_they_are_known() {
        let check =
            |operator: &str, names: &str, open| assert_eq!(columns(operator), (names.into(), open), "{operator}");
        check("bag_unpack(d)", "i s", true);
        check("bag_unpack(d, 'p_')", "i s", true);
        check("bag_unpack(d) : (i:int, q:string)", "i q", false);
        check("bag_unpack(d) : (*, q:string)", "i s q", false);
    }

    #[test]
    fn what_an_open_plugin_runs_over_comes_first() {
        let text = "datatable(d:dynamic)[] | evaluate bag_unpack(d) | where a == 1 | evaluate bag_unpack(b)";
        let mut options = Options::default();
        let first = bound(text, &options).first.expect("a first part");
        assert_eq!(first.input.columns, [Column::new("d", ScalarType::Dynamic)]);
        options.discovered.push(vec![Column::new("a", ScalarType::Long), Column::new("b", ScalarType::Dynamic)]);
        let second = bound(text, &options).first.expect("a second part");
        assert_eq!(second.input.columns.len(), 2);
        options.discovered.push(vec![Column::new("c", ScalarType::Long)]);
        let last = bound(text, &options);
        assert!(last.first.is_none() && last.plan.is_some() && !last.open);
    }

    #[test]
    fn rows_are_held_where_computing_them_again_costs_or_differs() {
        let check = |before: &str, held| {
            let text = format!("datatable(d:dynamic, n:long)[] {before} | evaluate bag_unpack(d)");
            assert_eq!(bound(&text, &Options::default()).first.map(|first| first.held), Some(held), "{before}");
        };
        check("", false);
        check("| where n > 1 | extend m = n + 1", false);
        check("| where n in (range x from 1 to 2 step 1)", true);
        check("| sort by n asc", true);
        check("| take 5", true);
    }

    #[test]
    fn only_what_tells_the_columns_is_looked_at() {
        let text = "SecurityAlert | extend d = parse_json(ExtendedProperties) | evaluate bag_unpack(d)";
        let First { input, shared, .. } = bound(text, &Options::default()).first.expect("a first part");
        let results = vec![QueryResult { name: String::new(), node: input, render: None }];
        let plan = rewrite(Plan { results, shared, ..Plan::default() });
        let columns = vec![Column::new("ExtendedProperties", ScalarType::String)];
        assert_eq!(plan.scans(), [("SecurityAlert", columns)]);
    }

    #[test]
    fn nothing_runs_for_a_function_that_is_not_called() {
        let text = "let F = (T:(d:dynamic)) { T | evaluate bag_unpack(d) }; print 1";
        let bound = bound(text, &Options::default());
        assert!(bound.first.is_none() && bound.plan.is_some());
    }

    #[test]
    fn nothing_runs_for_a_query_that_is_wrong_further_on() {
        let text = "datatable(d:dynamic)[] | evaluate bag_unpack(d) | where strlen(1, 2) == 1";
        let bound = bind(&parse(text).query, &Catalog::standard(), &Options::default());
        assert!(bound.first.is_none() && !bound.is_valid());
    }
}
