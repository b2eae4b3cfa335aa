//! Spans, amounts and counts as people read them.

use watchkeeper_core::money::Usd;

/// A span in the largest unit that says enough.
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0);
    if whole < 9.95 {
        format!("{whole:.1} s")
    } else if whole < 120.0 {
        format!("{whole:.0} s")
    } else if whole < 7_200.0 {
        format!("{:.0} min", whole / 60.0)
    } else if whole < 48.0 * 3_600.0 {
        format!("{:.0} h", whole / 3_600.0)
    } else {
        format!("{:.0} d", whole / 86_400.0)
    }
}

/// A probe's duration.
pub(crate) fn latency(millis: u64) -> String {
    if millis < 1_000 {
        format!("{millis} ms")
    } else {
        // Beyond 2^32 ms nothing is a latency any more.
        span(f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1e3)
    }
}

/// An amount of money: cents where it is some, else two digits that say something.
pub(crate) fn dollars(amount: Usd) -> String {
    let amount = amount.as_dollars();
    if amount == 0.0 {
        return "$0".to_owned();
    }
    if amount < 1e-8 {
        return "<$0.00000001".to_owned();
    }
    let mut decimals = 2;
    let mut least = 0.1;
    while amount < least && decimals < 9 {
        decimals += 1;
        least /= 10.0;
    }
    let mut text = format!("${amount:.decimals$}");
    while decimals > 2 && text.ends_with('0') {
        text.pop();
        decimals -= 1;
    }
    text
}

/// `1 check`, `2 checks`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_as_many_digits_as_say_something() {
        let picos = [
            0,
            1,
            20_000,
            1_960_000,
            400_000_000,
            412_345_678,
            50_000_000_000,
            420_000_000_000,
            1_234_567_000_000,
        ];
        let said = picos.map(|picos| dollars(Usd::from_picos(picos)));
        assert_eq!(
            said,
            [
                "$0",
                "<$0.00000001",
                "$0.00000002",
                "$0.000002",
                "$0.0004",
                "$0.00041",
                "$0.05",
                "$0.42",
                "$1.23"
            ]
        );
    }

    #[test]
    fn spans_are_said_in_the_unit_that_fits() {
        let said = [0.04, 9.9, 42.0, 150.0, 10_800.0, 400_000.0].map(span);
        assert_eq!(said, ["0.0 s", "9.9 s", "42 s", "2 min", "3 h", "5 d"]);
        assert_eq!(
            [999, 1_000, 61_000].map(latency),
            ["999 ms", "1.0 s", "61 s"]
        );
    }
}
