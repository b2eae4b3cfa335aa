//! What always holds, named once. The simulation, the conformance suite, the chaos runs, metrics and documents all speak
//! of these by the same names.

use std::fmt;

/// A promise of the whole, by the name under which it is written down. [`Invariant::says`] is its meaning.
///
/// R is the longest a round may take: ceil(checks / concurrency) × the longest check timeout, and the spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Tokens of a group only rise.
    Ls1,
    /// No two grants share a token.
    Ls2,
    /// No probe or publication starts after the holder's window closed.
    Ls3,
    /// A lower token never overwrites a higher.
    Sn1,
    /// Per entry, a reader never goes back.
    Sn2,
    /// Stale is labelled stale.
    Sn3,
    /// One probe per check and round for the whole fleet.
    Ec1,
    /// With the store down, at most one probe per check, pod and interval.
    Ec2,
    /// Once faults stop, a report comes.
    Lv1,
    /// Results are never older than the bound.
    Fb1,
}

impl Invariant {
    /// All of them, in the order of the documents.
    pub const ALL: [Self; 10] = [
        Self::Ls1,
        Self::Ls2,
        Self::Ls3,
        Self::Sn1,
        Self::Sn2,
        Self::Sn3,
        Self::Ec1,
        Self::Ec2,
        Self::Lv1,
        Self::Fb1,
    ];

    /// The name: `LS-1` to `FB-1`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ls1 => "LS-1",
            Self::Ls2 => "LS-2",
            Self::Ls3 => "LS-3",
            Self::Sn1 => "SN-1",
            Self::Sn2 => "SN-2",
            Self::Sn3 => "SN-3",
            Self::Ec1 => "EC-1",
            Self::Ec2 => "EC-2",
            Self::Lv1 => "LV-1",
            Self::Fb1 => "FB-1",
        }
    }

    /// What always holds, in one sentence.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Ls1 => "tokens of a group only rise",
            Self::Ls2 => "no two grants share a token",
            Self::Ls3 => "no probe or publication starts after the holder's window closed",
            Self::Sn1 => "a lower token never overwrites a higher",
            Self::Sn2 => "per entry, a reader never goes back",
            Self::Sn3 => "stale is labelled stale",
            Self::Ec1 => {
                "one probe per check and round for the whole fleet, rounds of a check at least 0.9 of the interval \
                 apart; while the store loses nothing, all pods reach it, and nobody is killed or paused"
            }
            Self::Ec2 => "with the store down, at most one probe per check, pod and interval",
            Self::Lv1 => {
                "once faults stop, a report comes within `lock_ttl` + `interval` + jitter + R + 5 s"
            }
            Self::Fb1 => {
                "a pod whose probes work shows results no older than `interval` + jitter + `lock_ttl` + 2R + 10 s, \
                 store or no store"
            }
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invariant_has_a_name_and_a_sentence_of_its_own() {
        let names: std::collections::BTreeSet<_> = Invariant::ALL
            .iter()
            .map(|i| (i.name(), i.says()))
            .collect();
        assert_eq!(names.len(), Invariant::ALL.len());
        assert_eq!(Invariant::Lv1.to_string(), "LV-1");
    }
}
