//! Asking a pod over HTTP: three reads, bounded in time and size.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use serde::de::DeserializeOwned;
use watchkeeper_api::v1::{self, ChecksAnswer, FleetAnswer, StatusAnswer};

use crate::exit::Failure;

/// A pod answers from memory; one that needs longer is not well.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For one whole answer: room for thousands of checks over a slow line.
const TIMEOUT: Duration = Duration::from_secs(5);
/// An answer of 10,000 checks with their errors has about 10 MiB.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// All that a pod says.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Picture {
    /// The pod itself.
    pub(super) status: StatusAnswer,
    /// Its fleet.
    pub(super) fleet: FleetAnswer,
    /// Every check.
    pub(super) checks: ChecksAnswer,
}

/// Why there is no picture. Each reads as one line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AskError {
    /// Nobody is there, or nobody answers in time.
    #[error(
        "no pod answers at `{url}`: {why}; is one running there, and is `--url` (or `WATCHKEEPER_URL`) right?"
    )]
    Silent { url: String, why: String },
    /// It wants a key and got none.
    #[error("the pod at `{url}` wants a key: set `WATCHKEEPER_API_KEY` or give `--api-key`")]
    NoKey { url: String },
    /// It does not know the key.
    #[error(
        "the pod at `{url}` refuses the key: `WATCHKEEPER_API_KEY` or `--api-key` must be one of its `http.api_keys`"
    )]
    WrongKey { url: String },
    /// It answered something else.
    #[error("what answers at `{url}` is no Watchkeeper pod, or another version of it: {why}")]
    Strange { url: String, why: String },
}

impl AskError {
    /// Whether asking again later may help.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::Strange { .. })
    }
}

/// A pod to be asked.
#[derive(Debug)]
pub(super) struct Pod {
    client: Client,
    /// Without a user and a password.
    base: Url,
    key: Option<HeaderValue>,
}

impl Pod {
    /// The pod at `url`; `http://` may be left out.
    pub(super) fn at(url: &str, key: Option<&str>) -> Result<Self, Failure> {
        let base = base(url)?;
        let key = key
            .map(|key| {
                let mut value =
                    HeaderValue::from_str(&format!("Bearer {}", key.trim())).map_err(|_| {
                        Failure::bad_config(
                            "the key holds a character that no header may hold, such as a line break",
                        )
                    })?;
                value.set_sensitive(true);
                Ok(value)
            })
            .transpose()?;
        let client = client(&base).map_err(|why| {
            Failure::failed(format!("the HTTP client could not be set up: {why}"))
        })?;
        Ok(Self { client, base, key })
    }

    /// Asks for everything at once.
    pub(super) async fn ask(&self) -> Result<Picture, AskError> {
        let (status, fleet, checks) = futures_util::try_join!(
            self.get(v1::STATUS),
            self.get(v1::FLEET),
            self.get(v1::CHECKS)
        )?;
        Ok(Picture {
            status,
            fleet,
            checks,
        })
    }

    fn url(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        let silent = |error: &reqwest::Error| AskError::Silent {
            url: self.url(),
            why: reason(error),
        };
        let strange = |why: String| AskError::Strange {
            url: self.url(),
            why: format!("`{path}` {why}"),
        };
        let mut request = self.client.get(url);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        let mut answer = request.send().await.map_err(|error| silent(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED if self.key.is_none() => {
                return Err(AskError::NoKey { url: self.url() });
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(AskError::WrongKey { url: self.url() });
            }
            other => return Err(strange(format!("answers {}", other.as_u16()))),
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| silent(&error))? {
            if body.len() + piece.len() > MAX_BODY_BYTES {
                return Err(strange(format!("answers more than {MAX_BODY_BYTES} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body).map_err(|error| strange(format!("answers oddly: {error}")))
    }
}

fn base(text: &str) -> Result<Url, Failure> {
    let text = text.trim();
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    // The text itself is not repeated: it may hold a password.
    let mut url = Url::parse(&whole).map_err(|error| {
        Failure::bad_config(format!(
            "`--url` (or `WATCHKEEPER_URL`) is not a URL: {error}; write it as `http://127.0.0.1:4100`"
        ))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Failure::bad_config(
            "`--url` (or `WATCHKEEPER_URL`) must begin with `http://` or `https://`",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::bad_config(
            "`--url` (or `WATCHKEEPER_URL`) holds a user or a password, which a pod does not take: give its key by \
             `WATCHKEEPER_API_KEY`",
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// No redirect, so that the key stays with the pod it was given for; no proxy on the way to this machine.
fn client(base: &Url) -> Result<Client, String> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT);
    let host = base.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    if host == "localhost" || address.is_ok_and(|address| address.is_loopback()) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| error.to_string())
}

/// The innermost reason, which is the one that says something.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::header::LOCATION;
    use axum::response::IntoResponse;
    use axum::routing::get;

    use super::*;

    /// A server that answers everything in one way.
    async fn server(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(get(move || async move { answer }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    async fn said(
        answer: impl IntoResponse + Clone + Send + Sync + 'static,
        key: Option<&str>,
    ) -> String {
        let url = server(answer).await;
        let error = Pod::at(&url, key).unwrap().ask().await.unwrap_err();
        error.to_string().replace(&url, "URL")
    }

    #[tokio::test]
    async fn a_key_that_is_missing_or_wrong_is_told_apart() {
        let missing = said(StatusCode::UNAUTHORIZED, None).await;
        assert!(
            missing.starts_with("the pod at `URL` wants a key"),
            "{missing}"
        );
        let wrong = said(StatusCode::UNAUTHORIZED, Some("sk-1")).await;
        assert!(
            wrong.starts_with("the pod at `URL` refuses the key"),
            "{wrong}"
        );
        assert!(!wrong.contains("sk-1"));
    }

    #[tokio::test]
    async fn something_else_than_a_pod_is_said_to_be_that() {
        for odd in ["", "{}", "<html>"] {
            let text = said(odd, None).await;
            assert!(text.contains("`URL` is no Watchkeeper pod"), "{text}");
        }
        let text = said(StatusCode::NOT_FOUND, None).await;
        assert!(text.ends_with("answers 404"), "{text}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let elsewhere = server("{}").await;
        let text = said((StatusCode::FOUND, [(LOCATION, elsewhere)]), Some("sk-1")).await;
        assert!(text.ends_with("answers 302"), "{text}");
    }

    #[tokio::test]
    async fn a_body_without_end_is_cut() {
        let text = said(vec![b' '; MAX_BODY_BYTES + 1], None).await;
        assert!(text.contains("answers more than"), "{text}");
    }

    #[tokio::test]
    async fn nobody_there_is_one_line_with_the_url_and_the_reason() {
        // Bound and dropped: nobody listens there.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = Pod::at(&url, None).unwrap().ask().await.unwrap_err();
        assert!(error.may_pass());
        let text = error.to_string();
        assert!(text.contains(&url) && text.contains("refused"), "{text}");
        assert!(!text.contains('\n'));
    }

    #[test]
    fn a_url_that_cannot_be_asked_is_bad_usage_and_not_repeated() {
        for bad in [
            "",
            "http://",
            "ftp://me:hunter22@h",
            "http://me:hunter22@h",
            "h:port",
        ] {
            let Err(Failure::BadConfig(why)) = Pod::at(bad, None).map(|_| ()) else {
                panic!("{bad} was taken");
            };
            assert!(
                why.contains("`--url`") && !why.contains("hunter22"),
                "{why}"
            );
        }
        assert!(matches!(
            Pod::at("http://h", Some("sk-1\nsk-2")),
            Err(Failure::BadConfig(_))
        ));
    }

    #[test]
    fn the_scheme_may_be_left_out_and_a_path_is_kept() {
        let pod = |url| Pod::at(url, None).unwrap().url();
        assert_eq!(pod("127.0.0.1:4100"), "http://127.0.0.1:4100");
        assert_eq!(pod("https://h/wk/?x=1#y"), "https://h/wk");
    }
}
