//! Bad configuration: exit 2 and one message that names the file, the key and what to do.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Setup;

const LIMIT: Duration = Duration::from_secs(10);

const CHECK: &str = "[[checks]]\nname = \"m\"\nmodel = \"openai/m\"\napi_base = \"http://127.0.0.1:1/v1\"\napi_key = \"k\"\n";

/// Runs the daemon and `config validate`: both refuse, saying every one of `parts`.
async fn refused(setup: Setup, parts: &[&str]) {
    for command in [&["run"][..], &["config", "validate"]] {
        let ended = setup.run(command, LIMIT).await;
        let said = &ended.stderr;
        assert_eq!(ended.code, Some(2), "{command:?} said: {said}");
        assert!(
            ended.stdout.is_empty(),
            "{command:?} wrote to stdout: {}",
            ended.stdout
        );
        for part in parts {
            assert!(
                said.contains(part),
                "{command:?} should say `{part}`: {said}"
            );
        }
        assert!(
            !said.contains("panicked") && !said.contains("stack backtrace"),
            "{said}"
        );
        assert!(
            said.matches("error").count() <= 2 && said.lines().count() <= 6,
            "more than one message:\n{said}"
        );
        assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    }
}

fn toml(text: &str) -> Setup {
    Setup::new().toml(text)
}

#[tokio::test]
async fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let text = format!("[coordination]\nintervall = \"5s\"\n{CHECK}");
    refused(
        toml(&text),
        &["watchkeeper.toml", "intervall", "`interval`"],
    )
    .await;
}

#[tokio::test]
async fn an_unknown_key_of_a_check_is_refused() {
    let text = format!("{CHECK}api_bas = \"http://x\"\n");
    refused(toml(&text), &["watchkeeper.toml", "api_bas", "`api_base`"]).await;
}

#[tokio::test]
async fn an_unknown_table_is_refused() {
    let text = format!("[bakend]\nkind = \"memory\"\n{CHECK}");
    refused(toml(&text), &["watchkeeper.toml", "bakend", "`backend`"]).await;
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_refused() {
    let text = format!("[probe]\nconcurrency = \"many\"\n{CHECK}");
    refused(
        toml(&text),
        &["watchkeeper.toml", "probe.concurrency", "many"],
    )
    .await;
    let text = format!("[coordination]\ninterval = true\n{CHECK}");
    refused(toml(&text), &["watchkeeper.toml", "coordination.interval"]).await;
}

#[tokio::test]
async fn a_duration_that_cannot_be_read_is_refused() {
    let text = format!("[coordination]\ninterval = \"5 parsecs\"\n{CHECK}");
    refused(
        toml(&text),
        &["watchkeeper.toml", "coordination.interval", "5 parsecs"],
    )
    .await;
}

#[tokio::test]
async fn an_unset_variable_in_toml_is_refused() {
    let text = CHECK.replace("\"k\"", "\"env:NOT_SET_ANYWHERE\"");
    refused(
        toml(&text),
        &["watchkeeper.toml", "NOT_SET_ANYWHERE", "api_key"],
    )
    .await;
}

#[tokio::test]
async fn a_secret_file_that_is_not_there_is_refused() {
    let text = CHECK.replace("\"k\"", "\"file:/nowhere/key\"");
    refused(
        toml(&text),
        &["watchkeeper.toml", "/nowhere/key", "api_key"],
    )
    .await;
}

#[tokio::test]
async fn a_lease_of_no_length_is_refused() {
    let text = format!("[coordination]\nlock_ttl = 0\n{CHECK}");
    refused(toml(&text), &["watchkeeper.toml", "coordination.lock_ttl"]).await;
}

#[tokio::test]
async fn a_lease_shorter_than_six_store_operations_is_refused_with_both_figures() {
    let text =
        format!("[coordination]\nlock_ttl = \"2s\"\n[backend]\ntimeout = \"500ms\"\n{CHECK}");
    refused(
        toml(&text),
        &[
            "watchkeeper.toml",
            "coordination.lock_ttl",
            "backend.timeout",
            "2s",
            "500ms",
            "3s",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_interval_of_zero_is_refused() {
    let text = format!("[coordination]\ninterval = 0\n{CHECK}");
    refused(toml(&text), &["watchkeeper.toml", "coordination.interval"]).await;
}

#[tokio::test]
async fn an_address_open_to_the_network_needs_a_key() {
    let text = format!("[http]\nlisten = \"0.0.0.0:0\"\n{CHECK}");
    refused(
        toml(&text),
        &[
            "watchkeeper.toml",
            "http.listen",
            "http.api_keys",
            "allow_anonymous",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let text = format!("[http]\nlisten = \"here\"\n{CHECK}");
    refused(toml(&text), &["watchkeeper.toml", "http.listen", "here"]).await;
}

#[tokio::test]
async fn an_unknown_backend_is_refused_with_the_known_ones() {
    let text = format!("[backend]\nkind = \"mongodb\"\n{CHECK}");
    refused(
        toml(&text),
        &[
            "watchkeeper.toml",
            "backend.kind",
            "mongodb",
            "redis",
            "memory",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_redis_url_that_is_none_is_refused_and_its_password_not_shown() {
    let text = format!(
        "[backend]\nkind = \"redis\"\n[backend.redis]\nurl = \"http://:hunter22@127.0.0.1\"\n{CHECK}"
    );
    let setup = toml(&text);
    refused(
        setup.clone(),
        &["watchkeeper.toml", "backend.redis.url", "redis://"],
    )
    .await;
    let ended = setup.run(&["run"], LIMIT).await;
    assert!(!ended.stderr.contains("hunter22"), "{}", ended.stderr);
}

#[tokio::test]
async fn two_checks_of_one_name_are_refused() {
    refused(
        toml(&format!("{CHECK}{CHECK}")),
        &["watchkeeper.toml", "checks", "`m`"],
    )
    .await;
}

#[tokio::test]
async fn no_check_at_all_is_refused() {
    refused(
        toml("[backend]\nkind = \"memory\"\n"),
        &["watchkeeper.toml", "checks"],
    )
    .await;
}

#[tokio::test]
async fn toml_that_cannot_be_read_is_refused_with_its_line() {
    let text = format!("{CHECK}\n[http\nlisten = 3\n");
    refused(toml(&text), &["watchkeeper.toml", "line 7"]).await;
}

#[tokio::test]
async fn yaml_that_cannot_be_read_is_refused_with_its_line() {
    let text = "model_list:\n  - model_name: a\n    litellm_params:\n   model: [openai/a\n";
    refused(Setup::new().litellm(text), &["proxy_config.yaml", "line "]).await;
}

#[tokio::test]
async fn an_empty_model_list_is_refused() {
    refused(
        Setup::new().litellm("model_list: []\n"),
        &["proxy_config.yaml", "model_list"],
    )
    .await;
}

#[tokio::test]
async fn a_model_list_that_is_no_list_is_refused() {
    refused(
        Setup::new().litellm("model_list: 7\n"),
        &["proxy_config.yaml", "model_list"],
    )
    .await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_refused() {
    let setup = Setup::new().arguments(&["--config", "nowhere.toml"]);
    refused(setup, &["nowhere.toml"]).await;
    let setup = Setup::new().arguments(&["--litellm-config", "nowhere.yaml"]);
    refused(setup, &["nowhere.yaml"]).await;
}

#[tokio::test]
async fn a_bad_variable_is_refused_by_its_name() {
    let setup = toml(CHECK).env("WATCHKEEPER__COORDINATION__INTERVALL", "5s");
    refused(setup, &["WATCHKEEPER__COORDINATION__INTERVALL", "interval"]).await;
    let setup = toml(CHECK).env("WATCHKEEPER__COORDINATION__LOCK_TTL", "soon");
    refused(setup, &["WATCHKEEPER__COORDINATION__LOCK_TTL", "soon"]).await;
}

#[tokio::test]
async fn without_any_file_run_says_what_to_give_it() {
    let ended = Setup::new().run(&["run"], LIMIT).await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for part in ["--config", "--litellm-config", "watchkeeper.toml"] {
        assert!(ended.stderr.contains(part), "no `{part}`: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_watchkeeper_toml_beside_it_is_found_without_being_named() {
    let text = CHECK.replace("\"openai/m\"", "7");
    let ended = Setup::new()
        .file("watchkeeper.toml", text)
        .run(&["run"], LIMIT)
        .await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("watchkeeper.toml") && ended.stderr.contains("model"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn bad_usage_leaves_with_2_and_shows_how() {
    for words in [
        &["runn"][..],
        &["run", "--confg", "x"],
        &[],
        &["config", "shw"],
    ] {
        let ended = Setup::new().run(words, LIMIT).await;
        assert_eq!(ended.code, Some(2), "{words:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("Usage"),
            "{words:?}: {}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn an_address_in_use_is_a_failed_start_not_bad_config() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = toml(CHECK)
        .env("WATCHKEEPER__HTTP__LISTEN", &address)
        .run(&["run"], LIMIT)
        .await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
}
