//! How many requests may go out: at most five at once, at most 200 in 30 seconds, none while the service wants a pause.
//!
//! These are the query API's own limits for one user (documented); what is beyond them is answered with 429.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::clock::Clock;

const AT_ONCE: usize = 5;
const REQUESTS: usize = 200;
const SPAN: Duration = Duration::from_secs(30);

/// Lets requests through.
#[derive(Debug)]
pub(super) struct Gate {
    permits: Semaphore,
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Times {
    /// When the last requests went out, or will.
    sent: VecDeque<Duration>,
    /// None goes out before this.
    paused: Duration,
}

impl Gate {
    pub(super) fn new() -> Gate {
        Gate { permits: Semaphore::new(AT_ONCE), times: Mutex::default() }
    }

    /// Waits until a request may go out; it is under way as long as the permit lives.
    pub(super) async fn pass(&self, clock: &dyn Clock) -> Option<SemaphorePermit<'_>> {
        let permit = self.permits.acquire().await.ok();
        loop {
            let wait = self.times().next(clock.now());
            if wait.is_zero() {
                return permit;
            }
            clock.sleep(wait).await;
        }
    }

    /// Lets nothing through for some time.
    pub(super) fn pause(&self, now: Duration, length: Duration) {
        let mut times = self.times();
        times.paused = times.paused.max(now.saturating_add(length));
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Times {
    /// Takes the place of a request and returns nothing, or returns how long it must wait to ask again.
    fn next(&mut self, now: Duration) -> Duration {
        if self.paused > now {
            return self.paused - now;
        }
        while self.sent.front().is_some_and(|sent| *sent + SPAN <= now) {
            self.sent.pop_front();
        }
        match self.sent.front() {
            Some(first) if self.sent.len() >= REQUESTS => *first + SPAN - now,
            _ => {
                self.sent.push_back(now);
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_thirty_seconds_hold_more_than_two_hundred_requests() {
        let mut times = Times::default();
        let (mut now, mut sent) = (Duration::ZERO, Vec::new());
        for _ in 0..1000 {
            let wait = times.next(now);
            now += wait;
            if !wait.is_zero() {
                assert!(times.next(now).is_zero());
            }
            sent.push(now);
            now += Duration::from_millis(10);
        }
        assert!(sent.windows(REQUESTS + 1).all(|window| window[REQUESTS] - window[0] >= SPAN));
        assert!(sent[999] < Duration::from_secs(130));
    }

    #[test]
    fn a_pause_holds_everything_back() {
        let gate = Gate::new();
        gate.pause(Duration::from_secs(10), Duration::from_secs(5));
        gate.pause(Duration::from_secs(11), Duration::from_secs(1));
        assert_eq!(gate.times().next(Duration::from_secs(12)), Duration::from_secs(3));
        assert!(gate.times().next(Duration::from_secs(15)).is_zero());
    }
}
