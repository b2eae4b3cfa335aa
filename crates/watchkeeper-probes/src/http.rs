//! The `http` check: a URL that is to answer with a status below 400.

use reqwest::Method;
use reqwest::header::HeaderMap;
use watchkeeper_core::secret::Secret;

use crate::answer::Answer;
use crate::classify::{Finding, refused};
use crate::endpoint::Endpoint;
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
    Ok(ProbeRequest {
        method: Method::GET,
        url: endpoint.url,
        headers,
        body: None,
        auth,
        billed: false,
        unsendable: None,
    })
}

/// Any status below 400 is healthy, a redirect too: something answers.
pub(crate) fn read(answer: &Answer) -> Finding {
    if answer.status < 400 {
        Finding::healthy()
    } else {
        refused(answer)
    }
}
