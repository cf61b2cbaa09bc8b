//! Columns of long texts that hardly repeat: most of the bytes of alerts, and most of the work of writing them.
//!
//! A dictionary of them would be begun and given up, the least and the greatest of them tell nothing, and of zstd they
//! want other parameters than any of its levels has. So their pages are made here: as plain as Parquet has them.

use std::collections::HashSet;
use std::io;

use ::parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use ::parquet::column::page::{CompressedPage, Page, PageWriter};
use ::parquet::column::writer::ColumnCloseResult;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use ::parquet::file::statistics::Statistics;
use ::parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use ::parquet::schema::types::ColumnDescPtr;
use arrow::array::{ArrayRef, AsArray, StringViewArray};
use bytes::Bytes;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, Strategy, compress_bound};

use super::{PAGE_BYTES, PAGE_ROWS};

/// Rows of a batch that are looked at to tell what its texts are like.
const LOOKED_AT: usize = 1024;

/// The least average length of long texts: shorter ones share little with each other that is worth a longer search.
const LONG: usize = 64;

/// Tells whether texts are long, and for the most part different from each other.
pub(super) fn are_long(array: &ArrayRef) -> bool {
    let Some(texts) = array.as_string_view_opt() else { return false };
    let mut different = HashSet::new();
    let (mut count, mut bytes) = (0, 0);
    for text in texts.iter().take(LOOKED_AT).flatten().filter(|text| !text.is_empty()) {
        (count, bytes) = (count + 1, bytes + text.len());
        different.insert(text);
    }
    bytes >= count * LONG && different.len() * 10 > count * 9
}

/// A column in the making, one row group after the other.
pub(super) struct TextColumn {
    column: ColumnDescPtr,
    level: ZstdLevel,
    compressor: Compressor<'static>,
    /// The page in the making, as Parquet has it but for the levels.
    values: Vec<u8>,
    /// Which rows of the page have a value, in runs; of a column that allows for nulls.
    levels: Vec<(bool, usize)>,
    rows: usize,
    /// Room for a page as it is compressed.
    scratch: Vec<u8>,
    pages: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    total: Total,
}

/// What the pages hold that are done.
#[derive(Default)]
struct Total {
    pages: i32,
    rows: usize,
    nulls: usize,
    /// Bytes of texts.
    bytes: i64,
    uncompressed: i64,
}

impl TextColumn {
    /// Makes what encodes a column, whose texts a level of zstd from 1 on compresses.
    pub(super) fn new(column: ColumnDescPtr, level: ZstdLevel) -> io::Result<TextColumn> {
        Ok(TextColumn {
            column,
            level,
            compressor: compressor(level)?,
            values: Vec::new(),
            levels: Vec::new(),
            rows: 0,
            scratch: Vec::new(),
            pages: TrackedWrite::new(Vec::new()),
            offsets: OffsetIndexBuilder::new(),
            total: Total::default(),
        })
    }

    /// Adds texts. Fails when they are no texts.
    pub(super) fn write(&mut self, array: &ArrayRef) -> Result<(), ParquetError> {
        let wrong = || ParquetError::General(format!("the values of {} are no texts", self.column.name()));
        let texts: &StringViewArray = array.as_string_view_opt().ok_or_else(wrong)?;
        let nullable = self.column.max_def_level() > 0;
        for text in texts {
            if nullable {
                self.level(text.is_some());
            }
            if let Some(text) = text.or(if nullable { None } else { Some("") }) {
                let length = u32::try_from(text.len()).map_err(|error| ParquetError::External(error.into()))?;
                self.values.extend_from_slice(&length.to_le_bytes());
                self.values.extend_from_slice(text.as_bytes());
                self.total.bytes += i64::from(length);
            }
            self.rows += 1;
            if self.rows == PAGE_ROWS || self.values.len() >= PAGE_BYTES {
                self.end_page()?;
            }
        }
        Ok(())
    }

    /// Returns about how many bytes are held, which tells how much is left to do.
    pub(super) fn memory_size(&self) -> usize {
        self.values.len() + self.pages.bytes_written()
    }

    /// Ends the column of one row group; returns its pages, and what is to be known of them. What follows is of the next.
    pub(super) fn close(&mut self) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        if self.rows > 0 {
            self.end_page()?;
        }
        let total = std::mem::take(&mut self.total);
        // The next row group will need about as much.
        let room = Vec::with_capacity(self.pages.bytes_written() + self.pages.bytes_written() / 8);
        let pages = std::mem::replace(&mut self.pages, TrackedWrite::new(room));
        let offsets = std::mem::replace(&mut self.offsets, OffsetIndexBuilder::new());
        let written = pages.bytes_written();
        let (size, rows) = (written as i64, total.rows as i64);
        let plain = PageEncodingStats { page_type: PageType::DATA_PAGE, encoding: Encoding::PLAIN, count: total.pages };
        let metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_compression(Compression::ZSTD(self.level))
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE])
            .set_page_encoding_stats(vec![plain])
            .set_total_compressed_size(size)
            .set_total_uncompressed_size(total.uncompressed)
            .set_num_values(rows)
            .set_data_page_offset(0)
            .set_statistics(Statistics::byte_array(None, None, None, Some(total.nulls as u64), false))
            .set_unencoded_byte_array_data_bytes(Some(total.bytes))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: written as u64,
            rows_written: total.rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(offsets.build()),
        };
        Ok((Bytes::from(pages.into_inner()?), close))
    }

    fn level(&mut self, valid: bool) {
        self.total.nulls += usize::from(!valid);
        match self.levels.last_mut() {
            Some((last, count)) if *last == valid => *count += 1,
            _ => self.levels.push((valid, 1)),
        }
    }

    fn end_page(&mut self) -> Result<(), ParquetError> {
        if self.column.max_def_level() > 0 {
            let levels = levels(&self.levels);
            self.levels.clear();
            self.values.splice(..0, levels);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.reserve(compress_bound(self.values.len()));
        self.compressor.compress_to_buffer(&self.values, &mut scratch)?;
        let compressed = Bytes::from(scratch);
        let page = Page::DataPage {
            buf: compressed.clone(),
            num_values: u32::try_from(self.rows).map_err(|error| ParquetError::External(error.into()))?,
            encoding: Encoding::PLAIN,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let page = CompressedPage::new(page, self.values.len());
        let written = SerializedPageWriter::new(&mut self.pages).write_page(page)?;
        // Nobody else has it any more: the room is used again.
        self.scratch = compressed.into();
        let size = i32::try_from(written.compressed_size).map_err(|error| ParquetError::External(error.into()))?;
        self.offsets.append_offset_and_size(written.offset as i64, size);
        self.offsets.append_row_count(self.rows as i64);
        self.total.pages += 1;
        self.total.rows += self.rows;
        self.total.uncompressed += written.uncompressed_size as i64;
        self.values.clear();
        self.rows = 0;
        Ok(())
    }
}

/// Makes what compresses pages.
///
/// A level above the lowest stands for what suits texts that are made of the same parts: matches of seven bytes and more,
/// which the levels do not ask for. What is found with fewer bytes costs more than it is worth, and keeps longer matches
/// from being found: of a million generated alerts ExtendedProperties take 82.6 MB and the entities 110.5 MB; with level 3
/// these are 85.7 and 117.4 MB in the same time, with level 5 77.2 and 108.9 MB in three times the time.
fn compressor(level: ZstdLevel) -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(level.compression_level())?;
    if level.compression_level() > 1 {
        compressor.set_parameter(CParameter::Strategy(Strategy::ZSTD_dfast))?;
        compressor.set_parameter(CParameter::MinMatch(7))?;
        compressor.set_parameter(CParameter::HashLog(17))?;
        compressor.set_parameter(CParameter::ChainLog(14))?;
        compressor.set_parameter(CParameter::WindowLog(23))?;
    }
    Ok(compressor)
}

/// Writes which rows have a value, as Parquet has levels of one bit: their length, and for each run twice its length and
/// the level.
fn levels(runs: &[(bool, usize)]) -> Vec<u8> {
    let mut out = vec![0; 4];
    for (valid, count) in runs {
        let mut left = count << 1;
        while left > 0x7f {
            out.push(left as u8 | 0x80);
            left >>= 7;
        }
        out.extend([left as u8, u8::from(*valid)]);
    }
    let length = u32::try_from(out.len() - 4).unwrap_or_default();
    out[..4].copy_from_slice(&length.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};
    use std::sync::Arc;

    use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
    use ::parquet::file::metadata::PageIndexPolicy;
    use arrow::array::{Array, RecordBatch};

    use super::*;
    use crate::format::{ParquetOptions, ParquetWriter, Writer};
    use crate::types::arrow::schema;
    use crate::types::{Column, ScalarType};

    fn texts(of: impl Iterator<Item = Option<String>>) -> ArrayRef {
        Arc::new(of.collect::<StringViewArray>())
    }

    #[test]
    fn long_texts_are_those_that_hardly_repeat() {
        let of = |text: fn(usize) -> String| texts((0..2000).map(|n| Some(text(n))));
        assert!(are_long(&of(|n| format!("{n}{}", "x".repeat(LONG)))));
        assert!(are_long(&of(|n| if n % 3 == 0 { format!("{n}{}", "x".repeat(LONG)) } else { String::new() })));
        assert!(!are_long(&of(|n| format!("{}{}", n % 100, "x".repeat(LONG)))));
        assert!(!are_long(&of(|n| n.to_string())));
        assert!(!are_long(&of(|_| String::new())));
    }

    /// Rows of pages that are full by their rows and by their bytes, of groups that end within batches, with long and
    /// short runs of nulls, are read as they were written.
    #[test]
    fn what_is_written_is_read() {
        let columns = [Column::new("Must", ScalarType::String), Column::new("May", ScalarType::Dynamic)];
        let long = |n: usize| format!("[\"{n} {}\"]", "ä\"".repeat(40 + n % 7).replace('"', "\\\""));
        let may = |n: usize| (n % 5000 > 700 && !n.is_multiple_of(11) || n < 500).then(|| long(n));
        let huge = |n: usize| if n == 9 { "y".repeat(PAGE_BYTES + 1) } else { long(n) };
        let (must, may) = (texts((0..21_000).map(|n| Some(huge(n)))), texts((0..21_000).map(may)));
        let all = RecordBatch::try_new(schema(&columns), vec![must, may]).unwrap();

        let mut file = tempfile::tempfile().unwrap();
        let options = ParquetOptions { row_group_rows: 9_000, ..ParquetOptions::default() };
        let mut writer = ParquetWriter::onto(file.try_clone().unwrap(), options);
        writer.begin("T", &columns).unwrap();
        (0..21).for_each(|part| writer.write(&all.slice(part * 1000, 1000)).unwrap());
        writer.finish().unwrap();
        drop(writer);
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).unwrap();

        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(bytes), options).unwrap();
        let metadata = reader.metadata().clone();
        assert_eq!(metadata.row_groups().iter().map(|group| group.num_rows()).collect::<Vec<_>>(), [9000, 9000, 3000]);
        let nulls: u64 = metadata.row_groups().iter().filter_map(|g| g.column(1).statistics()?.null_count_opt()).sum();
        assert_eq!(nulls, all.column(1).null_count() as u64);
        let pages = |group: usize, column: usize| metadata.offset_index().unwrap()[group][column].page_locations.len();
        assert_eq!((pages(0, 0), pages(0, 1), pages(2, 1)), (4, 3, 1));
        let first = |column: usize| metadata.offset_index().unwrap()[0][column].page_locations[1].first_row_index;
        assert_eq!((first(0), first(1)), (10, PAGE_ROWS as i64));
        for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
            assert!(column.encodings().all(|encoding| matches!(encoding, Encoding::PLAIN | Encoding::RLE)));
        }
        let read: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        let read = arrow::compute::concat_batches(&read[0].schema(), &read).unwrap();
        for (was, is) in all.columns().iter().zip(read.columns()) {
            assert_eq!(&arrow::compute::cast(is, was.data_type()).unwrap(), was);
        }
    }
}
