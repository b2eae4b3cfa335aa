//! Files that were made to do harm, and files that went wrong in one place: refused in bounded time and words, and what
//! is said repeats no secret.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::World;

/// No file of a megabyte takes longer, on the slowest machine.
const LONGEST: Duration = Duration::from_secs(5);
/// A message is a line that a person reads.
const MAX_MESSAGE_CHARS: usize = 2_000;

/// Stands wherever a secret may stand, and nowhere else.
const HUSH: &str = "hush-7f3a91c0d2";

/// What is said of a world: a refusal, or what is shown of the configuration. In time, in one line, without the secret.
#[allow(clippy::disallowed_methods)] // a real limit
fn said(world: &World) -> String {
    let begun = Instant::now();
    let lines = match world.load() {
        Err(error) => vec![error.to_string()],
        Ok(loaded) => {
            let printed = format!("{:?}\n{}", loaded.config, loaded.show());
            assert!(!printed.contains(HUSH), "{printed}");
            loaded.warnings
        }
    };
    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    for line in &lines {
        assert!(!line.contains(HUSH), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        let length = line.chars().count();
        assert!(length <= MAX_MESSAGE_CHARS, "{length} characters");
    }
    lines.join("\n")
}

const LITELLM: &str = "model_list:
- model_name: gpt-4
  litellm_params: {model: openai/gpt-4o, api_key: hush-7f3a91c0d2, api_base: 'https://u:hush-7f3a91c0d2@h/v1'}
  model_info: {id: a, mode: chat, health_check_timeout: 5}
litellm_settings:
  cache: true
  cache_params: {type: redis, host: h, port: 6379, password: hush-7f3a91c0d2}
general_settings: {master_key: hush-7f3a91c0d2, health_check_interval: 300}
environment_variables: {REDIS_PASSWORD: hush-7f3a91c0d2}
";

const TOML: &str = r#"[fleet]
name = "f"
secret = "hush-7f3a91c0d2"
[coordination]
interval = "5m"
[backend]
kind = "redis"
[backend.redis]
url = "redis://u:hush-7f3a91c0d2@h:1/2"
[http]
listen = "127.0.0.1:0"
api_keys = ["hush-7f3a91c0d2"]
[[checks]]
name = "m"
model = "openai/m"
api_key = "hush-7f3a91c0d2"
"#;

/// The file with one byte more, less or other, outside the secret.
fn damaged(text: &'static str) -> impl Strategy<Value = String> {
    let byte = prop_oneof![
        proptest::sample::select("{}[]\"':,=#&*!|>-%\n \t~\\".chars().collect::<Vec<_>>()),
        any::<char>()
    ];
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), 0..3, byte), 1..4);
    edits.prop_map(|edits| {
        let mut pieces: Vec<String> = text.split(HUSH).map(str::to_owned).collect();
        for (index, how, byte) in edits {
            let piece = index.index(pieces.len());
            let mut chars: Vec<char> = pieces[piece].chars().collect();
            let at = index.index(chars.len() + 1);
            match (how, chars.get_mut(at)) {
                (0, Some(place)) => *place = byte,
                (1, Some(_)) => {
                    chars.remove(at);
                }
                _ => chars.insert(at, byte),
            }
            pieces[piece] = chars.into_iter().collect();
        }
        pieces.join(HUSH)
    })
}

/// Any tree; as JSON it is YAML too.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        proptest::sample::select(vec![
            "openai/x",
            "os.environ/HUSH",
            "redis",
            "5m",
            "chat",
            "*"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let key = prop_oneof![
            proptest::sample::select(KEYS.to_vec()).prop_map(str::to_owned),
            ".{0,8}"
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

const KEYS: &[&str] = &[
    "model_list",
    "model_name",
    "litellm_params",
    "model_info",
    "model",
    "id",
    "api_key",
    "api_base",
    "general_settings",
    "litellm_settings",
    "router_settings",
    "environment_variables",
    "cache",
    "cache_params",
    "type",
    "host",
    "port",
    "include",
    "health_check_interval",
    "checks",
    "name",
    "http",
    "tcp",
    "backend",
    "redis",
    "url",
    "probe",
    "coordination",
    "interval",
    "fleet",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn a_litellm_file_with_a_mistake_is_told_of_without_its_secrets(text in damaged(LITELLM)) {
        said(&World::litellm(&text));
    }

    #[test]
    fn a_toml_file_with_a_mistake_is_told_of_without_its_secrets(text in damaged(TOML)) {
        said(&World::toml(&text));
    }

    #[test]
    fn any_tree_is_a_litellm_file_or_none(mut tree in tree(), list in tree()) {
        if let Some(map) = tree.as_object_mut() {
            map.insert("model_list".to_owned(), list);
        }
        said(&World::litellm(&tree.to_string()).env("HUSH", HUSH));
    }

    #[test]
    fn any_tree_is_a_toml_file_or_none(tree in tree()) {
        // What TOML has no word for, nulls, is left out.
        if let Ok(text) = toml_of(&tree) {
            said(&World::toml(&text).env("HUSH", HUSH));
        }
    }

    #[test]
    fn any_variables_are_a_configuration_or_none(
        pairs in proptest::collection::vec(("[A-Z_a-z.0-9]{0,24}", ".{0,24}"), 0..5),
    ) {
        let mut world = World::toml(TOML);
        for (name, value) in pairs {
            world = world.env(&format!("WATCHKEEPER__{name}"), &value).env(&name, &value);
        }
        said(&world);
    }
}

fn toml_of(tree: &Value) -> Result<String, ()> {
    fn inline(value: &Value) -> Option<String> {
        Some(match value {
            Value::Null => return None,
            Value::Array(list) => {
                let list: Vec<_> = list.iter().filter_map(inline).collect();
                format!("[{}]", list.join(", "))
            }
            Value::Object(map) => {
                let pairs: Vec<_> = map
                    .iter()
                    .filter_map(|(key, value)| {
                        Some(format!(
                            "{} = {}",
                            Value::from(key.as_str()),
                            inline(value)?
                        ))
                    })
                    .collect();
                format!("{{ {} }}", pairs.join(", "))
            }
            other => other.to_string(),
        })
    }
    let map = tree.as_object().ok_or(())?;
    let lines = map
        .iter()
        .filter_map(|(key, value)| {
            Some(format!(
                "{} = {}",
                Value::from(key.as_str()),
                inline(value)?
            ))
        })
        .collect::<Vec<_>>();
    Ok(lines.join("\n"))
}

#[test]
fn references_that_multiply_are_refused_in_time() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..30 {
        let before = format!("*a{}, ", n - 1).repeat(10);
        text.push_str(&format!("a{n}: &a{n} [{before}]\n"));
    }
    text.push_str("model_list: *a29\n");
    let error = said(&World::litellm(&text));
    assert!(error.contains("proxy_config.yaml"), "{error}");
}

#[test]
fn files_that_include_each_other_come_to_an_end() {
    let world = World::litellm("include: [more.yaml]\n")
        .file("more.yaml", "include: [proxy_config.yaml, more.yaml]\n");
    said(&world);
    let mut world = World::litellm("include: [f0.yaml]\n");
    for n in 0..100 {
        world = world.file(
            &format!("f{n}.yaml"),
            &format!("include: [f{}.yaml]\n", n + 1),
        );
    }
    said(&world);
}

#[test]
fn a_huge_word_is_not_repeated_whole() {
    let huge = "x".repeat(1_000_000);
    for text in [
        format!("[coordination]\n{huge} = 1\n"),
        format!("[coordination]\ninterval = \"{huge}\"\n"),
        format!("[[checks]]\nname = \"{huge}\"\nmodel = \"openai/m\"\n"),
        format!("[[checks]]\nname = \"m\"\nmodel = \"{huge}\"\n"),
        format!("[http]\nlisten = \"{huge}\"\n{}", crate::CHECK),
    ] {
        said(&World::toml(&text));
    }
    let error = said(&World::toml(&format!("{huge} = 1\n")));
    assert!(
        error.contains("watchkeeper.toml, line 1: unknown key `xxx"),
        "{error}"
    );
    said(&World::toml(crate::CHECK).env(&format!("WATCHKEEPER__{huge}"), "1"));
    said(&World::toml(crate::CHECK).env("WATCHKEEPER__HTTP__LISTEN", &huge));
    for text in [
        format!("{huge}: 1\n"),
        format!("model_list: [{{model_name: m, litellm_params: {{model: {huge}}}}}]\n"),
        format!("model_list: {huge}\n"),
        format!("general_settings: {{health_check_interval: {huge}}}\nmodel_list: []\n"),
        format!("include: [{huge}]\n"),
        format!("a: &{huge} b\nc: *{huge}y\n"),
    ] {
        said(&World::litellm(&text));
    }
}

#[test]
fn thousands_of_keys_are_read_in_time() {
    let mut text = String::from("model_list:\n");
    for n in 0..1_000 {
        text.push_str(&format!(
            "- {{model_name: m{n}, litellm_params: {{model: openai/m, api_key: k, x{n}: 1}}}}\n"
        ));
    }
    let world = World::litellm(&text);
    said(&world);
    assert_eq!(world.config().checks.len(), 1_000);
    let keys: String = (0..5_000).map(|n| format!("k{n} = 1\n")).collect();
    let error = said(&World::toml(&keys));
    assert!(error.contains("unknown key"), "{error}");
}

#[test]
fn no_value_moves_the_cursor_of_who_reads_the_message() {
    for value in ["127.0.0.1\\u001b[2J", "1\\t2", "1\\n2", "1\\r2"] {
        let text = format!("[http]\nlisten = \"{value}\"\n{}", crate::CHECK);
        assert!(said(&World::toml(&text)).contains("must be an address"));
        let text = format!("general_settings: {{health_check_interval: \"{value}\"}}\n");
        said(&World::litellm(&text));
    }
}
