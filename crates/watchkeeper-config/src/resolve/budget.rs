//! `[budget]`, and prices in dollars.

use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::money::{Budget, Usd};

use super::Resolver;
use crate::config::{Coordination, LockScope};
use crate::error::ConfigError;
use crate::raw;

impl Resolver<'_> {
    pub(super) fn budget(
        &self,
        raw: &raw::Budget,
        coordination: &Coordination,
    ) -> Result<Budget, ConfigError> {
        let fleet = match raw.per_day {
            None => None,
            Some(amount) => Some(self.budgeted("budget.per_day", amount.0, coordination)?),
        };
        let mut providers = std::collections::BTreeMap::new();
        for (name, amount) in &raw.providers {
            self.provider_name("budget.providers", name)?;
            let key = format!("budget.providers.{name}");
            providers.insert(name.clone(), self.budgeted(&key, amount.0, coordination)?);
        }
        Ok(Budget { fleet, providers })
    }

    fn budgeted(
        &self,
        key: &str,
        amount: f64,
        coordination: &Coordination,
    ) -> Result<Usd, ConfigError> {
        let amount = self.dollars(key, amount)?;
        if coordination.lock_scope == LockScope::Check {
            return Err(self.invalid(
                key,
                format!(
                    "is {amount}, but `coordination.lock_scope` is `check`: what is spent is counted in the one report \
                     that all checks share, so set `coordination.lock_scope = \"fleet\"`, or leave the budget out"
                ),
            ));
        }
        Ok(amount)
    }

    /// An amount of dollars.
    pub(super) fn dollars(&self, key: &str, amount: f64) -> Result<Usd, ConfigError> {
        Usd::from_dollars(amount).ok_or_else(|| {
            self.invalid(
                key,
                format!("must be an amount in dollars, 0 to 9,000,000, not {amount}"),
            )
        })
    }

    /// A limit on what has no price limits nothing.
    pub(super) fn warn_of_no_price(&mut self, budget: &Budget, checks: &[Check]) {
        let priced = |check: &&Check| matches!(&check.target, Target::Model(model) if model.health.price.is_some());
        let remedy = "give prices in the configuration, or a cost map by `litellm.cost_map`";
        let mut warn = |key: &str, whose: &str| {
            let origin = self.layers.origin(key);
            self.warnings.push(format!(
                "{origin}: `{key}` limits nothing: no price is known of any check{whose}; {remedy}"
            ));
        };
        if budget.fleet.is_some() && !checks.iter().any(|check| priced(&check)) {
            warn("budget.per_day", "");
        }
        for name in budget.providers.keys() {
            let mut priced = checks.iter().filter(priced);
            if !priced.any(|check| check.provider() == name) {
                warn(
                    &format!("budget.providers.{name}"),
                    &format!(" of `{name}`"),
                );
            }
        }
    }
}
