//! From an account to keys: given ones, a profile, or the official chain; then a role on top.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, imds};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_async::time::TimeSource;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::Clock;
use watchkeeper_core::verdict::Outcome;

use super::connector::{Connector, Trouble};
use super::sign::system_time;
use super::{Account, Base, Keys, sts};
use crate::credentials::fetch::{Env, Fetched};
use crate::credentials::file;
use crate::credentials::refusal::{Refusal, quoted};

/// Fetches the keys of an account.
pub(in crate::credentials) async fn fetch(
    account: &Account,
    env: &Env,
) -> Result<Fetched<Keys>, Refusal> {
    let trouble = Trouble::default();
    let http = Connector::new(env.fetcher.clone(), trouble.clone());
    let time = Time(Arc::clone(&env.clock));
    let region = account.region.clone().map(Region::new);
    if let Some(role) = &account.role
        && let Some(token) = &role.web_identity_token
    {
        let token = web_identity_token(token).await?;
        let sts = sts::client(account, None, http, time);
        let found = sts::web_identity(&sts, role, &token, &trouble).await?;
        return Ok(kept(&found, env));
    }
    let config = ProviderConfig::empty()
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_region(region.clone())
        .with_time_source(time.clone())
        .with_http_client(http.clone())
        .with_retry_config(RetryConfig::disabled());
    let base = match &account.base {
        Base::HalfKeys => {
            return Err(Refusal::config(
                "`aws_access_key_id` and `aws_secret_access_key` are needed both, in the entry or as variables",
            ));
        }
        Base::Keys(keys) => keys.credentials(),
        Base::Profile(name) => {
            let profile = ProfileFileCredentialsProvider::builder()
                .configure(&config)
                .profile_name(name)
                .build();
            let found = profile.provide_credentials().await;
            found.map_err(|error| refusal(&error, &trouble, Some(name)))?
        }
        Base::Chain => {
            // on a machine of AWS it answers at once; elsewhere there is nobody to try again
            let imds = imds::Client::builder()
                .configure(&config)
                .max_attempts(1)
                .build();
            let mut chain = DefaultCredentialsChain::builder()
                .configure(config)
                .imds_client(imds);
            chain.set_region(region);
            let found = chain.build().await.provide_credentials().await;
            found.map_err(|error| refusal(&error, &trouble, None))?
        }
    };
    let found = match &account.role {
        None => base,
        Some(role) => {
            let keys = Keys::of(&base);
            let sts = sts::client(account, Some(base), http, time);
            sts::role(&sts, role, &keys, &trouble).await?
        }
    };
    Ok(kept(&found, env))
}

/// The token itself: as given, or from the file that LiteLLM's `oidc/file/…` names, read anew each time.
async fn web_identity_token(given: &Secret) -> Result<Secret, Refusal> {
    let text = given.expose();
    match (text.strip_prefix("oidc/file/"), text.starts_with("oidc/")) {
        (Some(path), _) => file::need(Path::new(path), "aws_web_identity_token").await,
        (None, true) => Err(Refusal::config(
            "`aws_web_identity_token` must be a token or `oidc/file/PATH`; other issuers are not supported",
        )),
        (None, false) => Ok(given.clone()),
    }
}

fn kept(found: &Credentials, env: &Env) -> Fetched<Keys> {
    let now = system_time(env.clock.unix());
    let left = |end: SystemTime| end.duration_since(now).unwrap_or(Duration::ZERO);
    Fetched {
        lifetime: found.expiry().map(left),
        value: Keys::of(found),
    }
}

/// Our clock as AWS's.
#[derive(Clone)]
pub(super) struct Time(Arc<dyn Clock>);

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Time")
    }
}

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        system_time(self.0.unix())
    }
}

/// Why the chain found nothing. `profile` is the one that was asked for.
fn refusal(error: &CredentialsError, trouble: &Trouble, profile: Option<&str>) -> Refusal {
    let whose = profile.map_or_else(
        || "no AWS credentials".to_owned(),
        |name| format!("no credentials from the AWS profile `{name}`"),
    );
    let outcome = match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            let text = match profile {
                None => "no AWS credentials: none in the entry, none in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, no shared files, no role of the pod or machine; set one of them".to_owned(),
                Some(_) => format!("{whose}; check the name and the files that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name"),
            };
            return Refusal::config(text);
        }
        CredentialsError::ProviderTimedOut(_) => Outcome::Timeout,
        CredentialsError::InvalidConfiguration(_) => Outcome::ConfigError,
        _ => match trouble.last() {
            Some(trouble) => trouble.outcome,
            // nothing was asked: a file, a variable
            None => Outcome::ConfigError,
        },
    };
    let why = innermost(error);
    if why.contains("cargo feature") {
        // AWS's words for developers
        return Refusal::config(format!(
            "{whose}: it uses `sso` or `credential_process`, which are not supported; use keys, a role or web identity"
        ));
    }
    Refusal::new(
        outcome,
        format!("{whose}: {why}; check the role or profile that this pod or machine is to use"),
    )
}

/// The innermost cause's words: the outer ones say only that a provider failed.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    quoted(&last.to_string(), &[])
}
