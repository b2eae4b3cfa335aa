//! Where requests go, free ones too, and what proves who sends them.

use super::*;

#[test]
fn the_free_call_describes_what_is_asked() {
    let control = "https://bedrock.us-east-1.amazonaws.com";
    let profile = "arn:aws:bedrock:us-east-1:1:inference-profile/us.x.y";
    for (model, mode, path) in [
        (
            "anthropic.claude-v2:1",
            "",
            "/foundation-models/anthropic.claude-v2%3A1",
        ),
        (
            "converse/us.x.y-v1:0",
            "",
            "/inference-profiles/us.x.y-v1%3A0",
        ),
        (
            profile,
            "",
            "/inference-profiles/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x.y",
        ),
        (
            IMPORTED,
            "",
            "/imported-models/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aimported-model%2Fr4c4kewx2s0n",
        ),
        (
            "twelvelabs.pegasus-1-2-v1:0",
            "",
            "/foundation-models/twelvelabs.pegasus-1-2-v1%3A0",
        ),
        ("*", "", "/foundation-models"),
        ("converse/*", "", "/foundation-models"),
    ] {
        let entry = json!({"model": format!("bedrock/{model}"), "mode": mode, "probe": "free"});
        let sent = request(&entry, &EAST);
        assert_eq!(sent.url.as_str(), format!("{control}{path}"), "{model}");
        assert_eq!(
            (sent.method.as_str(), sent.auth.as_str()),
            ("GET", "sigv4"),
            "{model}"
        );
        assert!(
            !sent.billed && sent.tier == Tier::Free && sent.body.is_none(),
            "{model}"
        );
    }
    let batch = request(&json!({"model": "bedrock/x.y", "mode": "batch"}), &EAST);
    assert_eq!(
        batch.url.as_str(),
        format!("{control}/model-invocation-jobs?maxResults=1")
    );
    assert!(!batch.billed);
}

#[test]
fn reachability_asks_the_host_without_a_proof() {
    let entry = json!({"model": "bedrock/x.y", "api_key": "k", "probe": "reachability"});
    let sent = request(&entry, &EAST);
    assert_eq!(sent.url.as_str(), format!("{HOST}/"));
    assert_eq!((sent.auth.as_str(), headers(&sent)), ("none", json!({})));
}

#[test]
fn the_region_is_the_entrys_then_the_models_then_the_endpoints_then_the_environments() {
    let all = [
        ("AWS_DEFAULT_REGION", "sa-east-1"),
        ("AWS_REGION", "eu-west-2"),
        ("AWS_REGION_NAME", "eu-west-1"),
    ];
    let application = format!("bedrock/{APPLICATION}");
    let private = "https://vpce-1.bedrock-runtime.ca-central-1.vpce.amazonaws.com";
    for (entry, env, host) in [
        (
            json!({"model": "bedrock/x.y"}),
            &all[..0],
            "bedrock-runtime.us-west-2.amazonaws.com",
        ),
        (
            json!({"model": "bedrock/x.y"}),
            &all[..1],
            "bedrock-runtime.sa-east-1.amazonaws.com",
        ),
        (
            json!({"model": "bedrock/x.y"}),
            &all[..2],
            "bedrock-runtime.eu-west-2.amazonaws.com",
        ),
        (
            json!({"model": "bedrock/x.y"}),
            &all[..],
            "bedrock-runtime.eu-west-1.amazonaws.com",
        ),
        (
            json!({"model": "bedrock/us-east-2/x.y"}),
            &all[..],
            "bedrock-runtime.us-east-2.amazonaws.com",
        ),
        (
            json!({"model": application}),
            &all[..],
            "bedrock-runtime.eu-west-1.amazonaws.com",
        ),
        (
            json!({"model": "bedrock/x.y", "model_id": APPLICATION}),
            &all[..1],
            "bedrock-runtime.eu-west-1.amazonaws.com",
        ),
        (
            json!({"model": "bedrock/us-east-2/x.y", "aws_region_name": "cn-north-1"}),
            &all[..],
            "bedrock-runtime.cn-north-1.amazonaws.com.cn",
        ),
        (
            json!({"model": "bedrock/x.y", "aws_bedrock_runtime_endpoint": private}),
            &all[..],
            "vpce-1.bedrock-runtime.ca-central-1.vpce.amazonaws.com",
        ),
    ] {
        assert_eq!(request(&entry, env).url.host_str(), Some(host), "{entry}");
    }
    let free =
        json!({"model": "bedrock/x.y", "aws_bedrock_runtime_endpoint": private, "probe": "free"});
    let host = request(&free, &all).url;
    assert_eq!(host.host_str(), Some("bedrock.ca-central-1.amazonaws.com"));
}

#[test]
fn model_id_is_asked_in_the_names_place() {
    let entry = json!({"model": "bedrock/anthropic.claude-sonnet-4-6", "model_id": APPLICATION});
    let sent = request(&entry, &EAST);
    let path = "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc123def456/converse";
    assert_eq!(sent.url.path(), path);
    // what is asked by name as OpenAI's own goes by Converse under an ARN
    let entry = json!({"model": "bedrock/us.openai.gpt-5.6-sol", "model_id": APPLICATION});
    assert_eq!(request(&entry, &EAST).url.path(), path);
}

#[test]
fn a_base_leads_where_it_was_meant_to() {
    for (base, url) in [
        ("http://gw:8080", "http://gw:8080/model/x.y/converse"),
        ("http://gw:8080/", "http://gw:8080/model/x.y/converse"),
        ("http://gw/aws/", "http://gw/aws/model/x.y/converse"),
        ("http://gw/aws/model", "http://gw/aws/model/x.y/converse"),
        (
            "http://gw/model/x.y/converse",
            "http://gw/model/x.y/converse",
        ),
    ] {
        let entry = json!({"model": "bedrock/x.y", "api_base": base});
        assert_eq!(request(&entry, &EAST).url.as_str(), url, "{base}");
    }
    let like =
        json!({"model": "bedrock/converse_like/m", "api_base": "http://gw/any", "api_key": "k"});
    let sent = request(&like, &EAST);
    assert_eq!(
        (sent.url.as_str(), body(&sent)),
        ("http://gw/any", converse())
    );
    let env = [("AWS_BEDROCK_RUNTIME_ENDPOINT", "http://gw"), EAST[0]];
    let sent = request(&json!({"model": "bedrock/x.y"}), &env);
    assert_eq!(sent.url.as_str(), "http://gw/model/x.y/converse");
}

#[test]
fn keys_and_signatures_go_to_aws_and_elsewhere_only_if_the_entry_names_them() {
    let env = [("AWS_BEARER_TOKEN_BEDROCK", "env-key"), EAST[0]];
    let own = "https://bedrock-runtime.us-east-1.amazonaws.com";
    let gateway = "https://abc.execute-api.us-east-1.amazonaws.com/x";
    let keys = json!({"model": "bedrock/x.y", "api_base": "http://gw", "aws_access_key_id": "AKIA1", "aws_secret_access_key": "s"});
    for (entry, env, auth, value) in [
        (
            json!({"model": "bedrock/x.y"}),
            &env[..],
            "bearer",
            Some("Bearer env-key"),
        ),
        (
            json!({"model": "bedrock/x.y", "api_key": "own"}),
            &env[..],
            "bearer",
            Some("Bearer own"),
        ),
        (
            json!({"model": "bedrock/x.y", "api_base": own}),
            &env[..],
            "bearer",
            Some("Bearer env-key"),
        ),
        (
            json!({"model": "bedrock/x.y", "api_base": gateway}),
            &env[..],
            "none",
            None,
        ),
        (
            json!({"model": "bedrock/x.y", "api_base": "http://gw"}),
            &env[..],
            "none",
            None,
        ),
        (
            json!({"model": "bedrock/x.y", "api_base": "http://gw", "api_key": "own"}),
            &env[..],
            "bearer",
            Some("Bearer own"),
        ),
        (
            json!({"model": "bedrock/x.y", "api_base": "http://gw"}),
            &EAST[..],
            "none",
            None,
        ),
        (keys, &EAST[..], "sigv4", None),
        (
            json!({"model": "bedrock/x.y", "extra_headers": {"Authorization": "x"}}),
            &EAST[..],
            "header",
            Some("x"),
        ),
        (
            json!({"model": "bedrock/x.y", "api_base": "http://me:pw@gw"}),
            &env[..],
            "basic",
            Some("Basic bWU6cHc="),
        ),
    ] {
        let sent = request(&entry, env);
        assert_eq!(sent.auth.as_str(), auth, "{entry}");
        let given = sent
            .headers
            .get("authorization")
            .map(|v| v.to_str().unwrap());
        assert_eq!(given, value, "{entry}");
        let shown = body(&sent).to_string();
        assert!(
            !shown.contains("AKIA1") && !shown.contains("aws_"),
            "{shown}"
        );
    }
    let free = json!({"model": "bedrock/x.y", "api_base": "http://gw", "probe": "free"});
    let sent = request(&free, &env);
    assert_eq!(
        (sent.tier, sent.url.as_str()),
        (Tier::Reachability, "http://gw/")
    );
}
