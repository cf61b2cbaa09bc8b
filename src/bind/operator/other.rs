//! Operators that change little, or are not built: `consume`, `assert-schema`, `__executeAndCache`, `reduce`.

use std::rc::Rc;

use super::super::name::free_name;
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Kind, Node};
use crate::syntax::ast::{ColumnDeclaration, NamedExpr};
use crate::types::{Column, ScalarType};

impl Binder<'_> {
    /// Gives nothing. What would be consumed is not computed either: nobody can tell.
    pub(super) fn consume(&mut self) -> Table {
        Table::new(Node { columns: Vec::new(), serialized: false, kind: Kind::Values { rows: Vec::new() } })
    }

    /// Holds the columns against a list.
    ///
    /// What Kusto's engine makes of columns that are more or other than the list says is not documented.
    pub(super) fn assert_schema(&mut self, columns: &[ColumnDeclaration], keyword: Span, input: Table) -> Table {
        let declared = self.declared_columns(columns);
        if input.open {
            self.refuse("AQ002", keyword, "the columns of this table are known only when the data are");
        } else if declared != input.node.columns {
            let told = |columns: &[crate::types::Column]| {
                let columns: Vec<String> = columns.iter().map(|c| format!("{}:{}", c.name, c.scalar_type)).collect();
                columns.join(", ")
            };
            let message = format!("the columns are ({}), not ({})", told(&input.node.columns), told(&declared));
            self.refuse("AQ041", keyword, message);
        }
        input
    }

    /// Tells what `reduce` gives: patterns of a text, or, with `kind=source`, the rows with the pattern of each.
    pub(super) fn reduce(
        &mut self,
        by: &NamedExpr,
        shows_source: bool,
        keyword: Span,
        input: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let text = self.scalar(&by.value, &Context::row(scope, &input));
        if text.scalar_type.is_some_and(|scalar_type| scalar_type != ScalarType::String) {
            let message = format!("`reduce` reads text, and this is of type {}", text.column_type());
            self.problem(Diagnostic::error("KS141", by.value.span, message).help("convert it with tostring()"));
        }
        self.unsupported(keyword, "the operator `reduce`");
        let mut columns = if shows_source { input.node.columns.clone() } else { Vec::new() };
        let own =
            [("Pattern", ScalarType::String), ("Count", ScalarType::Long), ("Representative", ScalarType::String)];
        for (name, scalar_type) in own {
            let name = free_name(name, |n| columns.iter().any(|column| column.name == n));
            columns.push(Column::new(name, scalar_type));
        }
        let node = Node { columns, serialized: false, kind: Kind::Values { rows: Vec::new() } };
        Table { open: shows_source && input.open, ..Table::new(node) }
    }

    /// Computes what comes before once.
    pub(super) fn execute_and_cache(&mut self, input: Table) -> Table {
        Table { node: self.share(input.node), ..input }
    }
}
