//! The report's bytes: JSON with a version, grown only by addition. A breaking change takes a new key in the store.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Aged, Entry, History, LastFull, Report, Standing, Transitions};
use crate::id::{CheckId, PodId};
use crate::lease::Token;
use crate::money::{Ledger, Usd};
use crate::time::UnixMillis;
use crate::verdict::Verdict;

/// The version this code writes, and the only one it reads.
const VERSION: u32 = 1;

/// The largest report that any backend takes: 5,000 checks with full histories. Larger ones are refused before they are
/// sent, and not read.
pub const MAX_REPORT_BYTES: usize = 8 * 1024 * 1024;

/// Why stored bytes are no report. Says nothing of their content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableReport {
    /// Larger than any report of ours.
    #[error("{0} bytes, more than a report may have")]
    TooLarge(usize),
    /// Written by another version.
    #[error("report version {0}, this pod reads version {VERSION}: run one version in a fleet")]
    Version(u32),
    /// Not what this code writes.
    #[error("no report of ours (line {line}, column {column})")]
    Malformed {
        /// Line of the first mistake.
        line: usize,
        /// Column of the first mistake.
        column: usize,
    },
}

#[derive(Serialize)]
struct ReportOut<'a> {
    v: u32,
    by: &'a PodId,
    at: UnixMillis,
    took: u64,
    probes: u32,
    entries: Vec<EntryOut<'a>>,
    #[serde(skip_serializing_if = "Ledger::is_empty")]
    spent: &'a Ledger,
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<&'a Transitions>,
}

#[derive(Serialize)]
struct EntryOut<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    age: u64,
}

#[derive(Deserialize)]
struct VersionIn {
    v: u32,
}

#[derive(Deserialize)]
struct ReportIn {
    v: u32,
    by: PodId,
    at: UnixMillis,
    took: u64,
    #[serde(default)]
    probes: u32,
    entries: Vec<EntryIn>,
    #[serde(default)]
    spent: Ledger,
    #[serde(default)]
    turns: Option<Transitions>,
}

/// The fields of [`EntryOut`], written out: a flattened entry would be read into a tree of values first.
#[derive(Deserialize)]
struct EntryIn {
    id: CheckId,
    by: PodId,
    #[serde(default)]
    tok: Option<Token>,
    at: UnixMillis,
    v: Verdict,
    st: Standing,
    p: History,
    #[serde(default)]
    lf: Option<LastFull>,
    #[serde(default)]
    c: Usd,
    age: u64,
}

impl From<EntryIn> for Aged {
    fn from(read: EntryIn) -> Self {
        Self {
            entry: Entry {
                check: read.id,
                checked_by: read.by,
                token: read.tok,
                started: read.at,
                verdict: read.v,
                standing: read.st,
                history: read.p,
                full: read.lf,
                spent: read.c,
            },
            age: Duration::from_millis(read.age),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Report {
    /// The report's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let out = ReportOut {
            v: VERSION,
            by: &self.pod,
            at: self.started,
            took: millis(self.took),
            probes: self.probes,
            entries: self
                .entries
                .iter()
                .map(|a| EntryOut {
                    entry: &a.entry,
                    age: millis(a.age),
                })
                .collect(),
            spent: &self.ledger,
            turns: self.transitions.as_ref(),
        };
        // Plain structs of text and numbers: nothing in them can fail to serialise.
        serde_json::to_vec(&out).unwrap_or_default()
    }

    /// Reads a report's bytes.
    ///
    /// # Errors
    /// Says what is wrong with them, never what they say.
    pub fn decode(bytes: &[u8]) -> Result<Self, UnreadableReport> {
        if bytes.len() > MAX_REPORT_BYTES {
            return Err(UnreadableReport::TooLarge(bytes.len()));
        }
        let malformed = |e: serde_json::Error| UnreadableReport::Malformed {
            line: e.line(),
            column: e.column(),
        };
        let report: ReportIn = match serde_json::from_slice(bytes) {
            Ok(report) => report,
            // Another version may lack any field but its number.
            Err(error) => {
                let version: VersionIn = serde_json::from_slice(bytes).map_err(malformed)?;
                return Err(match version.v {
                    VERSION => malformed(error),
                    other => UnreadableReport::Version(other),
                });
            }
        };
        if report.v != VERSION {
            return Err(UnreadableReport::Version(report.v));
        }
        Ok(Self {
            pod: report.by,
            started: report.at,
            took: Duration::from_millis(report.took),
            probes: report.probes,
            entries: report.entries.into_iter().map(Aged::from).collect(),
            // An empty page is not written, whatever its day.
            ledger: Some(report.spent)
                .filter(|ledger| !ledger.is_empty())
                .unwrap_or_default(),
            transitions: report.turns,
        })
    }
}
