//! Which pods may share a report: those that ask the same things with the same keys.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::check::{Check, HealthParams, Target};
use crate::id::{BadName, FleetName, GroupId};
use crate::secret::Secret;

/// Characters of the fingerprint kept in a group's name: 128 bits, so that no two lists meet by chance.
const KEPT_HEX: usize = 32;

/// How checks are put into groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockScope {
    /// All checks of the fleet share one lock and one report.
    Fleet,
    /// Each check has its own: the probes are spread over the fleet.
    Check,
}

/// The name of the group that holds exactly these checks: `all-` or `one-` and the fingerprint.
///
/// The fingerprint is one HMAC-SHA-256 over ids, what is asked, and which secrets are used, keyed by the fleet's secret,
/// else by the fleet's name. The order of the checks does not matter; each field goes in with its length, so that no
/// two lists read alike.
///
/// # Errors
/// None that can happen: the name is made of hex digits.
pub fn group_of(
    scope: LockScope,
    fleet: &FleetName,
    secret: Option<&Secret>,
    checks: &[&Check],
) -> Result<GroupId, BadName> {
    let key = secret.map_or(fleet.as_str(), Secret::expose);
    let prefix = match scope {
        LockScope::Fleet => "all",
        LockScope::Check => "one",
    };
    let mut sorted: Vec<&&Check> = checks.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return GroupId::new("");
    };
    for check in sorted {
        for field in fields(check) {
            mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
            mac.update(field.as_bytes());
        }
    }
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    GroupId::new(format!("{prefix}-{}", hex.get(..KEPT_HEX).unwrap_or(&hex)))
}

/// Whether two checks ask the same with the same keys: exchanging one for the other leaves the group's name as it is.
#[must_use]
pub fn asks_the_same(a: &Check, b: &Check) -> bool {
    fields(a) == fields(b)
}

fn fields(check: &Check) -> Vec<String> {
    let mut out = vec![check.id.as_str().to_owned()];
    match &check.target {
        Target::Model(m) => {
            out.extend([
                "model".to_owned(),
                m.model.clone(),
                or_dash(m.provider.as_ref()),
                or_dash(m.mode.as_ref()),
                or_dash(m.api_base.as_ref().map(Secret::expose).as_ref()),
                or_dash(m.api_key.as_ref().map(Secret::expose).as_ref()),
                serde_json::to_string(&m.params).unwrap_or_default(),
            ]);
            out.extend(health_fields(&m.health));
        }
        Target::Http { url } => out.extend(["http".to_owned(), url.expose().to_owned()]),
        Target::Tcp { host, port } => out.extend(["tcp".to_owned(), format!("{host}:{port}")]),
        Target::Invalid { reason, .. } => out.extend(["invalid".to_owned(), reason.clone()]),
    }
    out
}

fn health_fields(health: &HealthParams) -> [String; 10] {
    let HealthParams {
        model,
        max_tokens,
        max_tokens_reasoning,
        max_tokens_other,
        sends_max_tokens,
        reasoning_effort,
        voice,
        prompt,
        kind,
        // What a call costs does not change what is asked.
        price: _,
        base_model,
    } = health;
    [
        or_dash(model.as_ref()),
        or_dash(max_tokens.as_ref()),
        or_dash(max_tokens_reasoning.as_ref()),
        or_dash(max_tokens_other.as_ref()),
        or_dash(sends_max_tokens.as_ref()),
        or_dash(reasoning_effort.as_ref()),
        or_dash(voice.as_ref()),
        or_dash(prompt.as_ref()),
        kind.as_str().to_owned(),
        or_dash(base_model.as_ref()),
    ]
}

/// A set value never reads like one that is not set.
fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("+{}", value.to_string()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Map;

    use super::*;
    use crate::check::{HealthParams, ModelTarget};
    use crate::id::CheckId;

    fn check(id: &str, key: &str) -> Check {
        Check {
            id: CheckId::new(id).unwrap(),
            name: id.to_owned(),
            target: Target::Model(Box::new(ModelTarget {
                model: "openai/m".into(),
                provider: Some("openai".into()),
                mode: None,
                api_base: None,
                api_key: Some(Secret::new(key)),
                params: Map::new(),
                health: HealthParams::default(),
            })),
            timeout: Duration::from_secs(60),
            shown: Map::new(),
            background: true,
            full_every: None,
        }
    }

    fn group(secret: Option<&str>, checks: &[Check]) -> String {
        let fleet = FleetName::new("default").unwrap();
        let checks: Vec<&Check> = checks.iter().collect();
        group_of(
            LockScope::Fleet,
            &fleet,
            secret.map(Secret::new).as_ref(),
            &checks,
        )
        .unwrap()
        .to_string()
    }

    #[test]
    fn the_same_list_in_another_order_is_the_same_group() {
        let (a, b) = (check("a", "k1"), check("b", "k2"));
        assert_eq!(group(None, &[a.clone(), b.clone()]), group(None, &[b, a]));
    }

    #[test]
    fn another_prompt_or_token_rule_is_another_group() {
        let plain = check("a", "k");
        let with = |change: fn(&mut HealthParams)| {
            let mut check = plain.clone();
            if let Target::Model(model) = &mut check.target {
                change(&mut model.health);
            }
            group(None, &[check])
        };
        let groups = [
            with(|_| {}),
            with(|h| h.prompt = Some("hi".into())),
            with(|h| h.max_tokens_reasoning = Some(5)),
            with(|h| h.max_tokens_other = Some(5)),
            with(|h| h.sends_max_tokens = Some(false)),
            with(|h| h.reasoning_effort = Some("low".into())),
            with(|h| h.voice = Some("low".into())),
        ];
        let distinct: std::collections::HashSet<_> = groups.iter().collect();
        assert_eq!(distinct.len(), groups.len());
    }

    #[test]
    fn another_key_another_list_or_another_fleet_secret_is_another_group() {
        let base = group(None, &[check("a", "k1")]);
        assert_ne!(base, group(None, &[check("a", "k2")]));
        assert_ne!(base, group(None, &[check("b", "k1")]));
        assert_ne!(base, group(None, &[check("a", "k1"), check("b", "k1")]));
        assert_ne!(base, group(Some("s"), &[check("a", "k1")]));
        assert!(base.starts_with("all-") && base.len() == 36, "{base}");
    }
}
