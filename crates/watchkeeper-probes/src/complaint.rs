//! What an upstream says of an error, in the shapes that are met: its words, and its codes.

use serde_json::Value;

/// Where the upstream's words stand, the more telling first. Paths as in RFC 6901.
const WORDS: [&str; 21] = [
    // OpenAI, Azure, Anthropic, Google, OpenRouter, Groq
    "/error/message",
    // Ollama, TGI, Triton
    "/error",
    "/error/0",
    // vLLM, Mistral, Cohere, Bedrock, API gateways
    "/message",
    "/message/detail/0/msg",
    "/Message",
    // FastAPI, Replicate, ElevenLabs
    "/detail",
    "/detail/message",
    "/detail/0/msg",
    "/detail/0/message",
    // Cloudflare, watsonx
    "/errors/0/message",
    "/errors/0",
    // Deepgram
    "/err_msg",
    // IBM's and others' logins
    "/errorMessage",
    "/error_description",
    // nested once more: LiteLLM and other proxies
    "/error/error/message",
    "/error/msg",
    "/msg",
    "/reason",
    "/description",
    "/title",
];

/// Where its codes stand.
const CODES: [&str; 10] = [
    "/error/code",
    "/error/type",
    "/error/status",
    "/error/innererror/code",
    "/code",
    "/type",
    "/__type",
    "/error_type",
    "/error_code",
    "/errors/0/code",
];

/// The upstream's own words.
pub(crate) fn message(json: &Value) -> Option<String> {
    let json = first(json);
    let mut texts = WORDS.iter().filter_map(|path| json.pointer(path)?.as_str());
    texts.find(|text| !text.is_empty()).map(str::to_owned)
}

/// Whether one of its codes is one of these. AWS writes a namespace before its codes, and a URL behind them.
pub(crate) fn has_code(json: &Value, wanted: &[&str]) -> bool {
    let json = first(json);
    let mut codes = CODES
        .iter()
        .filter_map(|path| json.pointer(path)?.as_str())
        .chain(reasons(json));
    codes.any(|code| wanted.contains(&bare(code)))
}

/// Google's finer codes.
fn reasons(json: &Value) -> impl Iterator<Item = &str> {
    json.pointer("/error/details")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|detail| detail.get("reason")?.as_str())
}

/// A code without what AWS writes around it.
pub(crate) fn bare(code: &str) -> &str {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code)
}

/// Google's errors may come in a list.
fn first(json: &Value) -> &Value {
    json.get(0).unwrap_or(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_every_vendor_are_found() {
        for (vendor, body) in [
            (
                "OpenAI",
                r#"{"error":{"message":"the words","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
            ),
            (
                "Azure",
                r#"{"error":{"code":"DeploymentNotFound","message":"the words"}}"#,
            ),
            (
                "Azure's gateway",
                r#"{"statusCode":401,"message":"the words"}"#,
            ),
            (
                "Anthropic",
                r#"{"type":"error","error":{"type":"overloaded_error","message":"the words"},"request_id":"r"}"#,
            ),
            (
                "Google",
                r#"{"error":{"code":400,"message":"the words","status":"INVALID_ARGUMENT"}}"#,
            ),
            (
                "Google, streamed",
                r#"[{"error":{"code":400,"message":"the words"}}]"#,
            ),
            ("Bedrock", r#"{"message":"the words"}"#),
            (
                "AWS",
                r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"the words"}"#,
            ),
            ("Cohere", r#"{"id":"x","message":"the words"}"#),
            ("Ollama", r#"{"error":"the words"}"#),
            (
                "vLLM",
                r#"{"object":"error","message":"the words","type":"BadRequestError","param":null,"code":400}"#,
            ),
            (
                "FastAPI",
                r#"{"detail":[{"type":"missing","loc":["body"],"msg":"the words"}]}"#,
            ),
            ("FastAPI, plain", r#"{"detail":"the words"}"#),
            ("TGI", r#"{"error":"the words","error_type":"validation"}"#),
            ("TEI, older", r#"{"error":["the words"]}"#),
            (
                "Cloudflare",
                r#"{"result":null,"success":false,"errors":[{"code":10000,"message":"the words"}],"messages":[]}"#,
            ),
            (
                "Mistral",
                r#"{"object":"error","message":{"detail":[{"type":"missing","msg":"the words"}]},"type":"invalid_request_error"}"#,
            ),
            (
                "Mistral, plain",
                r#"{"message":"the words","request_id":"r"}"#,
            ),
            (
                "OpenRouter",
                r#"{"error":{"message":"the words","code":402,"metadata":{}},"user_id":"u"}"#,
            ),
            (
                "ElevenLabs",
                r#"{"detail":{"status":"invalid_api_key","message":"the words"}}"#,
            ),
            (
                "Deepgram",
                r#"{"err_code":"INVALID_AUTH","err_msg":"the words","request_id":"r"}"#,
            ),
            (
                "watsonx",
                r#"{"errors":[{"code":"model_not_supported","message":"the words"}],"trace":"t","status_code":404}"#,
            ),
            (
                "IBM's login",
                r#"{"errorCode":"BXNIM0415E","errorMessage":"the words"}"#,
            ),
            (
                "Replicate",
                r#"{"title":"Unauthenticated","detail":"the words","status":401}"#,
            ),
            (
                "Databricks",
                r#"{"error_code":"ENDPOINT_NOT_FOUND","message":"the words"}"#,
            ),
            (
                "a proxy's error in an error",
                r#"{"error":{"error":{"message":"the words"}}}"#,
            ),
            ("a list of texts", r#"{"errors":["the words"]}"#),
        ] {
            let json: Value = serde_json::from_str(body).unwrap();
            assert_eq!(message(&json).as_deref(), Some("the words"), "{vendor}");
        }
        for silent in ["{}", "[]", "null", "7", r#""text""#, r#"{"error":{}}"#] {
            let json: Value = serde_json::from_str(silent).unwrap();
            assert_eq!(message(&json), None, "{silent}");
        }
    }

    #[test]
    fn codes_are_found_without_what_stands_around_them() {
        for body in [
            r#"{"error":{"code":"x"}}"#,
            r#"{"error":{"code":400,"innererror":{"code":"x"}}}"#,
            r#"{"__type":"com.amazon.coral.service#x"}"#,
            r#"{"__type":"x:http://internal.amazon.com/"}"#,
            r#"[{"error":{"details":[{"@type":"t"},{"reason":"x"}]}}]"#,
            r#"{"error":"words","error_type":"x"}"#,
        ] {
            let json: Value = serde_json::from_str(body).unwrap();
            assert!(has_code(&json, &["y", "x"]), "{body}");
            assert!(!has_code(&json, &["y"]), "{body}");
        }
    }
}
