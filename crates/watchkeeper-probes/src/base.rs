//! Which base URL is asked, and who named it: that decides which keys may go there.

use watchkeeper_core::secret::Secret;

use crate::ask::Ask;
use crate::endpoint::Endpoint;

/// Who named a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The entry.
    Entry,
    /// The environment, by the provider's own variable.
    Environment,
    /// The provider's own, built in.
    Vendor,
}

/// A base URL and who named it.
#[derive(Clone, PartialEq)]
pub(crate) struct Base {
    pub(crate) endpoint: Endpoint,
    pub(crate) origin: Origin,
}

/// The base that the entry names; `base_url` is a synonym.
pub(crate) fn given<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    let base = ask.target.api_base.as_ref().map(Secret::expose);
    base.filter(|base| !base.trim().is_empty())
        .or_else(|| ask.param("api_base"))
        .or_else(|| ask.param("base_url"))
}

/// The entry's base, else the environment's, else the provider's own.
pub(crate) fn of(ask: &Ask<'_>) -> Result<Base, String> {
    of_or(ask, ask.provider.base)
}

/// As [`of`], with another base of the vendor's own, such as a region's; it is taken for the vendor's where keys go.
pub(crate) fn of_or(ask: &Ask<'_>, own: &str) -> Result<Base, String> {
    if let Some(base) = given(ask) {
        let endpoint = Endpoint::parse("api_base", base)?;
        let origin = if is_of(&endpoint, own) {
            Origin::Vendor
        } else {
            Origin::Entry
        };
        return Ok(Base { endpoint, origin });
    }
    for name in ask.provider.base_vars {
        if let Some(base) = ask.env.get(name) {
            return Ok(Base {
                endpoint: Endpoint::parse(name, base.expose())?,
                origin: Origin::Environment,
            });
        }
    }
    if own.is_empty() {
        let variables = ask.provider.base_vars;
        let or = match variables.first() {
            Some(name) => format!(", or `{name}`"),
            None => String::new(),
        };
        return Err(format!(
            "provider `{}` has no address of its own: set `api_base` of this entry{or}",
            ask.provider.name
        ));
    }
    Ok(Base {
        endpoint: Endpoint::parse("api_base", own)?,
        origin: Origin::Vendor,
    })
}

/// Whether the endpoint is the vendor's own, or a host below it, over TLS.
fn is_of(endpoint: &Endpoint, own: &str) -> bool {
    let Ok(own) = Endpoint::parse("api_base", own) else {
        return false;
    };
    let (Some(host), Some(own_host)) = (endpoint.url.host_str(), own.url.host_str()) else {
        return false;
    };
    endpoint.url.scheme() == "https"
        && own.url.scheme() == "https"
        && (host == own_host
            || host
                .strip_suffix(own_host)
                .is_some_and(|region| region.ends_with('.')))
}
