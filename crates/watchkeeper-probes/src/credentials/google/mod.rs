//! Google access tokens for Vertex AI, in the order of Google's own libraries: the entry's credentials, the file of
//! `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's own file, the metadata server.
//!
//! No library: `gcp_auth` reads answers without a bound, repeats requests and knows no workload identity federation;
//! `google-cloud-auth` builds HTTP clients of its own, which find no roots where the system has none. What is left is
//! one signature, by the crypto that TLS uses, and forms.

mod federated;
mod jwt;
mod key;
mod metadata;

use std::path::PathBuf;

use serde_json::{Value, json};
use watchkeeper_core::secret::Secret;

use super::fetch::{self, Env, Fetched};
use super::refusal::Refusal;
use super::vars::Vars;
use super::{Added, Parts, bearer, file, oauth};
use key::{Impersonation, Key};

/// Stands in a URL's path where the credentials' own project is to stand.
pub(crate) const PROJECT: &str = "{project}";

/// [`PROJECT`] as it stands in a parsed URL.
const PROJECT_IN_URL: &str = "%7Bproject%7D";

/// What tokens are for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// How long a token of an impersonated account is asked for.
const IMPERSONATED: std::time::Duration = std::time::Duration::from_secs(3600);

/// What to do when Google refuses.
const REMEDY: &str = "check that the key or login is still valid and the account may use Vertex AI";

/// Which Google account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// A path, or the JSON itself; `None` for what the environment has.
    pub(crate) credentials: Option<Secret>,
}

impl Source {
    /// From `vertex_credentials` of an entry: a path, JSON as text, or a mapping.
    pub(crate) fn from_param(value: Option<&Value>) -> Self {
        let credentials = match value {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(Secret::new(text.trim())),
            Some(value @ Value::Object(_)) => Some(Secret::new(value.to_string())),
            _ => None,
        };
        Self { credentials }
    }
}

/// An access token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    access: Secret,
    /// The project that the credentials belong to, where they say it.
    project: Option<String>,
}

/// Puts the token and, where the URL leaves it open, the project into the request.
pub(super) fn apply(token: &Token, parts: Parts<'_>) -> Result<Added, Refusal> {
    if parts.url.path().contains(PROJECT_IN_URL) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.');
        let project = token.project.as_ref();
        let Some(project) = project.filter(|id| id.chars().all(plain)) else {
            return Err(Refusal::config(
                "no project is named, and the Google credentials name none; set `vertex_project` or VERTEXAI_PROJECT",
            ));
        };
        let path = parts.url.path().replace(PROJECT_IN_URL, project);
        parts.url.set_path(&path);
    }
    bearer(parts.headers, &token.access)?;
    Ok(vec![token.access.clone()])
}

/// Finds the credentials and turns them into an access token.
pub(super) async fn fetch(source: &Source, env: &Env) -> Result<Fetched<Token>, Refusal> {
    match find(source, &env.vars).await? {
        Some((text, name)) => {
            let key = Key::parse(&text, &name)?;
            let fetched = token_of(&key, env).await?;
            Ok(Fetched {
                value: Token {
                    access: fetched.value,
                    project: key.project,
                },
                lifetime: fetched.lifetime,
            })
        }
        None => metadata::token(env).await,
    }
}

/// The credentials' text, and where it came from.
async fn find(source: &Source, vars: &Vars) -> Result<Option<(Secret, String)>, Refusal> {
    for (given, name) in [
        (source.credentials.as_ref(), "vertex_credentials"),
        (vars.get("VERTEXAI_CREDENTIALS"), "VERTEXAI_CREDENTIALS"),
        (
            vars.get("GOOGLE_APPLICATION_CREDENTIALS"),
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
    ] {
        let Some(given) = given else { continue };
        let text = if given.expose().trim_start().starts_with('{') {
            given.clone()
        } else {
            file::need(&PathBuf::from(given.expose()), name).await?
        };
        return Ok(Some((text, name.to_owned())));
    }
    let Some(path) = gcloud_file(vars) else {
        return Ok(None);
    };
    match file::read(&path).await {
        Ok(text) => Ok(Some((text, path.display().to_string()))),
        Err(file::Unread::Missing) => Ok(None),
        Err(file::Unread::Unusable(why)) => Err(Refusal::config(format!(
            "`{}` {why}; make it readable, or set GOOGLE_APPLICATION_CREDENTIALS",
            path.display()
        ))),
    }
}

/// Where `gcloud auth application-default login` leaves its result.
fn gcloud_file(vars: &Vars) -> Option<PathBuf> {
    let dir = match vars.text("CLOUDSDK_CONFIG") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(vars.text("HOME")?).join(".config/gcloud"),
    };
    Some(dir.join("application_default_credentials.json"))
}

async fn token_of(key: &Key, env: &Env) -> Result<Fetched<Secret>, Refusal> {
    let fetched = match &key.kind {
        key::Kind::ServiceAccount(account) => {
            let assertion = jwt::assertion(account, SCOPE, env.clock.unix())?;
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", assertion.expose()),
            ];
            let secrets = [&assertion, &account.private_key];
            let url = account.token_url.clone();
            oauth::token(&env.fetcher, url, &form, &secrets, REMEDY).await?
        }
        key::Kind::User(user) => {
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", user.client_id.expose()),
                ("client_secret", user.client_secret.expose()),
                ("refresh_token", user.refresh_token.expose()),
            ];
            let secrets = [&user.client_secret, &user.refresh_token];
            let url = user.token_url.clone();
            let remedy = "log in anew with `gcloud auth application-default login`";
            oauth::token(&env.fetcher, url, &form, &secrets, remedy).await?
        }
        key::Kind::Federated(federated) => federated::token(federated, env).await?,
    };
    match &key.impersonation {
        None => Ok(fetched),
        Some(other) => impersonate(&fetched.value, other, env).await,
    }
}

/// A token of another service account, which `token` may act for.
async fn impersonate(
    token: &Secret,
    other: &Impersonation,
    env: &Env,
) -> Result<Fetched<Secret>, Refusal> {
    let body = json!({
        "delegates": other.delegates,
        "scope": [SCOPE],
        "lifetime": format!("{}s", IMPERSONATED.as_secs()),
    });
    let mut request = fetch::post_json(other.url.clone(), &body);
    bearer(request.headers_mut(), token)?;
    let reply = env.fetcher.send(request).await?;
    if !reply.is_success() {
        let remedy = "give the account the role `roles/iam.serviceAccountTokenCreator` (or `workloadIdentityUser`) on the one it acts for";
        return Err(reply.refusal(&[token], remedy));
    }
    let json = reply.json()?;
    Ok(Fetched {
        value: reply.secret(&json, "accessToken")?,
        lifetime: Some(IMPERSONATED),
    })
}
