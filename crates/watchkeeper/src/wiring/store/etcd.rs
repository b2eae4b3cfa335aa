//! etcd from its settings.

use std::sync::Arc;

use watchkeeper_config::{Config, EtcdSettings};
use watchkeeper_core::id::FleetName;
use watchkeeper_core::time::Clock;
use watchkeeper_etcd::{EtcdOptions, EtcdStore, TlsOptions};

use super::Wired;
use crate::exit::Failure;
use crate::wiring::files::Pem;

/// The store.
pub(super) fn build(
    settings: &EtcdSettings,
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Wired, Failure> {
    let mut options = options(settings, &config.fleet.name)?;
    options.timeout = config.backend.timeout;
    let store = EtcdStore::connect(&options, Arc::clone(clock))
        .map_err(|error| Failure::bad_config(format!("`backend.etcd`: {error}")))?;
    Ok(Wired {
        name: "etcd",
        address: address(settings),
        store: Arc::new(store),
    })
}

fn options(settings: &EtcdSettings, fleet: &FleetName) -> Result<EtcdOptions, Failure> {
    let mut options = EtcdOptions::new(fleet.clone(), settings.endpoints.clone());
    options.username.clone_from(&settings.username);
    options.password.clone_from(&settings.password);
    // Without any of it `https://` endpoints are checked by the public roots.
    options.tls = if settings.tls.is_empty() {
        None
    } else {
        let pem = Pem::read("backend.etcd.tls", &settings.tls)?;
        Some(TlsOptions {
            ca: pem.ca,
            cert: pem.cert,
            key: pem.key,
            server_name: pem.server_name,
        })
    };
    Ok(options)
}

/// Where it is, for people: a list may be long.
fn address(settings: &EtcdSettings) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = settings
        .endpoints
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect();
    let more = settings.endpoints.len().saturating_sub(SHOWN);
    let mut text = shown.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use watchkeeper_config::TlsFiles;
    use watchkeeper_core::secret::Secret;

    use super::*;

    fn settings(endpoints: &[&str]) -> EtcdSettings {
        EtcdSettings {
            endpoints: endpoints.iter().map(ToString::to_string).collect(),
            username: None,
            password: None,
            tls: TlsFiles::default(),
        }
    }

    fn built(settings: &EtcdSettings) -> Result<EtcdOptions, Failure> {
        options(settings, &FleetName::new("test").unwrap())
    }

    #[test]
    fn what_is_set_reaches_the_options() {
        let mut settings = settings(&["https://a:1", "https://b:2"]);
        let plain = built(&settings).unwrap();
        assert_eq!(plain.endpoints, ["https://a:1", "https://b:2"]);
        assert_eq!(
            (plain.username, plain.password, plain.tls),
            (None, None, None)
        );
        settings.username = Some("u".to_owned());
        settings.password = Some(Secret::new("p"));
        settings.tls.server_name = Some("n".to_owned());
        let options = built(&settings).unwrap();
        assert_eq!(options.username.as_deref(), Some("u"));
        assert_eq!(options.password, Some(Secret::new("p")));
        assert_eq!(options.tls.unwrap().server_name.as_deref(), Some("n"));
    }

    #[test]
    fn a_file_that_is_none_is_named_with_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(&["https://a:1"]);
        settings.tls.ca = Some(dir.path().join("ca.pem"));
        let Err(Failure::BadConfig(why)) = built(&settings) else {
            panic!("it was read")
        };
        assert!(
            why.contains("`backend.etcd.tls.ca`") && why.contains("ca.pem"),
            "{why}"
        );
        std::fs::write(dir.path().join("ca.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
        assert!(built(&settings).unwrap().tls.unwrap().ca.is_some());
    }

    #[test]
    fn a_long_list_of_members_is_cut_for_people() {
        assert_eq!(address(&settings(&["a:1", "b:2"])), "a:1, b:2");
        assert_eq!(
            address(&settings(&["a:1", "b:2", "c:3", "d:4", "e:5"])),
            "a:1, b:2, c:3 and 2 more"
        );
    }
}
