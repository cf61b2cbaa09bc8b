//! Time and chance, which are passed in: a download waits, and its tests do not.

use std::time::Duration;

use async_trait::async_trait;

/// What a download knows of time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the time since some moment that stays the same.
    fn now(&self) -> Duration;

    /// Returns the seconds since 1970, for what is signed with a time.
    fn unix_seconds(&self) -> u64;

    /// Waits.
    async fn sleep(&self, length: Duration);

    /// Returns a number from 0 to 1, each as likely.
    fn chance(&self) -> f64;
}
