//! A time.

/// A time from one moment, inclusive, to another, exclusive; both in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub to: i64,
}
