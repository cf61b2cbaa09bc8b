//! Operators that change little: `consume`, `assert-schema`, `__executeAndCache`.

use super::super::{Binder, Table};
use crate::diagnostic::Span;
use crate::plan::{Kind, Node};
use crate::syntax::ast::ColumnDeclaration;

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

    /// Computes what comes before once.
    pub(super) fn execute_and_cache(&mut self, input: Table) -> Table {
        Table { node: self.share(input.node), ..input }
    }
}
