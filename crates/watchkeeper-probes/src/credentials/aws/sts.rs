//! AWS's token service: another role's keys, for keys or for a token of another issuer.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::{Client, Config, types};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Outcome;

use super::chain::{Time, innermost};
use super::connector::{Connector, Trouble};
use super::{Account, Keys, Role};
use crate::credentials::refusal::{Refusal, quoted};

/// A client that asks once.
pub(super) fn client(
    account: &Account,
    base: Option<Credentials>,
    http: Connector,
    time: Time,
) -> Client {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(account.region.clone().map(Region::new))
        .http_client(http)
        .time_source(time)
        .retry_config(RetryConfig::disabled());
    config.set_endpoint_url(account.sts_endpoint.clone());
    if let Some(base) = base {
        config = config.credentials_provider(base);
    }
    Client::from_conf(config.build())
}

/// Takes on a role with the keys of the client.
pub(super) async fn role(
    client: &Client,
    role: &Role,
    base: &Keys,
    trouble: &Trouble,
) -> Result<Credentials, Refusal> {
    let secrets: Vec<&Secret> = [&base.secret]
        .into_iter()
        .chain(&base.token)
        .chain(&role.external_id)
        .collect();
    let answer = client
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(&role.session_name)
        .set_external_id(role.external_id.as_ref().map(|id| id.expose().to_owned()))
        .send()
        .await
        .map_err(|error| refusal(&error, role, &secrets, trouble))?;
    credentials(answer.credentials)
}

/// Takes on a role with a token of another issuer.
pub(super) async fn web_identity(
    client: &Client,
    role: &Role,
    token: &Secret,
    trouble: &Trouble,
) -> Result<Credentials, Refusal> {
    let answer = client
        .assume_role_with_web_identity()
        .role_arn(&role.arn)
        .role_session_name(&role.session_name)
        .web_identity_token(token.expose())
        .send()
        .await
        .map_err(|error| refusal(&error, role, &[token], trouble))?;
    credentials(answer.credentials)
}

fn credentials(found: Option<types::Credentials>) -> Result<Credentials, Refusal> {
    let Some(found) = found else {
        return Err(Refusal::bad_answer(
            "AWS's token service answered without credentials",
        ));
    };
    let end = (*found.expiration()).try_into().ok();
    Ok(Credentials::new(
        found.access_key_id,
        found.secret_access_key,
        Some(found.session_token),
        end,
        "watchkeeper",
    ))
}

fn refusal<E, R>(
    error: &SdkError<E, R>,
    role: &Role,
    secrets: &[&Secret],
    trouble: &Trouble,
) -> Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let trouble = trouble.last();
    let Some(code) = error.code() else {
        // no answer, or none of AWS's
        return trouble.unwrap_or_else(|| {
            Refusal::bad_answer(format!(
                "AWS's token service did not answer as it should: {}",
                innermost(error)
            ))
        });
    };
    let said = quoted(error.message().unwrap_or_default(), secrets);
    let outcome = trouble.map_or(Outcome::BadAnswer, |trouble| trouble.outcome);
    Refusal::new(
        outcome,
        format!(
            "AWS gave no keys for the role `{}` (`{code}`: {said}); check its trust policy and the keys that ask for it",
            role.arn
        ),
    )
}
