//! Joining a base URL and a path where the base may already hold part of the path, or another one of the same API.

use url::Url;

use crate::endpoint::Endpoint;

/// The URL of `path` (it begins with a slash) below a base.
///
/// `tails` are paths by which a base shows that somebody gave a complete URL: one of them at the base's end is taken
/// off first, the first that fits, so longer ones come first. What then stands at the base's end and at the path's
/// beginning alike counts once, and so do slashes at the join. The query stays behind.
pub(super) fn join(base: &Endpoint, tails: &[&str], path: &str) -> Url {
    let mut url = base.url.clone();
    let given = base.url.path().trim_end_matches('/');
    let root = tails
        .iter()
        .find_map(|tail| given.strip_suffix(tail))
        .unwrap_or(given)
        .trim_end_matches('/');
    url.set_path(&format!("{}{path}", without_overlap(root, path)));
    url
}

/// `root` without the segments at its end that `path` begins with.
fn without_overlap<'a>(root: &'a str, path: &str) -> &'a str {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1);
    let mut best = root;
    for end in ends {
        if let Some(rest) = path.get(..end).and_then(|start| root.strip_suffix(start)) {
            best = rest;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_overlaps_and_complete_urls_count_once() {
        let tails = ["/api/chat", "/api/tags"];
        for (base, want) in [
            ("http://h", "http://h/api/chat"),
            ("http://h/", "http://h/api/chat"),
            ("http://h//", "http://h/api/chat"),
            ("http://h/api", "http://h/api/chat"),
            ("http://h/api/", "http://h/api/chat"),
            ("http://h/api/tags", "http://h/api/chat"),
            ("http://h/api/chat/", "http://h/api/chat"),
            ("http://h/x/api/chat?k=v", "http://h/x/api/chat?k=v"),
            ("http://h/myapi", "http://h/myapi/api/chat"),
            ("http://h/v1", "http://h/v1/api/chat"),
        ] {
            let base = Endpoint::parse("api_base", base).unwrap();
            assert_eq!(join(&base, &tails, "/api/chat").as_str(), want);
        }
    }
}
