//! The pages of a column chunk of texts, as plain as Parquet has them.

use std::io::{self, Read};

use ::parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use ::parquet::column::page::{CompressedPage, Page, PageWriter};
use ::parquet::column::writer::ColumnCloseResult;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use ::parquet::file::reader::{ChunkReader, Length};
use ::parquet::file::statistics::Statistics;
use ::parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use ::parquet::schema::types::ColumnDescPtr;
use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use zstd::bulk::Compressor;
use zstd::zstd_safe::compress_bound;

/// The pages of one row group after the other.
pub(super) struct Pages {
    column: ColumnDescPtr,
    level: ZstdLevel,
    compressor: Compressor<'static>,
    /// Which rows of the page have a value, in runs; of a column that allows for nulls.
    levels: Vec<(bool, usize)>,
    /// Room for a page as it is compressed.
    scratch: Vec<u8>,
    out: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    total: Total,
}

/// What the pages hold that are done.
#[derive(Default)]
struct Total {
    /// Pages of indices into a dictionary, and plain ones.
    indices: i32,
    plain: i32,
    rows: usize,
    nulls: usize,
    /// Bytes of texts.
    bytes: i64,
    uncompressed: i64,
}

impl Pages {
    pub(super) fn new(column: ColumnDescPtr, level: ZstdLevel, compressor: Compressor<'static>) -> Pages {
        Pages {
            column,
            level,
            compressor,
            levels: Vec::new(),
            scratch: Vec::new(),
            out: TrackedWrite::new(Vec::new()),
            offsets: OffsetIndexBuilder::new(),
            total: Total::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.column.name()
    }

    /// Tells whether rows may have no value.
    pub(super) fn nullable(&self) -> bool {
        self.column.max_def_level() > 0
    }

    /// Returns about how many bytes are held.
    pub(super) fn size(&self) -> usize {
        self.out.bytes_written()
    }

    /// Notes whether the next row has a value.
    pub(super) fn level(&mut self, valid: bool) {
        self.total.nulls += usize::from(!valid);
        match self.levels.last_mut() {
            Some((last, count)) if *last == valid => *count += 1,
            _ => self.levels.push((valid, 1)),
        }
    }

    /// Notes how many bytes the next text has.
    pub(super) fn text(&mut self, bytes: usize) {
        self.total.bytes += bytes as i64;
    }

    /// Ends a page with these values.
    pub(super) fn end(&mut self, values: &mut Vec<u8>, rows: usize, encoding: Encoding) -> Result<(), ParquetError> {
        if self.nullable() {
            let levels = levels(&self.levels);
            self.levels.clear();
            values.splice(..0, levels);
        }
        let compressed = self.compressed(values)?;
        let page = Page::DataPage {
            buf: compressed.clone(),
            num_values: u32::try_from(rows).map_err(|error| ParquetError::External(error.into()))?,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let page = CompressedPage::new(page, values.len());
        let written = SerializedPageWriter::new(&mut self.out).write_page(page)?;
        // Nobody else has it any more: the room is used again.
        self.scratch = compressed.into();
        let size = i32::try_from(written.compressed_size).map_err(|error| ParquetError::External(error.into()))?;
        self.offsets.append_offset_and_size(written.offset as i64, size);
        self.offsets.append_row_count(rows as i64);
        match encoding {
            Encoding::PLAIN => self.total.plain += 1,
            _ => self.total.indices += 1,
        }
        self.total.rows += rows;
        self.total.uncompressed += written.uncompressed_size as i64;
        values.clear();
        Ok(())
    }

    /// Ends the chunk; returns it, and what is to be known of them. What follows is of the next row group.
    ///
    /// The dictionary has the texts as a plain page has them, and their number.
    pub(super) fn close(
        &mut self,
        dictionary: Option<(Vec<u8>, usize)>,
        range: Option<Range>,
    ) -> Result<(Chunk, ColumnCloseResult), ParquetError> {
        let total = std::mem::take(&mut self.total);
        // The next row group will need about as much.
        let room = Vec::with_capacity(self.out.bytes_written() + self.out.bytes_written() / 8);
        let pages = std::mem::replace(&mut self.out, TrackedWrite::new(room)).into_inner()?;
        let offsets = std::mem::replace(&mut self.offsets, OffsetIndexBuilder::new());
        let (mut uncompressed, mut head) = (total.uncompressed, Vec::new());
        if let Some((texts, count)) = dictionary {
            let buf = self.compressed(&texts)?;
            let num_values = u32::try_from(count).map_err(|error| ParquetError::External(error.into()))?;
            let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
            let mut out = TrackedWrite::new(Vec::new());
            let written = SerializedPageWriter::new(&mut out).write_page(CompressedPage::new(page, texts.len()))?;
            uncompressed += written.uncompressed_size as i64;
            head = out.into_inner()?;
        }
        let (head_size, size) = (head.len(), head.len() + pages.len());
        let stats = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let kinds = [
            stats(PageType::DICTIONARY_PAGE, Encoding::PLAIN, i32::from(head_size > 0)),
            stats(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, total.indices),
            stats(PageType::DATA_PAGE, Encoding::PLAIN, total.plain),
        ];
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        encodings.extend((total.indices > 0).then_some(Encoding::RLE_DICTIONARY));
        let metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_compression(Compression::ZSTD(self.level))
            .set_encodings(encodings)
            .set_page_encoding_stats(kinds.into_iter().filter(|kind| kind.count > 0).collect())
            .set_total_compressed_size(size as i64)
            .set_total_uncompressed_size(uncompressed)
            .set_num_values(total.rows as i64)
            .set_data_page_offset(0)
            .set_statistics(statistics(range, total.nulls))
            .set_unencoded_byte_array_data_bytes(Some(total.bytes))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: size as u64,
            rows_written: total.rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(offsets.build()),
        };
        let chunk = Chunk { head: Bytes::from(head), pages: Bytes::from(pages) };
        Ok((chunk, close.update_dictionary_location(head_size)?))
    }

    fn compressed(&mut self, values: &[u8]) -> io::Result<Bytes> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.reserve(compress_bound(values.len()));
        self.compressor.compress_to_buffer(values, &mut scratch)?;
        Ok(Bytes::from(scratch))
    }
}

/// The bytes of a chunk: its dictionary, if it has one, is known last and stands first.
pub(super) struct Chunk {
    head: Bytes,
    pages: Bytes,
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        (self.head.len() + self.pages.len()) as u64
    }
}

impl ChunkReader for Chunk {
    type T = io::Chain<Reader<Bytes>, Reader<Bytes>>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let (head, pages) = self.behind(start)?;
        Ok(head.reader().chain(pages.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let (head, pages) = self.behind(start)?;
        let mut both = head.chain(pages);
        match both.remaining() < length {
            true => Err(ParquetError::EOF("the chunk ends before".to_string())),
            false => Ok(both.copy_to_bytes(length)),
        }
    }
}

impl Chunk {
    /// Returns what lies behind so many bytes.
    fn behind(&self, start: u64) -> Result<(Bytes, Bytes), ParquetError> {
        if start > self.len() {
            return Err(ParquetError::EOF("the chunk ends before".to_string()));
        }
        let in_head = (start as usize).min(self.head.len());
        Ok((self.head.slice(in_head..), self.pages.slice(start as usize - in_head..)))
    }
}

/// The least and the greatest of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    least: String,
    greatest: String,
}

impl Range {
    /// Widens the range, or begins it, so that a text lies within.
    pub(super) fn observe(range: &mut Option<Range>, text: &str) {
        match range {
            None => *range = Some(Range { least: text.to_string(), greatest: text.to_string() }),
            Some(range) if text < range.least.as_str() => range.least = text.to_string(),
            Some(range) if text > range.greatest.as_str() => range.greatest = text.to_string(),
            Some(_) => {}
        }
    }
}

/// Bytes that statistics hold of a text: those of all row groups are read with each file.
const SHOWN: usize = 64;

fn statistics(range: Option<Range>, nulls: usize) -> Statistics {
    use ::parquet::file::statistics::ValueStatistics;

    let (least, greatest) = range.map(|range| (range.least, range.greatest)).unzip();
    let exact = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= SHOWN);
    let (least_exact, greatest_exact) = (exact(&least), exact(&greatest));
    let least = least.map(|text| text.as_bytes()[..text.floor_char_boundary(SHOWN)].into());
    let greatest = greatest.and_then(above).map(|text| text.as_bytes().into());
    let values = ValueStatistics::new(least, greatest, None, Some(nulls as u64), false);
    Statistics::ByteArray(values.with_min_is_exact(least_exact).with_max_is_exact(greatest_exact))
}

/// Returns a short text, or one that is short and greater; none where there is none.
fn above(text: String) -> Option<String> {
    if text.len() <= SHOWN {
        return Some(text);
    }
    let mut head = text[..text.floor_char_boundary(SHOWN)].to_string();
    while let Some(last) = head.pop() {
        if let Some(next) = char::from_u32(u32::from(last) + 1) {
            head.push(next);
            return Some(head);
        }
    }
    None
}

/// Writes which rows have a value, as Parquet has levels of one bit: their length, and for each run twice its length and
/// the level.
fn levels(runs: &[(bool, usize)]) -> Vec<u8> {
    let mut out = vec![0; 4];
    for (valid, count) in runs {
        number(count << 1, &mut out);
        out.push(u8::from(*valid));
    }
    let length = u32::try_from(out.len() - 4).unwrap_or_default();
    out[..4].copy_from_slice(&length.to_le_bytes());
    out
}

/// Writes a number in groups of seven bits, the lowest first.
fn number(mut number: usize, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes indices into a dictionary as Parquet has them: how many bits each has, and then runs of equal ones, and eights of
/// others.
pub(super) fn indices(indices: &[u32], out: &mut Vec<u8>) {
    const EIGHT: usize = 8;
    let bits = u32::BITS - indices.iter().fold(0, |all, index| all | index).leading_zeros();
    out.push(bits as u8);
    let (mut at, mut from) = (0usize, 0usize);
    for run in indices.chunk_by(|a, b| a == b) {
        // What stands before a run must be eights.
        let short = (at - from).next_multiple_of(EIGHT) - (at - from);
        if run.len() >= short + EIGHT {
            eights(&indices[from..at + short], bits, out);
            number((run.len() - short) << 1, out);
            out.extend_from_slice(&run[0].to_le_bytes()[..bits.div_ceil(8) as usize]);
            from = at + run.len();
        }
        at += run.len();
    }
    eights(&indices[from..], bits, out);
}

fn eights(indices: &[u32], bits: u32, out: &mut Vec<u8>) {
    if indices.is_empty() {
        return;
    }
    let count = indices.len().div_ceil(8);
    number(count << 1 | 1, out);
    let end = out.len() + count * bits as usize;
    let (mut held, mut held_bits) = (0u64, 0);
    for index in indices {
        held |= u64::from(*index) << held_bits;
        held_bits += bits;
        while held_bits >= 8 {
            out.push(held as u8);
            (held, held_bits) = (held >> 8, held_bits - 8);
        }
    }
    if held_bits > 0 {
        out.push(held as u8);
    }
    out.resize(end, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_hold_little_of_long_texts_and_lie_around_them() {
        let long = |letter: &str| letter.repeat(SHOWN);
        assert_eq!(above("x".into()).as_deref(), Some("x"));
        assert_eq!(above(long("a") + "z").unwrap(), long("a")[1..].to_string() + "b");
        let cut = above(long("ä")).unwrap();
        assert!(cut.len() <= SHOWN + 3 && cut > long("ä"));
        assert_eq!(above(long("\u{10ffff}")), None);
        let mut range = None;
        ["m", "z", "a", "q"].iter().for_each(|text| Range::observe(&mut range, text));
        assert_eq!(range, Some(Range { least: "a".into(), greatest: "z".into() }));
    }

    #[test]
    fn runs_follow_whole_eights() {
        let written = |of: &[u32]| {
            let mut out = Vec::new();
            indices(of, &mut out);
            out
        };
        assert_eq!(written(&[0; 20]), [0, 40]);
        assert_eq!(written(&[1; 20]), [1, 40, 1]);
        // Three ones, filled up with five of the run.
        assert_eq!(written(&[[1; 3].as_slice(), &[0; 20]].concat()), [1, 3, 0b111, 30, 0]);
        assert_eq!(written(&[0, 1, 2, 3]), [2, 3, 0b1110_0100, 0]);
    }
}
