//! Where Redis is: of several addresses the strongest source's.
//!
//! A source of ours gives one. LiteLLM's file and `REDIS_*` may give several and add to each other; there LiteLLM's own
//! order holds: cluster, URL, sentinels, host.

use watchkeeper_litellm::{Cache, nodes};

use super::super::Resolver;
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::lenient::List;
use crate::raw;

const CLUSTER: &str = "backend.redis.cluster";
const URL: &str = "backend.redis.url";
const SENTINELS: &str = "backend.redis.sentinel.nodes";
const MASTER: &str = "backend.redis.sentinel.master";
const HOST: &str = "backend.redis.host";

/// The keys that say where Redis is.
pub(in super::super) const ADDRESS_KEYS: [&str; 5] = [URL, HOST, SENTINELS, MASTER, CLUSTER];
/// The variables that do.
pub(in super::super) const ADDRESS_VARIABLES: [&str; 4] = [
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_CLUSTER_NODES",
    "REDIS_SENTINEL_NODES",
];

/// LiteLLM's variables for signing in with a token, and what each is for.
const TOKENS: [(&str, &str); 3] = [
    ("REDIS_GCP_SERVICE_ACCOUNT", "a Google service account"),
    ("REDIS_AZURE_AD_TOKEN", "an Azure token"),
    ("REDIS_AWS_IAM_AUTH", "AWS IAM"),
];

/// Where Redis is, as written.
pub(super) enum Place {
    Cluster(Vec<String>),
    Url(String),
    /// Empty where only the primary's name is given.
    Sentinel(Vec<String>),
    Host(String),
}

struct Given {
    key: &'static str,
    rank: Rank,
    place: Place,
}

impl Resolver<'_> {
    /// The address that holds, and how strong its source is; a variable of LiteLLM's counts as its file does.
    pub(super) fn place(&mut self, raw: &raw::Redis) -> Result<Option<(Place, Rank)>, ConfigError> {
        let given = self.given(raw)?;
        let most = given.iter().map(|given| given.rank).max();
        let Some(rank) = most.filter(|rank| *rank > Rank::Litellm) else {
            let place = self.litellms(given)?;
            return Ok(place.map(|place| (place, Rank::Litellm)));
        };
        let mut strongest = given.into_iter().filter(|given| given.rank == rank);
        let first = strongest.next();
        if let (Some(first), Some(second)) = (&first, strongest.next()) {
            return Err(self.invalid(
                second.key,
                format!(
                    "stands beside `{}`, which says where Redis is too: leave one of them out",
                    first.key
                ),
            ));
        }
        Ok(first.map(|given| (given.place, rank)))
    }

    /// What the keys say, in LiteLLM's order; an empty text counts as unset.
    fn given(&self, raw: &raw::Redis) -> Result<Vec<Given>, ConfigError> {
        let list = |key: &str, items: &Option<List>| match items {
            Some(items) => self.listed(key, &items.0),
            None => Ok(Vec::new()),
        };
        let mut out = Vec::new();
        let mut put = |key, place| {
            let rank = self.layers.rank(key);
            out.push(Given { key, rank, place });
        };
        let nodes = list(CLUSTER, &raw.cluster)?;
        if !nodes.is_empty() {
            put(CLUSTER, Place::Cluster(nodes));
        }
        if let Some(url) = &raw.url {
            let url = self.text(URL, &url.0)?;
            if !url.is_empty() {
                put(URL, Place::Url(url));
            }
        }
        let nodes = list(SENTINELS, &raw.sentinel.nodes)?;
        if !nodes.is_empty() {
            put(SENTINELS, Place::Sentinel(nodes));
        } else if raw.sentinel.master.is_some() {
            put(MASTER, Place::Sentinel(nodes));
        }
        if let Some(host) = &raw.host {
            let host = self.text(HOST, &host.0)?;
            if !host.is_empty() {
                put(HOST, Place::Host(host));
            }
        }
        Ok(out)
    }

    /// The address that LiteLLM's clients would take, from its file and the variables.
    fn litellms(&mut self, given: Vec<Given>) -> Result<Option<Place>, ConfigError> {
        if let Some(file) = self.litellm
            && let Cache::Unusable(why) = &file.cache
        {
            return Err(ConfigError::Litellm {
                file: file.name.clone(),
                why: why.clone(),
            });
        }
        self.refuse_tokens()?;
        let (mut cluster, mut url, mut sentinel, mut host) = (None, None, None, None);
        let mut target_is_named = false;
        for given in given {
            target_is_named |= !matches!(given.key, URL | MASTER);
            match given.place {
                Place::Cluster(_) => cluster = Some(given.place),
                Place::Url(_) => url = Some(given.place),
                Place::Sentinel(_) => sentinel = Some(given.place),
                Place::Host(_) => host = Some(given.place),
            }
        }
        if let Some(cluster) = cluster {
            return Ok(Some(cluster));
        }
        if let Some(json) = self.filled_text("cluster", "REDIS_CLUSTER_NODES") {
            let nodes = nodes::cluster(&json).map_err(|why| self.invalid(CLUSTER, why))?;
            return Ok(Some(Place::Cluster(nodes)));
        }
        if url.is_none() && !target_is_named {
            url = self.filled_text("url", "REDIS_URL").map(Place::Url);
        }
        if let Some(url) = url {
            return Ok(Some(url));
        }
        let lacks_nodes = match &sentinel {
            Some(Place::Sentinel(nodes)) => nodes.is_empty(),
            _ => true,
        };
        if lacks_nodes
            && let Some(json) = self.filled_text("sentinel.nodes", "REDIS_SENTINEL_NODES")
        {
            let nodes = nodes::sentinels(&json).map_err(|why| self.invalid(SENTINELS, why))?;
            return Ok(Some(Place::Sentinel(nodes)));
        }
        if let Some(sentinel) = sentinel {
            return Ok(Some(sentinel));
        }
        if host.is_none() {
            host = self.filled_text("host", "REDIS_HOST").map(Place::Host);
        }
        Ok(host)
    }

    /// Where LiteLLM's own settings are used, one of them may ask for a token in place of the password.
    fn refuse_tokens(&self) -> Result<(), ConfigError> {
        for (variable, what) in TOKENS {
            let value = self.redis_variable(variable);
            let asked = value.is_some_and(|value| nodes::asks_for_token(variable, &value));
            if asked {
                return Err(ConfigError::Invalid {
                    origin: variable.to_owned(),
                    key: "backend.redis".to_owned(),
                    why: format!("cannot sign in with {what}: {}", nodes::INSTEAD_OF_TOKEN),
                });
            }
        }
        Ok(())
    }
}
