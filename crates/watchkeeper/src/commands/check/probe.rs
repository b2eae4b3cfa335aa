//! `check`: every check asked once, at most so many at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::OptionFuture;
use serde::Serialize;
use tokio::sync::Semaphore;
use watchkeeper_api::v1::UsageView;
use watchkeeper_core::check::{self, Check};
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::{Effort, Identity, Plan, Prober};
use watchkeeper_core::report::Passes;
use watchkeeper_core::verdict::{Outcome, Verdict};

use super::progress::Progress;
use crate::out::Screen;
use crate::table::{Cell, Column, Table, Tint, count, dollars, latency};

/// What was found of one check, as printed for programs. What does not apply is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Row {
    check_id: String,
    name: String,
    model: Option<String>,
    provider: String,
    mode: Option<String>,
    healthy: bool,
    outcome: Outcome,
    status: Option<u16>,
    error: Option<String>,
    latency_ms: u64,
    tier: Option<&'static str>,
    usage: Option<UsageView>,
    cost_usd: Option<f64>,
    reported_model: Option<String>,
    #[serde(skip)]
    cost: Option<Usd>,
    /// What stands in the model's place for people.
    #[serde(skip)]
    target: String,
}

/// Within which bounds, and what counts as healthy.
pub(super) struct Terms<'a> {
    /// Most probes at once.
    pub(super) concurrency: usize,
    /// Most of a provider at once.
    pub(super) lanes: &'a BTreeMap<String, usize>,
    /// The outcomes that count as healthy.
    pub(super) passes: Passes,
}

/// What is asked once: a check, and those whose probe is the very same.
struct Target<'a> {
    first: &'a Check,
    plan: Option<Plan>,
    /// The places of all of them, the first one's first.
    places: Vec<usize>,
}

/// Asks every check once, `concurrency` at a time and no more of a provider than its lane has; those whose probes are the
/// same are asked by one, which bears the cost. The rows stand in the order of the checks. A prober keeps each check's
/// time limit, so this ends. `progress` hears of each answer.
pub(super) async fn rows(
    checks: &[Check],
    prober: &dyn Prober,
    terms: &Terms<'_>,
    progress: &Progress,
) -> Vec<Row> {
    let all = Semaphore::new(terms.concurrency.max(1));
    let lanes: BTreeMap<&str, Semaphore> = terms
        .lanes
        .iter()
        .map(|(name, most)| (name.as_str(), Semaphore::new((*most).max(1))))
        .collect();
    // First a place in the lane: who waits for one holds up nobody else.
    let probes = targets(checks, prober).into_iter().map(|target| async {
        let lane = lanes.get(target.first.provider());
        let _lane = OptionFuture::from(lane.map(Semaphore::acquire)).await;
        let _place = all.acquire().await;
        let verdict = prober.probe(target.first, Effort::Full).await;
        progress.add(target.places.len(), terms.passes.has(verdict.outcome));
        (target, verdict)
    });
    let mut found: Vec<(usize, Row)> = Vec::with_capacity(checks.len());
    for (target, mut verdict) in futures_util::future::join_all(probes).await {
        for at in target.places {
            let Some(check) = checks.get(at) else {
                continue;
            };
            let passed = terms.passes.has(verdict.outcome);
            found.push((at, row(check, target.plan.as_ref(), &verdict, passed)));
            verdict.cost = verdict.cost.map(|_| Usd::ZERO);
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, row)| row).collect()
}

fn targets<'a>(checks: &'a [Check], prober: &dyn Prober) -> Vec<Target<'a>> {
    let mut targets: Vec<Target<'_>> = Vec::new();
    let mut known: BTreeMap<(Identity, &str, Duration), usize> = BTreeMap::new();
    for (place, check) in checks.iter().enumerate() {
        let plan = prober.plan(check, Effort::Full).ok();
        let identity = plan.as_ref().and_then(|plan| plan.identity);
        let twin = identity.and_then(|identity| {
            let first = known.entry((identity, check.provider(), check.timeout));
            let at = *first.or_insert(targets.len());
            targets.get_mut(at)
        });
        match twin {
            Some(twin) => twin.places.push(place),
            None => targets.push(Target {
                first: check,
                plan,
                places: vec![place],
            }),
        }
    }
    targets
}

fn row(check: &Check, plan: Option<&Plan>, verdict: &Verdict, passed: bool) -> Row {
    let model = check.model().map(str::to_owned);
    let url = plan.map(|plan| plan.url.clone());
    let target = match (&check.target, &model, url) {
        (check::Target::Http { .. } | check::Target::Tcp { .. }, _, Some(url)) => url,
        (_, Some(model), _) => model.clone(),
        _ => "-".to_owned(),
    };
    let was_sent = verdict.outcome != Outcome::ConfigError;
    Row {
        check_id: check.id.as_str().to_owned(),
        name: check.name.clone(),
        provider: plan.map_or_else(|| check.provider().to_owned(), |plan| plan.provider.clone()),
        mode: plan
            .map(|plan| plan.mode.clone())
            .filter(|mode| !mode.is_empty()),
        model,
        healthy: passed,
        outcome: verdict.outcome,
        status: verdict.status,
        error: verdict.error.clone(),
        latency_ms: u64::try_from(verdict.latency.as_millis()).unwrap_or(u64::MAX),
        tier: was_sent.then(|| verdict.tier.as_str()),
        usage: verdict.usage.map(Into::into),
        cost_usd: verdict.cost.map(Usd::as_dollars),
        reported_model: verdict.model.clone(),
        cost: verdict.cost,
        target,
    }
}

/// Whether nothing is to be complained of.
pub(super) fn all_healthy(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.healthy)
}

/// For people.
pub(super) fn table(rows: &[Row], screen: &Screen) -> String {
    let costs: Vec<Usd> = rows.iter().filter_map(|row| row.cost).collect();
    let body = if costs.is_empty() {
        let mut table = Table::new([NAME, TARGET, PROVIDER, OUTCOME, LATENCY, ERROR]);
        for row in rows {
            let [name, target, provider, outcome, latency, _, error] = cells(row);
            table.row([name, target, provider, outcome, latency, error]);
        }
        table.render(screen)
    } else {
        let cost = Column::number("COST");
        let mut table = Table::new([NAME, TARGET, PROVIDER, OUTCOME, LATENCY, cost, ERROR]);
        for row in rows {
            table.row(cells(row));
        }
        table.render(screen)
    };
    let healthy = rows.iter().filter(|row| row.healthy).count();
    let spent = if costs.is_empty() {
        String::new()
    } else {
        format!(", spent {}", dollars(costs.into_iter().sum()))
    };
    format!(
        "{body}\n{healthy} of {} healthy{spent}\n",
        count(rows.len(), "check", "checks")
    )
}

const NAME: Column = Column::soft("NAME", 16);
const TARGET: Column = Column::soft("TARGET", 16);
const PROVIDER: Column = Column::text("PROVIDER");
const OUTCOME: Column = Column::text("OUTCOME");
const LATENCY: Column = Column::number("LATENCY");
const ERROR: Column = Column::soft("ERROR", 16);

fn cells(row: &Row) -> [Cell; 7] {
    let tint = if row.healthy { Tint::Good } else { Tint::Bad };
    [
        row.name.as_str().into(),
        row.target.as_str().into(),
        row.provider.as_str().into(),
        Cell::tinted(row.outcome.as_str(), tint),
        match row.outcome {
            // Nothing was sent.
            Outcome::ConfigError => "-".into(),
            _ => latency(row.latency_ms).into(),
        },
        row.cost
            .map_or_else(|| "-".into(), |cost| dollars(cost).into()),
        row.error.as_deref().unwrap_or_default().into(),
    ]
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
