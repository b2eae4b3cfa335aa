//! The files in `config/` are what a person copies first.

use std::path::{Path, PathBuf};

use watchkeeper_config::{BackendKind, Config, Inputs, load};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

fn example(file: &str, env: &[(&str, &str)]) -> Config {
    let inputs = Inputs {
        config: Some(folder().join(file)),
        env: env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        ..Inputs::default()
    };
    let loaded = load(&inputs).unwrap();
    assert!(loaded.warnings.is_empty(), "{file}: {:?}", loaded.warnings);
    loaded.config
}

#[test]
fn the_file_with_every_key_says_the_defaults() {
    let mut config = example("watchkeeper.toml", &[("OPENAI_API_KEY", "sk-1")]);
    assert_eq!(config.checks.len(), 3);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("watchkeeper.toml"), crate::CHECK).unwrap();
    let inputs = Inputs {
        working_dir: dir.path().to_owned(),
        ..Inputs::default()
    };
    let mut plain = load(&inputs).unwrap().config;
    config.checks.clear();
    plain.checks.clear();
    // It stands in the file, so somebody wrote it.
    plain.probe.concurrency_is_explicit = true;
    assert_eq!(config, plain);
}

#[test]
fn the_examples_load() {
    let single = example("examples/single.toml", &[("OPENAI_API_KEY", "sk-1")]);
    assert_eq!(
        (single.checks.len(), single.backend.kind),
        (3, BackendKind::Memory)
    );

    let redis = example(
        "examples/redis.toml",
        &[("OPENAI_API_KEY", "k"), ("REDIS_URL", "redis://r/0")],
    );
    assert!(matches!(redis.backend.kind, BackendKind::Redis(_)));
    assert_eq!(redis.checks.len(), 2);

    for (file, variables) in [
        (
            "examples/redis-sentinel.toml",
            &["REDIS_PASSWORD", "SENTINEL_PASSWORD"][..],
        ),
        ("examples/redis-cluster.toml", &["REDIS_PASSWORD"]),
    ] {
        let mut env = vec![("OPENAI_API_KEY", "k")];
        env.extend(variables.iter().map(|variable| (*variable, "pw")));
        let redis = example(file, &env);
        assert!(
            matches!(redis.backend.kind, BackendKind::Redis(_)),
            "{file}"
        );
        assert_eq!(redis.checks.len(), 2);
    }

    let etcd = example(
        "examples/etcd.toml",
        &[
            ("OPENAI_API_KEY", "k"),
            ("ETCD_ENDPOINTS", "http://a:2379,http://b:2379"),
        ],
    );
    assert!(matches!(etcd.backend.kind, BackendKind::Etcd(etcd) if etcd.endpoints.len() == 2));

    let litellm = example(
        "examples/litellm.toml",
        &[
            ("OPENAI_API_KEY", "k"),
            ("SECOND_GATEWAY_KEY", "k"),
            ("LITELLM_MASTER_KEY", "sk-master"),
            ("REDIS_HOST", "redis"),
            ("REDIS_PASSWORD", "pw"),
        ],
    );
    assert_eq!(litellm.checks.len(), 4);
    assert!(litellm.litellm.shares);
    assert!(matches!(litellm.backend.kind, BackendKind::Redis(_)));
    assert_eq!(litellm.http.api_keys.len(), 1);
}
