//! Google's credential files, parsed.

use serde_json::Value;
use url::Url;
use watchkeeper_core::secret::Secret;

use super::federated::Federated;
use crate::credentials::fetch;
use crate::credentials::refusal::Refusal;

/// Where tokens come from where a file names no other place.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// How to get a file that works.
const REMEDY: &str =
    "use a service account's key file, or the file of `gcloud auth application-default login`";

/// A credential file.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) kind: Kind,
    /// Whose token is asked for in the end, if not this account's.
    pub(super) impersonation: Option<Impersonation>,
    pub(super) project: Option<String>,
}

/// How it proves who it is.
#[derive(Debug)]
pub(super) enum Kind {
    ServiceAccount(ServiceAccount),
    User(User),
    Federated(Federated),
}

/// `service_account`.
#[derive(Debug)]
pub(super) struct ServiceAccount {
    pub(super) email: String,
    pub(super) private_key: Secret,
    pub(super) key_id: Option<String>,
    pub(super) token_url: Url,
}

/// `authorized_user`.
#[derive(Debug)]
pub(super) struct User {
    pub(super) client_id: Secret,
    pub(super) client_secret: Secret,
    pub(super) refresh_token: Secret,
    pub(super) token_url: Url,
}

/// A service account that the file's own account acts for.
#[derive(Debug)]
pub(super) struct Impersonation {
    pub(super) url: Url,
    pub(super) delegates: Vec<String>,
}

impl Key {
    /// Parses a file's text; `name` says where it was given.
    pub(super) fn parse(text: &Secret, name: &str) -> Result<Self, Refusal> {
        match serde_json::from_str(text.expose()) {
            Ok(json @ Value::Object(_)) => Fields { json: &json, name }.key(true),
            _ => Err(Refusal::config(format!(
                "`{name}` holds no JSON object; {REMEDY}"
            ))),
        }
    }
}

/// A JSON object of a credential file, and the file's name for errors.
pub(super) struct Fields<'a> {
    pub(super) json: &'a Value,
    pub(super) name: &'a str,
}

impl Fields<'_> {
    fn key(&self, may_nest: bool) -> Result<Key, Refusal> {
        let mut impersonation = self.impersonation()?;
        let mut project = self.optional("project_id");
        let kind = match self.optional("type").as_deref() {
            Some("service_account") => Kind::ServiceAccount(ServiceAccount {
                email: self.need("client_email")?,
                private_key: self.secret("private_key")?,
                key_id: self.optional("private_key_id"),
                token_url: self.url("token_uri", Some(TOKEN_URL))?,
            }),
            Some("authorized_user") => {
                project = project.or_else(|| self.optional("quota_project_id"));
                Kind::User(User {
                    client_id: self.secret("client_id")?,
                    client_secret: self.secret("client_secret")?,
                    refresh_token: self.secret("refresh_token")?,
                    token_url: self.url("token_uri", Some(TOKEN_URL))?,
                })
            }
            Some("external_account") => Kind::Federated(Federated::parse(self)?),
            Some("impersonated_service_account") if may_nest => {
                let source = Fields {
                    json: self.json.get("source_credentials").unwrap_or(&Value::Null),
                    name: self.name,
                };
                let inner = source.key(false)?;
                if inner.impersonation.is_some() {
                    return Err(self.wrong("acts for an account that acts for another"));
                }
                if impersonation.is_none() {
                    return Err(self.wrong("has no `service_account_impersonation_url`"));
                }
                return Ok(Key {
                    kind: inner.kind,
                    impersonation: impersonation.take(),
                    project: project.or(inner.project),
                });
            }
            Some(other) => {
                let shown = if other.len() <= 40 { other } else { "…" };
                return Err(self.wrong(&format!("is of type `{shown}`, which is not supported")));
            }
            None => return Err(self.wrong("has no `type`")),
        };
        Ok(Key {
            kind,
            impersonation,
            project,
        })
    }

    fn impersonation(&self) -> Result<Option<Impersonation>, Refusal> {
        let field = "service_account_impersonation_url";
        if self.optional(field).is_none() {
            return Ok(None);
        }
        let delegates = self.json.get("delegates").and_then(Value::as_array);
        Ok(Some(Impersonation {
            url: self.url(field, None)?,
            delegates: delegates
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
        }))
    }

    pub(super) fn optional(&self, field: &str) -> Option<String> {
        let text = self.json.get(field)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(super) fn need(&self, field: &str) -> Result<String, Refusal> {
        self.optional(field)
            .ok_or_else(|| self.wrong(&format!("has no `{field}`")))
    }

    fn secret(&self, field: &str) -> Result<Secret, Refusal> {
        self.need(field).map(Secret::new)
    }

    pub(super) fn url(&self, field: &str, default: Option<&str>) -> Result<Url, Refusal> {
        let text = match (self.optional(field), default) {
            (Some(text), _) => text,
            (None, Some(default)) => default.to_owned(),
            (None, None) => return Err(self.wrong(&format!("has no `{field}`"))),
        };
        fetch::url(&text, field, false)
    }

    pub(super) fn wrong(&self, why: &str) -> Refusal {
        Refusal::config(format!(
            "the Google credentials of `{}` cannot be used: the file {why}; {REMEDY}",
            self.name
        ))
    }
}
