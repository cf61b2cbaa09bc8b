//! The columns that several scans of the same rows read together.

use datafusion::common::Result;
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};

/// What each column is made of; none stands there twice.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns(Vec<ProjectionExpr>);

impl Columns {
    /// Returns the columns that a scan gives.
    pub(super) fn of(source: &ParquetSource) -> Columns {
        let mut columns = Columns::default();
        columns.add(source.projection().into_iter().flat_map(ProjectionExprs::iter));
        columns
    }

    /// Takes in the columns of another scan. False where the two have less than half of them in common: then each would
    /// hold what only the other one wants.
    pub(super) fn unite(&mut self, other: &Columns) -> bool {
        let common = other.0.iter().filter(|column| self.place(column).is_some()).count();
        let alike = 2 * common >= self.0.len().max(other.0.len());
        if alike {
            self.add(other.0.iter());
        }
        alike
    }

    fn add<'a>(&mut self, columns: impl Iterator<Item = &'a ProjectionExpr>) {
        for column in columns {
            if self.place(column).is_none() {
                let taken = self.0.iter().any(|other| other.alias == column.alias);
                let alias = if taken { format!("{}#{}", column.alias, self.0.len()) } else { column.alias.clone() };
                self.0.push(ProjectionExpr::new(column.expr.clone(), alias));
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn place(&self, column: &ProjectionExpr) -> Option<usize> {
        self.0.iter().position(|other| other.expr.eq(&column.expr))
    }

    /// Returns where the columns of a scan stand; None where one is missing.
    pub(super) fn places(&self, source: &ParquetSource) -> Option<Vec<usize>> {
        source.projection().into_iter().flat_map(ProjectionExprs::iter).map(|column| self.place(column)).collect()
    }

    /// Makes a scan of these columns out of one that has others.
    pub(super) fn scan(&self, config: &FileScanConfig, source: &ParquetSource) -> Result<FileScanConfigBuilder> {
        // A new source has all columns of the files, and the conditions are on these.
        let mut all = ParquetSource::new(source.table_schema().clone())
            .with_table_parquet_options(source.table_parquet_options().clone());
        if let Some(factory) = source.parquet_file_reader_factory() {
            all = all.with_parquet_file_reader_factory(factory.clone());
        }
        if let Some(predicate) = source.filter() {
            all = all.with_predicate(predicate);
        }
        let wanted = ProjectionExprs::new(self.0.iter().cloned());
        let none = || datafusion::common::internal_datafusion_err!("a scan of Parquet takes no projection");
        let source = all.try_pushdown_projection(&wanted)?.ok_or_else(none)?;
        Ok(FileScanConfigBuilder::from(config.clone()).with_source(source))
    }
}
