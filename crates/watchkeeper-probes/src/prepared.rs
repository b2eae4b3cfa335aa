//! Requests built before: a check is asked the same every time, so what is sent is put together once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use watchkeeper_core::check::ModelTarget;
use watchkeeper_core::id::CheckId;

use crate::adapter::{Resolved, resolve};
use crate::options::ProviderKeys;

/// Most requests that are kept, of one or two KiB each: more than a large list of checks has. Those beyond are built
/// each time.
const MAX_KEPT: usize = 16_384;

/// The requests of model checks, by check.
#[derive(Default)]
pub(crate) struct Prepared(RwLock<HashMap<CheckId, Arc<Kept>>>);

/// A request, and what it was built from.
struct Kept {
    target: ModelTarget,
    resolved: Resolved,
}

impl Prepared {
    /// What [`resolve`] gives for this target, built anew only if it differs from the one that the check had before.
    /// The keys must be the same ones every time. Refusals are not kept.
    pub(crate) fn resolve(
        &self,
        check: &CheckId,
        target: &ModelTarget,
        keys: &ProviderKeys,
    ) -> Result<Resolved, String> {
        // a panic elsewhere leaves the map whole: it is changed by single insertions
        let kept = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(check)
            .cloned();
        if let Some(kept) = kept.filter(|kept| kept.target == *target) {
            return Ok(kept.resolved.clone());
        }
        let resolved = resolve(target, keys)?;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MAX_KEPT || all.contains_key(check) {
            let kept = Kept {
                target: target.clone(),
                resolved: resolved.clone(),
            };
            all.insert(check.clone(), Arc::new(kept));
        }
        Ok(resolved)
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::check::HealthParams;
    use watchkeeper_core::secret::Secret;

    use super::*;

    fn target(model: &str, key: &str) -> ModelTarget {
        ModelTarget {
            model: model.to_owned(),
            provider: Some("openai".to_owned()),
            mode: Some("chat".to_owned()),
            api_base: Some(Secret::new("http://h/v1")),
            api_key: Some(Secret::new(key)),
            params: serde_json::Map::new(),
            health: HealthParams::default(),
        }
    }

    #[test]
    fn a_kept_request_is_the_one_that_would_be_built_also_after_the_check_changed() {
        let (prepared, keys) = (Prepared::default(), ProviderKeys::default());
        let id = CheckId::new("c").unwrap();
        for (model, key) in [
            ("openai/a", "key-1"),
            ("openai/a", "key-1"),
            ("openai/a", "key-2"),
            ("openai/b", "key-2"),
            ("openai/a", "key-1"),
        ] {
            let target = target(model, key);
            let kept = prepared.resolve(&id, &target, &keys).unwrap().request;
            let built = resolve(&target, &keys).unwrap().request;
            assert_eq!(kept.headers, built.headers, "{model}");
            assert_eq!(kept.body, built.body, "{model}");
            assert_eq!(kept.url, built.url, "{model}");
            assert!(
                kept.headers
                    .get("authorization")
                    .is_some_and(|v| v.is_sensitive())
            );
        }
        assert_eq!(prepared.0.read().unwrap().len(), 1);
    }

    #[test]
    fn no_more_requests_are_kept_than_the_bound_and_those_beyond_are_built() {
        let (prepared, keys) = (Prepared::default(), ProviderKeys::default());
        let target = target("openai/a", "key-1");
        for n in 0..=MAX_KEPT {
            let id = CheckId::new(format!("c{n}")).unwrap();
            assert!(prepared.resolve(&id, &target, &keys).is_ok());
        }
        assert_eq!(prepared.0.read().unwrap().len(), MAX_KEPT);
    }
}
