//! The variables that credentials come from, handed in.

use std::collections::HashMap;
use std::fmt;

use watchkeeper_core::secret::Secret;

/// The variables that are looked at.
pub(crate) const VARIABLES: [&str; 27] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL_STS",
    "AWS_EXTERNAL_ID",
    "AWS_PROFILE_NAME",
    "AWS_ROLE_ARN",
    "AWS_ROLE_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_NAME",
    "AWS_SESSION_TOKEN",
    "AWS_STS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_SCOPE",
    "AZURE_TENANT_ID",
    "CLOUDSDK_CONFIG",
    "GCE_METADATA_HOST",
    "GITHUB_COPILOT_ACCESS_TOKEN_FILE",
    "GITHUB_COPILOT_API_KEY_FILE",
    "GITHUB_COPILOT_API_KEY_URL",
    "GITHUB_COPILOT_TOKEN_DIR",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "HOME",
    "VERTEXAI_CREDENTIALS",
];

/// The values of [`VARIABLES`] that are set. Prints names only.
#[derive(Clone, Default)]
pub(crate) struct Vars(HashMap<&'static str, Secret>);

impl Vars {
    /// Takes the known variables from `get`. Empty values count as unset.
    pub(crate) fn from_fn(get: impl Fn(&str) -> Option<Secret>) -> Self {
        let known = VARIABLES.into_iter().filter_map(|name| {
            let value = get(name)?;
            (!value.expose().trim().is_empty()).then_some((name, value))
        });
        Self(known.collect())
    }

    /// The value of one of [`VARIABLES`], if it is set.
    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// As [`Self::get`], as text without surrounding space.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(|value| value.expose().trim())
    }
}

impl fmt::Debug for Vars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
