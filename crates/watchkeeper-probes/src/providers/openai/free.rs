//! The free call of a provider's row.

use url::Url;

use super::join::{at_host, join, name_model};
use crate::ask::Ask;
use crate::base::{Base, Origin};
use crate::promise::{Models, Promise};
use crate::providers::Free;
use crate::request::ProbeRequest;

use super::body;

/// Where a path names the model.
const MODEL: &str = "/{model}";

/// The free call of the provider's row, without a key. What stands in a vendor's place, whoever named it, is asked for
/// its list of models, if for anything.
pub(crate) fn free(ask: &Ask<'_>, base: &Base) -> Option<ProbeRequest> {
    // one that has no base of its own is the same wherever it stands
    let is_private = base.origin != Origin::Vendor && !ask.provider.base.is_empty();
    let list = |path: &str, wanted: Option<String>| {
        let promise = Promise::Models(Models {
            list: "data",
            names: &["id"],
            wanted,
        });
        Some(ProbeRequest::get(url(base, path)?, promise))
    };
    match ask.provider.free {
        Free::None => None,
        Free::Complete(path) => {
            let wanted = (!ask.is_wildcard()).then(|| body::model(ask).into_owned());
            list(path, wanted)
        }
        Free::Model if !is_private && !ask.is_wildcard() => {
            let mut url = join(&base.endpoint, "/models");
            let path = url.path().to_owned();
            name_model(&mut url, &path, &body::model(ask), true);
            Some(ProbeRequest::get(url, Promise::Success))
        }
        Free::Model => list("/models", None),
        Free::List(path) if is_private && path.starts_with("https://") => list("/models", None),
        Free::List(path) => list(path, None),
        Free::Success(_) if is_private => list("/models", None),
        Free::Success(path) => {
            let (path, named) = match path.strip_suffix(MODEL) {
                Some(path) => (path, !ask.is_wildcard()),
                None => (path, false),
            };
            let mut url = url(base, path)?;
            if named {
                let path = url.path().to_owned();
                name_model(&mut url, &path, &body::model(ask), true);
            }
            Some(ProbeRequest::get(url, Promise::Success))
        }
    }
}

/// The URL of a path of [`Free`].
fn url(base: &Base, path: &str) -> Option<Url> {
    if path.starts_with("https://") {
        Url::parse(path).ok()
    } else if let Some(rest) = path.strip_prefix("//") {
        Some(at_host(&base.endpoint, rest))
    } else {
        Some(join(&base.endpoint, path))
    }
}
