//! What would be asked for the deployments of real LiteLLM files, if there is a folder of them:
//! `WATCHKEEPER_CORPUS=DIR cargo test -p watchkeeper --test plans`.
//!
//! Each file goes through `check --plan` as a user would run it. For every deployment that LiteLLM keeps there has to be a
//! plan, or a `config_error` that names the reason; and of all deployments 95 % have to have a plan.
#![allow(clippy::expect_used, clippy::indexing_slicing)] // a test may

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The share of deployments that must have a plan, in percent.
const PLANNED: usize = 95;

/// To the real standard output: what a passing test prints is not shown otherwise.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").expect("stdout");
}

/// A value of the kind that a name asks for.
fn value(name: &str) -> String {
    let has = |part: &str| name.to_ascii_uppercase().contains(part);
    let word = name.to_lowercase();
    if ["BASE", "URL", "ENDPOINT", "HOST"].into_iter().any(has) {
        format!("https://{}.example.com/v1", word.replace('_', "-"))
    } else if has("PORT") {
        "6379".to_owned()
    } else if has("VERSION") {
        "2024-10-21".to_owned()
    } else if has("REGION") || has("LOCATION") {
        "us-east-1".to_owned()
    } else {
        format!("value-of-{word}")
    }
}

/// The names between `start` and the first character that no name has.
fn names<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(|rest| {
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        rest.get(..end).filter(|name| !name.is_empty())
    })
}

/// The variables that a file names, with a value each: the environment in which its owner runs it.
fn environment(text: &str) -> BTreeMap<String, String> {
    names(text, "os.environ/")
        .map(|name| (name.to_owned(), value(name)))
        // one address per account, which such files leave to the environment
        .chain([("CLOUDFLARE_ACCOUNT_ID".to_owned(), value("account"))])
        .collect()
}

/// The file as its owner's tool fills it in, where it is a template that happens to be YAML.
fn filled(text: &str) -> String {
    let mut out = text.to_owned();
    for name in names(text, "{{") {
        for form in [format!("{{{{ {name} }}}}"), format!("{{{{{name}}}}}")] {
            out = out.replace(&form, &value(name));
        }
    }
    for name in names(text, "${") {
        out = out.replace(&format!("${{{name}}}"), &value(name));
    }
    out
}

fn plans(file: &Path, env: &BTreeMap<String, String>) -> Vec<Value> {
    let out = Command::new(env!("CARGO_BIN_EXE_watchkeeper"))
        .args(["check", "--plan", "--output", "json", "--litellm-config"])
        .arg(file)
        .env_clear()
        .envs(env)
        .output()
        .expect("the program runs");
    assert!(
        out.status.success(),
        "{}: {}",
        file.display(),
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).expect("an array of plans")
}

/// Deployments with and without a plan, by provider.
#[derive(Default)]
struct Tally {
    planned: BTreeMap<String, (usize, usize)>,
    reasons: BTreeMap<String, usize>,
}

impl Tally {
    fn take(&mut self, file: &str, plan: &Value) {
        let provider = plan["provider"].as_str().expect("a provider").to_owned();
        let row = self.planned.entry(provider.clone()).or_default();
        row.1 += 1;
        match plan["config_error"].as_str() {
            None => {
                row.0 += 1;
                // a `mock_response` sends nothing
                let asks = !plan["url"].is_null();
                assert!(
                    !asks || plan["method"].is_string() && plan["mode"].is_string(),
                    "{file}: {plan}"
                );
                assert!(plan["billed"].is_boolean(), "{file}: {plan}");
            }
            Some(why) => {
                assert!(why.contains('`'), "names nothing: {file}: {plan}");
                *self
                    .reasons
                    .entry(format!("{provider}: {why}"))
                    .or_default() += 1;
            }
        }
    }

    /// Planned ones, and all.
    fn sum(&self) -> (usize, usize) {
        self.planned
            .values()
            .fold((0, 0), |(a, b), (planned, all)| (a + planned, b + all))
    }

    fn say(&self, what: &str) {
        let (planned, all) = self.sum();
        say(&format!(
            "{what}: {planned} of {all} deployments have a plan"
        ));
        let shares: Vec<String> = self
            .planned
            .iter()
            .map(|(provider, (planned, all))| format!("{provider} {planned}/{all}"))
            .collect();
        say(&format!("  {}", shares.join(", ")));
        for (why, count) in &self.reasons {
            say(&format!("  {count} x {why}"));
        }
    }
}

fn tally(folder: &Path, expected: &Value, with_environment: bool) -> Tally {
    let mut tally = Tally::default();
    for (name, file) in expected["files"].as_object().expect("files") {
        let deployed: BTreeMap<&str, bool> = file["entries"]
            .as_array()
            .expect("entries")
            .iter()
            .filter_map(|entry| Some((entry["model"].as_str()?, entry["deployed"].as_bool()?)))
            .collect();
        if !deployed.values().any(|kept| *kept) {
            continue;
        }
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).expect("the file");
        let filled = filled(&text);
        let (path, env) = match with_environment {
            false => (path, BTreeMap::new()),
            true if filled == text => (path, environment(&text)),
            true => {
                let rendered = Path::new(env!("CARGO_TARGET_TMPDIR")).join("filled.yaml");
                std::fs::write(&rendered, &filled).expect("a file");
                (rendered, environment(&filled))
            }
        };
        for plan in plans(&path, &env) {
            let model = plan["model"].as_str().unwrap_or_default();
            if deployed.get(model) == Some(&true) {
                tally.take(name, &plan);
            }
        }
    }
    tally
}

#[test]
fn nearly_every_deployment_of_real_files_has_a_plan_and_the_rest_a_reason() {
    let Ok(folder) = std::env::var("WATCHKEEPER_CORPUS") else {
        // The files are not ours to ship.
        say("`WATCHKEEPER_CORPUS` is not set: no real files were planned");
        return;
    };
    let folder = Path::new(&folder);
    let expected = std::fs::read(folder.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_slice(&expected).expect("JSON");
    let bare = tally(folder, &expected, false);
    bare.say("in an empty environment");
    let own = tally(folder, &expected, true);
    own.say("with what the files leave to the environment");
    let (planned, all) = own.sum();
    assert!(all > 0, "no deployments were found");
    assert!(
        planned * 100 >= all * PLANNED,
        "{planned} of {all} have a plan, fewer than {PLANNED} %"
    );
}
