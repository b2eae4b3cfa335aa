//! AWS: which keys sign a request, and the signature.
//!
//! Entry and variables are read here, in LiteLLM's order; everything else (profiles, roles of a pod or machine) is the
//! official chain's, behind the feature `aws`.

#[cfg(feature = "aws")]
mod chain;
#[cfg(feature = "aws")]
mod connector;
#[cfg(feature = "aws")]
mod sign;
#[cfg(feature = "aws")]
mod sts;

use serde_json::{Map, Value};
use watchkeeper_core::secret::Secret;

#[cfg(not(feature = "aws"))]
use super::refusal::Refusal;
use super::vars::Vars;
#[cfg(feature = "aws")]
pub(super) use {chain::fetch, sign::sign};

/// The name of a role's session where none is given; the role's account sees it in its logs.
const SESSION_NAME: &str = "watchkeeper";

/// What signs a request: the service and region that the signature names, and what an entry says of its account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    service: &'static str,
    region: String,
    own: Own,
}

/// The fields of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Own {
    access_key_id: Option<Secret>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    profile: Option<String>,
    role: Option<String>,
    session_name: Option<String>,
    external_id: Option<Secret>,
    web_identity_token: Option<Secret>,
    sts_endpoint: Option<String>,
}

/// Whose keys are used: entry and variables together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Account {
    base: Base,
    role: Option<Role>,
    /// Where STS is asked; `None` where nothing has to be fetched.
    region: Option<String>,
    sts_endpoint: Option<String>,
}

/// The keys to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Base {
    Keys(Keys),
    /// A key id without its secret, or the other way round.
    HalfKeys,
    Profile(String),
    /// The chain: variables, shared files, web identity, container, machine.
    Chain,
}

/// A role to take on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Role {
    arn: String,
    session_name: String,
    external_id: Option<Secret>,
    web_identity_token: Option<Secret>,
}

/// An access key. Printed without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Keys {
    id: Secret,
    secret: Secret,
    token: Option<Secret>,
}

impl Source {
    /// `service` is the signature's name for the service (`bedrock`, `sagemaker`), `region` the one that is asked;
    /// the rest comes from the entry's `aws_…` parameters.
    pub(crate) fn from_params(
        service: &'static str,
        region: &str,
        params: &Map<String, Value>,
    ) -> Self {
        let text = |name: &str| {
            let text = params.get(name)?.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let secret = |name: &str| text(name).map(Secret::new);
        Self {
            service,
            region: region.to_owned(),
            own: Own {
                access_key_id: secret("aws_access_key_id"),
                secret_access_key: secret("aws_secret_access_key"),
                session_token: secret("aws_session_token"),
                profile: text("aws_profile_name"),
                role: text("aws_role_name"),
                session_name: text("aws_session_name"),
                external_id: secret("aws_external_id"),
                web_identity_token: secret("aws_web_identity_token"),
                sts_endpoint: text("aws_sts_endpoint"),
            },
        }
    }

    /// Adds the variables. What the entry names goes before them, and keys are never put together from both.
    pub(super) fn account(&self, vars: &Vars) -> Account {
        let own = &self.own;
        let var = |name: &str| vars.text(name).map(str::to_owned);
        let role = own.role.clone().or_else(|| var("AWS_ROLE_NAME"));
        let base = self.base(vars);
        // a pod of this very role already has it from the chain
        let has_role = base == Base::Chain
            && vars.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some()
            && role.as_deref() == vars.text("AWS_ROLE_ARN");
        // what the environment knows of a role goes to AWS, or where the environment says, and to no endpoint of an entry's
        let role_var = |own: &Option<Secret>, name: &str| {
            let from = own.clone();
            from.or_else(|| {
                vars.get(name)
                    .filter(|_| self.own.sts_endpoint.is_none())
                    .cloned()
            })
        };
        let role = role.filter(|_| !has_role).map(|arn| Role {
            arn,
            session_name: own
                .session_name
                .clone()
                .or_else(|| var("AWS_SESSION_NAME"))
                .unwrap_or_else(|| SESSION_NAME.to_owned()),
            external_id: role_var(&own.external_id, "AWS_EXTERNAL_ID"),
            web_identity_token: role_var(&own.web_identity_token, "AWS_WEB_IDENTITY_TOKEN"),
        });
        let fetches = role.is_some() || !matches!(base, Base::Keys(_) | Base::HalfKeys);
        let sts_endpoint = own
            .sts_endpoint
            .clone()
            .or_else(|| var("AWS_STS_ENDPOINT"))
            .or_else(|| var("AWS_ENDPOINT_URL_STS"));
        Account {
            base,
            role,
            region: fetches.then(|| self.region.clone()),
            sts_endpoint: sts_endpoint.filter(|_| fetches),
        }
    }

    fn base(&self, vars: &Vars) -> Base {
        let own = &self.own;
        if let Some(profile) = &own.profile {
            return Base::Profile(profile.clone());
        }
        let keys = |id: Option<&Secret>, secret: Option<&Secret>, token: Option<&Secret>| match (
            id, secret,
        ) {
            (Some(id), Some(secret)) => Some(Base::Keys(Keys {
                id: id.clone(),
                secret: secret.clone(),
                token: token.cloned(),
            })),
            (None, None) => None,
            _ => Some(Base::HalfKeys),
        };
        let entry = keys(
            own.access_key_id.as_ref(),
            own.secret_access_key.as_ref(),
            own.session_token.as_ref(),
        );
        if let Some(entry) = entry {
            return entry;
        }
        if let Some(profile) = vars.text("AWS_PROFILE_NAME") {
            return Base::Profile(profile.to_owned());
        }
        let environment = keys(
            vars.get("AWS_ACCESS_KEY_ID"),
            vars.get("AWS_SECRET_ACCESS_KEY"),
            vars.get("AWS_SESSION_TOKEN"),
        );
        environment.unwrap_or(Base::Chain)
    }
}

#[cfg(not(feature = "aws"))]
fn left_out() -> Refusal {
    Refusal::config(
        "this build has no AWS credentials; build it with the feature `aws`, or set `api_key` (AWS_BEARER_TOKEN_BEDROCK)",
    )
}

#[cfg(not(feature = "aws"))]
#[allow(clippy::unused_async)]
pub(super) async fn fetch(
    _: &Account,
    _: &super::fetch::Env,
) -> Result<super::fetch::Fetched<Keys>, Refusal> {
    Err(left_out())
}

#[cfg(not(feature = "aws"))]
pub(super) fn sign(
    _: &Source,
    _: &Keys,
    _: super::Parts<'_>,
    _: watchkeeper_core::time::UnixMillis,
) -> Result<super::Added, Refusal> {
    Err(left_out())
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod source_tests;
