//! Which Redis a LiteLLM file names, if any (LiteLLM 1.106.2, `init_cache` and `_redis.py`).

use crate::python::str_of;
use crate::yaml::{Node, Yaml};

/// What the file says about a cache.
#[derive(Debug)]
pub enum Cache {
    /// Nothing that could coordinate.
    None,
    /// Plain Redis: our key, its value and the key in the file.
    Redis(Vec<(&'static str, String, String)>),
    /// A Redis that cannot be used yet: why, with the remedy.
    Unsupported(String),
}

/// LiteLLM's names for what we know under another one.
const RENAMED: [(&str, &str); 11] = [
    ("url", "backend.redis.url"),
    ("host", "backend.redis.host"),
    ("port", "backend.redis.port"),
    ("db", "backend.redis.db"),
    ("username", "backend.redis.username"),
    ("password", "backend.redis.password"),
    ("ssl", "backend.redis.ssl"),
    ("namespace", "backend.redis.namespace"),
    ("ssl_ca_certs", "backend.redis.tls.ca"),
    ("ssl_certfile", "backend.redis.tls.cert"),
    ("ssl_keyfile", "backend.redis.tls.key"),
];

/// Reads `general_settings.coordination_redis`, else `litellm_settings.cache` and `cache_params`.
pub(super) fn choose(root: &Node, warnings: &mut Vec<String>) -> Cache {
    let coordination = root
        .get("general_settings")
        .and_then(|general| general.get_set("coordination_redis"));
    if let Some(params) = coordination {
        return redis("general_settings.coordination_redis", params, warnings);
    }
    let Some(settings) = root.get("litellm_settings") else {
        return Cache::None;
    };
    // Only the literal true counts there; a mapping under `cache` does not.
    if !settings
        .get("cache")
        .is_some_and(|cache| matches!(cache.value, Yaml::Bool(true)))
    {
        return Cache::None;
    }
    let Some(params) = settings
        .get("cache_params")
        .filter(|params| params.truthy())
    else {
        return Cache::Redis(Vec::new());
    };
    match params.get("type").and_then(|kind| kind.as_str()) {
        Some("redis") => redis("litellm_settings.cache_params", params, warnings),
        Some(other) => {
            warnings.push(format!(
                "`litellm_settings.cache_params.type` is `{other}`, which cannot coordinate a fleet; only `redis` can"
            ));
            Cache::None
        }
        None => {
            warnings.push(
                "`litellm_settings.cache_params` has no `type`, so LiteLLM caches in memory and no Redis is configured: add `type: redis`"
                    .into(),
            );
            Cache::None
        }
    }
}

fn redis(place: &str, params: &Node, warnings: &mut Vec<String>) -> Cache {
    let truthy = |key: &str| params.get(key).is_some_and(|node| node.truthy());
    for (key, what) in [
        ("redis_startup_nodes", "Redis Cluster"),
        ("startup_nodes", "Redis Cluster"),
        ("sentinel_nodes", "Redis Sentinel"),
        (
            "gcp_service_account",
            "signing in with a Google service account",
        ),
        ("azure_redis_ad_token", "signing in with an Azure token"),
        ("aws_iam_auth", "signing in with AWS IAM"),
    ] {
        if truthy(key) {
            return Cache::Unsupported(format!(
                "`{place}.{key}`: {what} comes with a later version; \
                 set `[backend.redis]` in watchkeeper.toml to a plain Redis, or `backend.kind = \"memory\"`"
            ));
        }
    }
    if truthy("redis_url") {
        warnings.push(format!(
            "`{place}.redis_url` is no cache parameter and is ignored, as LiteLLM does: write `url`"
        ));
    }
    if params.get("ssl_cert_reqs").is_some_and(|node| {
        matches!(
            str_of(node).to_ascii_lowercase().as_str(),
            "none" | "cert_none"
        )
    }) {
        warnings.push(format!(
            "`{place}.ssl_cert_reqs` is ignored: the server's certificate is always verified; name its authority in `ssl_ca_certs`"
        ));
    }
    let url_given = truthy("url");
    let mut out = Vec::new();
    for (theirs, ours) in RENAMED {
        // Beside a URL, LiteLLM drops what the URL says better.
        if url_given
            && matches!(
                theirs,
                "host" | "port" | "db" | "username" | "password" | "ssl"
            )
        {
            continue;
        }
        if let Some(node) = params.get_set(theirs) {
            let text = str_of(node);
            if !text.is_empty() {
                out.push((ours, text, format!("{place}.{theirs}")));
            }
        }
    }
    Cache::Redis(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::load;

    fn chosen(text: &str) -> (Cache, Vec<String>) {
        let mut warnings = Vec::new();
        let cache = choose(&load(text.as_bytes()).unwrap().root, &mut warnings);
        (cache, warnings)
    }

    fn values(cache: Cache) -> Option<Vec<(&'static str, String)>> {
        match cache {
            Cache::Redis(values) => Some(values.into_iter().map(|(k, v, _)| (k, v)).collect()),
            _ => None,
        }
    }

    #[test]
    fn only_a_true_cache_of_type_redis_names_a_redis() {
        let file = |settings: &str| values(chosen(&format!("litellm_settings: {settings}\n")).0);
        assert_eq!(file("{cache: true}"), Some(vec![]));
        assert_eq!(file("{cache: true, cache_params: {}}"), Some(vec![]));
        assert_eq!(
            file(
                "{cache: true, cache_params: {type: redis, host: h, port: 6380, ssl: true, ttl: 5}}"
            ),
            Some(vec![
                ("backend.redis.host", "h".into()),
                ("backend.redis.port", "6380".into()),
                ("backend.redis.ssl", "True".into()),
            ])
        );
        assert_eq!(
            file(
                "{cache: true, cache_params: {type: redis, url: 'redis://u', host: h, namespace: n}}"
            ),
            Some(vec![
                ("backend.redis.url", "redis://u".into()),
                ("backend.redis.namespace", "n".into()),
            ])
        );
        for settings in [
            "{cache: false, cache_params: {type: redis}}",
            "{cache: {type: redis}}",
            "{cache: true, cache_params: {host: h}}",
            "{cache: true, cache_params: {type: s3}}",
            "{cache: 'true'}",
            "{}",
            "~",
        ] {
            assert_eq!(file(settings), None, "{settings}");
        }
    }

    #[test]
    fn coordination_redis_goes_before_the_cache() {
        let text =
            "general_settings: {coordination_redis: {host: c}}\nlitellm_settings: {cache: true}\n";
        assert_eq!(
            values(chosen(text).0),
            Some(vec![("backend.redis.host", "c".into())])
        );
    }

    #[test]
    fn what_is_not_there_yet_is_named() {
        for (params, key) in [
            (
                "redis_startup_nodes: [{host: a, port: 1}]",
                "redis_startup_nodes",
            ),
            (
                "sentinel_nodes: [[a, 1]], service_name: s",
                "sentinel_nodes",
            ),
            ("host: h, aws_iam_auth: true", "aws_iam_auth"),
        ] {
            let text = format!(
                "litellm_settings: {{cache: true, cache_params: {{type: redis, {params}}}}}\n"
            );
            match chosen(&text).0 {
                Cache::Unsupported(why) => assert!(why.contains(key), "{why}"),
                other => panic!("{params}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_redis_url_parameter_is_said_to_be_ignored() {
        let (_, warnings) = chosen(
            "litellm_settings: {cache: true, cache_params: {type: redis, host: h, redis_url: u}}\n",
        );
        assert!(warnings[0].contains("redis_url"), "{warnings:?}");
    }
}
