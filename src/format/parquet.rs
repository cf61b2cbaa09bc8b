//! Parquet: zstd, row groups that prune well, page index, bloom filters on identifiers.

use std::fs::File;
use std::io::{self, Seek, Write};

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::schema::types::ColumnPath;
use arrow::array::RecordBatch;

use crate::types::{Column, ScalarType, arrow::schema};

use super::physical::Physical;
use super::{Format, Writer, failed, one_result};

/// How files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Rows in a row group.
    pub row_group_rows: usize,
    /// The level of zstd, 1 to 22.
    pub level: i32,
}

impl Default for Options {
    fn default() -> Self {
        Options { row_group_rows: 128 << 10, level: 3 }
    }
}

/// Columns that queries look up single values of.
const IDENTIFIERS: [&str; 3] = ["SystemAlertId", "VendorOriginalId", "CompromisedEntity"];

/// Writes one result as a Parquet file.
///
/// The file is made beside, in a temporary one: should a datetime turn up that no timestamp holds, what was written so
/// far is mapped anew.
pub struct ParquetWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    options: Options,
    file: Option<Made>,
    begun: bool,
}

/// A file in the making.
struct Made {
    physical: Physical,
    writer: ArrowWriter<File>,
}

impl<'a> ParquetWriter<'a> {
    /// Makes a writer.
    pub fn new(out: Box<dyn Write + Send + 'a>, options: Options) -> Self {
        ParquetWriter { out, options, file: None, begun: false }
    }

    fn properties(&self, columns: &[Column]) -> WriterProperties {
        let level = ZstdLevel::try_new(self.options.level).unwrap_or_default();
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(self.options.row_group_rows.max(1)))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_created_by(concat!("alertq ", env!("CARGO_PKG_VERSION")).to_string());
        let text = |column: &&Column| column.scalar_type == ScalarType::String;
        for column in columns.iter().filter(text).filter(|column| IDENTIFIERS.contains(&column.name.as_str())) {
            let path = ColumnPath::from(column.name.as_str());
            let distinct = self.options.row_group_rows as u64;
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), 0.01)
                .set_column_bloom_filter_max_ndv(path, distinct);
        }
        properties.build()
    }

    fn make(&self, physical: Physical) -> io::Result<Made> {
        let properties = self.properties(physical.columns());
        let writer = ArrowWriter::try_new(tempfile::tempfile()?, physical.schema.clone(), Some(properties));
        Ok(Made { writer: writer.map_err(failed)?, physical })
    }

    /// Maps what was written so far anew.
    fn remake(&self, made: Made, physical: Physical) -> io::Result<Made> {
        let columns = physical.columns().to_vec();
        let written = made.close()?;
        let mut remade = self.make(physical)?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(written).and_then(|builder| builder.build());
        for batch in reader.map_err(failed)? {
            let batch = batch.map_err(failed)?;
            remade.write(&made_of(&batch, &columns)?)?;
        }
        Ok(remade)
    }
}

/// Maps a batch of our own making back to the engine's mapping.
fn made_of(batch: &RecordBatch, columns: &[Column]) -> io::Result<RecordBatch> {
    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::{DataType, TimestampNanosecondType};
    let arrays = batch.columns().iter().zip(columns).map(|(array, column)| -> io::Result<ArrayRef> {
        Ok(match array.data_type() {
            DataType::Timestamp(..) => {
                let stamps = array.as_primitive::<TimestampNanosecondType>();
                let moments: Int64Array =
                    stamps.iter().map(|stamp| stamp.map(crate::types::ticks::from_unix_nanos)).collect();
                std::sync::Arc::new(moments)
            }
            _ => arrow::compute::cast(array, &crate::types::arrow::data_type(column.scalar_type)).map_err(failed)?,
        })
    });
    RecordBatch::try_new(schema(columns), arrays.collect::<Result<_, _>>()?).map_err(failed)
}

impl Made {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let mapped = self.physical.map(batch).map_err(failed)?;
        self.writer.write(&mapped).map_err(failed)
    }

    fn close(self) -> io::Result<File> {
        let mut file = self.writer.into_inner().map_err(failed)?;
        file.rewind()?;
        Ok(file)
    }
}

impl Writer for ParquetWriter<'_> {
    fn begin(&mut self, _name: &str, columns: &[Column]) -> io::Result<()> {
        one_result(&mut self.begun, Format::Parquet)?;
        self.file = Some(self.make(Physical::new(columns))?);
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let Some(mut made) = self.file.take() else { return Ok(()) };
        if let Some(physical) = made.physical.widened(batch) {
            made = self.remake(made, physical)?;
        }
        let written = made.write(batch);
        self.file = Some(made);
        written
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some(made) = self.file.take() {
            io::copy(&mut made.close()?, &mut self.out)?;
        }
        self.out.flush()
    }
}
