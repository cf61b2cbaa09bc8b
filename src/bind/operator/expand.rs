//! `mv-expand`.

use std::rc::Rc;

use super::super::name::{free_name, name_of};
use super::super::scope::{Context, Scope};
use super::super::seen::Seen;
use super::super::{Binder, Table};
use super::word;
use crate::diagnostic::Diagnostic;
use crate::plan::{ExpandColumn, Expr, Kind, Node};
use crate::syntax::ast::{self, MvColumn, OperatorParameter};
use crate::types::{Column, ScalarType, Value};

impl Binder<'_> {
    pub(super) fn mv_expand(
        &mut self,
        parameters: &[OperatorParameter],
        columns: &[MvColumn],
        limit: Option<&ast::Expr>,
        input: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let bag_arrays = ["kind", "bagexpansion"]
            .iter()
            .filter_map(|name| word(parameters, name))
            .any(|(value, _)| value == "array");
        let index = word(parameters, "with_itemindex").map(|(name, _)| name.to_string());
        let limit = limit.and_then(|limit| {
            let scalar = self.scalar(limit, &Context::rowless(scope));
            match self.constant(&scalar) {
                Some(Value::Long(n)) => Some(n),
                Some(Value::Int(n)) => Some(n.into()),
                _ => {
                    self.error("KS134", limit.span, "a number of rows must be an integer constant");
                    None
                }
            }
        });
        let original = input.node.columns.clone();
        let mut result = original.clone();
        let mut arrays: Vec<ExpandColumn> = Vec::new();
        let mut positional = 0;
        for column in columns {
            let cx = Context::row(scope, &input);
            let scalar = self.scalar(&column.value.value, &cx);
            match scalar.scalar_type {
                Some(ScalarType::Dynamic) | None => {}
                Some(other) => self.problem(
                    Diagnostic::error(
                        "KS141",
                        column.value.span,
                        format!("only a dynamic value has elements, and this is of type {other}"),
                    )
                    .help("read text with parse_json() first"),
                ),
            }
            let scalar_type = match &column.to_type {
                Some(name) => self.type_name(name),
                // After a mistake the column stays what it is.
                None => scalar.column_type(),
            };
            let given = match column.value.names.first() {
                Some(name) => Some(name.text.clone()),
                None => {
                    name_of(&column.value.value, &cx).text().map(str::to_string).or_else(|| only_column(&scalar.expr))
                }
            };
            let name = match given {
                Some(name) => name,
                None => {
                    positional += 1;
                    free_name(&format!("Column{positional}"), |n| result.iter().any(|c| c.name == n))
                }
            };
            let seen = match scalar.seen() {
                _ if column.to_type.is_some() => Seen::Scalar(scalar_type),
                seen @ Seen::Scalar(_) => seen,
                seen => seen.expanded(bag_arrays),
            };
            self.told.push((name.clone(), seen));
            let replaces = original.iter().find(|c| c.name == name).map(|c| c.name.clone());
            match result.iter_mut().find(|c| c.name == name) {
                Some(place) => place.scalar_type = scalar_type,
                None => result.push(Column::new(&name, scalar_type)),
            }
            arrays.push(ExpandColumn { array: scalar.expr, replaces, name, scalar_type });
        }
        let index = index.map(|name| free_name(&name, |n| result.iter().any(|c| c.name == n)));
        if let Some(index) = &index {
            result.push(Column::new(index, ScalarType::Long));
        }
        let serialized = input.node.serialized;
        let kind = Kind::Expand { input: Box::new(input.node), arrays, index, limit, bag_arrays };
        Table { node: Node { columns: result, serialized, kind }, label: None, ..input }
    }
}

/// The one column that an expression reads: an unnamed expression takes its place (measured).
fn only_column(expr: &Expr) -> Option<String> {
    let mut names = std::collections::HashSet::new();
    expr.columns_read(&mut names);
    match names.len() {
        1 => names.into_iter().next().map(str::to_string),
        _ => None,
    }
}
