//! GitHub Copilot: OpenAI's calls, by a key that is fetched with a login which a person left behind.
//!
//! What differs from LiteLLM's request, and why:
//! - No `x-request-id`: a request is a pure function of its check. `User-Agent` is the prober's own.
//! - A key in the entry (`api_key`) is not looked at, as in LiteLLM: only the login counts. It is looked for when the
//!   probe is made, so a plan needs none; without one the probe is a `config_error` that says how to log in.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, json};

use super::join::join;
use super::openai::body::LEAST_OUTPUT;
use super::openai::promises::{CHOICES, DATA, OUTPUT};
use super::{Free, Provider, Shape};
use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::credentials::{Signing, copilot};
use crate::key::Scheme;
use crate::mode::Mode;
use crate::params;
use crate::promise::{Models, Promise};
use crate::request::{Auth, ProbeRequest};

/// What GitHub wants to hear of every client.
const HEADERS: [(&str, &str); 7] = [
    ("copilot-integration-id", "vscode-chat"),
    ("editor-version", "vscode/1.95.0"),
    ("editor-plugin-version", "copilot-chat/0.26.7"),
    ("openai-intent", "conversation-panel"),
    ("x-github-api-version", "2025-04-01"),
    ("x-vscode-user-agent-library-version", "electron-fetch"),
    ("x-initiator", "user"),
];

/// Ends of bases that are complete URLs.
const TAILS: [&str; 4] = ["/chat/completions", "/embeddings", "/responses", "/models"];

/// The shape.
struct Copilot;

/// The rows.
pub(super) static ROWS: [Provider; 1] = [Provider {
    name: "github_copilot",
    shape: &Copilot,
    base: "https://api.githubcopilot.com",
    base_vars: &["GITHUB_COPILOT_API_BASE"],
    key_vars: &[],
    other_vars: &[],
    scheme: Scheme::Bearer,
    needs_key: false,
    modes: &[
        Mode::Chat,
        Mode::Completion,
        Mode::Responses,
        Mode::Embedding,
    ],
    free: Free::None,
    fault: 500,
}];

impl Shape for Copilot {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let mut body = Map::new();
        body.insert("model".into(), ask.model.into());
        let (path, promise) = match ask.mode {
            Mode::Embedding => {
                body.insert("input".into(), json!([ask.text]));
                params::copy_fields(&ask.target.params, &params::EMBEDDING, &mut body);
                ("/embeddings", DATA)
            }
            Mode::Responses => {
                body.insert("input".into(), ask.text.into());
                if let Some(limit) = ask.limit {
                    let limit = limit.max(LEAST_OUTPUT);
                    body.insert("max_output_tokens".into(), limit.into());
                }
                ("/responses", OUTPUT)
            }
            _ => {
                let messages = json!([{"role": "user", "content": ask.text}]);
                body.insert("messages".into(), messages);
                if let Some(limit) = ask.limit {
                    body.insert("max_tokens".into(), limit.into());
                }
                params::copy_fields(&ask.target.params, &params::CHAT_OTHER, &mut body);
                ("/chat/completions", CHOICES)
            }
        };
        params::merge_extra_body(&ask.target.params, &mut body);
        let request = ProbeRequest::post(join(&base.endpoint, &TAILS, path), &body, promise);
        finish(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base::of(ask)?;
        let promise = Promise::Models(Models {
            list: "data",
            names: &["id"],
            wanted: (!ask.is_wildcard()).then(|| ask.model.to_owned()),
        });
        let request = ProbeRequest::get(join(&base.endpoint, &TAILS, "/models"), promise);
        finish(ask, &base, request).map(Some)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        model.starts_with("text-embedding-").then_some("embedding")
    }
}

/// With GitHub's headers, the entry's, and the key that is put in before it leaves.
fn finish(ask: &Ask<'_>, base: &Base, mut request: ProbeRequest) -> Result<ProbeRequest, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    request.headers.extend(headers);
    params::add_headers(&ask.target.params, &mut request.headers)?;
    if base.origin == Origin::Entry {
        // a Copilot key is GitHub's: it goes to GitHub's hosts, and to what the environment names for it
        return Ok(request);
    }
    let source = copilot::Source {
        endpoint_from_key: base.origin == Origin::Vendor && base::given(ask).is_none(),
    };
    Ok(request.signed(Auth::Token, Signing::Copilot(source)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use watchkeeper_core::verdict::Outcome;

    use crate::credentials::{Signing, copilot::Source};
    use crate::providers::trial::{resolved, told, verdict};

    #[test]
    fn the_exact_request_of_each_mode_and_tier() {
        let with = |json: bool| {
            let mut all = json!({
                "copilot-integration-id": "vscode-chat", "editor-version": "vscode/1.95.0",
                "editor-plugin-version": "copilot-chat/0.26.7", "openai-intent": "conversation-panel",
                "x-github-api-version": "2025-04-01", "x-vscode-user-agent-library-version": "electron-fetch",
                "x-initiator": "user",
            });
            if json {
                all["accept"] = "application/json".into();
                all["content-type"] = "application/json".into();
            }
            all
        };
        let base = "https://api.githubcopilot.com";
        let post = |path: &str, body: Value| json!({"to": format!("POST {base}{path}"), "auth": "oauth", "billed": true, "tier": "inference", "headers": with(true), "body": body});
        #[rustfmt::skip]
        let rows = [
            (json!({"model": "github_copilot/gpt-4o"}), post("/chat/completions",
                json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16}))),
            (json!({"model": "github_copilot/gpt-5-codex", "mode": "responses"}), post("/responses",
                json!({"model": "gpt-5-codex", "input": "Say ok.", "max_output_tokens": 16}))),
            (json!({"model": "github_copilot/gpt-5-codex", "mode": "responses", "health_check_max_tokens": 5}), post("/responses",
                json!({"model": "gpt-5-codex", "input": "Say ok.", "max_output_tokens": 16}))),
            (json!({"model": "github_copilot/text-embedding-3-small"}), post("/embeddings",
                json!({"model": "text-embedding-3-small", "input": ["Say ok."]}))),
            (json!({"model": "github_copilot/*"}), json!({"to": format!("GET {base}/models"), "auth": "oauth",
                "billed": false, "tier": "free", "headers": with(false), "body": null})),
        ];
        for (entry, want) in rows {
            let request = resolved(&entry, &[]).unwrap().request;
            assert_eq!(told(&request), want, "{entry}");
            let source = Source {
                endpoint_from_key: true,
            };
            assert_eq!(request.signing, Signing::Copilot(source), "{entry}");
        }
    }

    #[test]
    fn githubs_key_goes_to_github_and_to_what_the_environment_names_and_nowhere_else() {
        let signing = |base: Option<&str>, vars: &[(&str, &str)]| {
            let mut entry = json!({"model": "github_copilot/gpt-4o"});
            if let Some(base) = base {
                entry["api_base"] = base.into();
            }
            resolved(&entry, vars).unwrap().request.signing
        };
        let fixed = || {
            Signing::Copilot(Source {
                endpoint_from_key: false,
            })
        };
        assert_eq!(signing(Some("https://gw/v1"), &[]), Signing::None);
        assert_eq!(signing(Some("https://api.githubcopilot.com"), &[]), fixed());
        let vars = [("GITHUB_COPILOT_API_BASE", "https://copilot.corp")];
        assert_eq!(signing(None, &vars), fixed());
    }

    #[test]
    fn answers_have_their_verdicts() {
        let chat = json!({"model": "github_copilot/gpt-4o"});
        let list = json!({"model": "github_copilot/gpt-4o", "probe": "free"});
        let good =
            r#"{"model":"gpt-4o","choices":[{"message":{"content":""},"finish_reason":"length"}]}"#;
        #[rustfmt::skip]
        let rows = [
            (&chat, 200, good, Outcome::Healthy),
            (&chat, 400, r#"{"error":{"message":"The requested model is not supported.","code":"model_not_supported"}}"#, Outcome::NotFound),
            (&chat, 401, "unauthorized: token expired", Outcome::Unauthorized),
            (&list, 200, r#"{"data":[{"id":"gpt-4o"}]}"#, Outcome::Healthy),
            (&list, 200, r#"{"data":[{"id":"gpt-4.1"}]}"#, Outcome::NotFound),
        ];
        for (entry, status, body, want) in rows {
            assert_eq!(verdict(entry, &[], status, body).outcome, want, "{body}");
        }
    }
}
