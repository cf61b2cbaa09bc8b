//! The clock of rules: when they run, what they see, and what their result makes of it.

mod chain;
mod clock;
mod data;
mod draw;
mod held;
mod pass;
mod run;
mod survey;

pub use clock::{Moment, Span, Timing, moments};
pub use data::{Data, RECEIVED, times};
pub use run::{Failure, Query, Ran};

/// Stack of a thread that runs queries: expressions nest up to a limit, and unoptimised frames are large.
pub(super) const STACK: usize = 64 << 20;
