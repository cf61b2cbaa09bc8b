//! A bar on a terminal that shows how far a long piece of work has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;
use crate::source;

/// How often the bar is drawn anew.
const PERIOD: Duration = Duration::from_millis(100);

/// Bytes that are read and rows that are written, on a terminal; elsewhere nothing. It goes away with this value.
pub(super) struct Bar {
    bar: ProgressBar,
    rows: Arc<AtomicU64>,
    /// Ends the thread that draws.
    _stop: Option<Sender<()>>,
}

impl Bar {
    /// Begins to show how many of `bytes` have been read.
    pub(super) fn new(console: &Console, bytes: u64, read: &source::Progress) -> Bar {
        let rows = Arc::new(AtomicU64::new(0));
        if !console.is_watched() {
            return Bar { bar: ProgressBar::hidden(), rows, _stop: None };
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let template = "{bar:30} {bytes} of {total_bytes}, {msg} rows, {eta} left";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let (stop, stopped) = channel();
        let (drawn, counted, read) = (bar.clone(), rows.clone(), read.clone());
        let draw = move || {
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                drawn.set_message(HumanCount(counted.load(Ordering::Relaxed)).to_string());
                drawn.set_position(read.bytes().min(drawn.length().unwrap_or(bytes)));
            }
        };
        // Without the thread there is no bar, and the work goes on.
        let _ = std::thread::Builder::new().name("progress".into()).spawn(draw);
        Bar { bar, rows, _stop: Some(stop) }
    }

    /// Says that there are more bytes to read than it seemed.
    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// Counts rows that have been written.
    pub(super) fn add_rows(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Says something to the user while the bar is shown.
    pub(super) fn pause(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
