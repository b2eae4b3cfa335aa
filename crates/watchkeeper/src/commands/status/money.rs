//! What probes cost, for people.

use std::fmt::Write;

use watchkeeper_api::v1::{BudgetView, ProviderBudgetView, TotalsView};
use watchkeeper_core::money::Usd;

use super::ask::Picture;
use super::view::line;
use crate::out::Screen;
use crate::table::{Tint, dollars};

/// The lines about money; none where no price is known.
pub(super) fn lines(picture: &Picture, screen: &Screen) -> String {
    let mut out = String::new();
    if let Some((text, tint)) = budget(&picture.status.budget) {
        let _ = writeln!(out, "{}", line(&text, tint, screen));
    }
    if let Some(text) = totals(&picture.fleet.totals) {
        let _ = writeln!(out, "{}", line(&text, Tint::Plain, screen));
    }
    out
}

/// An amount that came over HTTP.
fn shown(amount: f64) -> String {
    dollars(Usd::from_dollars(amount).unwrap_or_default())
}

fn of_limit(spent: f64, limit: Option<f64>) -> String {
    match limit {
        Some(limit) => format!("{} of {}", shown(spent), shown(limit)),
        None => shown(spent),
    }
}

fn budget(budget: &BudgetView) -> Option<(String, Tint)> {
    let limited: Vec<&ProviderBudgetView> = budget
        .providers
        .iter()
        .filter(|row| row.per_day_usd.is_some())
        .collect();
    if budget.spent_usd == 0.0 && budget.per_day_usd.is_none() && limited.is_empty() {
        return None;
    }
    let mut text = format!(
        "spent  {} today",
        of_limit(budget.spent_usd, budget.per_day_usd)
    );
    for row in &limited {
        let _ = write!(
            text,
            ", {} {}",
            row.provider,
            of_limit(row.spent_usd, row.per_day_usd)
        );
    }
    let all = budget.exhausted.then_some("all providers");
    let own = limited.iter().filter(|row| row.exhausted);
    let whose: Vec<&str> = all
        .into_iter()
        .chain(own.map(|row| row.provider.as_str()))
        .collect();
    if whose.is_empty() {
        return Some((text, Tint::Plain));
    }
    let _ = write!(
        text,
        "; the budget of {} is spent, free probes are made",
        whose.join(", ")
    );
    Some((text, Tint::Doubtful))
}

fn totals(totals: &TotalsView) -> Option<String> {
    (totals.spent_usd > 0.0 || totals.saved_usd > 0.0).then(|| {
        format!(
            "saved  {} by sharing results, while the pods below spent {}",
            shown(totals.saved_usd),
            shown(totals.spent_usd)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(provider: &str, spent: f64, limit: Option<f64>, exhausted: bool) -> ProviderBudgetView {
        ProviderBudgetView {
            provider: provider.to_owned(),
            per_day_usd: limit,
            spent_usd: spent,
            exhausted,
        }
    }

    #[test]
    fn people_read_what_was_spent_of_which_limit_and_what_follows() {
        let view = |spent, limit, exhausted, providers| BudgetView {
            day: None,
            per_day_usd: limit,
            spent_usd: spent,
            exhausted,
            providers,
        };
        for (given, text) in [
            (view(0.0, None, false, vec![]), None),
            (
                view(0.1, None, false, vec![row("openai", 0.1, None, false)]),
                Some("spent  $0.10 today"),
            ),
            (
                view(0.0, Some(1.0), false, vec![]),
                Some("spent  $0 of $1.00 today"),
            ),
            (
                view(
                    0.6,
                    Some(2.0),
                    false,
                    vec![row("openai", 0.5, Some(0.5), true)],
                ),
                Some(
                    "spent  $0.60 of $2.00 today, openai $0.50 of $0.50; the budget of openai is spent, free probes \
                     are made",
                ),
            ),
            (
                view(2.0, Some(2.0), true, vec![]),
                Some(
                    "spent  $2.00 of $2.00 today; the budget of all providers is spent, free probes are made",
                ),
            ),
        ] {
            assert_eq!(budget(&given).map(|(text, _)| text).as_deref(), text);
        }
    }

    #[test]
    fn what_was_saved_is_said_where_a_price_is_known() {
        let mut given = TotalsView::default();
        assert_eq!(totals(&given), None);
        given.spent_usd = 0.01;
        given.saved_usd = 0.03;
        assert_eq!(
            totals(&given).unwrap(),
            "saved  $0.03 by sharing results, while the pods below spent $0.01"
        );
    }
}
