//! Proxies by values that are handed in.

use reqwest::{NoProxy, Proxy};
use watchkeeper_core::secret::Secret;

use crate::options::{ProbeSetupError, Proxies};

/// The proxies of these values, in the order in which they count.
pub(crate) fn build(proxies: &Proxies) -> Result<Vec<Proxy>, ProbeSetupError> {
    let apart = proxies.no_proxy.as_deref().and_then(NoProxy::from_string);
    let mut all = Vec::new();
    for (name, value, make) in [
        ("HTTP_PROXY", &proxies.http, http as Make),
        ("HTTPS_PROXY", &proxies.https, https),
        ("ALL_PROXY", &proxies.all, any),
    ] {
        let value = value.as_ref().map(Secret::expose).map(str::trim);
        if let Some(url) = value.filter(|value| !value.is_empty()) {
            // the cause may quote the URL, and with it a password
            let proxy = make(url).map_err(|_| ProbeSetupError::Proxy(name))?;
            all.push(proxy.no_proxy(apart.clone()));
        }
    }
    Ok(all)
}

type Make = fn(&str) -> reqwest::Result<Proxy>;

fn http(url: &str) -> reqwest::Result<Proxy> {
    Proxy::http(url)
}

fn https(url: &str) -> reqwest::Result<Proxy> {
    Proxy::https(url)
}

fn any(url: &str) -> reqwest::Result<Proxy> {
    Proxy::all(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_proxy_is_refused_by_its_name_alone_and_an_empty_one_is_none() {
        for (proxies, want) in [
            (
                Proxies {
                    https: Some(Secret::new("http://me:hunter22@")),
                    ..Proxies::default()
                },
                "`HTTPS_PROXY`",
            ),
            (
                Proxies {
                    all: Some(Secret::new("http://me:hunter22@h:99999")),
                    ..Proxies::default()
                },
                "`ALL_PROXY`",
            ),
        ] {
            let text = build(&proxies).unwrap_err().to_string();
            assert!(text.contains(want), "{text}");
            assert!(!text.contains("hunter22"), "{text}");
        }
        let empty = Proxies {
            http: Some(Secret::new(" ")),
            ..Proxies::default()
        };
        assert!(build(&empty).unwrap().is_empty());
    }
}
