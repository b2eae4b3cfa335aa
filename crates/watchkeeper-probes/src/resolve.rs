//! From a model check to the one request that is sent for it.

use watchkeeper_core::check::ModelTarget;
use watchkeeper_core::money::{Usage, Usd};
use watchkeeper_core::probe::{Effort, Plan, ProbeKind, Tier};

use crate::ask::{Ask, TEXT};
use crate::mode::Mode;
use crate::options::ProviderKeys;
use crate::promise::Promise;
use crate::providers::{self, Provider};
use crate::request::ProbeRequest;
use crate::tokens;

/// More input tokens than any probe's text and a provider's own framing take.
const MOST_INPUT: u64 = 64;

/// Tokens that an answer may have where the request sends no limit.
const UNLIMITED_OUTPUT: u64 = 4096;

/// A model check, resolved: who answers, in which mode, and what is sent.
pub(crate) struct Resolved {
    pub(crate) provider: &'static Provider,
    pub(crate) mode: Mode,
    pub(crate) request: ProbeRequest,
    /// The most that it costs, where a price is known.
    pub(crate) most_cost: Option<Usd>,
}

impl Resolved {
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            most_cost: self.most_cost,
            ..self.request.plan(self.provider.name, self.mode.as_str())
        }
    }
}

/// Finds provider and mode and builds the request. An error is the check's `config_error`.
pub(crate) fn resolve(
    target: &ModelTarget,
    keys: &ProviderKeys,
    effort: Effort,
) -> Result<Resolved, String> {
    let provider = provider(target)?;
    if let Some(reason) = provider.shape.refusal() {
        return Err(format!(
            "provider `{}` cannot be asked: {reason}",
            provider.name
        ));
    }
    let configured = target.health.model.as_deref().unwrap_or(&target.model);
    let model = configured
        .strip_prefix(provider.name)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(configured);
    if model.trim().is_empty() {
        return Err(format!("model `{configured}` names no model"));
    }
    let mode = mode(target, provider, model)?;
    let asked = if provider.modes.contains(&mode) {
        provider.shape.asked_as(mode)
    } else {
        Mode::Chat
    };
    let ask = Ask {
        provider,
        target,
        mode: asked,
        model,
        limit: tokens::limit(target, asked, model),
        text: target.health.prompt.as_deref().unwrap_or(TEXT),
        env: keys,
    };
    let request = match kind(target.health.kind, &ask, effort) {
        ProbeKind::Inference | ProbeKind::Auto => inference(&ask)?,
        ProbeKind::Free => match provider.shape.free(&ask)? {
            Some(request) => request,
            None if ask.is_wildcard() => return Err(no_wildcard(&ask)),
            None => reachability(&ask)?,
        },
        ProbeKind::Reachability => reachability(&ask)?,
    };
    let most_cost = if request.billed {
        target.health.price.map(|price| {
            price.of(Usage {
                input: MOST_INPUT + u64::try_from(ask.text.len()).unwrap_or(0),
                output: match ask.limit {
                    Some(limit) => u64::from(limit),
                    None if asked.is_chat_like() => UNLIMITED_OUTPUT,
                    None => 0,
                },
            })
        })
    } else {
        Some(Usd::ZERO)
    };
    Ok(Resolved {
        provider,
        mode,
        request,
        most_cost,
    })
}

fn provider(target: &ModelTarget) -> Result<&'static Provider, String> {
    let Some(name) = target.provider.as_deref() else {
        return Err(format!(
            "no provider is known for model `{}`; write it with its provider, such as `openai/{0}`",
            target.model
        ));
    };
    providers::find(name).ok_or_else(|| {
        let nearest: Vec<String> = providers::nearest(name)
            .into_iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let hint = if nearest.is_empty() {
            "a server that speaks as OpenAI does is asked as `openai/` with its `api_base`"
                .to_owned()
        } else {
            format!("the nearest that are: {}", nearest.join(", "))
        };
        format!("provider `{name}` cannot be asked; {hint}")
    })
}

/// The mode given, else what the name says, else chat.
fn mode(target: &ModelTarget, provider: &Provider, model: &str) -> Result<Mode, String> {
    let explicit = target.mode.as_deref().filter(|mode| !mode.is_empty());
    let by_name = provider.shape.mode_by_name(model);
    let word = explicit.or(by_name).unwrap_or("chat");
    match Mode::of(word) {
        Some(mode) if provider.modes.contains(&mode) => Ok(mode),
        // LiteLLM turns any other way of asking for text into a chat, of whoever can chat
        Some(mode) if mode.is_chat_like() && provider.modes.contains(&Mode::Chat) => Ok(mode),
        _ => {
            let source = if explicit.is_some() {
                ""
            } else {
                ", told from the model's name,"
            };
            let modes: Vec<String> = provider
                .modes
                .iter()
                .map(|mode| format!("`{}`", mode.as_str()))
                .collect();
            Err(format!(
                "mode `{word}`{source} cannot be asked of provider `{}`; what can: {}",
                provider.name,
                modes.join(", ")
            ))
        }
    }
}

/// What kind of probe it comes to. A wildcard names no model, so nothing can be asked of one: its provider's list can.
fn kind(wanted: ProbeKind, ask: &Ask<'_>, effort: Effort) -> ProbeKind {
    let free = ask.mode.is_free();
    match (wanted, effort) {
        (ProbeKind::Reachability, _) => ProbeKind::Reachability,
        _ if ask.is_wildcard() => ProbeKind::Free,
        // what costs nothing needs no cheaper stand-in
        (ProbeKind::Free, _) | (_, Effort::Cheap) if !free => ProbeKind::Free,
        (ProbeKind::Auto, _)
            if ask.mode.bills_real_output() || ask.provider.shape.wants_more(ask) =>
        {
            ProbeKind::Free
        }
        _ => ProbeKind::Inference,
    }
}

fn inference(ask: &Ask<'_>) -> Result<ProbeRequest, String> {
    ask.provider.shape.inference(ask)
}

/// A GET without a key.
fn reachability(ask: &Ask<'_>) -> Result<ProbeRequest, String> {
    let base = ask.provider.shape.base(ask)?;
    let mut request = ProbeRequest::get(base.endpoint.url, Promise::Reachable);
    request.tier = Tier::Reachability;
    Ok(request)
}

fn no_wildcard(ask: &Ask<'_>) -> String {
    format!(
        "model `{}` is a wildcard and provider `{}` has no free list of models; name the model to ask in \
         `model_info.health_check_model`",
        ask.target.model, ask.provider.name
    )
}
