//! `check`: every check asked once, at most so many at a time.

use futures_util::StreamExt;
use serde::Serialize;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::verdict::Outcome;

use crate::out::Screen;
use crate::table::{Cell, Column, Table, Tint, count, latency};

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
    /// What stands in the model's place for people.
    #[serde(skip)]
    target: String,
}

/// Asks every check once, `concurrency` at a time; the rows stand in the order of the checks. A prober keeps each
/// check's time limit, so this ends.
pub(super) async fn rows(checks: &[Check], prober: &dyn Prober, concurrency: usize) -> Vec<Row> {
    let probes = checks.iter().enumerate().map(|(at, check)| async move {
        let row = row(check, prober).await;
        (at, row)
    });
    // In any order: a slow check must not keep places that have become free.
    let mut found: Vec<(usize, Row)> = futures_util::stream::iter(probes)
        .buffer_unordered(concurrency.max(1))
        .collect()
        .await;
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, row)| row).collect()
}

async fn row(check: &Check, prober: &dyn Prober) -> Row {
    let plan = prober.plan(check, Effort::Full).ok();
    let verdict = prober.probe(check, Effort::Full).await;
    let model = check.model().map(str::to_owned);
    let url = plan.as_ref().map(|plan| plan.url.clone());
    let target = match (&check.target, &model, url) {
        (Target::Http { .. } | Target::Tcp { .. }, _, Some(url)) => url,
        (_, Some(model), _) => model.clone(),
        _ => "-".to_owned(),
    };
    Row {
        check_id: check.id.as_str().to_owned(),
        name: check.name.clone(),
        provider: plan
            .as_ref()
            .map_or_else(|| check.provider().to_owned(), |plan| plan.provider.clone()),
        mode: plan.map(|plan| plan.mode).filter(|mode| !mode.is_empty()),
        model,
        healthy: verdict.outcome.is_healthy(),
        outcome: verdict.outcome,
        status: verdict.status,
        error: verdict.error,
        latency_ms: u64::try_from(verdict.latency.as_millis()).unwrap_or(u64::MAX),
        target,
    }
}

/// Whether nothing is to be complained of.
pub(super) fn all_healthy(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.healthy)
}

/// For people.
pub(super) fn table(rows: &[Row], screen: &Screen) -> String {
    let mut table = Table::new([
        Column::soft("NAME", 16),
        Column::soft("TARGET", 16),
        Column::text("PROVIDER"),
        Column::text("OUTCOME"),
        Column::number("LATENCY"),
        Column::soft("ERROR", 16),
    ]);
    for row in rows {
        let tint = if row.healthy { Tint::Good } else { Tint::Bad };
        table.row([
            row.name.as_str().into(),
            row.target.as_str().into(),
            row.provider.as_str().into(),
            Cell::tinted(row.outcome.as_str(), tint),
            match row.outcome {
                // Nothing was sent.
                Outcome::ConfigError => "-".into(),
                _ => latency(row.latency_ms).into(),
            },
            row.error.as_deref().unwrap_or_default().into(),
        ]);
    }
    let healthy = rows.iter().filter(|row| row.healthy).count();
    format!(
        "{}\n{healthy} of {} healthy\n",
        table.render(screen),
        count(rows.len(), "check", "checks")
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use serde_json::{Map, json};
    use watchkeeper_core::id::CheckId;
    use watchkeeper_core::probe::Plan;
    use watchkeeper_core::time::UnixMillis;
    use watchkeeper_core::verdict::Verdict;

    use super::*;

    /// Finds `limited` limited and all else healthy, and notes how many were asked at the same time.
    #[derive(Default)]
    struct Fake {
        running: AtomicUsize,
        most: AtomicUsize,
    }

    #[async_trait]
    impl Prober for Fake {
        fn plan(&self, _: &Check, _: Effort) -> Result<Plan, String> {
            Ok(Plan {
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
                Verdict::new(Outcome::Healthy, None, None, took, UnixMillis(0))
            }
        }
    }

    fn check(name: &str) -> Check {
        Check {
            id: CheckId::new(format!("id-{name}")).unwrap(),
            name: name.to_owned(),
            target: Target::Http {
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
        let rows = rows(&checks, &fake, 2).await;
        assert_eq!(fake.most.load(Ordering::SeqCst), 2);
        let found: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(found, names);
    }

    #[tokio::test]
    async fn one_that_is_not_healthy_is_enough_to_complain() {
        let fake = Fake::default();
        assert!(all_healthy(&rows(&[check("a")], &fake, 4).await));
        assert!(!all_healthy(
            &rows(&[check("a"), check("limited")], &fake, 4).await
        ));
    }

    #[tokio::test]
    async fn the_json_has_the_fields_of_the_contract() {
        let rows = rows(&[check("limited")], &Fake::default(), 1).await;
        assert_eq!(
            serde_json::to_value(&rows).unwrap(),
            json!([{
                "check_id": "id-limited", "name": "limited", "model": null, "provider": "http", "mode": null,
                "healthy": false, "outcome": "rate_limited", "status": 429, "error": "Rate limit reached",
                "latency_ms": 12,
            }])
        );
    }

    #[tokio::test]
    async fn the_table_names_the_target_without_its_credentials() {
        let rows = rows(&[check("a"), check("limited")], &Fake::default(), 1).await;
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
