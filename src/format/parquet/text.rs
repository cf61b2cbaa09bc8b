//! Columns of texts: those that are alike have a dictionary, and those that are long and hardly repeat are most of the
//! bytes of alerts, and most of the work of writing them.
//!
//! Of the long ones a dictionary would be begun and given up, the least and the greatest tell nothing, and of zstd they
//! want other parameters than any of its levels has. Of the others there are thirty in each row: the page they are on is a
//! few kilobytes, and who makes an encoder of zstd for each page, as the parquet crate does, makes more of these than pages
//! are worth.

use std::collections::HashSet;
use std::io;

use ::parquet::basic::{Encoding, ZstdLevel};
use ::parquet::column::writer::ColumnCloseResult;
use ::parquet::errors::ParquetError;
use ::parquet::schema::types::ColumnDescPtr;
use arrow::array::{ArrayRef, AsArray, StringViewArray};
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, Strategy};

use super::dictionary::Dictionary;
use super::pages::{Chunk, Pages, Range, indices};
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

/// What the texts of a column are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Long, and for the most part different from each other.
    Long,
    /// Short, or the same again and again.
    Alike,
}

/// A column in the making, one row group after the other.
pub(super) struct TextColumn {
    kind: Kind,
    pages: Pages,
    /// The plain values of the page in the making, as Parquet has them but for the levels.
    values: Vec<u8>,
    /// Those that are in the dictionary, by their places there.
    places: Vec<u32>,
    rows: usize,
    dictionary: Dictionary,
    /// Whether the next text is looked up in the dictionary.
    alike: bool,
    range: Option<Range>,
}

impl TextColumn {
    /// Makes what encodes a column, whose texts a level of zstd from 1 on compresses.
    pub(super) fn new(column: ColumnDescPtr, level: ZstdLevel, kind: Kind) -> io::Result<TextColumn> {
        Ok(TextColumn {
            kind,
            pages: Pages::new(column, level, compressor(level, kind)?),
            values: Vec::new(),
            places: Vec::new(),
            rows: 0,
            dictionary: Dictionary::default(),
            alike: kind == Kind::Alike,
            range: None,
        })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Adds texts. Fails when they are no texts.
    pub(super) fn write(&mut self, array: &ArrayRef) -> Result<(), ParquetError> {
        let wrong = || ParquetError::General(format!("the values of {} are no texts", self.pages.name()));
        let texts: &StringViewArray = array.as_string_view_opt().ok_or_else(wrong)?;
        let nullable = self.pages.nullable();
        for (text, view) in texts.iter().zip(texts.views()) {
            if nullable {
                self.pages.level(text.is_some());
            }
            // What lies in the place of a null may be the view of any text.
            let view = if text.is_some() { *view } else { 0 };
            if let Some(text) = text.or(if nullable { None } else { Some("") }) {
                self.pages.text(text.len());
                match self.alike {
                    true => self.places.push(self.dictionary.place(text, view)),
                    false => self.plain(text)?,
                }
            }
            self.rows += 1;
            if self.rows == PAGE_ROWS || self.values.len() >= PAGE_BYTES || self.alike && self.dictionary.is_full() {
                self.end_page()?;
            }
        }
        Ok(())
    }

    fn plain(&mut self, text: &str) -> Result<(), ParquetError> {
        let length = u32::try_from(text.len()).map_err(|error| ParquetError::External(error.into()))?;
        self.values.extend_from_slice(&length.to_le_bytes());
        self.values.extend_from_slice(text.as_bytes());
        if self.kind == Kind::Alike {
            Range::observe(&mut self.range, text);
        }
        Ok(())
    }

    /// Returns about how many bytes are held, which tells how much is left to do.
    pub(super) fn memory_size(&self) -> usize {
        self.values.len() + self.places.len() + self.pages.size()
    }

    /// Ends the column of one row group; returns its pages, and what is to be known of them. What follows is of the next.
    pub(super) fn close(&mut self) -> Result<(Chunk, ColumnCloseResult), ParquetError> {
        if self.rows > 0 {
            self.end_page()?;
        }
        let mut range = self.range.take();
        self.dictionary.texts().for_each(|text| Range::observe(&mut range, text));
        let dictionary = (self.kind == Kind::Alike).then(|| self.dictionary.plain());
        let closed = self.pages.close(dictionary, range);
        self.dictionary.clear();
        self.alike = self.kind == Kind::Alike;
        closed
    }

    fn end_page(&mut self) -> Result<(), ParquetError> {
        let encoding = match self.alike {
            true => {
                indices(&self.places, &mut self.values);
                self.places.clear();
                Encoding::RLE_DICTIONARY
            }
            false => Encoding::PLAIN,
        };
        self.pages.end(&mut self.values, self.rows, encoding)?;
        self.rows = 0;
        self.alike &= !self.dictionary.is_full();
        Ok(())
    }
}

/// Makes what compresses pages.
///
/// For long texts a level above the lowest stands for what suits those that are made of the same parts: matches of seven
/// bytes and more, which the levels do not ask for. What is found with fewer bytes costs more than it is worth, and keeps
/// longer matches from being found: of a million generated alerts ExtendedProperties take 87.2 MB and the entities
/// 118.8 MB; with level 3 these are 89.8 and 124.4 MB in a sixth more time, with level 5 81.0 and 115.4 MB in three and a
/// half times the time. Where matches are remembered is little room, since the caches of a processor hold it beside the
/// text: twice as much makes the files 1 % smaller, and takes 5 % more time on one thread, and more on two.
fn compressor(level: ZstdLevel, kind: Kind) -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(level.compression_level())?;
    if level.compression_level() > 1 && kind == Kind::Long {
        compressor.set_parameter(CParameter::Strategy(Strategy::ZSTD_dfast))?;
        compressor.set_parameter(CParameter::MinMatch(7))?;
        compressor.set_parameter(CParameter::HashLog(16))?;
        compressor.set_parameter(CParameter::ChainLog(10))?;
        compressor.set_parameter(CParameter::WindowLog(23))?;
    }
    Ok(compressor)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};
    use std::sync::Arc;

    use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
    use ::parquet::file::metadata::PageIndexPolicy;
    use ::parquet::file::statistics::Statistics;
    use arrow::array::{Array, RecordBatch};
    use bytes::Bytes;

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

        let written = written(&columns, &all);

        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(written, options).unwrap();
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
        assert_holds(reader, &all);
    }

    /// Texts are found again by their places in the dictionary, and as they are behind the place where it was full; what
    /// there is to be known of them is true.
    #[test]
    fn what_is_alike_is_read() {
        let columns = ["One", "Some", "Many", "None"].map(|name| Column::new(name, ScalarType::String));
        let of = |text: fn(usize) -> String| texts((0..21_000).map(|n| Some(text(n))));
        let some = |n: usize| if n.is_multiple_of(100) { "ä".repeat(n / 100 % 70) } else { (n % 700).to_string() };
        // Too many are the same for what counts as long, and those of a group are more than a dictionary holds.
        let many = |n: usize| format!("{:0>200}", if n.is_multiple_of(5) { 0 } else { n });
        let arrays = [of(|_| "one".into()), of(some), of(many), of(|_| String::new())];
        let all = RecordBatch::try_new(schema(&columns), arrays.to_vec()).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(written(&columns, &all)).unwrap();
        let metadata = reader.metadata().clone();
        for (group, from) in metadata.row_groups().iter().zip((0..).step_by(9_000)) {
            for (column, array) in group.columns().iter().zip(all.columns()) {
                let array = array.slice(from, group.num_rows() as usize);
                let texts: Vec<&str> = array.as_string_view().iter().flatten().collect();
                let Some(Statistics::ByteArray(range)) = column.statistics() else { panic!("{column:?}") };
                let (least, greatest) = (texts.iter().min().unwrap(), texts.iter().max().unwrap());
                assert!(range.min_opt().unwrap().data() <= least.as_bytes());
                assert!(range.max_opt().unwrap().data() >= greatest.as_bytes());
                assert_eq!(range.min_is_exact() && range.max_is_exact(), greatest.len() <= 64 && least.len() <= 64);
                assert!(column.dictionary_page_offset().is_some() && column.data_page_offset() > 0);
            }
        }
        assert_holds(reader, &all);
    }

    fn written(columns: &[Column], all: &RecordBatch) -> Bytes {
        let mut file = tempfile::tempfile().unwrap();
        let options = ParquetOptions { row_group_rows: 9_000, ..ParquetOptions::default() };
        let mut writer = ParquetWriter::onto(file.try_clone().unwrap(), options);
        writer.begin("T", columns).unwrap();
        (0..21).for_each(|part| writer.write(&all.slice(part * 1000, 1000)).unwrap());
        writer.finish().unwrap();
        drop(writer);
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).unwrap();
        Bytes::from(bytes)
    }

    fn assert_holds(reader: ParquetRecordBatchReaderBuilder<Bytes>, all: &RecordBatch) {
        let read: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        let read = arrow::compute::concat_batches(&read[0].schema(), &read).unwrap();
        for (was, is) in all.columns().iter().zip(read.columns()) {
            assert_eq!(&arrow::compute::cast(is, was.data_type()).unwrap(), was);
        }
    }
}
