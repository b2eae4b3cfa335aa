//! Schemathesis, a tester of APIs from the package index, reads the served document and tries to find an answer that it does
//! not tell of. It asks a real daemon with a mock upstream.

// Tests fail by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::python::Environment;

/// Pinned, so that a red test is our doing.
const VERSION: &str = "4.32.5";
/// Requests made up for each operation, beside those that try each limit once.
const EXAMPLES: &str = "40";
/// The same requests in each run.
const SEED: &str = "1";
const KEY: &str = "sk-openapi";
const LIMIT: Duration = Duration::from_secs(500);

/// What a tester cannot know: that a monitor is to read from the status alone that no model of a name is healthy.
const SETTINGS: &str = r#"
[[operations]]
include-path = "/health"
checks.not_a_server_error.expected-statuses = ["2xx", "4xx", 503]
"#;

#[tokio::test]
async fn the_document_tells_of_every_answer_that_is_found() {
    let environment = Environment {
        users: "tests of the document",
        directory: format!("schemathesis-{VERSION}"),
        variable: "WATCHKEEPER_SCHEMATHESIS_VENV",
        packages: vec![format!("schemathesis=={VERSION}")],
    };
    let venv = environment.install();
    let venv = venv.unwrap_or_else(|error| panic!("{error}"));
    let mock = MockLlm::start().await;
    mock.set("bad", Behaviour::Status(500));
    let toml = NativeConfig::new(&mock.api_base(), &["good", "bad"]).toml();
    let setup = Setup::new()
        .toml(toml)
        .env("WATCHKEEPER__HTTP__API_KEYS", KEY)
        .key(KEY);
    let pod = setup.start().await;

    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("schemathesis.toml"), SETTINGS).unwrap();
    let mut command = Command::new(venv.join("bin/schemathesis"));
    command
        .current_dir(home.path())
        .arg("run")
        .arg(format!("http://{}/openapi.json", pod.address()))
        .args(["--header", &format!("Authorization: Bearer {KEY}")])
        .args([
            "--checks",
            "all",
            "--seed",
            SEED,
            "--max-examples",
            EXAMPLES,
        ])
        // A stream has no end to wait for.
        .args(["--exclude-path", "/v1/events"])
        .args(["--workers", "2", "--request-timeout", "10", "--no-color"])
        .args(["--generation-database", "none"])
        // How long examples take to make up says nothing of the daemon.
        .args(["--suppress-health-check", "all"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let run = tokio::time::timeout(LIMIT, command.output());
    let output = run.await.expect("it ends in time").unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{complaint}");
    // A run that asked nothing would find nothing.
    assert!(text.contains("No issues found"), "{text}");
    assert!(mock.asked().count("good") > 1, "nothing was run on demand");
}
