//! What is kept out of texts, and what is not.

use super::*;
use serde_json::json;
use std::time::Duration;
use watchkeeper_core::check::{HealthParams, ModelTarget};
use watchkeeper_core::id::CheckId;

fn check(target: Target) -> Check {
    Check {
        id: CheckId::new("c").unwrap(),
        name: "c".into(),
        target,
        timeout: Duration::from_secs(1),
        shown: Map::new(),
        background: true,
        full_every: None,
    }
}

fn model() -> Target {
    let params = json!({
        "base_url": "https://other:opensesame@h",
        "temperature": 0.5,
        "base_model": "gpt-4o-2024-08-06",
        "max_tokens": 4096,
        "db_password": 47114711,
        "aws_secret_access_key": "wJalrXUtnFEMI",
        "extra_headers": {"x-tenant": "tenant-4711", "authorization": "Bearer abcdef123456"},
        "extra_body": {"nested": {"api_token": "tok-tok-tok"}, "free": "sk-under-any-name"},
    });
    Target::Model(Box::new(ModelTarget {
        model: "openai/m".into(),
        provider: Some("openai".into()),
        mode: None,
        api_base: Some(Secret::new("https://me:p%40ssword@h/v1?sig=s3cr3tsig")),
        api_key: Some(Secret::new("sk-live-0123456789\n")),
        params: params.as_object().unwrap().clone(),
        health: HealthParams::default(),
    }))
}

#[test]
fn every_secret_of_a_check_is_blanked_wherever_it_stands() {
    let keys = ProviderKeys::from_vars([("OPENAI_API_KEY", "sk-env-987654321")]);
    let scrubber = Scrubber::of(&check(model()), &keys);
    for secret in [
        "sk-live-0123456789",
        "sk-env-987654321",
        "p%40ssword",
        "p@ssword",
        "bWU6cEBzc3dvcmQ=",
        "s3cr3tsig",
        "opensesame",
        "wJalrXUtnFEMI",
        "tenant-4711",
        "abcdef123456",
        "tok-tok-tok",
        "sk-under-any-name",
        "47114711",
    ] {
        let clean = scrubber.clean(&format!("got '{secret}', sorry"));
        assert_eq!(clean, "got '***', sorry", "{secret}");
    }
    let harmless = "model gpt-4o-2024-08-06 has no temperature 0.5 and at most 4096 tokens";
    assert_eq!(scrubber.clean(harmless), harmless);
}

#[test]
fn of_credentials_the_secret_parts_are_blanked_and_the_public_ones_are_not() {
    let account = json!({
        "type": "service_account", "project_id": "my-project-4711", "private_key_id": "0a1b2c3d4e5f",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n",
        "client_email": "probe@my-project-4711.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    let params = json!({
        "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_session_token": "FwoGZXIvYXdzEBc",
        "client_secret": "Xy8Q~entra-secret", "azure_password": "pa55word-long",
        "copilot": "tid=abc;exp=1;sku=x",
    });
    for credentials in [account.clone(), json!(account.to_string())] {
        let mut target = ModelTarget {
            model: "vertex_ai/gemini".into(),
            provider: Some("vertex_ai".into()),
            mode: None,
            api_base: None,
            api_key: None,
            params: params.as_object().unwrap().clone(),
            health: HealthParams::default(),
        };
        target
            .params
            .insert("vertex_credentials".into(), credentials);
        let keys = ProviderKeys::from_vars([("VERTEXAI_CREDENTIALS", account.to_string())]);
        let scrubber = Scrubber::of(&check(Target::Model(Box::new(target))), &keys);
        for secret in [
            "AKIAIOSFODNN7EXAMPLE",
            "FwoGZXIvYXdzEBc",
            "Xy8Q~entra-secret",
            "pa55word-long",
            "tid=abc;exp=1;sku=x",
            "MIIEvQIBADANBgkqhkiG9w0B",
            "AQEFAASCBKcwggSjAgEAAoIB",
            "0a1b2c3d4e5f",
        ] {
            let clean = scrubber.clean(&format!("got '{secret}', sorry"));
            assert_eq!(clean, "got '***', sorry", "{secret}");
        }
        let public = "project my-project-4711 has no access at googleapis.com";
        assert_eq!(scrubber.clean(public), public);
    }
}

#[test]
fn a_piece_of_a_secret_is_blanked_too() {
    let scrubber = Scrubber::of(&check(model()), &ProviderKeys::default());
    assert_eq!(
        scrubber.clean("key sk-live-012345... is bad"),
        "key ***... is bad"
    );
    assert_eq!(scrubber.clean("…é0123456789é"), "…é***é");
}

#[test]
fn a_short_secret_is_blanked_where_it_is_a_word() {
    let target = Target::Http {
        url: Secret::new("https://u:x7q@h/"),
    };
    let scrubber = Scrubber::of(&check(target), &ProviderKeys::default());
    assert_eq!(
        scrubber.clean("x7q, 'x7q' ax7q x7qé"),
        "***, '***' ax7q x7qé"
    );
}

#[test]
fn cleaning_happens_before_cutting() {
    let scrubber = Scrubber::of(&check(model()), &ProviderKeys::default());
    let text = format!("{} sk-live-0123456789", "x".repeat(MAX_ERROR_BYTES - 8));
    let clean = scrubber.clean(&text);
    assert!(clean.len() <= MAX_ERROR_BYTES);
    assert!(!clean.contains("sk-live"), "{clean}");
}

#[test]
fn a_text_of_many_lines_becomes_one() {
    let scrubber = Scrubber::of(&check(model()), &ProviderKeys::default());
    assert_eq!(
        scrubber.clean(" a\r\n\tb\u{0}c  d\u{1b}[31m "),
        "a b c d [31m"
    );
}

#[test]
fn the_login_and_query_of_a_url_check_are_secrets() {
    let target = Target::Http {
        url: Secret::new("https://me:hunter22@h/x?token=abc%2Fdef123"),
    };
    let scrubber = Scrubber::of(&check(target), &ProviderKeys::default());
    let clean = scrubber.clean("hunter22 abc%2Fdef123 abc/def123 bWU6aHVudGVyMjI=");
    assert_eq!(clean, "*** *** *** ***");
}
