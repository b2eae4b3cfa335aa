use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};
use proptest::prelude::*;

use crate::fake::*;

const PATHS: [&str; 12] = [
    "/health",
    "/health/shared-status",
    "/health/latest",
    "/health/history",
    "/health/liveness",
    "/health/readiness",
    "/v1/checks",
    "/v1/checks/a",
    "/v1/checks/a/history",
    "/v1/fleet",
    "/v1/status",
    "/metrics",
];

fn a_query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("model".to_owned()),
        Just("model_id".to_owned()),
        Just("limit".to_owned()),
        Just("offset".to_owned()),
        Just("status_filter".to_owned()),
        "[!-~]{0,8}",
    ];
    let value = prop_oneof![
        "[0-9-]{0,22}",
        "[!-~]{0,20}",
        "(%[0-9a-fA-F]{2}){0,6}",
        Just("a".to_owned())
    ];
    proptest::collection::vec((name, value), 0..4).prop_map(|pairs| {
        pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_asked_gets_an_http_answer(
        path in prop_oneof![proptest::sample::select(PATHS.to_vec()).prop_map(str::to_owned), "/[!-~]{0,30}"],
        query in a_query(),
        method in proptest::sample::select(vec!["GET", "HEAD", "POST", "OPTIONS", "X"]),
        headers in proptest::collection::vec((
            proptest::sample::select(vec!["authorization", "content-length", "accept", "expect", "host"]),
            proptest::collection::vec(prop_oneof![Just(b' '), Just(b'\t'), 0x21u8..=0x7e, 0x80u8..=0xff], 0..30),
        ), 0..4),
        keyed in any::<bool>(),
    ) {
        let Ok(uri) = format!("{path}?{query}").parse::<Uri>() else { return Ok(()) };
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        *request.uri_mut() = uri;
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_bytes(&value).unwrap());
        }
        let mut snapshot = snapshot(vec![model("a", "a", "openai/a")]);
        found(&mut snapshot, 0, AT_ONCE, vec![timed_out(1.0)], 1.0);
        let api = with_keys(snapshot, if keyed { &["sk-one"] } else { &[] }, true);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(api.send(request));
        let status = answer.status.as_u16();
        prop_assert!(matches!(status, 200 | 400 | 401 | 404 | 405 | 422 | 503), "{status}");
        if status != 200 && method != "HEAD" {
            prop_assert!(answer.json().is_object());
        }
        if keyed && answer.status.is_success() {
            prop_assert!(path.starts_with("/health/liv") || path.starts_with("/health/read"), "{path}");
        }
    }
}
