//! Flood control: whoever asks for more than its limit is read more slowly.
//!
//! A bucket that fills at a constant rate, kept as one number: when it will be full again. Nothing
//! is refused and nothing lost. The bytes wait in the kernel, and at the flooder. What is taken
//! out of a bucket is in [`cost`](crate::server::core::cost).

use std::fmt;
use std::str::FromStr;

use crate::chat::Millis;
use crate::server::core::cost::Cost;

/// So much a second in the long run, and so much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// A second, in the long run; 1 to 1000.
    pub rate: u32,
    /// At once, after a pause; 1 to 10 000.
    pub burst: u32,
}

/// Lines a connection may say, and what else it may ask for, in lines.
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

/// What `--connects` says: `RATE:BURST`, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connects {
    /// Everyone may connect as often as it likes.
    Off,
    /// Every address is bound, whichever it is.
    Limit(Pace),
}

/// What holds for strangers if `--flood` is not given.
pub(in crate::server) const DEFAULT: FloodLimit = FloodLimit {
    rate: 10,
    burst: 40,
};

/// What holds for strangers if `--connects` is not given.
pub(in crate::server) const DEFAULT_CONNECTS: Pace = Pace {
    rate: 10,
    burst: 100,
};

/// All connections of one address together may ask for so many times what one of them may: several
/// people may be behind it, and no crowd.
pub(in crate::server) const ADDRESS_SHARE: u32 = 10;

impl Pace {
    fn parse(rate: &str, burst: &str) -> Option<Self> {
        let (rate, burst) = (rate.parse().ok()?, burst.parse().ok()?);
        let fits = (1..=1000).contains(&rate) && (1..=10_000).contains(&burst);
        fits.then_some(Self { rate, burst })
    }

    fn micros(self) -> u64 {
        1_000_000 / u64::from(self.rate)
    }
}

impl FloodLimit {
    /// As many lines of any length.
    #[must_use]
    pub fn pace(self) -> Pace {
        let Self { rate, burst, .. } = self;
        Pace { rate, burst }
    }

    /// What all connections of one address may say together.
    pub(in crate::server) fn of_address(self) -> Pace {
        Pace {
            rate: self.rate * ADDRESS_SHARE,
            burst: self.burst * ADDRESS_SHARE,
        }
    }
}

impl FromStr for Flood {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let limit = || {
            let (rate, burst) = text.split_once(':')?;
            let Pace { rate, burst } = Pace::parse(rate, burst)?;
            Some(FloodLimit { rate, burst })
        };
        let wanted =
            "it wants RATE:BURST, lines a second (1 to 1000) and at once (1 to 10000), or off";
        limit().map(Self::Limit).ok_or_else(|| wanted.to_owned())
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

impl FromStr for Connects {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let limit = text
            .split_once(':')
            .and_then(|(rate, burst)| Pace::parse(rate, burst));
        let wanted = "it wants RATE:BURST, connections a second (1 to 1000) and at once (1 to 10000), or off";
        limit.map(Self::Limit).ok_or_else(|| wanted.to_owned())
    }
}

impl fmt::Display for Connects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Limit(pace) => write!(f, "{}:{}", pace.rate, pace.burst),
        }
    }
}

/// How much somebody has asked for of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    /// When it is full again, in microseconds.
    full_at: u64,
}

impl Bucket {
    /// How long until a line may be taken, in milliseconds; 0 if now.
    pub(in crate::server) fn wait(&self, pace: Pace, now: Millis) -> Millis {
        let tolerated = now * 1000 + u64::from(pace.burst - 1) * pace.micros();
        self.full_at.saturating_sub(tolerated).div_ceil(1000)
    }

    /// Takes so much out.
    pub(in crate::server) fn take(&mut self, pace: Pace, cost: Cost, now: Millis) {
        let sixteenths = pace.micros().saturating_mul(u64::from(cost.0));
        let micros = sixteenths / u64::from(Cost::LINE.0);
        self.full_at = self.full_at.max(now * 1000).saturating_add(micros);
    }

    pub(in crate::server) fn is_full(&self, now: Millis) -> bool {
        self.full_at <= now * 1000
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let pace = Pace { rate: 10, burst: 3 };
        let mut bucket = Bucket::default();
        let mut taken = Vec::new();
        for now in 5000..5501 {
            while bucket.wait(pace, now) == 0 {
                bucket.take(pace, Cost::LINE, now);
                taken.push(now);
            }
        }
        assert_eq!(taken, [5000, 5000, 5000, 5100, 5200, 5300, 5400, 5500]);
        assert_eq!(bucket.wait(pace, 5500), 100);
        assert!(!bucket.is_full(5799) && bucket.is_full(5800));
    }

    #[test]
    fn a_pause_gives_back_a_burst_and_no_more() {
        let pace = Pace {
            rate: 1000,
            burst: 2,
        };
        let mut bucket = Bucket::default();
        for now in [0, 0, 1_000_000, 1_000_000] {
            assert_eq!(bucket.wait(pace, now), 0);
            bucket.take(pace, Cost::LINE, now);
        }
        assert_eq!(bucket.wait(pace, 1_000_000), 1);
    }

    proptest! {
        /// Whatever the costs and the times: no more is let through than a burst, the rate, and
        /// the one that passed last.
        #[test]
        fn what_is_let_through_is_bounded(
            (rate, burst) in (1_u32..1000, 1_u32..100),
            asks in prop::collection::vec((0_u64..50, 1_u32..200), 1..300),
        ) {
            let pace = Pace { rate, burst };
            let (mut bucket, mut now) = (Bucket::default(), 1000);
            let (start, mut through, mut largest) = (now, 0, 0);
            for (pause, cost) in asks {
                now += pause;
                if bucket.wait(pace, now) == 0 {
                    bucket.take(pace, Cost(cost), now);
                    through += u64::from(cost);
                    largest = largest.max(u64::from(cost));
                }
            }
            let lines = u64::from(burst) + (now - start) * u64::from(rate) / 1000 + 2;
            prop_assert!(through <= lines * 16 + largest, "{through} of {lines} lines");
        }

        /// Who waits as long as it was told may go on.
        #[test]
        fn the_wait_is_long_enough(cost in 1_u32..100_000, rate in 1_u32..1000, burst in 1_u32..100) {
            let pace = Pace { rate, burst };
            let mut bucket = Bucket::default();
            bucket.take(pace, Cost(cost), 7);
            let wait = bucket.wait(pace, 7);
            prop_assert_eq!(bucket.wait(pace, 7 + wait), 0);
        }
    }

    #[test]
    fn the_flags_are_read_as_they_are_written() {
        for text in ["10:40", "1:1", "1000:10000", "off"] {
            assert_eq!(text.parse::<Flood>().unwrap().to_string(), text);
        }
        for text in [
            "", "10", "0:1", "1:0", "1001:1", "1:10001", "on", "-1:2", "a:b", "1:1:1",
        ] {
            assert!(text.parse::<Flood>().is_err(), "{text}");
        }
        for text in ["10:100", "1:1", "off"] {
            assert_eq!(text.parse::<Connects>().unwrap().to_string(), text);
        }
        for text in ["", "10", "0:1", "1:0", "1:1:1", "on"] {
            assert!(text.parse::<Connects>().is_err(), "{text}");
        }
    }
}
