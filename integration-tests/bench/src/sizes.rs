//! How large things may become, and that a list beyond it is refused at the start.

use std::fmt::Write as _;
use std::time::Duration;

use watchkeeper_core::id::{CheckId, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::{
    Aged, Entry, HISTORY_LENGTH, MAX_REPORT_BYTES, MAX_TRANSITIONS_BYTES, Report, Thresholds,
};
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{Outcome, Verdict};
use watchkeeper_integration_tests::daemon::Setup;

use crate::row::{Row, Target};
use crate::{Ctx, Error};

/// Checks that fit into a report of the largest size at 1 KiB each, beside its transitions.
const MOST_CHECKS: usize = (MAX_REPORT_BYTES - MAX_TRANSITIONS_BYTES) / 1024;
/// What the daemon leaves with when its configuration is at fault.
const BAD_CONFIG: f64 = 2.0;
/// Reading thousands of checks takes a fraction of a second.
const LIMIT: Duration = Duration::from_secs(30);

/// The rows of this part.
pub(crate) async fn rows(_: &Ctx) -> Result<Vec<Row>, Error> {
    let row = |what: String, unit, value: f64, target| Row {
        what,
        unit,
        ours: vec![value],
        peer: Vec::new(),
        peer_name: None,
        target,
    };
    let healthy = entry_bytes(Outcome::Healthy, None)?;
    let words = "x".repeat(4096);
    let failing = entry_bytes(Outcome::Timeout, Some(&words))?;
    let refused = setup(MOST_CHECKS + 1)
        .env("WATCHKEEPER__HTTP__LISTEN", "127.0.0.1:0")
        .run(&["run"], LIMIT)
        .await;
    if !refused.stderr.contains("do not fit into one report") {
        return Err(format!("refused for another reason: {}", refused.stderr).into());
    }
    let started = setup(MOST_CHECKS).start().await;
    let status = started.get("/health/liveliness").await.status;
    Ok(vec![
        row(
            format!("an entry with {HISTORY_LENGTH} results of a five-minute check, healthy"),
            "bytes",
            healthy,
            Target::AtMost(1024.0),
        ),
        row(
            "the same, failing with the longest error kept".to_owned(),
            "bytes",
            failing,
            Target::AtMost(1024.0),
        ),
        row(
            format!("exit code of a start with {} checks", MOST_CHECKS + 1),
            "code",
            refused.code.map_or(f64::NAN, f64::from),
            Target::Exactly(BAD_CONFIG),
        ),
        row(
            format!("first answer of a start with {MOST_CHECKS} checks"),
            "status",
            f64::from(status.as_u16()),
            Target::Exactly(200.0),
        ),
    ])
}

/// What one more entry adds to a report: LiteLLM's id (64 digits), a pod named as Kubernetes does, latencies of seconds.
fn entry_bytes(outcome: Outcome, error: Option<&str>) -> Result<f64, Error> {
    let mut entry: Option<Entry> = None;
    for at in 0..HISTORY_LENGTH as i64 {
        let unix = UnixMillis(1_795_358_400_000 + at * 300_000);
        let latency = Duration::from_millis(2000 + (at as u64 * 37) % 3000);
        let verdict = Verdict::new(
            outcome,
            error.map(|_| 500),
            error.map(str::to_owned),
            latency,
            unix,
        );
        entry = Some(Entry::after(
            entry.as_ref(),
            CheckId::new("e".repeat(64))?,
            PodId::new("litellm-proxy-7d9c6b5f48-x2k9p-0123abcd")?,
            Some(Token(1_795_358_400_000_000)),
            unix,
            verdict,
            Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
                passes: watchkeeper_core::report::Passes::HEALTHY,
            },
        ));
    }
    let aged = Aged {
        entry: entry.ok_or("no entry")?,
        age: Duration::from_secs(300),
    };
    let report = |entries: Vec<Aged>| Report {
        pod: aged.entry.checked_by.clone(),
        started: aged.entry.started,
        took: Duration::from_secs(5),
        probes: 1,
        entries,
        ledger: watchkeeper_core::money::Ledger::default(),
        transitions: None,
    };
    let one = report(vec![aged.clone()]).encode().len();
    let two = report(vec![aged.clone(), aged.clone()]).encode().len();
    Ok((two - one) as f64)
}

fn setup(checks: usize) -> Setup {
    let mut text = String::from("[backend]\nkind = \"memory\"\n");
    for at in 0..checks {
        // Nothing listens there: the probes end at once.
        let _ = write!(
            text,
            "[[checks]]\nname = \"check-{at:05}\"\ntcp = \"127.0.0.1:1\"\n"
        );
    }
    Setup::new().toml(text)
}
