//! Which Redis a LiteLLM file names, if any (LiteLLM 1.106.2, `init_cache` and `_redis.py`).

use serde_json::Value;

use crate::nodes;
use crate::python::{str_of, to_json};
use crate::yaml::{Node, Yaml};

/// What the file says about a cache.
#[derive(Debug)]
pub enum Cache {
    /// Nothing that could coordinate.
    None,
    /// Redis: our key, its value (a list is joined by commas) and the key in the file.
    Redis(Vec<(&'static str, String, String)>),
    /// A Redis that cannot be used, by LiteLLM either or by us: why, with the remedy.
    Unusable(String),
}

/// LiteLLM's names for what we know under another one.
const RENAMED: [(&str, &str); 13] = [
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
    ("service_name", "backend.redis.sentinel.master"),
    ("sentinel_password", "backend.redis.sentinel.password"),
];

/// Where a Redis is named that is no cache.
const COORDINATION: &str = "general_settings.coordination_redis";
/// One of these has to stand there.
const TARGETS: [&str; 4] = ["host", "url", "startup_nodes", "sentinel_nodes"];
/// Keys by which LiteLLM signs in with a token, and what each is for.
const TOKENS: [(&str, &str); 3] = [
    ("gcp_service_account", "a Google service account"),
    ("azure_redis_ad_token", "an Azure token"),
    ("aws_iam_auth", "AWS IAM"),
];

/// Reads a list of servers.
type Reader = fn(&Value) -> Result<Vec<String>, String>;

/// Reads `general_settings.coordination_redis`, else `litellm_settings.cache` and `cache_params`.
pub(super) fn choose(root: &Node, warnings: &mut Vec<String>) -> Cache {
    let coordination = root
        .get("general_settings")
        .and_then(|general| general.get_set("coordination_redis"));
    if let Some(params) = coordination {
        return redis(COORDINATION, params, warnings);
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
    let is_block = place == COORDINATION;
    if !params.is_map() {
        return Cache::Unusable(format!(
            "line {}: `{place}` must be a mapping, not {}",
            params.line,
            params.kind()
        ));
    }
    let set = |key: &str| params.get_set(key);
    if is_block && !TARGETS.iter().any(|key| set(key).is_some()) {
        return Cache::Unusable(format!(
            "line {}: `{place}` names no Redis: set one of `host`, `url`, `startup_nodes` and `sentinel_nodes` in it",
            params.line
        ));
    }
    for (key, what) in TOKENS {
        if set(key).is_some_and(|node| nodes::asks_for_token(key, &str_of(node))) {
            return Cache::Unusable(format!(
                "`{place}.{key}`: cannot sign in with {what}: {}",
                nodes::INSTEAD_OF_TOKEN
            ));
        }
    }
    warn_of_ignored(place, params, warnings);
    let mut out = Vec::new();
    for (theirs, ours) in RENAMED {
        if let Some(node) = set(theirs) {
            let text = str_of(node);
            if !text.is_empty() {
                out.push((ours, text, format!("{place}.{theirs}")));
            }
        }
    }
    // In `cache_params` both names work, and the second one wins.
    let startup = ["startup_nodes", "redis_startup_nodes"].into_iter();
    let startup = startup.filter(|key| !(is_block && key.starts_with("redis_")));
    let lists: [(Vec<&str>, Reader, &str); 2] = [
        (
            startup.collect(),
            nodes::cluster_of,
            "backend.redis.cluster",
        ),
        (
            vec!["sentinel_nodes"],
            nodes::sentinels_of,
            "backend.redis.sentinel.nodes",
        ),
    ];
    for (keys, read, ours) in lists {
        let mut given = keys.iter().filter_map(|key| Some((*key, params.get(key)?)));
        // An empty list is as none.
        let Some((theirs, node)) = given.find(|(_, node)| node.truthy()) else {
            continue;
        };
        match read(&to_json(node)) {
            Ok(servers) => out.push((ours, servers.join(","), format!("{place}.{theirs}"))),
            Err(why) => {
                return Cache::Unusable(format!("line {}: `{place}.{theirs}` {why}", node.line));
            }
        }
    }
    Cache::Redis(out)
}

fn warn_of_ignored(place: &str, params: &Node, warnings: &mut Vec<String>) {
    let truthy = |key: &str| params.get(key).is_some_and(|node| node.truthy());
    if truthy("redis_url") {
        warnings.push(format!(
            "`{place}.redis_url` is no cache parameter and is ignored, as LiteLLM does: write `url`"
        ));
    }
    if place == COORDINATION && truthy("redis_startup_nodes") {
        warnings.push(format!(
            "`{place}.redis_startup_nodes` is ignored, as LiteLLM does: write `startup_nodes` there"
        ));
    }
    let unchecked = |key: &str, words: [&str; 2]| {
        let text = params
            .get_set(key)
            .map(|node| str_of(node).to_ascii_lowercase());
        text.is_some_and(|text| words.contains(&text.as_str()))
    };
    for (key, words) in [
        ("ssl_cert_reqs", ["none", "cert_none"]),
        ("ssl_check_hostname", ["false", "0"]),
    ] {
        if unchecked(key, words) {
            warnings.push(format!(
                "`{place}.{key}` is ignored: the server's certificate is always verified; name its authority in \
                 `ssl_ca_certs`, and the name that it carries, if that is another than the host's, in \
                 `backend.redis.tls.server_name`"
            ));
        }
    }
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
                ("backend.redis.host", "h".into()),
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

    fn cached(params: &str) -> (Cache, Vec<String>) {
        chosen(&format!(
            "litellm_settings: {{cache: true, cache_params: {{type: redis, {params}}}}}\n"
        ))
    }

    fn coordination(params: &str) -> (Cache, Vec<String>) {
        chosen(&format!(
            "general_settings: {{coordination_redis: {params}}}\n"
        ))
    }

    #[test]
    fn lists_of_servers_are_read_in_each_spelling() {
        let cluster = "backend.redis.cluster";
        let sentinels = "backend.redis.sentinel.nodes";
        for (params, expected) in [
            (
                "redis_startup_nodes: [{host: a, port: 1}, {host: b, port: '2'}]",
                vec![(cluster, "a:1,b:2")],
            ),
            (
                "startup_nodes: [{host: a, port: 1}]",
                vec![(cluster, "a:1")],
            ),
            (
                "redis_startup_nodes: [{host: a, port: 1}], startup_nodes: [{host: b, port: 2}]",
                vec![(cluster, "b:2")],
            ),
            (
                "redis_startup_nodes: '[{\"host\": \"a\", \"port\": 1}]'",
                vec![(cluster, "a:1")],
            ),
            ("redis_startup_nodes: []", vec![]),
            (
                "sentinel_nodes: [[a, 1], [b, 2]], service_name: s, sentinel_password: p",
                vec![
                    ("backend.redis.sentinel.master", "s"),
                    ("backend.redis.sentinel.password", "p"),
                    (sentinels, "a:1,b:2"),
                ],
            ),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(k, v)| (k, v.to_owned()))
                .collect();
            assert_eq!(values(cached(params).0), Some(expected), "{params}");
        }
        let (cache, warnings) =
            coordination("{host: h, redis_startup_nodes: [{host: a, port: 1}]}");
        assert_eq!(
            values(cache),
            Some(vec![("backend.redis.host", "h".into())])
        );
        assert!(warnings[0].contains("`startup_nodes`"), "{warnings:?}");
    }

    #[test]
    fn what_cannot_be_used_is_named_with_what_to_do() {
        for ((cache, _), parts) in [
            (
                cached("redis_startup_nodes: [hunter22]"),
                ["redis_startup_nodes", "\"port\""],
            ),
            (
                cached("startup_nodes: {a: hunter22}"),
                ["startup_nodes", "a list of nodes"],
            ),
            (
                cached("sentinel_nodes: [[a]], service_name: s"),
                ["sentinel_nodes", "entry 1"],
            ),
            (
                cached("host: h, aws_iam_auth: true"),
                ["aws_iam_auth", "`[backend.redis]`"],
            ),
            (
                cached("host: h, azure_redis_ad_token: 'true'"),
                ["azure_redis_ad_token", "password"],
            ),
            (
                cached("host: h, gcp_service_account: x"),
                ["gcp_service_account", "password"],
            ),
            (
                coordination("{port: 1}"),
                ["coordination_redis", "names no Redis"],
            ),
            (
                coordination("hunter22"),
                ["coordination_redis", "a mapping"],
            ),
        ] {
            let Cache::Unusable(why) = cache else {
                panic!("{parts:?}: {cache:?}")
            };
            for part in parts {
                assert!(why.contains(part), "no {part} in {why}");
            }
            assert!(!why.contains("hunter22"), "{why}");
        }
    }

    #[test]
    fn a_token_that_is_switched_off_is_none() {
        for params in [
            "aws_iam_auth: 'false'",
            "azure_redis_ad_token: no",
            "gcp_service_account: ''",
        ] {
            let (cache, _) = cached(&format!("host: h, {params}"));
            assert!(matches!(cache, Cache::Redis(_)), "{params}: {cache:?}");
        }
    }

    #[test]
    fn certificates_that_are_not_to_be_checked_are_checked_all_the_same() {
        for params in ["ssl_cert_reqs: none", "ssl_check_hostname: false"] {
            let (_, warnings) = cached(&format!("host: h, ssl: true, {params}"));
            assert!(
                warnings[0].contains("always verified"),
                "{params}: {warnings:?}"
            );
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
