//! The signed statement by which a service account asks for a token (RFC 7523).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::UnixMillis;

use super::key::ServiceAccount;
use crate::credentials::refusal::Refusal;

/// How long the statement holds; Google allows an hour at most.
const LIFETIME_SECS: i64 = 3600;

/// Signs that `account` asks for a token of `scope` at `now`.
pub(super) fn assertion(
    account: &ServiceAccount,
    scope: &str,
    now: UnixMillis,
) -> Result<Secret, Refusal> {
    let issued = now.0.div_euclid(1000);
    let mut head = json!({"alg": "RS256", "typ": "JWT"});
    if let (Some(id), Some(head)) = (&account.key_id, head.as_object_mut()) {
        head.insert("kid".into(), Value::from(id.as_str()));
    }
    let claims = json!({
        "iss": account.email,
        "scope": scope,
        "aud": account.token_url.as_str(),
        "iat": issued,
        "exp": issued + LIFETIME_SECS,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(&claims));
    let Some(signature) = sign(&account.private_key, text.as_bytes()) else {
        return Err(Refusal::config(
            "the `private_key` of the Google service account is no RSA key in PEM; download the key file anew, and keep its line breaks (`\\n`) when it is passed as text",
        ));
    };
    Ok(Secret::new(format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(signature)
    )))
}

/// RSASSA-PKCS1-v1_5 with SHA-256, by the crypto that TLS uses.
fn sign(pem: &Secret, message: &[u8]) -> Option<Vec<u8>> {
    let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).ok()?;
    let key = rustls::crypto::ring::sign::any_supported_type(&der).ok()?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])?;
    signer.sign(message).ok()
}
