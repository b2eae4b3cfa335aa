//! What is known of a deployment's model: what it does and what it costs. The entry's own word goes first, then a cost
//! map's, then the built-in tables'.

use watchkeeper_core::check::HealthParams;
use watchkeeper_core::money::Price;

use crate::cost_map::{CostEntry, RATES, Rates};
use crate::python::to_json;
use crate::yaml::Node;
use crate::{mode, provider};

/// The explicit mode, else the cost map's, else the one that LiteLLM knows of the model. Near misses are corrected.
pub(super) fn mode(
    model: &str,
    provider: Option<&str>,
    listed: Option<&CostEntry>,
    explicit: Option<&Node>,
    warn: &mut impl FnMut(String),
) -> Option<String> {
    let Some(explicit) = explicit else {
        return provider::mode_with(model, provider, listed);
    };
    let Some(word) = explicit.as_str() else {
        warn(format!(
            "`model_info.mode` is ignored, as in litellm: it must be a text, not {}",
            explicit.kind()
        ));
        return provider::mode_with(model, provider, listed);
    };
    let Some(meant) = mode::meant(word) else {
        return Some(word.to_owned());
    };
    warn(format!(
        "`model_info.mode` is `{word}`, for which litellm has no check: read here as `{meant}`"
    ));
    Some(meant.to_owned())
}

/// What a probe costs: by the prices of `litellm_params`, then those of `model_info`, then the cost map's for the model
/// that is asked.
pub(super) fn price<'a>(
    params: &'a Node,
    info: &impl Fn(&str) -> Option<&'a Node>,
    listed: Option<&CostEntry>,
    mode: Option<&str>,
    health: &HealthParams,
    warn: &mut impl FnMut(String),
) -> Option<Price> {
    let mut own = Rates::default();
    for key in RATES {
        let Some(value) = params.get_set(key).or_else(|| info(key)) else {
            continue;
        };
        if let Err(why) = own.put(key, &to_json(value)) {
            warn(format!("a price is ignored: {why}"));
        }
    }
    let listed = listed.map(|entry| entry.rates).unwrap_or_default();
    own.or(listed).price(mode, health.prompt.as_deref())
}
