//! One row of the table: what was measured beside its limit or peer, and whether it holds.

use serde::Serialize;

/// What a row must reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// The measured value is at most this.
    AtMost(f64),
    /// The measured value is at least this.
    AtLeast(f64),
    /// Exactly this.
    Exactly(f64),
    /// Shown for comparison; no promise.
    Shown,
}

/// One row. With a peer, the verdict is about the median of the ratios ours / peer of the same repetition; without one,
/// about the median of our values.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured, in words, with the store and the size of the fleet.
    pub(crate) what: String,
    /// The unit of `ours` and `peer`.
    pub(crate) unit: &'static str,
    /// Our values, one per repetition.
    pub(crate) ours: Vec<f64>,
    /// The peer's values of the same repetitions, taken in turn with ours; empty without a peer.
    pub(crate) peer: Vec<f64>,
    /// Who the peer is.
    pub(crate) peer_name: Option<&'static str>,
    /// What must be reached.
    pub(crate) target: Target,
}

/// The middle value; NaN of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (
        sorted.len() % 2,
        sorted.get(middle.wrapping_sub(1)),
        sorted.get(middle),
    ) {
        (1, _, Some(value)) => *value,
        (0, Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

impl Row {
    /// What the verdict is about: the median of the ratios, or of our values.
    pub(crate) fn measured(&self) -> f64 {
        if self.peer.is_empty() {
            return median(&self.ours);
        }
        let ratios: Vec<f64> = self
            .ours
            .iter()
            .zip(&self.peer)
            .map(|(a, b)| a / b)
            .collect();
        median(&ratios)
    }

    /// Whether the target is reached; `None` where there is none. What was not measured does not hold.
    pub(crate) fn holds(&self) -> Option<bool> {
        let measured = self.measured();
        match self.target {
            Target::AtMost(limit) => Some(measured <= limit),
            Target::AtLeast(limit) => Some(measured >= limit),
            Target::Exactly(value) => Some((measured - value).abs() < 1e-9),
            Target::Shown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: &[f64], peer: &[f64], target: Target) -> Row {
        Row {
            what: "x".to_owned(),
            unit: "ms",
            ours: ours.to_vec(),
            peer: peer.to_vec(),
            peer_name: None,
            target,
        }
    }

    #[test]
    fn the_verdict_is_about_the_median_of_the_ratios_of_each_repetition() {
        let row = row(&[1.0, 4.0, 9.0], &[1.0, 2.0, 3.0], Target::AtMost(2.0));
        assert!((row.measured() - 2.0).abs() < 1e-9);
        assert_eq!(row.holds(), Some(true));
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        assert_eq!(row(&[], &[], Target::AtMost(1.0)).holds(), Some(false));
        assert_eq!(row(&[], &[], Target::AtLeast(1.0)).holds(), Some(false));
        assert_eq!(row(&[1.0], &[], Target::Shown).holds(), None);
    }
}
