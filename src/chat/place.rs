//! Where in a log a page is to be, as somebody types it: `before 1234`, `after 2026-11-30 14:00`.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::answers::shortened;
use super::commands::Beside;
use super::{Millis, Refusal, Side};

/// Characters that are repeated of what is none.
const SHOWN: usize = 40;

/// Which side of what is meant; [`Side::END`] if that is not said. `utc` is what the time is, in
/// milliseconds since 1970.
///
/// A number alone is a message's. A time is UTC, as all times are that lines show: a day, a day and
/// a time of day, a time of day alone, which is the last such time, or a timestamp of RFC 3339.
pub(super) fn side(beside: Option<Beside<'_>>, utc: Millis) -> Result<Side, Refusal> {
    let Some(Beside::Before(typed) | Beside::After(typed)) = beside else {
        return Ok(Side::END);
    };
    let bad = || Refusal::BadPlace {
        typed: shortened(typed, SHOWN),
    };
    let is_before = matches!(beside, Some(Beside::Before(_)));
    if typed.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = typed.parse().map_err(|_| bad())?;
        return Ok(match is_before {
            true => Side::Before(number),
            false => Side::After(number),
        });
    }
    let time = time(typed, utc).ok_or_else(bad)?;
    Ok(match is_before {
        true => Side::Until(time),
        false => Side::Since(time),
    })
}

/// Milliseconds since 1970 of a time, as somebody types it; 0 if it was before.
fn time(typed: &str, utc: Millis) -> Option<Millis> {
    let now = Timestamp::from_millisecond(utc.try_into().ok()?).ok()?;
    let time = match typed.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) => {
            let now = now.to_zoned(TimeZone::UTC).datetime();
            let time = civil(typed, now)?;
            time.to_zoned(TimeZone::UTC).ok()?.timestamp()
        }
    };
    Some(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

fn civil(typed: &str, now: DateTime) -> Option<DateTime> {
    let mut words = typed.split_ascii_whitespace();
    let (first, second) = (words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    match (day(first, now.date()), second) {
        (Some(day), None) => Some(day.to_datetime(Time::midnight())),
        (Some(day), Some(second)) => Some(day.to_datetime(clock(second)?)),
        (None, None) => {
            let today = now.date().to_datetime(clock(first)?);
            match today > now {
                true => today.checked_sub(SignedDuration::from_hours(24)).ok(),
                false => Some(today),
            }
        }
        (None, Some(_)) => None,
    }
}

fn day(word: &str, today: Date) -> Option<Date> {
    if word.eq_ignore_ascii_case("today") {
        return Some(today);
    } else if word.eq_ignore_ascii_case("yesterday") {
        return today.yesterday().ok();
    }
    Date::strptime("%Y-%m-%d", word).ok()
}

fn clock(word: &str) -> Option<Time> {
    Time::strptime("%H:%M", word).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30 20:00, UTC.
    const NOW: Millis = 1_796_068_800_000;
    const HOUR: Millis = 60 * 60 * 1000;
    const MIDNIGHT: Millis = NOW - 20 * HOUR;

    #[test]
    fn a_number_alone_is_a_messages_and_the_rest_is_a_time() {
        for (typed, time) in [
            ("2026-11-30", MIDNIGHT),
            ("2026-11-30 14:00", MIDNIGHT + 14 * HOUR),
            ("2026-11-29  00:30", MIDNIGHT - 24 * HOUR + HOUR / 2),
            ("today", MIDNIGHT),
            ("Yesterday", MIDNIGHT - 24 * HOUR),
            ("yesterday 14:00", MIDNIGHT - 10 * HOUR),
            ("20:00", NOW),
            ("20:01", NOW - 24 * HOUR + HOUR / 60),
            ("2026-11-30T20:00:00.007Z", NOW + 7),
            ("2026-11-30T21:00:00+01:00", NOW),
            ("1969-07-20", 0),
        ] {
            let sides = [Beside::Before(typed), Beside::After(typed)].map(|it| side(Some(it), NOW));
            assert_eq!(
                sides,
                [Ok(Side::Until(time)), Ok(Side::Since(time))],
                "{typed}"
            );
        }
        assert_eq!(side(Some(Beside::Before("17")), NOW), Ok(Side::Before(17)));
        assert_eq!(side(Some(Beside::After("0")), NOW), Ok(Side::After(0)));
        assert_eq!(side(None, NOW), Ok(Side::END));
    }

    /// Catches: a typing error that is read as some other time, and a refusal as long as the line.
    #[test]
    fn what_is_neither_is_refused() {
        let long = "9".repeat(4000);
        for typed in [
            "noon",
            "25:00",
            "14:60",
            "2026-13-01",
            "2026-02-30",
            "2026-11-30 14:00 UTC",
            "14:00 today",
            "-5",
            "+5",
            "99999999999999999999",
            "99999-01-01",
            &long,
        ] {
            match side(Some(Beside::After(typed)), NOW) {
                Err(Refusal::BadPlace { typed: shown }) => {
                    assert!(
                        typed.starts_with(&*shown) && shown.len() <= SHOWN,
                        "{typed}"
                    );
                }
                other => panic!("{typed}: {other:?}"),
            }
        }
    }
}
