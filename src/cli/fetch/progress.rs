//! How far a download is: a bar on a terminal, a line now and then in a log.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::console::Console;
use crate::fetch::{Event, Report};

/// Seconds between two lines of a log.
const PAUSE: Duration = Duration::from_secs(10);

/// Waits shorter than this are nobody's concern.
const SHORT: Duration = Duration::from_secs(5);

/// Tells what happens.
pub(in crate::cli) struct Progress {
    console: Console,
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

/// What is done of what.
struct State {
    begun: Instant,
    told: Instant,
    windows: usize,
    all_windows: usize,
    rows: u64,
    all_rows: u64,
    bytes: u64,
}

impl Progress {
    pub(in crate::cli) fn new(console: &Console) -> Progress {
        let shows = io::stderr().is_terminal() && !console.is_quiet();
        let bar = shows.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:30} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.with_style(style)
        });
        let now = Instant::now();
        let state = State { begun: now, told: now, windows: 0, all_windows: 0, rows: 0, all_rows: 0, bytes: 0 };
        Progress { console: console.clone(), bar, state: Mutex::new(state) }
    }

    /// Clears the bar away.
    pub(in crate::cli) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, state: &mut State) {
        let text = state.text();
        match &self.bar {
            Some(bar) => {
                bar.set_length(state.all_rows);
                bar.set_position(state.rows);
                bar.set_message(text);
            }
            None if state.told.elapsed() >= PAUSE => {
                state.told = Instant::now();
                self.console.note(&text);
            }
            None => {}
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.note(text)),
            None => self.console.note(text),
        }
    }
}

impl State {
    fn text(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let rate = self.rows as f64 / seconds;
        let left = self.all_rows.saturating_sub(self.rows) as f64 / rate.max(0.001);
        let left = HumanDuration(Duration::from_secs_f64(left.min(1e7)));
        let State { windows, all_windows, rows, all_rows, bytes, .. } = self;
        let size = HumanBytes(*bytes);
        format!("{windows} of {all_windows} windows, {rows} of {all_rows} rows, {size}, {rate:.0} rows/s, {left} left")
    }
}

impl Report for Progress {
    fn tell(&self, event: Event) {
        let mut state = self.state();
        match event {
            Event::Planned { windows, rows } => {
                state.begun = Instant::now();
                (state.windows, state.all_windows, state.rows, state.all_rows) = (0, windows, 0, rows);
                drop(state);
                self.line(&format!("{rows} rows to fetch, in {windows} windows"));
            }
            Event::Window { rows, bytes } => {
                state.windows += 1;
                state.rows += rows;
                state.bytes += bytes;
                self.show(&mut state);
            }
            Event::Split { parts, .. } => {
                state.all_windows += parts.saturating_sub(1);
                self.show(&mut state);
            }
            Event::Waiting { reason, length } if length >= SHORT => {
                drop(state);
                self.line(&format!("{reason}: trying again in {} s", length.as_secs()));
            }
            Event::Waiting { .. } => {}
            Event::Note(text) => {
                drop(state);
                self.line(&text);
            }
        }
    }
}
