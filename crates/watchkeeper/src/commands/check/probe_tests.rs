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

async fn rows(checks: &[Check], prober: &dyn Prober, terms: &Terms<'_>) -> Vec<Row> {
    super::rows(checks, prober, terms, &Progress::of(checks.len())).await
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

#[tokio::test]
async fn progress_counts_twins_as_often_as_they_stand_in_the_list() {
    let checks = ["twin-a", "limited", "twin-b", "other"].map(check);
    let progress = Progress::of(checks.len());
    super::rows(&checks, &Fake::default(), &at_once(2), &progress).await;
    assert_eq!(
        progress.text(Duration::ZERO),
        "4 of 4 asked, 1 failing, 0.0 s"
    );
}
