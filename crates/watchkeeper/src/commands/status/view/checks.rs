//! The table of checks.

use watchkeeper_api::v1::CheckView;

use crate::out::Screen;
use crate::table::{Cell, Column, Table, Tint, latency, span};

pub(super) fn table(checks: &[CheckView], screen: &Screen) -> String {
    let mut table = Table::new([
        Column::name("CHECK", 16),
        Column::text("HEALTH"),
        Column::text("OUTCOME").rank(4),
        Column::number("AGE").rank(5),
        // Old results are never shown without their label.
        Column::text("FRESHNESS"),
        Column::name("CHECKED BY", 16).rank(1),
        Column::number("LATENCY").rank(2),
        Column::soft("ERROR", 12).rank(3),
    ]);
    let dash = || Cell::tinted("-", Tint::Faint);
    for check in checks {
        let health = match check.healthy {
            Some(true) => Cell::tinted("healthy", Tint::Good),
            Some(false) => Cell::tinted("unhealthy", Tint::Bad),
            None if check.background => Cell::tinted("unknown", Tint::Doubtful),
            None => Cell::tinted("on demand", Tint::Faint),
        };
        let freshness = check.freshness.as_deref().map(|word| {
            let tint = match word {
                "fresh" => Tint::Plain,
                _ => Tint::Doubtful,
            };
            Cell::tinted(word, tint)
        });
        let outcome = check.outcome.map(|outcome| {
            let word = outcome.as_str();
            match (check.spared.as_deref(), &check.tier) {
                (Some("budget"), _) => {
                    Cell::tinted(format!("{word} (budget spent)"), Tint::Doubtful)
                }
                (Some(_), Some(tier)) => Cell::from(format!("{word} ({tier})")),
                _ => Cell::from(word),
            }
        });
        table.row([
            check.name.as_str().into(),
            health,
            outcome.unwrap_or_else(dash),
            check.age_seconds.map_or_else(dash, |age| span(age).into()),
            freshness.unwrap_or_else(dash),
            check.checked_by.as_deref().map_or_else(dash, Cell::from),
            check.latency_ms.map_or_else(dash, |ms| latency(ms).into()),
            check.error.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render(screen)
}
