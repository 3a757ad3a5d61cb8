//! Flood control: whoever types faster than its limit is read more slowly.
//!
//! A bucket of lines that fills at a constant rate, kept as one number: when it will be full again.
//! Nothing is refused and nothing lost. The bytes wait in the kernel, and at the flooder.

use std::fmt;
use std::str::FromStr;

use crate::chat::Millis;

/// Lines a connection may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodLimit {
    /// Lines a second in the long run; 1 to 1000.
    pub rate: u32,
    /// Lines at once, after a pause; 1 to 10 000.
    pub burst: u32,
}

/// What `--flood` says: `RATE:BURST`, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flood {
    /// Everyone may say as many lines as it likes.
    Off,
    /// Everyone is bound, whoever it is.
    Limit(FloodLimit),
}

/// What holds for strangers if `--flood` is not given.
pub(super) const DEFAULT: FloodLimit = FloodLimit {
    rate: 10,
    burst: 40,
};

impl FromStr for Flood {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let limit = text.split_once(':').and_then(|(rate, burst)| {
            let (rate, burst) = (rate.parse().ok()?, burst.parse().ok()?);
            let fits = (1..=1000).contains(&rate) && (1..=10_000).contains(&burst);
            fits.then_some(FloodLimit { rate, burst })
        });
        let wanted =
            "it wants RATE:BURST, lines a second (1 to 1000) and at once (1 to 10000), or off";
        limit.map(Self::Limit).ok_or_else(|| wanted.to_owned())
    }
}

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Limit(limit) => write!(f, "{}:{}", limit.rate, limit.burst),
        }
    }
}

/// How much one connection has said of late.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// When it is full again, in microseconds.
    full_at: u64,
}

impl Bucket {
    /// How long until a line may be taken, in milliseconds; 0 if now.
    pub(super) fn wait(&self, limit: FloodLimit, now: Millis) -> Millis {
        let tolerated = now * 1000 + u64::from(limit.burst - 1) * limit.micros_per_line();
        self.full_at.saturating_sub(tolerated).div_ceil(1000)
    }

    /// Takes a line out.
    pub(super) fn take(&mut self, limit: FloodLimit, now: Millis) {
        self.full_at = self.full_at.max(now * 1000) + limit.micros_per_line();
    }

    pub(super) fn is_full(&self, now: Millis) -> bool {
        self.full_at <= now * 1000
    }
}

impl FloodLimit {
    fn micros_per_line(self) -> u64 {
        1_000_000 / u64::from(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let limit = FloodLimit { rate: 10, burst: 3 };
        let mut bucket = Bucket::default();
        let mut taken = Vec::new();
        for now in 5000..5501 {
            while bucket.wait(limit, now) == 0 {
                bucket.take(limit, now);
                taken.push(now);
            }
        }
        assert_eq!(taken, [5000, 5000, 5000, 5100, 5200, 5300, 5400, 5500]);
        assert_eq!(bucket.wait(limit, 5500), 100);
        assert!(!bucket.is_full(5799) && bucket.is_full(5800));
    }

    #[test]
    fn a_pause_gives_back_a_burst_and_no_more() {
        let limit = FloodLimit {
            rate: 1000,
            burst: 2,
        };
        let mut bucket = Bucket::default();
        for now in [0, 0, 1_000_000, 1_000_000] {
            assert_eq!(bucket.wait(limit, now), 0);
            bucket.take(limit, now);
        }
        assert_eq!(bucket.wait(limit, 1_000_000), 1);
    }

    #[test]
    fn the_flag_is_read_as_it_is_written() {
        for text in ["10:40", "1:1", "1000:10000", "off"] {
            assert_eq!(text.parse::<Flood>().unwrap().to_string(), text);
        }
        for text in [
            "", "10", "0:1", "1:0", "1001:1", "1:10001", "on", "-1:2", "a:b",
        ] {
            assert!(text.parse::<Flood>().is_err(), "{text}");
        }
    }
}
