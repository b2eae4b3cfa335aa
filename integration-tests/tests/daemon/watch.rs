//! What people see in a terminal: `status`, `status --watch`, the progress of `check`.
//!
//! `WATCHKEEPER_CAPTURE=docs/sessions` also writes the session in two widths there; `scripts/capture-status.sh` does so.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::process::free_address;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;
use crate::terminal::Terminal;

const CTRL_C: &str = "\u{3}";
/// Names as Kubernetes gives them, with the suffix of a pod that was given none.
const PODS: [&str; 2] = [
    "watchkeeper-6f7d9c5b8d-x2x4z-1a2b3c4d",
    "watchkeeper-6f7d9c5b8d-q8wlm-5e6f7a8b",
];
const MODELS: [&str; 4] = [
    "gpt-4o",
    "claude-sonnet-4-5-20250929",
    "größe-模型",
    "embeddings",
];

fn here() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Scene {
    mock: MockLlm,
    _redis: RedisProcess,
    first: Daemon,
    _second: Daemon,
    setup: Setup,
}

impl Scene {
    async fn set() -> Self {
        let mock = MockLlm::start().await;
        let redis = RedisProcess::start().await;
        let toml = NativeConfig::new(&mock.api_base(), &MODELS)
            .redis(redis.address())
            .interval("2s")
            .lock_ttl("3s")
            .toml();
        let setup = Setup::new().toml(toml);
        let at = free_address();
        let first = setup.clone().pod(PODS[0]).listen(at).start().await;
        let second = setup.clone().pod(PODS[1]).start().await;
        Self {
            mock,
            _redis: redis,
            first,
            _second: second,
            setup,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.first.address())
    }

    fn watch(&self, size: (u16, u16)) -> Terminal {
        let words = ["status", "--watch", "--interval", "200ms", "--url"];
        let url = self.url();
        Terminal::open(size, &[&words[..], &[&url]].concat(), &[], here())
    }
}

/// A session as it was seen.
struct Record {
    size: (u16, u16),
    frames: Vec<(&'static str, String)>,
}

impl Record {
    fn write(&self) {
        let Some(folder) = std::env::var_os("WATCHKEEPER_CAPTURE") else {
            return;
        };
        let (columns, rows) = self.size;
        let mut text = format!(
            "`watchkeeper status --watch` in a terminal of {columns} columns and {rows} rows, captured by\n\
             scripts/capture-status.sh from two pods on one Redis. Each frame is the whole screen.\n"
        );
        for (what, frame) in &self.frames {
            let rule = "=".repeat(usize::from(columns));
            text += &format!("\n{rule}\n{what}\n{rule}\n{frame}");
        }
        let path = std::path::Path::new(&folder).join(format!("status-{columns}.txt"));
        std::fs::write(path, text).unwrap();
    }
}

#[tokio::test]
async fn a_watched_fleet_is_shown_in_place_in_two_widths_through_a_failure_and_a_restart() {
    let mut scene = Scene::set().await;
    let narrow = (scene.watch((80, 24)), Vec::new());
    let wide = (scene.watch((140, 24)), Vec::new());
    let mut both = [narrow, wide];
    let healthy = [
        "checks 4: 4 healthy, 0 unhealthy",
        "2 pods",
        "Ctrl-C leaves",
    ];
    for (terminal, frames) in &mut both {
        let text = terminal.wait_for(&healthy, SOON).await;
        assert!(terminal.is_taken());
        frames.push(("All is well.", text));
    }

    scene.mock.set("embeddings", Behaviour::Status(429));
    for (terminal, frames) in &mut both {
        let text = terminal.wait_for(&["3 healthy, 1 unhealthy"], SOON).await;
        frames.push(("A model refuses: 429.", text));
    }

    let at = scene.first.address();
    scene.first.kill();
    scene.first.wait_for_end(SOON).await;
    for (terminal, frames) in &mut both {
        let parts = [
            "no answer since ",
            " UTC, for ",
            "Connection refused",
            "gpt-4o",
        ];
        // A second or so, so that the line tells a span.
        let text = terminal.wait_for(&parts, SOON).await;
        frames.push(("The pod that is asked was killed.", text));
    }

    scene.mock.set("embeddings", Behaviour::Ok);
    scene.first = scene.setup.clone().pod(PODS[0]).listen(at).start().await;
    for (terminal, frames) in &mut both {
        let text = terminal
            .wait_until("the pod is back", SOON, |text| {
                !text.contains("no answer since") && text.contains("4 healthy, 0 unhealthy")
            })
            .await;
        frames.push(("It was started again, and the model answers.", text));
    }

    for (terminal, frames) in &mut both {
        for (what, text) in frames.iter() {
            assert!(!text.contains("more lines"), "{what}: {text}");
        }
        assert!(!terminal.is_broken(), "{}", terminal.text());
        // Colours, since this is a terminal and nobody spoke against them.
        assert!(terminal.raw().contains("\u{1b}[32mhealthy\u{1b}[0m"));
        terminal.press(CTRL_C);
        assert_eq!(terminal.wait_for_end(SOON).await, 0);
        terminal
            .wait_until("the terminal as it was", SOON, |text| {
                text.trim() == "" || text.trim() == "^C"
            })
            .await;
        assert!(terminal.is_given_back());
    }
    let [(_, narrow), (_, wide)] = both;
    for (text, columns) in [
        (&narrow[1].1, ["FRESHNESS", "ERROR"]),
        (&wide[1].1, ["CHECKED BY", "LATENCY"]),
    ] {
        for column in columns {
            assert!(text.contains(column), "{column}: {text}");
        }
    }
    assert!(
        !narrow[1].1.contains("CHECKED BY") && !narrow[1].1.contains(PODS[1]),
        "{}",
        narrow[1].1
    );
    assert!(wide[1].1.contains(PODS[1]), "{}", wide[1].1);
    for (size, frames) in [((80, 24), narrow), ((140, 24), wide)] {
        Record { size, frames }.write();
    }
}

#[tokio::test]
async fn a_terminal_made_smaller_is_redrawn_at_once_without_a_broken_line() {
    let scene = Scene::set().await;
    let mut terminal = scene.watch((140, 30));
    terminal.wait_for(&["CHECKED BY", "4 healthy"], SOON).await;
    terminal.resize(60, 12);
    let text = terminal
        .wait_until("the smaller page", SOON, |text| {
            !text.contains("CHECKED BY") && text.ends_with("Ctrl-C leaves\n")
        })
        .await;
    assert_eq!(text.lines().count(), 12, "{text}");
    assert!(text.contains("more lines"), "{text}");
    assert!(!terminal.is_broken(), "{text}");
    terminal.press(CTRL_C);
    assert_eq!(terminal.wait_for_end(SOON).await, 0);
}

#[tokio::test]
async fn one_status_keeps_to_the_width_there_is_and_to_no_color() {
    let scene = Scene::set().await;
    let url = scene.url();
    for (columns, variables, coloured) in [
        (80, &[][..], true),
        (80, &[("NO_COLOR", "1")], false),
        (140, &[("COLUMNS", "70")], true),
    ] {
        let mut terminal =
            Terminal::open((columns, 40), &["status", "--url", &url], variables, here());
        assert_eq!(terminal.wait_for_end(SOON).await, 0);
        let text = terminal.wait_for(&["embeddings"], SOON).await;
        assert!(!terminal.is_broken(), "{text}");
        assert_eq!(terminal.raw().contains("\u{1b}["), coloured, "{text}");
        let most = if variables.first() == Some(&("COLUMNS", "70")) {
            70
        } else {
            80
        };
        for line in text.lines() {
            assert!(line.chars().count() <= most, "{line:?}");
        }
    }
}

#[tokio::test]
async fn a_watch_in_a_pipe_tells_changes_only_and_outlives_the_pod() {
    let mock = MockLlm::start().await;
    let at = free_address();
    let setup = Setup::new().listen(at).toml(
        // No round for an hour: whatever is told again is told for nothing.
        NativeConfig::new(&mock.api_base(), &["m1"])
            .interval("1h")
            .toml(),
    );
    let pod = setup.clone().pod("pod-1").start().await;
    let url = format!("http://{at}");
    let mut watch = Setup::new()
        .arguments(&["--watch", "--interval", "100ms", "--url", &url])
        .spawn_as(&["status"], at);
    watch.wait_for_stdout("1 healthy, 0 unhealthy", SOON).await;
    let told = |watch: &Daemon| watch.stdout().matches("\nat ").count();
    let before = told(&watch);
    let requests = async || {
        pod.metrics().await.count(
            "watchkeeper_http_request_duration_seconds_count",
            &[("route", "/v1/status")],
        )
    };
    let asked = requests().await;
    watchkeeper_integration_tests::eventually("ten more answers", SOON, async || {
        requests().await >= asked + 10.0
    })
    .await;
    assert_eq!(told(&watch), before, "{}", watch.stdout());

    drop(pod);
    watch.wait_for_stdout("no answer since ", SOON).await;
    let pod = setup.pod("pod-2").start().await;
    watch.wait_for_stdout("pod    pod-2", SOON).await;
    let out = watch.stdout();
    assert_eq!(out.matches("no answer since ").count(), 1, "{out}");
    assert!(!out.contains('\u{1b}'), "{out:?}");
    drop(pod);
    watch.terminate();
    assert_eq!(watch.wait_for_end(SOON).await.code(), Some(0));
}

#[tokio::test]
async fn a_long_check_counts_on_a_terminal_and_is_silent_in_a_pipe() {
    let mock = MockLlm::start().await;
    mock.set("slow", Behaviour::Hold);
    mock.set("bad", Behaviour::Status(401));
    let folder = tempfile::tempdir().unwrap();
    let toml = NativeConfig::new(&mock.api_base(), &["good", "bad", "slow"]).toml();
    std::fs::write(folder.path().join("watchkeeper.toml"), &toml).unwrap();
    let mut terminal = Terminal::open((100, 24), &["check"], &[], folder.path());
    terminal
        .wait_for(&["2 of 3 asked, 1 failing, "], SOON)
        .await;
    mock.set("slow", Behaviour::Ok);
    assert_eq!(terminal.wait_for_end(SOON).await, 1);
    let text = terminal.wait_for(&["2 of 3 checks healthy"], SOON).await;
    assert!(
        text.starts_with("NAME") && !text.contains("asked"),
        "{text}"
    );

    mock.set("slow", Behaviour::Delay(Duration::from_millis(900)));
    let ended = Setup::new().toml(toml).run(&["check"], SOON).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
    assert!(ended.stdout.starts_with("NAME"), "{}", ended.stdout);
}

#[tokio::test]
async fn bash_takes_the_completions_and_completes_with_them() {
    let ended = Setup::new().run(&["completions", "bash"], SOON).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("watchkeeper.bash");
    std::fs::write(&script, ended.stdout).unwrap();
    let complete = async |words: &str, last: usize| {
        let script = script.display();
        let text = format!(
            "source {script} && COMP_WORDS=({words}) COMP_CWORD={last} && \
             _watchkeeper watchkeeper \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last}-1]}}\" && \
             echo \"${{COMPREPLY[*]}}\""
        );
        let ran = tokio::process::Command::new("bash")
            .args(["--norc", "-euc", &text])
            .output()
            .await
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("watchkeeper st", 1).await, "status");
    assert_eq!(complete("watchkeeper status --w", 2).await, "--watch");
    assert_eq!(complete("watchkeeper check --output t", 3).await, "table");
    let checked = tokio::process::Command::new("bash")
        .arg("-n")
        .arg(&script)
        .status()
        .await
        .unwrap();
    assert!(checked.success());
}
