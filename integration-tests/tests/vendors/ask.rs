//! Probes by the real binary, each to an upstream of its own that records what came.

use std::time::Duration;

use serde_json::{Map, Value, json};
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::recorder::{Recorded, Recorder, Reply};

/// What all probes of a test take together at most, on a machine that also builds.
const LIMIT: Duration = Duration::from_secs(60);

/// Stands in a case's parameters for the URL of its upstream, without a slash at the end.
pub(crate) const UPSTREAM: &str = "UPSTREAM";

/// A deployment, and what its upstream answers.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) litellm_params: Value,
    pub(crate) model_info: Value,
    pub(crate) reply: Reply,
}

impl Case {
    pub(crate) fn new(name: &'static str, litellm_params: Value, answer: Value) -> Self {
        Self {
            name,
            litellm_params,
            model_info: json!({}),
            reply: Reply::json(&answer),
        }
    }

    /// Answers these bytes instead.
    pub(crate) fn answers(mut self, kind: &'static str, body: &[u8]) -> Self {
        self.reply = Reply {
            status: 200,
            kind,
            body: body.to_vec().into(),
        };
        self
    }

    pub(crate) fn info(mut self, model_info: Value) -> Self {
        self.model_info = model_info;
        self
    }
}

/// A probe that was made.
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    pub(crate) request: Recorded,
    /// As the client that sent it would write it.
    pub(crate) url: String,
    pub(crate) answer: Reply,
}

/// Runs `check` on these deployments with these variables set.
///
/// # Panics
/// Unless each is found healthy by exactly one request.
pub(crate) async fn ask(cases: Vec<Case>, environment: &[(&str, &str)]) -> Vec<Asked> {
    let mut recorders = Vec::new();
    let mut deployments = Vec::new();
    for case in &cases {
        let recorder = Recorder::start(case.reply.clone()).await;
        deployments.push(json!({
            "model_name": case.name,
            "litellm_params": at(&recorder.url(), &case.litellm_params),
            "model_info": case.model_info
        }));
        recorders.push(recorder);
    }
    let setup = Setup::new().litellm(json!({ "model_list": deployments }).to_string());
    let setup = environment
        .iter()
        .fold(setup, |setup, (name, value)| setup.env(name, *value));
    let rows = check(&setup).await;
    assert_eq!(rows.len(), cases.len(), "{rows:?}");
    let mut asked = Vec::new();
    for ((case, recorder), row) in cases.into_iter().zip(&recorders).zip(&rows) {
        assert_eq!(row["name"], case.name);
        assert_eq!(row["outcome"], "healthy", "{row}");
        let mut seen = recorder.seen();
        assert_eq!(seen.len(), 1, "{}: {seen:?}", case.name);
        let request = seen.remove(0);
        asked.push(Asked {
            name: case.name,
            url: format!("{}{}", recorder.url(), request.target),
            request,
            answer: case.reply,
        });
    }
    asked
}

/// Runs `check` to its end; answers its rows.
pub(crate) async fn check(setup: &Setup) -> Vec<Value> {
    let setup = setup.clone().arguments(&["--output", "json"]);
    let ended = setup.run(&["check"], LIMIT).await;
    match serde_json::from_str(&ended.stdout) {
        Ok(Value::Array(rows)) => rows,
        _ => panic!("{}{}", ended.stdout, ended.stderr),
    }
}

/// The same value with the upstream's URL in its place.
pub(crate) fn at(url: &str, value: &Value) -> Value {
    match value {
        Value::String(text) => text.replace(UPSTREAM, url).into(),
        Value::Array(items) => items.iter().map(|item| at(url, item)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), at(url, field)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}
