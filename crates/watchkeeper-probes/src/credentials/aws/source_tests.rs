use serde_json::json;

use super::*;
use crate::credentials::vars::Vars;

fn vars(pairs: &[(&str, &str)]) -> Vars {
    Vars::from_fn(|name| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| Secret::new(value))
    })
}

fn account(entry: &Value, pairs: &[(&str, &str)]) -> Account {
    let params = entry.as_object().unwrap();
    Source::from_params("bedrock", "eu-west-1", params).account(&vars(pairs))
}

fn keys(id: &str, secret: &str, token: Option<&str>) -> Base {
    Base::Keys(Keys {
        id: Secret::new(id),
        secret: Secret::new(secret),
        token: token.map(Secret::new),
    })
}

#[test]
fn the_entry_goes_before_the_variables_and_keys_are_never_mixed() {
    let env: &[(&str, &str)] = &[
        ("AWS_ACCESS_KEY_ID", "env-id"),
        ("AWS_SECRET_ACCESS_KEY", "env-secret"),
        ("AWS_SESSION_TOKEN", "env-token"),
    ];
    let own = json!({"aws_access_key_id": "id", "aws_secret_access_key": "secret"});
    for (entry, env, expected) in [
        (own.clone(), env, keys("id", "secret", None)),
        (
            json!({}),
            env,
            keys("env-id", "env-secret", Some("env-token")),
        ),
        (json!({"aws_access_key_id": "id"}), env, Base::HalfKeys),
        (
            json!({"aws_profile_name": "p"}),
            env,
            Base::Profile("p".into()),
        ),
        (
            json!({}),
            &[("AWS_PROFILE_NAME", "q")],
            Base::Profile("q".into()),
        ),
        (
            own,
            &[("AWS_PROFILE_NAME", "q")],
            keys("id", "secret", None),
        ),
        (json!({}), &[("AWS_SECRET_ACCESS_KEY", "s")], Base::HalfKeys),
        (json!({}), &[], Base::Chain),
    ] {
        assert_eq!(account(&entry, env).base, expected, "{entry}");
    }
}

#[test]
fn given_keys_are_one_account_in_all_regions_and_a_role_is_one_per_region() {
    let entry = json!({"aws_access_key_id": "id", "aws_secret_access_key": "secret"});
    assert_eq!(account(&entry, &[]).region, None);
    let role = account(&json!({"aws_role_name": "arn:r"}), &[]);
    assert_eq!(role.region.as_deref(), Some("eu-west-1"));
    assert_eq!(role.role.unwrap().session_name, "watchkeeper");
}

#[test]
fn a_pod_that_already_has_the_role_does_not_ask_for_it_again() {
    let pod = [
        ("AWS_ROLE_ARN", "arn:r"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
    ];
    assert_eq!(account(&json!({"aws_role_name": "arn:r"}), &pod).role, None);
    let other = account(&json!({"aws_role_name": "arn:other"}), &pod);
    assert_eq!(other.role.unwrap().arn, "arn:other");
}

#[test]
fn the_environments_token_stays_away_from_an_endpoint_of_the_entry() {
    let env: &[(&str, &str)] = &[
        ("AWS_WEB_IDENTITY_TOKEN", "env-token"),
        ("AWS_EXTERNAL_ID", "env-ext"),
        ("AWS_STS_ENDPOINT", "https://sts.of-the-environment"),
    ];
    let role = |entry: Value| account(&entry, env).role.unwrap();
    let token = |text: &str| Some(Secret::new(text));
    let plain = role(json!({"aws_role_name": "arn:r"}));
    assert_eq!(plain.web_identity_token, token("env-token"));
    assert_eq!(plain.external_id, token("env-ext"));
    let elsewhere = json!({"aws_role_name": "arn:r", "aws_sts_endpoint": "https://elsewhere"});
    let kept = role(elsewhere.clone());
    assert_eq!((kept.web_identity_token, kept.external_id), (None, None));
    let mut own = elsewhere;
    own["aws_web_identity_token"] = "own-token".into();
    assert_eq!(role(own).web_identity_token, token("own-token"));
}

#[test]
fn debug_shows_no_secret() {
    let entry = json!({
        "aws_access_key_id": "hunter2-id",
        "aws_secret_access_key": "hunter2-secret",
        "aws_session_token": "hunter2-token",
        "aws_external_id": "hunter2-ext",
        "aws_web_identity_token": "hunter2-web",
        "aws_role_name": "arn:r",
    });
    let source = Source::from_params("bedrock", "eu-west-1", entry.as_object().unwrap());
    let shown = format!("{source:?} {:?}", source.account(&vars(&[])));
    assert!(!shown.contains("hunter2"), "{shown}");
}
