//! How long to wait for an answer.

use std::time::Duration;

/// The retransmission timer: smoothed round trip plus four deviations, doubled on the first expiries.
#[derive(Debug, Clone)]
pub struct Pacer {
    smoothed: Duration,
    deviation: Duration,
    backoff: u32,
    /// The longest wait.
    most: Duration,
}

impl Pacer {
    /// The shortest wait: above the latency timers of USB serial adapters.
    const SHORTEST: Duration = Duration::from_millis(40);
    /// The longest wait, unless the first one is longer: a chip that is simulated gate by gate.
    const LONGEST: Duration = Duration::from_secs(4);
    /// Expiries in a row that double the wait. Nobody shares the line: a few are for a chip that is slow.
    const DOUBLINGS: u32 = 3;
    /// The least silence to bear.
    const PATIENCE: Duration = Duration::from_secs(12);

    /// A timer whose first wait is `guess`.
    #[must_use]
    pub fn new(guess: Duration) -> Self {
        Self { smoothed: guess / 3, deviation: guess / 6, backoff: 0, most: guess.max(Self::LONGEST) }
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

    /// Nothing was answered in time.
    pub fn expired(&mut self) {
        self.backoff = (self.backoff + 1).min(Self::DOUBLINGS);
    }

    /// The wait from the last sign of life on.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait_after(self.backoff)
    }

    /// The wait after many expiries.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.wait_after(Self::DOUBLINGS)
    }

    /// How long a chip may be silent: long enough for about 40 tries on a fast line, so that one that spoils every
    /// other frame is not taken for a dead one, and for 8 on a slow one.
    #[must_use]
    pub fn patience(&self) -> Duration {
        (self.longest() * 8).max(Self::PATIENCE)
    }

    fn wait_after(&self, backoff: u32) -> Duration {
        let wait = (self.smoothed + 4 * self.deviation).clamp(Self::SHORTEST, self.most);
        (wait * (1 << backoff)).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_follows_the_line_and_doubles_without_answers() {
        let slow = Pacer::new(Duration::from_secs(60));
        assert_eq!((slow.wait(), slow.longest()), (Duration::from_secs(60), Duration::from_secs(60)));
        let mut pacer = Pacer::new(Duration::from_millis(300));
        assert_eq!(pacer.wait(), Duration::from_millis(300));
        for _ in 0..100 {
            pacer.sample(Duration::from_millis(100));
        }
        let settled = pacer.wait();
        assert!((100..150).contains(&settled.as_millis()), "{settled:?}");
        pacer.expired();
        assert_eq!(pacer.wait(), 2 * settled);
        for _ in 0..9 {
            pacer.expired();
        }
        assert_eq!((pacer.wait(), pacer.longest()), (8 * settled, 8 * settled));
        pacer.progress();
        assert_eq!(pacer.wait(), settled);
    }
}
