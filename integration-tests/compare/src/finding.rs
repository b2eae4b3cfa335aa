//! What a scenario found of one program, and both programs' findings side by side.

use std::time::Duration;

/// A value as the table shows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Numbers of a kind: one of each pod, or of each time.
    Numbers(Vec<f64>),
    /// Words.
    Text(String),
}

/// One measure of one program.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) value: Value,
}

/// All that a scenario found of one program, or why it found nothing.
pub(crate) type Side = Result<Vec<Finding>, String>;

impl Finding {
    pub(crate) fn numbers(
        what: impl Into<String>,
        unit: &'static str,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self {
            what: what.into(),
            unit,
            value: Value::Numbers(values.into_iter().collect()),
        }
    }

    pub(crate) fn seconds(
        what: impl Into<String>,
        values: impl IntoIterator<Item = Duration>,
    ) -> Self {
        Self::numbers(what, "s", values.into_iter().map(|time| time.as_secs_f64()))
    }

    pub(crate) fn text(what: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            unit: "",
            value: Value::Text(value.into()),
        }
    }
}

impl Value {
    /// One number, or the least and the greatest.
    pub(crate) fn shown(&self) -> String {
        let numbers = match self {
            Self::Text(text) => return text.clone(),
            Self::Numbers(numbers) => numbers,
        };
        let least = numbers.iter().copied().min_by(f64::total_cmp);
        let most = numbers.iter().copied().max_by(f64::total_cmp);
        match (least, most) {
            (Some(least), Some(most)) if number(least) == number(most) => number(least),
            (Some(least), Some(most)) => format!("{} to {}", number(least), number(most)),
            _ => "never".to_owned(),
        }
    }
}

/// Three significant digits or so; whole numbers stay whole.
fn number(value: f64) -> String {
    let size = value.abs();
    if (value - value.round()).abs() < 1e-9 || size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

/// One row of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) litellm: String,
    pub(crate) ours: String,
}

/// LiteLLM's findings first, then ours; both sides measure the same, in the same order.
pub(crate) fn beside(sides: Vec<Side>) -> Vec<Row> {
    let what = |finding: &Finding| match finding.unit {
        "" => finding.what.clone(),
        unit => format!("{}, {unit}", finding.what),
    };
    let names: Vec<String> = sides
        .iter()
        .filter_map(|side| side.as_ref().ok())
        .next()
        .map(|findings| findings.iter().map(what).collect())
        .unwrap_or_else(|| vec!["all".to_owned()]);
    let cell = |side: usize, at: usize| match sides.get(side) {
        Some(Ok(findings)) => findings
            .get(at)
            .map_or_else(String::new, |finding| finding.value.shown()),
        Some(Err(error)) => format!("not measured: {}", error.replace(['\n', '|'], " ")),
        None => String::new(),
    };
    names
        .into_iter()
        .enumerate()
        .map(|(at, what)| Row {
            what,
            litellm: cell(0, at),
            ours: cell(1, at),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_are_shown_by_their_ends_and_none_as_never() {
        assert_eq!(Value::Numbers(vec![5.0, 5.001]).shown(), "5 to 5.00");
        assert_eq!(Value::Numbers(vec![93.04, 5.4]).shown(), "5.40 to 93.0");
        assert_eq!(Value::Numbers(vec![]).shown(), "never");
    }

    #[test]
    fn a_side_that_failed_says_so_in_every_row() {
        let ours = vec![Finding::numbers("a", "s", [1.0]), Finding::text("b", "yes")];
        let rows = beside(vec![Err("it\nbroke".to_owned()), Ok(ours)]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].what, "a, s");
        assert_eq!(rows[1].litellm, "not measured: it broke");
        assert_eq!(rows[1].ours, "yes");
    }
}
