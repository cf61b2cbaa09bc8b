//! A large file of JSON lines, of which several threads parse a piece each; the rows come in the file's order.
//!
//! One thread cuts the text at ends of lines and hands the pieces out. Where a record stands is counted from the
//! beginning of its piece, and put right when the piece's turn comes.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::cursor::{Cursor, Lines};
use super::error::Error;
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
    /// Records in the pieces before this one.
    records: u64,
}

/// What became of a piece.
struct Parsed {
    chunks: Vec<Chunk>,
    records: u64,
}

/// A piece to be parsed, and who waits for it.
struct Piece {
    lines: Lines,
    done: SyncSender<Result<Parsed, Error>>,
}

impl Blocks {
    /// Begins to read a file whose records are lines, with so many threads; None where no thread can be started.
    pub(super) fn open(input: &Input, target: &Arc<Target>, threads: usize) -> Option<Blocks> {
        // Whoever takes the rows takes them in bursts: a column is compressed a page at a time.
        let (hand_out, pieces) = sync_channel(AHEAD * threads);
        let (give, take) = sync_channel(1);
        let take = Arc::new(Mutex::new(take));
        for _ in 0..threads {
            let (input, target, take) = (input.clone(), target.clone(), take.clone());
            let work = move || parse_pieces(&input, &target, &take);
            std::thread::Builder::new().name("parser".into()).spawn(work).ok()?;
        }
        let input = input.clone();
        let piece = target.options.piece;
        let work = move || split(&input, piece, &hand_out, &give);
        std::thread::Builder::new().name("splitter".into()).spawn(work).ok()?;
        Some(Blocks { pieces, waiting: VecDeque::new(), records: 0 })
    }

    /// Reads on; None behind the end.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, Error> {
        while self.waiting.is_empty() {
            let Ok(piece) = self.pieces.recv() else { return Ok(None) };
            // A thread that ended before its piece did must not pass for the end of the file.
            let parsed = piece.recv().map_err(|_| Error::new("a thread that read a file broke off"))??;
            let before = self.records;
            self.records += parsed.records;
            self.waiting.extend(parsed.chunks.into_iter().map(|chunk| chunk.behind(before)));
        }
        Ok(self.waiting.pop_front())
    }
}

/// Cuts a file into pieces until it ends, or nobody wants them any more.
fn split(
    input: &Input,
    piece: usize,
    hand_out: &SyncSender<Receiver<Result<Parsed, Error>>>,
    give: &SyncSender<Piece>,
) {
    let cut = || -> Result<(), Error> {
        let mut cursor = Cursor::new(&input.bytes)?;
        cursor.skip_mark()?;
        let (back, spares) = channel();
        while let Some(lines) = cursor.take_lines(piece, spares.try_recv().unwrap_or_default())? {
            let (done, wait) = sync_channel(1);
            let piece = Piece { lines: lines.back_to(&back), done };
            if hand_out.send(wait).is_err() || give.send(piece).is_err() {
                break;
            }
        }
        Ok(())
    };
    if let Err(error) = cut() {
        let (failed, wait) = sync_channel(1);
        let _ = failed.send(Err(error));
        let _ = hand_out.send(wait);
    }
}

fn parse_pieces(input: &Input, target: &Target, take: &Mutex<Receiver<Piece>>) {
    let next = || take.lock().unwrap_or_else(PoisonError::into_inner).recv();
    // It knows from one piece to the next how much room the columns need, and where fields go.
    let mut builder = target.builder(input);
    while let Ok(piece) = next() {
        let parsed = parse(input, target, &mut builder, piece.lines);
        let _ = piece.done.send(parsed.map_err(|error| error.at(&input.bytes.path)));
    }
}

fn parse(input: &Input, target: &Target, builder: &mut RowBuilder, lines: Lines) -> Result<Parsed, Error> {
    let mut records = input.form.of_lines(Cursor::of(&input.bytes, lines))?;
    let mut chunks = Vec::new();
    while let Some(chunk) = fill(&input.bytes.path, &mut *records, builder, target.options.batch_rows)? {
        chunks.push(chunk);
    }
    Ok(Parsed { chunks, records: records.place().record.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use arrow::array::RecordBatch;

    use crate::source::{BadRow, BadRows, Options, open};
    use crate::types::arrow::schema;

    /// Reads a file with pieces of so many bytes, or in one go; returns its rows and what could not be read.
    fn read(text: &str, piece: Option<usize>) -> (RecordBatch, Vec<BadRow>) {
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
            let whole = read(text, None);
            assert_eq!((whole.0.num_rows(), whole.1.len()), (28, 8));
            for piece in [1, 7, 100, 1 << 20] {
                assert_eq!(read(text, Some(piece)), whole, "pieces of {piece} bytes");
            }
        }
    }
}
