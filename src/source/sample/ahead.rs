//! Batches that several threads make, in the order of their numbers.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use arrow::array::RecordBatch;

/// Batches that threads make by turns: of three threads the first makes the batches 0, 3, 6 and so on.
pub(super) struct Ahead {
    threads: Vec<(Receiver<RecordBatch>, Option<JoinHandle<()>>)>,
    next: usize,
}

impl Ahead {
    /// Starts so many threads, at least one; `make` gives the batch of a number, and none behind the last. None where a
    /// thread cannot be started.
    pub(super) fn new(
        threads: usize,
        make: impl Fn(u64) -> Option<RecordBatch> + Clone + Send + 'static,
    ) -> Option<Ahead> {
        let threads = threads.max(1);
        let start = |first: usize| {
            let (sender, receiver) = sync_channel(1);
            let make = make.clone();
            let numbers = (first as u64..).step_by(threads);
            // A batch that nobody takes any more ends the thread.
            let work = move || drop(numbers.map_while(make).try_for_each(|batch| sender.send(batch)));
            let handle = Builder::new().name("sample".into()).spawn(work).ok()?;
            Some((receiver, Some(handle)))
        };
        Some(Ahead { threads: (0..threads).map(start).collect::<Option<_>>()?, next: 0 })
    }
}

impl Iterator for Ahead {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        let at = self.next % self.threads.len();
        let (batches, thread) = self.threads.get_mut(at)?;
        if let Ok(batch) = batches.recv() {
            self.next += 1;
            return Some(batch);
        }
        // Where a thread ends, so do the rows; one that broke off must not pass for that.
        match thread.take().map(JoinHandle::join) {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            _ => None,
        }
    }
}
