//! One pass over a table: every chain takes each piece of it, so that the file is read once for all rules.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

use super::STACK;
use super::chain;
use super::clock::Span;
use crate::engine::{self, ErrorKind, Session, Table, TableData, Workers};
use crate::plan::{Comparison, Expr, Kind, Node, Plan};
use crate::types::arrow::Footprint;
use crate::types::{Column, Value};

/// Rows of a piece: large enough that planning for it does not count, small enough that three of them fit into memory.
const PIECE: usize = 16_384;

/// Which records of a table are looked at: those of which one of these times lies in the span. All, where there are no
/// such columns.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) times: Vec<Column>,
    pub(super) span: Span,
}

/// Runs chains over the records of a table, and returns the rows that each gives. `held` is what is in memory so far, with
/// the rows of earlier tables.
///
/// A chain whose expressions fail is left out: its query will say so itself when it runs.
pub(super) fn run(
    table: &Table,
    chains: &[Node],
    window: Option<&Window>,
    held: &Mutex<Footprint>,
    memory_limit: usize,
    threads: usize,
) -> Result<Vec<Option<Vec<RecordBatch>>>, engine::Error> {
    let columns = columns(chains);
    let rows: Vec<Mutex<Option<Vec<RecordBatch>>>> = chains.iter().map(|_| Mutex::new(Some(Vec::new()))).collect();
    let (sender, pieces) = sync_channel(1);
    std::thread::scope(|scope| {
        let read = || {
            let sent = each_piece(table, &columns, window, &mut |piece| sender.send(Ok(piece)).is_ok());
            if let Err(error) = sent {
                // Nobody listens any more: there is another error already.
                let _ = sender.send(Err(error));
            }
            drop(sender);
        };
        let reader = std::thread::Builder::new().name("records".into()).stack_size(STACK);
        reader.spawn_scoped(scope, read).map_err(|error| failed(ErrorKind::Io, &error))?;
        for piece in pieces {
            let piece = Piece { table: &table.name, columns: &columns, records: piece?, memory_limit };
            piece.give(chains, &rows, held, threads)?;
        }
        Ok::<_, engine::Error>(())
    })?;
    Ok(rows.into_iter().map(|rows| rows.into_inner().ok().flatten()).collect())
}

fn failed(kind: ErrorKind, error: &dyn std::fmt::Display) -> engine::Error {
    engine::Error::new(kind, format!("the records cannot be passed over: {error}"))
}

/// Returns the columns that chains read.
fn columns(chains: &[Node]) -> Vec<Column> {
    let mut all: Vec<Column> = Vec::new();
    for column in chains.iter().filter_map(chain::source).flat_map(|(_, columns)| columns) {
        if !all.contains(column) {
            all.push(column.clone());
        }
    }
    all
}

/// Reads columns of a table in the order of its rows, until `f` has enough.
pub(super) fn each_piece(
    table: &Table,
    columns: &[Column],
    window: Option<&Window>,
    f: &mut dyn FnMut(RecordBatch) -> bool,
) -> Result<(), engine::Error> {
    let scan = Node { columns: columns.to_vec(), serialized: false, kind: Kind::Scan { table: table.name.clone() } };
    let scan = match window.and_then(Window::predicate) {
        Some(predicate) => Node {
            columns: columns.to_vec(),
            serialized: false,
            kind: Kind::Filter { input: Box::new(scan), predicate },
        },
        None => scan,
    };
    let session = Session { partitions: 1, batch_size: PIECE, ..Session::new() };
    let session = session.table(&table.name, table.columns.clone(), table.data.clone());
    for output in engine::run(&Plan::of(scan), &session)? {
        for batch in output {
            let batch = batch?;
            for start in (0..batch.num_rows()).step_by(PIECE) {
                if !f(batch.slice(start, PIECE.min(batch.num_rows() - start))) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

impl Window {
    /// Returns the condition that a record meets; files leave out what cannot meet it.
    fn predicate(&self) -> Option<Expr> {
        let compare = |operator, time: &Column, ticks| Expr::Compare {
            operator,
            left: Box::new(Expr::Column(time.clone())),
            right: Box::new(Expr::Literal(Value::DateTime(ticks))),
        };
        let within = |time: &Column| {
            let from = compare(Comparison::GreaterOrEqual, time, self.span.from);
            Expr::And(vec![from, compare(Comparison::LessOrEqual, time, self.span.to)])
        };
        let mut conditions: Vec<Expr> = self.times.iter().map(within).collect();
        if conditions.len() > 1 { Some(Expr::Or(conditions)) } else { conditions.pop() }
    }
}

/// Some records of a table.
struct Piece<'a> {
    table: &'a str,
    columns: &'a [Column],
    records: RecordBatch,
    memory_limit: usize,
}

impl Piece<'_> {
    /// Gives the records to every chain.
    fn give(
        &self,
        chains: &[Node],
        rows: &[Mutex<Option<Vec<RecordBatch>>>],
        held: &Mutex<Footprint>,
        threads: usize,
    ) -> Result<(), engine::Error> {
        let next = AtomicUsize::new(0);
        let full = Mutex::new(None);
        let work = || {
            let workers = Workers::new(&self.session()).ok();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let (Some(chain), Some(rows)) = (chains.get(place), rows.get(place)) else { return };
                let Ok(mut rows) = rows.lock() else { return };
                let Some(all) = rows.as_mut() else { continue };
                match self.through(chain, workers.clone()) {
                    Ok(made) => {
                        if made.iter().any(|batch| self.is_too_much(batch, held)) {
                            if let Ok(mut full) = full.lock() {
                                *full = Some(self.full());
                            }
                            return;
                        }
                        all.extend(made);
                    }
                    Err(_) => *rows = None,
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.clamp(1, chains.len().max(1)) {
                let builder = std::thread::Builder::new().name("chain".into()).stack_size(STACK);
                if builder.spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            // Without another thread this one does the work.
            work();
        });
        full.into_inner().ok().flatten().map_or(Ok(()), Err)
    }

    fn session(&self) -> Session {
        Session { partitions: 1, memory_limit: self.memory_limit, batch_size: PIECE, ..Session::new() }
    }

    fn through(&self, chain: &Node, workers: Option<Workers>) -> Result<Vec<RecordBatch>, engine::Error> {
        if self.records.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let session = Session { workers, ..self.session() };
        let data = TableData::Batches(vec![self.records.clone()]);
        let session = session.table(self.table, self.columns.to_vec(), data);
        let mut all = Vec::new();
        for output in engine::run(&Plan::of(chain.clone()), &session)? {
            for batch in output {
                let batch = batch?;
                if batch.num_rows() > 0 {
                    all.push(compact(&batch));
                }
            }
        }
        Ok(all)
    }

    fn is_too_much(&self, batch: &RecordBatch, held: &Mutex<Footprint>) -> bool {
        held.lock().is_ok_and(|mut held| held.add(batch) > self.memory_limit)
    }

    fn full(&self) -> engine::Error {
        let message = format!(
            "what the rules look at of the records of {} needs more memory than --memory-limit allows; raise the \
             limit, or give fewer of them",
            self.table
        );
        engine::Error::new(ErrorKind::Resources, message)
    }
}

/// Lets go of texts that no row of a batch has any more, where these are most of what it holds.
fn compact(batch: &RecordBatch) -> RecordBatch {
    let column = |array: &ArrayRef| -> ArrayRef {
        if *array.data_type() != DataType::Utf8View {
            return array.clone();
        }
        let views = array.as_string_view();
        let held: usize = views.data_buffers().iter().map(arrow::buffer::Buffer::capacity).sum();
        if held > 2 * views.total_buffer_bytes_used() { Arc::new(views.gc()) } else { array.clone() }
    };
    let columns = batch.columns().iter().map(column).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options).unwrap_or_else(|_| batch.clone())
}
