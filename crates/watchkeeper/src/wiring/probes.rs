//! How checks are asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_config::Config;
use watchkeeper_core::check::Check;
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::time::Clock;
use watchkeeper_probes::{HttpProber, ProbeSetupError, ProberOptions, ProviderKeys};

use super::files::read;
use crate::exit::Failure;
use crate::inputs;

/// The prober as it is configured, with the providers' own key variables from the environment and, over them, from
/// LiteLLM's `environment_variables`.
pub(crate) fn build(clock: &Arc<dyn Clock>, config: &Config) -> Result<Arc<HttpProber>, Failure> {
    HttpProber::new(options(clock, config, inputs::environment())?)
        .map(Arc::new)
        .map_err(|error| match error {
            ProbeSetupError::Client(_) => Failure::failed(error),
            ProbeSetupError::ExtraCa(_) => Failure::bad_config(format!("`probe.ca`: {error}")),
            ProbeSetupError::Proxy(_) | ProbeSetupError::Header { .. } => {
                Failure::bad_config(error)
            }
        })
}

fn options(
    clock: &Arc<dyn Clock>,
    config: &Config,
    mut variables: BTreeMap<String, String>,
) -> Result<ProberOptions, Failure> {
    let exported = config.litellm.environment.iter();
    variables.extend(exported.map(|(name, value)| (name.clone(), value.expose().to_owned())));
    let ca = config.probe.ca.as_deref();
    let mut options = ProberOptions::new(Arc::clone(clock));
    options.keys = ProviderKeys::from_vars(variables);
    options.extra_ca_pem = ca.map(|path| read("probe.ca", path)).transpose()?;
    options.proxies_from_env = config.probe.proxies;
    options.headers.clone_from(&config.probe.headers);
    Ok(options)
}

/// One line that names the checks which cannot be asked as they are configured; `None` if all can.
pub(crate) fn unaskable(checks: &[Check], prober: &dyn Prober) -> Option<String> {
    let reasons: Vec<(&str, String)> = checks
        .iter()
        .filter_map(|check| Some((check.name.as_str(), prober.plan(check, Effort::Full).err()?)))
        .collect();
    let (name, why) = reasons.first()?;
    Some(format!(
        "{} of {} checks cannot be asked and are shown as `config_error`; the first is `{name}`: {why}; \
         `watchkeeper check --plan` lists all",
        reasons.len(),
        checks.len()
    ))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use watchkeeper_config::Inputs;
    use watchkeeper_core::time::{Clock, Moment, UnixMillis};

    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Moment {
            Moment::ZERO
        }

        fn unix(&self) -> UnixMillis {
            UnixMillis(0)
        }
    }

    /// The configuration with one check and these keys.
    fn config(set: &[(&str, &str)]) -> Config {
        let checks = "[{name=\"m\", model=\"openai/m\", api_key=\"k\"}]";
        let given = [("checks", checks)];
        let overrides = given.iter().chain(set);
        let inputs = Inputs {
            env: BTreeMap::new(),
            config: None,
            litellm_config: None,
            overrides: overrides
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned(), "--set".to_owned()))
                .collect(),
            built_in: crate::wiring::store::BUILT_IN,
            working_dir: PathBuf::from("/nonexistent"),
            without_store: true,
            without_secrets: false,
        };
        watchkeeper_config::load(&inputs).unwrap().config
    }

    fn clock() -> Arc<dyn Clock> {
        Arc::new(Still)
    }

    #[test]
    fn proxies_and_headers_are_those_of_the_configuration() {
        let config = config(&[
            ("probe.proxy", "false"),
            ("probe.headers", "{x-team=\"platform\"}"),
        ]);
        let options = options(&clock(), &config, BTreeMap::new()).unwrap();
        assert!(!options.proxies_from_env);
        assert_eq!(options.headers.len(), 1);
        assert_eq!(options.headers[0].0, "x-team");
        assert_eq!(options.headers[0].1.expose(), "platform");
    }

    #[test]
    fn a_ca_that_cannot_be_read_or_used_is_named_with_its_key() {
        let not_a_ca = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (path, words) in [
            ("/nonexistent/ca.pem", "cannot be read"),
            (not_a_ca, "`CERTIFICATE`"),
        ] {
            match build(&clock(), &config(&[("probe.ca", path)])) {
                Err(Failure::BadConfig(why)) => {
                    assert!(why.contains("`probe.ca`") && why.contains(words), "{why}");
                }
                Err(other) => panic!("{other:?}"),
                Ok(_) => panic!("{path} was taken"),
            }
        }
    }
}
