//! The metadata server of Google's machines and clusters.

use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::time::timeout;
use url::Url;
use watchkeeper_core::verdict::Outcome;

use super::{SCOPE, Token};
use crate::credentials::fetch::{self, Env, Fetched, Reply};
use crate::credentials::oauth;
use crate::credentials::refusal::Refusal;

/// Where it is, where `GCE_METADATA_HOST` names no other place.
const HOST: &str = "metadata.google.internal";

/// How long it may take: it is on the same machine, or not there at all.
const PATIENCE: Duration = Duration::from_secs(3);

/// The machine's token, and its project.
pub(super) async fn token(env: &Env) -> Result<Fetched<Token>, Refusal> {
    let set = env.vars.text("GCE_METADATA_HOST");
    let base = format!("http://{}/computeMetadata/v1/", set.unwrap_or(HOST));
    let Ok(base) = Url::parse(&base) else {
        return Err(Refusal::config(
            "GCE_METADATA_HOST must be a host, with a port if needed, and nothing else",
        ));
    };
    let path = format!("instance/service-accounts/default/token?scopes={SCOPE}");
    let reply = match ask(&base, &path, env).await {
        // nothing is configured, and this is none of Google's machines
        Err(refusal) if set.is_none() && is_absent(&refusal) => return Err(none()),
        other => other?,
    };
    if reply.status == 404 {
        return Err(Refusal::config(
            "this machine has no Google service account; attach one, or set `vertex_credentials`",
        ));
    }
    if !reply.is_success() {
        return Err(reply.refusal(&[], "check the service account of this machine"));
    }
    let fetched = oauth::read(&reply)?;
    Ok(Fetched {
        value: Token {
            access: fetched.value,
            project: project(&base, env).await,
        },
        lifetime: fetched.lifetime,
    })
}

/// The machine's project; a request that leaves it open says what is missing.
async fn project(base: &Url, env: &Env) -> Option<String> {
    let reply = ask(base, "project/project-id", env).await.ok()?;
    let text = String::from_utf8(reply.body).ok()?;
    let text = text.trim();
    let usable = (200..300).contains(&reply.status) && !text.is_empty();
    usable.then(|| text.to_owned())
}

async fn ask(base: &Url, path: &str, env: &Env) -> Result<Reply, Refusal> {
    let Ok(url) = base.join(path) else {
        return Err(none());
    };
    let mut request = fetch::get(url);
    let flavor = HeaderValue::from_static("Google");
    request.headers_mut().insert("metadata-flavor", flavor);
    timeout(PATIENCE, env.fetcher.send(request))
        .await
        .unwrap_or_else(|_| Err(Refusal::timeout()))
}

const fn is_absent(refusal: &Refusal) -> bool {
    matches!(
        refusal.outcome,
        Outcome::Dns | Outcome::Connect | Outcome::Timeout
    )
}

fn none() -> Refusal {
    Refusal::config(
        "no Google credentials: no `vertex_credentials`, no GOOGLE_APPLICATION_CREDENTIALS, no login of gcloud, no metadata server; set one of them",
    )
}
