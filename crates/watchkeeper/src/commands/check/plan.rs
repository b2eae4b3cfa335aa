//! `check --plan`: what would be asked.

use serde::Serialize;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::{Effort, Prober};

use crate::out::Screen;
use crate::table::{Cell, Column, Table, Tint};
use crate::wiring::cost::RoundCost;

/// One check's plan, as printed for programs. What does not apply is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Row {
    check_id: String,
    name: String,
    model: Option<String>,
    provider: String,
    mode: Option<String>,
    method: Option<String>,
    url: Option<String>,
    auth: Option<String>,
    billed: Option<bool>,
    config_error: Option<String>,
    tier: Option<&'static str>,
    most_cost_usd: Option<f64>,
}

/// The plans of all checks, in their order. Sends nothing.
pub(super) fn rows(checks: &[Check], prober: &dyn Prober) -> Vec<Row> {
    checks.iter().map(|check| row(check, prober)).collect()
}

fn row(check: &Check, prober: &dyn Prober) -> Row {
    let bare = Row {
        check_id: check.id.as_str().to_owned(),
        name: check.name.clone(),
        model: check.model().map(str::to_owned),
        provider: check.provider().to_owned(),
        mode: match &check.target {
            // Where nothing is known, LiteLLM chats.
            Target::Model(model) => Some(model.mode.clone().unwrap_or_else(|| "chat".to_owned())),
            _ => None,
        },
        method: None,
        url: None,
        auth: None,
        billed: None,
        config_error: None,
        tier: None,
        most_cost_usd: None,
    };
    match prober.plan(check, Effort::Full) {
        Ok(plan) => Row {
            provider: plan.provider,
            mode: set(plan.mode).or(bare.mode),
            // Nothing is sent where the answer is known.
            tier: (!plan.method.is_empty()).then(|| plan.tier.as_str()),
            most_cost_usd: plan.most_cost.map(Usd::as_dollars),
            method: set(plan.method),
            url: set(plan.url),
            auth: set(plan.auth),
            billed: Some(plan.billed),
            ..bare
        },
        Err(reason) => Row {
            config_error: Some(reason),
            ..bare
        },
    }
}

/// A plan's word, if it has one.
fn set(word: String) -> Option<String> {
    Some(word).filter(|word| !word.is_empty())
}

/// For people.
pub(super) fn table(rows: &[Row], cost: &RoundCost, screen: &Screen) -> String {
    let mut table = Table::new([
        Column::soft("NAME", 16),
        Column::soft("MODEL", 16),
        Column::text("PROVIDER"),
        Column::text("MODE"),
        Column::text("AUTH"),
        Column::text("BILLED"),
        Column::soft("REQUEST", 30),
    ]);
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for row in rows {
        let request = match (&row.config_error, &row.method, &row.url) {
            (Some(why), ..) => Cell::tinted(format!("none: {why}"), Tint::Bad),
            (None, Some(method), Some(url)) => format!("{method} {url}").into(),
            _ => "-".into(),
        };
        let billed = match row.billed {
            Some(true) => Cell::tinted("yes", Tint::Doubtful),
            Some(false) => "no".into(),
            None => "-".into(),
        };
        table.row([
            row.name.as_str().into(),
            or_dash(&row.model).into(),
            row.provider.as_str().into(),
            or_dash(&row.mode).into(),
            or_dash(&row.auth).into(),
            billed,
            request,
        ]);
    }
    let total = cost.total();
    let gap = if total.is_empty() { "" } else { "\n" };
    format!("{}{gap}{total}", table.render(screen))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use serde_json::{Map, json};
    use watchkeeper_core::check::{HealthParams, ModelTarget};
    use watchkeeper_core::id::CheckId;
    use watchkeeper_core::probe::{Plan, Tier};
    use watchkeeper_core::verdict::Verdict;

    use super::*;

    /// Plans everything but what is named `bad`.
    struct Planner;

    #[async_trait]
    impl Prober for Planner {
        fn plan(&self, check: &Check, _: Effort) -> Result<Plan, String> {
            if check.name == "bad" {
                return Err("provider `vapor` is not supported".to_owned());
            }
            if check.name == "mocked" {
                return Ok(Plan {
                    provider: "openai".to_owned(),
                    mode: String::new(),
                    method: String::new(),
                    url: String::new(),
                    auth: String::new(),
                    billed: false,
                    ..Plan::default()
                });
            }
            let tcp = matches!(check.target, Target::Tcp { .. });
            Ok(Plan {
                provider: if tcp { "tcp" } else { "openai" }.to_owned(),
                mode: if tcp { "" } else { "chat" }.to_owned(),
                method: if tcp { "CONNECT" } else { "POST" }.to_owned(),
                url: "host:6379".to_owned(),
                auth: "none".to_owned(),
                billed: !tcp,
                tier: if tcp {
                    Tier::Reachability
                } else {
                    Tier::Inference
                },
                most_cost: Some(Usd::ZERO),
                ..Plan::default()
            })
        }

        async fn probe(&self, _: &Check, _: Effort) -> Verdict {
            panic!("a plan sends nothing");
        }
    }

    fn check(name: &str, target: Target) -> Check {
        Check {
            id: CheckId::new(format!("id-{name}")).unwrap(),
            name: name.to_owned(),
            target,
            timeout: Duration::from_secs(1),
            shown: Map::new(),
            background: true,
            full_every: None,
        }
    }

    fn model(name: &str, mode: Option<&str>) -> Check {
        let model = ModelTarget {
            model: "openai/x".to_owned(),
            provider: Some("openai".to_owned()),
            mode: mode.map(str::to_owned),
            api_base: None,
            api_key: None,
            params: Map::new(),
            health: HealthParams::default(),
        };
        check(name, Target::Model(Box::new(model)))
    }

    #[test]
    fn what_is_known_of_a_check_stands_beside_its_config_error_and_where_nothing_is_sent() {
        let checks = [model("bad", Some("ocr")), model("mocked", None)];
        assert_eq!(
            serde_json::to_value(rows(&checks, &Planner)).unwrap(),
            json!([
                {"check_id": "id-bad", "name": "bad", "model": "openai/x", "provider": "openai", "mode": "ocr",
                 "method": null, "url": null, "auth": null, "billed": null,
                 "config_error": "provider `vapor` is not supported", "tier": null, "most_cost_usd": null},
                {"check_id": "id-mocked", "name": "mocked", "model": "openai/x", "provider": "openai", "mode": "chat",
                 "method": null, "url": null, "auth": null, "billed": false, "config_error": null,
                 "tier": null, "most_cost_usd": null},
            ])
        );
    }

    fn checks() -> Vec<Check> {
        let mut bad = check(
            "bad",
            Target::Invalid {
                reason: "any".to_owned(),
                provider: Some("vapor".to_owned()),
            },
        );
        bad.shown.insert("model".to_owned(), "vapor/ware".into());
        let cache = Target::Tcp {
            host: "host".to_owned(),
            port: 6379,
        };
        vec![check("cache", cache), bad]
    }

    #[test]
    fn the_json_has_exactly_the_fields_of_the_contract_and_null_where_nothing_applies() {
        let rows = serde_json::to_value(rows(&checks(), &Planner)).unwrap();
        assert_eq!(
            rows,
            json!([
                {"check_id": "id-cache", "name": "cache", "model": null, "provider": "tcp", "mode": null,
                 "method": "CONNECT", "url": "host:6379", "auth": "none", "billed": false, "config_error": null,
                 "tier": "reachability", "most_cost_usd": 0.0},
                {"check_id": "id-bad", "name": "bad", "model": "vapor/ware", "provider": "vapor", "mode": null,
                 "method": null, "url": null, "auth": null, "billed": null,
                 "config_error": "provider `vapor` is not supported", "tier": null, "most_cost_usd": null},
            ])
        );
        let keys: Vec<_> = rows[0].as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "check_id",
                "name",
                "model",
                "provider",
                "mode",
                "method",
                "url",
                "auth",
                "billed",
                "config_error",
                "tier",
                "most_cost_usd"
            ]
        );
    }

    #[test]
    fn the_table_says_what_is_sent_or_why_nothing_is() {
        let screen = Screen {
            width: None,
            height: None,
            colours: false,
            terminal: false,
        };
        assert_eq!(
            table(&rows(&checks(), &Planner), &RoundCost::default(), &screen),
            "NAME   MODEL       PROVIDER  MODE  AUTH  BILLED  REQUEST\n\
             cache  -           tcp       -     none  no      CONNECT host:6379\n\
             bad    vapor/ware  vapor     -     -     -       none: provider `vapor` is not supported\n"
        );
    }

    #[test]
    fn the_table_ends_with_what_it_costs() {
        let screen = Screen {
            width: None,
            height: None,
            colours: false,
            terminal: false,
        };
        let cost = RoundCost {
            round: Usd::from_picos(2_000_000_000),
            day: Usd::from_picos(576_000_000_000),
            priced: 1,
            billed: 1,
        };
        let text = table(&rows(&checks(), &Planner), &cost, &screen);
        assert!(
            text.ends_with("not supported\n\na round costs at most $0.002, a day $0.58\n"),
            "{text}"
        );
    }
}
