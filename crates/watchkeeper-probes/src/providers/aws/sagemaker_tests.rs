//! The exact request per mode, where it goes, and what is made of answers.

use serde_json::json;
use watchkeeper_core::probe::Tier;
use watchkeeper_core::verdict::Outcome;

use crate::providers::fixture::{body, headers, request, verdict};

const EAST: [(&str, &str); 1] = [("AWS_REGION", "us-east-1")];

#[test]
fn the_exact_request_of_each_mode() {
    let url = "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/my-ep/invocations";
    let text = json!({"inputs": "Say ok.", "parameters": {"max_new_tokens": 16}});
    for (model, mode, want) in [
        ("sagemaker/my-ep", "", text.clone()),
        ("sagemaker/my-ep", "completion", text),
        (
            "sagemaker/my-ep",
            "embedding",
            json!({"inputs": ["Say ok."]}),
        ),
        (
            "sagemaker_chat/my-ep",
            "",
            json!({"model": "my-ep", "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16}),
        ),
    ] {
        let entry = json!({"model": model, "mode": mode, "aws_access_key_id": "AKIA1", "aws_secret_access_key": "hunter22"});
        let sent = request(&entry, &EAST);
        assert_eq!(sent.url.as_str(), url, "{entry}");
        assert_eq!(body(&sent), want, "{entry}");
        assert_eq!(
            headers(&sent),
            json!({"accept": "application/json", "content-type": "application/json"})
        );
        assert_eq!(
            (sent.auth.as_str(), sent.billed),
            ("sigv4", true),
            "{entry}"
        );
    }
    let entry = json!({"model": "sagemaker/my-ep", "model_id": "part-1"});
    let sent = request(&entry, &EAST);
    assert_eq!(
        sent.headers["x-amzn-sagemaker-inference-component"],
        "part-1"
    );
    let entry = json!({"model": "sagemaker/my-ep", "sagemaker_base_url": "http://gw/endpoints/e/invocations"});
    let sent = request(&entry, &EAST);
    assert_eq!(
        (sent.url.as_str(), sent.auth.as_str()),
        ("http://gw/endpoints/e/invocations", "none")
    );
}

#[test]
fn the_free_call_describes_the_endpoint() {
    for (model, target, want) in [
        (
            "sagemaker/my-ep",
            "SageMaker.DescribeEndpoint",
            json!({"EndpointName": "my-ep"}),
        ),
        (
            "sagemaker_chat/*",
            "SageMaker.ListEndpoints",
            json!({"MaxResults": 1}),
        ),
    ] {
        let entry = json!({"model": model, "probe": "free"});
        let sent = request(&entry, &EAST);
        assert_eq!(
            sent.url.as_str(),
            "https://api.sagemaker.us-east-1.amazonaws.com/"
        );
        assert_eq!(body(&sent), want);
        assert_eq!(
            headers(&sent),
            json!({"accept": "application/json", "content-type": "application/x-amz-json-1.1", "x-amz-target": target})
        );
        assert_eq!(
            (sent.auth.as_str(), sent.billed, sent.tier),
            ("sigv4", false, Tier::Free)
        );
    }
    let entry = json!({"model": "sagemaker/e", "probe": "free"});
    for (body, want) in [
        (r#"{"EndpointStatus":"InService"}"#, Outcome::Healthy),
        (r#"{"EndpointStatus":"Updating"}"#, Outcome::Healthy),
        (r#"{"EndpointStatus":"Failed"}"#, Outcome::BadAnswer),
        (r#"{"EndpointStatus":"Creating"}"#, Outcome::BadAnswer),
    ] {
        assert_eq!(verdict(&entry, &EAST, 200, body).outcome, want, "{body}");
    }
}

#[test]
fn answers_of_the_servers_that_people_run_are_understood() {
    for (mode, body, want) in [
        ("", r#"[{"generated_text":"ok"}]"#, Outcome::Healthy),
        ("", r#"{"generated_text":""}"#, Outcome::Healthy),
        (
            "",
            r#"[{"generation":{"role":"assistant","content":"ok"}}]"#,
            Outcome::Healthy,
        ),
        ("", r#"{"generation":"ok"}"#, Outcome::Healthy),
        ("", "{}", Outcome::BadAnswer),
        ("", "[]", Outcome::BadAnswer),
        ("embedding", "[[0.1]]", Outcome::Healthy),
        ("embedding", r#"{"embedding":[[0.1]]}"#, Outcome::Healthy),
        ("embedding", "[]", Outcome::BadAnswer),
    ] {
        let entry = json!({"model": "sagemaker/e", "mode": mode});
        assert_eq!(
            verdict(&entry, &EAST, 200, body).outcome,
            want,
            "{mode} {body}"
        );
    }
    let entry = json!({"model": "sagemaker/e"});
    let refused = r#"{"ErrorCode":"CLIENT_ERROR_FROM_MODEL","Message":"CUDA out of memory","OriginalMessage":"x"}"#;
    let finding = verdict(&entry, &EAST, 424, refused);
    assert_eq!(
        finding.error.as_deref(),
        Some("answered 424: CUDA out of memory")
    );
}
