//! What a download tells while it goes on.

use std::time::Duration;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// So much is to be done.
    Planned { windows: usize, rows: u64 },
    /// A window is on disk.
    Window { rows: u64, bytes: u64 },
    /// A window was too large and is asked for in parts.
    Split { parts: usize, reason: String },
    /// A request is made again after some time.
    Waiting { reason: String, length: Duration },
    /// Something that is worth knowing.
    Note(String),
}

/// Takes what happened.
pub trait Report: Send + Sync {
    /// Tells one event.
    fn tell(&self, event: Event);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Report for Silent {
    fn tell(&self, _: Event) {}
}
