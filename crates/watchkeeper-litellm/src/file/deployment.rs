//! From an entry of `model_list` to a check. Nothing vanishes: what cannot be asked says why.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};
use watchkeeper_core::check::{Check, MAX_PROBE_TIMEOUT, ModelTarget, Target};
use watchkeeper_core::id::{BadName, CheckId};
use watchkeeper_core::secret::Secret;

use super::credentials::Credentials;
use super::environment::{Place, place};
use super::health::{self, Defaults};
use super::{Deployment, known, model_id, validity};
use crate::cost_map::CostMap;
use crate::provider;
use crate::python::{str_of, to_json};
use crate::shown;
use crate::yaml::{Node, NodeInner, Yaml};

/// Parameters that stand in a place of their own in a check, not among the others.
const OWN_PLACE: [&str; 3] = ["model", "api_key", "api_base"];

/// What the entries need to know of the rest.
pub(super) struct Context<'a> {
    /// The file, for warnings.
    pub(super) file: &'a str,
    /// The timeout of entries that have none of their own.
    pub(super) timeout: Duration,
    /// `LITELLM_ENVIRONMENT`.
    pub(super) environment: Option<&'a str>,
    /// `background_health_check_model_groups`.
    pub(super) groups: Option<Vec<&'a str>>,
    /// What the environment says of probes.
    pub(super) probes: Defaults,
    /// `credential_list`.
    pub(super) credentials: Credentials,
    /// The cost map, if there is one.
    pub(super) cost_map: Option<&'a CostMap>,
}

/// The deployments of a `model_list`, in file order, ids unique.
pub(super) fn checks(
    entries: &[Node],
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Deployment>, BadName> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut out = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let info = entry.get("model_info").cloned();
        let place = place(info.as_ref(), context.environment);
        if place == Place::Elsewhere {
            warnings.push(format!(
                "{}, line {}: `model_list[{index}]` is left out: `supported_environments` does not name `LITELLM_ENVIRONMENT`",
                context.file, entry.line
            ));
            continue;
        }
        let mut deployment = one(index, entry, info.as_ref(), context, warnings)?;
        let check = &mut deployment.check;
        if let Place::Dropped(reason) = place {
            check.target = Target::Invalid {
                reason,
                provider: Some(check.provider().to_owned()).filter(|name| name != "unknown"),
            };
        }
        if let Some(first) = seen.get(check.id.as_str()) {
            warnings.push(format!(
                "{}, line {}: `model_list[{index}]` (`{}`) has the same id as the entry of line {first}; the first one counts",
                context.file, entry.line, check.name
            ));
            continue;
        }
        seen.insert(check.id.as_str().to_owned(), entry.line);
        out.push(deployment);
    }
    Ok(out)
}

fn one(
    index: usize,
    entry: &Node,
    info_node: Option<&Node>,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Result<Deployment, BadName> {
    let mut warn = |what: String| {
        warnings.push(format!(
            "{}, line {}: `model_list[{index}]`: {what}",
            context.file, entry.line
        ));
    };
    let info = |key: &str| info_node.and_then(|info| info.get_set(key));
    let nothing = NodeInner::new(Yaml::Map(Vec::new()), entry.line);
    let params = entry.get("litellm_params").unwrap_or(&nothing);
    let model = params.get("model");
    let name = entry
        .get_set("model_name")
        .or(model.filter(|m| !m.is_null()))
        .map_or_else(|| format!("model_list[{index}]"), |name| str_of(name));

    let generated = || model_id::generate(&name, params);
    let id = info("id").map(|id| str_of(id)).filter(|id| !id.is_empty());
    if info_node.is_some_and(|info| info.get("id").is_some_and(|id| id.is_null())) {
        warn("`model_info.id` is null, so every litellm pod makes up another one: set it, or leave it out".into());
    }
    let id = match id.map(CheckId::new) {
        Some(Ok(id)) => id,
        Some(Err(error)) => {
            warn(format!("{error}; an id is made from the parameters"));
            CheckId::new(generated())?
        }
        None => CheckId::new(generated())?,
    };

    let timeout = match info("health_check_timeout").filter(|node| node.truthy()) {
        None => context.timeout,
        Some(node) => match seconds(node) {
            Some(timeout) if !timeout.is_zero() && timeout <= MAX_PROBE_TIMEOUT => timeout,
            _ => {
                warn("`health_check_timeout` must be seconds between 0 and 3600; the default is used".into());
                context.timeout
            }
        },
    };
    // The call's own limit ends a probe as it ends any other call.
    let call = params.get_set("timeout").and_then(|node| seconds(node));
    let timeout = call
        .filter(|limit| !limit.is_zero())
        .map_or(timeout, |limit| timeout.min(limit));
    let in_group = context
        .groups
        .as_ref()
        .is_none_or(|groups| groups.contains(&name.as_str()));
    let reason = if entry.is_map() {
        unusable(entry, info_node)
    } else {
        None
    };
    let target = match (target(entry, params, &info, context, &mut warn), reason) {
        (Target::Model(model), Some(reason)) => Target::Invalid {
            reason,
            provider: model.provider,
        },
        (target, _) => target,
    };
    let probe = health::kind(&info, &mut warn);
    let inference_every = health::inference_every(&info, &mut warn);
    let check = Check {
        id,
        shown: shown_of(
            params,
            info("health_check_model").or_else(|| given(&info, "model")),
        ),
        name,
        target,
        timeout,
        background: in_group
            && !info("disable_background_health_check").is_some_and(|n| n.truthy()),
        full_every: None,
    };
    Ok(Deployment {
        check,
        probe,
        inference_every,
    })
}

fn target<'a>(
    entry: &Node,
    params: &'a Node,
    info: &impl Fn(&str) -> Option<&'a Node>,
    context: &Context<'_>,
    warn: &mut impl FnMut(String),
) -> Target {
    let custom = params.get_set("custom_llm_provider").map(|c| str_of(c));
    let base = params
        .get_set("api_base")
        .or_else(|| params.get_set("base_url"));
    let model = params.get("model");
    let provider = model
        .and_then(|m| m.as_str())
        .map_or(custom.clone(), |model| {
            let base = base.and_then(|base| base.as_str());
            provider::resolve(model, custom.as_deref(), base)
        });
    let invalid = |reason: String| Target::Invalid {
        reason,
        provider: provider.clone(),
    };
    if !entry.is_map() {
        return invalid(format!(
            "line {}: the entry must be a mapping with `model_name` and `litellm_params`, not {}",
            entry.line,
            entry.kind()
        ));
    }
    if !params.is_map() || entry.get("litellm_params").is_none() {
        return invalid(format!(
            "line {}: `litellm_params` must be a mapping with `model` in it",
            entry.line
        ));
    }
    let model = match model {
        None => {
            return invalid(format!(
                "line {}: `litellm_params.model` is missing",
                params.line
            ));
        }
        Some(node) => match node.as_str() {
            Some(model) if !model.is_empty() => model,
            _ if node.is_null() => {
                return invalid(format!(
                    "line {}: `litellm_params.model` is null: set it, or the variable that it refers to",
                    node.line
                ));
            }
            _ => {
                return invalid(format!(
                    "line {}: `litellm_params.model` must be a model's name, not {}",
                    node.line,
                    node.kind()
                ));
            }
        },
    };
    match provider.as_deref() {
        Some(provider) if provider::supported(provider) => {}
        Some(name) => {
            return invalid(format!(
                "line {}: litellm has no provider `{name}` of its own and drops such a deployment{}; \
                 a handler of `custom_provider_map` cannot be asked from here",
                params.line,
                near(name)
            ));
        }
        None => {
            return invalid(format!(
                "line {}: litellm finds no provider for `{model}` and drops such a deployment{}: \
                 put one in front, as in `openai/{model}`, or set `custom_llm_provider`",
                params.line,
                model
                    .split_once('/')
                    .map_or_else(String::new, |(prefix, _)| near(prefix))
            ));
        }
    }
    let filled = context.credentials.fill(params);
    let missing = filled.as_ref().err().cloned();
    let filled = filled.unwrap_or_else(|_| params.clone());
    let secret = |key: &str| {
        given(info, key)
            .or_else(|| filled.get_set(key))
            .map(|node| str_of(node))
            .filter(|text| !text.is_empty())
            .map(Secret::new)
    };
    let mut rest = Map::new();
    for (key, value) in filled.pairs() {
        let key = str_of(key);
        match (key.as_str(), value.items()) {
            (own, _) if OWN_PLACE.contains(&own) => {}
            // One deployment for each, but with one id, so only the first is ever probed.
            ("organization", Some([first, ..])) => {
                warn("`organization` is a list: as in litellm, only the first is probed".into());
                rest.insert(key, to_json(first));
            }
            _ => {
                rest.insert(key, to_json(value));
            }
        }
    }
    match info("health_check_params") {
        Some(extra) if extra.is_map() => {
            for (key, value) in extra.pairs() {
                let key = str_of(key);
                if !OWN_PLACE.contains(&key.as_str()) {
                    rest.insert(key, to_json(value));
                }
            }
        }
        Some(_) => warn("`health_check_params` is ignored: it must be a mapping".into()),
        None => {}
    }
    let mut health = health::read(model, info, &context.probes, warn);
    if health.model.is_none() {
        health.model = given(info, "model").map(|model| str_of(model));
    }
    // Another model may be another vendor's, who is to be given no key of this one's.
    let asked = health.model.as_deref().map(|asked| {
        let base = given(info, "api_base")
            .or(base)
            .and_then(|base| base.as_str());
        provider::resolve(asked, custom.as_deref(), base)
    });
    if let (Some(None), Some(asked)) = (&asked, &health.model) {
        return invalid(format!(
            "line {}: no provider is known for `{asked}`, which is to be asked in its place: write it like `openai/gpt-4o`",
            entry.line
        ));
    }
    if let (Some(name), None) = (missing, secret("api_key")) {
        return invalid(format!(
            "line {}: no entry of `credential_list` has the name `{name}`; what litellm keeps in its database is not \
             read here: put it into the list, or give the entry an `api_key` of its own",
            params.line
        ));
    }
    let base_model = health.base_model.as_deref();
    let find = |model: &str, base_model: Option<&str>, provider: Option<&str>| {
        context.cost_map?.of(model, base_model, provider)
    };
    let listed = find(model, base_model, provider.as_deref());
    let mode = known::mode(model, provider.as_deref(), listed, info("mode"), warn);
    let listed = match (&health.model, &asked) {
        (Some(model), Some(provider)) => find(model, None, provider.as_deref()),
        _ => listed,
    };
    health.price = known::price(params, info, listed, mode.as_deref(), &health, warn);
    Target::Model(Box::new(ModelTarget {
        model: model.to_owned(),
        provider: asked.flatten().or(provider.clone()),
        mode,
        api_base: secret("api_base").or_else(|| secret("base_url")),
        api_key: secret("api_key"),
        params: rest,
        health,
    }))
}

/// The providers that may have been meant, in words.
fn near(name: &str) -> String {
    let names: Vec<String> = provider::nearest(name)
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" (the nearest names: {})", names.join(", "))
    }
}

/// What `health_check_params` puts in place of the entry's own parameter.
fn given<'a>(info: &impl Fn(&str) -> Option<&'a Node>, key: &str) -> Option<&'a Node> {
    info("health_check_params")?.get_set(key)
}

/// Why LiteLLM drops an entry or does not start with it, as far as the types of its values say.
fn unusable(entry: &Node, info: Option<&Node>) -> Option<String> {
    let line = entry.line;
    match entry.get("model_name").map(|name| name.as_str()) {
        Some(Some(_)) => {}
        Some(None) => {
            return Some(format!(
                "line {line}: `model_name` must be a text; litellm does not start with it"
            ));
        }
        None => {
            return Some(format!(
                "line {line}: `model_name` is missing; litellm does not start without it"
            ));
        }
    }
    if let Some(reason) = info.and_then(validity::of_info) {
        return Some(reason);
    }
    let params = entry.get("litellm_params")?;
    let organizations = params.get("organization");
    if organizations
        .and_then(|list| list.items())
        .is_some_and(<[_]>::is_empty)
    {
        return Some(format!(
            "line {}: `organization` is an empty list, so litellm makes no deployment of it",
            params.line
        ));
    }
    validity::of_params(params)
}

/// A number of seconds, also one in quotes.
fn seconds(node: &NodeInner) -> Option<Duration> {
    Duration::try_from_secs_f64(str_of(node).trim().parse().ok()?).ok()
}

fn shown_of(params: &Node, probed: Option<&Node>) -> Map<String, Value> {
    let allowed = params.pairs().iter().filter_map(|(key, value)| {
        let key = key.as_str().filter(|key| shown::allowed(key))?;
        Some((key, to_json(value)))
    });
    shown::fields(allowed, probed.and_then(|model| model.as_str()))
}
