//! The whole way from files and variables to a configuration.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test may

mod backend;
mod checks;
mod errors;
mod etcd;
mod examples;
mod garbage;
mod hostile;
mod litellm;
mod money;
mod order;
mod probing;
mod redis_of_litellm;
mod show;
mod wire;

use std::collections::BTreeMap;

use watchkeeper_config::{
    BackendKind, Config, ConfigError, Inputs, Loaded, RedisAddress, RedisSettings, load,
};

/// The least that makes a file whole.
const CHECK: &str =
    "[[checks]]\nname = \"m\"\nmodel = \"openai/m\"\napi_base = \"http://127.0.0.1:1/v1\"\n";

/// A started pod's surroundings: a folder of files, an environment and flags.
struct World {
    dir: tempfile::TempDir,
    inputs: Inputs,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let inputs = Inputs {
            working_dir: dir.path().to_owned(),
            ..Inputs::default()
        };
        Self { dir, inputs }
    }

    fn toml(text: &str) -> Self {
        Self::new().file("watchkeeper.toml", text)
    }

    fn litellm(text: &str) -> Self {
        let mut world = Self::new().file("proxy_config.yaml", text);
        world.inputs.litellm_config = Some("proxy_config.yaml".into());
        world
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.inputs.env.insert(name.into(), value.into());
        self
    }

    fn flag(mut self, key: &str, value: &str, flag: &str) -> Self {
        let flag = (key.into(), value.into(), flag.into());
        self.inputs.overrides.push(flag);
        self
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        load(&self.inputs)
    }

    fn config(&self) -> Config {
        self.load().unwrap().config
    }

    fn warnings(&self) -> Vec<String> {
        self.load().unwrap().warnings
    }

    fn origins(&self) -> BTreeMap<String, String> {
        self.load().unwrap().origins
    }

    /// The one message of a refusal; it names every one of `parts`.
    fn refused(&self, parts: &[&str]) -> String {
        let error = match self.load() {
            Ok(loaded) => panic!("was taken: {:?}", loaded.config),
            Err(error) => error.to_string(),
        };
        for part in parts {
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
        assert!(!error.contains('\n'), "{error}");
        error
    }
}

fn millis(millis: u64) -> std::time::Duration {
    std::time::Duration::from_millis(millis)
}

/// The Redis of a world that has one.
fn redis(world: &World) -> RedisSettings {
    match world.config().backend.kind {
        BackendKind::Redis(settings) => settings,
        other => panic!("{other:?}"),
    }
}

/// Where a Redis is, on one line, secrets included.
fn address(settings: &RedisSettings) -> String {
    match &settings.address {
        RedisAddress::Url(url) => url.expose().to_owned(),
        RedisAddress::Host(server) => server.to_string(),
        RedisAddress::Unix(path) => format!("unix {}", path.display()),
        RedisAddress::Cluster(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
            format!("cluster {}", nodes.join(" "))
        }
        RedisAddress::Sentinel(sentinel) => {
            let nodes: Vec<String> = sentinel.nodes.iter().map(ToString::to_string).collect();
            let mut line = format!("sentinel {} {}", sentinel.master, nodes.join(" "));
            if let (Some(user), Some(password)) = (&sentinel.username, &sentinel.password) {
                line.push_str(&format!(" {user}:{}", password.expose()));
            }
            line
        }
    }
}
