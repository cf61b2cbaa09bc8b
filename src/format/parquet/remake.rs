//! A file in the making whose datetimes turn out to need another unit: made anew, by copying what stays as it is.
//!
//! Of whole row groups the other columns are copied as they lie in the file, still compressed; so the cost of a late
//! surprise is reading and writing once, whatever the text in the file.

use std::fs::File;
use std::io;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use ::parquet::bloom_filter::Sbbf;
use ::parquet::column::writer::ColumnCloseResult;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use arrow::array::RecordBatch;

use super::{Made, PAGE_ROWS, failed, leaves};
use crate::format::physical::{Physical, moments};

/// Puts the rows of a finished file, which was made by another mapping, into one that is empty.
pub(super) fn remake(written: &File, before: &Physical, into: &mut Made) -> io::Result<()> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = ArrowReaderMetadata::load(written, options).map_err(failed)?;
    let old = Old { file: written, metadata, before };
    for group in 0..old.metadata.metadata().num_row_groups() {
        match old.rows(group) == into.most_rows {
            true => old.copy(group, into).map_err(failed)?,
            // The last one was not full: more rows will follow.
            false => old.write(group, into)?,
        }
    }
    Ok(())
}

struct Old<'a> {
    file: &'a File,
    metadata: ArrowReaderMetadata,
    before: &'a Physical,
}

impl Old<'_> {
    fn metadata(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    fn rows(&self, group: usize) -> usize {
        usize::try_from(self.metadata().row_group(group).num_rows()).unwrap_or_default()
    }

    /// Reads columns of a row group.
    fn read(
        &self,
        group: usize,
        columns: ProjectionMask,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, ParquetError>>, ParquetError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.try_clone()?, self.metadata.clone());
        let builder = builder.with_row_groups(vec![group]).with_projection(columns).with_batch_size(PAGE_ROWS);
        Ok(builder.build()?.map(|batch| batch.map_err(ParquetError::from)))
    }

    /// Writes all rows of a row group.
    fn write(&self, group: usize, into: &mut Made) -> io::Result<()> {
        for batch in self.read(group, ProjectionMask::all()).map_err(failed)? {
            let batch = self.before.unmap(&batch.map_err(failed)?).map_err(failed)?;
            into.write(&batch)?;
        }
        Ok(())
    }

    /// Makes a row group of a whole one: columns of the same type are copied.
    fn copy(&self, group: usize, into: &mut Made) -> Result<(), ParquetError> {
        let schema = into.physical.schema.clone();
        let number = into.file.flushed_row_groups().len();
        let writers = into.groups.create_column_writers(number)?;
        let mut out = into.file.next_row_group()?;
        for (index, mut writer) in writers.into_iter().enumerate() {
            if schema.field(index) == self.before.schema.field(index) {
                out.append_column(self.file, self.chunk(group, index)?)?;
                continue;
            }
            let columns = ProjectionMask::roots(self.metadata.parquet_schema(), [index]);
            for batch in self.read(group, columns)? {
                let array = into.physical.array(&moments(batch?.column(0)), index);
                leaves(schema.field(index), &array, &mut writer)?;
            }
            writer.close()?.append_to_row_group(&mut out)?;
        }
        out.close()?;
        Ok(())
    }

    /// Describes a column of a row group as who has just written it would.
    fn chunk(&self, group: usize, column: usize) -> Result<ColumnCloseResult, ParquetError> {
        let all = self.metadata();
        let metadata = all.row_group(group).column(column).clone();
        let index = all.column_index().and_then(|groups| groups.get(group)?.get(column).cloned());
        let offsets = all.offset_index().and_then(|groups| groups.get(group)?.get(column).cloned());
        Ok(ColumnCloseResult {
            bytes_written: u64::try_from(metadata.compressed_size()).unwrap_or_default(),
            rows_written: self.rows(group) as u64,
            bloom_filter: Sbbf::read_from_column_chunk(&metadata, self.file)?,
            metadata,
            column_index: index,
            offset_index: offsets,
        })
    }
}
