//! The clock of rules: when they run, what they see, and what their result makes of it.

mod clock;
mod data;
mod run;

pub use clock::{Moment, Timing, moments};
pub use data::{Data, RECEIVED, times};
pub use run::{Failure, Query};
