//! What probes cost, in the native answers. Amounts are US dollars.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::money::{Day, Ledger, Price, Usage, Usd};
use watchkeeper_core::probe::ProbeKind;
use watchkeeper_core::status::{Snapshot, Totals};
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::Spared;

use crate::times::timestamp;

/// What a pod counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TotalsView {
    /// Rounds led under a lease.
    pub led: u64,
    /// Reports adopted from other pods.
    pub followed: u64,
    /// Rounds made for itself.
    pub isolated: u64,
    /// Probes made.
    pub probes: u64,
    /// Probes saved: checks in each report adopted from another pod.
    pub saved: u64,
    /// What its probes cost, as far as prices are known.
    #[serde(default)]
    pub spent_usd: f64,
    /// What other pods paid for the results that it adopted.
    #[serde(default)]
    pub saved_usd: f64,
}

impl From<Totals> for TotalsView {
    fn from(totals: Totals) -> Self {
        Self {
            led: totals.led,
            followed: totals.followed,
            isolated: totals.isolated,
            probes: totals.probes,
            saved: totals.saved,
            spent_usd: totals.spent.as_dollars(),
            saved_usd: totals.saved_cost.as_dollars(),
        }
    }
}

/// Tokens that an answer says were used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// What was sent.
    pub input: u64,
    /// What came back, thinking included.
    pub output: u64,
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
        }
    }
}

/// What one call of a model costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceView {
    /// Per input token.
    pub input_per_token: f64,
    /// Per output token.
    pub output_per_token: f64,
    /// Per call, whatever it uses.
    pub per_call: f64,
}

impl From<Price> for PriceView {
    fn from(price: Price) -> Self {
        Self {
            input_per_token: price.input.as_dollars(),
            output_per_token: price.output.as_dollars(),
            per_call: price.call.as_dollars(),
        }
    }
}

/// The last full probe of a check.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LastFullView {
    /// How long ago its round began.
    pub age_seconds: f64,
    /// Whether it counted as a pass.
    pub passed: bool,
}

/// What the fleet spent on probes today, and may spend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    /// The day (UTC) that is meant.
    pub day: Option<Date>,
    /// The limit for the whole fleet (`budget.per_day`); null without one.
    pub per_day_usd: Option<f64>,
    /// What was spent on that day, as far as this pod knows.
    pub spent_usd: f64,
    /// Whether that limit makes checks fall back to their free probes.
    pub exhausted: bool,
    /// Every provider that cost something on that day or has a limit of its own, by name.
    pub providers: Vec<ProviderBudgetView>,
}

/// The same for one provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderBudgetView {
    /// Which.
    pub provider: String,
    /// Its own limit (`budget.providers`); null without one.
    pub per_day_usd: Option<f64>,
    /// What was spent on it that day.
    pub spent_usd: f64,
    /// Whether its own limit makes its checks fall back to their free probes.
    pub exhausted: bool,
}

/// How a check is asked, where there is a choice.
pub(super) fn kind(check: &Check) -> Option<ProbeKind> {
    match &check.target {
        Target::Model(model) => Some(model.health.kind),
        Target::Http { .. } | Target::Tcp { .. } | Target::Invalid { .. } => None,
    }
}

/// What a check's model costs, where that is known.
pub(super) fn price(check: &Check) -> Option<PriceView> {
    match &check.target {
        Target::Model(model) => model.health.price.map(PriceView::from),
        Target::Http { .. } | Target::Tcp { .. } | Target::Invalid { .. } => None,
    }
}

/// The day's money at `unix`.
pub(super) fn budget(snapshot: &Snapshot, unix: UnixMillis) -> BudgetView {
    let today = Day::of(unix);
    let mut spent = Ledger::of(today);
    for group in &snapshot.groups {
        for provider in group.ledger.spent.keys() {
            spent.add(today, provider, group.ledger.by(today, provider));
        }
    }
    let limits = &snapshot.settings.budget;
    let total = spent.total(today);
    let left = |limit: Option<Usd>, spent: Usd| limit.map(|limit| limit.less(spent));
    let left_to_all = left(limits.fleet, total);
    let mut rows: BTreeMap<&str, Option<Usd>> = limits
        .providers
        .iter()
        .map(|(name, limit)| (name.as_str(), Some(*limit)))
        .collect();
    for name in spent.spent.keys() {
        rows.entry(name).or_default();
    }
    // A check was spared by the limit that leaves less.
    let (mut spared_by_all, mut spared_by_own) = (false, Vec::new());
    for provider in spared(snapshot, today) {
        let own = rows.get(provider).copied().flatten();
        let left_to_it = left(own, spent.by(today, provider));
        match (left_to_it, left_to_all) {
            (Some(own), Some(all)) if own <= all => spared_by_own.push(provider),
            (Some(_), None) => spared_by_own.push(provider),
            (_, Some(_)) => spared_by_all = true,
            (None, None) => {}
        }
    }
    let is_used_up = |left: Option<Usd>| left.is_some_and(|left| left.is_zero());
    BudgetView {
        day: timestamp(unix).map(|at| at.to_zoned(TimeZone::UTC).date()),
        per_day_usd: limits.fleet.map(Usd::as_dollars),
        spent_usd: total.as_dollars(),
        exhausted: spared_by_all || is_used_up(left_to_all),
        providers: rows
            .into_iter()
            .map(|(provider, limit)| {
                let spent = spent.by(today, provider);
                ProviderBudgetView {
                    provider: provider.to_owned(),
                    per_day_usd: limit.map(Usd::as_dollars),
                    spent_usd: spent.as_dollars(),
                    exhausted: spared_by_own.contains(&provider) || is_used_up(left(limit, spent)),
                }
            })
            .collect(),
    }
}

/// The providers of checks whose latest probe was made today and was a cheap one for want of money.
fn spared(snapshot: &Snapshot, today: Day) -> impl Iterator<Item = &str> {
    snapshot.checks.iter().filter_map(move |check| {
        let verdict = &snapshot.known(&check.id)?.entry.verdict;
        let is_meant = verdict.spared == Some(Spared::Budget) && Day::of(verdict.at) == today;
        is_meant.then(|| check.provider())
    })
}
