//! When something was said, as lines show it: UTC.

use std::fmt::{Arguments, Display};
use std::io::Write;

use jiff::Timestamp;

use crate::chat::Millis;

/// Which messages have the time before them at which they were said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// Those of a history.
    Old,
    /// Others, too.
    All,
    /// None.
    Never,
}

/// `14:03`, of a time in milliseconds since 1970, UTC.
pub(super) fn clock(utc: Millis) -> impl Display {
    timestamp(utc).strftime("%H:%M")
}

/// `2026-11-30 14:03`.
pub(super) fn date_and_clock(utc: Millis) -> impl Display {
    timestamp(utc).strftime("%Y-%m-%d %H:%M")
}

/// What is later than there are years for is the last that there is.
fn timestamp(utc: Millis) -> Timestamp {
    let millis = i64::try_from(utc).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// `[2026-11-28T14:03:07.123Z] `, for those who want it.
pub(super) fn live_time(utc: Millis, times: Times, to: &mut Vec<u8>) {
    if times == Times::All {
        prefix(format_args!("[{:.3}] ", timestamp(utc)), to);
    }
}

/// `[14:03] `, and with the date if that is more than a day ago.
pub(super) fn old_time(utc: Millis, now: Millis, times: Times, to: &mut Vec<u8>) {
    const DAY: Millis = 24 * 60 * 60 * 1000;
    match times {
        Times::Never => {}
        Times::Old | Times::All if now.saturating_sub(utc) > DAY => {
            prefix(format_args!("[{}] ", date_and_clock(utc)), to);
        }
        Times::Old | Times::All => prefix(format_args!("[{}] ", clock(utc)), to),
    }
}

fn prefix(text: Arguments<'_>, to: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = to.write_fmt(text);
}
