//! Which provider a model belongs to and what it does, by LiteLLM's spelling and LiteLLM's tables (version 1.106.2).

mod families;
mod hosts;
mod names;
mod prefixes;

use crate::cost_map::CostEntry;

/// Names that LiteLLM takes for OpenAI's wherever they begin so.
const OPENAI_STARTS: [&str; 2] = ["gpt-image", "dall-e-"];
/// Fine-tuned models, wherever that stands in the name.
const FINE_TUNED: [&str; 2] = ["ft:gpt-3.5-turbo", "ft:gpt-4"];
/// Behind `anthropic/`, the text completion models.
const ANTHROPIC_TEXT: [&str; 2] = ["claude-2", "claude-instant-1"];
/// From which likeness (Jaro-Winkler) on a name is worth naming, and how many are.
const LIKENESS: f64 = 0.85;
const NEAREST: usize = 3;
/// Digits behind the colon of a name of Replicate.
const REPLICATE_DIGITS: usize = 64;

/// The provider, if LiteLLM would name one: `custom_llm_provider` first, then the prefix, then a well-known `api_base`,
/// then the bare name, also one newer than the table. Not every provider that an entry names is one of LiteLLM's: see
/// [`supported`].
#[must_use]
pub fn resolve(model: &str, custom: Option<&str>, api_base: Option<&str>) -> Option<String> {
    let (prefix, rest) = match model.split_once('/') {
        Some((prefix, rest)) => (Some(prefix), rest),
        None => (None, model),
    };
    if prefix == Some("azure") && served_like_openai(rest) {
        return Some("openai".into());
    }
    let custom = custom.filter(|custom| !custom.is_empty());
    if let Some(provider) = split_by_model(custom.or(prefix), rest) {
        return Some(provider.into());
    }
    if let Some(custom) = custom {
        return Some(custom.to_owned());
    }
    match prefix {
        // Its names say what is asked for: `ragflow/chat/ID/MODEL`.
        Some("ragflow") if rest.split('/').count() < 3 => return None,
        Some(prefix) if prefixes::known(prefix) => return Some(prefix.to_owned()),
        // A provider's name alone is no model.
        None if prefixes::known(model) => return None,
        _ => {}
    }
    match api_base.and_then(hosts::provider) {
        Some(provider) => provider.map(str::to_owned),
        None => bare(model).map(str::to_owned),
    }
}

/// Whether LiteLLM has such a provider: it drops a deployment of any other.
#[must_use]
pub fn supported(provider: &str) -> bool {
    prefixes::known(provider)
}

/// All providers that LiteLLM has, sorted.
#[must_use]
pub fn names() -> &'static [&'static str] {
    prefixes::all()
}

/// The providers whose names are nearest to one that is none, nearest first; at most three, none if none is near.
#[must_use]
pub fn nearest(name: &str) -> Vec<&'static str> {
    let mut ranked: Vec<(f64, &'static str)> = names()
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), *known))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    ranked
        .into_iter()
        .take(NEAREST)
        .map(|(_, name)| name)
        .collect()
}

/// The mode that LiteLLM knows of a model of that provider, as configured, prefix included or not. `None` stands for
/// nothing known, and LiteLLM then asks it to chat.
#[must_use]
pub fn mode_of(model: &str, provider: &str) -> Option<&'static str> {
    let rest = model
        .strip_prefix(provider)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(model);
    if provider == "bedrock_mantle" && rest.contains("claude") {
        // Claude is served there by that API only.
        return Some("anthropic_messages");
    }
    let plain = if provider == "bedrock" {
        rest.rsplit('/').next().unwrap_or(rest)
    } else {
        rest
    };
    let of_bare = |name: &str| {
        let listed = names::bare().get(name)?;
        same_house(listed.provider, provider).then_some(listed.mode)
    };
    names::prefixed_mode(model)
        .or_else(|| names::prefixed_mode(&format!("{provider}/{rest}")))
        .or_else(|| of_bare(rest))
        .or_else(|| of_bare(plain))
        .or_else(|| {
            let (house, mode) = families::newer(plain)?;
            mode.filter(|_| same_house(house, provider))
        })
}

/// The same with what a cost map says of the model before the built-in tables.
#[must_use]
pub fn mode_with(
    model: &str,
    provider: Option<&str>,
    listed: Option<&CostEntry>,
) -> Option<String> {
    let built_in = provider.and_then(|provider| mode_of(model, provider));
    // Claude has one API there, whatever a map calls it.
    let fixed = built_in.filter(|_| provider == Some("bedrock_mantle"));
    let word = match fixed {
        Some(fixed) => Some(fixed),
        None => listed.and_then(|entry| entry.mode.as_deref()).or(built_in),
    };
    word.map(str::to_owned)
}

/// `cohere` and `cohere_chat`, `bedrock` and `bedrock_converse` share their models.
fn same_house(listed: &str, provider: &str) -> bool {
    let shares = |name: &'static str| listed.starts_with(name) && provider.starts_with(name);
    listed == provider || shares("cohere") || (shares("bedrock") && provider != "bedrock_mantle")
}

/// Models of others that Azure serves behind an API like OpenAI's.
fn served_like_openai(name: &str) -> bool {
    let mistral = name.starts_with("mistral-")
        && (name.ends_with("-latest") || matches!(name, "mistral-small" | "mistral-medium"));
    mistral
        || names::bare()
            .get(name)
            .is_some_and(|bare| bare.provider == "cohere_chat")
}

/// Three providers have a second one for some of their models.
fn split_by_model(provider: Option<&str>, name: &str) -> Option<&'static str> {
    match provider? {
        "cohere" if names::bare().get(name)?.provider == "cohere_chat" => Some("cohere_chat"),
        "ai21" => {
            let listed = names::bare().get(name)?;
            let chats = listed.provider == "ai21_chat" && listed.mode == "chat";
            chats.then_some("ai21_chat")
        }
        "anthropic" if ANTHROPIC_TEXT.contains(&name) => Some("anthropic_text"),
        _ => None,
    }
}

/// Only names that LiteLLM knows, and newer ones of their families: it drops a deployment of any other, and a guess
/// would ask, and pay, somebody else.
fn bare(model: &str) -> Option<&'static str> {
    if model == "*"
        || OPENAI_STARTS.iter().any(|start| model.starts_with(start))
        || FINE_TUNED.iter().any(|part| model.contains(part))
    {
        return Some("openai");
    }
    if let Some(listed) = names::bare().get(model) {
        return Some(listed.provider);
    }
    if let Some((_, digits)) = model.split_once(':')
        && digits.len() == REPLICATE_DIGITS
    {
        return Some("replicate");
    }
    if model.starts_with("amazon_nova") {
        return Some("amazon_nova");
    }
    families::newer(model).map(|(provider, _)| provider)
}

#[cfg(test)]
mod tests;
