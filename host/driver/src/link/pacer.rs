//! How long to wait for an answer.

use std::time::Duration;

/// The retransmission timer: smoothed round trip plus four deviations, doubled on every expiry.
#[derive(Debug, Clone)]
pub struct Pacer {
    smoothed: Duration,
    deviation: Duration,
    backoff: u32,
}

impl Pacer {
    /// The shortest wait: above the latency timers of USB serial adapters.
    const SHORTEST: Duration = Duration::from_millis(40);
    /// The longest wait.
    const LONGEST: Duration = Duration::from_secs(4);

    /// A timer whose first wait is `guess`.
    #[must_use]
    pub fn new(guess: Duration) -> Self {
        Self { smoothed: guess / 3, deviation: guess / 6, backoff: 0 }
    }

    /// Learns from the round trip of a request that was sent once.
    pub fn sample(&mut self, round_trip: Duration) {
        self.deviation = (3 * self.deviation + self.smoothed.abs_diff(round_trip)) / 4;
        self.smoothed = (7 * self.smoothed + round_trip) / 8;
    }

    /// Something was answered: the line works.
    pub fn progress(&mut self) {
        self.backoff = 0;
    }

    /// Nothing was answered in time; gives how often in a row.
    pub fn expired(&mut self) -> u32 {
        self.backoff += 1;
        self.backoff
    }

    /// The wait from the last sign of life on.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let wait = (self.smoothed + 4 * self.deviation).clamp(Self::SHORTEST, Self::LONGEST);
        (wait * (1 << self.backoff.min(10))).min(Self::LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_follows_the_line_and_doubles_without_answers() {
        let mut pacer = Pacer::new(Duration::from_millis(300));
        assert_eq!(pacer.wait(), Duration::from_millis(300));
        for _ in 0..100 {
            pacer.sample(Duration::from_millis(100));
        }
        let settled = pacer.wait();
        assert!((100..150).contains(&settled.as_millis()), "{settled:?}");
        pacer.expired();
        assert_eq!(pacer.wait(), 2 * settled);
        pacer.progress();
        assert_eq!(pacer.wait(), settled);
    }
}
