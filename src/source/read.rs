//! The rows of files, a batch at a time: one file after the other, or several ahead of their turn.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use hashbrown::HashMap;

use crate::types::Column;

use super::blocks::{Blocks, Extent};
use super::detect::Layout;
use super::error::Error;
use super::records::{Records, Step};
use super::rows::{BadRow, BadRows, Fault, RowBuilder};
use super::survey::Guess;
use super::table::Input;
use super::{Options, parquet};

/// What was read of a file in one go.
pub(super) struct Chunk {
    pub(super) batch: RecordBatch,
    pub(super) bad: Vec<BadRow>,
}

impl Chunk {
    /// Says what lies before where the places in the chunk are counted from.
    pub(super) fn behind(mut self, before: Extent) -> Chunk {
        self.bad.iter_mut().for_each(|bad| bad.place = before.put_right(bad.place));
        self
    }
}

/// What batches look like, and how records become their rows.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) columns: Vec<Column>,
    /// For each field of the records the column that it fills.
    pub(super) places: HashMap<String, Option<usize>>,
    /// How many columns, from the first, hold dynamic values that may be written as their JSON text.
    pub(super) text_dynamics: usize,
    pub(super) options: Options,
    /// What was concluded from the beginnings of files.
    pub(super) guess: Option<Guess>,
}

impl Target {
    /// Makes what fills the columns from the records of a file.
    pub(super) fn builder(&self, input: &Input) -> RowBuilder {
        let guess = self.guess.as_ref().filter(|_| !input.complete);
        let builder = RowBuilder::new(&self.columns, self.places.clone(), input.form.reading(), self.text_dynamics);
        match guess {
            Some(guess) => builder.guessed(guess.of(input.survey())),
            None => builder,
        }
    }
}

/// The rows of one file.
enum Reader {
    Records { path: PathBuf, records: Box<dyn Records>, builder: Box<RowBuilder>, most: usize },
    Parquet(Box<parquet::Rows>),
    Blocks(Blocks),
}

impl Reader {
    /// Opens a file, of which so many threads may read at once.
    fn open(input: &Input, target: &Arc<Target>, threads: usize) -> Result<Reader, Error> {
        if threads > 1
            && input.form.is_lines()
            && let Some(blocks) = Blocks::open(input, target, threads)?
        {
            return Ok(Reader::Blocks(blocks));
        }
        let most = target.options.batch_rows.max(1);
        if input.form.layout == Layout::Parquet {
            let rows = parquet::Rows::open(&input.bytes, &target.columns, &target.places, most)?;
            return Ok(Reader::Parquet(Box::new(rows)));
        }
        let records = input.form.open(&input.bytes, &target.options)?;
        let builder = Box::new(target.builder(input));
        Ok(Reader::Records { path: input.bytes.path.clone(), records, builder, most })
    }

    /// Reads on; None behind the end.
    fn next(&mut self) -> Result<Option<Chunk>, Error> {
        match self {
            Reader::Parquet(rows) => rows.next_chunk(),
            Reader::Blocks(blocks) => blocks.next(),
            Reader::Records { path, records, builder, most } => {
                fill(path, &mut **records, builder, *most).map_err(|error| error.at(path))
            }
        }
    }
}

/// Reads records until a batch is full or the file ends; None behind the end.
pub(super) fn fill(
    path: &Path,
    records: &mut dyn Records,
    builder: &mut RowBuilder,
    most: usize,
) -> Result<Option<Chunk>, Error> {
    let mut rejected = Vec::new();
    while builder.len() < most {
        let bad = match records.next(&mut |name, cell| builder.field(name, cell))? {
            Step::End if builder.len() == 0 => return Ok(None),
            Step::End => break,
            Step::Bad(reason) => builder.end(Some(Fault::of_record(reason))),
            Step::Record => builder.end(None),
        };
        if let Some(fault) = bad {
            rejected.push(BadRow { path: path.to_path_buf(), place: records.place(), text: records.text(), fault });
        }
    }
    Ok(Some(Chunk { batch: builder.finish()?, bad: rejected }))
}

/// A chunk of a file; None at its end.
type Message = Result<Option<Chunk>, Error>;

/// Files that threads take from, each with the way to who wants its rows.
type Queue = Mutex<std::vec::IntoIter<(Input, SyncSender<Message>)>>;

/// Where chunks come from.
enum Chunks {
    /// They are read when they are asked for.
    Here { inputs: std::vec::IntoIter<Input>, target: Arc<Target>, current: Option<Reader> },
    /// Threads read some of each file ahead, and wait until it is its turn.
    Ahead { files: std::vec::IntoIter<Receiver<Message>>, current: Option<Receiver<Message>> },
}

impl Chunks {
    fn here(inputs: Vec<Input>, target: Target) -> Chunks {
        Chunks::Here { inputs: inputs.into_iter(), target: Arc::new(target), current: None }
    }

    fn ahead(inputs: Vec<Input>, target: Target, threads: usize) -> Chunks {
        let target = Arc::new(target);
        // Where there are fewer files than threads, several read one file.
        let within = threads.div_ceil(inputs.len().max(1));
        let threads = threads.clamp(1, inputs.len().max(1));
        // Each thread holds one chunk that it fills, and each of its files one that waits.
        let (files, receivers): (Vec<_>, Vec<_>) = inputs
            .iter()
            .cloned()
            .map(|input| {
                let (sender, receiver) = sync_channel(1);
                ((input, sender), receiver)
            })
            .unzip();
        let queue: Arc<Queue> = Arc::new(Mutex::new(files.into_iter()));
        let started = (0..threads).filter(|_| {
            let (queue, target) = (queue.clone(), target.clone());
            std::thread::Builder::new().name("reader".into()).spawn(move || read_files(&queue, &target, within)).is_ok()
        });
        match started.count() {
            0 => Chunks::Here { inputs: inputs.into_iter(), target, current: None },
            _ => Chunks::Ahead { files: receivers.into_iter(), current: None },
        }
    }

    fn next(&mut self) -> Result<Option<Chunk>, Error> {
        match self {
            Chunks::Here { inputs, target, current } => loop {
                let Some(reader) = current else {
                    let Some(input) = inputs.next() else { return Ok(None) };
                    *current = Some(Reader::open(&input, target, 1)?);
                    continue;
                };
                match reader.next()? {
                    Some(chunk) => return Ok(Some(chunk)),
                    None => *current = None,
                }
            },
            Chunks::Ahead { files, current } => loop {
                let Some(receiver) = current else {
                    *current = files.next();
                    if current.is_none() {
                        return Ok(None);
                    }
                    continue;
                };
                // A thread that ended before its file did must not pass for the end of the file.
                match receiver.recv().map_err(|_| Error::new("a thread that read a file broke off"))?? {
                    Some(chunk) => return Ok(Some(chunk)),
                    None => *current = None,
                }
            },
        }
    }
}

/// Reads one file after the other until there is none, or nobody wants the rows any more.
fn read_files(queue: &Queue, target: &Arc<Target>, within: usize) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    while let Some((input, sender)) = next() {
        let mut reader = match Reader::open(&input, target, within) {
            Ok(reader) => reader,
            Err(error) => {
                let _ = sender.send(Err(error));
                continue;
            }
        };
        loop {
            let message = reader.next();
            let ended = !matches!(message, Ok(Some(_)));
            if sender.send(message).is_err() {
                return;
            }
            if ended {
                break;
            }
        }
    }
}

/// The rows of a table, a batch at a time.
pub struct Batches {
    columns: Vec<Column>,
    chunks: Chunks,
    bad_rows: BadRows,
    rejected: u64,
    read: u64,
    /// The first records that could not be read, where nobody takes them.
    first: Vec<BadRow>,
    ended: bool,
}

impl Batches {
    /// Reads files in their order; with more than one thread ahead of what is asked for.
    pub(super) fn new(inputs: Vec<Input>, target: Target, ahead: Option<usize>) -> Batches {
        let (columns, bad_rows) = (target.columns.clone(), target.options.bad_rows.clone());
        let chunks = match ahead {
            Some(threads) => Chunks::ahead(inputs, target, threads),
            None => Chunks::here(inputs, target),
        };
        Batches { columns, chunks, bad_rows, rejected: 0, read: 0, first: Vec::new(), ended: false }
    }

    /// Returns the columns of the batches.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns how many records could not be read so far.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Returns the first records that could not be read, where they are just counted.
    pub fn first_rejected(&self) -> &[BadRow] {
        &self.first
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            let Some(chunk) = self.chunks.next()? else { return self.end().map(|()| None) };
            for bad in chunk.bad {
                self.reject(bad)?;
            }
            if chunk.batch.num_rows() > 0 {
                self.read += chunk.batch.num_rows() as u64;
                return Ok(Some(chunk.batch));
            }
        }
    }

    fn reject(&mut self, bad: BadRow) -> Result<(), Error> {
        const TOLD: usize = 5;
        self.rejected += 1;
        if !self.bad_rows.take(&bad)? && self.first.len() < TOLD {
            self.first.push(bad);
        }
        Ok(())
    }

    /// Fails if records were rejected and that is a failure.
    fn end(&mut self) -> Result<(), Error> {
        if !matches!(self.bad_rows, BadRows::Fail) {
            return Ok(());
        }
        let Some((first, others)) = self.first.split_first() else { return Ok(()) };
        let (bad, all) = (self.rejected, self.read + self.rejected);
        let told = others.iter().map(|bad| format!("\n  {bad}")).collect::<String>();
        let more = bad.saturating_sub(self.first.len() as u64);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        let message = format!("{bad} of {all} records cannot be read; the first: {}{told}{more}", first.fault.reason);
        Err(Error::new(message)
            .at(&first.path)
            .place(first.place)
            .remedy("mend them, or set them aside with --skip-bad-rows PATH"))
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let batch = self.batch().transpose();
        self.ended = !matches!(batch, Some(Ok(_)));
        batch
    }
}
