//! The `Date` field, written once a second.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time as `Date` has it, kept as long as it is true.
#[derive(Default)]
pub(in crate::http) struct DateCache {
    text: [u8; 29],
    /// The loop's time, in milliseconds, from which on it is another second.
    until: u64,
}

impl DateCache {
    /// The value of `Date` at the loop's time `now`, in milliseconds.
    pub(in crate::http) fn get(&mut self, now: u64) -> [u8; 29] {
        if now >= self.until {
            let time = SystemTime::now();
            // A clock before 1970 has no second to wait for.
            let passed = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            self.until = now + 1000 - u64::from(passed.subsec_millis());
            let text = httpdate::fmt_http_date(UNIX_EPOCH + passed);
            self.text.copy_from_slice(text.as_bytes());
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_anew_when_its_second_is_over() {
        let mut date = DateCache::default();
        assert!(date.get(5).ends_with(b" GMT"));
        assert!((6..=1005).contains(&date.until));
        date.text = [b'k'; 29];
        assert_eq!(date.get(date.until - 1), [b'k'; 29]);
        assert_ne!(date.get(date.until), [b'k'; 29]);
    }
}
