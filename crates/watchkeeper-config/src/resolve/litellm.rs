//! `[litellm]`: what belongs to LiteLLM only.

use std::path::PathBuf;
use std::time::Duration;

use watchkeeper_core::secret::Secret;
use watchkeeper_litellm::{Cache, CostMap};

use super::Resolver;
use super::redis::ADDRESS_VARIABLES;
use crate::config::{Backend, BackendKind, Litellm};
use crate::error::ConfigError;
use crate::raw::{self, Raw};
use crate::units;

/// `DEFAULT_SHARED_HEALTH_CHECK_TTL` of LiteLLM, where nobody sets it.
const LITELLM_TTL: Duration = Duration::from_secs(300);
/// `DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL` of LiteLLM, where nobody sets it.
const LITELLM_LOCK_TTL: Duration = Duration::from_secs(60);

impl Resolver<'_> {
    pub(super) fn litellm(
        &mut self,
        raw: &Raw,
        backend: &Backend,
        deployments: usize,
        cost_map: Option<PathBuf>,
    ) -> Litellm {
        let theirs = |variable: &str| {
            let text = self.env.get(variable)?;
            units::duration(text).ok().filter(|span| !span.is_zero())
        };
        // What is set here only is not known there, so the shorter of both is safe.
        let own_ttl = raw.coordination.cache_ttl.map_or(LITELLM_TTL, |ttl| ttl.0);
        let their_ttl = theirs("DEFAULT_SHARED_HEALTH_CHECK_TTL");
        let readers_ttl = their_ttl.unwrap_or_else(|| own_ttl.min(LITELLM_TTL));
        let writers_ttl = their_ttl.unwrap_or(LITELLM_TTL);
        let readers_wait =
            theirs("DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL").unwrap_or(LITELLM_LOCK_TTL);
        let raw = &raw.litellm;
        let file = self.litellm;
        let their_redis = match backend.kind {
            BackendKind::Memory => false,
            BackendKind::Redis(_) => self.own_redis().is_none(),
            // LiteLLM has no store but Redis; where it shares over one, its pods are not this fleet's.
            BackendKind::Etcd(_) => self.litellm_has_redis(),
        };
        Litellm {
            config: file.and_then(|file| file.files.first().cloned()),
            files: file.map(|file| file.files.clone()).unwrap_or_default(),
            details: raw.details.0,
            wire: raw.wire.map(|wire| wire.0),
            deployments,
            readers_ttl,
            writers_ttl,
            readers_wait,
            shares: their_redis && file.is_some_and(|file| file.shared),
            store_model_in_db: file.is_some_and(|file| file.store_model_in_db)
                || self
                    .env
                    .get("STORE_MODEL_IN_DB")
                    .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            cost_map,
            environment: file
                .map(|file| {
                    let exported = file.exported.iter();
                    exported
                        .map(|(name, value)| (name.clone(), Secret::new(value)))
                        .collect()
                })
                .unwrap_or_default(),
        }
    }

    /// Whether LiteLLM's pods share over a Redis: without one of its own as cache over the one in `REDIS_*`.
    fn litellm_has_redis(&self) -> bool {
        let cached = self
            .litellm
            .is_some_and(|file| !matches!(file.cache, Cache::None));
        let mut variables = ADDRESS_VARIABLES.into_iter();
        cached || variables.any(|variable| self.redis_variable(variable).is_some())
    }

    /// The cost map and where it is, if one is named.
    pub(super) fn cost_map(
        &mut self,
        raw: &raw::Litellm,
    ) -> Result<Option<(PathBuf, CostMap)>, ConfigError> {
        let Some(path) = &raw.cost_map else {
            return Ok(None);
        };
        let path = self.path("litellm.cost_map", &path.0)?;
        let map = CostMap::read(&path, self.working_dir, &mut self.warnings)?;
        Ok(Some((path, map)))
    }
}
