//! `evaluate`: which columns a plugin gives, as far as they are known without the data. None is computed yet.

use std::rc::Rc;

use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use crate::plan::{Kind, Node};
use crate::syntax::ast::{Argument, EvaluateSchema, Expr, ExprKind};
use crate::types::{Column, ScalarType};

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
        self.unsupported(name.span, format_args!("the plugin `{}`", name.text));
        let mut columns = input.node.columns.clone();
        let mut open = true;
        match name.text.as_str() {
            "bag_unpack" => {
                if arguments.is_empty() {
                    self.error("KS119", name.span, "`bag_unpack` takes at least 1 argument");
                }
                self.consumed(arguments.first(), &input, scope, &mut columns);
            }
            "pivot" => {
                self.consumed(arguments.first(), &input, scope, &mut columns);
                match &arguments[..] {
                    // What the rows are grouped by is written.
                    [_, _, keys @ ..] if !keys.is_empty() => {
                        let named = keys.iter().filter_map(|key| self.column(key, &input, scope)).collect();
                        columns = named;
                    }
                    [_, aggregate] => {
                        // A column that is aggregated by its bare name is used up.
                        if let ExprKind::Call { arguments, .. } = &aggregate.value.kind {
                            let is_read = |c: &Column| arguments.iter().any(|a| bare_name(a) == Some(c.name.as_str()));
                            columns.retain(|c| !is_read(c));
                        }
                    }
                    _ => {}
                }
            }
            "narrow" => {
                columns = vec![
                    Column::new("Row", ScalarType::Long),
                    Column::new("Column", ScalarType::String),
                    Column::new("Value", ScalarType::String),
                ];
                open = false;
            }
            _ => {}
        }
        if let Some(schema) = schema {
            if !schema.star {
                columns.clear();
            }
            for column in self.declared_columns(&schema.columns) {
                match columns.iter_mut().find(|c| c.name == column.name) {
                    Some(place) => *place = column,
                    None => columns.push(column),
                }
            }
            open = false;
        }
        // The query does not run: what stands here only has the columns.
        let node = Node { columns, serialized: false, kind: Kind::Values { rows: Vec::new() } };
        Table { open: open || (input.open && schema.is_none_or(|s| s.star)), ..Table::new(node) }
    }

    /// Takes away the column that a plugin uses up.
    fn consumed(&mut self, argument: Option<&Argument>, input: &Table, scope: &Rc<Scope>, columns: &mut Vec<Column>) {
        if let Some(column) = argument.and_then(|argument| self.column(argument, input, scope)) {
            columns.retain(|c| *c != column);
        }
    }

    fn column(&mut self, argument: &Argument, input: &Table, scope: &Rc<Scope>) -> Option<Column> {
        match bare_name(argument).and_then(|name| input.node.columns.iter().find(|c| c.name == name)) {
            Some(column) => Some(column.clone()),
            None => {
                let scalar = self.scalar(&argument.value, &Context::row(scope, input));
                if scalar.scalar_type.is_some() {
                    self.error("KS109", argument.value.span, "the name of a column is expected");
                }
                None
            }
        }
    }
}

fn bare_name(argument: &Argument) -> Option<&str> {
    match &argument.value.kind {
        ExprKind::Name(name) => Some(&name.text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::bind::{Options, bind};
    use crate::catalog::Catalog;
    use crate::syntax::parse;

    fn columns(operator: &str) -> (String, bool) {
        let text = format!("datatable(i:int, d:dynamic, s:string)[] | evaluate {operator}");
        let bound = bind(&parse(&text).query, &Catalog::standard(), &Options::default());
        assert!(bound.is_valid(), "{:?}", bound.problems);
        assert!(bound.plan.is_none() && !bound.refusals.is_empty());
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
        check("pivot(s)", "i d", true);
        check("pivot(s, sum(i))", "d", true);
        check("pivot(s, sum(i), d, i)", "d i", true);
        check("narrow()", "Row Column Value", false);
    }
}
