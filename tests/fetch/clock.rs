//! A clock on which nobody waits: sleeping moves it.

use std::sync::Mutex;
use std::time::Duration;

use alertq::fetch::Clock;
use async_trait::async_trait;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub struct TestClock {
    now: Mutex<Duration>,
    chance: Mutex<ChaCha8Rng>,
}

impl TestClock {
    pub fn new(seed: u64) -> TestClock {
        TestClock { now: Mutex::default(), chance: Mutex::new(ChaCha8Rng::seed_from_u64(seed)) }
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn unix_seconds(&self) -> u64 {
        1_780_000_000
    }

    async fn sleep(&self, length: Duration) {
        *self.now.lock().unwrap() += length;
        tokio::task::yield_now().await;
    }

    fn chance(&self) -> f64 {
        self.chance.lock().unwrap().random()
    }
}
