//! Between our reports and LiteLLM's.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use watchkeeper_core::check::Check;
use watchkeeper_core::companion::{CompanionCodec, CompanionReport, ForeignFindings};
use watchkeeper_core::id::{CheckId, GroupId, PodId};
use watchkeeper_core::report::{Aged, Entry, History, Report, Standing};
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{Outcome, Verdict};

use super::dumps::dumps;
use crate::entry;

/// Stands for a LiteLLM pod whose name cannot be a pod's name of ours.
const SOME_POD: &str = "litellm";

/// Between our reports and LiteLLM's, for one list of checks.
pub struct Codec {
    group: GroupId,
    /// Those that rounds ask, in the order of the configuration, which is LiteLLM's.
    order: Vec<CheckId>,
    checks: BTreeMap<CheckId, Check>,
    details: bool,
    ttl: Duration,
    their_ttl: Duration,
}

impl Codec {
    /// For the checks of `group`. Of `asked` checks an entry is written: those that rounds ask and that can be asked.
    /// Without `details` entries are cut to `model`, `model_id` and `exception_status`. LiteLLM's readers take a report
    /// for current for `ttl`, and its own pods write theirs for `their_ttl`.
    #[must_use]
    pub fn new(
        group: GroupId,
        checks: &[Check],
        asked: impl Fn(&Check) -> bool,
        details: bool,
        ttl: Duration,
        their_ttl: Duration,
    ) -> Self {
        let order = checks
            .iter()
            .filter(|check| check.background && asked(check))
            .map(|check| check.id.clone())
            .collect();
        Self {
            group,
            order,
            checks: checks
                .iter()
                .map(|check| (check.id.clone(), check.clone()))
                .collect(),
            details,
            ttl,
            their_ttl,
        }
    }

    /// What LiteLLM found of one of our checks, as an entry of ours.
    fn finding(check: &CheckId, value: &Value, healthy: bool, found: &Found) -> Entry {
        let (outcome, status, error) = if healthy {
            (Outcome::Healthy, None, None)
        } else {
            let status = value
                .get("exception_status")
                .and_then(Value::as_u64)
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(entry::UNKNOWN_FAILURE);
            let error = value.get("error").and_then(Value::as_str);
            let error = error.map(|error| kind_of(error).to_owned());
            (entry::outcome_of(status), Some(status), error)
        };
        let verdict = Verdict::new(outcome, status, error, Duration::ZERO, found.at);
        Entry {
            check: check.clone(),
            checked_by: found.by.clone(),
            token: None,
            started: found.started,
            standing: Standing {
                healthy,
                streak: 1,
                since: verdict.at,
            },
            verdict,
            history: History::default(),
            full: None,
            spent: watchkeeper_core::money::Usd::ZERO,
        }
    }
}

/// The kind of LiteLLM's error, such as `litellm.AuthenticationError`: what stands before the first colon. What follows is
/// the upstream's text and may repeat any secret of theirs.
fn kind_of(error: &str) -> &str {
    let kind = error.split([':', '\n']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ' ');
    if !kind.is_empty() && kind.len() <= MAX_KIND && kind.chars().all(plain) {
        kind
    } else {
        "the check of a LiteLLM pod failed"
    }
}

/// Longest name of an error that is taken over.
const MAX_KIND: usize = 80;

/// What all entries of a foreign report have in common.
struct Found {
    by: PodId,
    /// Tells one report from another; by its writer's clock, so nothing else depends on it.
    started: UnixMillis,
    /// When it was written, by our clock.
    at: UnixMillis,
}

/// A text as a part of a JSON string. It is ASCII, so only quotes and backslashes change.
fn inside_a_string(text: &str) -> Vec<u8> {
    text.replace('\\', "\\\\").replace('"', "\\\"").into_bytes()
}

impl CompanionCodec for Codec {
    /// `None` where nothing was asked, and while a check that rounds ask has no result: LiteLLM's readers would take such a list for all there is. Its
    /// time is that of the oldest entry, so that it counts as long as that one does.
    fn encode(&self, report: &Report) -> Option<CompanionReport> {
        #[derive(Serialize)]
        struct Lists {
            healthy_endpoints: Vec<Map<String, Value>>,
            unhealthy_endpoints: Vec<Map<String, Value>>,
            healthy_count: usize,
            unhealthy_count: usize,
        }
        let known: BTreeMap<&CheckId, &Aged> = report
            .entries
            .iter()
            .map(|aged| (&aged.entry.check, aged))
            .collect();
        let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
        let mut age = Duration::ZERO;
        for id in &self.order {
            let (check, aged) = (self.checks.get(id)?, known.get(id)?);
            if aged.entry.verdict.outcome == Outcome::ConfigError {
                continue;
            }
            age = age.max(aged.age);
            let shown = entry::shown(check, &aged.entry, self.details);
            if aged.entry.standing.healthy {
                healthy.push(shown);
            } else {
                unhealthy.push(shown);
            }
        }
        if healthy.is_empty() && unhealthy.is_empty() {
            return None;
        }
        let lists = Lists {
            healthy_count: healthy.len(),
            unhealthy_count: unhealthy.len(),
            healthy_endpoints: healthy,
            unhealthy_endpoints: unhealthy,
        };
        let lists = dumps(&lists)?;
        let writer = dumps(&json!({
            "checked_by": report.pod.as_str(),
            "watchkeeper": self.group.as_str(),
        }))?;
        // One object in two pieces, with the time between them.
        let head = format!("{}, \"timestamp\": ", lists.strip_suffix('}')?);
        let tail = format!(", {}", writer.strip_prefix('{')?);
        let head = [b"\"".to_vec(), inside_a_string(&head)].concat();
        let tail = [inside_a_string(&tail), b"\"".to_vec()].concat();
        Some(CompanionReport {
            head: head.into(),
            tail: tail.into(),
            age,
            ttl: self.ttl,
        })
    }

    /// Takes JSON, also inside a JSON string. A missing list is empty, as for LiteLLM's readers; one that is no list ends
    /// their loops, so it is none of theirs.
    fn decode(
        &self,
        value: &[u8],
        left: Duration,
        now: UnixMillis,
    ) -> Result<ForeignFindings, String> {
        let json = |bytes: &[u8]| {
            serde_json::from_slice::<Value>(bytes).map_err(|error| {
                format!("no JSON (line {}, column {})", error.line(), error.column())
            })
        };
        let mut report = json(value)?;
        if let Value::String(inner) = &report {
            report = json(inner.as_bytes())?;
        }
        let Value::Object(report) = report else {
            return Err("JSON that is no object".into());
        };
        if report
            .get("watchkeeper")
            .is_some_and(|group| group.as_str() != Some(self.group.as_str()))
        {
            return Err("a report of another list of models".into());
        }
        let timestamp = report
            .get("timestamp")
            .and_then(Value::as_f64)
            .ok_or("a report without the time that its readers need")?;
        let lists =
            ["healthy_endpoints", "unhealthy_endpoints"].map(|name| match report.get(name) {
                None => Ok(&[][..]),
                Some(Value::Array(items)) => Ok(items.as_slice()),
                Some(_) => Err(format!("`{name}` that is no list")),
            });
        let [healthy, unhealthy] = lists;
        let (healthy, unhealthy) = (healthy?, unhealthy?);
        let Some(age) = self.their_ttl.checked_sub(left) else {
            return Err(format!(
                "a report that is kept for longer than {:?}, so its age is not known: give this pod LiteLLM's \
                 `DEFAULT_SHARED_HEALTH_CHECK_TTL`",
                self.their_ttl
            ));
        };
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let found = Found {
            by: report
                .get("checked_by")
                .and_then(Value::as_str)
                .and_then(|name| PodId::new(name).ok())
                .map_or_else(|| PodId::new(SOME_POD), Ok)
                .map_err(|error| error.to_string())?,
            // A float becomes the nearest number that there is.
            #[expect(clippy::cast_possible_truncation)]
            started: UnixMillis((timestamp * 1e3) as i64),
            at: UnixMillis(now.0.saturating_sub(millis(age))),
        };
        let mut entries: BTreeMap<&CheckId, Entry> = BTreeMap::new();
        let mut unknown: Option<(usize, String)> = None;
        for (list, is_healthy) in [(healthy, true), (unhealthy, false)] {
            for item in list {
                let Some(id) = item.get("model_id").and_then(Value::as_str) else {
                    continue;
                };
                let known = CheckId::new(id)
                    .ok()
                    .and_then(|id| self.checks.get_key_value(&id));
                match known {
                    Some((id, _)) => {
                        entries.insert(id, Self::finding(id, item, is_healthy, &found));
                    }
                    None => {
                        let (count, _) = unknown
                            .get_or_insert_with(|| (0, id.chars().take(MAX_ID_CHARS).collect()));
                        *count += 1;
                    }
                }
            }
        }
        Ok(ForeignFindings {
            age,
            ours: report.contains_key("watchkeeper"),
            owed: false,
            entries: entries
                .into_values()
                .map(|entry| Aged {
                    entry,
                    age: Duration::ZERO,
                })
                .collect(),
            unknown,
        })
    }
}

/// The most characters of a foreign id that a warning repeats: LiteLLM's own have 64.
const MAX_ID_CHARS: usize = 64;

#[cfg(test)]
mod tests;
