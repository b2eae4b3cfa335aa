//! AWS's signature, version 4, by AWS's own signer.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as compute};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use reqwest::header::HeaderName;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::UnixMillis;

use super::{Keys, Source};
use crate::credentials::refusal::Refusal;
use crate::credentials::{Added, Parts, set};

/// Signs method, URL, headers and body as they stand. The path is encoded a second time, as every service but S3 wants.
pub(in crate::credentials) fn sign(
    source: &Source,
    keys: &Keys,
    parts: Parts<'_>,
    now: UnixMillis,
) -> Result<Added, Refusal> {
    let identity: Identity = keys.credentials().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&source.region)
        .name(source.service)
        .time(system_time(now))
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| unsignable())?
        .into();
    // a header that is no text cannot be signed, and need not be
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let request = SignableRequest::new(
        parts.method.as_str(),
        parts.url.as_str(),
        headers,
        SignableBody::Bytes(parts.body),
    )
    .map_err(|_| unsignable())?;
    let (instructions, signature) = compute(request, &params)
        .map_err(|_| unsignable())?
        .into_parts();
    let (headers, _) = instructions.into_parts();
    for header in headers {
        set(
            parts.headers,
            HeaderName::from_static(header.name()),
            header.value(),
        )?;
    }
    let mut added = vec![keys.id.clone(), keys.secret.clone(), Secret::new(signature)];
    added.extend(keys.token.clone());
    Ok(added)
}

impl Keys {
    /// From AWS's type.
    pub(super) fn of(found: &Credentials) -> Self {
        Self {
            id: Secret::new(found.access_key_id()),
            secret: Secret::new(found.secret_access_key()),
            token: found.session_token().map(Secret::new),
        }
    }

    /// As AWS's crates take them. Without an end: that is watched where they are kept.
    pub(super) fn credentials(&self) -> Credentials {
        Credentials::new(
            self.id.expose(),
            self.secret.expose(),
            self.token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "watchkeeper",
        )
    }
}

/// The wall clock as the standard library's type.
pub(super) fn system_time(now: UnixMillis) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0))
}

fn unsignable() -> Refusal {
    Refusal::config(
        "this request cannot be signed for AWS; check the base URL, the region and the extra headers of the entry",
    )
}
