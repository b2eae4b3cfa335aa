//! All rows of a run, and the file that machines read.

use std::path::Path;

use serde::Serialize;

use crate::row::{Row, Target};
use crate::{Ctx, Error};
use watchkeeper_integration_tests::measure::machine::Machine;

/// Raised when a reader of the file would misread a new one.
const FORMAT: u32 = 1;

/// What a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    format: u32,
    /// When the run began, UTC.
    date: String,
    machine: Machine,
    repeat: usize,
    quick: bool,
    rows: Vec<Judged>,
    failures: Vec<Failed>,
}

/// A row with its verdict.
#[derive(Debug, Serialize)]
pub(crate) struct Judged {
    measure: &'static str,
    #[serde(flatten)]
    pub(crate) row: Row,
    /// The median of the ratios where there is a peer, of our values otherwise.
    measured: f64,
    /// None where nothing was promised.
    pub(crate) holds: Option<bool>,
}

/// A measure that could not be taken.
#[derive(Debug, Serialize)]
pub(crate) struct Failed {
    pub(crate) measure: &'static str,
    pub(crate) error: String,
}

impl Outcome {
    /// Notes when and where.
    pub(crate) fn begin(ctx: &Ctx) -> Result<Self, Error> {
        let now = jiff::Timestamp::try_from(std::time::SystemTime::now())?;
        Ok(Self {
            format: FORMAT,
            date: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            machine: Machine::look(),
            repeat: ctx.repeat,
            quick: ctx.quick,
            rows: Vec::new(),
            failures: Vec::new(),
        })
    }

    /// Takes in what a measure found, or why it found nothing.
    pub(crate) fn add(&mut self, measure: &'static str, taken: Result<Vec<Row>, Error>) {
        match taken {
            Ok(rows) => self.rows.extend(rows.into_iter().map(|row| Judged {
                measure,
                measured: row.measured(),
                holds: row.holds(),
                row,
            })),
            Err(error) => self.failures.push(Failed {
                measure,
                error: error.to_string(),
            }),
        }
    }

    /// Whether every promise holds and everything was measured.
    pub(crate) fn holds(&self) -> bool {
        self.failures.is_empty() && self.rows.iter().all(|row| row.holds != Some(false))
    }

    /// All rows.
    pub(crate) fn rows(&self) -> &[Judged] {
        &self.rows
    }

    /// What could not be measured.
    pub(crate) fn failures(&self) -> &[Failed] {
        &self.failures
    }

    /// When, where and how, for people.
    pub(crate) fn head(&self) -> String {
        let quick = if self.quick {
            " (quick: the verdicts mean nothing)"
        } else {
            ""
        };
        format!(
            "{}, median of {}{quick}\n{}",
            self.date,
            self.repeat,
            self.machine.line()
        )
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(path, text)
            .map_err(|error| format!("`{}` cannot be written: {error}", path.display()).into())
    }
}

impl Target {
    /// For the table.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::AtMost(limit) => format!("<= {limit}"),
            Self::AtLeast(limit) => format!(">= {limit}"),
            Self::Exactly(value) => format!("= {value}"),
            Self::Shown => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome::begin(&Ctx {
            repeat: 1,
            quick: true,
        })
        .unwrap()
    }

    fn row(target: Target) -> Row {
        Row {
            what: "x".to_owned(),
            unit: "ms",
            ours: vec![2.0],
            peer: Vec::new(),
            peer_name: None,
            target,
        }
    }

    #[test]
    fn a_measure_that_could_not_be_taken_does_not_hold() {
        let mut outcome = outcome();
        outcome.add("a", Ok(vec![row(Target::AtMost(2.0)), row(Target::Shown)]));
        assert!(outcome.holds());
        outcome.add("b", Err("no server".into()));
        assert!(!outcome.holds());
    }

    #[test]
    fn one_row_that_falls_short_is_enough() {
        let mut outcome = outcome();
        outcome.add(
            "a",
            Ok(vec![row(Target::AtMost(2.0)), row(Target::AtMost(1.0))]),
        );
        assert!(!outcome.holds());
    }

    #[test]
    fn the_file_holds_every_repetition_with_its_verdict() {
        let mut outcome = outcome();
        outcome.add("a", Ok(vec![row(Target::AtMost(2.0))]));
        let file = serde_json::to_value(&outcome).unwrap();
        assert_eq!(file["rows"][0]["ours"], serde_json::json!([2.0]));
        assert_eq!(file["rows"][0]["holds"], serde_json::json!(true));
        assert_eq!(file["rows"][0]["measure"], serde_json::json!("a"));
    }
}
