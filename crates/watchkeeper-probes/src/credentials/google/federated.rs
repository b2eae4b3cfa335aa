//! Workload identity federation (`external_account`): another issuer's token, from a file or a URL, is exchanged for
//! Google's (RFC 8693).

use std::path::PathBuf;

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;
use watchkeeper_core::secret::Secret;

use super::SCOPE;
use super::key::Fields;
use crate::credentials::fetch::{self, Env, Fetched};
use crate::credentials::refusal::Refusal;
use crate::credentials::{file, oauth};

/// Where tokens are exchanged where a file names no other place.
const STS_URL: &str = "https://sts.googleapis.com/v1/token";

/// What to do when the exchange is refused.
const REMEDY: &str = "check that the pool and provider of the Google credentials accept this issuer, audience and subject";

/// `external_account`.
#[derive(Debug)]
pub(super) struct Federated {
    audience: String,
    subject_token_type: String,
    token_url: Url,
    source: Subject,
    /// The field of a JSON answer or file that holds the token; `None` where all of it is the token.
    field: Option<String>,
}

/// Where the other issuer's token comes from.
#[derive(Debug)]
enum Subject {
    File(PathBuf),
    Url(Url, Vec<(HeaderName, HeaderValue)>),
}

impl Federated {
    pub(super) fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let source = Fields {
            json: fields.json.get("credential_source").unwrap_or(&Value::Null),
            name: fields.name,
        };
        let subject = match (source.optional("file"), source.optional("url")) {
            (Some(path), _) => Subject::File(path.into()),
            (None, Some(_)) if source.optional("environment_id").is_some() => {
                return Err(fields.wrong("takes its token from AWS, which is not supported"));
            }
            (None, Some(text)) => {
                let headers = source.json.get("headers").and_then(Value::as_object);
                let mut list = Vec::new();
                for (name, value) in headers.into_iter().flatten() {
                    let name = HeaderName::from_bytes(name.as_bytes());
                    let value = HeaderValue::from_str(value.as_str().unwrap_or_default());
                    let (Ok(name), Ok(mut value)) = (name, value) else {
                        return Err(fields.wrong("has a header that cannot be sent"));
                    };
                    value.set_sensitive(true);
                    list.push((name, value));
                }
                // a metadata service of another cloud speaks plain HTTP
                Subject::Url(fetch::url(&text, "credential_source.url", true)?, list)
            }
            (None, None) => {
                return Err(fields.wrong("takes its token from a program, which is not supported"));
            }
        };
        let format = source.json.get("format");
        let kind = format.and_then(|f| f.get("type")).and_then(Value::as_str);
        let field = format
            .and_then(|f| f.get("subject_token_field_name"))
            .and_then(Value::as_str)
            .unwrap_or("access_token");
        Ok(Self {
            audience: fields.need("audience")?,
            subject_token_type: fields.need("subject_token_type")?,
            token_url: fields.url("token_url", Some(STS_URL))?,
            source: subject,
            field: (kind == Some("json")).then(|| field.to_owned()),
        })
    }
}

/// Exchanges the other issuer's token, which is read anew each time.
pub(super) async fn token(federated: &Federated, env: &Env) -> Result<Fetched<Secret>, Refusal> {
    let subject = subject(federated, env).await?;
    let form = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("audience", federated.audience.as_str()),
        ("scope", SCOPE),
        ("subject_token_type", federated.subject_token_type.as_str()),
        ("subject_token", subject.expose()),
    ];
    let url = federated.token_url.clone();
    oauth::token(&env.fetcher, url, &form, &[&subject], REMEDY).await
}

async fn subject(federated: &Federated, env: &Env) -> Result<Secret, Refusal> {
    let text = match &federated.source {
        Subject::File(path) => file::need(path, "credential_source.file").await?,
        Subject::Url(url, headers) => {
            let mut request = fetch::get(url.clone());
            for (name, value) in headers {
                request.headers_mut().insert(name, value.clone());
            }
            let reply = env.fetcher.send(request).await?;
            if !reply.is_success() {
                return Err(
                    reply.refusal(&[], "check `credential_source` of the Google credentials")
                );
            }
            Secret::new(String::from_utf8_lossy(&reply.body).trim())
        }
    };
    let token = match &federated.field {
        None => Some(text),
        Some(field) => serde_json::from_str::<Value>(text.expose())
            .ok()
            .and_then(|json| Some(Secret::new(json.get(field)?.as_str()?.trim()))),
    };
    token
        .filter(|token| !token.expose().is_empty())
        .ok_or_else(|| {
            Refusal::config(
                "`credential_source` of the Google credentials gives no token; check its file or URL, and `format`",
            )
        })
}
