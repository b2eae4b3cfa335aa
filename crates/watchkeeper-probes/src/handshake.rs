//! The opening handshake of WebSocket (RFC 6455, section 4): what says that the other side speaks it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use url::Url;

use crate::promise::Promise;
use crate::request::ProbeRequest;

/// What a server adds to the key before it digests it; RFC 6455 fixes it.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A handshake over HTTP/1.1 that bills nothing. Its nonce is all zeros until [`renew`] puts a real one in, so that a
/// request is the same whenever it is built.
pub(crate) fn request(url: Url) -> ProbeRequest {
    let mut request = ProbeRequest::get(
        url,
        Promise::Handshake {
            accept: String::new(),
        },
    );
    request.http1 = true;
    let headers = &mut request.headers;
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    renew(&mut request, [0; 16]);
    request
}

/// Gives a handshake its nonce and the answer that fits it; leaves every other request as it is.
pub(crate) fn renew(request: &mut ProbeRequest, nonce: [u8; 16]) {
    let Promise::Handshake { accept } = &mut request.promise else {
        return;
    };
    let key = STANDARD.encode(nonce);
    *accept = accept_of(&key);
    // base64 can always stand in a header
    if let Ok(value) = HeaderValue::from_str(&key) {
        request.headers.insert(SEC_WEBSOCKET_KEY, value);
    }
}

/// What a server answers to a key.
fn accept_of(key: &str) -> String {
    let mut digest = sha1_smol::Sha1::new();
    digest.update(key.as_bytes());
    digest.update(GUID.as_bytes());
    STANDARD.encode(digest.digest().bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_rfcs_example() {
        assert_eq!(
            accept_of("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn a_new_nonce_changes_key_and_answer_together_and_only_in_a_handshake() {
        let url = Url::parse("https://h/v1/realtime").unwrap();
        let mut shake = request(url.clone());
        renew(&mut shake, *b"the sample nonce");
        assert_eq!(
            shake.headers["sec-websocket-key"],
            "dGhlIHNhbXBsZSBub25jZQ=="
        );
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned();
        assert_eq!(shake.promise, Promise::Handshake { accept });
        let mut plain = ProbeRequest::get(url, Promise::Success);
        renew(&mut plain, [7; 16]);
        assert!(plain.headers.is_empty());
    }
}
