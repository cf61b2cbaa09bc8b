//! A time.

use serde::{Deserialize, Serialize};

use super::moment;

/// A time from one moment, inclusive, to another, exclusive; both in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    #[serde(with = "moment")]
    pub from: i64,
    #[serde(with = "moment")]
    pub to: i64,
}
