//! Times and spans as answers show them.

use std::time::Duration;

use jiff::Timestamp;
use watchkeeper_core::time::{Moment, UnixMillis};

/// The time for people; none where no calendar has it.
pub(crate) fn timestamp(at: UnixMillis) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.0).ok()
}

/// The time as Python's `datetime.isoformat()` writes it in UTC, which is what LiteLLM's readers get: microseconds only
/// where there is a fraction, and `+00:00`.
pub(crate) fn isoformat(at: UnixMillis) -> Option<String> {
    let fraction = at.0.rem_euclid(1000);
    let text = timestamp(at)?.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    Some(if fraction == 0 {
        format!("{text}+00:00")
    } else {
        format!("{text}.{fraction:03}000+00:00")
    })
}

/// A span in seconds, to the millisecond.
pub(crate) fn seconds(span: Duration) -> f64 {
    let millis =
        u32::try_from(span.as_millis()).map_or_else(|_| span.as_secs_f64() * 1e3, f64::from);
    millis.round() / 1e3
}

/// From `now` until `then`, in seconds; zero once it is past.
pub(crate) fn until(now: Moment, then: Moment) -> f64 {
    seconds(then.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_python_writes_them() {
        let table = [
            (0, "1970-01-01T00:00:00+00:00"),
            (1_795_358_411_000, "2026-11-22T14:40:11+00:00"),
            (1_795_358_411_041, "2026-11-22T14:40:11.041000+00:00"),
            (-1, "1969-12-31T23:59:59.999000+00:00"),
        ];
        for (at, text) in table {
            assert_eq!(isoformat(UnixMillis(at)).as_deref(), Some(text));
        }
        assert_eq!(isoformat(UnixMillis(i64::MAX)), None);
    }

    #[test]
    fn spans_are_shown_to_the_millisecond() {
        assert_eq!(
            seconds(Duration::from_micros(1_234_567)).to_string(),
            "1.234"
        );
        assert_eq!(
            seconds(Duration::from_secs(1 << 33)).to_string(),
            "8589934592"
        );
        assert_eq!(until(Moment::from_micros(5), Moment::ZERO).to_string(), "0");
    }
}
