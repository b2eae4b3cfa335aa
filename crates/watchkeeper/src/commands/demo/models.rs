//! Who plays: the models, and how their mock endpoints behave.

use std::time::Duration;

use serde_json::{Map, Value};
use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::secret::Secret;

use crate::exit::Failure;

/// How long a lease lasts: shorter than the slowest model's answer, so that its renewal can be seen, and long enough
/// for a busy machine.
pub(super) const LOCK_TTL: Duration = Duration::from_secs(2);

/// Longest time for one probe; twice what the slowest model needs.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Nothing secret: the endpoints take any key.
const KEY: &str = "sk-demo-key";

/// What an endpoint does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Answers well after this long.
    After(Duration),
    /// Answers 429 at once.
    RateLimited,
}

/// A model and its endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) name: &'static str,
    /// `chat` or `embedding`.
    pub(super) mode: &'static str,
    pub(super) behaviour: Behaviour,
}

const fn model(name: &'static str, mode: &'static str, behaviour: Behaviour) -> Model {
    Model {
        name,
        mode,
        behaviour,
    }
}

const fn after(millis: u64) -> Behaviour {
    Behaviour::After(Duration::from_millis(millis))
}

/// The cast, in the order in which it is always told.
pub(super) const CAST: [Model; 5] = [
    model("swift", "chat", after(30)),
    model("steady", "chat", after(250)),
    model("slow", "chat", after(2_500)),
    model("busy", "chat", Behaviour::RateLimited),
    model("embed", "embedding", after(60)),
];

/// How often each of [`CAST`] was asked.
pub(super) type Asked = [u64; CAST.len()];

/// One check per model; `base` is where the endpoints are.
pub(super) fn checks(base: &str) -> Result<Vec<Check>, Failure> {
    CAST.iter()
        .map(|cast| {
            let model = format!("openai/{}", cast.name);
            let mut shown = Map::new();
            shown.insert("model".to_owned(), Value::from(model.as_str()));
            Ok(Check {
                id: CheckId::new(cast.name).map_err(Failure::failed)?,
                name: cast.name.to_owned(),
                target: Target::Model(Box::new(ModelTarget {
                    model,
                    provider: Some("openai".to_owned()),
                    mode: Some(cast.mode.to_owned()),
                    api_base: Some(Secret::new(base)),
                    api_key: Some(Secret::new(KEY)),
                    params: Map::new(),
                    health: HealthParams::default(),
                })),
                timeout: TIMEOUT,
                shown,
                background: true,
                full_every: None,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_model_outlasts_the_lease_and_none_its_own_time_limit() {
        let slowest = CAST.iter().map(|cast| match cast.behaviour {
            Behaviour::After(time) => time,
            Behaviour::RateLimited => Duration::ZERO,
        });
        let slowest = slowest.max().unwrap();
        assert!(slowest > LOCK_TTL && slowest < TIMEOUT);
        // A round ends before the shortest interval that the command line takes.
        assert!(slowest < Duration::from_secs(3));
    }
}
