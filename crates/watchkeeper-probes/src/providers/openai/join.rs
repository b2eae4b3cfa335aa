//! From a base to the URL that is asked: what people write as a base is often more than one.

use url::Url;

use super::dialect::Ending;
use crate::endpoint::Endpoint;

/// What a complete URL may end in that was given as a base. Longer ones before those that end them.
const COMPLETE: [&str; 12] = [
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages",
    "/embeddings",
    "/reranks",
    "/rerank",
    "/moderations",
    "/images/generations",
    "/audio/speech",
    "/audio/transcriptions",
    "/realtime",
];

/// The base without the path of one call, should somebody have given a complete URL, and with the ending that it needs.
pub(crate) fn root(mut endpoint: Endpoint, ending: Ending) -> Endpoint {
    let path = endpoint.url.path().trim_end_matches('/');
    let path = COMPLETE
        .iter()
        .find_map(|call| path.strip_suffix(call))
        .unwrap_or(path)
        .trim_end_matches('/');
    let (path, add) = match (ending, path.strip_suffix("/ai/run")) {
        // where it once answered in another shape
        (Ending::Account, Some(account)) => (account, "/ai/v1"),
        _ => (path, ""),
    };
    let add = match ending {
        Ending::Always(end) if !path.ends_with(end) => end,
        Ending::IfBare(end) if path.is_empty() => end,
        _ => add,
    };
    let path = format!("{path}{add}");
    endpoint.url.set_path(&path);
    endpoint
}

/// The URL of `path` below a base; a version that both name counts once.
pub(crate) fn join(endpoint: &Endpoint, path: &str) -> Url {
    let base = endpoint.url.path().trim_end_matches('/');
    let path = match path.strip_prefix("/v1/") {
        Some(_) if base.ends_with("/v1") => path.strip_prefix("/v1").unwrap_or(path),
        _ => path,
    };
    endpoint.join(path)
}

/// The URL of a host's own `path`, whatever the base's.
pub(crate) fn at_host(endpoint: &Endpoint, path: &str) -> Url {
    let mut url = endpoint.url.clone();
    url.set_path(path);
    url
}

/// Puts a model's name in place of `{model}`; each character that a segment cannot hold is escaped, slashes too if
/// `whole` says that it is one segment.
pub(crate) fn name_model(url: &mut Url, path: &str, model: &str, whole: bool) {
    url.set_path(path);
    // fails only for URLs that cannot be a base, which http and https always can
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        if whole {
            segments.push(model);
        } else {
            segments.extend(model.split('/'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_was_given_as_a_base_leads_to_the_url_that_was_meant() {
        let v1 = Ending::Always("/v1");
        let bare = Ending::IfBare("/serving-endpoints");
        for (base, ending, path, want) in [
            (
                "http://h/v1",
                Ending::AsGiven,
                "/embeddings",
                "http://h/v1/embeddings",
            ),
            (
                "http://h/v1/",
                Ending::AsGiven,
                "/embeddings",
                "http://h/v1/embeddings",
            ),
            (
                "http://h",
                Ending::AsGiven,
                "/embeddings",
                "http://h/embeddings",
            ),
            (
                "http://h/v1/chat/completions",
                Ending::AsGiven,
                "/chat/completions",
                "http://h/v1/chat/completions",
            ),
            (
                "http://h/v1/chat/completions/",
                Ending::AsGiven,
                "/embeddings",
                "http://h/v1/embeddings",
            ),
            (
                "http://h/v1/completions?k=1",
                Ending::AsGiven,
                "/models",
                "http://h/v1/models?k=1",
            ),
            (
                "http://h/v1/rerank",
                Ending::AsGiven,
                "/rerank",
                "http://h/v1/rerank",
            ),
            (
                "http://h",
                v1,
                "/chat/completions",
                "http://h/v1/chat/completions",
            ),
            (
                "http://h/v1/",
                v1,
                "/chat/completions",
                "http://h/v1/chat/completions",
            ),
            (
                "http://h/v1//",
                v1,
                "/chat/completions",
                "http://h/v1/chat/completions",
            ),
            (
                "http://h/v1/chat/completions",
                v1,
                "/chat/completions",
                "http://h/v1/chat/completions",
            ),
            (
                "https://w",
                bare,
                "/chat/completions",
                "https://w/serving-endpoints/chat/completions",
            ),
            (
                "https://w/x",
                bare,
                "/chat/completions",
                "https://w/x/chat/completions",
            ),
            (
                "http://h/v1",
                Ending::AsGiven,
                "/v1/messages",
                "http://h/v1/messages",
            ),
            (
                "http://h",
                Ending::AsGiven,
                "/v1/messages",
                "http://h/v1/messages",
            ),
        ] {
            let endpoint = root(Endpoint::parse("api_base", base).unwrap(), ending);
            assert_eq!(join(&endpoint, path).as_str(), want, "{base}");
        }
    }
}
