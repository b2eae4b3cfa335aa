//! Durations: `"5m"`, `"1h30m"`, `"500ms"`, or plain seconds.

use std::time::Duration;

/// Longest duration that is understood; beyond it a unit was mixed up.
const MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Reads a duration as it is written in a configuration: `5m`, `1h30m`, `500ms`; a number without a unit is seconds. At
/// most ten years. The error says what is wrong with the text.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let bad = || {
        format!(
            "`{text}` is no duration: write it like `5m`, `1h30m`, `500ms`, or as plain seconds"
        )
    };
    let value = if text.starts_with(['-', '+']) {
        return Err(bad());
    } else if let Ok(seconds) = text.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).map_err(|_| bad())?
    } else {
        humantime::parse_duration(text).map_err(|_| bad())?
    };
    if value > MAX {
        return Err(format!("`{text}` is longer than ten years"));
    }
    Ok(value)
}

/// The shortest spelling that reads back as the same duration.
pub(crate) fn show(duration: Duration) -> String {
    humantime::format_duration(duration)
        .to_string()
        .replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_and_without_unit() {
        for (text, millis) in [
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("500ms", 500),
            ("60", 60_000),
            ("0.25", 250),
            (" 5s ", 5_000),
            ("0", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "m",
            "5x",
            "-1",
            "-5m",
            "nan",
            "inf",
            "1e300",
            "9999999999y",
            "5 m s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for text in ["5m", "1h30m", "500ms", "1day", "1ns", "0s"] {
            assert_eq!(duration(&show(duration(text).unwrap())), duration(text));
        }
        assert_eq!(show(Duration::from_secs(300)), "5m");
    }
}
