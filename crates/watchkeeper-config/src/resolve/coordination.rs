//! `[coordination]`.

use std::time::Duration;

use super::Resolver;
use crate::config::{Backend, BackendKind, Coordination, LockScope};
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::raw;
use crate::units;

/// A day.
const DAY: Duration = Duration::from_secs(86_400);
/// Shortest interval: below it a probe is hardly over when the next is due.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// `coordination.cache_ttl` unless the interval is longer: LiteLLM's own.
const DEFAULT_CACHE_TTL: Duration = Duration::from_secs(300);
/// Store operations that a lease must outlast: a renewal at a third of it may fail twice and still come in time.
const OPERATIONS_PER_LEASE: u32 = 6;
/// The shortest lease that etcd gives with its usual election timeout.
const MIN_ETCD_LEASE: Duration = Duration::from_secs(2);
/// Largest share of the interval that jitter may take.
const MAX_JITTER: f64 = 0.5;

impl Resolver<'_> {
    pub(super) fn coordination(
        &mut self,
        raw: &raw::Coordination,
        backend: &Backend,
    ) -> Result<Coordination, ConfigError> {
        let interval = self.within(
            "coordination.interval",
            raw.interval.0,
            MIN_INTERVAL,
            30 * DAY,
        )?;
        let lock_ttl = self.lock_ttl(raw.lock_ttl.0, backend)?;
        let cache_ttl = match raw.cache_ttl {
            None => DEFAULT_CACHE_TTL.max(interval),
            Some(ttl) => self.within("coordination.cache_ttl", ttl.0, MIN_INTERVAL, 60 * DAY)?,
        };
        if cache_ttl < interval {
            self.warnings.push(format!(
                "{}: `coordination.cache_ttl` {} is shorter than `coordination.interval` {}, so checks are asked every {}",
                self.origin("coordination.cache_ttl"),
                units::show(cache_ttl),
                units::show(interval),
                units::show(cache_ttl)
            ));
        }
        let jitter = raw.jitter.0;
        if !(0.0..=MAX_JITTER).contains(&jitter) {
            return Err(self.invalid(
                "coordination.jitter",
                format!("must be between 0 and {MAX_JITTER}, not {jitter}"),
            ));
        }
        let lock_scope = self.choice(
            "coordination.lock_scope",
            &raw.lock_scope.0,
            &[("fleet", LockScope::Fleet), ("check", LockScope::Check)],
        )?;
        self.warn_of_no_store(raw.enabled.0, backend);
        Ok(Coordination {
            enabled: raw.enabled.0,
            background: raw.background.0,
            interval,
            lock_ttl,
            cache_ttl,
            lock_scope,
            jitter,
        })
    }

    fn lock_ttl(&mut self, lock_ttl: Duration, backend: &Backend) -> Result<Duration, ConfigError> {
        let key = "coordination.lock_ttl";
        let timeout = backend.timeout;
        let lock_ttl = self.within(key, lock_ttl, Duration::from_millis(1), DAY)?;
        if matches!(backend.kind, BackendKind::Etcd(_)) {
            self.etcd_lock_ttl(key, lock_ttl)?;
        }
        let least = timeout * OPERATIONS_PER_LEASE;
        if lock_ttl >= least {
            return Ok(lock_ttl);
        }
        Err(self.invalid(
            key,
            format!(
                "{} must be at least {OPERATIONS_PER_LEASE} x `backend.timeout` {}, that is {}: raise the one or lower the other",
                units::show(lock_ttl),
                units::show(timeout),
                units::show(least)
            ),
        ))
    }

    /// etcd's leases last whole seconds, and never less than two.
    fn etcd_lock_ttl(&mut self, key: &str, lock_ttl: Duration) -> Result<(), ConfigError> {
        if lock_ttl < MIN_ETCD_LEASE {
            return Err(self.invalid(
                key,
                format!(
                    "{} is too short for etcd, whose leases last {} at least: raise it",
                    units::show(lock_ttl),
                    units::show(MIN_ETCD_LEASE)
                ),
            ));
        }
        if lock_ttl.subsec_nanos() != 0 {
            self.warnings.push(format!(
                "{}: `{key}` {} counts as {} on etcd, whose leases last whole seconds",
                self.origin(key),
                units::show(lock_ttl),
                units::show(Duration::from_secs(lock_ttl.as_secs() + 1))
            ));
        }
        Ok(())
    }

    fn warn_of_no_store(&mut self, enabled: bool, backend: &Backend) {
        let asked_for = self.layers.rank("coordination.enabled") > Rank::Default;
        let meant = self.layers.has("backend.kind") || self.without_store;
        if enabled && asked_for && !meant && backend.kind == BackendKind::Memory {
            self.warnings.push(format!(
                "{}: coordination is asked for, but no store is configured: this pod uses the in-memory store and shares \
                 nothing; set `backend.redis.url` or `backend.etcd.endpoints`, or `backend.kind = \"memory\"` if that is meant",
                self.origin("coordination.enabled")
            ));
        }
    }
}
