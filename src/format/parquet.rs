//! Parquet: zstd, row groups that prune well, page index, bloom filters on identifiers.

mod dictionary;
mod pages;
mod remake;
mod text;

use std::cmp::Reverse;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use ::parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::column::writer::ColumnCloseResult;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::ColumnPath;
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Field;

use crate::types::arrow::TABLE_KEY;
use crate::types::{Column, ScalarType, shred};

use super::parallel::{each, threads};
use super::physical::{Physical, Units};
use super::shred::Shredder;
use super::{Format, UNNAMED, Writer, failed, one_result};
use text::{Kind, TextColumn};

/// How files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Rows in a row group.
    pub row_group_rows: usize,
    /// The level of zstd, 1 to 22.
    pub level: i32,
    /// Keeps the hot parts of JSON columns beside the text, see [`crate::types::shred`].
    pub shred: bool,
}

/// For files that are kept and read again and again.
impl Default for Options {
    fn default() -> Self {
        Options { row_group_rows: KEPT_ROWS, level: 3, shred: false }
    }
}

/// Rows in a group of a file that is kept. A look-up of one alert reads the identifiers of one group and the bloom
/// filters of all: fewer rows make the one small, more rows the others.
const KEPT_ROWS: usize = 30 << 10;

/// Rows in a page: what a look-up reads of each column that it shows, and what the page index tells apart. A day of the
/// generated alerts is 11,000. With 4,389 a million of them take 299.4 MB and a look-up reads 3.0 MB, of an alert with
/// several versions 4.3 MB; with 4,096 in groups of 32,768 these are 300.3, 2.9 and 4.0 MB. The pages of a group are all
/// full, so that none is made for the few rows that are left.
const PAGE_ROWS: usize = KEPT_ROWS.div_ceil(7);

/// Bytes of a page before compression, from which on it has fewer rows. A page is compressed by itself, and what one
/// alert has in common with others makes most of the gain: of 65,536 generated alerts the entities take 8.5 MB with the
/// usual limit of 1 MiB, 7.8 MB with pages of 4.4 MB, and 7.6 MB with pages of 17 MB, of which a look-up would read one
/// for each row that it shows.
const PAGE_BYTES: usize = 6 << 20;

/// The level of zstd for identifiers, whose digits repeat nothing: the fastest finds no less than others (65,536
/// identifiers take 1.17 MB with level 1 and 1.31 MB with level 3).
const IDENTIFIER_LEVEL: i32 = 1;

/// Columns of texts each of which is there once: a dictionary of them would be begun, given up, and read by each look-up.
const NEVER_ALIKE: [&str; 2] = ["SystemAlertId", "VendorOriginalId"];

/// How many look-ups in vain a bloom filter may let through. At 0.002 it takes 64 KiB of a row group, at 0.03 it takes
/// 32 KiB: with thirty groups a look-up reads 1 MB less of these, and of one group in vain the identifiers, which are
/// 0.55 MB. Of 200 look-ups one reads more than 2 % of a million generated alerts, and with the larger ones 11 did.
const IN_VAIN: f64 = 0.03;

impl Options {
    /// For the answer of a query, which is read once or twice: someone waits for it, and compression is most of the work.
    pub const fn answer() -> Options {
        Options { row_group_rows: 128 << 10, level: 1, shred: false }
    }
}

/// Columns that queries look up single values of.
const IDENTIFIERS: [&str; 3] = ["SystemAlertId", "VendorOriginalId", "CompromisedEntity"];

/// Writes one result as a Parquet file.
///
/// Should a datetime turn up that the unit of its column does not hold, what was written so far is mapped anew: what goes
/// to a stream is therefore made in a temporary file.
pub struct ParquetWriter<'a> {
    out: Out<'a>,
    options: Options,
    /// The table that the rows are of, where they are one's.
    table: Option<String>,
    units: Units,
    file: Option<Made>,
    begun: bool,
    shredder: Option<Shredder>,
}

/// Where the file goes.
enum Out<'a> {
    /// It is made in a temporary file first.
    Stream(Box<dyn Write + Send + 'a>),
    /// It is made in place.
    File(File),
}

/// A file in the making.
struct Made {
    physical: Physical,
    file: SerializedFileWriter<BufWriter<File>>,
    groups: ArrowRowGroupWriterFactory,
    /// The columns of the row group in the making; none between two groups.
    columns: Vec<ChunkWriter>,
    /// What encodes the columns of texts, between two groups.
    texts: Vec<Option<Box<TextColumn>>>,
    /// Rows of the group that are not encoded yet, and how many bytes they take.
    waiting: Vec<RecordBatch>,
    waiting_bytes: usize,
    /// Rows of the group.
    rows: usize,
    most_rows: usize,
    level: ZstdLevel,
}

/// What encodes the column of a row group.
enum ChunkWriter {
    Any(Box<ArrowColumnWriter>),
    Text(Box<TextColumn>),
}

/// The column of a row group, encoded.
enum Chunk {
    Any(Box<ArrowColumnChunk>),
    /// Its pages, what is to be known of them, and what encodes the column of the next row group.
    Text(pages::Chunk, Box<ColumnCloseResult>, Box<TextColumn>),
}

impl<'a> ParquetWriter<'a> {
    /// Makes a writer.
    pub fn new(out: Box<dyn Write + Send + 'a>, options: Options) -> Self {
        ParquetWriter::to(Out::Stream(out), options)
    }

    /// Makes a writer that makes the file in place, from the file's beginning.
    pub fn onto(file: File, options: Options) -> Self {
        ParquetWriter::to(Out::File(file), options)
    }

    fn to(out: Out<'a>, options: Options) -> Self {
        ParquetWriter { out, options, table: None, units: Units::default(), file: None, begun: false, shredder: None }
    }

    /// Counts datetimes in these units from the start, so that files that belong together can have the same.
    #[must_use]
    pub fn with_units(self, units: Units) -> Self {
        ParquetWriter { units, ..self }
    }

    fn properties(&self, columns: &[Column]) -> WriterProperties {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(zstd(self.options.level)))
            .set_max_row_group_row_count(Some(self.options.row_group_rows.max(1)))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_data_page_size_limit(PAGE_BYTES)
            .set_key_value_metadata(self.table.clone().map(|table| vec![KeyValue::new(TABLE_KEY.to_string(), table)]))
            .set_created_by(concat!("alertq ", env!("CARGO_PKG_VERSION")).to_string());
        for column in columns.iter().filter(|column| column.scalar_type == ScalarType::DateTime) {
            // Moments hardly repeat, and lie near the one before: the difference takes half the room, and zstd finds
            // nothing in it.
            let path = ColumnPath::from(column.name.as_str());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        let text = |column: &&Column| column.scalar_type == ScalarType::String;
        let part = |column: &&Column| shred::is_name(&column.name);
        for column in columns.iter().filter(|column| text(column) || part(column)) {
            // Every page has texts from all over the alphabet: their ends tell nothing, and take room. Of parts, which are
            // many and hold JSON, those of a row group do so too, and each query reads them.
            let extent = if part(&column) { EnabledStatistics::None } else { EnabledStatistics::Chunk };
            properties = properties.set_column_statistics_enabled(ColumnPath::from(column.name.as_str()), extent);
        }
        for column in columns.iter().filter(text).filter(|column| NEVER_ALIKE.contains(&column.name.as_str())) {
            let path = ColumnPath::from(column.name.as_str());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_compression(path, Compression::ZSTD(zstd(IDENTIFIER_LEVEL)));
        }
        for column in columns.iter().filter(text).filter(|column| column.name == IDENTIFIERS[0]) {
            // They are as long as each other: by themselves the lengths take no room (18.1 MB of a million, and 18.7 MB
            // with them; of VendorOriginalId, which has lengths of its own, 0.5 MB more).
            let path = ColumnPath::from(column.name.as_str());
            properties = properties.set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY);
        }
        if self.options.shred {
            // Such a file is there for quick answers, and zstd is slow to read. Of 1,000,000 generated alerts it has 406 MB
            // with zstd alone, 473 MB with these, and 650 MB with parts that are not compressed; a join of processes and
            // their hosts by SystemAlertId takes 18 and 21 % less of the processors' time than with zstd.
            for column in columns.iter().filter(part) {
                let path = ColumnPath::from(column.name.as_str());
                properties = properties.set_column_compression(path, Compression::SNAPPY);
            }
            let path = ColumnPath::from(IDENTIFIERS[0]);
            properties = properties.set_column_compression(path, Compression::UNCOMPRESSED);
        }
        for column in columns.iter().filter(text).filter(|column| IDENTIFIERS.contains(&column.name.as_str())) {
            let path = ColumnPath::from(column.name.as_str());
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), IN_VAIN)
                .set_column_bloom_filter_max_ndv(path, self.options.row_group_rows as u64);
        }
        properties.build()
    }

    fn make(&self, physical: Physical) -> io::Result<Made> {
        let properties = self.properties(physical.columns());
        let file = match &self.out {
            Out::Stream(_) => tempfile::tempfile()?,
            Out::File(file) => file.try_clone()?,
        };
        let file = BufWriter::with_capacity(WRITTEN_AT_ONCE, file);
        let writer = ArrowWriter::try_new(file, physical.schema.clone(), Some(properties));
        let (file, groups) = writer.and_then(ArrowWriter::into_serialized_writer).map_err(failed)?;
        let (most_rows, level) = (self.options.row_group_rows.max(1), zstd(self.options.level));
        let (columns, texts, waiting) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Made { physical, file, groups, columns, texts, waiting, waiting_bytes: 0, rows: 0, most_rows, level })
    }

    /// Maps what was written so far anew.
    fn remake(&mut self, made: Made, physical: Physical) -> io::Result<Made> {
        let before = made.physical.clone();
        let mut written = made.close(None)?;
        if let Out::File(file) = &mut self.out {
            let mut copy = tempfile::tempfile()?;
            io::copy(&mut written, &mut copy)?;
            written = copy;
            file.set_len(0)?;
            file.rewind()?;
        }
        let mut remade = self.make(physical)?;
        remake::remake(&written, &before, &mut remade)?;
        Ok(remade)
    }
}

impl Made {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        if batch.num_columns() == 0 {
            return Ok(());
        }
        let mut at = 0;
        while at < batch.num_rows() {
            let rows = (batch.num_rows() - at).min(self.most_rows - self.rows);
            let part = batch.slice(at, rows);
            self.waiting_bytes += part.get_array_memory_size();
            self.waiting.push(part);
            (at, self.rows) = (at + rows, self.rows + rows);
            if self.rows == self.most_rows {
                self.end_group()?;
            } else if self.waiting_bytes >= WAITING {
                self.encode()?;
            }
        }
        Ok(())
    }

    /// Makes what encodes the columns of a row group that begins with this batch.
    fn begin_group(&mut self, batch: &RecordBatch) -> io::Result<Vec<ChunkWriter>> {
        let number = self.file.flushed_row_groups().len();
        let any = self.groups.create_column_writers(number).map_err(failed)?;
        self.texts.resize_with(any.len(), || None);
        let kinds = self.physical.columns().iter().zip(batch.columns()).map(|(column, array)| kind(column, array));
        let columns = any.into_iter().zip(self.file.schema_descr().columns()).zip(kinds).zip(&mut self.texts);
        let mut writers = Vec::with_capacity(batch.num_columns());
        for (((any, column), kind), text) in columns {
            writers.push(match kind {
                None => ChunkWriter::Any(Box::new(any)),
                Some(kind) => ChunkWriter::Text(match text.take_if(|text| text.kind() == kind) {
                    Some(text) => text,
                    None => Box::new(TextColumn::new(column.clone(), self.level, kind)?),
                }),
            });
        }
        Ok(writers)
    }

    /// Encodes the columns of the batches that wait, each on the next thread that is free: text takes most of the time, in
    /// encoding and compression.
    fn encode(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let bytes = std::mem::take(&mut self.waiting_bytes);
        if let (true, Some(first)) = (self.columns.is_empty(), waiting.first()) {
            self.columns = self.begin_group(first)?;
        }
        let physical = &self.physical;
        let threads = if bytes < WORTH_THREADS { 1 } else { threads() };
        let size = |index| waiting.iter().map(|batch| batch.column(index).get_array_memory_size()).sum::<usize>();
        let mut columns: Vec<_> = self.columns.iter_mut().enumerate().collect();
        // The longest first: what is short fills the time until all are done.
        columns.sort_by_cached_key(|(index, _)| Reverse(size(*index)));
        let encoded = each(columns.into_iter(), threads, |(index, writer)| {
            waiting.iter().try_for_each(|batch| {
                writer.write(physical.schema.field(index), &physical.array(batch.column(index), index))
            })
        });
        encoded.into_iter().collect::<Result<(), ParquetError>>().map_err(failed)
    }

    fn end_group(&mut self) -> io::Result<()> {
        self.encode()?;
        self.rows = 0;
        let mut columns: Vec<_> = std::mem::take(&mut self.columns).into_iter().enumerate().collect();
        columns.sort_by_key(|(_, writer)| Reverse(writer.memory_size()));
        let mut chunks = each(columns.into_iter(), threads(), |(index, writer)| (index, writer.close()));
        chunks.sort_by_key(|(index, _)| *index);
        let mut group = self.file.next_row_group().map_err(failed)?;
        for (index, chunk) in chunks {
            match chunk.map_err(failed)? {
                Chunk::Any(chunk) => chunk.append_to_row_group(&mut group),
                Chunk::Text(pages, close, text) => {
                    self.texts[index] = Some(text);
                    group.append_column(&pages, *close)
                }
            }
            .map_err(failed)?;
        }
        group.close().map_err(failed)?;
        Ok(())
    }

    fn close(mut self, shredder: Option<&Shredder>) -> io::Result<File> {
        if self.rows > 0 {
            self.end_group()?;
        }
        if let Some(shredder) = shredder {
            let metadata = shredder.metadata(self.file.flushed_row_groups());
            self.file.append_key_value_metadata(metadata);
        }
        let file = self.file.into_inner().map_err(failed)?;
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }
}

/// Returns the units of a file, as far as it has these columns.
///
/// Fails when the file is not Parquet.
pub fn units(file: &File, columns: &[Column]) -> io::Result<Units> {
    let options = ArrowReaderOptions::new();
    let metadata = ArrowReaderMetadata::load(file, options).map_err(failed)?;
    let mut units = Units::default();
    units.observe_file(columns, metadata.schema());
    Ok(units)
}

/// Writes a file of this writer's making anew, with its datetimes in units that hold them too; the rest is copied.
pub fn in_units(from: &File, to: ParquetWriter<'_>, table: &str, columns: &[Column]) -> io::Result<()> {
    let mut writer = to;
    writer.begin(table, columns)?;
    if let Some(shredder) = &mut writer.shredder {
        let metadata = ArrowReaderMetadata::load(from, ArrowReaderOptions::new()).map_err(failed)?;
        shredder.resume(metadata.metadata());
    }
    let columns = writer.shredder.as_ref().map_or(columns, Shredder::columns);
    let before = Physical::new(columns, units(from, columns)?);
    if let Some(made) = &mut writer.file {
        remake::remake(from, &before, made)?;
    }
    writer.finish()
}

/// Returns what the texts of a column are like that is written without the parquet crate; none where that knows better.
fn kind(column: &Column, array: &ArrayRef) -> Option<Kind> {
    let known = IDENTIFIERS.contains(&column.name.as_str()) || shred::is_name(&column.name);
    if known || array.as_string_view_opt().is_none() {
        return None;
    }
    // Of what is neither long nor a string the page index tells the least and the greatest.
    let alike = (column.scalar_type == ScalarType::String).then_some(Kind::Alike);
    if text::are_long(array) { Some(Kind::Long) } else { alike }
}

fn zstd(level: i32) -> ZstdLevel {
    ZstdLevel::try_new(level).unwrap_or_default()
}

impl ChunkWriter {
    fn write(&mut self, field: &Field, array: &ArrayRef) -> Result<(), ParquetError> {
        match self {
            ChunkWriter::Any(writer) => leaves(field, array, writer),
            ChunkWriter::Text(writer) => writer.write(array),
        }
    }

    fn memory_size(&self) -> usize {
        match self {
            ChunkWriter::Any(writer) => writer.memory_size(),
            ChunkWriter::Text(writer) => writer.memory_size(),
        }
    }

    fn close(self) -> Result<Chunk, ParquetError> {
        Ok(match self {
            ChunkWriter::Any(writer) => Chunk::Any(Box::new(writer.close()?)),
            ChunkWriter::Text(mut writer) => {
                let (pages, close) = writer.close()?;
                Chunk::Text(pages, Box::new(close), writer)
            }
        })
    }
}

fn leaves(field: &Field, array: &ArrayRef, writer: &mut ArrowColumnWriter) -> Result<(), ParquetError> {
    compute_leaves(field, array)?.iter().try_for_each(|leaf| writer.write(leaf))
}

/// Bytes that go to the file at once; chunks are copied to it in bits of 8 KiB.
const WRITTEN_AT_ONCE: usize = 256 << 10;

/// Bytes of batches from which on other threads are worth their start.
const WORTH_THREADS: usize = 1 << 20;

/// Bytes of batches that wait until they are encoded together: each time threads begin anew, with new memory.
const WAITING: usize = 16 << 20;

impl Writer for ParquetWriter<'_> {
    fn begin(&mut self, name: &str, columns: &[Column]) -> io::Result<()> {
        one_result(&mut self.begun, Format::Parquet)?;
        self.table = (name != UNNAMED).then(|| name.to_string());
        self.shredder = if self.options.shred { Shredder::new(columns) } else { None };
        let columns = self.shredder.as_ref().map_or(columns, Shredder::columns);
        self.file = Some(self.make(Physical::new(columns, self.units.clone()))?);
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let Some(mut made) = self.file.take() else { return Ok(()) };
        let shredded = self.shredder.as_mut().map(|shredder| shredder.add(batch)).transpose()?;
        let batch = shredded.as_ref().unwrap_or(batch);
        if let Some(physical) = made.physical.widened(batch) {
            made = self.remake(made, physical)?;
        }
        let written = made.write(batch);
        self.file = Some(made);
        written
    }

    fn finish(&mut self) -> io::Result<()> {
        let shredder = self.shredder.take();
        let file = self.file.take().map(|made| made.close(shredder.as_ref())).transpose()?;
        match (&mut self.out, file) {
            (Out::Stream(out), Some(mut file)) => io::copy(&mut file, out).and_then(|_| out.flush()),
            (Out::Stream(out), None) => out.flush(),
            (Out::File(_), _) => Ok(()),
        }
    }
}
