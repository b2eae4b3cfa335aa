//! The `http` check: a URL that is to answer with a status below 400.

use reqwest::header::HeaderMap;
use watchkeeper_core::probe::Tier;
use watchkeeper_core::secret::Secret;

use crate::endpoint::Endpoint;
use crate::promise::Promise;
use crate::request::{Auth, ProbeRequest, authorize};

/// A GET, with the login of the URL as basic auth.
pub(crate) fn request(url: &Secret) -> Result<ProbeRequest, String> {
    let endpoint = Endpoint::parse("http", url.expose())?;
    let mut headers = HeaderMap::new();
    let mut auth = Auth::None;
    if let Some(value) = endpoint.basic() {
        // base64 can always stand in a header
        let _ = authorize(&mut headers, &value);
        auth = Auth::Basic;
    }
    let mut request = ProbeRequest::get(endpoint.url, Promise::Below400);
    request.headers = headers;
    request.auth = auth;
    request.tier = Tier::Reachability;
    Ok(request)
}
