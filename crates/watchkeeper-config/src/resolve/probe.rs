//! `[probe]`.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_core::check::{Check, MAX_PROBE_TIMEOUT, Target};
use watchkeeper_core::probe::ProbeKind;
use watchkeeper_core::verdict::Outcome;
use watchkeeper_litellm::{MAX_INFERENCE_INTERVAL, provider};

use super::Resolver;
use crate::config::{Coordination, Probe, ProviderProbe};
use crate::error::ConfigError;
use crate::keys;
use crate::layers::Rank;
use crate::raw;
use crate::units;

/// Most probes at once; each holds a socket.
const MAX_CONCURRENCY: u64 = 10_000;
/// Results that an entry's history holds, so no longer row can be counted.
const MAX_IN_A_ROW: u64 = 64;
/// Providers that serve one model at a time on one machine: two at once load and unload models in turn.
const ONE_AT_A_TIME: [&str; 2] = ["ollama", "ollama_chat"];

impl Resolver<'_> {
    pub(super) fn probe(
        &mut self,
        raw: &raw::Probe,
        coordination: &Coordination,
    ) -> Result<Probe, ConfigError> {
        let least = Duration::from_millis(1);
        let timeout = self.within("probe.timeout", raw.timeout.0, least, MAX_PROBE_TIMEOUT)?;
        let spread = raw.spread.0;
        if spread >= coordination.interval {
            return Err(self.invalid(
                "probe.spread",
                format!(
                    "{} must be shorter than `coordination.interval` {}",
                    units::show(spread),
                    units::show(coordination.interval)
                ),
            ));
        }
        let in_a_row = |key: &str, count: u64| self.count(key, count, 1, MAX_IN_A_ROW);
        let healthy_after = in_a_row("probe.healthy_after", raw.healthy_after.0)?;
        let unhealthy_after = in_a_row("probe.unhealthy_after", raw.unhealthy_after.0)?;
        let ca = match &raw.ca {
            None => None,
            Some(path) => Some(self.path("probe.ca", &path.0)?),
        };
        Ok(Probe {
            concurrency: self.count("probe.concurrency", raw.concurrency.0, 1, MAX_CONCURRENCY)?,
            concurrency_is_explicit: self.layers.rank("probe.concurrency") > Rank::Default,
            timeout,
            healthy_after,
            unhealthy_after,
            spread,
            kind: self.probe_kind("probe.probe", &raw.probe.0)?,
            inference_every: self.inference_every("probe.intervals", &raw.intervals)?,
            providers: self.providers(&raw.providers)?,
            lanes: self.lanes(&raw.providers)?,
            passes: self.passes(raw)?,
            ca,
            proxies: raw.proxy.0,
            headers: self.headers(&raw.headers)?,
        })
    }

    /// How a check is asked, in the configuration's words.
    pub(super) fn probe_kind(&self, key: &str, raw: &str) -> Result<ProbeKind, ConfigError> {
        let known = ProbeKind::ALL.map(|kind| (kind.as_str(), kind));
        self.choice(key, raw, &known)
    }

    /// `inference` of a table `intervals`.
    pub(super) fn inference_every(
        &self,
        table: &str,
        raw: &raw::Intervals,
    ) -> Result<Option<Duration>, ConfigError> {
        let Some(every) = raw.inference else {
            return Ok(None);
        };
        let key = format!("{table}.inference");
        self.within(&key, every.0, Duration::ZERO, MAX_INFERENCE_INTERVAL)
            .map(Some)
    }

    /// Refuses what is no provider.
    pub(super) fn provider_name(&self, table: &str, name: &str) -> Result<(), ConfigError> {
        if provider::supported(name) {
            return Ok(());
        }
        let remedy = match keys::nearest(name, provider::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write it as it stands before the slash of a model, such as `openai`".into(),
        };
        Err(self.invalid(
            &format!("{table}.{name}"),
            format!("is not known as a provider: {remedy}"),
        ))
    }

    fn providers(
        &self,
        raw: &BTreeMap<String, raw::Provider>,
    ) -> Result<BTreeMap<String, ProviderProbe>, ConfigError> {
        let mut out = BTreeMap::new();
        for (name, raw) in raw {
            self.provider_name("probe.providers", name)?;
            let table = format!("probe.providers.{name}");
            let kind = match &raw.probe {
                None => None,
                Some(kind) => Some(self.probe_kind(&format!("{table}.probe"), &kind.0)?),
            };
            let intervals = format!("{table}.intervals");
            let own = ProviderProbe {
                kind,
                inference_every: self.inference_every(&intervals, &raw.intervals)?,
            };
            if own != ProviderProbe::default() {
                out.insert(name.clone(), own);
            }
        }
        Ok(out)
    }

    fn lanes(
        &self,
        raw: &BTreeMap<String, raw::Provider>,
    ) -> Result<BTreeMap<String, usize>, ConfigError> {
        let mut out: BTreeMap<_, _> = ONE_AT_A_TIME.map(|name| (name.to_owned(), 1)).into();
        for (name, raw) in raw {
            if let Some(most) = raw.concurrency {
                let key = format!("probe.providers.{name}.concurrency");
                out.insert(name.clone(), self.count(&key, most.0, 1, MAX_CONCURRENCY)?);
            }
        }
        Ok(out)
    }

    fn passes(&self, raw: &raw::Probe) -> Result<Vec<Outcome>, ConfigError> {
        let key = "probe.healthy_outcomes";
        let known = Outcome::ALL.map(|outcome| (outcome.as_str(), outcome));
        let mut out = Vec::new();
        for word in raw.healthy_outcomes.iter().flat_map(|list| &list.0) {
            match self.choice(key, word, &known)? {
                Outcome::ConfigError => {
                    return Err(self.invalid(
                        key,
                        "must not name `config_error`: nothing is asked then, so nothing is known",
                    ));
                }
                // It is one in any case.
                Outcome::Healthy => {}
                outcome if out.contains(&outcome) => {}
                outcome => out.push(outcome),
            }
        }
        Ok(out)
    }
}

/// Puts into a check how it is asked and how often in full: as it says itself, else as its provider's table says, else as
/// all are. What is no rarer than the rounds is no limit, nor is one of a probe that is free anyway.
pub(super) fn place(check: &mut Check, own: ProviderProbe, probe: &Probe, interval: Duration) {
    let theirs = probe.providers.get(check.provider()).copied();
    let theirs = theirs.unwrap_or_default();
    let Target::Model(model) = &mut check.target else {
        return;
    };
    let kind = own.kind.or(theirs.kind).unwrap_or(probe.kind);
    model.health.kind = kind;
    let every = own.inference_every.or(theirs.inference_every);
    check.full_every = every
        .or(probe.inference_every)
        .filter(|every| *every > interval)
        .filter(|_| matches!(kind, ProbeKind::Auto | ProbeKind::Inference));
}
