//! What has to be fetched or computed before a request can prove who it is.
//!
//! ```text
//!   provider ──▶ Signing              pure: which credentials, from the entry's parameters
//!                   │
//!   Credentials ─▶ kept? ──no──▶ fetch (aws, google, entra, copilot)     one at a time per account
//!                   │
//!                 headers
//! ```
//!
//! Credentials are fetched when a probe needs them, never ahead of one, and kept until shortly before they end.

#[cfg_attr(not(feature = "aws"), allow(dead_code))]
pub(crate) mod aws;
pub(crate) mod copilot;
pub(crate) mod entra;
mod fetch;
mod file;
pub(crate) mod google;
mod kept;
mod oauth;
mod refusal;
#[cfg(test)]
mod tests;
mod vars;

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use url::Url;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::Clock;

use fetch::Fetcher;
use kept::Kept;
pub(crate) use refusal::Refusal;
#[allow(unused_imports, reason = "the prober's options take the names")]
pub(crate) use vars::{VARIABLES, Vars};

/// How a request is to be signed just before it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Signing {
    /// Nothing to do: the key, if any, stands in the headers.
    None,
    /// AWS's signature, version 4.
    Aws(aws::Source),
    /// A Google access token as bearer.
    Google(google::Source),
    /// A Microsoft Entra access token as bearer.
    Entra(entra::Source),
    /// A short-lived GitHub Copilot key as bearer.
    Copilot(copilot::Source),
}

/// The request that is about to leave.
#[cfg_attr(not(feature = "aws"), allow(dead_code))]
pub(crate) struct Parts<'a> {
    pub(crate) method: &'a Method,
    /// Changed where the credentials say whom to ask: Copilot's endpoint, [`google::PROJECT`].
    pub(crate) url: &'a mut Url,
    /// All that will be sent but `User-Agent` and `Content-Length`; a signature covers what stands here.
    pub(crate) headers: &'a mut HeaderMap,
    pub(crate) body: &'a [u8],
}

/// What was put into a request and must not be shown when the upstream echoes it.
pub(crate) type Added = Vec<Secret>;

/// The two ways out. Both follow no redirect and retry nothing.
#[derive(Clone)]
pub(crate) struct Clients {
    /// For `https`; may go through a proxy.
    pub(crate) outward: reqwest::Client,
    /// For plain `http`, which only the metadata services of a machine or cluster speak. It uses no proxy: one would
    /// answer with its own machine's identity.
    pub(crate) direct: reqwest::Client,
}

/// Fetched credentials, kept until shortly before they end; shared by all probes of a prober.
pub(crate) struct Credentials {
    env: fetch::Env,
    aws: Kept<aws::Account, aws::Keys>,
    google: Kept<google::Source, google::Token>,
    entra: Kept<entra::Source, Secret>,
    copilot: Kept<copilot::Source, copilot::Key>,
}

impl Credentials {
    /// Nothing is fetched yet. `vars` holds the variables of [`VARIABLES`]; AWS's chain of credentials reads its own
    /// variables and files from the process.
    pub(crate) fn new(clients: Clients, vars: Vars, clock: Arc<dyn Clock>) -> Self {
        Self {
            aws: Kept::new(Arc::clone(&clock)),
            google: Kept::new(Arc::clone(&clock)),
            entra: Kept::new(Arc::clone(&clock)),
            copilot: Kept::new(Arc::clone(&clock)),
            env: fetch::Env {
                fetcher: Fetcher::new(clients),
                vars,
                clock,
            },
        }
    }

    /// Puts what proves the request's identity into `parts`, and fetches it first where it has to be.
    ///
    /// Ends at `deadline` at the latest. What it returns is to be kept out of every text about the answer.
    ///
    /// # Errors
    /// [`Refusal`]: why there is no identity, in words for people, with the remedy and without any secret.
    pub(crate) async fn sign(
        &self,
        signing: &Signing,
        parts: Parts<'_>,
        deadline: Instant,
    ) -> Result<Added, Refusal> {
        match signing {
            Signing::None => Ok(Vec::new()),
            Signing::Aws(source) => {
                let account = source.account(&self.env.vars);
                let fetch = || aws::fetch(&account, &self.env);
                let keys = self.aws.get(&account, deadline, fetch).await?;
                aws::sign(source, &keys, parts, self.env.clock.unix())
            }
            Signing::Google(source) => {
                let fetch = || google::fetch(source, &self.env);
                let token = self.google.get(source, deadline, fetch).await?;
                google::apply(&token, parts)
            }
            Signing::Entra(source) => {
                let source = source.filled(&self.env.vars);
                let fetch = || entra::fetch(&source, &self.env);
                let token = self.entra.get(&source, deadline, fetch).await?;
                bearer(parts.headers, &token).map(|()| vec![token])
            }
            Signing::Copilot(source) => {
                let fetch = || copilot::fetch(source, &self.env);
                let key = self.copilot.get(source, deadline, fetch).await?;
                copilot::apply(source, &key, parts)
            }
        }
    }

    /// The upstream does not accept who signed: unless the credentials are fresh, the next probe fetches new ones.
    pub(crate) fn refused(&self, signing: &Signing) {
        match signing {
            Signing::None => {}
            Signing::Aws(source) => self.aws.forget(&source.account(&self.env.vars)),
            Signing::Google(source) => self.google.forget(source),
            Signing::Entra(source) => self.entra.forget(&source.filled(&self.env.vars)),
            Signing::Copilot(source) => self.copilot.forget(source),
        }
    }
}

/// Sets `Authorization: Bearer`.
fn bearer(headers: &mut HeaderMap, token: &Secret) -> Result<(), Refusal> {
    set(
        headers,
        AUTHORIZATION,
        &format!("Bearer {}", token.expose()),
    )
}

/// Sets a header that is a secret.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Refusal> {
    let Ok(mut value) = HeaderValue::from_str(value) else {
        return Err(Refusal::bad_answer(
            "the fetched credentials hold a line break or another character that cannot stand in a header",
        ));
    };
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}
