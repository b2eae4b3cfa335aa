//! Microsoft Entra access tokens for Azure OpenAI: the client credentials grant (RFC 6749, 4.4), with a client secret
//! or with the token that a cluster mounts for its workload (RFC 7523).
//!
//! One form is all there is to it, so this is no library: `azure_identity` brings an HTTP stack and TLS setup of its
//! own, which would take neither our roots nor our bounds.

use std::path::PathBuf;

use serde_json::{Map, Value};
use watchkeeper_core::secret::Secret;

use super::fetch::{self, Env, Fetched};
use super::refusal::Refusal;
use super::vars::Vars;
use super::{file, oauth};

/// Where tokens come from where `AZURE_AUTHORITY_HOST` names no other cloud.
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// What a token is for where `AZURE_SCOPE` says nothing else.
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";

/// What says that a form's client assertion is a JWT.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What to do when Entra refuses.
const REMEDY: &str = "check tenant, client id and client secret (or federation) of the app and its role on the resource";

/// What an entry says of its app; the rest comes from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    tenant: Option<Secret>,
    client: Option<Secret>,
    secret: Option<Secret>,
    scope: Option<Secret>,
}

impl Source {
    /// Reads `tenant_id`, `client_id`, `client_secret` (each also as `azure_…`) and `azure_scope` of an entry.
    pub(crate) fn from_params(params: &Map<String, Value>) -> Self {
        let one = |names: &[&str]| {
            names.iter().find_map(|name| {
                let text = params.get(*name)?.as_str()?.trim();
                (!text.is_empty()).then(|| Secret::new(text))
            })
        };
        Self {
            tenant: one(&["tenant_id", "azure_tenant_id"]),
            client: one(&["client_id", "azure_client_id"]),
            secret: one(&["client_secret", "azure_client_secret"]),
            scope: one(&["azure_scope"]),
        }
    }

    /// Whether entry and environment name an app at all.
    pub(crate) fn is_configured(&self, vars: &Vars) -> bool {
        let all = self.filled(vars);
        let proof = all.secret.is_some() || vars.get("AZURE_FEDERATED_TOKEN_FILE").is_some();
        all.tenant.is_some() && all.client.is_some() && proof
    }

    /// With the environment's values where the entry has none.
    pub(super) fn filled(&self, vars: &Vars) -> Self {
        let or = |own: &Option<Secret>, name| own.clone().or_else(|| vars.get(name).cloned());
        Self {
            tenant: or(&self.tenant, "AZURE_TENANT_ID"),
            client: or(&self.client, "AZURE_CLIENT_ID"),
            secret: or(&self.secret, "AZURE_CLIENT_SECRET"),
            scope: or(&self.scope, "AZURE_SCOPE"),
        }
    }
}

/// Asks for a token. `source` is filled from the environment already.
pub(super) async fn fetch(source: &Source, env: &Env) -> Result<Fetched<Secret>, Refusal> {
    let assertion = match (&source.secret, env.vars.text("AZURE_FEDERATED_TOKEN_FILE")) {
        (Some(_), _) => None,
        // read each time: the cluster replaces it
        (None, Some(path)) => {
            let path = PathBuf::from(path);
            Some(file::need(&path, "AZURE_FEDERATED_TOKEN_FILE").await?)
        }
        (None, None) => return Err(missing(source)),
    };
    let (Some(tenant), Some(client)) = (&source.tenant, &source.client) else {
        return Err(missing(source));
    };
    let authority = env.vars.text("AZURE_AUTHORITY_HOST").unwrap_or(AUTHORITY);
    let mut url = fetch::url(authority, "AZURE_AUTHORITY_HOST", false)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty()
            .extend([tenant.expose().trim(), "oauth2", "v2.0", "token"]);
    }
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", client.expose()),
        ("scope", source.scope.as_ref().map_or(SCOPE, Secret::expose)),
    ];
    let mut secrets = Vec::new();
    if let Some(secret) = &source.secret {
        form.push(("client_secret", secret.expose()));
        secrets.push(secret);
    }
    if let Some(assertion) = &assertion {
        form.push(("client_assertion_type", JWT_BEARER));
        form.push(("client_assertion", assertion.expose()));
        secrets.push(assertion);
    }
    oauth::token(&env.fetcher, url, &form, &secrets, REMEDY).await
}

fn missing(source: &Source) -> Refusal {
    let mut names = Vec::new();
    for (name, value) in [
        ("`tenant_id` (or AZURE_TENANT_ID)", &source.tenant),
        ("`client_id` (or AZURE_CLIENT_ID)", &source.client),
        ("`client_secret` (or AZURE_CLIENT_SECRET)", &source.secret),
    ] {
        if value.is_none() {
            names.push(name);
        }
    }
    Refusal::config(format!(
        "no Azure credentials: {} missing; set them, or `api_key`",
        names.join(", ")
    ))
}
