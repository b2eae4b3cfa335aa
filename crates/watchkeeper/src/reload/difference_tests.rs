use watchkeeper_config::Inputs;

use super::*;

const CHECKS: &str =
    "[{name=\"a\", model=\"openai/a\", api_key=\"k1\"}, {name=\"b\", tcp=\"127.0.0.1:1\"}]";

fn config(set: &[(&str, &str)]) -> Config {
    let mut overrides: Vec<_> = [("checks", CHECKS)]
        .iter()
        .chain(set)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned(), "--set".to_owned()))
        .collect();
    // The last of a key counts.
    overrides.reverse();
    overrides.sort_by(|a, b| a.0.cmp(&b.0));
    overrides.dedup_by(|a, b| a.0 == b.0);
    let inputs = Inputs {
        overrides,
        working_dir: "/nonexistent".into(),
        ..Inputs::default()
    };
    watchkeeper_config::load(&inputs).unwrap().config
}

fn between(old: &[(&str, &str)], new: &[(&str, &str)]) -> Difference {
    Difference::between(&config(old), config(new)).unwrap()
}

#[test]
fn the_same_configuration_changes_nothing() {
    let same = between(&[], &[]);
    assert!(!same.changes_anything());
    assert_eq!(same.restart_needed, [""; 0]);
}

#[test]
fn each_setting_takes_effect_or_waits_for_a_restart_and_is_named() {
    let live = [
        ("coordination.background", "false"),
        ("coordination.interval", "7s"),
        ("coordination.lock_ttl", "30s"),
        ("coordination.cache_ttl", "7m"),
        ("coordination.lock_scope", "check"),
        ("coordination.jitter", "0.2"),
        ("probe.concurrency", "3"),
        ("probe.timeout", "3s"),
        ("probe.healthy_after", "2"),
        ("probe.unhealthy_after", "2"),
        ("probe.spread", "1s"),
        ("probe.probe", "free"),
        ("probe.intervals.inference", "1h"),
        ("probe.healthy_outcomes", "[\"rate_limited\"]"),
        ("probe.ca", "/x.pem"),
        ("probe.proxy", "false"),
        ("probe.headers", "{x-team=\"t\"}"),
        ("probe.providers", "{openai={concurrency=1}}"),
        ("http.api_keys", "[\"k\"]"),
        ("http.allow_anonymous", "true"),
        ("http.metrics_auth", "true"),
        ("log.level", "debug"),
        ("litellm.details", "false"),
    ];
    let fixed = [
        ("fleet.name", "other"),
        ("fleet.secret", "s"),
        ("fleet.pod_id", "p"),
        ("coordination.enabled", "false"),
        ("backend.timeout", "400ms"),
        ("http.listen", "127.0.0.1:9"),
        ("http.drain", "3s"),
        ("log.format", "json"),
    ];
    let old = config(&[]);
    for (key, value) in live {
        let found = between(&[], &[(key, value)]);
        assert_eq!(found.restart_needed, [""; 0], "{key}");
        assert!(found.settings.contains(&key), "{key}: {:?}", found.settings);
        assert!(found.changes_anything());
    }
    for (key, value) in fixed {
        let found = between(&[], &[(key, value)]);
        assert_eq!(found.restart_needed, [key]);
        assert_eq!(found.settings, [""; 0], "{key}");
        assert_eq!(found.effective, old, "{key}");
    }
}

#[test]
fn another_store_waits_for_a_restart_whatever_it_is() {
    let redis = ("backend.redis.host", "h");
    for (old, new, expected) in [
        (vec![], vec![redis], "backend.kind"),
        (
            vec![redis],
            vec![("backend.redis.host", "g")],
            "backend.redis",
        ),
        (
            vec![redis],
            vec![redis, ("backend.redis.password", "p")],
            "backend.redis",
        ),
        (
            vec![("backend.etcd.endpoints", "http://e:1")],
            vec![("backend.etcd.endpoints", "http://f:1")],
            "backend.etcd",
        ),
    ] {
        let found = between(&old, &new);
        assert_eq!(found.restart_needed, [expected]);
        assert_eq!(found.effective.backend, config(&old).backend);
    }
}

#[test]
fn a_lock_ttl_that_fits_the_new_store_timeout_only_waits_with_it() {
    let new = [
        ("backend.timeout", "100ms"),
        ("coordination.lock_ttl", "1s"),
    ];
    let found = between(&[], &new);
    assert_eq!(
        found.restart_needed,
        ["backend.timeout", "coordination.lock_ttl"]
    );
    assert_eq!(found.effective, config(&[]));
}

#[test]
fn checks_are_told_apart_by_their_ids() {
    let new =
        "[{name=\"a\", model=\"openai/a\", api_key=\"k2\"}, {name=\"c\", tcp=\"127.0.0.1:1\"}]";
    let found = between(&[], &[("checks", new)]);
    let ChangedChecks {
        added,
        removed,
        changed,
        ids,
    } = &found.checks;
    assert_eq!((*added, *removed, *changed), (1, 1, 1));
    assert_eq!(
        (&ids.added[..], &ids.removed[..], &ids.changed[..]),
        (
            &["c".to_owned()][..],
            &["b".to_owned()][..],
            &["a".to_owned()][..]
        )
    );
    assert!(!format!("{:?} {:?}", found.checks, found.settings).contains("k2"));
}

#[test]
fn the_last_key_of_a_pod_that_is_open_to_the_network_is_not_taken_away() {
    let open = [
        ("http.listen", "0.0.0.0:4100"),
        ("http.api_keys", "[\"k\"]"),
    ];
    let running = config(&open);
    let why = Difference::between(&running, config(&[])).unwrap_err();
    assert!(
        why.contains("`http.api_keys`") && why.contains("0.0.0.0:4100"),
        "{why}"
    );
    // Said so, it is.
    let anonymous = [
        ("http.listen", "0.0.0.0:4100"),
        ("http.allow_anonymous", "true"),
    ];
    let found = Difference::between(&running, config(&anonymous)).unwrap();
    assert!(found.effective.http.api_keys.is_empty());
}
