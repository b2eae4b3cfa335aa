//! The other subcommands.

use std::time::Duration;

use serde_json::Value;
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::litellm_config::{LitellmConfig, NativeConfig};
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::process::free_address;

use crate::SOON;

#[tokio::test]
async fn check_probes_everything_once_and_its_exit_code_says_how_it_went() {
    let mock = MockLlm::start().await;
    let setup = Setup::new().toml(NativeConfig::new(&mock.api_base(), &["m1", "m2"]).toml());
    let ended = setup.run(&["check"], SOON).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("m1") && ended.stdout.contains("m2"),
        "{}",
        ended.stdout
    );

    mock.set("m2", Behaviour::Status(401));
    let ended = setup
        .clone()
        .arguments(&["--output", "json"])
        .run(&["check"], SOON)
        .await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let found: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", ended.stdout));
    assert!(found.to_string().contains("unauthorized"), "{found}");
    let seen = mock.asked();
    assert_eq!(
        (seen.count("m1"), seen.count("m2")),
        (2, 2),
        "{}",
        seen.table()
    );
    assert!(!ended.stdout.contains("sk-mock") && !ended.stderr.contains("sk-mock"));
}

#[tokio::test]
async fn check_needs_no_store() {
    let mock = MockLlm::start().await;
    let config = LitellmConfig::new(&mock.api_base(), &["m1"]).redis(free_address());
    let ended = Setup::new()
        .litellm(config.yaml())
        .run(&["check"], SOON)
        .await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
}

#[tokio::test]
async fn status_asks_a_running_pod_and_leaves_with_1_when_there_is_none() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m1"]).http("api_keys = [\"sk-one\"]");
    let pod = Setup::new().toml(config.toml()).key("sk-one").start().await;
    eventually("a report", SOON, async || {
        pod.get("/health/readiness").await.status == 200
    })
    .await;
    let url = format!("http://{}", pod.address());
    let setup = Setup::new()
        .arguments(&["--url", &url])
        .env("WATCHKEEPER_API_KEY", "sk-one");
    let ended = setup.run(&["status"], SOON).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let id = pod.shared_status().await["status"]["pod_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        ended.stdout.contains(&id) && ended.stdout.contains("m1"),
        "{}",
        ended.stdout
    );

    let nobody = format!("http://{}", free_address());
    let ended = Setup::new()
        .arguments(&["--url", &nobody])
        .run(&["status"], SOON)
        .await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(&nobody), "{}", ended.stderr);

    let ended = Setup::new()
        .arguments(&["--url", &url])
        .run(&["status"], SOON)
        .await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stderr.contains("WATCHKEEPER_API_KEY"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn config_show_prints_every_value_with_its_origin_and_no_secret() {
    let config =
        NativeConfig::new("http://127.0.0.1:1/v1", &["m1"]).http("api_keys = [\"env:MY_KEY\"]");
    let ended = Setup::new()
        .toml(config.toml())
        .env("MY_KEY", "sk-hidden")
        .env("WATCHKEEPER__PROBE__CONCURRENCY", "7")
        .run(&["config", "show"], SOON)
        .await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let line = |key: &str| {
        ended
            .stdout
            .lines()
            .find(|line| line.contains(key))
            .unwrap_or_else(|| panic!("no `{key}` in {}", ended.stdout))
    };
    let concurrency = line("concurrency");
    assert!(
        concurrency.contains('7') && concurrency.contains("WATCHKEEPER__PROBE__CONCURRENCY"),
        "{concurrency}"
    );
    assert!(
        line("lock_ttl").contains("watchkeeper.toml"),
        "{}",
        line("lock_ttl")
    );
    assert!(line("jitter").contains("default"), "{}", line("jitter"));
    for secret in ["sk-hidden", "sk-mock"] {
        assert!(
            !ended.stdout.contains(secret) && !ended.stderr.contains(secret),
            "{}",
            ended.stdout
        );
    }
}

#[tokio::test]
async fn config_show_names_the_seeds_variables_as_origins() {
    let config = LitellmConfig::new("http://127.0.0.1:1/v1", &["m1"]).interval(30);
    let yaml = config
        .yaml()
        .replace("  use_shared_health_check: true\n", "");
    let ended = Setup::new()
        .litellm(yaml)
        .env("USE_SHARED_HEALTH_CHECK", "true")
        .env("DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL", "45")
        .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", "120")
        .env("REDIS_HOST", "redis.example")
        .env("REDIS_PASSWORD", "007")
        .run(&["config", "show"], SOON)
        .await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for part in [
        "DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL",
        "DEFAULT_SHARED_HEALTH_CHECK_TTL",
        "USE_SHARED_HEALTH_CHECK",
        "REDIS_HOST",
        "redis.example",
        "proxy_config.yaml",
    ] {
        assert!(
            ended.stdout.contains(part),
            "no `{part}` in {}",
            ended.stdout
        );
    }
    assert!(!ended.stdout.contains("007"), "{}", ended.stdout);
}

#[tokio::test]
async fn config_validate_accepts_what_run_accepts() {
    let config = NativeConfig::new("http://127.0.0.1:1/v1", &["m1"]);
    let ended = Setup::new()
        .toml(config.toml())
        .run(&["config", "validate"], SOON)
        .await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[tokio::test]
async fn demo_shows_the_fleet_at_work_and_ends_on_sigterm() {
    let setup = Setup::new().arguments(&["--pods", "4", "--interval", "4"]);
    let mut demo = setup.spawn_as(&["demo"], free_address());
    demo.wait_for_stdout("holds the lease", SOON).await;
    demo.wait_for_stdout("round 2", SOON).await;
    demo.wait_for_stdout("saved 30", SOON).await;
    demo.terminate();
    let status = demo.wait_for_end(Duration::from_secs(12)).await;
    let shown = demo.stdout();
    assert_eq!(status.code(), Some(0), "{shown}{}", demo.log());
    assert!(
        shown.contains("probes per model and round: 1.00"),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "colours in a pipe: {shown}");
}

#[tokio::test]
async fn check_plan_says_what_would_be_asked_and_asks_nothing() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m1"])
        .check("name = \"odd\"\nmodel = \"nosuchprovider/x\"")
        .check(&format!("name = \"port\"\ntcp = \"{}\"", mock.address()))
        .redis(free_address());
    let setup = Setup::new().toml(config.toml()).arguments(&["--plan"]);
    let ended = setup.run(&["check"], SOON).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let setup = setup.arguments(&["--output", "json"]);
    let ended = setup.run(&["check"], SOON).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    let keys: Vec<&String> = plan[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "check_id",
            "name",
            "model",
            "provider",
            "mode",
            "method",
            "url",
            "auth",
            "billed",
            "config_error",
            "tier",
            "most_cost_usd"
        ]
    );
    assert_eq!(
        plan[0]["url"],
        format!("{}/chat/completions", mock.api_base())
    );
    assert_eq!(plan[0]["billed"], true);
    assert_eq!(
        (plan[1]["name"].as_str(), plan[1]["url"].is_null()),
        (Some("odd"), true)
    );
    assert!(plan[1]["config_error"].is_string(), "{plan}");
    assert!(!ended.stdout.contains("sk-mock"), "{plan}");
    assert!(mock.asked().all().is_empty(), "{}", mock.asked().table());
}

/// A LiteLLM file as people write them: several vendors, modes, keys in variables that are not set here, a Redis that is
/// not there.
const PROXY_CONFIG: &str = "
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, temperature: 0.2}
    model_info: {id: main}
  - model_name: local
    litellm_params: {model: hosted/qwen, custom_llm_provider: openai, api_base: 'http://me:hunter22@vllm:8000/v1'}
  - model_name: embeddings
    litellm_params: {model: text-embedding-3-small}
  - model_name: anything
    litellm_params: {model: 'openai/*'}
  - model_name: scanner
    litellm_params: {model: openai/scan}
    model_info: {mode: ocr}
  - model_name: claude
    litellm_params: {model: nosuchvendor/claude, api_key: os.environ/SOME_KEY}
  - model_name: canned
    litellm_params: {model: openai/x, mock_response: hello}
litellm_settings:
  cache: true
  cache_params: {type: redis, host: redis.invalid, port: 6379}
general_settings: {background_health_checks: true, use_shared_health_check: true}
";

#[tokio::test]
async fn check_plan_reads_a_litellm_file_without_its_store_and_without_a_key() {
    let setup = Setup::new()
        .litellm(PROXY_CONFIG)
        .arguments(&["--plan", "--output", "json"]);
    let ended = setup.run(&["check"], SOON).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("hunter22"), "{}", ended.stdout);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    let rows = plan.as_array().unwrap();
    let chat = "https://api.openai.com/v1/chat/completions";
    for (row, (name, provider, url, error)) in std::iter::zip(
        rows,
        [
            ("gpt-4o", "openai", Some(chat), None),
            (
                "local",
                "openai",
                Some("http://vllm:8000/v1/chat/completions"),
                None,
            ),
            (
                "embeddings",
                "openai",
                Some("https://api.openai.com/v1/embeddings"),
                None,
            ),
            (
                "anything",
                "openai",
                Some("https://api.openai.com/v1/models"),
                None,
            ),
            ("scanner", "openai", None, Some("`ocr`")),
            ("claude", "unknown", None, Some("nosuchvendor/claude")),
            ("canned", "openai", None, None),
        ],
    ) {
        assert_eq!(row["name"], name);
        assert_eq!(row["provider"], provider, "{row}");
        assert_eq!(row["url"].as_str(), url, "{row}");
        let why = row["config_error"].as_str();
        assert_eq!(why.is_some(), error.is_some(), "{row}");
        assert!(why.is_none_or(|why| why.contains(error.unwrap())), "{row}");
        assert!(!row["check_id"].as_str().unwrap().is_empty(), "{row}");
    }
    assert_eq!(
        (rows.len(), &rows[0]["check_id"]),
        (7, &Value::from("main"))
    );
    assert_eq!(rows[6]["billed"], false);
}

#[tokio::test]
async fn every_command_has_a_help_that_leaves_with_0() {
    for words in [
        &["--help"][..],
        &["run", "--help"],
        &["check", "--help"],
        &["status", "--help"],
        &["config", "--help"],
        &["demo", "--help"],
        &["--version"],
    ] {
        let ended = Setup::new().run(words, SOON).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
        assert!(!ended.stdout.is_empty(), "{words:?}");
    }
}
