//! Snowflake Cortex: OpenAI's chat below an account's own host, with a JWT or (`pat/…`) an access token.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, json};

use super::super::Shape;
use super::super::join::join;
use super::super::openai::promises::{CHOICES, DATA};
use super::super::openai::prove;
use crate::ask::Ask;
use crate::base::{self, Base};
use crate::key;
use crate::mode::Mode;
use crate::params;
use crate::request::{ProbeRequest, authorize};

/// How an access token begins, to be told from a JWT. The beginning is not sent.
const ACCESS_TOKEN: &str = "pat/";

const TAILS: [&str; 3] = [
    "/api/v2/cortex/v1/chat/completions",
    "/api/v2/cortex/v1",
    "/api/v2",
];

/// The shape.
pub(super) struct Snowflake;

impl Shape for Snowflake {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = self.base(ask)?;
        let mut body = Map::new();
        body.insert("model".into(), ask.model.into());
        let (path, promise) = if ask.mode == Mode::Embedding {
            body.insert("text".into(), json!([ask.text]));
            ("/api/v2/cortex/inference:embed", DATA)
        } else {
            let messages = json!([{"role": "user", "content": ask.text}]);
            body.insert("messages".into(), messages);
            if let Some(limit) = ask.limit {
                body.insert("max_tokens".into(), limit.into());
            }
            params::copy_fields(&ask.target.params, &["temperature", "top_p"], &mut body);
            ("/api/v2/cortex/v1/chat/completions", CHOICES)
        };
        let url = join(&base.endpoint, &TAILS, path);
        let mut request = prove(ask, &base, ProbeRequest::post(url, &body, promise))?;
        let key = key::find(ask, &base);
        let token = key.and_then(|key| key.strip_prefix(ACCESS_TOKEN));
        if let Some(token) = token {
            // a key that could be sent with its beginning can be sent without
            let _ = authorize(&mut request.headers, &format!("Bearer {token}"));
        }
        if key.is_some() {
            request.headers.insert(
                HeaderName::from_static("x-snowflake-authorization-token-type"),
                HeaderValue::from_static(if token.is_some() {
                    "PROGRAMMATIC_ACCESS_TOKEN"
                } else {
                    "KEYPAIR_JWT"
                }),
            );
        }
        Ok(request)
    }

    fn free(&self, _: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        Ok(None)
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        let account = ask
            .param("account_id")
            .or_else(|| ask.variable(&["SNOWFLAKE_ACCOUNT_ID"]));
        let Some(account) = account else {
            return base::of(ask);
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !account.chars().all(plain) {
            return Err(
                "`account_id` of a Snowflake entry holds letters, digits, `-` and `_` only".into(),
            );
        }
        base::of_or(ask, &format!("https://{account}.snowflakecomputing.com"))
    }
}
