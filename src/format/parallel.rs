//! Work on several threads, and text that they make in the order of rows.

use std::io;
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Returns how many threads run at once.
pub(super) fn threads() -> usize {
    /// To ask reads files of the system, and each batch wants to know.
    static THREADS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *THREADS
}

/// Does some work on each item, on so many threads; the results come in any order.
pub(super) fn each<T: Send, R: Send>(
    items: impl Iterator<Item = T> + Send,
    threads: usize,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let items = Mutex::new(items);
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || std::iter::from_fn(next).map(&work).collect::<Vec<R>>();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut results = run();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

/// Rows that a thread writes in one go: some hundred kilobytes of alerts.
const PART: usize = 128;

/// Parts for each thread that are made before they are handed on, so that the work comes out even.
const PARTS: usize = 2;

/// The text of rows, of which each thread makes a part; while the next ones are made, one thread hands it on.
#[derive(Default)]
pub(super) struct Parts<T> {
    texts: Vec<T>,
    /// Room for those that are handed on.
    made: Vec<T>,
}

/// What a thread does next.
enum Step<'a, T> {
    HandOn(&'a mut (dyn io::Write + Send), &'a [T]),
    Make(Range<usize>, &'a mut T),
}

impl<T: Default + AsRef<[u8]> + Send + Sync> Parts<T> {
    /// Writes so many rows; `make` makes the text of some of them, in place of what it finds.
    pub(super) fn write(
        &mut self,
        rows: usize,
        out: &mut (dyn io::Write + Send),
        make: impl Fn(Range<usize>, &mut T) -> io::Result<()> + Sync,
    ) -> io::Result<()> {
        let (threads, most) = (threads(), PARTS * threads());
        self.texts.resize_with(most, T::default);
        self.made.resize_with(most, T::default);
        let mut waiting = 0;
        for first in (0..rows).step_by(PART * most) {
            let wanted = (rows - first).div_ceil(PART).min(most);
            let part = |place: usize| first + place * PART..(first + (place + 1) * PART).min(rows);
            let parts = self.texts.iter_mut().take(wanted).enumerate();
            let steps = std::iter::once(Step::HandOn(&mut *out, &self.made[..waiting]))
                .chain(parts.map(|(place, text)| Step::Make(part(place), text)));
            // Where there is one part alone, no thread is started.
            let done = each(steps, wanted.min(threads), |step| match step {
                Step::HandOn(out, texts) => texts.iter().try_for_each(|text| out.write_all(text.as_ref())),
                Step::Make(part, text) => make(part, text),
            });
            done.into_iter().collect::<io::Result<()>>()?;
            std::mem::swap(&mut self.texts, &mut self.made);
            waiting = wanted;
        }
        self.made[..waiting].iter().try_for_each(|text| out.write_all(text.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_their_order() {
        let mut parts = Parts::default();
        for rows in [5 * PARTS * PART * threads() + 1, PART, 1, 0, 2 * PART - 1] {
            let mut out = Vec::new();
            let make = |part: Range<usize>, text: &mut String| {
                *text = part.map(|row| format!("{row}\n")).collect();
                Ok(())
            };
            parts.write(rows, &mut out, make).unwrap();
            let wanted: String = (0..rows).map(|row| format!("{row}\n")).collect();
            assert_eq!(String::from_utf8(out).unwrap(), wanted);
        }
    }
}
