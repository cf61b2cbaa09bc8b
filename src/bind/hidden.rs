//! Columns that records have and results do not show: `_ItemId` and its kin, and the time of ingestion.
//!
//! They stand behind the columns of a scan and go along like any other, so that they can be named, until an operator
//! could list them unasked (`distinct *`, `getschema`): there all but those that it names are dropped. What is still
//! hidden at the end of a statement is dropped as well. Documented: the standard columns of Log Analytics are in a
//! result only where the query names them. How they pass a join or a union is inferred from their being columns.

use super::Table;
use super::operator::projection;
use super::scope::Context;
use super::{Binder, expression::Scalar};
use crate::catalog::TableInfo;
use crate::diagnostic::Span;
use crate::functions;
use crate::plan::{Comparison, Expr, Kind, Node};
use crate::syntax::{self, ast};
use crate::types::{Column, ScalarType, Value};

/// What the time of ingestion is called while a query is bound: a name that no text can spell.
const INGESTED: &str = "\u{1}ingested";

/// Makes the relation that a table of the catalog is.
pub(super) fn scan(info: &TableInfo) -> Table {
    let time = info.ingested.as_ref().map(|name| Column::new(name, ScalarType::DateTime));
    let mut read = info.columns.clone();
    for column in info.hidden.iter().chain(&time) {
        // The time of ingestion may be one of the hidden columns.
        if !read.contains(column) {
            read.push(column.clone());
        }
    }
    let kind = Kind::Scan { table: info.name.clone() };
    let mut node = Node { columns: read, serialized: false, kind };
    let mut hidden: Vec<String> = info.hidden.iter().map(|column| column.name.clone()).collect();
    if info.lacks_type || time.is_some() {
        let mut columns: Vec<Column> = info.columns.iter().chain(&info.hidden).cloned().collect();
        let mut expressions: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
        if let Some(at) = columns.iter().position(|column| *column == type_column()).filter(|_| info.lacks_type) {
            expressions[at] = named_type(&info.name);
        }
        if let Some(time) = time {
            columns.push(Column::new(INGESTED, ScalarType::DateTime));
            expressions.push(Expr::Column(time));
            hidden.push(INGESTED.to_string());
        }
        node = projection(node, columns, expressions);
    }
    Table { label: Some(info.name.clone()), hidden, ..Table::new(node) }
}

fn type_column() -> Column {
    Column::new("Type", ScalarType::String)
}

/// Makes `iff(Type == "", "T", Type)`: every record of a table has the table's name as its type.
fn named_type(table: &str) -> Expr {
    let read = Expr::Column(type_column());
    let text = |text: &str| Expr::Literal(Value::String(text.to_string()));
    let empty = Expr::Compare { operator: Comparison::Equal, left: Box::new(read.clone()), right: Box::new(text("")) };
    match functions::scalar_function("case") {
        Some(function) => {
            let arguments = vec![empty, text(table), read];
            Expr::Call { function, overload: 0, arguments, returns: ScalarType::String, at: None }
        }
        None => read,
    }
}

impl Table {
    /// Returns the table as a result shows it.
    pub(super) fn shown(self) -> Table {
        let hidden = self.hidden.clone();
        self.dropping(&hidden)
    }

    fn dropping(self, names: &[String]) -> Table {
        if names.is_empty() {
            return self;
        }
        let columns: Vec<Column> = self.node.columns.iter().filter(|c| !names.contains(&c.name)).cloned().collect();
        let expressions = columns.iter().cloned().map(Expr::Column).collect();
        let hidden = self.hidden.iter().filter(|name| !names.contains(name)).cloned().collect();
        Table { node: projection(self.node.clone(), columns, expressions), hidden, ..self }
    }

    /// Prepares the input of an operator: one that may list all columns gets only those hidden ones that it names.
    pub(super) fn before(self, operator: &ast::Operator) -> Table {
        use ast::OperatorKind::*;
        if self.hidden.is_empty() {
            return self;
        }
        match &operator.kind {
            As { .. }
            | Count { .. }
            | Extend { .. }
            | Join { .. }
            | Lookup { .. }
            | MvExpand { .. }
            | Parse(_)
            | ParseKv { .. }
            | Project { .. }
            | ProjectAway { .. }
            | ProjectRename { .. }
            | ProjectReorder { .. }
            | Render { .. }
            | Serialize { .. }
            | Sort { .. }
            | Take { .. }
            | Top { .. }
            | Union { .. }
            | Where { .. } => self,
            _ => {
                let span = operator.span;
                let expr = ast::Expr { span, kind: ast::ExprKind::Leading(Box::new(operator.clone())) };
                let text = syntax::print::expr(&expr);
                let spelled = |name: &str| if name == INGESTED { "ingestion_time" } else { name }.to_string();
                let unnamed: Vec<String> =
                    self.hidden.iter().filter(|name| !text.contains(&spelled(name))).cloned().collect();
                let table = self.dropping(&unnamed);
                let hidden = table.hidden.iter().filter(|name| *name == INGESTED).cloned().collect();
                Table { hidden, ..table }
            }
        }
    }

    /// Settles what of an operator's output is hidden: no longer what it names in its output.
    pub(super) fn after(mut self, operator: &ast::Operator) -> Table {
        if self.hidden.is_empty() {
            return self;
        }
        let mut named: Vec<&str> = Vec::new();
        if let ast::OperatorKind::Extend { columns } | ast::OperatorKind::Serialize { columns, .. } = &operator.kind {
            for column in columns {
                match (&column.names[..], &column.value.kind) {
                    ([], ast::ExprKind::Name(name)) => named.push(&name.text),
                    (names, _) => named.extend(names.iter().map(|name| name.text.as_str())),
                }
            }
        }
        let columns = &self.node.columns;
        self.hidden.retain(|name| !named.contains(&name.as_str()) && columns.iter().any(|c| c.name == *name));
        self
    }

    /// Drops the time of ingestion where rows of two tables become one.
    pub(super) fn without_ingestion(self) -> Table {
        match self.hidden.iter().any(|name| name == INGESTED) {
            true => self.dropping(&[INGESTED.to_string()]),
            false => self,
        }
    }

    /// Drops the time of ingestion from all of several tables unless each of them has it.
    pub(super) fn with_ingestion_of_all(tables: Vec<Table>) -> Vec<Table> {
        let has = |table: &Table| table.hidden.iter().any(|name| name == INGESTED);
        match tables.iter().all(has) {
            true => tables,
            false => tables.into_iter().map(Table::without_ingestion).collect(),
        }
    }
}

impl Binder<'_> {
    /// Binds `ingestion_time()`: it is known where the records tell it, and as long as a row is one record's.
    pub(super) fn ingestion_time(&mut self, span: Span, cx: &Context) -> Scalar {
        if let Some(column) = cx.column(INGESTED) {
            return Scalar::known(Expr::Column(column.clone()));
        }
        // Without records nothing is computed, and what an export will have is not known.
        if !self.catalog.is_for_checks() {
            let message = "these rows do not tell when they were ingested: `ingestion_time()` has no value";
            let help = "export records with `| extend IngestedAt = ingestion_time()` and say in alertq.toml: \
                        ingestion_time = \"IngestedAt\"";
            self.refusals.push(crate::diagnostic::Diagnostic::error("AQ017", span, message).help(help));
        }
        Scalar::placeholder(ScalarType::DateTime)
    }
}

/// Says what to do about a column that the product has and a file lacks.
pub(super) fn remedy(name: &str) -> Option<String> {
    if name == "SearchKey" {
        let key = "search_key = \"COLUMN\" in alertq.toml";
        return Some(format!("if it is a watchlist's, say which of its columns it repeats: {key}"));
    }
    let standard = crate::catalog::STANDARD_HIDDEN.iter().any(|(standard, _)| *standard == name);
    standard
        .then(|| format!("Log Analytics has it and the schema here does not: export records with `| extend {name}`"))
}

/// Returns which columns of a join are hidden: those that were on their side, the right side's under new names.
pub(super) fn of_join(left: &Table, right: &Table, columns: &[Column]) -> Vec<String> {
    let is_renamed = |name: &str| {
        right.hidden.iter().any(|hidden| {
            name.strip_prefix(hidden.as_str()).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    let right_only = |column: &Column| !left.node.columns.contains(column) && is_renamed(&column.name);
    let hidden = |column: &&Column| left.hidden.contains(&column.name) || right_only(column);
    columns.iter().filter(hidden).map(|column| column.name.clone()).collect()
}

/// Returns which columns of a union are hidden: those that no input shows.
pub(super) fn of_union(inputs: &[Table], columns: &[Column]) -> Vec<String> {
    let shows = |input: &Table, name: &String| {
        input.node.columns.iter().any(|column| column.name == *name) && !input.hidden.contains(name)
    };
    let hidden = |column: &&Column| {
        inputs.iter().any(|input| input.hidden.contains(&column.name))
            && !inputs.iter().any(|input| shows(input, &column.name))
    };
    columns.iter().filter(hidden).map(|column| column.name.clone()).collect()
}
