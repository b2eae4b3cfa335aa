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
/// time limit, so this ends.
pub(super) async fn rows(checks: &[Check], prober: &dyn Prober, terms: &Terms<'_>) -> Vec<Row> {
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
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use serde_json::{Map, json};
    use watchkeeper_core::id::CheckId;
    use watchkeeper_core::money::Usage;
    use watchkeeper_core::time::UnixMillis;

    use super::*;

    /// Finds `limited` limited and all else healthy, and notes who was asked and how many at the same time. Names that
    /// begin with `twin` are one target; what is `priced` costs 400 microdollars.
    #[derive(Default)]
    struct Fake {
        running: AtomicUsize,
        most: AtomicUsize,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Prober for Fake {
        fn plan(&self, check: &Check, _: Effort) -> Result<Plan, String> {
            Ok(Plan {
                identity: check.name.starts_with("twin").then_some(Identity([7; 16])),
                provider: "http".to_owned(),
                mode: String::new(),
                method: "GET".to_owned(),
                url: "https://host/".to_owned(),
                auth: "none".to_owned(),
                billed: false,
                ..Plan::default()
            })
        }

        async fn probe(&self, check: &Check, _: Effort) -> Verdict {
            self.asked.lock().unwrap().push(check.name.clone());
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(running, Ordering::SeqCst);
            // Those asked first answer last.
            let turns = if check.name == "first" { 50 } else { 3 };
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            self.running.fetch_sub(1, Ordering::SeqCst);
            let took = Duration::from_millis(12);
            if check.name == "limited" {
                let error = Some("Rate limit reached".to_owned());
                Verdict::new(Outcome::RateLimited, Some(429), error, took, UnixMillis(0))
            } else {
                let mut verdict = Verdict::new(Outcome::Healthy, None, None, took, UnixMillis(0));
                if check.name.contains("priced") {
                    verdict.cost = Usd::from_dollars(0.0004);
                    verdict.usage = Some(Usage {
                        input: 9,
                        output: 1,
                    });
                    verdict.model = Some("gpt-x-2026".to_owned());
                }
                verdict
            }
        }
    }

    static NO_LANES: BTreeMap<String, usize> = BTreeMap::new();

    fn at_once(concurrency: usize) -> Terms<'static> {
        Terms {
            concurrency,
            lanes: &NO_LANES,
            passes: Passes::HEALTHY,
        }
    }

    fn check(name: &str) -> Check {
        Check {
            id: CheckId::new(format!("id-{name}")).unwrap(),
            name: name.to_owned(),
            target: check::Target::Http {
                url: watchkeeper_core::secret::Secret::new("https://me:hunter22@host/"),
            },
            timeout: Duration::from_secs(1),
            shown: Map::new(),
            background: true,
            full_every: None,
        }
    }

    #[tokio::test]
    async fn no_more_are_asked_at_once_than_allowed_and_the_order_is_the_configured_one() {
        let names = ["first", "a", "b", "c", "d", "e"];
        let checks = names.map(check);
        let fake = Fake::default();
        let rows = rows(&checks, &fake, &at_once(2)).await;
        assert_eq!(fake.most.load(Ordering::SeqCst), 2);
        let found: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(found, names);
    }

    #[tokio::test]
    async fn one_that_is_not_healthy_is_enough_to_complain() {
        let fake = Fake::default();
        assert!(all_healthy(&rows(&[check("a")], &fake, &at_once(4)).await));
        assert!(!all_healthy(
            &rows(&[check("a"), check("limited")], &fake, &at_once(4)).await
        ));
    }

    #[tokio::test]
    async fn what_counts_as_healthy_is_not_complained_of() {
        let terms = Terms {
            passes: Passes::HEALTHY.with(Outcome::RateLimited),
            ..at_once(1)
        };
        let rows = rows(&[check("limited")], &Fake::default(), &terms).await;
        assert!(all_healthy(&rows));
    }

    #[tokio::test]
    async fn the_json_has_the_fields_of_the_contract() {
        let rows = rows(&[check("limited")], &Fake::default(), &at_once(1)).await;
        assert_eq!(
            serde_json::to_value(&rows).unwrap(),
            json!([{
                "check_id": "id-limited", "name": "limited", "model": null, "provider": "http", "mode": null,
                "healthy": false, "outcome": "rate_limited", "status": 429, "error": "Rate limit reached",
                "latency_ms": 12, "tier": "inference", "usage": null, "cost_usd": null, "reported_model": null,
            }])
        );
    }

    #[tokio::test]
    async fn a_provider_keeps_to_its_lane_and_holds_up_nobody_else() {
        let checks = ["a", "b", "c"].map(check);
        let fake = Fake::default();
        let lanes = BTreeMap::from([("http".to_owned(), 1)]);
        let terms = Terms {
            lanes: &lanes,
            ..at_once(3)
        };
        rows(&checks, &fake, &terms).await;
        assert_eq!(fake.most.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_is_the_same_is_asked_once_and_paid_once() {
        let checks = ["twin-priced-1", "a", "twin-priced-2"].map(check);
        let fake = Fake::default();
        let rows = rows(&checks, &fake, &at_once(1)).await;
        assert_eq!(*fake.asked.lock().unwrap(), ["twin-priced-1", "a"]);
        let rows = serde_json::to_value(&rows).unwrap();
        assert_eq!(rows[0]["cost_usd"], 0.0004);
        assert_eq!(rows[1]["cost_usd"], json!(null));
        assert_eq!(rows[2]["cost_usd"], 0.0);
        assert_eq!(rows[2]["name"], "twin-priced-2");
        assert_eq!(rows[2]["usage"], json!({"input": 9, "output": 1}));
        assert_eq!(rows[2]["reported_model"], "gpt-x-2026");
    }

    #[tokio::test]
    async fn the_table_has_a_column_and_a_sum_where_a_price_is_known() {
        let checks = ["priced", "limited", "priced-2"].map(check);
        let rows = rows(&checks, &Fake::default(), &at_once(1)).await;
        let screen = Screen {
            width: None,
            height: None,
            colours: false,
            terminal: false,
        };
        assert_eq!(
            table(&rows, &screen),
            "NAME      TARGET         PROVIDER  OUTCOME       LATENCY     COST  ERROR\n\
             priced    https://host/  http      healthy         12 ms  $0.0004\n\
             limited   https://host/  http      rate_limited    12 ms        -  Rate limit reached\n\
             priced-2  https://host/  http      healthy         12 ms  $0.0004\n\
             \n\
             2 of 3 checks healthy, spent $0.0008\n"
        );
    }

    #[tokio::test]
    async fn the_table_names_the_target_without_its_credentials() {
        let rows = rows(
            &[check("a"), check("limited")],
            &Fake::default(),
            &at_once(1),
        )
        .await;
        let screen = Screen {
            width: Some(70),
            height: None,
            colours: false,
            terminal: false,
        };
        assert_eq!(
            table(&rows, &screen),
            "NAME     TARGET         PROVIDER  OUTCOME       LATENCY  ERROR
\
             a        https://host/  http      healthy         12 ms
\
             limited  https://host/  http      rate_limited    12 ms  Rate limit r…

\
             1 of 2 checks healthy
"
        );
    }
}
