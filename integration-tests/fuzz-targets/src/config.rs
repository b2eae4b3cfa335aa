//! Configuration files, alone and over each other, with variables.
//!
//! An input is several texts between lines of `%%`: the file in question, then what goes with it.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use watchkeeper_config::{Inputs, load};

/// The value of every secret variable. Nothing that is shown to people may repeat it.
const HUSH: &str = "hush-7f3a91c0d2";

const SECRET_VARIABLES: [&str; 5] = [
    "HUSH",
    "OPENAI_API_KEY",
    "LITELLM_MASTER_KEY",
    "REDIS_PASSWORD",
    "FLEET_SECRET",
];

/// The longest message: one line that a person reads.
const MAX_MESSAGE: usize = 2_000;

const LITELLM_FILE: &str = "proxy_config.yaml";
const TOML_FILE: &str = "watchkeeper.toml";
/// What either may include or refer to.
const THIRD_FILE: &str = "more.yaml";

thread_local! {
    static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

pub(crate) fn litellm(input: &[u8]) {
    let mut parts = parts(input);
    let file = parts.next().unwrap_or_default();
    let more = parts.next();
    let env = parts.next().unwrap_or_default();
    run(Some(file), None, more, env);
}

pub(crate) fn toml(input: &[u8]) {
    let mut parts = parts(input);
    let file = parts.next().unwrap_or_default();
    let env = parts.next().unwrap_or_default();
    let litellm = parts.next();
    run(litellm, Some(file), None, env);
}

fn parts(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LINE: &[u8] = b"\n%%\n";
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let text = rest?;
        let at = text.windows(LINE.len()).position(|window| window == LINE);
        let (part, after) = match at {
            Some(at) => (&text[..at], Some(&text[at + LINE.len()..])),
            None => (text, None),
        };
        rest = after;
        Some(part)
    })
}

fn run(litellm: Option<&[u8]>, toml: Option<&[u8]>, more: Option<&[u8]>, env: &[u8]) {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder"));
        let folder = folder.path();
        put(folder, LITELLM_FILE, litellm);
        put(folder, TOML_FILE, toml);
        put(folder, THIRD_FILE, more);
        // Who refers to a variable may do so where everybody sees it, as in a check's name: then it is no secret. That
        // one in its place is kept is tested beside the loader.
        let texts = [litellm, toml, more, Some(env)];
        let named = |name: &str| {
            let mut texts = texts.iter().copied().flatten();
            texts.any(|text| text.windows(name.len()).any(|w| w == name.as_bytes()))
        };
        let hidden = !SECRET_VARIABLES.into_iter().any(named);
        let inputs = Inputs {
            env: variables(env),
            litellm_config: litellm.map(|_| LITELLM_FILE.into()),
            working_dir: folder.to_owned(),
            ..Inputs::default()
        };
        look_at(&inputs, hidden);
    });
}

fn put(folder: &Path, name: &str, text: Option<&[u8]>) {
    let path = folder.join(name);
    match text {
        Some(text) => std::fs::write(path, text).expect("the folder takes files"),
        None => {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn variables(text: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(text);
    let given = text.lines().filter_map(|line| line.split_once('='));
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let secret = SECRET_VARIABLES.map(|name| (name.to_owned(), HUSH.to_owned()));
    given.chain(secret).collect()
}

fn look_at(inputs: &Inputs, hidden: bool) {
    let keeps = |text: &str| assert!(!hidden || !text.contains(HUSH), "{text}");
    match load(inputs) {
        Err(error) => {
            let text = error.to_string();
            is_a_line(&text);
            keeps(&text);
        }
        Ok(loaded) => {
            assert!(loaded.warnings.len() <= 101);
            for line in &loaded.warnings {
                is_a_line(line);
                keeps(line);
            }
            keeps(&format!("{:?}", loaded.config));
            keeps(&loaded.show());
            // What runs and what is only looked at must not differ in whether it loads.
            let without = Inputs {
                without_store: true,
                without_secrets: true,
                ..inputs.clone()
            };
            assert!(load(&without).is_ok(), "loads with a store only");
        }
    }
}

/// Words for people: one line, of bounded length.
fn is_a_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let length = text.chars().count();
    assert!(length <= MAX_MESSAGE, "{length} characters: {text}");
    assert!(!text.is_empty());
}

pub(crate) fn litellm_seeds() -> Vec<Vec<u8>> {
    let whole = "model_list:\n- model_name: gpt-4\n  litellm_params: {model: openai/gpt-4o, api_key: os.environ/HUSH, api_base: 'https://h/v1', rpm: 1}\n  model_info: {id: a, mode: chat, health_check_timeout: 5, health_check_model: openai/x}\n\
        litellm_settings:\n  cache: true\n  cache_params: {type: redis, host: os.environ/REDIS_HOST, port: 6379, password: os.environ/REDIS_PASSWORD, namespace: n, ssl: no}\n  set_verbose: yes\n\
        general_settings: {master_key: os.environ/LITELLM_MASTER_KEY, background_health_checks: true, health_check_interval: 300, use_shared_health_check: true, health_check_details: false, store_model_in_db: false, background_health_check_model_groups: [gpt-4]}\n\
        environment_variables: {REDIS_HOST: localhost, A: os.environ/B}\nrouter_settings: {redis_host: h, redis_port: '1'}\n";
    let texts = [
        whole.to_owned(),
        "include: [more.yaml]\nmodel_list: []\n%%\nmodel_list:\n- model_name: m\n  litellm_params: {model: openai/m, api_key: k}\n%%\nREDIS_HOST=h".to_owned(),
        "include: [proxy_config.yaml, more.yaml]\n%%\ninclude: [proxy_config.yaml, more.yaml]".to_owned(),
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nmodel_list: [{model_name: *a, litellm_params: {<<: {model: openai/x}, <<: [*c]}}]".to_owned(),
        "model_list:\n- {model_name: 010, litellm_params: {model: 1e3, api_key: ~, timeout: 1:30, x: 0x_f, y: .inf, z: 2024-01-02 03:04:05 +1}}\n".to_owned(),
        "%YAML 1.1\n---\nmodel_list:\n  - model_name: |\n      a\n    litellm_params: !!map\n      model: >-\n        openai/\n        x\n      ? api_key\n      : \"a\\x41\\u263a\"\n...\n".to_owned(),
        "model_list: [{model_name: '*', litellm_params: {model: azure/x, api_version: v}}, {model_name: b, litellm_params: {model: bedrock/b}}, {}, 1, null]".to_owned(),
        "{".repeat(300),
        "- ".repeat(300),
    ];
    texts.map(String::into_bytes).to_vec()
}

pub(crate) fn toml_seeds() -> Vec<Vec<u8>> {
    let check = "[[checks]]\nname = \"m\"\nmodel = \"openai/m\"\napi_key = \"env:HUSH\"\n";
    let texts = [
        check.to_owned(),
        format!(
            "[fleet]\nname = \"f\"\nsecret = \"env:FLEET_SECRET\"\npod_id = \"p\"\n[coordination]\ninterval = \"5m\"\nlock_ttl = \"60s\"\ncache_ttl = 300\nlock_scope = \"check\"\njitter = 0.05\n\
             [backend]\nkind = \"redis\"\ntimeout = \"500ms\"\n[backend.redis]\nurl = \"redis://u:p@h:1/2\"\n[probe]\nconcurrency = 16\nspread = 0\ntimeout = \"1s\"\nhealthy_after = 2\n{check}"
        ),
        format!(
            "[http]\nlisten = \"0.0.0.0:1\"\napi_keys = [\"env:HUSH\"]\nallow_anonymous = true\ndrain = \"10s\"\n[log]\nlevel = \"debug\"\nformat = \"json\"\n{check}"
        ),
        "checks = [{ name = \"a\", http = \"https://u:p@h/x?y=z\" }, { name = \"b\", tcp = \"[::1]:1\" }]".to_owned(),
        format!("{check}\n%%\nWATCHKEEPER__HTTP__LISTEN=127.0.0.1:0\nREDIS_URL=redis://h\nREDIS_PORT=tcp://1\nDEFAULT_SHARED_HEALTH_CHECK_TTL=x\nUSE_SHARED_HEALTH_CHECK=true"),
        "[litellm]\nconfig = \"proxy_config.yaml\"\n\n%%\n\n%%\nmodel_list: [{model_name: m, litellm_params: {model: openai/m, api_key: k}}]".to_owned(),
        "[backend.redis]\nhost = \"h\"\nport = 1\ntls = { ca = \"more.yaml\", cert = \"c\", key = \"k\" }\nsentinel = { master = \"m\", nodes = [] }".to_owned(),
        "a.b.c.d = [[[{x=1}]]]\nb = 1979-05-27T07:32:00Z\nc = '''\nx'''".to_owned(),
    ];
    texts.map(String::into_bytes).to_vec()
}
