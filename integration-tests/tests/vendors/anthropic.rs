//! Anthropic's API, by the types of Anthropic's own package.

use serde_json::{Value, json};

use crate::ask::{Case, UPSTREAM, ask};
use crate::judge::{all_pass, question};

fn entry(model: &str, base: &str) -> Value {
    json!({"model": format!("anthropic/{model}"), "api_base": base, "api_key": "sk-ant-entry"})
}

pub(crate) fn message(model: &str) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": "ok", "citations": null}],
        "stop_reason": "end_turn", "stop_sequence": null, "stop_details": null, "container": null,
        "diagnostics": null,
        "usage": {
            "input_tokens": 10, "output_tokens": 4, "cache_creation": null, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0, "inference_geo": null, "output_tokens_details": null,
            "server_tool_use": null, "service_tier": "standard"
        }
    })
}

#[tokio::test]
async fn every_field_of_a_request_is_one_of_the_packages_and_answers_of_its_types_are_healthy() {
    let mut sampled = entry("claude-3-haiku-20240307", UPSTREAM);
    sampled["temperature"] = json!(0.5);
    sampled["top_p"] = json!(0.5);
    sampled["top_k"] = json!(5);
    sampled["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    let slash = format!("{UPSTREAM}/");
    let version = format!("{UPSTREAM}/v1");
    let complete = format!("{UPSTREAM}/v1/messages");
    let mut cases = vec![Case::new(
        "sampled",
        sampled,
        message("claude-3-haiku-20240307"),
    )];
    for (name, model, base) in [
        ("plain", "claude-sonnet-4-5", UPSTREAM),
        ("slash", "claude-opus-4-1", &slash),
        ("version", "claude-3-7-sonnet-latest", &version),
        ("complete", "claude-haiku-4-5", &complete),
    ] {
        cases.push(Case::new(name, entry(model, base), message(model)));
    }
    for mode in ["completion", "responses", "anthropic_messages"] {
        let case = Case::new(
            mode,
            entry("claude-sonnet-4-5", UPSTREAM),
            message("claude-sonnet-4-5"),
        );
        cases.push(case.info(json!({ "mode": mode })));
    }
    let asked = ask(cases, &[]).await;
    let questions: Vec<Value> = asked
        .iter()
        .map(|asked| question("anthropic", asked, &json!({"operation": "messages"})))
        .collect();
    all_pass(&questions);
    for asked in &asked {
        assert_eq!(asked.request.target, "/v1/messages", "{}", asked.name);
    }
}
