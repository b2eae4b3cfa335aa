//! Which host is asked, whose it is, and what proves who asks.

use reqwest::header::HeaderMap;

use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::credentials::Signing;
use crate::credentials::Vars;
use crate::credentials::entra::Source;
use crate::key::{self, Scheme};
use crate::params;
use crate::request::{Auth, ProbeRequest};

/// Domains of hosts that are Microsoft's own resources, where nobody else's code sees a key. Endpoints of machine
/// learning workspaces and API gateways are not among them: they hand a key to what their owner runs.
const OWN: [&str; 8] = [
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
    ".models.ai.azure.com",
    ".openai.azure.us",
    ".cognitiveservices.azure.us",
    ".openai.azure.cn",
    ".cognitiveservices.azure.cn",
];

/// Domains of hosts that take a key as `api-key`.
const WITH_API_KEY: [&str; 3] = [
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
];

/// The base, taken for the vendor's where the host is.
pub(super) fn base(ask: &Ask<'_>) -> Result<Base, String> {
    let mut base = base::of(ask)?;
    if base.endpoint.url.scheme() == "https" && is_below(&base, &OWN) {
        base.origin = Origin::Vendor;
    }
    Ok(base)
}

/// Whether a base's host is below one of these domains.
pub(super) fn is_below(base: &Base, domains: &[&str]) -> bool {
    base.endpoint
        .url
        .host_str()
        .is_some_and(|host| domains.iter().any(|domain| host.ends_with(domain)))
}

/// Whether the host is a resource of Azure's in which paths are what they are.
pub(super) fn is_resource(base: &Base) -> bool {
    is_below(base, &OWN)
}

/// How Foundry's hosts take a key.
pub(super) fn scheme(base: &Base) -> Scheme {
    if is_below(base, &WITH_API_KEY) {
        Scheme::Header("api-key")
    } else {
        Scheme::Bearer
    }
}

/// The parameters of an entry that name an app of Entra's.
const NAMED_APP: [&str; 2] = ["client_secret", "azure_client_secret"];

/// Puts into a request what proves who asks, in LiteLLM's order: a header of the entry's own, a login in the URL, a key
/// (the entry's, then the environment's), a token of the entry, an app of Entra's.
///
/// The environment's key and app go to Azure's own hosts and to the environment's base only. A request that nothing
/// proves is not sent: LiteLLM sends none either.
pub(super) fn prove(
    ask: &Ask<'_>,
    base: &Base,
    schemes: &[Scheme],
    mut request: ProbeRequest,
) -> Result<ProbeRequest, String> {
    let proof = proof(ask, base, schemes, &mut request.headers);
    params::add_headers(&ask.target.params, &mut request.headers)?;
    if ["authorization", "api-key"]
        .iter()
        .any(|name| params::gives_header(&ask.target.params, name))
    {
        return Ok(request.proved((Auth::Header, None)));
    }
    match proof {
        Some(proof) => Ok(request.proved(proof)),
        None => app(ask, base, request),
    }
}

fn proof(
    ask: &Ask<'_>,
    base: &Base,
    schemes: &[Scheme],
    headers: &mut HeaderMap,
) -> Option<key::Proof> {
    if let Some(value) = base.endpoint.basic() {
        // base64 can always stand in a header
        let _ = crate::request::authorize(headers, &value);
        return Some((Auth::Basic, None));
    }
    if let Some(key) = key::find(ask, base) {
        let proofs = schemes.iter().map(|scheme| key::put(*scheme, key, headers));
        return proofs.reduce(|first, _| first);
    }
    let token = ask.param("azure_ad_token").map(str::trim)?;
    if token.starts_with("oidc/") {
        let reason = "`azure_ad_token` names an identity provider, which a probe cannot ask; set `tenant_id`, `client_id` \
                      and `client_secret` of this entry";
        return Some((Auth::Token, Some(reason.into())));
    }
    Some(key::put(Scheme::Bearer, token, headers))
}

/// A token of Entra's, fetched where the request leaves.
fn app(ask: &Ask<'_>, base: &Base, request: ProbeRequest) -> Result<ProbeRequest, String> {
    let named = NAMED_APP.iter().any(|name| ask.param(name).is_some());
    let app = Source::from_params(&ask.target.params);
    let of_environment = base.origin != Origin::Entry
        && app.is_configured(&Vars::from_fn(|name| ask.env.get(name).cloned()));
    if named || of_environment {
        return Ok(request.signed(Auth::Token, Signing::Entra(app)));
    }
    Ok(request.proved((Auth::Key, Some(missing(ask, base)))))
}

fn missing(ask: &Ask<'_>, base: &Base) -> String {
    let app = "`tenant_id`, `client_id` and `client_secret`";
    let variable = ask.provider.key_vars.first().copied().unwrap_or_default();
    if base.origin == Origin::Entry {
        format!(
            "no API key for this endpoint; set `api_key` of this entry, or {app} (`{variable}` goes to Azure's own hosts \
             only)"
        )
    } else {
        format!("no API key; set `api_key` of this entry, or {app}, or `{variable}`")
    }
}
