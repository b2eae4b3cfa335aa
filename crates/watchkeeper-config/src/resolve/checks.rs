//! What is probed: LiteLLM's deployments, then the native `[[checks]]`.

use std::collections::HashSet;
use std::net::Ipv6Addr;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;
use watchkeeper_core::check::{Check, MAX_PROBE_TIMEOUT, Target};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::money::{Price, Usd};
use watchkeeper_core::probe::ProbeKind;
use watchkeeper_core::secret::Secret;
use watchkeeper_litellm::{CostMap, shown};

use super::Resolver;
use super::probe::place;
use crate::config::{Probe, ProviderProbe};
use crate::error::ConfigError;
use crate::{raw, units};

/// Length of a made id (SHA-256 in hex), and how much of it tells two deployments apart.
const MADE_ID: usize = 64;
const SHORT_ID: usize = 8;

/// What may be seen of a check.
pub(super) type Shown = Map<String, Value>;

impl Resolver<'_> {
    pub(super) fn checks(
        &mut self,
        native: &[raw::Check],
        probe: &Probe,
        interval: Duration,
        cost_map: Option<&CostMap>,
    ) -> Result<Vec<Check>, ConfigError> {
        let found = match self.litellm {
            Some(file) => {
                file.deployments(self.env, probe.timeout, cost_map, &mut self.warnings)?
            }
            None => Vec::new(),
        };
        let mut checks = Vec::with_capacity(found.len() + native.len());
        for mut found in found {
            let own = ProviderProbe {
                kind: found.probe,
                inference_every: found.inference_every,
            };
            place(&mut found.check, own, probe, interval);
            checks.push(found.check);
        }
        let mut taken: HashSet<String> = checks
            .iter()
            .map(|check| check.id.as_str().to_owned())
            .collect();
        for (index, raw) in native.iter().enumerate() {
            let mut check = self.native(index, raw, probe.timeout, cost_map)?;
            let own = self.own_probe(index, raw)?;
            place(&mut check, own, probe, interval);
            if !taken.insert(check.id.as_str().to_owned()) {
                return Err(self.invalid(
                    &format!("checks.{index}.name"),
                    format!(
                        "`{}` is taken by another check: names must be unique",
                        check.name
                    ),
                ));
            }
            checks.push(check);
        }
        if checks.is_empty() {
            return Err(self.nothing_to_check());
        }
        Ok(checks)
    }

    fn nothing_to_check(&self) -> ConfigError {
        let (key, why) = if self.litellm.is_some() {
            (
                "model_list",
                "is missing or empty, and there are no `[[checks]]`: name at least one model",
            )
        } else {
            (
                "checks",
                "is missing or empty: add a `[[checks]]` table with `name` and `model`, or name a LiteLLM file in `litellm.config`",
            )
        };
        let line = self.litellm.and_then(|file| file.line_of("model_list"));
        ConfigError::Invalid {
            origin: match line {
                Some(line) => format!("{}, line {line}", self.files),
                None => self.files.clone(),
            },
            key: key.into(),
            why: why.into(),
        }
    }

    fn native(
        &mut self,
        index: usize,
        raw: &raw::Check,
        timeout: Duration,
        cost_map: Option<&CostMap>,
    ) -> Result<Check, ConfigError> {
        let key = |name: &str| format!("checks.{index}.{name}");
        let name = self.text(&key("name"), &raw.name.0)?;
        let id = CheckId::new(&name)
            .map_err(|error| self.invalid(&key("name"), format!("is not usable: {}", error.why)))?;
        let least = Duration::from_millis(1);
        let timeout = match raw.timeout {
            None => timeout,
            Some(span) => self.within(&key("timeout"), span.0, least, MAX_PROBE_TIMEOUT)?,
        };
        let (target, shown) = match (&raw.model, &raw.http, &raw.tcp) {
            (Some(model), None, None) => self.model(index, raw, &model.0, cost_map)?,
            (None, Some(http), None) => {
                self.only_for_models(index, raw)?;
                self.http_target(&key("http"), &http.0)?
            }
            (None, None, Some(tcp)) => {
                self.only_for_models(index, raw)?;
                self.tcp_target(&key("tcp"), &tcp.0)?
            }
            _ => {
                return Err(self.invalid(
                    &format!("checks.{index}"),
                    format!("(`{name}`) must have exactly one of `model`, `http` and `tcp`"),
                ));
            }
        };
        Ok(Check {
            id,
            name,
            target,
            timeout,
            shown,
            background: true,
            full_every: None,
        })
    }

    fn own_probe(&self, index: usize, raw: &raw::Check) -> Result<ProviderProbe, ConfigError> {
        let kind = match &raw.probe {
            None => None,
            Some(kind) => Some(self.probe_kind(&format!("checks.{index}.probe"), &kind.0)?),
        };
        let intervals = format!("checks.{index}.intervals");
        Ok(ProviderProbe {
            kind,
            inference_every: self.inference_every(&intervals, &raw.intervals)?,
        })
    }

    fn only_for_models(&self, index: usize, raw: &raw::Check) -> Result<(), ConfigError> {
        for (name, given) in [
            ("api_key", raw.api_key.is_some()),
            ("api_base", raw.api_base.is_some()),
            ("mode", raw.mode.is_some()),
            ("probe", raw.probe.is_some()),
            ("intervals", raw.intervals.inference.is_some()),
            ("max_tokens", raw.max_tokens.is_some()),
            ("base_model", raw.base_model.is_some()),
            ("input_cost_per_token", raw.input_cost_per_token.is_some()),
            ("output_cost_per_token", raw.output_cost_per_token.is_some()),
            ("cost_per_call", raw.cost_per_call.is_some()),
            ("params", raw.params.is_some()),
        ] {
            if given {
                return Err(self.invalid(
                    &format!("checks.{index}.{name}"),
                    "stands in a check without `model`: leave it out",
                ));
            }
        }
        Ok(())
    }

    fn http_target(&self, key: &str, text: &str) -> Result<(Target, Shown), ConfigError> {
        let url = self.http_url(key, text)?;
        let shown = shown::address(&url);
        let url = Secret::new(url);
        Ok((Target::Http { url }, shown))
    }

    pub(super) fn http_url(&self, key: &str, text: &str) -> Result<String, ConfigError> {
        let text = self.text(key, text)?;
        let good = Url::parse(&text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if good {
            return Ok(text);
        }
        // Not repeated: it may hold a password.
        Err(self.invalid(
            key,
            "must be a URL that begins with `http://` or `https://`",
        ))
    }

    fn tcp_target(&self, key: &str, text: &str) -> Result<(Target, Shown), ConfigError> {
        let text = self.text(key, text)?;
        let (host, port) = host_and_port(&text).ok_or_else(|| {
            self.invalid(
                key,
                format!(
                    "must be a host and a port such as `db:5432` or `[::1]:5432`, not `{text}`"
                ),
            )
        })?;
        let target = Target::Tcp {
            host: host.to_owned(),
            port,
        };
        Ok((target, shown::address(&format!("tcp://{text}"))))
    }
}

fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    if let Some(v6) = host.strip_prefix('[') {
        let v6 = v6.strip_suffix(']')?;
        return v6.parse::<Ipv6Addr>().is_ok().then_some((v6, port));
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | ']' | ':');
    (!host.is_empty() && !host.contains(odd)).then_some((host, port))
}

/// A check's row in `config show`: its name, and its id where that is another, since deployments share names. A made id
/// is cut; one that somebody gave is not, since such ones often begin alike.
pub(crate) fn label(check: &Check) -> String {
    let (name, id) = (&check.name, check.id.as_str());
    if name == id {
        return format!("checks[{name}]");
    }
    let made = id.len() == MADE_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = if made { id.get(..SHORT_ID) } else { None };
    format!("checks[{name}, {}]", short.unwrap_or(id))
}

/// What a check asks, in a few words for `config show`.
pub(crate) fn describe(check: &Check) -> String {
    let what = match &check.target {
        Target::Model(model) => model.model.clone(),
        Target::Http { url } => shown::public_url(url.expose()),
        Target::Tcp { host, port } if host.contains(':') => format!("tcp://[{host}]:{port}"),
        Target::Tcp { host, port } => format!("tcp://{host}:{port}"),
        Target::Invalid { reason, .. } => format!("config_error: {reason}"),
    };
    let mut out = format!("{what}, {}", units::show(check.timeout));
    if !check.background {
        out.push_str(", on demand only");
    }
    let Target::Model(model) = &check.target else {
        return out;
    };
    if model.health.kind != ProbeKind::Auto {
        out.push_str(&format!(", {}", model.health.kind.as_str()));
    }
    if let Some(every) = check.full_every {
        out.push_str(&format!(", in full every {}", units::show(every)));
    }
    if let Some(price) = model.health.price {
        out.push_str(&format!(", {}", describe_price(price)));
    }
    out
}

fn describe_price(price: Price) -> String {
    const MILLION: u64 = 1_000_000;
    let tokens = format!(
        "{} in and {} out per million tokens",
        price.input.times(MILLION),
        price.output.times(MILLION)
    );
    match (price.call, price.input + price.output) {
        (Usd::ZERO, Usd::ZERO) => "free of charge".into(),
        (Usd::ZERO, _) => tokens,
        (call, Usd::ZERO) => format!("{call} per call"),
        (call, _) => format!("{call} per call, {tokens}"),
    }
}
