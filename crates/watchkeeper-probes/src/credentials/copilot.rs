//! GitHub Copilot: a short-lived key, fetched with the access token that a person's login left behind.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use serde_json::Value;
use url::Url;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Outcome;

use super::fetch::{self, Env, Fetched};
use super::file::{self, Unread};
use super::refusal::Refusal;
use super::vars::Vars;
use super::{Added, Parts, bearer};

/// Where short-lived keys come from, where `GITHUB_COPILOT_API_KEY_URL` names no other place.
const KEY_URL: &str = "https://api.github.com/copilot_internal/v2/token";

/// GitHub gives keys to editors only; LiteLLM, whose login is used, names this one.
const EDITOR: [(HeaderName, &str); 3] = [
    (HeaderName::from_static("editor-version"), "vscode/1.85.1"),
    (
        HeaderName::from_static("editor-plugin-version"),
        "copilot/1.155.0",
    ),
    (USER_AGENT, "GithubCopilot/1.155.0"),
];

/// What is left of a stored key's life, at least, for it to be used.
const MIN_LEFT: Duration = Duration::from_secs(60);

/// Longest time that a key is believed to be good for; GitHub's last about half an hour.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// How to log in, once.
const LOGIN: &str =
    "log in once through LiteLLM and mount its token directory (docs/providers.md has the command)";

/// Which Copilot account, and whether it says whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// Whether the request goes to the endpoint that the key names. Not so where the entry names a base of its own.
    pub(crate) endpoint_from_key: bool,
}

/// A short-lived key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    token: Secret,
    /// Where GitHub wants this account's requests.
    endpoint: Option<Url>,
}

/// Puts the key and, if wanted, its endpoint into the request.
pub(super) fn apply(source: &Source, key: &Key, parts: Parts<'_>) -> Result<Added, Refusal> {
    if let (true, Some(endpoint)) = (source.endpoint_from_key, &key.endpoint) {
        let moved = parts.url.set_scheme(endpoint.scheme()).is_ok()
            && parts.url.set_host(endpoint.host_str()).is_ok()
            && parts.url.set_port(endpoint.port()).is_ok();
        if !moved {
            return Err(Refusal::bad_answer(
                "GitHub named a Copilot endpoint that cannot be used",
            ));
        }
    }
    bearer(parts.headers, &key.token)?;
    Ok(vec![key.token.clone()])
}

/// The key that LiteLLM stored, while it is good; else a new one.
pub(super) async fn fetch(_: &Source, env: &Env) -> Result<Fetched<Key>, Refusal> {
    let files = Files::of(&env.vars)?;
    if let Ok(stored) = file::read(&files.key).await
        && let Ok(json) = serde_json::from_str::<Value>(stored.expose())
        && let Some(token) = json.get("token").and_then(Value::as_str)
        && let Some(lifetime) = lifetime(&json, env).filter(|left| *left >= MIN_LEFT)
    {
        return Ok(Fetched {
            value: Key {
                token: Secret::new(token),
                endpoint: endpoint(&json),
            },
            lifetime: Some(lifetime),
        });
    }
    let token = files.access_token().await?;
    ask(&token, env).await
}

async fn ask(access: &Secret, env: &Env) -> Result<Fetched<Key>, Refusal> {
    let name = "GITHUB_COPILOT_API_KEY_URL";
    let url = fetch::url(env.vars.text(name).unwrap_or(KEY_URL), name, false)?;
    let mut request = fetch::get(url);
    let headers = request.headers_mut();
    for (name, value) in EDITOR {
        headers.insert(name, HeaderValue::from_static(value));
    }
    super::set(
        headers,
        AUTHORIZATION,
        &format!("token {}", access.expose()),
    )
    .map_err(|_| {
        Refusal::config(format!(
            "the access token of GitHub Copilot is not a single line; {LOGIN}"
        ))
    })?;
    let reply = env.fetcher.send(request).await?;
    if !reply.is_success() {
        let remedy = format!("its access token is no longer good: {LOGIN}");
        let mut refusal = reply.refusal(&[access], &remedy);
        if reply.status == 404 {
            refusal = Refusal::new(
                Outcome::Forbidden,
                "GitHub knows of no Copilot subscription for the account of the access token; give it one, or log in with another",
            );
        }
        return Err(refusal);
    }
    let json = reply.json()?;
    Ok(Fetched {
        value: Key {
            token: reply.secret(&json, "token")?,
            endpoint: endpoint(&json),
        },
        lifetime: Some(lifetime(&json, env).unwrap_or(MIN_LEFT)),
    })
}

/// What is left until `expires_at`, in seconds since 1970.
fn lifetime(json: &Value, env: &Env) -> Option<Duration> {
    let end = json.get("expires_at")?.as_f64()?;
    let now = Duration::from_millis(u64::try_from(env.clock.unix().0).unwrap_or(0));
    let left = Duration::try_from_secs_f64(end).ok()?.checked_sub(now)?;
    Some(left.min(MAX_LIFETIME))
}

/// `endpoints.api`; dropped where a key may not be sent.
fn endpoint(json: &Value) -> Option<Url> {
    let text = json.get("endpoints")?.get("api")?.as_str()?;
    fetch::url(text, "endpoints.api", false).ok()
}

/// Where LiteLLM keeps its login.
struct Files {
    token: PathBuf,
    key: PathBuf,
}

impl Files {
    fn of(vars: &Vars) -> Result<Self, Refusal> {
        let dir = match (vars.text("GITHUB_COPILOT_TOKEN_DIR"), vars.text("HOME")) {
            (Some(dir), _) => PathBuf::from(dir),
            (None, Some(home)) => Path::new(home).join(".config/litellm/github_copilot"),
            (None, None) => {
                return Err(Refusal::config(format!(
                    "`github_copilot/` needs a login by a person: {LOGIN}, named by GITHUB_COPILOT_TOKEN_DIR"
                )));
            }
        };
        let file = |name, default| dir.join(vars.text(name).unwrap_or(default));
        Ok(Self {
            token: file("GITHUB_COPILOT_ACCESS_TOKEN_FILE", "access-token"),
            key: file("GITHUB_COPILOT_API_KEY_FILE", "api-key.json"),
        })
    }

    async fn access_token(&self) -> Result<Secret, Refusal> {
        let why = match file::read(&self.token).await {
            Ok(token) if !token.expose().is_empty() => return Ok(token),
            Ok(_) => "is empty".to_owned(),
            Err(Unread::Missing) => "does not exist".to_owned(),
            Err(Unread::Unusable(why)) => why,
        };
        Err(Refusal::config(format!(
            "`github_copilot/` needs a login by a person, and `{}` {why}; {LOGIN}, named by GITHUB_COPILOT_TOKEN_DIR",
            self.token.display()
        )))
    }
}
