//! A large file of JSON lines, of which several threads parse a piece each; the rows come in the file's order.
//!
//! Each thread in turn cuts the text at an end of lines. Where a record stands is counted from the beginning of its piece,
//! and put right when the piece's turn comes.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::cursor::Cursor;
use super::decode::Part;
use super::error::{Error, Place};
use super::read::{Chunk, Target, fill};
use super::rows::RowBuilder;
use super::table::Input;

/// Pieces for each thread that are parsed, or waited for, before someone takes the first of them.
const AHEAD: usize = 3;

/// The rows of a file, parsed ahead of what is asked for.
pub(super) struct Blocks {
    /// The pieces in the file's order, each as soon as it is parsed.
    pieces: Receiver<Receiver<Result<Parsed, Error>>>,
    waiting: VecDeque<Chunk>,
    /// What the pieces before this one have.
    before: Extent,
}

/// How many records and lines a part of a file has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    records: u64,
    lines: u64,
}

impl Extent {
    /// Returns a place that is counted from behind such a part, counted from before it.
    pub(super) fn put_right(self, place: Place) -> Place {
        let record = place.record.map(|record| record + self.records);
        let line = place.line.map(|line| line + self.lines);
        Place { record, line, ..place }
    }
}

/// What became of a piece.
struct Parsed {
    chunks: Vec<Chunk>,
    all: Extent,
}

/// What pieces are cut off: each thread cuts the next one for itself.
struct Splitter {
    input: Input,
    text: Text,
    hand_out: SyncSender<Receiver<Result<Parsed, Error>>>,
    /// Whether the file has ended, or nobody wants more of it.
    ended: bool,
}

/// The rest of a file's text.
enum Text {
    /// It is read while it is parsed, little by little, so that it does not leave the caches of the processor in between.
    Part(Part),
    /// It is read while it is cut, since the text has no places of its own in the file.
    Stream(Cursor),
}

impl Blocks {
    /// Begins to read a file whose records are lines, with so many threads; None where these cannot be started.
    pub(super) fn open(input: &Input, target: &Arc<Target>, threads: usize) -> Result<Option<Blocks>, Error> {
        let text = match input.bytes.parts()? {
            Some(part) => Text::Part(part),
            None => Text::Stream(Cursor::new(&input.bytes)?),
        };
        // Whoever takes the rows takes them in bursts: a column is compressed a page at a time.
        let (hand_out, pieces) = sync_channel(AHEAD * threads);
        let splitter = Arc::new(Mutex::new(Splitter { input: input.clone(), text, hand_out, ended: false }));
        for _ in 0..threads {
            let (input, target, splitter) = (input.clone(), target.clone(), splitter.clone());
            let work = move || parse_pieces(&input, &target, &splitter);
            if std::thread::Builder::new().name("parser".into()).spawn(work).is_err() {
                return Ok(None);
            }
        }
        Ok(Some(Blocks { pieces, waiting: VecDeque::new(), before: Extent::default() }))
    }

    /// Reads on; None behind the end.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, Error> {
        while self.waiting.is_empty() {
            let Ok(piece) = self.pieces.recv() else { return Ok(None) };
            // A thread that ended before its piece did must not pass for the end of the file.
            let parsed = piece.recv().map_err(|_| Error::new("a thread that read a file broke off"))?;
            let before = self.before;
            let parsed = parsed.map_err(|error| Error { place: before.put_right(error.place), ..error })?;
            self.before.records += parsed.all.records;
            self.before.lines += parsed.all.lines;
            self.waiting.extend(parsed.chunks.into_iter().map(|chunk| chunk.behind(before)));
        }
        Ok(self.waiting.pop_front())
    }
}

impl Splitter {
    /// Cuts off the next piece, with a spare buffer; returns it with the way to who waits for it.
    fn next(&mut self, piece: usize, spare: Vec<u8>) -> Option<(Cursor, SyncSender<Result<Parsed, Error>>)> {
        if self.ended {
            return None;
        }
        let (done, wait) = sync_channel(1);
        let lines = self.cut(piece, spare);
        self.ended = !matches!(lines, Ok(Some(_)));
        if !matches!(lines, Ok(None)) && self.hand_out.send(wait).is_err() {
            self.ended = true;
            return None;
        }
        match lines {
            Ok(lines) => lines.map(|lines| (lines, done)),
            Err(error) => {
                let _ = done.send(Err(error));
                None
            }
        }
    }

    fn cut(&mut self, piece: usize, spare: Vec<u8>) -> Result<Option<Cursor>, Error> {
        let bytes = &self.input.bytes;
        match &mut self.text {
            Text::Part(rest) => {
                let part = rest.take_lines(piece).map_err(|error| bytes.error(&error))?;
                Ok(part.map(|part| Cursor::part(bytes, part, spare)))
            }
            Text::Stream(cursor) => cursor.take_lines(piece, spare),
        }
    }
}

fn parse_pieces(input: &Input, target: &Target, splitter: &Mutex<Splitter>) {
    let (back, spares) = channel();
    let next = || {
        let spare = spares.try_recv().unwrap_or_default();
        splitter.lock().unwrap_or_else(PoisonError::into_inner).next(target.options.piece, spare)
    };
    // It knows from one piece to the next how much room the columns need, and where fields go.
    let mut builder = target.builder(input);
    while let Some((lines, done)) = next() {
        let parsed = parse(input, target, &mut builder, lines.back_to(&back));
        let _ = done.send(parsed.map_err(|error| error.at(&input.bytes.path)));
    }
}

fn parse(input: &Input, target: &Target, builder: &mut RowBuilder, lines: Cursor) -> Result<Parsed, Error> {
    let mut lines = lines;
    if lines.place().byte == Some(0) {
        lines.skip_mark()?;
    }
    let mut records = input.form.of_lines(lines)?;
    let mut chunks = Vec::new();
    while let Some(chunk) = fill(&input.bytes.path, &mut *records, builder, target.options.batch_rows)? {
        chunks.push(chunk);
    }
    let end = records.place();
    let all = Extent { records: end.record.unwrap_or_default(), lines: end.line.unwrap_or(1) - 1 };
    Ok(Parsed { chunks, all })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use arrow::array::RecordBatch;

    use crate::source::{BadRow, BadRows, Options, open};
    use crate::types::arrow::schema;

    /// Reads a file with pieces of so many bytes, or in one go; returns its rows and what could not be read.
    fn read(text: &[u8], piece: Option<usize>) -> (RecordBatch, Vec<BadRow>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("T.jsonl");
        std::fs::write(&path, text).unwrap();
        let bad = Arc::new(Mutex::new(Vec::new()));
        let bad_rows = BadRows::Collect(bad.clone());
        let options = Options { bad_rows, piece: piece.unwrap_or_default(), batch_rows: 3, ..Options::default() };
        let table = open(&path.to_string_lossy(), &options).unwrap().remove(0);
        let batches = if piece.is_some() { table.read_ahead(3) } else { table.read() };
        let batches: Vec<_> = batches.map(Result::unwrap).collect();
        let rows = arrow::compute::concat_batches(&schema(&table.columns), &batches).unwrap();
        let mut bad = bad.lock().unwrap().clone();
        bad.iter_mut().for_each(|bad| bad.path.clear());
        (rows, bad)
    }

    #[test]
    fn pieces_give_the_rows_and_the_places_of_the_whole() {
        let mut text = String::from("\u{feff}");
        for n in 0..40 {
            let line = match n % 10 {
                3 => "\r\n".to_string(),
                5 => format!("{{\"a\":{n},\"b\":\n"),
                8 => format!("[{n}]\n"),
                _ => format!("{{\"a\":{n},\"b\":\"{}\"}}\r\n", "x".repeat(n)),
            };
            text.push_str(&line);
        }
        for text in [text.as_str(), text.trim_end()] {
            let whole = read(text.as_bytes(), None);
            assert_eq!((whole.0.num_rows(), whole.1.len()), (28, 8));
            let compressed = zstd::encode_all(text.as_bytes(), 1).unwrap();
            for piece in [1, 7, 100, 1 << 20] {
                assert_eq!(read(text.as_bytes(), Some(piece)), whole, "pieces of {piece} bytes");
                assert_eq!(read(&compressed, Some(piece)), whole, "pieces of {piece} bytes, compressed");
            }
        }
    }
}
