//! An Arrow IPC stream, mapped as Parquet files are.

use std::io::{self, Seek, Write};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::types::Column;
use crate::types::arrow::schema;

use super::physical::{Physical, Units};
use super::{Format, Writer, failed, one_result};

/// Writes one result as a stream.
///
/// A stream begins with its types, and those of datetimes depend on all values: the batches wait in a temporary file.
pub(super) struct ArrowWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    waiting: Option<(Physical, StreamWriter<std::fs::File>)>,
    begun: bool,
}

impl<'a> ArrowWriter<'a> {
    pub(super) fn new(out: Box<dyn Write + Send + 'a>) -> Self {
        ArrowWriter { out, waiting: None, begun: false }
    }
}

impl Writer for ArrowWriter<'_> {
    fn begin(&mut self, _name: &str, columns: &[Column]) -> io::Result<()> {
        one_result(&mut self.begun, Format::Arrow)?;
        let writer = StreamWriter::try_new(tempfile::tempfile()?, &schema(columns)).map_err(failed)?;
        self.waiting = Some((Physical::new(columns, Units::default()), writer));
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let Some((physical, writer)) = &mut self.waiting else { return Ok(()) };
        if let Some(wider) = physical.widened(batch) {
            *physical = wider;
        }
        let batch = RecordBatch::try_new(schema(physical.columns()), batch.columns().to_vec()).map_err(failed)?;
        writer.write(&batch).map_err(failed)
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some((physical, mut writer)) = self.waiting.take() {
            writer.finish().map_err(failed)?;
            let mut file = writer.into_inner().map_err(failed)?;
            file.rewind()?;
            let mut stream = StreamWriter::try_new(&mut self.out, &physical.schema).map_err(failed)?;
            for batch in StreamReader::try_new_buffered(file, None).map_err(failed)? {
                let mapped = physical.map(&batch.map_err(failed)?).map_err(failed)?;
                stream.write(&mapped).map_err(failed)?;
            }
            stream.finish().map_err(failed)?;
        }
        self.out.flush()
    }
}
