//! The `[[checks]]` that ask a model.

use serde_json::{Map, Value};
use watchkeeper_core::check::{HealthParams, ModelTarget, Target};
use watchkeeper_core::money::{Price, Usd};
use watchkeeper_core::secret::Secret;
use watchkeeper_litellm::{CostMap, Rates, mode, provider, shown};

use super::Resolver;
use super::checks::Shown;
use crate::error::ConfigError;
use crate::layers::{Rank, shown_key};
use crate::raw;

/// Most tokens that a probe may ask for.
const MAX_TOKENS: u64 = 1_000_000;
/// Parameters that are keys of the check itself.
const OWN_KEYS: [(&str, &str); 8] = [
    ("api_base", "api_base"),
    ("api_key", "api_key"),
    ("base_url", "api_base"),
    ("input_cost_per_token", "input_cost_per_token"),
    ("max_tokens", "max_tokens"),
    ("model", "model"),
    ("output_cost_per_token", "output_cost_per_token"),
    ("timeout", "timeout"),
];

impl Resolver<'_> {
    pub(super) fn model(
        &mut self,
        index: usize,
        raw: &raw::Check,
        model: &str,
        cost_map: Option<&CostMap>,
    ) -> Result<(Target, Shown), ConfigError> {
        let key = |name: &str| format!("checks.{index}.{name}");
        let model = self.text(&key("model"), model)?;
        if model.trim().is_empty() {
            return Err(self.invalid(&key("model"), "is empty: write it like `openai/gpt-4o`"));
        }
        let api_base = match &raw.api_base {
            None => None,
            Some(base) => Some(self.http_url(&key("api_base"), &base.0)?),
        };
        let api_key = match &raw.api_key {
            None => None,
            Some(secret) => Some(self.secret(&key("api_key"), &secret.0)?),
        };
        let base_model = match &raw.base_model {
            None => None,
            Some(name) => Some(self.text(&key("base_model"), &name.0)?),
        };
        let max_tokens = match raw.max_tokens {
            None => None,
            Some(count) => Some(self.count(&key("max_tokens"), count.0, 1, MAX_TOKENS)?),
        };
        let params = self.params(&key("params"), raw)?;
        let custom = params.get("custom_llm_provider").and_then(Value::as_str);
        let provider = provider::resolve(&model, custom, api_base.as_deref());
        let listed =
            cost_map.and_then(|map| map.of(&model, base_model.as_deref(), provider.as_deref()));
        let mode = match &raw.mode {
            None => provider::mode_with(&model, provider.as_deref(), listed),
            Some(mode) => Some(self.mode(&key("mode"), &mode.0)?),
        };
        let listed = listed.map(|entry| entry.rates).unwrap_or_default();
        let price = self.price(index, raw, listed, mode.as_deref())?;
        let own = [("api_base", api_base.as_deref()), ("model", Some(&*model))];
        let own = own.map(|(key, value)| (key, value.map_or(Value::Null, Value::from)));
        let others = params
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()));
        let shown = shown::fields(own.into_iter().chain(others), None);
        let target = Target::Model(Box::new(ModelTarget {
            provider,
            model,
            mode,
            api_base: api_base.map(Secret::new),
            api_key,
            params,
            health: HealthParams {
                max_tokens,
                price,
                base_model,
                ..HealthParams::default()
            },
        }));
        Ok((target, shown))
    }

    fn mode(&mut self, key: &str, raw: &str) -> Result<String, ConfigError> {
        let word = self.text(key, raw)?;
        let Some(meant) = mode::meant(&word) else {
            return Ok(word);
        };
        self.warnings.push(format!(
            "{}: `{}` is `{word}`, which is no mode: read here as `{meant}`",
            self.origin(key),
            shown_key(key)
        ));
        Ok(meant.to_owned())
    }

    /// The check's own prices, and the cost map's where it names none.
    fn price(
        &self,
        index: usize,
        raw: &raw::Check,
        listed: Rates,
        mode: Option<&str>,
    ) -> Result<Option<Price>, ConfigError> {
        let dollars = |name: &str, amount: Option<crate::lenient::Share>| match amount {
            None => Ok(None),
            Some(amount) => self
                .dollars(&format!("checks.{index}.{name}"), amount.0)
                .map(Some),
        };
        let input = dollars("input_cost_per_token", raw.input_cost_per_token)?;
        let output = dollars("output_cost_per_token", raw.output_cost_per_token)?;
        let call = dollars("cost_per_call", raw.cost_per_call)?;
        if input.or(output).or(call).is_none() {
            return Ok(listed.price(mode, None));
        }
        let known = match call {
            Some(_) => Price::default(),
            None => listed.price(mode, None).unwrap_or_default(),
        };
        // Who names a price of tokens is billed by tokens.
        Ok(Some(Price {
            input: input.unwrap_or(known.input),
            output: output.unwrap_or(known.output),
            call: call.unwrap_or(Usd::ZERO),
        }))
    }

    /// `params`, references in it followed.
    fn params(&mut self, key: &str, raw: &raw::Check) -> Result<Map<String, Value>, ConfigError> {
        let Some(table) = &raw.params else {
            return Ok(Map::new());
        };
        if let Some((name, own)) = OWN_KEYS
            .iter()
            .find(|(name, _)| table.0.contains_key(*name))
        {
            return Err(self.invalid(
                &format!("{key}.{name}"),
                format!("has a place of its own: write it as `{own}` of the check"),
            ));
        }
        // A dot in a name hides who wrote it; a check is always of our own layers.
        let rank = self.layers.rank(key).max(Rank::Toml);
        let mut out = Map::new();
        for (name, value) in &table.0 {
            out.insert(
                name.clone(),
                self.followed(&format!("{key}.{name}"), value, rank)?,
            );
        }
        Ok(out)
    }

    /// A value with its references followed at any depth, which the parser has bounded.
    fn followed(&mut self, key: &str, value: &Value, rank: Rank) -> Result<Value, ConfigError> {
        Ok(match value {
            Value::String(text) => Value::String(self.referred(key, text, rank)?),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.followed(key, item, rank));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut out = Map::new();
                for (name, value) in fields {
                    out.insert(name.clone(), self.followed(key, value, rank)?);
                }
                Value::Object(out)
            }
            plain => plain.clone(),
        })
    }
}
